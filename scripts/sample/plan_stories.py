"""Stories of cases with a plan: active or ended, of this authority or from another."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .cases import ACTIVE, RECEIVED_AFTER, Cases
from .days import Days, Ints, add_years, between, day_in, when, year_of
from .figures import Figures, fit, pick
from .stories import Stories


def held_shape(figures: Figures, ages: Ints, years: Ints) -> npt.NDArray[np.float64]:
    """How likely plans begin at the age that goes with an age now and the years since."""
    started = np.maximum(ages[:, None] - years[None, :] + 1, 0)
    known = figures.text("started_age")
    oldest = max(int(age) for age in known)
    spread = figures.one("started_age", str(oldest)) / (ages.max() - oldest)
    by_age = [float(known.get(str(age), 0)) for age in range(oldest)]
    by_age += [spread] * (started.max() - oldest + 1)
    shape: npt.NDArray[np.float64] = np.array(by_age)[started]
    return shape


class PlanStories(Stories):
    """Draws cases with a plan."""

    def active_plans(self, plans: int) -> list[Cases]:
        """Exactly so many active plans, by age and years held."""
        ages, held = self.ages_and_years_held(plans)
        births = self.births(ages, self.survey.age_day)
        starts = self.starts(held)
        is_new = starts >= self.survey.period_start
        older = np.flatnonzero(~is_new)
        arrivals = round(plans * self.flow("transferred_in") * self.survey.period_years)
        transferred = self.rng.permutation(older)[: min(arrivals, len(older))]
        rest = np.setdiff1d(older, transferred, assume_unique=True)
        blocks = []
        for rows, story in (
            (np.flatnonzero(is_new), self.new_plans),
            (transferred, self.transferred_in),
            (rest, self.older_plans),
        ):
            cases = Cases.blank(len(rows), ACTIVE)
            cases.has_plan[:] = True
            cases.birth, cases.start = births[rows], starts[rows]
            story(cases, held[rows])
            self.cease_after_survey_day(cases)
            blocks.append(cases)
        return blocks

    def ages_and_years_held(self, plans: int) -> tuple[Ints, Ints]:
        """Age on the age reference day and calendar years since the start, fitted to both."""
        ages = np.array(self.figures.labels("stock_age"), dtype=int)
        ages.sort()
        years = np.sort(np.array(self.figures.labels("years_held"), dtype=int))
        table = fit(
            held_shape(self.figures, ages, years),
            ((0,), self.figures.weights("stock_age", ages)),
            ((1,), self.figures.weights("years_held", years)),
        )
        cells = pick(self.rng, table.ravel(), plans)
        return ages[cells // len(years)], years[cells % len(years)]

    def starts(self, held: Ints) -> Days:
        """A start date in the calendar year so many years back, never before plans began."""
        year = self.survey.year - held
        first = day_in(year, "01-01")
        last = np.minimum(day_in(year, "12-31"), self.survey.day)
        days = between(self.rng, first, last, len(held))
        first_years = self.plans_began + self.rng.integers(0, 480, len(held))
        return np.where(days < self.plans_began, first_years, days)

    def new_plans(self, cases: Cases, held: Ints) -> None:
        """Plans started in the period after a request to this authority."""
        cases.is_new[:] = True
        self.issue_history(cases)
        self.dispute(cases, "other", "dispute:other", cases.start)

    def transferred_in(self, cases: Cases, held: Ints) -> None:
        """Plans that came from another authority in the period."""
        self.transfer(cases, self.survey.period_start, self.survey.day)

    def older_plans(self, cases: Cases, held: Ints) -> None:
        """Plans from before the period: with a request, older than the system, or transferred."""
        size = len(cases)
        shares = self.figures.weights("no_request_row", np.arange(13))
        unknown = self.rng.random(size) < shares[np.clip(held, 0, 12)]
        transferred = self.chance("plan", "transferred_in_earlier", size)
        self.issue_history(cases)
        for rows in (np.flatnonzero(unknown), np.flatnonzero(transferred)):
            plain = Cases.blank(len(rows), ACTIVE)
            plain.person, plain.birth = cases.person[rows], cases.birth[rows]
            plain.start, plain.has_plan = cases.start[rows], cases.has_plan[rows]
            cases.put(rows, plain)
        rows = np.flatnonzero(transferred)
        part = cases.take(rows)
        self.transfer(part, part.start, self.before_period)
        cases.put(rows, part)
        rows = np.flatnonzero(cases.has_request)
        part = cases.take(rows)
        year_ago = between(self.rng, self.survey.period_start - 60, self.survey.day - 20, len(rows))
        self.dispute(part, "other", "dispute:older plan", np.maximum(year_ago, part.start))
        cases.put(rows, part)

    def cease_after_survey_day(self, cases: Cases) -> None:
        """A few plans already have an end that lies ahead."""
        ahead = self.chance("plan", "ceases_after_survey_day", len(cases))
        days = self.survey.day + 1 + self.rng.integers(0, 60, len(cases))
        cases.cease = when(ahead, days)
        cases.cease_reason[ahead] = 5

    def ceased_plans(self, size: int, category: int, first: np.datetime64, last: Any) -> Cases:
        """Plans that ended from first to last, many of them with a school year."""
        cases = Cases.blank(size, category)
        cases.has_plan[:] = True
        days = between(self.rng, first, last, size)
        summer = day_in(year_of(days), "07-31")
        at_end = self.chance("ceased", "on_school_year_end", size)
        at_end &= (summer >= first) & (summer <= last)
        cases.cease = np.where(at_end, summer, days)
        ages = self.figures.draw_ages(self.rng, "ceased_age", size)
        oldest = self.figures.draw_ages(self.rng, "ceased_age_20_and_over", size)
        ages = np.where(ages >= oldest.min(), oldest, ages)
        cases.birth = self.births(ages, cases.cease)
        self.cease_reasons(cases, ages)
        self.ceased_history(cases)
        return cases

    def cease_reasons(self, cases: Cases, ages: Ints) -> None:
        """Why the plan ended, by age; someone who reached the maximum age has that age."""
        prefix = "cease_reason:"
        for group in self.figures.groups(prefix):
            low, high = (int(part) for part in group.removeprefix(prefix).split("-"))
            rows = np.flatnonzero((ages >= low) & (ages <= high))
            reasons = self.figures.draw(self.rng, group, len(rows))
            cases.cease_reason[rows] = np.array(self.figures.labels(group), dtype=int)[reasons]
        oldest = cases.cease_reason == 1
        cases.birth = np.where(oldest, self.oldest_births(cases.cease), cases.birth)

    def oldest_births(self, cease: Days) -> Days:
        """Births of people whose plans end when they reach the maximum age."""
        school_year = day_in(year_of(cease), self.survey.key_days["school_year_start"])
        school_year = np.where(school_year > cease, add_years(school_year, -1), school_year)
        youngest = -int(self.survey.limits["max_plan_age"])
        born: Days = add_years(school_year.astype("datetime64[D]"), youngest)
        return born + self.rng.integers(0, 364, len(cease))

    def ceased_history(self, cases: Cases) -> None:
        """When ended plans began, and how."""
        size = len(cases)
        held = self.figures.draw_ages(self.rng, "ceased_years_held", size)
        start = cases.cease - held * 365 - self.rng.integers(40, 365, size)
        earliest = np.maximum(self.plans_began, cases.birth + 500)
        latest = np.minimum(earliest + 200, cases.cease - 30)
        cases.start = np.where(start < earliest, between(self.rng, earliest, latest, size), start)
        cases.is_new = cases.start >= self.survey.period_start
        end, reason, category = cases.cease.copy(), cases.cease_reason.copy(), cases.category.copy()
        old = np.flatnonzero(~cases.is_new)
        new = np.flatnonzero(cases.is_new)
        part = cases.take(new)
        self.issue_history(part)
        cases.put(new, part)
        part = cases.take(old)
        self.older_plans(part, held[old])
        part.transferred = np.minimum(part.transferred, end[old] - 20)
        part.transferred = np.maximum(part.transferred, part.start)
        cases.put(old, part)
        cases.cease, cases.cease_reason, cases.category = end, reason, category

    def plan_starts_after(self, size: int) -> Cases:
        """Plans that come from another authority after the survey day."""
        cases = Cases.blank(size, RECEIVED_AFTER)
        ages, held = self.ages_and_years_held(size)
        cases.has_plan[:] = True
        cases.birth, cases.start = self.births(ages, self.survey.age_day), self.starts(held)
        self.transfer(cases, self.survey.day + 1, self.survey.day + 40)
        return cases
