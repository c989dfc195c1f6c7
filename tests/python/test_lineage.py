"""Lineage: every cell of the return leads to the cells of the extract that it comes from."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import duckdb
import pytest

from sen2 import spec

from .conftest import YEAR, Built
from .extracts import build_extract

KEYS = ("return_id", "person_id", "request_id", "placement_id")
SOURCE = ("source_table", "file", "row", "source_column")
Cell = tuple[str, str, str]
"""A person level table, a record, a column."""


def rows(warehouse: Path, sql: str) -> list[dict]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(sql)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def record_id(table: str, columns: list[str]) -> str:
    """The SQL of a record's id, as issues and the lineage have it."""
    if table in ("plan_detail", "sen_need"):
        items = ", ".join(f"{name} nulls last" for name in columns if name not in KEYS)
        place = f"row_number() over (partition by request_id order by {items})"
        return f"request_id || '/' || {place}"
    own = {"sen2": "return_id", "person": "person_id", "placement_detail": "placement_id"}
    return own.get(table, "request_id")


@cache
def returned(warehouse: Path) -> dict[Cell, str | None]:
    """Every cell of the built return that its year collects, as text."""
    collected = {(row["table_name"], row["column_name"]) for row in spec.in_force("items", YEAR)}
    return {
        (table, row["record_id"], column): None if value is None else str(value)
        for table, columns in spec.person_level_columns().items()
        for row in rows(
            warehouse,
            f"select *, {record_id(table, columns)} as record_id from person_level.{table}"
            " where return_id = 'built'",
        )
        for column, value in row.items()
        if (table, column) in collected
    }


@cache
def landed(warehouse: Path) -> dict[tuple, str | None]:
    """Every cell of the extract as landed: contract table, file, row, column to its text."""
    return {
        (table, row["_file"], row["_row"], column): value
        for table in spec.contract(YEAR)
        for row in rows(warehouse, f"select * from raw.{table}")
        for column, value in row.items()
    }


@cache
def sources(warehouse: Path) -> dict[Cell, list[dict]]:
    """The lineage of every cell of the built return."""
    found = defaultdict(list)
    for row in rows(warehouse, "select * from audit.lineage where return_id = 'built'"):
        found[row["table_name"], row["record_id"], row["column_name"]].append(row)
    return found


def as_returned(text: str | None, data_type: str) -> str | None:
    """What staging makes of a landed text: blanks are nothing, and so is a date that is none."""
    if text is None or not text.strip(" "):
        return None
    if data_type == "date":
        try:
            return str(date.fromisoformat(text))
        except ValueError:
            return None
    return text


TYPES = {
    (row["table_name"], row["column_name"]): row["data_type"]
    for row in spec.in_force("items", YEAR)
}


def copies_that_differ(warehouse: Path, corrected: dict[tuple, str]) -> list[str]:
    """The copied cells whose value is not that of their source, with the authority's corrections.

    A cell that others decide may be blank where its source is not. Ids only, never a value.
    """
    extract, lineage = landed(warehouse), sources(warehouse)
    faults = []
    for cell, value in returned(warehouse).items():
        copied = [row for row in lineage[cell] if row["how"] == "copied"]
        if not copied:
            continue
        (row,) = copied
        place = tuple(row[name] for name in SOURCE)
        text = corrected.get(place, extract.get(place)) if row["row"] else None
        expected = as_returned(text, TYPES[cell[0], cell[2]])
        may_be_blank = (
            len(lineage[cell]) > 1 or "when it is by the survey day" in row["explanation"]
        )
        if value != expected and not (may_be_blank and value is None):
            faults.append(f"{cell} from {place}")
    return faults


def test_a_copied_cell_is_its_source(built: Built) -> None:
    assert copies_that_differ(built.warehouse, {}) == []


def test_every_cell_has_a_source_or_says_why_not(built: Built) -> None:
    lineage = sources(built.warehouse)
    cells = returned(built.warehouse)
    assert set(lineage) == set(cells)
    from_the_extract = {"copied", "derived", "decides"}
    silent = [
        (cell, row["how"])
        for cell, found in lineage.items()
        for row in found
        if row["row"] is None
        and row["how"] in from_the_extract
        and not row["explanation"].startswith(f"No row of {row['source_table']} belongs")
    ]
    assert silent == []
    unfounded = [
        cell
        for cell, found in lineage.items()
        if cells[cell] is not None
        and all(row["row"] is None and row["how"] in from_the_extract for row in found)
    ]
    assert unfounded == []


def test_a_source_is_a_cell_of_the_extract(built: Built) -> None:
    extract = landed(built.warehouse)
    missing = {
        place
        for found in sources(built.warehouse).values()
        for row in found
        if row["row"] is not None and (place := tuple(row[name] for name in SOURCE)) not in extract
    }
    assert missing == set()


# A correction to one cell of every second person, and everything it changes in the return.

KEY = {"people": "person_id", "plans": "plan_id", "placements": "placement_id"}
PLAN_TABLES = ("plan_settings", "placements", "needs", "reviews")


def changed(text: str, data_type: str, others: list[str], turn: int) -> str:
    """Another value for a cell: a date some weeks off, or the next value that its column holds."""
    if data_type == "date" and text and turn % 4:
        return str(date.fromisoformat(text) + timedelta(days=(-400, -45, 45)[turn % 3]))
    if text and turn % 4 == 0:
        return ""
    found = [value for value in others if value != text]
    return found[turn % len(found)] if found else ""


def corrections(warehouse: Path) -> Iterator[dict]:
    """One correction a person, taking the columns of the contract in turn."""
    tables = {
        table: rows(warehouse, f"select * from raw.{table} order by hash(_row)")
        for table in spec.contract(YEAR)
        if table != "establishments"
    }
    requests = {row["request_id"]: row["person_id"] for row in tables["requests"]}
    plans = {row["plan_id"]: row["person_id"] for row in tables["plans"]}

    def of_parent(row: dict) -> str | None:
        return plans.get(row.get("plan_id")) or requests.get(row.get("request_id"))

    correctable = [
        (row["table_name"], row["column_name"], row["data_type"])
        for row in spec.seed("extract_contract")
        if row["table_name"] in tables and not row["key"]
    ]
    taken: set[str] = set()
    for turn, (table, column, data_type) in enumerate(correctable * 6):
        fresh = [
            (person, row)
            for row in tables[table]
            if (person := row.get("person_id") or of_parent(row)) not in taken
        ]
        if column not in tables[table][0] or not fresh:
            continue
        person, row = next((each for each in fresh if each[1][column]), fresh[0])
        taken.add(person)
        held = row[column] or ""
        others = sorted({row[column] for row in tables[table] if row[column]})
        to = changed(held, data_type, others, turn)
        if to != held:
            yield {
                "person_id": person,
                "place": (table, row["_file"], row["_row"], column),
                "table_name": table,
                "key": row[KEY.get(table, "plan_id" if table in PLAN_TABLES else "request_id")],
                "column_name": column,
                "from": held,
                "to": to,
                "reason": "Synthetic",
                "author": "test",
                "date": "2026-01-01",
            }


@pytest.fixture(scope="module")
def corrected(built: Built, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict]]:
    """The same extract built again with those corrections, and the ones that applied."""
    folder = tmp_path_factory.mktemp("corrected")
    made = list(corrections(built.warehouse))
    with (folder / "overrides.csv").open("w", encoding="utf-8", newline="") as file:
        names = [name for name in made[0] if name not in ("person_id", "place")]
        writer = csv.DictWriter(file, [*names, "expiry"], "", "ignore")
        writer.writeheader()
        writer.writerows(made)
    warehouse = build_extract(
        built.extract, YEAR, folder / "sen2.duckdb", overrides=folder / "overrides.csv"
    )
    applied = {
        row["row"]
        for row in rows(warehouse, "select row from audit.overrides where status = 'applied'")
    }
    return warehouse, [row for number, row in enumerate(made, start=2) if number in applied]


def by_source(warehouse: Path) -> dict[tuple, tuple[str | None, list[dict]]]:
    """The cells by what stays the same: settings and needs by their row, others by their record."""
    lineage = sources(warehouse)
    found = {}
    for cell, value in returned(warehouse).items():
        table, record, column = cell
        (row, *_) = lineage[cell]
        own = (row["file"], row["row"]) if table in ("plan_detail", "sen_need") else record
        found[table, own, column] = (value, lineage[cell])
    return found


def test_what_a_corrected_cell_changes_has_it_for_a_source(
    built: Built, corrected: tuple[Path, list[dict]]
) -> None:
    warehouse, applied = corrected
    places = {row["person_id"]: row["place"] for row in applied}
    assert len(places) > 150
    before, after = by_source(built.warehouse), by_source(warehouse)
    unexplained, reached = [], set()
    for cell in before.keys() & after.keys():
        (was, sources_before), (now, sources_after) = before[cell], after[cell]
        if was == now or cell[0] == "sen2":
            continue
        place = places[sources_after[0]["person_id"]]
        reached.add(place[0] + "." + place[3])
        known = {tuple(row[name] for name in SOURCE) for row in sources_before + sources_after}
        if place not in known:
            unexplained.append(f"{cell} changed with {place}")
    assert unexplained == []
    assert len(reached) > 35


def test_a_corrected_source_names_its_correction(corrected: tuple[Path, list[dict]]) -> None:
    warehouse, applied = corrected
    places = {row["place"] for row in applied}
    wrong = [
        row
        for found in sources(warehouse).values()
        for row in found
        if (tuple(row[name] for name in SOURCE) in places)
        != (row["correction_file"] == "overrides.csv" and row["correction_author"] == "test")
    ]
    assert wrong == []


def test_a_copied_cell_is_its_corrected_source(corrected: tuple[Path, list[dict]]) -> None:
    warehouse, applied = corrected
    assert copies_that_differ(warehouse, {row["place"]: row["to"] for row in applied}) == []
