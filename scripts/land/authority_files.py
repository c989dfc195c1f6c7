"""Notes, corrections, decisions: the files an authority keeps itself, beside its extracts.

`notes` explain queries, `overrides` correct values, `people_matched` says of two records whether
they are of one person, `form_local_rules` say which placements the form of 2021 and 2022 counts
otherwise. Here they are read, checked and landed as text; what each of them does is decided by dbt.
No message holds a cell: a misplaced one may be a name.

A line that is wrong is left out and named, and the others apply: one slip of a pen stops no night.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb

from .. import spec, warehouse
from ..ground.errors import InputError
from ..ground.spreadsheet import unguarded
from ..settings.kept_files import KEPT_TABLES

Row = dict[str, str]

AGREED = "agreed"
"""The kind of a note on an error that DfE has agreed to."""
AGREEMENT = ("kind", "agreed_by", "agreed_date")
"""Columns of notes that a file without such a note may leave out."""
ANSWERS = ("corrected", "other_team")
"""What the file `answers` says of a line: it was corrected at its source, or is another team's."""
MAY_BE_BLANK = {
    *("found", "from", "to", "expiry", "setting_note", "school_age"),
    *AGREEMENT,
}
DATES = ("date", "expiry", "agreed_date")
IDENTITY = {
    "notes": ("rule_id", "record_id", "found"),
    "overrides": ("table_name", "key", "column_name", "from"),
    "people_matched": ("person_id", "other_person_id"),
    "form_local_rules": ("position",),
    "answers": ("rule_id", "record_id", "found"),
}
"""What no two rows of a file may share."""
DECISIONS = ("same", "different")
SCHOOL_AGES = ("", "below", "of", "above", "unknown")
UNDECODED = re.compile("[\udc80-\udcff]")
"""What a byte that is no UTF-8 is read as."""
WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
BRITISH_DATE = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
AS_A_DATE = "Write it as year-month-day, 2026-01-31 (a spreadsheet program may have changed it)."


@dataclass(frozen=True)
class Fault:
    """Why a line was left out: its row as a spreadsheet numbers it, the column, and the remedy."""

    row: int
    column: str | None
    words: str


@dataclass(frozen=True)
class KeptFile:
    """One such file as it was found: its rows by spreadsheet row, its size in bytes, SHA-256.

    `faults` are of the lines that were left out, which are not in `rows`.
    """

    name: str
    path: Path
    rows: dict[int, Row]
    faults: list[Fault]
    bytes: int
    sha256: str


def read(name: str, path: Path, forbidden: re.Pattern[str]) -> KeptFile:
    """Read and check one of the files; `forbidden` finds characters no cell may hold.

    Raises InputError for a file that cannot be read, or has another header.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}). sen2.yml names it as its {name}: correct"
            " the name there, or remove the line."
        ) from None
    text = content.decode("utf-8-sig", errors="surrogateescape")
    rows: dict[int, Row] = {}
    faults: list[Fault] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, row in _rows(name, path, text):
        if isinstance(row, Fault):
            faults.append(row)
            continue
        found = [Fault(number, column, words) for column, words in _faults(name, row, forbidden)]
        identity = tuple(row[column].strip(" ") for column in IDENTITY[name])
        if name == "people_matched":  # whichever of the two is named first
            identity = tuple(sorted(identity))
        if not found and identity in seen:
            same = f"has the same {', '.join(IDENTITY[name])} as row {seen[identity]}"
            found = [Fault(number, None, f"{same}. Keep one of the two.")]
        faults += found
        if not found:
            rows[number] = row
            seen[identity] = number
    digest = hashlib.sha256(content).hexdigest()
    return KeptFile(name, path, rows, faults, len(content), digest)


def read_all(paths: Mapping[str, Path], forbidden: re.Pattern[str]) -> dict[str, KeptFile]:
    """Read every file the authority keeps; one InputError names all that cannot be read."""
    kept: dict[str, KeptFile] = {}
    refused: list[str] = []
    for name, path in paths.items():
        try:
            kept[name] = read(name, path, forbidden)
        except InputError as error:
            refused.append(str(error))
    if refused:
        raise InputError(" ".join(refused))
    return kept


def load(connection: duckdb.DuckDBPyConnection, name: str, file: KeptFile | None) -> None:
    """Replace raw.<name> by the rows of its file, by none when the authority keeps no such file."""
    columns = KEPT_TABLES[name]
    connection.execute(
        f"create or replace table raw.{name}"
        f" ({warehouse.text_columns(columns)}, _file varchar, _row bigint)"
    )
    if file is None:
        return
    if file.faults:
        connection.executemany(
            "insert into audit.lines_left_out values (?, ?, ?, ?, ?)",
            [[name, file.path.name, each.row, each.column, each.words] for each in file.faults],
        )
    if file.rows:
        values: list[list[object]] = [
            [row[column] or None for row in file.rows.values()] for column in columns
        ]
        names = ", ".join(f"unnest(${place}::varchar[])" for place in range(1, len(columns) + 1))
        connection.execute(
            f"insert into raw.{name} select {names}, ${len(columns) + 1},"
            f" unnest(${len(columns) + 2}::bigint[])",
            [*values, file.path.name, list(file.rows)],
        )
    connection.execute(
        "insert into audit.landed_files values (?, ?, ?, ?, ?, null)",
        [name, file.path.name, file.bytes, file.sha256, len(file.rows)],
    )


def _rows(name: str, path: Path, text: str) -> Iterator[tuple[int, Row | Fault]]:
    """The rows below the header by their number in a spreadsheet; blank lines are left out."""
    columns = KEPT_TABLES[name]
    optional = AGREEMENT if name == "notes" else ()
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] = []
    number = 0
    try:
        for number, values in enumerate(reader, start=1):
            if number == 1:
                header = values
                if not _is_header(header, columns, optional):
                    break
            elif any(map(UNDECODED.search, values)):
                words = "is not UTF-8 text. Save the file as CSV UTF-8."
                yield number, Fault(number, None, words)
            elif len(values) == len(header):
                row = dict.fromkeys(columns, "")
                row |= dict(zip(header, map(unguarded, values), strict=True))
                yield number, row | {name: _as_iso(row[name]) for name in DATES if name in row}
            elif values:
                words = (
                    f"has {len(values)} values, but the header has {len(header)} columns. A comma"
                    " or a quote inside a value needs the value in quotes."
                )
                yield number, Fault(number, None, words)
    except csv.Error:
        words = (
            "has a quote that is not closed, or text after one, so neither it nor what follows was"
            ' read. Write a quote inside a value twice ("").'
        )
        yield number + 1, Fault(number + 1, None, words)
    if not _is_header(header, columns, optional):
        needed = [column for column in columns if column not in optional]
        also = f" You may add {', '.join(optional)}." if optional else ""
        raise InputError(
            f"{path}, row 1: is not the header of {name}. Write these columns there, with commas"
            f" between them: {', '.join(needed)}.{also}"
        )


def header_of(file: KeptFile) -> list[str]:
    """The columns of a file, in the order in which it has them."""
    text = file.path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    return next(csv.reader(io.StringIO(text, newline="")))


def text_left_out(file: KeptFile) -> str:
    """The lines of a file that were left out, as they are, for whoever writes the file again."""
    text = file.path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    lines = list(io.StringIO(text, newline=""))
    faulty = {fault.row for fault in file.faults}
    reader = csv.reader(iter(lines), strict=True)
    kept: list[str] = []
    number = begun = 0
    try:
        for number, _ in enumerate(reader, start=1):
            if number in faulty:
                kept += lines[begun : reader.line_num]
            begun = reader.line_num
    except csv.Error:
        kept += lines[begun:]
    return "".join(line if line.endswith(("\n", "\r")) else line + "\n" for line in kept)


def _is_header(header: list[str], columns: Iterable[str], optional: Iterable[str]) -> bool:
    """Whether a header has every column once, in any order, but for those it may leave out."""
    wanted = set(columns)
    return len(set(header)) == len(header) and wanted - set(optional) <= set(header) <= wanted


def _faults(name: str, row: Row, forbidden: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with a row: the column, and the fault with its remedy."""
    for column, value in row.items():
        if found := forbidden.search(value):
            yield column, f"holds a character that XML forbids (U+{ord(found[0]):04X}). Remove it."
        may_be_blank = column in MAY_BE_BLANK or (name == "answers" and column == "text")
        if not may_be_blank and not value.strip():
            yield column, "is blank. Fill it in, or remove the row."
        if column in DATES and not _is_date(value):
            yield column, f"is not a date. {AS_A_DATE}"
    if name in ("notes", "answers"):
        if row["rule_id"] not in _rules():
            yield "rule_id", "is not a rule. Take it from the column rule_id of issues.csv."
        if name == "notes":
            yield from _faults_of_agreement(row)
        elif row["answer"] not in ANSWERS:
            yield "answer", f"is neither {' nor '.join(ANSWERS)}. Write one of the two."
    elif name == "people_matched":
        yield from _faults_of_decision(row)
    elif name == "form_local_rules":
        yield from _faults_of_form_rule(row)
    else:
        yield from _faults_of_override(row)


def _faults_of_agreement(row: Row) -> Iterator[tuple[str, str]]:
    """Whether a note that DfE has agreed to says who agreed and when, and no other note does."""
    if row["kind"] not in ("", AGREED):
        yield (
            "kind",
            f"is not {AGREED}. Write that for an error that DfE has agreed to, else nothing.",
        )
    for column, what in (("agreed_by", "who at DfE agreed"), ("agreed_date", "the day it agreed")):
        if row["kind"] == AGREED and not row[column].strip():
            yield column, f"is blank, and the kind is {AGREED}. Write {what}."
        if row["kind"] == "" and row[column].strip():
            yield "kind", f"is blank, yet {column} is filled in. Write {AGREED} as the kind."


def _faults_of_decision(row: Row) -> Iterator[tuple[str, str]]:
    """Whether a decision about two people is one of two, and about two."""
    if row["decision"] not in DECISIONS:
        yield "decision", f"is neither {' nor '.join(DECISIONS)}. Write one of the two."
    if row["person_id"].strip(" ") == row["other_person_id"].strip(" "):
        yield (
            "other_person_id",
            "is the same as person_id. Take both from the query that names the two records.",
        )


def _faults_of_form_rule(row: Row) -> Iterator[tuple[str, str]]:
    """Whether a rule for the form has a place, and names a setting, an age and a placement."""
    if row["position"].strip() and not WHOLE_NUMBER.fullmatch(row["position"]):
        yield "position", "is not a whole number. Number the rules 1, 2, 3 in their order."
    for column, seed, seed_column in (
        ("setting", "setting_columns", "kind"),
        ("placement", "form_cells", "placement"),
    ):
        known = {each[seed_column] for each in spec.seed(seed)} - {""}
        if row[column].strip() and row[column] not in known:
            yield (
                column,
                f"is not a {column} that the form knows. Take it from the column {seed_column} of"
                f" seeds/spec/{seed}.csv.",
            )
    if row["school_age"] not in SCHOOL_AGES:
        yield (
            "school_age",
            f"is none of {', '.join(filter(None, SCHOOL_AGES))}. Write one of them, or nothing.",
        )


def _faults_of_override(row: Row) -> Iterator[tuple[str, str]]:
    """Whether an override names a column that may be corrected, and a value that it can hold."""
    tables = _tables()
    if row["table_name"] not in tables:
        yield "table_name", f"is not a table of the extract. It may be {', '.join(tables)}."
        return
    columns = tables[row["table_name"]]
    correct = correctable(row["table_name"])
    if row["column_name"] not in columns:
        yield (
            "column_name",
            f"is not a column of {row['table_name']}. It may be {', '.join(correct)}.",
        )
    elif row["column_name"] not in correct:
        yield (
            "column_name",
            f"{row['column_name']} is a key: other rows hang from it, so it is not corrected here."
            " Correct it in the case system.",
        )
    elif columns[row["column_name"]]["data_type"] == "date" and not _is_date(row["to"]):
        yield "to", f"is not a date, as {row['column_name']} should be. {AS_A_DATE}"
    elif row["from"].strip(" ") == row["to"].strip(" "):
        yield "to", "is the same as from, so nothing would change. Correct it, or remove the row."


@cache
def _rules() -> set[str]:
    """The ids of all rules, of any year."""
    return {rule["rule_id"] for rule in spec.seed("rules")}


def correctable(table: str) -> dict[str, spec.Row]:
    """The columns of a contract table that may be corrected, by name: all but its keys."""
    return {name: column for name, column in _tables()[table].items() if not column["key"]}


def key_of(table: str) -> str:
    """The column that names a row of a contract table, its own key or its parent's."""
    return next(name for name, column in _tables()[table].items() if column["key"])


@cache
def _tables() -> dict[str, dict[str, spec.Row]]:
    """The tables of the contract, each with its columns by name."""
    tables: dict[str, dict[str, spec.Row]] = {}
    for row in spec.seed("extract_contract"):
        tables.setdefault(row["table_name"], {})[row["column_name"]] = row
    return tables


def _as_iso(value: str) -> str:
    """A day as a British spreadsheet writes it as 2026-01-31; anything else as it is."""
    found = BRITISH_DATE.fullmatch(value.strip(" "))
    return f"{found[3]}-{found[2]}-{found[1]}" if found else value


def _is_date(value: str) -> bool:
    """Whether a value is a day of the calendar as staging reads it, or blank."""
    try:
        return not value.strip(" ") or bool(ISO_DATE.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False
