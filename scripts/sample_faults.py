"""The faults that `sen2 sample --faults` plants, and the rules that must report each.

A fault is one line of FAULTS: its name, the table, the rules, which cases can take it, and what
happens to the row. One person takes at most one fault, so each stays visible by itself. Where a
fault changes what a right answer is (a case's category, an outcome), the expected answers change
with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from . import spec
from .sample import (
    ACTIVE,
    AGREE,
    AWAITING,
    CEASED,
    NOT_ASSESSED,
    NOT_ISSUED,
    ONGOING_ASSESSMENT,
    ONGOING_REQUEST,
    UPN_LETTERS,
    Days,
    Flags,
    Ints,
    Random,
    Sample,
    age_on,
    check_letters,
    number_where,
    outcome_code,
    person_id,
    plan_id,
    request_id,
    write_rows,
)

PLANTED_COLUMNS = (
    "fault", "table_name", "row", "key", "person_id", "request_id", "record_id", "rule_ids",
)  # fmt: skip
KEYS = {
    "people": "person_id",
    "requests": "request_id",
    "assessments": "request_id",
    "placements": "placement_id",
    "establishments": "urn",
}
BEYOND = 9_000_000


@dataclass(frozen=True)
class Planted:
    """One fault as planted; `row` counts the table's rows from 0, removed ones included.

    `record` is the record that the first of the rules reports.
    """

    fault: str
    table: str
    row: int
    key: str
    person: str
    request: str
    record: str
    rules: tuple[str, ...]


class Finder:
    """Where the rows of a case are, and what can be said of it."""

    def __init__(self, sample: Sample, rng: Random) -> None:
        """Keep the sample; row numbers are worked out when first needed."""
        self.sample, self.rng = sample, rng
        self.cases, self.people, self.survey = sample.cases, sample.people, sample.survey
        self.tables = sample.tables
        self.used = np.zeros(len(sample.people.birth), dtype=bool)
        self.beyond = BEYOND

    @property
    def scope(self) -> Flags:
        """The cases returned."""
        return self.sample.in_return

    @cached_property
    def modules(self) -> dict[str, str]:
        """The module each rule reports on."""
        return {row["rule_id"]: row["module"] for row in spec.seed("rules")}

    @cached_property
    def assessment_number(self) -> Ints:
        """The row of each case in assessments, -1 for none."""
        return number_where(self.cases.has_assessment & self.cases.has_request)

    @cached_property
    def setting_row(self) -> Ints:
        """The first row of each plan in plan_settings."""
        second = self.sample.plans.second >= 0
        return np.arange(len(second)) + np.cumsum(second) - second

    @cached_property
    def need_row(self) -> Ints:
        """The first row of each plan in needs."""
        second = self.sample.plans.second_need >= 0
        return np.arange(len(second)) + np.cumsum(second) - second

    @cached_property
    def placement_row(self) -> Ints:
        """The row of each plan's current rank 1 placement."""
        placements = self.sample.placements
        rows = np.flatnonzero(placements.is_current & (placements.rank == 1))
        found = np.full(len(self.sample.plans.case), -1)
        found[placements.plan[rows]] = rows
        return found

    @cached_property
    def review_row(self) -> Ints:
        """The row of each plan's latest review by the survey day, -1 for none."""
        reviews = self.sample.reviews
        rows = np.flatnonzero(reviews.meeting <= self.survey.day)
        found = np.full(len(self.sample.plans.case), -1)
        found[reviews.plan[rows]] = rows
        return found

    def row(self, table: str, case: int) -> int:
        """The row of a case in a table: the first or current one where there are several."""
        plan = self.sample.plan_number[case]
        return int(
            {
                "people": lambda: self.cases.person[case],
                "requests": lambda: self.sample.request_number[case],
                "assessments": lambda: self.assessment_number[case],
                "plans": lambda: plan,
                "plan_settings": lambda: self.setting_row[plan],
                "placements": lambda: self.placement_row[plan],
                "needs": lambda: self.need_row[plan],
                "reviews": lambda: self.review_row[plan],
            }[table]()
        )

    def of_plan(self, values: Ints, blank: int = -1) -> Ints:
        """A column with one entry per plan, as one per case."""
        plan = self.sample.plan_number
        return np.where(plan >= 0, values[np.maximum(plan, 0)], blank)

    def day_of_plan(self, values: Days) -> Days:
        """A column of days with one entry per plan, as one per case."""
        plan = self.sample.plan_number
        return np.where(plan >= 0, values[np.maximum(plan, 0)], np.datetime64("NaT"))

    def age(self) -> Ints:
        """Age on the survey day, by case."""
        return age_on(self.cases.birth, self.survey.day)

    def day_now(self, days: int) -> str:
        """A day so many days from the survey day, as text."""
        return str(self.survey.day + days)

    def next_id(self) -> int:
        """A number that no identifier of the sample has."""
        self.beyond += 1
        return self.beyond

    def other_person(self, case: int, condition: Flags) -> int | None:
        """A case in scope of another person with no fault yet, who is then kept from any."""
        free = self.scope & condition & ~self.used[self.cases.person]
        free &= self.cases.person != self.cases.person[case]
        rows = np.flatnonzero(free)
        if not len(rows):
            return None
        chosen = int(self.rng.choice(rows))
        self.used[self.cases.person[chosen]] = True
        return chosen


Where = Callable[[Finder], Flags]
Change = Callable[[Finder, int, str, int], int | None]
Values = Callable[[Finder, int], dict[str, str]]


@dataclass(frozen=True)
class Fault:
    """One kind of fault."""

    name: str
    table: str
    rules: tuple[str, ...]
    where: Where
    change: Change


# ----------------------------------------------------------------------------- which cases


def anyone(find: Finder) -> Flags:
    """Every case in scope."""
    return find.scope


def in_category(*categories: int) -> Where:
    """Cases of these categories."""
    return lambda find: np.isin(find.cases.category, categories)


def both(*conditions: Where) -> Where:
    """Cases for which every condition holds."""

    def where(find: Finder) -> Flags:
        return np.logical_and.reduce([condition(find) for condition in conditions])

    return where


def has_upn(find: Finder) -> Flags:
    """The person has a UPN that is not a temporary one."""
    last = find.people.upn.view(np.uint8).reshape(len(find.people.upn), -1)[:, -1]
    permanent = (last >= ord("0")) & (last <= ord("9"))
    return find.scope & permanent[find.cases.person]


def has_uln(find: Finder) -> Flags:
    """The person has a ULN."""
    has: Flags = (find.people.uln != b"")[find.cases.person]
    return find.scope & has


def has_postcode(find: Finder) -> Flags:
    """The person has a postcode."""
    has: Flags = (find.people.postcode != b"")[find.cases.person]
    return find.scope & has


def aged(low: int, high: int) -> Where:
    """Ages in whole years on the survey day."""
    return lambda find: find.scope & (find.age() >= low) & (find.age() <= high)


def not_historical(find: Finder) -> Flags:
    """The request's own outcome is returned, so its items are needed."""
    historical = outcome_code(find.survey, "request", "historical")
    return find.scope & find.cases.has_request & (find.sample.request_outcome != historical)


def young_when_asking(find: Finder) -> Flags:
    """Aged under 9 on the day of the request."""
    return age_on(find.cases.birth, find.cases.received) < 9


def moved_away(find: Finder) -> Flags:
    """Left the area before the assessment was complete."""
    return find.scope & (find.cases.moved <= find.survey.day)


def issued(find: Finder) -> Flags:
    """An active plan issued in the period."""
    code = outcome_code(find.survey, "assessment", "issued")
    return (find.cases.category == ACTIVE) & (find.sample.assessment_outcome == code)


def older(find: Finder) -> Flags:
    """An active plan of this authority from before the period."""
    return (
        (find.cases.category == ACTIVE)
        & (find.cases.start < find.survey.period_start)
        & np.isnat(find.cases.transferred)
    )


def older_with_request(find: Finder) -> Flags:
    """The same, with its request in the system."""
    return older(find) & find.cases.has_request


def arrived(find: Finder) -> Flags:
    """An active plan that came from another authority in the period."""
    return (find.cases.category == ACTIVE) & (find.cases.transferred >= find.survey.period_start)


def ceased_earlier_start(find: Finder) -> Flags:
    """Ended in the period, begun before it, not in its last days."""
    return (
        (find.cases.category == CEASED)
        & (find.cases.start < find.survey.period_start)
        & np.isnat(find.cases.transferred)
        & (find.cases.cease < find.survey.day - 5)
    )


def budget(taken_up: bool) -> Where:
    """Active plans with, or without, a personal budget."""
    return lambda find: (
        (find.cases.category == ACTIVE)
        & (find.of_plan(find.sample.plans.budget.astype(int)) == int(taken_up))
    )


def names_a_school(find: Finder) -> Flags:
    """An active plan whose one setting is an establishment that has a URN and no unit."""
    single = (find.sample.plans.second < 0) & find.sample.named_by_urn
    return (find.cases.category == ACTIVE) & (find.of_plan(single.astype(int)) == 1)


def names_two(find: Finder) -> Flags:
    """An active plan that names two settings."""
    return (find.cases.category == ACTIVE) & (
        find.of_plan((find.sample.plans.second >= 0).astype(int)) == 1
    )


def attends_a_school(find: Finder) -> Flags:
    """An active plan whose current placement is an establishment that has a URN and no unit."""
    rows = find.placement_row
    plain = find.sample.attended_by_urn[rows]
    return (find.cases.category == ACTIVE) & (find.of_plan((plain & (rows >= 0)).astype(int)) == 1)


def attends_since_opening(find: Finder) -> Flags:
    """A current placement that began after the closed establishments had closed."""
    entry = find.day_of_plan(find.sample.placements.entry[find.placement_row])
    closed: bool = find.sample.closed_urn != ""
    return attends_a_school(find) & (entry > find.sample.closing_day) & closed


def at_school_age(find: Finder) -> Flags:
    """A current placement of someone of school age."""
    return attends_a_school(find) & (
        find.of_plan(find.sample.placements.school_age[find.placement_row].astype(int)) == 1
    )


def one_need(find: Finder) -> Flags:
    """An active plan with one need."""
    return (find.cases.category == ACTIVE) & (
        find.of_plan((find.sample.plans.second_need < 0).astype(int)) == 1
    )


def two_needs(find: Finder) -> Flags:
    """An active plan with two needs."""
    return (find.cases.category == ACTIVE) & (
        find.of_plan((find.sample.plans.second_need >= 0).astype(int)) == 1
    )


def never_reviewed(find: Finder) -> Flags:
    """An active plan of some months with no review at all."""
    reviewed = np.zeros(len(find.sample.plans.case), dtype=int)
    reviewed[find.sample.reviews.plan] = 1
    return (
        (find.cases.category == ACTIVE)
        & (find.of_plan(reviewed, 1) == 0)
        & (find.cases.start < find.survey.day - 70)
        & (find.cases.start > find.cases.birth + 400)
    )


def review_decided(decision: str | None = None) -> Where:
    """An active plan whose latest review was decided well before the survey day."""

    def where(find: Finder) -> Flags:
        rows = find.review_row
        decided = find.sample.reviews.decided[rows] < find.survey.day - 40
        if decision is not None:
            codes = find.sample.review_codes
            decided &= find.sample.reviews.decision[rows] == codes.index(decision)
        known = find.of_plan((decided & (rows >= 0)).astype(int)) == 1
        return (find.cases.category == ACTIVE) & known

    return where


def no_phase_transfer(find: Finder) -> Flags:
    """The latest review is not one before a move of phase."""
    rows = find.review_row
    none = np.isnat(find.sample.reviews.due[rows]) & (rows >= 0)
    return (find.cases.category == ACTIVE) & (find.of_plan(none.astype(int)) == 1)


def entered_in_period(find: Finder) -> Flags:
    """The last placement of an ended plan began in the period."""
    entry = find.day_of_plan(find.sample.placements.entry[find.placement_row])
    return (find.cases.category == CEASED) & (entry > find.survey.period_start + 20)


def received_in_period(find: Finder) -> Flags:
    """A request received some time after the period began."""
    return find.cases.received > find.survey.period_start + 20


def decided_before_last_days(find: Finder) -> Flags:
    """The first decision was not in the last days."""
    return find.cases.decided < find.survey.day - 10


# ----------------------------------------------------------------------------- what happens


def put(**values: str) -> Change:
    """Write these values into the row."""
    return put_from(lambda find, case: values)


def put_from(values: Values) -> Change:
    """Write values that depend on the case into the row."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        find.tables[table].put(row, **values(find, case))
        return row

    return change


def then(change: Change, expect: Callable[[Finder, int], None]) -> Change:
    """Change the row, and what is expected of the case."""

    def changed(find: Finder, case: int, table: str, row: int) -> int | None:
        expect(find, case)
        return change(find, case, table, row)

    return changed


def becomes(category: int, request: str | None = None, assessment: str | None = None,
            none: bool = False) -> Callable[[Finder, int], None]:  # fmt: skip
    """The case is now expected in another category, with other outcomes."""

    def expect(find: Finder, case: int) -> None:
        find.cases.category[case] = category
        if request:
            code = outcome_code(find.survey, "request", request)
            find.sample.request_outcome[case] = code
        if assessment:
            code = outcome_code(find.survey, "assessment", assessment)
            find.sample.assessment_outcome[case] = code
        if none:
            find.sample.assessment_outcome[case] = ""

    return expect


def no_exception(find: Finder, case: int) -> None:
    """A plan with no exception flag counts as one without an exception."""
    find.cases.exception[case] = False


def not_dated(find: Finder, case: int) -> None:
    """A plan with no date of issue is not in the 20-week figure."""
    find.cases.issue_decided[case] = np.datetime64("NaT")


def upn_with(position: int, text: str) -> Values:
    """The UPN with other characters from a position on."""

    def values(find: Finder, case: int) -> dict[str, str]:
        upn = find.tables["people"].value(int(find.cases.person[case]), "upn")
        return {"upn": upn[:position] + text + upn[position + len(text) :]}

    return values


def upn_of_no_authority(find: Finder, case: int) -> dict[str, str]:
    """A UPN with a right check letter whose authority does not exist."""
    known = {row["code"] for row in spec.seed("upn_la_codes")}
    unknown = next(code for code in map(str, range(999, 99, -1)) if code not in known)
    upn = upn_with(1, unknown)(find, case)["upn"]
    digits = np.array([[int(character) for character in upn[1:]]])
    return {"upn": UPN_LETTERS[int(check_letters(digits)[0])] + upn[1:]}


def wrong_check_letter(find: Finder, case: int) -> dict[str, str]:
    """The UPN with the next letter of the alphabet in front."""
    upn = find.tables["people"].value(int(find.cases.person[case]), "upn")
    place = (UPN_LETTERS.index(upn[0]) + 1) % len(UPN_LETTERS)
    return {"upn": UPN_LETTERS[place] + upn[1:]}


def upn_shortened(find: Finder, case: int) -> dict[str, str]:
    """The UPN without its last character."""
    return {"upn": find.tables["people"].value(int(find.cases.person[case]), "upn")[:-1]}


def uln_shortened(find: Finder, case: int) -> dict[str, str]:
    """The ULN without its last digit."""
    return {"uln": find.tables["people"].value(int(find.cases.person[case]), "uln")[:-1]}


def uln_wrong_digit(find: Finder, case: int) -> dict[str, str]:
    """The ULN with another check digit."""
    uln = find.tables["people"].value(int(find.cases.person[case]), "uln")
    return {"uln": uln[:-1] + str((int(uln[-1]) + 1) % 10)}


def same_as_another(*columns: str, where: Where) -> Change:
    """Copy values of another person, who then takes no fault of their own."""

    def change(find: Finder, case: int, table: str, row: int) -> int | None:
        other = find.other_person(case, where(find))
        if other is None:
            return None
        other_row = find.row(table, other)
        values = {column: find.tables[table].value(other_row, column) for column in columns}
        find.tables[table].put(row, **values)
        return row

    return change


def day(column: str, after: int, target: str) -> Change:
    """Write a date so many days from one of the case's own days (a column of Cases)."""

    def values(find: Finder, case: int) -> dict[str, str]:
        return {target: str(getattr(find.cases, column)[case] + after)}

    return put_from(values)


def own_authority(column: str) -> Change:
    """Write the authority's own code."""
    return put_from(lambda find, case: {column: find.sample.la_code})


def repeat(find: Finder, case: int, table: str, row: int) -> int:
    """Append the row once more."""
    return find.tables[table].add(**find.tables[table].row(row))


def orphan(parent: str, prefix: str, blank: str = "", **own: str) -> Change:
    """Append a copy of the row whose parent does not exist, with a key of its own."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        number = find.next_id()
        values = find.tables[table].row(row)
        values[parent] = f"{prefix}{number}"
        values.update({column: f"{letter}{number}" for column, letter in own.items()})
        values.update({blank: ""} if blank else {})
        return find.tables[table].add(**values)

    return change


def another_row(values: Values) -> Change:
    """Append a row."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        return find.tables[table].add(**values(find, case))

    return change


def remove_children(child: str) -> Change:
    """Remove the rows of the plan from a table of its children."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        plan = int(find.sample.plan_number[case])
        if child == "placements":
            rows = np.flatnonzero(find.sample.placements.plan == plan)
        else:
            second = getattr(find.sample.plans, "second" if child == "plan_settings" else
                             "second_need")[plan] >= 0  # fmt: skip
            first = find.row(child, case)
            rows = np.arange(first, first + 1 + int(second))
        find.tables[child].removed.update(rows.tolist())
        return row

    return change


def third(column: str, value: str) -> Change:
    """Append a third row of the plan."""

    def change(find: Finder, case: int, table: str, row: int) -> int:
        plan = plan_id(int(find.sample.plan_number[case]))
        flags = {"sen_unit": "0", "resourced_provision": "0"}
        return find.tables[table].add(plan_id=plan, rank="3", **{column: value}, **flags)

    return change


def same_need(find: Finder, case: int, table: str, row: int) -> int:
    """The second need is the first again."""
    find.tables[table].put(row + 1, need=find.tables[table].value(row, "need"))
    return row + 1


def second_open_placement(find: Finder, case: int, table: str, row: int) -> int:
    """Another open placement at the same rank."""
    values = find.tables[table].row(row)
    values["placement_id"] = f"L{find.next_id()}"
    values["entry_date"] = find.day_now(-30)
    return find.tables[table].add(**values)


def left_before_entry(find: Finder, case: int) -> dict[str, str]:
    """A leaving date before the entry date."""
    entry = find.sample.placements.entry[find.row("placements", case)]
    return {"leaving_date": str(entry - 5)}


def at_closed_school(find: Finder, case: int) -> dict[str, str]:
    """An establishment that closed before the placement began."""
    return {"urn": find.sample.closed_urn}


def review_before_plan(find: Finder, case: int) -> dict[str, str]:
    """A review meeting before the plan started."""
    plan = plan_id(int(find.sample.plan_number[case]))
    return {"plan_id": plan, "meeting_date": str(find.cases.start[case] - 30)}


def review_without_meeting(find: Finder, case: int) -> dict[str, str]:
    """A review decision with no meeting."""
    plan = plan_id(int(find.sample.plan_number[case]))
    return {"plan_id": plan, "decision": "M", "decision_date": find.day_now(-40)}


def review_decided_early(find: Finder, case: int) -> dict[str, str]:
    """A review decided before its meeting."""
    meeting = find.sample.reviews.meeting[find.row("reviews", case)]
    return {"decision_date": str(meeting - 5)}


def review_draft(find: Finder, case: int) -> dict[str, str]:
    """A draft amended plan ten days after the review was decided."""
    decided = find.sample.reviews.decided[find.row("reviews", case)]
    return {"draft_date": str(decided + 10)}


def unusual_due_date(find: Finder, case: int) -> dict[str, str]:
    """A phase transfer due date on a day that is none of the usual ones."""
    return {"phase_transfer_due_date": find.day_now(66)}


def moved_with_plan(find: Finder, case: int) -> dict[str, str]:
    """Recorded as moved away although a plan followed."""
    authority = next(c for c in find.survey.in_force("LA") if c != find.sample.la_code)
    return {"moved_to_la": authority, "moved_date": str(find.cases.decided[case] + 1)}


def request_unknown(find: Finder, case: int, table: str, row: int) -> int:
    """The plan points to a request that is not there; its own request has no plan any more."""
    own = request_id(int(find.sample.request_number[case]))
    find.sample.left_behind.append((own, person_id(int(find.cases.person[case]))))
    find.sample.request_number[case] = -1
    find.tables[table].put(row, request_id=f"R{find.next_id()}")
    return row


def earlier_plan(find: Finder) -> Ints:
    """For an active plan with no request, the case of an earlier plan that has one; -1 for none."""
    cases = find.cases
    found = np.full(len(cases), -1)
    by_person = np.full(len(find.people.birth), -1)
    first = np.flatnonzero(cases.has_plan & cases.has_request & (cases.category != ACTIVE))
    by_person[cases.person[first]] = first
    rows = np.flatnonzero((cases.category == ACTIVE) & ~cases.has_request)
    earlier = by_person[cases.person[rows]]
    precedes = (earlier >= 0) & (cases.start[earlier] < cases.start[rows])
    found[rows] = np.where(precedes, earlier, -1)
    return found


def has_earlier_plan(find: Finder) -> Flags:
    """An active plan with no request, of someone with an earlier plan that has one."""
    return earlier_plan(find) >= 0


def shares_request(find: Finder, case: int, table: str, row: int) -> int:
    """Two plans carry one request."""
    earlier = int(earlier_plan(find)[case])
    find.tables[table].put(row, request_id=request_id(int(find.sample.request_number[earlier])))
    return row


def has_active_plan_too(find: Finder) -> Flags:
    """A plan that ended in the period, of someone with an active one."""
    active = np.zeros(len(find.people.birth), dtype=bool)
    active[find.cases.person[find.cases.category == ACTIVE]] = True
    return (find.cases.category == CEASED) & active[find.cases.person]


NO_URN = {"urn": "", "ukprn": "", "setting_note": "", "sen_unit": "0", "resourced_provision": "0"}
NO_IDENTIFIER = {"upn": "", "uln": ""}

FAULTS = (
    # people
    Fault("surname_missing", "people", ("P01",), anyone, put(surname="")),
    Fault("forename_missing", "people", ("P02",), anyone, put(forename="")),
    Fault("birth_date_missing", "people", ("P03",), anyone, put(birth_date="")),
    Fault("birth_date_unreadable", "people", ("P03", "X04"), anyone, put(birth_date="31/02/2015")),
    Fault("birth_date_after_survey_day", "people", ("P04", "R04"),
          in_category(ONGOING_REQUEST, NOT_ASSESSED),
          put_from(lambda find, case: {"birth_date": find.day_now(10)})),
    Fault("sex_missing", "people", ("P06", "P07"), anyone, put(sex="", gender_code="")),
    Fault("ethnicity_invalid", "people", ("P08",), anyone, put(ethnicity="ABCD")),
    Fault("postcode_missing", "people", ("P09",), has_postcode, put(postcode="")),
    Fault("postcode_malformed", "people", ("P10",), has_postcode, put(postcode="ZY11AA")),
    Fault("no_identifier_and_no_reason", "people", ("P11",), anyone,
          put(upn="", uln="", no_identifier_reason="")),
    Fault("identifier_and_reason", "people", ("P12",), has_upn, put(no_identifier_reason="UN3")),
    Fault("upn_too_short", "people", ("P13",), has_upn, put_from(upn_shortened)),
    Fault("upn_check_letter_wrong", "people", ("P14",), has_upn, put_from(wrong_check_letter)),
    Fault("upn_authority_unknown", "people", ("P15",), has_upn,
          put_from(upn_of_no_authority)),
    Fault("upn_not_numeric", "people", ("P16",), has_upn, put_from(upn_with(6, "B"))),
    Fault("upn_last_character_invalid", "people", ("P17",), has_upn, put_from(upn_with(12, "I"))),
    Fault("upn_repeated", "people", ("P18",), has_upn, same_as_another("upn", where=has_upn)),
    Fault("uln_too_short", "people", ("P20",), has_uln, put_from(uln_shortened)),
    Fault("uln_check_digit_wrong", "people", ("P21",), has_uln, put_from(uln_wrong_digit)),
    Fault("uln_repeated", "people", ("P22",), has_uln, same_as_another("uln", where=has_uln)),
    Fault("reason_code_invalid", "people", ("P23",), anyone,
          put(**NO_IDENTIFIER, no_identifier_reason="UN4")),
    Fault("reason_for_under_sixes_too_old", "people", ("P24",), aged(7, 24),
          put(**NO_IDENTIFIER, no_identifier_reason="UN1")),
    Fault("reason_for_newcomers_long_known", "people", ("P25",), older_with_request,
          put(**NO_IDENTIFIER, no_identifier_reason="UN8")),
    Fault("reason_for_ended_requests_with_plan", "people", ("P26",), older,
          put(**NO_IDENTIFIER, no_identifier_reason="UN10")),
    Fault("reason_for_young_people_too_young", "people", ("P27",), aged(7, 14),
          put(**NO_IDENTIFIER, no_identifier_reason="UN9")),
    Fault("person_twice", "people", ("P28",),
          both(in_category(NOT_ASSESSED), aged(6, 24), has_upn),
          same_as_another("surname", "forename", "birth_date", "sex", "gender_code",
                          where=aged(6, 24))),
    # requests
    Fault("received_date_missing", "requests", ("R02",),
          in_category(ONGOING_REQUEST, NOT_ASSESSED), put(received_date="")),
    Fault("received_date_unreadable", "requests", ("R02", "X04"),
          in_category(ONGOING_REQUEST, NOT_ASSESSED), put(received_date="next week")),
    Fault("received_before_birth", "requests", ("R04",), in_category(NOT_ASSESSED),
          day("birth", -40, "received_date")),
    Fault("source_missing", "requests", ("R05", "R06"), not_historical, put(source="")),
    Fault("youth_accommodation_invalid", "requests", ("R07",), not_historical,
          put(in_youth_accommodation="2")),
    Fault("youth_accommodation_unlikely_age", "requests", ("R08",),
          both(in_category(NOT_ASSESSED, ONGOING_REQUEST), young_when_asking),
          put(in_youth_accommodation="1")),
    Fault("request_outcome_date_missing", "requests", ("R09",), in_category(NOT_ASSESSED),
          put(decision_date="")),
    Fault("request_outcome_date_unreadable", "requests", ("R09", "X04"),
          in_category(NOT_ASSESSED), put(decision_date="2025-02-30")),
    Fault("decided_before_received", "requests", ("R11",),
          both(in_category(NOT_ASSESSED), decided_before_last_days),
          day("decided", 5, "received_date")),
    Fault("moved_to_own_authority", "requests", ("R16",), moved_away, own_authority("moved_to_la")),
    Fault("moved_away_with_plan", "requests", ("R17",),
          both(issued, lambda find: find.cases.decision == AGREE), put_from(moved_with_plan)),
    Fault("request_decision_unknown_word", "requests", ("X05",), in_category(NOT_ASSESSED),
          then(put(decision="no"), becomes(ONGOING_REQUEST, "undecided", none=True))),
    # assessments
    Fault("refusal_to_issue_undated", "assessments", ("A02",), in_category(NOT_ISSUED),
          put(decision_date="")),
    Fault("issue_undated_with_plan", "assessments", ("A03",), issued,
          then(put(decision_date=""), not_dated)),
    Fault("assessed_before_request", "assessments", ("A05",),
          both(in_category(NOT_ISSUED), received_in_period), day("received", -5, "decision_date")),
    Fault("plan_from_undecided_assessment", "assessments", ("A08",), issued,
          then(put(decision="", decision_date="", twenty_week_exception=""),
               becomes(ACTIVE, assessment="undecided"))),
    Fault("exception_flag_missing", "assessments", ("A09",), issued,
          then(put(twenty_week_exception=""), no_exception)),
    Fault("issued_without_plan", "assessments", ("A10",), in_category(AWAITING),
          put_from(lambda find, case: {"decision_date": find.day_now(-5)})),
    Fault("assessment_decision_unknown_word", "assessments", ("X05",), in_category(NOT_ISSUED),
          then(put(decision="none"), becomes(ONGOING_ASSESSMENT, assessment="undecided"))),
    # plans
    Fault("start_date_missing", "plans", ("N01",), older, put(start_date="")),
    Fault("start_date_unreadable", "plans", ("N01", "X04"), older, put(start_date="2019-14-07")),
    Fault("plan_before_birth", "plans", ("N02",), older, day("birth", -100, "start_date")),
    Fault("plan_before_plans_began", "plans", ("N05",), both(older, aged(20, 25)),
          put(start_date="2013-05-01")),
    Fault("residential_invalid", "plans", ("N06",), older, put(residential="C")),
    Fault("work_based_invalid", "plans", ("N07",), older, put(work_based="X")),
    Fault("work_based_too_young", "plans", ("N08",), both(older, aged(5, 14)), put(work_based="A")),
    Fault("personal_budget_missing", "plans", ("N09",), budget(False), put(personal_budget="")),
    Fault("payments_without_budget", "plans", ("N10",), budget(False), put(direct_payments="E")),
    Fault("direct_payments_invalid", "plans", ("N11",), budget(True), put(direct_payments="Z")),
    Fault("ceased_before_start", "plans", ("N12",), ceased_earlier_start,
          day("cease", 3, "start_date")),
    Fault("cease_reason_missing", "plans", ("N14",), in_category(CEASED), put(cease_reason="")),
    Fault("cease_reason_invalid", "plans", ("N15",), in_category(CEASED), put(cease_reason="10")),
    Fault("maximum_age_too_young", "plans", ("N16",), both(in_category(CEASED), aged(5, 15)),
          put(cease_reason="1")),
    Fault("leaver_reason_too_young", "plans", ("N17",), both(in_category(CEASED), aged(5, 15)),
          put(cease_reason="6")),
    Fault("no_setting_named", "plans", ("N18",), in_category(ACTIVE),
          remove_children("plan_settings")),
    Fault("two_active_plans", "plans", ("N29",), has_active_plan_too,
          then(put(cease_date="", cease_reason=""), becomes(ACTIVE))),
    Fault("transferred_from_own_authority", "plans", ("L03",), arrived,
          own_authority("transferred_from_la")),
    Fault("transferred_from_unknown_authority", "plans", ("L18",), arrived,
          put(transferred_from_la="XXX")),
    Fault("no_need", "plans", ("L04",), in_category(ACTIVE), remove_children("needs")),
    Fault("no_placement", "plans", ("D01", "D09"), in_category(ACTIVE),
          remove_children("placements")),
    Fault("plan_request_unknown", "plans", ("X03",), older_with_request, request_unknown),
    Fault("plans_share_a_request", "plans", ("X06",), has_earlier_plan, shares_request),
    # settings named in plans
    Fault("named_setting_and_urn", "plan_settings", ("N19",), names_a_school, put(setting="OLA")),
    Fault("named_urn_unknown", "plan_settings", ("N20",), names_a_school, put(urn="999999")),
    Fault("named_ukprn_invalid", "plan_settings", ("N21",), names_a_school,
          put(**{**NO_URN, "ukprn": "2000000"})),
    Fault("named_setting_not_for_plans", "plan_settings", ("N22",), names_a_school,
          put(**NO_URN, setting="NEET")),
    Fault("named_setting_not_described", "plan_settings", ("N23",), names_a_school,
          put(**NO_URN, setting="OTH")),
    Fault("named_rank_invalid", "plan_settings", ("N24",), names_a_school, put(rank="9")),
    Fault("named_rank_one_missing", "plan_settings", ("N25",), names_a_school, put(rank="2")),
    Fault("named_unit_flag_missing", "plan_settings", ("N26",), names_a_school, put(sen_unit="")),
    Fault("named_unit_and_resourced", "plan_settings", ("N27", "N28"), names_a_school,
          put(sen_unit="1", resourced_provision="1")),
    Fault("third_setting", "plan_settings", ("F03", "N24"), names_two,
          third("setting", "OLA")),
    # needs
    Fault("need_invalid", "needs", ("L05",), in_category(ACTIVE), put(need="ABC")),
    Fault("need_rank_one_missing", "needs", ("L06",), one_need, put(rank="2")),
    Fault("need_twice", "needs", ("L07",), two_needs, same_need),
    Fault("third_need", "needs", ("F03",), two_needs, third("need", "OTH")),
    # reviews
    Fault("review_before_plan", "reviews", ("L08",), never_reviewed,
          another_row(review_before_plan)),
    Fault("review_decision_without_meeting", "reviews", ("L09",), never_reviewed,
          another_row(review_without_meeting)),
    Fault("review_decided_before_meeting", "reviews", ("L10",), review_decided(),
          put_from(review_decided_early)),
    Fault("review_decision_undated", "reviews", ("L11",), review_decided("M"),
          put(decision_date="")),
    Fault("review_draft_not_to_amend", "reviews", ("L12",), review_decided("M"),
          put_from(review_draft)),
    Fault("review_draft_missing", "reviews", ("L17",), review_decided("A"), put(draft_date="")),
    Fault("phase_transfer_due_unusual", "reviews", ("L15",),
          both(no_phase_transfer, aged(6, 14)),
          put_from(unusual_due_date)),
    Fault("phase_transfer_final_without_due", "reviews", ("L16", "L17"),
          both(no_phase_transfer, review_decided("M")),
          put_from(lambda find, case: {"phase_transfer_final_date": find.day_now(-20)})),
    # placements
    Fault("placement_setting_and_urn", "placements", ("D02",), attends_a_school,
          put(setting="OLA")),
    Fault("placement_urn_unknown", "placements", ("D03",), attends_a_school, put(urn="999999")),
    Fault("placement_at_closed_school", "placements", ("D03",), attends_since_opening,
          put_from(at_closed_school)),
    Fault("placement_ukprn_invalid", "placements", ("D04",), attends_a_school,
          put(**{**NO_URN, "ukprn": "1234"})),
    Fault("placement_setting_invalid", "placements", ("D05",), attends_a_school,
          put(**NO_URN, setting="ABC")),
    Fault("placement_neet_too_young", "placements", ("D06",), both(attends_a_school, aged(5, 14)),
          put(**NO_URN, setting="NEET")),
    Fault("placement_not_described", "placements", ("D07",), attends_a_school,
          put(**NO_URN, setting="NIEO")),
    Fault("placement_rank_invalid", "placements", ("D08", "D09"), attends_a_school, put(rank="9")),
    Fault("two_open_placements", "placements", ("D13", "D09"), attends_a_school,
          second_open_placement),
    Fault("entry_date_missing", "placements", ("D10",), attends_a_school, put(entry_date="")),
    Fault("entry_date_unreadable", "placements", ("D10", "X04"), attends_a_school,
          put(entry_date="autumn 2024")),
    Fault("left_before_entry", "placements", ("D11",), entered_in_period,
          put_from(left_before_entry)),
    Fault("placement_outlives_plan", "placements", ("D14",), in_category(CEASED),
          put(leaving_date="")),
    Fault("attendance_invalid", "placements", ("D16",), at_school_age, put(attendance="XX")),
    Fault("placement_unit_flag_missing", "placements", ("D17",), attends_a_school,
          put(sen_unit="")),
    Fault("placement_unit_not_there", "placements", ("D18",), attends_a_school, put(sen_unit="1")),
    Fault("placement_residential_invalid", "placements", ("D19", "D20"), attends_a_school,
          put(residential="Z")),
    # keys
    Fault("person_row_repeated", "people", ("X01",), anyone, repeat),
    Fault("request_row_repeated", "requests", ("X01",), not_historical, repeat),
    Fault("assessment_row_repeated", "assessments", ("X01",), issued, repeat),
    Fault("plan_row_repeated", "plans", ("X01",), in_category(ACTIVE), repeat),
    Fault("placement_row_repeated", "placements", ("X01",), in_category(ACTIVE), repeat),
    Fault("request_of_nobody", "requests", ("X02",), not_historical,
          orphan("person_id", "P", request_id="R")),
    Fault("plan_of_nobody", "plans", ("X02",), older,
          orphan("person_id", "P", blank="request_id", plan_id="E")),
    Fault("assessment_of_no_request", "assessments", ("X02",), issued, orphan("request_id", "R")),
    Fault("placement_of_no_plan", "placements", ("X02",), in_category(ACTIVE),
          orphan("plan_id", "E", placement_id="L")),
    Fault("need_of_no_plan", "needs", ("X02",), in_category(ACTIVE), orphan("plan_id", "E")),
)  # fmt: skip


# ----------------------------------------------------------------------------- planting


def rules_in_force(year: int, rules: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the rules that the catalogue has for the year; one it does not list is kept."""
    listed = {row["rule_id"] for row in spec.seed("rules")}
    current = {row["rule_id"] for row in spec.in_force("rules", year)}
    return tuple(rule for rule in rules if rule in current or rule not in listed)


def plant_faults(sample: Sample, share: float, rng: Random) -> list[Planted]:
    """Plant every kind of fault in turn until the share of people in scope is reached."""
    if not share:
        return []
    find = Finder(sample, rng)
    wanted = round(share * len(np.unique(sample.cases.person[sample.in_return])))
    in_force = [
        (fault, rules)
        for fault in FAULTS
        if (rules := rules_in_force(sample.survey.year, fault.rules))
    ]
    waiting = {
        fault.name: iter(rng.permutation(np.flatnonzero(fault.where(find)).astype(np.int32)))
        for fault, _ in in_force
    }
    planted: list[Planted] = []
    before = -1
    while before < len(planted) < wanted:
        before = len(planted)
        for fault, rules in in_force:
            if len(planted) < wanted:
                found = plant_one(find, fault, rules, waiting[fault.name])
                planted += [found] if found else []
    return planted


def plant_one(
    find: Finder, fault: Fault, rules: tuple[str, ...], waiting: Iterator[np.int32]
) -> Planted | None:
    """Plant the fault in the next case whose person has none yet."""
    for case in map(int, waiting):
        person = find.cases.person[case]
        if find.used[person]:
            continue
        find.used[person] = True
        request = find.sample.request_id(case)
        row = fault.change(find, case, fault.table, find.row(fault.table, case))
        if row is None:
            continue
        return describe(find, fault, rules, case, row, request)
    return None


def describe(
    find: Finder, fault: Fault, rules: tuple[str, ...], case: int, row: int, request: str
) -> Planted:
    """What the list of planted faults says: keys as the row has them."""
    table = find.tables[fault.table]
    values = table.row(row) if row < table.rows else table.added[row - table.rows]
    is_orphan = "X02" in rules
    owner = "" if is_orphan else person_id(int(find.cases.person[case]))
    if fault.name == "plan_request_unknown":
        request = find.sample.request_id(case)
    key = values.get(KEYS.get(fault.table, "plan_id"), "")
    if is_orphan:
        request = values.get("request_id", "")
    record = {
        "person": owner,
        "requests": request,
        "assessment": request,
        "named_plan": request,
        "active_plans": request,
        "placement_detail": values.get("placement_id", ""),
        "extract": key,
    }.get(find.modules.get(rules[0], ""), "")
    return Planted(
        fault=fault.name,
        table=fault.table,
        row=row,
        key=key,
        person=owner,
        request="" if fault.table == "people" else request,
        record=record,
        rules=rules,
    )


def write_planted(sample: Sample, planted: list[Planted], path: Path) -> None:
    """Write the list of planted faults; `row` is the row a spreadsheet shows."""
    write_rows(
        path,
        PLANTED_COLUMNS,
        (
            (
                item.fault,
                item.table,
                sample.tables[item.table].file_row(item.row),
                item.key,
                item.person,
                item.request,
                item.record,
                ";".join(item.rules),
            )
            for item in planted
        ),
    )
