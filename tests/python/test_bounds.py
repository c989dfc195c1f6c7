"""A small workbook cannot take the memory of the machine: how far it reaches is known first."""

import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sen2.ground.errors import InputError
from sen2.imports import dfe_workbook
from sen2.land.read import workbook
from sen2.untrusted import workbook_cells

from .far_workbooks import FIRST, cell, far, ods, write, xlsx
from .sources import write_ods, write_xlsx

MEMORY = 2_000_000_000
"""Bytes of address space in which `sen2 map` says that a workbook is too large."""
TOO_FAR: dict[str, tuple[str, dict[str, str]]] = {
    "one cell at the end": ("xlsx", xlsx(far("XFD1048576"))),
    "one cell far away": ("xlsx", xlsx(far("XFD15000"))),
    "a place in a row that is elsewhere": (
        "xlsx",
        xlsx(f'{FIRST}<row r="2"><c r="XFD1048576"><v>1</v></c></row>'),
    ),
    "cells without places": (
        "xlsx",
        xlsx('<row r="1000000"><c r="XEA1000000"/>' + "<c><v>1</v></c>" * 9 + "</row>"),
    ),
    "rows without numbers": (
        "xlsx",
        xlsx(f'{FIRST}<row r="999999"/><row><c><v>1</v></c></row>' + far("ZZ2")),
    ),
    "names with a prefix": (
        "xlsx",
        xlsx('<x:row r="9"><x:c r="XFD99999"><x:v>1</x:v></x:c></x:row>', root="x:worksheet"),
    ),
    "small letters": ("xlsx", xlsx(f'{FIRST}<row r="9"><c r="xfd99999"><v>1</v></c></row>')),
    "single quotes and spaces": (
        "xlsx",
        xlsx(f"{FIRST}<row r = '9'><c\n s='1'\tr = 'XFD99999' ><v>1</v></c></row>"),
    ),
    "a part of another name": ("xlsx", xlsx(far("XFD99999"), part="pictures/one.png")),
    "empty cells to the end of many rows": (
        "xlsx",
        xlsx("".join(f'<row r="{row}"><c r="XFD{row}"/></row>' for row in range(1, 700))),
    ),
    "many cells in one place": ("xlsx", xlsx('<row r="1"><c r="XFD1"><v>1</v></c></row>' * 700)),
    "rows that are repeated": (
        "ods",
        ods(f'<table:table-row table:number-rows-repeated="11000000">{cell()}</table:table-row>'),
    ),
    "cells and rows that are repeated": (
        "ods",
        ods(
            '<table:table-row table:number-rows-repeated="1048576">'
            + cell(attributes='table:number-columns-repeated="16384"')
            + "</table:table-row>"
        ),
    ),
    "a cell of ODS at the end": (
        "ods",
        ods(
            f"<table:table-row>{cell()}</table:table-row>"
            '<table:table-row table:number-rows-repeated="1048574"/><table:table-row>'
            f'<table:table-cell table:number-columns-repeated="16383"/>{cell()}</table:table-row>'
        ),
    ),
}
SHEET = "xl/worksheets/sheet1.xml"
BROKEN = {
    "no XML behind the root": ("xlsx", xlsx(far("XFD99999") + "</nothing>")),
    "no XML before the root": ("xlsx", xlsx(far("XFD99999"), part="x.bin", root="&; worksheet")),
    "a place that is none": ("xlsx", xlsx('<row r="1"><c r="AAAA1"><v>1</v></c></row>')),
    "a negative number": (
        "ods",
        ods(f'<table:table-row table:number-rows-repeated="-5">{cell()}</table:table-row>'),
    ),
    "a place with a prefix before the place": (
        "xlsx",
        xlsx(f'{FIRST}<row r="99999"><c x:r="A1" r="XFD99999"><v>1</v></c></row>'),
    ),
    "a row with a prefix before the row": (
        "xlsx",
        xlsx('<row x:r="1" r="99999"><c r="XFD99999"><v>1</v></c></row>'),
    ),
    "a sheet under another root": (
        "xlsx",
        xlsx(FIRST) | {"xl/worksheets/sheet2.xml": xlsx(far("XFD99999"), root="other")[SHEET]},
    ),
    "a sheet under the root of ODS": (
        "xlsx",
        xlsx(FIRST)
        | {"xl/worksheets/sheet2.xml": xlsx(far("XFD99999"), root="document-content")[SHEET]},
    ),
    "shared texts under another root": (
        "xlsx",
        xlsx(FIRST) | {"xl/sharedStrings.xml": "<other><sst><si><t>x</t></si></sst></other>"},
    ),
    "rows of ODS under the root of XLSX": (
        "ods",
        {
            name: text.replace("office:document-content", "worksheet")
            for name, text in ods("<table:table-row/>").items()
        },
    ),
    "a repeat with a prefix before the repeat": (
        "ods",
        ods(
            '<table:table-row x:number-rows-repeated="1" table:number-rows-repeated="99999">'
            f"{cell()}</table:table-row>"
        ),
    ),
    "more shared texts than there can be": (
        "xlsx",
        xlsx(FIRST) | {"xl/sharedStrings.xml": '<sst uniqueCount="4000000000"><si/></sst>'},
    ),
}


@pytest.mark.parametrize("name", TOO_FAR)
def test_a_workbook_that_reaches_too_far_is_not_read(tmp_path: Path, name: str) -> None:
    ending, parts = TOO_FAR[name]
    path = write(tmp_path / f"far.{ending}", parts)
    assert path.stat().st_size < 8_000
    for read in (workbook.sheet_names, lambda path: list(dfe_workbook.sheets(path))):
        with pytest.raises(InputError, match=r"reaches to the cell .*Ctrl\+End"):
            read(path)


@pytest.mark.parametrize("name", BROKEN)
def test_what_the_count_cannot_follow_is_not_read(tmp_path: Path, name: str) -> None:
    ending, parts = BROKEN[name]
    with pytest.raises(InputError, match="is not a workbook"):
        workbook.sheet_names(write(tmp_path / f"broken.{ending}", parts))


def ends(entries: int, size: int, start: int, comment: bytes = b"", length: int = 0) -> bytes:
    """The record that ends a zip file."""
    length = length or len(comment)
    return (
        struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, entries, entries, size, start, length) + comment
    )


def two_in_one(tmp_path: Path, kind: str) -> bytes:
    """A zip file in which one reader finds a harmless workbook and another one that is not."""
    far_one = write(tmp_path / "a.zip", xlsx(far("XFD99999"))).read_bytes()
    near = write(tmp_path / "b.zip", xlsx(FIRST)).read_bytes()
    entries, size, start = struct.unpack("<HII", near[-12:-2])
    body = near[:-22]
    match kind:
        case "a comment that is cut off":
            return far_one + body + ends(entries, size, start, b"abc", 10)
        case "something behind the comment":
            return far_one + body + ends(entries, size, start, b"abc") + b"defgh"
        case "another number of parts":
            return far_one + body + ends(999, size, start)
        case "two in a row":
            return far_one + near
    # The last record has the one list of parts, the record of Zip64 before it the other.
    parts, listed, begin = struct.unpack("<HII", far_one[-12:-2])
    place = begin + listed
    moved, rest = b"", body[start:]
    while rest:
        length = 46 + sum(struct.unpack("<HHH", rest[28:34]))
        offset = struct.unpack("<I", rest[42:46])[0] + place
        moved += rest[:42] + struct.pack("<I", offset) + rest[46:length]
        rest = rest[length:]
    front = far_one[:place] + body[:start]
    zip64 = struct.pack(
        "<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, size, len(front)
    )
    end = struct.pack("<4sIQI", b"PK\6\7", 0, len(front) + size, 1)
    return front + moved + zip64 + end + ends(parts, listed, begin)


@pytest.mark.parametrize(
    "kind",
    [
        "a comment that is cut off",
        "something behind the comment",
        "another number of parts",
        "two in a row",
        "a list of Zip64 beside the list",
    ],
)
def test_a_zip_file_that_two_readers_read_differently_is_not_read(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "two.xlsx"
    path.write_bytes(two_in_one(tmp_path, kind))
    with pytest.raises(InputError, match="is not a workbook"):
        workbook.sheet_names(path)


def test_a_zip_file_with_a_comment_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "said.xlsx", xlsx(FIRST))
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by somebody"
    assert workbook.sheet_names(path) == ["S"]


def test_a_binary_workbook_is_tried_apart_whatever_stands_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []
    monkeypatch.setattr(workbook, "_try_apart", tried.append)
    path = write(tmp_path / "binary.xlsb", xlsx(FIRST))
    with pytest.raises(InputError):
        workbook.sheet_names(path)
    assert tried == [path]


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    parts = xlsx(FIRST)
    parts["xl/worksheets/sheet1.xml"] = (
        '<!DOCTYPE worksheet [<!ATTLIST c r CDATA "XFD1048576">]>'
        + parts["xl/worksheets/sheet1.xml"]
    )
    with pytest.raises(InputError, match="document type"):
        workbook.sheet_names(write(tmp_path / "typed.xlsx", parts))


def counted(path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many cells a workbook counts as: the least limit that lets it pass."""
    least, most = 0, 1 << 20
    while least < most:
        limit = (least + most) // 2
        monkeypatch.setattr(workbook_cells, "MOST_CELLS", limit)
        try:
            workbook_cells.require_bounded(path)
            most = limit
        except InputError:
            least = limit + 1
    return least


def test_the_cells_that_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [["a", "b", "c"], ["1", "2", "3"]]
    write_xlsx(tmp_path / "two.xlsx", {"S": rows, "T": rows})
    write_ods(tmp_path / "two.ods", {"S": rows, "T": rows})
    write(tmp_path / "far.xlsx", xlsx(far("C4")))
    write(tmp_path / "styled.xlsx", xlsx(FIRST + '<row r="9000"><c r="ZZ9000" s="1"/></row>'))
    empty = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell'
    empty += ' table:number-columns-repeated="16384"/></table:table-row>'
    four = cell(attributes='table:number-columns-repeated="4"')
    row = f"<table:table-row>{cell()}{four}</table:table-row>"
    write(tmp_path / "styled.ods", ods(row + empty))
    assert counted(tmp_path / "two.xlsx", monkeypatch) == 12
    assert counted(tmp_path / "two.ods", monkeypatch) == 12
    assert counted(tmp_path / "far.xlsx", monkeypatch) == 12
    assert counted(tmp_path / "styled.xlsx", monkeypatch) == 703
    assert counted(tmp_path / "styled.ods", monkeypatch) == 5


def xls(sheets: int) -> bytes:
    """A workbook of the old kind, each sheet with its first cell and its last one."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def begin(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0))

    first, last = (
        record(0x203, struct.pack("<HHHd", row, column, 0, 1.0))
        for row, column in ((0, 0), (65535, 255))
    )
    sheet = begin(0x10) + first + last + record(0x0A, b"")
    names = [f"S{number}".encode() for number in range(sheets)]
    size = len(begin(5)) + sum(12 + len(name) for name in names) + 4
    bound = b"".join(
        record(0x85, struct.pack("<IHBB", size + len(sheet) * number, 0, len(name), 0) + name)
        for number, name in enumerate(names)
    )
    stream = (begin(5) + bound + record(0x0A, b"") + sheet * sheets).ljust(4096, b"\0")
    stream = stream.ljust(-(-len(stream) // 512) * 512, b"\0")

    def entry(name: str, kind: int, start: int, child: int = 0xFFFFFFFF, size: int = 0) -> bytes:
        text = name.encode("utf-16-le") + b"\0\0"
        head = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1)
        links = struct.pack("<III", 0xFFFFFFFF, 0xFFFFFFFF, child)
        return head + links + bytes(36) + struct.pack("<IQ", start, size)

    free, end, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIIIIIIIII", 0, 1, 1, 0, 4096, end, 0, end, 0, 0)
    header += struct.pack("<I", free) * 108
    chain = [table, end, *range(3, 2 + len(stream) // 512), end]
    sectors = b"".join(struct.pack("<I", each) for each in chain).ljust(512, b"\xff")
    directory = entry("Root Entry", 5, end, child=1) + entry("Workbook", 2, 2, size=len(stream))
    return header + sectors + directory.ljust(512, b"\0") + stream


def test_a_workbook_of_the_old_kind_is_tried_apart(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "old.xls"
    path.write_bytes(xls(1))
    assert workbook.sheet_names(path) == ["S0"]
    path.write_bytes(xls(40))
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match="more memory than any extract"):
        workbook.sheet_names(path)
    assert "".join(capfd.readouterr()) == ""


@pytest.mark.parametrize("name", ["one cell at the end", "cells and rows that are repeated", "old"])
def test_the_command_says_so_in_little_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "old.xls"
    if name == "old":
        path.write_bytes(xls(40))
    else:
        path = write(tmp_path / f"far.{TOO_FAR[name][0]}", TOO_FAR[name][1])
    limit: Callable[[], None] = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))  # noqa: E731
    done = subprocess.run(
        [sys.executable, "-m", "sen2.cli", "map", str(path)],
        cwd=tmp_path, capture_output=True, text=True, check=False, preexec_fn=limit,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") <= 6
    assert path.name in done.stderr.replace("\n", "")
