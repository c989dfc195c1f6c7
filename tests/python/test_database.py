"""A live database as a source, against a real PostgreSQL server; its URL is never shown."""

import csv
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import duckdb
import pytest
import yaml

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.land.land import land
from sen2.settings.config import Config

from .postgres import PASSWORD, USER, find_programs, server

YEAR = 2026
CONFIG = Config(la_code="330", extracted_on="2026-01-15")
VARIABLE = "SEN2_TEST_DATABASE"
PROGRAMS = find_programs()
DATES = {
    (row["table_name"], row["column_name"])
    for row in spec.seed("extract_contract")
    if row["data_type"] == "date"
}

pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL is not installed")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that holds the sample: dates as dates, flags as booleans."""
    assert PROGRAMS
    import psycopg

    with server(PROGRAMS) as port:
        with psycopg.connect(
            host="127.0.0.1", port=port, user=USER, password=PASSWORD, dbname="postgres"
        ) as connection:
            for table in spec.contract(YEAR):
                given = rows_of(table)
                names = list(given[0])
                columns = ", ".join(f'"{n}" {kind(table, n)}' for n in names)
                connection.execute(f"create table {table} ({columns})")
                with connection.cursor().copy(f"copy {table} from stdin") as copy:
                    for row in given:
                        copy.write_row([row[name] or None for name in names])
        yield f"postgresql+psycopg://{USER}:{quote(PASSWORD)}@127.0.0.1:{port}/postgres"


def rows_of(table: str) -> list[dict[str, str]]:
    with (spec.PROJECT / "sample" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def kind(table: str, column: str) -> str:
    if (table, column) in DATES:
        return "timestamp" if column == "received_date" else "date"
    flags = ("in_youth_accommodation", "personal_budget", "sen_unit", "twenty_week_exception")
    return "boolean" if column in flags else "integer" if column == "rank" else "text"


def mapping(folder: Path, **queries: str) -> Path:
    """The contract's tables by a query each; a query of a test in the place of one."""
    tables = spec.contract(YEAR)
    content = {
        "source": "live",
        "inputs": {
            table: {
                "database": VARIABLE,
                "query": queries.get(table, f"select * from {table} order by 1, 2"),
            }
            for table in tables
        },
        "tables": {
            table: {"input": table, "columns": {name: name for name in rows_of(table)[0]}}
            for table in tables
        },
    }
    path = folder / "live.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def landed(folder: Path, *mappings: Path) -> dict[str, list[tuple]]:
    """Every raw table, without where its rows came from."""
    warehouse = folder / ("live.duckdb" if mappings else "files.duckdb")
    land(spec.PROJECT / "sample", YEAR, CONFIG, warehouse, mappings=mappings)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {
            table: connection.execute(
                f"select {', '.join(c.name for c in columns)} from raw.{table} order by all"
            ).fetchall()
            for table, columns in spec.contract(YEAR).items()
        }


def test_a_database_lands_as_the_same_files_do(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, database)
    assert landed(tmp_path, mapping(tmp_path)) == landed(tmp_path)
    with duckdb.connect(str(tmp_path / "live.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select file, facts, row_count from audit.landed_inputs where input = 'people'"
        ).fetchall()
    assert found == [("live query people", "a database query", len(rows_of("people")))]
    kept = (tmp_path / "live.duckdb").read_bytes()
    assert PASSWORD.encode() not in kept
    assert quote(PASSWORD).encode() not in kept


@pytest.mark.parametrize(
    ("change", "query", "words"),
    [
        ("", "select nothing from people", ["inputs.people", "did not answer", "Programming"]),
        ("/postgres", "select 1", ["mapping of live", "did not answer", "OperationalError"]),
        (USER, "select 1", ["mapping of live", "did not answer", "OperationalError"]),
        ("postgresql+psycopg", "select 1", ["mapping of live", "driver", "docs/mapping.md"]),
    ],
)
def test_what_a_database_refuses_is_told_without_its_url(
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    query: str,
    words: list[str],
) -> None:
    wrong = {"/postgres": "/nowhere", USER: "stranger", "postgresql+psycopg": "mssql+pyodbc"}
    url = database.replace(change, wrong[change], 1) if change else database
    monkeypatch.setenv(VARIABLE, url)
    with pytest.raises(InputError) as refused:
        landed(tmp_path, mapping(tmp_path, people=query))
    message = str(refused.value)
    assert [word for word in words if word not in message] == []
    assert [part for part in (PASSWORD, quote(PASSWORD), "127.0.0.1") if part in message] == []


@pytest.mark.parametrize(
    "query",
    [
        "delete from people returning *",
        "with gone as (delete from people returning *) select * from gone",
        "select * from people; drop table people",
        "select 1; commit; drop table people",
        "commit; drop table people; select 1",
        "create table pwned as select 1",
        "select 1 / (current_setting('transaction_read_only') = 'off')::int, * from people",
        "select set_config('transaction_read_only', 'off', false) from people",
        "copy people to program 'touch {folder}/pwned'",
        "select pg_read_file('{folder}/secret') as person_id; select 1",
    ],
)
def test_a_query_changes_nothing(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setenv(VARIABLE, database)
    query = query.replace("{folder}", str(tmp_path))
    with pytest.raises(InputError, match="did not answer"):
        landed(tmp_path, mapping(tmp_path, people=query))
    import psycopg

    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        found = connection.execute("select count(*) from people").fetchone()
        pwned = connection.execute("select to_regclass('pwned')").fetchone()
    assert (found, pwned) == ((len(rows_of("people")),), (None,))
    assert not (tmp_path / "pwned").exists()


def test_no_url_is_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(InputError, match=f"{VARIABLE} is not set"):
        landed(tmp_path, mapping(tmp_path))


def test_the_command_shows_neither_url_nor_password(database: str, tmp_path: Path) -> None:
    wrong = database.replace("/postgres", "/nowhere")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sen2.cli", "land", str(spec.PROJECT / "sample")),
            *("--year", str(YEAR), "--mapping", str(mapping(tmp_path))),
            *(
                "--config",
                str(spec.PROJECT / "sen2.yml"),
                "--warehouse",
                str(tmp_path / "w.duckdb"),
            ),
        ],
        env={VARIABLE: wrong, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert VARIABLE in done.stderr
    said = done.stdout + done.stderr
    assert [part for part in (PASSWORD, quote(PASSWORD), "127.0.0.1") if part in said] == []
