"""DfE's Excel template, and the pre-submission workbook: tables on sheets, read a row at a time.

The template has its nine tables one below the other on one sheet, each under its name; the
workbook has a sheet for each, and no header. A cell becomes the text that the return has: whole
numbers without a decimal point, days as ISO dates, also where Excel holds them as numbers.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import openpyxl

from .. import spec
from ..ground.console import Advance
from ..ground.errors import InputError
from ..untrusted import workbook_cells
from ..untrusted.parsers import ZIP_FAULTS
from ..untrusted.workbook_text import require_little_text
from . import table_return
from .table_return import Part, TableReturn, normal
from .xml.reader import Connection

TEMPLATE, PRE_SUBMISSION = "template", "pre_submission"
SHEET = "Data Entry Template"
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
"""What a file begins with: a workbook of today, and one of old or with a password."""
EMPTY_ROWS = 10_000
"""So many empty rows end a sheet, which can claim a million."""
DAYS = range(1, 110_000)
"""The serial numbers that Excel gives to days, up to the year 2201."""

BROKEN = (
    *(TypeError, IndexError, AttributeError, ArithmeticError),
    *(ElementTree.ParseError, *ZIP_FAULTS),
)
"""What openpyxl and the readers under it raise, also late, over a file that is no workbook."""

Cells = Sequence[Any]


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook by its first bytes; one that cannot be read is refused."""
    try:
        with path.open("rb") as file:
            begins = file.read(len(ZIP))
    except OSError:
        return False  # whoever reads it says why it cannot be read
    if begins == OLE:
        raise InputError(
            f"{path}: is a workbook of the old kind or has a password. Save it in Excel as .xlsx"
            " without a password."
        )
    return begins == ZIP


def read(connection: Connection, path: Path, advance: Advance) -> TableReturn:
    """Read a workbook's tables."""
    _require_readable(path)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except InputError:
        raise
    except Exception:
        raise _unreadable(path) from None
    try:
        if SHEET in book.sheetnames:
            return _template(connection, path, book, advance)
        return _sheets(connection, path, book, advance)
    except (InputError, MemoryError):
        raise
    except BROKEN:
        raise _unreadable(path) from None
    finally:
        book.close()


def _require_readable(path: Path) -> None:
    """An input error for a workbook with too much in it, or of a kind that openpyxl cannot read."""
    if not workbook_cells.require_bounded(path):
        raise _unreadable(path)
    require_little_text(path)


def _unreadable(path: Path) -> InputError:
    return InputError(
        f"{path}: cannot be read as an Excel workbook. Open it in Excel and save it again as .xlsx."
    )


def _template(connection: Connection, path: Path, book: Any, advance: Advance) -> TableReturn:
    """The tables below each other: a table's name, its headings, its rows up to the next name."""
    gathered = TableReturn(connection, TEMPLATE, path, has_case_ids=True)
    parts = table_return.layout(TEMPLATE)
    by_name = {normal(name): name for name in parts}
    file = f"{path.name}, {SHEET}"
    blocks = _Blocks(_filled_rows(book[SHEET]), by_name)
    for name in blocks:
        headings_row, headings = blocks.headings()
        where = f"{path}, {SHEET}, row {headings_row}"
        if not headings:
            raise InputError(f"{path}, {SHEET}: {name} has no headings. Fill in DfE's template.")
        part = Part.found(name, headings, parts[name], file, headings_row, where)
        if part.table in gathered.parts:
            raise InputError(f"{where}: {name} stands on the sheet twice. Leave only one.")
        gathered.take(part, _texts(part, blocks.rows(), book.epoch))
        advance(len(gathered.parts), len(parts))
    if missing := [name for name, known in parts.items() if _table(known) not in gathered.parts]:
        raise InputError(f"{path}, {SHEET}: {', '.join(missing)} is missing. Give the whole sheet.")
    return gathered


def _table(known: dict[str, spec.Row]) -> str:
    return next(iter(known.values()))["table_name"]


class _Blocks:
    """The rows of a sheet, cut where a table's name stands in the first column."""

    def __init__(self, rows: Iterator[tuple[int, Cells]], names: dict[str, str]) -> None:
        self.source, self.names = rows, names
        self.next: str | None = None

    def __iter__(self) -> Iterator[str]:
        for _ in self.rows():
            pass  # what stands above the first table
        while (name := self.next) is not None:
            self.next = None
            yield name

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """The rows up to the next table's name."""
        for number, cells in self.source:
            if (name := self.names.get(normal(_text(cells[0]) or ""))) is not None:
                self.next = name
                return
            yield number, cells

    def headings(self) -> tuple[int, list[str]]:
        """The first row of a table."""
        number, cells = next(self.rows(), (0, ()))
        return number, [_text(cell) or "" for cell in cells]


def _sheets(connection: Connection, path: Path, book: Any, advance: Advance) -> TableReturn:
    """The tables on a sheet each."""
    gathered = TableReturn(connection, PRE_SUBMISSION, path, has_case_ids=True)
    parts = table_return.layout(PRE_SUBMISSION)
    by_name = {normal(name): name for name in book.sheetnames}
    missing = [name for name in parts if normal(name) not in by_name]
    if len(missing) == len(parts):
        raise InputError(
            f"{path}: has neither the sheet {SHEET} of DfE's template nor the sheets of a"
            f" pre-submission workbook ({', '.join(parts)})."
        )
    if missing:
        raise InputError(f"{path}: the sheet {', '.join(missing)} is missing. Give the whole file.")
    for name, known in parts.items():
        rows = _filled_rows(book[by_name[normal(name)]])
        number, cells = next(rows, (1, ()))
        headings = [_text(cell) or "" for cell in cells]
        where = f"{path}, {name}, row {number}"
        part = Part.found(name, headings, known, f"{path.name}, {name}", number, where)
        gathered.take(part, _texts(part, rows, book.epoch))
        advance(len(gathered.parts), len(parts))
    return gathered


def _filled_rows(sheet: Any) -> Iterator[tuple[int, Cells]]:
    """The rows that are not empty, each with its number on the sheet."""
    sheet.reset_dimensions()  # which a program can write wrongly
    empty = 0
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if any(cell is not None and cell != "" for cell in cells):
            empty = 0
            yield number, cells
        elif (empty := empty + 1) >= EMPTY_ROWS:
            return


def _texts(
    part: Part, rows: Iterable[tuple[int, Cells]], epoch: datetime
) -> Iterator[tuple[int, list[str | None]]]:
    """The rows as text; where an item is a day or a time, a number is one too."""
    kinds = {
        place: _kind(part.table, row["column_name"])
        for place, row in zip(part.places, part.columns, strict=True)
    }
    for number, cells in rows:
        yield (
            number,
            [_text(cell, kinds.get(place, ""), epoch) for place, cell in enumerate(cells)],
        )


def _kind(table: str, column: str) -> str:
    kinds = {
        row["data_type"]
        for row in spec.seed("items")
        if (row["table_name"], row["column_name"]) == (table, column)
    }
    return next((kind for kind in ("date", "dateTime") if kind in kinds), "")


def _text(cell: Any, kind: str = "", epoch: datetime | None = None) -> str | None:
    """A cell as text; nothing of an empty one."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, datetime):
        return _day(cell, kind)
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, int | float):
        if kind and epoch and int(cell) in DAYS:
            return _day(epoch + timedelta(seconds=round(cell * 86_400)), kind)
        return str(int(cell)) if cell == int(cell) else repr(cell)
    return str(cell)


def _day(day: datetime, kind: str) -> str:
    if kind == "dateTime":
        return day.isoformat(timespec="seconds")
    is_midnight = (day.hour, day.minute, day.second) == (0, 0, 0)
    return day.date().isoformat() if is_midnight else day.isoformat(timespec="seconds")


def sheets(path: Path) -> Iterator[tuple[str, list[tuple[int, list[str]]]]]:
    """Every sheet of a workbook that is no return: its name, and its filled rows as text."""
    _require_readable(path)
    try:
        with path.open("rb") as file:
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
            for sheet in book.worksheets:
                rows = [
                    (number, [_text(cell) or "" for cell in cells])
                    for number, cells in _filled_rows(sheet)
                ]
                yield sheet.title, rows
    except (InputError, MemoryError):
        raise
    except Exception:
        raise _unreadable(path) from None
