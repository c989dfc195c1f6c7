"""The history of the nightly runs: a small DuckDB file beside the warehouses, kept for good.

It holds counts, figures and timings, and no id or value of a person, so it outlives the warehouses
that it tells of. A run first leaves its record as a file (`record_of` gives it, the swap of the run
moves it in); `absorb` puts such files into `history.duckdb`, each once, by writing a new file that
takes the old one's place. Those who read it meanwhile are not disturbed.

`started_at` and `run_by` say who ran it when: an act is recorded, and no result depends on it.
"""

import getpass
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from .. import warehouse
from ..warehouse import swap

TABLES = {
    "runs": (
        "run integer, collection_year integer, la_code varchar, extracted_on date,"
        " outcome varchar,"
        " exit_code integer, warehouse_run bigint, submission varchar, submission_sha256 varchar,"
        " fingerprint varchar, project varchar, started_at timestamptz, run_by varchar,"
        " record varchar"
    ),
    "run_figures": "run integer, dataset varchar, figure varchar, value double",
    "run_issues": (
        "run integer, rule_id varchar, severity varchar, module varchar, issue_count bigint,"
        " primary_issue_count bigint, person_count bigint, appeared bigint, cleared bigint"
    ),
    "run_timings": "run integer, stage varchar, seconds double",
}
"""`run` numbers the runs of the file from 1; `record` is the SHA-256 of the record they came by."""

OUTCOMES = ("submission", "errors", "unchanged", "input", "defect")

Record = dict[str, Any]


def record(
    *, year: int, la_code: str, outcome: str, exit_code: int, started: datetime, **more: Any
) -> Record:
    """A run as it will stand in the history; `more` are other columns of runs, or whole tables."""
    assert outcome in OUTCOMES
    return {
        "collection_year": year,
        "la_code": la_code,
        "outcome": outcome,
        "exit_code": exit_code,
        "started_at": started.isoformat(timespec="seconds"),
        "run_by": who(),
        **more,
    }


def facts_of(
    connection: duckdb.DuckDBPyConnection, changes: Mapping[str, tuple[int, int]]
) -> Record:
    """What the history keeps of a built warehouse; `changes` are appeared and cleared by rule."""
    (run, extracted_on) = connection.execute(
        "select (select max(run) from audit.runs), extracted_on from audit.extract_settings"
    ).fetchall()[0]
    figures = connection.execute(
        "select dataset, figure, value from audit.run_figures where run = ? order by all", [run]
    ).fetchall()
    rules = connection.execute(
        "select rule_id, severity, module, issue_count, primary_issue_count, person_count"
        " from validation.rule_summary where return_id = 'built' and issue_count is not null"
        " order by rule_id"
    ).fetchall()
    timings = connection.execute(
        "select stage, seconds from audit.runs where run = ? order by stage", [run]
    ).fetchall()
    return {
        "warehouse_run": run,
        "extracted_on": str(extracted_on),
        "run_figures": figures,
        "run_issues": [[*rule, *changes.get(rule[0], (0, 0))] for rule in rules],
        "run_timings": timings,
    }


def save(folder: Path, made: Record) -> Path:
    """Write a record as a file of its own in a folder; gives the file."""
    text = json.dumps(made, indent=1)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.json"
    swap.write_whole(path, text)
    return path


def absorb(history: Path, folder: Path) -> int:
    """Put the records of a folder into the history and remove them; gives how many were new."""
    files = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not files:
        return 0
    with FileLock(history.with_name(f".{history.stem}.lock")):
        with _rewritten(history) as connection:
            known = {row[0] for row in connection.execute("select record from runs").fetchall()}
            records = [
                (path.stem, json.loads(path.read_text(encoding="utf-8")))
                for path in files
                if path.stem not in known
            ]
            for name, made in sorted(records, key=lambda each: each[1]["started_at"]):
                _add(connection, name, made)
        for path in files:
            path.unlink()
    return len(records)


PURGED = (
    "before_date date, kind varchar, file varchar, extracted_on date, bytes bigint,"
    " sha256 varchar, purged_by varchar, purged_at timestamptz"
)
"""The columns of the table purged: a file or folder that `sen2 purge` removed."""

Purged = tuple[str, str, date, int, str | None]


def record_purge(
    history: Path, before: date, rows: Sequence[Purged], by: str, purged_at: str
) -> None:
    """Record what a purge removes: kind, name, day of the extract, bytes and SHA-256 of each.

    `by` and `purged_at` say who did it when: an act is recorded, and no result depends on it.
    """
    with FileLock(history.with_name(f".{history.stem}.lock")), _rewritten(history) as connection:
        connection.execute(f"create table if not exists purged ({PURGED})")
        _rename_day(connection, "purged")
        connection.executemany(
            "insert into purged values (?, ?, ?, ?, ?, ?, ?, ?)",
            [[before, *row, by, purged_at] for row in rows],
        )


@contextmanager
def _rewritten(history: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the history to write to, which takes its place at the end."""
    draft = history.with_name(f".{history.name}.part")
    for left_over in (draft, draft.with_name(f"{draft.name}.wal")):
        left_over.unlink(missing_ok=True)
    if history.exists():
        shutil.copyfile(history, draft)
    with warehouse.connect(draft, encrypted=False) as connection:
        for table, columns in TABLES.items():
            connection.execute(f"create table if not exists {table} ({columns})")
            _rename_day(connection, table)
            for column in columns.split(", "):  # that a history of an older version has not
                connection.execute(f"alter table {table} add column if not exists {column}")
        yield connection
        connection.execute("force checkpoint")
    swap.to_disk(draft)
    swap.put(draft, history)


def _rename_day(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Give the day of the extract its name in a history of an older version, which said as_at."""
    held = connection.execute(
        "select column_name from duckdb_columns() where table_name = ?", [table]
    ).fetchall()
    if ("as_at",) in held:
        connection.execute(f"alter table {table} rename as_at to extracted_on")


def _add(connection: duckdb.DuckDBPyConnection, name: str, made: Record) -> None:
    """Add one record under the next number."""
    (run,) = connection.execute("select coalesce(max(run), 0) + 1 from runs").fetchall()[0]
    values = {"run": run, "record": name} | {
        "extracted_on" if key == "as_at" else key: value  # a record of an older version
        for key, value in made.items()
        if key not in TABLES
    }
    connection.execute(
        f"insert into runs ({', '.join(values)}) values ({', '.join('?' * len(values))})",
        list(values.values()),
    )
    for table in TABLES:
        rows = [[run, *row] for row in made.get(table, ())]
        if rows:
            places = ", ".join("?" * len(rows[0]))
            connection.executemany(f"insert into {table} values ({places})", rows)


def who() -> str:
    """The account that runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"
