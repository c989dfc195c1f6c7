"""Section 4 of the design by example, and the models against a second derivation of it.

`EXAMPLES` is the specification to read: what a case looks like, and what becomes of it. Each is a
person of their own, and all of them, with some thousand random cases, make one extract per build.
"""

import pickle
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest

from . import oracle
from .conftest import once
from .extracts import build_extract, rows, with_defaults, write_extract

Row = dict[str, str]
Builds = Callable[[int, str], "Built"]

BUILDS = [(2023, "survey_day"), (2026, "survey_day"), (2027, "survey_day"), (2026, "calendar_year")]
RANDOM_PERSONS = 1200
SEED = 20260115
IDS = ("person_id", "request_id", "plan_id", "placement_id")
NAMED_DAY = re.compile(r"(P0|P1|S)([+-]\d+)?")
RETURN = ["person", "requests", "assessment", "named_plan", "plan_detail", "active_plans"]
RETURN += ["placement_detail", "sen_need"]


# --- How an example is written --------------------------------------------------------------------
# P0, P1 and S are the design's days, "S+1" the day after; r1 and p1 are the example's first request
# and plan. A row of the return is given by the items that matter; None says there is no row.


def person(**row: str) -> tuple[str, Row]:
    return "people", {"person_id": "c", **row}


def request(**row: str) -> tuple[str, Row]:
    return "requests", {"request_id": "r1", "person_id": "c", "received_date": "P0+20", **row}


def agreed(decision_date: str = "P0+40", **row: str) -> tuple[str, Row]:
    return request(decision="assess", decision_date=decision_date, **row)


def refused(decision_date: str = "P0+40", **row: str) -> tuple[str, Row]:
    return request(decision="refuse", decision_date=decision_date, **row)


def assessment(**row: str) -> tuple[str, Row]:
    return "assessments", {"request_id": "r1", **row}


def issued(decision_date: str = "P0+100", **row: str) -> tuple[str, Row]:
    return assessment(decision="issue", decision_date=decision_date, **row)


def dispute(kind: str, about: str, dispute_date: str, **row: str) -> tuple[str, Row]:
    values = {"kind": kind, "about": about, "dispute_date": dispute_date}
    return "disputes", {"request_id": "r1", **values, **row}


def plan(**row: str) -> tuple[str, Row]:
    """A plan that hangs from the request r1."""
    values = {"plan_id": "p1", "request_id": "r1", "start_date": "P0+100"}
    return "plans", {"person_id": "c", **values, **row}


def old_plan(**row: str) -> tuple[str, Row]:
    """A plan without a request."""
    return plan(**{"request_id": "", "start_date": "P0-500", **row})


def plan_setting(**row: str) -> tuple[str, Row]:
    return "plan_settings", {"plan_id": "p1", **row}


def placement(**row: str) -> tuple[str, Row]:
    return "placements", {"plan_id": "p1", "placement_id": "l1", "entry_date": "P0-100", **row}


def need(**row: str) -> tuple[str, Row]:
    return "needs", {"plan_id": "p1", **row}


def review(**row: str) -> tuple[str, Row]:
    return "reviews", {"plan_id": "p1", **row}


@dataclass(frozen=True)
class Example:
    """A claim, the rows of one person's case, and what must become of them."""

    claim: str
    rows: tuple[tuple[str, Row], ...]
    category: str | dict[str, str] | None = None
    calendar_year: str | None = None  # the category with `period_end: calendar_year`, if another
    near_miss: bool | None = None
    dispositions: dict[str, list[str]] = field(default_factory=dict)
    years: tuple[int, int] = (2021, 9999)
    returned: dict[str, object] = field(default_factory=dict)


EXAMPLES: list[Example] = []


def example(claim: str, *rows: tuple[str, Row], **expected: object) -> None:
    """Note an example; a keyword that is a table of the return says which rows it must have."""
    others = {"category", "calendar_year", "near_miss", "dispositions", "years"}
    known = {name: expected.pop(name) for name in others & expected.keys()}
    assert not expected.keys() - set(RETURN), expected.keys()
    has_person = any(table == "people" for table, _ in rows)
    every = rows if has_person else (person(), *rows)
    EXAMPLES.append(Example(claim, every, **known, returned=expected))  # type: ignore[arg-type]


# --- Requests -------------------------------------------------------------------------------------

example(
    "a request received on the survey day is ongoing",
    request(received_date="S"),
    category="ongoing_request", calendar_year="received_after_survey_day", near_miss=True,
    requests={"request_outcome": "A", "request_outcome_date": None, "received_date": "S"},
    assessment=None, named_plan=None, active_plans=None,
)  # fmt: skip
example(
    "a request received the day after the survey day is out",
    request(received_date="S+1"),
    category="received_after_survey_day", near_miss=True, person=None, requests=None,
    dispositions={"people": ["out_of_scope"], "requests": ["out_of_scope"]},
)  # fmt: skip
example(
    "a request with no received date counts as received",
    request(received_date=""),
    category="ongoing_request", near_miss=False,
    requests={"request_outcome": "A", "received_date": None},
)  # fmt: skip
example(
    "an unreadable received date is returned blank and counts as received",
    request(received_date="soon"),
    category="ongoing_request", requests={"request_outcome": "A", "received_date": None},
)  # fmt: skip
example(
    "an old request still undecided is ongoing",
    request(received_date="P0-700"),
    category="ongoing_request", near_miss=False, requests={"request_outcome": "A"},
)  # fmt: skip
example(
    "an unknown decision word counts as undecided",
    request(decision="maybe", decision_date="P0+40"),
    category="ongoing_request", near_miss=False,
    requests={"request_outcome": "A", "request_outcome_date": None}, assessment=None,
)  # fmt: skip
example(
    "a decision date without a decision decides nothing",
    request(decision_date="P0-40", received_date="P0-80"),
    category="ongoing_request", requests={"request_outcome": "A", "request_outcome_date": None},
)  # fmt: skip
example(
    "a decision dated after the survey day has not been made",
    refused("S+1"),
    category="ongoing_request",
    requests={"request_outcome": "A", "request_outcome_date": None, "request_mediation": None},
)  # fmt: skip
example(
    "source and youth accommodation are sent as held, whatever the outcome",
    request(source="7", in_youth_accommodation="1"),
    category="ongoing_request", years=(2025, 9999),
    requests={"request_source": "7", "rya": "1", "request_outcome": "A"},
)  # fmt: skip
example(
    "the source of a request is not collected in 2023",
    request(source="1"),
    category="ongoing_request", years=(2023, 2023), requests={"request_source": None},
)  # fmt: skip

# --- Refused to assess ----------------------------------------------------------------------------

example(
    "refused the day before the period",
    refused("P0-1", received_date="P0-40"),
    category="decided_before_period", near_miss=True, person=None, requests=None,
)  # fmt: skip
example(
    "refused on the first day of the period",
    refused("P0", received_date="P0-40"),
    category="not_assessed", near_miss=True, assessment=None, named_plan=None,
    requests={
        "request_outcome": "N", "request_outcome_date": "P0", "received_date": "P0-40",
        "request_mediation": "0", "request_tribunal": "0", "exported": None,
    },
)  # fmt: skip
example(
    "refused in the middle of the period",
    refused("P0+150"),
    category="not_assessed", near_miss=False,
    requests={"request_outcome": "N", "request_outcome_date": "P0+150"},
    dispositions={"people": ["returned"], "requests": ["returned"]},
)  # fmt: skip
example(
    "refused on the last day of the period",
    refused("P1"),
    category="not_assessed",
    requests={"request_outcome": "N", "request_outcome_date": "P1"},
)  # fmt: skip
example(
    "refused the day after the period",
    refused("P1+1"),
    category="ongoing_request", near_miss=None,
    requests={"request_outcome": "A", "request_outcome_date": None},
)  # fmt: skip
example(
    "refused on the survey day",
    refused("S"),
    category="not_assessed", calendar_year="ongoing_request",
    requests={"request_outcome": "N", "request_outcome_date": "S"},
)  # fmt: skip
example(
    "an undated refusal counts as made in the period",
    refused(""),
    category="not_assessed", near_miss=False,
    requests={"request_outcome": "N", "request_outcome_date": None, "request_mediation": "0"},
    assessment=None,
)  # fmt: skip
example(
    "a refusal with an unreadable date counts as undated",
    refused("2025-02-30"),
    category="not_assessed",
    requests={"request_outcome": "N", "request_outcome_date": None},
)  # fmt: skip

# --- Refusals overturned --------------------------------------------------------------------------

example(
    "a refusal with an assessment under way is overturned, and stays N with its date",
    refused(), assessment(),
    category="ongoing_assessment", near_miss=False,
    requests={"request_outcome": "N", "request_outcome_date": "P0+40", "request_tribunal": "0"},
    assessment={"assessment_outcome": "A", "assessment_outcome_date": None},
    dispositions={"assessments": ["returned"]},
)  # fmt: skip
example(
    "a refusal from before the period, overturned, is H",
    refused("P0-1", received_date="P0-40"), assessment(),
    category="ongoing_assessment",
    requests={"request_outcome": "H", "request_outcome_date": None, "request_mediation": None},
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a refusal overturned by an assessment decided by the survey day",
    refused(), issued("S"),
    category="awaiting_issue", calendar_year="ongoing_assessment",
    requests={"request_outcome": "N", "request_outcome_date": "P0+40"},
    assessment={"assessment_outcome": "Y", "assessment_outcome_date": "S"},
)  # fmt: skip
example(
    "an assessment whose only event is after the survey day overturns, and is under way",
    refused(), issued("S+1"),
    category="ongoing_assessment",
    requests={"request_outcome": "N", "request_outcome_date": "P0+40"},
    assessment={"assessment_outcome": "A", "assessment_outcome_date": None},
)  # fmt: skip
example(
    "a refusal that is overturned after the survey day is not overturned yet",
    refused(), issued("S+40", agreed_date="S+1"),
    category="not_assessed", assessment=None,
    requests={"request_outcome": "N", "request_outcome_date": "P0+40"},
    dispositions={"assessments": ["out_of_scope"]},
)  # fmt: skip
example(
    "a refusal that is overturned on the survey day is",
    refused(), issued("S+40", agreed_date="S"),
    category="ongoing_assessment", calendar_year="not_assessed",
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a refusal before the period, overturned after the survey day, is out",
    refused("P0-60", received_date="P0-90"), assessment(agreed_date="S+1"),
    category="decided_before_period", near_miss=True,
)  # fmt: skip
example(
    "an agreement after the survey day cannot be true beside an assessment decided in the period",
    refused("P0-60", received_date="P0-90"),
    assessment(agreed_date="S+1", decision="refuse", decision_date="P0+50"),
    category="not_issued",
    assessment={"assessment_outcome": "N", "assessment_outcome_date": "P0+50"},
)  # fmt: skip
example(
    "a plan to be issued after the survey day, decided by then, is decided without a date",
    agreed(), issued("S+9", issue_decided_date="P0+90"),
    category="awaiting_issue",
    assessment={"assessment_outcome": "Y", "assessment_outcome_date": None, "week20": None},
)  # fmt: skip
example(
    "a plan to be issued, decided after the survey day, is undecided",
    agreed(), issued("", issue_decided_date="S+1"),
    category="ongoing_assessment", assessment={"assessment_outcome": "A"},
)  # fmt: skip

# --- Contradictions: dates that cannot be true beside another -------------------------------------

example(
    "ceased before it began: the plan is active and the date is returned",
    plan(start_date="P0+60", cease_date="P0-120", cease_reason="2", request_id=""),
    category={"plan:p1": "active_plan"},
    named_plan={"start_date": "P0+60", "cease_date": "P0-120", "cease_reason": "2"},
)  # fmt: skip
example(
    "ceased before it was transferred in: active",
    old_plan(transferred_from_la="331", transferred_date="P0+60", cease_date="P0-20"),
    category={"plan:p1": "active_plan"}, named_plan={"cease_date": "P0-20"},
)  # fmt: skip
example(
    "transferred in before it started: it counts as transferred, on no date",
    agreed(), issued(), plan(transferred_from_la="331", transferred_date="P0+50"),
    category="active_plan", requests={"request_outcome": "H"},
    assessment={"assessment_outcome": "H"}, active_plans={"transfer_la": "331"},
)  # fmt: skip
example(
    "refused ten years before it was received: made in the period, with its date",
    refused("P0-3000", received_date="P0+320"),
    category="not_assessed",
    requests={"request_outcome": "N", "request_outcome_date": "P0-3000"},
)  # fmt: skip
example(
    "agreed before it was received: the assessment is under way, and the request is no H",
    agreed("P0-3000", received_date="P0+20"),
    category="ongoing_assessment",
    requests={"request_outcome": "Y", "request_outcome_date": "P0-3000"},
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "withdrawn before it was received: withdrawn in the period",
    request(received_date="P0+320", withdrawn_date="P0-3000"),
    category="request_withdrawn", requests={"request_outcome": "W"},
)  # fmt: skip
example(
    "moved away before it was received: moved in the period",
    request(received_date="P0+320", moved_to_la="331", moved_date="P0-3000"),
    category="request_withdrawn", requests={"request_outcome": "W", "exported": "331"},
)  # fmt: skip
example(
    "an assessment refused before the request was decided: in the period, with its date",
    agreed("P0+350", received_date="P0+320"),
    assessment(decision="refuse", decision_date="P0-3000"),
    category="not_issued",
    assessment={"assessment_outcome": "N", "assessment_outcome_date": "P0-3000"},
)  # fmt: skip
example(
    "an assessment withdrawn before the request was agreed: in the period",
    agreed("P0+40"), assessment(withdrawn_date="P0-30"),
    category="assessment_withdrawn", assessment={"assessment_outcome": "W"},
)  # fmt: skip
example(
    "decided before the person was born: in the period, with its date",
    person(birth_date="P0+10"), refused("P0-20", received_date="P0-60"),
    category="not_assessed",
    requests={"request_outcome": "N", "request_outcome_date": "P0-20"},
)  # fmt: skip
example(
    "decided on the day it was received is no contradiction",
    refused("P0-40", received_date="P0-40"), category="decided_before_period",
)  # fmt: skip
example(
    "received after the survey day, decided before: decided in the period",
    refused("P0+40", received_date="S+300"),
    category="not_assessed",
    requests={"request_outcome": "N", "request_outcome_date": "P0+40", "received_date": "S+300"},
)  # fmt: skip
example(
    "received after the survey day, decided on no date: not there yet",
    refused("", received_date="S+1"), category="received_after_survey_day", requests=None,
)  # fmt: skip
example(
    "a plan that starts after the survey day has not ceased before it",
    old_plan(start_date="S+10", cease_date="P0+100", cease_reason="9"),
    category={"plan:p1": "received_after_survey_day"}, named_plan=None,
)  # fmt: skip
example(
    "a placement left before it was entered is returned, as not yet left",
    old_plan(), placement(entry_date="P0+200", leaving_date="P0-300"),
    category={"plan:p1": "active_plan"},
    placement_detail={"entry_date": "P0+200", "leaving_date": "P0-300"},
    dispositions={"placements": ["returned"]},
)  # fmt: skip

# --- Withdrawn after an agreement -----------------------------------------------------------------

example(
    "a request withdrawn after it was agreed withdraws the assessment",
    agreed("P0+40", withdrawn_date="P0+90"),
    category="assessment_withdrawn", requests={"request_outcome": "Y"},
    assessment={"assessment_outcome": "W"},
)  # fmt: skip
example(
    "a request withdrawn after it was agreed, both before the period",
    agreed("P0-90", received_date="P0-120", withdrawn_date="P0-40"),
    category="decided_before_period",
)  # fmt: skip
example(
    "a request withdrawn after the assessment was decided changes nothing",
    agreed("P0+40", withdrawn_date="P0+120"), issued("P0+100"),
    category="awaiting_issue", assessment={"assessment_outcome": "Y"},
)  # fmt: skip
example(
    "a request withdrawn after a refusal was overturned withdraws the assessment",
    refused("P0+40", withdrawn_date="P0+120"), assessment(agreed_date="P0+80"),
    category="assessment_withdrawn", requests={"request_outcome": "N"},
    assessment={"assessment_outcome": "W"},
)  # fmt: skip
example(
    "a request withdrawn before the refusal was overturned does not",
    refused("P0+40", withdrawn_date="P0+60"), assessment(agreed_date="P0+80"),
    category="ongoing_assessment", assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a refusal overturned by an assessment decided to issue, undated",
    refused(), issued(""),
    category="awaiting_issue",
    requests={"request_outcome": "N"},
    assessment={"assessment_outcome": "Y", "assessment_outcome_date": None},
)  # fmt: skip
example(
    "a refusal overturned and then refused a plan",
    refused(), assessment(decision="refuse", decision_date="P0+90"),
    category="not_issued",
    requests={"request_outcome": "N", "request_outcome_date": "P0+40"},
    assessment={"assessment_outcome": "N", "assessment_outcome_date": "P0+90"},
)  # fmt: skip
example(
    "a refusal overturned by an assessment that was withdrawn",
    refused(), assessment(withdrawn_date="P0+90"),
    category="assessment_withdrawn",
    requests={"request_outcome": "N"}, assessment={"assessment_outcome": "W"},
)  # fmt: skip
example(
    "a refusal overturned by an assessment of an unknown decision",
    refused(), assessment(decision="perhaps", decision_date="P0+90"),
    category="ongoing_assessment", assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a refusal overturned by an assessment that is dated before it: decided in the period",
    refused(), assessment(decision="refuse", decision_date="P0-1"),
    category="not_issued", requests={"request_outcome": "N"},
    assessment={"assessment_outcome": "N", "assessment_outcome_date": "P0-1"},
)  # fmt: skip
example(
    "a refusal overturned by a plan started on the survey day",
    refused(), plan(start_date="S"),
    category="active_plan",
    requests={"request_outcome": "N", "request_outcome_date": "P0+40"},
    assessment={"assessment_outcome": "A", "assessment_outcome_date": None},
)  # fmt: skip
example(
    "a plan that starts after the survey day overturns no refusal",
    refused(), plan(start_date="S+1"),
    category="not_assessed", near_miss=None, assessment=None, named_plan=None,
    requests={"request_outcome": "N"},
    dispositions={"plans": ["out_of_scope"]},
)  # fmt: skip
example(
    "an old refusal with a plan that starts after the survey day is out",
    refused("P0-40", received_date="P0-60"), plan(start_date="S+1"),
    category="decided_before_period", near_miss=True, requests=None,
)  # fmt: skip
example(
    "an undated refusal, overturned, stays N without a date",
    refused(""), issued("P0+100"), plan(),
    category="active_plan", requests={"request_outcome": "N", "request_outcome_date": None},
    assessment={"assessment_outcome": "Y", "assessment_outcome_date": "P0+100"},
)  # fmt: skip

# --- Decided and withdrawn; moved away ------------------------------------------------------------

example(
    "a request withdrawn the day before the period",
    request(received_date="P0-40", withdrawn_date="P0-1"),
    category="decided_before_period", near_miss=True, requests=None,
)  # fmt: skip
example(
    "a request withdrawn on the first day of the period",
    request(received_date="P0-40", withdrawn_date="P0"),
    category="request_withdrawn", near_miss=True, assessment=None,
    requests={"request_outcome": "W", "request_outcome_date": None, "request_mediation": None},
)  # fmt: skip
example(
    "a request withdrawn on the last day of the period",
    request(withdrawn_date="P1"),
    category="request_withdrawn", requests={"request_outcome": "W"},
)  # fmt: skip
example(
    "a request withdrawn the day after the period",
    request(withdrawn_date="P1+1"),
    category="ongoing_request",
    requests={"request_outcome": "A"},
)  # fmt: skip
example(
    "a decision dated by the survey day wins over a withdrawal, even a later one",
    refused("P0+40", withdrawn_date="P0+60"),
    category="not_assessed", requests={"request_outcome": "N", "request_outcome_date": "P0+40"},
)  # fmt: skip
example(
    "a decision dated by the survey day wins over an earlier withdrawal",
    agreed("P0+40", withdrawn_date="P0+30"),
    category="ongoing_assessment", requests={"request_outcome": "Y"},
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a withdrawal wins over an undated decision",
    agreed("", withdrawn_date="P0+30"),
    category="request_withdrawn", requests={"request_outcome": "W"}, assessment=None,
)  # fmt: skip
example(
    "a withdrawal before the period wins over an undated refusal",
    refused("", withdrawn_date="P0-30", received_date="P0-80"),
    category="decided_before_period", requests=None,
)  # fmt: skip
example(
    "a withdrawal wins over a decision after the survey day",
    agreed("S+1", withdrawn_date="P0+30"),
    category="request_withdrawn", requests={"request_outcome": "W"},
)  # fmt: skip
example(
    "a withdrawal after the survey day has not happened",
    request(withdrawn_date="S+1"),
    category="ongoing_request", requests={"request_outcome": "A"},
)  # fmt: skip
example(
    "moved away undecided the day before the period",
    request(received_date="P0-40", moved_to_la="331", moved_date="P0-1"),
    category="decided_before_period", near_miss=True, requests=None,
)  # fmt: skip
example(
    "moved away undecided on the first day of the period",
    request(received_date="P0-40", moved_to_la="331", moved_date="P0"),
    category="request_withdrawn", near_miss=True, assessment=None,
    requests={"request_outcome": "W", "exported": "331"},
)  # fmt: skip
example(
    "moved away undecided, no date",
    request(moved_to_la="XXX"),
    category="request_withdrawn", near_miss=False,
    requests={"request_outcome": "W", "exported": "XXX"},
)  # fmt: skip
example(
    "moved away undecided on an unreadable date",
    request(moved_to_la="331", moved_date="last week"),
    category="request_withdrawn", requests={"request_outcome": "W", "exported": "331"},
)  # fmt: skip
example(
    "moved away on a date, the authority not known",
    request(moved_date="P0+60"),
    category="request_withdrawn", requests={"request_outcome": "W", "exported": None},
)  # fmt: skip
example(
    "moved away undecided the day after the period",
    request(moved_to_la="331", moved_date="P1+1"),
    category="ongoing_request",
    requests={"request_outcome": "A", "exported": None},
)  # fmt: skip
example(
    "moved away after the survey day has not happened",
    request(moved_to_la="331", moved_date="S+1"),
    category="ongoing_request", requests={"request_outcome": "A", "exported": None},
)  # fmt: skip
example(
    "moved away after a refusal in the period is no export",
    refused("P0+40", moved_to_la="331", moved_date="P0+60"),
    category="not_assessed",
    requests={"request_outcome": "N", "request_outcome_date": "P0+40", "exported": None},
)  # fmt: skip
example(
    "moved away in the period with an assessment under way",
    agreed(moved_to_la="331", moved_date="P0+60"), assessment(),
    category="ongoing_assessment", assessment=None,
    requests={"request_outcome": "Y", "exported": "331"},
    dispositions={"assessments": ["out_of_scope"]},
)  # fmt: skip
example(
    "moved away before the period with an assessment under way",
    agreed("P0-60", received_date="P0-90", moved_to_la="331", moved_date="P0-1"), assessment(),
    category="decided_before_period", near_miss=True, requests=None,
)  # fmt: skip
example(
    "moved away with an assessment under way, no date",
    agreed("P0-60", received_date="P0-90", moved_to_la="331"), assessment(),
    category="ongoing_assessment", assessment=None,
    requests={"request_outcome": "H", "request_outcome_date": None, "exported": "331"},
)  # fmt: skip
example(
    "moved away after the period with an assessment under way",
    agreed(moved_to_la="331", moved_date="P1+1"), assessment(),
    category="ongoing_assessment",
    requests={"request_outcome": "Y", "exported": None}, assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "moved away, authority not known, with an assessment under way: nothing is exported",
    agreed(moved_date="P0+60"), assessment(),
    category="ongoing_assessment",
    requests={"request_outcome": "Y", "exported": None}, assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "moved away in the period before the plan was refused after it",
    agreed(moved_to_la="331", moved_date="P0+60"),
    assessment(decision="refuse", decision_date="P1+1"),
    category="ongoing_assessment", requests={"exported": "331"},
)  # fmt: skip
example(
    "moved away, no date, after the assessment was decided before the period",
    agreed("P0-60", received_date="P0-90", moved_to_la="331"),
    assessment(decision="refuse", decision_date="P0-20"),
    category="decided_before_period", requests=None, assessment=None,
)  # fmt: skip
example(
    "moved away in the period after a withdrawal before it: nothing was live",
    request(received_date="P0-90", withdrawn_date="P0-40", moved_to_la="331", moved_date="P0+60"),
    category="decided_before_period", requests=None,
)  # fmt: skip
example(
    "withdrawn in the period after a move before it",
    request(received_date="P0-90", withdrawn_date="P0+60", moved_to_la="331", moved_date="P0-40"),
    category="request_withdrawn", requests={"request_outcome": "W", "exported": "331"},
)  # fmt: skip
example(
    "moved away after the assessment was decided before the period",
    agreed("P0-60", received_date="P0-90", moved_to_la="331", moved_date="P0+60"),
    assessment(decision="refuse", decision_date="P0-20"),
    category="decided_before_period", requests=None,
)  # fmt: skip
example(
    "moved away and refused a plan, both in the period",
    agreed(moved_to_la="331", moved_date="P0+60"),
    assessment(decision="refuse", decision_date="P0+80"),
    category="not_issued", requests={"exported": "331"},
    assessment={"assessment_outcome": "N", "assessment_outcome_date": "P0+80"},
)  # fmt: skip
for day, expected in [("P0+79", "331"), ("P0+80", None), ("P0+81", None), ("", None)]:
    example(
        f"moved away {day or 'on no date'}, refused a plan P0+80",
        agreed(moved_to_la="331", moved_date=day),
        assessment(decision="refuse", decision_date="P0+80"),
        category="not_issued", requests={"exported": expected},
    )  # fmt: skip
    example(
        f"moved away {day or 'on no date'}, plan started P0+80",
        agreed(moved_to_la="331", moved_date=day), plan(start_date="P0+80"),
        category="active_plan", requests={"exported": expected},
    )  # fmt: skip
example(
    "moved away, no date, refused: no export",
    refused(moved_to_la="331"), category="not_assessed", requests={"exported": None},
)  # fmt: skip
example(
    "moved away with an overturned refusal under way",
    refused(moved_to_la="331", moved_date="P0+90"), assessment(),
    category="ongoing_assessment", assessment=None, requests={"exported": "331"},
)  # fmt: skip

# --- Assessments ----------------------------------------------------------------------------------

example(
    "agreed with no assessment row is an assessment under way",
    agreed(),
    category="ongoing_assessment", near_miss=False,
    requests={"request_outcome": "Y", "request_outcome_date": "P0+40", "request_mediation": "0"},
    assessment={
        "assessment_outcome": "A", "assessment_outcome_date": None, "week20": None,
        "assessment_mediation": None, "other_mediation": None, "other_tribunal": None,
    },
)  # fmt: skip
example(
    "agreed before the period, the assessment under way",
    agreed("P0-1", received_date="P0-40"), assessment(),
    category="ongoing_assessment",
    requests={
        "request_outcome": "H", "request_outcome_date": None, "request_mediation": None,
        "received_date": "P0-40", "request_tribunal": None, "rya": "0",
    },
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "agreed on the first day of the period is Y",
    agreed("P0", received_date="P0-40"), assessment(),
    category="ongoing_assessment",
    requests={"request_outcome": "Y", "request_outcome_date": "P0"},
)  # fmt: skip
example(
    "agreed without a date is Y without a date",
    agreed(""), assessment(),
    category="ongoing_assessment",
    requests={"request_outcome": "Y", "request_outcome_date": None, "request_mediation": "0"},
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "agreed on the survey day counts, unless the period ended before",
    agreed("S"),
    category="ongoing_assessment", calendar_year="ongoing_request",
    requests={"request_outcome": "Y", "request_outcome_date": "S"},
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "agreed the day after the survey day is still a request",
    agreed("S+1"), assessment(),
    category="ongoing_request", requests={"request_outcome": "A"}, assessment=None,
    dispositions={"assessments": ["out_of_scope"]},
)  # fmt: skip
for day, category, calendar in [
    ("P0-1", "decided_before_period", None),
    ("P0", "not_issued", None),
    ("P1", "not_issued", None),
    ("P1+1", "ongoing_assessment", None),
    ("S", "not_issued", "ongoing_assessment"),
    ("S+1", "ongoing_assessment", None),
    ("", "not_issued", None),
]:
    is_out = category == "decided_before_period"
    made = category == "not_issued"
    example(
        f"refused a plan, decision dated {day or 'nowhere'}",
        agreed("P0-60", received_date="P0-90"), assessment(decision="refuse", decision_date=day),
        category=category, calendar_year=calendar,
        requests=None if is_out else {"request_outcome": "H", "request_outcome_date": None},
        named_plan=None,
        assessment=None if is_out else {
            "assessment_outcome": "N" if made else "A",
            "assessment_outcome_date": (day or None) if made else None,
            "assessment_mediation": "0" if made else None,
            "other_tribunal": "0" if made else None,
            "week20": None,
        },
    )  # fmt: skip
for day, category, calendar in [
    ("P0-1", "decided_before_period", None),
    ("P0", "awaiting_issue", None),
    ("P1", "awaiting_issue", None),
    ("P1+1", "ongoing_assessment", None),
    ("S", "awaiting_issue", "ongoing_assessment"),
    ("S+1", "ongoing_assessment", None),
    ("", "awaiting_issue", None),
    ("unreadable", "awaiting_issue", None),
]:
    is_out = category == "decided_before_period"
    made = category == "awaiting_issue"
    is_dated = made and day not in ("", "unreadable")
    example(
        f"decided to issue, dated {day or 'nowhere'}, no plan",
        agreed("P0-60", received_date="P0-90"), issued(day, twenty_week_exception="1"),
        category=category, calendar_year=calendar, named_plan=None, active_plans=None,
        assessment=None if is_out else {
            "assessment_outcome": "Y" if made else "A",
            "assessment_outcome_date": day if is_dated else None,
            "week20": "1" if is_dated else None,
        },
    )  # fmt: skip
for day, category, calendar in [
    ("P0-1", "decided_before_period", None),
    ("P0", "assessment_withdrawn", None),
    ("P1", "assessment_withdrawn", None),
    ("P1+1", "ongoing_assessment", None),
    ("S", "assessment_withdrawn", "ongoing_assessment"),
    ("S+1", "ongoing_assessment", None),
]:
    is_out = category == "decided_before_period"
    made = category == "assessment_withdrawn"
    example(
        f"assessment withdrawn on {day}",
        agreed("P0-60", received_date="P0-90"), assessment(withdrawn_date=day),
        category=category, calendar_year=calendar,
        assessment=None if is_out else {
            "assessment_outcome": "W" if made else "A",
            "assessment_outcome_date": None,
            "assessment_tribunal": None,
        },
    )  # fmt: skip
example(
    "an assessment decided by the survey day and withdrawn is decided",
    agreed(), assessment(decision="refuse", decision_date="P0+90", withdrawn_date="P0+80"),
    category="not_issued", assessment={"assessment_outcome": "N"},
)  # fmt: skip
example(
    "an assessment withdrawn and decided without a date is withdrawn",
    agreed(), issued("", withdrawn_date="P0+80"),
    category="assessment_withdrawn", assessment={"assessment_outcome": "W"},
)  # fmt: skip
example(
    "an unknown decision about a plan counts as undecided",
    agreed(), assessment(decision="yes", decision_date="P0+90"),
    category="ongoing_assessment",
    assessment={"assessment_outcome": "A", "assessment_outcome_date": None},
)  # fmt: skip

# --- Plans ----------------------------------------------------------------------------------------

example(
    "a plan issued in the period, from request to need",
    agreed(), issued("P0+100", twenty_week_exception="0"),
    plan(residential="A", personal_budget="1", organised_arrangements="0", direct_payments="E"),
    plan_setting(urn="100001", setting="", sen_unit="1", resourced_provision="0"),
    placement(entry_date="P0+100"), need(need="MLD"), need(need="ASD", rank="2"),
    category="active_plan", near_miss=False,
    person={"surname": "Example", "upn_unknown": "UN3", "upn": None},
    requests={"request_outcome": "Y", "request_outcome_date": "P0+40"},
    assessment={
        "assessment_outcome": "Y", "assessment_outcome_date": "P0+100", "week20": "0",
        "assessment_mediation": "0", "other_tribunal": "0",
    },
    named_plan={
        "start_date": "P0+100", "cease_date": None, "plan_res": "A", "plan_wbp": None,
        "pb": "1", "oa": "0", "dp": "E",
    },
    plan_detail={
        "urn": "100001", "sen_setting": None, "placement_rank": "1",
        "sen_unit_indicator": "1", "resourced_provision_indicator": "0",
    },
    active_plans={"transfer_la": None, "last_review": None},
    placement_detail={"placement_id": "l1", "entry_date": "P0+100", "sen_setting": "OLA"},
    sen_need=[
        {"sen_type": "MLD", "sen_type_rank": "1"}, {"sen_type": "ASD", "sen_type_rank": "2"},
    ],
)  # fmt: skip
example(
    "a plan with no request gets a historical request of its own",
    old_plan(),
    category={"plan:p1": "active_plan"}, near_miss=False,
    requests={
        "request_id": "plan:p1", "request_outcome": "H", "received_date": None, "rya": None,
        "request_source": None, "request_outcome_date": None, "request_mediation": None,
    },
    assessment={
        "request_id": "plan:p1", "assessment_outcome": "H", "assessment_outcome_date": None,
        "assessment_mediation": None, "other_mediation": None, "week20": None,
    },
    named_plan={"request_id": "plan:p1", "start_date": "P0-500"},
)  # fmt: skip
example(
    "a plan started in the period with no request is H all the same",
    old_plan(start_date="P0+100"),
    category={"plan:p1": "active_plan"},
    requests={"request_outcome": "H"}, assessment={"assessment_outcome": "H"},
)  # fmt: skip
example(
    "a plan decided before the period keeps what is held of its request",
    agreed("P0-300", received_date="P0-340"), issued("P0-200", twenty_week_exception="1"),
    plan(start_date="P0-200"),
    category="active_plan",
    requests={
        "request_outcome": "H", "request_outcome_date": None, "received_date": "P0-340",
        "rya": "0", "request_mediation": None,
    },
    assessment={"assessment_outcome": "H", "assessment_outcome_date": None, "week20": None},
)  # fmt: skip
example(
    "agreed before the period and issued on its first day: H, then Y",
    agreed("P0-30", received_date="P0-60"), issued("P0"), plan(start_date="P0"),
    category="active_plan", requests={"request_outcome": "H"},
    assessment={"assessment_outcome": "Y", "assessment_outcome_date": "P0"},
)  # fmt: skip
example(
    "issued the day before the period is H",
    agreed("P0-30", received_date="P0-60"), issued("P0-1"), plan(start_date="P0"),
    category="active_plan",
    assessment={"assessment_outcome": "H", "assessment_outcome_date": None},
)  # fmt: skip
example(
    "a plan started on the survey day is active",
    agreed(), issued("S"), plan(start_date="S"),
    category="active_plan", named_plan={"start_date": "S"},
    assessment={"assessment_outcome": "Y", "assessment_outcome_date": "S"},
)  # fmt: skip
example(
    "a plan that starts the day after the survey day is not there yet",
    agreed(), issued("P0+100"), plan(start_date="S+1"), need(),
    category="awaiting_issue", named_plan=None, active_plans=None, sen_need=None,
    assessment={"assessment_outcome": "Y", "assessment_outcome_date": "P0+100"},
    dispositions={"plans": ["out_of_scope"], "needs": ["out_of_scope"]},
)  # fmt: skip
example(
    "a plan that starts after the survey day, nothing before",
    old_plan(start_date="S+1"),
    category={"plan:p1": "received_after_survey_day"}, near_miss=True, person=None,
)  # fmt: skip
example(
    "a plan issued before the period that starts after the survey day",
    agreed("P0-300", received_date="P0-340"), issued("P0-200"), plan(start_date="S+40"),
    category="decided_before_period", near_miss=False, person=None,
)  # fmt: skip
example(
    "a plan with no start date counts as started",
    old_plan(start_date=""),
    category={"plan:p1": "active_plan"}, named_plan={"start_date": None},
)  # fmt: skip
example(
    "a plan with an unreadable start date counts as started",
    old_plan(start_date="01/09/2020"),
    category={"plan:p1": "active_plan"}, named_plan={"start_date": None},
)  # fmt: skip
for day, category in [
    ("P0-1", "ceased_before_period"),
    ("P0", "recently_ceased"),
    ("S", "recently_ceased"),
    ("S+1", "active_plan"),
]:
    named: object = {
        "cease_date": None if day == "S+1" else day,
        "cease_reason": None if day == "S+1" else "3",
    }
    example(
        f"a plan ceased on {day}",
        old_plan(cease_date=day, cease_reason="3"), need(),
        category={"plan:p1": category}, near_miss=day in ("P0-1", "P0"),
        named_plan=None if day == "P0-1" else named,
        active_plans=None if day == "P0-1" else {},
        sen_need=None if day == "P0-1" else {"sen_type": "ASD"},
    )  # fmt: skip
example(
    "an unreadable cease date is no cease date, and the reason stays",
    old_plan(cease_date="unknown", cease_reason="3"),
    category={"plan:p1": "active_plan"}, named_plan={"cease_date": None, "cease_reason": "3"},
)  # fmt: skip
example(
    "a plan that hangs from an undecided request gets an assessment, undecided",
    request(), plan(),
    category="active_plan", requests={"request_outcome": "A"},
    assessment={"assessment_outcome": "A", "assessment_outcome_date": None},
)  # fmt: skip
example(
    "a plan that hangs from a withdrawn request gets an assessment, undecided",
    request(withdrawn_date="P0+30"), plan(),
    category="active_plan", requests={"request_outcome": "W"},
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a plan that hangs from a request withdrawn before the period",
    request(received_date="P0-60", withdrawn_date="P0-30"), plan(),
    category="active_plan", requests={"request_outcome": "W"},
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a plan that hangs from an exported request gets an assessment, undecided",
    agreed(moved_to_la="331", moved_date="P0+60"), plan(),
    category="active_plan", requests={"request_outcome": "Y", "exported": "331"},
    assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a plan that hangs from an undecided assessment: nothing is repaired",
    agreed(), assessment(), plan(),
    category="active_plan", assessment={"assessment_outcome": "A"},
)  # fmt: skip
example(
    "a plan that hangs from an assessment that was refused: nothing is repaired",
    agreed(), assessment(decision="refuse", decision_date="P0+80"), plan(),
    category="active_plan", assessment={"assessment_outcome": "N"},
)  # fmt: skip
example(
    "a plan that hangs from a withdrawn assessment",
    agreed(), assessment(withdrawn_date="P0+80"), plan(),
    category="active_plan", assessment={"assessment_outcome": "W"},
)  # fmt: skip
example(
    "a plan issued but undated: Y without a date",
    agreed(), issued("", twenty_week_exception="1"), plan(),
    category="active_plan",
    assessment={"assessment_outcome": "Y", "assessment_outcome_date": None, "week20": None},
)  # fmt: skip
example(
    "a request received after the survey day with a plan by it",
    request(received_date="S+5"), plan(),
    category="active_plan", requests={"request_outcome": "A", "received_date": "S+5"},
)  # fmt: skip

# --- Several plans, unknown requests --------------------------------------------------------------

example(
    "of several plans on one request the earliest start keeps it",
    agreed("P0-400", received_date="P0-440"), issued("P0-300"),
    plan(start_date="P0+10"),
    plan(plan_id="p2", start_date="P0-300", cease_date="P0-100", cease_reason="2"),
    category={"r1": "ceased_before_period", "plan:p1": "active_plan"},
    requests={"request_id": "plan:p1", "request_outcome": "H", "received_date": None},
    assessment={"request_id": "plan:p1", "assessment_outcome": "H"},
    named_plan={"request_id": "plan:p1", "start_date": "P0+10"},
    dispositions={"requests": ["out_of_scope"], "plans": ["returned", "out_of_scope"]},
)  # fmt: skip
example(
    "three plans on one request make three cases",
    agreed("P0-400"), issued("P0-300"),
    plan(start_date="P0-300", cease_date="P0+50"),
    plan(plan_id="p2", start_date="P0+60"),
    plan(plan_id="p3", start_date="S+1"),
    category={
        "r1": "recently_ceased", "plan:p2": "active_plan", "plan:p3": "received_after_survey_day",
    },
    requests=[{"request_id": "r1"}, {"request_id": "plan:p2"}],
)  # fmt: skip
example(
    "a plan whose request is unknown is treated as having none",
    plan(request_id="r9"), need(),
    category={"plan:p1": "active_plan"},
    requests={"request_id": "plan:p1", "request_outcome": "H"},
    dispositions={"plans": ["returned"], "needs": ["returned"]},
)  # fmt: skip
example(
    "a plan whose request is another person's is treated as having none",
    person(), person(person_id="other"), request(person_id="other"), plan(),
    category={"r1": "ongoing_request", "plan:p1": "active_plan"},
    requests=[
        {"request_id": "plan:p1", "person_id": "c", "request_outcome": "H"},
        {"request_id": "r1", "person_id": "other", "request_outcome": "A"},
    ],
)  # fmt: skip
example(
    "a person is in when any of their cases is, and only cases in scope are returned",
    refused("P0-90", received_date="P0-120"), request(request_id="r2"),
    category={"r1": "decided_before_period", "r2": "ongoing_request"},
    person={"surname": "Example"}, requests={"request_id": "r2"},
    dispositions={"people": ["returned"], "requests": ["out_of_scope", "returned"]},
)  # fmt: skip
example(
    "a person with no case is out",
    person(), category={}, person=None, dispositions={"people": ["out_of_scope"]},
)  # fmt: skip

# --- Transferred in -------------------------------------------------------------------------------

for day, category, la in [
    ("P0-1", "active_plan", None),
    ("P0", "active_plan", "331"),
    ("P1", "active_plan", "331"),
    ("S+1", "received_after_survey_day", None),
    ("", "active_plan", "331"),
]:
    is_in = category == "active_plan"
    example(
        f"a plan transferred in, {day or 'no date'}",
        old_plan(start_date="P0-700", transferred_from_la="331", transferred_date=day),
        category={"plan:p1": category},
        requests={"request_outcome": "H"} if is_in else None,
        assessment={"assessment_outcome": "H"} if is_in else None,
        named_plan={"start_date": "P0-700"} if is_in else None,
        active_plans={"transfer_la": la} if is_in else None,
    )  # fmt: skip
example(
    "a plan transferred in on the survey day has started; the period may be over",
    old_plan(transferred_from_la="331", transferred_date="S"),
    category={"plan:p1": "active_plan"}, named_plan={"start_date": "P0-500"},
)  # fmt: skip
example(
    "a plan transferred in on a date, from nobody knows where",
    old_plan(transferred_date="P0+10"),
    category={"plan:p1": "active_plan"}, active_plans={"transfer_la": None},
)  # fmt: skip
example(
    "a plan transferred in hanging from a request: H and H, with what is held",
    agreed(), issued("P0+100", twenty_week_exception="1"),
    plan(start_date="P0+10", transferred_from_la="331", transferred_date="P0+100"),
    category="active_plan",
    requests={"request_outcome": "H", "request_outcome_date": None, "received_date": "P0+20"},
    assessment={"assessment_outcome": "H", "assessment_outcome_date": None, "week20": None},
    active_plans={"transfer_la": "331"},
)  # fmt: skip
example(
    "a plan to be transferred in after the survey day leaves its request as it stands",
    agreed(), plan(start_date="P0-700", transferred_from_la="331", transferred_date="S+1"),
    category="ongoing_assessment", requests={"request_outcome": "Y"}, named_plan=None,
    assessment={"assessment_outcome": "A"},
)  # fmt: skip

# --- Flags ----------------------------------------------------------------------------------------

example(
    "a meeting and an appeal about the assessment, by the survey day",
    refused(), dispute("mediation", "assess", "P0+60"), dispute("appeal", "assess", "S"),
    category="not_assessed", requests={"request_mediation": "1", "request_tribunal": "1"},
    dispositions={"disputes": ["returned", "returned"]},
)  # fmt: skip
example(
    "a dispute after the survey day has not happened",
    refused(), dispute("mediation", "assess", "S+1"),
    category="not_assessed", requests={"request_mediation": "0", "request_tribunal": "0"},
    dispositions={"disputes": ["out_of_scope"]},
)  # fmt: skip
example(
    "an undated dispute counts",
    refused(), dispute("appeal", "assess", ""),
    category="not_assessed", requests={"request_mediation": "0", "request_tribunal": "1"},
    dispositions={"disputes": ["returned"]},
)  # fmt: skip
example(
    "a dispute before the period counts where the outcome is Y or N",
    agreed(), issued(), plan(), dispute("mediation", "issue", "P0-50"),
    category="active_plan", requests={"request_mediation": "0"},
    assessment={"assessment_mediation": "1", "assessment_tribunal": "0", "other_mediation": "0"},
)  # fmt: skip
example(
    "an appeal about something else on a plan issued in the period",
    agreed(), issued(), plan(), dispute("appeal", "other", "P0+150"),
    category="active_plan",
    assessment={"other_tribunal": "1", "other_mediation": "0", "assessment_tribunal": "0"},
)  # fmt: skip
example(
    "disputes of an undecided request set no flag",
    request(), dispute("mediation", "assess", "P0+60"),
    category="ongoing_request", requests={"request_mediation": None, "request_tribunal": None},
    dispositions={"disputes": ["returned"]},
)  # fmt: skip
example(
    "a dispute of an unknown kind sets no flag",
    refused(), dispute("quarrel", "assess", "P0+60"),
    category="not_assessed", requests={"request_mediation": "0", "request_tribunal": "0"},
)  # fmt: skip
for day, expected in [("P0-1", None), ("P0", "1"), ("P1", "1"), ("S+1", None), ("", "1")]:
    example(
        f"an H assessment with a dispute about other matters, {day or 'undated'}",
        agreed("P0-300", received_date="P0-340"), issued("P0-200"), plan(start_date="P0-200"),
        dispute("mediation", "other", day), dispute("appeal", "issue", "P0+5"),
        category="active_plan", requests={"request_mediation": None},
        assessment={
            "assessment_outcome": "H", "other_mediation": expected, "other_tribunal": None,
            "assessment_mediation": None, "assessment_tribunal": None,
        },
    )  # fmt: skip

example(
    "a dispute of a plan without a request is of its historical one",
    old_plan(), dispute("appeal", "other", "P0+50", request_id="", plan_id="p1"),
    category={"plan:p1": "active_plan"},
    assessment={"assessment_outcome": "H", "other_tribunal": "1", "other_mediation": None},
    dispositions={"disputes": ["returned"]},
)  # fmt: skip
example(
    "a dispute of a plan with a request is of that request",
    agreed(), issued(), plan(), dispute("appeal", "issue", "P0+150", request_id="", plan_id="p1"),
    category="active_plan", assessment={"assessment_tribunal": "1"},
)  # fmt: skip
example(
    "a dispute of no plan and no request is rejected",
    person(), dispute("appeal", "other", "", request_id="", plan_id="p9"),
    category={}, dispositions={"disputes": ["rejected"]},
)  # fmt: skip

# --- Placements, settings, needs ------------------------------------------------------------------

example(
    "placements that overlap the period up to the survey day",
    old_plan(),
    placement(placement_id="left-before", entry_date="P0-100", leaving_date="P0-1"),
    placement(placement_id="left-on-p0", entry_date="P0-99", leaving_date="P0"),
    placement(placement_id="entered-on-s", entry_date="S"),
    placement(placement_id="entered-after", entry_date="S+1"),
    placement(placement_id="no-entry", entry_date="", leaving_date="P0+3"),
    placement(placement_id="bad-entry", entry_date="?", leaving_date="?", rank="2"),
    placement(placement_id="leaves-on-s", entry_date="P0-98", leaving_date="S", rank="2"),
    placement(placement_id="leaves-after", entry_date="P0-97", leaving_date="S+1", rank="2"),
    placement(placement_id="no-entry-left-before", entry_date="", leaving_date="P0-1", rank="2"),
    category={"plan:p1": "active_plan"},
    placement_detail=[
        {"placement_id": "left-on-p0", "entry_date": "P0-99", "leaving_date": "P0"},
        {"placement_id": "entered-on-s", "entry_date": "S", "leaving_date": None},
        {"placement_id": "no-entry", "entry_date": None, "leaving_date": "P0+3"},
        {"placement_id": "bad-entry", "entry_date": None, "leaving_date": None},
        {"placement_id": "leaves-on-s", "entry_date": "P0-98", "leaving_date": "S"},
        {"placement_id": "leaves-after", "entry_date": "P0-97", "leaving_date": None},
    ],
    dispositions={
        "placements": [
            *("out_of_scope", "returned", "returned", "out_of_scope", "returned"),
            *("returned", "returned", "returned", "out_of_scope"),
        ],
    },
)  # fmt: skip
example(
    "placements of a plan ceased in the period are returned",
    old_plan(cease_date="P0+50", cease_reason="3"), placement(leaving_date="P0+50"),
    category={"plan:p1": "recently_ceased"}, placement_detail={"leaving_date": "P0+50"},
)  # fmt: skip
example(
    "in 2023 the residential and work-based settings are the latest first-rank placement's",
    old_plan(),
    placement(placement_id="old", entry_date="P0-90", residential="A", work_based="A"),
    placement(placement_id="now", entry_date="P0+10", residential="B", attendance="FT"),
    placement(placement_id="later", entry_date="S+1", residential="A", work_based="T"),
    placement(placement_id="blank", entry_date="", work_based="T"),
    placement(placement_id="second", entry_date="P0+20", rank="2", residential="A"),
    category={"plan:p1": "active_plan"}, years=(2023, 2023),
    active_plans={"res": "B", "wbp": None},
    placement_detail=[
        {"placement_id": "old", "res": None, "wbp": None, "attendance_pattern": None},
        {"placement_id": "now", "res": None, "attendance_pattern": "FT"},
        {"placement_id": "blank", "wbp": None}, {"placement_id": "second", "res": None},
    ],
)  # fmt: skip
example(
    "from 2024 each placement has its own residential and work-based setting",
    old_plan(), placement(residential="B", work_based="T", attendance="FT"),
    category={"plan:p1": "active_plan"}, years=(2024, 9999),
    active_plans={"res": None, "wbp": None},
    placement_detail={"res": "B", "wbp": "T", "attendance_pattern": None},
)  # fmt: skip
example(
    "codes that are not in their list are returned as they are",
    old_plan(residential="Z", personal_budget="yes", cease_date="P0+9", cease_reason="77"),
    plan_setting(setting="QQQ", setting_note="a tent", rank="3", sen_unit="x"),
    placement(setting="ZZ", rank="9", resourced_provision="2"), need(need="NOPE", rank="0"),
    category={"plan:p1": "recently_ceased"},
    named_plan={"plan_res": "Z", "pb": "yes", "cease_reason": "77"},
    plan_detail={
        "sen_setting": "QQQ", "sen_setting_other": "a tent", "placement_rank": "3",
        "sen_unit_indicator": "x",
    },
    placement_detail={"sen_setting": "ZZ", "placement_rank": "9"},
    sen_need={"sen_type": "NOPE", "sen_type_rank": "0"},
)  # fmt: skip

# --- Reviews --------------------------------------------------------------------------------------

example(
    "the review with the latest meeting by the survey day",
    old_plan(),
    review(meeting_date="P0-200", decision="M", decision_date="P0-190"),
    review(meeting_date="S", decision="A", decision_date="S"),
    review(meeting_date="S+1", decision="C", decision_date="S+1"),
    review(decision="C", decision_date="P0+60"),
    category={"plan:p1": "active_plan"}, years=(2024, 9999),
    active_plans={"review_meeting": "S", "review_outcome": "A", "last_review": "S"},
    dispositions={"reviews": ["out_of_scope", "returned", "out_of_scope", "out_of_scope"]},
)  # fmt: skip
example(
    "a phase transfer is the plan's own: of the latest due date, held or not",
    old_plan(),
    review(meeting_date="P0+40", decision="M", decision_date="P0+50"),
    review(phase_transfer_due_date="P0+400", phase_transfer_final_date="P0+20"),
    review(meeting_date="S+20", phase_transfer_due_date="P0+300"),
    category={"plan:p1": "active_plan"}, years=(2026, 9999),
    active_plans={
        "review_meeting": "P0+40", "phase_transfer_due_date": "P0+400",
        "phase_transfer_final_date": "P0+20",
    },
    dispositions={"reviews": ["returned", "returned", "out_of_scope"]},
)  # fmt: skip
for day, expected in [("P0-1", None), ("P0", "P0")]:
    example(
        f"a phase transfer due on {day}",
        old_plan(), review(meeting_date="P0-100", phase_transfer_due_date=day),
        category={"plan:p1": "active_plan"}, years=(2026, 9999),
        active_plans={"phase_transfer_due_date": expected, "phase_transfer_final_date": None},
    )  # fmt: skip
example(
    "in 2023 the last review is the one that was decided last",
    old_plan(), review(meeting_date="P0-700", decision="M", decision_date="P0-690"),
    review(meeting_date="P0+300"),
    category={"plan:p1": "active_plan"}, years=(2023, 2023),
    active_plans={"last_review": "P0-690"},
)  # fmt: skip
example(
    "in 2023 only the decision date of that review is returned",
    old_plan(), review(meeting_date="P0+5", decision="M", decision_date="P0+20"),
    category={"plan:p1": "active_plan"}, years=(2023, 2023),
    active_plans={"review_meeting": None, "review_outcome": None, "last_review": "P0+20"},
)  # fmt: skip
example(
    "a decision, draft and final plan after the survey day are blank, the due date stands",
    old_plan(),
    review(
        meeting_date="P0+200", decision="A", decision_date="S+1", draft_date="S+1",
        phase_transfer_due_date="S+30", phase_transfer_final_date="S+1",
    ),
    category={"plan:p1": "active_plan"}, years=(2025, 9999),
    active_plans={
        "review_meeting": "P0+200", "review_outcome": None, "last_review": None,
        "review_draft": None, "phase_transfer_final_date": None,
        "phase_transfer_due_date": "S+30",
    },
)  # fmt: skip
example(
    "a decision, draft and final plan on the survey day are returned",
    old_plan(),
    review(
        meeting_date="P0+200", decision="A", decision_date="S", draft_date="S",
        phase_transfer_due_date="S+30", phase_transfer_final_date="S",
    ),
    category={"plan:p1": "active_plan"}, years=(2025, 9999),
    active_plans={
        "review_outcome": "A", "last_review": "S", "review_draft": "S",
        "phase_transfer_final_date": "S",
    },
)  # fmt: skip
example(
    "a review with no meeting date only when there is no other by the survey day",
    old_plan(),
    review(decision="M", decision_date="P0+60"),
    review(meeting_date="S+1", decision="C", decision_date="S+1"),
    category={"plan:p1": "active_plan"}, years=(2024, 9999),
    active_plans={"review_meeting": None, "review_outcome": "M", "last_review": "P0+60"},
    dispositions={"reviews": ["returned", "out_of_scope"]},
)  # fmt: skip
example(
    "a review decision with no date is returned",
    old_plan(), review(meeting_date="P0+60", decision="M"),
    category={"plan:p1": "active_plan"}, years=(2024, 9999),
    active_plans={"review_meeting": "P0+60", "review_outcome": "M", "last_review": None},
)  # fmt: skip
example(
    "a review from long ago is still the last",
    old_plan(), review(meeting_date="P0-900", decision="M", decision_date="P0-890"),
    category={"plan:p1": "active_plan"}, active_plans={"last_review": "P0-890"},
)  # fmt: skip

# --- The person -----------------------------------------------------------------------------------

for sex, gender_code, expected in [
    ("M", "", "1"),
    ("F", "", "2"),
    ("F", "9", "9"),
    ("", "", None),
    ("X", "", None),
    ("", "7", "7"),
]:
    example(
        f"gender in 2023 from code {gender_code or 'blank'} and sex {sex or 'blank'}",
        person(sex=sex, gender_code=gender_code), request(),
        category="ongoing_request", years=(2023, 2023),
        person={"gender_current": expected, "sex": None},
    )  # fmt: skip
example(
    "sex is returned as recorded from 2024",
    person(sex="X"), request(),
    category="ongoing_request", years=(2024, 9999), person={"sex": "X", "gender_current": None},
)  # fmt: skip
example(
    "an unreadable date of birth is returned blank",
    person(birth_date="31.12.2010", upn="A1", uln="2", postcode="??", ethnicity="ZZZZ"), request(),
    category="ongoing_request",
    person={
        "person_birth_date": None, "upn": "A1", "unique_learner_number": "2",
        "postcode": "??", "ethnicity": "ZZZZ",
    },
)  # fmt: skip

# --- Rows that cannot be used ---------------------------------------------------------------------

example(
    "the first of two people with one key stays",
    person(surname="First"), person(surname="Second"), request(),
    category="ongoing_request", person={"surname": "First"},
    dispositions={"people": ["returned", "rejected"]},
)  # fmt: skip
example(
    "the first of two requests with one key stays, and what hangs from the key hangs from it",
    request(), agreed(), assessment(),
    category="ongoing_request", requests={"request_outcome": "A"}, assessment=None,
    dispositions={"requests": ["returned", "rejected"], "assessments": ["out_of_scope"]},
)  # fmt: skip
example(
    "a request has one assessment, the first",
    agreed(), issued(), assessment(decision="refuse", decision_date="P0+90"),
    category="awaiting_issue", assessment={"assessment_outcome": "Y"},
    dispositions={"assessments": ["returned", "rejected"]},
)  # fmt: skip
example(
    "the first of two plans and of two placements with one key stays",
    old_plan(), old_plan(start_date="S+1"), placement(), placement(entry_date="P0-5"),
    category={"plan:p1": "active_plan"}, named_plan={"start_date": "P0-500"},
    placement_detail={"entry_date": "P0-100"},
    dispositions={"plans": ["returned", "rejected"], "placements": ["returned", "rejected"]},
)  # fmt: skip
example(
    "a request of nobody is rejected, and all that hangs from it",
    person(), request(person_id="nobody"), assessment(), dispute("appeal", "issue", ""),
    category={}, person=None,
    dispositions={
        "people": ["out_of_scope"], "requests": ["rejected"],
        "assessments": ["rejected"], "disputes": ["rejected"],
    },
)  # fmt: skip
example(
    "a plan of nobody is rejected, and all that hangs from it",
    person(), old_plan(person_id="nobody"), plan_setting(), placement(), need(), review(),
    category={},
    dispositions={
        "plans": ["rejected"], "plan_settings": ["rejected"], "placements": ["rejected"],
        "needs": ["rejected"], "reviews": ["rejected"],
    },
)  # fmt: skip
example(
    "a plan whose request is rejected is not: it is treated as having none",
    person(), request(person_id="nobody"), plan(),
    category={"plan:p1": "active_plan"}, requests={"request_id": "plan:p1"},
    dispositions={"requests": ["rejected"], "plans": ["returned"]},
)  # fmt: skip
example(
    "rows whose parent is not in the extract are rejected",
    person(), assessment(request_id="r9"), dispute("appeal", "issue", "", request_id="r9"),
    plan_setting(plan_id="p9"), placement(plan_id="p9"), need(plan_id="p9"), review(plan_id="p9"),
    category={},
    dispositions={
        table: ["rejected"]
        for table in ("assessments", "disputes", "plan_settings", "placements", "needs", "reviews")
    },
)  # fmt: skip
example(
    "rows with a blank key are rejected",
    person(), person(person_id=""), request(request_id=""), old_plan(plan_id=""),
    old_plan(), placement(placement_id=""), need(plan_id=""), assessment(request_id=""),
    request(request_id="r2", person_id=""),
    category={"plan:p1": "active_plan"}, placement_detail=None, sen_need=None,
    dispositions={
        "people": ["returned", "rejected"], "requests": ["rejected", "rejected"],
        "plans": ["rejected", "returned"], "placements": ["rejected"], "needs": ["rejected"],
        "assessments": ["rejected"],
    },
)  # fmt: skip
example(
    "a second need or setting of one rank is data, not a repeated key",
    old_plan(), need(), need(), plan_setting(), plan_setting(setting="EHE"),
    category={"plan:p1": "active_plan"},
    sen_need=[{"sen_type": "ASD"}, {"sen_type": "ASD"}],
    plan_detail=[{"sen_setting": "OLA"}, {"sen_setting": "EHE"}],
)  # fmt: skip
example(
    "an establishment is reference, a second with its key is rejected",
    person(),
    ("establishments", {"urn": "123456", "name": "A school"}),
    ("establishments", {"urn": "123456", "name": "A school again"}),
    category={}, dispositions={"establishments": ["reference", "rejected"]},
)  # fmt: skip
example(
    "a value of nothing but spaces is blank",
    request(moved_to_la="  ", moved_date=" ", decision=" ", source=" "),
    category="ongoing_request",
    requests={"request_outcome": "A", "exported": None, "request_source": None},
)  # fmt: skip
example(
    "a date that is not written ccyy-mm-dd cannot be read",
    request(received_date="20250105"), old_plan(cease_date="2025-1-5"),
    category={"r1": "ongoing_request", "plan:p1": "active_plan"},
    named_plan={"cease_date": None},
)  # fmt: skip

# --- Near misses ----------------------------------------------------------------------------------

for claim, days, expected in [
    ("refused 31 days before the period", "P0-31", True),
    ("refused 32 days before the period", "P0-32", False),
    ("refused 30 days into the period", "P0+30", True),
    ("refused 31 days into the period", "P0+31", False),
]:
    example(
        f"{claim} is {'' if expected else 'not '}a near miss",
        refused(days, received_date="P0-90"),
        category="not_assessed" if "+" in days else "decided_before_period", near_miss=expected,
    )  # fmt: skip
example(
    "a blank date is not moved",
    refused("", received_date="P0-90"),
    category="not_assessed", near_miss=False,
)  # fmt: skip
example(
    "received 31 days after the survey day is a near miss",
    request(received_date="S+31"),
    category="received_after_survey_day", near_miss=True,
)  # fmt: skip
example(
    "received 32 days after the survey day is not a near miss",
    request(received_date="S+32"),
    category="received_after_survey_day", near_miss=False,
)  # fmt: skip
example(
    "a start and a transfer both after the survey day: neither alone changes anything",
    old_plan(start_date="S+5", transferred_from_la="331", transferred_date="S+5"),
    category={"plan:p1": "received_after_survey_day"}, near_miss=False,
)  # fmt: skip
example(
    "a transfer 31 days after the survey day is a near miss",
    old_plan(transferred_from_la="331", transferred_date="S+31"),
    category={"plan:p1": "received_after_survey_day"}, near_miss=True,
)  # fmt: skip
example(
    "a plan ceased 31 days before the period is a near miss",
    old_plan(cease_date="P0-31"),
    category={"plan:p1": "ceased_before_period"}, near_miss=True,
)  # fmt: skip


# --- Examples and random cases become one extract a build -----------------------------------------


def dated(value: str | None, survey: oracle.Survey) -> str | None:
    """A named day ("P0-1") as a date; anything else as it is."""
    found = NAMED_DAY.fullmatch(value or "")
    if not found:
        return value
    start = {"P0": survey.p0, "P1": survey.p1, "S": survey.s}[found[1]]
    return (start + timedelta(int(found[2] or 0))).isoformat()


def placed(row: dict[str, object], prefix: str, survey: oracle.Survey) -> dict[str, object]:
    """A row with its example's ids and the survey's days."""
    done = dict(row)
    for name, value in row.items():
        if name in IDS and value:
            own = str(value).removeprefix("plan:")
            done[name] = str(value).replace(own, f"{prefix}-{own}")
        elif name.endswith("_date") or name in ("last_review", "review_meeting", "review_draft"):
            done[name] = dated(value, survey)  # type: ignore[arg-type]
    return done


@cache
def of_year(year: int) -> list[Example]:
    return [e for e in EXAMPLES if e.years[0] <= year <= e.years[1]]


def prefix_of(example: Example) -> str:
    return f"e{EXAMPLES.index(example):03}"


def random_day(draw: random.Random, survey: oracle.Survey) -> str:
    """Dense around the days that matter, often blank, seldom unreadable."""
    kind = draw.random()
    if kind < 0.25:
        return ""
    if kind < 0.27:
        return draw.choice(["soon", "2025-02-30", "31/12/2025", " "])
    near = draw.choice([survey.p0, survey.p1, survey.s])
    if kind < 0.60:
        return (near + timedelta(draw.randint(-2, 2))).isoformat()
    if kind < 0.80:
        return (near + timedelta(draw.randint(-40, 40))).isoformat()
    first = survey.p0 - timedelta(500)
    return (first + timedelta(draw.randrange((survey.s - first).days + 60))).isoformat()


def random_cases(survey: oracle.Survey) -> dict[str, list[Row]]:
    """People with requests, assessments, disputes, plans and all below, good rows and bad."""
    draw = random.Random(f"{SEED} {survey.year} {survey.p1}")
    tables: dict[str, list[Row]] = defaultdict(list)

    def put(table: str, **row: str) -> None:
        tables[table].append(row)
        if draw.random() < 0.01 and table != "reviews":  # again, with a value of another row
            other = draw.choice(tables[table])
            column = draw.choice(sorted(row))
            tables[table].append({**row, column: other.get(column, "")})

    def day() -> str:
        return random_day(draw, survey)

    def days(count: int) -> list[str]:
        """Days that mostly follow each other, and sometimes contradict each other."""
        found = [day() for _ in range(count)]
        return sorted(found) if draw.random() < 0.6 else found

    def some(share: float, *values: str) -> str:
        return draw.choice(values) if draw.random() < share else ""

    def distinct() -> Callable[[], str]:
        """Days of which no two are one and at most one is no date: ties are not specified."""
        seen: set[date | None] = set()

        def take() -> str:
            while oracle.day(found := day()) in seen:
                pass
            seen.add(oracle.day(found))
            return found

        return take

    def setting() -> Row:
        return {
            "urn": some(0.5, "100001", "9"),
            "setting": some(0.4, "OLA", "OTH", "??"),
            "rank": draw.choice("1112"),
            "sen_unit": some(0.8, "0", "1", "x"),
            "resourced_provision": some(0.8, "0", "1"),
        }

    for n in range(RANDOM_PERSONS):
        who = f"x{n:05}"
        if draw.random() > 0.01:
            put(
                "people", person_id=who, sex=some(0.9, "M", "F", "X"),
                gender_code=some(0.5, "0", "1", "2", "9"), upn=some(0.2, "U1"),
                birth_date=day() if draw.random() < 0.2 else "2008-02-29",
            )  # fmt: skip
        requests = [f"{who}-r{k}" for k in range(draw.choice([0, 1, 1, 1, 2]))]
        for key in requests:
            has_moved = draw.random() < 0.25
            received, decided, agreed_day, assessed = days(4)
            put(
                "requests", request_id=key, person_id=who if draw.random() > 0.01 else "nobody",
                received_date=received, source=some(0.8, "1", "2", "8"),
                in_youth_accommodation=some(0.9, "0", "1"),
                decision=some(0.8, "assess", "assess", "refuse", "refuse", "maybe"),
                decision_date=decided, withdrawn_date=day() if draw.random() < 0.3 else "",
                moved_to_la=some(0.8, "331", "XXX") if has_moved else "",
                moved_date=day() if has_moved else "",
            )  # fmt: skip
            if draw.random() < 0.6:
                is_blank = draw.random() < 0.2
                put(
                    "assessments", request_id=key,
                    decision="" if is_blank else some(0.8, "issue", "refuse", "perhaps"),
                    decision_date="" if is_blank else assessed,
                    withdrawn_date=day() if draw.random() < 0.25 and not is_blank else "",
                    agreed_date=agreed_day if draw.random() < 0.4 else "",
                    issue_decided_date=day() if draw.random() < 0.3 else "",
                    twenty_week_exception=some(0.8, "0", "1"),
                )  # fmt: skip
            for _ in range(draw.choice([0, 0, 1, 2])):
                put(
                    "disputes", request_id=key, kind=some(0.97, "mediation", "appeal"),
                    about=some(0.97, "assess", "issue", "other"), dispute_date=day(),
                )  # fmt: skip
        if draw.random() < 0.01:
            put("assessments", request_id=f"{who}-r9", decision="issue", decision_date=day())
            put("disputes", request_id="", kind="appeal", about="other", dispute_date=day())
            put("disputes", request_id="", plan_id=f"{who}-p9", kind="appeal", dispute_date=day())
        for k in range(draw.choice([0, 0, 1, 1, 1, 2, 3])):
            key = f"{who}-p{k}"
            is_transfer = draw.random() < 0.25
            other = draw.choice(tables["requests"])["request_id"] if tables["requests"] else ""
            has_ceased = draw.random() < 0.4
            started, ceased = days(2)
            put(
                "plans", plan_id=key, person_id=who if draw.random() > 0.01 else "nobody",
                request_id=draw.choice(
                    [*requests * 12, "", "", other if draw.random() < 0.3 else "", f"{who}-r8"]
                ),
                start_date=started, residential=some(0.1, "A", "B"), work_based=some(0.1, "T"),
                personal_budget=some(0.9, "0", "1"), direct_payments=some(0.1, "E", "S"),
                transferred_from_la=some(0.8, "331", "XXX") if is_transfer else "",
                transferred_date=day() if is_transfer else "",
                cease_date=ceased if has_ceased else "",
                cease_reason=some(0.9, "1", "2", "99") if has_ceased else "",
            )  # fmt: skip
            for _ in range(draw.choice([0, 1, 1, 2])):
                put("plan_settings", plan_id=key, **setting())
                put("needs", plan_id=key, rank=draw.choice("12"), need=some(0.9, "ASD", "MLD"))
            if draw.random() < 0.2:
                put(
                    "disputes", request_id=some(0.2, *requests, ""), plan_id=key, kind="appeal",
                    about=some(0.97, "assess", "issue", "other"), dispute_date=day(),
                )  # fmt: skip
            entry = distinct()
            for place in range(draw.choice([0, 1, 2, 3])):
                put(
                    "placements", plan_id=key, placement_id=f"{key}-l{place}", entry_date=entry(),
                    leaving_date=day() if draw.random() < 0.5 else "", **setting(),
                    residential=some(0.3, "A", "B"), work_based=some(0.3, "A", "T"),
                    attendance=some(0.3, "FT", "PT"),
                )  # fmt: skip
            meeting = distinct()
            for _ in range(draw.choice([0, 1, 2])):
                put(
                    "reviews", plan_id=key, meeting_date=meeting(), decision=some(0.8, "A", "C"),
                    decision_date=day(), draft_date=day(), phase_transfer_due_date=day(),
                    phase_transfer_final_date=day(),
                )  # fmt: skip
    for below in ("plan_settings", "placements", "needs", "reviews"):
        put(below, plan_id="no-such-plan", placement_id="x-orphan")
    put("people", person_id="", sex="F")
    return tables


@dataclass
class Built:
    """One build: what went in, what should come out, and what did."""

    survey: oracle.Survey
    expected: oracle.Answer
    scope: list[dict[str, object]]
    tables: dict[str, list[dict[str, object]]]
    dispositions: Counter[tuple[object, object, object]]
    disposition_of: dict[tuple[str, int], object]
    first_row: dict[tuple[str, str], int]


def make(year: int, period_end: str, folder: Path) -> Built:
    survey = oracle.survey(year, period_end)
    tables: dict[str, list[Row]] = defaultdict(list)
    first_row: dict[tuple[str, str], int] = {}
    for each in of_year(year):
        prefix = prefix_of(each)
        for table, row in each.rows:
            first_row.setdefault((prefix, table), len(tables[table]) + oracle.FIRST_ROW)
            tables[table].append(placed(row, prefix, survey))  # type: ignore[arg-type]
    for table, more in random_cases(survey).items():
        tables[table] += more
    write_extract(folder / "extract", year, **tables)
    needed = ("person_level", "audit")
    warehouse = build_extract(folder / "extract", year, folder / "sen2.duckdb", period_end, needed)
    found = rows(warehouse, "audit.row_dispositions", "table_name, _row: row, disposition")
    return Built(
        survey=survey,
        expected=oracle.answer(with_defaults(tables), survey),
        scope=rows(warehouse, "intermediate.case_scope"),
        tables={table: rows(warehouse, f"person_level.{table}") for table in RETURN},
        dispositions=Counter((r["table_name"], r["_row"], r["disposition"]) for r in found),
        disposition_of={
            (str(r["table_name"]), int(str(r["_row"]))): r["disposition"] for r in found
        },
        first_row=first_row,
    )


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Builds:
    """Each build, made once for all test workers, which share the work."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder if worker_id == "master" else folder.parent) / "case_scope"

    def pickled(year: int, period_end: str) -> Path:
        return folder / f"{year}-{period_end}" / "built.pickle"

    for build in BUILDS if worker_id in ("master", "gw0") else reversed(BUILDS):
        path = pickled(*build)
        with once(path.parent, "build") as is_first:
            if is_first:
                path.write_bytes(pickle.dumps(make(*build, path.parent)))

    return cache(lambda year, period_end: pickle.loads(pickled(year, period_end).read_bytes()))


BY_BUILD = [pytest.param(*build, id=f"{build[0]}-{build[1]}") for build in BUILDS]
BY_EXAMPLE = [
    pytest.param(*build, each, id=f"{build[0]}-{build[1]}-{each.claim}")
    for build in BUILDS
    for each in of_year(build[0])
]


# --- The tests ------------------------------------------------------------------------------------


def without_pair(wanted: list[dict[str, object]], found: list[dict[str, object]]) -> list[object]:
    """What is left over when each wanted row takes one found row that holds its items."""
    left = list(found)
    missing: list[object] = []
    for want in wanted:
        match = next((row for row in left if want.items() <= row.items()), None)
        if match is None:
            missing.append(want)
        else:
            left.remove(match)
    return [*missing, *left]


@pytest.mark.parametrize(("year", "period_end", "example"), BY_EXAMPLE)
def test_example(builds: Builds, year: int, period_end: str, example: Example) -> None:
    built = builds(year, period_end)
    prefix = prefix_of(example)
    scope = {
        str(row["request_id"]): row
        for row in built.scope
        if str(row["person_id"]).startswith(prefix + "-")
    }
    is_calendar = period_end == "calendar_year"
    wanted = example.category
    if is_calendar and example.calendar_year:
        wanted = example.calendar_year
    if isinstance(wanted, str):
        wanted = {"r1": wanted}
    keys = {placed({"request_id": k}, prefix, built.survey)["request_id"]: k for k in wanted or {}}
    assert {keys.get(case, case): row["category"] for case, row in scope.items()} == wanted
    for row in scope.values():
        assert row["in_return"] == oracle.IN_RETURN[str(row["category"])]
    if example.near_miss is not None and not is_calendar:
        assert {row["near_miss"] for row in scope.values()} == {example.near_miss}
    for table, outcomes in example.dispositions.items():
        first = built.first_row[prefix, table]
        got = [built.disposition_of[table, first + n] for n in range(len(outcomes))]
        assert got == outcomes, table
    if is_calendar and example.calendar_year:
        return
    for table, expected in example.returned.items():
        want = expected if isinstance(expected, list) else [] if expected is None else [expected]
        found = [r for r in built.tables[table] if str(r["person_id"]).startswith(prefix + "-")]
        wanted_rows = [placed(row, prefix, built.survey) for row in want]
        if without_pair(wanted_rows, found):
            assert found == wanted_rows, table  # shows both


def differences(
    expected: list[dict[str, object]], found: list[dict[str, object]]
) -> Iterator[tuple[str, dict[str, object]]]:
    """Rows on one side only, with how often."""

    def counted(every: list[dict[str, object]]) -> Counter[frozenset[tuple[str, object]]]:
        return Counter(frozenset(row.items()) for row in every)

    want, got = counted(expected), counted(found)
    yield from (("only expected", dict(row)) for row in (want - got).elements())
    yield from (("only found", dict(row)) for row in (got - want).elements())


@pytest.mark.parametrize(("year", "period_end"), BY_BUILD)
def test_every_case_is_where_the_oracle_puts_it(builds: Builds, year: int, period_end: str) -> None:
    built = builds(year, period_end)
    expected = {str(row["request_id"]): row for row in built.expected.case_scope}
    found = {str(row.pop("request_id")): row for row in map(dict, built.scope)}
    assert len(found) == len(built.scope)
    assert found.keys() == expected.keys()
    wrong = [
        (case, name, want, found[case][name])
        for case, row in expected.items()
        for name, want in row.items()
        if name != "request_id" and found[case][name] != want
    ]
    assert wrong == []
    assert all(row["reason"] for row in found.values())


@pytest.mark.parametrize("table", RETURN)
@pytest.mark.parametrize(("year", "period_end"), BY_BUILD)
def test_the_return_is_the_oracles(builds: Builds, year: int, period_end: str, table: str) -> None:
    built = builds(year, period_end)
    found = built.tables[table]
    assert {row["return_id"] for row in found} == {"built"}
    names = [name for name in found[0] if name != "return_id"]
    expected = [{name: row.get(name) for name in names} for row in built.expected.tables[table]]
    assert all(row.keys() <= set(names) for row in built.expected.tables[table])
    found = [{name: row[name] for name in names} for row in found]
    assert list(differences(expected, found)) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(("year", "period_end"), BY_BUILD)
def test_every_row_has_the_oracles_disposition(builds: Builds, year: int, period_end: str) -> None:
    built = builds(year, period_end)
    expected: Counter[tuple[object, object, object]] = Counter(built.expected.dispositions)
    assert sorted((expected - built.dispositions).elements()) == []
    assert sorted((built.dispositions - expected).elements()) == []


def test_every_category_has_an_example() -> None:
    named = {
        category
        for e in EXAMPLES
        for held in (e.category, e.calendar_year)
        for category in (held.values() if isinstance(held, dict) else [held])
        if category
    }
    assert named == set(oracle.IN_RETURN)
