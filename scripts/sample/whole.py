"""A whole extract before it is written, with what is expected of it."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .cases import AGREE, OUT_OF_SCOPE, REFUSE, Cases, category_number
from .days import Flags, Ints
from .extract import TableMaker
from .parts import Parts, number_where
from .schools import closing_day, plain_school
from .survey import Survey, outcome_code
from .tables import Table, plan_id, request_id


@dataclass
class Sample(Parts):
    """A whole extract before it is written, with what is expected of it."""

    tables: dict[str, Table]
    request_number: Ints
    plan_number: Ints
    request_outcome: npt.NDArray[np.str_]
    assessment_outcome: npt.NDArray[np.str_]
    named_by_urn: Flags
    attended_by_urn: Flags
    closed_urn: str
    closing_day: np.datetime64
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


def make_sample(parts: Parts) -> Sample:
    """Turn what was drawn into tables, with the outcomes expected of each case."""
    request_outcome, assessment_outcome = expected_outcomes(parts.survey, parts.cases)
    settings = parts.settings
    return Sample(
        **vars(parts),
        tables=TableMaker(parts).make(),
        request_number=number_where(parts.cases.has_request),
        plan_number=number_where(parts.cases.has_plan),
        request_outcome=request_outcome,
        assessment_outcome=assessment_outcome,
        named_by_urn=plain_school(settings, parts.plans.setting, parts.plans.establishment),
        attended_by_urn=plain_school(
            settings, parts.placements.leaf, parts.placements.establishment
        ),
        closed_urn="".join(settings.urn[settings.closed].astype(str)[:1]),
        closing_day=closing_day(parts.survey),
    )


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
