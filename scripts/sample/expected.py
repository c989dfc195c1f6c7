"""What a right answer looks like, known from how each case was made."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .cases import ACTIVE, CATEGORIES, CEASED, DECIDED_BEFORE
from .days import Flags
from .survey import outcome_code
from .tables import Table, coded_column, numbered_column, text_column
from .whole import Sample


def twenty_weeks(sample: Sample) -> dict[str, int]:
    """DfE's 20-week counts: issued and within 140 days, without and with exceptions."""
    survey, cases = sample.survey, sample.cases
    limit = int(survey.limits["issue_days"])
    issued = outcome_code(survey, "assessment", "issued")
    decided = [outcome_code(survey, "request", x) for x in ("agreed", "refused")]

    def disputed(about: str) -> Flags:
        by_then: Flags = (cases.disputes("mediation", about) <= survey.day) | (
            cases.disputes("appeal", about) <= survey.day
        )
        return by_then

    counted = sample.in_return & (sample.assessment_outcome == issued) & ~np.isnat(cases.received)
    counted &= (cases.issue_decided >= survey.period_start) & (
        cases.issue_decided <= survey.calendar_year_end
    )
    counted &= ~(disputed("assess") & np.isin(sample.request_outcome, decided))
    counted &= ~disputed("issue") & ~disputed("other")
    within = counted & ((cases.issue_decided - cases.received).astype(np.int64) <= limit)
    plain = ~cases.exception
    return {
        "twenty_weeks_issued_without_exceptions": int((counted & plain).sum()),
        "twenty_weeks_within_without_exceptions": int((within & plain).sum()),
        "twenty_weeks_issued_with_exceptions": int(counted.sum()),
        "twenty_weeks_within_with_exceptions": int(within.sum()),
    }


def tally(prefix: str, values: npt.NDArray[Any]) -> dict[str, int]:
    """How often each value occurs, as measures."""
    found, counts = np.unique(values, return_counts=True)
    return {f"{prefix}:{value or 'none'}": int(n) for value, n in zip(found, counts, strict=True)}


def expected_counts(sample: Sample) -> dict[str, int]:
    """The measures of expected/counts.csv."""
    cases, inside = sample.cases, sample.in_return
    left_behind = [CATEGORIES[DECIDED_BEFORE]] * len(sample.left_behind)
    categories = np.append(np.array(CATEGORIES)[cases.category], left_behind)
    return {
        **{f"rows:{name}": table.rows_in_file for name, table in sample.tables.items()},
        "active_plans": int((cases.category == ACTIVE).sum()),
        "recently_ceased": int((cases.category == CEASED).sum()),
        **tally("category", categories),
        "people_in_return": len(np.unique(cases.person[inside])),
        **tally("request_outcome", sample.request_outcome[inside]),
        **tally("assessment_outcome", sample.assessment_outcome[inside]),
        **twenty_weeks(sample),
    }


def write_rows(path: Path, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Write a small CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_expected(sample: Sample, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Write what the pipeline should find: every case's category, and the outcomes returned."""
    cases, plan = sample.cases, sample.plan_number
    own = numbered_column("R", sample.request_number + 1, 1)
    plan_text = numbered_column("E", plan + 1, 1)
    made = numbered_column("plan:E", plan + 1, 1)

    def request_column(rows: slice) -> pa.Array:
        return pc.coalesce(own(rows), made(rows))

    scope = Table(
        "case_scope",
        len(cases),
        {
            "request_id": request_column,
            "person_id": numbered_column("P", cases.person.astype(np.int64) + 1),
            "plan_id": plan_text,
            "category": coded_column(cases.category.astype(np.int64), CATEGORIES),
            "in_return": coded_column(sample.in_return.astype(np.int64), ["false", "true"]),
        },
    )
    for request, person in sample.left_behind:
        scope.add(
            request_id=request,
            person_id=person,
            category=CATEGORIES[DECIDED_BEFORE],
            in_return="false",
        )
    outcomes = Table(
        "outcomes",
        len(cases),
        {
            "request_id": request_column,
            "request_outcome": text_column(sample.request_outcome),
            "assessment_outcome": text_column(sample.assessment_outcome),
        },
        removed=set(np.flatnonzero(~sample.in_return).tolist()),
    )
    for table in (scope, outcomes):
        table.write(folder / f"{table.name}.csv", connection)
    write_rows(folder / "counts.csv", ["measure", "value"], iter(expected_counts(sample).items()))
