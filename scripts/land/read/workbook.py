"""Workbooks, XLSX, ODS and the older ones, as rows of text; python-calamine reads them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    WorksheetNotFound,
)

from ...ground.errors import InputError
from ...untrusted import workbook_cells
from ...untrusted.parsers import ZIP_FAULTS
from ...untrusted.workbook_text import require_little_text
from .. import headings

BINARY = {".xlsb", ".xls"}
"""How the names of the kinds end whose cells cannot be counted, whatever else is in the file."""


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook."""

    name: str
    cells: CalamineSheet = field(repr=False)

    def rows(self, most: int | None = None) -> Iterator[list[str]]:
        """The rows from row 1 on, every cell as text, blank cells as empty text."""
        for row in islice(self.cells.iter_rows(), most):
            yield [as_text(cell) for cell in row]


@dataclass(frozen=True)
class Block:
    """The part of a sheet that holds one table, numbered as the sheet is.

    `name` stands alone in the row above it, and one of `others` in the row after it. Without a
    name the table is the whole sheet.
    """

    name: str | None
    others: frozenset[str]

    def of(self, sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
        """The rows between the name of the table and the next one, each with its number."""
        is_inside = self.name is None
        for number, cells in enumerate(sheet.rows(), start=1):
            alone = _alone(cells) if self.name is not None else None
            if alone is not None and alone == headings.fold(self.name or ""):
                is_inside = True
            elif alone in self.others and is_inside:
                return
            elif is_inside:
                yield number, cells


def _alone(cells: list[str]) -> str | None:
    """What stands in a row, when it is one cell only."""
    filled = [cell for cell in cells if cell.strip()]
    return headings.fold(filled[0]) if len(filled) == 1 else None


@contextmanager
def _explained(path: Path, name: str | None = None) -> Iterator[None]:
    """What the reader may say of a workbook, or of its sheet of that name, as input errors."""
    try:
        yield
    except PasswordError:
        raise InputError(f"{path}: needs a password. Save it without one.") from None
    except WorksheetNotFound:
        raise InputError(
            f"{path}: has no sheet {name}, which the mapping reads. Correct its name in one of the"
            " two."
        ) from None
    except (CalamineError, *ZIP_FAULTS):
        raise InputError(f"{path}: is not a workbook that can be read. Save it again.") from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust, which no module exports
            raise
        raise InputError(f"{path}: is not a workbook that can be read. Save it again.") from None


def open_sheet(path: Path, name: str | None, wanted: set[str]) -> Sheet:
    """The sheet of that name; without one, the first with the most of the wanted headings."""
    with _explained(path, name):
        book = _Book.now(path)
        if name is not None:
            return book.sheet(name)
        sheets = [book.sheet(each) for each in book.names]
    if not sheets:
        raise InputError(f"{path}: has no sheet. Save it again.")

    def score(sheet: Sheet) -> int:
        rows = sheet.rows(headings.SEARCHED_ROWS)
        return max((headings.score(row, wanted) for row in rows), default=0)

    return max(sheets, key=score) if len(sheets) > 1 else sheets[0]


def sheet_names(path: Path) -> list[str]:
    """The names of a workbook's sheets, in order."""
    with _explained(path):
        return list(_Book.now(path).names)


class _Book:
    """A workbook whose sheets are read once, however many inputs read them."""

    def __init__(self, path: Path) -> None:
        if not workbook_cells.require_bounded(path) or path.suffix.lower() in BINARY:
            _try_apart(path)
        require_little_text(path)
        self.book = CalamineWorkbook.from_path(path)
        self.names = self.book.sheet_names
        self.read: dict[str, Sheet] = {}

    @staticmethod
    def now(path: Path) -> "_Book":
        """The workbook as it is now."""
        state = path.stat()
        return _Book.of(path, state.st_mtime_ns, state.st_size)

    @staticmethod
    @lru_cache(maxsize=1)
    def of(path: Path, changed: int, size: int) -> "_Book":
        """The workbook of that time and size; the last one is kept."""
        return _Book(path)

    def sheet(self, name: str) -> Sheet:
        """One sheet, read when it is first asked for."""
        if name not in self.read:
            self.read[name] = Sheet(name, self.book.get_sheet_by_name(name))
        return self.read[name]


def forget() -> None:
    """Let go of the last workbook's cells."""
    _Book.of.cache_clear()


def _try_apart(path: Path) -> None:
    """Read a workbook whose cells cannot be counted in a process of little memory first."""
    command = [sys.executable, "-P", "-m", "sen2.land.read.workbook_trial", str(path)]
    tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if tried.returncode:
        raise InputError(
            f"{path}: is damaged, or takes more memory than any extract does, so it was not read."
            " Save it as .xlsx with nothing but the tables, and give that."
        )


def as_text(cell: object) -> str:
    """A cell as the case system wrote it: a day as 2026-01-31, a whole number without .0."""
    match cell:
        case str():
            return cell
        case bool():
            return "TRUE" if cell else "FALSE"
        case float():
            return str(int(cell)) if cell.is_integer() else repr(cell)
        case datetime():
            return str(cell.date() if cell.time() == time() else cell)
        case date() | time() | timedelta() | int():
            return str(cell)
        case _:
            return ""
