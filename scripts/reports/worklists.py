"""What is still to be done by law, by team and officer, as at the day of the extract.

Written of `intermediate.work_due`: no clock is read, and the same extract gives the same bytes.
"""

import os
from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from ..ground.errors import InputError
from ..warehouse import reading
from .issues.columns import NAMES, OFFICER, PERSON, TEAM
from .issues.guide import CARE, START_HERE
from .issues.sheets import SHEET_LINES
from .workbook import Book, Column, Values, new_workbook

WORKLISTS = "worklists.xlsx"
SOON_DAYS = 28
"""What is due within so many days is due soon."""
WEEKS = 52
DUE_NOW, COUNTS, TRANSFERS = "Overdue and due soon", "By team and officer", "Phase transfers"
NO_REVIEW, BY_WEEK = "No review yet", "Next 12 months by week"

LINE = (
    Column("State", 12, "state"),
    Column("What is due", 30, "label"),
    Column("Last day", 13, "due"),
    Column("Days over the limit", 9, "days_over", True),
    Column("Days left", 9, "days_left", True),
    Column("What to do", 44, "what_to_do"),
    Column("Counted from", 30, "began"),
    Column("Request", 14, "request_id"),
)
COUNT = (
    TEAM._replace(width=24),
    OFFICER,
    Column("What is due", 32, "label"),
    Column("Overdue", 11, "overdue", True),
    Column("Due within 28 days", 11, "soon", True),
    Column("Due later", 11, "later", True),
    Column("Longest over, in days", 11, "longest", True),
)
LINES = """
    create or replace temp table due_lines as
    with names as (
        select person_id, min(surname) as surname, min(forename) as forename,
            min(birth_date)::varchar as person_birth_date
        from staging.stg_people
        group by person_id
    )

    select
        due.person_id,
        names.surname,
        names.forename,
        names.person_birth_date,
        due.worker,
        coalesce(teams.team, 'No team') as team,
        due.duty,
        duties.position,
        duties.label,
        duties.what_to_do,
        due.request_id,
        due.due_date,
        due.has_no_review,
        case
            when due.is_overdue then 'Overdue'
            when due.days_left <= $soon then 'Due soon'
            else 'Later'
        end as state,
        case when due.is_overdue then -due.days_left end as days_over,
        case when not due.is_overdue then due.days_left end as days_left,
        strftime(due.due_date, '%-d %b %Y') as due,
        duties.starts_with || ': ' || strftime(due.start_date, '%-d %b %Y') as began,
    from intermediate.work_due as due
    inner join spec.duties as duties on due.duty = duties.duty
    left join spec.teams as teams on duties.rule_id = teams.rule_id
    left join names on due.person_id = names.person_id
"""
IN_ORDER = "order by due_date, position, person_id, request_id"
BY_TEAM = """
    select team, worker, label,
        count(*) filter (state = 'Overdue'), count(*) filter (state = 'Due soon'),
        count(*) filter (state = 'Later'), max(days_over)
    from due_lines
    group by team, worker, label, position
    order by team, worker nulls last, position
"""
HOW_TO_READ = (
    ("Day", "Everything is as at the day of the extract, also after the survey day."),
    ("Overdue", "The last day has passed and the case system has nothing that says it was done."),
    ("Due soon", f"The last day is within {SOON_DAYS} days."),
    ("Done already?", "Record it in the case system; the next extract takes it off this list."),
    (
        "Phase transfers",
        "By 15 February, or 31 March from school to post-16: the last day is the one the case"
        " system holds.",
    ),
)


def write_worklists(warehouse: Path, year: int, out: Path, *, identify: bool = False) -> Path:
    """Write worklists.xlsx to `out`, whole or not at all; returns its path."""
    out.mkdir(parents=True, exist_ok=True)
    with (
        reading(warehouse) as connection,
        TemporaryDirectory(dir=out, prefix=".worklists-") as folder,
    ):
        connection.execute(LINES, {"soon": SOON_DAYS})
        ((day, name),) = connection.execute(
            "select max(extracted_on), (select max(name) from audit.extract_settings)"
            " from intermediate.survey"
        ).fetchall()
        _write(connection, Path(folder) / WORKLISTS, year, day, name, identify)
        try:
            os.replace(Path(folder) / WORKLISTS, out / WORKLISTS)  # noqa: PTH105
        except PermissionError:
            raise InputError(
                f"{out / WORKLISTS}: cannot be replaced; close it where it is open and run again."
            ) from None
    return out / WORKLISTS


def _write(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    year: int,
    day: date,
    authority: str | None,
    identify: bool,
) -> None:
    ((count,),) = connection.execute("select count(*) from due_lines").fetchall()
    lists = {
        DUE_NOW: "where state <> 'Later'",
        TRANSFERS: "where duty = 'phase_transfer'",
        NO_REVIEW: "where has_no_review",
    }
    counted = {
        sheet: connection.execute(f"select count(*) from due_lines {where}").fetchall()[0][0]
        for sheet, where in lists.items()
    }
    has_workers = connection.execute("select count(worker) > 0 from due_lines").fetchall()[0][0]
    officer = (OFFICER,) if has_workers else ()
    columns = (PERSON, *(NAMES if identify else ()), *officer, TEAM, *LINE)
    with new_workbook(path, count) as workbook:
        workbook.set_properties(
            {"title": f"SEN2 {year}: what is due", "created": datetime.combine(day, time())}
        )
        book = Book(workbook, "intermediate.work_due")
        _start_sheet(book, day, authority, identify, counted)
        rows = connection.execute(BY_TEAM).fetchall()
        book.table_sheet(COUNTS, f"What is due, as at {_day(day)}", COUNT, rows, frozen=3)
        names = ", ".join(column.name for column in columns)
        for sheet, where in lists.items():
            found = connection.execute(
                f"select {names} from due_lines {where} {IN_ORDER} limit {SHEET_LINES}"
            ).fetchall()
            title = f"{sheet}: {counted[sheet]:,}, as at {_day(day)}"
            book.table_sheet(sheet, title, columns, found)
        _week_sheet(connection, book, day)


def _start_sheet(
    book: Book, day: date, authority: str | None, identify: bool, counted: dict[str, int]
) -> None:
    """What this is and what each sheet holds."""
    sheet = book.start_sheet(START_HERE, f"What is due, as at {_day(day)}")
    names = "Names are shown." if identify else "Names are not shown; ids are."
    row = book.write_pairs(
        sheet,
        2,
        [
            ("Authority", authority or "not given"),
            ("Extract of", _day(day)),
            ("Personal data", f"This file is about children. {names} {CARE}"),
        ],
    )
    row = book.write_contents(
        sheet,
        row,
        [
            (COUNTS, "How much each team and officer has to do, and by when."),
            (DUE_NOW, f"{counted[DUE_NOW]:,} things, the longest overdue first."),
            (TRANSFERS, f"{counted[TRANSFERS]:,} final plans for a phase transfer, by last day."),
            (NO_REVIEW, f"{counted[NO_REVIEW]:,} plans in force with no review on record."),
            (BY_WEEK, "How many fall due in each week, by what is due."),
        ],
    )
    sheet.write_string(row, 0, "How to read it", book.strong)
    book.write_pairs(sheet, row + 1, HOW_TO_READ)


def _week_sheet(connection: duckdb.DuckDBPyConnection, book: Book, day: date) -> None:
    """How many things fall due in each week of the next twelve months, a column for each duty."""
    duties = connection.execute("select duty, label from spec.duties order by position").fetchall()
    found = connection.execute(
        "select date_trunc('week', due_date)::date, duty, count(*) from due_lines"
        " where state <> 'Overdue' group by all"
    ).fetchall()
    counts = {(week, duty): count for week, duty, count in found}
    monday = day - timedelta(days=day.weekday())
    rows: list[Values] = []
    for number in range(WEEKS):
        week = monday + timedelta(weeks=number)
        of_duties = [counts.get((week, duty), 0) for duty, _ in duties]
        rows.append((_day(week), *of_duties, sum(of_duties)))
    columns = (
        Column("Week from Monday", 22, "week"),
        *(Column(label, 15, duty, True) for duty, label in duties),
        Column("Total", 10, "total", True),
    )
    book.table_sheet(BY_WEEK, f"Due in the 12 months from {_day(day)}", columns, rows)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
