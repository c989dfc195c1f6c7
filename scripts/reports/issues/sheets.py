"""The sheets of the workbook that officers answer in."""

from collections import Counter
from datetime import datetime, time
from pathlib import Path
from typing import Any

from ...spec.constants import BUILT, MODULES, SEVERITIES
from ..workbook import Book, Column, Values, new_workbook, sheet_name
from .columns import (
    ANSWER,
    BEHIND,
    CODE,
    COLLECT_LINE,
    COUNTED,
    KEPT_LINE,
    KNOWN_BY,
    LOCAL_VALUE,
    MANY,
    NAMES,
    OFFICER,
    PERSON,
    RULE,
    STATE,
    TAB_COLOURS,
    TEAM,
    UNCHECKED,
    UNUSED_LINE,
    WORK,
)
from .guide import (
    ABOUT_THE_RULES,
    ALL_ISSUES,
    CARE,
    CODES,
    FOR_COLLECT,
    FOR_MANY,
    HOW_TO_ANSWER,
    HOW_TO_READ,
    IN_FORCE,
    KEPT,
    LOCAL,
    NOT_CHECKED,
    OWN_SHEETS,
    START_HERE,
    SUMMARY,
    UNUSED,
)
from .lines import Issues
from .words import CSV, MANY_FROM, day_in_words

COUNTED_AS = {
    "load_reject": ("fault that stops the file loading", "faults that stop the file loading"),
    "error": ("error", "errors"),
    "query": ("query", "queries"),
}
SHEET_LINES = 100_000
"""Most issue lines on one sheet: a tenth of what Excel holds, and still quick to filter."""
WITH_EFFECT = ("applied", "applies", "gone", "moved", "waiting")
"""What may have become of a note, a correction or an answer that did what it should."""
WORTH_SAYING = 0.9
"""The share of all queries that "5 explanations cover 91%" wants to reach."""


def write_workbook(issues: Issues, path: Path, worker: str | None = None) -> None:
    """The workbook: where to start, counts, a sheet per team, the rules and the code lists.

    That of one officer has their lines alone, and not the sheets about the whole return.
    """
    the_return = issues.the_return
    line_count = issues.count(worker=worker)[len(SEVERITIES)]
    is_built = the_return.return_id == BUILT
    with new_workbook(path, line_count) as workbook:
        workbook.set_properties(
            {
                "title": f"SEN2 {the_return.year}: what to correct",
                "created": datetime.combine(the_return.survey_day, time()),
            }
        )
        book = Book(workbook, CSV)
        taken = list(OWN_SHEETS)
        teams = {}
        for team in issues.teams(worker):
            teams[team] = sheet_name(team, taken)
            taken.append(teams[team])
        groups = [group for group in issues.groups(worker) if group["lines"] >= MANY_FROM]
        unused = issues.unused() if not worker else []
        _start_sheet(book, issues, teams, groups, unused, worker)
        if not worker:
            _summary_sheet(book, issues)
        if is_built and groups:
            rows = (tuple(group[column.name] for column in MANY) for group in groups)
            book.table_sheet(
                FOR_MANY, many_words(groups), MANY, rows, colour=TAB_COLOURS["many"], frozen=0
            )
        for team, name in teams.items():
            _issue_sheet(book, issues, name, team, worker)
        if worker:
            return
        _issue_sheet(book, issues, ALL_ISSUES)
        _collect_sheet(book, issues)
        _kept_sheet(book, issues)
        if unused:
            title = f"{len(unused):,} answers were not used."
            book.table_sheet(UNUSED, title, UNUSED_LINE, unused, colour=TAB_COLOURS["unused"])
        _local_sheet(book, issues)
        _rule_sheets(book, issues.rules)
        _code_sheet(book, issues)


def many_words(groups: list[dict[str, Any]]) -> str:
    """How far the first few explanations go: "5 explanations cover 91% of the queries"."""
    if not groups:
        return "No two queries are alike."
    enough = next((group for group in groups if group["covered"] >= 100 * WORTH_SAYING), groups[-1])
    words = (
        "1 explanation covers" if enough["place"] == 1 else f"{enough['place']} explanations cover"
    )
    return f"{words} {enough['covered']}% of the queries."


def issue_columns(issues: Issues, team: str | None) -> tuple[Column, ...]:
    """The columns of the lines of a team; of all teams together they are only to look up."""
    is_built = issues.the_return.return_id == BUILT
    names = NAMES if issues.identify else ()
    officer = (OFFICER,) if issues.workers() else ()
    if team is None:
        return (PERSON, *names, *officer, TEAM, *WORK, *STATE, *BEHIND)
    answer = ANSWER if is_built else ()
    known_by = KNOWN_BY if is_built else ()
    own_team = (TEAM._replace(is_hidden=True),)
    return (PERSON, *names, *officer, *WORK, *answer, *STATE, *own_team, *BEHIND, *known_by)


def _issue_sheet(
    book: Book, issues: Issues, name: str, team: str | None = None, worker: str | None = None
) -> None:
    """The lines of a team, or of all; it says how many it leaves to the CSV file."""
    counts = issues.count(team, worker)
    left_out = counts[len(SEVERITIES)] - SHEET_LINES
    title = f"{team or ALL_ISSUES}: {_sentence(counts)}"
    if left_out > 0:
        title += f" THE FIRST {SHEET_LINES:,} LINES: {left_out:,} MORE ARE IN issues.csv."
    columns = issue_columns(issues, team)
    lines = issues.lines((column.name for column in columns), team, SHEET_LINES, worker)
    colour = TAB_COLOURS["team"] if team else None
    book.table_sheet(name, title, columns, lines, colour=colour)


def _start_sheet(
    book: Book,
    issues: Issues,
    teams: dict[str, str],
    groups: list[dict[str, Any]],
    unused: list[Values],
    worker: str | None,
) -> None:
    """What this is, how to answer and to read a line, what each sheet holds, whose rules."""
    the_return = issues.the_return
    is_built = the_return.return_id == BUILT
    sheet = book.start_sheet(START_HERE, f"SEN2 {the_return.year}: what to correct")
    names = "Names are shown." if issues.identify else "Names are not shown; ids and values are."
    origin = " (from the extract)" if is_built else " (imported)"
    counts = issues.count(worker=worker)
    facts = [
        ("Return", the_return.return_id + origin),
        ("Authority", the_return.authority),
        ("Survey day", day_in_words(the_return.survey_day)),
        ("Extract of" if is_built else "As at", day_in_words(the_return.work_day)),
        ("Found", _sentence(counts)),
        *([("Agreed with DfE", issues.agreed())] if is_built and issues.agreed() else []),
        ("Personal data", f"This file is about children. {names} {CARE}"),
    ]
    if worker:
        facts.insert(2, ("Officer", worker))
    elif is_built:
        queries = counts[len(SEVERITIES) - 1]
        facts.insert(5, ("Explained", f"{issues.answered():,} of {queries:,} queries."))
        if not issues.is_first():
            since = f"{counts[-1]:,} new, {issues.cleared():,} cleared."
            facts.insert(6, ("Since the last run", since))
    if the_return.is_provisional:
        facts.insert(2, ("PROVISIONAL YEAR", f"Not all is confirmed: {the_return.status}."))
    row = book.write_pairs(sheet, 2, facts)
    if is_built:
        sheet.write_string(row, 0, "How to answer", book.strong)
        row = book.write_pairs(sheet, row + 1, HOW_TO_ANSWER)
    whole = not worker
    local = whole and issues.local_values()
    sheets = [
        *([(SUMMARY, "Counts by severity, team, module and rule.")] if whole else []),
        *([(FOR_MANY, many_words(groups))] if is_built and groups else []),
        *((name, _team_words(issues, team, worker)) for team, name in teams.items()),
        *([(ALL_ISSUES, "The same lines, of all teams together.")] if whole else []),
        *(
            [(FOR_COLLECT, "Your explanations to copy into COLLECT, one cell each.")]
            if whole and issues.for_collect()
            else []
        ),
        *([(KEPT, "Your own notes and corrections, and what became of each.")] if whole else []),
        *(
            [(UNUSED, f"{len(unused):,} answers that could not be used, and why.")]
            if unused
            else []
        ),
        *([(LOCAL, "Local codes that no mapping has, and defaults.")] if local else []),
    ]
    if whole:
        sheets += [
            (
                IN_FORCE,
                "All rules of the year: records checked and faults found, including none.",
            ),
            (
                NOT_CHECKED,
                "Rules not or only partly checked here, and what it would take.",
            ),
            (CODES, "The codes that each item may hold this year."),
        ]
    row = book.write_contents(sheet, row, sheets)
    sheet.write_string(row, 0, "How to read a line", book.strong)
    row = book.write_pairs(sheet, row + 1, HOW_TO_READ)
    sheet.write_string(row, 0, "About the rules", book.strong)
    book.write_pairs(sheet, row + 1, ABOUT_THE_RULES)


def _team_words(issues: Issues, team: str, worker: str | None) -> str:
    """What a team has to do, in counts; how many lines its sheet leaves out."""
    counts = issues.count(team, worker)
    left_out = counts[len(SEVERITIES)] - SHEET_LINES
    more = f" {left_out:,} MORE LINES ARE IN issues.csv." if left_out > 0 else ""
    return _sentence(counts) + more


def _summary_sheet(book: Book, issues: Issues) -> None:
    """Counts by severity, team, module and rule, the most severe first."""
    rows = [("Whole return", ALL_ISSUES, *issues.count(), issues.cleared())]
    rows += [("Team", *counts) for counts in issues.count_by("team")]
    rows += [("Module", MODULES[which], *counts) for which, *counts in issues.count_by("module")]
    rows += [("Rule", *counts) for counts in issues.count_by("rule_id || ' ' || message")]
    title = f"Summary: {_sentence(issues.count())}"
    book.table_sheet(SUMMARY, title, COUNTED, rows, frozen=2)


def _collect_sheet(book: Book, issues: Issues) -> None:
    """The notes to copy into COLLECT, in the order of the return; no sheet when there is none."""
    if notes := issues.for_collect():
        title = f"{len(notes):,} notes to copy into COLLECT, in the order of the return."
        book.table_sheet(FOR_COLLECT, title, COLLECT_LINE, notes, colour=TAB_COLOURS["many"])


def _kept_sheet(book: Book, issues: Issues) -> None:
    """Every note and correction that the authority keeps, and what became of it."""
    lines = issues.kept()
    of_kind = Counter(line[0] for line in lines)
    without = sum(line[1] not in WITH_EFFECT for line in lines)
    counts = ", ".join(
        f"{of_kind[kind]:,} {kind.lower()}{'s' * (of_kind[kind] != 1)}"
        for kind in ("Note", "Correction", "Answer")
    )
    title = f"{counts}; {without:,} without effect."
    book.table_sheet(KEPT, title, KEPT_LINE, lines)


def _local_sheet(book: Book, issues: Issues) -> None:
    """What landing left as the source writes it, and the defaults; no sheet when there is none."""
    if values := issues.local_values():
        title = f"{len(values):,} local values to map, and defaults (docs/mapping.md)."
        book.table_sheet(LOCAL, title, LOCAL_VALUE, values)


def _rule_sheets(book: Book, rules: list[dict[str, Any]]) -> None:
    """The rules in force, and of those the ones not fully checked."""
    partly = [rule for rule in rules if rule["status"] != "checked"]
    checked = len(rules) - len(partly)
    for name, columns, shown, title in (
        (IN_FORCE, RULE, rules, f"{len(rules)} rules in force, {checked} of them fully checked."),
        (NOT_CHECKED, UNCHECKED, partly, f"{len(partly)} rules not or only partly checked."),
    ):
        rows = (tuple(rule[column.name] for column in columns) for rule in shown)
        book.table_sheet(name, title, columns, rows)


def _code_sheet(book: Book, issues: Issues) -> None:
    """The codes of the year, with the items that hold them."""
    users: dict[str | None, dict[str, None]] = {}
    for item in issues.items:
        users.setdefault(item.codeset, {})[item.tag] = None
    rows = (
        (code.codeset, ", ".join(users.get(code.codeset, ())), code.code, code.label)
        for code in issues.codes
    )
    book.table_sheet(CODES, f"The codes of {issues.the_return.year}.", CODE, rows)


def people_in_words(count: int) -> str:
    """A count of people in words."""
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _sentence(counts: Values) -> str:
    """The counts of lines in words, most severe first."""
    *by_severity, issues, _, people, _, _ = counts
    if not issues:
        return "Nothing was found."
    words = (
        f"{count:,} {one if count == 1 else many}"
        for count, (one, many) in zip(by_severity, COUNTED_AS.values(), strict=True)
        if count
    )
    return f"{', '.join(words)}, for {people_in_words(people)}."
