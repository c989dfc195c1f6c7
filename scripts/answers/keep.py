"""Keep answers in the authority's own CSV files: UTF-8, in one order whoever was read first."""

import io
import os
import stat
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile

import duckdb

from ..ground import spreadsheet
from ..ground.errors import InputError
from ..land import authority_files
from ..land.read.delimited import FORBIDDEN
from ..settings.config import Config
from ..settings.kept_files import ANSWERED_FILES, KEPT_TABLES
from ..warehouse import AUDIT_TABLES
from .days import agreement
from .decisions import FROM_WORKBOOK, NO_INITIALS, Decided, Kept, Reading

OFFERED_UNTIL = """
    select max(submission_deadline)::date from spec.collections where collection_year < ?
"""


def read_kept(config: Config, connection: duckdb.DuckDBPyConnection, year: int) -> Kept:
    """What the authority keeps now, and which answers were read before.

    Raises InputError when one of its files cannot be read.
    """
    files = {}
    headers: dict[str, list[str]] = {}
    left_out = {}
    for name in ANSWERED_FILES:
        rows: dict[tuple[str, ...], authority_files.Row] = {}
        if config.has_kept(name):
            file = authority_files.read(name, config.kept_in(name), FORBIDDEN)
            for row in file.rows.values():
                rows[_identity(name, row)] = row
            headers[name] = authority_files.header_of(file)
            left_out[name] = authority_files.text_left_out(file) if file.faults else ""
        files[name] = rows
    settings = "select max(extracted_on) from audit.extract_settings"
    ((day,),) = connection.execute(settings).fetchall()
    ((offered_until,),) = connection.execute(OFFERED_UNTIL, [year]).fetchall()
    taken, refused = set(), set()
    if _has_table(connection, "answers"):
        taken = set(
            connection.execute(
                "select rule_id, record_id, answer_mark from audit.answers"
                " where outcome not in ('not_used', 'gone')"
            ).fetchall()
        )
        refused = set(
            connection.execute(
                "select file, rule_id, record_id, answer_mark from audit.answers"
                " where outcome = 'not_used' and rule_id is not null"
            ).fetchall()
        )
    return Kept(day or date.min, offered_until, files, taken, refused, headers, left_out)


def write_kept(config: Config, kept: Kept, reading: Reading) -> list[Path]:
    """Add what was decided to the authority's files, each whole or not at all; gives those written.

    Where sen2.yml names no file, it is made beside sen2.yml.
    """
    before = {name: dict(rows) for name, rows in kept.files.items()}
    for decided in reading.decided:
        _apply(kept, decided)
    written = []
    for name in ANSWERED_FILES:
        if kept.files[name] != before[name]:
            path = config.kept_in(name)
            _write(name, path, kept)
            written.append(path)
    return written


def record(connection: duckdb.DuckDBPyConnection, reading: Reading) -> None:
    """Keep in the warehouse what became of each answer.

    An answer that could not be used stays until its line has another.
    """
    connection.execute("create schema if not exists audit")
    connection.execute(f"create table if not exists audit.answers ({AUDIT_TABLES['answers']})")
    connection.execute("delete from audit.answers where outcome = 'gone'")
    again = [
        f"{each.row.rule_id} {each.row.record_id}"
        for each in reading.decided
        if each.outcome != "known"
    ]
    connection.execute(
        "delete from audit.answers where outcome = 'not_used'"
        " and (rule_id is null or list_contains($1, rule_id || ' ' || record_id))",
        [again],
    )
    rows: list[list[object]] = []
    for each in reading.decided:
        row, cell = each.row, each.cell
        if each.outcome == "known":
            continue
        place = (cell.table_name, cell.key, cell.column_name) if cell else (None, None, None)
        rows.append(
            [
                *(row.file, row.sheet, row.row, row.rule_id, row.record_id, row.mark),
                *(row.answer, row.reason, row.initials, row.now),
                *(each.outcome, each.reason, *place),
            ]
        )
    for unread in reading.unread:
        nothing = [None] * 7
        where = (unread.file, unread.sheet, unread.row)
        rows.append([*where, *nothing, "not_used", unread.why, None, None, None])
    if rows:
        columns: list[list[object]] = [list(column) for column in zip(*rows, strict=True)]
        kinds = ["bigint" if place == 2 else "varchar" for place in range(len(columns))]
        values = ", ".join(f"unnest(${n}::{kind}[])" for n, kind in enumerate(kinds, start=1))
        connection.execute(f"insert into audit.answers select {values}", columns)


def _has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'audit' and table_name = ?"
        " and database_name = current_database()",
        [table],
    )
    return bool(found.fetchone())


def _identity(name: str, row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row[column].strip(" ") for column in authority_files.IDENTITY[name])


def _apply(kept: Kept, decided: Decided) -> None:
    """Put one answer into the rows of its file; what it takes the place of goes."""
    given, day = decided.row, kept.day.isoformat()
    line = {"rule_id": given.rule_id, "record_id": given.record_id, "found": decided.found}
    author = {"author": given.initials or NO_INITIALS, "date": day}
    if decided.outcome in ("note", "agreed", "removed"):
        own = kept.files["notes"]
        own.pop(_identity("notes", line), None)
        own.pop(_identity("notes", line | {"found": ""}), None)
        if decided.outcome == "removed":
            return
        row = line | {"text": given.reason, **author, "expiry": ""}
        if decided.outcome == "agreed":
            by, agreed_day = agreement(given.reason)
            row |= {"kind": authority_files.AGREED, "agreed_by": by, "agreed_date": agreed_day}
        own[_identity("notes", row)] = row
    elif decided.outcome in ("corrected", "other_team"):
        text = given.reason
        row = line | {"answer": decided.outcome, "text": text, **author}
        kept.files["answers"][_identity("answers", row)] = row
    elif decided.outcome == "correction" and decided.cell:
        cell = decided.cell
        row = {
            "table_name": cell.table_name,
            "key": cell.key,
            "column_name": cell.column_name,
            "from": cell.value,
            "to": decided.to_value,
            "reason": f"{FROM_WORKBOOK} ({given.rule_id})",
            **author,
            "expiry": "",
        }
        kept.files["overrides"][_identity("overrides", row)] = row


def _write(name: str, path: Path, kept: Kept) -> None:
    """Write one of the files in the order of what identifies its rows; wrong lines stay last."""
    rows = kept.files[name].values()
    own = kept.headers.get(name, [])
    columns = own or [each for each in KEPT_TABLES[name] if each not in authority_files.AGREEMENT]
    columns += [
        column
        for column in KEPT_TABLES[name]
        if column not in columns and any(row.get(column) for row in rows)
    ]
    if any(column in columns for column in authority_files.AGREEMENT):
        columns += [column for column in authority_files.AGREEMENT if column not in columns]
    text = io.StringIO(newline="")
    writer = spreadsheet.Writer(text)
    writer.row(columns)
    for row in sorted(rows, key=lambda row: _identity(name, row)):
        writer.row(row.get(column, "") for column in columns)
    text.write(kept.left_out.get(name, ""))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(
            "w",
            encoding="utf-8",
            errors="surrogateescape",
            newline="",
            dir=path.parent,
            prefix=f".{path.stem}-",
            delete=False,
        ) as file:
            file.write(text.getvalue())
            file.flush()
            os.fsync(file.fileno())
        made = Path(file.name)
        made.chmod(stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o600)
        made.replace(path)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written to ({error.strerror}). Close it where it is open; the"
            " answers are still in the workbooks."
        ) from None
