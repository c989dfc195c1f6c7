"""Requests and assessments of the year that led to no plan in it."""

import numpy as np

from ..cases import (
    ACTIVE,
    AGREE,
    AWAITING,
    NOT_ASSESSED,
    NOT_ISSUED,
    ONGOING_ASSESSMENT,
    ONGOING_REQUEST,
    REFUSE,
    REQUEST_WITHDRAWN,
    WITHDRAWN,
    Cases,
)
from ..days import Flags, Ints, between, taken, when
from .slots import Slots, free_slots
from .stories import LikeStories
from .times import waits

AWAITING_SHARE = 0.05


class OutcomeStories(LikeStories):
    """Makes refusals, assessments under way, open and withdrawn requests."""

    def not_issued_in_year(self) -> None:
        """Assessments of the year that led to no plan."""
        targets, flow = self.targets, self.flow_numbers
        late = flow.late_by_kind()
        timed = targets.refused_in_time + targets.refused_late
        size = timed + targets.refused_untimed
        bands = np.zeros(size, dtype=np.int64)
        bands[: targets.refused_late] = 1
        undated = np.arange(size) >= timed
        in_year = self.some(~undated, flow.not_issued_in)
        carried = self.some(~undated & ~in_year, flow.not_issued_carried)
        is_late = self.some(in_year, late["not_issued_in"])
        is_late |= self.some(carried, late["not_issued_carried"])
        cases = Cases.blank(size, NOT_ISSUED)
        limits = (int(self.survey.limits["refuse_days"]), 300)
        self.timer.fill(cases, waits(bands, limits, in_year, carried, undated), is_late)
        cases.issue_decision[:] = REFUSE
        self.blocks["not_issued"] = (self.with_births(cases), free_slots(size))

    def refused_in_year(self) -> None:
        """Requests refused in the year, or received in it and refused soon after it ended."""
        flow, late = self.flow_numbers, self.flow_numbers.late_by_kind()
        in_year = np.arange(flow.refused_in - flow.refused_january) < late["refused_in"]
        carried = np.arange(flow.refused_carried) < late["refused_carried"]
        parts = [
            self.timer.in_year(in_year),
            self.timer.january(flow.refused_january),
            self.timer.carried(carried),
        ]
        cases = Cases.blank(sum(len(received) for received, _ in parts), NOT_ASSESSED)
        cases.has_request[:] = True
        cases.received = np.concatenate([received for received, _ in parts])
        cases.decided = np.concatenate([decided for _, decided in parts])
        cases.decision[:] = REFUSE
        self.blocks["refused"] = (self.with_births(cases), free_slots(len(cases)))

    def under_way(self) -> None:
        """Assessments under way when the year ended; some plans followed before the survey day."""
        flow, late = self.flow_numbers, self.flow_numbers.late_by_kind()
        of_year = flow.under_way + flow.assessments_withdrawn
        size = of_year + flow.assessments_withdrawn_carried
        number = np.arange(size)
        january = number < flow.under_way_january
        carried = ~january & (number < flow.under_way_january + flow.under_way_carried)
        carried |= number >= of_year
        withdrawn = number >= flow.under_way
        plain = ~january & ~carried & ~withdrawn
        is_late = self.some(plain, late["under_way"])
        is_late |= self.some(withdrawn & ~carried, late["assessments_withdrawn"])
        cases = Cases.blank(size, ONGOING_ASSESSMENT)
        cases.has_request[:] = cases.has_assessment[:] = True
        cases.decision[:] = AGREE
        earliest = np.where(withdrawn, self.first, self.last - 150)
        in_year = self.timer.in_year(is_late, earliest)
        shortly_before = self.first - self.rng.integers(40, 200, size)
        kinds = [january, carried]
        before = (shortly_before, shortly_before + 35)
        cases.received, cases.decided = (
            np.select(kinds, [soon, early], usual)
            for soon, early, usual in zip(self.timer.january(size), before, in_year, strict=True)
        )
        soonest = np.clip(cases.decided + 5, self.first, self.last)
        ends = between(self.rng, soonest, self.last, size)
        cases.assessment_withdrawn = when(withdrawn, ends)
        cases.category[withdrawn] = WITHDRAWN
        self.with_births(cases)
        slots = free_slots(size)
        self.issued_in_january(cases, slots, plain)
        if not self.is_form:
            awaiting = self.some(plain & ~cases.has_plan, round(AWAITING_SHARE * plain.sum()))
            cases.category[awaiting] = AWAITING
            cases.issue_decision[awaiting] = AGREE
        self.blocks["under_way"] = (cases, slots)

    def issued_in_january(self, cases: Cases, slots: Slots, possible: Flags) -> None:
        """Plans that started between the end of the year and the survey day."""
        pool = np.flatnonzero(self.free_older & (self.older.held == 0))
        rows = np.flatnonzero(self.some(possible, len(pool)))
        self.start_in_january(cases, slots, rows, pool[: len(rows)])
        left = pool[len(rows) :]
        more = Cases.blank(len(left), ACTIVE)
        more.has_request[:] = more.has_assessment[:] = True
        more.decision[:] = AGREE
        more.received = self.first - self.rng.integers(60, 120, len(left))
        more.decided = more.received + self.rng.integers(20, 42, len(left))
        extra = free_slots(len(left))
        self.start_in_january(more, extra, np.arange(len(left)), left)
        self.blocks["january"] = (more, extra)

    def start_in_january(self, cases: Cases, slots: Slots, rows: Ints, pool: Ints) -> None:
        """Issue and start the plans of some cases, with slots of older plans."""
        self.free_older[pool] = False
        slots.put(rows, taken(self.older, pool))
        cases.category[rows] = ACTIVE
        cases.has_plan[rows] = cases.is_new[rows] = True
        cases.issue_decision[rows] = AGREE
        cases.start[rows] = between(self.rng, self.last + 2, self.day, len(rows))
        cases.issue_decided[rows] = cases.start[rows]
        own = taken(slots, rows)
        cases.birth[rows] = self.born(own, cases.start[rows], cases.received[rows] - 40)

    def open_requests(self) -> None:
        """Requests of the year that are undecided, or ended with no decision."""
        flow = self.flow_numbers
        cases = Cases.blank(flow.undecided, ONGOING_REQUEST)
        cases.has_request[:] = True
        cases.received = between(self.rng, self.last - 80, self.last, len(cases))
        ended = Cases.blank(flow.withdrawn, REQUEST_WITHDRAWN)
        ended.has_request[:] = True
        ended.received = between(self.rng, self.first, self.last - 3, len(ended))
        ends = np.minimum(ended.received + self.rng.integers(2, 40, len(ended)), self.last)
        moved = self.rng.random(len(ended)) < 0.3
        ended.withdrawn, ended.moved = when(~moved, ends), when(moved, ends)
        for name, block in (("undecided", cases), ("withdrawn", ended)):
            self.blocks[name] = (self.with_births(block), free_slots(len(block)))
