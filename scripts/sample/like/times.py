"""Days of requests, decisions and outcomes that make the published times."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cases import AGREE, Cases
from ..days import Days, Flags, Ints, Random, between, when
from ..survey import Survey
from .targets import Disputes

# Waits in days: long enough for the first decision to be late or in time.
SHORTEST = 60
LONGEST = 520


@dataclass
class Wait:
    """Waits from the request to the outcome: one entry per assessment."""

    low: Ints
    high: Ints
    in_year: Flags
    carried: Flags
    undated: Flags


class Timer:
    """Draws the days of requests, first decisions and outcomes."""

    def __init__(self, rng: Random, survey: Survey) -> None:
        """The year runs from the period's start to the calendar year's end."""
        self.rng, self.survey = rng, survey
        self.first, self.last, self.day = (
            survey.period_start, survey.calendar_year_end, survey.day,
        )  # fmt: skip
        self.decide_days = int(survey.limits["decide_days"])

    def among(self, low: Ints, high: Ints) -> Ints:
        """Whole numbers from low to high, most of them near the high end."""
        back = self.rng.exponential(0.35, len(low)) * (high - low)
        return np.maximum(high - back.astype(np.int64), low)

    def outcomes(self, wait: Wait) -> tuple[Days, Days]:
        """The day of each request (none where it has no date) and of each outcome in the year."""
        size = len(wait.low)
        high = np.where(wait.in_year, np.minimum(wait.high, 340), wait.high)
        high = np.where(wait.carried, np.minimum(high, 320), high)
        days = self.among(wait.low, np.maximum(high, wait.low))
        earliest = np.where(wait.in_year, self.first + days, self.first + 2)
        latest = np.where(wait.in_year, self.last, np.minimum(self.first + days - 1, self.last))
        outcome = between(self.rng, earliest, np.maximum(latest, earliest), size)
        # One carried over was asked for in the last weeks of the year before.
        soon = self.first - self.rng.integers(3, self.decide_days - 8, size)
        outcome = np.where(wait.carried, soon + days, outcome)
        return when(~wait.undated, outcome - days), outcome

    def decisions(
        self, received: Days, before: Any, late: Flags, earliest: np.datetime64 | None = None
    ) -> Days:
        """First decisions in time or late, on the day given at the latest."""
        size = len(received)
        low = np.where(late, received + self.decide_days + 1, received + 1)
        if earliest is not None:
            low = np.maximum(low, earliest)
        high = np.where(late, received + self.decide_days + 60, received + self.decide_days)
        return between(self.rng, low, np.maximum(np.minimum(high, before), low), size)

    def in_year(self, late: Flags, earliest: Any = None) -> tuple[Days, Days]:
        """Requests and first decisions of the year."""
        room = np.where(late, 110, 12)
        first = self.first if earliest is None else np.where(late, self.first, earliest)
        received = between(self.rng, first, self.last - room, len(late))
        return received, self.decisions(received, self.last, late)

    def carried(self, late: Flags) -> tuple[Days, Days]:
        """Requests of the year before, decided in the year."""
        most = np.where(late, 90, self.decide_days - 8)
        received = self.first - 3 - (self.rng.random(len(late)) * (most - 3)).astype(np.int64)
        return received, self.decisions(received, self.last, late, self.first)

    def january(self, size: int) -> tuple[Days, Days]:
        """Requests of the year's last weeks, decided between its end and the survey day."""
        received = between(self.rng, self.last - 40, self.last - 1, size)
        return received, between(self.rng, self.last + 1, self.day, size)

    def fill(self, cases: Cases, wait: Wait, late: Flags) -> None:
        """Request, first decision and outcome of assessments decided in the year."""
        received, outcome = self.outcomes(wait)
        cases.has_request[:] = cases.has_assessment[:] = True
        cases.decision[:] = AGREE
        cases.received, cases.issue_decided = received, outcome
        in_year = self.decisions(received, outcome - 1, late)
        carried = self.decisions(received, outcome - 1, late, self.first)
        last_year = np.minimum(received + self.rng.integers(15, 60, len(cases)), self.first - 1)
        undated = self.first - self.rng.integers(5, 60, len(cases))
        cases.decided = np.select(
            [wait.undated, wait.in_year, wait.carried], [undated, in_year, carried], last_year
        )


def dispute(
    rng: Random, cases: Cases, rows: Ints, about: str, kinds: Ints, after: Days, last: Any
) -> None:
    """Mediation (1), an appeal (2) or both (3) about a matter, after the days and by the last."""
    first = np.minimum(after + rng.integers(5, 40, len(rows)), last)
    first = np.maximum(first, np.minimum(after, last))
    second = np.minimum(first + rng.integers(10, 40, len(rows)), last)
    for name, has, days in (
        ("mediation", kinds != 2, first),
        ("appeal", kinds >= 2, np.where(kinds == 3, second, first)),
    ):
        column = getattr(cases, f"{about}_{name}").copy()
        column[rows] = np.where(has, days, column[rows])
        setattr(cases, f"{about}_{name}", column)


def kinds_of(rng: Random, disputes: Disputes, first_alone: int = 0) -> Ints:
    """The kind of each dispute, in random order; so many of the first are mediation if any is."""
    kinds = rng.permutation(
        np.repeat([1, 2, 3], [disputes.mediation, disputes.appeal, disputes.both])
    )
    if not first_alone:
        return kinds
    alone = np.flatnonzero(kinds == 1)[:first_alone]
    return np.concatenate([kinds[alone], np.delete(kinds, alone)])


def waits(bands: Ints, limits: tuple[int, int], in_year: Flags, carried: Flags,
          undated: Flags) -> Wait:  # fmt: skip
    """The range of days of each band: within the first limit, to the second, and over."""
    low = np.choose(bands, [SHORTEST, limits[0] + 1, limits[1] + 1])
    high = np.choose(bands, [limits[0], limits[1], LONGEST])
    return Wait(low, high, in_year, carried, undated)
