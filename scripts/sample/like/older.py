"""Plans of earlier years, plans that ended, and cases that no figure of the year counts."""

import numpy as np

from ..cases import ACTIVE, CEASED, CEASED_BEFORE, DECIDED_BEFORE, Cases, at_least_one, join_people
from ..days import Ints, add_years, between, day_in, taken, when, year_of
from .slots import free_slots
from .stories import LikeStories, forget_disputes

TRANSFERRED = 5
HOME = "elective_home_education"


class OlderStories(LikeStories):
    """Makes older plans in force, those that ended, and what is beside the year."""

    def older_in_force(self) -> None:
        """Plans of earlier years; those held since the year came from another authority in it."""
        slots = taken(self.older, np.flatnonzero(self.free_older))
        size = len(slots)
        cases = Cases.blank(size, ACTIVE)
        cases.has_plan[:] = True
        year = self.survey.year - slots.held
        first, last = day_in(year, "01-01"), day_in(year, "12-31")
        began = np.where(year == year_of(self.plans_began), self.plans_began, first)
        latest = last - 150
        cases.birth = self.born(slots, last, latest)
        first = np.maximum(np.where(began > last, first, began), cases.birth + 120)
        cases.start = between(self.rng, first, np.maximum(last, first), size)
        start = cases.start.copy()
        arrivals = round(size * self.flow("transferred_in") * self.survey.period_years)
        came = slots.held == 1
        came |= self.some(~came, arrivals - int(came.sum()))
        rows = np.flatnonzero(~came)
        part = cases.take(rows)
        self.older_plans(part, slots.held[rows])
        cases.put(rows, part)
        rows = np.flatnonzero(came)
        part = cases.take(rows)
        self.transfer(part, np.maximum(part.start, self.first), self.day)
        cases.put(rows, part)
        cases.start = start
        if self.is_form:
            forget_disputes(cases)
        self.cease_after_survey_day(cases)
        self.blocks["older"] = (cases, slots)

    def ceased_in_year(self) -> None:
        """Plans that ended in the year, by reason and age, and a few that ended since."""
        parts, held = [], [np.zeros(0, dtype=np.int64)]
        known = self.targets.ceased_years
        for (low, high, reason), number in self.targets.ceased.items():
            if number:
                years = None
                if known is not None:
                    years = self.rng.permutation(
                        np.repeat(list(known[reason]), list(known[reason].values()))
                    )
                    held.append(years)
                parts.append(self.ceased_for(low, high, reason, number, years))
        few = at_least_one(self.targets.stock.plans / 400)
        parts.append(self.ceased_plans(few, CEASED, self.last + 1, self.day))
        moves = self.targets.moves or {}
        home = sum(number for _, new, number in moves.values() if new == HOME)
        if home:
            # Some who moved home have a plan no more; at that age the form counts no such end.
            parts.append(self.ceased_for(16, 25, TRANSFERRED, home))
            parts[-1].cease = between(self.rng, self.last - 150, self.last, home)
        cases = join_people(parts)
        late = cases.start >= self.first - 30
        cases.start = np.where(
            late, self.first - 31 - self.rng.integers(0, 300, len(cases)), cases.start
        )
        cases.is_new[:] = False
        earliest = np.maximum(cases.birth + 60, self.plans_began)
        cases.start = np.maximum(cases.start, np.minimum(earliest, self.first - 31))
        if known is not None:
            years = np.concatenate(held)
            cease = cases.cease[: len(years)]
            latest = np.minimum(add_years(cease, -years), self.first - 31)
            cases.start[: len(years)] = between(
                self.rng, add_years(cease, -(years + 1)) + 1, latest, len(years)
            )
        self.settle(cases)
        self.blocks["ceased"] = (cases, free_slots(len(cases)))

    def ceased_for(
        self, low: int, high: int, reason: int, number: int, years: Ints | None = None
    ) -> Cases:
        """Plans that ended in the year for one reason at an age from low to high.

        Those held for no whole year of `years` end early enough to have begun before the year.
        """
        cases = Cases.blank(number, CEASED)
        cases.has_plan[:] = True
        cases.cease = between(self.rng, self.first, self.last, number)
        ages = self.reason_ages(low, high, reason, number)
        if years is not None:
            soon = between(self.rng, self.first, self.first + 270, number)
            cases.cease = np.where(years == 0, soon, cases.cease)
            ages = np.maximum(ages, years + 2)
        cases.birth = self.births(ages, cases.cease)
        cases.cease_reason[:] = reason
        if reason == 1 and high == 25:
            cases.birth = self.oldest_births(cases.cease)
        self.ceased_history(cases)
        return cases

    def reason_ages(self, low: int, high: int, reason: int, number: int) -> Ints:
        """Ages at the end of the plan, as the reason has them, one year in from a limit."""
        ages = np.arange(3, 25)
        weights = self.figures.weights("ceased_age", ages) + 1.0
        prefix = "cease_reason:"
        for group in self.figures.groups(prefix):
            youngest, oldest = map(int, group.removeprefix(prefix).split("-"))
            share = float(self.figures.text(group).get(str(reason), 0))
            weights[(ages >= youngest) & (ages <= oldest)] *= share + 1e-4
        weights[(ages < low + (low > 0)) | (ages > high - (high < 25))] = 0
        edges = np.cumsum(weights) / weights.sum()
        return ages[np.searchsorted(edges[:-1], self.rng.random(number), side="right")]

    def settle(self, cases: Cases) -> None:
        """Keep what led to ended plans before the year, so that no figure of the year counts it."""
        has = cases.has_request
        cases.issue_decided = when(has, cases.start)
        gone = has & ((cases.received > cases.start - 100) | (cases.decided >= cases.start))
        cases.received = np.where(gone, cases.start - 140, cases.received)
        cases.decided = np.where(gone, cases.start - 100, cases.decided)
        moved = np.minimum(cases.transferred, self.first - 5)
        cases.transferred = np.where(np.isnat(moved), moved, np.maximum(moved, cases.start))
        if self.is_form:
            forget_disputes(cases)

    def beside(self) -> None:
        """Cases decided before the year, and those that come after the survey day."""
        plans = self.targets.stock.plans
        parts = []
        for name, story, category in (
            ("refused", self.refused, DECIDED_BEFORE),
            ("not_issued", self.not_issued, DECIDED_BEFORE),
            ("request_withdrawn", self.request_ended, DECIDED_BEFORE),
            ("assessment_withdrawn", self.assessment_withdrawn, DECIDED_BEFORE),
            ("ceased", self.ceased_plans, CEASED_BEFORE),
        ):
            years = self.figures.one("years_before", name)
            number = at_least_one(plans * self.flow(name) * years)
            past = self.first - int(365 * years)
            parts.append(story(number, category, past, self.before_period))
        for name, now in (
            ("received_after", self.received_after),
            ("plan_starts_after", self.plan_starts_after),
        ):
            parts.append(now(at_least_one(plans * self.figures.one("stock", name))))
        recent = self.ongoing_request(at_least_one(plans * 0.003))
        recent.received = between(self.rng, self.last + 1, self.day, len(recent))
        recent.decided = np.where(np.isnat(recent.decided), recent.decided, self.day + 20)
        parts.append(recent)
        cases = join_people(parts)
        if self.is_form:
            forget_disputes(cases)
        self.blocks["beside"] = (cases, free_slots(len(cases)))
