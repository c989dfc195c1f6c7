"""COLLECT's export and the workbooks: read like the XML of the same return, or refused."""

import csv
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.imports import dfe_workbook, imports, result, table_return
from sen2.untrusted import workbook_cells

from .other_forms import (
    canonical,
    rows_of,
    write_blade,
    write_pre_submission,
    write_template,
)
from .test_run import sen2

HERE = Path(__file__).parent
YEARS = (2023, 2024, 2025, 2026)
SAMPLES = {year: HERE / "samples" / f"sample_{year}.xml" for year in YEARS}
LATEST = YEARS[-1]

Lines = list[list[Any]]


@pytest.fixture(scope="module")
def xml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the samples imported from XML, as x2023 and so on."""
    path = tmp_path_factory.mktemp("xml") / "xml.duckdb"
    for year, sample in SAMPLES.items():
        imports.import_return(sample, f"x{year}", path)
    return path


@pytest.fixture
def path(xml: Path, tmp_path: Path) -> Path:
    return shutil.copy(xml, tmp_path / "sen2.duckdb")


def faults(path: Path, return_id: str = "other") -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            "select element, line, message, source_file from imported.structure_faults"
            " where return_id = ? order by all",
            [return_id],
        ).fetchall()


def column(lines: Lines, heading: str) -> int:
    return next(
        place
        for place, held in enumerate(lines[0])
        if table_return.normal(held) == table_return.normal(heading)
    )


# Read as the XML is


@pytest.mark.parametrize("year", YEARS)
def test_collect_s_export_is_the_return_that_was_sent(year: int, path: Path) -> None:
    rows = rows_of(path, f"x{year}")
    folder = write_blade(rows, year, path.parent / "blade")
    loaded = imports.import_return(folder, "other", path)
    assert (loaded.year, loaded.person_count, faults(path)) == (year, 8, [])
    assert canonical(rows_of(path, "other")) == canonical(rows)


@pytest.mark.parametrize("year", YEARS)
def test_the_template_is_the_return_that_was_typed(year: int, path: Path) -> None:
    rows = rows_of(path, f"x{year}")
    book = write_template(rows, year, path.parent / "template.xlsm")
    loaded = imports.import_return(book, "other", path)
    assert (loaded.year, loaded.person_count, faults(path)) == (year, 8, [])
    assert canonical(rows_of(path, "other")) == canonical(rows)


@pytest.mark.parametrize("year", YEARS)
def test_the_pre_submission_workbook_is_the_return_without_its_header(
    year: int, path: Path
) -> None:
    rows = rows_of(path, f"x{year}")
    book = write_pre_submission(rows, year, path.parent / "book.xlsx")
    loaded = imports.import_return(book, "other", path, year, "330")
    unread = [fault for fault in faults(path) if "requestsource" not in fault[2]]
    assert (loaded.year, loaded.person_count, unread) == (year, 8, [])
    found = rows_of(path, "other")
    assert canonical(found)[1] == canonical(rows)[1]
    filled = {name: value for name, value in found["sen2"][0].items() if value is not None}
    assert filled == {"return_id": "other", "year": str(year), "lea": "330"}


def test_every_record_has_its_file_and_row(path: Path) -> None:
    folder = write_blade(rows_of(path, f"x{LATEST}"), LATEST, path.parent / "blade")
    imports.import_return(folder, "other", path)
    with duckdb.connect(str(path), read_only=True) as connection:
        kept = connection.execute(
            "select module, record_id, line, source_file from imported.record_lines"
            " where return_id = 'other'"
            " union all select 'plan_detail', request_id || urn, line, source_file"
            " from imported.plan_detail_lines where return_id = 'other' and urn is not null"
        ).fetchall()
        counted = connection.execute(
            "select count(*) from imported.record_lines where return_id = ?", [f"x{LATEST}"]
        ).fetchall()
    assert sum(module != "plan_detail" for module, *_ in kept) == counted[0][0]
    for module, record_id, line, file in kept:
        with (folder / file).open(encoding="utf-8", newline="") as lines:
            row = list(csv.reader(lines))[line - 1]
        own = {"person", "requests", "placement_detail"}
        assert module not in own or record_id in row
        assert module != "plan_detail" or record_id[-6:] in row


@pytest.mark.parametrize(
    ("heading", "same"),
    [
        ("Person ID\n\n(This must be a unique ID for each Person record)", "Person ID"),
        ("LA\n(From Header Record)", "la"),
        ("UPN and ULN unavailable \u2013 Reason", "UPN and ULN unavailable - Reason"),
        ("SEN Type of Need rank  (1=Primary, 2=Secondary)", "SEN Type of Need rank"),
    ],
)
def test_a_heading_is_known_however_the_template_writes_it(heading: str, same: str) -> None:
    assert table_return.normal(heading) == table_return.normal(same)


@pytest.mark.parametrize(
    ("value", "day", "time"),
    [
        ("2022-Sep-28 00:00:00", "2022-09-28", "2022-09-28T00:00:00"),
        ("2022-SEP-28 09:05:01", "2022-09-28T09:05:01", "2022-09-28T09:05:01"),
        ("2022-Sep-28", "2022-09-28", "2022-09-28"),
        ("2022-09-28", "2022-09-28", "2022-09-28"),
        ("28/09/2022", "28/09/2022", "28/09/2022"),
        ("2022-Foo-28 00:00:00", "2022-Foo-28 00:00:00", "2022-Foo-28 00:00:00"),
    ],
)
def test_a_date_is_read_or_left_as_it_came(value: str, day: str, time: str) -> None:
    assert (table_return.iso_date(value), table_return.iso_time(value)) == (day, time)


# What does not fit is reported, and nothing else is lost


def test_rows_without_a_place_are_left_out_and_said_so(path: Path) -> None:
    lost: dict[str, Any] = {}

    def edit(name: str, lines: Lines) -> None:
        if name == "requests":
            lines[1][column(lines, "persontableid")] = 5
            lost["id"] = lines[1][column(lines, "requeststableid")]
        if name == "person":
            lines.append(list(lines[1]))
            lines.append(list(lines[1]))
            lines[-1][column(lines, "persontableid")] = None
        if name == "senneed":
            lines[1][column(lines, "sentype")] = "=1+1"
        if name == "activeplans":
            lines[1][column(lines, "lastreview")] = "soon"

    rows = rows_of(path, f"x{LATEST}")
    folder = write_blade(rows, LATEST, path.parent / "blade", edit)
    loaded = imports.import_return(folder, "other", path)
    found = rows_of(path, "other")
    assert len(found["person"]) == len(rows["person"]) == loaded.person_count
    assert len(found["requests"]) == len(rows["requests"]) - 1
    assert lost["id"] not in {row["request_id"] for row in found["requests"]}
    assert "=1+1" in {row["sen_type"] for row in found["sen_need"]}
    assert "soon" in {row["last_review"] for row in found["active_plans"]}
    said = [(element, line, message.split(",")[0]) for element, line, message, _ in faults(path)]
    assert ("person", 10, "has a second row with the key of an earlier one") in said
    assert ("person", 11, "has a row without a key") in said
    assert ("requests", 2, "has a row that belongs to no row of person") in said
    assert ("activeplans", 2, "has soon as lastreview") in said
    assert loaded.fault_count == len(said)
    assert {file for *_, file in faults(path)} >= {f"Blade-Export_31-01-{LATEST}_person.csv"}


def test_columns_unknown_or_not_there_are_said(path: Path) -> None:
    def edit(name: str, lines: Lines) -> None:
        if name == "person":
            lines[0][column(lines, "postcode")] = "Ada"

    folder = write_blade(rows_of(path, f"x{LATEST}"), LATEST, path.parent / "blade", edit)
    imports.import_return(folder, "other", path)
    messages = [message for _, _, message, _ in faults(path)]
    assert "has no column postcode" in messages
    assert any(message.endswith("that is not known") for message in messages)
    assert "Ada" not in " ".join(messages)


def test_a_column_of_another_year_is_read_all_the_same(path: Path) -> None:
    folder = write_blade(rows_of(path, "x2023"), 2023, path.parent / "blade")
    imports.import_return(folder, "other", path, 2024)
    assert {row["gender_current"] for row in rows_of(path, "other")["person"]} > {None, "1"} - {
        None
    }
    assert "has no column sex" in [message for _, _, message, _ in faults(path)]


def test_a_row_of_the_template_that_names_two_people_is_the_request_s(path: Path) -> None:
    def edit(part: str, lines: Lines) -> None:
        if part == "SEN Need Records":
            lines[1][column(lines, "Person ID (must match the Person table)")] = 999.0

    rows = rows_of(path, f"x{LATEST}")
    book = write_template(rows, LATEST, path.parent / "template.xlsx", edit)
    imports.import_return(book, "other", path)
    assert canonical(rows_of(path, "other")) == canonical(rows)
    assert ["names another person" in message for _, _, message, _ in faults(path)] == [True]


def test_numbers_days_and_answers_in_cells_are_the_return_s_text() -> None:
    text = dfe_workbook._text
    assert [text(cell) for cell in (100000.0, 1, True, None, "x", 1.5)] == [
        *("100000", "1", "1", None, "x", "1.5")
    ]
    assert text(44927, "date", openpyxl_epoch()) == "2023-01-01"
    assert text(44927.5, "dateTime", openpyxl_epoch()) == "2023-01-01T12:00:00"
    assert text(44927, "", openpyxl_epoch()) == "44927"


def openpyxl_epoch() -> Any:
    from openpyxl.utils.datetime import WINDOWS_EPOCH

    return WINDOWS_EPOCH


# What cannot be read is refused, and the warehouse is as it was


def refusal(source: Path, path: Path, *more: object) -> str:
    before = rows_of(path, f"x{LATEST}")
    with pytest.raises(InputError) as error:
        imports.import_return(source, f"x{LATEST}", path, *more, replace=True)
    assert rows_of(path, f"x{LATEST}") == before
    return str(error.value)


def a_file_less(folder: Path) -> None:
    next(folder.glob("*_senneed.csv")).unlink()


def another_day(folder: Path) -> None:
    shutil.copy(next(folder.glob("*_person.csv")), folder / "Blade-Export_01-02-2026_person.csv")


def ragged(folder: Path) -> None:
    path = next(folder.glob("*_person.csv"))
    path.write_text(path.read_text(encoding="utf-8") + "1,2\n", encoding="utf-8")


def long_value(folder: Path) -> None:
    path = next(folder.glob("*_person.csv"))
    text = path.read_text(encoding="utf-8")
    path.write_text(text + "x" * (result.LONGEST_TEXT + 1), encoding="utf-8")


def open_quote(folder: Path) -> None:
    path = next(folder.glob("*_person.csv"))
    path.write_text(path.read_text(encoding="utf-8") + '"x', encoding="utf-8")


def no_text(folder: Path) -> None:
    next(folder.glob("*_person.csv")).write_bytes(b"\x81\x8d\x8f")


def control(folder: Path) -> None:
    path = next(folder.glob("*_person.csv"))
    path.write_text(path.read_text(encoding="utf-8").replace("Ada", "A\x01a"), encoding="utf-8")


def empty(folder: Path) -> None:
    next(folder.glob("*_person.csv")).write_text("")


def two_headers(folder: Path) -> None:
    path = next(folder.glob("*_sen2.csv"))
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, lines[-1]]), encoding="utf-8")


def keyless(folder: Path) -> None:
    path = next(folder.glob("*_requests.csv"))
    text = path.read_text(encoding="utf-8").replace("persontableid", "id", 1)
    path.write_text(text, encoding="utf-8")


def twice(folder: Path) -> None:
    path = next(folder.glob("*_person.csv"))
    text = path.read_text(encoding="utf-8").replace("forename", "surname", 1)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (a_file_less, "_senneed.csv is missing"),
        (another_day, "exports of several days (01-02-2026, 31-01-2026)"),
        (ragged, "row 10: has 2 values, but the header has"),
        (long_value, "a value is longer than"),
        (open_quote, "has a quote that is not closed"),
        (no_text, "neither UTF-8 nor Windows-1252"),
        (control, "U+0001"),
        (empty, "there is no header row"),
        (two_headers, "holds 2 headers, not one"),
        (keyless, "the column persontableid is missing"),
        (twice, "the column surname stands twice"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_export_that_cannot_be_read_is_refused(
    spoil: Callable[[Path], None], words: str, path: Path
) -> None:
    folder = write_blade(rows_of(path, f"x{LATEST}"), LATEST, path.parent / "blade")
    spoil(folder)
    said = refusal(folder, path)
    assert words in said
    assert "Ada" not in said


def test_windows_1252_is_read(path: Path) -> None:
    rows = rows_of(path, f"x{LATEST}")
    rows["person"][0]["surname"] = "Zo\u00eb"
    folder = write_blade(rows, LATEST, path.parent / "blade")
    file = next(folder.glob("*_person.csv"))
    file.write_bytes(file.read_text(encoding="utf-8").encode("cp1252"))
    imports.import_return(folder, "other", path)
    assert canonical(rows_of(path, "other")) == canonical(rows)


def test_a_folder_a_single_file_and_a_strange_workbook_are_refused(path: Path) -> None:
    folder = path.parent
    assert "no file in it is of a COLLECT export" in refusal(folder, path)
    (folder / "a.csv").write_text("surname\nAda\n")
    assert "Give the folder of COLLECT's export" in refusal(folder / "a.csv", path)
    (folder / "a.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert "old kind or has a password" in refusal(folder / "a.xls", path)
    (folder / "a.xlsx").write_bytes(b"PK\x03\x04 and then nothing")
    assert "cannot be read as an Excel workbook" in refusal(folder / "a.xlsx", path)
    with zipfile.ZipFile(folder / "b.xlsx", "w") as archive:
        archive.writestr("readme.txt", "x")
    assert "cannot be read as an Excel workbook" in refusal(folder / "b.xlsx", path)


def test_workbooks_that_lack_something_are_refused(path: Path) -> None:
    rows = rows_of(path, f"x{LATEST}")
    book = write_pre_submission(rows, LATEST, path.parent / "book.xlsx")
    assert "Say which collection it is for with --year" in refusal(book, path)
    assert "say whose return it is with --la" in refusal(book, path, LATEST)
    assert "no return of 2022 is known in this layout" in refusal(book, path, 2022, "330")

    def cut(part: str, lines: Lines) -> None:
        if part == "Person Record":
            lines[:] = [["x"]]

    template = write_template(rows, LATEST, path.parent / "template.xlsx", cut)
    assert "the column Person ID (must be unique) is missing" in refusal(template, path)


def test_a_hostile_workbook_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(path, f"x{LATEST}")
    book = write_template(rows, LATEST, path.parent / "template.xlsx")
    bomb = path.parent / "bomb.xlsx"
    doctype = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(bomb, "w") as archive:
        for name in source.namelist():
            text = source.read(name).decode()
            if name == "xl/workbook.xml":
                text = f"<!-- {'x' * 100_000} -->{doctype}" + text
            archive.writestr(name, text)
    assert "has a document type declaration inside" in refusal(bomb, path)
    monkeypatch.setattr(workbook_cells, "LARGEST", 1000)
    assert "unpacks to more than" in refusal(book, path)


def test_the_command_takes_an_export(path: Path) -> None:
    folder = write_blade(rows_of(path, f"x{LATEST}"), LATEST, path.parent / "blade")
    done = sen2(path.parent, "import", str(folder), "--as", "collect", "--warehouse", str(path))
    assert done.returncode == 0, done.stderr
    assert f"8 people of {LATEST} as collect" in done.stdout
    assert done.stderr == ""


def test_every_part_of_a_layout_is_a_table_of_the_return() -> None:
    for layout in ("blade", "template", "pre_submission"):
        tables = {
            row["table_name"] for row in spec.seed("import_columns") if row["layout"] == layout
        }
        wanted = set(spec.person_level_columns())
        assert tables == (wanted - {"sen2"} if layout == "pre_submission" else wanted)
