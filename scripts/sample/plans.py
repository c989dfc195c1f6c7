"""Plans and what hangs from them."""

from dataclasses import dataclass

import numpy as np

from .cases import ACTIVE, Cases
from .days import Flags, Ints, Random, age_on
from .figures import Figures, pick
from .placements import PlacementMaker, Placements
from .reviews import ReviewMaker, Reviews
from .schools import SettingMaker
from .survey import Survey


@dataclass
class Plans:
    """One entry per plan; `case` is its place in Cases."""

    case: Ints
    setting: Ints
    establishment: Ints
    second: Ints
    second_establishment: Ints
    residential: Ints
    work_based: Ints
    need: Ints
    second_need: Ints
    budget: Flags
    organised: Flags
    direct: Ints


@dataclass
class Given:
    """What is known of each plan beforehand: setting, need (-1 for not known) and its move.

    `before` is the setting that it moved from in the period, -1 for none; None leaves moves to
    chance.
    """

    leaf: Ints
    need: Ints
    before: Ints | None


class PlanMaker:
    """Draws what hangs from plans: settings, placements, needs, budgets, reviews."""

    def __init__(self, rng: Random, figures: Figures, survey: Survey, cases: Cases) -> None:
        """Take the cases with a plan."""
        self.rng, self.figures, self.survey = rng, figures, survey
        self.case = np.flatnonzero(cases.has_plan)
        self.cases = cases.take(self.case)
        self.maker = SettingMaker(rng, figures, survey)
        ended = self.cases.cease <= survey.day
        ages = age_on(self.cases.birth, np.where(ended, self.cases.cease, survey.age_day))
        self.band = self.maker.bands.of(np.maximum(ages, 0))
        self.is_adult = ages > survey.limits["school_age_to"]
        self.settings = self.maker.establishments(int((self.cases.category == ACTIVE).sum()))
        self.need_codes = list(self.maker.needs)
        self.placer = PlacementMaker(rng, figures, survey, self.cases, self.maker, self.settings)

    def make(self, given: Given | None) -> tuple[Plans, Placements, Reviews]:
        """Everything, in an order that later parts rely on."""
        size = len(self.case)
        leaf, need = self.maker.draw(self.band, self.cases.is_new)
        if given:
            leaf = np.where(given.leaf >= 0, given.leaf, leaf)
            need = np.where(given.need >= 0, given.need, need)
        placements, dual = self.placer.make(leaf, given.before if given else None)
        current = np.flatnonzero((placements.rank == 1) & placements.is_current)
        attended = np.zeros(size, dtype=np.int64) - 1
        attended[placements.plan[current]] = current
        establishment = placements.establishment[attended]
        residential, work_based = placements.residential[attended], placements.work_based[attended]
        setting, establishment = self.named(leaf, establishment)
        second = np.full(size, -1)
        second_establishment = np.full(size, -1)
        second[placements.plan[dual]] = placements.leaf[dual]
        second_establishment[placements.plan[dual]] = placements.establishment[dual]
        budget, organised, direct = self.budgets()
        need, second_need = self.needs(need)
        plans = Plans(
            case=self.case,
            setting=setting,
            establishment=establishment,
            second=second,
            second_establishment=second_establishment,
            residential=residential,
            work_based=work_based,
            need=need,
            second_need=second_need,
            budget=budget,
            organised=organised,
            direct=direct,
        )
        self.rng.integers(0, 1 << 30, size)  # not used: keeps a seed's sample what it was
        reviews = ReviewMaker(self.rng, self.figures, self.survey, self.cases).make()
        return plans, placements, reviews

    def named(self, leaf: Ints, establishment: Ints) -> tuple[Ints, Ints]:
        """The setting the plan names: mostly the one attended; -1 for a type of setting only."""
        rng, figures = self.rng, self.figures
        allowed = set(self.survey.in_force("SENSetting_plan"))
        codes = self.settings.codes
        nameable = np.array([not code or code in allowed for code in codes])
        college = self.settings.leaves.index("general_fe_tertiary_colleges")
        named = np.where(nameable[leaf], leaf, np.where(self.is_adult, college, -1))
        new_choice = rng.random(len(leaf)) < figures.one("placement", "named_setting_differs")
        other = self.maker.establishment(self.settings, np.maximum(named, 0))
        keeps = (named == leaf) & ~new_choice
        establishment = np.where(keeps, establishment, other)
        type_only = rng.random(len(leaf)) < figures.one("placement", "setting_type_only")
        named = np.where(type_only, -1, named)
        return named, np.where(named < 0, -1, establishment)

    def budgets(self) -> tuple[Flags, Flags, Ints]:
        """Personal budget, organised arrangements, direct payments (-1 for none)."""
        size, figures, rng = len(self.case), self.figures, self.rng
        budget = rng.random(size) < figures.one("personal_budget", "taken_up")
        paid = budget & (rng.random(size) < figures.one("personal_budget", "direct_payments"))
        both = rng.random(size) < figures.one("personal_budget", "organised_with_direct_payments")
        kind = figures.draw(rng, "direct_payments", size)
        return budget, budget & (both | ~paid), np.where(paid, kind, -1)

    def needs(self, need: Ints) -> tuple[Ints, Ints]:
        """Primary need, and a different secondary one (-1 for none)."""
        size, figures, rng = len(need), self.figures, self.rng
        second_of = self.maker.older.table.sum(axis=(0, 1))
        second = pick(rng, second_of, size)
        has_second = rng.random(size) < figures.one("need", "has_secondary")
        second = np.where(has_second & (second != need), second, -1)
        in_force = set(self.survey.in_force("SENtype"))
        for code, share in figures.text("need_inside_other").items():
            if code in in_force:
                chosen = (need == self.maker.needs.index("OTH")) & (rng.random(size) < float(share))
                need = np.where(chosen, len(self.need_codes), need)
                self.need_codes.append(code)
        return need, second
