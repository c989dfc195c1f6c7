"""What a case officer works from: the issues of a return as a workbook and as a CSV file.

The same return gives the same bytes: no clock is read. Every value of an extract is written as
text, so that a spreadsheet program never computes one.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb
import xlsxwriter

from . import spreadsheet
from . import warehouse as warehouses
from .errors import InputError
from .spreadsheet import TEXT

Connection = duckdb.DuckDBPyConnection
Values = tuple[Any, ...]

SEVERITIES = {"load_reject": "Will not load", "error": "Error", "query": "Query"}
COUNTED_AS = {
    "load_reject": ("fault that stops the file loading", "faults that stop the file loading"),
    "error": ("error", "errors"),
    "query": ("query", "queries"),
}
MODULES = {  # in the order of the return
    "extract": "Extract",
    "file": "File",
    "header": "Header",
    "person": "Person",
    "requests": "Request",
    "assessment": "Assessment",
    "named_plan": "Plan",
    "plan_detail": "Setting named in plan",
    "active_plans": "Review and needs",
    "placement_detail": "Placement",
    "sen_need": "Type of need",
    "return": "Whole return",
    "form": "Aggregated form",
    "figures": "Published figures",
    "compared": "Since last year",
}
BUILT = "built"
WORKBOOK, CSV = "issues.xlsx", "issues.csv"
NO_TEAM = "No team"
MAIN = "yes"
START_HERE, SUMMARY, ALL_ISSUES = "Start here", "Summary", "All issues"
KEPT = "Notes and corrections"
LOCAL = "Local values"
IN_FORCE, NOT_CHECKED, CODES = "Rules in force", "Not checked", "Codes"

SHEET_LINES = 100_000
"""Most issue lines on one sheet: a tenth of what Excel holds, and still quick to filter."""
CONSTANT_MEMORY_LINES = 30_000
"""From this many issue lines on, rows go to disk at once: slower, but memory stays flat."""
LONGEST_LIST = 550
"""Most characters of allowed values beside an issue, for its first item; Codes has longer ones."""
LONGEST_OTHER_LIST = 240
"""The same for the rule's other items, which are less often what is wrong."""
LONGEST_VALUE = 1_000
"""Most characters of one cell; a longer value is whole in the CSV file only."""
MOST_ITEM_NAMES = 4
"""Most items beside an issue by name; more are given by their tags alone."""
TOP_RULES = 10

LINE = 15
"""Height of a line of text, in points."""
A3, A4 = 8, 9
WIDEST_ON_A4 = 200
"""Widest sheet, in characters, that can still be read when it is printed on A4."""


class Column(NamedTuple):
    """A column of the issues: heading and width on a sheet, name in the CSV file."""

    heading: str
    width: int
    name: str
    is_number: bool = False


PERSON = Column("Person", 12, "person_id")
NAMES = (
    Column("Surname", 14, "surname"),
    Column("Forename", 14, "forename"),
    Column("Date of birth", 11, "person_birth_date"),
)
ISSUE = (
    Column("Request", 12, "request_id"),
    Column("Record", 12, "record_id"),
    Column("What is wrong", 38, "message"),
    Column("What to do", 38, "fix"),
    Column("Value found", 30, "found"),
    Column("Allowed values", 44, "allowed"),
    Column("Item number", 11, "item_number"),
    Column("Item", 28, "item"),
    Column("Module", 13, "module"),
    Column("Rule", 7, "rule_id"),
    Column("Severity", 12, "severity"),
    Column("Likely error", 8, "likely"),
    Column("Accepted before", 34, "accepted"),
    Column("Team", 18, "team"),
    Column("Main cause", 14, "main_cause"),
    Column("Note", 38, "note"),
    Column("Source file", 17, "source_file"),
    Column("Source row", 9, "source_row", True),
)
RULE = (
    Column("Rule", 7, "rule_id"),
    Column("Severity", 12, "severity"),
    Column("Module", 20, "module"),
    Column("Team", 28, "team"),
    Column("What is wrong when it finds something", 60, "message"),
    Column("What to do", 60, "fix"),
    Column("Items", 32, "items"),
    Column("DfE's number", 9, "dfe_number"),
    Column("Likely error", 8, "likely"),
    Column("Accepted before", 40, "accepted"),
    Column("Severity changed", 30, "severity_reason"),
    Column("Origin", 15, "origin"),
    Column("Status", 14, "status"),
    Column("Records checked", 10, "records_checked", True),
    Column("Issues", 9, "issue_count", True),
    Column("Main causes", 9, "primary_issue_count", True),
    Column("People", 9, "person_count", True),
)
NOTE_IN_CSV = ("note_text", "note_author", "note_date")
"""The parts of a note, last in the CSV file, where a sheet has the column note."""
KEPT_LINE = (
    Column("Kind", 11, "kind"),
    Column("Status", 15, "status"),
    Column("What became of it", 38, "status_reason"),
    Column("Rule or value", 26, "about"),
    Column("Record or key", 14, "record_id"),
    Column("Value found, or corrected", 30, "found"),
    Column("Corrected to", 20, "to_value"),
    Column("Explanation", 50, "words"),
    Column("Author", 18, "author"),
    Column("Date", 11, "written_date"),
    Column("Expires", 11, "expiry_date"),
    Column("File", 17, "file"),
    Column("Row", 7, "row", True),
)
UNCHECKED = (*RULE[:5], Column("Status", 14, "status"), Column("What it would take", 60, "needs"))
LOCAL_VALUE = (
    Column("What became of it", 44, "became"),
    Column("Source", 12, "source"),
    Column("Table", 14, "table_name"),
    Column("Column", 24, "column_name"),
    Column("Value", 34, "value"),
    Column("Rows", 8, "row_count", True),
    Column("Nearest code", 10, "nearest_code"),
    Column("Its meaning", 40, "nearest_label"),
)

CODE = (
    Column("Code list", 24, "codeset"),
    Column("Items", 40, "items"),
    Column("Code", 10, "code"),
    Column("Meaning", 80, "label"),
)

GROUP = Column("", 70, "group")
COUNTED = (
    *(Column(label, 14, severity, True) for severity, label in SEVERITIES.items()),
    Column("Issues", 12, "issue_count", True),
    Column("Main causes", 14, "primary_issue_count", True),
    Column("People", 9, "person_count", True),
    Column("Queries without a note", 14, "unexplained_count", True),
)
COUNTS = (
    ", ".join(f"count(*) filter (severity = '{severity}')" for severity in SEVERITIES)
    + """, count(*), count(*) filter ("primary"), count(distinct person_id)"""
    + """, count(*) filter (severity = 'query' and note is null)"""
)
AGREED = """
    select distinct issues.rule_id, issues.person_id, issues.record_id, notes.agreed_by,
        notes.agreed_date::varchar
    from validation.issues as issues
    inner join validation.issue_notes as notes using (return_id, rule_id, record_id)
    where return_id = ? and issues.severity = 'error' and notes.kind = 'agreed'
    order by all
"""
"""Each error that DfE has agreed to: rule, person, record, who agreed and when."""
AGREED_LABEL = "Agreed by DfE"
HOLDS_A_NAME = """
    create or replace temp macro holds_a_name(found) as regexp_matches(
        regexp_replace(found, '(Surname|Forename) blank(;|$)', '', 'g'), '(Surname|Forename) '
    )
"""
HIDDEN = {"hidden": "(a name, not shown here)", "hidden_day": "(a date of birth, not shown here)"}

LINES = """
    create or replace temp table lines as
    with people as (
        select person_id, surname, forename, person_birth_date::varchar as person_birth_date
        from person_level.person
        where return_id = $return_id
        qualify row_number() over (
            partition by person_id order by surname, forename, person_birth_date
        ) = 1
    ),

    notes as (
        select
            return_id,
            rule_id,
            record_id,
            found,
            string_agg(note, chr(10) order by row) as note,
            string_agg(note_text, '; ' order by row) as note_text,
            string_agg(author, '; ' order by row) as note_author,
            string_agg(written_date::varchar, '; ' order by row) as note_date,
        from validation.issue_notes
        group by all
    )
    select
        row_number() over (
            order by
                list_position($severities, issues.severity),
                not issues.likely_error,
                not issues."primary",
                list_position($modules, issues.module),
                issues.rule_id,
                issues.person_id nulls first,
                issues.request_id nulls first,
                issues.record_id,
                issues.source_file,
                issues.source_row,
                issues.found
        ) as line,
        issues.person_id,
        people.surname,
        people.forename,
        people.person_birth_date,
        issues.request_id,
        issues.record_id,
        issues.message,
        issues.fix,
        case
            when not $identify and holds_a_name(issues.found) then $hidden
            else issues.found
        end as found,
        rule_texts.allowed,
        rule_texts.item_number,
        rule_texts.item,
        issues.module,
        issues.rule_id,
        issues.severity,
        case when issues.likely_error then 'yes' end as likely,
        issues.accepted,
        coalesce(teams.team, $no_team) as team,
        issues."primary",
        case when issues."primary" then $main else 'follows from another' end as main_cause,
        notes.note,
        notes.note_text,
        notes.note_author,
        notes.note_date,
        issues.source_file,
        issues.source_row,
    from validation.issues as issues
    left join spec.teams as teams on issues.rule_id = teams.rule_id
    left join rule_texts on issues.rule_id = rule_texts.rule_id
    left join people on issues.person_id = people.person_id
    left join notes
        on issues.return_id = notes.return_id
            and issues.rule_id = notes.rule_id
            and issues.record_id = notes.record_id
            and issues.found is not distinct from notes.found
    where issues.return_id = $return_id
"""

LOCAL_VALUES = """
    select 'No mapping has it: it landed as it is' as became, * from audit.unmapped_values
    union all
    select
        'Blank in the source: the default of the mapping', mapped.source, mapped.table_name,
        mapped.column_name, mapped.default_value,
        count(distinct case when notes.row is not null then (notes.file, notes.row) end), null, null
    from audit.mapped_columns as mapped
    left join audit.landed_inputs as inputs on mapped.source = inputs.source
    left join audit.landing_notes as notes
        on mapped.table_name = notes.table_name and mapped.column_name = notes.column_name
        and notes.kind = 'default'
        and (notes.file = inputs.file or starts_with(notes.file, inputs.file || ' ('))
    where mapped.default_value is not null
    group by all
    order by 1 desc, row_count desc, source, table_name, column_name, value
"""

KEPT_LINES = """
    with

    kept as (
        select
            'Note' as kind,
            status,
            status_reason,
            rule_id as about,
            record_id,
            found,
            null as to_value,
            note_text as words,
            author,
            written_date,
            expiry_date,
            file,
            row,
            case when holds_a_name(found) then $hidden end as instead,
        from validation.query_notes
        union all
        select
            'Correction',
            status,
            status_reason,
            table_name || '.' || column_name,
            "key",
            from_value,
            to_value,
            reason,
            author,
            written_date,
            expiry_date,
            file,
            row,
            case
                when table_name = 'people' and column_name in ('surname', 'forename') then $hidden
                when table_name = 'people' and column_name = 'birth_date' then $hidden_day
            end,
        from audit.overrides
    )

    select * exclude (instead) replace (
        replace(status, '_', ' ') as status,
        case
            when found is not null and not $identify then coalesce(instead, found)
            when kind = 'Note' then found
            else coalesce(found, 'blank')
        end as found,
        case
            when to_value is not null and not $identify then coalesce(instead, to_value)
            when kind = 'Note' then to_value
            else coalesce(to_value, 'blank')
        end as to_value,
        written_date::varchar as written_date,
        expiry_date::varchar as expiry_date
    )
    from kept
    where $return_id = $built
    order by status in ('applied', 'applies'), kind, row
"""

RULES_IN_FORCE = """
    select
        summary.rule_id,
        summary.severity,
        summary.module,
        coalesce(teams.team, $no_team) as team,
        summary.message,
        rules.fix,
        replace(rules.items, ';', ', ') as items,
        summary.dfe_number,
        case when summary.likely_error then 'yes' end as likely,
        summary.accepted,
        summary.severity_reason,
        case summary.origin when 'ours' then 'our own' else 'public material' end as origin,
        summary.status,
        summary.records_checked,
        summary.issue_count,
        summary.primary_issue_count,
        summary.person_count,
        summary.needs,
    from validation.rule_summary as summary
    inner join spec.rules as rules
        on summary.rule_id = rules.rule_id and $year between rules.year_from and rules.year_to
    left join spec.teams as teams on summary.rule_id = teams.rule_id
    where summary.return_id = $return_id
    order by list_position($modules, summary.module), summary.rule_id
"""

THE_RETURN = """
    select
        returns.collection_year,
        returns.return_la,
        names.label as la_name,
        returns.survey_day,
        least(try_cast(sen2.date_time as timestamp)::date, returns.survey_day) as as_at,
        collections.is_provisional::boolean as is_provisional,
        collections.status,
    from validation.returns as returns
    inner join spec.collections as collections
        on returns.collection_year = collections.collection_year
    left join person_level.sen2 as sen2 on returns.return_id = sen2.return_id
    left join spec.codes as names
        on names.codeset = 'LA'
            and returns.return_la = names.code
            and returns.collection_year between names.year_from and names.year_to
    where returns.return_id = $return_id
"""


START_WIDTHS = (30, 108)
CARE = "Keep it where the case system's own data may be kept, and delete it after use."
HOW_TO_READ = (
    (
        "Order",
        "Errors first, then queries that COLLECT may list as errors, then other queries; in each,"
        " main causes first, then what follows from them.",
    ),
    ("Person, Request, Record", "The case system's own ids: search for them there."),
    (
        "What is wrong, What to do",
        "The fault in plain words, and what to change in the case system.",
    ),
    ("Value found", "What the record holds, each value after its item; blank means nothing."),
    ("Allowed values", "The codes that the items may hold this year, with their meanings."),
    ("Item number, Item", "DfE's number and name of each item, and its tag in the file."),
    (
        "Severity",
        "Will not load: DfE's system refuses the file. Error: it must be corrected. Query: correct"
        " it, or explain in a COLLECT note why it is right.",
    ),
    (
        "Likely error, Accepted before",
        "Yes where COLLECT may list the query as an error; and in how many authorities' accepted"
        " returns it was seen, where DfE's published figures show it.",
    ),
    (
        "Main cause",
        "A grey line follows from another fault: correct that one first.",
    ),
    (
        "Note",
        "Your own explanation of a query, from your file of notes; write it in COLLECT too. Beside"
        " an error: who at DfE agreed to it, and when, so that it does not stop the return.",
    ),
    (
        "Source file, Source row",
        "Where the record stands in the extract, or in the file that was checked.",
    ),
    ("Dates and numbers", "Dates are year-month-day. Ids are text and keep their leading zeros."),
    (
        "issues.csv",
        "The same lines for machines. A value there that begins with =, +, -, @, a tab or carriage"
        " return has an apostrophe put before it, so that no spreadsheet program computes it.",
    ),
)
ABOUT_THE_RULES = (
    (
        "Whose they are",
        "This project's: derived from public material, and some our own. They are not DfE's list.",
    ),
    ("DfE's number", "Blank until someone who holds DfE's official workbook fills it in."),
    ("Nothing found", "A clean sheet here does not promise that COLLECT will find nothing."),
)


@dataclass(frozen=True)
class SummaryLine:
    """A count for the terminal: of a severity, or of one rule. No value of a person's record."""

    severity: str
    rule_id: str | None
    message: str
    issue_count: int
    person_count: int

    def __str__(self) -> str:
        """The line as the terminal shows it; a rule's stands under those of the severities."""
        if self.rule_id is None:
            return f"{self.message:<14}{self.issue_count:>8,} for {_people(self.person_count)}"
        severity = SEVERITIES[self.severity].lower()
        return f"  {self.rule_id}{self.issue_count:>8,}  {severity}: {self.message}"


@dataclass(frozen=True)
class _Return:
    """The return a workbook is about, in words."""

    return_id: str
    year: int
    authority: str
    survey_day: date
    as_at: date
    is_provisional: bool
    status: str


class _Item(NamedTuple):
    table: str
    number: str | None
    tag: str
    name: str
    codeset: str | None


class _Code(NamedTuple):
    codeset: str
    code: str
    label: str


def summarise(warehouse: Path, return_id: str) -> list[SummaryLine]:
    """A line per severity, also where nothing was found, then the rules that found most."""
    counts = "count(*), count(distinct person_id) from validation.issues where return_id = ?"
    with warehouses.reading(warehouse) as connection:
        agreed = connection.execute(AGREED, [return_id]).fetchall()
        persons = len({person for _, person, *_ in agreed})
        totals = {
            severity: (issues, people)
            for severity, issues, people in connection.execute(
                f"select severity, {counts} group by severity", [return_id]
            ).fetchall()
        }
        rules = connection.execute(
            f"select severity, rule_id, any_value(message), {counts} group by severity, rule_id"
            " order by list_position(?, severity), not any_value(likely_error), count(*) desc,"
            " rule_id limit ?",
            [return_id, list(SEVERITIES), TOP_RULES],
        ).fetchall()
    return [
        SummaryLine(severity, None, label, *totals.get(severity, (0, 0)))
        for severity, label in SEVERITIES.items()
    ] + [
        *([SummaryLine("error", None, AGREED_LABEL, len(agreed), persons)] if agreed else []),
        *(SummaryLine(*rule) for rule in rules),
    ]


def write_issues(
    warehouse: Path, return_id: str, year: int, out: Path, *, identify: bool = False
) -> Path:
    """Write issues.xlsx and issues.csv of a return to `out`, whole or not at all.

    Names and dates of birth are columns only with `identify`. Gives the workbook's path.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (
        warehouses.reading(warehouse) as connection,
        TemporaryDirectory(dir=out, prefix=".issues-") as folder,
    ):
        the_return = _the_return(connection, return_id, year)
        issues = _Issues(connection, the_return, identify)
        _write_csv(issues, Path(folder) / CSV)
        _write_workbook(issues, Path(folder) / WORKBOOK)
        for name in (CSV, WORKBOOK):
            try:
                os.replace(Path(folder) / name, out / name)  # noqa: PTH105
            except PermissionError:
                raise InputError(
                    f"{out / name}: cannot be replaced; close it where it is open and run again."
                ) from None
    return out / WORKBOOK


def _the_return(connection: Connection, return_id: str, year: int) -> _Return:
    """What a return is; one that is not there, or is of another year, is an input error."""
    row = connection.execute(THE_RETURN, {"return_id": return_id}).fetchone()
    if row is None or row[0] != year:
        known = connection.execute(
            "select return_id || ' of ' || collection_year from validation.returns order by 1"
        ).fetchall()
        held = ", ".join(line for (line,) in known) or "no return"
        raise InputError(f"There is no return {return_id} of {year}: the warehouse has {held}.")
    _, la_code, la_name, survey_day, as_at, is_provisional, status = row
    authority = " ".join(filter(None, (la_code, la_name))) or "not given"
    return _Return(
        return_id, year, authority, survey_day, as_at or survey_day, is_provisional, status
    )


class _Issues:
    """The issue lines of a return in the order of the work, and what stands beside them."""

    def __init__(self, connection: Connection, the_return: _Return, identify: bool) -> None:
        """Prepare the lines as a temporary table, beside the warehouse and not in it."""
        self.the_return = the_return
        self.identify = identify
        self.columns = (PERSON, *(NAMES if identify else ()), *ISSUE)
        self._connection = connection
        self._given = {"return_id": the_return.return_id, "modules": list(MODULES)}
        self.rules = self._rules()
        in_year = "where $year between year_from and year_to"
        self.items = [
            _Item(*row)
            for row in self._rows(
                "select table_name, nullif(item_no, ''), xml_tag, name, nullif(codeset, '')"
                f" from spec.items {in_year} order by table_name, item_no, xml_tag",
                year=the_return.year,
            )
        ]
        self.codes = [
            _Code(*row)
            for row in self._rows(
                f"select codeset, code, label from spec.codes {in_year}"
                " order by codeset, try_cast(code as integer), code",
                year=the_return.year,
            )
        ]
        texts = [(rule["rule_id"], *self._texts(rule)) for rule in self.rules]
        connection.execute(
            "create or replace temp table rule_texts as select"
            " unnest($1::varchar[]) as rule_id, unnest($2::varchar[]) as allowed,"
            " unnest($3::varchar[]) as item_number, unnest($4::varchar[]) as item",
            [[text[column] for text in texts] for column in range(4)],
        )
        connection.execute(HOLDS_A_NAME)
        connection.execute(
            LINES,
            self._given
            | {"severities": list(SEVERITIES), "identify": identify}
            | {"no_team": NO_TEAM, "main": MAIN, "hidden": HIDDEN["hidden"]},
        )

    def _rows(self, query: str, **given: object) -> list[Values]:
        return self._connection.execute(query, given or None).fetchall()

    def _rules(self) -> list[dict[str, Any]]:
        """Every rule in force with what came of it, in the order of the return."""
        found = self._connection.execute(
            RULES_IN_FORCE,
            self._given | {"year": self.the_return.year, "no_team": NO_TEAM},
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def _texts(self, rule: dict[str, Any]) -> tuple[str | None, ...]:
        """Allowed values, item numbers and item names of a rule, a line for each item."""
        tags = rule["items"].split(", ")
        named = [(tag, _meant(tag, rule["module"], tags, self.items)) for tag in tags]
        items = [item for _, meant in named for item in meant]
        allowed = dict.fromkeys(
            (f"{item.tag}: " if len(items) > 1 else "")
            + self._allowed(
                item.codeset, LONGEST_LIST if item.tag == tags[0] else LONGEST_OTHER_LIST
            )
            for item in items
            if item.codeset
        )
        if len(tags) > MOST_ITEM_NAMES:
            names = [", ".join(tags)]
        else:
            names = [
                " or ".join(dict.fromkeys(_titled(item) for item in meant)) or f"{tag} as a whole"
                for tag, meant in named
            ]
        numbers = (item.number for item in items if item.number)
        texts = "\n".join(allowed), ", ".join(numbers), "\n".join(names)
        return tuple(text or None for text in texts)

    def _allowed(self, codeset: str, longest: int) -> str:
        text = "; ".join(
            f"{code.code} {code.label}" for code in self.codes if code.codeset == codeset
        )
        return text if len(text) <= longest else f"see the list {codeset} on the sheet Codes"

    def count(self, team: str | None = None) -> Values:
        """How many lines by severity, of all and of main causes, and about how many people."""
        of_team = "where team = $team" if team else ""
        query = f"select {COUNTS} from lines {of_team}"
        return self._rows(query, **({"team": team} if team else {}))[0]

    def count_by(self, column: str) -> list[Values]:
        """The same counts for each value of a column, most severe first."""
        return self._rows(
            f"select {column}, {COUNTS} from lines group by {column}"
            " order by 2 desc, 3 desc, 4 desc, 1"
        )

    def agreed(self) -> str:
        """The errors that DfE has agreed to: how many of each rule, who agreed and when."""
        rows = self._connection.execute(AGREED, [self.the_return.return_id]).fetchall()
        lines = Counter((rule, by, day) for rule, _, _, by, day in rows)
        return "; ".join(
            f"{count:,} of {rule} ({by}, {day})" for (rule, by, day), count in lines.items()
        )

    def kept(self) -> list[Values]:
        """The notes and corrections of the authority, those without effect first."""
        return self._rows(
            KEPT_LINES,
            return_id=self.the_return.return_id,
            built=BUILT,
            identify=self.identify,
            **HIDDEN,
        )

    def local_values(self) -> list[Values]:
        """What the mappings left as the source writes it, and every default they filled in."""
        return self._rows(LOCAL_VALUES) if self.the_return.return_id == BUILT else []

    def teams(self) -> list[str]:
        """The teams that have something to do, in alphabetical order."""
        return sorted(row[0] for row in self.count_by("team"))

    def lines(
        self, names: Iterable[str], team: str | None = None, limit: int | None = None
    ) -> Iterator[Values]:
        """Lines in order, of a team or of all, with the columns of these names."""
        of_team = "where team = $team" if team else ""
        first = f"limit {limit}" if limit else ""
        found = self._connection.execute(
            f"select {', '.join(names)} from lines {of_team} order by line {first}",
            {"team": team} if team else None,
        )
        while batch := found.fetchmany(10_000):
            yield from batch


def _meant(tag: str, module: str, tags: list[str], items: list[_Item]) -> list[_Item]:
    """The items of a tag: the rule's own module's, else those of a part it names, else all."""
    held = [item for item in items if item.tag == tag]
    table = "sen2" if module == "header" else module
    parts = {other.lower() for other in tags}
    return (
        [item for item in held if item.table == table]
        or [item for item in held if item.table.replace("_", "") in parts]
        or held
    )


def _titled(item: _Item) -> str:
    return item.name if item.name == item.tag else f"{item.name} ({item.tag})"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"


def _sentence(counts: Values) -> str:
    """The counts of lines in words, most severe first."""
    *by_severity, issues, _, people, _ = counts
    if not issues:
        return "Nothing was found."
    words = (
        f"{count:,} {one if count == 1 else many}"
        for count, (one, many) in zip(by_severity, COUNTED_AS.values(), strict=True)
        if count
    )
    return f"{', '.join(words)}, for {_people(people)}."


def _write_csv(issues: _Issues, path: Path) -> None:
    """The lines for machines: UTF-8, codes instead of labels, no value read as a formula."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = spreadsheet.Writer(file)
        names = [column.name for column in issues.columns if column.name != "note"]
        names += NOTE_IN_CSV
        writer.row(names)
        writer.rows(issues.lines(names))


def new_workbook(path: Path, line_count: int) -> xlsxwriter.Workbook:
    """A workbook for that many lines; to be closed."""
    return spreadsheet.workbook(path, constant_memory=line_count > CONSTANT_MEMORY_LINES)


def _write_workbook(issues: _Issues, path: Path) -> None:
    """The workbook: where to start, counts, a sheet per team, the rules and the code lists."""
    the_return = issues.the_return
    line_count = issues.count()[len(SEVERITIES)]
    with new_workbook(path, line_count) as workbook:
        workbook.set_properties(
            {
                "title": f"SEN2 {the_return.year}: what to correct",
                "created": datetime.combine(the_return.survey_day, time()),
            }
        )
        book = Book(workbook)
        _start_sheet(book, issues)
        _summary_sheet(book, issues)
        for team in issues.teams():
            _issue_sheet(book, issues, team)
        _issue_sheet(book, issues)
        _kept_sheet(book, issues)
        _local_sheet(book, issues)
        _rule_sheets(book, issues.rules)
        _code_sheet(book, issues)


class Book:
    """A workbook under way: its formats, and the one way a table is laid out."""

    def __init__(self, workbook: Any, whole_in: str = CSV) -> None:
        """Define every format once; `whole_in` has the values that are too long for a cell."""
        self._whole_in = whole_in

        def style(**properties: object) -> Any:
            base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
            return workbook.add_format(base | properties)

        lined: dict[str, object] = {"text_wrap": True, "bottom": 1, "bottom_color": "#D9D9D9"}
        colours: dict[str, dict[str, object]] = {
            "load_reject": {"bg_color": "#9C0006", "font_color": "#FFFFFF", "bold": True},
            "error": {"bg_color": "#FFC7CE", "font_color": "#9C0006", "bold": True},
            "query": {"bg_color": "#FFEB9C", "font_color": "#7F4F00"},
        }
        self.workbook = workbook
        self.title = style(bold=True, font_size=14, font_color="#1F3864")
        self.strong = style(bold=True)
        self.wrapped = style(text_wrap=True, **TEXT)
        self.link = style(font_color="#0563C1", underline=1)
        head: dict[str, object] = {
            "bold": True,
            "text_wrap": True,
            "bg_color": "#1F3864",
            "font_color": "#FFFFFF",
            "border": 1,
            "border_color": "#FFFFFF",
        }
        self.headers = {False: style(**head), True: style(**head, align="right")}
        self.cell = style(**lined, **TEXT)
        self.number = style(**lined, num_format="#,##0")
        self.decimal = style(**lined, num_format="#,##0.0")
        self.lighter = style(**lined, **TEXT, font_color="#767676")
        self.severities = {key: style(**lined, **own) for key, own in colours.items()}

    def sheet(self, name: str, title: str, *widths: int) -> Any:
        """A sheet with its title in the first row, to be printed across A4, or A3 when wide."""
        sheet = self.workbook.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(A3 if sum(widths) > WIDEST_ON_A4 else A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.set_footer("&L&A&RPage &P of &N")
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        for position, width in enumerate(widths):
            sheet.set_column(position, position, width)
        sheet.set_row(0, 2 * LINE)
        sheet.write_string(0, 0, title, self.title)
        return sheet

    def table_sheet(
        self, name: str, title: str, columns: tuple[Column, ...], rows: Iterable[Values]
    ) -> None:
        """A sheet of one table to filter; its header stays in sight and heads each page."""
        sheet = self.sheet(name, title, *(column.width for column in columns))
        after = self.table(sheet, 1, columns, rows)
        sheet.freeze_panes(2, 1)
        sheet.autofilter(1, 0, max(after - 1, 1), len(columns) - 1)
        sheet.repeat_rows(1)

    def table(
        self, sheet: Any, row: int, columns: tuple[Column, ...], rows: Iterable[Values]
    ) -> int:
        """Write a table from `row` on; gives the row after it. What follows from others is grey."""
        places = {column.name: place for place, column in enumerate(columns)}
        severity, module = places.get("severity"), places.get("module")
        cause = places.get("main_cause")
        widths = [column.width for column in columns]
        for place, column in enumerate(columns):
            sheet.write_string(row, place, column.heading, self.headers[column.is_number])
        sheet.set_row(row, LINE * max(_lines(column.heading, column.width) for column in columns))
        for values in rows:
            row += 1
            height = 1
            follows = cause is not None and values[cause] != MAIN
            plain = self.lighter if follows else self.cell
            for place, value in enumerate(values):
                if value is None:
                    sheet.write_blank(row, place, None, plain)
                elif isinstance(value, int):
                    sheet.write_number(row, place, value, self.number if cause is None else plain)
                elif isinstance(value, float):
                    sheet.write_number(row, place, value, self.decimal)
                elif place == severity:
                    style = plain if follows else self.severities[value]
                    sheet.write_string(row, place, SEVERITIES[value], style)
                else:
                    text = MODULES[value] if place == module else self._fitted(value)
                    if len(text) > widths[place] or "\n" in text:
                        height = max(height, _lines(text, widths[place]))
                    sheet.write_string(row, place, text, plain)
            if height > 1:
                sheet.set_row(row, LINE * height)
        return row + 1

    def _fitted(self, text: str) -> str:
        """A value as a cell can hold it: xlsxwriter takes text from <r> to </r> for its own XML."""
        if len(text) > LONGEST_VALUE:
            text = f"{text[:LONGEST_VALUE]} (cut here; whole in {self._whole_in})"
        return f" {text}" if text.startswith("<r>") else text


@lru_cache(maxsize=10_000)
def _lines(text: str, width: int) -> int:
    """How many lines a text takes in a column, on the safe side: not every program measures it."""
    return sum(
        1 if len(line) <= width else ceil(len(line) / (1.2 * width - 3))
        for line in text.split("\n")
    )


def _issue_sheet(book: Book, issues: _Issues, team: str | None = None) -> None:
    """The lines of a team, or of all; it says how many it leaves to the CSV file."""
    counts = issues.count(team)
    left_out = counts[len(SEVERITIES)] - SHEET_LINES
    title = f"{team or ALL_ISSUES}: {_sentence(counts)}"
    if left_out > 0:
        title += f" THE FIRST {SHEET_LINES:,} LINES: {left_out:,} MORE ARE IN issues.csv."
    lines = issues.lines((column.name for column in issues.columns), team, SHEET_LINES)
    book.table_sheet(team or ALL_ISSUES, title, issues.columns, lines)


def _start_sheet(book: Book, issues: _Issues) -> None:
    """What this is, what each sheet holds, how to read a line, and what the rules are."""
    the_return = issues.the_return
    sheet = book.sheet(START_HERE, f"SEN2 {the_return.year}: what to correct", *START_WIDTHS)
    sheet.fit_to_pages(1, 1)
    names = "Names are shown." if issues.identify else "Names are not shown; ids and values are."
    origin = " (from the extract)" if the_return.return_id == BUILT else " (imported)"
    facts = [
        ("Return", the_return.return_id + origin),
        ("Authority", the_return.authority),
        ("Survey day", _day(the_return.survey_day)),
        ("As at", _day(the_return.as_at)),
        ("Found", _sentence(issues.count())),
        *([("Agreed with DfE", issues.agreed())] if issues.agreed() else []),
        ("Personal data", f"This file is about children. {names} {CARE}"),
    ]
    if the_return.is_provisional:
        facts.insert(2, ("PROVISIONAL YEAR", f"Not all is confirmed: {the_return.status}."))
    row = write_pairs(book, sheet, 2, facts)
    local = issues.local_values()
    sheet.write_string(row, 0, "The sheets", book.strong)
    sheets = [
        (SUMMARY, "Counts by severity, team, module and rule."),
        *((team, "What this team has to correct or explain.") for team in issues.teams()),
        (ALL_ISSUES, "The same lines, of all teams together."),
        (KEPT, "Your own notes and corrections, and what became of each."),
        *([(LOCAL, "Local codes that no mapping has, and defaults.")] if local else []),
        (IN_FORCE, "Every rule of the year: what was checked and what it found, also nothing."),
        (NOT_CHECKED, "Rules that are not or only partly checked here, and what it would take."),
        (CODES, "The codes that each item may hold this year."),
    ]
    for name, words in sheets:
        row += 1
        sheet.write_url(row, 0, f"internal:'{name}'!A1", book.link, name)
        sheet.write_string(row, 1, words, book.wrapped)
    sheet.write_string(row + 2, 0, "How to read a line", book.strong)
    row = write_pairs(book, sheet, row + 3, HOW_TO_READ)
    sheet.write_string(row, 0, "About the rules", book.strong)
    write_pairs(book, sheet, row + 1, ABOUT_THE_RULES)


def write_pairs(book: Book, sheet: Any, row: int, pairs: Iterable[tuple[str, str]]) -> int:
    """A word and what it means on each row; gives the row after an empty one."""
    for word, words in pairs:
        sheet.set_row(row, LINE * _lines(words, START_WIDTHS[1]))
        sheet.write_string(row, 0, word, book.strong if word.isupper() else book.wrapped)
        sheet.write_string(row, 1, words, book.wrapped)
        row += 1
    return row + 1


def _summary_sheet(book: Book, issues: _Issues) -> None:
    """Counts by severity, team, module and rule, the most severe first."""
    sheet = book.sheet(
        SUMMARY,
        f"Summary: {_sentence(issues.count())}",
        *(column.width for column in (GROUP, *COUNTED)),
    )
    row = 2
    modules = [(MODULES[module], *counts) for module, *counts in issues.count_by("module")]
    for heading, rows in (
        ("Whole return", [(ALL_ISSUES, *issues.count())]),
        ("Team", issues.count_by("team")),
        ("Module", modules),
        ("Rule", issues.count_by("rule_id || ' ' || message")),
    ):
        row = book.table(sheet, row, (GROUP._replace(heading=heading), *COUNTED), rows) + 1


def _kept_sheet(book: Book, issues: _Issues) -> None:
    """Every note and correction that the authority keeps, and what became of it."""
    lines = issues.kept()
    of_kind = Counter(line[0] for line in lines)
    without = sum(line[1] not in ("applied", "applies") for line in lines)
    notes, corrections = of_kind["Note"], of_kind["Correction"]
    title = (
        f"{notes:,} {'note' if notes == 1 else 'notes'} and {corrections:,}"
        f" {'correction' if corrections == 1 else 'corrections'}, {without:,} without effect."
    )
    book.table_sheet(KEPT, title, KEPT_LINE, lines)


def _local_sheet(book: Book, issues: _Issues) -> None:
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


def _code_sheet(book: Book, issues: _Issues) -> None:
    """The codes of the year, with the items that hold them."""
    users: dict[str | None, dict[str, None]] = {}
    for item in issues.items:
        users.setdefault(item.codeset, {})[item.tag] = None
    rows = (
        (code.codeset, ", ".join(users.get(code.codeset, ())), code.code, code.label)
        for code in issues.codes
    )
    book.table_sheet(CODES, f"The codes of {issues.the_return.year}.", CODE, rows)
