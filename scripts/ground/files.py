"""Files as DuckDB reads them: the one whose path was given, and its bytes as they are.

DuckDB takes a path for a pattern, reads `name=value` in a folder's name as a column, and unpacks
what a name says is packed. None of that is wanted anywhere, so every file is read by way of here.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

import duckdb

from .errors import InputError
from .sql import literal

LONGEST_LINE = 1 << 24
"""Most bytes of a line of a CSV file, and of a value."""
MOST_BYTES, MOST_ROWS, MOST_COLUMNS = 2 << 30, 20_000_000, 2_000
"""Most that is read of Parquet files at a time: bytes of them and of their text, rows, columns.

All England's cases are some six million rows. A small Parquet file can repeat a value without end.
"""


@dataclass
class Room:
    """What is left of the most that may be read."""

    MOST: ClassVar[str] = f"{MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns or {MOST_BYTES >> 30} GB"

    packed: int = MOST_BYTES
    text: int = MOST_BYTES
    rows: int = MOST_ROWS
    columns: int = MOST_COLUMNS

    def take(self, packed: int = 0, text: int = 0, rows: int = 0, columns: int = 0) -> None:
        """Take some of it; an OverflowError when there is not so much."""
        self.packed -= packed
        self.text -= text
        self.rows -= rows
        self.columns -= columns
        if min(self.packed, self.text, self.rows, self.columns) < 0:
            raise OverflowError

    def take_table(
        self, connection: duckdb.DuckDBPyConnection, texts: Sequence[str], rows: str
    ) -> None:
        """Take what the rows of a file hold, with the columns of them that are texts."""
        self.take(columns=len(texts))
        self.take(rows=connection.execute(f"select count(*) {rows}").fetchall()[0][0])
        lengths = [f"coalesce(sum(strlen({text})), 0)" for text in texts]
        counted = connection.execute(f"select {' + '.join(['0', *lengths])} {rows}")
        self.take(text=int(counted.fetchall()[0][0]))


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_below(root: Path) -> list[Path]:
    """A file itself, or every file below a folder; none where there is neither."""
    return [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())


class State(NamedTuple):
    """What tells a file from the same one written again: its number, its size, when it changed."""

    number: int
    bytes: int
    changed: int


def state(path: Path) -> State:
    """The state of a file, to be taken before it is hashed."""
    found = path.stat()
    return State(found.st_ino, found.st_size, found.st_mtime_ns)


def require_same(path: Path, before: State) -> None:
    """An input error when the file was written since: what was hashed is not what was read."""
    try:
        is_same = state(path) == before
    except OSError:
        is_same = False
    if not is_same:
        raise InputError(
            f"{path}: changed while it was read. Wait until it is written, and run again."
        )


def pattern(path: Path) -> str:
    """The pattern that fits this path and no other."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))


def read_csv(path: Path, **options: str | int | dict[str, str]) -> str:
    """SQL that reads one CSV file; `options` are DuckDB's."""
    return _read("read_csv", path, {"compression": "none", **options})


def read_parquet(path: Path, **options: str | int | dict[str, str]) -> str:
    """SQL that reads one Parquet file; `options` are DuckDB's."""
    return _read("read_parquet", path, options)


def _read(function: str, path: Path, options: dict[str, str | int | dict[str, str]]) -> str:
    said = {"hive_partitioning": False, **options}
    words = "".join(f", {name} = {literal(value)}" for name, value in said.items())
    return f"{function}({literal(pattern(path))}{words})"
