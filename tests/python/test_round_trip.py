"""What is written and imported again is the same: table by table, and byte by byte."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from sen2 import spec, warehouse
from sen2.export import xml_text
from sen2.imports import result
from sen2.imports.xml import load_file, reader
from sen2.imports.xml.parse import SPACE
from sen2.spec import xml_structure

from .conftest import YEAR, Built
from .test_export import LATEST, ORDERS, Rows, database, fill, is_date, returns, sample

HERE = Path(__file__).parent
GOLDEN = sorted((HERE / "golden").glob("sen2_*.xml"))
TABLES = spec.person_level_columns()
KEYS = ("person_id", "request_id", "placement_id")

Connection = duckdb.DuckDBPyConnection
Tables = dict[str, list[tuple]]


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """The tables of a return, and those that a file is imported into, all empty."""
    with database() as connection:
        warehouse.prepare(connection, LATEST)
        yield connection


def imported(connection: Connection, path: Path, year: int) -> result.ImportResult:
    """Import a file, and take the return into person_level as the models do."""
    loaded = load_file.load(connection, path, "again", year, whole=True)
    for table, columns in TABLES.items():
        typed = [f"{name}::date" if is_date(table, name) else name for name in columns]
        connection.execute(f"delete from person_level.{table}")
        connection.execute(
            f"insert into person_level.{table} select {', '.join(typed)} from imported.{table}"
        )
    return loaded


def tables(connection: Connection, return_id: str) -> Tables:
    return {
        table: connection.execute(
            f"select * exclude (return_id) from person_level.{table} where return_id = ?"
            " order by all",
            [return_id],
        ).fetchall()
        for table in TABLES
    }


def by_place(connection: Connection, return_id: str) -> Tables:
    """A return's tables with every key replaced by the place of its row in the file."""
    rows = {
        table: [dict(zip(columns[1:], row, strict=True)) for row in found]
        for (table, columns), found in zip(
            TABLES.items(), tables(connection, return_id).values(), strict=True
        )
    }
    places: dict[tuple, int] = {}
    for level, table in enumerate(("person", "requests", "placement_detail")):
        order = ORDERS.get(table, ()) if level else ("person_id",)
        counts: dict[tuple, int] = defaultdict(int)
        for row in sorted(rows[table], key=lambda row: [(row[c] is None, row[c]) for c in order]):
            key = tuple(row[name] for name in KEYS[: level + 1])
            counts[key[:-1]] += 1
            places[key] = counts[key[:-1]]
    found: Tables = {}
    for table, columns in TABLES.items():
        keys = [name for name in KEYS if name in columns]
        placed = []
        for row in rows[table]:
            key = tuple(row[name] for name in keys)
            place = [places[key[: depth + 1]] for depth in range(len(keys))]
            items = [row[name] for name in columns if name not in KEYS and name != "return_id"]
            placed.append((*place, *(None if item == "" else item for item in items)))
        found[table] = sorted(placed, key=lambda row: [(item is None, item) for item in row])
    return found


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_file_imported_and_written_again_has_the_same_bytes(
    path: Path, connection: Connection, tmp_path: Path
) -> None:
    year = int(path.stem[-4:])
    assert imported(connection, path, year).fault_count == 0
    again = xml_text.write(connection, "again", year, tmp_path).path
    assert again.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("year", xml_structure.years())
def test_a_return_written_and_imported_is_equal_table_by_table(
    year: int, connection: Connection, tmp_path: Path
) -> None:
    fill(connection, sample(year))
    wanted = by_place(connection, "built")
    path = xml_text.write(connection, "built", year, tmp_path).path
    assert imported(connection, path, year).fault_count == 0
    assert by_place(connection, "again") == wanted


def test_the_built_return_is_equal_table_by_table(
    built: Built, connection: Connection, tmp_path: Path
) -> None:
    with duckdb.connect(str(built.warehouse), read_only=True) as warehouse_:
        wanted = by_place(warehouse_, "built")
        path = xml_text.write(warehouse_, "built", YEAR, tmp_path).path
    assert imported(connection, path, YEAR).fault_count == 0
    assert by_place(connection, "again") == wanted
    again = xml_text.write(connection, "again", YEAR, tmp_path / "again").path
    assert again.read_bytes() == path.read_bytes()


def kept(value: Any) -> Any:
    """A value as a return can hold it, without what XML cannot tell from layout.

    No model of ours gives an empty text or blanks alone; line breaks at the ends of a value are
    read as layout.
    """
    if not isinstance(value, str) or not value.strip(SPACE):
        return None if isinstance(value, str) else value
    inner = value.strip(SPACE)
    before, _, after = value.partition(inner)
    return before.replace("\n", "") + inner + after.replace("\n", "")


def many(rows: Rows) -> None:
    """Eleven more requests of one day for the first person: their tens sort after their ones."""
    person_id = rows["person"][0]["person_id"]
    rows["requests"] += [
        {"return_id": "built", "person_id": person_id, "request_id": f"x{n:02}", "rya": str(n % 2)}
        for n in range(11)
    ]


@given(rows=returns())
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_return_comes_back_the_same(rows: Rows, connection: Connection, tmp_path: Path) -> None:
    many(rows)
    held = {
        table: [
            {name: value if name in KEYS else kept(value) for name, value in row.items()}
            for row in found
        ]
        for table, found in rows.items()
    }
    fill(connection, held)
    wanted = by_place(connection, "built")
    path = xml_text.write(connection, "built", LATEST, tmp_path).path
    written = path.read_bytes()
    faults = imported(connection, path, LATEST).fault_count
    assert by_place(connection, "again") == wanted
    again = xml_text.write(connection, "again", LATEST, tmp_path).path
    assert (again.read_bytes(), faults) == (written, 0)


def test_places_sort_as_their_numbers_do() -> None:
    places = [reader._place(number) for number in range(1, 10_001)]
    assert places == sorted(places)
    assert places[:10] == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "9.10"]
