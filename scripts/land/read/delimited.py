"""Delimited text, CSV and its kin: found, read through, and loaded with the row of every row.

DuckDB's strict reader takes every regular file. Python's takes the others row by row, so that what
is wrong has a row; a row that is no row of the table is set aside with its reason, never dropped.
"""

import codecs
import csv
import hashlib
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from ...ground import files
from ...ground.errors import InputError

CHUNK = 1 << 20
BATCH_ROWS = 100_000
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
BLANK_LINE = re.compile("\n\r?\n")
UTF_8 = "utf-8-sig"

csv.field_size_limit(files.LONGEST_LINE)

Insert = Callable[[str, str], str]
"""From a relation with the file's columns, and an expression of the row's number, to SQL."""


@dataclass(frozen=True)
class SetAside:
    """A row that did not land in its table: why, in a word for rules and in words for a person."""

    file: str
    row: int
    fault: str
    reason: str


@dataclass(frozen=True)
class TextFile:
    """A delimited file as it was found: how it is written, its header, size in bytes, SHA-256.

    `is_plain` says that it holds no blank line and no character that XML forbids. `must_be_clean`
    says that such a character is an error; else it lands, for the mapping to clean.
    """

    path: Path
    name: str
    header: list[str]
    bytes: int
    sha256: str
    state: files.State
    is_plain: bool
    encoding: str = UTF_8
    delimiter: str = ","
    quote: str = '"'
    header_row: int = 1
    must_be_clean: bool = True
    fills_short_rows: bool = False
    skips_empty_rows: bool = False


def read_through(path: Path, encoding: str) -> tuple[str, int, bool]:
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


def load(connection: duckdb.DuckDBPyConnection, file: TextFile, insert: Insert) -> list[SetAside]:
    """Load the file by the SQL that `insert` gives; gives the rows that are no rows of the table.

    Raises InputError where the file cannot be told apart into rows.
    """
    is_done = file.is_plain and file.header_row == 1 and _load_plain(connection, file, insert)
    aside = [] if is_done else _load_checked(connection, file, insert)
    files.require_same(file.path, file.state)
    return aside


@contextmanager
def _in_utf_8(file: TextFile) -> Iterator[Path]:
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


def _load_plain(connection: duckdb.DuckDBPyConnection, file: TextFile, insert: Insert) -> bool:
    """DuckDB's own strict reader; false when it refuses the file, to be read row by row then.

    Whether it does is tried apart, since a refusal would end the transaction.
    """
    with _in_utf_8(file) as path:
        read = files.read_csv(
            path,
            columns=dict.fromkeys(file.header, "VARCHAR"),
            header=True,
            auto_detect=False,
            delim=file.delimiter,
            quote=file.quote,
            escape=file.quote,
            strict_mode=True,
            null_padding=False,
            max_line_size=files.LONGEST_LINE,
        )
        try:
            with connection.cursor() as apart:
                apart.execute(f"select count(*), count(columns(*)) from {read}")
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            return False
        number = "row_number() over () + 1"
        connection.execute(insert(read, number), {"file": file.name})
    return True


def _load_checked(
    connection: duckdb.DuckDBPyConnection, file: TextFile, insert: Insert
) -> list[SetAside]:
    """Row by row, to give what is wrong its row and column, or to read what only looked odd."""
    aside: list[SetAside] = []
    with file.path.open(encoding=file.encoding, newline="") as lines:
        reader = csv.reader(lines, delimiter=file.delimiter, quotechar=file.quote, strict=True)
        load_rows(connection, file.name, file.header, _checked(file, reader, aside), insert)
    return aside


def load_rows(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    header: Sequence[str],
    rows: Iterator[tuple[int, Sequence[str | None]]],
    insert: Insert,
) -> None:
    """Load rows, each a number and one text a column, in batches that bound the memory."""
    while batch := list(islice(rows, BATCH_ROWS)):
        numbers = [number for number, _ in batch]
        cells = list(zip(*(values for _, values in batch), strict=True))
        arrow = pa.table(
            [
                *(pa.array([v or None for v in column], pa.string()) for column in cells),
                pa.array(numbers, pa.int64()),
            ],
            names=[*header, "_row"],
        )
        connection.register("landing_batch", arrow)
        connection.execute(insert("landing_batch", "_row"), {"file": name})
        connection.unregister("landing_batch")


def _checked(
    file: TextFile, reader: Iterator[list[str]], aside: list[SetAside]
) -> Iterator[tuple[int, list[str]]]:
    """Row number and values; a row with too few or too many values is set aside."""
    width = len(file.header)
    number = 0
    try:
        for number, values in enumerate(reader, start=1):
            if number <= file.header_row or not values:
                continue
            if file.skips_empty_rows and not any(value.strip() for value in values):
                continue
            if file.skips_empty_rows and len(values) > width and not any(values[width:]):
                values = values[:width]
            if file.fills_short_rows and len(values) < width:
                values += [""] * (width - len(values))
            if len(values) != width:
                aside.append(SetAside(file.name, number, "ragged", _ragged(len(values), width)))
                continue
            for name, value in zip(file.header, values, strict=True):
                if file.must_be_clean and (found := FORBIDDEN.search(value)):
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


def _ragged(found: int, width: int) -> str:
    """What is wrong with a row of the wrong length, and how it is mended."""
    return (
        f"it has {found} values, but the header has {width} columns, so they cannot be told apart;"
        " a delimiter or a quote inside a value needs the value in quotes"
    )
