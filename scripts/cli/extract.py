"""An extract and its cases: sample, map, why, answers, causes."""

from pathlib import Path
from typing import Annotated

import typer

from ..ground.console import Console, err, say, say_text
from ..ground.console import out as console
from ..ground.errors import InputError
from ..warehouse import lock
from .options import SETTINGS, THIS_YEAR, ConfigFile, Out, Warehouse, Year, job_of

FEW_PLANS = 300


def sample(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder for the extract.")],
    year: Year = THIS_YEAR,
    plans: Annotated[
        int | None,
        typer.Option("--plans", help=f"Active plans on the survey day. [default: {FEW_PLANS}]"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, other people.")] = 1,
    faults: Annotated[
        float, typer.Option("--faults", help="Share of people given a known fault, 0 to 0.5.")
    ] = 0.0,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            help="Instead of --plans: give it the figures that DfE published of this authority"
            " (name, GSS code or three-digit code) for the year. Needs --published.",
        ),
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option(
            "--published",
            help="The folder of DfE's published tables: caseload.csv or rel2025_caseload.csv and so"
            " on, for the years of the aggregated form those of the 2022 release.",
        ),
    ] = None,
) -> None:
    """Write a realistic synthetic extract, with the answers it should give beside it.

    With --like the number of people of each kind is DfE's; the people are as synthetic.
    """
    from ..sample import write_like, write_sample

    if like is None and published is None:
        counts = write_sample(folder, year, FEW_PLANS if plans is None else plans, seed, faults)
    elif like is None or published is None:
        raise InputError("--like and --published go together: give both or neither.")
    elif plans is not None or faults:
        raise InputError("--like takes its numbers from --published: leave out --plans, --faults.")
    else:
        counts = write_like(folder, year, like, published, seed)
    say(f"{folder}: {counts.words()}")


def why(
    person_id: Annotated[str, typer.Argument(help="The case system's id of the person.")],
    year: Year = THIS_YEAR,
    warehouse: Warehouse = None,
    before: Annotated[
        Path | None,
        typer.Option("--before", help="An earlier warehouse: what changed since it."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", help="Write the page to this file instead, with every value."),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="Show the values of the person's record here.")
    ] = False,
) -> None:
    """One person's page: in or out and why, clocks, what to fix, and each item's source.

    The terminal shows ids, dates of the case and outcomes; other values of the person's record are
    masked unless asked for.
    """
    from ..why import show
    from ..why.story import person_page

    path = warehouse or Path("warehouse") / f"sen2_{year}.duckdb"
    page = person_page(path, person_id, before)
    if html:
        show.write(page, html)
        say(f"{html}: the page of person {person_id}. It holds personal data.")
    else:
        show.show(page, Console(highlight=False), values=values)


def answers(
    workbook: Annotated[
        Path,
        typer.Argument(
            help="A workbook issues.xlsx that somebody answered in, or a folder of them."
        ),
    ],
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    out: Out = None,
    write: Annotated[
        bool, typer.Option("--write", help="Keep them in the authority's files, not only show.")
    ] = False,
) -> None:
    """Show what officers answered in a workbook, and with --write keep it.

    An explanation becomes a note, a right value a correction. `sen2 run` and `sen2 nightly` read
    the workbook that they wrote last by themselves (docs/answers.md).
    """
    from ..answers import answers
    from ..warehouse import connect

    job = job_of(year, config, warehouse, out)
    paths = [workbook]
    if workbook.is_dir():
        paths = [path for path in sorted(workbook.rglob("*")) if answers.is_workbook(path)]
    if not paths or not paths[0].exists():
        raise InputError(
            f"{workbook}: there is no workbook. Give the file, or the folder of files."
        )
    strict = not workbook.is_dir()
    with lock.lock_warehouse(job.warehouse, job.folders, is_new=False):
        taken = answers.take(paths, job.config, job.warehouse, year, write=write, strict=strict)
        if write:
            with connect(job.warehouse) as connection:
                answers.record(connection, taken.reading)
    for line in answers.show(taken.reading):
        say(line, under=10)
    if write:
        files = ", ".join(map(str, taken.written))
        words = f"Kept: {files}. The next run uses them." if files else "Nothing new to keep."
        console.print(words, markup=False)
    elif taken.reading.has_news:
        console.print("Nothing was kept yet. To keep it, say --write.")


def causes(
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    out: Out = None,
) -> None:
    """Find dates of last year's return that, put back, clear several faults.

    The rules run on a copy of the warehouse with each; `sen2 why` and issues.xlsx then say so.
    """
    from ..jobs import run

    job = job_of(year, config, warehouse, out)
    with lock.lock_warehouse(job.warehouse, job.folders, is_new=False):
        run.causes_only(job)


def propose_mapping(
    extract: Annotated[Path, typer.Argument(help="The folder of the extract, or one file.")],
    year: Year = THIS_YEAR,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The new file to write. [default: the mapping is printed]"),
    ] = None,
) -> None:
    """Propose a mapping from an extract's headings and values, for a person to confirm.

    Every line says how sure it is and why; what nothing takes is listed. No value of a person is
    shown, only words that stand in several rows of a column of codes.
    """
    from ..land.propose import propose, write_yaml

    found = propose.propose(extract, year)
    name = write_yaml.source_name(extract)
    if out is None:
        say_text(write_yaml.text(found, name, year))
    else:
        write_yaml.write(found, name, year, out)
    for line in write_yaml.summary(found, year):
        say(line, under=4, to=err)
    if out is not None:
        say(f"{out}: confirm every line, then `sen2 land {extract} --mapping {out}`.", to=err)
