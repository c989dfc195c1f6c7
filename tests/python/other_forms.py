"""A return in the other forms that it comes in, written naively from an imported one.

COLLECT's export is written from the tags and from what is known of its keys, not from the seed
that the importer reads.
"""

import csv
import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import openpyxl

from sen2 import spec
from sen2.imports import table_return

TABLES = spec.person_level_columns()
KEYS = ("person_id", "request_id", "placement_id")
PARENTS = {
    "person": "sen2",
    "requests": "person",
    "assessment": "requests",
    "named_plan": "assessment",
    "plan_detail": "named_plan",
    "active_plans": "requests",
    "placement_detail": "active_plans",
    "sen_need": "active_plans",
}
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

Row = dict[str, Any]
Edit = Callable[[str, list[list[Any]]], None]


def items(year: int, table: str) -> list[spec.Row]:
    return [row for row in spec.in_force("items", year) if row["table_name"] == table]


def rows_of(warehouse: Path, return_id: str) -> dict[str, list[Row]]:
    """The rows of an imported return, by table."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {
            table: [
                dict(zip(columns, row, strict=True))
                for row in connection.execute(
                    f"select * from imported.{table} where return_id = ? order by all", [return_id]
                ).fetchall()
            ]
            for table, columns in TABLES.items()
        }


def canonical(rows: dict[str, list[Row]]) -> list[Any]:
    """A return without its keys: each row's items, and in order what hangs from it."""

    def bare(row: Row) -> tuple:
        return tuple(
            sorted(
                (name, value)
                for name, value in row.items()
                if name not in KEYS and name != "return_id" and value is not None
            )
        )

    def below(table: str, key: str, value: str) -> list[tuple]:
        return sorted(bare(row) for row in rows[table] if row[key] == value)

    people = []
    for person in rows["person"]:
        requests = []
        for request in rows["requests"]:
            if request["person_id"] == person["person_id"]:
                parts = [
                    below(table, "request_id", request["request_id"])
                    for table in PARENTS
                    if table not in ("person", "requests")
                ]
                requests.append((bare(request), parts))
        people.append((bare(person), sorted(requests)))
    return [[bare(row) for row in rows["sen2"]], sorted(people)]


def collect_day(value: str, item: spec.Row) -> str:
    """A value as COLLECT exports it: dates with the month's name, yes and no as true and false."""
    if item["data_type"] == "date":
        year, month, day = value.split("-")
        return f"{year}-{MONTHS[int(month) - 1]}-{day} 00:00:00"
    if item["data_type"] == "dateTime":
        return collect_day(value[:10], {"data_type": "date"}).replace("00:00:00", value[11:])
    if item["data_type"] == "boolean":
        return {"1": "true", "0": "false"}[value]
    return value.lstrip("0") if item["column_name"] == "serial_no" else value


def write_blade(
    rows: dict[str, list[Row]], year: int, folder: Path, edit: Edit = lambda name, lines: None
) -> Path:
    """COLLECT's export, its columns and rows in an order of no meaning."""
    chance = random.Random(year)
    folder.mkdir()
    numbers: dict[tuple, int] = {}
    count = 0
    for table, found in rows.items():
        name = table.replace("_", "")
        held = items(year, table)
        lines = []
        for row in found:
            keys = tuple(row[key] for key in KEYS if key in TABLES[table])
            count += 1
            own = numbers[table, keys] = 1000 + count
            parent = PARENTS.get(table)
            above = tuple(row[key] for key in KEYS if parent and key in TABLES[parent])
            line = {f"{name}tableid": own, "NativeId": "330", f"{name}orderseqcolumn": len(lines)}
            line["sourceid"] = 7
            if parent:
                line[f"{parent.replace('_', '')}tableid"] = numbers[parent, above]
            for item in held:
                value = row[item["column_name"]]
                line[item["xml_tag"].lower()] = None if value is None else collect_day(value, item)
            lines.append(line)
        headings = [f"{name}tableid", "NativeId", f"{name}orderseqcolumn", "sourceid"]
        if table in PARENTS:
            headings.append(f"{PARENTS[table].replace('_', '')}tableid")
        headings += [item["xml_tag"].lower() for item in held]
        chance.shuffle(headings)
        chance.shuffle(lines)
        content = [headings, *([line.get(heading) for heading in headings] for line in lines)]
        edit(name, content)
        path = folder / f"Blade-Export_31-01-{year}_{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(content)
    return folder


def cell(value: str | None, item: spec.Row) -> Any:
    """A value as a spreadsheet program holds it: numbers as numbers, days as days."""
    if value is None:
        return None
    if item["data_type"] == "date":
        return date.fromisoformat(value)
    if item["data_type"] == "dateTime":
        return (datetime.fromisoformat(value) - datetime(1899, 12, 30)) / timedelta(days=1)
    return float(value) if value.isdigit() else value


def _lines(
    rows: dict[str, list[Row]], year: int, layout: str, part: str, ids: dict[str, int]
) -> list[list[Any]]:
    known = [
        row
        for row in spec.in_force("import_columns", year)
        if (row["layout"], row["part"]) == (layout, part) and row["heading"] != "requestsource"
    ]
    table = known[0]["table_name"]
    held = {item["column_name"]: item for item in items(year, table)}
    lines: list[list[Any]] = [[row["heading"] for row in known]]
    for row in rows[table]:
        line: list[Any] = []
        for column in known:
            key = {"person": "person_id", "requests": "request_id"}.get(column["key_of"])
            if key:
                line.append(float(ids.setdefault(row[key], len(ids) + 1)))
            elif name := column["column_name"]:
                line.append(cell(row[name], held[name]))
            else:
                line.append("x")
        lines.append(line)
    return lines


def write_template(
    rows: dict[str, list[Row]], year: int, path: Path, edit: Edit = lambda name, lines: None
) -> Path:
    """DfE's template: the tables below each other on one sheet, with notes and gaps between."""
    book = openpyxl.Workbook()
    book.active.title = "Guidance"
    sheet = book.create_sheet("Data Entry Template")
    sheet.append(["SEN2 person level"])
    ids: dict[str, int] = {}
    for part in table_return.layout("template"):
        lines = _lines(rows, year, "template", part, ids)
        edit(part, lines)
        sheet.append([])
        sheet.append([part])
        for line in lines:
            sheet.append(line)
        sheet.append([])
    book.save(path)
    return path


def write_pre_submission(
    rows: dict[str, list[Row]], year: int, path: Path, edit: Edit = lambda name, lines: None
) -> Path:
    """The pre-submission workbook: a sheet for each table, and no header."""
    book = openpyxl.Workbook()
    ids: dict[str, int] = {}
    for part in table_return.layout("pre_submission"):
        lines = _lines(rows, year, "pre_submission", part, ids)
        edit(part, lines)
        sheet = book.create_sheet(part)
        for line in lines:
            sheet.append(line)
    book.save(path)
    return path
