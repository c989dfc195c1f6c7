"""An authority's row of the 2025 release (collections without an aggregated form) as targets."""

from collections.abc import Iterable

import numpy as np

from ..figures import Figures
from ..schools import SettingMaker
from ..survey import Survey
from .allocate import share_out
from .published import Published, Row, cells, count, defect
from .targets import NO_NEED, NO_SETTING, Disputes, Group, Requests, Reviews, Targets

GROUPS = {
    "mainstream": "mainstream_total",
    "special": "special_total",
    "ap_pru": "ap_pru_total",
    "fe": "fe_total",
    "early_years": "nm_early_years",
    "elsewhere": "ed_elsewhere",
    "not_in_education": "ed_elsewhere",
    "out_of_school": "ed_elsewhere",
    "unknown": "placement_unknown",
}
PLACEMENT_TYPES = {
    "AP/PRU - total": "ap_pru_total",
    "Educated elsewhere - total": "ed_elsewhere",
    "FE - total": "fe_total",
    "Mainstream - total": "mainstream_total",
    "Special - total": "special_total",
    "Non-maintained early years": "nm_early_years",
    "Placement not recorded": NO_SETTING,
}
# The breakdowns that an extract is made to, beside the totals and needs by group of settings.
TOPICS = {
    "caseload": {"Child or young persons age", "Sex", "Ethnicity", "Years EHC plan in place"},
    "newplans": {"Age when plan started", "Sex"},
    "sen_need_newplans": {"Age when plan started"},
    "ceased_plans": {"Years plan held"},
}
REASONS = (
    "max_age", "needs_met", "he", "employ", "transfer", "no_engage", "moved_outside_eng",
    "deceased", "other",
)  # fmt: skip
DISPUTE_COLUMNS = {
    "assess": (
        "mediation_related_request", "tribunal_related_request",
        "tribunal_after_mediation_request",
    ),
    "issue": (
        "number_assess_mediation", "number_assess_tribunal", "number_asssess_mediation_tribunal",
    ),
    "other": (
        "number_other_mediation", "number_other_tribunal", "number_other_mediation_tribunal",
    ),
}  # fmt: skip
PAYMENTS = {"H": "pb_health", "E": "pb_education", "S": "pb_social", "I": "pb_integrated"}


def read_2025(published: Published, survey: Survey, maker: SettingMaker) -> Targets:
    """The targets of a collection year; an authority with no caseload then is an input error."""
    return Reader(published, survey, maker).read()


class Reader:
    """Reads one authority's rows."""

    def __init__(self, published: Published, survey: Survey, maker: SettingMaker) -> None:
        """Say how the release writes the stock's and the flows' periods."""
        self.published, self.maker, self.figures = published, maker, maker.figures
        self.stock_period = f"{survey.year - 1}{survey.year % 100:02d}"
        self.flow_period = str(survey.year - 1)
        self.survey_period = str(survey.year)
        self.targets = Targets()

    def row(self, dataset: str, is_stock: bool = False) -> Row | None:
        """The row for everybody, its counts noted as cells to equal."""
        period = self.stock_period if is_stock else self.flow_period
        row = self.published.total(dataset, period)
        self.targets.cells += cells(dataset, [row] if row else [])
        return row

    def read(self) -> Targets:
        """Every part in turn."""
        self.stock()
        self.new_plans()
        self.requests()
        self.assessments()
        self.timeliness()
        self.ceased()
        self.reviews()
        self.on_survey_day()
        self.officers()
        return self.targets

    # -- plans

    def stock(self) -> None:
        """Plans in force on the survey day."""
        row = self.row("caseload", is_stock=True)
        plans = count(row, "ehcplans")
        if plans is None:
            raise self.published.no_figures("caseload", self.stock_period)
        group = self.targets.stock
        group.plans = plans
        self.breakdowns("caseload", self.stock_period, group)
        needs = self.row("sen_needs_all_plans", is_stock=True)
        group.needs = {"": self.needs_of(needs)} if self.needs_of(needs) else None
        by_placement = {
            PLACEMENT_TYPES[row["breakdown"]]: row
            for row in self.published.rows("sen_needs_all_plans", self.stock_period)
            if row["breakdown"] in PLACEMENT_TYPES and count(row, "ehc_plans") is not None
        }
        if by_placement and all(self.needs_of(row) for row in by_placement.values()):
            group.needs = {name: self.needs_of(row) for name, row in by_placement.items()}
            self.targets.cells += cells("sen_needs_all_plans", list(by_placement.values()))
        group.settings = self.settings(row, plans)
        if group.settings is None and by_placement:
            group.settings = self.split(
                {name: int(row["ehc_plans"]) for name, row in by_placement.items()}
            )

    def new_plans(self) -> None:
        """Plans that started in the year."""
        row = self.row("newplans")
        group = self.targets.new
        group.plans = published = count(row, "new_ehc_plans") or 0
        in_groups = [count(row, total) for total in dict.fromkeys(GROUPS.values())]
        if (wrong := defect(row, "newplans", "new_ehc_plans")) and None not in in_groups:
            group.plans = sum(filter(None, in_groups))
            self.targets.give_way("newplans", "new_ehc_plans", published, group.plans, wrong, True)
        group.by_year_end = True
        self.breakdowns("newplans", self.flow_period, group)
        group.settings = self.settings(row, group.plans)
        needs = self.published.total("sen_need_newplans", self.flow_period)
        found = self.needs_of(needs)
        if sum(found.values()) == group.plans:
            group.needs = {"": found}
            self.targets.cells += cells("sen_need_newplans", [needs] if needs else [])
        elif found:
            self.targets.give_way(
                "sen_need_newplans", "", sum(found.values()), group.plans,
                "the table has another number of new plans than newplans", True,
            )  # fmt: skip
        self.ages_at_start(found)

    def ages_at_start(self, needs: dict[str, int]) -> None:
        """How many of each age when the plan started, and their needs, where all are published."""
        group = self.targets.new
        rows = [
            row
            for row in self.published.rows("sen_need_newplans", self.flow_period)
            if row["breakdown_topic"] in TOPICS["sen_need_newplans"]
        ]
        by_age = {age_range(row["breakdown"]): row for row in rows}
        ages = [(*span, count(row, "ehc_plans") or 0) for span, row in by_age.items()]
        if sum(number for *_, number in ages) != group.plans:
            return
        group.start_ages = ages
        self.targets.cells += cells("sen_need_newplans", rows)
        found = {low: self.needs_of(row) for (low, _), row in by_age.items()}
        if needs == {need: sum(n.get(need, 0) for n in found.values()) for need in needs} != {}:
            group.start_needs = found

    def breakdowns(self, dataset: str, period: str, group: Group) -> None:
        """How many of each age, sex, years held and ethnic group."""
        column = "new_ehc_plans" if dataset == "newplans" else "ehcplans"
        found: dict[str, dict[str, int]] = {}
        for row in self.published.rows(dataset, period):
            number = count(row, column)
            if row["breakdown_topic"] in TOPICS[dataset] and number is not None:
                found.setdefault(row["breakdown_topic"], {})[row["breakdown"]] = number
                self.targets.cells += cells(dataset, [row])
        age_topic = "Age when plan started" if group.by_year_end else "Child or young persons age"
        if age_topic in found:
            group.ages = [(*age_range(label), n) for label, n in found[age_topic].items()]
        group.sexes = found.get("Sex")
        group.ethnicities = found.get("Ethnicity")
        if "Years EHC plan in place" in found:
            group.years = {
                0 if label == "Less than a year" else int(label.split()[0]): number
                for label, number in found["Years EHC plan in place"].items()
            }

    def needs_of(self, row: Row | None) -> dict[str, int]:
        """Primary needs of a row: SEN type to plans; none when the row has no figures."""
        found = {
            name.removeprefix("number_").removesuffix("_with_ds").upper(): number
            for name in row or {}
            if name.startswith("number_") and (number := count(row, name)) is not None
        }
        return {NO_NEED if n == "NEED_UNKNOWN" else n: number for n, number in found.items()}

    def settings(self, row: Row | None, plans: int) -> dict[str, int] | None:
        """Plans at each setting; kinds that are not published share what their group has over."""
        if count(row, "mainstream_total") is None:
            return None
        found: dict[str, int] = {NO_SETTING: count(row, NO_SETTING) or 0}
        for total in dict.fromkeys(GROUPS.values()):
            leaves = [leaf for leaf in self.maker.leaves if self.group(leaf) == total]
            known = {leaf: n for leaf in leaves if (n := count(row, leaf)) is not None}
            found |= known
            rest = [leaf for leaf in leaves if leaf not in known]
            over = (count(row, total) or 0) - sum(known.values())
            if rest and over > 0:
                weights = np.array([(self.targets.stock.settings or {}).get(x, 0) for x in rest])
                parts = share_out(over, weights.astype(float))
                found |= dict(zip(rest, map(int, parts), strict=True))
        return found if sum(found.values()) == plans else None

    def group(self, leaf: str) -> str:
        """The published group of a kind of setting."""
        return GROUPS[
            next(g for g in self.maker.groups if leaf in self.figures.text(f"setting:{g}"))
        ]

    def split(self, totals: dict[str, int]) -> dict[str, int]:
        """Groups of settings split as England's are."""
        found = {NO_SETTING: totals.get(NO_SETTING, 0)}
        for total, number in totals.items():
            leaves = [leaf for leaf in self.maker.leaves if self.group(leaf) == total]
            weights = np.array([england(self.figures, leaf) for leaf in leaves])
            found |= dict(zip(leaves, map(int, share_out(number, weights)), strict=True))
        return found

    # -- flows

    def requests(self) -> None:
        """Requests received in the year, and decisions on requests."""
        row = self.row("requests")
        self.targets.requests = Requests(
            received=count(row, "requests_received_in_year") or 0,
            agreed=count(row, "requests_decided_to_assess") or 0,
            refused=count(row, "requests_decided_not_to_assess") or 0,
            undecided=count(row, "requests_decision_not_made") or 0,
            withdrawn=count(row, "requests_withdrawn") or 0,
            youth=count(row, "requests_rya") or 0,
            in_time=count(row, "request_outcome_six_weeks"),
            late=count(row, "request_outcome_over_6_weeks"),
        )
        self.disputes("requests", row, "assess")

    def assessments(self) -> None:
        """Assessments concluded in the year."""
        row, targets = self.row("assessments"), self.targets
        targets.issued = count(row, "assess_issued") or 0
        refused = count(row, "assess_not_issued") or 0
        targets.refused_in_time = min(count(row, "outcome_decision_within_time") or 0, refused)
        targets.refused_late = min(
            count(row, "outcome_decision_over_time") or 0, refused - targets.refused_in_time
        )
        targets.refused_untimed = refused - targets.refused_in_time - targets.refused_late
        targets.assessments_withdrawn = count(row, "assess_withdrawn") or None
        undecided = count(row, "assess_not_made") or 0
        targets.give_way(
            "assessments", "assess_not_made", undecided, 0,
            "an undecided assessment counts only where a return gives it an outcome date, which a"
            " return made here never does",
        )  # fmt: skip
        total = count(row, "assess_in_year")
        if total is not None:
            targets.give_way(
                "assessments", "assess_in_year", total, total - undecided,
                "the total has those undecided that have an outcome date",
            )  # fmt: skip
        for about in ("issue", "other"):
            self.disputes("assessments", row, about)

    def disputes(self, dataset: str, row: Row | None, about: str) -> None:
        """Disputes about a matter from three counts, the first two of which include the third."""
        columns = DISPUTE_COLUMNS[about]
        mediated, appealed, both = (count(row, column) or 0 for column in columns)
        self.targets.disputes[about] = Disputes(mediated - both, appealed - both, both)
        self.targets.dispute_columns[about] = (dataset, *columns)

    def timeliness(self) -> None:
        """Plans issued by how long they took, with and without an exception."""
        row = self.row("timeliness_20_week")
        bands = ("plans_issued_within_20_weeks", "plans_issued_gt20weeks_ltYear",
                 "plans_issued_gt_1_year")  # fmt: skip
        plain_bands = ("plans_issued_20_weeks_ex", "plans_issued_gt20weeks_ltYear_ex",
                       "plans_issued_gt_1_year_ex")  # fmt: skip
        everyone = self.banded(row, "plans_issued_den", bands)
        plain = self.banded(row, "plans_issued_den_ex", plain_bands)
        for band in range(3):
            self.targets.timed[band, False] = min(plain[band], everyone[band])
            self.targets.timed[band, True] = max(everyone[band] - plain[band], 0)

    def banded(self, row: Row | None, total: str, bands: Iterable[str]) -> list[int]:
        """Plans in each band; what the bands lack of their total goes to one not published.

        When all are published it goes to the middle one.
        """
        names = list(bands)
        known = [count(row, name) for name in names]
        found = [number or 0 for number in known]
        whole = count(row, total)
        lacking = 0 if whole is None else whole - sum(found)
        place = known.index(None) if None in known else 1
        found[place] = max(found[place] + lacking, 0)
        if (value := known[place]) is not None:
            self.targets.give_way(
                "timeliness_20_week", names[place], value, found[place],
                f"the published bands do not add up to {total}, which the extract keeps", True,
            )  # fmt: skip
        return found

    def ceased(self) -> None:
        """Plans that ended in the year, by reason and years held; every one has a reason."""
        row = self.row("ceased_plans")
        for number, name in enumerate(REASONS, start=1):
            self.targets.ceased[0, 25, number] = count(row, name) or 0
        self.without_reason(row)
        rows = [
            row
            for row in self.published.rows("ceased_plans", self.flow_period)
            if row["breakdown_topic"] in TOPICS["ceased_plans"]
        ]
        found = {
            number: {years_of(row["breakdown"]): count(row, name) or 0 for row in rows}
            for number, name in enumerate(REASONS, start=1)
        }
        if rows and all(
            sum(years.values()) == self.targets.ceased[0, 25, number]
            for number, years in found.items()
        ):
            self.targets.ceased_years = found
            self.targets.cells += cells("ceased_plans", rows)
            for row in rows:
                self.without_reason(row)

    def without_reason(self, row: Row | None) -> None:
        """Plans without a reason cannot be returned."""
        made = sum(count(row, name) or 0 for name in REASONS)
        why = "the reasons do not add up to the total, or some plans have no reason"
        self.targets.give_way("ceased_plans", "not_rec", count(row, "not_rec") or 0, 0, why)
        total = count(row, "total_ceased")
        self.targets.give_way("ceased_plans", "total_ceased", made if total is None else total,
                              made, why)  # fmt: skip

    def reviews(self) -> None:
        """Annual reviews of the plans in force: meetings, decisions and what was decided."""
        row = self.row("annual_reviews")
        years = ("25", "24", "prior_24")
        meetings = [count(row, f"review_meeting_{year}") for year in years]
        decided = [count(row, f"review_decision{y}".replace("prior_24", "_prior24")) for y in years]
        if row is None or None in meetings or None in decided:
            return
        not_due = count(row, "review_decision_not_due") or 0
        undecided = sum(filter(None, meetings)) - sum(filter(None, decided))
        # What DfE has withdrawn is not in the row.
        outstanding = undecided - min(not_due // 2, undecided)
        if "review_decision_outstanding" in row:
            outstanding = count(row, "review_decision_outstanding") or 0
        in_time = count(row, "number_decsion_4weeks") or 0
        self.targets.give_way(
            "annual_reviews", "number_decision_gt_4weeks",
            count(row, "number_decision_gt_4weeks") or 0, sum(filter(None, decided)) - in_time,
            "decisions in time and late are not as many as decisions by year", True,
        )  # fmt: skip
        self.targets.reviews = Reviews(
            meetings=(meetings[0] or 0, meetings[1] or 0, meetings[2] or 0),
            decisions=(decided[0] or 0, decided[1] or 0, decided[2] or 0),
            not_due=not_due,
            outstanding=outstanding,
            in_time=in_time,
            outcomes={
                code: count(row, column) or 0
                for code, column in (
                    ("A", "outcome_amend"), ("C", "outcome_cease"), ("M", "outcome_maintan")
                )
            },
        )  # fmt: skip

    # -- on the survey day

    def on_survey_day(self) -> None:
        """Personal budgets, residential and work-based placements."""
        row, targets = self.row("personal_budgets", is_stock=True), self.targets
        targets.budgets = count(row, "personal_budget")
        targets.arrangements = count(row, "org_arrangments") or 0
        targets.payments = {code: count(row, column) or 0 for code, column in PAYMENTS.items()}
        targets.fit_payments("personal_budgets", PAYMENTS, "org_arrangments")
        self.residential(self.row("residential_settings", is_stock=True))
        row = self.row("work_based_placements", is_stock=True)
        if row:
            targets.work_based = {
                code: count(row, column) or 0
                for code, column in (
                    ("S", "open_supp_intern"), ("A", "open_apprentice"), ("T", "open_trainee")
                )
            }  # fmt: skip

    def residential(self, row: Row | None) -> None:
        """Residential placements by weeks in the year."""
        if row is None:
            return
        parts = {code: count(row, name) or 0 for code, name in (("A", "Res_3851"), ("B", "Res_52"))}
        self.targets.residential = {code: [(0, 25, number)] for code, number in parts.items()}
        made, total = sum(parts.values()), count(row, "Res_tot")
        why = defect(row, "residential_settings", "Res_tot") or "the total is not that of its parts"
        self.targets.give_way("residential_settings", "Res_tot", made if total is None else total,
                              made, why, True)  # fmt: skip

    def officers(self) -> None:
        """Designated officers, as the settings write them."""
        letters = {"Yes": "Y", "No": "N", "Recruiting": "R"}
        rows = self.published.rows("sen2_dmo_dco", self.survey_period)
        self.targets.cells += cells("sen2_dmo_dco", rows)
        for row in rows:
            self.targets.officers = {
                name: letters[row[column]]
                for name, column in (
                    ("dmo", "des_med_off"), ("dco", "des_clin_off"), ("dsco", "des_so_care_off")
                )
                if row[column] in letters
            }  # fmt: skip


def is_made_to(dataset: str, row: Row) -> bool:
    """Whether an extract is made to the row of a dataset."""
    topic, breakdown = row.get("breakdown_topic", ""), row.get("breakdown", "")
    by_placement = dataset == "sen_needs_all_plans" and breakdown in PLACEMENT_TYPES
    return topic == breakdown or topic in TOPICS.get(dataset, ()) or by_placement


def age_range(label: str) -> tuple[int, int]:
    """The youngest and the oldest age of a label such as age 12, under 3, 20 and over."""
    number = next(int(word) for word in label.split() if word.isdigit())
    if "under" in label:
        return 2, number - 1 if label.startswith("under") else number
    return number, 24 if "over" in label else number


def years_of(label: str) -> int:
    """The whole years of a label such as Under a year, 1 year, 12 years and over."""
    return next((int(word) for word in label.split() if word.isdigit()), 0)


def england(figures: Figures, leaf: str) -> float:
    """England's plans at a kind of setting."""
    return sum(float(figures.text(group).get(leaf, 0)) for group in figures.groups("setting:"))
