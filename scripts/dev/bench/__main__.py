"""The command of the benchmark: python -m sen2.dev.bench [PLANS ...] [--record]."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ...ground.console import err, out
from ...ground.errors import DefectError
from . import peers as others
from . import report
from .measure import Measured, Usage, latest_year, main_job, measure

SIZES = (3_300, 20_000)
ALL_SIZES = (3_300, 20_000, 100_000, 640_000)
TIGHT = ((20_000, "200MB"), (100_000, "400MB"))
"""Sizes run again with little memory for DuckDB, and how much."""


def main(
    plans: Annotated[list[int] | None, typer.Argument(help="Sizes. [default: 3300 20000]")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="All sizes, and write docs/benchmarks.md.")
    ] = False,
    peers: Annotated[
        bool, typer.Option("--peers", help="Install public tools from PyPI and run them too.")
    ] = False,
) -> None:
    """Measure the main job at growing sizes beside the floor; exit 1 when it got 20% worse."""
    year = latest_year()
    measured: list[Measured] = []
    tight: list[tuple[Measured, str, Usage | None]] = []
    for size in plans or (ALL_SIZES if record else SIZES):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            measured.append(measure(size, year, folder))
            headings, (row,) = report.table(measured[-1:])
            for heading, number in zip(headings, row, strict=True):
                out.print(f"{heading:<14}{number:>12}", markup=False)
            for plans_tight, memory in TIGHT if record else ():
                if plans_tight == size:
                    tight.append((measured[-1], memory, _tight(folder, year, memory)))
    words = others.compare() if peers else ""
    if words:
        out.print(words, markup=False)
    if record:
        report.write(measured, report.machine(), tight, words)
        return
    for line in (found := report.worse(measured)):
        err.print(f"Slower: {line}", markup=False)
    raise typer.Exit(1 if found else 0)


def _tight(folder: Path, year: int, memory: str) -> Usage | None:
    """The same job with little memory, None when that is too little.

    Raises DefectError when it writes another submission.
    """
    (xml,) = (folder / "out").glob("*.xml")
    free = xml.rename(folder / "free.xml")
    try:
        usage = main_job(folder, year, memory)
    except DefectError:
        return None
    (xml,) = (folder / "out").glob("*.xml")
    if not report.same_bytes(xml, free):
        raise DefectError("With less memory another submission was written.")
    return usage


if __name__ == "__main__":
    typer.run(main)
