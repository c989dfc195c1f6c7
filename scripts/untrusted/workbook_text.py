"""How much text the cells of a workbook hold, known before any library reads it.

A text that many cells share, or that an ODS cell repeats, stands once in the file, and a reader
makes a copy of it for each cell: a hundred kilobytes can become all the memory of the machine.
"""

import zipfile
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import IO
from xml.parsers import expat

from ..ground.errors import InputError
from .parsers import ZIP_FAULTS

MOST_TEXT = 1 << 28
"""Most characters in all cells: the largest authority's workbook has a tenth of it."""
CHUNK = 1 << 16
SHORTEST = len('<c t="s"><v>1</v></c>')
"""Bytes of a cell that takes a shared text, at least."""
SHARED, SHEET, ODS = "sst", "worksheet", "document-content"


def require_little_text(path: Path) -> None:
    """Raises InputError when the texts of all cells are more than any extract has.

    What is no zip file, or no sound XML, is left to whoever reads it.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            lengths: list[int] = []
            for part in parts:
                found = _Texts(path, SHARED, []).read(archive, part)
                lengths = list(map(max, zip_longest(lengths, found, fillvalue=0)))
            sheets = sum(part.file_size for part in parts)
            may_be_much = max(lengths, default=0) * sheets // SHORTEST > MOST_TEXT
            seen = 0
            for part in parts:
                for kind in (SHEET, ODS) if may_be_much else (ODS,):
                    texts = _Texts(path, kind, lengths, seen)
                    texts.read(archive, part)
                    seen = texts.seen
    except ZIP_FAULTS:
        return


class _OtherError(Exception):
    """The part is of another kind, or has what a workbook never has and its reader refuses."""


class _Texts:
    """The texts of one part, when it is of the kind that is looked for."""

    def __init__(self, path: Path, kind: str, lengths: list[int], seen: int = 0) -> None:
        self.path, self.kind, self.lengths, self.seen = path, kind, lengths, seen
        self.found: list[int] = []
        self.length = 0
        self.number = ""
        self.is_shared = self.is_number = False
        self.repeats = self.row_repeats = 1
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._other
        self.parser.StartElementHandler = self._root

    def read(self, archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> list[int]:
        """The lengths of the shared texts; other kinds add to what was seen."""
        wrong = (expat.ExpatError, ValueError, _OtherError)
        with archive.open(part) as file, suppress(*wrong):
            self._parse(file)
        return self.found

    def _parse(self, file: IO[bytes]) -> None:
        while chunk := file.read(CHUNK):
            self.parser.Parse(chunk, False)
            if self.seen > MOST_TEXT or sum(self.found[-1:]) > MOST_TEXT:
                raise InputError(
                    f"{self.path}: its cells hold more than {MOST_TEXT >> 20:,} million characters,"
                    " far more than an extract has, so it was not read. Delete the columns that are"
                    " not needed, and save it again."
                )

    def _other(self, *_: object) -> None:
        raise _OtherError

    def _root(self, tag: str, attributes: dict[str, str]) -> None:
        if _local(tag) != self.kind:
            raise _OtherError
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _begin(self, tag: str, attributes: dict[str, str]) -> None:
        match self.kind, _local(tag):
            case "sst", "si":
                self.length = 0
            case "worksheet", "c":
                self.is_shared = attributes.get("t") == "s"
            case "worksheet", "v":
                self.is_number, self.number = self.is_shared, ""
            case "document-content", "table-row":
                self.row_repeats = _number(_value(attributes, "number-rows-repeated"))
            case "document-content", "s":
                self.length += _number(_value(attributes, "c"))
            case "document-content", "table-cell" | "covered-table-cell":
                self.length = len(_value(attributes, "string-value") or "")
                self.repeats = _number(_value(attributes, "number-columns-repeated"))

    def _text(self, text: str) -> None:
        self.length += len(text)
        if self.is_number:
            self.number += text

    def _end(self, tag: str) -> None:
        match self.kind, _local(tag):
            case "sst", "si":
                self.found.append(self.length)
            case "worksheet", "v" if self.is_number:
                self.is_number = False
                place = int(self.number)
                self.seen += self.lengths[place] if place < len(self.lengths) else 0
            case "document-content", "table-cell" | "covered-table-cell":
                self.seen += self.length * self.repeats * self.row_repeats
                self.length = 0


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _number(text: str | None) -> int:
    return max(int(text), 1) if text and text.isdecimal() else 1


def _value(attributes: dict[str, str], name: str) -> str | None:
    return next((text for key, text in attributes.items() if _local(key) == name), None)
