"""COLLECT's errors beside ours: per rule their count, ours, and the difference.

COLLECT's list of errors comes exported or pasted, in a layout nobody promised, so columns are found
by heading and those not known are kept. DfE's numbers lead to our rules through the catalogue and
the numbers the authority has confirmed (`sen2 rules import-dfe`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from .. import warehouse
from ..ground import spreadsheet
from ..ground.errors import InputError
from ..spec.constants import BUILT
from . import headed_table, rule_numbers
from .headed_table import HeadedTable
from .rule_numbers import number_of, order

HEADINGS = {
    "number": (
        *("error number", "error no", "error code", "rule number", "rule no", "rule"),
        *("validation number", "validation rule", "validation", "sequence number", "sequence"),
        *("number", "no", "code", "error", "id"),
    ),
    "message": (
        *("error message", "message", "error description", "rule description", "description"),
        *("error text", "text", "error"),
    ),
    "severity": ("error/query", "severity", "error type", "type", "level", "status"),
    "count": (
        *("count", "error count", "number of errors", "no of errors", "occurrences", "total"),
        *("errors", "frequency"),
    ),
}
"""Headings that COLLECT's lists may have; none is documented in public, so these are guesses."""

NAME = "collect_errors"
MOST = 10
"""Lines of a kind that the terminal shows."""
LINES = "collect_lines"

Rows = Sequence[Sequence[object]]

COUNTS = """
select summary.rule_id, summary.severity, summary.message, summary.status,
    coalesce(summary.issue_count, 0) as issues
from validation.rule_summary as summary
where summary.return_id = $return
order by summary.rule_id
"""


@dataclass(frozen=True)
class Theirs:
    """What COLLECT found under one number: how often, and its message where the list has one."""

    number: str
    count: int
    message: str
    severity: str


@dataclass(frozen=True)
class Ours:
    """A rule of ours in force: how often it was found, or why it was not checked."""

    rule_id: str
    severity: str
    message: str
    status: str
    issues: int


@dataclass(frozen=True)
class Comparison:
    """Lines for each sheet: rules compared, numbers not known, and rules only we report."""

    compared: list[dict[str, object]]
    unknown: list[dict[str, object]]
    ours_only: list[dict[str, object]]
    lines: list[list[str]]
    headings: list[str]
    unread: int

    @property
    def agree(self) -> int:
        """The compared rules with no difference."""
        return sum(not line["difference"] for line in self.compared)


def compare(
    path: Path,
    database: Path,
    folder: Path,
    return_id: str = BUILT,
    local: Path = rule_numbers.LOCAL,
) -> Comparison:
    """Read COLLECT's list, compare it with a return's issues, and write the files to `folder`.

    Raises InputError when the list or the warehouse cannot be read, or no line has a number.
    """
    tables = headed_table.read(path, HEADINGS, "number")
    ours, year, day = _ours(database, return_id)
    theirs, unread = _theirs(tables)
    if not theirs:
        raise InputError(
            f"{path}: no line has a rule's number, such as 1530, under its heading. Give the list"
            " as COLLECT exports it."
        )
    numbers = rule_numbers.known(local)
    headings, lines = _lines(tables, numbers)
    result = Comparison(
        compared=list(_compared(theirs, ours, numbers)),
        unknown=list(_unknown(theirs, numbers, year)),
        ours_only=list(_ours_only(theirs, ours, numbers)),
        lines=lines,
        headings=headings,
        unread=unread,
    )
    _write(result, folder, day)
    return result


def summarise(result: Comparison, folder: Path) -> list[str]:
    """What the terminal says: counts, and the largest differences, in our own words only."""
    lines = [
        f"Compared by number: {len(result.compared)}, of which the same: {result.agree}."
        f" Numbers not known here: {len(result.unknown)}. Rules of ours that found something and"
        f" have no number of DfE's: {len(result.ours_only)}."
    ]
    for line in [each for each in result.compared if each["difference"]][:MOST]:
        lines.append(
            f"  {line['dfe_numbers']:<10} {line['rules']:<10} theirs {line['theirs']:>6,}"
            f"  ours {line['ours']:>6,}  {line['message']}"
        )
    if result.unread:
        lines.append(f"Lines of theirs without a rule's number, kept as such: {result.unread:,}.")
    if result.unknown:
        lines.append(
            "Numbers not known: "
            + ", ".join(str(line["dfe_number"]) for line in result.unknown[:MOST])
            + (" and more" if len(result.unknown) > MOST else "")
            + f". {NAME}_not_known.csv is a review file: write your name in confirmed_by, then"
            " `sen2 rules apply-dfe` it."
        )
    return [*lines, f"{folder / NAME}.xlsx"]


def _ours(database: Path, return_id: str) -> tuple[dict[str, Ours], int, datetime]:
    """Our rules in force with their counts, the year, and the survey day."""
    with warehouse.connect(database, read_only=True) as connection:
        try:
            rows = connection.execute(COUNTS, {"return": return_id}).fetchall()
            found = connection.execute(
                "select collection_year, survey_day from validation.returns where return_id = ?",
                [return_id],
            ).fetchone()
        except (duckdb.CatalogException, duckdb.BinderException):
            found = None
    if found is None:
        raise InputError(f"{database}: holds no return {return_id}. Run `sen2 build` first.")
    return {row[0]: Ours(*row) for row in rows}, found[0], datetime.combine(found[1], time())


def _theirs(tables: Iterable[HeadedTable]) -> tuple[dict[str, Theirs], int]:
    """Their counts by number; and how many lines have no number that could be one of a rule."""
    counts: Counter[str] = Counter()
    words: dict[str, tuple[str, str]] = {}
    unread = 0
    for table in tables:
        for _, cells in table.rows:
            number = number_of(table.cell(cells, "number"))
            if not number:
                unread += 1
                continue
            counts[number] += _count(table.cell(cells, "count"))
            found = (table.cell(cells, "message"), table.cell(cells, "severity"))
            words.setdefault(number, found)
    return {
        number: Theirs(number, count, *words[number]) for number, count in counts.items()
    }, unread


def _count(text: str) -> int:
    """How often a line stands for; a list of single errors has no such column."""
    plain = text.replace(",", "").removesuffix(".0")
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 10 else 1


def _groups(numbers: dict[str, set[str]]) -> Iterator[tuple[set[str], set[str]]]:
    """Numbers and rules that belong together: DfE may split what we check in one, or join it."""
    left = dict(numbers)
    while left:
        group = {next(iter(left))}
        rules: set[str] = set()
        while more := {number for number in left if number in group or left[number] & rules}:
            group |= more
            for number in more:
                rules |= left.pop(number)
        yield group, rules


def _compared(
    theirs: dict[str, Theirs], ours: dict[str, Ours], numbers: dict[str, set[str]]
) -> Iterator[dict[str, object]]:
    """A line for each group of numbers of which either found some, the largest difference first."""
    lines = []
    for group, rules in _groups(numbers):
        in_force = [ours[rule_id] for rule_id in sorted(rules) if rule_id in ours]
        their_count = sum(theirs[number].count for number in group if number in theirs)
        our_count = sum(rule.issues for rule in in_force)
        if not their_count and not our_count:
            continue
        lines.append(
            {
                "dfe_numbers": ", ".join(sorted(group, key=order)),
                "rules": ", ".join(sorted(rules)),
                "theirs": their_count,
                "ours": our_count,
                "difference": our_count - their_count,
                "severity": ", ".join(dict.fromkeys(rule.severity for rule in in_force)),
                "message": " ".join(rule.message for rule in in_force)
                or "The rule is not in force this year.",
                "remark": "; ".join(
                    f"{rule.rule_id} is {rule.status}"
                    for rule in in_force
                    if rule.status != "checked"
                ),
            }
        )
    return iter(
        sorted(lines, key=lambda line: (-abs(int(str(line["difference"]))), str(line["rules"])))
    )


def _unknown(
    theirs: dict[str, Theirs], numbers: dict[str, set[str]], year: int
) -> Iterator[dict[str, object]]:
    """A line for each number that leads to no rule of ours, to be added, with what it may be.

    They are those of a review file, so that confirming them there adds them.
    """
    for number in sorted(theirs.keys() - numbers.keys(), key=order):
        found = theirs[number]
        likely = rule_numbers.likely_rules(found.message, found.severity, "", year, most=1)
        yield {
            "dfe_number": number,
            "theirs": found.count,
            "dfe_severity": found.severity,
            "dfe_message": found.message,
            "rule_id": likely[0].rule_id if likely else "",
            "score": f"{likely[0].score:.3f}" if likely else "",
            "reason": likely[0].reason if likely else rule_numbers.NO_MATCH,
            "confirmed_by": "",
        }


def _ours_only(
    theirs: dict[str, Theirs], ours: dict[str, Ours], numbers: dict[str, set[str]]
) -> Iterator[dict[str, object]]:
    """A line for each rule of ours that found something and that no number of DfE's leads to."""
    mapped = {rule_id for rules in numbers.values() for rule_id in rules}
    for rule in ours.values():
        if rule.issues and rule.rule_id not in mapped:
            yield {
                "rule": rule.rule_id,
                "ours": rule.issues,
                "severity": rule.severity,
                "message": rule.message,
            }


def _lines(
    tables: list[HeadedTable], numbers: dict[str, set[str]]
) -> tuple[list[str], list[list[str]]]:
    """Every line of theirs as it came, whatever its columns, with where it stood and our rules."""
    headings = list(
        dict.fromkeys(
            name or f"column {place}"
            for table in tables
            for place, name in enumerate(table.headings, start=1)
        )
    )
    lines = []
    for table in tables:
        for row, cells in table.rows:
            held: dict[str, str] = {}
            for place, cell in enumerate(cells):
                name = table.headings[place] if place < len(table.headings) else ""
                name = name or f"column {place + 1}"
                if name not in headings:
                    headings.append(name)
                held[name] = f"{held[name]}; {cell}" if held.get(name) else cell
            rules = ", ".join(sorted(numbers.get(number_of(table.cell(cells, "number")), ())))
            lines.append((table.place, row, rules, held))
    return ["place", "row", "our rules", *headings], [
        [place, str(row), rules, *(held.get(name, "") for name in headings)]
        for place, row, rules, held in lines
    ]


def _write(result: Comparison, folder: Path, day: datetime) -> None:
    """Write the CSV files and the workbook, whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    sheets: dict[str, Rows] = {
        "By rule": _table(result.compared, COMPARED),
        "Numbers not known": _table(result.unknown, UNKNOWN),
        "Only ours": _table(result.ours_only, OURS_ONLY),
        "Their lines": [result.headings, *result.lines],
    }
    with TemporaryDirectory(dir=folder) as made:
        _write_csv(Path(made) / f"{NAME}.csv", sheets["By rule"])
        _write_csv(Path(made) / f"{NAME}_not_known.csv", sheets["Numbers not known"])
        _write_csv(Path(made) / f"{LINES}.csv", sheets["Their lines"])
        _write_book(Path(made) / f"{NAME}.xlsx", sheets, day)
        for file in sorted(Path(made).iterdir()):
            file.replace(folder / file.name)


COMPARED = ("dfe_numbers", "rules", "theirs", "ours", "difference", "severity", "message", "remark")
UNKNOWN = (
    *("dfe_number", "theirs", "dfe_severity", "dfe_message", "rule_id", "score", "reason"),
    "confirmed_by",
)
OURS_ONLY = ("rule", "ours", "severity", "message")


def _table(lines: list[dict[str, object]], names: tuple[str, ...]) -> Rows:
    return [list(names), *([line[name] for name in names] for line in lines)]


def _write_csv(path: Path, rows: Rows) -> None:
    """UTF-8; no value is read as a formula."""
    with path.open("w", encoding="utf-8", newline="") as file:
        spreadsheet.Writer(file).rows(rows)


def _write_book(path: Path, sheets: dict[str, Rows], day: datetime) -> None:
    """The same on a sheet each, with filters and frozen headings; every text stays text."""
    with spreadsheet.workbook(path) as book:
        book.set_properties({"title": "COLLECT's errors beside ours", "created": day})
        heading = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        text = book.add_format({"text_wrap": True, "valign": "top"} | spreadsheet.TEXT)
        number = book.add_format({"valign": "top"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            sheet.autofilter(0, 0, max(len(rows) - 1, 1), max(len(rows[0]) - 1, 0))
            for place, title in enumerate(rows[0]):
                longest = max((len(str(row[place])) for row in rows), default=8)
                sheet.set_column(place, place, min(max(longest + 2, 9), 60), text)
                sheet.write_string(0, place, str(title).replace("_", " "), heading)
            for line, row in enumerate(rows[1:], start=1):
                for place, value in enumerate(row):
                    if isinstance(value, int):
                        sheet.write_number(line, place, value, number)
                    else:
                        sheet.write_string(line, place, str(value)[:32_000], text)
