"""The figures of the page, counted in the warehouse: how many, never who.

Every count has a key, so that the same number is shown, or withheld, wherever it stands.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import duckdb

from ...spec.constants import BUILT, QUERY
from ...warehouse import quoted
from .dfe_figures import figures_of
from .return_facts import CHARTS, Facts
from .small_numbers import Key, Sum

ALL = "all"
BREACH_WEEKS = (1, 2, 4)
"""Ends, in weeks, of the bands of days left on a running clock."""
BINS_TO_LIMIT, BINS = 5, 13
"""Columns of the distribution of days up to the limit, and in all before the last, open one."""


def _published(dataset: str, column: str) -> Key:
    return ("published", dataset, column)


SAME_CASES: list[tuple[Key, Key]] = [
    (("clock", "issue_20_weeks", 0), ("issues", "rule", "O05", QUERY)),
    (("clock", "phase_transfer", 0), ("issues", "rule", "L23", QUERY)),
    (_published("requests", "request_outcome_over_6_weeks"), ("issues", "rule", "R20", QUERY)),
    (_published("caseload", "ehcplans"), _published("sen_needs_all_plans", "ehc_plans")),
]
"""Counts of two places of the page that are of the same cases, as on an extract of the survey day:
a clock, or a published figure, and the rule that finds what is late."""
REVIEWS = [
    _published("annual_reviews", name) for name in ("total_review_meeting", "no_review_meeting")
]


@dataclass
class Counts:
    """Counts by key, and which of them add up to which."""

    of: dict[Key, int] = field(default_factory=dict)
    sums: list[Sum] = field(default_factory=list)

    def add(self, rows: Iterable[tuple[Any, ...]], *name: str) -> None:
        """Counts of a query: the last column is the count, those before it end the key."""
        for *key, count in rows:
            self.of[(*name, *key)] = count

    def whole(self, whole: Key, parts: Iterable[Key], *, of_people: bool = True) -> None:
        """Say that counts add up to another; what is missing to it counts as one more part."""
        keys = tuple(parts)
        rest = self.of.get(whole, 0) - sum(self.of.get(key, 0) for key in keys)
        if rest > 0:
            self.of["rest", whole, keys] = rest
            keys = (*keys, ("rest", whole, keys))
        self.sums.append(Sum(whole, keys, of_people))


def read_counts(connection: duckdb.DuckDBPyConnection, facts: Facts) -> Counts:
    """Every count of the page."""
    counts = Counts()
    _issue_counts(connection, counts, facts)
    _case_counts(connection, counts)
    if facts.periods:
        _published_counts(connection, counts)
        _age_counts(connection, counts, facts.bands)
        _month_counts(connection, counts, facts.months)
        _day_counts(connection, counts, facts.limits["issue_days"])
    _clock_counts(connection, counts)
    return counts


def _one_count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """The number that a query gives."""
    (found,) = connection.execute(query).fetchall()
    return int(found[0])


def _issue_counts(connection: duckdb.DuckDBPyConnection, counts: Counts, facts: Facts) -> None:
    """Issues by rule, module, team and severity, and which queries have no note."""
    connection.execute(
        """
        create or replace temp table page_issues as
        select
            issues.rule_id,
            issues.module,
            if(issues.severity = 'query', 'query', if(agreed.record_id is null, 'error', 'agreed'))
                as severity,
            coalesce(teams.team, 'No team') as team,
            issues.person_id,
            issues.severity = 'query' and not exists (
                from validation.issue_notes as notes
                where
                    notes.return_id = issues.return_id
                    and notes.rule_id = issues.rule_id
                    and notes.record_id = issues.record_id
                    and notes.found is not distinct from issues.found
            ) as has_no_note,
        from validation.issues as issues
        left join spec.teams as teams on issues.rule_id = teams.rule_id
        left join (
            select distinct rule_id, record_id from validation.issue_notes where kind = 'agreed'
        ) as agreed
            on issues.rule_id = agreed.rule_id and issues.record_id = agreed.record_id
        where issues.return_id = 'built'
        """
    )
    # Errors that DfE has agreed to stop nothing: they are counted apart from the others.
    counts.of["agreed", "errors"] = _one_count(
        connection, "select count(*) from page_issues where severity = 'agreed'"
    )
    connection.execute("delete from page_issues where severity = 'agreed'")
    severities = ("error", QUERY)
    run = connection.execute
    for severity in severities:
        counts.of["issues", ALL, severity] = 0
        for team in facts.teams:
            counts.of["issues", "team", team, severity] = 0
    for team in facts.teams:
        counts.of["queries", "team", team, "no note"] = 0
    counts.of["queries", "no note"] = 0
    for kind in ("rule_id", "module", "team"):
        name = kind.removesuffix("_id")
        rows = run(f"select {kind}, severity, count(*) from page_issues group by all").fetchall()
        counts.add(rows, "issues", name)
    counts.add(run("select severity, count(*) from page_issues group by all").fetchall(),
               "issues", ALL)  # fmt: skip
    counts.add(
        run("select team, 'no note', count(*) from page_issues where has_no_note group by all")
        .fetchall(), "queries", "team",
    )  # fmt: skip
    counts.add(run("select 'no note', count(*) from page_issues where has_no_note").fetchall(),
               "queries")  # fmt: skip
    for severity in severities:
        of_rules: dict[tuple[str, str], list[Key]] = {}
        for rule in facts.rules:
            if (rule["severity"] == QUERY) == (severity == QUERY):
                key = ("issues", "rule", rule["rule_id"], severity)
                if rule["status"] != "not checked":
                    counts.of.setdefault(key, 0)
                of_rules.setdefault(("module", rule["module"]), []).append(key)
                of_rules.setdefault(("team", rule["team"]), []).append(key)
        for kind in ("module", "team"):
            wholes: list[Key] = []
            for (name, member), keys in of_rules.items():
                if name == kind:
                    counts.of.setdefault(("issues", kind, member, severity), 0)
                    wholes.append(("issues", kind, member, severity))
                    counts.whole(wholes[-1], keys, of_people=False)
            counts.whole(("issues", ALL, severity), wholes, of_people=False)
    for team in facts.teams:
        key = ("queries", "team", team, "no note")
        counts.whole(("issues", "team", team, QUERY), [key], of_people=False)
    of_teams = [("queries", "team", team, "no note") for team in facts.teams]
    counts.whole(("queries", "no note"), of_teams, of_people=False)
    counts.whole(("issues", ALL, QUERY), [("queries", "no note")], of_people=False)


def _case_counts(connection: duckdb.DuckDBPyConnection, counts: Counts) -> None:
    """How many people and plans the return holds."""
    people, plans = connection.execute(
        "select (select count(*) from person_level.person where return_id = $1),"
        " (select count(*) from intermediate.case_scope where category = 'active_plan')",
        [BUILT],
    ).fetchone() or (0, 0)
    counts.of["return", "people"] = people
    counts.of["return", "active plans"] = plans


def _published_counts(connection: duckdb.DuckDBPyConnection, counts: Counts) -> None:
    """The columns of DfE's tables that the page uses, on the row of all, and their sums."""
    for chart in CHARTS:
        parts: dict[Key, list[Key]] = {}
        whole: Key
        for figure in figures_of(chart):
            row = connection.execute(
                f"select * from published.{quoted(figure.dataset)} where return_id = ?"
                " and breakdown_topic = (select breakdown_topic from spec.published_breakdowns"
                " where dataset = ? and characteristic = 'all')",
                [BUILT, figure.dataset],
            )
            names = [column[0] for column in row.description]
            values = dict(zip(names, row.fetchone() or [], strict=False))
            columns = [figure.part, *filter(None, figure.whole.split(";"))]
            for column in columns:
                if str(values.get(column, "")).isdigit():
                    counts.of["published", figure.dataset, column] = int(values[column])
            whole = ("published", figure.dataset, figure.whole)
            of_whole = [("published", figure.dataset, name) for name in figure.whole.split(";")]
            if len(of_whole) > 1 and all(key in counts.of for key in of_whole):
                counts.of[whole] = sum(counts.of[key] for key in of_whole)
                counts.whole(whole, of_whole)
            part = ("published", figure.dataset, figure.part)
            if figure.whole and whole in counts.of and part in counts.of:
                parts.setdefault(whole, []).append(part)
                counts.whole(whole, [part])
        if chart not in ("volumes", "rates"):
            for whole, keys in parts.items():
                counts.whole(whole, keys)
    if all(key in counts.of for key in REVIEWS):
        counts.whole(_published("annual_reviews", "review_expected"), REVIEWS)


def _age_counts(connection: duckdb.DuckDBPyConnection, counts: Counts, bands: list[str]) -> None:
    """Plans in force by age band and setting; both margins are shown."""
    columns = ["ehcplans", *(figure.part for figure in figures_of("settings"))]
    for column in columns:
        rows = connection.execute(
            "with bands as ("
            "  select unnest(?) as band, split_part(band, '-', 1)::integer as low,"
            "  split_part(band, '-', 2)::integer as high)"
            f" select bands.band, sum(try_cast(caseload.{quoted(column)} as bigint))::bigint"
            " from published.caseload as caseload"
            " inner join spec.published_breakdowns as rows"
            " on rows.dataset = 'caseload' and rows.characteristic = 'age'"
            " and caseload.breakdown_topic = rows.breakdown_topic"
            " and caseload.breakdown = rows.breakdown"
            " inner join bands on coalesce(rows.low, rows.high) between bands.low and bands.high"
            " where caseload.return_id = ? group by bands.band",
            [bands, BUILT],
        ).fetchall()
        counts.add([(band, column, value) for band, value in rows if value is not None], "age")
        counts.whole(("published", "caseload", column), [("age", band, column) for band in bands])
    for band in bands:
        counts.whole(("age", band, "ehcplans"), [("age", band, name) for name in columns[1:]])


def _month_counts(connection: duckdb.DuckDBPyConnection, counts: Counts, months: list[str]) -> None:
    """Requests received and assessments concluded, by month of the calendar year."""
    for name, dataset, column, query in (
        (
            "requests by month", "requests", "requests_received_in_year",
            "select strftime(requests.received_date, '%Y-%m') as month, count(*)"
            " from published.requests_decided_or_received as counted"
            " inner join person_level.requests as requests using (return_id, request_id)"
            " where return_id = ? and counted.is_received group by month",
        ),
        (
            "assessments by month", "assessments", "assess_in_year",
            "select strftime(assessment.assessment_outcome_date, '%Y-%m') as month, count(*)"
            " from (select distinct return_id, request_id from published.assessments_concluded)"
            " inner join (select return_id, request_id,"
            " min(assessment_outcome_date) as assessment_outcome_date"
            " from person_level.assessment group by all) as assessment"
            " using (return_id, request_id) where return_id = ? group by month",
        ),
    ):  # fmt: skip
        for month in months:
            counts.of[name, month] = 0
        counts.add(connection.execute(query, [BUILT]).fetchall(), name)
        counts.whole(("published", dataset, column), [(name, month) for month in months])


def _day_counts(connection: duckdb.DuckDBPyConnection, counts: Counts, limit: int) -> None:
    """Plans issued by days since the request, in even steps of which the limit ends one."""
    step = limit // BINS_TO_LIMIT
    for place in range(BINS + 1):
        counts.of["days", place] = 0
    counts.add(
        connection.execute(
            "select least(greatest((days - 1) // ?, 0), ?)::integer as place, count(*)"
            " from published.plans_timed where return_id = ? and not is_exception group by place",
            [step, BINS, BUILT],
        ).fetchall(),
        "days",
    )
    all_days = [("days", place) for place in range(BINS + 1)]
    counts.whole(("published", "timeliness_20_week", "plans_issued_den_ex"), all_days)
    counts.whole(
        ("published", "timeliness_20_week", "plans_issued_20_weeks_ex"), all_days[:BINS_TO_LIMIT]
    )


def _clock_counts(connection: duckdb.DuckDBPyConnection, counts: Counts) -> None:
    """Clocks not ended: overdue, or by when they are due. A plan that ceased needs no review."""
    ends = [7 * weeks for weeks in BREACH_WEEKS]
    counts.add(
        connection.execute(
            "select clocks.clock, case when clocks.days_left < 0 then 0"
            " else 1 + len(list_filter(?, lambda day: day < clocks.days_left)) end as band,"
            " count(*) from intermediate.clocks as clocks"
            " inner join intermediate.case_scope as scope"
            " on clocks.request_id = scope.request_id"
            " where clocks.end_date is null and scope.category <> 'recently_ceased' group by all",
            [ends],
        ).fetchall(),
        "clock",
    )
    weigh_same_cases(counts)


def weigh_same_cases(counts: Counts) -> None:
    """Say which counts are of the same cases, and so tell of each other.

    They differ where the extract is newer than the survey day, by which the rules go.
    """
    for whole, part in SAME_CASES:
        if counts.of.get(whole, 0) == counts.of.get(part, 0) > 0:
            counts.whole(whole, [part], of_people=False)
