"""Readers: every format gives the same rows of text, with the row a spreadsheet would show."""

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from sen2.ground.errors import InputError
from sen2.land.mapping.model import Input
from sen2.land.read import inputs

from .sources import write_json_lines, write_ods, write_parquet, write_text, write_xlsx

WANTED = ["Person ID", "Name", "DOB"]
HEADER = ["Person ID", "Name", "DOB"]
BODY = [["007", "Zoë Ó Brien", "2015-02-03"], ["8", 'a "quoted", name', "2016-02-29"]]


def read(path: Path, **stated: object) -> tuple[list[str], list[tuple], str]:
    """Header, rows with their numbers, and how the file was read."""
    found = inputs.open_file(path, path.name, Input(files=[path.name], **stated), WANTED)
    with duckdb.connect() as connection:
        columns = ", ".join(f'"{name}" varchar' for name in found.header)
        connection.execute(f"create table t ({columns}, _file varchar, _row bigint)")
        aside = found.load(
            connection,
            lambda relation, row: (
                f"insert into t by name select *, $file as _file, {row} as _row from {relation}"
                if row != "_row"
                else f"insert into t by name select *, $file as _file from {relation}"
            ),
        )
        rows = connection.execute("select * exclude (_file) from t order by _row").fetchall()
    rows += [(each.row, each.fault) for each in aside]
    return found.header, rows, found.facts


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1", "utf-16-le"]
)
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_encoding_and_delimiter_are_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "a.txt"
    write_text(path, [HEADER, *BODY], encoding, delimiter)
    header, rows, _ = read(path)
    assert header == HEADER
    assert rows == [(*BODY[0], 2), (*BODY[1], 3)]


def test_windows_quotes_are_told_from_latin_1(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_text(path, [HEADER, ["1", "O\u2019Brien €", ""]], "cp1252")
    assert read(path)[1] == [("1", "O\u2019Brien €", None, 2)]


def test_what_is_stated_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_text(path, [["x"], HEADER, ["1", "Дети", ""]], "cp1251", ";")
    assert read(path, encoding="windows-1251", delimiter=";", header_row=[2])[1] == [
        ("1", "Дети", None, 3)
    ]
    with pytest.raises(InputError, match="not utf-8 text"):
        read(path, encoding="utf-8")


def test_a_header_below_a_title_and_rows_that_are_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "Report,,,\n\nPerson ID,Name,DOB,DOB,\n1,A,x,y,\n,,,,\n2,B\n3,C,x,y,,,\n4,D,x,y,,more\n"
    )
    header, rows, facts = read(path)
    assert header == ["Person ID", "Name", "DOB", "DOB (2)", "column 5"]
    assert facts == "utf-8, comma, header row 3"
    assert rows == [
        ("1", "A", "x", "y", None, 4),
        ("3", "C", "x", "y", None, 7),
        (6, "ragged"),
        (8, "ragged"),
    ]
    filled = read(path, short_rows="fill")[1]
    assert ("2", "B", None, None, None, 6) in filled


@pytest.mark.parametrize("write", [write_xlsx, write_ods])
def test_workbooks(tmp_path: Path, write) -> None:
    path = tmp_path / ("a.xlsx" if write is write_xlsx else "a.ods")
    sheet = [
        ["Title", "", ""],
        ["", "", ""],
        HEADER,
        ["007", "text", datetime(2015, 2, 3)],
        [7, 1.5, "2016-02-29"],
        ["", "", ""],
        [1234567890123, "", 45000],
    ]
    write(path, {"Cover": [["Nothing here"]], "Data": sheet})
    header, rows, facts = read(path)
    assert header == HEADER
    assert facts == "sheet Data, header row 3"
    assert rows == [
        ("007", "text", "2015-02-03", 4),
        ("7", "1.5", "2016-02-29", 5),
        ("1234567890123", None, "45000", 7),
    ]


def test_merged_header_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    write_xlsx(
        path, {"S": [["Child", "", "Plan", ""], ["ID", "Name", "ID", "Start"], [1, "A", 2, "x"]]}
    )
    header, rows, _ = read(path, header_row=[1, 2])
    assert header == ["Child / ID", "Child / Name", "Plan / ID", "Plan / Start"]
    assert rows == [("1", "A", "2", "x", 3)]


def test_parquet_keeps_its_types_as_text(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(
        path, [HEADER, ["007", True, datetime(2015, 2, 3)], ["8", False, datetime(2016, 2, 29)]]
    )
    assert read(path)[1] == [("007", "1", "2015-02-03", 1), ("8", "0", "2016-02-29", 2)]


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_json_lines(path, [HEADER, ["007", True, ""], [12345678901234567890, "", "2016-02-29"]])
    assert read(path)[1] == [
        ("007", "1", None, 1),
        ("12345678901234567890", None, "2016-02-29", 2),
    ]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", ["empty"]),
        ("a.csv", b"x,y\n1,2\n", ["none of the headings"]),
        ("a.csv", b'Person ID,Name\n1,"open\n', ["row 2", "quote"]),
        ("a.xlsx", b"not a workbook", ["not a workbook"]),
        ("a.parquet", b"not parquet", ["not a Parquet"]),
        ("a.jsonl", b'{"a": 1}\n[1]\n', ["line 2", "JSON"]),
        ("a.jsonl", b"\xff\xfe", ["UTF-8"]),
        ("a.jsonl", b"\n", ["no records"]),
    ],
)
def test_what_cannot_be_read_at_all_says_so(
    tmp_path: Path, name: str, content: bytes, words: list[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as refused:
        read(tmp_path / name)
    assert [word for word in [name, *words] if word not in str(refused.value)] == []
