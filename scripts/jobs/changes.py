"""What is new since the last run: the issues that appeared and those that were cleared.

They are known by rule and record, never by a value.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from .. import warehouse
from ..ground import spreadsheet

FILE = "changes.csv"
COLUMNS = ("change", "severity", "rule_id", "message", "person_id", "request_id", "record_id")
APPEARED, CLEARED = "appeared", "cleared"

KEYS = "rule_id, person_id, request_id, record_id"
DIFFERENCE = f"""
    with changes as (
        select '{{change}}' as change, * from (
            select {KEYS} from {{here}}validation.issues where return_id = 'built'
            except
            select {KEYS} from {{there}}validation.issues where return_id = 'built'
        )
    )
    select {", ".join(COLUMNS)}
    from changes
    inner join {{here}}validation.rule_summary as rules using (rule_id)
    where rules.return_id = 'built'
    order by severity <> 'load_reject', severity <> 'error', {KEYS}
"""


@dataclass(frozen=True)
class Changes:
    """The lines of changes.csv; `is_first` when there was no run before to compare with."""

    rows: list[tuple[str, ...]] = field(default_factory=list)
    is_first: bool = False

    def by_rule(self) -> Mapping[str, tuple[int, int]]:
        """How many appeared and how many were cleared, by rule."""
        counts = Counter((row[2], row[0]) for row in self.rows)
        return {
            rule: (counts[rule, APPEARED], counts[rule, CLEARED])
            for rule in sorted({rule for rule, _ in counts})
        }

    def lines(self, change: str) -> list[tuple[str, str, str, int]]:
        """Severity, rule, message and count of what appeared or was cleared, the worst first."""
        counts = Counter((row[1], row[2], row[3]) for row in self.rows if row[0] == change)
        return [(*key, count) for key, count in counts.items()]


def compare(before: Path, now: Path) -> Changes:
    """The issues of the built return in one warehouse against those of an earlier one."""
    if not _has_issues(before):
        return Changes(is_first=True)
    with warehouse.connect(now, read_only=True, attached={"_before": before}) as connection:
        rows = [
            row
            for change, here, there in ((APPEARED, "", "_before."), (CLEARED, "_before.", ""))
            for row in connection.execute(
                DIFFERENCE.format(change=change, here=here, there=there)
            ).fetchall()
        ]
    return Changes(rows)


def _has_issues(path: Path) -> bool:
    if not path.exists():
        return False
    with warehouse.connect(path, read_only=True) as connection:
        try:
            connection.execute("select 1 from validation.issues, validation.rule_summary limit 1")
        except duckdb.CatalogException:
            return False
    return True


def write(changes: Changes, folder: Path) -> Path:
    """Write changes.csv to a folder."""
    path = folder / FILE
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = spreadsheet.Writer(file, "\r\n")
        writer.row(COLUMNS)
        writer.rows(changes.rows)
    return path
