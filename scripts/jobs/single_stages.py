"""The stages of a run, each with its line on the terminal: land, build, gates, export, reports."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from .. import spec, warehouse
from ..answers import answers
from ..build import build
from ..export import export, form, parquet, pseudonymised, published_tables, read_back
from ..gates import engine, gate_results, gates
from ..ground import places
from ..ground.console import Stages, err, say
from ..land import land, releases
from ..reports import causes, page, worklists
from ..reports.issues import issue_files
from ..reports.issues.words import WORKBOOK
from ..settings.config import Job
from ..spec.constants import BUILT
from ..warehouse import swap
from . import refresh, side_process
from .year_outputs import Outputs


def answers_stage(new: refresh.Refresh, stages: Stages) -> answers.Taken | None:
    """What officers answered since the last run, kept in the authority's files before it lands.

    Nothing here stops a run: what cannot be used is listed. None where there was no run before.
    """
    before, job = new.place.warehouse, new.asked
    issue_files.keep_lines_before(before, new.job.warehouse)
    paths = answers.to_read(job.config, job.out)
    if not paths or not warehouse.is_built(before):
        return None
    with stages.stage("answers", "Reading the officers' answers"):
        newest = issue_files.workbooks_in(job.out)
        taken = answers.take(
            paths, job.config, before, job.year, write=True, strict=False, newest=newest
        )
        with warehouse.connect(new.job.warehouse) as connection:
            answers.record(connection, taken.reading)
    shown = answers.show(taken.reading)
    files = ", ".join(map(str, taken.written)) or "nothing to write"
    stages.say("answers", f"{len(paths):,} workbook{'s' * (len(paths) > 1)} read: {files}")
    for line in shown:
        say(line, under=10)
    return taken


def set_aside_answered(out: Path, taken: answers.Taken | None) -> Iterator[swap.Step]:
    """Move a workbook that somebody answered in while the run was on out of the way of the new one.

    The next run reads it there; what this run read of it goes from there, too.
    """
    read = taken.sha256 if taken else {}
    folder = out / places.ANSWERED
    for path in issue_files.workbooks_in(out):
        now = answers.sha256(path)
        if read.get(path) != now and answers.has_answers(path):
            folder.mkdir(exist_ok=True)
            yield swap.replace(path, folder / f"{path.stem}_{now[:12]}{path.suffix}")
    for path, sha256 in read.items():
        if path.parent == folder and answers.sha256(path) == sha256:
            yield swap.remove(path)


def land_stage(job: Job, stages: Stages, extract: Path, mappings: Sequence[Path] = ()) -> None:
    """Extract to the schema raw; values that no mapping has are listed in --out."""
    tables = len(spec.contract(job.year))
    with stages.stage("land", "Landing the extract") as advance:
        done: list[str] = []

        def on_table(table: str, rows: int) -> None:
            done.append(table)
            advance(len(done), tables)

        rows = land.land(extract, job.year, job.config, job.warehouse, on_table, mappings)
        listed = job.out / "unmapped_values.csv"
        unmapped = land.write_unmapped(job.warehouse, listed)
    words = (
        f"; {unmapped} local values without a mapping, listed in {job.shown(listed)}"
        if unmapped
        else ""
    )
    stages.say("land", f"{rows:,} rows from {extract}{words}")
    for line in lines_left_out(job.warehouse):
        say(f"Note: {line}", to=err)
    if job.config.published is not None:
        published_stage(job, stages)


def lines_left_out(path: Path) -> list[str]:
    """The lines of the authority's own files (notes, corrections) that were left out, and why."""
    with warehouse.connect(path, read_only=True) as connection:
        rows = connection.execute(
            "select file, row, column_name, reason from audit.lines_left_out order by all"
        ).fetchall()
    return [
        f"{file}, row {row}{f', column {column}' if column else ''}: {reason} Left out until then."
        for file, row, column, reason in rows
    ]


def published_stage(job: Job, stages: Stages) -> None:
    """DfE's published tables to the schema raw: last year's figures and the national bands."""
    folder = job.config.published
    with (
        stages.stage("published", "Reading DfE's published tables"),
        warehouse.connect(job.warehouse, reaches=[folder] if folder else ()) as connection,
    ):
        warehouse.prepare(connection, job.year)
        files, own = releases.land(connection, folder, job.config.la_code)
    stages.say("published", f"{files} files of {folder}, {own:,} figures of this authority")


def build_stage(job: Job, stages: Stages, compiled: Path | None = None) -> None:
    """Raw to every layer; Great Expectations loads meanwhile: both take seconds."""
    threading.Thread(target=engine.warm_up, daemon=True).start()
    with warehouse.connect(job.warehouse) as connection:
        warehouse.prepare(connection, job.year)  # what an older version did not land
    with stages.stage("build", "Building the warehouse") as advance:
        nodes = build.build(job.warehouse, job.year, advance, compiled=compiled)
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


def arrival_stage(job: Job, stages: Stages) -> gate_results.GateResult:
    """Is what landed whole, and like the last good run?"""
    with stages.stage("arrival", "Arrival gate"):
        result = gates.arrival_gate(job.warehouse, job.year)
    stages.say_gate("arrival", len(result.expectations), is_red=result.is_red)
    return result


def rules_stage(job: Job, stages: Stages) -> gate_results.GateResult:
    """Does the return break a rule that DfE would call an error?"""
    with stages.stage("rules", "Rules gate"):
        result = gates.rules_gate(job.warehouse, BUILT, job.year)
    stages.say_gate("rules", len(result.expectations), is_red=result.is_red)
    if result.agreed:
        stages.say(
            "rules", f"{gate_results.agreed_words(result.agreed)}: they do not close the gate"
        )
    return result


def write_stage(
    job: Job,
    stages: Stages,
    outputs: Outputs,
    results: list[gate_results.GateResult],
    is_red: bool,
    workbook: side_process.SideProcess | None = None,
) -> list[Path]:
    """Write all that the year asks for, or nothing; an older file does not stay looking current.

    The warehouse is only read until all is written and the `workbook`, which is being made of it
    beside this, is done too; then the submission and what the gates found are kept in it.
    """
    submission, forms = None, []
    try:
        if outputs.has_xml and not is_red:
            submission = export_stage(job, stages, results)
            is_red = submission is None
        if outputs.has_form:
            forms = form_stage(job, stages, is_draft=is_red)
        if workbook:
            with stages.stage("report", "Writing the reports"):
                workbook.wait()
    finally:
        if workbook:
            workbook.stop()
        keep_results(job, results)
    written = [submission.path] if submission else []
    export.retire_others(
        job.out, job.config.la_code, job.year, keep=written[0] if written else None
    )
    if submission:
        _keep_submission(job, submission)
    return written if is_red else [*written, *forms]


def keep_results(job: Job, results: Iterable[gate_results.GateResult]) -> None:
    """Keep in the warehouse what the gates found."""
    for result in results:
        gate_results.store_results(job.warehouse, result, BUILT, job.year)


def form_stage(job: Job, stages: Stages, *, is_draft: bool) -> list[Path]:
    """The aggregated form to type from; while it has errors, a draft of it."""
    with stages.stage("form", "Writing the form"):
        paths = form.write_form(job.warehouse, job.year, job.out, is_draft=is_draft)
    stages.say("form", ", ".join(str(job.shown(path)) for path in paths))
    return paths


def export_stage(
    job: Job, stages: Stages, results: list[gate_results.GateResult]
) -> export.Submission | None:
    """Write, check and publish the submission; nothing is published when the file is not right.

    The leaving gate's result is added to `results`.
    """

    def why_not(written: read_back.Digests, stored: read_back.Digests) -> list[str]:
        results.append(gates.leaving_gate(written, stored))
        return results[-1].reasons

    with stages.stage("export", "Writing the submission"):
        try:
            submission = export.export(job.warehouse, BUILT, job.year, job.out, why_not=why_not)
        except export.NotValidError as error:
            err.print()
            say(error, to=err)
            return None
    stages.say(
        "export",
        f"{job.shown(submission.path)}: {submission.person_count:,} people,"
        f" {submission.bytes / 1e6:.1f} MB, valid against its schema, equal to the tables",
    )
    return submission


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
            " select ?, ?, ?, ?, ?, ?, as_at, false, null from intermediate.survey",
            [
                job.year,
                submission.serial_no,
                submission.path.name,
                submission.sha256,
                submission.bytes,
                submission.person_count,
            ],
        )


def write_issues(job: Job) -> Path:
    """The workbook of what to fix; gives its path."""

    def set_aside() -> None:
        if job.becomes is None:  # in a run they move with everything else
            for step in set_aside_answered(job.out, None):
                swap.put(Path(step.source), Path(step.target))

    return issue_files.write_issues(
        job.warehouse,
        BUILT,
        job.year,
        job.out,
        identify=job.config.identify_people,
        by_worker=job.config.workbooks == "by_worker",
        before_replacing=set_aside,
    )


def causes_stage(job: Job, stages: Stages) -> None:
    """Run the rules again with dates of an earlier return, to see what they clear."""
    with stages.stage("causes", "Looking for likely causes"):
        found = causes.find_causes(job.warehouse, job.year)
    words = "there is no return of an earlier year to look in; sen2 import brings one"
    if found is not None:
        words = f"{found:,} dates of an earlier return would clear several faults each"
    stages.say("causes", words)


def report_stage(job: Job, stages: Stages, *, is_run: bool = False) -> None:
    """The figures that DfE would publish, the page, and what to fix, which a run has begun."""
    with stages.stage("report", "Writing the reports"):
        path = job.out / WORKBOOK if is_run else write_issues(job)
        lists = worklists.write_worklists(
            job.warehouse, job.year, job.out, identify=job.config.identify_people
        )
        tables = published_tables.write_published(
            job.warehouse, BUILT, job.year, job.out, job.config.published_release
        )
        html = page.write_page(job, is_run=is_run)
    tables_words = f"{len(tables)} tables in {job.shown(job.out / places.PUBLISHED)}"
    stages.say(
        "report", f"{job.shown(html)}, {job.shown(path)}, {job.shown(lists)}, and {tables_words}"
    )


def parquet_stage(job: Job, stages: Stages) -> None:
    """The tables of the warehouse as Parquet files."""
    with stages.stage("parquet", "Writing Parquet files"):
        files = parquet.write_parquet(job.warehouse, job.out)
    words = "They hold personal data: keep them where you keep the extracts."
    stages.say("parquet", f"{len(files)} tables in {job.out / places.PARQUET}. {words}")


def pseudonymised_stage(job: Job, stages: Stages) -> None:
    """The copy of the warehouse for analysts, with pseudonyms."""
    with stages.stage("copy", "Writing the pseudonymised copy"):
        made = pseudonymised.write(job.warehouse, job.year, job.out, job.config.small_numbers)
    words = "It is still personal data: docs/pseudonymised.md says what it hides and what not."
    stages.say("copy", f"{made.tables} tables in {made.path}. {words}")
    if made.left_out:
        err.print(f"Note: {made.left_out} tables that this project does not make were left out.")
