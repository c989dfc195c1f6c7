"""The options that verbs share, and what a verb is given for them: settings, a job."""

from pathlib import Path
from typing import Annotated

import typer

from .. import spec
from ..settings.config import Config, Job, read_config
from ..warehouse import encryption

Year = Annotated[int, typer.Option("--year", help="The collection year, that of the survey day.")]
Extract = Annotated[
    Path,
    typer.Argument(
        help="The folder of the extract, one CSV per table; with a mapping any files, or one file."
    ),
]
ConfigFile = Annotated[Path, typer.Option("--config", help="The authority's settings.")]
Warehouse = Annotated[
    Path | None,
    typer.Option("--warehouse", help="The DuckDB file. [default: warehouse/sen2_<year>.duckdb]"),
]
Out = Annotated[Path | None, typer.Option("--out", help="Where outputs go. [default: out/<year>]")]
Mappings = Annotated[
    list[Path] | None,
    typer.Option(
        "--mapping",
        help="How one source becomes the contract's tables: a YAML file, or the name of a shipped"
        " one. Repeat it for every source. [default: the extract has the contract's shape]",
    ),
]
AcceptArrival = Annotated[
    bool,
    typer.Option(
        "--accept-arrival",
        help="Go on although the extract is not as expected: far fewer rows or values than last"
        " time, or a number of plans far from the one that DfE last published.",
    ),
]
AcceptUnconfirmed = Annotated[
    bool,
    typer.Option(
        "--accept-unconfirmed",
        help="Write the XML of a year whose nesting no source confirms.",
    ),
]
Published = Annotated[
    Path | None,
    typer.Option(
        "--published",
        help="The folder of DfE's published CSV files, for last year's figures and the national"
        " bands. [default: the setting published]",
    ),
]
Release = Annotated[
    int | None,
    typer.Option(
        "--release",
        help="Write DfE's published tables as this release of theirs lays them out, such as 2025."
        " [default: the setting published_release, else the newest that covers the year]",
    ),
]
Wait = Annotated[
    bool,
    typer.Option("--wait", help="When another sen2 is at work on the warehouse, begin after it."),
]
Force = Annotated[
    bool, typer.Option("--force", help="Build although nothing has changed since the last run.")
]
THIS_YEAR = spec.newest_year()
SETTINGS = Path("sen2.yml")


def read_settings(config: Path) -> Config:
    """The settings, of which `encrypt` holds for every warehouse that is begun from here on."""
    settings = read_config(config)
    encryption.as_settings_ask(settings.encrypt)
    return settings


def settings_if_any(config: Path | None = None) -> Config | None:
    """The settings where a verb needs none: those that are named, else those that are there."""
    return read_settings(config or SETTINGS) if config or SETTINGS.exists() else None


def job_of(
    year: int,
    config: Path,
    warehouse: Path | None,
    folder: Path | None,
    published: Path | None = None,
    release: int | None = None,
) -> Job:
    """The job that the options of a verb describe."""
    settings = read_settings(config)
    if published is not None:
        settings = settings.model_copy(update={"published": published})
    if release is not None:
        settings = settings.model_copy(update={"published_release": release})
    if settings.published_release is not None:
        from ..export.published_tables import release_of

        release_of(year, settings.published_release)
    return Job(
        year=year,
        config=settings,
        warehouse=warehouse or Path("warehouse") / f"sen2_{year}.duckdb",
        out=folder or Path("out") / str(year),
    )
