"""Files of a source as case systems and spreadsheets write them, for tests; all synthetic."""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow as pa
import xlsxwriter
from pyarrow import parquet

Cells = Sequence[Sequence[object]]
ODS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2">'
    "<office:body><office:spreadsheet>"
)
ODS_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest'
    ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    '<manifest:file-entry manifest:full-path="/" manifest:media-type="'
    'application/vnd.oasis.opendocument.spreadsheet"/><manifest:file-entry'
    ' manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)


def write_text(
    path: Path,
    rows: Cells,
    encoding: str = "utf-8",
    delimiter: str = ",",
    quoting: int = csv.QUOTE_MINIMAL,
) -> None:
    """Delimited text with Windows line ends."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def write_xlsx(path: Path, sheets: dict[str, Cells]) -> None:
    """A workbook: datetimes are real dates, numbers numbers, text text."""
    with xlsxwriter.Workbook(str(path)) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                for place, cell in enumerate(row):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(number, place, cell, day)
                    elif isinstance(cell, str):
                        sheet.write_string(number, place, cell)
                    else:
                        sheet.write(number, place, cell)


def write_ods(path: Path, sheets: dict[str, Cells]) -> None:
    """An OpenDocument workbook of the simplest kind."""
    body = "".join(
        f'<table:table table:name="{escape(name)}">'
        + "".join(
            "<table:table-row>" + "".join(map(_ods_cell, row)) + "</table:table-row>"
            for row in rows
        )
        + "</table:table>"
        for name, rows in sheets.items()
    )
    content = f"{ODS_HEAD}{body}</office:spreadsheet></office:body></office:document-content>"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("META-INF/manifest.xml", ODS_MANIFEST)
        file.writestr("content.xml", content)


def _ods_cell(cell: object) -> str:
    if isinstance(cell, datetime):
        said = f'office:value-type="date" office:date-value="{cell.date()}"'
        return f"<table:table-cell {said}><text:p>{cell:%d/%m/%Y}</text:p></table:table-cell>"
    if isinstance(cell, int | float):
        said = f'office:value-type="float" office:value="{cell}"'
        return f"<table:table-cell {said}><text:p>{cell}</text:p></table:table-cell>"
    if not cell:
        return "<table:table-cell/>"
    said = 'office:value-type="string"'
    return f"<table:table-cell {said}><text:p>{escape(str(cell))}</text:p></table:table-cell>"


def write_parquet(path: Path, rows: Cells) -> None:
    """A Parquet file whose columns have the types of their cells."""
    header, *body = rows
    columns = list(zip(*body, strict=True)) if body else [[] for _ in header]
    arrays = [pa.array(list(column)) if body else pa.array([], pa.string()) for column in columns]
    parquet.write_table(pa.table(arrays, names=[str(name) for name in header]), path)


def write_json_lines(path: Path, rows: Cells) -> None:
    """One JSON object a line; a blank cell is left out."""
    header, *body = rows
    lines = [
        json.dumps({k: v for k, v in zip(header, row, strict=True) if v not in ("", None)})
        for row in body
    ]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
