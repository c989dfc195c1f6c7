"""The aggregated form to type from: its cells in order, as a CSV file and as a workbook.

The same warehouse gives the same bytes: no clock is read. Nothing here is about one person.
"""

import os
from collections.abc import Iterable
from datetime import date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb

from ..ground import places, spreadsheet
from ..ground.errors import InputError
from ..warehouse import connect

Connection = duckdb.DuckDBPyConnection

NAME, DRAFT = "form", "form_draft"
NOT_CONFIRMED = "number not confirmed"
NOT_KNOWN = "not known from the extract: fill it in by hand"
ABOUT = (
    "DfE's guide to the form could not be had. The cells are those that DfE published; an item"
    " number with a question mark is inferred: match such a cell by its words, not its number.",
    "A blank value is one that the extract does not tell. It is not a nought.",
)
ABOUT_A_DRAFT = "DRAFT: the form has errors. Correct them first: issues.xlsx says which and how."

CELLS = """
    select
        cells.part,
        cells.item || case
            when cells.is_confirmed or contains(cells.item, '?') then '' else '?'
        end as item,
        cells.label,
        form.age_band,
        form.placement,
        form.value,
        concat_ws(
            '; ',
            case when not cells.is_confirmed then $not_confirmed end,
            case when form.value is null then $not_known end
        ) as note,
    from aggregated.form as form
    inner join spec.form_cells as cells
        on form.cell = cells.cell and form.collection_year between cells.year_from and cells.year_to
    where form.collection_year = $year
    order by cells.position
"""


class Cell(NamedTuple):
    """A cell of the form, as text."""

    part: str
    item: str
    label: str
    age_band: str | None
    placement: str | None
    value: str | None
    note: str


HEADINGS = ("Item", "What is counted", "Ages", "Value", "Note")


def write_form(warehouse: Path, year: int, out: Path, *, is_draft: bool = False) -> list[Path]:
    """Write form.csv and form.xlsx to `out`, whole or not at all; gives their paths.

    A draft, of a form that has errors, is named form_draft and says so. Whichever is written, the
    other kind of an earlier run does not stay: a draft is removed, a form goes to `superseded`.
    """
    with connect(warehouse, read_only=True) as connection:
        cells, survey_day, authority = _read(connection, warehouse, year)
    name = DRAFT if is_draft else NAME
    title = f"SEN2 {year}: the aggregated form, {authority}"
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=out, prefix=".form-") as folder:
        written = [Path(folder) / f"{name}.csv", Path(folder) / f"{name}.xlsx"]
        _write_csv(cells, year, written[0])
        _write_workbook(cells, title, survey_day, is_draft, written[1])
        for path in written:
            try:
                os.replace(path, out / path.name)  # noqa: PTH105
            except PermissionError:
                raise InputError(
                    f"{out / path.name}: cannot be replaced; close it where it is open and run"
                    " again."
                ) from None
    retire_form(out) if is_draft else _remove_draft(out)
    return [out / path.name for path in written]


def retire_form(out: Path) -> None:
    """Move an earlier run's form to `superseded`, where it does not look current."""
    for path in forms_in(out):
        (out / places.SUPERSEDED).mkdir(exist_ok=True)
        path.replace(out / places.SUPERSEDED / path.name)


def _remove_draft(out: Path) -> None:
    for path in forms_in(out, DRAFT):
        path.unlink(missing_ok=True)


def forms_in(folder: Path, name: str = NAME) -> list[Path]:
    """The files of the form in a folder, or with DRAFT those of its draft."""
    files = [folder / f"{name}.csv", folder / f"{name}.xlsx"]
    return [path for path in files if path.exists()]


def _read(connection: Connection, warehouse: Path, year: int) -> tuple[list[Cell], date, str]:
    """The cells in the form's order, the survey day, and the authority's code and name."""
    given = {"year": year, "not_confirmed": NOT_CONFIRMED, "not_known": NOT_KNOWN}
    try:
        cells = [Cell(*row) for row in connection.execute(CELLS, given).fetchall()]
        row = connection.execute(
            "select survey.survey_day, concat_ws(' ', survey.la_code, names.label)"
            " from intermediate.survey as survey"
            " left join spec.codes as names"
            " on names.codeset = 'LA' and survey.la_code = names.code"
            " and survey.collection_year between names.year_from and names.year_to"
        ).fetchone()
    except duckdb.CatalogException:
        raise InputError(
            f"{warehouse}: the form has not been built here. Run `sen2 build` first."
        ) from None
    if not cells or row is None:
        raise InputError(f"{warehouse}: holds no aggregated form of {year}.")
    return cells, *row


def _write_csv(cells: Iterable[Cell], year: int, path: Path) -> None:
    """The cells for machines: UTF-8, a row each, blank where the value is not known."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = spreadsheet.Writer(file)
        writer.row(("collection_year", *Cell._fields))
        writer.rows((year, *cell) for cell in cells)


def _write_workbook(
    cells: Iterable[Cell], title: str, survey_day: date, is_draft: bool, path: Path
) -> None:
    """One sheet, shaped as the form is: a heading for each part, a line for each cell."""
    with spreadsheet.workbook(path) as workbook:
        workbook.set_properties({"title": title, "created": datetime.combine(survey_day, time())})

        def style(**properties: object) -> Any:
            base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
            return workbook.add_format(base | properties)

        lined: dict[str, object] = {"bottom": 1, "bottom_color": "#D9D9D9"}
        heading = style(bold=True, font_size=14, font_color="#1F3864")
        warning = style(bold=True, text_wrap=True, font_color="#9C0006")
        words = style(text_wrap=True)
        header = style(bold=True, bg_color="#1F3864", font_color="#FFFFFF")
        part_line = style(bold=True, bg_color="#D9E1F2")
        text = style(**lined, **spreadsheet.TEXT)
        wrapped = style(**lined, **spreadsheet.TEXT, text_wrap=True)
        number = style(**lined, num_format="0", bold=True, align="right")
        answer = style(**lined, bold=True, align="right")
        unknown = style(**lined, bg_color="#FFEB9C")

        sheet = workbook.add_worksheet("Form")
        sheet.hide_gridlines(2)
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        for column, width in enumerate((20, 76, 8, 10, 58)):
            sheet.set_column(column, column, width)
        sheet.write_string(0, 0, title, heading)
        row = 1
        about = [(ABOUT_A_DRAFT, warning)] * is_draft + [(line, words) for line in ABOUT]
        for line, line_style in about:
            sheet.merge_range(row, 0, row, len(HEADINGS) - 1, line, line_style)
            sheet.set_row(row, 30)
            row += 1
        for column, name in enumerate(HEADINGS):
            sheet.write_string(row, column, name, header)
        sheet.freeze_panes(row + 1, 0)
        sheet.repeat_rows(row)
        part = None
        for cell in cells:
            row += 1
            if cell.part != part:
                part = cell.part
                for column in range(len(HEADINGS)):
                    sheet.write_blank(row, column, None, part_line)
                sheet.write_string(row, 0, part, part_line)
                row += 1
            sheet.write_string(row, 0, cell.item, text)
            sheet.write_string(row, 1, cell.label, wrapped)
            sheet.write_string(row, 2, cell.age_band or "", text)
            if cell.value is None:
                sheet.write_blank(row, 3, None, unknown)
            elif cell.value.isdecimal():
                sheet.write_number(row, 3, int(cell.value), number)
            else:
                sheet.write_string(row, 3, cell.value, answer)
            sheet.write_string(row, 4, cell.note, text)
