"""The three gates, on Great Expectations: what arrived, the rules of the survey, what leaves.

The suites are JSON in gx/expectations, written from the seeds (`suite_files`). A gate shows Great
Expectations booleans and counts only, so that no result can hold a value from a person's record.
What was not checked is red: an expectation that raises, a suite that saw no rows, a rule in force
that has no expectation.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from .. import spec, warehouse
from ..export.read_back import TableDigest
from ..ground.sql import literal, quoted

if TYPE_CHECKING:
    from great_expectations.datasource.fluent import SQLDatasource
from .engine import batch_of, check_batch, open_source, suite_in_force
from .gate_results import ROWS, SIZE, GateResult, Meta
from .suite_files import (
    FILLED,
    RULE_FIELDS,
    equal_meta,
    filled_meta,
    least_filled,
    present_meta,
    rule_meta,
)

# The table whose rows a module checks, where it has not the module's own name.
PERSON_LEVEL_TABLE = {"file": "sen2", "header": "sen2", "return": "sen2"}
NEVER_EMPTY = {"arrival_people", "rules_header", "rules_person", "rules_requests"}
RULE_COLUMN = re.compile(r"(?P<rule>rule_.+?)(__from_(?P<year>\d{4}))?")
PUBLISHED_SIZE = """
    select figures.number, figures.collection_year
    from intermediate.dfe_figures as figures
    inner join audit.extract_settings as settings on figures.la_code = settings.la_code
    where figures.dataset = 'caseload' and figures.is_total and figures.figure = 'ehcplans'
        and figures.number is not null and figures.collection_year < ?
    order by figures.collection_year desc
    limit 1
"""
OPEN_PLANS = """
    select _row from raw.plans
    where coalesce(try_cast(start_date as date) <= date '{day}', true)
        and coalesce(try_cast(cease_date as date) > date '{day}', true)
"""
"""The plans that landed and are open on the survey day; a date that cannot be read closes none."""


class ColumnCount(NamedTuple):
    """How many rows the table of a column had in the last good run, and how many left it blank."""

    rows: int
    missing: int


def arrival_gate(path: Path, year: int, project: Path = spec.PROJECT) -> GateResult:
    """Whether the landed tables have the contract's columns and are like the last good run's.

    A warehouse without a last good run (`save_baseline`) compares nothing. Where DfE's published
    figures were landed, the open plans are compared with the authority's last published caseload.
    """
    limits = {row["name"]: Decimal(row["value"]) for row in spec.in_force("thresholds", year)}
    result = GateResult("arrival")
    with warehouse.connect(path, read_only=True) as connection, open_source(connection) as source:
        baseline = _baseline(connection)
        for table, required in _required_columns(year).items():
            before = baseline.get(table, {})
            rows_before = max((count.rows for count in before.values()), default=0)
            wanted = [ROWS, *map(present_meta, required)]
            fall = max(rows_before * limits["arrival_fall_share"], limits["arrival_fall_rows"])
            least_rows = max(ceil(rows_before - fall), 0)
            parameters: dict[str, float] = {
                "least_rows": max(least_rows, int(f"arrival_{table}" in NEVER_EMPTY))
            }
            for row in required:
                count = before.get(row["column_name"])
                if count and count.rows:
                    wanted.append(filled_meta(row))
                    filled = 1 - Decimal(count.missing) / count.rows
                    parameters[least_filled(row)] = float(filled - limits["arrival_missing_rise"])
            suite = suite_in_force(project, f"arrival_{table}", wanted, result)
            landed = set(_columns(connection, "raw", table))
            present = [row["column_name"] for row in required if row["column_name"] in landed]
            batch = batch_of(source, table, _filled_query(table, present))
            check_batch(batch, suite, _row_count(connection, f"raw.{table}"), parameters, result)
            _note_falls(table, before, result)
        _check_size(connection, source, year, limits, project, result)
    return result


def _check_size(
    connection: duckdb.DuckDBPyConnection,
    source: "SQLDatasource",
    year: int,
    limits: Mapping[str, Decimal],
    project: Path,
    result: GateResult,
) -> None:
    """Whether the open plans that landed are about as many as DfE last published, if it has."""
    found = _published_size(connection, year)
    if found is None:
        return
    published, of_year = found
    fall = max(published * limits["arrival_published_fall"], limits["arrival_fall_rows"])
    rise = max(published * limits["arrival_published_rise"], limits["arrival_fall_rows"])
    parameters = {
        "least_plans": float(max(ceil(published - fall), 0)),
        "most_plans": float(published + rise),
    }
    suite = suite_in_force(project, "arrival_size", [SIZE], result)
    query = OPEN_PLANS.format(day=spec.collection(year).survey_day)
    rows = _row_count(connection, f"({query})")
    check_batch(batch_of(source, "size", query), suite, rows, parameters, result)
    last = result.expectations[-1]
    result.expectations[-1] = replace(last, words=_size_words(rows, published, of_year))


def _note_falls(table: str, before: Mapping[str, ColumnCount], result: GateResult) -> None:
    """Say of every red expectation of a table what it was in the last good run, and what it is."""
    suite = f"arrival_{table}"
    for checked in result.expectations:
        if checked.suite != suite or not checked.is_red:
            continue
        rows = checked.rows_checked
        if checked.rule_id == ROWS["rule_id"]:
            last = max((count.rows for count in before.values()), default=0)
            words = f"{table} {last:,} rows in the last good run, {rows:,} now"
            result.fallen[suite, checked.rule_id] = words if last else f"{table} has no rows"
        column = checked.rule_id.removesuffix(FILLED)
        if checked.rule_id.endswith(FILLED) and checked.outcome == "broken" and column in before:
            last_blank, last = before[column].missing, before[column].rows
            result.fallen[suite, checked.rule_id] = (
                f"{table}, {column}: blank in {last_blank:,} of {last:,} rows in the last good run,"
                f" in {checked.broken:,} of {rows:,} now"
            )


def _size_words(plans: int, published: int, of_year: int) -> str:
    """How many plans arrived, and how many DfE last published."""
    change = 100 * (plans - published) / published if published else 0
    more = "more" if change > 0 else "fewer"
    return (
        f"{plans:,} open plans are in the extract as it landed, and DfE last published"
        f" {published:,} ({of_year}): {abs(change):.0f}% {more}. Check that it is of the right"
        " authority."
    )


def _published_size(connection: duckdb.DuckDBPyConnection, year: int) -> tuple[int, int] | None:
    """The authority's caseload as last published before the year, and its year; None if unknown."""
    if not _columns(connection, "intermediate", "dfe_figures"):
        return None
    found = connection.execute(PUBLISHED_SIZE, [year]).fetchone()
    return (int(found[0]), int(found[1])) if found else None


def save_baseline(path: Path, year: int) -> None:
    """Keep the landed row counts and blanks as the last good run; call it after a green run."""
    with warehouse.connect(path) as connection:
        connection.begin()
        connection.execute(
            "create or replace table audit.arrival_baseline"
            " (table_name varchar, column_name varchar, row_count bigint, missing_count bigint)"
        )
        for table, required in _required_columns(year).items():
            for row in required:
                query = _filled_query(table, [row["column_name"]])
                connection.execute(
                    "insert into audit.arrival_baseline"
                    " select ?, ?, count(*), count(*) - count(columns(* exclude (_row)))"
                    f" from ({query})",
                    [table, row["column_name"]],
                )
        connection.commit()


def rules_gate(path: Path, return_id: str, year: int, project: Path = spec.PROJECT) -> GateResult:
    """Whether every rule in force that can be checked was, on one return, and found no error."""
    result = GateResult("rules")
    of_return = "where return_id = ?"
    with warehouse.connect(path, read_only=True) as connection, open_source(connection) as source:
        severities, agreed = _local_severities(connection), _agreed(connection, return_id)
        for module, wanted in _rules_in_force(connection, year).items():
            suite = suite_in_force(project, f"rules_{module}", [ROWS, *wanted], result, severities)
            columns = _columns(connection, "validation", f"{module}_checks")
            query = _broken_query(module, columns, return_id, year, agreed)
            rows = _row_count(connection, f"validation.{module}_checks {of_return}", return_id)
            table = quoted(PERSON_LEVEL_TABLE.get(module, module))
            returned = _row_count(connection, f"person_level.{table} {of_return}", return_id)
            least = 1 if suite.name in NEVER_EMPTY else min(returned, 1)
            batch = batch_of(source, module, query)
            check_batch(batch, suite, rows, {"least_rows": least}, result)
    result.expectations[:] = [
        replace(each, agreed=agreed.get(each.rule_id, 0)) for each in result.expectations
    ]
    return result


def _local_severities(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Rule to the severity that the authority gave it in place of the catalogue's."""
    if not _columns(connection, "local", "rule_severities"):
        return {}
    return dict(
        connection.execute("select rule_id, severity from local.rule_severities").fetchall()
    )


def _agreed(connection: duckdb.DuckDBPyConnection, return_id: str) -> dict[str, int]:
    """Rule to how many of its errors DfE has agreed to."""
    if not _columns(connection, "validation", "issue_notes"):
        return {}
    return dict(
        connection.execute(
            "select issues.rule_id, count(distinct issues.record_id)"
            " from validation.issues as issues inner join validation.issue_notes as notes"
            " using (return_id, rule_id, record_id)"
            " where return_id = ? and notes.kind = 'agreed' and issues.severity = 'error'"
            " group by issues.rule_id",
            [return_id],
        ).fetchall()
    )


def leaving_gate(
    written: Mapping[str, TableDigest],
    stored: Mapping[str, TableDigest],
    project: Path = spec.PROJECT,
) -> GateResult:
    """Whether what was written, read back from the file, equals what the tables hold."""
    result = GateResult("leaving")
    wanted = [equal_meta(column) for column in TableDigest._fields]
    with duckdb.connect() as connection, open_source(connection) as source:
        for table in sorted(written.keys() | stored.keys()):
            suite = suite_in_force(project, "leaving", wanted, result)
            suite.name = f"leaving_{table}"
            digests = {"written": written.get(table), "stored": stored.get(table)}
            values = {
                f"{side}_{column}": value
                for side, digest in digests.items()
                for column, value in (digest or TableDigest(0, ""))._asdict().items()
            }
            query = "select " + ", ".join(f"'{value}' as {name}" for name, value in values.items())
            rows = written.get(table, TableDigest(0, "")).rows
            check_batch(batch_of(source, table, query), suite, rows, {}, result)
    return result


def _required_columns(year: int) -> dict[str, list[spec.Row]]:
    """Contract table to the contract rows of the columns that the year's extract must have."""
    tables: dict[str, list[spec.Row]] = {}
    for row in spec.seed("extract_contract"):
        first, last = row["must_be_present_from"], row["must_be_present_to"]
        if first and int(first) <= year <= int(last):
            tables.setdefault(row["table_name"], []).append(row)
    return tables


def _rules_in_force(connection: duckdb.DuckDBPyConnection, year: int) -> dict[str, list[Meta]]:
    """Module to the rules of the year that can be checked, from the warehouse's catalogue."""
    modules: dict[str, list[Meta]] = {}
    for row in connection.execute(
        f"select {', '.join(RULE_FIELDS)} from spec.rules"
        " where ? between year_from and year_to and checked <> 'no' order by module, rule_id",
        [year],
    ).fetchall():
        meta = rule_meta(dict(zip(RULE_FIELDS, row, strict=True)))
        modules.setdefault(meta["module"], []).append(meta)
    return modules


def _baseline(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, ColumnCount]]:
    """Table and column to the counts of the last good run; nothing in a fresh warehouse."""
    tables: dict[str, dict[str, ColumnCount]] = {}
    if _columns(connection, "audit", "arrival_baseline"):
        for table, column, rows, missing in connection.execute(
            "select table_name, column_name, row_count, missing_count from audit.arrival_baseline"
        ).fetchall():
            tables.setdefault(table, {})[column] = ColumnCount(rows, missing)
    return tables


def _columns(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[str]:
    """The columns of a table in order; none when there is no such table."""
    return [
        name
        for (name,) in connection.execute(
            "select column_name from information_schema.columns"
            " where table_schema = ? and table_name = ? order by ordinal_position",
            [schema, table],
        ).fetchall()
    ]


def _row_count(connection: duckdb.DuckDBPyConnection, rows: str, *values: str) -> int:
    """How many rows `select ... from <rows>` has; none when there is no such table."""
    try:
        found = connection.execute(f"select count(*) from {rows}", values).fetchone()
    except duckdb.CatalogException:
        return 0
    return int(found[0]) if found else 0


def _filled_query(table: str, columns: Iterable[str]) -> str:
    """A landed table with true in place of every value, and null where it is blank."""
    filled = [f"case when trim({c}) <> '' then true end as {c}" for c in map(quoted, columns)]
    return f"select {', '.join(['_row', *filled])} from raw.{table}"


def _broken_query(
    module: str, columns: Iterable[str], return_id: str, year: int, agreed: Iterable[str] = ()
) -> str:
    """A module's checks of one return, each rule's column of the year under the rule's own name.

    A null, which no check should give, counts as broken; an error that DfE has agreed to does not.
    """
    of_year: dict[str, str] = {}
    for column in sorted(columns):
        match = RULE_COLUMN.fullmatch(column)
        if match and int(match["year"] or 0) <= year:
            of_year[match["rule"]] = column
    return_text = "'" + return_id.replace("'", "''") + "'"
    agreed_columns = {f"rule_{rule.lower()}": rule for rule in agreed}
    broken = [
        f"{quoted(column)} is distinct from false"
        + (
            " and record_id not in (select record_id from validation.issue_notes"
            f" where return_id = {return_text} and rule_id = '{agreed_columns[rule]}'"
            " and kind = 'agreed')"
            if rule in agreed_columns
            else ""
        )
        + f" as {quoted(rule)}"
        for rule, column in of_year.items()
    ]
    return (
        f"select {', '.join(['return_id', *broken])} from validation.{module}_checks"
        f" where return_id = {literal(return_id)}"
    )
