"""Sign-off: a submission that a named person answers for, kept as it was, and how to send it."""

import shutil
import stat
from pathlib import Path

import duckdb
from rich.text import Text

from .. import warehouse
from ..audit import audit_json
from ..gates import gate_pages, gate_results
from ..ground import places
from ..ground.console import Stages, err, out, say, say_text
from ..ground.errors import OK, RED, InputError
from ..ground.files import sha256
from ..reports.issues.queries import AGREED
from ..settings.config import Job
from ..spec.constants import BUILT
from . import single_stages, year_outputs

LONGEST_NAME = 100

# The specification's section 7; what it infers from other collections is marked so.
STEPS = """\
How to send it, in COLLECT (DfE's guidance on it comes first; this is our summary):

 1. Sign in to COLLECT through DfE Sign-in and choose SEN2 {year}.
 2. Upload return from file: {file}
    It replaces what was uploaded before, with the notes written on it.
 3. Wait until its status is Loaded and Validated, then open All errors. DfE's own rules decide;
    ours were derived from public material. What they find and we did not, please report.
 4. Correct an error in the case system, and make and sign the return again.
 5. Write the explanation of each query as a note: they are in issues.xlsx,
    on the sheet For COLLECT, in COLLECT's order, one cell to copy each.
 6. Submit, keep this file and its audit pack (`sen2 pack`), and watch for questions until DfE
    has authorised the return.{deadline}"""


def sign_off(job: Job, name: str) -> int:
    """Write the submission as final; exit code 1 while a gate is red or a query unexplained.

    The file is recorded in audit.submissions with its SHA-256 and who signed it, and a copy that
    cannot be written to is kept in the folder `final`. A number is signed off once.

    Raises InputError when there is nothing to sign: no name, no XML that year, a number signed off
    before.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InputError(f"--by: give the name of who signs, up to {LONGEST_NAME} characters.")
    outputs = year_outputs.outputs_of(job.year)
    if not outputs.has_xml:
        raise InputError(f"The {job.year} collection is a form: there is no file to sign off.")
    warehouse.require_built(job.warehouse)
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        _refuse_a_signed_number(connection, job.year)
    stages = Stages()
    results = [single_stages.arrival_stage(job, stages), single_stages.rules_stage(job, stages)]
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        unexplained = unexplained_queries(connection)
    if any(result.is_red for result in results) or unexplained:
        single_stages.keep_results(job, results)
        _say_why_not(results, unexplained)
        return RED
    written = single_stages.write_stage(job, stages, outputs, results, is_red=False)
    if not written:
        return RED
    gate_pages.write_docs(job.out / "gates", results)
    kept = _freeze(job, written[0], name)
    audit_json.write_audit(job)
    out.print()
    words = f" {written[0]}, by {name}; kept as {kept}"
    say(Text.assemble(("Signed off:", "bold green"), words))
    say_text(f"SHA-256 {sha256(kept)}\n\n")
    _say_agreed(job)
    say_text(f"{_steps(job, written[0])}\n")
    return OK


def unexplained_queries(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Rule, message and number of queries of the built return that no note explains."""
    return connection.execute(
        """
        select issues.rule_id, any_value(issues.message), count(*)
        from validation.issues as issues
        anti join validation.issue_notes as notes
            on issues.return_id = notes.return_id
            and issues.rule_id = notes.rule_id
            and issues.record_id = notes.record_id
            and issues.found is not distinct from notes.found
        where issues.return_id = 'built' and issues.severity = 'query'
        group by issues.rule_id
        order by count(*) desc, issues.rule_id
        """
    ).fetchall()


def count_unexplained(path: Path) -> int:
    """How many queries of the built return no note explains."""
    with warehouse.connect(path, read_only=True) as connection:
        return sum(count for *_, count in unexplained_queries(connection))


def _say_agreed(job: Job) -> None:
    """Name the errors that the file is sent with because DfE has agreed to them."""
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        agreed = connection.execute(AGREED, [BUILT]).fetchall()
    if agreed:
        count = f"{len(agreed):,} {'error' if len(agreed) == 1 else 'errors'}"
        say(f"It is sent with {count} that DfE has agreed to:")
        for rule_id, _, record_id, by, day in agreed:
            say(f"  {rule_id:<5}{record_id}, agreed by {by}, {day}", under=7)
        out.print()


def _refuse_a_signed_number(connection: duckdb.DuckDBPyConnection, year: int) -> None:
    signed = connection.execute(
        "select submissions.serial_no, submissions.signed_by"
        " from audit.submissions as submissions, intermediate.survey as survey"
        " where submissions.is_final and submissions.collection_year = ?"
        " and try_cast(submissions.serial_no as integer) = survey.serial_no",
        [year],
    ).fetchone()
    if signed:
        raise InputError(
            f"Submission {signed[0]} of {year} was signed off by {signed[1]} already, and stays as"
            " it is. To send another, run `sen2 run` again: it takes the next number."
        )


def _say_why_not(
    results: list[gate_results.GateResult], unexplained: list[tuple[str, str, int]]
) -> None:
    err.print("\n[bold red]It cannot be signed off.[/bold red]")
    for result in results:
        if result.is_red:
            err.print(f"The {result.gate} gate is red: {len(result.reasons)} reasons.")
            for reason in result.reasons:
                say(f"  {reason}", to=err)
    if unexplained:
        total = sum(count for _, _, count in unexplained)
        err.print(
            f"{total:,} {'query has' if total == 1 else 'queries have'} no note:", markup=False
        )
        for rule_id, message, count in unexplained:
            say(f"  {rule_id:<5}{count:>7,}  {message}", under=16, to=err)
        err.print(
            "Correct them, or explain each in the file that `notes` of sen2.yml names (see"
            " docs/settings.md). A note whose record_id is * explains all of its rule.",
            markup=False,
        )


def _freeze(job: Job, submission: Path, name: str) -> Path:
    """Keep a copy that cannot be written to, and record the submission as final."""
    kept = job.out / places.FINAL / submission.name
    try:
        kept.parent.mkdir(exist_ok=True)
        shutil.copyfile(submission, kept)
        kept.chmod(stat.S_IRUSR)
    except OSError as error:
        raise InputError(f"{kept}: cannot be written to ({error.strerror}).") from None
    with warehouse.connect(job.warehouse) as connection:
        connection.execute(
            "update audit.submissions set is_final = true, signed_by = ?"
            " where collection_year = ? and file = ?",
            [name, job.year, submission.name],
        )
    return kept


def _steps(job: Job, submission: Path) -> str:
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        row = connection.execute(
            "select submission_deadline from spec.collections where collection_year = ?",
            [job.year],
        ).fetchone()
    deadline = f"\n    The deadline is {row[0]}." if row and row[0] else ""
    return STEPS.format(year=job.year, file=submission, deadline=deadline)
