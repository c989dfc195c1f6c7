"""docs/benchmarks.md and its chart, and the ratios that a later run is held to."""

import csv
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import altair

from ... import spec
from .measure import STAGES, Measured, Usage

PAGE = spec.PROJECT / "docs" / "benchmarks.md"
CHART = spec.PROJECT / "docs" / "benchmarks.png"
RATIOS = spec.PROJECT / "docs" / "benchmarks.csv"
MOST_WORSE = 1.2
"""A ratio to the floor may be this many times the recorded one."""

HEAD = """# Benchmarks

Made by `make bench RECORD=--record`; do not edit. `make bench` measures again, and fails when the
time of the main job, as a ratio to the floor in the same run, is over 20% worse than recorded here.

The main job is `sen2 run`: extract to submission, gates, workbook, page and published tables. The
*floor* is what plain lxml and DuckDB need to read the submission, load its tables, judge twenty
rules and write it back (`scripts/dev/bench/floor.py`): no dbt, gates, lineage or reports. Data:
`sen2 sample`, synthetic. *In all* is a first run in an empty folder; *again* is the same once more,
when dbt knows the project, as every night but the first is. The peak is that of all processes
together, what they share counted once (PSS). Up to 20,000 plans each is measured three times and
the quickest stands: what else the machine does only slows a run down.
"""


def table(measured: Iterable[Measured]) -> tuple[list[str], list[list[str]]]:
    """Headings and one row per size."""
    headings = [
        *("plans", "people", "rows", "in all s", "again s", *(f"{stage} s" for stage in STAGES)),
        *("peak MB", "XML MB", "warehouse MB", "floor s", "floor MB", "ratio"),
    ]
    rows = [
        [
            f"{each.plans:,}", f"{each.people:,}", f"{each.rows:,}", f"{each.job.seconds:.1f}",
            f"{each.again.seconds:.1f}" if each.again else "",
            *(f"{each.stages.get(stage, 0):.1f}" for stage in STAGES),
            f"{each.job.peak_mb:,.0f}", f"{each.xml_mb:,.1f}", f"{each.warehouse_mb:,.0f}",
            f"{each.floor.seconds:.1f}", f"{each.floor.peak_mb:,.0f}", f"{each.ratio:.2f}",
        ]
        for each in measured
    ]  # fmt: skip
    return headings, rows


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of numbers."""
    lines = [f"| {' | '.join(headings)} |", f"|{' ---: |' * len(headings)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def growth(measured: Sequence[Measured]) -> list[str]:
    """How time and memory grow from each size to the next."""
    headings = ["from", "to", "plans, times", "seconds, times", "memory, times", "floor, times"]
    rows = [
        [
            f"{a.plans:,}", f"{b.plans:,}", f"{b.plans / a.plans:.1f}",
            f"{b.job.seconds / a.job.seconds:.1f}", f"{b.job.peak_mb / a.job.peak_mb:.1f}",
            f"{b.floor.seconds / a.floor.seconds:.1f}",
        ]
        for a, b in pairwise(measured)
    ]  # fmt: skip
    return markdown(headings, rows)


def write(
    measured: Sequence[Measured],
    machine: str,
    tight: Sequence[tuple[Measured, str, Usage | None]],
    peers: str,
) -> None:
    """Write the page, its chart, and the ratios to hold later runs to."""
    lines = [HEAD, f"Machine: {machine}.", "", *markdown(*table(measured)), ""]
    lines += ["![Seconds by stage and size](benchmarks.png)", ""]
    lines += ["## Growth", "", *growth(measured), ""]
    if tight:
        lines += ["## With little memory", "", LITTLE, ""]
        lines += [*markdown(*with_little(tight)), ""]
    if peers:
        lines += ["## Beside public tools", "", peers, ""]
    PAGE.write_text("\n".join(lines), encoding="utf-8")
    with RATIOS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["plans", "ratio"])
        writer.writerows([each.plans, f"{each.ratio:.3f}"] for each in measured)
    chart(measured).save(CHART, ppi=144)


LITTLE = """The same extracts with `SEN2_MEMORY_LIMIT`, which caps what DuckDB takes; Python, dbt
and Great Expectations come on top. The submission is the same, byte for byte."""


def with_little(
    tight: Iterable[tuple[Measured, str, Usage | None]],
) -> tuple[list[str], list[list[str]]]:
    """Headings and a row per size and limit."""
    headings = ["plans", "limit", "seconds", "without", "peak MB", "without"]
    rows = [
        [
            f"{free.plans:,}", memory,
            f"{usage.seconds:.1f}" if usage else "too little: stopped, nothing replaced",
            f"{free.job.seconds:.1f}", f"{usage.peak_mb:,.0f}" if usage else "",
            f"{free.job.peak_mb:,.0f}",
        ]
        for free, memory, usage in tight
    ]  # fmt: skip
    return headings, rows


def chart(measured: Sequence[Measured]) -> altair.Chart:
    """Seconds by stage, one bar a size, and the floor as a line across it."""
    rows = [
        {"plans": f"{each.plans:,} plans", "stage": stage, "seconds": each.stages.get(stage, 0.0),
         "order": order}
        for each in measured for order, stage in enumerate(STAGES)
    ]  # fmt: skip
    sizes = [f"{each.plans:,} plans" for each in measured]
    return (
        altair.Chart(altair.Data(values=rows), width=620, height=34)
        .mark_bar()
        .encode(
            x=altair.X("seconds:Q", title="seconds"),
            color=altair.Color("stage:N", sort=list(STAGES), title=None),
            order="order:Q",
            row=altair.Row("plans:N", sort=sizes, title=None, header=altair.Header(labelAngle=0)),
        )
        .resolve_scale(x="independent")
    )


def worse(measured: Iterable[Measured]) -> list[str]:
    """Sizes whose ratio to the floor is over 20% worse than recorded; none without a record."""
    if not RATIOS.exists():
        return []
    with RATIOS.open(encoding="utf-8", newline="") as file:
        recorded = {int(row["plans"]): float(row["ratio"]) for row in csv.DictReader(file)}
    return [
        f"{each.plans:,} plans: {each.ratio:.2f} times the floor, {recorded[each.plans]:.2f} before"
        for each in measured
        if each.plans in recorded and each.ratio > recorded[each.plans] * MOST_WORSE
    ]


def machine() -> str:
    """Processors, memory and versions of what does the work."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "lxml")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, {versions}"
    )


def same_bytes(one: Path, other: Path) -> bool:
    """Whether two files hold the same."""
    return one.read_bytes() == other.read_bytes()
