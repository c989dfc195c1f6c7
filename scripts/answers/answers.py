"""What officers typed in workbooks becomes notes, corrections and lines that move.

`workbooks` reads one by its headings, `decisions` says what becomes of each answer, `keep` writes
the authority's own CSV files. `take` does all three for one warehouse.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from .. import warehouse
from ..ground import files, places
from ..ground.errors import InputError
from ..reports.issues import issue_files
from ..settings.config import Config
from .decisions import OUTCOMES, Reading, decide
from .keep import read_kept, record, write_kept
from .workbooks import is_workbook, read, read_all

__all__ = [
    "OUTCOMES",
    "Reading",
    "Taken",
    "has_answers",
    "is_workbook",
    "record",
    "sha256",
    "show",
    "take",
    "to_read",
]

MOST_SHOWN = 20
"""Most answers that were not used that the terminal names, each with its place."""


@dataclass(frozen=True)
class Taken:
    """What was read of which files, and the files of the authority that changed."""

    reading: Reading
    sha256: dict[Path, str]
    written: list[Path]


def to_read(config: Config, out: Path) -> list[Path]:
    """The workbooks that a run reads: those it wrote last, those set aside, officers' copies."""
    folders = [out / places.ANSWERED, *([config.workbooks_from] if config.workbooks_from else [])]
    copies = [
        path
        for folder in folders
        if folder.is_dir()
        for path in sorted(folder.rglob("*"))
        if is_workbook(path)
    ]
    return [*issue_files.workbooks_in(out), *copies]


def take(
    paths: Iterable[Path],
    config: Config,
    path: Path,
    year: int,
    *,
    write: bool,
    strict: bool,
    newest: Collection[Path] = (),
) -> Taken:
    """Read workbooks and decide by the warehouse at `path`; with `write` keep what was decided.

    With `strict` a workbook that cannot be read is an InputError; else it is listed. The last run
    wrote the `newest` of them: what is in those was written since.
    """
    paths = list(paths)
    digests = {each: sha256(each) for each in paths}
    books = [read(each) for each in paths] if strict else read_all(paths)
    books = [
        replace(book, is_newest=each in newest) for each, book in zip(paths, books, strict=True)
    ]
    with warehouse.connect(path, read_only=True) as connection:
        try:
            kept = read_kept(config, connection, year)
            reading = decide(books, connection, year, kept)
        except duckdb.CatalogException:
            raise InputError(warehouse.NOT_BUILT.format(path=path)) from None
    written = write_kept(config, kept, reading) if write else []
    return Taken(reading, digests, written)


def has_answers(path: Path) -> bool:
    """Whether somebody wrote in a workbook since it was made; one that cannot be read may have."""
    try:
        book = read(path)
    except InputError:
        return True
    return bool(book.unread) or any(row.is_changed for row in book.rows)


def sha256(path: Path) -> str:
    """The SHA-256 of a file; blank when it cannot be read."""
    try:
        return files.sha256(path)
    except OSError:
        return ""


def show(reading: Reading, most: int = MOST_SHOWN) -> list[str]:
    """What was read in counts, and where each answer is that was not used; no value of a record."""
    lines = [
        f"{count:>8,}  {words}"
        for outcome, words in OUTCOMES.items()
        if outcome != "known" and (count := reading.count(outcome))
    ]
    not_used = reading.not_used()
    for file, sheet, row, rule, why in not_used[:most]:
        where = ", ".join(
            filter(None, (file, sheet, f"row {row}" if row else "", f"rule {rule}" if rule else ""))
        )
        lines.append(f"          {where}: {why}")
    if len(not_used) > most:
        lines.append(f"          and {len(not_used) - most:,} more")
    return lines or ["       0  new answers"]
