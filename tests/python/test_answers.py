"""Answers typed in workbooks: read whatever wrote them, decided, kept, and nothing lost."""

import csv
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import openpyxl
import pytest
from openpyxl.workbook import Workbook as Book
from openpyxl.worksheet.worksheet import Worksheet

from sen2.answers import answers, cells, decisions, workbooks
from sen2.answers.days import iso_day
from sen2.ground.errors import InputError
from sen2.reports.issues import issue_files
from sen2.reports.issues.words import AGREED, CORRECTED, NOT_OURS, RIGHT, VALUE, WORKBOOK
from sen2.settings.config import Config, read_config

from .conftest import Built
from .test_report import YEAR, make_warehouse

SAMPLES = Path(__file__).parent / "samples"
SECRET = "Zebedee"
ISSUES = [
    ("L13", "1", "R1", "R1", "ReviewMeeting 2026-04-08; LastReview 2026-05-20", True, "r", 2),
    ("L13", "2", "R2", "R2", "ReviewMeeting 2026-04-01; LastReview 2026-06-20", True, "r", 3),
    ("L14", "3", "R3", "R3", "ReviewMeeting blank; StartDate 2025-09-20", True, "p", 4),
    ("P28", "4", None, "4", f"Surname {SECRET}; Forename Jo", True, "people.csv", 6),
    ("P06", "4", None, "4", "Sex X", True, "people.csv", 6),
]
TEAM = "Plan and review team"
SETTINGS = 'la_code: "330"\n'


class Desk:
    """A warehouse, the workbook that was written of it, and the authority's folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "w.duckdb"
        self.workbook = folder / "out" / WORKBOOK

    @property
    def config(self) -> Config:
        return read_config(self.folder / "sen2.yml")

    def copy(self, change: Callable[[Book], None], name: str = "copy.xlsx") -> Path:
        """A copy of the workbook as somebody leaves it."""
        book = openpyxl.load_workbook(self.workbook)
        change(book)
        path = self.folder / name
        book.save(path)
        return path

    def take(self, *paths: Path, write: bool = True) -> answers.Taken:
        taken = answers.take(
            paths,
            self.config,
            self.warehouse,
            YEAR,
            write=write,
            strict=False,
            newest=[self.workbook],
        )
        if write:
            with duckdb.connect(str(self.warehouse)) as connection:
                answers.record(connection, taken.reading)
        return taken

    def notes(self) -> dict[tuple[str, str], tuple[str, str]]:
        path = self.folder / "notes.csv"
        if not path.exists():
            return {}
        with path.open(encoding="utf-8", newline="") as file:
            return {
                (row["rule_id"], row["record_id"]): (row["text"], row["author"])
                for row in csv.DictReader(file)
            }


@pytest.fixture(name="made", scope="module")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    (folder / "sen2.yml").write_text(SETTINGS, encoding="utf-8")
    path = make_warehouse(folder / "w.duckdb", ISSUES)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into audit.extract_settings (collection_year, extracted_on)"
            f" values ({YEAR}, date '2026-11-20')"
        )
    issue_files.write_issues(path, "built", YEAR, folder / "out")
    return folder


@pytest.fixture(name="desk")
def _desk(made: Path, tmp_path: Path) -> Desk:
    shutil.copytree(made, tmp_path / "desk")
    return Desk(tmp_path / "desk")


def column_of(sheet: Worksheet, heading: str) -> int:
    for row in sheet.iter_rows(max_row=5):
        for cell in row:
            if str(cell.value).strip().casefold() == heading.casefold():
                return cell.column
    raise AssertionError(heading)


def row_of(sheet: Worksheet, record: str, rule: str | None = None) -> int:
    return next(
        number
        for number in range(2, sheet.max_row + 1)
        if sheet.cell(number, column_of(sheet, "Record")).value == record
        and rule in (None, sheet.cell(number, column_of(sheet, "Rule")).value)
    )


def answer(
    sheet: Worksheet, record: str, given: object, why: object = None, who: object = "JB"
) -> None:
    row = row_of(sheet, record)
    for heading, value in (
        ("Your answer", given),
        ("Reason or right value", why),
        ("Initials", who),
    ):
        sheet.cell(row, column_of(sheet, heading)).value = value  # type: ignore[assignment]


def explained(book: Book) -> None:
    answer(book[TEAM], "R1", RIGHT, "The school was shut")


def outcomes(taken: answers.Taken) -> Counter[str]:
    counts = Counter(each.outcome for each in taken.reading.decided)
    if taken.reading.unread:
        counts["not_used"] += len(taken.reading.unread)
    return Counter({str(name): count for name, count in counts.items()})


def why_not(taken: answers.Taken) -> str:
    return " ".join(row[-1] for row in taken.reading.not_used())


# Twenty-nine ways a workbook comes back: what spoils it, what is kept of it, and what is said.


def reordered(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    for number, values in enumerate(reversed(rows), start=2):
        for place, value in enumerate(values, start=1):
            sheet.cell(number, place).value = value


def columns_moved(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    for number in range(1, sheet.max_row + 1):
        values = [cell.value for cell in sheet[number]]
        for place, value in enumerate(reversed(values), start=1):
            sheet.cell(number, place).value = value


def hidden_and_filtered(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    sheet.row_dimensions[row_of(sheet, "R1")].hidden = True
    sheet.sheet_state = "hidden"


def renamed(book: Book) -> None:
    explained(book)
    book[TEAM].title = "Jo's bit"


def headings_retyped(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    for heading in ("Your answer", "Rule", "Record", "Mark"):
        cell = sheet.cell(1, column_of(sheet, heading))
        cell.value = f" {heading.upper()}:\n"


def title_above(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    sheet.insert_rows(1, 2)
    sheet.cell(1, 1).value = "For the team meeting"


def spaces_about(book: Book) -> None:
    answer(book[TEAM], "R1", "  right AS\u00a0it is ", "\u00a0The school  was\nshut ", " JB ")


def short_answer(book: Book) -> None:
    answer(book[TEAM], "R1", "explain", "The school was shut")


def own_words(book: Book) -> None:
    answer(book[TEAM], "R1", "Ask Jo", "The school was shut")


def no_answer_chosen(book: Book) -> None:
    answer(book[TEAM], "R1", None, "The school was shut")


def no_reason(book: Book) -> None:
    answer(book[TEAM], "R1", RIGHT)


def no_initials(book: Book) -> None:
    answer(book[TEAM], "R1", RIGHT, "The school was shut", None)


def explained_error(book: Book) -> None:
    answer(book["Business support"], "4", RIGHT, "So it is")


def key_columns_gone(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    sheet.delete_cols(column_of(sheet, "Record"))


def mark_gone(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    sheet.delete_cols(column_of(sheet, "Mark"))


def rule_gone(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    sheet.cell(row_of(sheet, "R1"), column_of(sheet, "Rule")).value = None


def found_changed(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    sheet.cell(row_of(sheet, "R1"), column_of(sheet, "Mark")).value = "aaaabbbb"


def line_gone(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    sheet.cell(row_of(sheet, "R1"), column_of(sheet, "Record")).value = "R99"


def of_another_year(book: Book) -> None:
    explained(book)
    for sheet in book.worksheets:
        for row in sheet.iter_rows(min_row=2):
            for cell in row:
                if cell.value == f"built {YEAR}":
                    cell.value = f"built {YEAR - 1}"


def row_twice(book: Book) -> None:
    explained(book)
    sheet = book[TEAM]
    values = [cell.value for cell in sheet[row_of(sheet, "R1")]]
    values[column_of(sheet, "Reason or right value") - 1] = "Something else"
    sheet.append(values)


def rows_between(book: Book) -> None:
    explained(book)
    book[TEAM].insert_rows(2, 3)


def numbers_as_reason(book: Book) -> None:
    answer(book[TEAM], "R1", RIGHT, 42, 7)


def a_date_as_reason(book: Book) -> None:
    answer(book[TEAM], "R1", RIGHT, datetime(2026, 1, 31), "JB")


def formula_as_reason(book: Book) -> None:
    answer(book[TEAM], "R1", RIGHT, '=HYPERLINK("http://x")', "JB")
    book[TEAM].cell(row_of(book[TEAM], "R1"), column_of(book[TEAM], "Reason or right value")).data_type = "s"  # fmt: skip # noqa: E501


def only_one_sheet(book: Book) -> None:
    explained(book)
    for sheet in book.worksheets:
        if sheet.title != TEAM:
            book.remove(sheet)


KEPT = {("L13", "R1"): ("The school was shut", "JB")}
NOTE, UNUSED = {"note": 1}, {"not_used": 1}
SPOILED: list[tuple[Callable[[Book], None], dict, dict, str]] = [
    (explained, NOTE, KEPT, ""),
    (reordered, NOTE, KEPT, ""),
    (columns_moved, NOTE, KEPT, ""),
    (hidden_and_filtered, NOTE, KEPT, ""),
    (renamed, NOTE, KEPT, ""),
    (headings_retyped, NOTE, KEPT, ""),
    (title_above, NOTE, KEPT, ""),
    (spaces_about, NOTE, KEPT, ""),
    (short_answer, NOTE, KEPT, ""),
    (only_one_sheet, NOTE, KEPT, ""),
    (mark_gone, NOTE, KEPT, ""),
    (rows_between, NOTE, KEPT, ""),
    (no_initials, NOTE, {("L13", "R1"): ("The school was shut", "not given")}, ""),
    (numbers_as_reason, NOTE, {("L13", "R1"): ("42", "7")}, ""),
    (a_date_as_reason, NOTE, {("L13", "R1"): ("2026-01-31", "JB")}, ""),
    (formula_as_reason, NOTE, {("L13", "R1"): ("'=HYPERLINK(\"http://x\")", "JB")}, ""),
    (own_words, UNUSED, {}, "none of the list"),
    (no_answer_chosen, UNUSED, {}, "A reason without an answer"),
    (no_reason, UNUSED, {}, "The reason is missing"),
    (explained_error, UNUSED, {}, "It is not a query"),
    (key_columns_gone, UNUSED, {}, "The column Record is gone"),
    (rule_gone, UNUSED, {}, "the rule or the record of the line is gone"),
    (found_changed, UNUSED, {}, "What the rule finds has changed since"),
    (line_gone, {"gone": 1}, {}, ""),
    (of_another_year, UNUSED, {}, f"another return (built {YEAR - 1})"),
    (row_twice, {"not_used": 2}, {}, "has another answer in copy.xlsx"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "expected", "kept", "said"), SPOILED, ids=[case[0].__name__ for case in SPOILED]
)
def test_a_spoiled_workbook_is_read_or_says_why(
    desk: Desk, spoil: Callable[[Book], None], expected: dict, kept: dict, said: str
) -> None:
    taken = desk.take(desk.copy(spoil))
    assert outcomes(taken) == expected
    assert desk.notes() == kept
    assert said in why_not(taken)
    assert bool(why_not(taken)) == ("not_used" in expected)


def strict(path: Path) -> Path:
    """A workbook as Excel writes it as Strict Open XML Spreadsheet."""
    namespaces = (
        ("http://schemas.openxmlformats.org/spreadsheetml/2006/main",
         "http://purl.oclc.org/ooxml/spreadsheetml/main"),
        ("http://schemas.openxmlformats.org/officeDocument/2006/relationships",
         "http://purl.oclc.org/ooxml/officeDocument/relationships"),
    )  # fmt: skip
    made = path.with_name("strict.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(made, "w") as target:
        for item in source.infolist():
            content = source.read(item).decode("utf-8") if item.filename.endswith(
                (".xml", ".rels")
            ) else source.read(item)  # fmt: skip
            if isinstance(content, str):
                for old, new in namespaces:
                    content = content.replace(old, new)
            target.writestr(item.filename, content)
    return made


def as_csv(path: Path) -> Path:
    """The team's sheet as Excel in England saves it as CSV."""
    sheet = openpyxl.load_workbook(path)[TEAM]
    made = path.with_name("copy.csv")
    with made.open("w", encoding="cp1252", newline="") as file:
        csv.writer(file).writerows(sheet.iter_rows(values_only=True))
    return made


@pytest.mark.parametrize("written", [strict, as_csv])
def test_other_ways_to_save_are_read(desk: Desk, written: Callable[[Path], Path]) -> None:
    taken = desk.take(written(desk.copy(explained)))
    assert outcomes(taken) == NOTE, why_not(taken)
    assert desk.notes() == KEPT


@pytest.mark.parametrize("name", ["answered_in_libreoffice.xlsx", "answered_in_libreoffice.ods"])
def test_what_libreoffice_wrote_is_read(desk: Desk, name: str) -> None:
    taken = desk.take(SAMPLES / name)
    assert outcomes(taken) == NOTE, why_not(taken)
    assert desk.notes() == KEPT


@pytest.mark.parametrize(
    "content", [b"", b"Dear Jo, it is right as it is", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0old"]
)
def test_what_is_no_workbook_is_named_and_does_not_keep_others_from_it(
    desk: Desk, content: bytes
) -> None:
    broken = desk.folder / "broken.xlsx"
    broken.write_bytes(content)
    taken = desk.take(broken, desk.copy(explained))
    assert outcomes(taken) == NOTE | UNUSED
    assert [row[0] for row in taken.reading.not_used()] == ["broken.xlsx"]
    with pytest.raises(InputError, match=r"broken\.xlsx"):
        workbooks.read(broken)


# Several copies, and what was kept before


def test_copies_of_several_officers_come_together(desk: Desk) -> None:
    def second(book: Book) -> None:
        explained(book)
        answer(book[TEAM], "R2", RIGHT, "Half-term", "AK")

    def third(book: Book) -> None:
        answer(book[TEAM], "R2", RIGHT, "Something else", "CD")
        answer(book[TEAM], "R3", CORRECTED, None, "CD")

    copies = [
        desk.copy(explained, "jb.xlsx"), desk.copy(second, "ak.xlsx"), desk.copy(third, "cd.xlsx")
    ]  # fmt: skip
    taken = desk.take(*copies)
    assert outcomes(taken) == {"note": 1, "known": 1, "corrected": 1, "not_used": 2}
    assert desk.notes() == KEPT
    assert "Agree on one of the two" in why_not(taken)
    again = desk.take(*copies)
    assert outcomes(again) == {"known": 3, "not_used": 2}
    assert again.written == []


def test_each_officer_has_a_workbook_of_their_own_lines_and_answers_in_it(desk: Desk) -> None:
    with duckdb.connect(str(desk.warehouse)) as connection:
        connection.execute(
            "create schema if not exists staging;"
            "create or replace table staging.stg_people as select * from (values"
            " ('1', 'Jo O''Neill'), ('2', 'Jo O Neill'), ('3', '../x'), ('4', null))"
            " as t(person_id, worker)"
        )
    out = desk.folder / "out"
    issue_files.write_issues(desk.warehouse, "built", YEAR, out, by_worker=True)
    own = {path.stem: path for path in issue_files.workbooks_in(out)[1:]}
    assert own.keys() == {"issues_Jo_O_Neill", "issues_Jo_O_Neill_2", "issues_x"}
    people = {}
    for name, path in own.items():
        book = openpyxl.load_workbook(path)
        assert book.sheetnames[0] == "Start here"
        assert "All issues" not in book.sheetnames
        rows = book[TEAM].iter_rows(min_row=2, values_only=True)
        people[name] = {str(row[0]) for row in rows}
    assert people["issues_x"] == {"3"}
    assert sorted(map(sorted, people.values())) == [["1"], ["2"], ["3"]]
    for name, path in own.items():
        book = openpyxl.load_workbook(path)
        for record in people[name]:
            answer(book[TEAM], f"R{record}", RIGHT, f"So says {name}")
        book.save(path)
    assert outcomes(desk.take(*issue_files.workbooks_in(out))) == {"note": 3}
    assert {record for _, record in desk.notes()} == {"R1", "R2", "R3"}


def test_an_old_copy_does_not_take_back_what_was_kept_since(desk: Desk) -> None:
    def otherwise(book: Book) -> None:
        answer(book[TEAM], "R1", RIGHT, "Something else", "AK")

    old = desk.copy(otherwise, "old.xlsx")
    desk.take(desk.copy(explained))
    taken = desk.take(old)
    assert outcomes(taken) == UNUSED
    assert "Another answer was kept since" in why_not(taken)
    assert desk.notes() == KEPT


@pytest.mark.parametrize("settled", ["Half-term", "Something else", "A third thing"])
def test_copies_that_differ_are_settled_in_the_newest_workbook(desk: Desk, settled: str) -> None:
    def says(why: str, who: str) -> Callable[[Book], None]:
        return lambda book: answer(book[TEAM], "R1", RIGHT, why, who)

    copies = [
        desk.copy(says("Half-term", "AK"), "ak.xlsx"),
        desk.copy(says("Something else", "CD"), "cd.xlsx"),
    ]
    assert outcomes(desk.take(*copies)) == {"not_used": 2}
    # Those who differed do so again, from their copies, until the newest workbook has an answer.
    assert outcomes(desk.take(desk.workbook, *copies)) == {"not_used": 2}
    shutil.copy(desk.copy(says(settled, "JB")), desk.workbook)
    taken = desk.take(desk.workbook, *copies)
    assert taken.reading.count("note") == 1
    assert "This line has a newer answer in issues.xlsx" in why_not(taken)
    assert desk.notes() == {("L13", "R1"): (settled, "JB")}
    later = desk.take(*copies)
    assert later.written == []
    assert "Agree on one of the two" not in why_not(later)


def test_a_copy_with_the_answer_that_is_kept_has_nothing_to_say(desk: Desk) -> None:
    desk.take(desk.copy(explained))
    copy = desk.copy(lambda book: answer(book[TEAM], "R1", RIGHT, "the SCHOOL was shut", "AK"))
    assert outcomes(desk.take(copy)) == {"known": 1}
    assert desk.notes() == KEPT


def with_notes(desk: Desk) -> None:
    """Let the warehouse know the notes as a run would, and write the workbook again."""
    with duckdb.connect(str(desk.warehouse)) as connection:
        connection.execute("delete from validation.query_notes")
        connection.execute(
            "insert into validation.query_notes select rule_id, record_id, found, text, author,"
            " date::date, null, null, null, null, 'applies', '',"
            " text || ' (' || author || ')', 'notes.csv', 1"
            f" from read_csv('{desk.folder / 'notes.csv'}', all_varchar = true)"
        )
    desk.workbook = issue_files.write_issues(desk.warehouse, "built", YEAR, desk.folder / "out")


def test_an_answer_stays_in_the_next_workbook_and_is_taken_back_by_deleting_it(
    desk: Desk,
) -> None:
    desk.take(desk.copy(explained))
    with_notes(desk)
    untouched = desk.take(desk.workbook)
    assert outcomes(untouched) == {}
    sheet = openpyxl.load_workbook(desk.workbook)[TEAM]
    row = row_of(sheet, "R1")
    shown = [sheet.cell(row, column_of(sheet, each)).value for each in ("Your answer", "State")]
    assert shown == [RIGHT, "Answered"]

    def better(book: Book) -> None:
        answer(book[TEAM], "R1", RIGHT, "The school was shut in May", "JB")

    assert outcomes(desk.take(desk.copy(better))) == NOTE
    assert desk.notes() == {("L13", "R1"): ("The school was shut in May", "JB")}
    with_notes(desk)
    cleared = desk.take(desk.copy(lambda book: answer(book[TEAM], "R1", None, None, None)))
    assert outcomes(cleared) == {"removed": 1}
    assert desk.notes() == {}


def test_one_answer_for_many_and_an_answer_on_a_line_wins(desk: Desk) -> None:
    def both(book: Book) -> None:
        sheet = book["One answer for many"]
        assert [cell.value for cell in sheet["J"]] == ["Rule", "L13"]
        sheet.cell(2, column_of(sheet, "Same reason for all of them")).value = "Short of staff"
        sheet.cell(2, column_of(sheet, "Initials")).value = "MM"
        answer(book[TEAM], "R2", RIGHT, "Half-term", "AK")

    taken = desk.take(desk.copy(both))
    assert outcomes(taken) == {"note": 2}
    assert desk.notes() == {
        ("L13", "R1"): ("Short of staff", "MM"),
        ("L13", "R2"): ("Half-term", "AK"),
    }


def test_a_group_answer_can_be_changed_and_taken_back(desk: Desk) -> None:
    def reason(text: str | None, who: str | None = "MM") -> Callable[[Book], None]:
        def change(book: Book) -> None:
            sheet = book["One answer for many"]
            sheet.cell(2, column_of(sheet, "Same reason for all of them")).value = text
            sheet.cell(2, column_of(sheet, "Initials")).value = who

        return change

    desk.take(desk.copy(reason("Short of staff")))
    with_notes(desk)
    assert outcomes(desk.take(desk.copy(reason("Two posts were vacant")))) == {"note": 2}
    assert {text for text, _ in desk.notes().values()} == {"Two posts were vacant"}
    with_notes(desk)
    assert outcomes(desk.take(desk.copy(reason(None, None)))) == {"removed": 2}
    assert desk.notes() == {}


def test_not_our_team_moves_the_line_and_corrected_is_said_to_be_still_there(desk: Desk) -> None:
    def change(book: Book) -> None:
        answer(book[TEAM], "R1", NOT_OURS, "business support", "JB")
        answer(book[TEAM], "R2", NOT_OURS, "the others", "JB")
        answer(book[TEAM], "R3", CORRECTED, None, "JB")

    desk.take(desk.copy(change))
    with duckdb.connect(str(desk.warehouse)) as connection:
        connection.execute(
            "insert into raw.answers select *, 'answers.csv', 1"
            f" from read_csv('{desk.folder / 'answers.csv'}', all_varchar = true)"
        )

    def states(extracted_on: str) -> dict[str, tuple[str, object]]:
        with duckdb.connect(str(desk.warehouse)) as connection:
            connection.execute(f"update audit.extract_settings set extracted_on = '{extracted_on}'")
        path = issue_files.write_issues(desk.warehouse, "built", YEAR, desk.folder / "out")
        rows = openpyxl.load_workbook(path)["All issues"].iter_rows(values_only=True)
        headings, *lines = ([str(value) for value in row] for row in rows)
        places = [headings.index(each) for each in ("Record", "Team", "State")]
        return {row[places[0]]: (row[places[1]], row[places[2]]) for row in lines}

    assert states("2026-11-20")["R1"] == ("Business support", "Moved here")
    assert states("2026-11-20")["R2"] == ("No team", "Moved here")
    assert states("2026-11-20")["R3"] == (TEAM, "Not in an extract yet")
    kept = kept_lines(desk.workbook)
    assert kept["R1"] == ("moved", "It is with business support.")
    assert kept["R3"] == ("waiting", "Corrected in the case system. It is in no extract yet.")
    assert states("2026-11-27")["R3"] == (TEAM, "Still there")
    assert kept_lines(desk.workbook)["R3"] == ("still there", "Corrected in the case system.")


def kept_lines(path: Path) -> dict[str, tuple[str, str]]:
    """The answers on the sheet of notes: status and what became of each, by record."""
    headings, *rows = openpyxl.load_workbook(path)["Notes and corrections"].iter_rows(
        values_only=True
    )
    lines = [dict(zip(headings, row, strict=True)) for row in rows]
    for line in lines:
        assert line["Corrected to"] is None
        assert str(line["Value found, or corrected"]).startswith("Review meeting: ")
    return {
        str(line["Record or key"]): (str(line["Status"]), str(line["What became of it"]))
        for line in lines
    }


def test_a_name_that_is_hidden_is_kept_in_the_note_and_not_in_the_workbook(desk: Desk) -> None:
    def change(book: Book) -> None:
        sheet = book["Business support"]
        row = row_of(sheet, "4", "P28")
        for heading, value in (("Your answer", RIGHT), ("Reason or right value", "It is")):
            sheet.cell(row, column_of(sheet, heading)).value = value

    assert SECRET.encode() not in desk.workbook.read_bytes()
    desk.take(desk.copy(change))
    with (desk.folder / "notes.csv").open(encoding="utf-8", newline="") as file:
        (note,) = csv.DictReader(file)
    assert note["found"] == f"Surname {SECRET}; Forename Jo"


def test_the_terminal_hears_places_and_reasons_and_no_value(desk: Desk) -> None:
    def change(book: Book) -> None:
        answer(book["Business support"], "4", SECRET, SECRET, SECRET)
        answer(book[TEAM], "R1", RIGHT, SECRET, SECRET)

    said = "\n".join(answers.show(desk.take(desk.copy(change)).reading))
    assert SECRET not in said
    assert "copy.xlsx, Business support, row 2" in said


def test_files_are_in_one_order_whoever_is_read_first(
    desk: Desk, made: Path, tmp_path: Path
) -> None:
    def one(book: Book) -> None:
        answer(book[TEAM], "R3", RIGHT, "Ill", "JB")

    paths = [desk.copy(one, "b.xlsx"), desk.copy(explained, "a.xlsx")]
    desk.take(*paths)
    first = (desk.folder / "notes.csv").read_bytes()
    other = Desk(shutil.copytree(made, tmp_path / "other"))
    other.take(*reversed(paths))
    assert (other.folder / "notes.csv").read_bytes() == first


def test_a_wrong_line_of_the_file_of_notes_stays_in_it(desk: Desk) -> None:
    wrong = b'L13,R9,,caf\xe9,AK,2026-10-01,\nL13,R8,,too few\nL13,R7,,"open,AK,2026-10-01,\n'
    path = desk.folder / "notes.csv"
    path.write_bytes(b"rule_id,record_id,found,text,author,date,expiry\n" + wrong)
    assert outcomes(desk.take(desk.copy(explained))) == NOTE
    _, first, *rest = path.read_bytes().splitlines(keepends=True)
    assert first.startswith(b"L13,R1,")
    assert b"".join(rest) == wrong


def test_nothing_is_written_without_write(desk: Desk) -> None:
    taken = desk.take(desk.copy(explained), write=False)
    assert outcomes(taken) == NOTE
    assert desk.notes() == {}


def test_a_workbook_that_nobody_wrote_in_has_no_answers(desk: Desk) -> None:
    assert not answers.has_answers(desk.workbook)
    assert answers.has_answers(desk.copy(explained))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("31/01/2026", "2026-01-31"),
        ("1.2.26", "2026-02-01"),
        ("31 January 2026", "2026-01-31"),
        ("3rd Feb 2026", "2026-02-03"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31 00:00:00", "2026-01-31"),
        ("31/02/2026", None),
        ("01/31/2026", None),
        ("soon", None),
    ],
)
def test_days_are_read_as_people_in_england_write_them(text: str, day: str | None) -> None:
    assert iso_day(text) == day


# A right value becomes a correction


def test_a_right_value_becomes_a_correction_only_where_one_value_can_be_meant(
    built: Built, tmp_path: Path
) -> None:
    path = tmp_path / "w.duckdb"
    shutil.copyfile(built.warehouse, path)
    with duckdb.connect(str(path), read_only=True) as connection:
        ((record, received),) = connection.execute(
            "select request_id, received_date from raw.requests where request_id = ("
            "select min(record_id) from validation.issues"
            " where return_id = 'built' and rule_id = 'R20')"
        ).fetchall()
        kept = decisions.Kept(
            datetime(2026, 1, 15).date(), None, {name: {} for name in ("notes", "overrides")}
        )

        def decided(value: str) -> decisions.Decided:
            row = workbooks.Row("b", "s", 2, False, "", "R20", record, "", "", "", "", VALUE,
                           value, "JB")  # fmt: skip
            book = workbooks.Workbook("b", [row], [])
            (only,) = decisions.decide([book], connection, 2026, kept).decided
            return only

        ambiguous = decided("31/01/2025")
        assert ambiguous.outcome == "not_used"
        assert "Request received: ... or Decision whether to assess: ..." in ambiguous.reason
        named = decided("Request received: 31/01/2025")
        assert named.outcome == "correction"
        assert named.cell is not None
        assert (named.cell.table_name, named.cell.column_name) == ("requests", "received_date")
        assert (named.cell.key, named.cell.value) == (record, received)
        assert named.to_value == "2025-01-31"
        assert decided(f"received_date {received}").outcome == "not_used"  # it is there already
        assert decided("soon").outcome == "not_used"
        assert decided("").outcome == "not_used"


def test_a_value_that_is_no_code_is_told_the_codes_of_the_item_it_may_be_meant_for() -> None:
    def cell(tag: str, name: str, *codes: str) -> cells.Cell:
        return cells.Cell(
            tag, name, "people", tag.lower(), "P1", "", False, frozenset(codes) or None
        )

    of_line = [
        cell("UPN", "UPN"),
        cell("UniqueLearnerNumber", "ULN"),
        cell("UPNunknown", "Why no UPN or ULN", "UN1", "UN2"),
    ]
    line = cells.Line("P11", "P1", "UPN blank", "error", "person", "UPN", "", "P1")
    row = workbooks.Row("b", "s", 2, False, "", "P11", "P1", "", "", "", "", VALUE, "UN4", "JB")
    why = decisions._correction(row, line, of_line).reason
    assert "UPN: ... or ULN: ... or Why no UPN or ULN: ..." in why
    assert "It is no code of Why no UPN or ULN, which has UN1, UN2." in why
    named = replace(row, reason="Why no UPN or ULN: UN4")
    assert "which has UN1, UN2" in decisions._correction(named, line, of_line).reason


def test_agreed_with_dfe_needs_who_and_when(desk: Desk) -> None:
    taken = desk.take(desk.copy(lambda book: answer(book["Business support"], "4", AGREED)))
    assert outcomes(taken) == UNUSED
    assert "who at DfE agreed" in why_not(taken)


def test_what_could_not_be_used_is_listed_until_the_line_has_another_answer(desk: Desk) -> None:
    def listed() -> list[tuple]:
        with duckdb.connect(str(desk.warehouse)) as connection:
            return connection.execute(
                "select record_id, answer from audit.answers where outcome = 'not_used'"
            ).fetchall()

    desk.take(desk.copy(lambda book: answer(book["Business support"], "4", AGREED)))
    assert listed() == [("4", AGREED)]
    desk.take(desk.copy(lambda _: None))  # a later night, in which nobody has looked
    assert listed() == [("4", AGREED)]
    desk.take(
        desk.copy(
            lambda book: answer(book["Business support"], "4", AGREED, "DfE helpdesk, 31/01/2026")
        )
    )
    assert listed() == []


def test_agreed_with_dfe_is_kept_as_an_agreed_error(desk: Desk) -> None:
    given = "DfE helpdesk, 31/01/2026"
    path = desk.copy(lambda book: answer(book["Business support"], "4", AGREED, given))
    assert outcomes(desk.take(path)) == {"agreed": 1}
    with (desk.folder / "notes.csv").open(encoding="utf-8", newline="") as file:
        (note,) = csv.DictReader(file)
    agreement = (note["kind"], note["agreed_by"], note["agreed_date"])
    assert agreement == ("agreed", "DfE helpdesk", "2026-01-31")
    assert note["text"] == given
