"""Whatever layout an extract is written in, the mapping that says so lands the same values.

A small extract is drawn, then for every table how it is written: format, encoding, delimiter, order
and spelling of the headings, style of dates and of codes. A mapping is written to match. What lands
is what the contract-shaped files would land: their values as they stand (test_land.py).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sen2 import spec
from sen2.land import headings
from sen2.land.land import land
from sen2.land.mapping import codes, dates
from sen2.settings.config import Config

from .sources import write_json_lines, write_ods, write_parquet, write_text, write_xlsx

YEAR = 2026
CONFIG = Config(la_code="330", extracted_on="2026-01-15")
TABLES = {t: c for t, c in spec.contract(YEAR).items() if t != "establishments"}
CONTRACT = {(r["table_name"], r["column_name"]): r for r in spec.seed("extract_contract")}
BOOKS = {"xlsx": write_xlsx, "ods": write_ods}
DELIMITERS = {"csv": ",", "tsv": "\t", "semicolon.txt": ";", "bar.txt": "|"}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1")
DAYS = st.dates(date(1996, 1, 1), date(2026, 1, 15))
STYLES = [*(name for name in dates.FORMATS if name != "mm/dd/yyyy"), dates.EXCEL, "real"]
EPOCH = date.fromisoformat(dates.EXCEL_EPOCH)
KEYS = st.from_regex(r"0{0,2}[A-Z]?[1-9][0-9]{0,4}", fullmatch=True)
TEXTS = st.from_regex(r"[A-Za-zéöÉß'\"&;,|0-9]{1,6}( [A-Za-zéö,\"]{1,5}){0,2}", fullmatch=True)

Row = dict[str, str]


@dataclass
class Layout:
    """How one table is written: the columns in file order, and how each is told and spelt."""

    kind: str
    encoding: str
    order: list[str]
    headings: dict[str, str]
    spelt: dict[str, str]
    style: str
    crosswalks: dict[str, dict[str, str]] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)
    has_title: bool = False
    has_numbers: bool = False


@st.composite
def extracts(draw: st.DrawFn) -> dict[str, list[Row]]:
    """A few rows of every table, each key given once; blanks where the contract allows them."""
    tables: dict[str, list[Row]] = {}
    for table, columns in TABLES.items():
        keys = draw(st.lists(KEYS, min_size=0 if tables else 1, max_size=3, unique=True))
        tables[table] = [
            {
                column.name: key if place == 0 else draw(values(table, column.name))
                for place, column in enumerate(columns)
            }
            for key in keys
        ]
    return tables


def values(table: str, column: str) -> st.SearchStrategy[str]:
    row = CONTRACT[table, column]
    listed = codes.code_list(table, column, YEAR)
    if listed is not None:
        held = st.sampled_from(sorted(listed.labels))
    elif row["data_type"] == "date":
        held = DAYS.map(date.isoformat)
    elif column.endswith("_id"):
        return KEYS
    else:
        held = TEXTS
    return st.one_of(held, held, st.just(""))


@st.composite
def layouts(draw: st.DrawFn, table: str, rows: list[Row]) -> Layout:
    """One way to write a table."""
    kinds = [*DELIMITERS, *BOOKS, "parquet", *(["jsonl"] if rows else [])]
    kind = draw(st.sampled_from(kinds))
    names = [column.name for column in TABLES[table]]
    told = {name: name.replace("_", " ").title() for name in names}
    styles = [s for s in STYLES if s != "real" or kind in (*BOOKS, "parquet")]
    layout = Layout(
        kind=kind,
        encoding=draw(st.sampled_from(ENCODINGS)),
        order=draw(st.permutations(names)),
        headings=told,
        spelt={name: draw(spellings(heading)) for name, heading in told.items()},
        style=draw(st.sampled_from(styles)),
        has_title=kind in (*DELIMITERS, *BOOKS) and draw(st.booleans()),
        has_numbers=draw(st.booleans()),
    )
    for name in names:
        listed = codes.code_list(table, name, YEAR)
        if listed is not None:
            how = draw(st.sampled_from(["code", "label", "local"]))
            if how == "label":
                layout.labels.add(name)
            elif how == "local":
                layout.crosswalks[name] = {f"is {code.lower()}": code for code in listed.labels}
    return layout


@st.composite
def spellings(draw: st.DrawFn, heading: str) -> str:
    """The heading as somebody else would type it."""
    changed = draw(st.sampled_from([str, str.upper, str.lower]))(heading)
    space = draw(st.sampled_from([" ", "  ", "\u00a0"]))
    return draw(st.sampled_from(["", " "])) + changed.replace(" ", space)


def written(layout: Layout, table: str, column: str, value: str) -> object:
    """A value as the layout writes it."""
    if not value:
        return ""
    if CONTRACT[table, column]["data_type"] == "date":
        day = date.fromisoformat(value)
        if layout.style == "real":
            return datetime(day.year, day.month, day.day)
        if layout.style == dates.EXCEL:
            serial = (day - EPOCH).days
            return serial if layout.kind in BOOKS else str(serial)
        return day.strftime(dates.FORMATS[layout.style][0])
    if column in layout.crosswalks:
        return next(k for k, code in layout.crosswalks[column].items() if code == value)
    listed = codes.code_list(table, column, YEAR)
    if listed is not None and column in layout.labels:
        labels = [headings.fold(label) for label in listed.labels.values()]
        label = listed.labels[value]
        is_plain = headings.fold(label) not in map(headings.fold, listed.labels)
        return label if is_plain and labels.count(headings.fold(label)) == 1 else value
    if listed is not None:
        return value.lower()
    is_number = value.isdigit() and not value.startswith("0")
    return int(value) if is_number and layout.has_numbers and layout.kind in BOOKS else value


def write(folder: Path, table: str, rows: list[Row], layout: Layout) -> str:
    """Write a table; gives the name of its file."""
    path = folder / f"{table}.{layout.kind}"
    cells: list[list[object]] = [[layout.spelt[name] for name in layout.order]]
    cells += [[written(layout, table, name, row[name]) for name in layout.order] for row in rows]
    titled = [["Extract of cases"], *cells] if layout.has_title else cells
    if layout.kind in DELIMITERS:
        write_text(path, titled, layout.encoding, DELIMITERS[layout.kind])
    elif layout.kind in BOOKS:
        BOOKS[layout.kind](path, {"Notes": [["nothing"]], "Rows": titled})
    elif layout.kind == "parquet":
        write_parquet(path, [cells[0], *([c or None for c in row] for row in cells[1:])])
    else:
        write_json_lines(path, cells)
    return path.name


def mapping(folder: Path, files: dict[str, str], how: dict[str, Layout]) -> Path:
    """The mapping that says how the tables are written."""

    def column(table: str, name: str) -> dict[str, object]:
        layout = how[table]
        said: dict[str, object] = {"from": layout.headings[name]}
        if name in layout.crosswalks:
            said["crosswalk"] = f"{table}_{name}"
        if name in layout.labels:
            said["labels"] = True
        if CONTRACT[table, name]["data_type"] == "date" and layout.style != "real":
            said["dates"] = layout.style
        if layout.kind == "jsonl":  # a key that no record has
            said["may_be_missing"] = True
        return said

    content = {
        "source": "drawn",
        "inputs": {table: {"files": file} for table, file in files.items()},
        "crosswalks": {
            f"{table}_{name}": told
            for table, layout in how.items()
            for name, told in layout.crosswalks.items()
        },
        "tables": {
            table: {"input": table, "columns": {c.name: column(table, c.name) for c in columns}}
            for table, columns in TABLES.items()
        },
    }
    path = folder / "drawn.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def landed(extract: Path, warehouse: Path, mapping: Path) -> dict[str, list[tuple]]:
    """Every raw table, without where its rows came from."""
    land(extract, YEAR, CONFIG, warehouse, mappings=[mapping])
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("from audit.unmapped_values").fetchall() == []
        assert connection.execute("from audit.rows_set_aside").fetchall() == []
        return {
            table: connection.execute(
                f"select coalesce(columns({[c.name for c in columns]}), '') from raw.{table}"
            ).fetchall()
            for table, columns in TABLES.items()
        }


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(st.data())
def test_any_layout_lands_as_the_contract_does(data: st.DataObject) -> None:
    extract = data.draw(extracts())
    how = {table: data.draw(layouts(table, rows), label=table) for table, rows in extract.items()}
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = {table: write(folder, table, rows, how[table]) for table, rows in extract.items()}
        found = landed(folder, folder / "w.duckdb", mapping(folder, files, how))
    expected = {table: [tuple(row.values()) for row in rows] for table, rows in extract.items()}
    assert {t: sorted(rows) for t, rows in found.items()} == {
        t: sorted(rows) for t, rows in expected.items()
    }
