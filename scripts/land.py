"""Landing: the files of an extract become the tables of the schema raw, as text, nothing lost.

Every row keeps where it came from: `_source`, `_file` and `_row`, the row a spreadsheet would show
(the header is row 1). A file that cannot be read at all stops the landing and leaves the warehouse
as it was: the whole landing is one transaction.
"""

import codecs
import csv
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from . import spec, warehouse
from .config import Config, read_extract_note
from .errors import InputError

SOURCE = "extract"
CHUNK = 1 << 20
BATCH_ROWS = 100_000
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
BLANK_LINE = re.compile("(?:^|\n)\r?\n")
OPTIONAL_TABLES = {"establishments"}

csv.field_size_limit(1 << 24)


@dataclass(frozen=True)
class LandedFile:
    """One file of the extract as it was found: its columns, size in bytes, and SHA-256."""

    table: str
    path: Path
    header: list[str]
    bytes: int
    sha256: str
    is_plain: bool


def land(
    extract: Path,
    year: int,
    config: Config,
    path: Path,
    on_table: Callable[[str, int], None] = lambda table, rows: None,
) -> int:
    """Land an extract into the warehouse at `path`; gives the number of rows landed.

    Raises InputError for what cannot be read at all; the warehouse is then as it was before.
    """
    collection = spec.collection(year)
    if not extract.is_dir():
        raise InputError(f"{extract}: there is no such folder. Give the folder of the extract.")
    note = read_extract_note(extract)
    if note.la_code and note.la_code != config.la_code:
        raise InputError(
            f"{extract / 'extract.yml'}: la_code is {note.la_code}, but sen2.yml says"
            f" {config.la_code}. Give the extract of your own authority, or correct sen2.yml."
        )
    contract = spec.contract(year)
    files = [_inspect(extract, table, columns) for table, columns in contract.items()]
    landed = [file for file in files if file is not None]
    extracted_on = (
        note.extracted_on or config.extracted_on or _newest_day(file.path for file in landed)
    )
    with warehouse.connect(path) as connection:
        warehouse.prepare(connection, year)
        connection.begin()
        try:
            connection.execute("delete from audit.landed_files")
            total = 0
            for table, columns in contract.items():
                names = [column.name for column in columns]
                file = next((file for file in landed if file.table == table), None)
                rows = _load(connection, table, names, file)
                total += rows
                on_table(table, rows)
            _note_settings(connection, collection.year, config, extracted_on)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
    return total


def _newest_day(paths: Iterator[Path]) -> date:
    """The day of the newest file: what an extract says of its age when nothing else does."""
    return max(date.fromtimestamp(path.stat().st_mtime) for path in paths)


def _note_settings(
    connection: duckdb.DuckDBPyConnection, year: int, config: Config, extracted_on: date
) -> None:
    connection.execute("delete from audit.extract_settings")
    connection.execute(
        "insert into audit.extract_settings values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            year,
            config.la_code,
            config.name,
            extracted_on,
            config.period_end,
            config.header.software_code,
            config.header.release,
            config.header.serial_no,
            config.officers.dmo,
            config.officers.dco,
            config.officers.dsco,
        ],
    )


def _inspect(extract: Path, table: str, columns: list[spec.ContractColumn]) -> LandedFile | None:
    """Find and read through one table's file; every fault is an error that names file and place."""
    path = extract / f"{table}.csv"
    if not path.is_file():
        if table in OPTIONAL_TABLES:
            return None
        raise InputError(
            f"{path}: there is no such file. The extract needs one file for each table of the"
            f" contract; when {table} has no rows, give a file with the header row only."
        )
    digest, size, is_plain = _read_through(path)
    if size == 0:
        raise InputError(f"{path}: the file is empty. Give at least the header row.")
    header = _header(path)
    missing = [
        column.name for column in columns if column.is_required and column.name not in header
    ]
    if missing:
        raise InputError(
            f"{path}, row 1: the column {', '.join(missing)} is missing. Add it to the header,"
            " spelled like that; leave its values blank where nothing is held."
        )
    return LandedFile(table, path, header, size, digest, is_plain)


def _read_through(path: Path) -> tuple[str, int, bool]:
    """SHA-256, size, and whether the file is plain (no blank line, no character XML forbids)."""
    digest = hashlib.sha256()
    decode = codecs.getincrementaldecoder("utf-8-sig")()
    size, tail, is_plain = 0, "", True
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                text = tail + decode.decode(chunk)
                is_plain = is_plain and not FORBIDDEN.search(text) and not BLANK_LINE.search(text)
                tail = text[-2:]
            decode.decode(b"", final=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise InputError(_encoding_fault(path)) from None
    return digest.hexdigest(), size, is_plain


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
                cells = next(csv.reader([before]), [""])
                column = header[len(cells) - 1] if len(cells) <= len(header) else "?"
                return f"{path}, line {number}, column {column}: is not UTF-8 text. {remedy}"
            header = header or next(csv.reader([text]), [])
    return f"{path}: ends in the middle of a character, so it was cut short. {remedy}"


def _header(path: Path) -> list[str]:
    """The names in row 1, each given once."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    if not any(header):
        raise InputError(f"{path}, row 1: there is no header row. Give the column names first.")
    seen = Counter(name.lower() for name in (*header, *warehouse.PROVENANCE))
    twice = sorted({name for name in header if seen[name.lower()] > 1})
    if twice or "" in header:
        fault = f"the column {', '.join(twice)} stands twice" if twice else "a column has no name"
        raise InputError(f"{path}, row 1: {fault}. Give every column a name of its own.")
    return header


def _load(
    connection: duckdb.DuckDBPyConnection, table: str, contract: list[str], file: LandedFile | None
) -> int:
    """Replace raw.<table> by the file's rows; gives their number."""
    others = [name for name in file.header if name not in contract] if file else []
    every = [*contract, *others]
    connection.execute(
        f"create or replace table raw.{table}"
        f" ({warehouse.text_columns(every)}, _source varchar, _file varchar, _row bigint)"
    )
    if file is None:
        return 0
    if not (file.is_plain and _load_plain(connection, file)):
        _load_checked(connection, file)
    found = connection.execute(f"select count(*) from raw.{table}").fetchone()
    rows = int(found[0]) if found else 0
    connection.execute(
        "insert into audit.landed_files values (?, ?, ?, ?, ?, ?)",
        [table, file.path.name, file.bytes, file.sha256, rows, "; ".join(others) or None],
    )
    return rows


def _insert(file: LandedFile, relation: str) -> str:
    names = ", ".join(map(warehouse.quoted, file.header))
    return (
        f"insert into raw.{file.table} ({names}, _source, _file, _row)"
        f" select {names}, '{SOURCE}', ?, row_number() over () + ? from {relation}"
    )


def _load_plain(connection: duckdb.DuckDBPyConnection, file: LandedFile) -> bool:
    """DuckDB's own strict reader; false when it refuses the file, to be read row by row then."""
    columns = dict.fromkeys(file.header, "VARCHAR")
    read = "read_csv(?, columns = ?, header = true, auto_detect = false, delim = ',', quote = '\"',"
    read += " escape = '\"', strict_mode = true, null_padding = false, max_line_size = 16777216)"
    try:
        connection.execute(_insert(file, read), [file.path.name, 1, str(file.path), columns])
    except duckdb.Error as error:
        if not isinstance(error, duckdb.InvalidInputException | duckdb.ConversionException):
            raise
        return False
    return True


def _load_checked(connection: duckdb.DuckDBPyConnection, file: LandedFile) -> None:
    """Row by row, to name the row and column of what is wrong, or to read what only looked odd."""
    with file.path.open(encoding="utf-8-sig", newline="") as lines:
        rows = _checked_rows(file, csv.reader(lines, strict=True))
        number = 1
        while batch := list(islice(rows, BATCH_ROWS)):
            numbers = [row_number for row_number, _ in batch]
            cells = list(zip(*(values for _, values in batch), strict=True))
            arrow = pa.table(
                [
                    *(pa.array([v or None for v in column], pa.string()) for column in cells),
                    pa.array(numbers, pa.int64()),
                ],
                names=[*file.header, "_row"],
            )
            names = ", ".join(map(warehouse.quoted, file.header))
            connection.register("landing_batch", arrow)
            connection.execute(
                f"insert into raw.{file.table} ({names}, _source, _file, _row)"
                f" select {names}, '{SOURCE}', ?, _row from landing_batch",
                [file.path.name],
            )
            connection.unregister("landing_batch")
            number += len(batch)


def _checked_rows(
    file: LandedFile, reader: "Iterator[list[str]]"
) -> Iterator[tuple[int, list[str]]]:
    """Row number and values; a ragged row or a character XML forbids is an input error."""
    width = len(file.header)
    number = 0
    try:
        for number, values in enumerate(reader, start=1):
            if number == 1 or not values:
                continue
            if len(values) != width:
                raise InputError(
                    f"{file.path}, row {number}: has {len(values)} values, but the header has"
                    f" {width} columns (from {file.header[min(len(values), width - 1)]} on the row"
                    " cannot be read). A comma or a quote inside a value needs the value in quotes."
                )
            for name, value in zip(file.header, values, strict=True):
                if found := FORBIDDEN.search(value):
                    raise InputError(
                        f"{file.path}, row {number}, column {name}: holds a character that XML"
                        f" forbids (U+{ord(found[0]):04X}). Remove it in the case system."
                    )
            yield number, values
    except csv.Error:
        raise InputError(
            f"{file.path}, row {number + 1}: has a quote that is not closed, or text after one."
            ' Write a quote inside a value twice ("").'
        ) from None
