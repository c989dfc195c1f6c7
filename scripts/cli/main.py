"""The command `sen2`: one verb a stage, and `run` for the whole job."""

import gc
import os
import sys
import traceback
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from .. import spec
from ..ground import stopping
from ..ground.console import Console, Stages, err, say, say_text
from ..ground.console import out as console
from ..ground.errors import InputError, Sen2Error
from ..settings.config import Config, Job, read_config
from ..warehouse import encryption, lock

app = typer.Typer(
    name="sen2",
    help="From a local authority's special-educational-needs cases to DfE's SEN2 return.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    epilog=(
        "Exit codes: 0 the submission was written; 1 the return has errors, so none was written"
        " (the reports were); 2 the input or the configuration is wrong; 3 our own fault."
    ),
)

FEW_PLANS = 300

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


def _tell_version(*, asked: bool) -> None:
    if asked:
        from ..build.project import LIBRARIES

        console.print(f"sen2 {version('sen2')}", markup=False)
        for library in LIBRARIES:
            console.print(f"{library} {version(library)}", markup=False)
        raise typer.Exit(0)


@app.callback()
def options(
    is_version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=lambda asked: _tell_version(asked=asked),
            is_eager=True,
            help="The version, and those of what it stands on.",
        ),
    ] = False,
) -> None:
    """Take the options that go before a verb."""


def _settings(config: Path) -> Config:
    """The settings, of which `encrypt` holds for every warehouse that is begun from here on."""
    settings = read_config(config)
    encryption.as_settings_ask(settings.encrypt)
    return settings


def _settings_if_any(config: Path | None = None) -> Config | None:
    """The settings where a verb needs none: those that are named, else those that are there."""
    return _settings(config or SETTINGS) if config or SETTINGS.exists() else None


def _job(
    year: int,
    config: Path,
    warehouse: Path | None,
    folder: Path | None,
    published: Path | None = None,
    release: int | None = None,
) -> Job:
    settings = _settings(config)
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


@app.command("run")
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

    job = _job(year, config, warehouse, out, published, release)
    choices = run.Choices(accept_arrival, accept_unconfirmed, tuple(mapping or ()))
    raise typer.Exit(run.run(job, extract, choices, wait=wait, force=force).exit_code)


@app.command()
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


@app.command()
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

    job = _job(year, config, warehouse, out, published)
    with lock.held(job.warehouse, job.folders):
        single_stages.land_stage(job, Stages(), extract, mapping or [])


@app.command()
def build(
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    published: Published = None,
) -> None:
    """Build every layer of the warehouse from what was landed (`dbt build`)."""
    from ..jobs import single_stages

    job = _job(year, config, warehouse, None, published)
    stages = Stages()
    with lock.held(job.warehouse, job.folders, is_new=False):
        if published is not None:
            single_stages.published_stage(job, stages)
        single_stages.build_stage(job, stages)


@app.command()
def validate(
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
) -> None:
    """Run the arrival and rules gates on a built warehouse and say what they found."""
    from ..jobs import run

    job = _job(year, config, warehouse, None)
    with lock.held(job.warehouse, job.folders, is_new=False):
        raise typer.Exit(run.validate(job))


@app.command()
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

    job = _job(year, config, warehouse, out)
    if parquet or pseudonymised:
        name = "--parquet" if parquet else "--pseudonymised"
        if final or by or accept_arrival or accept_unconfirmed or (parquet and pseudonymised):
            raise InputError(f"{name} goes alone: it writes tables and no submission.")
        stage = single_stages.parquet_stage if parquet else single_stages.pseudonymised_stage
        stage(job, Stages())
        raise typer.Exit(run.OK)
    if final or by:
        if not (final and by) or accept_arrival or accept_unconfirmed:
            raise InputError(
                "--final and --by NAME go together, and without --accept-arrival and"
                " --accept-unconfirmed: what is signed off has nothing left to accept."
            )
        with lock.held(job.warehouse, job.folders, is_new=False):
            raise typer.Exit(sign_off.sign_off(job, by))
    with lock.held(job.warehouse, job.folders, is_new=False):
        raise typer.Exit(run.export_only(job, accept_arrival, accept_unconfirmed))


@app.command()
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

    single_stages.report_stage(_job(year, config, warehouse, out, published, release), Stages())


@app.command()
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

    job = _job(year, config, warehouse, out)
    with lock.held(job.warehouse, job.folders, is_new=False):
        path = pack.write_pack(job, by)
    say(f"{path}: {path.stat().st_size / 1e6:.1f} MB. It holds personal data.")


@app.command()
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
    settings = _settings_if_any(config)
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


@app.command()
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
        _settings_if_any(config)
    raise typer.Exit(verify.verify(file, before=previous, rebuild=rebuild))


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A finished SEN2 XML file, whoever made it.")],
    year: Annotated[
        int | None,
        typer.Option("--year", help="The collection year. [default: the one its header says]"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            help="Settings: identify_people and encrypt count. [default: encrypt of sen2.yml]",
        ),
    ] = None,
    warehouse: Annotated[
        Path | None,
        typer.Option(
            "--warehouse", help="A DuckDB file, made anew. [default: warehouse/check_<file>.duckdb]"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where reports go. [default: out/check_<file>]")
    ] = None,
) -> None:
    """Apply the rules to a finished XML and write the reports, without an extract.

    Exit code 0: no errors were found; 1: the file has errors; 2: it cannot be checked.
    """
    from ..jobs import check

    settings = _settings_if_any(config)
    identify = bool(config and settings and settings.identify_people)
    raise typer.Exit(check.check(file, year, identify, warehouse, out))


@app.command("import")
def import_(
    source: Annotated[
        Path,
        typer.Argument(
            help="A SEN2 XML file, the folder of COLLECT's Blade export, DfE's Excel template or a"
            " pre-submission workbook."
        ),
    ],
    name: Annotated[
        str, typer.Option("--as", help="The name of the return here, for instance last_year.")
    ],
    year: Annotated[
        int | None,
        typer.Option("--year", help="Its collection year. [default: the one its header says]"),
    ] = None,
    la_code: Annotated[
        str | None,
        typer.Option("--la", help="Its authority's code, for a workbook that has no header."),
    ] = None,
    warehouse: Warehouse = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in place of the return of that name.")
    ] = False,
) -> None:
    """Import another return beside the one built here; `sen2 build` then judges it too."""
    from ..imports import imports

    _settings_if_any()
    path = warehouse or Path("warehouse") / f"sen2_{THIS_YEAR}.duckdb"
    with lock.held(path):
        imports.import_return(source, name, path, year, la_code, replace=replace)


@app.command()
def compare(
    earlier: Annotated[
        str, typer.Argument(help="The name of the earlier return, for instance last_year.")
    ],
    later: Annotated[
        str, typer.Argument(help="The name of the later one; the extract's own is built.")
    ],
    year: Year = THIS_YEAR,
    config: ConfigFile = SETTINGS,
    warehouse: Warehouse = None,
    out: Out = None,
) -> None:
    """Compare two returns of a built warehouse, child by child and figure by figure.

    The terminal shows counts; compare.xlsx has a row for each change, and so have the tables
    compared_... of the schema validation.
    """
    from ..compare import compare

    identify = config.exists() and _settings(config).identify_people
    path = warehouse or Path("warehouse") / f"sen2_{year}.duckdb"
    folder = out or Path("out") / str(year)
    with lock.held(path, [folder], is_new=False):
        found = compare.compare(earlier, later, path, folder, identify=identify)
    compare.show(found, Console(highlight=False))
    say(f"{folder / 'compare.xlsx'}: every change. It holds personal data.")


@app.command()
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


@app.command()
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
    from ..why.story import tell

    path = warehouse or Path("warehouse") / f"sen2_{year}.duckdb"
    page = tell(path, person_id, before)
    if html:
        show.write(page, html)
        say(f"{html}: the page of person {person_id}. It holds personal data.")
    else:
        show.show(page, Console(highlight=False), values=values)


@app.command()
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
    from .. import warehouse as warehouses
    from ..answers import answers

    job = _job(year, config, warehouse, out)
    paths = [workbook]
    if workbook.is_dir():
        paths = [path for path in sorted(workbook.rglob("*")) if answers.is_workbook(path)]
    if not paths or not paths[0].exists():
        raise InputError(
            f"{workbook}: there is no workbook. Give the file, or the folder of files."
        )
    strict = not workbook.is_dir()
    with lock.held(job.warehouse, job.folders, is_new=False):
        taken = answers.take(paths, job.config, job.warehouse, year, write=write, strict=strict)
        if write:
            with warehouses.connect(job.warehouse) as connection:
                answers.record(connection, taken.reading)
    for line in answers.show(taken.reading):
        say(line, under=10)
    if write:
        files = ", ".join(map(str, taken.written))
        words = f"Kept: {files}. The next run uses them." if files else "Nothing new to keep."
        console.print(words, markup=False)
    elif taken.reading.has_news:
        console.print("Nothing was kept yet. To keep it, say --write.")


@app.command()
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

    job = _job(year, config, warehouse, out)
    with lock.held(job.warehouse, job.folders, is_new=False):
        run.causes_only(job)


@app.command("map")
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


@app.command("collect-errors")
def collect_errors(
    file: Annotated[Path, typer.Argument(help="COLLECT's errors: CSV, XLSX, or text pasted.")],
    year: Year = THIS_YEAR,
    warehouse: Warehouse = None,
    out: Out = None,
    return_id: Annotated[
        str, typer.Option("--return", help="The return to compare with.")
    ] = "built",
) -> None:
    """Compare COLLECT's errors with ours: per rule their count, ours, and the difference."""
    from ..collect import collect_errors as compared

    path = warehouse or Path("warehouse") / f"sen2_{year}.duckdb"
    folder = out or Path("out") / str(year)
    found = compared.compare(file, path, folder, return_id)
    for line in compared.summarise(found, folder):
        say(line)


rules_app = typer.Typer(help="DfE's own numbers and severities of the rules.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")


@rules_app.command("import-dfe")
def import_dfe(
    file: Annotated[Path, typer.Argument(help="DfE's workbook of validation rules, or a CSV.")],
    year: Year = THIS_YEAR,
    out: Annotated[Path, typer.Option("--out", help="The review file to write.")] = Path(
        "dfe_numbers_review.csv"
    ),
) -> None:
    """Propose for a person's review which rule each of DfE's is, and DfE's severity of it."""
    from ..collect import rules

    numbers, proposed, without = rules.import_dfe(file, year, out)
    say(
        f"{out}: {numbers} numbers, {proposed} with a rule proposed, {numbers - proposed} without;"
        f" {without} rows had no number. Write your name in confirmed_by where a proposal is right,"
        " change rule_id where it is not. Where new_severity is filled, DfE's severity is not ours:"
        " clear it to keep ours, or write the day in confirmed_on (year-month-day)."
        f" Then `sen2 rules apply-dfe {out}`."
    )


@rules_app.command("apply-dfe")
def apply_dfe(
    review: Annotated[Path, typer.Argument(help="The review file, with names in confirmed_by.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="[default: seeds/local/dfe_numbers.csv]")
    ] = None,
) -> None:
    """Keep the confirmed numbers and severities: they are used from the next build.

    The severities go into rule_severities.csv beside the numbers.
    """
    from ..collect import rule_numbers, rules

    path = to or rule_numbers.LOCAL
    kept = rules.apply_dfe(review, path)
    say(f"{path}: {kept.confirmed} confirmed, {kept.numbers} in all.")
    if kept.severities:
        beside = path.with_name("rule_severities.csv")
        say(f"{beside}: {kept.severities} severities changed; the gate follows them.")


def _told(error: Exception) -> int:
    """Say what was wrong; gives the exit code."""
    if isinstance(error, Sen2Error):
        say(f"sen2: {error}", under=0, to=err)
        return error.exit_code
    frames = traceback.extract_tb(error.__traceback__)
    places = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-4:])
    say(
        f"sen2: a fault of ours, {type(error).__name__} at {places}. Nothing was published."
        " Please report it with this line.",
        under=0,
        to=err,
    )
    return 3


def main() -> None:
    """Run the command; every ending is an exit code and, when wrong, one paragraph that says why.

    A traceback could show a value from a person's record, so our own faults name only the places
    in the code they passed through. Whatever is written is for its owner alone.
    """
    os.umask(0o077)
    stopping.tidily()
    try:
        app(standalone_mode=True)
    except KeyboardInterrupt:
        say("sen2: stopped.", to=err)
        sys.exit(130)
    except Exception as error:
        sys.exit(stopping.exit_code() or _told(error))
    finally:
        stopping.leave()
        gc.freeze()  # what is loaded goes with the process: to look through it takes half a second
