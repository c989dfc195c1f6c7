"""What changed between two returns as a workbook: a row a change, figures beside each other."""

import os
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from ..ground.errors import InputError
from ..reports.issues.columns import NAMES
from ..reports.issues.guide import CARE, START_HERE
from ..reports.issues.sheets import SHEET_LINES
from ..reports.workbook import Book, Column, Values, new_workbook
from .result import Comparison

NAME = "compare.xlsx"
TO_CHECK = "To check"
SUMMARY, CHANGES, DOUBTS, FIGURES = "Summary", "Changes", "Doubtful pairs", "Figures"
NAMED_ITEMS = ("Surname", "Forename", "PersonBirthDate")
HIDDEN = "(not shown here)"
YELLOW = "#FFDD00"

COUNT = (
    Column("Kind", 28, "label"),
    Column("People then", 12, "earlier", True),
    Column("People now", 12, "later", True),
    Column("Changes", 12, "changes", True),
    Column("What it means", 90, "meaning"),
)
CHANGE = (
    Column("Kind", 22, "label"),
    Column("Person then", 14, "earlier_person_id"),
    Column("Person now", 14, "later_person_id"),
)
OF_CHANGE = (
    Column("Request then", 16, "earlier_request_id"),
    Column("Request now", 16, "later_request_id"),
    Column("Item", 22, "item"),
    Column("Then", 20, "earlier_value"),
    Column("Now", 20, "later_value"),
    Column("What is known", 60, "detail"),
    Column("Before the earlier survey day", 14, "is_rewritten"),
)
DOUBT = (
    Column("Person then", 16, "earlier_person_id"),
    Column("Person now", 16, "later_person_id"),
    Column("What agrees", 28, "agrees_on"),
    Column("Why not joined", 60, "reason"),
)
FIGURE = (
    Column("Table", 24, "dataset"),
    Column("Row", 48, "breakdown"),
    Column("Figure", 34, "figure"),
    Column("Then", 12, "earlier_value", True),
    Column("Now", 12, "later_value", True),
    Column("Change", 12, "change", True),
)

CHANGE_LINES = """
    select
        kinds.label,
        changes.earlier_person_id,
        changes.later_person_id,
        people.surname,
        people.forename,
        people.person_birth_date::varchar as person_birth_date,
        changes.earlier_request_id,
        changes.later_request_id,
        changes.item,
        case
            when changes.item in $named and not $identify and changes.earlier_value is not null
                then $hidden
            else changes.earlier_value
        end as earlier_value,
        case
            when changes.item in $named and not $identify and changes.later_value is not null
                then $hidden
            else changes.later_value
        end as later_value,
        changes.detail,
        case when changes.is_rewritten then 'yes' end as is_rewritten,
    from temp.compared_changes as changes
    inner join spec.compared_kinds as kinds on changes.kind = kinds.kind
    left join person_level.person as people
        on people.return_id = case
            when changes.later_person_id is null then changes.earlier_return_id
            else changes.later_return_id
        end
            and people.person_id = coalesce(changes.later_person_id, changes.earlier_person_id)
    where kinds.to_check or not $to_check
    order by
        not kinds.to_check, kinds.position, changes.later_person_id, changes.earlier_person_id,
        changes.item, changes.later_request_id, changes.earlier_request_id, earlier_value,
        later_value
"""
HOW_TO_READ = (
    (
        "Person, Request",
        "The ids that each return has. In a return that was read from XML they only number its"
        " records: p0000012 is the twelfth person of the file.",
    ),
    (
        "Who is the same",
        "Two records are one person by the strongest key that both have and nobody else: UPN, ULN,"
        " the case system's id, name with date of birth. What is doubtful is on a sheet of its own"
        " and not joined.",
    ),
    ("Then, Now", "What the earlier and the later return hold; an empty cell means nothing."),
    (
        "Before the earlier survey day",
        "yes: the change is about what had happened when the earlier return was made. Rule Y02 asks"
        " about it where the earlier return is last year's, and Y01 about what vanished.",
    ),
    ("Figures", "The published tables of both returns, the figures that differ."),
)


def write(
    connection: duckdb.DuckDBPyConnection, found: Comparison, folder: Path, *, identify: bool
) -> Path:
    """Write the workbook to `folder`, whole or not at all; gives its path."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / NAME
    with TemporaryDirectory(dir=folder, prefix=".compare-") as made:
        path = Path(made) / NAME
        lines = sum(count.changes for count in found.counts) + found.different_figures
        with new_workbook(path, lines) as workbook:
            workbook.set_properties(
                {
                    "title": f"SEN2 {found.later.year}: what changed",
                    "created": datetime.combine(found.later.survey_day, time()),
                }
            )
            book = Book(workbook, "the warehouse")
            _start_sheet(book, found, identify)
            _change_sheet(connection, book, identify, found)
            _summary_sheet(book, found)
            _change_sheet(connection, book, identify)
            _doubt_sheet(connection, book)
            _figure_sheet(connection, book, found)
        try:
            os.replace(path, target)  # noqa: PTH105
        except PermissionError:
            raise InputError(
                f"{target}: cannot be replaced; close it where it is open and run again."
            ) from None
    return target


def _start_sheet(book: Book, found: Comparison, identify: bool) -> None:
    """What is compared, what each sheet holds, and how to read a line."""
    sheet = book.start_sheet(
        START_HERE, f"SEN2: {found.earlier.return_id} and {found.later.return_id}"
    )
    names = "Names are shown." if identify else "Names are not shown; ids and values are."
    facts = [
        ("Then", str(found.earlier)),
        ("Now", str(found.later)),
        ("Personal data", f"This file is about children. {names} {CARE}"),
    ]
    row = book.write_pairs(sheet, 2, facts)
    row = book.write_contents(
        sheet,
        row,
        (
            (TO_CHECK, to_check_words(found)),
            (SUMMARY, "How many people and changes there are of each kind, and what it means."),
            (CHANGES, "A row for each change; somebody in whom nothing changed has none."),
            (DOUBTS, "Records that may be one person's and were not joined."),
            (FIGURES, "The figures of the published tables that differ, the largest change first."),
        ),
    )
    sheet.write_string(row, 0, "How to read a line", book.strong)
    book.write_pairs(sheet, row + 1, HOW_TO_READ)


def _summary_sheet(book: Book, found: Comparison) -> None:
    """The counts of every kind."""
    rows = (
        (
            count.label,
            count.earlier,
            count.later,
            None if count.subject == "people" else count.changes,
            count.meaning,
        )
        for count in found.counts
    )
    book.table_sheet(SUMMARY, "What changed, by kind", COUNT, rows)


def to_check_words(found: Comparison) -> str:
    """The changes that somebody has to check, in counts: "20 to check: 5 Date changed, ..."."""
    few = [count for count in found.counts if count.to_check and count.changes]
    total = sum(count.changes for count in few)
    words = ", ".join(f"{count.changes:,} {count.label}" for count in few)
    return f"{total:,} to check: {words}." if few else "Nothing to check."


def _change_sheet(
    connection: duckdb.DuckDBPyConnection,
    book: Book,
    identify: bool,
    found: Comparison | None = None,
) -> None:
    """A row for each change, those to check first; of `found` only those.

    It goes as far as a sheet does, and says how many are left out.
    """
    columns = (*CHANGE, *(NAMES if identify else ()), *OF_CHANGE)
    given = {"named": NAMED_ITEMS, "identify": identify, "hidden": HIDDEN}
    given |= {"to_check": found is not None}
    ((count,),) = connection.execute("select count(*) from temp.compared_changes").fetchall()
    names = ", ".join(column.name for column in columns)
    lines = connection.execute(f"select {names} from ({CHANGE_LINES}) limit {SHEET_LINES}", given)
    if found:
        book.table_sheet(TO_CHECK, to_check_words(found), columns, _fetched(lines), colour=YELLOW)
        return
    title = _titled("changes", count, "compared_changes")
    book.table_sheet(CHANGES, title, columns, _fetched(lines))


def _doubt_sheet(connection: duckdb.DuckDBPyConnection, book: Book) -> None:
    """The pairs of records that may be one person's."""
    ((count,),) = connection.execute("select count(*) from temp.compared_doubts").fetchall()
    lines = connection.execute(
        f"select {', '.join(column.name for column in DOUBT)} from temp.compared_doubts"
        f" order by earlier_person_id, later_person_id limit {SHEET_LINES}"
    )
    title = _titled("pairs that may be one person", count, "compared_doubts")
    book.table_sheet(DOUBTS, title, DOUBT, _fetched(lines))


def _figure_sheet(connection: duckdb.DuckDBPyConnection, book: Book, found: Comparison) -> None:
    """The figures that differ, the total rows of each table first."""
    lines = connection.execute(
        f"select {', '.join(column.name for column in FIGURE)} from temp.compared_figures"
        " where earlier_value is distinct from later_value"
        " order by abs(try_cast(change as double)) desc nulls last,"
        f" position, dataset, breakdown, figure limit {SHEET_LINES}"
    )
    title = _titled("figures that differ", found.different_figures, "compared_figures")
    rows = ((*row[:3], *map(_number, row[3:])) for row in _fetched(lines))
    book.table_sheet(FIGURES, title, FIGURE, rows)


def _titled(what: str, count: int, table: str) -> str:
    left_out = count - SHEET_LINES
    more = f" The first {SHEET_LINES:,}; {left_out:,} more are in validation.{table}."
    return f"{count:,} {what}." + more * (left_out > 0)


def _fetched(found: duckdb.DuckDBPyConnection) -> Iterator[Values]:
    while batch := found.fetchmany(10_000):
        yield from batch


def _number(value: str | float | None) -> str | float | None:
    """A figure as a number where it is one; DfE's letters stay text."""
    try:
        number = float(value) if value is not None else None
    except ValueError:
        return value
    return int(number) if number is not None and number.is_integer() else number
