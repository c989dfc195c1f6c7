"""The tables of the extract contract, from what was drawn."""

import numpy as np

from .. import spec
from .cases import AGREE, DISPUTES, FIRST_DECISIONS, ISSUE_DECISIONS
from .days import Flags, Ints, when
from .parts import Parts, number_where
from .schools import closing_day
from .tables import (
    Column,
    Table,
    blank_column,
    coded_column,
    days_column,
    flag_column,
    numbered_column,
    text_column,
)

TEAMS = ("Early years team", "North team", "South team", "Post-16 team")


def one_or_two(has_second: Flags) -> tuple[Ints, Ints]:
    """The plan and rank of each row, where every plan has a rank 1 and some a rank 2."""
    plan = np.repeat(np.arange(len(has_second)), 1 + has_second)
    return plan, 1 + np.append(False, plan[1:] == plan[:-1])[: len(plan)]


class TableMaker:
    """Turns the drawn columns into the tables of the contract."""

    def __init__(self, parts: Parts) -> None:
        """Take everything that was drawn."""
        self.parts = parts
        self.request_number = number_where(parts.cases.has_request)

    def make(self) -> dict[str, Table]:
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
            "worker": coded_column(number % len(TEAMS), TEAMS),
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
            "moved_to_la": coded_column(moved, self.parts.authorities),
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
            "issue_decided_date": blank_column,
            "agreed_date": blank_column,
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
            "plan_id": blank_column,
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
            "transferred_from_la": coded_column(came_from, self.parts.authorities),
            "transferred_date": days_column(cases.transferred),
            "cease_date": days_column(cases.cease),
            "cease_reason": coded_column(
                np.where(np.isnat(cases.cease), -1, cases.cease_reason.astype(np.int64)),
                [str(number) for number in range(10)],
            ),
        }

    def setting_columns(self, leaf: Ints, establishment: Ints, codeset: str) -> dict[str, Column]:
        """How a setting is written: one of urn, ukprn and a code with its note, and two flags.

        A return that has no code for another setting gets that of another arrangement by parents.
        The form counts other settings by the authority's own rules, so its years keep the code.
        """
        settings, figures = self.parts.settings, self.parts.figures
        has_ukprn = settings.by_ukprn[leaf] & (leaf >= 0) & (establishment >= 0)
        has_urn = (establishment >= 0) & ~has_ukprn
        leaf_codes = np.array([*settings.codes, "OTH"])
        survey = self.parts.survey
        has_form = spec.collection(survey.year).has_aggregated
        if not has_form and "OTH" not in survey.in_force(codeset):
            leaf_codes = np.where(leaf_codes == "OTH", "OPA", leaf_codes)
        code = np.where(leaf < 0, len(settings.codes), leaf)
        notes: list[str] = []
        note = np.full(len(leaf), -1)
        for name in figures.groups("setting_note:"):
            texts = figures.labels(name)
            rows = np.flatnonzero(leaf_codes[code] == name.removeprefix("setting_note:"))
            note[rows] = len(notes) + np.arange(len(rows)) % len(texts)
            notes += texts
        for name in figures.groups("leaf_note:"):
            note[leaf == settings.leaves.index(name.removeprefix("leaf_note:"))] = len(notes)
            notes += figures.labels(name)
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
        plans = self.parts.plans
        plan, rank = one_or_two(plans.second >= 0)
        leaf = np.where(rank == 1, plans.setting[plan], plans.second[plan])
        where = np.where(rank == 1, plans.establishment[plan], plans.second_establishment[plan])
        return len(plan), {
            "plan_id": numbered_column("E", plan + 1),
            "rank": coded_column(rank, ["", "1", "2"]),
            **self.setting_columns(leaf, where, "SENSetting_plan"),
        }

    def placements(self) -> tuple[int, dict[str, Column]]:
        """One row per spell at one rank."""
        spells, codes = self.parts.placements, self.parts.codes
        attendance = np.where(spells.school_age, spells.part_time.astype(np.int64), -1)
        return len(spells.plan), {
            "placement_id": numbered_column("L", np.arange(len(spells.plan)) + 1),
            "plan_id": numbered_column("E", spells.plan + 1),
            "rank": coded_column(spells.rank.astype(np.int64), ["", "1", "2"]),
            **self.setting_columns(spells.leaf, spells.establishment, "SENSetting_placement"),
            "residential": coded_column(spells.residential, codes["residential"]),
            "work_based": coded_column(spells.work_based, codes["work_based"]),
            "attendance": coded_column(attendance, ["FT", "PT"]),
            "entry_date": days_column(spells.entry),
            "leaving_date": days_column(spells.leaving),
        }

    def needs(self) -> tuple[int, dict[str, Column]]:
        """One or two rows per plan."""
        plans = self.parts.plans
        plan, rank = one_or_two(plans.second_need >= 0)
        need = np.where(rank == 1, plans.need[plan], plans.second_need[plan])
        return len(plan), {
            "plan_id": numbered_column("E", plan + 1),
            "rank": coded_column(rank, ["", "1", "2"]),
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
