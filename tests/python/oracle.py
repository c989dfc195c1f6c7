"""The design's section 4 a second time, row by row in plain Python, to hold the models against.

Written from the design's words and never from the models. Rows of an extract come in as text,
`{table: [row, …]}` in file order; what should be returned comes out as rows. A quoted sentence is
the design's own; "ours" marks a decision of this project where the design leaves room.
"""

import copy
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from sen2 import spec

Row = dict[str, str]
Extract = dict[str, list[Row]]
Returned = dict[str, str | None]

FIRST_ROW = 2  # of a file: the header is row 1
NEAR = 31  # days
IN_RETURN = {
    **dict.fromkeys(("active_plan", "recently_ceased", "not_issued", "awaiting_issue"), True),
    **dict.fromkeys(("assessment_withdrawn", "ongoing_assessment", "not_assessed"), True),
    **dict.fromkeys(("request_withdrawn", "ongoing_request"), True),
    **dict.fromkeys(("ceased_before_period", "decided_before_period"), False),
    **dict.fromkeys(("decided_after_period", "received_after_survey_day"), False),
}
PARENTS = {
    "requests": ("people", "person_id"),
    "assessments": ("requests", "request_id"),
    "disputes": ("requests", "request_id"),
    "plans": ("people", "person_id"),
    "plan_settings": ("plans", "plan_id"),
    "placements": ("plans", "plan_id"),
    "needs": ("plans", "plan_id"),
    "reviews": ("plans", "plan_id"),
}
KEYS = {
    "people": "person_id",
    "requests": "request_id",
    "assessments": "request_id",
    "plans": "plan_id",
    "placements": "placement_id",
    "establishments": "urn",
}
TABLES = ("people", *PARENTS, "establishments")
FLAGS = {
    ("mediation", "assess"): "request_mediation",
    ("appeal", "assess"): "request_tribunal",
    ("mediation", "issue"): "assessment_mediation",
    ("appeal", "issue"): "assessment_tribunal",
    ("mediation", "other"): "other_mediation",
    ("appeal", "other"): "other_tribunal",
}


@dataclass(frozen=True)
class Survey:
    """A collection's days: P0, P1 and S of the design."""

    year: int
    p0: date
    p1: date
    s: date

    def in_period(self, day: date | None) -> bool:
        """P0 to P1; "an undated decision, dispute or move counts as made in the period"."""
        return day is None or self.p0 <= day <= self.p1

    def by_s(self, day: date | None) -> bool:
        """On or before S; undated counts as in the period, so by S."""
        return day is None or day <= self.s


def survey(year: int, period_end: str = "survey_day") -> Survey:
    row = next(row for row in spec.seed("collections") if row["collection_year"] == str(year))
    s = date.fromisoformat(row["survey_day"])
    p0 = date(s.year - 1, 1, 1)
    return Survey(year, p0, s if period_end == "survey_day" else date(s.year - 1, 12, 31), s)


def day(text: str | None) -> date | None:
    """A date written ccyy-mm-dd, or None when it is blank or cannot be read."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text or "", re.ASCII):
        return None
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def held(row: Row) -> Row:
    """A row whose values of nothing but spaces are blank."""
    return {name: value if value.strip() else "" for name, value in row.items()}


def word(text: str | None, *allowed: str) -> str | None:
    """Design: "An unknown `decision` counts as undecided"."""
    return text if text in allowed else None


# --- Rows that cannot be used -------------------------------------------------------------------


def rejected(extract: Extract) -> set[tuple[str, int]]:
    """Table and position of each row with a blank or repeated key, or whose parent is missing."""
    found: set[tuple[str, int]] = set()
    kept: dict[str, set[str]] = {}
    for table in TABLES:
        key, seen = KEYS.get(table), set()
        kept[table] = set()
        for position, row in enumerate(extract.get(table, [])):
            own = row.get(key, "") if key else None
            is_bad = own == "" or own in seen
            if table in PARENTS:
                parent, column = PARENTS[table]
                is_bad = is_bad or row.get(column, "") not in kept[parent]
            if own:
                seen.add(own)
            if is_bad:
                found.add((table, position))
            elif own:
                kept[table].add(own)
    return found


# --- Cases --------------------------------------------------------------------------------------

EVENTS = (
    *("received", "decided", "withdrawn", "moved"),
    *("assessed", "assessment_withdrawn"),
    *("started", "transferred", "ceased"),
)


@dataclass
class Case:
    """A request, its assessment and the plan that keeps it; dates typed, None when blank."""

    request_id: str
    person_id: str
    request: Row | None = None
    assessment: Row | None = None
    plan: Row | None = None
    decision: str | None = None
    is_moved: bool = False
    assessment_decision: str | None = None
    is_transfer: bool = False
    received: date | None = None
    decided: date | None = None
    withdrawn: date | None = None
    moved: date | None = None
    assessed: date | None = None
    assessment_withdrawn: date | None = None
    started: date | None = None
    transferred: date | None = None
    ceased: date | None = None
    disputes: list[Row] = field(default_factory=list, compare=False)


def make_case(
    request_id: str,
    request: Row | None,
    assessment: Row | None,
    plan: Row | None,
    disputes: list[Row],
) -> Case:
    r, a, p = request or {}, assessment or {}, plan or {}
    return Case(
        request_id=request_id,
        person_id=(request or p)["person_id"],
        request=request,
        assessment=assessment,
        plan=plan,
        decision=word(r.get("decision"), "assess", "refuse"),
        # ours: an unreadable date is a move without a date
        is_moved=bool(r.get("moved_to_la") or r.get("moved_date")),
        assessment_decision=word(a.get("decision"), "issue", "refuse"),
        is_transfer=bool(p.get("transferred_from_la") or p.get("transferred_date")),
        received=day(r.get("received_date")),
        decided=day(r.get("decision_date")),
        withdrawn=day(r.get("withdrawn_date")),
        moved=day(r.get("moved_date")),
        assessed=day(a.get("decision_date")),
        assessment_withdrawn=day(a.get("withdrawn_date")),
        started=day(p.get("start_date")),
        transferred=day(p.get("transferred_date")),
        ceased=day(p.get("cease_date")),
        disputes=disputes,
    )


def cases(tables: Extract) -> Iterator[Case]:
    """Every case of the rows that are not rejected."""
    requests = {row["request_id"]: row for row in tables["requests"]}
    assessments = {row["request_id"]: row for row in tables["assessments"]}
    disputes = defaultdict(list)
    for row in tables["disputes"]:
        disputes[row["request_id"]].append(row)
    claims: dict[str, list[Row]] = defaultdict(list)
    alone: list[Row] = []
    for plan in tables["plans"]:
        request = requests.get(plan.get("request_id", ""))
        # ours: a plan whose request is another person's is treated as having none
        if request and request["person_id"] == plan["person_id"]:
            claims[request["request_id"]].append(plan)
        else:
            alone.append(plan)
    for request_id, request in requests.items():
        # "the earliest start keeps it, the others get their own"
        plans = sorted(claims[request_id], key=lambda plan: day(plan.get("start_date")) or date.max)
        alone += plans[1:]
        yield make_case(
            request_id,
            request,
            assessments.get(request_id),
            plans[0] if plans else None,
            disputes[request_id],
        )
    for plan in alone:
        yield make_case("plan:" + plan["plan_id"], None, None, plan, [])


# --- The state of a case by S -------------------------------------------------------------------


def settled(
    decision: str | None, decided: date | None, withdrawn: date | None, survey: Survey
) -> tuple[str, date | None]:
    """Design: "The decision dated by S wins, a withdrawal wins over an undated one"."""
    if decision and decided and decided <= survey.s:
        return decision, decided
    if withdrawn and withdrawn <= survey.s:
        return "withdrawn", withdrawn
    if decision and decided is None:
        return decision, None
    return "undecided", None


def request_state(case: Case, survey: Survey) -> tuple[str, date | None]:
    return settled(case.decision, case.decided, case.withdrawn, survey)


def assessment_state(case: Case, survey: Survey) -> tuple[str, date | None]:
    return settled(case.assessment_decision, case.assessed, case.assessment_withdrawn, survey)


def has_started(case: Case, survey: Survey) -> bool:
    """Design: "A plan transferred in starts, for us, only once `transferred_date` is by S too"."""
    if case.plan is None or not survey.by_s(case.started):
        return False
    return not case.is_transfer or survey.by_s(case.transferred)


def is_overturned(case: Case, survey: Survey) -> bool:
    """Whether the request was refused and then assessed after all."""
    if request_state(case, survey)[0] != "refuse":
        return False
    if has_started(case, survey):
        return True
    if case.assessment is None:
        return False
    events = [case.assessment_withdrawn] if case.assessment_withdrawn else []
    if case.assessment_decision:
        events.append(case.assessed)  # type: ignore[arg-type]
    # ours: a row whose only events are after S overturns nothing; a row with none does
    return not events or any(survey.by_s(event) for event in events)


def has_moved(case: Case, survey: Survey) -> bool:
    return case.is_moved and survey.by_s(case.moved)


def category(case: Case, survey: Survey) -> str:
    """The first that applies."""
    s, p0, p1 = survey.s, survey.p0, survey.p1
    if case.plan is not None:
        is_ceased = case.ceased is not None and case.ceased <= s
        if has_started(case, survey) and not is_ceased:
            return "active_plan"
        if is_ceased:
            assert case.ceased
            return "recently_ceased" if case.ceased >= p0 else "ceased_before_period"
    if case.request is None:
        return "received_after_survey_day"  # "a plan that starts (for us) after S"

    request, requested = request_state(case, survey)
    assessment, assessed = assessment_state(case, survey)
    is_agreed = request == "assess" or is_overturned(case, survey)
    moved = has_moved(case, survey)
    moved_in_period = moved and survey.in_period(case.moved)

    if assessment == "refuse" and survey.in_period(assessed):
        return "not_issued"
    if assessment == "issue" and survey.in_period(assessed):
        return "awaiting_issue"
    if assessment == "withdrawn" and survey.in_period(assessed):
        return "assessment_withdrawn"
    if is_agreed:
        if assessment == "undecided" and not moved:
            return "ongoing_assessment"
        if moved_in_period and (
            assessment == "undecided" or (assessed is not None and (case.moved or p0) < assessed)
        ):
            return "ongoing_assessment"
    if request == "refuse" and not is_agreed and survey.in_period(requested):
        return "not_assessed"
    if request == "withdrawn" and survey.in_period(requested):
        return "request_withdrawn"
    if moved_in_period and request == "undecided":
        return "request_withdrawn"
    if moved_in_period and request == "withdrawn" and requested and (case.moved or p0) <= requested:
        return "request_withdrawn"
    is_received = survey.by_s(case.received)
    if request == "undecided" and is_received and not moved:
        return "ongoing_request"

    ended: date | None = None
    if is_agreed:
        ended = case.moved if assessment == "undecided" else assessed
    elif request == "undecided":
        ended = case.moved if moved else None
    else:
        ended = requested
    if ended and ended < p0:
        return "decided_before_period"
    if ended and p1 < ended <= s:
        return "decided_after_period"
    assert not is_received, case
    return "received_after_survey_day"


def is_near_miss(case: Case, survey: Survey) -> bool:
    """Whether moving one event date, alone, by at most 31 days would change in or out."""
    is_in = IN_RETURN[category(case, survey)]
    for event in EVENTS:
        given = getattr(case, event)
        if given is None:
            continue
        moved = copy.copy(case)
        for shift in range(-NEAR, NEAR + 1):
            setattr(moved, event, given + timedelta(shift))
            if IN_RETURN[category(moved, survey)] != is_in:
                return True
    return False


# --- What is returned ---------------------------------------------------------------------------


def has_returned_plan(case: Case, survey: Survey) -> bool:
    return category(case, survey) in ("active_plan", "recently_ceased")


def is_historical(case: Case, survey: Survey) -> bool:
    """Design: "A plan transferred in, … a plan with no request"."""
    return case.request is None or (has_returned_plan(case, survey) and case.is_transfer)


def request_outcome(case: Case, survey: Survey) -> tuple[str, date | None]:
    state, decided = request_state(case, survey)
    if is_historical(case, survey):
        return "H", None
    if state in ("assess", "refuse"):
        if decided and decided < survey.p0:
            return "H", None
        return ("Y" if state == "assess" else "N"), decided
    if state == "withdrawn" or has_moved(case, survey):
        return "W", None
    return "A", None


def exported(case: Case, survey: Survey) -> str | None:
    la = (case.request or {}).get("moved_to_la") or None
    return la if survey.by_s(case.moved) else None


def assessment_outcome(case: Case, survey: Survey) -> tuple[str, date | None] | None:
    """The outcome and its date; None when the case has no assessment to return."""
    if is_historical(case, survey):
        return "H", None
    state, decided = assessment_state(case, survey)
    outcome, _ = request_outcome(case, survey)
    is_refused = request_state(case, survey)[0] == "refuse" and not is_overturned(case, survey)
    if (
        is_refused
        or outcome in ("A", "W")
        or (exported(case, survey) is not None and state == "undecided")
    ):
        return ("A", None) if has_returned_plan(case, survey) else None
    if state in ("issue", "refuse"):
        if decided and decided < survey.p0:
            return "H", None
        return ("Y" if state == "issue" else "N"), decided
    return ("W" if state == "withdrawn" else "A"), None


def flag(case: Case, name: str, outcome: str, survey: Survey) -> str | None:
    """1 or 0 where the outcome is Y or N; the two Other flags also 1 on an H."""
    days = [
        day(row.get("dispute_date"))
        for row in case.disputes
        if FLAGS.get((row.get("kind", ""), row.get("about", ""))) == name
    ]
    if outcome in ("Y", "N"):
        return "1" if any(survey.by_s(each) for each in days) else "0"
    if outcome == "H" and name.startswith("other_"):
        return "1" if any(survey.in_period(each) for each in days) else None
    return None


def iso(each: date | None) -> str | None:
    return each.isoformat() if each else None


def iso_by_s(text: str | None, survey: Survey) -> str | None:
    found = day(text)
    return iso(found) if found and found <= survey.s else None


def request_row(case: Case, survey: Survey) -> Returned:
    request = case.request or {}
    outcome, decided = request_outcome(case, survey)
    return {
        "person_id": case.person_id,
        "request_id": case.request_id,
        "received_date": iso(case.received),
        "request_source": request.get("source"),
        "rya": request.get("in_youth_accommodation"),
        "request_outcome_date": iso(decided),
        "request_outcome": outcome,
        "request_mediation": flag(case, "request_mediation", outcome, survey),
        "request_tribunal": flag(case, "request_tribunal", outcome, survey),
        "exported": exported(case, survey),
    }


def assessment_row(case: Case, survey: Survey) -> Returned | None:
    found = assessment_outcome(case, survey)
    if found is None:
        return None
    outcome, decided = found
    names = ("assessment_mediation", "assessment_tribunal", "other_mediation", "other_tribunal")
    exception = (case.assessment or {}).get("twenty_week_exception")
    return {
        "person_id": case.person_id,
        "request_id": case.request_id,
        "assessment_outcome": outcome,
        "assessment_outcome_date": iso(decided),
        **{name: flag(case, name, outcome, survey) for name in names},
        "week20": exception if outcome == "Y" and decided else None,
    }


def returned_placements(placements: list[Row], survey: Survey) -> list[Row]:
    """Design: "overlap P0 to S (leaving on P0 counts, a blank entry date counts)"."""
    return [
        row
        for row in placements
        if (day(row.get("entry_date")) or survey.s) <= survey.s
        and (day(row.get("leaving_date")) or survey.p0) >= survey.p0
    ]


def returned_review(reviews: list[Row], survey: Survey) -> Row | None:
    """Design: "the latest meeting by S (one without … only when there is no other)"."""
    by_s = [row for row in reviews if survey.by_s(day(row.get("meeting_date")))]
    return max(by_s, key=lambda row: day(row.get("meeting_date")) or date.min, default=None)


@dataclass
class Hanging:
    """What hangs from one plan."""

    plan_settings: list[Row] = field(default_factory=list)
    placements: list[Row] = field(default_factory=list)
    needs: list[Row] = field(default_factory=list)
    reviews: list[Row] = field(default_factory=list)


def place(row: Row) -> Returned:
    """The columns a named and an attended establishment share."""
    return {
        "urn": row.get("urn"),
        "ukprn": row.get("ukprn"),
        "sen_setting": row.get("setting"),
        "sen_setting_other": row.get("setting_note"),
        "placement_rank": row.get("rank"),
        "sen_unit_indicator": row.get("sen_unit"),
        "resourced_provision_indicator": row.get("resourced_provision"),
    }


def plan_rows(case: Case, hanging: Hanging, survey: Survey) -> Iterator[tuple[str, Returned]]:
    """NamedPlan, ActivePlans and all below them, for a case with a returned plan."""
    assert case.plan
    plan, keys = case.plan, {"person_id": case.person_id, "request_id": case.request_id}
    ceases_later = case.ceased is not None and case.ceased > survey.s
    yield (
        "named_plan",
        {
            **keys,
            "start_date": iso(case.started),
            "plan_res": plan.get("residential"),
            "plan_wbp": plan.get("work_based"),
            "pb": plan.get("personal_budget"),
            "oa": plan.get("organised_arrangements"),
            "dp": plan.get("direct_payments"),
            "cease_date": None if ceases_later else iso(case.ceased),
            "cease_reason": None if ceases_later else plan.get("cease_reason"),
        },
    )
    for row in hanging.plan_settings:
        yield "plan_detail", {**keys, **place(row)}

    attended = returned_placements(hanging.placements, survey)
    first = max(
        (row for row in attended if row.get("rank") == "1"),
        key=lambda row: day(row.get("entry_date")) or date.min,
        default={},
    )
    review = returned_review(hanging.reviews, survey) or {}
    is_transferred = case.is_transfer and survey.in_period(case.transferred)
    is_reviewed = survey.by_s(day(review.get("decision_date")))
    yield (
        "active_plans",
        {
            **keys,
            "transfer_la": plan.get("transferred_from_la") if is_transferred else None,
            "res": first.get("residential"),
            "wbp": first.get("work_based"),
            "review_meeting": iso(day(review.get("meeting_date"))),
            "review_outcome": review.get("decision") if is_reviewed else None,
            "review_draft": iso_by_s(review.get("draft_date"), survey),
            "phase_transfer_due_date": iso(day(review.get("phase_transfer_due_date"))),
            "phase_transfer_final_date": iso_by_s(review.get("phase_transfer_final_date"), survey),
            "last_review": iso_by_s(review.get("decision_date"), survey),
        },
    )
    for row in attended:
        yield (
            "placement_detail",
            {
                **keys,
                "placement_id": row["placement_id"],
                **place(row),
                "entry_date": iso(day(row.get("entry_date"))),
                "leaving_date": iso_by_s(row.get("leaving_date"), survey),
                "attendance_pattern": row.get("attendance"),
                "res": row.get("residential"),
                "wbp": row.get("work_based"),
            },
        )
    for row in hanging.needs:
        need = {"sen_type": row.get("need"), "sen_type_rank": row.get("rank")}
        yield "sen_need", {**keys, **need}


def person_row(person: Row) -> Returned:
    from_sex = {"M": "1", "F": "2"}.get(person.get("sex", ""))
    return {
        "person_id": person["person_id"],
        "surname": person.get("surname"),
        "forename": person.get("forename"),
        "person_birth_date": iso(day(person.get("birth_date"))),
        "gender_current": person.get("gender_code") or from_sex,
        "sex": person.get("sex"),
        "ethnicity": person.get("ethnicity"),
        "postcode": person.get("postcode"),
        "upn": person.get("upn"),
        "unique_learner_number": person.get("uln"),
        "upn_unknown": person.get("no_identifier_reason"),
    }


@dataclass
class Answer:
    """What the models should give: scope, the tables of the return, and each row's disposition."""

    case_scope: list[dict[str, object]] = field(default_factory=list)
    tables: dict[str, list[Returned]] = field(default_factory=lambda: defaultdict(list))
    dispositions: set[tuple[str, int, str]] = field(default_factory=set)


def collected(table: str, year: int) -> set[str]:
    """The item columns of a table collected that year."""
    return {r["column_name"] for r in spec.in_force("items", year) if r["table_name"] == table}


def answer(extract: Extract, survey: Survey) -> Answer:
    """The whole answer for an extract."""
    extract = {table: [held(row) for row in rows] for table, rows in extract.items()}
    bad = rejected(extract)
    tables: Extract = {
        table: [row for n, row in enumerate(extract.get(table, [])) if (table, n) not in bad]
        for table in TABLES
    }
    hanging: dict[str, Hanging] = defaultdict(Hanging)
    for table in ("plan_settings", "placements", "needs", "reviews"):
        for row in tables[table]:
            getattr(hanging[row["plan_id"]], table).append(row)

    result = Answer()
    used: set[int] = set()  # the identities of the rows that are returned

    def put(table: str, row: Returned) -> None:
        wanted = collected(table, survey.year) | {"person_id", "request_id", "placement_id"}
        kept = {name: (value or None) if name in wanted else None for name, value in row.items()}
        result.tables[table].append(kept)

    persons: set[str] = set()
    for case in cases(tables):
        found = category(case, survey)
        is_in = IN_RETURN[found]
        result.case_scope.append(
            {
                "request_id": case.request_id,
                "person_id": case.person_id,
                "plan_id": case.plan["plan_id"] if case.plan else None,
                "in_return": is_in,
                "category": found,
                "near_miss": is_near_miss(case, survey),
            }
        )
        if not is_in:
            continue
        persons.add(case.person_id)
        put("requests", request_row(case, survey))
        used.add(id(case.request))
        used |= {id(row) for row in case.disputes if survey.by_s(day(row.get("dispute_date")))}
        if assessment := assessment_row(case, survey):
            put("assessment", assessment)
            used.add(id(case.assessment))
        if case.plan and found in ("active_plan", "recently_ceased"):
            below = hanging[case.plan["plan_id"]]
            for table, returned in plan_rows(case, below, survey):
                put(table, returned)
            review = returned_review(below.reviews, survey)
            attended = returned_placements(below.placements, survey)
            for source in (case.plan, *below.plan_settings, *below.needs, *attended, review):
                used.add(id(source))
    for person in tables["people"]:
        if person["person_id"] in persons:
            put("person", person_row(person))
            used.add(id(person))
    used.discard(id(None))
    for table in TABLES:
        for n, row in enumerate(extract.get(table, [])):
            disposition = "returned" if id(row) in used else "out_of_scope"
            if table == "establishments":
                disposition = "reference"
            if (table, n) in bad:
                disposition = "rejected"
            result.dispositions.add((table, n + FIRST_ROW, disposition))
    return result
