"""The parts that the stories of cases are told with."""

from typing import Any

import numpy as np

from .cases import AGREE, REFUSE, Cases
from .days import Days, Flags, Ints, Random, add_years, between, when
from .figures import Figures, pick
from .survey import Survey


class Stories:
    """What the stories of cases share: parts that several of them are told with."""

    def __init__(self, rng: Random, figures: Figures, survey: Survey) -> None:
        """Keep the source of chance, the shares and the survey."""
        self.rng, self.figures, self.survey = rng, figures, survey
        self.plans_began = np.datetime64(survey.key_days["plans_began"], "D")
        self.before_period = survey.period_start - 1

    def chance(self, group: str, category: str, size: int) -> Flags:
        """True as often as the figure says."""
        hits: Flags = self.rng.random(size) < self.figures.one(group, category)
        return hits

    def births(self, ages: Ints, days: Any) -> Days:
        """Birth dates of people of these ages on the days."""
        born: Days = add_years(np.broadcast_to(days, ages.shape), -ages)
        return born - self.rng.integers(0, 364, len(ages))

    def decide(self, cases: Cases, latest_wait: Any) -> None:
        """The first decision: the published waits, but soon enough for what follows."""
        wait = self.figures.draw_days(self.rng, "days_to_decide", len(cases))
        early = (self.rng.random(len(cases)) * np.maximum(latest_wait, 0)).astype(int)
        cases.decided = cases.received + np.where(wait <= latest_wait, wait, early)

    def request(self, cases: Cases, received: Any) -> None:
        """A request received on the day by a person of the age that requests are made for."""
        cases.has_request[:] = True
        cases.received = received
        ages = self.figures.draw_ages(self.rng, "request_age", len(cases))
        cases.birth = self.births(ages, received)

    def dispute(
        self, cases: Cases, about: str, group: str, after: Days, sure: bool = False
    ) -> None:
        """Mediation, an appeal or both about a matter, some time after it was decided."""
        size, labels = len(cases), self.figures.labels(group)
        weights = self.figures.weights(group, labels)
        kinds = pick(self.rng, weights if sure else np.append(weights, 1 - weights.sum()), size)
        first = after + self.figures.draw_days(self.rng, "days_to_dispute", size)
        second = first + self.figures.draw_days(self.rng, "days_to_dispute", size)
        setattr(cases, f"{about}_mediation", when((kinds == 0) | (kinds == 2), first))
        appeal = when(kinds == 1, first)
        setattr(cases, f"{about}_appeal", np.where(kinds == 2, second, appeal))

    def issue_history(self, cases: Cases) -> None:
        """The request and assessment behind plans made by this authority on their start date."""
        size = len(cases)
        cases.has_request[:] = cases.has_assessment[:] = True
        cases.issue_decision[:] = AGREE
        cases.issue_decided = cases.start.copy()
        cases.decision[:] = AGREE
        cases.exception = self.chance("twenty_weeks", "exception", size)
        wait = np.where(
            cases.exception,
            self.figures.draw_days(self.rng, "days_to_issue_with_exception", size),
            self.figures.draw_days(self.rng, "days_to_issue", size),
        )
        cases.received = np.maximum(cases.start - wait, cases.birth + 30)
        self.decide(cases, (cases.start - cases.received).astype(int) - 28)
        self.overturn_refusals_to_assess(cases)
        self.overturn_refusals_to_issue(cases)

    def overturn_refusals_to_assess(self, cases: Cases) -> None:
        """Some plans follow a refusal to assess that mediation or a tribunal turned round."""
        chosen = self.chance("twenty_weeks", "overturned_refusal_to_assess", len(cases))
        wait = self.figures.draw_days(self.rng, "days_refusal_to_issue", len(cases))
        refused = cases.start - wait
        received = refused - self.figures.draw_days(self.rng, "days_to_decide", len(cases))
        rows = np.flatnonzero(chosen & (received > cases.birth + 30))
        part = cases.take(rows)
        part.decision[:] = REFUSE
        part.decided, part.received = refused[rows], received[rows]
        self.dispute(part, "assess", "dispute:assess", part.decided, sure=True)
        self.keep_disputes_before(part, "assess", part.start - 20)
        cases.put(rows, part)

    def overturn_refusals_to_issue(self, cases: Cases) -> None:
        """A few plans of the period follow a refusal in the period to issue one."""
        chosen = self.chance("twenty_weeks", "overturned_refusal_to_issue", len(cases))
        wait = self.figures.draw_days(self.rng, "days_refusal_to_issue", len(cases))
        refused = cases.start - wait
        received = refused - self.figures.draw_days(self.rng, "days_to_refuse_issue", len(cases))
        rows = np.flatnonzero(
            chosen
            & (cases.decision == AGREE)
            & (refused >= self.survey.period_start)
            & (received > cases.birth + 30)
        )
        part = cases.take(rows)
        part.issue_decision[:] = REFUSE
        part.exception[:] = False
        part.issue_decided, part.received = refused[rows], received[rows]
        self.decide(part, (part.issue_decided - part.received).astype(int) - 28)
        self.dispute(part, "issue", "dispute:issue", part.issue_decided, sure=True)
        self.keep_disputes_before(part, "issue", part.start - 5)
        cases.put(rows, part)

    @staticmethod
    def keep_disputes_before(cases: Cases, about: str, latest: Days) -> None:
        """A dispute that turned a decision round happened before what it led to."""
        for kind in ("mediation", "appeal"):
            days = cases.disputes(kind, about)
            setattr(cases, f"{about}_{kind}", np.where(days > latest, latest, days))

    def transfer(self, cases: Cases, first: Any, last: Any) -> None:
        """The plan came from another authority on a day from first to last, with no request."""
        cases.has_request[:] = False
        cases.transferred = between(self.rng, first, last, len(cases))

    def flow(self, name: str) -> float:
        """Cases a year for each active plan."""
        return self.figures.one("flow", name)
