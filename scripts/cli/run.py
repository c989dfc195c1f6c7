"""The main job and its stages: run, nightly, land, build, validate, export, report."""

from typing import Annotated

import typer

from ..ground.console import Stages
from ..ground.errors import OK, InputError
from ..warehouse import lock
from .options import (
    SETTINGS,
    THIS_YEAR,
    AcceptArrival,
    AcceptUnconfirmed,
    ConfigFile,
    Extract,
    Force,
    Mappings,
    Out,
    Published,
    Release,
    Wait,
    Warehouse,
    Year,
    job_of,
)


def run_all(
    extract: Extract,
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    out: Out = None,
    mapping: Mappings = None,
    accept_arrival: AcceptArrival = False,
    accept_unconfirmed: AcceptUnconfirmed = False,
    published: Published = None,
    release: Release = None,
    wait: Wait = False,
    force: Force = False,
) -> None:
    """Land, build, check, export and report: from an extract to a submission in one.

    The new warehouse and outputs take the places of the old together, once all is complete: those
    who read the warehouse meanwhile are not disturbed, and a run that is stopped changes nothing.
    """
    from ..jobs import run

    job = job_of(year, config, warehouse, out, published, release)
    choices = run.Choices(accept_arrival, accept_unconfirmed, tuple(mapping or ()))
    raise typer.Exit(run.run(job, extract, choices, wait=wait, force=force).exit_code)


def nightly(
    config: ConfigFile = SETTINGS,
    wait: Wait = False,
    force: Force = False,
) -> None:
    """Run by the section nightly of the settings; keep, record and say what is new.

    For a scheduler: docs/nightly.md has recipes. Earlier warehouses and all submissions are kept,
    the run is recorded in history.duckdb, and changes.csv lists the issues that are new or gone.
    """
    from ..jobs import nightly

    raise typer.Exit(nightly.nightly(config, wait=wait, force=force))


def land(
    extract: Extract,
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    published: Published = None,
    mapping: Mappings = None,
    out: Out = None,
) -> None:
    """Land an extract in the warehouse, as it is: every value text, every row with its source."""
    from ..jobs import single_stages

    job = job_of(year, config, warehouse, out, published)
    with lock.lock_warehouse(job.warehouse, job.folders):
        single_stages.land_stage(job, Stages(), extract, mapping or [])


def build(
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    published: Published = None,
) -> None:
    """Build every layer of the warehouse from what was landed (`dbt build`)."""
    from ..jobs import single_stages

    job = job_of(year, config, warehouse, None, published)
    stages = Stages()
    with lock.lock_warehouse(job.warehouse, job.folders, is_new=False):
        if published is not None:
            single_stages.published_stage(job, stages)
        single_stages.build_stage(job, stages)


def validate(
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
) -> None:
    """Run the arrival and rules gates on a built warehouse and say what they found."""
    from ..jobs import run

    job = job_of(year, config, warehouse, None)
    with lock.lock_warehouse(job.warehouse, job.folders, is_new=False):
        raise typer.Exit(run.validate(job))


def export(
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    out: Out = None,
    accept_arrival: AcceptArrival = False,
    accept_unconfirmed: AcceptUnconfirmed = False,
    final: Annotated[
        bool,
        typer.Option("--final", help="Sign it off: the gates green and every query explained."),
    ] = False,
    by: Annotated[
        str | None, typer.Option("--by", help="With --final: the name of who signs.")
    ] = None,
    parquet: Annotated[
        bool,
        typer.Option(
            "--parquet", help="Write the warehouse's tables as Parquet, and nothing else."
        ),
    ] = False,
    pseudonymised: Annotated[
        bool,
        typer.Option(
            "--pseudonymised",
            help="Write a copy of the warehouse for analysts, with pseudonyms by the key in"
            " SEN2_PSEUDONYM_KEY or the keyring, and nothing else.",
        ),
    ] = False,
) -> None:
    """Write the submission from a built warehouse; refused while a gate is red.

    With --final it is signed off: frozen, recorded with its hash, and ready to send.
    """
    from ..jobs import run, sign_off, single_stages

    job = job_of(year, config, warehouse, out)
    if parquet or pseudonymised:
        name = "--parquet" if parquet else "--pseudonymised"
        if final or by or accept_arrival or accept_unconfirmed or (parquet and pseudonymised):
            raise InputError(f"{name} goes alone: it writes tables and no submission.")
        stage = single_stages.parquet_stage if parquet else single_stages.pseudonymised_stage
        stage(job, Stages())
        raise typer.Exit(OK)
    if final or by:
        if not (final and by) or accept_arrival or accept_unconfirmed:
            raise InputError(
                "--final and --by NAME go together, and without --accept-arrival and"
                " --accept-unconfirmed: what is signed off has nothing left to accept."
            )
        with lock.lock_warehouse(job.warehouse, job.folders, is_new=False):
            raise typer.Exit(sign_off.sign_off(job, by))
    with lock.lock_warehouse(job.warehouse, job.folders, is_new=False):
        raise typer.Exit(run.export_only(job, accept_arrival, accept_unconfirmed))


def report(
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    out: Out = None,
    published: Published = None,
    release: Release = None,
) -> None:
    """Write the reports from a built warehouse: the page, the workbook, the published tables."""
    from ..jobs import single_stages

    single_stages.report_stage(job_of(year, config, warehouse, out, published, release), Stages())
