"""The main job, from the extract to the submission, and the parts of it that go alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.text import Text

from .. import warehouse
from ..audit import audit_json
from ..gates import gate_pages, gate_results, gates
from ..ground.console import Stages, err, out, say
from ..ground.errors import OK, RED, InputError
from ..reports.issues import issue_files
from ..settings.config import Job
from ..spec.constants import BUILT
from ..warehouse import swap
from . import refresh, side_process, unchanged
from .single_stages import (
    answers_stage,
    arrival_stage,
    build_stage,
    causes_stage,
    keep_results,
    land_stage,
    report_stage,
    rules_stage,
    set_aside_answered,
    write_issues,
    write_stage,
)
from .year_outputs import Outputs, outputs_of, show_warning

MOST_FALLS = 8


@dataclass(frozen=True)
class Choices:
    """What a run may be told that changes what it gives."""

    accept_arrival: bool = False
    accept_unconfirmed: bool = False
    mappings: Sequence[Path] = ()


@dataclass(frozen=True)
class RunResult:
    """How a run ended: its exit code, 0 when a submission was written and 1 when not; the files."""

    exit_code: int
    written: list[Path]
    is_unchanged: bool = False


Finish = Callable[[refresh.Refresh, list[Path]], Iterable[swap.Step]]
"""What is done once all is complete, before anything takes its place; more to move with it."""


def run(
    job: Job,
    extract: Path,
    choices: Choices = Choices(),
    *,
    wait: bool = False,
    force: bool = False,
    finish: Finish = lambda new, written: (),
) -> RunResult:
    """The whole job.

    It builds a new warehouse beside the old one, and the outputs in a folder of their own; all
    take their places together, once everything is complete. When the last run was of the same
    content, nothing is built unless `force` says so.
    """
    outputs = outputs_of(job.year, choices.accept_unconfirmed)
    show_warning(outputs)
    stages = Stages()
    with refresh.refreshing(job, wait=wait) as new:
        taken = answers_stage(new, stages)
        land_stage(new.job, stages, extract, choices.mappings)
        fingerprint = unchanged.fingerprint(new.job, asdict(choices))
        last = unchanged.last_run(new.place.last, job, fingerprint)
        if last and not force:
            written = [job.out / name for name in last.written]
            return RunResult(
                _conclude(job, outputs, written, last.why, is_unchanged=True), written, True
            )
        build_stage(new.job, stages, compiled=new.place.compiled)
        refresh.carry_views(new)
        if job.config.likely_causes:
            causes_stage(new.job, stages)
        with side_process.in_side_process(write_issues, new.job) as workbook:
            results = [arrival_stage(new.job, stages)]
            _refuse_what_is_incomplete(results[0], choices.accept_arrival)
            results.append(rules_stage(new.job, stages))
            is_red = results[1].is_red
            drafts = write_stage(new.job, stages, outputs, results, is_red, workbook)
        if drafts:
            gates.save_baseline(new.job.warehouse, job.year)
        report_stage(new.job, stages, is_run=True)
        gate_pages.write_docs(new.job.out / "gates", results)
        _keep_run(new.job, stages, "written" if drafts else "red")
        more = [*finish(new, drafts), *set_aside_answered(job.out, taken)]
        audit_json.write_audit(new.job)
        new.commit(last=drafts, more=more)
        written = [new.job.shown(path) for path in drafts]
        why = _why_none(results, choices.accept_arrival)
        unchanged.keep(new.place.last, job, fingerprint, written, why)
    return RunResult(_conclude(job, outputs, written, why), written)


def validate(job: Job) -> int:
    """The arrival and rules gates alone; exit code 1 when the rules are red, 2 when arrival is."""
    warehouse.require_built(job.warehouse)
    stages = Stages()
    results = [arrival_stage(job, stages), rules_stage(job, stages)]
    keep_results(job, results)
    for reason in results[1].reasons:
        say(f"  {reason}")
    _refuse_what_is_incomplete(results[0], is_accepted=False)
    return RED if results[1].is_red else OK


def _refuse_what_is_incomplete(arrival: gate_results.GateResult, is_accepted: bool) -> None:
    """Stop where less arrived than last time: what the last run made stays as it is."""
    if not arrival.is_red or is_accepted:
        return
    *most, last = [reason.rstrip(".") for reason in arrival.reasons]
    if len(most) > MOST_FALLS:
        most, last = most[:MOST_FALLS], f"and {len(most) + 1 - MOST_FALLS} more"
    raise InputError(
        f"The extract looks incomplete (the gate arrival is closed): {'; '.join([*most, last])}."
        " Look whether the whole extract arrived, and run again. If it is right as it is, run"
        " with --accept-arrival; for nights, put accept_arrival: true into the section"
        " nightly of sen2.yml, for this night. What the last run made is as it was."
    )


def export_only(job: Job, accept_arrival: bool = False, accept_unconfirmed: bool = False) -> int:
    """The submission from a built warehouse, after its gates; exit code 1 while one is red."""
    warehouse.require_built(job.warehouse)
    outputs = outputs_of(job.year, accept_unconfirmed)
    show_warning(outputs)
    stages = Stages()
    results = [arrival_stage(job, stages)]
    _refuse_what_is_incomplete(results[0], accept_arrival)
    results.append(rules_stage(job, stages))
    written = write_stage(job, stages, outputs, results, results[1].is_red)
    gate_pages.write_docs(job.out / "gates", results)
    return _conclude(job, outputs, written, _why_none(results, accept_arrival))


def causes_only(job: Job) -> None:
    """Look for likely causes in a built warehouse, and write the workbook again."""
    warehouse.require_built(job.warehouse)
    stages = Stages()
    causes_stage(job, stages)
    write_issues(job)


def _keep_run(job: Job, stages: Stages, outcome: str) -> None:
    """Keep how long each stage of this run took, in seconds, and how it ended."""
    with warehouse.connect(job.warehouse) as connection:
        last = connection.execute("select coalesce(max(run), 0) from audit.runs").fetchone()
        number = (last[0] if last else 0) + 1
        connection.executemany(
            "insert into audit.runs values (?, ?, ?, ?, ?)",
            [[number, job.year, *timing, outcome] for timing in stages.seconds.items()],
        )


def _conclude(
    job: Job,
    outputs: Outputs,
    written: list[Path],
    why: str,
    *,
    is_unchanged: bool = False,
) -> int:
    """Say whether the return is ready and what to do next."""
    if is_unchanged:
        out.print(
            "\nNothing has changed since the last run: the extract, the settings, this project and"
            " what was written are the same by content. Nothing was built; --force would."
        )
    out.print()
    for line in issue_files.summarise(job.warehouse, BUILT):
        say(line, under=15)
    if written:
        ready = "form" if outputs.has_form and not outputs.has_xml else "submission"
        out.print()
        files = ", ".join(map(str, written))
        say(Text.assemble((f"The {ready} is ready:", "bold green"), f" {files}"))
        if outputs.has_form:
            show_warning(outputs)
        return OK
    err.print()
    err.print(Text.assemble(("No submission was written.", "bold red"), f" {why}"), soft_wrap=True)
    return RED


def _why_none(results: Sequence[gate_results.GateResult], accept_arrival: bool) -> str:
    """Why there is no submission; an extract of another size than expected is no error of it."""
    closed = [r for r in results if r.is_red and not (accept_arrival and r.gate == "arrival")]
    arrival = [reason for result in closed if result.gate == "arrival" for reason in result.reasons]
    why = "The return has errors: the workbook says who, what and how to put it right."
    if arrival and all(result.gate == "arrival" for result in closed):
        why = "The extract is not as expected. The rules found no error that stops the return."
    return "\n  ".join([why, *arrival])
