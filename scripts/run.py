"""The main job, stage by stage: land, build, the gates, export, reports."""

import threading
from pathlib import Path

from . import build, export, gates, land, report, spec, warehouse
from .config import Job
from .console import Stages, err, out
from .errors import InputError

BUILT = "built"
OK, RED = 0, 1


def check_year(year: int) -> spec.Collection:
    """The collection, when a submission can be made for it; else an input error that says why."""
    collection = spec.collection(year)
    if not collection.has_person_level:
        raise InputError(
            f"The {year} collection was the aggregated form alone; this version makes the person"
            " level return. Choose a later year."
        )
    if not spec.has_confirmed_structure(year):
        raise InputError(
            f"The XML structure of the {year} pilot is not confirmed by any source, so no"
            " submission is written for it. Choose a later year."
        )
    if collection.is_provisional:
        err.print(
            f"Note: {year} is provisional. No specification for it was found, so the items, codes"
            " and rules of the year before are used on its dates."
        )
    return collection


def run(job: Job, extract: Path, accept_arrival: bool = False) -> int:
    """The whole job; gives the exit code, 0 when a submission was written and 1 when not."""
    check_year(job.year)
    stages = Stages()
    land_stage(job, stages, extract)
    build_stage(job, stages)
    arrival = arrival_stage(job, stages)
    rules = rules_stage(job, stages)
    results = [arrival, rules]
    is_red = rules.is_red or (arrival.is_red and not accept_arrival)
    written = None if is_red else export_stage(job, stages, results)
    if written:
        gates.save_baseline(job.warehouse, job.year)
    else:
        export.retire_others(job.out, job.config.la_code, job.year, keep=None)
    report_stage(job, stages)
    gates.write_docs(job.out / "gates", results)
    _keep_run(job, stages, "written" if written else "red")
    return _conclude(job, written)


def validate(job: Job) -> int:
    """The arrival and rules gates alone; exit code 1 when either is red."""
    stages = Stages()
    results = [arrival_stage(job, stages), rules_stage(job, stages)]
    for result in results:
        for reason in result.reasons:
            out.print(f"  {reason}", markup=False)
    return RED if any(result.is_red for result in results) else OK


def export_only(job: Job, accept_arrival: bool = False) -> int:
    """The submission from a built warehouse, after its gates; exit code 1 while one is red."""
    check_year(job.year)
    stages = Stages()
    arrival, rules = arrival_stage(job, stages), rules_stage(job, stages)
    results = [arrival, rules]
    is_red = rules.is_red or (arrival.is_red and not accept_arrival)
    written = None if is_red else export_stage(job, stages, results)
    if not written:
        export.retire_others(job.out, job.config.la_code, job.year, keep=None)
    gates.write_docs(job.out / "gates", results)
    return _conclude(job, written)


def land_stage(job: Job, stages: Stages, extract: Path) -> None:
    """Extract to the schema raw."""
    tables = len(spec.contract(job.year))
    with stages.stage("land", "Landing the extract") as advance:
        done: list[str] = []

        def on_table(table: str, rows: int) -> None:
            done.append(table)
            advance(len(done), tables)

        rows = land.land(extract, job.year, job.config, job.warehouse, on_table)
    stages.say("land", f"{rows:,} rows from {extract}")


def build_stage(job: Job, stages: Stages) -> None:
    """Raw to every layer, by dbt; Great Expectations loads meanwhile: both take seconds."""
    threading.Thread(target=gates.warm_up, daemon=True).start()
    with stages.stage("build", "Building the warehouse") as advance:
        nodes = build.build(job.warehouse, job.year, advance)
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        counts = connection.execute(
            "select (select count(*) from person_level.person where return_id = $1),"
            " (select count(*) from intermediate.case_scope where category = 'active_plan'),"
            " (select count(*) from intermediate.case_scope)",
            [BUILT],
        ).fetchone() or (0, 0, 0)
    stages.say(
        "build",
        f"{nodes} models, seeds and tests: {counts[0]:,} people returned,"
        f" {counts[1]:,} active plans, {counts[2]:,} cases judged",
    )


def arrival_stage(job: Job, stages: Stages) -> gates.GateResult:
    """Is what landed whole, and like the last good run?"""
    with stages.stage("arrival", "Arrival gate"):
        result = gates.arrival_gate(job.warehouse, job.year)
        gates.store_results(job.warehouse, result, BUILT, job.year)
    _say_gate(stages, "arrival", result)
    return result


def rules_stage(job: Job, stages: Stages) -> gates.GateResult:
    """Does the return break a rule that DfE would call an error?"""
    with stages.stage("rules", "Rules gate"):
        result = gates.rules_gate(job.warehouse, BUILT, job.year)
        gates.store_results(job.warehouse, result, BUILT, job.year)
    _say_gate(stages, "rules", result)
    return result


def _say_gate(stages: Stages, name: str, result: gates.GateResult) -> None:
    colour = "red" if result.is_red else "green"
    words = f"{len(result.expectations)} expectations, [{colour}]{colour}[/{colour}]"
    stages.say(name, words)


def export_stage(job: Job, stages: Stages, results: list[gates.GateResult]) -> Path | None:
    """Write, check and publish the submission; nothing is published when the file is not right.

    The leaving gate's result is added to `results`.
    """
    before = len(results)

    def why_not(written: export.Digests, stored: export.Digests) -> list[str]:
        results.append(gates.leaving_gate(written, stored))
        return results[-1].reasons

    with stages.stage("export", "Writing the submission"):
        try:
            submission = export.export(job.warehouse, BUILT, job.year, job.out, why_not=why_not)
        except export.NotValidError as error:
            err.print(f"\n{error}", markup=False)
            return None
        finally:
            for result in results[before:]:
                gates.store_results(job.warehouse, result, BUILT, job.year)
        export.retire_others(job.out, submission.la_code, job.year, keep=submission.path)
        _keep_submission(job, submission)
    stages.say(
        "export",
        f"{submission.path}: {submission.person_count:,} people, {submission.bytes / 1e6:.1f} MB,"
        " valid against its schema, equal to the tables",
    )
    return submission.path


def _keep_submission(job: Job, submission: export.Submission) -> None:
    """Record the submission; it takes the place of an earlier one with its number."""
    with warehouse.connect(job.warehouse) as connection:
        connection.execute(
            "delete from audit.submissions"
            " where collection_year = ? and serial_no = ? and not is_final",
            [job.year, submission.serial_no],
        )
        connection.execute(
            "insert into audit.submissions"
            " select ?, ?, ?, ?, ?, ?, as_at, false from intermediate.survey",
            [
                job.year,
                submission.serial_no,
                submission.path.name,
                submission.sha256,
                submission.bytes,
                submission.person_count,
            ],
        )


def report_stage(job: Job, stages: Stages) -> None:
    """The workbook of what to fix."""
    with stages.stage("report", "Writing the reports"):
        path = report.write_issues(
            job.warehouse, BUILT, job.year, job.out, identify=job.config.identify_people
        )
    stages.say("report", str(path))


def _keep_run(job: Job, stages: Stages, outcome: str) -> None:
    """Keep how long each stage of this run took, in seconds, and how it ended."""
    with warehouse.connect(job.warehouse) as connection:
        last = connection.execute("select coalesce(max(run), 0) from audit.runs").fetchone()
        number = (last[0] if last else 0) + 1
        connection.executemany(
            "insert into audit.runs values (?, ?, ?, ?, ?)",
            [[number, job.year, *timing, outcome] for timing in stages.seconds.items()],
        )


def _conclude(job: Job, written: Path | None) -> int:
    """Say whether the return is ready and what to do next."""
    out.print()
    for line in report.summarise(job.warehouse, BUILT):
        out.print(str(line), markup=False)
    if written:
        out.print(f"\n[bold green]The submission is ready:[/bold green] {written}")
        return OK
    err.print(
        "\n[bold red]No submission was written.[/bold red] The return has errors: the workbook says"
        " who, what and how to put it right."
    )
    return RED
