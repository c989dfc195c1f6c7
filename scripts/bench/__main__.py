"""The command of the benchmark: python -m sen2.bench [PLANS ...] [--record]."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from .. import spec
from ..console import err, out
from ..errors import DefectError
from . import peers as others
from . import report
from .measure import Measured, Usage, main_job, measure

SIZES = (3_300, 20_000)
ALL_SIZES = (3_300, 20_000, 100_000, 640_000)
TIGHT, TENTH = 20_000, "65MB"
"""The size run again with a tenth of the memory that it is free to take, and that tenth."""


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
    year = max(year for year in _confirmed_years() if not spec.collection(year).is_provisional)
    measured: list[Measured] = []
    tight: tuple[int, str, Usage] | None = None
    for size in plans or (ALL_SIZES if record else SIZES):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            measured.append(measure(size, year, folder))
            if record and size == TIGHT:
                tight = (size, TENTH, _tight(folder, year))
        out.print(report.on_terminal(*report.table(measured[-1:])))
    words = others.compare() if peers else ""
    if words:
        out.print(words, markup=False)
    if record:
        report.write(measured, report.machine(), tight, words)
        return
    for line in (found := report.worse(measured)):
        err.print(f"Slower: {line}", markup=False)
    raise typer.Exit(1 if found else 0)


def _tight(folder: Path, year: int) -> Usage:
    """The same job with little memory; DefectError when it writes another submission."""
    (xml,) = (folder / "out").glob("*.xml")
    free = xml.rename(folder / "free.xml")
    usage = main_job(folder, year, TENTH)
    (xml,) = (folder / "out").glob("*.xml")
    if not report.same_bytes(xml, free):
        raise DefectError("With less memory another submission was written.")
    return usage


def _confirmed_years() -> list[int]:
    years = (int(row["collection_year"]) for row in spec.seed("collections"))
    return [year for year in years if spec.has_confirmed_structure(year)]


if __name__ == "__main__":
    typer.run(main)
