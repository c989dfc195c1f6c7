"""The three gates, on Great Expectations: what arrived, the rules of the survey, what leaves.

The suites are JSON in gx/expectations, written from the seeds by `write_suites`. A gate shows Great
Expectations booleans and counts only, so that no result can hold a value from a person's record.
What was not checked is red: an expectation that raises, a suite that saw no rows, a rule in force
that has no expectation. Great Expectations takes seconds to import, so only a gate imports it.
"""

import json
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import ceil
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import duckdb

from .. import spec, warehouse
from ..export.read_back import TableDigest
from ..ground.sql import literal, quoted

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.datasource.fluent import SQLDatasource
    from great_expectations.datasource.fluent.interfaces import Batch
    from great_expectations.expectations import Expectation

Outcome = Literal["met", "broken", "raised", "missing", "no_rows"]
Meta = dict[str, Any]

GX_SEVERITY = {"load_reject": "critical", "error": "critical", "query": "warning"}
# The table whose rows a module checks, where it has not the module's own name.
PERSON_LEVEL_TABLE = {"file": "sen2", "header": "sen2", "return": "sen2"}
NEVER_EMPTY = {"arrival_people", "rules_header", "rules_person", "rules_requests"}
RULE_FIELDS = ("rule_id", "severity", "module", "year_from", "year_to")
RULE_COLUMN = re.compile(r"(?P<rule>rule_.+?)(__from_(?P<year>\d{4}))?")
ROWS: Meta = {"rule_id": "rows", "severity": "error"}
SIZE: Meta = {"rule_id": "size as published", "severity": "error"}
FILLED = " is filled in"
SAID: dict[Outcome, str] = {
    "met": "met",
    "broken": "not met",
    "raised": "could not be checked, its column is missing or cannot be computed",
    "missing": "in force without an expectation in gx/expectations, write the suites again",
    "no_rows": "no rows were checked",
}
# The expectations that count rows: how many rows do not meet them, from what was observed.
BROKEN_ROWS: dict[str, Callable[[float, int], int]] = {
    "expect_column_sum_to_be_between": lambda observed, rows: int(observed),
    "expect_column_proportion_of_non_null_values_to_be_between": lambda observed, rows: round(
        rows * (1 - observed)
    ),
}


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


@dataclass(frozen=True)
class Checked:
    """One expectation of a gate and what came of it; `broken` counts the rows that fail it.

    `agreed` counts the rows that fail it and that DfE has agreed to: they are not in `broken`.
    """

    suite: str
    rule_id: str
    severity: str
    outcome: Outcome
    words: str = ""
    rows_checked: int = 0
    broken: int = 0
    agreed: int = 0

    @property
    def is_red(self) -> bool:
        """Whether this alone closes the gate: a broken query does not, what went unchecked does."""
        match self.outcome:
            case "met":
                return False
            case "broken":
                return GX_SEVERITY[self.severity] == "critical"
            case "no_rows":
                return self.rule_id == ROWS["rule_id"]
            case _:
                return True

    @property
    def reason(self) -> str:
        """The outcome as a sentence without values."""
        if self.rule_id == SIZE["rule_id"] and self.outcome == "broken":
            return self.words
        count = f" by {self.broken} of {self.rows_checked} rows" if self.broken else ""
        return f"{self.suite}, {self.rule_id}: {SAID[self.outcome]}{count}. {self.words}".rstrip()


@dataclass(frozen=True)
class GateResult:
    """A gate's expectations and what came of them; `validations` are the same, for `write_docs`.

    `fallen` says, at arrival, what fell from what to what, by suite and expectation.
    """

    gate: Literal["arrival", "rules", "leaving"]
    expectations: list[Checked] = field(default_factory=list)
    validations: "list[ExpectationSuiteValidationResult]" = field(default_factory=list, repr=False)
    fallen: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def is_red(self) -> bool:
        """Whether the gate is closed."""
        return bool(self.reasons)

    @property
    def agreed(self) -> dict[str, int]:
        """Rule to the errors of it that DfE has agreed to, so that they do not close the gate."""
        return {each.rule_id: each.agreed for each in self.expectations if each.agreed}

    @property
    def reasons(self) -> list[str]:
        """Why the gate is closed, one sentence an expectation; none when it is open."""
        if not self.expectations:
            return ["There was nothing to check."]
        return [
            self.fallen.get((checked.suite, checked.rule_id), checked.reason)
            for checked in self.expectations
            if checked.is_red
        ]


class ColumnCount(NamedTuple):
    """How many rows the table of a column had in the last good run, and how many left it blank."""

    rows: int
    missing: int


def agreed_words(agreed: Mapping[str, int]) -> str:
    """How many errors DfE has agreed to, and of which rules."""
    total = sum(agreed.values())
    rules = ", ".join(f"{rule} {count:,}" for rule, count in sorted(agreed.items()))
    return f"{total:,} {'error' if total == 1 else 'errors'} agreed with DfE ({rules})"


def warm_up() -> None:
    """Import Great Expectations ahead of the first gate, while something else takes its time.

    A command that ends meanwhile cuts it off, which is nobody's fault; a gate that needs it and
    cannot have it says so.
    """
    with suppress(Exception):
        _context()


def arrival_gate(path: Path, year: int, project: Path = spec.PROJECT) -> GateResult:
    """Whether the landed tables have the contract's columns and are like the last good run's.

    A warehouse without a last good run (`save_baseline`) compares nothing. Where DfE's published
    figures were landed, the open plans are compared with the authority's last published caseload.
    """
    limits = {row["name"]: Decimal(row["value"]) for row in spec.in_force("thresholds", year)}
    result = GateResult("arrival")
    with warehouse.connect(path, read_only=True) as connection, _source(connection) as source:
        baseline = _baseline(connection)
        for table, required in _required_columns(year).items():
            before = baseline.get(table, {})
            rows_before = max((count.rows for count in before.values()), default=0)
            wanted = [ROWS, *map(_present_meta, required)]
            fall = max(rows_before * limits["arrival_fall_share"], limits["arrival_fall_rows"])
            least_rows = max(ceil(rows_before - fall), 0)
            parameters: dict[str, float] = {
                "least_rows": max(least_rows, int(f"arrival_{table}" in NEVER_EMPTY))
            }
            for row in required:
                count = before.get(row["column_name"])
                if count and count.rows:
                    wanted.append(_filled_meta(row))
                    filled = 1 - Decimal(count.missing) / count.rows
                    parameters[_least_filled(row)] = float(filled - limits["arrival_missing_rise"])
            suite = _suite(project, f"arrival_{table}", wanted, result)
            landed = set(_columns(connection, "raw", table))
            present = [row["column_name"] for row in required if row["column_name"] in landed]
            batch = _batch(source, table, _filled_query(table, present))
            _check(batch, suite, _row_count(connection, f"raw.{table}"), parameters, result)
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
    suite = _suite(project, "arrival_size", [SIZE], result)
    query = OPEN_PLANS.format(day=spec.collection(year).survey_day)
    rows = _row_count(connection, f"({query})")
    _check(_batch(source, "size", query), suite, rows, parameters, result)
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
    """How many plans arrived, how many DfE last published, and what to do if that is right."""
    change = 100 * (plans - published) / published if published else 0
    more = "more" if change > 0 else "fewer"
    return (
        f"{plans:,} plans in force arrived, and DfE last published {published:,} ({of_year}):"
        f" {abs(change):.0f}% {more}. Check that the extract is whole and of the right authority;"
        " if it is right, go on with --accept-arrival."
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
    with warehouse.connect(path, read_only=True) as connection, _source(connection) as source:
        severities, agreed = _local_severities(connection), _agreed(connection, return_id)
        for module, wanted in _rules_in_force(connection, year).items():
            suite = _suite(project, f"rules_{module}", [ROWS, *wanted], result, severities)
            columns = _columns(connection, "validation", f"{module}_checks")
            query = _broken_query(module, columns, return_id, year, agreed)
            rows = _row_count(connection, f"validation.{module}_checks {of_return}", return_id)
            table = quoted(PERSON_LEVEL_TABLE.get(module, module))
            returned = _row_count(connection, f"person_level.{table} {of_return}", return_id)
            least = 1 if suite.name in NEVER_EMPTY else min(returned, 1)
            batch = _batch(source, module, query)
            _check(batch, suite, rows, {"least_rows": least}, result)
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
    wanted = [_equal_meta(column) for column in TableDigest._fields]
    with duckdb.connect() as connection, _source(connection) as source:
        for table in sorted(written.keys() | stored.keys()):
            suite = _suite(project, "leaving", wanted, result)
            suite.name = f"leaving_{table}"
            digests = {"written": written.get(table), "stored": stored.get(table)}
            values = {
                f"{side}_{column}": value
                for side, digest in digests.items()
                for column, value in (digest or TableDigest(0, ""))._asdict().items()
            }
            query = "select " + ", ".join(f"'{value}' as {name}" for name, value in values.items())
            rows = written.get(table, TableDigest(0, "")).rows
            _check(_batch(source, table, query), suite, rows, {}, result)
    return result


def store_results(path: Path, result: GateResult, return_id: str, year: int) -> None:
    """Replace what audit.gate_results holds of this gate."""
    with warehouse.connect(path) as connection:
        connection.execute(
            "create table if not exists audit.gate_results"
            f" ({warehouse.AUDIT_TABLES['gate_results']})"
        )
        connection.begin()
        connection.execute("delete from audit.gate_results where gate = ?", [result.gate])
        for each in result.expectations:
            connection.execute(
                "insert into audit.gate_results values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    result.gate,
                    return_id,
                    year,
                    each.suite,
                    each.rule_id,
                    each.severity,
                    each.outcome,
                    each.rows_checked,
                    each.broken,
                ],
            )
        connection.commit()


def write_docs(folder: Path, results: Iterable[GateResult], project: Path = spec.PROJECT) -> None:
    """Great Expectations' pages of the results, one a suite and an index, all readable offline."""
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    folder.mkdir(parents=True, exist_ok=True)
    results = list(results)
    view = DefaultJinjaPageView(custom_views_directory=str(project / "gx" / "views"))
    renderer = ValidationResultsPageRenderer(run_info_at_end=True)
    pages = {"index": view.env.get_template("index.j2").render(results=results)}
    for validation in (each for result in results for each in result.validations):
        document = renderer.render(validation)
        pages[validation.suite_name] = view.render(document, template="suite.j2")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")


def write_suites(project: Path = spec.PROJECT) -> None:
    """Write every suite to gx/expectations from the contract and the rules in seeds/spec."""
    from great_expectations import ExpectationSuite

    folder = project / "gx" / "expectations"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        old.unlink()
    for name, expectations in _suites().items():
        suite = ExpectationSuite(name=name, expectations=expectations)
        text = json.dumps(suite.to_json_dict(), indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _suites() -> "dict[str, list[Expectation]]":
    """Suite name to its expectations of all years; their meta says from which year to which."""
    from great_expectations import expectations as gxe

    rows = gxe.ExpectTableRowCountToBeBetween(
        min_value={"$PARAMETER": "least_rows"},
        description="There are as many rows as there should be.",
        meta=ROWS,
    )
    suites: dict[str, list[Expectation]] = {}
    for row in spec.seed("extract_contract"):
        if row["must_be_present_from"]:
            column = row["column_name"]
            suites.setdefault(f"arrival_{row['table_name']}", [rows]).extend(
                [
                    gxe.ExpectColumnToExist(
                        column=column,
                        description=f"The column {column} is there.",
                        meta=_present_meta(row),
                    ),
                    gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(
                        column=column,
                        min_value={"$PARAMETER": _least_filled(row)},
                        description=f"{column} is blank about as often as in the last good run.",
                        meta=_filled_meta(row),
                    ),
                ]
            )
    suites["arrival_size"] = [
        gxe.ExpectTableRowCountToBeBetween(
            min_value={"$PARAMETER": "least_plans"},
            max_value={"$PARAMETER": "most_plans"},
            description="There are about as many open plans as DfE last published of the authority."
            " If that is right, go on with --accept-arrival.",
            meta=SIZE,
        )
    ]
    for row in spec.seed("rules"):
        if row["checked"] != "no":
            meta = _rule_meta(row)
            suites.setdefault(f"rules_{row['module']}", [rows]).append(
                gxe.ExpectColumnSumToBeBetween(
                    column=meta["column"],
                    max_value=0,
                    severity=GX_SEVERITY[row["severity"]],
                    description=row["message"],
                    meta=meta,
                )
            )
    suites["leaving"] = [
        gxe.ExpectColumnPairValuesToBeEqual(
            column_A=f"written_{column}",
            column_B=f"stored_{column}",
            description=f"The file has the same {column} as the table.",
            meta=_equal_meta(column),
        )
        for column in TableDigest._fields
    ]
    return suites


def _rule_meta(row: Mapping[str, Any]) -> Meta:
    return {
        **{name: row[name] for name in ("rule_id", "severity", "module")},
        "year_from": int(row["year_from"]),
        "year_to": int(row["year_to"]),
        "column": f"rule_{row['rule_id'].lower()}",
    }


def _contract_meta(rule_id: str, row: spec.Row) -> Meta:
    return {
        "rule_id": rule_id,
        "severity": "error",
        "year_from": int(row["must_be_present_from"]),
        "year_to": int(row["must_be_present_to"]),
    }


def _present_meta(row: spec.Row) -> Meta:
    return _contract_meta(f"{row['column_name']} is there", row)


def _filled_meta(row: spec.Row) -> Meta:
    return _contract_meta(f"{row['column_name']}{FILLED}", row)


def _least_filled(row: spec.Row) -> str:
    return f"least_filled_{row['column_name']}"


def _equal_meta(column: str) -> Meta:
    return {"rule_id": f"{column} equal", "severity": "error"}


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
        meta = _rule_meta(dict(zip(RULE_FIELDS, row, strict=True)))
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


def _suite(
    project: Path,
    name: str,
    wanted: list[Meta],
    result: GateResult,
    severities: Mapping[str, str] = MappingProxyType({}),
) -> "ExpectationSuite":
    """The wanted expectations of a suite on disk; those it lacks go to the result as missing.

    `severities` are the authority's own, of rules whose severity it has changed.
    """
    from great_expectations import ExpectationSuite

    path = project / "gx" / "expectations" / f"{name}.json"
    on_disk = json.loads(path.read_text(encoding="utf-8"))["expectations"] if path.exists() else []
    expectations = [each for each in on_disk if each["meta"] in wanted]
    found = [each["meta"] for each in expectations]
    result.expectations.extend(
        Checked(name, meta["rule_id"], meta["severity"], "missing")
        for meta in wanted
        if meta not in found
    )
    for each in expectations:
        if severity := severities.get(each["meta"]["rule_id"]):
            each["meta"] = each["meta"] | {"severity": severity}
            each["severity"] = GX_SEVERITY[severity]
    return ExpectationSuite(name=name, expectations=expectations)


def _batch(source: "SQLDatasource", name: str, query: str) -> "Batch":
    """All rows of a query."""
    asset = source.add_query_asset(name, query=query)
    return asset.add_batch_definition_whole_table("all").get_batch()


def _check(
    batch: "Batch",
    suite: "ExpectationSuite",
    rows: int,
    parameters: Mapping[str, float],
    result: GateResult,
) -> None:
    """Run a suite on a batch of so many rows and add what came of it to the result."""
    if rows == 0:
        result.expectations.extend(
            Checked(suite.name, each.meta["rule_id"], each.meta["severity"], "no_rows")
            for each in suite.expectations
            if each.expectation_type in BROKEN_ROWS
        )
        suite.expectations = [
            each for each in suite.expectations if each.expectation_type not in BROKEN_ROWS
        ]
    validation = batch.validate(
        suite,
        result_format={"result_format": "BASIC", "partial_unexpected_count": 0},
        expectation_parameters=parameters,
    )
    for each in validation.results:
        result.expectations.append(_checked(suite.name, each, rows))
        if _has_raised(each):  # what an exception says may hold a person's value
            each.exception_info = {
                "raised_exception": True,
                "exception_message": SAID["raised"],
                "exception_traceback": "",
            }
    result.validations.append(validation)


def _checked(suite: str, validated: "ExpectationValidationResult", rows: int) -> Checked:
    """What came of one expectation."""
    expectation = validated.expectation_config
    rule_id, severity = expectation.meta["rule_id"], expectation.meta["severity"]
    outcome: Outcome = "met" if validated.success else "broken"
    broken = 0
    if not validated.success and rule_id == ROWS["rule_id"] and rows == 0:
        outcome = "no_rows"
    elif _has_raised(validated):
        outcome = "raised"
    elif outcome == "broken" and expectation.type in BROKEN_ROWS:
        broken = BROKEN_ROWS[expectation.type](validated.result["observed_value"], rows)
    return Checked(suite, rule_id, severity, outcome, expectation.description, rows, broken)


def _has_raised(validated: "ExpectationValidationResult") -> bool:
    """Great Expectations gives one exception, or one for each metric that it could not compute."""
    info = validated.exception_info or {}
    each = [info, *(value for value in info.values() if isinstance(value, dict))]
    return any(one.get("raised_exception") for one in each)


def _context() -> "EphemeralDataContext":
    """Great Expectations in memory: no telemetry, no progress bars, no files, nothing logged."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
    )

    logging.getLogger("great_expectations").setLevel(logging.CRITICAL + 1)
    return gx.get_context(
        mode="ephemeral",
        project_config=DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(),
            analytics_enabled=False,
            progress_bars={"globally": False},
        ),
    )


@contextmanager
def _source(connection: duckdb.DuckDBPyConnection) -> "Iterator[SQLDatasource]":
    """A source of Great Expectations on an open DuckDB connection.

    SQLAlchemy has no dialect for DuckDB, and Great Expectations fetches a result only after it has
    given its connection back, which therefore must neither close nor roll back.
    """
    from sqlalchemy.dialects import registry
    from sqlalchemy.engine.default import DefaultDialect

    with ExitStack() as cursors:

        def do_nothing() -> None: ...

        class DuckDB(DefaultDialect):
            name = "duckdb"
            supports_statement_cache = True
            supports_native_boolean = True

            @classmethod
            def import_dbapi(cls) -> Any:
                return duckdb

            def connect(self, *_: Any, **__: Any) -> Any:
                return SimpleNamespace(
                    cursor=lambda: cursors.enter_context(warehouse.apart(connection)),
                    commit=do_nothing,
                    rollback=do_nothing,
                    close=do_nothing,
                )

        registry.impls["duckdb"] = lambda: DuckDB
        yield _context().data_sources.add_sql("duckdb", connection_string="duckdb://")
