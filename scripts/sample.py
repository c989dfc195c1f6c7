"""`sen2 sample`: a synthetic extract of any size, with the expected answers beside it.

No real child is in it. Every share comes from sample_figures.csv (most of them from DfE's published
tables), every fact of the survey from seeds/spec. Each case is made to fall in one category of the
design's section 4, so expected/ is an answer the pipeline did not compute. The same arguments give
the same bytes. Whole columns are drawn at once with numpy; days are datetime64[D] and NaT is "no
such event".
"""

import csv
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from . import spec
from .errors import InputError

Days = npt.NDArray[np.datetime64]
Ints = npt.NDArray[np.integer[Any]]
Flags = npt.NDArray[np.bool_]
Random = np.random.Generator

FIGURES = Path(__file__).with_name("sample_figures.csv")
MOST_PLANS = 1_000_000
MOST_FAULTS = 0.5
BATCH_ROWS = 100_000

CATEGORIES = (
    "active_plan", "recently_ceased", "ceased_before_period", "not_issued", "awaiting_issue",
    "assessment_withdrawn", "ongoing_assessment", "not_assessed", "request_withdrawn",
    "ongoing_request", "decided_before_period", "decided_after_period",
    "received_after_survey_day",
)  # fmt: skip
OUT_OF_SCOPE = frozenset(CATEGORIES[i] for i in (2, 10, 11, 12))
NO, AGREE, REFUSE = 0, 1, 2
FIRST_DECISIONS = ("assess", "refuse")
ISSUE_DECISIONS = ("issue", "refuse")
DISPUTES = tuple((kind, about) for about in ("assess", "issue", "other")
                 for kind in ("mediation", "appeal"))  # fmt: skip
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def category_number(name: str) -> int:
    """Where a category stands in CATEGORIES."""
    return CATEGORIES.index(name)


ACTIVE, CEASED, CEASED_BEFORE, NOT_ISSUED, AWAITING, WITHDRAWN = range(6)
ONGOING_ASSESSMENT, NOT_ASSESSED, REQUEST_WITHDRAWN, ONGOING_REQUEST = range(6, 10)
DECIDED_BEFORE = category_number("decided_before_period")
RECEIVED_AFTER = category_number("received_after_survey_day")


@dataclass(frozen=True)
class SampleCounts:
    """Rows written by table, and how many faults were planted."""

    rows: dict[str, int]
    people_in_return: int
    faults: int


# ----------------------------------------------------------------------------- days and draws


def never(size: int) -> Days:
    """A column of events that did not happen."""
    return np.full(size, np.datetime64("NaT"), dtype="datetime64[D]")


def when(condition: Flags, days: Days) -> Days:
    """The days where the condition holds, and no event elsewhere."""
    return np.where(condition, days, np.datetime64("NaT"))


def add_years(days: Any, years: Any) -> Any:
    """The same day so many years on; 29 February becomes the last day of February."""
    months = days.astype("datetime64[M]")
    target = months + 12 * np.asarray(years)
    length = (target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")
    day = np.minimum(days - months.astype("datetime64[D]"), length - np.timedelta64(1, "D"))
    return target.astype("datetime64[D]") + day


def age_on(births: Days, days: Any) -> Ints:
    """Age in whole years on the days."""
    month, month_born = days.astype("datetime64[M]"), births.astype("datetime64[M]")
    later_day = (births - month_born.astype("datetime64[D]")) > (
        days - month.astype("datetime64[D]")
    )
    return ((month - month_born).astype(np.int64) - later_day) // 12


def year_of(days: Any) -> Ints:
    """The calendar year of the days."""
    return days.astype("datetime64[Y]").astype(np.int64) + 1970


def day_in(years: Any, month_day: str) -> Any:
    """A day such as 09-01 in each of the years."""
    month, day = (int(part) for part in month_day.split("-"))
    first = (np.asarray(years) - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    return first.astype("datetime64[D]") + (day - 1)


def between(rng: Random, first: Any, last: Any, size: int) -> Days:
    """A day from first to last, each as likely."""
    width = (np.asarray(last) - np.asarray(first)).astype(np.int64) + 1
    return first + (rng.random(size) * np.maximum(width, 1)).astype(np.int64)


class Figures:
    """The shares of sample_figures.csv, by group and category."""

    def __init__(self, path: Path = FIGURES) -> None:
        """Read the file once; values stay text until asked for as numbers."""
        self._groups: dict[str, dict[str, str]] = {}
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                self._groups.setdefault(row["group"], {})[row["category"]] = row["value"]

    def text(self, group: str) -> dict[str, str]:
        """The categories of a group with their values as text; none when there is no group."""
        return self._groups.get(group, {})

    def one(self, group: str, category: str) -> float:
        """One figure."""
        return float(self._groups[group][category])

    def weights(self, group: str, categories: Iterable[Any]) -> npt.NDArray[np.float64]:
        """The figures of the categories, in their order; 0 where there is none."""
        known = self.text(group)
        return np.array([float(known.get(str(category), 0)) for category in categories])

    def labels(self, group: str) -> list[str]:
        """The categories of a group."""
        return list(self._groups[group])

    def groups(self, prefix: str) -> list[str]:
        """The groups whose name begins so, in the file's order."""
        return [group for group in self._groups if group.startswith(prefix)]

    def draw(self, rng: Random, group: str, size: int) -> Ints:
        """A category of the group (its place in `labels`) for each of `size`."""
        return pick(rng, self.weights(group, self.labels(group)), size)

    def draw_days(self, rng: Random, group: str, size: int) -> Ints:
        """A number of days from a group whose categories are ranges such as 15-28."""
        edges = np.array([label.split("-") for label in self.labels(group)], dtype=np.int64)
        chosen = edges[self.draw(rng, group, size)]
        return chosen[:, 0] + (rng.random(size) * (chosen[:, 1] - chosen[:, 0] + 1)).astype(int)

    def draw_ages(self, rng: Random, group: str, size: int) -> Ints:
        """A whole age in years."""
        return np.array(self.labels(group), dtype=np.int64)[self.draw(rng, group, size)]


def pick(rng: Random, weights: npt.NDArray[np.float64], size: int) -> Ints:
    """An index for each of `size`, as likely as its weight."""
    edges = np.cumsum(weights) / np.sum(weights)
    return np.searchsorted(edges[:-1], rng.random(size), side="right")


def fit(seed: npt.NDArray[np.float64], *margins: tuple[tuple[int, ...], Any]) -> Any:
    """Scale a table until its sums over the other axes are the margins (proportional fitting)."""
    table, total = seed.astype(float), margins[0][1].sum()
    for _ in range(200):
        for axes, margin in margins:
            others = tuple(axis for axis in range(table.ndim) if axis not in axes)
            sums = table.sum(axis=others, keepdims=True)
            target = (margin * total / margin.sum()).reshape(sums.shape)
            table = table * np.divide(target, sums, out=np.zeros_like(sums), where=sums > 0)
    return table


@dataclass(frozen=True)
class Survey:
    """What the seeds say about one collection: its days, codes and limits."""

    year: int
    day: np.datetime64
    period_start: np.datetime64
    calendar_year_end: np.datetime64
    age_day: np.datetime64
    key_days: dict[str, str]
    limits: dict[str, float]

    @property
    def period_years(self) -> float:
        """How long the period is, in years."""
        return float((self.day - self.period_start).astype(int) + 1) / 365.25

    def in_force(self, codeset: str) -> list[str]:
        """The codes of a set that year; the first year's for a year before any."""
        rows = [row for row in spec.seed("codes") if row["codeset"] == codeset]
        year = max(self.year, min(int(row["year_from"]) for row in rows))
        return [r["code"] for r in rows if int(r["year_from"]) <= year <= int(r["year_to"])]


def read_survey(year: int) -> Survey:
    """The survey of a year; an unknown year is an input error."""
    spec.collection(year)
    row = next(r for r in spec.seed("collections") if int(r["collection_year"]) == year)
    key_days = {r["name"]: r["value"] for r in spec.seed("key_dates")}
    day = np.datetime64(row["survey_day"], "D")
    age_day = day_in(year, key_days["age_reference_day"])
    return Survey(
        year=year,
        day=day,
        period_start=np.datetime64(row["period_start"], "D"),
        calendar_year_end=np.datetime64(row["calendar_year_end"], "D"),
        age_day=age_day if age_day < day else day_in(year - 1, key_days["age_reference_day"]),
        key_days=key_days,
        limits={r["name"]: float(r["value"]) for r in spec.seed("thresholds")},
    )


# ----------------------------------------------------------------------------- cases


@dataclass
class Cases:
    """One entry per case in every column: a request, a plan, or a request and its plan."""

    category: Ints
    person: Ints
    birth: Days
    has_request: Flags
    received: Days
    decision: Ints
    decided: Days
    withdrawn: Days
    moved: Days
    has_assessment: Flags
    issue_decision: Ints
    issue_decided: Days
    assessment_withdrawn: Days
    exception: Flags
    has_plan: Flags
    is_new: Flags
    start: Days
    transferred: Days
    cease: Days
    cease_reason: Ints
    assess_mediation: Days
    assess_appeal: Days
    issue_mediation: Days
    issue_appeal: Days
    other_mediation: Days
    other_appeal: Days

    @classmethod
    def blank(cls, size: int, category: int) -> "Cases":
        """So many cases of a category with nothing in them yet."""
        columns: dict[str, Any] = {}
        for item in fields(cls):
            kind = bool if item.type == Flags else np.int32
            columns[item.name] = never(size) if item.type == Days else np.zeros(size, dtype=kind)
        columns["category"][:] = category
        columns["person"] = np.arange(size, dtype=np.int32)
        return cls(**columns)

    def __len__(self) -> int:
        """How many cases."""
        return len(self.category)

    def take(self, rows: Any) -> "Cases":
        """Some of the cases, in the order asked for."""
        return Cases(**{item.name: getattr(self, item.name)[rows] for item in fields(self)})

    def put(self, rows: Any, other: "Cases") -> None:
        """Overwrite some of the cases with as many others."""
        for item in fields(self):
            getattr(self, item.name)[rows] = getattr(other, item.name)

    def disputes(self, kind: str, about: str) -> Days:
        """The days of one kind of dispute."""
        days: Days = getattr(self, f"{about}_{kind}")
        return days


def join_columns(blocks: Sequence[Cases]) -> Cases:
    """The blocks one after another."""
    columns = {
        item.name: np.concatenate([getattr(block, item.name) for block in blocks])
        for item in fields(Cases)
    }
    return Cases(**columns)


def join_people(blocks: Sequence[Cases]) -> Cases:
    """The blocks one after another, the people of each block being others than those before."""
    offset = 0
    for block in blocks:
        people = int(block.person.max(initial=-1)) + 1
        block.person = (block.person + offset).astype(np.int32)
        offset += people
    return join_columns(blocks)


class CaseMaker:
    """Draws the cases of an authority, story by story; each story is one category."""

    def __init__(self, rng: Random, figures: Figures, survey: Survey) -> None:
        """Keep the source of chance, the shares and the survey."""
        self.rng, self.figures, self.survey = rng, figures, survey
        self.plans_began = np.datetime64(survey.key_days["plans_began"], "D")
        self.before_period = survey.period_start - 1

    # -- parts of a story

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

    # -- active plans

    def active_plans(self, plans: int) -> list[Cases]:
        """Exactly so many active plans, by age and years held."""
        ages, held = self.ages_and_years_held(plans)
        births = self.births(ages, self.survey.age_day)
        starts = self.starts(held)
        is_new = starts >= self.survey.period_start
        older = np.flatnonzero(~is_new)
        arrivals = round(plans * self.flow("transferred_in") * self.survey.period_years)
        transferred = self.rng.permutation(older)[: min(arrivals, len(older))]
        rest = np.setdiff1d(older, transferred, assume_unique=True)
        blocks = []
        for rows, story in (
            (np.flatnonzero(is_new), self.new_plans),
            (transferred, self.transferred_in),
            (rest, self.older_plans),
        ):
            cases = Cases.blank(len(rows), ACTIVE)
            cases.has_plan[:] = True
            cases.birth, cases.start = births[rows], starts[rows]
            story(cases, held[rows])
            self.cease_after_survey_day(cases)
            blocks.append(cases)
        return blocks

    def ages_and_years_held(self, plans: int) -> tuple[Ints, Ints]:
        """Age on the age reference day and calendar years since the start, fitted to both."""
        ages = np.array(self.figures.labels("stock_age"), dtype=int)
        ages.sort()
        years = np.sort(np.array(self.figures.labels("years_held"), dtype=int))
        started = np.maximum(ages[:, None] - years[None, :] + 1, 0)
        known = self.figures.text("started_age")
        oldest = max(int(age) for age in known)
        spread = self.figures.one("started_age", str(oldest)) / (ages.max() - oldest)
        by_age = [float(known.get(str(age), 0)) for age in range(oldest)]
        by_age += [spread] * (started.max() - oldest + 1)
        table = fit(
            np.array(by_age)[started],
            ((0,), self.figures.weights("stock_age", ages)),
            ((1,), self.figures.weights("years_held", years)),
        )
        cells = pick(self.rng, table.ravel(), plans)
        return ages[cells // len(years)], years[cells % len(years)]

    def starts(self, held: Ints) -> Days:
        """A start date in the calendar year so many years back, never before plans began."""
        year = self.survey.year - held
        first = day_in(year, "01-01")
        last = np.minimum(day_in(year, "12-31"), self.survey.day)
        days = between(self.rng, first, last, len(held))
        first_years = self.plans_began + self.rng.integers(0, 480, len(held))
        return np.where(days < self.plans_began, first_years, days)

    def new_plans(self, cases: Cases, held: Ints) -> None:
        """Plans started in the period after a request to this authority."""
        cases.is_new[:] = True
        self.issue_history(cases)
        self.dispute(cases, "other", "dispute:other", cases.start)

    def transferred_in(self, cases: Cases, held: Ints) -> None:
        """Plans that came from another authority in the period."""
        self.transfer(cases, self.survey.period_start, self.survey.day)

    def older_plans(self, cases: Cases, held: Ints) -> None:
        """Plans from before the period: with a request, older than the system, or transferred."""
        size = len(cases)
        shares = self.figures.weights("no_request_row", np.arange(13))
        unknown = self.rng.random(size) < shares[np.clip(held, 0, 12)]
        transferred = self.chance("plan", "transferred_in_earlier", size)
        self.issue_history(cases)
        for rows in (np.flatnonzero(unknown), np.flatnonzero(transferred)):
            plain = Cases.blank(len(rows), ACTIVE)
            plain.person, plain.birth = cases.person[rows], cases.birth[rows]
            plain.start, plain.has_plan = cases.start[rows], cases.has_plan[rows]
            cases.put(rows, plain)
        rows = np.flatnonzero(transferred)
        part = cases.take(rows)
        self.transfer(part, part.start, self.before_period)
        cases.put(rows, part)
        rows = np.flatnonzero(cases.has_request)
        part = cases.take(rows)
        year_ago = between(self.rng, self.survey.period_start - 60, self.survey.day - 20, len(rows))
        self.dispute(part, "other", "dispute:older plan", np.maximum(year_ago, part.start))
        cases.put(rows, part)

    def cease_after_survey_day(self, cases: Cases) -> None:
        """A few plans already have an end that lies ahead."""
        ahead = self.chance("plan", "ceases_after_survey_day", len(cases))
        days = self.survey.day + 1 + self.rng.integers(0, 60, len(cases))
        cases.cease = when(ahead, days)
        cases.cease_reason[ahead] = 5

    # -- ceased plans

    def ceased_plans(self, size: int, category: int, first: np.datetime64, last: Any) -> Cases:
        """Plans that ended from first to last, many of them with a school year."""
        cases = Cases.blank(size, category)
        cases.has_plan[:] = True
        days = between(self.rng, first, last, size)
        summer = day_in(year_of(days), "07-31")
        at_end = self.chance("ceased", "on_school_year_end", size)
        at_end &= (summer >= first) & (summer <= last)
        cases.cease = np.where(at_end, summer, days)
        ages = self.figures.draw_ages(self.rng, "ceased_age", size)
        oldest = self.figures.draw_ages(self.rng, "ceased_age_20_and_over", size)
        ages = np.where(ages >= oldest.min(), oldest, ages)
        cases.birth = self.births(ages, cases.cease)
        self.cease_reasons(cases, ages)
        self.ceased_history(cases)
        return cases

    def cease_reasons(self, cases: Cases, ages: Ints) -> None:
        """Why the plan ended, by age; someone who reached the maximum age has that age."""
        prefix = "cease_reason:"
        for group in self.figures.groups(prefix):
            low, high = (int(part) for part in group.removeprefix(prefix).split("-"))
            rows = np.flatnonzero((ages >= low) & (ages <= high))
            reasons = self.figures.draw(self.rng, group, len(rows))
            cases.cease_reason[rows] = np.array(self.figures.labels(group), dtype=int)[reasons]
        oldest = cases.cease_reason == 1
        school_year = day_in(year_of(cases.cease), self.survey.key_days["school_year_start"])
        school_year = np.where(
            school_year > cases.cease, add_years(school_year, -1), school_year
        ).astype("datetime64[D]")
        born = add_years(school_year, -int(self.survey.limits["max_plan_age"]))
        born = born + self.rng.integers(0, 364, len(cases))
        cases.birth = np.where(oldest, born, cases.birth)

    def ceased_history(self, cases: Cases) -> None:
        """When ended plans began, and how."""
        size = len(cases)
        held = self.figures.draw_ages(self.rng, "ceased_years_held", size)
        start = cases.cease - held * 365 - self.rng.integers(40, 365, size)
        earliest = np.maximum(self.plans_began, cases.birth + 500)
        latest = np.minimum(earliest + 200, cases.cease - 30)
        cases.start = np.where(start < earliest, between(self.rng, earliest, latest, size), start)
        cases.is_new = cases.start >= self.survey.period_start
        end, reason, category = cases.cease.copy(), cases.cease_reason.copy(), cases.category.copy()
        old = np.flatnonzero(~cases.is_new)
        new = np.flatnonzero(cases.is_new)
        part = cases.take(new)
        self.issue_history(part)
        cases.put(new, part)
        part = cases.take(old)
        self.older_plans(part, held[old])
        part.transferred = np.minimum(part.transferred, end[old] - 20)
        part.transferred = np.maximum(part.transferred, part.start)
        cases.put(old, part)
        cases.cease, cases.cease_reason, cases.category = end, reason, category

    # -- cases without a plan

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

    def plan_starts_after(self, size: int) -> Cases:
        """Plans that come from another authority after the survey day."""
        cases = Cases.blank(size, RECEIVED_AFTER)
        ages, held = self.ages_and_years_held(size)
        cases.has_plan[:] = True
        cases.birth, cases.start = self.births(ages, self.survey.age_day), self.starts(held)
        self.transfer(cases, self.survey.day + 1, self.survey.day + 40)
        return cases

    # -- several cases of one person

    def second_cases(self, cases: Cases) -> list[Cases]:
        """Earlier cases of people who have a live one."""
        return [self.refused_earlier(cases), self.ceased_earlier(cases), self.came_back(cases)]

    def refused_earlier(self, cases: Cases) -> Cases:
        """An earlier request was refused; the new one went further."""
        live = cases.is_new | np.isin(cases.category, (ONGOING_ASSESSMENT, ONGOING_REQUEST))
        live &= cases.has_request & self.chance("second_case", "refused_earlier", len(cases))
        decided = cases.received - self.rng.integers(100, 700, len(cases))
        received = decided - self.figures.draw_days(self.rng, "days_to_decide", len(cases))
        rows = np.flatnonzero(live & (received > cases.birth + 300))
        earlier = Cases.blank(len(rows), NOT_ASSESSED)
        earlier.person, earlier.birth = cases.person[rows], cases.birth[rows]
        earlier.has_request[:] = True
        earlier.received, earlier.decided = received[rows], decided[rows]
        earlier.decision[:] = REFUSE
        earlier.category[earlier.decided < self.survey.period_start] = DECIDED_BEFORE
        return earlier

    def earlier_plans(self, cases: Cases, rows: Ints, ends: Days, starts: Days) -> Cases:
        """Plans of the same people that ran from the starts to the ends, with their requests."""
        earlier = Cases.blank(len(rows), CEASED)
        earlier.person, earlier.birth = cases.person[rows], cases.birth[rows]
        earlier.has_plan[:] = True
        earlier.start, earlier.cease = starts[rows], ends[rows]
        earlier.is_new = earlier.start >= self.survey.period_start
        self.issue_history(earlier)
        earlier.category[earlier.cease < self.survey.period_start] = CEASED_BEFORE
        return earlier

    def ceased_earlier(self, cases: Cases) -> Cases:
        """An earlier plan ended when the needs were met; a new one followed."""
        size = len(cases)
        ends = cases.received - self.rng.integers(30, 300, size)
        starts = ends - self.rng.integers(200, 1200, size)
        chosen = cases.is_new & cases.has_plan & self.chance("second_case", "ceased_earlier", size)
        chosen &= (starts > cases.birth + 500) & (starts > self.plans_began)
        earlier = self.earlier_plans(cases, np.flatnonzero(chosen), ends, starts)
        earlier.cease_reason[:] = 2
        return earlier

    def came_back(self, cases: Cases) -> Cases:
        """Left with a plan and came back with another, issued elsewhere."""
        size = len(cases)
        in_period = cases.transferred >= self.survey.period_start
        ends = cases.transferred - self.rng.integers(60, 600, size)
        starts = ends - self.rng.integers(200, 1200, size)
        chosen = in_period & (cases.category == ACTIVE)
        chosen &= self.chance("second_case", "came_back", size)
        chosen &= (starts > cases.birth + 500) & (starts > self.plans_began)
        rows = np.flatnonzero(chosen)
        cases.start[rows] = between(self.rng, ends + 1, cases.transferred, size)[rows]
        earlier = self.earlier_plans(cases, rows, ends, starts)
        earlier.cease_reason[:] = 5
        return earlier

    # -- all of them

    def flow(self, name: str) -> float:
        """Cases a year for each active plan."""
        return self.figures.one("flow", name)

    def make(self, plans: int) -> Cases:
        """Every case of an authority with so many active plans, in no particular order."""
        blocks = self.active_plans(plans)
        for name, story, inside, before in (
            ("ceased", self.ceased_plans, CEASED, CEASED_BEFORE),
            ("not_issued", self.not_issued, NOT_ISSUED, DECIDED_BEFORE),
            ("request_withdrawn", self.request_ended, REQUEST_WITHDRAWN, DECIDED_BEFORE),
            ("moved_undecided", self.moved_undecided, REQUEST_WITHDRAWN, DECIDED_BEFORE),
            ("assessment_withdrawn", self.assessment_withdrawn, WITHDRAWN, DECIDED_BEFORE),
            ("moved_in_assessment", self.moved_in_assessment, ONGOING_ASSESSMENT, DECIDED_BEFORE),
        ):  # fmt: skip
            blocks += self.flow_cases(name, story, inside, before, plans)
        for name, now in (
            ("ongoing_request", self.ongoing_request),
            ("ongoing_assessment", self.ongoing_assessment),
            ("awaiting_issue", self.awaiting_issue),
            ("received_after", self.received_after),
            ("plan_starts_after", self.plan_starts_after),
        ):
            blocks.append(now(at_least_one(plans * self.figures.one("stock", name))))
        cases = join_people(blocks)
        cases = join_columns([cases, *self.second_cases(cases)])
        in_period = (cases.decision == REFUSE) & (cases.decided >= self.survey.period_start)
        refused = self.flow_cases(
            "refused", self.refused, NOT_ASSESSED, DECIDED_BEFORE, plans, int(in_period.sum())
        )
        everyone = join_people([cases, *refused])
        return number_people(everyone.take(self.rng.permutation(len(everyone))))

    def flow_cases(
        self,
        name: str,
        story: Callable[[int, int, Any, Any], Cases],
        inside: int,
        before: int,
        plans: int,
        already: int = 0,
    ) -> list[Cases]:
        """The cases that ended one way in the period, less those made already, and before it."""
        survey, years = self.survey, self.figures.one("years_before", name)
        past = survey.period_start - int(365 * years)
        size = at_least_one(plans * self.flow(name) * survey.period_years - already)
        return [
            story(size, inside, survey.period_start, survey.day),
            story(at_least_one(plans * self.flow(name) * years), before, past, self.before_period),
        ]


def at_least_one(size: float) -> int:
    """A whole number of cases; even a small sample has every story."""
    return max(1, round(size))


def number_people(cases: Cases) -> Cases:
    """The same cases, people numbered in the order of their first case."""
    _, first, number = np.unique(cases.person, return_index=True, return_inverse=True)
    cases.person = np.argsort(np.argsort(first))[number].astype(np.int32)
    return cases


# ----------------------------------------------------------------------------- people


def check_letters(digits: Ints) -> Ints:
    """The check letter of UPNs (its place in the alphabet) from their last twelve characters."""
    weights = np.arange(2, 14)
    return (digits @ weights) % len(UPN_LETTERS)


def digits_of(numbers: Ints, length: int) -> Ints:
    """The decimal digits of numbers, one column each."""
    return (numbers[:, None] // 10 ** np.arange(length - 1, -1, -1)) % 10


def text_of(characters: Ints) -> npt.NDArray[np.bytes_]:
    """Rows of character codes as text."""
    rows = np.ascontiguousarray(characters.astype(np.uint8))
    return rows.view(f"S{rows.shape[1]}").ravel()


def make_upns(
    rng: Random, births: Days, authorities: npt.NDArray[np.str_], temporary: Flags
) -> npt.NDArray[np.bytes_]:
    """Unique UPNs with right check letters: authority, school, year of entry, serial."""
    size = len(births)
    serial = rng.permutation(size)
    school, within = 2000 + serial // 1000, serial % 1000
    numbers = authorities.astype(np.int64) * 10**4 + school % 10**4
    numbers = (numbers * 100 + (year_of(births) + 4) % 100) * 1000 + within
    digits = digits_of(numbers, 12)
    letters = np.frombuffer(UPN_LETTERS.encode(), dtype=np.uint8)
    characters = digits + ord("0")
    characters[temporary, -1] = letters[digits[temporary, -1]]
    check = letters[check_letters(digits)]
    return text_of(np.column_stack([check, characters]))


def make_ulns(rng: Random, size: int) -> npt.NDArray[np.bytes_]:
    """Unique ULNs with right check digits."""
    step = 8_999_999 * 100 // (size + size // 5 + 10)
    numbers = 10**8 + np.arange(size + size // 5 + 10, dtype=np.int64) * step
    remainder = (digits_of(numbers, 9) @ np.arange(10, 1, -1)) % 11
    usable = np.flatnonzero(remainder)[:size]
    whole = numbers[usable] * 10 + 10 - remainder[usable]
    return text_of(digits_of(whole[rng.permutation(size)], 10) + ord("0"))


def make_postcodes(rng: Random, size: int) -> npt.NDArray[np.bytes_]:
    """Postcodes of valid form in areas that do not exist."""
    areas = np.array([[ord(c) for c in area] for area in ("ZY", "ZX", "ZV")])
    units = np.frombuffer(b"ABDEFGHJLNPQRSTUWXYZ", dtype=np.uint8)
    rows = np.empty((size, 7), dtype=np.uint8)
    rows[:, :2] = areas[rng.integers(0, len(areas), size)]
    rows[:, 2] = ord("1") + rng.integers(0, 9, size)
    rows[:, 3] = ord(" ")
    rows[:, 4] = ord("0") + rng.integers(0, 10, size)
    rows[:, 5:] = units[rng.integers(0, len(units), (size, 2))]
    return text_of(rows)


def without(values: npt.NDArray[np.bytes_], blank: Flags) -> npt.NDArray[np.bytes_]:
    """The values, blank where asked."""
    return np.where(blank, b"", values)


@dataclass
class People:
    """One entry per person; `band` is the age band on the age reference day."""

    birth: Days
    band: Ints
    is_male: Flags
    ethnicity: npt.NDArray[np.str_]
    surname: Ints
    forename: Ints
    surnames: list[str]
    forenames: list[str]
    postcode: npt.NDArray[np.bytes_]
    upn: npt.NDArray[np.bytes_]
    uln: npt.NDArray[np.bytes_]
    reason: npt.NDArray[np.str_]


class Bands:
    """The age bands: the categories of need_at_age, such as 5-10."""

    def __init__(self, figures: Figures) -> None:
        """Read the bands from the figures."""
        prefix = "need_at_age:"
        self.names = [group.removeprefix(prefix) for group in figures.groups(prefix)]
        self.tops = np.array([int(name.split("-")[1]) for name in self.names])

    def of(self, ages: Ints) -> Ints:
        """The band of each age; the last band has no top."""
        return np.searchsorted(self.tops[:-1], ages)


def draw_by_band(rng: Random, bands: Bands, band: Ints, figures: Figures, group: str) -> Flags:
    """True as often as the figure of each one's age band says."""
    hits: Flags = rng.random(len(band)) < figures.weights(group, bands.names)[band]
    return hits


def make_people(
    rng: Random, figures: Figures, survey: Survey, cases: Cases, la_code: str
) -> People:
    """The people of the cases."""
    size = int(cases.person.max()) + 1
    births = never(size)
    births[cases.person] = cases.birth
    has_plan = np.zeros(size, dtype=bool)
    has_plan[cases.person[cases.has_plan]] = True
    bands = Bands(figures)
    band = bands.of(np.maximum(age_on(births, survey.age_day), 0))
    is_male = np.where(
        has_plan,
        figures.draw(rng, "sex:plan", size) == figures.labels("sex:plan").index("M"),
        figures.draw(rng, "sex:request", size) == figures.labels("sex:request").index("M"),
    )
    surnames, surname = draw_surnames(rng, figures, size)
    girls, boys = figures.labels("forename:F"), figures.labels("forename:M")
    upn, uln, reason = make_identifiers(rng, figures, survey, cases, births, band, la_code)
    return People(
        birth=births,
        band=band,
        is_male=is_male,
        ethnicity=draw_ethnicity(rng, figures, has_plan),
        surname=surname,
        forename=np.where(
            is_male,
            len(girls) + figures.draw(rng, "forename:M", size),
            figures.draw(rng, "forename:F", size),
        ),
        surnames=surnames,
        forenames=girls + boys,
        postcode=without(
            make_postcodes(rng, size), rng.random(size) < figures.one("missing", "postcode")
        ),
        upn=upn,
        uln=uln,
        reason=reason,
    )


def draw_surnames(rng: Random, figures: Figures, size: int) -> tuple[list[str], Ints]:
    """Surnames, some of them two joined by a hyphen."""
    single = figures.labels("surname")
    pairs = rng.integers(0, len(single), (len(single), 2))
    double = [f"{single[a]}-{single[b]}".replace(" & ", "-") for a, b in pairs]
    chosen = figures.draw(rng, "surname", size)
    joined = rng.random(size) < figures.one("surname_double", "share")
    return single + double, np.where(joined, chosen + len(single), chosen)


def draw_ethnicity(rng: Random, figures: Figures, has_plan: Flags) -> npt.NDArray[np.str_]:
    """Ethnicity codes; not obtained or refused more often before there is a plan."""
    known = np.array(figures.labels("ethnicity"))[figures.draw(rng, "ethnicity", len(has_plan))]
    for group, rows in (("plan", has_plan), ("request", ~has_plan)):
        name = f"ethnicity_unclassified:{group}"
        labels = figures.labels(name)
        weights = figures.weights(name, labels)
        drawn = pick(rng, np.append(weights, 1 - weights.sum()), len(has_plan))
        codes = np.append(labels, "")[drawn]
        known = np.where(rows & (codes != ""), codes, known)
    return known


def make_identifiers(
    rng: Random,
    figures: Figures,
    survey: Survey,
    cases: Cases,
    births: Days,
    band: Ints,
    la_code: str,
) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.bytes_], npt.NDArray[np.str_]]:
    """UPN, ULN, and for those with neither the reason; each reason only where it may be used."""
    size, bands = len(births), Bands(figures)
    none = draw_by_band(rng, bands, band, figures, "no_identifier")
    reason = np.full(size, "", dtype="U4")
    for number, name in enumerate(bands.names):
        rows = np.flatnonzero(none & (band == number))
        group = f"no_identifier_reason:{name}"
        labels = np.array(figures.labels(group))
        reason[rows] = labels[figures.draw(rng, group, len(rows))]
    for code, figure, eligible in (
        ("UN8", "identifier_new_to_authority", new_to_authority(survey, cases, size)),
        ("UN10", "identifier_no_further_action", no_further_action(cases, size)),
    ):
        chosen = eligible & (rng.random(size) < figures.one("missing", figure))
        reason[chosen] = code
        none |= chosen
    known = np.array([row["code"] for row in spec.seed("upn_la_codes")])
    own = np.full(size, la_code if la_code in known else known[0])
    other = rng.random(size) < figures.one("upn", "other_authority")
    authorities = np.where(other, known[rng.integers(0, len(known), size)], own)
    temporary = rng.random(size) < figures.one("upn", "temporary")
    has_uln = draw_by_band(rng, bands, band, figures, "uln") & ~none
    has_upn = (draw_by_band(rng, bands, band, figures, "upn") | ~has_uln) & ~none
    upn = without(make_upns(rng, births, authorities, temporary), ~has_upn)
    return upn, without(make_ulns(rng, size), ~has_uln), reason


def new_to_authority(survey: Survey, cases: Cases, size: int) -> Flags:
    """People whose only case is a request of the last days of the period."""
    days = int(survey.limits["un8_days"])
    recent = (cases.category == ONGOING_REQUEST) & (cases.received > survey.day - days)
    return only(cases, recent, size)


def no_further_action(cases: Cases, size: int) -> Flags:
    """People whose only case is a request that was refused or withdrawn."""
    ended = np.isin(cases.category, (NOT_ASSESSED, REQUEST_WITHDRAWN)) & (cases.decision != AGREE)
    return only(cases, ended & np.isnat(cases.moved), size)


def only(cases: Cases, condition: Flags, size: int) -> Flags:
    """People all of whose cases satisfy the condition."""
    holds = np.ones(size, dtype=bool)
    holds[cases.person[~condition]] = False
    return holds


# ----------------------------------------------------------------------------- settings


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


# ----------------------------------------------------------------------------- plans


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
    transferred_from: Ints


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
        self.codes = {
            "residential": survey.in_force("Residential"),
            "work_based": survey.in_force("WorkBasedLearning"),
        }

    def make(self) -> tuple[Plans, Placements, Reviews]:
        """Everything, in an order that later parts rely on."""
        size = len(self.case)
        leaf, need = self.maker.draw(self.band, self.cases.is_new)
        placements, dual = self.placements(leaf)
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
            transferred_from=self.rng.integers(0, 1 << 30, size),
        )
        return plans, placements, self.reviews()

    # -- placements

    def placements(self, leaf: Ints) -> tuple[Placements, Ints]:
        """Spells at rank 1 with their changes of school, and some at rank 2."""
        entries, same = self.entries()
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
        establishment = self.maker.establishment(self.settings, own_leaf)
        reopened = np.flatnonzero(same[plan, place])
        reopened = reopened[reopened > 0]
        own_leaf[reopened - 1] = own_leaf[reopened]
        establishment[reopened - 1] = establishment[reopened]
        first = self._spells(plan, 1, own_leaf, establishment, entry, leaving, is_current)
        second = self.second_placements(first)
        order = np.lexsort(
            (
                np.concatenate([first.entry, second.entry]),
                np.concatenate([first.rank, second.rank]),
                np.concatenate([first.plan, second.plan]),
            )
        )
        joined = Placements(
            **{
                item.name: np.concatenate([getattr(first, item.name), getattr(second, item.name)])[
                    order
                ]
                for item in fields(Placements)
            }
        )
        return joined, np.flatnonzero(joined.rank == 2)

    def entries(self) -> tuple[Days, Flags]:
        """Entry dates, a row per plan: the first, school moves, a move in the period or later."""
        cases, survey, rng = self.cases, self.survey, self.rng
        size = len(cases)
        at_school = np.maximum(cases.birth + 700, cases.start - rng.integers(0, 500, size))
        first = np.minimum(at_school, cases.start)
        first = np.where(np.isnat(cases.transferred), first, cases.transferred)
        columns = [self.school_moves(int(age)) for age in self.figures.labels("school_move_age")]
        moves = between(rng, survey.period_start + 20, survey.day - 20, size)
        moved = rng.random(size) < self.figures.one("placement", "moved_in_period")
        columns.append(when(moved, moves))
        later = survey.day + rng.integers(2, 40, size)
        moves_later = rng.random(size) < self.figures.one("placement", "moves_after_survey_day")
        columns.append(when(moves_later & (cases.category == ACTIVE), later))
        again = rng.random(size) < self.figures.one("placement", "reopened_at_same_setting")
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
        old_enough = age_on(self.cases.birth[plan], self.survey.age_day) >= int(
            self.survey.limits["work_based_age_from"]
        )
        ages = age_on(self.cases.birth[plan], self.survey.age_day)
        limits = self.survey.limits
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

    # -- the rest of a plan

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

    # -- reviews

    def reviews(self) -> Reviews:
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
        return self.review_decisions(plan, meeting, is_latest)

    def review_decisions(self, plan: Ints, meeting: Days, is_latest: Flags) -> Reviews:
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


# ----------------------------------------------------------------------------- tables

Column = Callable[[slice], pa.Array]


def days_column(days: Days) -> Column:
    """Dates as ccyy-mm-dd, blank for no event."""
    return lambda rows: pa.array(days[rows]).cast(pa.string())


def coded_column(numbers: Ints, labels: Sequence[str]) -> Column:
    """A label for each number, blank below 0 and where the label is blank."""
    values = pa.array([label or None for label in labels], pa.string())

    def column(rows: slice) -> pa.Array:
        chunk = numbers[rows]
        return pc.take(values, pa.array(chunk, pa.int64(), mask=chunk < 0))

    return column


def numbered_column(prefix: str, numbers: Ints, blank_below: int = 0, width: int = 7) -> Column:
    """Identifiers such as P0000012, blank below a number."""

    def column(rows: slice) -> pa.Array:
        chunk = numbers[rows]
        text = pa.array(chunk, pa.int64(), mask=chunk < blank_below).cast(pa.string())
        padded = pc.utf8_lpad(text, width, "0")
        return pc.binary_join_element_wise(pa.scalar(prefix), padded, "") if prefix else padded

    return column


def text_column(values: npt.NDArray[Any]) -> Column:
    """Text as it stands, blank for an empty one."""

    def column(rows: slice) -> pa.Array:
        text = pa.array(values[rows]).cast(pa.string())
        return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)

    return column


def flag_column(flags: Flags, blank: Flags | None = None) -> Column:
    """1 or 0, blank where asked."""
    numbers = flags.astype(np.int64)
    return coded_column(numbers if blank is None else np.where(blank, -1, numbers), ["0", "1"])


def ids(prefix: str) -> Callable[[int], str]:
    """How one identifier looks."""
    return lambda number: f"{prefix}{number + 1:07d}"


person_id, request_id, plan_id, placement_id = ids("P"), ids("R"), ids("E"), ids("L")


@dataclass
class Table:
    """One table of the extract: its columns, and the changes that faults make to it."""

    name: str
    rows: int
    columns: dict[str, Column]
    changed: dict[str, dict[int, str]] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    added: list[dict[str, str]] = field(default_factory=list)

    def value(self, row: int, column: str) -> str:
        """What the extract says there; blank is an empty text."""
        changed = self.changed.get(column, {})
        if row in changed:
            return changed[row]
        return self.columns[column](slice(row, row + 1))[0].as_py() or ""

    def row(self, row: int) -> dict[str, str]:
        """One whole row."""
        return {column: self.value(row, column) for column in self.columns}

    def put(self, row: int, **values: str) -> None:
        """Change some values of a row."""
        for column, value in values.items():
            self.changed.setdefault(column, {})[row] = value

    def add(self, **values: str) -> int:
        """Append a row; gives its place, from 0."""
        self.added.append({column: values.get(column, "") for column in self.columns})
        return self.rows + len(self.added) - 1

    @cached_property
    def removed_in_order(self) -> list[int]:
        """The removed rows; ask only once all faults are planted."""
        return sorted(self.removed)

    def file_row(self, row: int) -> int:
        """The row a spreadsheet shows: the header is row 1."""
        return row - bisect_left(self.removed_in_order, row) + 2

    @property
    def rows_in_file(self) -> int:
        """How many rows the file has below its header."""
        return self.rows - len(self.removed) + len(self.added)

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows as they are written, a bounded number at a time."""
        for start in range(0, self.rows, BATCH_ROWS):
            rows = slice(start, min(start + BATCH_ROWS, self.rows))
            arrays = [self._changed_chunk(name, rows) for name in schema.names]
            batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
            gone = [row - start for row in self.removed if start <= row < rows.stop]
            if gone:
                kept = np.ones(batch.num_rows, dtype=bool)
                kept[gone] = False
                batch = batch.filter(pa.array(kept))
            yield batch
        if self.added:
            columns = [
                pa.array([row[name] or None for row in self.added], pa.string())
                for name in schema.names
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _changed_chunk(self, name: str, rows: slice) -> pa.Array:
        """One column of some rows, with the changes made."""
        array = self.columns[name](rows)
        changes = {
            row - rows.start: value
            for row, value in self.changed.get(name, {}).items()
            if rows.start <= row < rows.stop
        }
        if not changes:
            return array
        values = array.to_pylist()
        for row, value in changes.items():
            values[row] = value or None
        return pa.array(values, pa.string())

    def write(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        """Write the table as CSV."""
        schema = pa.schema([(name, pa.string()) for name in self.columns])
        reader = pa.RecordBatchReader.from_batches(schema, self.batches(schema))
        connection.from_arrow(reader).write_csv(str(path), header=True)


@dataclass
class Sample:
    """A whole extract before it is written, with what is expected of it."""

    survey: Survey
    la_code: str
    cases: Cases
    people: People
    plans: Plans
    placements: Placements
    reviews: Reviews
    tables: dict[str, Table]
    request_number: Ints
    plan_number: Ints
    request_outcome: npt.NDArray[np.str_]
    assessment_outcome: npt.NDArray[np.str_]
    named_by_urn: Flags
    attended_by_urn: Flags
    closed_urn: str
    closing_day: np.datetime64
    review_codes: list[str]
    left_behind: list[tuple[str, str]] = field(default_factory=list)

    @property
    def in_return(self) -> Flags:
        """The cases that are returned."""
        out = [category_number(name) for name in OUT_OF_SCOPE]
        returned: Flags = ~np.isin(self.cases.category, out)
        return returned

    def request_id(self, case: int) -> str:
        """The request of a case, its own or the one made for its plan."""
        if self.request_number[case] >= 0:
            return request_id(int(self.request_number[case]))
        return f"plan:{plan_id(int(self.plan_number[case]))}"


def number_where(condition: Flags) -> Ints:
    """0, 1, 2 and so on where the condition holds, -1 elsewhere."""
    return np.where(condition, np.cumsum(condition) - 1, -1)


class TableMaker:
    """Turns the drawn columns into the tables of the contract."""

    def __init__(self, sample_parts: "Parts") -> None:
        """Take everything that was drawn."""
        self.parts = sample_parts
        cases = sample_parts.cases
        self.request_number = number_where(cases.has_request)
        self.plan_number = number_where(cases.has_plan)
        self.authorities = sample_parts.authorities

    def tables(self) -> dict[str, Table]:
        """Every table, in the contract's order of tables and columns."""
        made = {
            "people": self.people(),
            "requests": self.requests(),
            "assessments": self.assessments(),
            "disputes": self.disputes(),
            "plans": self.plans(),
            "plan_settings": self.plan_settings(),
            "placements": self.placements(),
            "needs": self.needs(),
            "reviews": self.reviews(),
            "establishments": self.establishments(),
        }
        year = self.parts.survey.year
        tables: dict[str, Table] = {}
        for row in spec.seed("extract_contract"):
            name, column = row["table_name"], row["column_name"]
            rows, columns = made[name]
            table = tables.setdefault(name, Table(name, rows, {}))
            first = int(row["must_be_present_from"] or year)
            needed = first <= year <= int(row["must_be_present_to"] or year)
            table.columns[column] = columns[column] if needed else blank_column
        return tables

    def people(self) -> tuple[int, dict[str, Column]]:
        """One row per person."""
        people, number = self.parts.people, np.arange(len(self.parts.people.birth))
        sex = np.where(people.is_male, 0, 1)
        gender = {
            row["outcome"]: row["code"]
            for row in spec.seed("outcome_codes")
            if row["stage"] == "gender"
        }
        return len(number), {
            "person_id": numbered_column("P", number + 1),
            "surname": coded_column(people.surname, people.surnames),
            "forename": coded_column(people.forename, people.forenames),
            "birth_date": days_column(people.birth),
            "sex": coded_column(sex, ["M", "F"]),
            "gender_code": coded_column(sex, [gender["M"], gender["F"]]),
            "ethnicity": text_column(people.ethnicity),
            "postcode": text_column(people.postcode),
            "upn": text_column(people.upn),
            "uln": text_column(people.uln),
            "no_identifier_reason": text_column(people.reason),
        }

    def requests(self) -> tuple[int, dict[str, Column]]:
        """One row per case with a request."""
        case = np.flatnonzero(self.parts.cases.has_request)
        cases = self.parts.cases.take(case)
        moved = np.where(np.isnat(cases.moved), -1, self.parts.moved_to[case])
        return len(case), {
            "request_id": numbered_column("R", np.arange(len(case)) + 1),
            "person_id": numbered_column("P", cases.person.astype(np.int64) + 1),
            "received_date": days_column(cases.received),
            "source": coded_column(self.parts.source[case], self.parts.sources),
            "in_youth_accommodation": flag_column(self.parts.youth[case]),
            "decision": coded_column(cases.decision.astype(np.int64) - 1, FIRST_DECISIONS),
            "decision_date": days_column(cases.decided),
            "withdrawn_date": days_column(cases.withdrawn),
            "moved_to_la": coded_column(moved, self.authorities),
            "moved_date": days_column(cases.moved),
        }

    def assessments(self) -> tuple[int, dict[str, Column]]:
        """One row per assessment begun."""
        case = np.flatnonzero(self.parts.cases.has_assessment & self.parts.cases.has_request)
        cases = self.parts.cases.take(case)
        return len(case), {
            "request_id": numbered_column("R", self.request_number[case] + 1),
            "decision": coded_column(cases.issue_decision.astype(np.int64) - 1, ISSUE_DECISIONS),
            "decision_date": days_column(cases.issue_decided),
            "withdrawn_date": days_column(cases.assessment_withdrawn),
            "twenty_week_exception": flag_column(cases.exception, cases.issue_decision != AGREE),
        }

    def disputes(self) -> tuple[int, dict[str, Column]]:
        """One row per mediation or appeal, in the order of requests and dates."""
        cases = self.parts.cases
        days = np.column_stack([cases.disputes(kind, about) for kind, about in DISPUTES])
        days[~cases.has_request] = np.datetime64("NaT")
        case, which = np.nonzero(~np.isnat(days))
        day = days[case, which]
        order = np.lexsort((which, day, case))
        case, which, day = case[order], which[order], day[order]
        return len(case), {
            "request_id": numbered_column("R", self.request_number[case] + 1),
            "kind": coded_column(which, [kind for kind, _ in DISPUTES]),
            "about": coded_column(which, [about for _, about in DISPUTES]),
            "dispute_date": days_column(day),
        }

    def plans(self) -> tuple[int, dict[str, Column]]:
        """One row per plan."""
        plans, codes = self.parts.plans, self.parts.codes
        cases = self.parts.cases.take(plans.case)
        came_from = np.where(np.isnat(cases.transferred), -1, self.parts.moved_to[plans.case])
        return len(plans.case), {
            "plan_id": numbered_column("E", np.arange(len(plans.case)) + 1),
            "person_id": numbered_column("P", cases.person.astype(np.int64) + 1),
            "request_id": numbered_column("R", self.request_number[plans.case] + 1, 1),
            "start_date": days_column(cases.start),
            "residential": coded_column(plans.residential, codes["residential"]),
            "work_based": coded_column(plans.work_based, codes["work_based"]),
            "personal_budget": flag_column(plans.budget),
            "organised_arrangements": flag_column(plans.organised, ~plans.budget),
            "direct_payments": coded_column(plans.direct, self.parts.direct_payments),
            "transferred_from_la": coded_column(came_from, self.authorities),
            "transferred_date": days_column(cases.transferred),
            "cease_date": days_column(cases.cease),
            "cease_reason": coded_column(
                np.where(np.isnat(cases.cease), -1, cases.cease_reason.astype(np.int64)),
                [str(number) for number in range(10)],
            ),
        }

    def setting_columns(self, leaf: Ints, establishment: Ints) -> dict[str, Column]:
        """How a setting is written: one of urn, ukprn and a code with its note, and two flags."""
        settings, figures = self.parts.settings, self.parts.figures
        has_ukprn = settings.by_ukprn[leaf] & (leaf >= 0) & (establishment >= 0)
        has_urn = (establishment >= 0) & ~has_ukprn
        leaf_codes = np.array([*settings.codes, "OTH"])
        code = np.where(leaf < 0, len(settings.codes), leaf)
        notes: list[str] = []
        note = np.full(len(leaf), -1)
        for name in figures.groups("setting_note:"):
            texts = figures.labels(name)
            rows = np.flatnonzero(leaf_codes[code] == name.removeprefix("setting_note:"))
            note[rows] = len(notes) + np.arange(len(rows)) % len(texts)
            notes += texts
        return {
            "urn": numbered_column("", np.where(has_urn, settings.urn[establishment], 0), 1, 6),
            "ukprn": numbered_column(
                "", np.where(has_ukprn, settings.ukprn[establishment], 0), 1, 8
            ),
            "setting": coded_column(code, list(leaf_codes)),
            "setting_note": coded_column(note, notes),
            "sen_unit": flag_column(settings.has_unit[leaf] & has_urn),
            "resourced_provision": flag_column(settings.has_resourced[leaf] & has_urn),
        }

    def plan_settings(self) -> tuple[int, dict[str, Column]]:
        """One or two rows per plan."""
        plans, size = self.parts.plans, len(self.parts.plans.case)
        second = np.flatnonzero(plans.second >= 0)
        plan = np.concatenate([np.arange(size), second])
        rank = np.repeat([1, 2], [size, len(second)])
        order = np.lexsort((rank, plan))
        leaf = np.concatenate([plans.setting, plans.second[second]])[order]
        where = np.concatenate([plans.establishment, plans.second_establishment[second]])[order]
        return len(plan), {
            "plan_id": numbered_column("E", plan[order] + 1),
            "rank": coded_column(rank[order], ["", "1", "2"]),
            **self.setting_columns(leaf, where),
        }

    def placements(self) -> tuple[int, dict[str, Column]]:
        """One row per spell at one rank."""
        spells, codes = self.parts.placements, self.parts.codes
        attendance = np.where(spells.school_age, spells.part_time.astype(np.int64), -1)
        return len(spells.plan), {
            "placement_id": numbered_column("L", np.arange(len(spells.plan)) + 1),
            "plan_id": numbered_column("E", spells.plan + 1),
            "rank": coded_column(spells.rank.astype(np.int64), ["", "1", "2"]),
            **self.setting_columns(spells.leaf, spells.establishment),
            "residential": coded_column(spells.residential, codes["residential"]),
            "work_based": coded_column(spells.work_based, codes["work_based"]),
            "attendance": coded_column(attendance, ["FT", "PT"]),
            "entry_date": days_column(spells.entry),
            "leaving_date": days_column(spells.leaving),
        }

    def needs(self) -> tuple[int, dict[str, Column]]:
        """One or two rows per plan."""
        plans, size = self.parts.plans, len(self.parts.plans.case)
        second = np.flatnonzero(plans.second_need >= 0)
        plan = np.concatenate([np.arange(size), second])
        rank = np.repeat([1, 2], [size, len(second)])
        order = np.lexsort((rank, plan))
        need = np.concatenate([plans.need, plans.second_need[second]])[order]
        return len(plan), {
            "plan_id": numbered_column("E", plan[order] + 1),
            "rank": coded_column(rank[order], ["", "1", "2"]),
            "need": coded_column(need, self.parts.need_codes),
        }

    def reviews(self) -> tuple[int, dict[str, Column]]:
        """One row per annual review."""
        reviews = self.parts.reviews
        return len(reviews.plan), {
            "plan_id": numbered_column("E", reviews.plan + 1),
            "meeting_date": days_column(reviews.meeting),
            "decision": coded_column(reviews.decision, self.parts.review_decisions),
            "decision_date": days_column(reviews.decided),
            "draft_date": days_column(reviews.draft),
            "phase_transfer_due_date": days_column(reviews.due),
            "phase_transfer_final_date": days_column(reviews.final),
        }

    def establishments(self) -> tuple[int, dict[str, Column]]:
        """One row per establishment."""
        settings = self.parts.settings
        kinds = self.parts.figures.text("establishment_name")
        leaf = np.repeat(np.arange(len(settings.leaves)), settings.count)
        trees = self.parts.figures.labels("establishment_tree")
        size = len(leaf)
        names = [
            f"Sample {trees[i % len(trees)]} {kinds[settings.leaves[leaf[i]]]} {i + 1} (synthetic)"
            for i in range(size)
        ]
        closing = closing_day(self.parts.survey)
        return size, {
            "urn": numbered_column("", settings.urn, 1, 6),
            "ukprn": numbered_column("", settings.ukprn, 1, 8),
            "name": text_column(np.array(names)),
            "type_code": text_column(np.array(settings.types)),
            "status_code": coded_column(settings.closed.astype(np.int64), ["1", "2"]),
            "open_date": days_column(settings.opened),
            "close_date": days_column(when(settings.closed, np.full(size, closing))),
            "has_sen_unit": flag_column(settings.unit),
            "has_resourced_provision": flag_column(settings.resourced),
        }


def blank_column(rows: slice) -> pa.Array:
    """Nothing in any row."""
    return pa.nulls(rows.stop - rows.start, pa.string())


@dataclass
class Parts:
    """Everything drawn, before it becomes tables."""

    survey: Survey
    figures: Figures
    cases: Cases
    people: People
    plans: Plans
    placements: Placements
    reviews: Reviews
    settings: Settings
    need_codes: list[str]
    codes: dict[str, list[str]]
    authorities: list[str]
    moved_to: Ints
    youth: Flags
    source: Ints
    sources: list[str]
    direct_payments: list[str]
    review_decisions: list[str]


# ----------------------------------------------------------------------------- expected


def outcome_code(survey: Survey, stage: str, outcome: str) -> str:
    """The code of an outcome that year."""
    rows = spec.in_force("outcome_codes", survey.year)
    return next(r["code"] for r in rows if r["stage"] == stage and r["outcome"] == outcome)


def expected_outcomes(
    survey: Survey, cases: Cases
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.str_]]:
    """The request and assessment outcome of each case, from how the case was made."""
    first, day = survey.period_start, survey.day

    def request(outcome: str) -> str:
        return outcome_code(survey, "request", outcome)

    def assessment(outcome: str) -> str:
        return outcome_code(survey, "assessment", outcome)

    no_own_request = ~cases.has_request | ~np.isnat(cases.transferred)
    decided = cases.decided <= day
    undecided_moved = ~decided & (cases.moved <= day)
    request_outcome = np.select(
        [
            no_own_request | (cases.decided < first),
            decided & (cases.decision == AGREE),
            decided & (cases.decision == REFUSE),
            undecided_moved,
            cases.withdrawn <= day,
        ],
        [request(x) for x in ("historical", "agreed", "refused", "moved", "withdrawn")],
        request("undecided"),
    )
    refused_for_good = (cases.decision == REFUSE) & ~cases.has_assessment & ~cases.has_plan
    settled = cases.issue_decided <= day
    waits_for_issue = (cases.issue_decision == AGREE) & np.isnat(cases.issue_decided)
    none = (~no_own_request) & (refused_for_good | ~decided | ((cases.moved <= day) & ~settled))
    assessment_outcome = np.select(
        [
            none,
            no_own_request | (cases.issue_decided < first),
            waits_for_issue | (settled & (cases.issue_decision == AGREE)),
            settled & (cases.issue_decision == REFUSE),
            cases.assessment_withdrawn <= day,
        ],
        ["", *(assessment(x) for x in ("historical", "issued", "refused", "withdrawn"))],
        assessment("undecided"),
    )
    return request_outcome, assessment_outcome


def twenty_weeks(sample: Sample) -> dict[str, int]:
    """DfE's 20-week counts: issued and within 140 days, without and with exceptions."""
    survey, cases = sample.survey, sample.cases
    limit = int(survey.limits["issue_days"])
    issued = outcome_code(survey, "assessment", "issued")
    decided = [outcome_code(survey, "request", x) for x in ("agreed", "refused")]

    def disputed(about: str) -> Flags:
        by_then: Flags = (cases.disputes("mediation", about) <= survey.day) | (
            cases.disputes("appeal", about) <= survey.day
        )
        return by_then

    counted = sample.in_return & (sample.assessment_outcome == issued) & ~np.isnat(cases.received)
    counted &= (cases.issue_decided >= survey.period_start) & (
        cases.issue_decided <= survey.calendar_year_end
    )
    counted &= ~(disputed("assess") & np.isin(sample.request_outcome, decided))
    counted &= ~disputed("issue") & ~disputed("other")
    within = counted & ((cases.issue_decided - cases.received).astype(np.int64) <= limit)
    plain = ~cases.exception
    return {
        "twenty_weeks_issued_without_exceptions": int((counted & plain).sum()),
        "twenty_weeks_within_without_exceptions": int((within & plain).sum()),
        "twenty_weeks_issued_with_exceptions": int(counted.sum()),
        "twenty_weeks_within_with_exceptions": int(within.sum()),
    }


def tally(prefix: str, values: npt.NDArray[Any]) -> dict[str, int]:
    """How often each value occurs, as measures."""
    found, counts = np.unique(values, return_counts=True)
    return {f"{prefix}:{value or 'none'}": int(n) for value, n in zip(found, counts, strict=True)}


def expected_counts(sample: Sample) -> dict[str, int]:
    """The measures of expected/counts.csv."""
    cases, inside = sample.cases, sample.in_return
    left_behind = [CATEGORIES[DECIDED_BEFORE]] * len(sample.left_behind)
    categories = np.append(np.array(CATEGORIES)[cases.category], left_behind)
    return {
        **{f"rows:{name}": table.rows_in_file for name, table in sample.tables.items()},
        "active_plans": int((cases.category == ACTIVE).sum()),
        "recently_ceased": int((cases.category == CEASED).sum()),
        **tally("category", categories),
        "people_in_return": len(np.unique(cases.person[inside])),
        **tally("request_outcome", sample.request_outcome[inside]),
        **tally("assessment_outcome", sample.assessment_outcome[inside]),
        **twenty_weeks(sample),
    }


def write_rows(path: Path, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    """Write a small CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_expected(sample: Sample, folder: Path, connection: duckdb.DuckDBPyConnection) -> None:
    """Write what the pipeline should find: every case's category, and the outcomes returned."""
    cases, plan = sample.cases, sample.plan_number
    own = numbered_column("R", sample.request_number + 1, 1)
    plan_text = numbered_column("E", plan + 1, 1)
    made = numbered_column("plan:E", plan + 1, 1)

    def request_column(rows: slice) -> pa.Array:
        return pc.coalesce(own(rows), made(rows))

    scope = Table(
        "case_scope",
        len(cases),
        {
            "request_id": request_column,
            "person_id": numbered_column("P", cases.person.astype(np.int64) + 1),
            "plan_id": plan_text,
            "category": coded_column(cases.category.astype(np.int64), CATEGORIES),
            "in_return": coded_column(sample.in_return.astype(np.int64), ["false", "true"]),
        },
    )
    for request, person in sample.left_behind:
        scope.add(
            request_id=request,
            person_id=person,
            category=CATEGORIES[DECIDED_BEFORE],
            in_return="false",
        )
    outcomes = Table(
        "outcomes",
        len(cases),
        {
            "request_id": request_column,
            "request_outcome": text_column(sample.request_outcome),
            "assessment_outcome": text_column(sample.assessment_outcome),
        },
        removed=set(np.flatnonzero(~sample.in_return).tolist()),
    )
    for table in (scope, outcomes):
        table.write(folder / f"{table.name}.csv", connection)
    write_rows(folder / "counts.csv", ["measure", "value"], iter(expected_counts(sample).items()))


# ----------------------------------------------------------------------------- the whole


def draw_sample(year: int, plans: int, seed: int, la_code: str) -> Sample:
    """Draw a whole extract; nothing is written."""
    survey, figures = read_survey(year), Figures()
    rng = np.random.default_rng([seed, year, plans])
    cases = CaseMaker(rng, figures, survey).make(plans)
    people = make_people(rng, figures, survey, cases, la_code)
    maker = PlanMaker(rng, figures, survey, cases)
    plan_rows, placements, reviews = maker.make()
    others = [code for code in survey.in_force("LA") if code not in (la_code, UNKNOWN_LA)]
    unknown = rng.random(len(cases)) < np.where(
        np.isnat(cases.moved),
        figures.one("plan", "transferred_from_unknown"),
        figures.one("plan", "moved_to_unknown"),
    )
    ages = age_on(cases.birth, np.where(cases.has_request, cases.received, survey.day))
    youth = rng.random(len(cases)) < figures.one("youth_accommodation", "share")
    youth &= (ages >= survey.limits["rya_age_from"]) & (ages <= survey.limits["rya_age_to"])
    parts = Parts(
        survey=survey,
        figures=figures,
        cases=cases,
        people=people,
        plans=plan_rows,
        placements=placements,
        reviews=reviews,
        settings=maker.settings,
        need_codes=maker.need_codes,
        codes=maker.codes,
        authorities=[*others, UNKNOWN_LA],
        moved_to=np.where(unknown, len(others), rng.integers(0, len(others), len(cases))),
        youth=youth,
        source=figures.draw(rng, "request_source", len(cases)),
        sources=figures.labels("request_source"),
        direct_payments=figures.labels("direct_payments"),
        review_decisions=figures.labels("review_decision"),
    )
    tables = TableMaker(parts)
    request_outcome, assessment_outcome = expected_outcomes(survey, cases)
    return Sample(
        survey=survey,
        la_code=la_code,
        cases=cases,
        people=people,
        plans=plan_rows,
        placements=placements,
        reviews=reviews,
        tables=tables.tables(),
        request_number=tables.request_number,
        plan_number=tables.plan_number,
        request_outcome=request_outcome,
        assessment_outcome=assessment_outcome,
        named_by_urn=plain_school(maker.settings, plan_rows.setting, plan_rows.establishment),
        attended_by_urn=plain_school(maker.settings, placements.leaf, placements.establishment),
        closed_urn="".join(maker.settings.urn[maker.settings.closed].astype(str)[:1]),
        closing_day=closing_day(survey),
        review_codes=parts.review_decisions,
    )


def plain_school(settings: Settings, leaf: Ints, establishment: Ints) -> Flags:
    """Rows that give a URN of an establishment with neither unit nor resourced places."""
    provision = settings.unit[establishment] | settings.resourced[establishment]
    plain: Flags = (establishment >= 0) & ~settings.by_ukprn[leaf] & ~provision
    return plain


def closing_day(survey: Survey) -> np.datetime64:
    """The day on which the closed establishments closed."""
    day: np.datetime64 = day_in(survey.year - 3, survey.key_days["age_reference_day"])
    return day


UNKNOWN_LA = "XXX"
README = """This extract is synthetic. No real child, family or establishment is in it: every name,
date, number and address was drawn at random by `sen2 sample`. The proportions follow DfE's
published SEN2 statistics (scripts/sample_figures.csv says which).

The folder expected/ holds what a right answer looks like; it is not part of the extract.
"""


def check_arguments(folder: Path, year: int, plans: int, faults: float) -> None:
    """Refuse what cannot be written, before anything is drawn."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not an empty folder: choose a new one.")
    if not 1 <= plans <= MOST_PLANS:
        raise InputError(f"--plans must be from 1 to {MOST_PLANS:,}.")
    if not 0 <= faults <= MOST_FAULTS:
        raise InputError(f"--faults must be a share from 0 to {MOST_FAULTS}.")
    spec.collection(year)


def write_sample(
    folder: Path, year: int, plans: int, seed: int, faults: float = 0.0, la_code: str = "330"
) -> SampleCounts:
    """Write a synthetic extract with `plans` active plans and faults in a share of people.

    Raises InputError for a folder in use, a size or share out of range, and a year with no survey.
    """
    from .sample_faults import plant_faults, write_planted

    check_arguments(folder, year, plans, faults)
    sample = draw_sample(year, plans, seed, la_code)
    planted = plant_faults(sample, faults, np.random.default_rng([seed, year, plans, 1]))
    expected = folder / "expected"
    expected.mkdir(parents=True)
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("set enable_progress_bar = false")
        for table in sample.tables.values():
            table.write(folder / f"{table.name}.csv", connection)
        write_expected(sample, expected, connection)
    if faults:
        write_planted(sample, planted, expected / "planted_faults.csv")
    note = f'la_code: "{la_code}"\nextracted_on: {sample.survey.day}\n'
    (folder / "extract.yml").write_text(note, encoding="utf-8")
    (folder / "README.txt").write_text(README, encoding="utf-8")
    return SampleCounts(
        rows={name: table.rows_in_file for name, table in sample.tables.items()},
        people_in_return=len(np.unique(sample.cases.person[sample.in_return])),
        faults=len(planted),
    )
