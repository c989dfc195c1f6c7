"""Files as DuckDB reads them: the one whose path was given, and its bytes as they are.

DuckDB takes a path for a pattern, reads `name=value` in a folder's name as a column, and unpacks
what a name says is packed. None of that is wanted anywhere, so every file is read by way of here.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from .errors import InputError
from .sql import literal

LONGEST_LINE = 1 << 24
"""Most bytes of a line of a CSV file, and of a value."""


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
