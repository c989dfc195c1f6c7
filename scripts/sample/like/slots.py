"""Places for the plans that published figures count: age, sex, setting, need, and when it began.

Margins that are published apart are joined by proportional fitting in whole numbers, so that every
one of them stays exact and the joint shape is England's.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from ... import spec
from ..days import Ints, Random
from ..plan_stories import held_shape
from ..schools import SettingMaker
from .allocate import Shares, share_out, shuffled, whole_table
from .release_2025 import GROUPS
from .targets import NO_NEED, NO_SETTING, Group, Targets

TINY = 1e-6
OLDEST = 25
# How likely the age on the age reference day is that of the year's end or one less: by whether a
# birthday comes between the start of the plan and the end of the year, and where it is not known.
IN_YEAR = {0: {0: 0.89, 1: 0.11}, 1: {0: 0.44, 1: 0.56}}
END_ALONE = {0: 0.67, 1: 0.33}


@dataclass
class Slots:
    """One entry per plan; -1 is free or not known, and for `sex` 0 is F, 1 M and 2 unknown.

    Ages are on the age reference day, when the plan started and when the calendar year ended.
    `leaf` and `need` count one more kind than the sample knows: not recorded.
    """

    age: Ints
    start_age: Ints
    end_age: Ints
    sex: Ints
    leaf: Ints
    need: Ints
    held: Ints
    ethnicity: npt.NDArray[np.str_]

    def __len__(self) -> int:
        """How many plans."""
        return len(self.age)

    def put(self, rows: Ints, other: "Slots") -> None:
        """Overwrite some of the slots with as many others."""
        for item in fields(self):
            getattr(self, item.name)[rows] = getattr(other, item.name)


@dataclass
class AgeRows:
    """The ages by which new plans are published, and how many of each; -1 where not known.

    `low` to `high` are the ages on the age reference day that can go with a row, as likely as in
    `likely`.
    """

    low: Ints
    high: Ints
    start: Ints
    end: Ints
    number: Ints
    likely: Shares


def free_slots(size: int) -> Slots:
    """Slots with nothing published of them."""
    columns = {item.name: np.full(size, -1) for item in fields(Slots)}
    return Slots(**columns | {"ethnicity": np.full(size, "", dtype="U4")})


def middle_age(rows: AgeRows) -> Ints:
    """An age on the age reference day that goes with each row."""
    middle = np.where(rows.start >= 0, rows.start, (rows.low + rows.high + 1) // 2)
    return np.clip(middle, 0, OLDEST - 1)


class Allotter:
    """Makes the slots of an authority: plans new in the year, older ones, new ones since ended."""

    def __init__(self, rng: Random, maker: SettingMaker, targets: Targets) -> None:
        """Take the published numbers, and England's shape."""
        self.rng, self.maker, self.figures, self.targets = rng, maker, maker.figures, targets
        self.leaves = [*maker.leaves, NO_SETTING]
        self.needs = [*maker.needs, NO_NEED]
        self.ages = np.arange(OLDEST + 1)
        self.stock, self.new = self.whole(targets.stock), self.whole(targets.new)
        self.rows = self.age_rows()

    # -- margins

    def whole(self, group: Group) -> dict[str, Ints]:
        """Every margin of a group as whole numbers; England's shares where nothing is published."""
        figure = "new_setting:" if group.by_year_end else "setting:"
        shares = [
            sum(float(self.figures.text(figure + g).get(leaf, 0)) for g in self.maker.groups)
            for leaf in self.leaves
        ]
        return {
            "leaf": self.margin(group.plans, self.leaves, group.settings, np.array(shares)),
            "age": self.age_margin(group),
            "sex": self.margin(group.plans, ["F", "M", "Unknown"], self.sexes(group),
                               self.figures.weights("sex:plan", ["F", "M", ""])),
        }  # fmt: skip

    @staticmethod
    def margin(plans: int, names: list[str], known: dict[str, int] | None, shares: Shares) -> Ints:
        """The published numbers in the order of the names, or the plans shared out."""
        if known is None:
            return share_out(plans, shares)
        return np.array([known.get(name, 0) for name in names], dtype=np.int64)

    @staticmethod
    def sexes(group: Group) -> dict[str, int] | None:
        """Published numbers by sex under the sample's names."""
        if group.sexes is None:
            return None
        return {{"Female": "F", "Male": "M"}.get(n, n): k for n, k in group.sexes.items()}

    def age_margin(self, group: Group) -> Ints:
        """Plans at each single age; a range of ages is shared out as in England."""
        figure = "new_plan_age" if group.by_year_end else "stock_age"
        return self.range_margin(figure, group.ages or [(0, OLDEST, group.plans)])

    def range_margin(self, figure: str, ranges: list[tuple[int, int, int]]) -> Ints:
        """Plans at each single age, those of a range of ages shared out as in England."""
        weights = self.figures.weights(figure, self.ages)
        found = np.zeros(len(self.ages), dtype=np.int64)
        for low, high, number in ranges:
            found[low : high + 1] += share_out(number, weights[low : high + 1])
        return found

    # -- settings and needs

    def shape(self, is_new: bool) -> Shares:
        """England's plans by age band, kind of setting and need, with a little everywhere."""
        table = (self.maker.new if is_new else self.maker.older).table
        number = np.array([
            next((i for i, g in enumerate(self.maker.groups)
                  if leaf in self.figures.text(f"setting:{g}")), -1)
            for leaf in self.leaves
        ])  # fmt: skip
        by_leaf = np.where(
            (number >= 0)[None, :, None], table[:, number], table.sum(axis=1)[:, None]
        )
        unknown = 0.01 * by_leaf.sum(axis=2, keepdims=True)
        return np.concatenate([by_leaf, unknown], axis=2) + TINY

    def stock_table(self) -> Ints:
        """Plans in force by kind of setting and need."""
        seed = self.shape(is_new=False).sum(axis=0)
        rows, needs = self.stock["leaf"], self.targets.stock.needs
        table = np.zeros((len(self.leaves), len(self.needs)), dtype=np.int64)
        if needs is None:
            for leaf, number in enumerate(rows):
                table[leaf, :-1] = share_out(int(number), seed[leaf, :-1])
            return table
        for name, wanted in needs.items():
            members = np.array([name in ("", self.published_group(leaf)) for leaf in self.leaves])
            columns = np.array([wanted.get(need, 0) for need in self.needs])
            table[members] = whole_table(seed[members], rows[members], columns)
        return table

    def published_group(self, leaf: str) -> str:
        """The group that the needs of a kind of setting are published under."""
        own = (g for g in self.maker.groups if leaf in self.figures.text(f"setting:{g}"))
        return GROUPS[next(own, "unknown")]

    def new_table(self, stock: Ints) -> tuple[Ints, Ints, Ints]:
        """New plans in force by setting and need, and the settings and needs of those ended since.

        A new plan at a setting where fewer are in force has ended, and so have those beyond the
        plans that are published as held since the year.
        """
        leaves, needs = self.new["leaf"], self.new_needs(stock)
        ended = np.maximum(leaves - stock.sum(axis=1), 0)
        ended_needs = np.maximum(needs - stock.sum(axis=0), 0)
        years = self.targets.stock.years
        beyond = int(leaves.sum()) - years.get(1, 0) if years else 0
        size = max(
            beyond, int(ended.sum()), int(ended_needs.sum()), int(self.too_many_ages().sum())
        )
        ended = ended + share_out(size - int(ended.sum()), (leaves - ended).astype(float))
        ended_needs = ended_needs + share_out(
            size - int(ended_needs.sum()), (needs - ended_needs).astype(float)
        )
        most = np.minimum(stock, self.most_new())
        table = whole_table(stock + TINY * (stock > 0), leaves - ended, needs - ended_needs, most)
        return table, leaves - table.sum(axis=1), needs - table.sum(axis=0)

    def most_new(self) -> Ints:
        """The most new plans of each setting and need, where ages at the start have their needs."""
        if self.targets.new.start_needs is None:
            return np.full((len(self.leaves), len(self.needs)), self.targets.stock.plans)
        lows, wanted = self.start_groups()
        most: Ints = self.leaf_ages()[:, lows].astype(np.int64) @ wanted
        return most

    def new_needs(self, stock: Ints) -> Ints:
        """New plans by need."""
        known, plans = self.targets.new.needs, int(self.new["leaf"].sum())
        if known is None:
            weights = np.minimum(self.shape(is_new=True).sum(axis=(0, 1)), 1e9 * stock.sum(axis=0))
            return share_out(plans, np.append(weights[:-1], 0))
        return np.array([known[""].get(need, 0) for need in self.needs])

    # -- ages

    def age_rows(self) -> AgeRows:
        """The ages or ranges of ages by which new plans are published, and how many of each."""
        group, ages = self.targets.new, self.ages
        if not group.by_year_end:
            bands = group.ages or [(0, OLDEST, group.plans)]
            low, high, numbers = np.array(bands).T
            weights = self.figures.weights("new_plan_age", ages) + TINY
            inside = (ages >= low[:, None]) & (ages <= high[:, None])
            free = np.full(len(low), -1)
            return AgeRows(low, high, free, free, numbers, inside * weights)
        if group.start_ages is None:
            kinds = [(-1, int(age), int(self.new["age"][age]), END_ALONE) for age in ages]
        else:
            starts = self.range_margin("new_plan_age", group.start_ages)
            moved = self.birthdays(starts)
            kinds = [
                (age, age + change, number, IN_YEAR[change])
                for age in map(int, ages)
                for change, number in ((0, int(starts[age] - moved[age])), (1, int(moved[age])))
                if starts[age]
            ]
        start, end, numbers = np.array([kind[:3] for kind in kinds]).T
        likely = np.zeros((len(kinds), len(ages)))
        for row, (_, last, _, shares) in enumerate(kinds):
            for before, share in shares.items():
                likely[row, np.clip(last - before, 0, OLDEST)] += share
        return AgeRows(end - 1, end, start, end, numbers, likely)

    def birthdays(self, starts: Ints) -> Ints:
        """New plans of each age at the start that are a year older when the year ends."""
        group = self.targets.new
        moved = np.cumsum(starts) - np.cumsum(self.new["age"])
        # Within the last range of ages it does not matter.
        low, high, _ = max([*(group.start_ages or []), *(group.ages or [])])
        if high > low:
            moved[low:] = starts[low:] // 2
            moved[high:] = 0
        wrong = int((moved < 0).sum() + (moved > starts).sum())
        self.targets.give_way(
            "newplans", "", wrong, 0,
            "no births give both the ages at the start and those that newplans has", True,
        )  # fmt: skip
        return np.clip(moved, 0, starts)

    def too_many_ages(self) -> Ints:
        """New plans of a range of ages beyond all that are in force: they have ended."""
        rows = self.rows
        if self.targets.new.by_year_end:
            return np.zeros(len(rows.number), dtype=np.int64)
        limits = zip(rows.low, rows.high, strict=True)
        held = np.array([self.stock["age"][low : high + 1].sum() for low, high in limits])
        return np.maximum(rows.number - held, 0)

    def ended_rows(self, needs: Ints) -> Ints:
        """New plans of each row of ages that can have ended with these needs."""
        rows = self.rows
        if self.targets.new.start_needs is None:
            return rows.number
        lows, wanted = self.start_groups()
        by_group = np.zeros(len(lows), dtype=np.int64)
        for need, number in enumerate(needs):
            by_group += share_out(int(number), wanted[:, need].astype(float))
        group = np.searchsorted(lows, rows.start, side="right") - 1
        found = np.zeros(len(rows.number), dtype=np.int64)
        for number, plans in enumerate(by_group):
            own = np.flatnonzero(group == number)
            found[own] = share_out(int(plans), rows.number[own].astype(float))
        return found

    def ended_places(self, leaves: Ints, numbers: Ints) -> tuple[Ints, Ints]:
        """Setting and row of ages of each new plan that has ended, the settings given by number.

        `numbers` are the plans of each row that can have ended.
        """
        rows = self.rows
        allowed = self.leaf_ages()[:, middle_age(rows)]
        left, first = numbers.astype(float), self.too_many_ages()
        found = np.zeros((len(leaves), len(rows.number)), dtype=np.int64)
        for leaf in np.flatnonzero(~allowed.all(axis=1)):
            for _ in range(int(leaves[leaf])):
                wanted = np.where(first > 0, 1e6, 0) + left
                best = int(np.argmax(np.where(allowed[leaf], wanted, -1)))
                found[leaf, best] += 1
                left[best] -= 1
                first[best] = max(first[best] - 1, 0)
        free = np.where(allowed.all(axis=1), leaves, 0)
        columns = np.minimum(first, int(free.sum()))
        columns = columns + share_out(int(free.sum() - columns.sum()), left - columns)
        found += whole_table(np.ones(found.shape), free, columns)
        places, ages = np.nonzero(found)
        return np.repeat(places, found[places, ages]), np.repeat(ages, found[places, ages])

    def age_table(self, gone: Ints) -> Ints:
        """Rows of new plans in force, without those that ended, and one of older plans, by age."""
        stock, rows = self.stock["age"], self.rows
        numbers = rows.number - gone
        seed = np.vstack([rows.likely, np.zeros(len(self.ages))])
        seed[:-1] *= (
            np.maximum(numbers, TINY)[:, None] / np.maximum(seed[:-1].sum(axis=1), TINY)[:, None]
        )
        seed[-1] = np.maximum(stock - seed[:-1].sum(axis=0), 0.02 * stock) + TINY
        older = int(stock.sum() - numbers.sum())
        return whole_table(seed, np.append(numbers, older), stock)

    def leaf_ages(self) -> npt.NDArray[np.bool_]:
        """Which ages each kind of setting can have."""
        allowed = np.ones((len(self.leaves), len(self.ages)), dtype=bool)
        for leaf, ranges in self.figures.text("leaf_ages").items():
            if leaf in self.leaves:
                row = allowed[self.leaves.index(leaf)]
                row[:] = False
                for part in ranges.split(";"):
                    low, high = map(int, part.split("-"))
                    row[low : high + 1] = True
        return allowed

    def placed(
        self, table: Ints, is_new: bool, ages: Ints, numbers: Ints
    ) -> tuple[Ints, Ints, Ints]:
        """Setting, need and age column of each plan: the table's cells against columns of ages."""
        leaf, need = np.nonzero(table)
        band = self.maker.bands.of(ages)
        seed = self.shape(is_new)[band][:, leaf, need].T * self.leaf_ages()[leaf][:, ages]
        wanted = table[leaf, need]
        cells = whole_table(seed, wanted, numbers)
        if cells.sum() < wanted.sum():
            left = wanted - cells.sum(axis=1)
            cells += whole_table(np.ones(seed.shape), left, numbers - cells.sum(axis=0))
            names = ", ".join(sorted({self.leaves[x] for x in np.unique(leaf[left > 0])}))
            total, short = int(wanted.sum()), int(left.sum())
            why = f"not as many people of the ages that go with {names}"
            table_name = self.targets.settings_table
            self.targets.give_way(table_name, "", total, total - short, why)
        row, column = np.nonzero(cells)
        times = cells[row, column]
        return np.repeat(leaf[row], times), np.repeat(need[row], times), np.repeat(column, times)

    # -- all of them

    def make(self) -> tuple[Slots, Slots, Slots]:
        """New plans in force, older plans in force, and new plans that have ended."""
        stock = self.stock_table()
        table, ended_leaf, ended_need = self.new_table(stock)
        rows = self.rows
        leaf, row = self.ended_places(ended_leaf, self.ended_rows(ended_need))
        ages = self.age_table(np.bincount(row, minlength=len(rows.number)))
        size = len(leaf)
        ended = free_slots(size)
        ended.leaf, ended.need = leaf, self.needs_ended(rows.start[row], ended_need)
        ended.start_age, ended.end_age = rows.start[row], rows.end[row]
        ended.age = middle_age(rows)[row]
        new = self.new_slots(table, ages, rows, ended)
        older = self.older_slots(stock - table, ages[-1])
        sexes = share_out(size, self.new["sex"].astype(float))
        ended.sex = shuffled(self.rng, sexes)
        new.sex = shuffled(self.rng, self.new["sex"] - sexes)
        older.sex = shuffled(self.rng, self.stock["sex"] - (self.new["sex"] - sexes))
        self.give_ethnicities([new, older])
        return new, older, ended

    def new_slots(self, table: Ints, ages: Ints, rows: AgeRows, ended: Slots) -> Slots:
        """New plans in force."""
        row, age = np.nonzero(ages[:-1])
        if self.targets.new.start_needs is None:
            leaf, need, column = self.placed(table, True, age, ages[row, age])
        else:
            every = np.repeat(np.arange(len(row)), ages[row, age])
            leaf, need, column = self.placed_by_start(table, every, rows.start[row], age, ended)
        slots = free_slots(len(leaf))
        slots.leaf, slots.need, slots.age = leaf, need, age[column]
        slots.start_age, slots.end_age = rows.start[row[column]], rows.end[row[column]]
        slots.held[:] = 1
        return slots

    # -- needs by age when the plan started

    def start_groups(self) -> tuple[Ints, Ints]:
        """The youngest age of each published range of ages at the start; plans by it and need."""
        known = self.targets.new.start_needs or {}
        lows = np.array(sorted(known))
        return lows, np.array([[known[low].get(n, 0) for n in self.needs] for low in sorted(known)])

    def needs_ended(self, starts: Ints, needs: Ints) -> Ints:
        """The need of each new plan that has ended, which plans of its age at the start have."""
        if self.targets.new.start_needs is None:
            return shuffled(self.rng, needs)
        lows, wanted = self.start_groups()
        group = np.searchsorted(lows, starts, side="right") - 1
        table = whole_table(
            wanted.astype(float), np.bincount(group, minlength=len(lows)), needs, wanted
        )
        found = np.full(len(starts), len(self.needs) - 1)
        for number in np.unique(group):
            own = shuffled(self.rng, table[number])
            found[np.flatnonzero(group == number)[: len(own)]] = own
        return found

    def placed_by_start(
        self, table: Ints, every: Ints, starts: Ints, ages: Ints, ended: Slots
    ) -> tuple[Ints, Ints, Ints]:
        """Setting, need and age column of each plan, as many of each need and age at the start.

        `every` is the column of each plan, `starts` and `ages` are those of the columns.
        """
        lows, wanted = self.start_groups()
        wanted = wanted.copy()
        gone = np.searchsorted(lows, ended.start_age, side="right") - 1
        np.subtract.at(wanted, (gone, ended.need), 1)
        group = np.searchsorted(lows, starts, side="right") - 1
        allowed = self.leaf_ages()
        fits = np.array(
            [allowed[:, ages[every[group[every] == g]]].sum(axis=1) for g in range(len(lows))]
        ).T
        room = np.bincount(group[every], minlength=len(lows))
        parts: list[tuple[Ints, int, Ints]] = []
        for number in range(len(self.needs)):
            rows = table[:, number]
            columns = np.minimum(np.maximum(wanted[:, number], 0), room)
            cells = whole_table(np.ones(fits.shape), rows, columns, fits)
            fits = fits - cells
            left = rows - cells.sum(axis=1)
            cells += whole_table(np.ones(fits.shape), left, columns - cells.sum(axis=0))
            places, own = np.nonzero(cells)
            times = cells[places, own]
            parts.append((np.repeat(places, times), number, np.repeat(own, times)))
            room = room - cells.sum(axis=0)
        placed = sum(len(places) for places, *_ in parts)
        for number in range(len(self.needs)):
            rest = np.repeat(
                np.arange(len(self.leaves)),
                table[:, number] - np.bincount(parts[number][0], minlength=len(self.leaves)),
            )
            spare = np.repeat(np.arange(len(lows)), room)[: len(rest)]
            room = room - np.bincount(spare, minlength=len(lows))
            parts.append((rest, number, spare))
        total = int(table.sum())
        self.targets.give_way(
            "sen_need_newplans", "", total, placed,
            "not as many plans of each need and age are in force, or ended since",
        )  # fmt: skip
        leaves = np.concatenate([places for places, *_ in parts])
        needs = np.concatenate([np.full(len(places), number) for places, number, _ in parts])
        of_group = np.concatenate([own for *_, own in parts])
        column = np.full(len(leaves), -1)
        short: list[str] = []
        for number in range(len(lows)):
            pool = list(self.rng.permutation(every[group[every] == number]))
            rows = np.flatnonzero(of_group == number)
            free = allowed[leaves[rows]].all(axis=1)
            for row in rows[~free]:
                fit = [i for i, c in enumerate(pool) if allowed[leaves[row], ages[c]]]
                short += [] if fit else [self.leaves[leaves[row]]]
                column[row] = pool.pop(fit[0] if fit else 0)
            column[rows[free]] = pool
        names = ", ".join(sorted(set(short)))
        why = f"not as many people of the ages that go with {names}"
        self.targets.give_way(self.targets.settings_table, "", total, total - len(short), why)
        return leaves, needs, column

    def older_slots(self, table: Ints, ages: Ints) -> Slots:
        """Older plans in force, with the years they have been held."""
        age = np.flatnonzero(ages)
        leaf, need, column = self.placed(table, False, age, ages[age])
        slots = free_slots(len(leaf))
        slots.leaf, slots.need, slots.age = leaf, need, age[column]
        slots.held = self.years_held(slots.age)
        return slots

    def years_held(self, ages: Ints) -> Ints:
        """Years each older plan has been held, none from before the person was born."""
        years, known = np.arange(13), self.targets.stock.years
        if known is None:
            survey = self.maker.survey
            oldest = survey.year - int(survey.key_days["plans_began"][:4])
            weights = self.figures.weights("years_held", years)
            weights[(years < 2) | (years > oldest)] = 0
            margin = share_out(len(ages), weights)
        else:
            margin = np.array([known.get(int(year), 0) for year in years])
            margin[1] -= int(margin.sum()) - len(ages)
        shape = held_shape(self.figures, self.ages, years) + TINY
        shape[self.ages[:, None] - years[None, :] < 0] = 0
        table = whole_table(shape, np.bincount(ages, minlength=len(self.ages)), margin)
        held = np.full(len(ages), 2)
        for age in np.unique(ages):
            rows = np.flatnonzero(ages == age)
            found = shuffled(self.rng, table[age])
            held[rows[: len(found)]] = found
        return held

    def give_ethnicities(self, groups: list[Slots]) -> None:
        """Ethnic groups as published, in random order over all the plans."""
        known = self.targets.stock.ethnicities
        if known is None:
            return
        codes: dict[str, list[str]] = {}
        usual = set(self.figures.labels("ethnicity"))
        for row in spec.seed("ethnic_groups"):
            codes.setdefault(row["published_group"], []).append(row["code"])
        chosen: list[str] = []
        for name, number in known.items():
            own = [code for code in codes.get(name, []) if code in usual] or codes[name]
            weights = self.figures.weights("ethnicity", own)
            parts = share_out(number, weights)
            chosen += [code for code, part in zip(own, parts, strict=True) for _ in range(part)]
        everyone = self.rng.permutation(np.array(chosen))
        place = 0
        for slots in groups:
            slots.ethnicity = everyone[place : place + len(slots)]
            place += len(slots)
