"""The command of the proof: python -m sen2.dev.proof --published FOLDER --year Y."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from ...ground.console import err, out
from ...ground.errors import Sen2Error
from ...sample.like.published import authorities
from .everyone import prove_all
from .report import summary, write_report


def main(
    published: Annotated[Path, typer.Option(help="The folder of DfE's published tables.")],
    year: Annotated[list[int], typer.Option(help="Collection year; may be repeated.")],
    report: Annotated[Path | None, typer.Option(help="The report to write.")] = None,
    authority: Annotated[
        list[str] | None, typer.Option(help="Name or code; may be repeated. [default: all]")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Processes.", show_default="CPUs")] = 0,
) -> None:
    """Prove the models on the published figures of all or some authorities of the folder."""
    began = time.perf_counter()
    try:
        names = authority or authorities(published)
        tasks = [(one, published, name) for one in year for name in names]
        proven = prove_all(tasks, jobs or os.cpu_count() or 1)
        found = track(proven, total=len(tasks), console=err, description="authorities")
        results = [result for result in found if result]
    except Sen2Error as error:
        err.print(f"sen2.dev.proof: {error}", markup=False)
        raise typer.Exit(error.exit_code) from None
    for line in summary(results):
        out.print(line, markup=False, soft_wrap=True)
    out.print(f"{time.perf_counter() - began:.0f} s")
    if report:
        write_report(report, results)


if __name__ == "__main__":
    typer.run(main)
