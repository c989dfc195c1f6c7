"""What an officer works from and answers in: the issues of a return as a workbook and as CSV.

The same return and the same answers give the same bytes: no clock is read. Every value of an
extract is written as text, so that a spreadsheet program never computes one.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ...ground import spreadsheet
from ...ground.errors import InputError
from ...spec.constants import SEVERITIES
from ...warehouse import connect, is_built, reading
from . import lines
from .columns import IN_CSV, NAMES, PERSON
from .lines import Issues
from .queries import AGREED, EXPLAINED
from .returns import read_return
from .sheets import people_in_words, write_workbook
from .words import CSV, WORKBOOK

BY_WORKER = "by_worker"
"""The folder of the workbooks of one officer each."""
TOP_RULES = 10
AGREED_LABEL, EXPLAINED_LABEL = "  agreed", "  explained"
"""How many of the errors above DfE agreed to, and of the queries have an explanation."""


@dataclass(frozen=True)
class SummaryLine:
    """A count for the terminal: of a severity, or of one rule. No value of a person's record."""

    severity: str
    rule_id: str | None
    message: str
    issue_count: int
    person_count: int

    def __str__(self) -> str:
        """The line as the terminal shows it; a rule's stands under those of the severities."""
        if self.rule_id is None:
            return (
                f"{self.message:<14}{self.issue_count:>8,} for {people_in_words(self.person_count)}"
            )
        severity = SEVERITIES[self.severity].lower()
        return f"  {self.rule_id}{self.issue_count:>8,}  {severity}: {self.message}"


def summarise(warehouse: Path, return_id: str) -> list[SummaryLine]:
    """A line per severity, also where nothing was found, then the rules that found most."""
    counts = "count(*), count(distinct person_id) from validation.issues where return_id = ?"
    with reading(warehouse) as connection:
        agreed = connection.execute(AGREED, [return_id]).fetchall()
        persons = len({person for _, person, *_ in agreed})
        explained = connection.execute(EXPLAINED, [return_id]).fetchall()[0]
        totals = {
            severity: (issues, people)
            for severity, issues, people in connection.execute(
                f"select severity, {counts} group by severity", [return_id]
            ).fetchall()
        }
        rules = connection.execute(
            f"select severity, rule_id, any_value(message), {counts} group by severity, rule_id"
            " order by list_position(?, severity), not any_value(likely_error), count(*) desc,"
            " rule_id limit ?",
            [return_id, list(SEVERITIES), TOP_RULES],
        ).fetchall()
    of_them = {
        "error": (AGREED_LABEL, len(agreed), persons),
        "query": (EXPLAINED_LABEL, *explained),
    }
    found = []
    for severity, label in SEVERITIES.items():
        found.append(SummaryLine(severity, None, label, *totals.get(severity, (0, 0))))
        if severity in of_them and of_them[severity][1]:
            found.append(SummaryLine(severity, None, *of_them[severity]))
    return [*found, *(SummaryLine(*rule) for rule in rules)]


def write_issues(
    warehouse: Path,
    return_id: str,
    year: int,
    out: Path,
    *,
    identify: bool = False,
    by_worker: bool = False,
    before_replacing: Callable[[], None] = lambda: None,
) -> Path:
    """Write issues.xlsx and issues.csv of a return to `out`, whole or not at all.

    Names and dates of birth are columns only with `identify`; `by_worker` writes a workbook for
    each officer too. Returns the workbook's path.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (
        reading(warehouse) as connection,
        TemporaryDirectory(dir=out, prefix=".issues-") as folder,
    ):
        the_return = read_return(connection, return_id, year)
        issues = Issues(connection, the_return, identify)
        _write_csv(issues, Path(folder) / CSV)
        write_workbook(issues, Path(folder) / WORKBOOK)
        names = [CSV, WORKBOOK]
        if by_worker:
            names += _write_by_worker(issues, Path(folder))
            (out / BY_WORKER).mkdir(exist_ok=True)
        before_replacing()
        for name in names:
            try:
                os.replace(Path(folder) / name, out / name)  # noqa: PTH105
            except PermissionError:
                raise InputError(
                    f"{out / name}: cannot be replaced; close it where it is open and run again."
                ) from None
    return out / WORKBOOK


def keep_lines_before(before: Path, now: Path) -> None:
    """Keep in a new warehouse which lines the last run found: what is not among them is new.

    Where there was no run before, nothing is new.
    """
    if is_built(before):
        with connect(now, attached={"_lines_before": before}) as connection:
            lines.keep_lines_before(connection, "_lines_before")


def workbooks_in(out: Path) -> list[Path]:
    """The workbooks of a folder of outputs in which officers answer."""
    return [path for path in (out / WORKBOOK,) if path.is_file()] + sorted(
        (out / BY_WORKER).glob("issues_*.xlsx")
    )


def _write_csv(issues: Issues, path: Path) -> None:
    """The lines for machines: UTF-8, codes instead of labels, no value read as a formula."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = spreadsheet.Writer(file)
        first = (PERSON, *(NAMES if issues.identify else ()))
        names = [*(column.name for column in first), *IN_CSV]
        writer.row(names)
        writer.rows(issues.lines(names))


def _write_by_worker(issues: Issues, folder: Path) -> list[str]:
    """A workbook for each officer who has lines; returns their names below the folder."""
    (folder / BY_WORKER).mkdir()
    names: dict[str, None] = {}
    for worker in issues.workers():
        clean = re.sub(r"[^\w-]+", "_", worker).strip("_")[:60] or "officer"
        name, number = clean, 1
        while name.casefold() in names:
            number += 1
            name = f"{clean}_{number}"
        names[name.casefold()] = None
        write_workbook(issues, folder / BY_WORKER / f"issues_{name}.xlsx", worker)
    return [f"{BY_WORKER}/{path.name}" for path in sorted((folder / BY_WORKER).iterdir())]
