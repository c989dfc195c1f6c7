"""A table in a file whose layout nobody promised: CSV, tabs, pasted text or a workbook.

Headings are found by name wherever they stand; columns nobody asked for are kept. Values are text.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..ground.errors import InputError
from ..imports import dfe_workbook
from ..imports.table_return import normal

DELIMITERS = "\t,;|"
ENCODINGS = ("utf-8-sig", "cp1252")
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
LARGEST = 1 << 28
"""Most bytes of a file of text."""
HEADINGS_WITHIN = 40
"""A table's headings stand in one of its first rows, below whatever title it has."""
PASTED = re.compile(r"\s*(\d{1,5}[A-Za-z]?)\s*[:.)\-\u2013]?\s+(\S.*?)\s*")

Line = tuple[int, list[str]]
"""A row as a spreadsheet numbers it, and its cells."""


@dataclass(frozen=True)
class HeadedTable:
    """A table as found: where it stands, its headings, which column is what, and its rows."""

    place: str
    headings: list[str]
    columns: dict[str, int]
    rows: list[Line]

    def cell(self, row: list[str], meaning: str) -> str:
        """What a row holds under a meaning; nothing when no column has it."""
        place = self.columns.get(meaning)
        return row[place].strip() if place is not None and place < len(row) else ""


def read(path: Path, known: Mapping[str, Sequence[str]], needed: str) -> list[HeadedTable]:
    """The tables of a file that have the needed column, one a sheet.

    `known` gives the headings that each meaning may stand under, the likeliest first. A file of
    text without any such heading is read as pasted lines, a number and then words.

    Raises InputError when no table has it, or the file cannot be read; no value is repeated.
    """
    text = ""
    if dfe_workbook.is_workbook(path):
        sheets = dfe_workbook.sheets(path)
    else:
        text = _text(path)
        sheets = iter([("", list(_lines(path, text)))])
    seen, found = [], []
    for name, lines in sheets:
        place = f"{path.name}, {name}" if name else path.name
        table = _headed(place, lines, known, needed)
        if table is None and not name:
            table = _pasted(place, text, needed)
        seen.append(name or path.name)
        if table is not None:
            found.append(table)
    if not found:
        raise InputError(
            f"{path}: no column for the rule's number was found in {', '.join(seen) or 'it'}. Give"
            f" the table a heading row with one of: {', '.join(known[needed])}."
        )
    return found


def _text(path: Path) -> str:
    """A file of text, UTF-8, UTF-16 or as Windows writes it."""
    try:
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path}: has more than {LARGEST >> 20} MB, so this is no such list.")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    if content.startswith(UTF_16):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise InputError(f"{path}: is neither text nor an Excel workbook.")
    for encoding in ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


def _lines(path: Path, text: str) -> Iterator[Line]:
    """The rows of a text, cut at the delimiter that most of its first lines have."""
    head = text.splitlines()[:HEADINGS_WITHIN]
    delimiter = max(DELIMITERS, key=lambda mark: sum(mark in line for line in head))
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    before = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise InputError(
                f"{path}, row {before + 1}: cannot be read: a quote is not closed, or a value is"
                " too long."
            ) from None
        row, before = before + 1, reader.line_num
        if any(cell.strip() for cell in cells):
            yield row, cells


def _headed(
    place: str, lines: Iterable[Line], known: Mapping[str, Sequence[str]], needed: str
) -> HeadedTable | None:
    """The table below the row with the most known headings, if one of them is the needed one."""
    rows = list(lines)
    best: tuple[int, int, dict[str, int]] | None = None
    for index, (_, cells) in enumerate(rows[:HEADINGS_WITHIN]):
        columns = _columns(cells, known)
        if needed in columns and (best is None or len(columns) > best[0]):
            best = (len(columns), index, columns)
    if best is None:
        return None
    _, index, columns = best
    return HeadedTable(place, [cell.strip() for cell in rows[index][1]], columns, rows[index + 1 :])


def _columns(cells: Sequence[str], known: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Which cell of a row is the heading of what; a cell stands for one meaning only."""
    headings = [
        normal(re.sub(r"\s*/\s*", "/", cell.replace("_", " ")).rstrip(".: ")) for cell in cells
    ]
    columns: dict[str, int] = {}
    for meaning, names in known.items():
        for name in names:
            places = [
                place
                for place, heading in enumerate(headings)
                if heading == name and place not in columns.values()
            ]
            if places:
                columns[meaning] = places[0]
                break
    return columns


def _pasted(place: str, text: str, needed: str) -> HeadedTable | None:
    """Lines that begin with a number and go on with words; not a table if most do not.

    A line that does not is kept, without a number.
    """
    lines = [(row, line) for row, line in enumerate(text.splitlines(), start=1) if line.strip()]
    cut = [(row, line, PASTED.fullmatch(line)) for row, line in lines]
    if sum(match is not None for _, _, match in cut) * 2 <= len(cut):
        return None
    rows = [
        (row, [match[1], match[2]] if match else ["", line.strip()]) for row, line, match in cut
    ]
    return HeadedTable(place, ["number", "message"], {needed: 0, "message": 1}, rows)
