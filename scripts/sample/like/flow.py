"""How many cases of each kind it takes for an authority's published flows to come out.

The published figures fix requests by outcome, decisions by time, plans issued by time, disputes;
what they leave open, such as how many of the plans issued were asked for in the year, follows from
them or is set to what is usual.
"""

from dataclasses import dataclass

import numpy as np

from .allocate import share_out
from .targets import Targets

USUAL_IN_YEAR = 0.62
USUAL_UNDER_WAY = 0.3
USUAL_LATE = 0.3
JANUARY = 0.03


@dataclass
class Flow:
    """Numbers of cases; `in` is received in the year, `carried` before it and decided in it."""

    issued_in: int = 0
    issued_carried: int = 0
    not_issued_in: int = 0
    not_issued_carried: int = 0
    under_way: int = 0
    under_way_carried: int = 0
    under_way_january: int = 0
    assessments_withdrawn: int = 0
    assessments_withdrawn_carried: int = 0
    refused_in: int = 0
    refused_january: int = 0
    refused_carried: int = 0
    undecided: int = 0
    withdrawn: int = 0
    # Plans issued that have no time: by what about each was disputed; the rest have no date.
    overturned: int = 0
    disputed: tuple[int, int, int] = (0, 0, 0)
    undated: int = 0
    # Late ones among the decisions of the year.
    late: int = 0

    @property
    def decisions(self) -> dict[str, int]:
        """Decisions in the year on requests, by kind of case."""
        return {
            "issued_in": self.issued_in,
            "issued_carried": self.issued_carried,
            "not_issued_in": self.not_issued_in,
            "not_issued_carried": self.not_issued_carried,
            "under_way": self.under_way - self.under_way_january - self.under_way_carried,
            "assessments_withdrawn": self.assessments_withdrawn,
            "refused_in": self.refused_in - self.refused_january,
            "refused_carried": self.refused_carried,
        }

    def late_by_kind(self) -> dict[str, int]:
        """The late decisions shared over the kinds of case."""
        numbers = np.array(list(self.decisions.values()))
        return dict(zip(self.decisions, map(int, share_out(self.late, numbers)), strict=True))


def solve(targets: Targets, issued: int, timed: int) -> Flow:
    """The numbers that make the targets true.

    `timed` of the plans issued have a time of less than a year, so that they may come from requests
    of the year; those that have none because of a dispute may too.
    """
    flow = Flow()
    untimed = issued - sum(targets.timed.values())
    disputes = sum(disputes.all for disputes in targets.disputes.values())
    movable = timed + (min(untimed, disputes) if targets.disputes_exclude else 0)
    if targets.requests.agreed is None:
        _from_received(flow, targets, issued, movable)
    else:
        _from_outcomes(flow, targets, issued, movable)
    flow.late = targets.requests.late or 0
    if targets.requests.late is None:
        flow.late = round(USUAL_LATE * sum(flow.decisions.values()))
    _carry(flow, targets, timed + untimed - flow.undated)
    return flow


def refused_assessments(targets: Targets) -> int:
    """Assessments of the year that led to no plan and have a time."""
    return targets.refused_in_time + targets.refused_late


def _from_outcomes(flow: Flow, targets: Targets, issued: int, movable: int) -> None:
    """The 2025 release: outcomes of the requests received in the year."""
    requests = targets.requests
    untimed = issued - sum(targets.timed.values())
    flow.undecided, flow.withdrawn = requests.undecided, requests.withdrawn
    agreed = requests.agreed or 0
    flow.not_issued_in = min(round(USUAL_IN_YEAR * refused_assessments(targets)), agreed)
    wanted = agreed - flow.not_issued_in - round(USUAL_UNDER_WAY * agreed)
    flow.issued_in = int(np.clip(wanted, 0, movable))
    _dispute(flow, targets, untimed)
    flow.overturned = min(flow.disputed[0], requests.refused, flow.issued_in)
    # An overturned refusal is a refusal among the requests, so another request is agreed to.
    flow.under_way = agreed - flow.not_issued_in - (flow.issued_in - flow.overturned)
    withdrawn = targets.assessments_withdrawn
    if withdrawn is None:
        withdrawn = flow.under_way // 25
    flow.assessments_withdrawn = min(withdrawn, flow.under_way)
    flow.assessments_withdrawn_carried = withdrawn - flow.assessments_withdrawn
    flow.under_way -= flow.assessments_withdrawn
    flow.refused_in = requests.refused - flow.overturned


def _from_received(flow: Flow, targets: Targets, issued: int, movable: int) -> None:
    """The form: all requests received, refusals, and assessments under way at the end."""
    requests = targets.requests
    received, under_way = requests.received, targets.under_way or 0
    flow.under_way, flow.undated = under_way, issued - sum(targets.timed.values())
    flow.under_way_carried = max(under_way - received, 0)
    left = received - (under_way - flow.under_way_carried)
    most = np.array([movable, refused_assessments(targets), requests.refused, left, left])
    usual = np.array(
        [
            USUAL_IN_YEAR * issued, USUAL_IN_YEAR * most[1], 0.87 * requests.refused,
            0.1 * received, 0.05 * received,
        ]
    )  # fmt: skip
    parts = np.minimum(share_out(min(left, int(usual.sum())), usual), most)
    for place in (0, 2, 1, 3):
        parts[place] += min(most[place] - parts[place], left - int(parts.sum()))
    flow.issued_in, flow.not_issued_in, flow.refused_in, flow.undecided, flow.withdrawn = map(
        int, parts
    )
    flow.refused_carried = requests.refused - flow.refused_in


def _dispute(flow: Flow, targets: Targets, untimed: int) -> None:
    """How many disputes fall on plans issued, so that exactly the untimed ones have any."""
    numbers = [targets.disputes[about].all for about in ("assess", "issue", "other")]
    refusals = refused_assessments(targets) + targets.refused_untimed
    agreed = (targets.requests.agreed or 0) - flow.issued_in
    elsewhere = [targets.requests.refused + agreed, refusals, refusals]
    least = [max(n - room, 0) for n, room in zip(numbers, elsewhere, strict=True)]
    most = [min(numbers[0], flow.issued_in), numbers[1], numbers[2]]
    on_issued = [min(a, b, untimed) for a, b in zip(least, most, strict=True)]
    for place in (2, 0, 1):
        room = untimed - sum(on_issued)
        on_issued[place] += max(min(most[place] - on_issued[place], room), 0)
    flow.disputed = (on_issued[0], on_issued[1], on_issued[2])
    flow.undated = max(untimed - sum(on_issued), 0)


def _carry(flow: Flow, targets: Targets, movable: int) -> None:
    """Decisions of the year that the requests of the year do not account for, or too many."""
    requests = targets.requests
    if requests.in_time is None:
        return
    made = sum(flow.decisions.values())
    beyond = requests.in_time + (requests.late or 0) - made
    open_now = flow.under_way
    january = max(-beyond, min(round(JANUARY * open_now), open_now))
    flow.under_way_january = min(january, open_now)
    flow.refused_january = min(january - flow.under_way_january, flow.refused_in)
    carried = beyond + flow.under_way_january + flow.refused_january
    room = movable - flow.issued_in
    flow.issued_carried = max(min(carried // 2, room), 0)
    flow.not_issued_carried = min(
        carried - flow.issued_carried, (refused_assessments(targets) - flow.not_issued_in) // 2
    )
    flow.refused_carried = carried - flow.issued_carried - flow.not_issued_carried
