"""What is due by law: the lists, by team and officer, as at the day of the extract."""

import duckdb
import openpyxl
import pytest

from sen2 import spec
from sen2.reports import worklists
from sen2.warehouse import AUDIT_TABLES

YEAR = 2026
SECRET = "Zebedee"
# request, person, worker, duty, began, last day, is it overdue, has it no review, days left
DUE = [
    ("r1", "1", "J Bell", "decide_6_weeks", "2025-12-20", "2026-01-31", True, False, -5),
    ("r2", "2", None, "issue_20_weeks", "2025-10-01", "2026-02-18", False, False, 13),
    ("r3", "3", "J Bell", "phase_transfer", "2026-02-15", "2026-02-15", False, False, 10),
    ("r4", "4", "J Bell", "review_12_months", "2025-06-01", "2026-06-01", False, True, 116),
    ("r5", "5", None, "review_4_weeks", "2026-01-01", "2026-01-29", True, False, -7),
]


@pytest.fixture(name="book", scope="module")
def _book(tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    folder = tmp_path_factory.mktemp("worklists")
    path = folder / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        for schema in ("audit", "intermediate", "spec", "staging"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            f"create table audit.extract_settings ({AUDIT_TABLES['extract_settings']});"
            "create table intermediate.survey as select date '2026-02-05' as extracted_on;"
            "create table staging.stg_people (person_id text, surname text, forename text,"
            " birth_date date);"
            f"insert into staging.stg_people values ('1', '{SECRET}', 'Jo', '2012-03-04');"
            "create table intermediate.work_due (request_id text, person_id text, worker text,"
            " duty text, start_date date, due_date date, is_overdue boolean,"
            " has_no_review boolean, days_left bigint)"
        )
        connection.executemany(
            "insert into intermediate.work_due values (?, ?, ?, ?, ?, ?, ?, ?, ?)", DUE
        )
        for seed in ("duties", "teams"):
            file = str(spec.SEEDS / f"{seed}.csv")
            connection.read_csv(file, header=True).create(f"spec.{seed}")
    hidden = worklists.write_worklists(path, YEAR, folder / "out")
    again = worklists.write_worklists(path, YEAR, folder / "again")
    assert hidden.read_bytes() == again.read_bytes()
    return openpyxl.load_workbook(hidden)


def lines(book: openpyxl.Workbook, name: str) -> list[dict[str, object]]:
    headings, *rows = book[name].iter_rows(values_only=True)
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def test_what_is_overdue_and_due_soon_is_in_order_of_the_last_day(
    book: openpyxl.Workbook,
) -> None:
    found = lines(book, worklists.DUE_NOW)
    assert [(line["Request"], line["State"], line["Days over the limit"]) for line in found] == [
        ("r5", "Overdue", 7),
        ("r1", "Overdue", 5),
        ("r3", "Due soon", None),
        ("r2", "Due soon", None),
    ]
    assert found[1]["Officer"] == "J Bell"
    assert found[1]["Counted from"] == "Request received: 20 Dec 2025"
    assert found[2]["Last day"] == "15 Feb 2026"
    assert found[2]["Team"] == "Plan and review team"


def test_transfers_and_plans_without_a_review_have_a_sheet(book: openpyxl.Workbook) -> None:
    assert [line["Request"] for line in lines(book, worklists.TRANSFERS)] == ["r3"]
    assert [line["Request"] for line in lines(book, worklists.NO_REVIEW)] == ["r4"]


def test_counts_are_by_team_officer_and_duty(book: openpyxl.Workbook) -> None:
    counts = {
        (line["Team"], line["Officer"], line["What is due"]): (
            line["Overdue"],
            line["Due within 28 days"],
            line["Due later"],
        )
        for line in lines(book, worklists.COUNTS)
    }
    assert counts["Assessment team", "J Bell", "Decide whether to assess"] == (1, 0, 0)
    assert counts["Plan and review team", "J Bell", "Hold the annual review"] == (0, 0, 1)


def test_the_next_twelve_months_are_by_week_from_monday(book: openpyxl.Workbook) -> None:
    weeks = lines(book, worklists.BY_WEEK)
    assert len(weeks) == worklists.WEEKS
    assert weeks[0]["Week from Monday"] == "2 February 2026"
    assert {line["Week from Monday"]: line["Total"] for line in weeks if line["Total"]} == {
        "9 February 2026": 1,
        "16 February 2026": 1,
        "1 June 2026": 1,
    }


def test_names_are_not_shown_unless_they_are_asked_for(book: openpyxl.Workbook) -> None:
    shown = [
        str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row
    ]
    assert SECRET not in shown
