"""Which cases can take a fault."""

import numpy as np

from ..cases import ACTIVE, CEASED, DISPUTES
from ..days import Flags, Ints, age_on
from ..survey import outcome_code
from .finder import Finder, Where


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
            codes = find.sample.review_decisions
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


def without_active_plan(find: Finder) -> Flags:
    """Someone of whose plans none is active, so that no age of a plan's is asked of them."""
    active = np.zeros(len(find.people.birth), dtype=bool)
    active[find.cases.person[find.cases.category == ACTIVE]] = True
    none: Flags = ~active[find.cases.person]
    return none


def without_dispute(find: Finder) -> Flags:
    """A case of which nothing was disputed."""
    days = np.column_stack([find.cases.disputes(kind, about) for kind, about in DISPUTES])
    none: Flags = np.logical_and.reduce(np.isnat(days), axis=1)
    return none


def has_active_plan_too(find: Finder) -> Flags:
    """A plan that ended in the period, of someone with an active one."""
    active = np.zeros(len(find.people.birth), dtype=bool)
    active[find.cases.person[find.cases.category == ACTIVE]] = True
    return (find.cases.category == CEASED) & active[find.cases.person]
