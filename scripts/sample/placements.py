"""Placements: where those with a plan were taught, spell by spell."""

from dataclasses import dataclass

import numpy as np

from .cases import ACTIVE, Cases
from .days import (
    Days,
    Flags,
    Ints,
    Random,
    add_years,
    age_on,
    between,
    day_in,
    joined,
    taken,
    when,
    year_of,
)
from .figures import Figures
from .schools import SettingMaker, Settings
from .survey import Survey


@dataclass
class Placements:
    """One entry per spell, by plan, rank and entry date; `plan` is a place in Plans."""

    plan: Ints
    rank: Ints
    leaf: Ints
    establishment: Ints
    entry: Days
    leaving: Days
    is_current: Flags
    residential: Ints
    work_based: Ints
    part_time: Flags
    school_age: Flags


class PlacementMaker:
    """Draws the placements of plans."""

    def __init__(
        self,
        rng: Random,
        figures: Figures,
        survey: Survey,
        cases: Cases,
        maker: SettingMaker,
        settings: Settings,
    ) -> None:
        """Take the cases with a plan, and the settings."""
        self.rng, self.figures, self.survey = rng, figures, survey
        self.cases, self.maker, self.settings = cases, maker, settings
        self.codes = {
            "residential": survey.in_force("Residential"),
            "work_based": survey.in_force("WorkBasedLearning"),
        }

    def make(self, leaf: Ints, before: Ints | None = None) -> tuple[Placements, Ints]:
        """Spells at rank 1 with their changes of school, and some at rank 2.

        `before`, where given, is the setting that each plan moved from early in the period, -1 for
        none: then no other move in the calendar year is from one group of settings to another.
        """
        entries, same = self.entries(before)
        plan, place = np.nonzero(~np.isnat(entries))
        entry = entries[plan, place]
        follows = np.append(entry[1:], np.datetime64("NaT"))
        last = np.append(plan[1:] != plan[:-1], True)
        follows = np.where(last, np.datetime64("NaT"), follows)
        leaving = self.leaving(plan, entry, follows)
        is_current = self.current(plan, entry, follows)
        own_leaf, _ = self.maker.draw(
            self.maker.bands.of(np.maximum(age_on(self.cases.birth[plan], entry), 0)),
            np.zeros(len(plan), dtype=bool),
        )
        own_leaf = np.where(is_current, leaf[plan], own_leaf)
        if before is not None:
            self.hold_still(own_leaf, plan, entry, before)
        establishment = self.maker.establishment(self.settings, own_leaf)
        reopened = np.flatnonzero(same[plan, place])
        reopened = reopened[reopened > 0]
        own_leaf[reopened - 1] = own_leaf[reopened]
        establishment[reopened - 1] = establishment[reopened]
        first = self._spells(plan, 1, own_leaf, establishment, entry, leaving, is_current)
        spells = joined([first, self.second_placements(first)])
        spells = taken(spells, np.lexsort((spells.entry, spells.rank, spells.plan)))
        return spells, np.flatnonzero(spells.rank == 2)

    def entries(self, before: Ints | None) -> tuple[Days, Flags]:
        """Entry dates, a row per plan: the first, school moves, a move in the period or later."""
        cases, survey, rng = self.cases, self.survey, self.rng
        size = len(cases)
        at_school = np.maximum(cases.birth + 700, cases.start - rng.integers(0, 500, size))
        first = np.minimum(at_school, cases.start)
        first = np.where(np.isnat(cases.transferred), first, cases.transferred)
        columns = [self.school_moves(int(age)) for age in self.figures.labels("school_move_age")]
        moves = between(rng, survey.period_start + 20, survey.day - 20, size)
        moved = rng.random(size) < self.figures.one("placement", "moved_in_period")
        if before is not None:
            moved, moves = before >= 0, self.move_day
        columns.append(when(moved, moves))
        later = survey.day + rng.integers(2, 40, size)
        moves_later = rng.random(size) < self.figures.one("placement", "moves_after_survey_day")
        columns.append(when(moves_later & (cases.category == ACTIVE), later))
        again = rng.random(size) < self.figures.one("placement", "reopened_at_same_setting")
        if before is not None:
            again = np.zeros(size, dtype=bool)
        moves_matrix = np.column_stack(columns)
        order = np.argsort(moves_matrix, axis=1)
        moves_matrix = np.take_along_axis(moves_matrix, order, axis=1)
        entries = np.column_stack([first, moves_matrix])
        last = first.copy()
        limit = np.where(np.isnat(cases.cease), survey.day + 40, cases.cease - 40)
        for column in range(1, entries.shape[1]):
            days = entries[:, column]
            kept = (days >= last + 60) & (days <= limit)
            entries[:, column] = when(kept, days)
            last = np.where(kept, days, last)
        in_period = np.column_stack([np.zeros(size, dtype=bool), order == len(columns) - 2])
        return entries, in_period & again[:, None] & ~np.isnat(entries)

    @property
    def move_day(self) -> Days:
        """The day early in the period on which moves that are asked for happen."""
        days: Days = np.full(len(self.cases), self.survey.period_start + 75)
        return days

    def hold_still(self, leaf: Ints, plan: Ints, entry: Days, before: Ints) -> None:
        """Before each move in the calendar year: the setting asked for, or the same again."""
        moves = (entry >= self.survey.period_start) & (entry <= self.survey.calendar_year_end)
        moves[1:] &= plan[1:] == plan[:-1]
        asked = (before[plan] >= 0) & (entry == self.move_day[plan])
        for row in np.flatnonzero(moves)[::-1]:
            if row:
                leaf[row - 1] = before[plan[row]] if asked[row] else leaf[row]

    def school_moves(self, age: int) -> Days:
        """The first day of the school year that begins when a person is of that age."""
        begins = self.survey.key_days["school_year_start"]
        days = day_in(year_of(self.cases.birth) + age, begins)
        days = np.where(age_on(self.cases.birth, days - 1) < age, add_years(days, 1), days)
        return when(days <= self.survey.day, days)

    def leaving(self, plan: Ints, entry: Days, follows: Days) -> Days:
        """A spell ends before the next (in July before a new school year) or with the plan."""
        starts_year = follows == day_in(
            np.where(np.isnat(follows), self.survey.year, year_of(follows)),
            self.survey.key_days["school_year_start"],
        )
        leaving = follows - np.where(starts_year, 41, 1)
        ends = self.cases.cease[plan]
        earlier = ends - self.figures.draw_days(self.rng, "days_left_before_cease", len(plan))
        earliest = np.maximum(entry, self.survey.period_start)
        earliest = np.where(ends > self.survey.day, self.survey.day + 1, earliest)
        ending = np.where(earlier < earliest, ends, earlier)
        return np.where(np.isnat(follows), ending, leaving)

    def current(self, plan: Ints, entry: Days, follows: Days) -> Flags:
        """The spell of the survey day, or the last before the plan ended."""
        by_then = (entry <= self.survey.day) | (self.cases.category[plan] != ACTIVE)
        goes_on: Flags = np.isnat(follows) | (
            (follows > self.survey.day) & (self.cases.category[plan] == ACTIVE)
        )
        return by_then & goes_on

    def second_placements(self, first: Placements) -> Placements:
        """A rank 2 placement beside some of the current ones."""
        rng, survey = self.rng, self.survey
        rows = np.flatnonzero(first.is_current)
        rows = rows[rng.random(len(rows)) < self.figures.one("placement", "dual")]
        plan = first.plan[rows]
        entry = first.entry[rows] + rng.integers(0, 120, len(rows))
        ends = self.cases.cease[plan]
        fits = (entry < survey.day - 20) & (np.isnat(ends) | (entry < ends - 20))
        plan, entry, ends = plan[fits], entry[fits], ends[fits]
        labels = self.figures.labels("second_setting")
        leaves = np.array([self.settings.leaves.index(label) for label in labels])
        leaf = leaves[self.figures.draw(rng, "second_setting", len(plan))]
        latest = np.where(ends <= survey.day, ends, survey.day - 1)
        earliest = np.maximum(entry, survey.period_start)
        stops = self.rng.random(len(plan)) < self.figures.one("placement", "dual_ended")
        stopped = between(rng, earliest, latest, len(plan))
        leaving = np.where(stops & (latest >= earliest), stopped, ends)
        establishment = self.maker.establishment(self.settings, leaf)
        return self._spells(
            plan, 2, leaf, establishment, entry, leaving, np.zeros(len(plan), dtype=bool)
        )

    def _spells(
        self,
        plan: Ints,
        rank: int,
        leaf: Ints,
        establishment: Ints,
        entry: Days,
        leaving: Days,
        is_current: Flags,
    ) -> Placements:
        """Spells with their residential and work-based codes: only current ones have any."""
        size, figures, rng = len(plan), self.figures, self.rng
        ages = age_on(self.cases.birth[plan], self.survey.age_day)
        limits = self.survey.limits
        old_enough = ages >= limits["work_based_age_from"]
        return Placements(
            plan=plan,
            rank=np.full(size, rank, dtype=np.int8),
            leaf=leaf,
            establishment=establishment,
            entry=entry,
            leaving=leaving,
            is_current=is_current,
            residential=self._code_by_leaf("residential", leaf, is_current),
            work_based=self._code_by_leaf("work_based", leaf, is_current & old_enough),
            part_time=rng.random(size) < figures.one("placement", "part_time"),
            school_age=(ages >= limits["school_age_from"]) & (ages <= limits["school_age_to"]),
        )

    def _code_by_leaf(self, group: str, leaf: Ints, eligible: Flags) -> Ints:
        """A code of the set (its place, -1 for none) as often as the leaf has it."""
        codes = self.codes[group]
        shares = np.array([self.figures.weights(f"{group}:{x}", codes) for x in self.maker.leaves])
        edges = np.cumsum(shares, axis=1)
        chance = self.rng.random(len(leaf))
        number = (chance[:, None] >= edges[leaf]).sum(axis=1)
        return np.where(eligible & (number < len(codes)), number, -1)
