"""Other returns and what DfE says: check, import, compare, collect-errors, rules."""

from pathlib import Path
from typing import Annotated

import typer

from ..ground.console import Console, say
from ..spec.constants import BUILT
from ..warehouse import lock
from .options import (
    SETTINGS,
    THIS_YEAR,
    ConfigFile,
    Out,
    Warehouse,
    Year,
    read_settings,
    settings_if_any,
)


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

    settings = settings_if_any(config)
    identify = bool(config and settings and settings.identify_people)
    raise typer.Exit(check.check(file, year, identify, warehouse, out))


def import_return(
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

    settings_if_any()
    path = warehouse or Path("warehouse") / f"sen2_{THIS_YEAR}.duckdb"
    with lock.lock_warehouse(path):
        imports.import_return(source, name, path, year, la_code, replace=replace)


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

    identify = config.exists() and read_settings(config).identify_people
    path = warehouse or Path("warehouse") / f"sen2_{year}.duckdb"
    folder = out or Path("out") / str(year)
    with lock.lock_warehouse(path, [folder], is_new=False):
        found = compare.compare(earlier, later, path, folder, identify=identify)
    compare.show(found, Console(highlight=False))
    say(f"{folder / 'compare.xlsx'}: every change. It holds personal data.")


def collect_errors(
    file: Annotated[Path, typer.Argument(help="COLLECT's errors: CSV, XLSX, or text pasted.")],
    year: Year = THIS_YEAR,
    warehouse: Warehouse = None,
    out: Out = None,
    return_id: Annotated[str, typer.Option("--return", help="The return to compare with.")] = BUILT,
) -> None:
    """Compare COLLECT's errors with ours: per rule their count, ours, and the difference."""
    from ..collect import collect_errors as compared

    path = warehouse or Path("warehouse") / f"sen2_{year}.duckdb"
    folder = out or Path("out") / str(year)
    found = compared.compare(file, path, folder, return_id)
    for line in compared.summarise(found, folder):
        say(line)


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
