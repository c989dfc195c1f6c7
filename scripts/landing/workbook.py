"""Workbooks, XLSX, ODS and the older ones, as rows of text; python-calamine reads them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    WorksheetNotFound,
)

from ..errors import InputError
from . import headings


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook."""

    name: str
    cells: CalamineSheet = field(repr=False)

    def rows(self, most: int | None = None) -> Iterator[list[str]]:
        """The rows from row 1 on, every cell as text, blank cells as empty text."""
        for row in islice(self.cells.iter_rows(), most):
            yield [as_text(cell) for cell in row]


def open_sheet(path: Path, name: str | None, wanted: set[str]) -> Sheet:
    """The sheet of that name; without one, the first with the most of the wanted headings."""
    try:
        book = CalamineWorkbook.from_path(path)
        if name is not None:
            return Sheet(name, book.get_sheet_by_name(name))
        sheets = [Sheet(each, book.get_sheet_by_name(each)) for each in book.sheet_names]
    except PasswordError:
        raise InputError(f"{path}: needs a password. Save it without one.") from None
    except WorksheetNotFound:
        raise InputError(
            f"{path}: has no sheet {name}, which the mapping reads. Correct its name in one of the"
            " two."
        ) from None
    except (CalamineError, OSError):
        raise InputError(f"{path}: is not a workbook that can be read. Save it again.") from None
    if not sheets:
        raise InputError(f"{path}: has no sheet. Save it again.")

    def score(sheet: Sheet) -> int:
        rows = sheet.rows(headings.SEARCHED_ROWS)
        return max((headings.score(row, wanted) for row in rows), default=0)

    return max(sheets, key=score) if len(sheets) > 1 else sheets[0]


def sheet_names(path: Path) -> list[str]:
    """The names of a workbook's sheets, in order."""
    try:
        return CalamineWorkbook.from_path(path).sheet_names
    except (CalamineError, OSError):
        raise InputError(f"{path}: is not a workbook that can be read. Save it again.") from None


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
