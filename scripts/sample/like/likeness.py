"""`sen2 sample --like`: an extract whose figures are an authority's published ones.

The people are as synthetic as in any sample; only how many there are of each kind is DfE's. The
counts are allotted, not drawn: see slots, flow and cases. Where DfE counts something as not
recorded, the extract leaves it out, which the rules report as an error; nothing else in it is one.
"""

import csv
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import astuple, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import yaml

from ... import spec
from ...settings.kept_files import KEPT_TABLES
from ..cases import ACTIVE, CEASED, Cases
from ..days import Flags, Ints, Random, age_on, joined, taken, when
from ..expected import write_rows
from ..figures import Figures
from ..parts import Parts, draw_parts
from ..plans import Given
from ..schools import SettingMaker
from ..survey import read_survey
from ..whole import Sample, make_sample
from .cases import LikeCases
from .published import Cell, Published
from .release_2022 import read_2022
from .release_2025 import read_2025
from .reviews import LikeReviews
from .slots import Allotter, Slots
from .targets import Conflict, Targets

HERE = Path(__file__).parent
FALLBACK = "other_placement_settings"
COLLEGE = "general_fe_tertiary_colleges"
PROVIDER = "ukrlp_provider"


class Likeness:
    """One authority in one collection year: its targets, and the extract made to them."""

    def __init__(self, year: int, authority: str, folder: Path, seed: int) -> None:
        """Read the published rows; raises InputError when there are none."""
        self.survey = read_survey(year)
        self.has_form = spec.collection(year).has_aggregated
        more = ["figures.csv", *(["form_figures.csv"] if self.has_form else [])]
        self.figures = Figures(*(HERE / name for name in more))
        self.published = Published(folder, authority)
        self.rng = np.random.default_rng([seed, year, int(self.published.old_code)])
        self.maker = SettingMaker(self.rng, self.figures, self.survey)
        if self.has_form:
            self.targets = read_2022(self.published, self.survey)
        else:
            self.targets = read_2025(self.published, self.survey, self.maker)

    def make(self) -> Sample:
        """The extract, before it is written."""
        slots = Allotter(self.rng, self.maker, self.targets).make()
        cases, placed = LikeCases(
            self.rng, self.figures, self.survey, self.targets, slots
        ).make_like()
        parts = draw_parts(
            self.survey, self.figures, self.rng, cases, self.published.old_code,
            self.given(cases, placed),
        )  # fmt: skip
        dress = Dress(self.rng, parts, placed, self.targets)
        dress.all()
        sample = make_sample(parts)
        leave_out(sample, placed, self.maker)
        return sample

    def given(self, cases: Cases, placed: Slots) -> Given:
        """What the slots say of each plan; a setting or need not recorded has a stand-in."""
        case = np.flatnonzero(cases.has_plan)
        leaf, need = placed.leaf[case].copy(), placed.need[case]
        before = None
        if self.targets.moves is not None:
            before = self.moves(cases.take(case), leaf)
        fallback = self.maker.leaves.index(FALLBACK)
        return Given(
            leaf=np.where(leaf == len(self.maker.leaves), fallback, leaf),
            need=np.where(need == len(self.maker.needs), 0, need),
            before=before,
        )

    def moves(self, plans: Cases, leaf: Ints) -> Ints:
        """The setting that each plan moved from in the year, -1 for none, as many as published.

        More moves than plans now at the setting moved to: the rest of the plans have ended since.
        """
        first = self.survey.period_start
        before = np.full(len(leaf), -1)
        settled = np.isnat(plans.transferred) & (plans.start < first)
        in_force = settled & (plans.category == ACTIVE) & (leaf >= 0)
        ended = settled & (plans.category == CEASED) & (plans.cease > first + 150)
        for column, (old, new, number) in (self.targets.moves or {}).items():
            own = self.figures.text(f"setting:{new}")
            after = [i for i, name in enumerate(self.maker.leaves) if name in own or name == new]
            rows = self.rng.permutation(
                np.flatnonzero(in_force & (before < 0) & np.isin(leaf, after))
            )[:number]
            more = self.rng.permutation(np.flatnonzero(ended & (before < 0)))[: number - len(rows)]
            leaf[more] = after[0]
            before[np.append(rows, more)] = self.maker.leaves.index(f"{old}_la_maintained")
            self.targets.give_way(
                "sen2_mi", column, number, len(rows) + len(more),
                "no more plans are in force at the setting moved to, or ended since",
            )  # fmt: skip
        return before

    def note(self) -> str:
        """What the extract says of itself beside it."""
        rules = (
            " The form counts some of its placements by rules of the authority's own, which that"
            " file names: expected/form_local_rules.csv."
        )
        text = (
            f"Its figures are those that DfE published of {self.published.name}"
            f" ({self.published.new_code}) for the collection of {self.survey.year}:"
            " expected/published.csv lists them, and expected/published_not_met.csv those that it"
            " cannot have, and why. Run it with --config expected/sen2.yml."
            f"{rules if self.has_form else ''} Source of the figures: DfE, Education, health and"
            " care plans, Open Government Licence v3.0."
        )
        return "\n" + textwrap.fill(text, 95, break_on_hyphens=False) + "\n"

    def cells_met(self) -> list[Cell]:
        """The cells that the extract is built to equal."""
        unmet = {(c.dataset, c.column, c.value) for c in self.targets.conflicts if c.column}
        tables = {c.dataset for c in self.targets.conflicts if not c.column}
        return [
            cell
            for cell in self.targets.cells
            if cell.dataset not in tables and (cell.dataset, cell.column, cell.value) not in unmet
        ]


class Dress:
    """Gives the people and plans drawn what the published figures count."""

    def __init__(self, rng: Random, parts: Parts, placed: Slots, targets: Targets) -> None:
        """Take what was drawn, and the slot of each case."""
        self.rng, self.parts, self.placed, self.targets = rng, parts, placed, targets
        self.figures, self.settings = parts.figures, parts.settings
        self.case = parts.plans.case
        self.is_active = parts.cases.category[self.case] == ACTIVE
        self.ages = age_on(parts.cases.birth[self.case], parts.survey.age_day)

    def all(self) -> None:
        """Everything in turn."""
        self.people()
        self.youth()
        self.budgets()
        self.providers()
        self.placements()
        self.reviews()

    def people(self) -> None:
        """Sexes and ethnic groups."""
        cases, people, placed = self.parts.cases, self.parts.people, self.placed
        rows = np.flatnonzero(placed.sex >= 0)
        male = people.is_male.copy()
        male[cases.person[rows]] = placed.sex[rows] == 1
        girls = len(self.figures.labels("forename:F"))
        changed = male != people.is_male
        boys = self.figures.draw(self.rng, "forename:M", len(male)) + girls
        others = self.figures.draw(self.rng, "forename:F", len(male))
        people.forename = np.where(changed, np.where(male, boys, others), people.forename)
        people.is_male = male
        rows = np.flatnonzero(placed.ethnicity != "")
        people.ethnicity[cases.person[rows]] = placed.ethnicity[rows]

    def youth(self) -> None:
        """Requests of the year made in youth accommodation, by people of a likely age."""
        cases, survey = self.parts.cases, self.parts.survey
        ages = age_on(cases.birth, cases.received)
        likely = (ages >= survey.limits["rya_age_from"]) & (ages <= survey.limits["rya_age_to"])
        in_year = cases.has_request & (cases.received >= survey.period_start)
        in_year &= cases.received <= survey.calendar_year_end
        order = np.lexsort((self.rng.random(len(cases)), ~likely, ~in_year))
        self.parts.youth[:] = False
        self.parts.youth[order[: self.targets.requests.youth]] = True

    def some(
        self, possible: Flags, number: int, weights: npt.NDArray[np.float64] | None = None
    ) -> Ints:
        """So many of the possible plans by chance, as likely as their weights."""
        rows = np.flatnonzero(possible)
        chance = np.log(self.rng.random(len(rows)))
        chance /= np.ones(len(rows)) if weights is None else weights[rows]
        return rows[np.argsort(-chance)[:number]]

    def budgets(self) -> None:
        """Personal budgets: payments to some, arrangements to the rest first."""
        plans, targets = self.parts.plans, self.targets
        if targets.budgets is None:
            return
        plans.budget, plans.organised = (
            plans.budget & ~self.is_active,
            plans.organised & ~self.is_active,
        )
        plans.direct = np.where(self.is_active, -1, plans.direct)
        rows = self.some(self.is_active, targets.budgets)
        plans.budget[rows] = True
        codes = [c for c, number in targets.payments.items() for _ in range(number)]
        paid = rows[: len(codes)]
        plans.direct[paid] = [self.parts.direct_payments.index(code) for code in codes]
        plans.organised[rows[::-1][: targets.arrangements]] = True

    def providers(self) -> None:
        """Providers that no register of schools holds: no plan names one."""
        place = self.settings.leaves.index(PROVIDER)
        college = self.settings.leaves.index(COLLEGE)
        plans, spells = self.parts.plans, self.parts.placements
        named = plans.setting == place
        plans.setting[named] = college
        plans.establishment[named] = self.settings.first[college]
        counted = spells.is_current & (self.placed.leaf[self.case] >= 0)[spells.plan]
        earlier = (spells.leaf == place) & ~counted
        spells.leaf[earlier] = college
        spells.establishment[earlier] = self.settings.first[college]

    def placements(self) -> None:
        """Residential and work-based placements of the survey day."""
        spells, plans = self.parts.placements, self.parts.plans
        rows = np.flatnonzero(spells.is_current & (spells.rank == 1))
        current = np.full(len(self.case), -1)
        current[spells.plan[rows]] = rows
        leaf = np.where(current >= 0, spells.leaf[current], 0)
        if self.targets.moves is not None:
            # The form counts a new plan that has ended where the person still is.
            ended = ~self.is_active & (self.placed.leaf[self.case] >= 0)
            spells.leaving[current[ended]] = np.datetime64("NaT")
        oldest = int(self.parts.survey.limits["work_based_age_from"])
        work_based = {c: [(oldest, 25, n)] for c, n in (self.targets.work_based or {}).items()}
        for name, wanted in (
            ("residential", self.targets.residential),
            ("work_based", work_based if self.targets.work_based is not None else None),
        ):
            if wanted is None:
                continue
            given = np.where(self.is_active, -1, getattr(plans, name))
            labels = self.parts.codes[name]
            for code, bands in wanted.items():
                weights = self.weights(name, code)[leaf]
                for low, high, number in bands:
                    able = self.is_active & (given < 0) & (self.ages >= low) & (self.ages <= high)
                    chosen = self.some(able, number, weights)
                    given[chosen] = labels.index(code)
                    self.targets.give_way(name, code, number, len(chosen), "no plan of that age")
            setattr(plans, name, given)
            column = getattr(spells, name)
            column[self.is_active[spells.plan]] = -1
            column[current[self.is_active]] = given[self.is_active]

    def reviews(self) -> None:
        """Annual reviews of the plans in force that started before the year, as published."""
        parts = self.parts
        starts = parts.cases.start[self.case]
        expected = self.is_active & (starts < parts.survey.period_start)
        rows = np.flatnonzero(expected)
        made = LikeReviews(self.rng, parts.survey, self.targets).make(
            rows, starts[rows], parts.review_decisions
        )
        if made is None:
            return
        # Of the reviews drawn for these plans only the dates of a phase transfer stay.
        old = parts.reviews
        is_old = expected[old.plan]
        outcome_alone = made.plan[np.isnat(made.meeting)]
        kept = taken(old, ~is_old | (~np.isnat(old.due) & ~np.isin(old.plan, outcome_alone)))
        is_old = expected[kept.plan]
        kept.decision = np.where(is_old, -1, kept.decision)
        for name in ("meeting", "decided", "draft"):
            setattr(kept, name, when(~is_old, getattr(kept, name)))
        every = joined([kept, made])
        parts.reviews = taken(every, np.lexsort((every.meeting, every.plan)))

    def weights(self, name: str, code: str) -> npt.NDArray[np.float64]:
        """How likely each kind of setting is to have the code; where there is none, hardly."""
        found = [
            float(self.figures.text(f"{name}:{leaf}").get(code, 0)) for leaf in self.settings.leaves
        ]
        return np.array(found) + 1e-7


def leave_out(sample: Sample, placed: Slots, maker: SettingMaker) -> None:
    """Blank what DfE counts as not recorded, and the providers that are in no register."""
    plans, spells = sample.plans, sample.placements
    unplaced = placed.leaf[plans.case] == len(maker.leaves)
    for row in np.flatnonzero(unplaced[spells.plan] & spells.is_current & (spells.rank == 1)):
        sample.tables["placements"].put(int(row), setting="", setting_note="")
    needless = placed.need[plans.case] == len(maker.needs)
    first = (
        np.arange(len(plans.case)) + np.cumsum(plans.second_need >= 0) - (plans.second_need >= 0)
    )
    for plan in np.flatnonzero(needless):
        rows = range(int(first[plan]), int(first[plan] + 1 + (plans.second_need[plan] >= 0)))
        sample.tables["needs"].removed.update(rows)
    for case in np.flatnonzero(placed.sex == 2):
        sample.tables["people"].put(int(sample.cases.person[case]), sex="", gender_code="")
    leaf = np.repeat(np.arange(len(sample.settings.leaves)), sample.settings.count)
    gone = np.flatnonzero(leaf == sample.settings.leaves.index(PROVIDER))
    sample.tables["establishments"].removed.update(map(int, gone))


def write_dataclasses(path: Path, kind: type, rows: Iterable[Cell | Conflict]) -> None:
    """Write dataclasses as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([item.name for item in fields(kind)])
        writer.writerows(map(astuple, rows))


def local_rules(figures: Figures) -> Iterator[tuple[str, ...]]:
    """The authority's own rules for the form, which tell what no code of a setting says."""
    for number, (leaf, placement) in enumerate(figures.text("local_rule").items(), start=1):
        note = figures.labels(f"leaf_note:{leaf}")[0]
        age = next((word for word in ("below", "above", "of") if f"_{word}_" in leaf), "")
        yield str(number), "OTH", note, age, placement, "as noted by the authority"


def write_likeness(made: Likeness, folder: Path) -> None:
    """Write what the extract is built to equal, what it is not, and the settings to run it with."""
    write_dataclasses(folder / "published.csv", Cell, made.cells_met())
    write_dataclasses(folder / "published_not_met.csv", Conflict, made.targets.conflicts)
    settings = {
        "la_code": made.published.old_code,
        "name": made.published.name,
        "withdrawn_assessments": "dated" if made.targets.assessments_withdrawn else "undated",
        "officers": {"dmo": "N", "dco": "N", "dsco": "N"} | made.targets.officers,
    }
    if made.has_form:
        rules = folder / "form_local_rules.csv"
        write_rows(rules, KEPT_TABLES["form_local_rules"], local_rules(made.figures))
        settings["form_local_rules"] = rules.name
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    (folder / "sen2.yml").write_text(text, encoding="utf-8")
