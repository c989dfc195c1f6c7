"""Workbooks of the least parts, with cells anywhere: what may take more memory than it should."""

import zipfile
from pathlib import Path

FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>Person ID</t></is></c></row>'
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def xlsx(rows: str, part: str = "worksheets/sheet1.xml", root: str = "worksheet") -> dict[str, str]:
    """The parts of an XLSX file with one sheet of these rows."""
    types = "http://schemas.openxmlformats.org/package/2006/content-types"
    prefix = root.rpartition(":")[0]
    name = f"xmlns{':' + prefix if prefix else ''}"
    return {
        "[Content_Types].xml": f'<Types xmlns="{types}"><Default Extension="xml"'
        ' ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType='
        '"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1"'
        f' Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1"'
        f' Type="{OFFICE}/worksheet" Target="{part}"/></Relationships>',
        f"xl/{part}": f'<{root} {name}="{MAIN}">'
        + (f"<{prefix}:sheetData>" if prefix else "<sheetData>")
        + rows
        + (f"</{prefix}:sheetData>" if prefix else "</sheetData>")
        + f"</{root}>",
    }


def ods(rows: str) -> dict[str, str]:
    """The parts of an ODS file with one sheet of these rows."""
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    return {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:'
        'opendocument:xmlns:manifest:1.0"></manifest:manifest>',
        "content.xml": f"<office:document-content{spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>",
    }


def cell(text: str = "x", attributes: str = "") -> str:
    """A filled cell of ODS."""
    return (
        f'<table:table-cell office:value-type="string" {attributes}><text:p>{text}</text:p>'
        "</table:table-cell>"
    )


def far(place: str, before: str = "") -> str:
    """A row with one cell, as XLSX has it."""
    digits = place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return f'{FIRST}{before}<row r="{digits}"><c r="{place}"><v>1</v></c></row>'


def write(path: Path, parts: dict[str, str]) -> Path:
    """A zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path
