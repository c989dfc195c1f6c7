"""Workbooks that officers answered in, as rows: whatever wrote them, in whatever order they are.

A row is known by its headings, never by its place: sheets may be renamed, rows sorted, filtered or
hidden, columns moved. What cannot be read is listed with its sheet and row; nothing stops.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..ground.errors import InputError
from ..land.read import workbook
from ..reports.issues.words import AGREED, ANSWERS, CORRECTED, NOT_OURS, RIGHT, VALUE, answer_mark

ENDINGS = (".xlsx", ".xlsm", ".ods", ".xls", ".csv")
SEARCHED_ROWS = 25
"""Rows of a sheet in which its headings are looked for."""
MOST_ROWS = 1_048_576
HEADINGS = {
    "rule": "rule_id",
    "record": "record_id",
    "valuefound": "found",
    "kindofvalue": "value_kind",
    "return": "return_mark",
    "mark": "mark",
    "answerbefore": "before",
    "youranswer": "answer",
    "reasonorrightvalue": "reason",
    "samereasonforallofthem": "same_reason",
    "initials": "initials",
}
LINE_NEEDS = {"rule_id", "record_id", "answer", "reason"}
GROUP_NEEDS = {"rule_id", "same_reason"}
SHORT_FORMS = {
    "right": RIGHT,
    "itisright": RIGHT,
    "rightasis": RIGHT,
    "explain": RIGHT,
    "explained": RIGHT,
    "rightasitisexplain": RIGHT,
    "corrected": CORRECTED,
    "correctedincasesystem": CORRECTED,
    "usevalue": VALUE,
    "usethevalue": VALUE,
    "usethevalueigivehere": VALUE,
    "agreed": AGREED,
    "agreedwithdfe": AGREED,
    "notours": NOT_OURS,
    "notus": NOT_OURS,
    "otherteam": NOT_OURS,
}
"""Other ways to write an answer, as older workbooks had it or people type it."""


@dataclass(frozen=True)
class Row:
    """A row with an answer: of one line, or of a group of lines when `is_group`."""

    file: str
    sheet: str
    row: int
    is_group: bool
    return_mark: str
    rule_id: str
    record_id: str
    found: str
    value_kind: str
    mark: str
    before: str
    answer: str
    reason: str
    initials: str

    @property
    def now(self) -> str:
        """The mark of what the row answers now; blank where it answers nothing."""
        return answer_mark(self.answer, self.reason, self.initials)

    @property
    def is_changed(self) -> bool:
        """Whether somebody wrote in it since the workbook was made."""
        return self.now != self.before


@dataclass(frozen=True)
class Unread:
    """What could not be read: a workbook, a sheet or a row, and why."""

    file: str
    sheet: str
    row: int | None
    why: str


@dataclass(frozen=True)
class Workbook:
    """A workbook as it was read: every line and group it has, answered or not.

    `is_newest` says that the last run wrote it: what is in it was written in it since.
    """

    file: str
    rows: list[Row]
    unread: list[Unread]
    is_newest: bool = False


def read(path: Path) -> Workbook:
    """Read a workbook of issues; InputError when it is none, with the reason."""
    rows: list[Row] = []
    unread: list[Unread] = []
    is_one = False
    for name, cells in _sheets(path):
        for found in _rows(path.name, name, cells):
            is_one = True
            if isinstance(found, Row):
                rows.append(found)
            elif found is not None:
                unread.append(found)
    if not is_one:
        raise InputError(
            f"{path}: has no sheet with the columns Rule, Record and Your answer, so nothing in it"
            " is an answer. Give the workbook issues.xlsx that sen2 wrote, with all its columns."
        )
    return Workbook(path.name, rows, unread)


def read_all(paths: Iterable[Path]) -> list[Workbook]:
    """Read workbooks; one that cannot be read is listed and does not keep the others from it."""
    found = []
    for path in paths:
        try:
            found.append(read(path))
        except InputError as error:
            why = str(error).removeprefix(f"{path}: ")
            found.append(Workbook(path.name, [], [Unread(path.name, "", None, why)]))
    return found


def is_workbook(path: Path) -> bool:
    """Whether a file of a folder may be one; what a spreadsheet program locks with is none."""
    return (
        path.is_file()
        and path.suffix.lower() in ENDINGS
        and not path.name.startswith(("~$", ".~lock", "."))
    )


def fold(text: str) -> str:
    """Text without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", text.casefold())


def tidy(text: str) -> str:
    """Text without spaces at its ends and with single ones inside it."""
    return " ".join(text.split())


def _sheets(path: Path) -> Iterator[tuple[str, Iterator[list[str]]]]:
    """The sheets of a workbook, each with its rows of text; a CSV file has one without a name."""
    if path.suffix.lower() == ".csv":
        yield "", _csv_rows(path)
        return
    try:
        for name in workbook.sheet_names(path):
            yield name, workbook.open_sheet(path, name, set()).rows(MOST_ROWS)
    finally:
        workbook.forget()


def _csv_rows(path: Path) -> Iterator[list[str]]:
    """The rows of a sheet that was saved as CSV, by Excel in the encoding of its system."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    except csv.Error:
        raise InputError(f"{path}: is not CSV that can be read. Send the workbook.") from None


def _rows(file: str, sheet: str, cells: Iterator[list[str]]) -> Iterator[Row | Unread | None]:
    """The lines or groups of a sheet, once its headings are found; None says that they are."""
    places: dict[str, int] = {}
    is_group = False
    for number, values in enumerate(cells, start=1):
        if not places:
            if number > SEARCHED_ROWS:
                return
            found = _places(values)
            if found.keys() >= LINE_NEEDS or found.keys() >= GROUP_NEEDS:
                places, is_group = found, not found.keys() >= LINE_NEEDS
                yield None
            elif {"answer", "reason"} <= found.keys():
                lacking = "Rule" if "rule_id" not in found else "Record"
                yield Unread(
                    file, sheet, number,
                    f"The column {lacking} is gone, so no answer of this sheet can be matched."
                    " Copy the answers into a workbook with all its columns.",
                )  # fmt: skip
                return
            continue
        made = _row(file, sheet, number, is_group, places, values)
        if made:
            yield made


def _places(values: list[str]) -> dict[str, int]:
    """Which column is which, by its heading; the first of two alike."""
    found: dict[str, int] = {}
    for place, value in enumerate(values):
        if name := HEADINGS.get(fold(value)):
            found.setdefault(name, place)
    return found


def _row(
    file: str,
    sheet: str,
    number: int,
    is_group: bool,
    places: dict[str, int],
    values: list[str],
) -> Row | Unread | None:
    """One row of a sheet; None for one that is empty, Unread for one whose line is not known."""

    def cell(name: str) -> str:
        place = places.get(name)
        return tidy(values[place]) if place is not None and place < len(values) else ""

    reason = cell("same_reason") if is_group else cell("reason")
    given = cell("answer")
    answer = given
    if is_group:
        answer = RIGHT if reason else ""
    elif given:
        folded = fold(given)
        by_fold = {fold(each): each for each in ANSWERS}
        answer = by_fold.get(folded) or SHORT_FORMS.get(folded) or given
    has_answer = bool(answer or reason)
    if not cell("rule_id") or not (is_group or cell("record_id")):
        if has_answer:
            return Unread(
                file, sheet, number,
                "There is an answer, but the rule or the record of the line is gone. Write it on"
                " the line it is for.",
            )  # fmt: skip
        return None
    return Row(
        file,
        sheet,
        number,
        is_group,
        cell("return_mark"),
        cell("rule_id").upper(),
        cell("record_id"),
        cell("found"),
        cell("value_kind"),
        cell("mark"),
        cell("before"),
        answer,
        reason,
        cell("initials") if has_answer else "",
    )
