"""Cases: one entry per case in every column, each in one category of the scope."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .days import Days, Flags, Ints, joined, never, taken

CATEGORIES = (
    "active_plan", "recently_ceased", "ceased_before_period", "not_issued", "awaiting_issue",
    "assessment_withdrawn", "ongoing_assessment", "not_assessed", "request_withdrawn",
    "ongoing_request", "decided_before_period", "received_after_survey_day",
)  # fmt: skip
OUT_OF_SCOPE = frozenset(CATEGORIES[i] for i in (2, 10, 11))
NO, AGREE, REFUSE = 0, 1, 2
FIRST_DECISIONS = ("assess", "refuse")
ISSUE_DECISIONS = ("issue", "refuse")
DISPUTES = tuple((kind, about) for about in ("assess", "issue", "other")
                 for kind in ("mediation", "appeal"))  # fmt: skip


def category_number(name: str) -> int:
    """Where a category stands in CATEGORIES."""
    return CATEGORIES.index(name)


ACTIVE, CEASED, CEASED_BEFORE, NOT_ISSUED, AWAITING, WITHDRAWN = range(6)
ONGOING_ASSESSMENT, NOT_ASSESSED, REQUEST_WITHDRAWN, ONGOING_REQUEST = range(6, 10)
DECIDED_BEFORE = category_number("decided_before_period")
RECEIVED_AFTER = category_number("received_after_survey_day")


@dataclass
class Cases:
    """One entry per case in every column: a request, a plan, or a request and its plan."""

    category: Ints
    person: Ints
    birth: Days
    has_request: Flags
    received: Days
    decision: Ints
    decided: Days
    withdrawn: Days
    moved: Days
    has_assessment: Flags
    issue_decision: Ints
    issue_decided: Days
    assessment_withdrawn: Days
    exception: Flags
    has_plan: Flags
    is_new: Flags
    start: Days
    transferred: Days
    cease: Days
    cease_reason: Ints
    assess_mediation: Days
    assess_appeal: Days
    issue_mediation: Days
    issue_appeal: Days
    other_mediation: Days
    other_appeal: Days

    @classmethod
    def blank(cls, size: int, category: int) -> "Cases":
        """So many cases of a category with nothing in them yet."""
        columns: dict[str, Any] = {}
        for item in fields(cls):
            kind = bool if item.type == Flags else np.int32
            columns[item.name] = never(size) if item.type == Days else np.zeros(size, dtype=kind)
        columns["category"][:] = category
        columns["person"] = np.arange(size, dtype=np.int32)
        return cls(**columns)

    def __len__(self) -> int:
        """How many cases."""
        return len(self.category)

    def take(self, rows: Any) -> "Cases":
        """Some of the cases, in the order asked for."""
        return taken(self, rows)

    def put(self, rows: Any, other: "Cases") -> None:
        """Overwrite some of the cases with as many others."""
        for item in fields(self):
            getattr(self, item.name)[rows] = getattr(other, item.name)

    def disputes(self, kind: str, about: str) -> Days:
        """The days of one kind of dispute."""
        days: Days = getattr(self, f"{about}_{kind}")
        return days


def join_people(blocks: Sequence[Cases]) -> Cases:
    """The blocks one after another, the people of each block being others than those before."""
    offset = 0
    for block in blocks:
        people = int(block.person.max(initial=-1)) + 1
        block.person = (block.person + offset).astype(np.int32)
        offset += people
    return joined(blocks)


def at_least_one(size: float) -> int:
    """A whole number of cases; even a small sample has every story."""
    return max(1, round(size))


def number_people(cases: Cases) -> Cases:
    """The same cases, people numbered in the order of their first case."""
    _, first, number = np.unique(cases.person, return_index=True, return_inverse=True)
    cases.person = np.argsort(np.argsort(first))[number].astype(np.int32)
    return cases
