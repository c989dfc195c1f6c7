"""Plans issued in the year: their times, what was disputed, and whose they are."""

from dataclasses import dataclass

import numpy as np

from ..cases import ACTIVE, AGREE, CEASED, REFUSE, Cases
from ..days import Days, Flags, Ints, between, joined, taken
from .flow import solve
from .slots import Slots, free_slots
from .stories import LONG_AGO, MARGIN, MATTERS, LikeStories
from .times import dispute, kinds_of, waits

A_YEAR = 364
USUAL_EXCEPTIONS = 0.1


@dataclass
class Choice:
    """One entry per plan issued in the year.

    `untimed` counts those that DfE leaves out of the 20-week figures from 0, and is below 0 for the
    others. `in_year` and `carried`: asked for in the year; before it and agreed to in it. `after`
    and `before`: the plan started after or before the year.
    """

    band: Ints
    exception: Flags
    untimed: Ints
    undated: Flags
    in_year: Flags
    carried: Flags
    before: Flags
    after: Flags


class IssuedStories(LikeStories):
    """Makes the plans that the year issued, and the new plans that it did not."""

    def matched(self, slots: Slots, days: Days) -> Ints:
        """The slot for each day, so that a birthday between it and a reference day can be there."""
        shift = np.where(slots.start_age >= 0, slots.age - slots.start_age, 0)
        margin = (days - self.survey.age_day).astype(np.int64)
        order = np.full(len(days), -1)
        free = np.ones(len(days), dtype=bool)
        later = (slots.start_age >= 0) & (slots.end_age > slots.start_age) & (shift == 0)
        for own, fits in (
            (shift == 1, margin < -MARGIN),
            (shift == -1, margin > MARGIN),
            (later, days < self.last),
        ):
            rows = self.rng.permutation(np.flatnonzero(own))
            room = self.rng.permutation(np.flatnonzero(fits & free))[: len(rows)]
            order[room], free[room] = rows[: len(room)], False
        left = np.setdiff1d(np.arange(len(slots)), order)
        order[np.flatnonzero(free)] = self.rng.permutation(left)
        return order

    def suit_ages(self, cases: Cases, free: Flags, in_year: Flags, new: Flags) -> None:
        """Move outcomes before or after the age reference day until every change of age fits."""
        slots, reference = self.new, self.survey.age_day
        shift = np.where(slots.start_age >= 0, slots.age - slots.start_age, 0)
        without = max(len(slots) + len(self.ended) - int(new.sum()), 0)
        for change in (1, -1):
            margin = (cases.issue_decided - reference).astype(np.int64) * change
            short = int((shift == change).sum()) - int((new & (margin < -MARGIN)).sum())
            short -= without if change == 1 else 0
            wait = (cases.issue_decided - cases.received).astype(np.int64)
            wait = np.where(np.isnat(cases.received), LONG_AGO, wait)
            low = np.where(in_year, self.first + wait, self.first + 2)
            high = np.where(in_year, self.last, np.minimum(self.first + wait - 1, self.last))
            if change == 1:
                high = np.minimum(high, reference - MARGIN - 1)
            else:
                low = np.maximum(low, reference + MARGIN + 1)
            able = free & (margin >= -MARGIN) & (low <= high)
            rows = self.some(able, short)
            self.shift(cases, rows, between(self.rng, low, np.maximum(low, high), len(cases)))
            earlier = np.minimum(cases.received + 42, self.first - 1)
            undated = np.isnat(cases.received)
            before = np.where(undated, self.first - 30, earlier)
            cases.decided = np.where(rows & ~in_year, before, cases.decided)

    def issued(self) -> None:
        """Plans issued in the year: new ones, and those that started just before or after it."""
        choice = self.choose()
        size = len(choice.band)
        cases = Cases.blank(size, ACTIVE)
        limits = (int(self.survey.limits["issue_days"]), A_YEAR)
        late = self.flow_numbers.late_by_kind()
        is_late = self.some(choice.in_year, late["issued_in"])
        is_late |= self.some(choice.carried, late["issued_carried"])
        ways = waits(choice.band, limits, choice.in_year, choice.carried, choice.undated)
        self.timer.fill(cases, ways, is_late)
        cases.issue_decision[:] = AGREE
        cases.exception = choice.exception
        self.shift(cases, choice.after, self.last - self.rng.integers(0, 12, size))
        self.shift(cases, choice.before, self.first + 1 + self.rng.integers(0, 9, size))
        earlier = np.minimum(cases.received + 42, self.first - 1)
        cases.decided = np.where(choice.before, earlier, cases.decided)
        new = ~choice.after & ~choice.before
        self.suit_ages(cases, new & ~choice.carried, choice.in_year, new)
        overturned = (choice.untimed >= 0) & (choice.untimed < self.flow_numbers.overturned)
        cases.decision[overturned] = REFUSE
        self.dispute_issued(cases, choice)
        cases.has_plan[:] = cases.is_new[:] = True
        soon, just_before = self.rng.integers(0, 10, size), self.rng.integers(1, 13, size)
        cases.start = np.select(
            [choice.after, choice.before],
            [self.day - soon, self.first - just_before],
            cases.issue_decided,
        )
        self.place_issued(cases, choice.after, choice.before)

    def choose(self) -> Choice:
        """How long each plan issued took, and how its request and its start lie to the year."""
        targets, size = self.targets, self.targets.issued
        timed = [kind for kind, number in targets.timed.items() for _ in range(number)][:size]
        untimed = size - len(timed)
        order = self.rng.permutation(len(timed))
        by_chance = (self.rng.random(untimed) < 0.5).astype(np.int64)
        band = np.append(np.array([b for b, _ in timed], dtype=np.int64)[order], by_chance)
        exception = np.array([e for _, e in timed], dtype=bool)[order]
        exception = np.append(exception, self.rng.random(untimed) < USUAL_EXCEPTIONS)
        place = np.arange(size) - len(timed)
        is_timed, short = place < 0, band < 2
        new = min(size, len(self.new) + len(self.ended))
        january = int((self.older.held == 0).sum())
        number_before = max(size - new - january, 0)
        flow = self.flow_numbers = solve(
            targets, size, max(int((is_timed & short).sum()) - number_before, 0)
        )
        undated = place >= untimed - flow.undated
        must = ~is_timed & (place < flow.disputed[0])
        in_year = must | self.some(short & ~undated & ~must, flow.issued_in - int(must.sum()))
        after = self.some(in_year & is_timed, size - new - number_before)
        before = self.some(~in_year & ~undated, size - new - int(after.sum()))
        carried = self.some(~in_year & ~undated & ~before & short, flow.issued_carried)
        return Choice(band, exception, place, undated, in_year, carried, before, after)

    def place_issued(self, cases: Cases, after: Flags, before: Flags) -> None:
        """Give the issued plans their slots, and start the new plans that no decision goes with."""
        slots = free_slots(len(cases))
        for rows, held in ((after, 0), (before, 2)):
            pool = self.rng.permutation(
                np.flatnonzero(self.free_older & (self.older.held == held))
            )[: int(rows.sum())]
            self.free_older[pool] = False
            slots.put(np.flatnonzero(rows), taken(self.older, pool))
        new = np.flatnonzero(~after & ~before)
        people = joined([self.new, self.ended])
        without = self.undecided_new(max(len(people) - len(new), 0))
        starts = np.concatenate([cases.start[new], without.start])
        order = self.matched(people, starts)
        matched = taken(people, order)
        slots.put(new, taken(matched, np.arange(len(new))))
        ended = order >= len(self.new)
        every = joined([slots, taken(matched, np.arange(len(new), len(order)))])
        cases = joined([cases, without])
        cases.person = np.arange(len(cases), dtype=np.int32)
        rows = np.concatenate([new, np.arange(len(slots), len(cases))])
        latest = np.where(np.isnat(cases.received), cases.start - 400, cases.received - 40)
        cases.birth = self.born(every, cases.start, latest)
        self.cease(cases, np.compress(ended, rows))
        self.blocks["issued"] = (cases, every)

    def cease(self, cases: Cases, rows: Ints) -> None:
        """New plans that ended between the end of the year and the survey day: moved elsewhere."""
        cases.category[rows] = CEASED
        cases.cease[rows] = between(self.rng, self.last + 1, self.day, len(rows))
        cases.cease_reason[rows] = 5

    def undecided_new(self, size: int) -> Cases:
        """New plans whose assessment was decided in the last days of the year before."""
        cases = Cases.blank(size, ACTIVE)
        cases.has_plan[:] = cases.has_request[:] = cases.has_assessment[:] = True
        cases.is_new[:] = True
        cases.decision[:] = cases.issue_decision[:] = AGREE
        cases.start = self.first + 1 + self.rng.integers(0, 60, size)
        cases.issue_decided = self.first - 1 - self.rng.integers(0, 12, size)
        cases.received = cases.issue_decided - self.rng.integers(90, 150, size)
        cases.decided = cases.received + self.rng.integers(20, 42, size)
        return cases

    def dispute_issued(self, cases: Cases, choice: Choice) -> None:
        """Disputes on issued plans, which leaves them without a time."""
        if self.is_form:
            return
        untimed = choice.untimed
        disputed = int(((untimed >= 0) & ~choice.undated).sum())
        numbers = self.flow_numbers.disputed
        places = (0, disputed - numbers[1], min(numbers[0], disputed - numbers[2]))
        self.kinds = {}
        for about, number, place in zip(MATTERS, numbers, places, strict=True):
            kinds = kinds_of(
                self.rng, self.targets.disputes[about], number if about == "issue" else 0
            )
            rows = np.flatnonzero((untimed >= place) & (untimed < place + number))
            after, last = cases.issue_decided, np.full(len(cases), self.day)
            if about == "assess":
                after, last = cases.decided, cases.issue_decided
            dispute(self.rng, cases, rows, about, kinds[: len(rows)], after[rows], last[rows])
            self.kinds[about] = kinds[len(rows) :]
