"""Files as they should not be: each stops the landing with its message, or ends with its reason."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import yaml

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.land.land import land
from sen2.settings.config import Config
from sen2.untrusted import workbook_cells

from .extracts import build_models
from .sources import write_text, write_xlsx

YEAR = 2026
CONFIG = Config(la_code="330", extracted_on="2026-01-15")
SECRET = "Zebedee"
LARGEST = 1 << 20
HEADER = ["Person ID", "Surname", "DOB"]
GOOD = [HEADER, ["7", SECRET, "01/02/2015"]]
ABSENT = {table: "not in this test" for table in spec.contract(YEAR) if table != "establishments"}


def mapping(folder: Path, **stated: object) -> Path:
    """A mapping of one file of people."""
    columns = {"person_id": "Person ID", "surname": "Surname", "birth_date": "DOB"}
    lacking = [c.name for c in spec.contract(YEAR)["people"] if c.is_required]
    content = {
        "source": "one",
        "inputs": {"children": {"files": "children.*", **stated}},
        "tables": {
            "people": {
                "input": "children",
                "columns": columns,
                "blank": [name for name in lacking if name not in columns],
            }
        },
        "absent": {table: why for table, why in ABSENT.items() if table != "people"},
    }
    path = folder / "mapping.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def encrypted(path: Path) -> None:
    """What Excel writes under a password: a container whose stream is named EncryptedPackage."""

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
    chain = [table, end, *range(3, 10), end]
    sectors = b"".join(struct.pack("<I", each) for each in chain).ljust(512, b"\xff")
    directory = entry("Root Entry", 5, end, child=1) + entry("EncryptedPackage", 2, 2, size=4096)
    path.write_bytes(header + sectors + directory.ljust(512, b"\0") + bytes(4096))


def bomb(path: Path) -> None:
    """A small workbook that unpacks to more than `LARGEST`."""
    write_xlsx(path, {"S": GOOD})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", bytes(LARGEST + 1))


def cut_short(path: Path) -> None:
    write_xlsx(path, {"S": GOOD})
    path.write_bytes(path.read_bytes()[:-200])


def text(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def no_heading(path: Path) -> None:
    write_text(path, GOOD[1:])


STOP: dict[str, tuple[str, Callable[[Path], object], dict, list[str]]] = {
    "an empty file": ("csv", text(b""), {}, ["empty", "header row"]),
    "only blank lines": ("csv", text(b"\n\n\n"), {}, ["none of the headings"]),
    "no headings": ("csv", no_heading, {}, ["none of the headings", "header_row"]),
    "undecodable bytes": (
        "csv",
        text(b"Person ID,Surname,DOB\n7,O\xe9,\n"),
        {"encoding": "utf-8"},
        ["not utf-8 text", "encoding"],
    ),
    "half a character": (
        "csv",
        text(b"\xff\xfe" + "Person ID,Surname,DOB\n7,x,".encode("utf-16-le") + b"\x41"),
        {},
        ["encoding cannot be found"],
    ),
    "an open quote": (
        "csv",
        text(f'Person ID,Surname,DOB\n7,"{SECRET},\n'.encode()),
        {},
        ["row 2", "quote"],
    ),
    "a heading less": ("csv", text(b"Person ID,Surname\n7,x\n"), {}, ["lacks the heading DOB"]),
    "a workbook with a password": ("xlsx", encrypted, {}, ["password"]),
    "a workbook that unpacks too large": ("xlsx", bomb, {}, ["more than 1 MB", "not read"]),
    "a workbook cut short": ("xlsx", cut_short, {}, ["not a workbook"]),
    "a picture named workbook": ("xlsx", text(b"\x89PNG\r\n\x1a\n"), {}, ["not a workbook"]),
    "a sheet that is not there": (
        "xlsx",
        lambda path: write_xlsx(path, {"S": GOOD}),
        {"sheet": "T"},
        ["no sheet T"],
    ),
    "a table that is not there": (
        "xlsx",
        lambda path: write_xlsx(path, {"S": GOOD}),
        {"under": "Children"},
        ["no table under the name Children"],
    ),
    "several tables in a text": ("csv", text(b"x"), {"under": "A"}, ["only a sheet"]),
    "text named Parquet": ("parquet", text(b"Person ID"), {}, ["not a Parquet"]),
    "half a line of JSON": ("jsonl", text(b'{"Person ID": "7"}\n{"Per'), {}, ["line 2", "JSON"]),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that a good file was landed in."""
    folder = tmp_path_factory.mktemp("good")
    write_text(folder / "children.csv", GOOD)
    land(folder, YEAR, CONFIG, folder / "w.duckdb", mappings=[mapping(folder)])
    return folder / "w.duckdb"


@pytest.mark.parametrize("name", STOP)
def test_what_cannot_be_read_stops_and_leaves_the_warehouse(
    good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(workbook_cells, "LARGEST", LARGEST)
    kind, make, stated, words = STOP[name]
    make(tmp_path / f"children.{kind}")
    path = mapping(tmp_path, **stated)
    with pytest.raises(InputError) as refused:
        land(tmp_path, YEAR, CONFIG, good, mappings=[path])
    message = str(refused.value)
    assert refused.value.exit_code == 2
    assert f"children.{kind}" in message
    assert [word for word in words if word not in message] == []
    assert SECRET not in message
    assert found(good, "select person_id, surname from raw.people") == [("7", SECRET)]
    assert found(good, "select file from audit.landed_inputs") == [("children.csv",)]


def found(warehouse: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_characters_that_no_text_has_are_cleaned_and_told(tmp_path: Path) -> None:
    (tmp_path / "children.csv").write_bytes(b"Person ID,Surname,DOB\n7,a\x00b,\n8,\xc3\xa9,\n")
    land(tmp_path, YEAR, CONFIG, tmp_path / "w.duckdb", mappings=[mapping(tmp_path)])
    assert found(tmp_path / "w.duckdb", "select surname from raw.people order by _row") == [
        ("a b",),
        ("é",),
    ]
    assert found(tmp_path / "w.duckdb", "select row, kind from audit.landing_notes") == [
        (2, "forbidden_character")
    ]


def test_a_heading_that_stands_twice_is_two_columns(tmp_path: Path) -> None:
    write_text(tmp_path / "children.csv", [[*HEADER, "DOB"], ["7", "x", "01/02/2015", "wrong"]])
    land(tmp_path, YEAR, CONFIG, tmp_path / "w.duckdb", mappings=[mapping(tmp_path)])
    assert found(tmp_path / "w.duckdb", "select birth_date from raw.people") == [("2015-02-01",)]
    assert found(tmp_path / "w.duckdb", "select other_columns from audit.landed_inputs") == [
        ("DOB (2)",)
    ]


# One wide file, a row a fault: what the row says, the table it is for, its end and the reason.
WIDE = ["Person", "Born", "Request", "Received", "Plan", "Start", "Placement", "Entry", "URN"]
CYRILLIC = "\u0420"
FAULTS: dict[str, tuple[list[str], str, str, str]] = {
    "a good row": (
        ["p1", "01/02/2012", "r1", "01/02/2025", "e1", "01/06/2025", "l1", "01/09/2025", "100000"],
        *("placements", "returned", ""),
    ),
    "rows repeated by a join": (
        ["p1", "01/02/2012", "r1", "01/02/2025", "e1", "01/06/2025", "l2", "02/09/2025", "100000"],
        *("requests", "rejected", "it says the same as wide.csv, row 2"),
    ),
    "a duplicate key": (
        ["p1", "", "", "", "e1", "", "l1", "03/09/2025", "100001"],
        *("placements", "rejected", "placement_id"),
    ),
    "an orphan": (
        ["p2", "01/02/2012", "r2", "01/02/2025", "", "", "l3", "01/09/2025", "100000"],
        *("placements", "rejected", "plan_id"),
    ),
    "the 31st of February": (
        ["p3", "31/02/2015", "r3", "01/02/2025", "", "", "", "", ""],
        *("people", "returned", "birth_date could not be read as a date"),
    ),
    "a thirteenth month": (
        ["p4", "2015-13-01", "r4", "01/02/2025", "", "", "", "", ""],
        *("people", "returned", "birth_date could not be read as a date"),
    ),
    "a serial number of Excel": (
        ["p5", "42000", "r5", "01/02/2025", "", "", "", "", ""],
        *("people", "returned", "it looks like an Excel serial number"),
    ),
    "a year of two digits": (
        ["p6", "1/2/15", "r6", "01/02/2025", "", "", "", "", ""],
        *("people", "returned", "its year has two digits"),
    ),
    "a future date": (
        ["p7", "01/02/2015", "r7", "01/02/2027", "", "", "", "", ""],
        *("requests", "out_of_scope", "received"),
    ),
    "a key that looks alike": (
        [f"{CYRILLIC}8", "01/02/2015", "r8", "01/02/2025", "", "", "", "", ""],
        *("people", "returned", "holds a character that only looks like a plain one"),
    ),
    "nothing that a table takes": (
        ["", "", "", "", "", "", "", "", "100000"],
        *("wide", "out_of_scope", "no table of the mapping takes it"),
    ),
}


def wide_mapping(folder: Path) -> Path:
    tables = {
        "people": ({"person_id": "Person", "birth_date": "Born"}, "Born"),
        "requests": (
            {"request_id": "Request", "person_id": "Person", "received_date": "Received"},
            "Request",
        ),
        "plans": (
            {"plan_id": "Plan", "person_id": "Person", "request_id": "Request"}
            | {"start_date": "Start"},
            "Start",
        ),
        "placements": (
            {"placement_id": "Placement", "plan_id": "Plan", "entry_date": "Entry", "urn": "URN"}
            | {"rank": {"value": "1"}, "sen_unit": {"value": "0"}},
            "Placement",
        ),
    }
    content = {
        "source": "one",
        "inputs": {"wide": {"files": "wide.csv"}},
        "tables": {
            table: {
                "input": "wide",
                "where": f'sen2_clean("{has}") is not null',
                **({} if table == "placements" else {"one_row_per": [next(iter(columns))]}),
                "columns": columns,
                "blank": [
                    c.name
                    for c in spec.contract(YEAR)[table]
                    if c.is_required and c.name not in columns
                ],
            }
            for table, (columns, has) in tables.items()
        },
        "absent": {table: why for table, why in ABSENT.items() if table not in tables},
    }
    path = folder / "wide.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The faults landed and built as far as the end of every row."""
    folder = tmp_path_factory.mktemp("ends")
    write_text(folder / "wide.csv", [WIDE, *(said for said, *_ in FAULTS.values()), ["p9", "x"]])
    warehouse = folder / "sen2.duckdb"
    land(folder, YEAR, CONFIG, warehouse, mappings=[wide_mapping(folder)])
    build_models(warehouse, YEAR)
    return warehouse


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_ends_with_its_reason(ends: Path, name: str) -> None:
    _, table, disposition, reason = FAULTS[name]
    row = list(FAULTS).index(name) + 2
    ((end, why),) = found(
        ends,
        "select disposition, reason from audit.row_dispositions"
        f" where table_name = '{table}' and row = {row}",
    )
    assert (end, reason in (why or "")) == (disposition, True), why


def test_a_ragged_row_is_rejected_and_all_rows_are_counted(ends: Path) -> None:
    assert found(
        ends,
        "select disposition, reason like '%2 values%' from audit.row_dispositions"
        f" where row = {len(FAULTS) + 2}",
    ) == [("rejected", True)]
    rows = found(ends, "select count(distinct row) from audit.row_dispositions")
    assert rows == [(len(FAULTS) + 1,)]
    assert found(ends, "select row_count from audit.landed_inputs") == rows
