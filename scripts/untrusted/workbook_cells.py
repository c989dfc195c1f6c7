"""How far the cells of a workbook reach, known before any library reads it.

A reader makes room for every cell from the first to the last, filled or not. So one cell far from
the others, which takes a few bytes in the file, would take all the memory of the machine.
"""

import zipfile
from functools import cache
from pathlib import Path
from string import ascii_letters, ascii_uppercase
from typing import IO, NoReturn
from xml.parsers import expat

from ..ground.errors import InputError
from .parsers import ZIP_FAULTS

LARGEST = 1 << 30
"""Most bytes of a workbook unpacked: the largest authority's has a tenth of it."""
MOST_CELLS = 10_000_000
"""Most cells of all sheets, filled or not: the largest authority's has a fifth of it."""
MOST_COLUMNS = 16_384
"""What the programs that write workbooks have room for."""
CHUNK = 1 << 16
XLSX, ODS = "worksheet", "document-content"
"""The outermost elements of the parts that hold cells."""
MARKS = (b"sheetData", b"table-row")
"""What stands in such a part, also in one that is no XML and that a lenient reader takes."""
FILLED = {
    *("value-type", "value", "string-value", "boolean-value", "date-value", "time-value"),
    "formula",
}
"""The attributes of an ODS cell that holds something."""
DIGITS = "0123456789"
NO_DIGITS = str.maketrans("", "", DIGITS)
NO_LETTERS = str.maketrans("", "", ascii_letters)


def require_bounded(path: Path) -> bool:
    """Whether the cells of a workbook could be counted; it is an input error that they are many.

    They cannot in the old and the binary kinds of workbook, nor in what is none.
    """
    try:
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > LARGEST:
                raise InputError(
                    f"{path}: unpacks to more than {LARGEST >> 20:,} MB, so this is no extract and"
                    " no return. It was not read."
                )
            cells, are_counted = 0, False
            for part in parts:
                with archive.open(part) as file:
                    counted = _Part(path, part.filename, cells)
                    cells += counted.read(file)
                    are_counted = are_counted or counted.kind in (XLSX, ODS)
            return are_counted
    except ZIP_FAULTS:
        raise _unreadable(path) from None


def _unreadable(path: Path) -> InputError:
    return InputError(f"{path}: is not a workbook that can be read. Save it again.")


class _Part:
    """A part of the zip file, of which only the places of cells are looked at."""

    def __init__(self, path: Path, name: str, before: int) -> None:
        self.path, self.name, self.before = path, name, before
        self.others = 0
        """The cells of the ODS sheets before this one; `before` are those of other parts."""
        self.parser = expat.ParserCreate()
        self.parser.ordered_attributes = True
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._begin
        self.kind = ""
        self.rows = self.columns = 0
        """The last row and the last column with a filled cell, from 1."""
        self.wide = 0
        """The cells of all rows, each up to its own last one, filled or not."""
        self.row = self.column = 0
        """Where the reader is; of ODS the first of the rows and cells that are repeated."""
        self.place = ""
        """The XLSX cell that has begun, such as B7."""
        self.filled: list[str] = []
        self.last = 0
        """The last column of the row, of ODS with a filled cell."""
        self.row_repeats = self.repeats = 1

    def read(self, file: IO[bytes]) -> int:
        """How many cells a reader would make room for; it looks no further than is needed."""
        tail = b""
        while chunk := file.read(CHUNK):
            try:
                self.parser.Parse(chunk, False)
                self._take_filled()
            except (expat.ExpatError, ValueError):
                self._require_no_cells(tail, chunk, file)
                return 0
            if self.kind not in ("", XLSX, ODS):
                return 0
            self._require_few()
            tail = chunk[-len(max(MARKS, key=len)) :]
        self._end_row()
        return self.others + self._require_few()

    def _require_no_cells(self, tail: bytes, chunk: bytes, file: IO[bytes]) -> None:
        """Raise for a part that is not sound XML where a lenient reader could find cells in it."""
        is_xml = self.kind in (XLSX, ODS) or self.name.lower().endswith((".xml", ".rels"))
        while chunk and not is_xml:
            is_xml = any(mark in tail + chunk for mark in MARKS)
            tail, chunk = chunk[-len(max(MARKS, key=len)) :], file.read(CHUNK)
        if is_xml:
            raise _unreadable(self.path)

    def _begin(self, tag: str, attributes: list[str]) -> None:
        """The outermost element says what the part is."""
        self.kind = _local(tag)
        of_kind = {XLSX: self._begin_xlsx, ODS: self._begin_ods}
        self.parser.StartElementHandler = of_kind.get(self.kind)

    def _begin_xlsx(self, tag: str, attributes: list[str]) -> None:
        if tag in ("v", "is"):
            self.filled.append(self.place)
        elif tag == "c":
            if attributes[:1] == ["r"]:
                self.place = attributes[1]
            else:
                self.place = _value(attributes, "r") or self._next_place()
        elif tag == "row":
            self._end_row()
            place = _value(attributes, "r")
            self.row = self.row + 1 if place is None else _number(place)
        elif ":" in tag:
            self._begin_xlsx(_local(tag), attributes)

    def _next_place(self) -> str:
        """Where a cell is that does not say so."""
        return f"{_letters(_column(self.place.rstrip(DIGITS)) + 1)}{self.row}"

    def _take_filled(self) -> None:
        """Count the cells of XLSX that were met, many at once: there may be millions."""
        places = " ".join(self.filled)
        self.filled.clear()
        columns = map(_column, set(places.translate(NO_DIGITS).split()))
        rows = map(int, set(places.translate(NO_LETTERS).split()))
        self.columns, self.rows = max(self.columns, *columns, 0), max(self.rows, *rows, 0)

    def _begin_ods(self, tag: str, attributes: list[str]) -> None:
        match _local(tag):
            case "table-cell" | "covered-table-cell":
                self.column += self.repeats
                self.repeats = _number(_value(attributes, "number-columns-repeated") or "1")
                if not FILLED.isdisjoint(map(_local, attributes[::2])):
                    self.last = self.column + self.repeats - 1
            case "p":
                self.last = self.column + self.repeats - 1
            case "table-row":
                self._end_row()
                self.row += self.row_repeats
                self.row_repeats = _number(_value(attributes, "number-rows-repeated") or "1")
                self.column, self.repeats = 0, 1
            case "table":
                self._end_row()
                self.others += self._require_few()
                self.rows = self.columns = self.wide = self.row = 0
                self.row_repeats = 1

    def _end_row(self) -> None:
        if self.kind == XLSX:
            self.last, self.place = _column(self.place.rstrip(DIGITS)), ""
        if self.kind == ODS and self.last:
            self.rows = max(self.rows, self.row + self.row_repeats - 1)
            self.columns = max(self.columns, self.last)
        self.wide += self.last
        self.last = self.column = 0

    def _require_few(self) -> int:
        """How many cells there are; InputError where that is too many."""
        cells = max(self.rows * self.columns, self.wide)
        if self.before + self.others + cells > MOST_CELLS or self.columns > MOST_COLUMNS:
            raise InputError(
                f"{self.path}: a sheet reaches to the cell {_letters(self.columns)}{self.rows}, so"
                f" the workbook has more than {MOST_CELLS:,} cells, most of them empty, and was not"
                " read. Delete the rows and columns after the table (Ctrl+End shows how far they"
                " go), and sheets that are not needed, and save it again."
            )
        return cells

    def _refuse_doctype(self, *_: object) -> NoReturn:
        raise InputError(
            f"{self.path}: has a document type declaration inside, which a workbook never has and"
            " which can make a reader run out of memory. It was not read."
        )


def _local(tag: str) -> str:
    return tag.rpartition(":")[2] if ":" in tag else tag


def _value(attributes: list[str], name: str) -> str | None:
    """An attribute by its local name; expat gives names and values in turn."""
    for place in range(0, len(attributes), 2):
        if _local(attributes[place]) == name:
            return attributes[place + 1]
    return None


def _number(text: str) -> int:
    """A whole number; ValueError of what is none."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError
    return int(text)


@cache
def _column(letters: str) -> int:
    """The number of a column, from 1, and 0 of no letters; ValueError where it is none."""
    if len(letters) > 3 or not all(letter in ascii_letters for letter in letters):
        raise ValueError
    number = 0
    for letter in letters.upper():
        number = number * 26 + ascii_uppercase.index(letter) + 1
    return number


def _letters(number: int) -> str:
    """The letters of a column."""
    letters = ""
    while number > 0:
        number, place = divmod(number - 1, 26)
        letters = ascii_uppercase[place] + letters
    return letters
