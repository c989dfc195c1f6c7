"""What the stories of an extract made to published figures share: people, slots, choices."""

import numpy as np

from ..authority import CaseMaker
from ..cases import Cases
from ..days import Days, Flags, Ints, Random, add_years, between
from ..figures import Figures
from ..survey import Survey
from .flow import Flow
from .slots import Slots
from .targets import Targets
from .times import Timer

# Days between an outcome and the age reference day that a change of age needs.
MARGIN = 20
LONG_AGO = 400
MATTERS = ("assess", "issue", "other")


class LikeStories(CaseMaker):
    """What the stories of cases made to published figures share."""

    def __init__(
        self,
        rng: Random,
        figures: Figures,
        survey: Survey,
        targets: Targets,
        slots: tuple[Slots, Slots, Slots],
    ) -> None:
        """Take the targets and the slots: new plans, older ones, new ones that have ended."""
        super().__init__(rng, figures, survey)
        self.targets, self.timer = targets, Timer(rng, survey)
        self.new, self.older, self.ended = slots
        self.first, self.last, self.day = (
            survey.period_start, survey.calendar_year_end, survey.day,
        )  # fmt: skip
        self.is_form = not targets.disputes_exclude
        self.blocks: dict[str, tuple[Cases, Slots]] = {}
        self.flow_numbers = Flow()
        self.free_older = np.ones(len(self.older), dtype=bool)

    def born(self, slots: Slots, starts: Days, latest: Days) -> Days:
        """Births that give the ages on the reference day, at the start and at the year's end."""
        low, high = self.age_span(self.survey.age_day, slots.age)
        for days, ages in ((starts, slots.start_age), (self.last, slots.end_age)):
            first, last = self.age_span(days, ages)
            low = np.where(ages >= 0, np.maximum(low, first), low)
            high = np.where(ages >= 0, np.minimum(high, last), high)
        high = np.maximum(np.minimum(high, latest), low)
        return between(self.rng, low, high, len(slots))

    @staticmethod
    def age_span(days: Days | np.datetime64, ages: Ints) -> tuple[Days, Days]:
        """The first and last birth date of people of these ages on the days."""
        on = np.broadcast_to(days, ages.shape)
        known = np.maximum(ages, 0)
        return add_years(on, -(known + 1)) + 1, add_years(on, -known)

    def some(self, possible: Flags, number: int) -> Flags:
        """So many of those possible, by chance."""
        chosen = np.zeros(len(possible), dtype=bool)
        rows = np.flatnonzero(possible)
        chosen[self.rng.permutation(rows)[: max(number, 0)]] = True
        return chosen

    def with_births(self, cases: Cases) -> Cases:
        """The cases with people of the age that requests are made for."""
        ages = self.figures.draw_ages(self.rng, "request_age", len(cases))
        received = np.where(np.isnat(cases.received), self.first - 200, cases.received)
        cases.birth = self.births(ages, received)
        return cases

    @staticmethod
    def shift(cases: Cases, rows: Flags, outcomes: Days) -> None:
        """Move the days of some cases together so that their outcome falls on the days."""
        by = (outcomes - cases.issue_decided)[rows]
        for name in ("received", "decided", "issue_decided"):
            getattr(cases, name)[rows] += by


def forget_disputes(cases: Cases) -> None:
    """Take the disputes away, where the year's figures would count them."""
    for about in MATTERS:
        for kind in ("mediation", "appeal"):
            getattr(cases, f"{about}_{kind}")[:] = np.datetime64("NaT")
