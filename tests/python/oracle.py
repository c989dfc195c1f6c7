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
from functools import cache

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
    "received_after_survey_day": False,
}
PARENTS = {
    "requests": ("people", "person_id"),
    "assessments": ("requests", "request_id"),
    "plans": ("people", "person_id"),
    "disputes": ("requests", "request_id"),  # or the plan, where there is no request
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
                if table == "disputes" and not row.get("request_id"):
                    parent, column = "plans", "plan_id"
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
    *("agreed", "issue_decided", "assessed", "assessment_withdrawn"),
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
    born: date | None = None
    received: date | None = None
    decided: date | None = None
    withdrawn: date | None = None
    moved: date | None = None
    agreed: date | None = None
    issue_decided: date | None = None
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
    born: date | None,
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
        born=born,
        received=day(r.get("received_date")),
        decided=day(r.get("decision_date")),
        withdrawn=day(r.get("withdrawn_date")),
        moved=day(r.get("moved_date")),
        agreed=day(a.get("agreed_date")),
        issue_decided=day(a.get("issue_decided_date")),
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
    born = {row["person_id"]: day(row.get("birth_date")) for row in tables["people"]}
    disputes = defaultdict(list)
    disputes_of_plan = defaultdict(list)
    for row in tables["disputes"]:
        if row["request_id"]:
            disputes[row["request_id"]].append(row)
        else:
            disputes_of_plan[row["plan_id"]].append(row)
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
        of_plan = disputes_of_plan[plans[0]["plan_id"]] if plans else []
        yield make_case(
            request_id,
            request,
            assessments.get(request_id),
            plans[0] if plans else None,
            disputes[request_id] + of_plan,
            born[request["person_id"]],
        )
    for plan in alone:
        key = plan["plan_id"]
        person_born = born[plan["person_id"]]
        yield make_case("plan:" + key, None, None, plan, disputes_of_plan[key], person_born)


# --- The state of a case by S -------------------------------------------------------------------


def is_before(day: date | None, *others: date | None) -> bool:
    """Whether a date is before any of the others that are given."""
    return day is not None and any(other is not None and day < other for other in others)


@dataclass(frozen=True)
class State:
    """A case as it was on the day it is judged by.

    A decision is "agreed", "refused", … or None; its date is None when it has none, or none that
    can be true.
    """

    is_begun: bool
    request: str
    requested: date | None
    request_given: date | None  # the decision's date as it is returned
    is_overturned: bool
    assessment: str
    assessed: date | None
    assessment_given: date | None
    has_moved: bool
    moved: date | None
    has_started: bool
    started: date | None  # "for us"
    ceased: date | None

    @property
    def is_going_on(self) -> bool:
        """Agreed; an overturned case is "judged as if assessment had been agreed"."""
        return self.request == "assess" or self.is_overturned


def plan_state(case: Case, survey: Survey) -> tuple[bool, date | None, date | None]:
    """Whether the plan has started by S, when for us, and when it ceased by S."""
    if case.plan is None:
        return False, None, None
    # "transferred before the start … judged as if … had no date"
    is_transfer_early = is_before(case.transferred, case.started, case.born)
    transferred = None if is_transfer_early else case.transferred
    begins = [case.started, *([transferred] if case.is_transfer else [])]
    has_started = all(survey.by_s(each) for each in begins)
    started = max((each for each in begins if each), default=None)
    # "ceased … before it began"
    ceased = None if is_before(case.ceased, case.started, transferred, case.born) else case.ceased
    return has_started, started, ceased if ceased and ceased <= survey.s else None


def state(case: Case, survey: Survey) -> State:
    """The state of a case. Design: "With calendar_year, requests and assessments are judged as at
    P1 (… unless a plan started by S hangs from it)"; P1 is S otherwise."""
    has_started, started, ceased = plan_state(case, survey)
    end = survey.s if has_started else survey.p1

    def seen(day: date | None) -> date | None:
        return day if day and day <= end else None

    decided = seen(case.decided) if case.decision else None
    withdrawn, moved = seen(case.withdrawn), seen(case.moved)
    assessed = seen(case.assessed) if case.assessment_decision else None
    assessment_withdrawn = seen(case.assessment_withdrawn)
    # "received after S and nothing of it dated by S (an undated decision does not count)"
    is_begun = (
        case.received is None
        or case.received <= end
        or has_started
        or any([decided, withdrawn, moved, assessed, assessment_withdrawn])
    )

    # Principle 1: "decided or withdrawn before it was received, …, born after any of them"
    is_decision_wrong = is_before(decided, case.received, case.born)
    is_withdrawal_wrong = is_before(withdrawn, case.received, case.born)
    is_move_wrong = is_before(moved, case.received, case.born)  # ours: of the same kind

    # "The decision dated by S wins, a withdrawal wins over an undated one"
    request, requested, request_given = "undecided", None, None
    has_moved = is_begun and case.is_moved and (case.moved is None or moved is not None)
    if case.decision and decided and not is_decision_wrong:
        request, requested, request_given = case.decision, decided, decided
    elif withdrawn:
        request, requested = "withdrawn", None if is_withdrawal_wrong else withdrawn
    elif case.decision and is_begun and (case.decided is None or decided):
        request, request_given = case.decision, decided
    elif has_moved:
        request, requested = "moved", None if is_move_wrong else moved

    # "overturned when a plan started by S, or an assessment row, hangs from the request, unless
    # that row's `agreed_date` is after S"; ours: what is dated by S shows that it was agreed
    is_agreed_later = case.agreed is not None and case.agreed > end
    is_overturned = request == "refuse" and (
        has_started
        or (
            case.assessment is not None
            and (not is_agreed_later or assessed is not None or assessment_withdrawn is not None)
        )
    )

    # "assessment decided before the request was"
    before = [case.received, case.born, None if is_decision_wrong else decided]
    if case.decision == "refuse":
        before.append(seen(case.agreed))
    is_assessed_wrong = is_before(assessed, *before)
    assessment_ended = assessment_withdrawn
    is_end_wrong = is_before(assessment_withdrawn, *before)
    # "a withdrawal dated after an agreement withdraws the assessment"
    agreed = requested if request == "assess" else None
    if is_overturned:
        agreed = case.agreed or requested
    if assessment_ended is None and withdrawn and agreed and withdrawn > agreed:
        assessment_ended, is_end_wrong = withdrawn, False

    decision, made = case.assessment_decision, None
    assessment, given = "undecided", None
    is_decided_undated = decision is not None and is_begun
    if case.assessed is None:
        # "blank with decision=issue means decided but plan not yet issued", unless decided later
        later = case.issue_decided is not None and case.issue_decided > end
        is_decided_undated = is_decided_undated and not (decision == "issue" and later)
    elif assessed is None:
        # "An issue dated after S counts as decided on S … when `issue_decided_date` is by S"
        is_known = seen(case.issue_decided) is not None
        is_decided_undated = is_decided_undated and decision == "issue" and is_known
    if request == "refuse" and not is_overturned:
        pass
    elif decision and assessed and not is_assessed_wrong:
        assessment, made, given = decision, assessed, assessed
    elif assessment_ended:
        assessment, made = "withdrawn", None if is_end_wrong else assessment_ended
    elif decision and is_decided_undated:
        assessment, given = decision, assessed

    return State(
        is_begun=is_begun,
        request=request,
        requested=requested,
        request_given=request_given,
        is_overturned=is_overturned,
        assessment=assessment,
        assessed=made,
        assessment_given=given,
        has_moved=has_moved,
        moved=None if is_move_wrong else moved,
        has_started=has_started,
        started=started,
        ceased=ceased,
    )


def category(case: Case, survey: Survey) -> str:
    """The first that applies."""
    p0 = survey.p0
    now = state(case, survey)
    if now.has_started and now.ceased is None:
        return "active_plan"
    if now.has_started and now.ceased:
        return "recently_ceased" if now.ceased >= p0 else "ceased_before_period"
    if case.request is None:
        return "received_after_survey_day"  # "a plan that starts (for us) after S"
    if now.assessment == "refuse" and survey.in_period(now.assessed):
        return "not_issued"
    if now.assessment == "issue" and survey.in_period(now.assessed):
        return "awaiting_issue"
    if now.assessment == "withdrawn" and survey.in_period(now.assessed):
        return "assessment_withdrawn"
    has_moved_in_period = now.has_moved and survey.in_period(now.moved)
    if (
        now.is_going_on
        and now.assessment == "undecided"
        and (has_moved_in_period or not now.has_moved)
    ):
        return "ongoing_assessment"
    if now.request == "refuse" and not now.is_overturned and survey.in_period(now.requested):
        return "not_assessed"
    if now.request in ("withdrawn", "moved") and survey.in_period(now.requested):
        return "request_withdrawn"
    if now.request == "undecided" and now.is_begun:
        return "ongoing_request"
    if now.request == "undecided":
        return "received_after_survey_day"
    ended = now.requested
    if now.is_going_on:
        ended = now.moved if now.assessment == "undecided" else now.assessed
    assert ended is not None
    assert ended < p0, case
    return "decided_before_period"


def is_near_miss(case: Case, survey: Survey) -> bool:
    """Whether moving one event date, alone, by at most 31 days would change in or out."""
    is_in = IN_RETURN[category(case, survey)]
    days = [each for each in [*vars(case).values(), *vars(survey).values()] if type(each) is date]
    for event in EVENTS:
        given = getattr(case, event)
        if given is None:
            continue
        moved = copy.copy(case)
        # Only the order of days counts: the days beside another stand for all between two of them.
        beside = {day + timedelta(shift) for day in days for shift in (-1, 0, 1)}
        for each in beside | {given - timedelta(NEAR), given + timedelta(NEAR)}:
            setattr(moved, event, each)
            if abs((each - given).days) <= NEAR and IN_RETURN[category(moved, survey)] != is_in:
                return True
    return False


# --- What is returned ---------------------------------------------------------------------------


def has_returned_plan(case: Case, survey: Survey) -> bool:
    return category(case, survey) in ("active_plan", "recently_ceased")


def is_historical(case: Case, survey: Survey) -> bool:
    """Design: "A plan transferred in, … a plan with no request"."""
    return case.request is None or (has_returned_plan(case, survey) and case.is_transfer)


def request_outcome(case: Case, survey: Survey) -> tuple[str, date | None]:
    now = state(case, survey)
    if is_historical(case, survey):
        return "H", None
    if now.request in ("assess", "refuse"):
        if now.requested and now.requested < survey.p0:
            return "H", None
        return ("Y" if now.request == "assess" else "N"), now.request_given
    return ("W" if now.request in ("withdrawn", "moved") else "A"), None


def exported(case: Case, survey: Survey) -> str | None:
    """`moved_to_la` when the move is blank or by S and came before the case was finished: "never
    with a refusal that was not overturned, nor with an assessment decided or a plan started by the
    day of the move (an undated move counts as after them)"."""
    now = state(case, survey)
    if not now.has_moved or (now.request == "refuse" and not now.is_overturned):
        return None
    is_decided = now.assessment in ("issue", "refuse")
    if now.moved is None:
        is_finished = is_decided or now.has_started
    else:
        is_decided = is_decided and now.assessed is not None and now.assessed <= now.moved
        is_started = now.has_started and (now.started is None or now.started <= now.moved)
        is_finished = is_decided or is_started
    return None if is_finished else (case.request or {}).get("moved_to_la") or None


def assessment_outcome(case: Case, survey: Survey) -> tuple[str, date | None] | None:
    """The outcome and its date; None when the case has no assessment to return."""
    if is_historical(case, survey):
        return "H", None
    now = state(case, survey)
    if not now.is_going_on or (
        exported(case, survey) is not None and now.assessment == "undecided"
    ):
        return ("A", None) if has_returned_plan(case, survey) else None
    if now.assessment in ("issue", "refuse"):
        if now.assessed and now.assessed < survey.p0:
            return "H", None
        return ("Y" if now.assessment == "issue" else "N"), now.assessment_given
    return ("W" if now.assessment == "withdrawn" else "A"), None


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


def returned_placements(
    placements: list[Row], survey: Survey, born: date | None = None
) -> list[Row]:
    """Design: "overlap P0 to S (leaving on P0 counts, a blank entry date counts); … one before its
    entry is returned and counts as not yet left"."""
    found = []
    for row in placements:
        entry, leaving = day(row.get("entry_date")), day(row.get("leaving_date"))
        if is_before(leaving, entry, born):
            leaving = None
        if (entry or survey.s) <= survey.s and (leaving or survey.p0) >= survey.p0:
            found.append(row)
    return found


def returned_review(reviews: list[Row], survey: Survey) -> Row | None:
    """Design: "the latest meeting by S (one without … only when there is no other)"."""
    by_s = [row for row in reviews if survey.by_s(day(row.get("meeting_date")))]
    return max(by_s, key=lambda row: day(row.get("meeting_date")) or date.min, default=None)


def returned_transfer(reviews: list[Row], survey: Survey) -> Row | None:
    """Design: "the latest due date on or after P0 of any review row, held or not"."""
    due = [
        row for row in reviews if (day(row.get("phase_transfer_due_date")) or date.min) >= survey.p0
    ]
    # ours: of two rows with one due date, the one with the later final date by S
    return max(
        due,
        key=lambda row: (
            day(row.get("phase_transfer_due_date")),
            iso_by_s(row.get("phase_transfer_final_date"), survey) or "",
        ),
        default=None,
    )


def last_decided(reviews: list[Row], survey: Survey) -> Row | None:
    """Design: "In 2023 LastReview is the latest decision by S of any review"."""
    decided = [row for row in reviews if iso_by_s(row.get("decision_date"), survey)]
    return max(decided, key=lambda row: row.get("decision_date", ""), default=None)


def is_meeting_collected(survey: Survey) -> bool:
    return "review_meeting" in collected("active_plans", survey.year)


def returned_review_rows(reviews: list[Row], survey: Survey) -> list[Row | None]:
    """Every row that something of a plan's reviews is returned from."""
    found = [returned_review(reviews, survey), returned_transfer(reviews, survey)]
    if not is_meeting_collected(survey):
        found.append(last_decided(reviews, survey))
    return found


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

    attended = returned_placements(hanging.placements, survey, case.born)
    first = max(
        (row for row in attended if row.get("rank") == "1"),
        key=lambda row: day(row.get("entry_date")) or date.min,
        default={},
    )
    review = returned_review(hanging.reviews, survey) or {}
    transfer = returned_transfer(hanging.reviews, survey) or {}
    decided = review
    if not is_meeting_collected(survey):
        decided = last_decided(hanging.reviews, survey) or {}
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
            "phase_transfer_due_date": iso(day(transfer.get("phase_transfer_due_date"))),
            "phase_transfer_final_date": iso_by_s(
                transfer.get("phase_transfer_final_date"), survey
            ),
            "last_review": iso_by_s(decided.get("decision_date"), survey),
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


@cache
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
            reviewed = returned_review_rows(below.reviews, survey)
            attended = returned_placements(below.placements, survey, case.born)
            for source in (case.plan, *below.plan_settings, *below.needs, *attended, *reviewed):
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
