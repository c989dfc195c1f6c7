"""Landing: the files of an extract become the tables of the schema raw, as text, nothing lost.

Every row keeps where it came from: `_source`, `_file` and `_row`, the row a spreadsheet would show
(the header is row 1). A file that cannot be read at all stops the landing and leaves the warehouse
as it was: the whole landing is one transaction.
"""

import codecs
import csv
import hashlib
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from . import notes, spec, warehouse
from .config import Config, read_extract_note
from .errors import InputError

SOURCE = "extract"
CHUNK = 1 << 20
BATCH_ROWS = 100_000
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
BLANK_LINE = re.compile("\n\r?\n")
OPTIONAL_TABLES = {"establishments": "edubasealldata*.csv"}  # and the file DfE's register gives
UTF_8 = "utf-8-sig"
WINDOWS = "cp1252"

csv.field_size_limit(1 << 24)


@dataclass(frozen=True)
class LandedFile:
    """One file of the extract as it was found: its columns, size in bytes, and SHA-256.

    `copies` are columns of the table that the file has under another heading, given there.
    """

    table: str
    path: Path
    header: list[str]
    copies: dict[str, str]
    encoding: str
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

    The authority's own notes and corrections are landed beside it, and not counted.

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
    kept = {
        name: notes.read(name, kept_path, FORBIDDEN)
        for name in warehouse.KEPT_TABLES
        if (kept_path := getattr(config, name)) is not None
    }
    extracted_on = (
        note.extracted_on or config.extracted_on or _newest_day(file.path for file in landed)
    )
    with warehouse.connect(path) as connection:
        warehouse.prepare(connection, year)
        connection.begin()
        try:
            connection.execute("delete from audit.landed_files")
            # They are read after the extract, when they are given again.
            connection.execute("delete from raw.published_figures")
            total = 0
            for table, columns in contract.items():
                names = [column.name for column in columns]
                file = next((file for file in landed if file.table == table), None)
                rows = _load(connection, table, names, file)
                total += rows
                on_table(table, rows)
            for name in warehouse.KEPT_TABLES:
                notes.load(connection, name, kept.get(name))
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
    path = _find(extract, table)
    if path is None:
        return None
    encoding = UTF_8
    try:
        digest, size, is_plain = _read_through(path, encoding)
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
    if missing:
        raise InputError(
            f"{path}, row 1: the column {', '.join(missing)} is missing. Add it to the header,"
            " spelled like that; leave its values blank where nothing is held."
        )
    return LandedFile(table, path, header, copies, encoding, size, digest, is_plain)


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
    with path.open(encoding=WINDOWS, errors="replace", newline="") as file:
        return bool(_copies(next(csv.reader(file), [])))


def _read_through_windows(path: Path) -> tuple[str, int, bool]:
    """The same for a file in the register's own encoding."""
    try:
        return _read_through(path, WINDOWS)
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: is neither UTF-8 nor Windows-1252 text. Download it again, and do not open"
            " it before it is landed."
        ) from None


def _read_through(path: Path, encoding: str) -> tuple[str, int, bool]:
    """SHA-256, size, and whether the file is plain (no blank line, no character XML forbids)."""
    digest = hashlib.sha256()
    decode = codecs.getincrementaldecoder(encoding)()
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
                column = _column_words(header, len(cells) - 1)
                return f"{path}, line {number}, column {column}: is not UTF-8 text. {remedy}"
            header = header or next(csv.reader([text]), [])
    return f"{path}: ends in the middle of a character, so it was cut short. {remedy}"


def _column_words(header: list[str], place: int) -> str:
    """A column as a message may call it: a name of ours, else its number.

    Row 1 of a file without a header row holds a person's values, which no message may.
    """
    ours = {*warehouse.PROVENANCE, *(row["column_name"] for row in spec.seed("extract_contract"))}
    name = header[place] if place < len(header) else ""
    return name if name.lower() in ours else str(place + 1)


def _header(path: Path, encoding: str) -> list[str]:
    """The names in row 1, each given once."""
    with path.open(encoding=encoding, newline="") as file:
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


def _load(
    connection: duckdb.DuckDBPyConnection, table: str, contract: list[str], file: LandedFile | None
) -> int:
    """Replace raw.<table> by the file's rows; gives their number."""
    others = [name for name in file.header if name not in contract] if file else []
    copied = [name for name in file.copies if name not in contract] if file else []
    every = [*contract, *copied, *others]
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


def _insert(file: LandedFile, relation: str, row: str) -> str:
    names = ", ".join(map(warehouse.quoted, [*file.header, *file.copies]))
    values = ", ".join(map(warehouse.quoted, [*file.header, *file.copies.values()]))
    return (
        f"insert into raw.{file.table} ({names}, _source, _file, _row)"
        f" select {values}, '{SOURCE}', ?, {row} from {relation}"
    )


@contextmanager
def _in_utf_8(file: LandedFile) -> Iterator[Path]:
    """The file as DuckDB can read it: itself, or a copy that lasts as long as it is needed."""
    if file.encoding == UTF_8:
        yield file.path
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder) / file.path.name
        with (
            file.path.open(encoding=file.encoding, newline="") as text,
            copy.open("w", encoding="utf-8", newline="") as rewritten,
        ):
            shutil.copyfileobj(text, rewritten, CHUNK)
        yield copy


def _load_plain(connection: duckdb.DuckDBPyConnection, file: LandedFile) -> bool:
    """DuckDB's own strict reader; false when it refuses the file, to be read row by row then."""
    columns = dict.fromkeys(file.header, "VARCHAR")
    read = "read_csv(?, columns = ?, header = true, auto_detect = false, delim = ',', quote = '\"',"
    read += " escape = '\"', strict_mode = true, null_padding = false, max_line_size = 16777216)"
    insert = _insert(file, read, "row_number() over () + 1")
    try:
        with _in_utf_8(file) as path:
            connection.execute(insert, [file.path.name, str(path), columns])
    except duckdb.Error as error:
        if not isinstance(error, duckdb.InvalidInputException | duckdb.ConversionException):
            raise
        return False
    return True


def _load_checked(connection: duckdb.DuckDBPyConnection, file: LandedFile) -> None:
    """Row by row, to name the row and column of what is wrong, or to read what only looked odd."""
    with file.path.open(encoding=file.encoding, newline="") as lines:
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
            connection.register("landing_batch", arrow)
            connection.execute(_insert(file, "landing_batch", "_row"), [file.path.name])
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
                if file.table not in OPTIONAL_TABLES and (found := FORBIDDEN.search(value)):
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
