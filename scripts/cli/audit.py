"""What is kept and checked afterwards: pack, verify, purge."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from ..ground.console import out as console
from ..ground.console import say
from ..ground.errors import InputError
from ..warehouse import lock
from .options import SETTINGS, THIS_YEAR, ConfigFile, Out, Warehouse, Year, job_of, settings_if_any


def pack(
    by: Annotated[str, typer.Option("--by", help="The name of who packs it.")],
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    out: Out = None,
) -> None:
    """Pack the last run for an auditor: what landed, what was written, and the facts of it.

    The pack holds personal data. Each pack carries the hash of the one before.
    """
    from ..audit import pack

    job = job_of(year, config, warehouse, out)
    with lock.lock_warehouse(job.warehouse, job.folders, is_new=False):
        path = pack.write_pack(job, by)
    say(f"{path}: {path.stat().st_size / 1e6:.1f} MB. It holds personal data.")


def purge(
    before: Annotated[
        datetime,
        typer.Option(
            "--before",
            formats=["%Y-%m-%d"],
            help="What has an as-at date before this day goes.",
        ),
    ],
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Settings, whose section nightly may name other folders."),
    ] = None,
    warehouses: Annotated[
        Path, typer.Option("--warehouses", help="The folder of the warehouses.")
    ] = Path("warehouse"),
    out: Annotated[
        Path, typer.Option("--out", help="The folder of the outputs, which has one a year.")
    ] = Path("out"),
    yes: Annotated[bool, typer.Option("--yes", help="Remove without being asked.")] = False,
) -> None:
    """Remove what earlier runs left from before a date: shown first, recorded, and gone.

    Earlier warehouses, submissions, packs and copies go by their own as-at dates; a year goes whole
    once its warehouse is older. history.duckdb stays: it holds nobody, and records what was removed
    (docs/retention.md). Exit code 0: it was done, or only shown; 2: something could not be removed.
    """
    from ..audit import history, purge

    day = before.date()
    settings = settings_if_any(config)
    found = purge.plan(day, warehouses, out, settings)
    for line in purge.lines(found):
        say(line)
    if not found.items:
        console.print(f"Nothing here is from before {day}.")
        raise typer.Exit(0)
    words = f"{len(found.items)} files and folders, {found.bytes / 1e6:,.1f} MB"
    if not yes and not (sys.stdin.isatty() and typer.confirm(f"Remove these {words} for good?")):
        console.print(f"Nothing was removed. To remove these {words}, say --yes.")
        raise typer.Exit(0)
    if failed := purge.carry_out(found, history.who()):
        raise InputError("; ".join(failed) + ". The rest is gone. Then purge again.")
    say(f"Removed: {words}. {found.history} has the record.")


def verify(
    file: Annotated[Path, typer.Argument(help="An audit pack.")],
    previous: Annotated[
        Path | None,
        typer.Option("--previous", help="The pack before it. [default: the one beside it]"),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make the submission again and compare the bytes.")
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="Settings: encrypt counts. [default: that of sen2.yml]"),
    ] = None,
) -> None:
    """Check an audit pack: its files, its chain and, with --rebuild, its submission.

    Exit code 0: all that was checked holds; 1: something does not; 2: it is not a pack.
    """
    from ..audit import verify

    if rebuild:  # which makes a warehouse
        settings_if_any(config)
    raise typer.Exit(verify.verify(file, before=previous, rebuild=rebuild))
