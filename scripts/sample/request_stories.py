"""Stories of cases that have no plan: refused, withdrawn, moved away, under way."""

from typing import Any

import numpy as np

from .cases import (
    AGREE,
    AWAITING,
    NO,
    ONGOING_ASSESSMENT,
    ONGOING_REQUEST,
    RECEIVED_AFTER,
    REFUSE,
    Cases,
)
from .days import between, never, when
from .stories import Stories


class RequestStories(Stories):
    """Draws cases without a plan."""

    def refused(self, size: int, category: int, first: Any, last: Any) -> Cases:
        """Requests refused from first to last."""
        cases = Cases.blank(size, category)
        decided = between(self.rng, first, last, size)
        self.request(cases, decided - self.figures.draw_days(self.rng, "days_to_decide", size))
        cases.decision[:] = REFUSE
        cases.decided = decided
        self.dispute(cases, "assess", "dispute:assess", decided)
        return cases

    def not_issued(self, size: int, category: int, first: Any, last: Any) -> Cases:
        """Assessments that ended from first to last without a plan."""
        cases = Cases.blank(size, category)
        decided = between(self.rng, first, last, size)
        wait = self.figures.draw_days(self.rng, "days_to_refuse_issue", size)
        self.request(cases, decided - wait)
        cases.decision[:] = AGREE
        self.decide(cases, wait - 28)
        cases.has_assessment[:] = True
        cases.issue_decision[:] = REFUSE
        cases.issue_decided = decided
        self.dispute(cases, "issue", "dispute:issue", decided)
        return cases

    def in_assessment(self, size: int, category: int, ends: Any) -> Cases:
        """Assessments under way on the days."""
        cases = Cases.blank(size, category)
        wait = self.figures.draw_days(self.rng, "days_assessment_open", size)
        self.request(cases, np.broadcast_to(ends, size) - wait)
        cases.decision[:] = AGREE
        self.decide(cases, wait - 2)
        cases.has_assessment[:] = True
        return cases

    def awaiting_issue(self, size: int) -> Cases:
        """Decided to issue, the plan not yet issued."""
        cases = self.in_assessment(size, AWAITING, self.survey.day)
        cases.issue_decision[:] = AGREE
        cases.exception = self.chance("twenty_weeks", "exception", size)
        return cases

    def assessment_withdrawn(self, size: int, category: int, first: Any, last: Any) -> Cases:
        """Assessments withdrawn from first to last."""
        ends = between(self.rng, first, last, size)
        cases = self.in_assessment(size, category, ends)
        cases.assessment_withdrawn = ends
        return cases

    def moved_in_assessment(self, size: int, category: int, first: Any, last: Any) -> Cases:
        """People who left the area while being assessed."""
        ends = between(self.rng, first, last, size)
        cases = self.in_assessment(size, category, ends)
        cases.moved = ends
        return cases

    def ongoing_assessment(self, size: int) -> Cases:
        """Undecided on the survey day: plain, after an overturned refusal, or decided later."""
        survey = self.survey
        cases = self.in_assessment(size, ONGOING_ASSESSMENT, survey.day)
        cases.has_assessment &= ~self.chance("ongoing_assessment", "no_assessment_row", size)
        long_ago = cases.decided < survey.day - 70
        overturned = self.chance("ongoing_assessment", "refusal_overturned", size) & long_ago
        rows = np.flatnonzero(overturned)
        part = cases.take(rows)
        part.decision[:] = REFUSE
        part.has_assessment[:] = True
        self.dispute(part, "assess", "dispute:assess", part.decided, sure=True)
        self.keep_disputes_before(part, "assess", np.full(len(rows), survey.day - 5))
        cases.put(rows, part)
        later = self.chance("ongoing_assessment", "decided_after_survey_day", size) & ~overturned
        issued = later & (self.rng.random(size) < 0.5)
        cases.has_assessment |= later
        cases.issue_decision[later] = REFUSE
        cases.issue_decision[issued] = AGREE
        days = survey.day + 1 + self.rng.integers(0, 40, size)
        cases.issue_decided = when(later, days)
        cases.has_plan |= issued
        cases.is_new |= issued
        cases.start = when(issued, days)
        return cases

    def request_ended(self, size: int, category: int, first: Any, last: Any) -> Cases:
        """Requests that ended undecided from first to last; the caller says how."""
        cases = Cases.blank(size, category)
        ends = between(self.rng, first, last, size)
        self.request(cases, ends - self.rng.integers(2, 40, size))
        cases.withdrawn = ends
        return cases

    def moved_undecided(self, size: int, category: int, first: Any, last: Any) -> Cases:
        """People who left the area before the first decision."""
        cases = self.request_ended(size, category, first, last)
        cases.moved, cases.withdrawn = cases.withdrawn, never(size)
        return cases

    def ongoing_request(self, size: int) -> Cases:
        """Received and undecided on the survey day; some decided or withdrawn soon after."""
        cases = Cases.blank(size, ONGOING_REQUEST)
        wait = self.figures.draw_days(self.rng, "days_request_open", size)
        self.request(cases, self.survey.day - wait)
        later = self.chance("ongoing_request", "decided_after_survey_day", size)
        days = self.survey.day + 1 + self.rng.integers(0, 30, size)
        cases.decided = when(later, days)
        cases.decision = np.where(later, 1 + (self.rng.random(size) < 0.3), NO).astype(np.int8)
        withdrawn = self.chance("ongoing_request", "withdrawn_after_survey_day", size) & ~later
        cases.withdrawn = when(withdrawn, days)
        return cases

    def received_after(self, size: int) -> Cases:
        """Requests that arrive after the survey day."""
        cases = Cases.blank(size, RECEIVED_AFTER)
        self.request(cases, self.survey.day + 1 + self.rng.integers(0, 30, size))
        return cases
