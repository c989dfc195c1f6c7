"""The nightly refresh: run, keep, record, and say what is new since last night."""

import gzip
import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from .. import warehouse
from ..audit import history
from ..build import project
from ..ground import keys, places
from ..ground.console import err, out, say, say_text
from ..ground.errors import DEFECT, OK, RED, InputError, Sen2Error
from ..ground.files import sha256
from ..settings.config import Job, Nightly, read_config
from ..warehouse import encryption, swap
from . import changes as differences
from . import refresh, run, single_stages
from .changes import APPEARED, CLEARED, Changes

MESSAGE = "nightly.txt"
INSIDE = "For inside the authority: the numbers are exact."
PATIENCE = 60
"""Seconds that the program which is given the message may take."""
MOST_LINES = 10
"""Most rules named in a message for each of appeared and cleared."""
FAULT = "a fault of ours; the log of the run says where"


def nightly(file: Path, *, wait: bool = False, force: bool = False) -> int:
    """Everything for one night, by the section `nightly` of a configuration; gives the exit code.

    0 a submission was written, or nothing has changed since one was; 1 the return has errors; 2 the
    input or the configuration is wrong; 3 our own fault. Whatever the end, it is recorded in the
    history and told to who asked for it.
    """
    config = read_config(file)
    encryption.as_settings_ask(config.encrypt)
    if config.nightly is None:
        raise InputError(
            f"{file}: has no section nightly. docs/nightly.md says what belongs there."
        )
    settings = config.nightly
    job = Job(
        settings.year,
        config,
        settings.warehouse or file.parent / "warehouse" / f"sen2_{settings.year}.duckdb",
        settings.out or file.parent / "out" / str(settings.year),
    )
    night = Night(job, settings, datetime.now(UTC))
    choices = run.Choices(
        settings.accept_arrival, settings.accept_unconfirmed, tuple(settings.mappings)
    )
    try:
        ended = run.run(job, settings.extract, choices, wait=wait, force=force, finish=night.finish)
    except Sen2Error as error:
        night.fail(error.exit_code, str(error))
        raise
    except Exception:
        night.fail(DEFECT, FAULT)
        raise
    night.end(ended)
    return ended.exit_code


@dataclass
class Night:
    """One night: what is being run, and what there is to say of it."""

    job: Job
    settings: Nightly
    started: datetime
    changes: Changes = field(default_factory=Changes)
    text: str = ""

    @property
    def archive(self) -> Path:
        """Where earlier warehouses and all submissions are kept."""
        return self.settings.archive or self.job.warehouse.parent / places.ARCHIVE

    @property
    def records(self) -> Path:
        """Where records wait for the history."""
        return places.Place(self.job.warehouse.resolve()).records

    def finish(self, new: refresh.Refresh, written: list[Path]) -> Iterator[swap.Step]:
        """What this night adds to a run's outputs, and moves in with them."""
        before, building = new.place.warehouse, new.job.warehouse
        self.changes = differences.compare(before, building)
        differences.write(self.changes, new.job.out)
        self.text = _text(self.job, building, before, self.changes, written)
        (new.job.out / MESSAGE).write_text(self.text, encoding="utf-8")
        submissions = [path for path in written if path.suffix in (".xml", ".csv")]
        made = self._record(building, submissions)
        yield swap.replace(made, self.records / made.name)
        self.archive.mkdir(parents=True, exist_ok=True, mode=0o700)
        if before.exists() and (name := _kept_name(before)):
            yield swap.keep(before, self.archive / name)
        for path in submissions:
            packed = _packed(path, new.place.building.parent, _extracted_on(building))
            yield swap.replace(packed, self.archive / places.SUBMISSIONS / packed.name)

    def _record(self, building: Path, submissions: list[Path]) -> Path:
        with warehouse.connect(building, read_only=True) as connection:
            facts = history.facts_of(connection, self.changes.by_rule())
        submission = submissions[0] if submissions else None
        made = history.record(
            year=self.job.year,
            la_code=self.job.config.la_code,
            outcome="submission" if submission else "errors",
            exit_code=OK if submission else RED,
            started=self.started,
            submission=submission.name if submission else None,
            submission_sha256=sha256(submission) if submission else None,
            project=project.fingerprint(),
            **facts,
        )
        return history.save(building.parent / places.RECORDS, made)

    def end(self, ended: run.RunResult) -> None:
        """After a run: record a night on which nothing changed, tidy up, say what is new."""
        if ended.is_unchanged:
            self.text = f"{_who(self.job)}: nothing has changed since the last run.\n"
            self._record_end("unchanged", ended.exit_code)
        else:
            out.print()
            say_text(self.text)
        _prune(self.archive, self.job.warehouse.stem, self.settings.keep)
        self._absorb()
        has_news = bool(self.changes.rows) or self.changes.is_first
        self._notify(ended.exit_code, has_news=has_news)

    def fail(self, exit_code: int, words: str) -> None:
        """After a run that did not come to its end."""
        self.text = f"{_who(self.job)}: the run failed. {words}\n"
        self._record_end("input" if exit_code == InputError.exit_code else "defect", exit_code)
        self._absorb()
        self._notify(exit_code, has_news=True)

    def _record_end(self, outcome: str, exit_code: int) -> None:
        made = history.record(
            year=self.job.year,
            la_code=self.job.config.la_code,
            outcome=outcome,
            exit_code=exit_code,
            started=self.started,
            project=project.fingerprint(),
        )
        try:
            history.save(self.records, made)
        except OSError as error:
            say(f"Note: this run could not be recorded ({error.strerror}).", to=err)

    def _absorb(self) -> None:
        file = self.job.warehouse.resolve().parent / places.HISTORY
        try:
            history.absorb(file, self.records)
        except (InputError, OSError):
            say(
                f"Note: {file} could not be written to. The records of the runs wait in"
                f" {self.records} and go in with the next.",
                to=err,
            )

    def _notify(self, exit_code: int, *, has_news: bool) -> None:
        """Give the message to the authority's own program; what that says stays unsaid here."""
        notify = self.settings.notify
        is_wanted = (
            notify
            and {
                "always": True,
                "changes": has_news or exit_code > RED,
                "problems": exit_code != OK,
            }[notify.when]
        )
        if not notify or not is_wanted:
            return
        subject = self.text.splitlines()[0]
        message = self.text
        if notify.form == "json":
            message = json.dumps({"text": self.text, "subject": subject, "exit_code": exit_code})
        environment = {"SEN2_SUBJECT": subject, "SEN2_EXIT_CODE": str(exit_code)}
        try:
            code = subprocess.run(
                notify.command,
                input=message.encode(),
                env=keys.without(os.environ) | environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
            ).returncode
            fault = f"it ended with exit code {code}" if code else ""
        except OSError as error:
            fault = error.strerror or "it could not be started"
        except subprocess.TimeoutExpired:
            fault = f"it did not end within {PATIENCE} seconds"
        if fault:
            say(f"Note: nobody was told: {notify.command[0]}: {fault}.", to=err)


# The message


def _who(job: Job) -> str:
    authority = (
        f"{job.config.name} ({job.config.la_code})" if job.config.name else job.config.la_code
    )
    return f"SEN2 {job.year}, {authority}"


def _text(job: Job, now: Path, before: Path, changes: Changes, written: list[Path]) -> str:
    """Whether the return is ready and what moved, with counts, rules and ids' numbers only."""
    counts = _counts(now)
    errors, queries, people = counts
    ready = f"ready, {written[0].name}" if written else f"not ready, {errors:,} errors"
    lines = [f"{_who(job)}, extract of {_extracted_on(now)}: {ready}", ""]
    if left_out := single_stages.lines_left_out(now):
        lines += ["Left out of your own files:", *(f"  {line}" for line in left_out), ""]
    if changes.is_first:
        lines += [f"  errors {errors:,}, queries {queries:,}, people {people:,}", ""]
        first = "This is the first run here: there is none to compare with."
        return "\n".join([*lines, first, "", INSIDE, ""])
    appeared, cleared = _by_severity(changes, APPEARED), _by_severity(changes, CLEARED)
    for place, name in enumerate(("errors", "queries")):
        lines.append(
            f"  {name:<8}{counts[place]:>7,}   {appeared[place]:,} new, {cleared[place]:,} cleared"
        )
    lines.append(f"  {'people':<8}{people:>7,}   {people - _counts(before)[2]:+,}")
    for change, heading in ((APPEARED, "New"), (CLEARED, "Cleared")):
        found = changes.lines(change)
        if found:
            lines += ["", f"{heading}:"]
        for severity, rule, words, count in found[:MOST_LINES]:
            lines.append(f"  {rule:<5}{count:>6,}  {severity.replace('_', ' ')}: {words}")
        if len(found) > MOST_LINES:
            lines.append(f"  and {len(found) - MOST_LINES} more rules")
    lines += [
        "",
        f"By record: {job.out / differences.FILE}. What to do: {job.out / 'issues.xlsx'}.",
    ]
    return "\n".join([*lines, INSIDE, ""])


def _by_severity(changes: Changes, change: str) -> tuple[int, int]:
    """How many errors and how many queries appeared or were cleared."""
    found = changes.lines(change)
    queries = sum(count for severity, _, _, count in found if severity == "query")
    return sum(count for *_, count in found) - queries, queries


def _counts(path: Path) -> tuple[int, int, int]:
    """Errors, queries and people of the built return."""
    with warehouse.connect(path, read_only=True) as connection:
        return connection.execute(
            "select count(*) filter (severity <> 'query'), count(*) filter (severity = 'query'),"
            " (select count(*) from person_level.person where return_id = 'built')"
            " from validation.issues where return_id = 'built'"
        ).fetchall()[0]


def _extracted_on(path: Path) -> str:
    """The day of the extract in a warehouse, also after the survey day."""
    with warehouse.connect(path, read_only=True) as connection:
        rows = connection.execute("select extracted_on from audit.extract_settings").fetchall()
        return str(rows[0][0])


# What is kept


def _kept_name(path: Path) -> str | None:
    """What a warehouse is called once it is an earlier one: its extract's day, its last run."""
    with warehouse.connect(path, read_only=True) as connection:
        tables = "select 1 from duckdb_tables() where table_name = 'survey'"
        if not connection.execute(tables).fetchone():
            return None
        (run_number,) = connection.execute("select max(run) from audit.runs").fetchall()[0]
    return f"{path.stem}_{_extracted_on(path)}_run{run_number or 0:05}{path.suffix}"


def _prune(folder: Path, stem: str, most: int) -> None:
    """Remove the oldest of the earlier warehouses, so that `most` remain."""
    pattern = re.compile(rf"{re.escape(stem)}_\d{{4}}-\d\d-\d\d_run(\d+)\.\w+")
    found = {
        int(match[1]): path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := pattern.fullmatch(path.name))
    }
    for number in sorted(found)[: max(len(found) - most, 0)]:
        found[number].unlink()


def _packed(path: Path, folder: Path, extracted_on: str) -> Path:
    """A compressed copy of a submission, under a name that no other submission has."""
    name = f"{path.stem}_{extracted_on}_{sha256(path)[:12]}{path.suffix}.gz"
    packed = folder / name
    packed.write_bytes(gzip.compress(path.read_bytes(), mtime=0))
    return packed
