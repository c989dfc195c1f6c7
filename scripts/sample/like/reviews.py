"""Annual reviews that make an authority's published counts of meetings and decisions."""

from dataclasses import dataclass

import numpy as np

from ..days import Days, Ints, Random, between, day_in, never, when, year_of
from ..reviews import Reviews as Made
from ..survey import Survey
from .targets import Reviews, Targets

NO_FIT = (
    "no dates of meetings and decisions give all the counts of annual reviews that are published"
)
SINCE, IN_YEAR, BEFORE = range(3)
NEAR, FAR = True, False


@dataclass(frozen=True)
class Kind:
    """Reviews alike: when they met, whether near the survey day, and when they were decided.

    `decided` is None for those that are not decided, and so is `in_time`.
    """

    met: int
    is_near: bool
    decided: int | None
    in_time: bool | None


def solve(wanted: Reviews) -> dict[Kind, int] | None:
    """How many reviews of each kind make the counts; None when no numbers do.

    Those since the year are near the survey day, and so are some of the year's last days; those
    are decided in time, if at all. What was met before the year and decided since it is late.
    """
    met, decided = wanted.meetings, wanted.decisions
    near = wanted.not_due - met[SINCE]
    open_near = sum(met) - sum(decided) - wanted.outstanding
    open_since = min(open_near, met[SINCE])
    open_before = min(wanted.outstanding, met[BEFORE] - decided[BEFORE])
    # Decided ones by when they met: since the year, in it near the survey day and far, before it.
    since = met[SINCE] - open_since
    last_days = near - (open_near - open_since)
    far = met[IN_YEAR] - near - (wanted.outstanding - open_before)
    before = met[BEFORE] - open_before
    # Those of the year and before it that were decided since, the late ones last.
    left = decided[SINCE] - since
    far_since = min(left, far)
    near_since = min(left - far_since, last_days)
    late_since = left - far_since - near_since
    spare = wanted.in_time - since - last_days
    found: dict[Kind, int] = {
        Kind(SINCE, NEAR, None, None): open_since,
        Kind(IN_YEAR, NEAR, None, None): open_near - open_since,
        Kind(IN_YEAR, FAR, None, None): wanted.outstanding - open_before,
        Kind(BEFORE, FAR, None, None): open_before,
        Kind(SINCE, NEAR, SINCE, True): since,
        Kind(IN_YEAR, NEAR, SINCE, True): near_since,
        Kind(IN_YEAR, NEAR, IN_YEAR, True): last_days - near_since,
        Kind(BEFORE, FAR, SINCE, False): late_since,
    }
    for kind, number in (
        ((IN_YEAR, IN_YEAR), far - far_since),
        ((BEFORE, BEFORE), decided[BEFORE]),
        ((IN_YEAR, SINCE), far_since),
        ((BEFORE, IN_YEAR), before - decided[BEFORE] - late_since),
    ):
        in_time = min(spare, number)
        spare -= in_time
        found[Kind(kind[0], FAR, kind[1], True)] = in_time
        found[Kind(kind[0], FAR, kind[1], False)] = number - in_time
    return found if spare == 0 and min(found.values()) >= 0 else None


class LikeReviews:
    """Draws the latest reviews of an authority's plans in force."""

    def __init__(self, rng: Random, survey: Survey, targets: Targets) -> None:
        """Take the numbers to come to."""
        self.rng, self.survey, self.targets = rng, survey, targets
        self.first, self.last, self.day = (
            survey.period_start, survey.calendar_year_end, survey.day,
        )  # fmt: skip
        self.limit = int(survey.limits["review_days"])

    def make(self, plans: Ints, starts: Days, labels: list[str]) -> Made | None:
        """One review for as many of the plans as were met; None when the counts do not fit.

        `plans` are those in force that started before the year, on the days given. Outcomes beyond
        the meetings have a review without one.
        """
        wanted = self.targets.reviews
        found = solve(wanted) if wanted else None
        met = sum(wanted.meetings) if wanted else 0
        size = max(met, sum(wanted.outcomes.values())) if wanted else 0
        if wanted is None or found is None or size > len(plans):
            if wanted is not None:
                self.targets.give_way("annual_reviews", "", size, 0, NO_FIT, True)
            return None
        kinds = [kind for kind, number in found.items() for _ in range(number)]
        meeting, decided = self.days(kinds)
        # Those that met first to the plans that started first.
        chosen = np.argsort(starts, kind="stable")[:size]
        order = np.argsort(meeting, kind="stable")
        meeting = np.append(meeting[order], never(size - met))
        decided = np.append(decided[order], never(size - met))
        return Made(
            plan=plans[chosen],
            meeting=meeting,
            decision=self.outcomes(decided, meeting, wanted.outcomes, labels),
            decided=decided,
            draft=never(size),
            due=never(size),
            final=never(size),
        )

    def days(self, kinds: list[Kind]) -> tuple[Days, Days]:
        """Meetings and decisions, none where a review is not decided."""
        size, limit = len(kinds), self.limit
        met = np.array([kind.met for kind in kinds])
        is_near = np.array([kind.is_near for kind in kinds], dtype=bool)
        after = np.array([-1 if kind.decided is None else kind.decided for kind in kinds])
        in_time = np.array([bool(kind.in_time) for kind in kinds])
        late = (after >= 0) & ~in_time
        before = day_in(year_of(self.first) - 1, "01-01")
        low = np.choose(met, [self.last + 1, self.first, before])
        high = np.choose(met, [self.day, self.last, self.first - 1])
        nearest = self.day - limit
        low = np.where(is_near, np.maximum(low, nearest), low)
        high = np.where(is_near, high, np.minimum(high, nearest - 1))
        # The decision in or since the year, in time or late, is still to come.
        begins = np.choose(np.maximum(after, 0), [self.last + 1, self.first, before])
        ends = np.choose(np.maximum(after, 0), [self.day, self.last, self.first - 1])
        low = np.where(in_time, np.maximum(low, begins - limit), low)
        high = np.where(late, np.minimum(high, ends - limit - 1), high)
        low = np.minimum(low, high)
        meeting = between(self.rng, low, high, size)
        first = np.where(late, meeting + limit + 1, meeting)
        first = np.maximum(first, begins)
        last = np.minimum(np.where(in_time, meeting + limit, ends), ends)
        return meeting, when(after >= 0, between(self.rng, first, last, size))

    def outcomes(
        self, decided: Days, meeting: Days, wanted: dict[str, int], labels: list[str]
    ) -> Ints:
        """What each review decided, those without a date last; -1 where that is not recorded."""
        codes = [labels.index(code) for code, number in wanted.items() for _ in range(number)]
        chance = self.rng.random(len(decided))
        order = np.lexsort((chance, np.isnat(decided), np.isnat(meeting)))
        found = np.full(len(decided), -1)
        found[order[: len(codes)]] = self.rng.permutation(codes)
        return found
