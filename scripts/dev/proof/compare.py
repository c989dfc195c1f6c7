"""One authority in one year: its published counts against those of the models."""

import csv
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...export import published_tables as tables_written
from ...sample import write_like
from ...sample.like.published import ROW_KEYS, Cell, NoFiguresError, Published, cells
from ...sample.like.release_2025 import is_made_to
from .models import Outcome, Pipeline, Raised


@dataclass(frozen=True)
class Difference:
    """A published count that the models do not give, and what is known of why."""

    year: int
    authority: str
    dataset: str
    breakdown: str
    column: str
    published: str
    models: str
    why: str
    published_disagree: bool


@dataclass(frozen=True)
class Result:
    """One authority in one year: counts compared, those that differ, what the rules raised."""

    year: int
    authority: str
    compared: int
    differences: tuple[Difference, ...]
    raised: tuple[Raised, ...]
    people: int
    seconds: float

    @property
    def errors(self) -> dict[str, int]:
        """The rules that stop a submission, and how often each was found."""
        return {each.rule_id: each.issues for each in self.raised if each.severity != "query"}


def tables(year: int) -> list[str]:
    """The published tables of a collection year that are compared."""
    return list(tables_written.headings(year))


def release(year: int) -> str:
    """The release whose files hold the figures of a collection year."""
    return str(tables_written.release_of(year))


def prove(
    pipeline: Pipeline, year: int, folder: Path, authority: str, work: Path, seed: int = 1
) -> Result | None:
    """Make an extract to the authority's figures, run the models on it and compare.

    `folder` holds DfE's tables, `work` is written over. None when the authority has no caseload
    in the year.
    """
    began, extract = time.perf_counter(), work / "extract"
    shutil.rmtree(extract, ignore_errors=True)
    published = Published(folder, authority)
    try:
        write_like(extract, year, authority, folder, seed)
    except NoFiguresError:
        return None
    outcome = pipeline.run(year, extract, work / "sen2.duckdb", tables(year))
    compared, different = 0, []
    why = reasons(extract)
    for own, cell in pairs(published, year, outcome):
        compared += 1
        made = own.get(cell.column.lower(), "no such cell")
        if made != cell.value:
            reason = why.get((cell.dataset, cell.column, made)) or why.get((cell.dataset, "", ""))
            different.append(
                Difference(year, published.name, cell.dataset, cell.breakdown, cell.column,
                           cell.value, made, *(reason or ("", False)))
            )  # fmt: skip
    seconds = round(time.perf_counter() - began, 2)
    return Result(
        year, published.name, compared, tuple(different), outcome.raised, outcome.people, seconds
    )


def pairs(
    published: Published, year: int, outcome: Outcome
) -> Iterator[tuple[dict[str, str], Cell]]:
    """Each published count that extracts are made to, and the models' row of it; empty if none."""
    for table in tables(year):
        made = {key_of(row): row for row in outcome.tables[table]}
        (period,) = {row["time_period"] for row in outcome.tables[table]}
        for row in published.rows(table, period):
            if is_made_to(table, row):
                for cell in cells(table, [row]):
                    yield made.get(key_of(row), {}), cell


def key_of(row: dict[str, str]) -> tuple[str, ...]:
    """What tells the rows of a table apart, in any case of letters."""
    return tuple(row.get(name, "").casefold() for name in ROW_KEYS)


def reasons(extract: Path) -> dict[tuple[str, str, str], tuple[str, bool]]:
    """Why the extract was not made to a count: by table, column and what it comes to instead.

    With it, whether published counts contradict each other. Without a column it is the whole table
    that does not fit.
    """
    with (extract / "expected/published_not_met.csv").open(encoding="utf-8", newline="") as file:
        return {
            (row["dataset"], row["column"], row["made"] if row["column"] else ""): (
                row["why"],
                row["published_disagree"] == "True",
            )
            for row in csv.DictReader(file)
        }
