"""Which rows belong to a case, and what can be said of it, for those who plant faults."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ... import spec
from ..days import Days, Flags, Ints, Random, age_on
from ..parts import number_where
from ..whole import Sample

BEYOND = 9_000_000


class Finder:
    """Where the rows of a case are, and what can be said of it."""

    def __init__(self, sample: Sample, rng: Random) -> None:
        """Keep the sample; row numbers are worked out when first needed."""
        self.sample, self.rng = sample, rng
        self.cases, self.people, self.survey = sample.cases, sample.people, sample.survey
        self.tables = sample.tables
        self.used = np.zeros(len(sample.people.birth), dtype=bool)
        self.beyond = BEYOND

    @property
    def scope(self) -> Flags:
        """The cases returned."""
        return self.sample.in_return

    @cached_property
    def modules(self) -> dict[str, str]:
        """The module each rule reports on."""
        return {row["rule_id"]: row["module"] for row in spec.seed("rules")}

    @cached_property
    def assessment_number(self) -> Ints:
        """The row of each case in assessments, -1 for none."""
        return number_where(self.cases.has_assessment & self.cases.has_request)

    @cached_property
    def setting_row(self) -> Ints:
        """The first row of each plan in plan_settings."""
        return self._first_row(self.sample.plans.second >= 0)

    @cached_property
    def need_row(self) -> Ints:
        """The first row of each plan in needs."""
        return self._first_row(self.sample.plans.second_need >= 0)

    @staticmethod
    def _first_row(has_second: Flags) -> Ints:
        """The first row of each plan in a table with one or two rows per plan."""
        return np.arange(len(has_second)) + np.cumsum(has_second) - has_second

    @cached_property
    def placement_row(self) -> Ints:
        """The row of each plan's current rank 1 placement."""
        placements = self.sample.placements
        return self._last_row(placements.plan, placements.is_current & (placements.rank == 1))

    @cached_property
    def review_row(self) -> Ints:
        """The row of each plan's latest review by the survey day, -1 for none."""
        reviews = self.sample.reviews
        return self._last_row(reviews.plan, reviews.meeting <= self.survey.day)

    def _last_row(self, plan: Ints, condition: Flags) -> Ints:
        """The last row of each plan for which the condition holds, -1 for none."""
        rows = np.flatnonzero(condition)
        found = np.full(len(self.sample.plans.case), -1)
        found[plan[rows]] = rows
        return found

    def row(self, table: str, case: int) -> int:
        """The row of a case in a table: the first or current one where there are several."""
        plan = self.sample.plan_number[case]
        return int(
            {
                "people": lambda: self.cases.person[case],
                "requests": lambda: self.sample.request_number[case],
                "assessments": lambda: self.assessment_number[case],
                "plans": lambda: plan,
                "plan_settings": lambda: self.setting_row[plan],
                "placements": lambda: self.placement_row[plan],
                "needs": lambda: self.need_row[plan],
                "reviews": lambda: self.review_row[plan],
            }[table]()
        )

    def of_plan(self, values: Any, blank: Any = -1) -> Any:
        """A column with one entry per plan, as one per case."""
        plan = self.sample.plan_number
        return np.where(plan >= 0, values[np.maximum(plan, 0)], blank)

    def day_of_plan(self, values: Days) -> Days:
        """A column of days with one entry per plan, as one per case."""
        days: Days = self.of_plan(values, np.datetime64("NaT"))
        return days

    def age(self) -> Ints:
        """Age on the survey day, by case."""
        return age_on(self.cases.birth, self.survey.day)

    def day_now(self, days: int) -> str:
        """A day so many days from the survey day, as text."""
        return str(self.survey.day + days)

    def next_id(self) -> int:
        """A number that no identifier of the sample has."""
        self.beyond += 1
        return self.beyond

    def other_person(self, case: int, condition: Flags) -> int | None:
        """A case in scope of another person with no fault yet, who is then kept from any."""
        free = self.scope & condition & ~self.used[self.cases.person]
        free &= self.cases.person != self.cases.person[case]
        rows = np.flatnonzero(free)
        if not len(rows):
            return None
        chosen = int(self.rng.choice(rows))
        self.used[self.cases.person[chosen]] = True
        return chosen


Where = Callable[[Finder], Flags]
Change = Callable[[Finder, int, str, int], int | None]
Values = Callable[[Finder, int], dict[str, str]]


@dataclass(frozen=True)
class Fault:
    """One kind of fault."""

    name: str
    table: str
    rules: tuple[str, ...]
    where: Where
    change: Change
