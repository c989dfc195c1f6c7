"""Settings: which kinds go with which age and need, and the establishments of each kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .days import Days, Flags, Ints, Random, between, day_in
from .figures import Bands, Figures, fit, pick
from .survey import Survey


@dataclass
class Settings:
    """Every setting the sample knows: kinds of placement, and the establishments of each."""

    leaves: list[str]
    group_of_leaf: Ints
    codes: list[str]
    has_unit: Flags
    has_resourced: Flags
    first: Ints
    count: Ints
    by_ukprn: Flags
    urn: Ints
    ukprn: Ints
    types: list[str]
    unit: Flags
    resourced: Flags
    closed: Flags
    opened: Days


@dataclass
class SettingNeed:
    """How likely a setting group and need are at each age band, and a leaf within the group."""

    table: npt.NDArray[np.float64]
    leaf_shares: list[npt.NDArray[np.float64]]


class SettingMaker:
    """Draws settings and needs that follow the published tables by age and by each other."""

    def __init__(self, rng: Random, figures: Figures, survey: Survey) -> None:
        """Fit the tables of new plans and of older ones once."""
        self.rng, self.figures, self.survey = rng, figures, survey
        self.bands = Bands(figures)
        prefix = "setting:"
        self.groups = [name.removeprefix(prefix) for name in figures.groups(prefix)]
        self.needs = figures.labels(f"need_at_age:{self.bands.names[0]}")
        self.leaves = [leaf for g in self.groups for leaf in figures.labels(prefix + g)]
        self.leaves_of = [
            [self.leaves.index(leaf) for leaf in figures.labels(prefix + g)] for g in self.groups
        ]
        self.new, self.older = self._fit(is_new=True), self._fit(is_new=False)

    def _counts(self, group: str, categories: Sequence[str], is_new: bool) -> Any:
        """Published plans; older plans are all less new."""
        new = self.figures.weights(f"new_{group}", categories)
        return new if is_new else np.maximum(self.figures.weights(group, categories) - new, 0)

    def _fit(self, is_new: bool) -> SettingNeed:
        """Age band by setting group by need."""
        by_age = np.array(
            [self._counts(f"need_at_age:{b}", self.needs, is_new) for b in self.bands.names]
        )
        by_setting = np.array(
            [self._counts(f"need_at_setting:{g}", self.needs, is_new) for g in self.groups]
        )
        start = np.array(
            [self.figures.weights(f"setting_at_age:{b}", self.groups) for b in self.bands.names]
        )
        seed = np.repeat(start[:, :, None], len(self.needs), axis=2)
        shares = [
            self._counts(f"setting:{g}", self.figures.labels(f"setting:{g}"), is_new)
            for g in self.groups
        ]
        return SettingNeed(fit(seed, ((1, 2), by_setting), ((0, 2), by_age)), shares)

    def draw(self, band: Ints, is_new: Flags) -> tuple[Ints, Ints]:
        """A leaf and a need for each."""
        leaf = np.zeros(len(band), dtype=np.int16)
        need = np.zeros(len(band), dtype=np.int8)
        for table, chosen in ((self.new, is_new), (self.older, ~is_new)):
            for number in range(len(self.bands.names)):
                rows = np.flatnonzero(chosen & (band == number))
                cells = pick(self.rng, table.table[number].ravel(), len(rows))
                need[rows] = cells % len(self.needs)
                leaf[rows] = self._leaves(table, cells // len(self.needs))
        return leaf, need

    def _leaves(self, table: SettingNeed, group: Ints) -> Ints:
        """A leaf of each group."""
        leaf = np.zeros(len(group), dtype=np.int16)
        for number, members in enumerate(self.leaves_of):
            rows = np.flatnonzero(group == number)
            chosen = pick(self.rng, table.leaf_shares[number], len(rows))
            leaf[rows] = np.array(members)[chosen]
        return leaf

    def establishments(self, plans: int) -> Settings:
        """So many establishments of each leaf that each has a realistic number of plans."""
        figures, rng = self.figures, self.rng
        count = np.zeros(len(self.leaves), dtype=np.int64)
        group_of = np.zeros(len(self.leaves), dtype=np.int64)
        codes = [figures.text("setting_code").get(leaf, "") for leaf in self.leaves]
        types: list[str] = []
        total = sum(
            figures.weights(f"setting:{g}", figures.labels(f"setting:{g}")).sum()
            for g in self.groups
        )
        by_ukprn = np.array([bool(figures.text(f"ukprn_type:{leaf}")) for leaf in self.leaves])
        for number, (group, members) in enumerate(zip(self.groups, self.leaves_of, strict=True)):
            shares = figures.weights(f"setting:{group}", [self.leaves[m] for m in members])
            for member, share in zip(members, shares, strict=True):
                group_of[member] = number
                if codes[member]:
                    continue
                each = figures.one("plans_per_establishment", group)
                count[member] = 2 + int(plans * share / total / each)
                kind = "ukprn_type:" if by_ukprn[member] else "urn_type:"
                name = kind + self.leaves[member]
                labels = np.array(figures.labels(name))
                types += list(labels[figures.draw(rng, name, count[member])])
        size = int(count.sum())
        leaf = np.repeat(np.arange(len(self.leaves)), count)
        has_unit = np.array([name.endswith("_senunit") for name in self.leaves])
        has_resourced = np.array([name.endswith("_resourced_provision") for name in self.leaves])
        spare = figures.one("establishment", "has_other_provision")
        mainstream = group_of[leaf] == self.groups.index("mainstream")
        place = np.arange(size) - np.repeat(np.cumsum(count) - count, count)
        return Settings(
            leaves=self.leaves,
            group_of_leaf=group_of,
            codes=codes,
            has_unit=has_unit,
            has_resourced=has_resourced,
            first=np.cumsum(count) - count,
            count=count,
            by_ukprn=by_ukprn,
            urn=900_000 + np.sort(rng.choice(99_000, size, replace=False)),
            ukprn=np.where(
                np.isin(group_of[leaf], [self.groups.index("fe")]),
                19_000_000 + np.sort(rng.choice(900_000, size, replace=False)),
                0,
            ),
            types=types,
            unit=has_unit[leaf] | (mainstream & (rng.random(size) < spare)),
            resourced=has_resourced[leaf] | (mainstream & (rng.random(size) < spare)),
            closed=(rng.random(size) < figures.one("establishment", "closed")) & (place > 1),
            opened=between(rng, np.datetime64("1960-01-01"), self.plans_open_by(), size),
        )

    def plans_open_by(self) -> np.datetime64:
        """Establishments are open well before the first plan."""
        return np.datetime64(self.survey.key_days["plans_began"], "D") - 1500

    def establishment(self, settings: Settings, leaf: Ints) -> Ints:
        """An open establishment of each leaf, -1 where the leaf is a setting code."""
        place = (self.rng.random(len(leaf)) ** 1.5 * settings.count[leaf]).astype(np.int64)
        number = settings.first[leaf] + place
        in_range = np.where(settings.count[leaf] > 0, number, 0)
        number = np.where(settings.closed[in_range], settings.first[leaf], number)
        return np.where(settings.count[leaf] > 0, number, -1)


def plain_school(settings: Settings, leaf: Ints, establishment: Ints) -> Flags:
    """Rows that give a URN of an establishment with neither unit nor resourced places."""
    provision = settings.unit[establishment] | settings.resourced[establishment]
    plain: Flags = (establishment >= 0) & ~settings.by_ukprn[leaf] & ~provision
    return plain


def closing_day(survey: Survey) -> np.datetime64:
    """The day on which the closed establishments closed."""
    day: np.datetime64 = day_in(survey.year - 3, survey.key_days["age_reference_day"])
    return day
