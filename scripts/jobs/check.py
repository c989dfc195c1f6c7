"""Checking a finished file: the same rules and reports, whoever made it, without an extract."""

import threading
from contextlib import suppress
from pathlib import Path

import duckdb

from .. import spec, warehouse
from ..build import build
from ..gates import engine, gate_pages, gate_results, gates
from ..ground.console import Stages, err, out, say
from ..ground.errors import OK, RED, InputError
from ..imports import imports, result
from ..imports.result import ImportResult
from ..imports.xml import load_file, parse
from ..reports.issues import issue_files


def check(
    file: Path, year: int | None, identify: bool, path: Path | None, folder: Path | None
) -> int:
    """The whole job; gives the exit code, 0 when no error was found in the file and 1 when one was.

    The warehouse at `path` is made anew, for this file alone.
    """
    return_id = result.return_name(file)
    year = _year(file, year)
    path = path or Path("warehouse") / f"check_{return_id}.duckdb"
    folder = folder or Path("out") / f"check_{return_id}"
    stages = Stages()
    loaded = _read(stages, file, return_id, year, path)
    threading.Thread(target=engine.warm_up, daemon=True).start()
    with stages.stage("build", "Building the warehouse") as advance:
        nodes = build.build(path, year, advance)
    stages.say("build", f"{nodes} models, seeds and tests")
    rules = _judge(stages, path, loaded)
    with stages.stage("report", "Writing the reports"):
        workbook = issue_files.write_issues(path, return_id, year, folder, identify=identify)
        gate_pages.write_docs(folder / "gates", [rules])
    stages.say("report", str(workbook))
    return _conclude(path, loaded, rules)


def _year(file: Path, year: int | None) -> int:
    """The year to check by, the one asked for or the header's; notes what is odd about it."""
    year = imports.collection_of(file, parse.header_years(file), year)
    if not spec.has_confirmed_structure(year):
        raise InputError(
            f"{file}: the XML structure of the {year} pilot is not confirmed by any source, so no"
            " file of that year can be checked. Choose a later year."
        )
    return year


def _read(stages: Stages, file: Path, return_id: str, year: int, path: Path) -> ImportResult:
    """The file to the schema imported of a new warehouse; a file that is refused leaves none."""
    _make_room(path)
    try:
        with warehouse.connect(path) as connection:
            warehouse.prepare(connection, year)
            with stages.stage("read", "Reading the file") as advance:
                loaded = load_file.load(connection, file, return_id, year, advance)
    except BaseException:
        warehouse.remove(path)
        raise
    stages.say("read", f"{loaded.person_count:,} people from {file}")
    if loaded.stopped_at:
        say(
            f"Note: {file.name} cannot be read from line {loaded.stopped_at:,} on. The reports are"
            " about what comes before.",
            to=err,
        )
    return loaded


def _make_room(path: Path) -> None:
    """Remove the warehouse of an earlier check; one with a landed extract is an input error."""
    if not path.exists():
        return
    with warehouse.connect(path, read_only=True) as connection:
        landed = None
        with suppress(duckdb.CatalogException):
            landed = connection.execute("select count(*) from audit.extract_settings").fetchone()
    if landed != (0,):
        raise InputError(
            f"{path}: is not the warehouse of an earlier check, so it is not replaced. Give"
            " --warehouse another file."
        )
    warehouse.remove(path)


def _judge(stages: Stages, path: Path, loaded: ImportResult) -> gate_results.GateResult:
    """Does the file break a rule that DfE would call an error?"""
    with stages.stage("rules", "Rules gate"):
        rules = gates.rules_gate(path, loaded.return_id, loaded.year)
        gate_results.store_results(path, rules, loaded.return_id, loaded.year)
    stages.say_gate("rules", len(rules.expectations), is_red=rules.is_red)
    return rules


def _conclude(path: Path, loaded: ImportResult, rules: gate_results.GateResult) -> int:
    """Say what was found, and what could not be checked."""
    out.print()
    for line in issue_files.summarise(path, loaded.return_id):
        say(line, under=15)
    for each in rules.expectations:
        if each.is_red and each.outcome != "broken":
            say(f"  {each.reason}")
    if rules.is_red:
        err.print(
            "\n[bold red]The file has errors:[/bold red] the workbook says who, what, on which line"
            " and how to put it right."
        )
        return RED
    out.print("\n[bold green]No errors were found.[/bold green] Queries are explained in COLLECT.")
    return OK
