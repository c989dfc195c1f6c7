"""The one way a workbook is laid out: fonts, colours, tables, columns to write in.

Headings are in row 1 and each table is an Excel table with a name, so that sorting, filtering,
pivots and Power Query work. Every value is text with a quote prefix unless it is a number of ours:
a spreadsheet program never computes one, also after somebody edits it.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import xlsxwriter

from ..ground import spreadsheet
from ..ground.spreadsheet import TEXT
from ..spec.constants import MODULES, SEVERITIES

Values = tuple[Any, ...]

MAIN = "yes"

CONSTANT_MEMORY_LINES = 30_000
"""From this many lines on, rows go to disk at once: slower, but memory stays flat."""
LONGEST_VALUE = 1_000
"""Most characters of one cell; a longer value is whole in the CSV file only."""
LINE = 15
"""Height of a line of text, in points."""
A3, A4 = 8, 9
WIDEST_ON_A4 = 200
"""Widest sheet, in characters, that can still be read when it is printed on A4."""
START_WIDTHS = (30, 108)


class Column(NamedTuple):
    """A column: heading and width on a sheet, name in the CSV file.

    A hidden one is behind the + of the outline. In one that is `to_write` people write; `choices`
    are what it may hold, and `prompt` is shown beside the cell.
    """

    heading: str
    width: int
    name: str
    is_number: bool = False
    is_hidden: bool = False
    to_write: bool = False
    choices: tuple[str, ...] = ()
    prompt: str = ""


def new_workbook(path: Path, line_count: int) -> xlsxwriter.Workbook:
    """A workbook for that many lines; to be closed."""
    return spreadsheet.workbook(path, constant_memory=line_count > CONSTANT_MEMORY_LINES)


class Book:
    """A workbook being written: its formats, and the one way a table is laid out."""

    def __init__(self, workbook: Any, whole_in: str) -> None:
        """Define every format once; `whole_in` has the values that are too long for a cell."""
        self._whole_in = whole_in
        self._tables: set[str] = set()

        def style(**properties: object) -> Any:
            base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
            return workbook.add_format(base | properties)

        lined: dict[str, object] = {"text_wrap": True, "bottom": 1, "bottom_color": "#D9D9D9"}
        text: dict[str, object] = {**lined, **TEXT}
        colours: dict[str, dict[str, object]] = {
            "load_reject": {"bg_color": "#9C0006", "font_color": "#FFFFFF", "bold": True},
            "error": {"bg_color": "#FFC7CE", "font_color": "#9C0006", "bold": True},
            "query": {"bg_color": "#FFEB9C", "font_color": "#7F4F00"},
        }
        self.workbook = workbook
        self.title = style(bold=True, font_size=14, font_color="#1F3864")
        self.strong = style(bold=True)
        self.wrapped = style(text_wrap=True, **TEXT)
        self.link = style(font_color="#0563C1", underline=1)
        head: dict[str, object] = {
            "bold": True,
            "text_wrap": True,
            "bg_color": "#1F3864",
            "font_color": "#FFFFFF",
            "border": 1,
            "border_color": "#FFFFFF",
        }
        apart = {"align": "right", "indent": 1}  # a number does not touch the text beside it
        self.headers = {False: style(**head), True: style(**head, **apart)}
        self.header_to_write = style(**head | {"bg_color": "#FFDD00", "font_color": "#0B0C0C"})
        self.cell = style(**text)
        # LibreOffice leaves the indent out where a number may be wrapped.
        number = lined | apart | {"text_wrap": False}
        self.number = style(**number, num_format="#,##0")
        self.decimal = style(**number, num_format="#,##0.0")
        self.lighter = style(**text, font_color="#6B6B6B")
        # A cell of text format: what is typed there stays as it is typed, dates and = too.
        self.to_write = style(**text, num_format="@", bg_color="#FFFBE0", locked=False)
        self.answered = workbook.add_format({"font_color": "#6B6B6B", "italic": True})
        self.fresh = workbook.add_format({"bold": True, "font_color": "#005A30"})
        self.severities = {key: style(**text, **own) for key, own in colours.items()}

    def sheet(self, name: str, title: str, *widths: int) -> Any:
        """A sheet to be printed across A4, or A3 when wide, with its title at the head of pages."""
        sheet = self.workbook.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(A3 if sum(widths) > WIDEST_ON_A4 else A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
        sheet.set_header("&L" + title.replace("&", "&&")[:240])
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        for position, width in enumerate(widths):
            sheet.set_column(position, position, width)
        return sheet

    def start_sheet(self, name: str, title: str) -> Any:
        """A sheet of words, its title in the first row, on one page."""
        sheet = self.sheet(name, title, *START_WIDTHS)
        sheet.fit_to_pages(1, 1)
        sheet.set_row(0, 2 * LINE)
        sheet.write_string(0, 0, title, self.title)
        return sheet

    def table_sheet(
        self,
        name: str,
        title: str,
        columns: Sequence[Column],
        rows: Iterable[Values],
        *,
        colour: str | None = None,
        frozen: int = 1,
    ) -> Any:
        """A sheet of one table to filter; its headings are in row 1, in sight and on each page.

        `frozen` columns stay in sight too; `colour` is that of the sheet's tab.
        """
        shown = [column.width for column in columns if not column.is_hidden]
        sheet = self.sheet(name, title, *shown)
        for place, column in enumerate(columns):
            outline = {"level": 1, "hidden": True} if column.is_hidden else {}
            sheet.set_column(place, place, column.width, None, outline)
        if colour:
            sheet.set_tab_color(colour)
        after = self.table(sheet, 0, columns, rows)
        last = max(after - 1, 1)
        if any(column.is_hidden for column in columns):
            sheet.print_area(0, 0, last, len(shown) - 1)
        self._excel_table(sheet, name, columns, last)
        self._answer_cells(sheet, columns, last)
        sheet.freeze_panes(1, frozen)
        sheet.repeat_rows(0)
        return sheet

    def table(self, sheet: Any, row: int, columns: Sequence[Column], rows: Iterable[Values]) -> int:
        """Write a table from `row` on, grey what follows from others; returns the row after it."""
        places = {column.name: place for place, column in enumerate(columns)}
        severity, module = places.get("severity"), places.get("module")
        cause = places.get("main_cause")
        widths = [column.width for column in columns]
        sheet.set_row(row, LINE * _heading_lines(columns))
        for place, column in enumerate(columns):
            sheet.write_string(row, place, column.heading, self._header(column))
        for values in rows:
            row += 1
            height = 1
            follows = cause is not None and values[cause] != MAIN
            plain = self.lighter if follows else self.cell
            for place, value in enumerate(values):
                column = columns[place]
                style = self.to_write if column.to_write else plain
                if value is None:
                    sheet.write_blank(row, place, None, style)
                elif isinstance(value, int):
                    sheet.write_number(row, place, value, self.number)
                elif isinstance(value, float):
                    sheet.write_number(row, place, value, self.decimal)
                elif place == severity:
                    style = plain if follows else self.severities[value]
                    sheet.write_string(row, place, SEVERITIES[value], style)
                else:
                    text = MODULES[value] if place == module else self._fitted(value)
                    if not column.is_hidden and (len(text) > widths[place] or "\n" in text):
                        height = max(height, _lines(text, widths[place]))
                    sheet.write_string(row, place, text, style)
            if height > 1:
                sheet.set_row(row, LINE * height)
        return row + 1

    def _header(self, column: Column) -> Any:
        return self.header_to_write if column.to_write else self.headers[column.is_number]

    def _fitted(self, text: str) -> str:
        """A value as a cell can hold it: xlsxwriter takes text from <r> to </r> for its own XML."""
        if len(text) > LONGEST_VALUE:
            text = f"{text[:LONGEST_VALUE]} (cut here; whole in {self._whole_in})"
        return f" {text}" if text.startswith("<r>") else text

    def _excel_table(self, sheet: Any, name: str, columns: Sequence[Column], last: int) -> None:
        """Make an Excel table of what was written, down to row `last`.

        xlsxwriter remembers every cell of a table, and makes none where rows go to disk at once:
        it is given the first rows, and the range is set here.
        """
        kept, sheet.constant_memory = sheet.constant_memory, False
        written = sheet.table
        sheet.table = type(written)(dict)
        options = {
            "name": self._table_name(name),
            "style": None,
            "columns": [{"header": column.heading} for column in columns],
        }
        sheet.add_table(0, 0, 1, len(columns) - 1, options)
        sheet.table, sheet.constant_memory = written, kept
        made = sheet.tables[-1]
        whole = made["range"].replace(f"{made['range'].split(':')[1]}", _cell(last, len(columns)))
        for part in ("range", "a_range", "autofilter"):
            made[part] = whole

    def _table_name(self, sheet_name: str) -> str:
        """A name for the table of a sheet that no other has, without regard to case."""
        name = re.sub(r"\W+", "_", sheet_name).strip("_") or "Sheet"
        base = f"{name}_lines"
        name, number = base, 1
        while name.casefold() in self._tables:
            number += 1
            name = f"{base}_{number}"
        self._tables.add(name.casefold())
        return name

    def _answer_cells(self, sheet: Any, columns: Sequence[Column], last: int) -> None:
        """Lists and prompts in the columns to write in; lines with an answer turn grey."""
        for place, column in enumerate(columns):
            if not column.to_write:
                continue
            rules: dict[str, Any] = {"validate": "any"}
            if column.choices:
                rules = {
                    "validate": "list",
                    "source": list(column.choices),
                    "error_title": column.heading,
                    "error_message": "Choose one of the list, or leave the cell empty.",
                }
            if column.prompt:
                rules |= {"input_title": column.heading, "input_message": column.prompt}
            sheet.data_validation(1, place, last, place, rules)
        chosen = next((place for place, column in enumerate(columns) if column.choices), None)
        state = next((place for place, each in enumerate(columns) if each.name == "state"), None)
        if chosen is not None:
            formula = f'=${_letters(chosen + 1)}2<>""'
            rule = {"type": "formula", "criteria": formula, "format": self.answered}
            sheet.conditional_format(1, 0, last, len(columns) - 1, rule)
        if state is not None:
            rule = {"type": "cell", "criteria": "==", "value": '"New"', "format": self.fresh}
            sheet.conditional_format(1, state, last, state, rule)

    def write_pairs(self, sheet: Any, row: int, pairs: Iterable[tuple[str, str]]) -> int:
        """A word and what it means on each row; returns the row after an empty one."""
        for word, words in pairs:
            sheet.set_row(row, LINE * _lines(words, START_WIDTHS[1]))
            sheet.write_string(row, 0, word, self.strong if word.isupper() else self.wrapped)
            sheet.write_string(row, 1, words, self.wrapped)
            row += 1
        return row + 1

    def write_contents(self, sheet: Any, row: int, sheets: Iterable[tuple[str, str]]) -> int:
        """The sheets of the workbook as links, with what each holds; returns the row after."""
        sheet.write_string(row, 0, "The sheets", self.strong)
        for name, words in sheets:
            row += 1
            quoted = name.replace("'", "''")
            sheet.set_row(row, LINE * _lines(words, START_WIDTHS[1]))
            sheet.write_url(row, 0, f"internal:'{quoted}'!A1", self.link, name)
            sheet.write_string(row, 1, words, self.wrapped)
        return row + 2


def sheet_name(name: str, taken: Iterable[str]) -> str:
    """A name that Excel takes for a sheet, at most 31 characters, unlike those taken."""
    clean = re.sub(r"[\[\]:*?/\\]", " ", name).strip("' ")[:31].strip("' ") or "Sheet"
    used = {each.casefold() for each in taken}
    found, number = clean, 1
    while found.casefold() in used or found.casefold() == "history":
        number += 1
        found = f"{clean[: 30 - len(str(number))]} {number}"
    return found


def _heading_lines(columns: Sequence[Column]) -> int:
    return max(_lines(c.heading, c.width) for c in columns if not c.is_hidden)


def _cell(row: int, column: int) -> str:
    """The name of a cell: `row` counts from 0, `column` from 1."""
    return f"{_letters(column)}{row + 1}"


def _letters(column: int) -> str:
    """The letters of a column that counts from 1."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


@lru_cache(maxsize=10_000)
def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a column, on the safe side: not every program measures it."""
    return sum(
        1 if len(line) <= width else ceil(len(line) / (1.2 * width - 3))
        for line in text.split("\n")
    )
