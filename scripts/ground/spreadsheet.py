"""CSV files and workbooks that a spreadsheet program may open: no value in them is ever computed.

Every CSV file and workbook that this project writes for people is written by way of here.
"""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import xlsxwriter

FORMULA_STARTS = (*"=+-@\t\r\n", *"＝＋－＠")  # noqa: RUF001
"""What makes a spreadsheet program read a CSV value as a formula; the wide signs in some countries.

White space before one of them does not stop every program.
"""
MARK = "'"
"""What stands before such a value: a program shows the value as text, and the sign with it."""
TEXT = {"quote_prefix": True}
"""The property of a cell of text: it stays text also when somebody edits it."""


def guarded(value: object) -> object:
    """A value as a CSV file may hold it: one that a program would compute begins with MARK.

    So does one that looks as if it had been guarded, or the two would be read back alike.
    """
    if isinstance(value, str):
        bare = value.lstrip(MARK)
        if bare.startswith(FORMULA_STARTS) or bare.lstrip().startswith(FORMULA_STARTS):
            return MARK + value
    return value


def unguarded(text: str) -> str:
    """The value that `guarded` was given: for the files that this project reads back itself."""
    rest = text.removeprefix(MARK)
    return rest if guarded(rest) == text else text


def _on_one_row(value: object) -> object:
    """A value with line feeds for carriage returns, which Python leaves unquoted: they end rows."""
    if isinstance(value, str) and "\r" in value:
        return value.replace("\r\n", "\n").replace("\r", "\n")
    return value


class Writer:
    """Rows of a CSV file, each value guarded; `end` is how a line ends."""

    def __init__(self, file: TextIO, end: str = "\n") -> None:
        """Write to an open file."""
        self._rows = csv.writer(file, lineterminator=end)

    def row(self, values: Iterable[object]) -> None:
        """Write one row."""
        self._rows.writerow(map(_on_one_row, map(guarded, values)))

    def rows(self, rows: Iterable[Iterable[object]]) -> None:
        """Write many rows."""
        for values in rows:
            self.row(values)


def workbook(path: Path, *, constant_memory: bool = False) -> xlsxwriter.Workbook:
    """A new workbook in which every text stays text, whatever it says; to be closed.

    With `constant_memory`, rows go to disk at once.
    """
    return xlsxwriter.Workbook(
        str(path),
        {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "constant_memory": constant_memory,
            "tmpdir": str(path.parent),
        },
    )
