"""Annual reviews, and the transfers between phases that some of them prepare."""

from dataclasses import dataclass

import numpy as np

from .cases import Cases
from .days import Days, Flags, Ints, Random, add_years, age_on, day_in, never, when, year_of
from .figures import Figures
from .survey import Survey


@dataclass
class Reviews:
    """One entry per annual review, in the order of plans and meetings."""

    plan: Ints
    meeting: Days
    decision: Ints
    decided: Days
    draft: Days
    due: Days
    final: Days


class ReviewMaker:
    """Draws the reviews of plans."""

    def __init__(self, rng: Random, figures: Figures, survey: Survey, cases: Cases) -> None:
        """Take the cases with a plan."""
        self.rng, self.figures, self.survey, self.cases = rng, figures, survey, cases

    def make(self) -> Reviews:
        """A review about every year while the plan runs, as late and as patchy as published."""
        cases, survey, figures, rng = self.cases, self.survey, self.figures, self.rng
        size = len(cases)
        first = cases.start
        most = 1 + int((survey.day - first.min()).astype(int)) // 340
        gaps = figures.draw_days(rng, "days_between_reviews", size * most).reshape(size, most)
        meeting = first[:, None] + np.cumsum(gaps, axis=1)
        limit = np.where(np.isnat(cases.cease), survey.day + 40, cases.cease - 1)
        limit = np.minimum(limit, survey.day + 40)
        had_one_before = meeting[:, 0] < survey.period_start
        missed = had_one_before & (rng.random(size) < figures.one("review", "latest_missed"))
        limit = np.where(missed, np.minimum(limit, survey.period_start - 1), limit)
        never_met = rng.random(size) < np.where(
            first < add_years(survey.period_start, -1),
            figures.one("review", "none_later"),
            figures.one("review", "none_in_second_year"),
        )
        held = (meeting <= limit[:, None]) & ~never_met[:, None]
        plan, place = np.nonzero(held)
        meeting = meeting[plan, place]
        next_after = np.append(plan[1:] == plan[:-1], False) & np.append(
            meeting[1:] <= survey.day, False
        )
        is_latest = (meeting <= survey.day) & ~next_after
        return self.decisions(plan, meeting, is_latest)

    def decisions(self, plan: Ints, meeting: Days, is_latest: Flags) -> Reviews:
        """What was decided after each meeting, when, and what followed."""
        survey, figures, rng = self.survey, self.figures, self.rng
        size = len(plan)
        undecided = (meeting > survey.day) | (
            is_latest & (rng.random(size) < figures.one("review", "undecided"))
        )
        decided = meeting + figures.draw_days(rng, "days_to_review_decision", size)
        codes = figures.labels("review_decision")
        decision = np.where(undecided, -1, figures.draw(rng, "review_decision", size))
        draft = decided + figures.draw_days(rng, "days_to_draft", size)
        due = self.phase_transfers(plan, meeting)
        chance = rng.random(size)
        by_due = figures.one("phase_transfer", "final_by_due")
        late = by_due + figures.one("phase_transfer", "final_late")
        early_by = figures.draw_days(rng, "days_final_early", size)
        late_by = figures.draw_days(rng, "days_final_late", size)
        final = np.where(chance < by_due, np.maximum(due - early_by, meeting + 14), due + late_by)
        return Reviews(
            plan=plan,
            meeting=meeting,
            decision=decision,
            decided=when(~undecided, decided),
            draft=when(decision == codes.index("A"), draft),
            due=due,
            final=when((chance < late) & (final > meeting), final),
        )

    def phase_transfers(self, plan: Ints, meeting: Days) -> Days:
        """The due date of reviews in the year before a move of phase, by age that summer."""
        births = self.cases.birth[plan]
        due = never(len(plan))
        for age, key in self.figures.text("phase_transfer_age").items():
            day = day_in(year_of(meeting), self.survey.key_days[key])
            day = np.where(day < meeting, add_years(day, 1), day).astype("datetime64[D]")
            summer = day_in(year_of(day), self.survey.key_days["age_reference_day"])
            due = np.where(age_on(births, summer) == int(age), day, due)
        return due
