"""An extract in the contract's shape: one CSV file a table, found, inspected and loaded."""

import codecs
import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb

from .. import spec, warehouse
from ..ground import files
from ..ground.errors import InputError
from ..untrusted.parsers import csv_faults
from .read import delimited
from .read.delimited import UTF_8, SetAside, TextFile

SOURCE = "extract"
OPTIONAL_TABLES = {"establishments": "edubasealldata*.csv"}  # and the file DfE's register gives
WINDOWS = "cp1252"


@dataclass(frozen=True)
class TableFile:
    """The file of one table; `copies` are columns that it has under another heading, given."""

    table: str
    text: TextFile
    copies: dict[str, str]


def inspect(extract: Path, table: str, columns: list[spec.ContractColumn]) -> TableFile | None:
    """Find and read through one table's file; every fault is an error that names file and place."""
    path = _find(extract, table)
    if path is None:
        return None
    encoding = UTF_8
    state = files.state(path)
    try:
        digest, size, is_plain = delimited.read_through(path, encoding)
    except UnicodeDecodeError:
        if table not in OPTIONAL_TABLES or not _is_download(path):
            raise InputError(_encoding_fault(path)) from None
        encoding = WINDOWS
        digest, size, is_plain = _read_through_windows(path)
    if size == 0:
        raise InputError(f"{path}: the file is empty. Give at least the header row.")
    header = _header(path, encoding)
    copies = _copies(header) if table in OPTIONAL_TABLES else {}
    if copies:
        names = {column.name for column in columns}
        header = [name.lower() if name.lower() in names else name for name in header]
    missing = [
        column.name
        for column in columns
        if column.is_required and column.name not in (*header, *copies)
    ]
    if len(missing) == 1:
        raise InputError(
            f"{path}, row 1: the column {missing[0]} is missing. Add it to the header,"
            " spelled like that; leave its values blank where nothing is held."
        )
    if missing:
        raise InputError(
            f"{path}, row 1: the columns {', '.join(missing)} are missing. Add them to the header,"
            " spelled like that; leave their values blank where nothing is held. When the file has"
            " them under other headings, land it with --mapping (docs/mapping.md)."
        )
    text = TextFile(
        path=path,
        name=path.name,
        header=header,
        bytes=size,
        sha256=digest,
        state=state,
        is_plain=is_plain,
        encoding=encoding,
        must_be_clean=table not in OPTIONAL_TABLES,
    )
    return TableFile(table, text, copies)


def load(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    contract: list[str],
    file: TableFile | None,
) -> int:
    """Replace raw.<table> by the file's rows; gives their number. Rows set aside are kept apart."""
    header, copies = (file.text.header, file.copies) if file else ([], {})
    others = [name for name in header if name not in contract]
    copied = [name for name in copies if name not in contract]
    every = [*contract, *copied, *others]
    connection.execute(
        f"create or replace table raw.{table}"
        f" ({warehouse.text_columns(every)}, _source varchar, _file varchar, _row bigint)"
    )
    if file is None:
        return 0
    names = ", ".join(map(warehouse.quoted, [*header, *copies]))
    values = ", ".join(map(warehouse.quoted, [*header, *copies.values()]))

    def insert(relation: str, row: str) -> str:
        return (
            f"insert into raw.{table} ({names}, _source, _file, _row)"
            f" select {values}, '{SOURCE}', $file, {row} from {relation}"
        )

    aside = delimited.load(connection, file.text, insert)
    keep_aside(connection, SOURCE, table, aside)
    found = connection.execute(f"select count(*) from raw.{table}").fetchone()
    rows = int(found[0]) if found else 0
    connection.execute(
        "insert into audit.landed_files values (?, ?, ?, ?, ?, ?)",
        [
            *(table, file.text.name, file.text.bytes, file.text.sha256, rows + len(aside)),
            "; ".join(others) or None,
        ],
    )
    return rows


def keep_aside(
    connection: duckdb.DuckDBPyConnection, source: str, table: str, aside: list[SetAside]
) -> None:
    """Keep what did not land in audit.rows_set_aside."""
    if aside:
        connection.executemany(
            "insert into audit.rows_set_aside values (?, ?, ?, ?, ?, ?)",
            [[source, table, each.file, each.row, each.fault, each.reason] for each in aside],
        )


def _find(extract: Path, table: str) -> Path | None:
    """The table's file; for an optional table the register's download, or none, will do."""
    path = extract / f"{table}.csv"
    others = sorted(extract.glob(OPTIONAL_TABLES[table])) if table in OPTIONAL_TABLES else []
    found = [*([path] if path.is_file() else []), *others]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise InputError(f"{extract}: {names} are all the table {table}. Leave only one of them.")
    if not found and table not in OPTIONAL_TABLES:
        raise InputError(
            f"{path}: there is no such file. The extract needs one file for each table of the"
            f" contract; when {table} has no rows, give a file with the header row only."
            " An extract in another shape needs --mapping (docs/mapping.md)."
        )
    return found[0] if found else None


def _copies(header: list[str]) -> dict[str, str]:
    """The columns that a register's download has under its own headings, and those headings."""
    held = {name.lower() for name in header}
    return {
        row["column_name"]: row["gias_heading"]
        for row in spec.seed("gias_columns")
        if row["gias_heading"] in header and row["column_name"] not in held
    }


def _is_download(path: Path) -> bool:
    """Whether the headings of a file that is not UTF-8 are those of the register's download."""
    with path.open(encoding=WINDOWS, errors="replace", newline="") as file, csv_faults(path):
        return bool(_copies(next(csv.reader(file), [])))


def _read_through_windows(path: Path) -> tuple[str, int, bool]:
    """The same for a file in the register's own encoding."""
    try:
        return delimited.read_through(path, WINDOWS)
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: is neither UTF-8 nor Windows-1252 text. Download it again, and do not open"
            " it before it is landed."
        ) from None


def _encoding_fault(path: Path) -> str:
    """Where a file stops being UTF-8, and what to do about it."""
    remedy = "Save it as CSV UTF-8 and run again."
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return f"{path}: is UTF-16, not UTF-8. {remedy}"
        file.seek(0)
        header: list[str] = []
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                before = line[: error.start].decode("utf-8", errors="replace")
                cells = _cells(before)
                column = _column_words(header, max(len(cells) - 1, 0))
                return f"{path}, line {number}, column {column}: is not UTF-8 text. {remedy}"
            header = header or _cells(text)
    return f"{path}: ends in the middle of a character, so it was cut short. {remedy}"


def _cells(line: str) -> list[str]:
    """The values of a line, as far as it is one."""
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


def _column_words(header: list[str], place: int) -> str:
    """A column as a message may call it: a name of ours, else its number.

    Row 1 of a file without a header row holds a person's values, which no message may.
    """
    ours = {*warehouse.PROVENANCE, *(row["column_name"] for row in spec.seed("extract_contract"))}
    name = header[place] if place < len(header) else ""
    return name if name.lower() in ours else str(place + 1)


def _header(path: Path, encoding: str) -> list[str]:
    """The names in row 1, each given once."""
    with path.open(encoding=encoding, newline="") as file, csv_faults(path):
        header = next(csv.reader(file), [])
    if not any(header):
        raise InputError(f"{path}, row 1: there is no header row. Give the column names first.")
    seen = Counter(name.lower() for name in (*header, *warehouse.PROVENANCE))
    places = [place for place, name in enumerate(header) if seen[name.lower()] > 1]
    twice = sorted({_column_words(header, place) for place in places if header[place]})
    if twice or "" in header:
        fault = f"the column {', '.join(twice)} stands twice" if twice else "a column has no name"
        raise InputError(f"{path}, row 1: {fault}. Give every column a name of its own.")
    return header
