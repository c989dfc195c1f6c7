"""Landing: lossless, and every fault of a file named with its place and remedy."""

import csv
import io
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.land.land import land
from sen2.land.read import delimited
from sen2.settings.config import Config

YEAR = 2026
CONFIG = Config(la_code="330")
SECRET = "Zebedee"


def header(table: str) -> list[str]:
    return [column.name for column in spec.contract(YEAR)[table]]


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    """An extract of every table with its header row only, and one person."""
    folder = tmp_path / "extract"
    folder.mkdir()
    for table in spec.contract(YEAR):
        if table != "establishments":
            (folder / f"{table}.csv").write_text(",".join(header(table)) + "\n", encoding="utf-8")
    write(folder, "people", [["7", SECRET, "Ann", "2015-02-03", "F"]])
    return folder


def write(folder: Path, table: str, rows: list[list[str]], encoding: str = "utf-8") -> None:
    width = len(header(table))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header(table))
    writer.writerows([*row, *[""] * (width - len(row))] for row in rows)
    (folder / f"{table}.csv").write_bytes(text.getvalue().encode(encoding))


def append(folder: Path, table: str, text: bytes) -> None:
    with (folder / f"{table}.csv").open("ab") as file:
        file.write(text)


def rows(warehouse: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def refuse(extract: Path, warehouse: Path) -> str:
    """Land an extract that must be refused; gives the message, which holds no person's value."""
    with pytest.raises(InputError) as refused:
        land(extract, YEAR, CONFIG, warehouse)
    assert refused.value.exit_code == 2
    assert SECRET not in str(refused.value)
    return str(refused.value)


def test_every_row_keeps_its_file_and_spreadsheet_row(extract: Path, tmp_path: Path) -> None:
    write(extract, "people", [["7", "A"], ["8", "B"]])
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    found = rows(
        tmp_path / "w.duckdb", "select person_id, _file, _row from raw.people order by _row"
    )
    assert found == [("7", "people.csv", 2), ("8", "people.csv", 3)]


def test_blank_lines_and_quoted_line_breaks_do_not_shift_rows(
    extract: Path, tmp_path: Path
) -> None:
    blanks = b"," * (len(header("people")) - 2)
    append(extract, "people", b'\n8,"two\nlines"' + blanks + b"\n9,C" + blanks + b"\n")
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    found = rows(tmp_path / "w.duckdb", "select person_id, surname, _row from raw.people")
    assert found == [("7", SECRET, 2), ("8", "two\nlines", 4), ("9", "C", 5)]


def test_a_row_of_the_wrong_length_is_set_aside_and_counted(extract: Path, tmp_path: Path) -> None:
    blanks = b"," * (len(header("people")) - 2)
    append(extract, "people", b"8,x\n9,C" + blanks + b"\n10,y,z" + blanks + b"\n")
    assert land(extract, YEAR, CONFIG, tmp_path / "w.duckdb") == 2
    assert rows(tmp_path / "w.duckdb", "select person_id, _row from raw.people") == [
        ("7", 2),
        ("9", 4),
    ]
    aside = rows(
        tmp_path / "w.duckdb",
        "select table_name, file, row, fault, reason from audit.rows_set_aside order by row",
    )
    assert [each[:4] for each in aside] == [
        ("people", "people.csv", 3, "ragged"),
        ("people", "people.csv", 5, "ragged"),
    ]
    assert "2 values" in aside[0][4]
    found = rows(
        tmp_path / "w.duckdb",
        "select row_count from audit.landed_files where table_name = 'people'",
    )
    assert found == [(4,)]


def test_an_unknown_column_is_kept(extract: Path, tmp_path: Path) -> None:
    (extract / "needs.csv").write_text("plan_id,rank,need,Local Note\np1,1,ASD,x\n")
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    assert rows(tmp_path / "w.duckdb", 'select "Local Note" from raw.needs') == [("x",)]


def test_a_column_not_needed_for_the_year_may_be_absent(extract: Path, tmp_path: Path) -> None:
    names = [name for name in header("people") if name != "gender_code"]
    (extract / "people.csv").write_text(",".join(names) + "\n7\n".replace("7", "7" + "," * 9))
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    assert "people.csv" in refuse_year(extract, tmp_path / "v.duckdb", 2023)


def refuse_year(extract: Path, warehouse: Path, year: int) -> str:
    with pytest.raises(InputError) as refused:
        land(extract, year, CONFIG, warehouse)
    return str(refused.value)


def test_establishments_may_be_absent_and_other_tables_not(extract: Path, tmp_path: Path) -> None:
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    (extract / "plans.csv").unlink()
    message = refuse(extract, tmp_path / "w.duckdb")
    assert "plans.csv" in message
    assert "header row only" in message


def test_a_byte_order_mark_is_not_part_of_a_name(extract: Path, tmp_path: Path) -> None:
    write(extract, "people", [["7", "Zoë"]], encoding="utf-8-sig")
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    assert rows(tmp_path / "w.duckdb", "select person_id, surname from raw.people") == [
        ("7", "Zoë")
    ]


REGISTER = "edubasealldata20260105.csv"
HEADINGS = [
    *("URN", "LA (code)", "EstablishmentName", "TypeOfEstablishment (code)", "UKPRN"),
    *("EstablishmentStatus (code)", "OpenDate", "CloseDate", "FurtherEducationType (name)"),
    *("TypeOfResourcedProvision (name)", "Street"),
]
SCHOOL = [
    *("100001", "201", 'St Zoë\'s €2 "New" School', "02", "10000001"),
    *("1", "01-09-2001", "", "Not applicable", "SEN unit", "1, The Green"),
]


def register(folder: Path, rows: list[list[str]], name: str = REGISTER) -> None:
    """DfE's register as it is downloaded: its headings, its encoding, most values in quotes."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows([HEADINGS, *rows])
    (folder / name).write_bytes(text.getvalue().encode("cp1252"))


@pytest.mark.parametrize("name", [REGISTER, "establishments.csv"])
@pytest.mark.parametrize("spoiler", ["", "\n\n", "\x1f"])
def test_the_downloaded_register_is_the_table_establishments(
    extract: Path, tmp_path: Path, name: str, spoiler: str
) -> None:
    other = ["100002", "", f"Two{spoiler}", *[""] * 8]
    register(extract, [SCHOOL, other, ["100003", *[""] * 10]], name)
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    found = rows(
        tmp_path / "w.duckdb",
        "select urn, ukprn, name, type_code, status_code, open_date, close_date, has_sen_unit,"
        " has_resourced_provision, further_education_type, _file, _row"
        " from raw.establishments order by _row",
    )
    assert found == [
        (
            *("100001", "10000001", 'St Zoë\'s €2 "New" School', "02", "1", "01-09-2001", None),
            *("SEN unit", "SEN unit", "Not applicable", name, 2),
        ),
        ("100002", None, f"Two{spoiler}", *[None] * 7, name, 3),
        ("100003", *[None] * 9, name, 4),
    ]
    kept = rows(
        tmp_path / "w.duckdb",
        'select "LA (code)", "EstablishmentName", "Street" from raw.establishments'
        " where urn = '100001'",
    )
    assert kept == [("201", 'St Zoë\'s €2 "New" School', "1, The Green")]


def test_establishments_may_lack_every_optional_column(extract: Path, tmp_path: Path) -> None:
    (extract / "establishments.csv").write_text("urn,Local Note\n100001,Zoë\n", encoding="utf-8")
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    found = rows(
        tmp_path / "w.duckdb", 'select urn, type_code, "Local Note" from raw.establishments'
    )
    assert found == [("100001", None, "Zoë")]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: write(f, "establishments", [["1"]]), ["establishments.csv", REGISTER, "one"]),
        (lambda f: register(f, [SCHOOL], "edubasealldata2.csv"), ["edubasealldata2.csv", "one"]),
        (
            lambda f: (f / REGISTER).write_bytes(b"URN,EstablishmentName\n1,O\x81\n"),
            [REGISTER, "neither UTF-8 nor Windows-1252"],
        ),
        (
            lambda f: (f / REGISTER).write_bytes(b"urn,name\n1,O\xe9\n"),
            [REGISTER, "line 2", "name"],
        ),
        (lambda f: (f / REGISTER).write_text("EstablishmentName\nx\n"), [REGISTER, "column urn"]),
        (lambda f: (f / REGISTER).write_text("URN,urn\n1,1\n"), [REGISTER, "stands twice"]),
    ],
)
def test_a_register_that_cannot_be_read_is_an_error_that_names_it(
    extract: Path, tmp_path: Path, damage, words: list[str]
) -> None:
    register(extract, [SCHOOL])
    damage(extract)
    message = refuse(extract, tmp_path / "w.duckdb")
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda f: (f / "people.csv").write_bytes(b""), ["people.csv", "empty"]),
        (lambda f: (f / "people.csv").write_text("\n"), ["people.csv", "row 1", "header"]),
        (lambda f: append(f, "people", b'8,"x\n'), ["people.csv", "row 3", "quote"]),
        (lambda f: append(f, "people", b"8,O\xe9\n"), ["people.csv", "line 3", "surname", "UTF-8"]),
        (
            lambda f: append(f, "people", b"8,a\x0bb" + b"," * 10 + b"\n"),
            ["people.csv", "row 3", "surname", "U+000B"],
        ),
        (
            lambda f: write(f, "people", [["7", SECRET]], encoding="utf-16"),
            ["people.csv", "UTF-16"],
        ),
        (
            lambda f: (f / "needs.csv").write_text("plan_id,rank\n"),
            ["needs.csv", "row 1", "the column need is missing"],
        ),
        (
            lambda f: (f / "needs.csv").write_text("Plan ID,Rank,Need\n"),
            ["needs.csv", "row 1", "columns plan_id, rank, need are missing", "--mapping"],
        ),
        (
            lambda f: (f / "needs.csv").write_text("plan_id,rank,need,NEED\n"),
            ["needs.csv", "row 1", "stands twice"],
        ),
        (
            lambda f: (f / "needs.csv").write_text("plan_id,rank,need,_row\n"),
            ["needs.csv", "row 1", "_row"],
        ),
        (lambda f: (f / "extract.yml").write_text('la_code: "331"\n'), ["extract.yml", "331"]),
        (lambda f: (f / "extract.yml").write_text("la: 1\n"), ["extract.yml", "la"]),
        (lambda f: (f / "extract.yml").write_text("a: [\n"), ["extract.yml", "line", "YAML"]),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_the_place(
    extract: Path, tmp_path: Path, damage, words: list[str]
) -> None:
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    before = rows(tmp_path / "w.duckdb", "select * from raw.people")
    damage(extract)
    message = refuse(extract, tmp_path / "w.duckdb")
    assert [word for word in words if word not in message] == []
    assert rows(tmp_path / "w.duckdb", "select * from raw.people") == before


def test_a_folder_that_is_not_there_is_an_input_error(tmp_path: Path) -> None:
    assert "no such folder" in refuse(tmp_path / "nowhere", tmp_path / "w.duckdb")


TEXT = st.text(
    st.characters(
        codec="utf-8", exclude_characters="\r\ufffe\uffff", exclude_categories=["Cc", "Cs"]
    )
    | st.sampled_from(",\"'\n\t;|\\#"),
    max_size=12,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=6), style=st.sampled_from([0, 1, 2]))
def test_any_text_lands_as_it_stands(
    extract: Path, tmp_path: Path, values: list[tuple[str, str, str]], style: int
) -> None:
    text = io.StringIO()
    writer = csv.writer(
        text,
        lineterminator="\r\n" if style == 1 else "\n",
        quoting=csv.QUOTE_ALL if style == 2 else csv.QUOTE_MINIMAL,
    )
    writer.writerow(["plan_id", "rank", "need"])
    writer.writerows(values)
    (extract / "needs.csv").write_bytes(text.getvalue().encode())
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")
    found = rows(tmp_path / "w.duckdb", "select plan_id, rank, need from raw.needs order by _row")
    assert found == [tuple(value or None for value in row) for row in values]


def test_a_large_regular_file_is_plain_wherever_its_pieces_are_cut(
    extract: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(extract, "people", [[str(number)] for number in range(50)])
    for size in range(1, 40):
        monkeypatch.setattr(delimited, "CHUNK", size)
        assert delimited.read_through(extract / "people.csv", "utf-8-sig")[2]
    append(extract, "people", b"\n")
    for size in range(1, 40):
        monkeypatch.setattr(delimited, "CHUNK", size)
        assert not delimited.read_through(extract / "people.csv", "utf-8-sig")[2]


@pytest.mark.parametrize(
    "rows",
    [
        f"7,{SECRET},{SECRET},2015-02-03,F\n".encode(),
        f"7,{SECRET},Ann,2015-02-03,F\n8,O\xe9,Ann\n".encode("cp1252"),
        f"7,{SECRET},,2015-02-03,F\n".encode(),
    ],
)
def test_a_file_without_a_header_row_tells_no_value(
    extract: Path, tmp_path: Path, rows: bytes
) -> None:
    (extract / "people.csv").write_bytes(rows)
    assert "people.csv" in refuse(extract, tmp_path / "w.duckdb")
