"""Great Expectations: one connection of ours, a batch, what came of each expectation.

It takes seconds to import, so only a gate imports it, or `warm_up` beforehand.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import duckdb

from .. import warehouse

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.core import (
        ExpectationValidationResult,
    )
    from great_expectations.data_context import EphemeralDataContext
    from great_expectations.datasource.fluent import SQLDatasource
    from great_expectations.datasource.fluent.interfaces import Batch
from .gate_results import GX_SEVERITY, ROWS, SAID, ExpectationResult, GateResult, Meta, Outcome

# The expectations that count rows: how many rows do not meet them, from what was observed.
BROKEN_ROWS: dict[str, Callable[[float, int], int]] = {
    "expect_column_sum_to_be_between": lambda observed, rows: int(observed),
    "expect_column_proportion_of_non_null_values_to_be_between": lambda observed, rows: round(
        rows * (1 - observed)
    ),
}


FOR_OTHERS = ("altair", "scipy.stats")
"""What Great Expectations imports for charts and distributions, which no expectation of ours has:
two fifths of its time and 80 MB."""


def warm_up() -> None:
    """Import Great Expectations ahead of the first gate, while something else takes its time.

    A command that ends meanwhile cuts it off, which is nobody's fault; a gate that needs it and
    cannot have it says so.
    """
    with suppress(Exception):
        _context()


def suite_in_force(
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
        ExpectationResult(name, meta["rule_id"], meta["severity"], "missing")
        for meta in wanted
        if meta not in found
    )
    for each in expectations:
        if severity := severities.get(each["meta"]["rule_id"]):
            each["meta"] = each["meta"] | {"severity": severity}
            each["severity"] = GX_SEVERITY[severity]
    return ExpectationSuite(name=name, expectations=expectations)


def batch_of(source: "SQLDatasource", name: str, query: str) -> "Batch":
    """All rows of a query."""
    asset = source.add_query_asset(name, query=query)
    return asset.add_batch_definition_whole_table("all").get_batch()


def check_batch(
    batch: "Batch",
    suite: "ExpectationSuite",
    rows: int,
    parameters: Mapping[str, float],
    result: GateResult,
) -> None:
    """Run a suite on a batch of so many rows and add what came of it to the result."""
    if rows == 0:
        result.expectations.extend(
            ExpectationResult(suite.name, each.meta["rule_id"], each.meta["severity"], "no_rows")
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


def _checked(suite: str, validated: "ExpectationValidationResult", rows: int) -> ExpectationResult:
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
    return ExpectationResult(
        suite, rule_id, severity, outcome, expectation.description, rows, broken
    )


def _has_raised(validated: "ExpectationValidationResult") -> bool:
    """Great Expectations gives one exception, or one for each metric that it could not compute."""
    info = validated.exception_info or {}
    each = [info, *(value for value in info.values() if isinstance(value, dict))]
    return any(one.get("raised_exception") for one in each)


def _context() -> "EphemeralDataContext":
    """Great Expectations in memory: no telemetry, no progress bars, no files, nothing logged."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    for name in FOR_OTHERS:
        _import_when_used(name)
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


def _import_when_used(name: str) -> None:
    """Let a module that nobody has imported yet load when it is first asked for something."""
    found = None if name in sys.modules else find_spec(name)
    if found is None or found.loader is None:
        return
    module, loader = module_from_spec(found), found.loader

    def load(attribute: str) -> Any:
        del module.__dict__["__getattr__"]
        loader.exec_module(module)
        return getattr(module, attribute)

    module.__dict__["__getattr__"] = load
    sys.modules[name] = module


@contextmanager
def open_source(connection: duckdb.DuckDBPyConnection) -> "Iterator[SQLDatasource]":
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
                    cursor=lambda: cursors.enter_context(warehouse.second_connection(connection)),
                    commit=do_nothing,
                    rollback=do_nothing,
                    close=do_nothing,
                )

        registry.impls["duckdb"] = lambda: DuckDB
        yield _context().data_sources.add_sql("duckdb", connection_string="duckdb://")
