"""What a gate found: each expectation by outcome and counts, never a value of a record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import warehouse

if TYPE_CHECKING:
    from great_expectations.core import (
        ExpectationSuiteValidationResult,
    )


Outcome = Literal["met", "broken", "raised", "missing", "no_rows"]
Meta = dict[str, Any]
GX_SEVERITY = {"load_reject": "critical", "error": "critical", "query": "warning"}
ROWS: Meta = {"rule_id": "rows", "severity": "error"}
SIZE: Meta = {"rule_id": "size as published", "severity": "error"}
SAID: dict[Outcome, str] = {
    "met": "met",
    "broken": "not met",
    "raised": "could not be checked, its column is missing or cannot be computed",
    "missing": "in force without an expectation in gx/expectations, write the suites again",
    "no_rows": "no rows were checked",
}


@dataclass(frozen=True)
class ExpectationResult:
    """One expectation of a gate and what came of it; `broken` counts the rows that fail it.

    `agreed` counts the rows that fail it and that DfE has agreed to: they are not in `broken`.
    """

    suite: str
    rule_id: str
    severity: str
    outcome: Outcome
    words: str = ""
    rows_checked: int = 0
    broken: int = 0
    agreed: int = 0

    @property
    def is_red(self) -> bool:
        """Whether this alone closes the gate: a broken query does not, what went unchecked does."""
        match self.outcome:
            case "met":
                return False
            case "broken":
                return GX_SEVERITY[self.severity] == "critical"
            case "no_rows":
                return self.rule_id == ROWS["rule_id"]
            case _:
                return True

    @property
    def reason(self) -> str:
        """The outcome as a sentence without values."""
        if self.rule_id == SIZE["rule_id"] and self.outcome == "broken":
            return self.words
        count = f" by {self.broken} of {self.rows_checked} rows" if self.broken else ""
        return f"{self.suite}, {self.rule_id}: {SAID[self.outcome]}{count}. {self.words}".rstrip()


@dataclass(frozen=True)
class GateResult:
    """A gate's expectations and what came of them; `validations` are the same, for `write_docs`.

    `fallen` says, at arrival, what fell from what to what, by suite and expectation.
    """

    gate: Literal["arrival", "rules", "leaving"]
    expectations: list[ExpectationResult] = field(default_factory=list)
    validations: "list[ExpectationSuiteValidationResult]" = field(default_factory=list, repr=False)
    fallen: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def is_red(self) -> bool:
        """Whether the gate is closed."""
        return bool(self.reasons)

    @property
    def agreed(self) -> dict[str, int]:
        """Rule to the errors of it that DfE has agreed to, so that they do not close the gate."""
        return {each.rule_id: each.agreed for each in self.expectations if each.agreed}

    @property
    def reasons(self) -> list[str]:
        """Why the gate is closed, one sentence an expectation; none when it is open."""
        if not self.expectations:
            return ["There was nothing to check."]
        return [
            self.fallen.get((checked.suite, checked.rule_id), checked.reason)
            for checked in self.expectations
            if checked.is_red
        ]


def agreed_words(agreed: Mapping[str, int]) -> str:
    """How many errors DfE has agreed to, and of which rules."""
    total = sum(agreed.values())
    rules = ", ".join(f"{rule} {count:,}" for rule, count in sorted(agreed.items()))
    return f"{total:,} {'error' if total == 1 else 'errors'} agreed with DfE ({rules})"


def store_results(path: Path, result: GateResult, return_id: str, year: int) -> None:
    """Replace what audit.gate_results holds of this gate."""
    with warehouse.connect(path) as connection:
        connection.execute(
            "create table if not exists audit.gate_results"
            f" ({warehouse.AUDIT_TABLES['gate_results']})"
        )
        connection.begin()
        connection.execute("delete from audit.gate_results where gate = ?", [result.gate])
        for each in result.expectations:
            connection.execute(
                "insert into audit.gate_results values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    result.gate,
                    return_id,
                    year,
                    each.suite,
                    each.rule_id,
                    each.severity,
                    each.outcome,
                    each.rows_checked,
                    each.broken,
                ],
            )
        connection.commit()
