"""A small workbook in which many cells have one long text cannot take the memory of the machine."""

import zipfile
from pathlib import Path

import pytest

from sen2.ground.errors import InputError
from sen2.imports import imports
from sen2.land.read import workbook
from sen2.untrusted import workbook_text
from sen2.untrusted.workbook_text import MOST_TEXT, require_little_text

from .sources import ODS_HEAD, ODS_MANIFEST, write_xlsx

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LONG = 100_000
MANY = MOST_TEXT // LONG + 1


def xlsx(
    path: Path,
    cells: int,
    *,
    prefix: str = "",
    value: str = "1",
    kind: str = 't="s"',
    decoy: bool = False,
) -> Path:
    """A workbook with one sheet, whose cells after the first share the second text."""
    write_xlsx(path, {"Children": [["Person ID"], ["P1"]]})
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    name, end = (f"xmlns:{prefix}", f"{prefix}:") if prefix else ("xmlns", "")
    texts = "".join(f"<{end}si><{end}t>{text}</{end}t></{end}si>" for text in ("P", "x" * LONG))
    parts["xl/sharedStrings.xml"] = f'<{end}sst {name}="{MAIN}">{texts}</{end}sst>'.encode()
    rows = "".join(
        f'<{end}row r="{row}"><{end}c r="A{row}" {kind}><{end}v>{value if row > 1 else 0}</{end}v>'
        f"</{end}c></{end}row>"
        for row in range(1, cells + 2)
    )
    parts["xl/worksheets/sheet1.xml"] = (
        f'<{end}worksheet {name}="{MAIN}"><{end}sheetData>{rows}</{end}sheetData></{end}worksheet>'
    ).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        if decoy:
            book.writestr("a.xml", f'<sst xmlns="{MAIN}">{"<si><t>x</t></si>" * 9}</sst>')
        for part, content in parts.items():
            book.writestr(part, content)
    return path


def ods(path: Path, length: int, columns: int, rows: int, more: str = "") -> Path:
    """A workbook with one cell that repeats its text."""
    content = (
        f'{ODS_HEAD}<table:table table:name="S">'
        f'<table:table-row table:number-rows-repeated="{rows}">'
        f'<table:table-cell office:value-type="string" table:number-columns-repeated="{columns}">'
        f"<text:p>{'x' * length}{more}</text:p></table:table-cell></table:table-row></table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", ODS_MANIFEST)
        book.writestr("content.xml", content)
    return path


@pytest.mark.parametrize(
    "options",
    [{}, {"prefix": "x"}, {"value": "&#49;"}, {"value": "<!-- -->1"}, {"decoy": True}],
    ids=str,
)
def test_a_text_that_too_many_cells_share_is_not_read(tmp_path: Path, options: dict) -> None:
    path = xlsx(tmp_path / "book.xlsx", MANY, **options)
    assert path.stat().st_size < 100_000
    said = r"book\.xlsx: its cells hold more than 256 million"
    with pytest.raises(InputError, match=said):
        workbook.sheet_names(path)
    with pytest.raises(InputError, match=said):
        imports.import_return(path, "x", tmp_path / "w.duckdb")


def test_a_text_that_an_ods_cell_repeats_too_often_is_not_read(tmp_path: Path) -> None:
    for columns, rows in ((MANY, 1), (1, MANY), (60, 60)):
        path = ods(tmp_path / "book.ods", LONG, columns, rows)
        with pytest.raises(InputError, match=r"book\.ods: its cells hold more than"):
            workbook.sheet_names(path)


@pytest.mark.parametrize(
    "spaces",
    ['<text:s text:c="2000000000"/>', '<text:span><text:s text:c="300000000"/></text:span>'],
)
def test_spaces_that_an_ods_text_counts_are_text(tmp_path: Path, spaces: str) -> None:
    path = ods(tmp_path / "book.ods", 1, 1, 1, spaces)
    with pytest.raises(InputError, match=r"book\.ods: its cells hold more than"):
        workbook.sheet_names(path)
    require_little_text(ods(path, 1, 1, 1, spaces.replace("00000", "")))


def test_the_kind_of_a_cell_is_the_one_that_its_reader_takes(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "book.xlsx", MANY, kind='x:t="n" t="s"')
    with pytest.raises(InputError, match="its cells hold more than"):
        require_little_text(path)


def test_what_an_authority_has_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_little_text(xlsx(tmp_path / "long.xlsx", 20))
    require_little_text(ods(tmp_path / "long.ods", LONG, 3, 3))
    monkeypatch.setattr(workbook_text, "MOST_TEXT", 1_000)
    assert workbook.sheet_names(_of_texts(tmp_path / "few.xlsx", 10, 100)) == ["Children"]
    with pytest.raises(InputError, match="its cells hold more than"):
        workbook.sheet_names(_of_texts(tmp_path / "many.xlsx", 11, 100))


def _of_texts(path: Path, cells: int, length: int) -> Path:
    write_xlsx(path, {"Children": [["x" * length]] * cells})
    return path


def test_what_is_no_workbook_is_left_to_its_reader(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    for content in (b"", b"PK\x03\x04x"):
        path.write_bytes(content)
        require_little_text(path)
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("a.xml", '<!DOCTYPE sst [<!ENTITY a "x">]><sst><si><t>&a;</t></si></sst>')
        book.writestr("b.xml", "<worksheet><c t='s'><v>no number</v></c></worksheet>")
        book.writestr("c.xml", "<worksheet><c t='s'><v>7</v>")
    require_little_text(path)
