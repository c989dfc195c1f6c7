"""Every case of an authority."""

from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import (
    ACTIVE,
    CEASED,
    CEASED_BEFORE,
    DECIDED_BEFORE,
    NOT_ASSESSED,
    NOT_ISSUED,
    ONGOING_ASSESSMENT,
    ONGOING_REQUEST,
    REFUSE,
    REQUEST_WITHDRAWN,
    WITHDRAWN,
    Cases,
    at_least_one,
    join_people,
    number_people,
)
from .days import Days, Ints, between, joined
from .plan_stories import PlanStories
from .request_stories import RequestStories


class CaseMaker(PlanStories, RequestStories):
    """Draws the cases of an authority, story by story; each story is one category."""

    # -- several cases of one person

    def second_cases(self, cases: Cases) -> list[Cases]:
        """Earlier cases of people who have a live one."""
        return [self.refused_earlier(cases), self.ceased_earlier(cases), self.came_back(cases)]

    def refused_earlier(self, cases: Cases) -> Cases:
        """An earlier request was refused; the new one went further."""
        live = cases.is_new | np.isin(cases.category, (ONGOING_ASSESSMENT, ONGOING_REQUEST))
        live &= cases.has_request & self.chance("second_case", "refused_earlier", len(cases))
        decided = cases.received - self.rng.integers(100, 700, len(cases))
        received = decided - self.figures.draw_days(self.rng, "days_to_decide", len(cases))
        rows = np.flatnonzero(live & (received > cases.birth + 300))
        earlier = Cases.blank(len(rows), NOT_ASSESSED)
        earlier.person, earlier.birth = cases.person[rows], cases.birth[rows]
        earlier.has_request[:] = True
        earlier.received, earlier.decided = received[rows], decided[rows]
        earlier.decision[:] = REFUSE
        earlier.category[earlier.decided < self.survey.period_start] = DECIDED_BEFORE
        return earlier

    def earlier_plans(self, cases: Cases, rows: Ints, ends: Days, starts: Days) -> Cases:
        """Plans of the same people that ran from the starts to the ends, with their requests."""
        earlier = Cases.blank(len(rows), CEASED)
        earlier.person, earlier.birth = cases.person[rows], cases.birth[rows]
        earlier.has_plan[:] = True
        earlier.start, earlier.cease = starts[rows], ends[rows]
        earlier.is_new = earlier.start >= self.survey.period_start
        self.issue_history(earlier)
        earlier.category[earlier.cease < self.survey.period_start] = CEASED_BEFORE
        return earlier

    def ceased_earlier(self, cases: Cases) -> Cases:
        """An earlier plan ended when the needs were met; a new one followed."""
        size = len(cases)
        ends = cases.received - self.rng.integers(30, 300, size)
        starts = ends - self.rng.integers(200, 1200, size)
        chosen = cases.is_new & cases.has_plan & self.chance("second_case", "ceased_earlier", size)
        chosen &= (starts > cases.birth + 500) & (starts > self.plans_began)
        earlier = self.earlier_plans(cases, np.flatnonzero(chosen), ends, starts)
        earlier.cease_reason[:] = 2
        return earlier

    def came_back(self, cases: Cases) -> Cases:
        """Left with a plan and came back with another, issued elsewhere."""
        size = len(cases)
        in_period = cases.transferred >= self.survey.period_start
        ends = cases.transferred - self.rng.integers(60, 600, size)
        starts = ends - self.rng.integers(200, 1200, size)
        chosen = in_period & (cases.category == ACTIVE)
        chosen &= self.chance("second_case", "came_back", size)
        chosen &= (starts > cases.birth + 500) & (starts > self.plans_began)
        rows = np.flatnonzero(chosen)
        cases.start[rows] = between(self.rng, ends + 1, cases.transferred, size)[rows]
        earlier = self.earlier_plans(cases, rows, ends, starts)
        earlier.cease_reason[:] = 5
        return earlier

    def make(self, plans: int) -> Cases:
        """Every case of an authority with so many active plans, in no particular order."""
        blocks = self.active_plans(plans)
        for name, story, inside, before in (
            ("ceased", self.ceased_plans, CEASED, CEASED_BEFORE),
            ("not_issued", self.not_issued, NOT_ISSUED, DECIDED_BEFORE),
            ("request_withdrawn", self.request_ended, REQUEST_WITHDRAWN, DECIDED_BEFORE),
            ("moved_undecided", self.moved_undecided, REQUEST_WITHDRAWN, DECIDED_BEFORE),
            ("assessment_withdrawn", self.assessment_withdrawn, WITHDRAWN, DECIDED_BEFORE),
            ("moved_in_assessment", self.moved_in_assessment, ONGOING_ASSESSMENT, DECIDED_BEFORE),
        ):  # fmt: skip
            blocks += self.flow_cases(name, story, inside, before, plans)
        for name, now in (
            ("ongoing_request", self.ongoing_request),
            ("ongoing_assessment", self.ongoing_assessment),
            ("awaiting_issue", self.awaiting_issue),
            ("received_after", self.received_after),
            ("plan_starts_after", self.plan_starts_after),
        ):
            blocks.append(now(at_least_one(plans * self.figures.one("stock", name))))
        cases = join_people(blocks)
        cases = joined([cases, *self.second_cases(cases)])
        in_period = (cases.decision == REFUSE) & (cases.decided >= self.survey.period_start)
        refused = self.flow_cases(
            "refused", self.refused, NOT_ASSESSED, DECIDED_BEFORE, plans, int(in_period.sum())
        )
        everyone = join_people([cases, *refused])
        return number_people(everyone.take(self.rng.permutation(len(everyone))))

    def flow_cases(
        self,
        name: str,
        story: Callable[[int, int, Any, Any], Cases],
        inside: int,
        before: int,
        plans: int,
        already: int = 0,
    ) -> list[Cases]:
        """The cases that ended one way in the period, less those made already, and before it."""
        survey, years = self.survey, self.figures.one("years_before", name)
        past = survey.period_start - int(365 * years)
        size = at_least_one(plans * self.flow(name) * survey.period_years - already)
        return [
            story(size, inside, survey.period_start, survey.day),
            story(at_least_one(plans * self.flow(name) * years), before, past, self.before_period),
        ]
