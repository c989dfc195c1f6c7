"""What becomes of each answer: a note, a correction, a line that moves, or a reason why nothing.

An answer is compared with what the workbook was written with and with what is kept now: only what
somebody changed counts, an answer that was read before is not read again, and where two people
answer one line differently neither answer is taken until they agree.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

import duckdb

from ..land import authority_files
from ..reports.issues.words import (
    AGREED,
    ANSWERS,
    CORRECTED,
    NOT_OURS,
    RIGHT,
    VALUE,
    answer_mark,
    mark_of,
)
from ..spec.constants import BUILT, SEVERITIES
from .cells import Cell, Line, cells_of
from .days import agreement, iso_day
from .workbooks import Row, Unread, Workbook, fold, tidy

Outcome = Literal[
    "note",
    "agreed",
    "correction",
    "corrected",
    "other_team",
    "removed",
    "gone",
    "known",
    "not_used",
]
OUTCOMES: dict[str, str] = {
    "note": "explanations kept as notes",
    "agreed": "errors agreed with DfE",
    "correction": "corrections of a value",
    "corrected": "corrected in the case system: expected to be gone in the next extract",
    "other_team": "moved to another team",
    "removed": "answers taken back",
    "gone": "lines that are no longer found: nothing to keep",
    "known": "answers that were kept before",
    "not_used": "answers that could not be used",
}
NO_INITIALS = "not given"
FROM_WORKBOOK = "Given as the right value in the workbook"
MOST_CODES = 12
"""A list of more codes than these is on the sheet Codes alone."""
BLANK_WORDS = ("blank", "empty", "none", "nothing")


@dataclass(frozen=True)
class Decided:
    """An answer and what becomes of it; `found` is the whole value, `cell` what is corrected."""

    row: Row
    outcome: Outcome
    reason: str = ""
    found: str = ""
    cell: Cell | None = None
    to_value: str = ""


@dataclass
class Kept:
    """What the authority keeps now: rows of its files by what identifies them, and the year's day.

    `day` is that of the extract that was answered: no clock is read.
    """

    day: date
    offered_until: date | None
    files: dict[str, dict[tuple[str, ...], authority_files.Row]]
    taken: set[tuple[str, str, str]] = field(default_factory=set)
    refused: set[tuple[str, str, str, str]] = field(default_factory=set)
    """File, rule, record and mark of each answer that a run before could not use."""
    headers: dict[str, list[str]] = field(default_factory=dict)
    """The columns of each file as it has them."""
    left_out: dict[str, str] = field(default_factory=dict)
    """The lines of a file that could not be read, as they are: they stay in it."""

    def note_of(self, line: Line) -> authority_files.Row | None:
        """The note of this line alone: for what was found, else for anything on the record."""
        of_line = (line.rule_id, line.record_id)
        own = self.files["notes"]
        note = own.get((*of_line, line.found)) or own.get((*of_line, ""))
        has_expired = note and note["expiry"] and date.fromisoformat(note["expiry"]) < self.day
        return None if has_expired else note

    def is_offered(self, note: authority_files.Row) -> bool:
        """Whether a note is of an earlier year, so that somebody has to give it again."""
        is_old = self.offered_until and date.fromisoformat(note["date"]) <= self.offered_until
        return bool(is_old and not note["expiry"])

    def has_note_for_all(self, rule_id: str) -> bool:
        """Whether a note explains every query of the rule."""
        return (rule_id, "*", "") in self.files["notes"]


@dataclass(frozen=True)
class Reading:
    """All that was read: what becomes of each answer, and what could not be read."""

    decided: list[Decided]
    unread: list[Unread]

    def count(self, outcome: str) -> int:
        """How many answers have this outcome."""
        more = len(self.unread) if outcome == "not_used" else 0
        return sum(each.outcome == outcome for each in self.decided) + more

    @property
    def has_news(self) -> bool:
        """Whether there is an answer to keep."""
        idle = ("known", "gone", "not_used")
        return any(each.outcome not in idle for each in self.decided)

    def not_used(self) -> list[tuple[str, str, int | None, str, str]]:
        """File, sheet, row, rule and reason of every answer that was not used."""
        rows: list[tuple[str, str, int | None, str, str]] = [
            (each.row.file, each.row.sheet, each.row.row, each.row.rule_id, each.reason)
            for each in self.decided
            if each.outcome == "not_used"
        ]
        rows += [(each.file, each.sheet, each.row, "", each.why) for each in self.unread]
        return sorted(rows, key=lambda row: (row[0], row[1], row[2] or 0))


def decide(
    books: Iterable[Workbook], connection: duckdb.DuckDBPyConnection, year: int, kept: Kept
) -> Reading:
    """Decide what becomes of the answers of several workbooks, read at once.

    `connection` is to the warehouse that the workbooks were written from.
    """
    lines = _lines(connection)
    unread: list[Unread] = []
    answered: list[Row] = []
    older: set[Row] = set()
    for book in books:
        unread += book.unread
        rows, foreign = _of_return(book, year)
        unread += foreign
        own = _expanded(rows, unread)
        answered += own
        if not book.is_newest:
            older |= {row for row in own if _place_of(row) in kept.refused}
    found = _matched(answered, lines, kept)
    decided = [*found.done, *_agreed_by_all(found.open, older, kept)]
    to_do = [each for each in decided if each.outcome == "note"]
    done = [each for each in decided if each.outcome != "note"]
    of_values = [found.line_of[each.row] for each in to_do if each.row.answer == VALUE]
    cells = cells_of(connection, of_values, year)
    teams = {tidy(team).casefold() for team in _teams(connection)}
    for each in to_do:
        line = found.line_of[each.row]
        done.append(_judged(each.row, line, cells.get((line.rule_id, line.record_id), []), teams))
    return Reading(done, unread)


def _lines(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], list[Line]]:
    found: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for row in connection.execute(
        "select rule_id, coalesce(record_id, ''), coalesce(found, ''), severity, module, items,"
        " coalesce(request_id, ''), coalesce(person_id, '')"
        " from validation.issues where return_id = ?",
        [BUILT],
    ).fetchall():
        found[tidy(row[0]), tidy(row[1])].append(Line(*row))
    return found


def _teams(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("select distinct team from spec.teams").fetchall()
    return [team for (team,) in rows]


def _of_return(book: Workbook, year: int) -> tuple[list[Row], list[Unread]]:
    """The rows of this return; a workbook of another year or return is named once."""
    mark = f"{BUILT} {year}"
    rows = [row for row in book.rows if row.return_mark in ("", mark)]
    others = sorted({row.return_mark for row in book.rows if row.is_changed} - {"", mark})
    return rows, [
        Unread(
            book.file, "", None,
            f"It was made for another return ({other}), so its answers were left alone.",
        )
        for other in others
    ]  # fmt: skip


def _expanded(rows: list[Row], unread: list[Unread]) -> list[Row]:
    """The changed answers of a workbook by line: its own, else that of its group."""
    lines = [row for row in rows if not row.is_group]
    answers = {id(row): row for row in lines if row.is_changed}
    for group in (row for row in rows if row.is_group and row.is_changed):
        reached = 0
        for line in lines:
            is_of_group = (line.rule_id, line.value_kind) == (group.rule_id, group.value_kind)
            is_free = not line.now or (not line.is_changed and line.before == group.before)
            if is_of_group and is_free:
                reached += 1
                answers[id(line)] = replace(
                    line,
                    sheet=group.sheet,
                    row=group.row,
                    answer=group.answer,
                    reason=group.reason,
                    initials=group.initials,
                )
        if group.reason and not reached:
            unread.append(
                Unread(
                    group.file,
                    group.sheet,
                    group.row,
                    "There is no line of this group left to answer in this workbook: each has an"
                    " answer of its own, or the sheets of the lines are gone.",
                )
            )
    return [row for row in answers.values() if row.is_changed or row.now]


@dataclass
class _Matched:
    """Answers whose line was found (`open`), and those that are done with."""

    open: dict[Line, list[Row]] = field(default_factory=lambda: defaultdict(list))
    done: list[Decided] = field(default_factory=list)
    line_of: dict[Row, Line] = field(default_factory=dict)


def _matched(answered: list[Row], lines: dict[tuple[str, str], list[Line]], kept: Kept) -> _Matched:
    """Match each answer with its line by rule, record and what was found."""
    made = _Matched()
    for row in answered:
        if (row.rule_id, row.record_id, row.now) in kept.taken and row.now:
            made.done.append(Decided(row, "known", "It was read before."))
            continue
        candidates = lines.get((row.rule_id, row.record_id), [])
        same = [line for line in candidates if _is_of(row, line)]
        if same:
            made.open[same[0]].append(row)
            made.line_of[row] = same[0]
        elif candidates:
            why = "What the rule finds has changed since: look at the line again."
            made.done.append(Decided(row, "not_used", why))
        else:
            made.done.append(Decided(row, "gone", "The rule finds nothing here any more."))
    return made


def _is_of(row: Row, line: Line) -> bool:
    """Whether a row is about what the line has found; one without any mark is about the record."""
    if row.mark:
        return mark_of(line.found).startswith(row.mark)
    return row.found in ("", tidy(line.found))


def _place_of(row: Row) -> tuple[str, str, str, str]:
    return row.file, row.rule_id, row.record_id, row.now


def _says(row: Row) -> tuple[str, str]:
    """What a row answers, without how it is written and who wrote it."""
    return row.answer, fold(row.reason)


def _where(row: Row) -> str:
    return ", ".join(filter(None, (row.file, row.sheet, f"row {row.row}")))


def _agreed_by_all(by_line: dict[Line, list[Row]], older: set[Row], kept: Kept) -> list[Decided]:
    """One answer for each line; none where people differ or another one was kept since.

    An answer that no run has seen yet comes before those that a run before could not use (`older`).
    """
    decided = []
    for line, given in by_line.items():
        open_rows = []
        for row in given:
            behind = _behind_kept(row, line, kept)
            if behind:
                decided.append(behind)
            else:
                open_rows.append(row)
        rows = [row for row in open_rows if row not in older] or open_rows
        decided += [_behind_newer(row, rows[0]) for row in open_rows if row not in rows]
        if len({_says(row) for row in rows}) > 1:
            for row in rows:
                other = next(each for each in rows if _says(each) != _says(row))
                why = f"This line has another answer in {_where(other)}. Agree on one of the two."
                decided.append(Decided(row, "not_used", why))
        elif rows:
            row, *doubles = rows
            decided += [Decided(each, "known", "Another copy has the same.") for each in doubles]
            decided.append(_against_kept(row, line, kept))
    return decided


def _behind_newer(row: Row, newer: Row) -> Decided:
    """What becomes of an answer that a run before could not use, where there is a newer one."""
    if _says(row) == _says(newer):
        return Decided(row, "known", "Another copy has the same.")
    return Decided(row, "not_used", f"This line has a newer answer in {_where(newer)}.")


def _behind_kept(row: Row, line: Line, kept: Kept) -> Decided | None:
    """What becomes of an answer to a line of which another is kept than its workbook shows."""
    note = kept.note_of(line)
    if not note:
        return None
    given = AGREED if note.get("kind") else RIGHT
    mark = answer_mark(given, note["text"], note["author"])
    if kept.is_offered(note):
        mark = answer_mark("", note["text"], "")
    elif row.now == mark:
        return Decided(row, "known", "It is kept.")
    if row.before == mark:
        return None
    if _says(row) == (given, fold(note["text"])) and not kept.is_offered(note):
        return Decided(row, "known", "It is kept.")
    why = "Another answer was kept since: look at the line in the newest workbook."
    return Decided(row, "not_used", why)


def _against_kept(row: Row, line: Line, kept: Kept) -> Decided:
    """What becomes of an answer that is newer than what is kept of the line."""
    note = kept.note_of(line)
    if not row.answer and not row.reason:
        if note:
            return Decided(row, "removed", found=note["found"])
        if kept.has_note_for_all(line.rule_id):
            why = "A note for the whole rule explains it: take it out of the file of notes."
            return Decided(row, "not_used", why)
        return Decided(row, "known", "There was nothing to take back.")
    return Decided(row, "note", found=line.found)


def _judged(row: Row, line: Line, cells: list[Cell], teams: set[str]) -> Decided:
    """What becomes of an answer to a line."""
    if row.answer not in ANSWERS:
        why = "A reason without an answer: choose one of the list in Your answer."
        if row.answer:
            why = "The answer is none of the list: choose one there."
        return Decided(row, "not_used", why)
    judge: dict[str, Callable[[], Decided]] = {
        RIGHT: lambda: _explanation(row, line),
        AGREED: lambda: _agreement(row, line),
        CORRECTED: lambda: Decided(row, "corrected", found=line.found),
        NOT_OURS: lambda: Decided(row, "other_team", _moved_words(row, teams), line.found),
        VALUE: lambda: _correction(row, line, cells),
    }
    return judge[row.answer]()


def _explanation(row: Row, line: Line) -> Decided:
    if line.severity != "query":
        why = (
            f"It is not a query ({SEVERITIES[line.severity].lower()}), so an explanation does not"
            " do: correct it, or choose Agreed with DfE if they have."
        )
        return Decided(row, "not_used", why)
    if not row.reason:
        return Decided(row, "not_used", "The reason is missing: write why it is right.")
    return Decided(row, "note", found=line.found)


def _agreement(row: Row, line: Line) -> Decided:
    if line.severity == "load_reject":
        why = "The file would not load with it, so DfE cannot agree to it: correct it."
        return Decided(row, "not_used", why)
    if line.severity == "query":
        why = "A query needs no agreement: choose Right as it is, and write what DfE said."
        return Decided(row, "not_used", why)
    if not all(agreement(row.reason)):
        why = "Write who at DfE agreed to it, and when: Helpdesk, 31/01/2026."
        return Decided(row, "not_used", why)
    return Decided(row, "agreed", found=line.found)


def _moved_words(row: Row, teams: set[str]) -> str:
    if row.reason and tidy(row.reason).casefold() in teams:
        return ""
    return "No team of that name: it is on the sheet of lines without a team."


def _correction(row: Row, line: Line, cells: list[Cell]) -> Decided:
    """The one value that the answer can mean, as the extract would hold it."""
    if not row.reason:
        return Decided(row, "not_used", "The right value is missing: write it beside the answer.")
    if not cells:
        why = (
            "No single value of the extract is behind this line, so it cannot be corrected here:"
            " correct it in the case system."
        )
        return Decided(row, "not_used", why)
    named, value = _named(row.reason, cells)
    possible = named or cells
    fitting = [each for each in possible if each.fits(value)]
    if value.casefold() in BLANK_WORDS:
        fitting, value = possible, ""
    if not fitting:
        why = (
            "No value of this line can be that. Write a date as 31/01/2026, a code, or"
            f" {_names(cells)}.{_codes(cells, value)}"
        )
        return Decided(row, "not_used", why)
    if len(fitting) > 1:  # what is missing is what is given
        fitting = [each for each in fitting if not each.value.strip()] or fitting
    if len(fitting) > 1:
        why = (
            "Which value it is cannot be known. Write its name before it:"
            f" {_names(cells)}.{_codes(cells, value)}"
        )
        return Decided(row, "not_used", why)
    (cell,) = fitting
    to_value = (iso_day(value) or "") if cell.is_date else value
    if to_value == tidy(cell.value):
        why = "It is the value that is there already, so nothing would change."
        return Decided(row, "not_used", why)
    return Decided(row, "correction", found=line.found, cell=cell, to_value=to_value)


def _names(cells: list[Cell]) -> str:
    """What to write before a value, to say which one is meant."""
    return " or ".join(f"{each.words}: ..." for each in cells)


def _codes(cells: list[Cell], value: str) -> str:
    """Of which items of a line a value is no code, and the codes that they have."""
    return "".join(
        f" It is no code of {each.words}, which has {', '.join(sorted(each.allowed))}."
        for each in cells
        if each.allowed and value not in each.allowed and len(each.allowed) <= MOST_CODES
    )


def _named(text: str, cells: list[Cell]) -> tuple[list[Cell], str]:
    """The value that a text names before a colon or a space, and the rest of the text."""
    for cell in cells:
        for name in (cell.words, cell.tag, cell.column_name):
            start = text[: len(name)]
            rest = text[len(name) :]
            if start.casefold() == name.casefold() and rest[:1] in (":", "=", " "):
                return [cell], rest.lstrip(":= ").strip()
    return [], text
