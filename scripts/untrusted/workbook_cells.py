"""How far the cells of a workbook reach, known before any library reads it.

A reader makes room for every cell from the first to the last, filled or not. So one cell far from
the others, which takes a few bytes in the file, would take all the memory of the machine.
"""

import struct
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
XLSX, ODS, SHARED = "worksheet", "document-content", "sst"
"""The outermost elements of the parts that hold cells, and of the one with the texts they share."""
CONTENT = "content.xml"
"""The part of an ODS file that holds cells."""
OF_ODS = {"table-row", "table-cell", "covered-table-cell"}
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
            _require_one_list(archive, path)
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


def _require_one_list(archive: zipfile.ZipFile, path: Path) -> None:
    """Raise for a zip file in which another reader may find another list of parts.

    The list is behind the parts and the record that ends the file says where. Readers differ in
    what they make of a record that does not fit: ours could count one list and theirs read another.
    """
    length = RECORD.size + len(archive.comment)
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(size - length, 0))
        end = file.read(RECORD.size)
    if len(end) < RECORD.size:
        raise zipfile.BadZipFile
    mark, disk, of_list, here, parts, bytes_, start, comment = RECORD.unpack(end)
    is_same = (
        (mark, comment) == (b"PK\5\6", len(archive.comment))
        and {disk, of_list} <= {0, ALL_SHORT}
        and all(each in (len(archive.infolist()), ALL_SHORT) for each in (here, parts))
        and start in (archive.start_dir, ALL_LONG)
        and (start == ALL_LONG or bytes_ == ALL_LONG or start + bytes_ <= size - length)
    )
    if not is_same:
        raise zipfile.BadZipFile


RECORD = struct.Struct("<4sHHHHIIH")
ALL_SHORT, ALL_LONG = 0xFFFF, 0xFFFFFFFF
"""What the record says where the one of Zip64 has the number."""


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
        self.has_data = False
        """Whether a part of another kind has what would be a sheet's rows."""
        self.filled: list[str] = []
        self.last = 0
        """The last column of the row, of ODS with a filled cell."""
        self.row_repeats = self.repeats = 1

    def read(self, file: IO[bytes]) -> int:
        """How many cells a reader would make room for."""
        tail, is_empty = b"", True
        while chunk := file.read(CHUNK):
            is_empty = False
            try:
                self.parser.Parse(chunk, False)
                self._take_filled()
            except (expat.ExpatError, ValueError):
                self._require_no_cells(tail, chunk, file)
                return 0
            self._require_few()
            tail = chunk[-len(max(MARKS, key=len)) :]
        if not is_empty:
            try:
                self.parser.Parse(b"", True)
            except expat.ExpatError:  # the size that the zip file gives may be less than there is
                self._require_no_cells(tail, b" ", file)
                return 0
        self._end_row()
        return self.others + self._require_few()

    def _require_no_cells(self, tail: bytes, chunk: bytes, file: IO[bytes]) -> None:
        """Raise for a part that is not sound XML where a lenient reader could find cells in it."""
        is_xml = self.kind in (XLSX, ODS, SHARED) or self.has_data
        is_xml = is_xml or self.name.lower().endswith((".xml", ".rels"))
        while chunk and not is_xml:
            is_xml = any(mark in tail + chunk for mark in MARKS)
            tail, chunk = chunk[-len(max(MARKS, key=len)) :], file.read(CHUNK)
        if is_xml:
            raise _unreadable(self.path)

    def _begin(self, tag: str, attributes: list[str]) -> None:
        """The outermost element says what the part is."""
        self.kind = _local(tag)
        of_kind = {XLSX: self._begin_xlsx, ODS: self._begin_ods}
        self.parser.StartElementHandler = of_kind.get(self.kind, self._begin_other)
        if self.kind == SHARED:
            said = (_value(attributes, name) or "0" for name in ("count", "uniqueCount"))
            if max(map(_number, said)) > MOST_CELLS:  # a reader makes room for so many
                raise _unreadable(self.path)

    def _begin_other(self, tag: str, attributes: list[str]) -> None:
        """Refuse cells and shared texts: readers go by the name of a part, whatever is outermost.

        What is kept of another workbook has `sheetData`, too, but no `c` in it.
        """
        if tag in ("si", "t"):  # nearly all that shared texts have
            return
        tag = _local(tag)
        self.has_data = self.has_data or tag == "sheetData"
        if (
            tag == SHARED
            or (tag == "c" and self.has_data)
            or (tag in OF_ODS and self.name.lower().endswith(CONTENT))
        ):
            raise _unreadable(self.path)

    def _begin_xlsx(self, tag: str, attributes: list[str]) -> None:
        if tag in ("v", "is"):
            self.filled.append(self.place)
        elif tag == "c":
            if attributes[:1] == ["r"]:
                self.place = attributes[1]
            else:
                self.place = _place(attributes) or self._next_place()
        elif tag == "row":
            self._end_row()
            place = _place(attributes)
            self.row = self.row + 1 if place is None else _number(place)
        elif tag == SHARED or tag in OF_ODS:
            raise _unreadable(self.path)
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
            case "sheetData" | "sst":
                raise _unreadable(self.path)
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
    """An attribute by its local name; ValueError where that is not one, and a reader may differ.

    expat gives names and values in turn.
    """
    found = [place for place, each in enumerate(attributes[::2]) if _local(each) == name]
    if len(found) > 1:
        raise ValueError
    return attributes[2 * found[0] + 1] if found else None


def _place(attributes: list[str]) -> str | None:
    """Where a cell or row of XLSX is; ValueError where a prefix makes it an attribute of others."""
    place = _value(attributes, "r")
    if place is not None and "r" not in attributes[::2]:
        raise ValueError
    return place


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
