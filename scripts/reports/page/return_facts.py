"""What the page says of the return beside its figures."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from ... import spec
from ...ground.errors import InputError
from ...spec.constants import BUILT, WORST_FIRST
from ...warehouse import quoted
from .dfe_figures import figures_of

CHARTS = ("volumes", "rates", "settings", "needs", "ceased", "reviews", "decisions")


@dataclass(frozen=True)
class Facts:
    """What the page says of the return beside its figures."""

    year: int
    la_code: str
    survey_day: date
    deadline: date | None
    extracted_on: date
    as_at: date
    is_provisional: bool
    gates: list[tuple[str, int, int, bool]]
    limits: dict[str, int]
    periods: dict[str, str]
    rules: list[dict[str, Any]]
    teams: list[str]
    months: list[str]
    bands: list[str]
    clocks: list[str]


def read_facts(connection: duckdb.DuckDBPyConnection, year: int) -> Facts:
    """The dates, gates, rules and names that the figures hang from."""
    try:
        row = connection.execute(
            "select survey.la_code, survey.survey_day, collections.submission_deadline,"
            " settings.extracted_on, survey.as_at, collections.is_provisional,"
            " collections.period_start, collections.calendar_year_end"
            " from intermediate.survey as survey"
            " inner join spec.collections as collections"
            " on survey.collection_year = collections.collection_year"
            " cross join audit.extract_settings as settings"
            " where survey.collection_year = ?",
            [year],
        ).fetchone()
    except duckdb.CatalogException:
        raise InputError("The warehouse is not built. Run `sen2 build` first.") from None
    if row is None:
        raise InputError(f"The warehouse has no return of {year}. Run `sen2 build` first.")
    la_code, survey_day, deadline, extracted_on, as_at, is_provisional, start, end = row
    months = [
        f"{value.year}-{value.month:02d}"
        for (value,) in connection.execute(
            "select unnest(generate_series(?::date, ?::date, interval 1 month))", [start, end]
        ).fetchall()
    ]
    bands = {
        row["age_band"]: int(row["age_band"].split("-")[0])
        for row in spec.seed("form_cells")
        if row["age_band"]
    }
    return Facts(
        year=year,
        la_code=la_code,
        survey_day=survey_day,
        deadline=deadline,
        extracted_on=extracted_on,
        as_at=as_at,
        is_provisional=is_provisional,
        gates=_gates(connection, year),
        limits={
            row["name"]: int(row["value"])
            for row in spec.in_force("thresholds", year)
            if row["unit"] == "days"
        },
        periods=_periods(connection),
        rules=_rules(connection),
        teams=sorted({row["team"] for row in spec.seed("teams")}),
        months=months,
        bands=sorted(bands, key=lambda band: bands[band]),
        clocks=[
            clock
            for (clock,) in connection.execute(
                "select distinct clock from intermediate.clocks where end_date is null order by 1"
            ).fetchall()
        ],
    )


def _gates(connection: duckdb.DuckDBPyConnection, year: int) -> list[tuple[str, int, int, bool]]:
    """Each gate that was run: its expectations, how many were not met, whether it is open.

    What closes a gate is decided where it is run; here it is read off what was kept of it.
    """
    try:
        rows = connection.execute(
            "select gate, count(*), count(*) filter (outcome <> 'met'),"
            " bool_and(outcome = 'met' or (outcome = 'broken' and severity = 'query')"
            " or (outcome = 'no_rows' and expectation <> 'rows'))"
            " from audit.gate_results where return_id = ? and collection_year = ?"
            " group by gate order by list_position(['arrival', 'rules', 'leaving'], gate)",
            [BUILT, year],
        ).fetchall()
    except duckdb.CatalogException:
        return []
    return [(gate, count, broken, is_open) for gate, count, broken, is_open in rows]


def _periods(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Dataset to the period of the built return's row; none in the years of the form."""
    found: dict[str, str] = {}
    for dataset in {figure.dataset for chart in CHARTS for figure in figures_of(chart)}:
        row = connection.execute(
            f"select any_value(time_period) from published.{quoted(dataset)} where return_id = ?",
            [BUILT],
        ).fetchone()
        if row and row[0]:
            found[dataset] = row[0]
    return found


def _rules(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rules in force, the most severe first, with the team that corrects what each finds.

    In one severity they are in the order of their ids, which tells nothing of what they found.
    """
    found = connection.execute(
        "select summary.rule_id, summary.severity, summary.module, summary.message,"
        " coalesce(teams.team, 'No team') as team, summary.status, summary.issue_count,"
        " summary.likely_error, summary.accepted"
        " from validation.rule_summary as summary"
        " left join spec.teams as teams on summary.rule_id = teams.rule_id"
        " where summary.return_id = ?"
        " order by list_position(?, summary.severity), not summary.likely_error, summary.rule_id",
        [BUILT, list(WORST_FIRST)],
    )
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
