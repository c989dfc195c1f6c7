"""Everything drawn for an extract, and the whole extract before it is written."""

from dataclasses import dataclass

import numpy as np

from .cases import Cases
from .days import Flags, Ints, Random, age_on
from .figures import Figures
from .people import People, make_people
from .placements import Placements
from .plans import Given, PlanMaker, Plans
from .reviews import Reviews
from .schools import Settings
from .survey import Survey


@dataclass
class Parts:
    """Everything drawn, before it becomes tables."""

    survey: Survey
    la_code: str
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


def number_where(condition: Flags) -> Ints:
    """0, 1, 2 and so on where the condition holds, -1 elsewhere."""
    return np.where(condition, np.cumsum(condition) - 1, -1)


UNKNOWN_LA = "XXX"


def draw_parts(
    survey: Survey,
    figures: Figures,
    rng: Random,
    cases: Cases,
    la_code: str,
    given: Given | None = None,
) -> Parts:
    """Draw all that hangs from the cases; `given` is what is known of the plans."""
    people = make_people(rng, figures, survey, cases, la_code)
    maker = PlanMaker(rng, figures, survey, cases)
    plans, placements, reviews = maker.make(given)
    others = [code for code in survey.in_force("LA") if code not in (la_code, UNKNOWN_LA)]
    unknown = rng.random(len(cases)) < np.where(
        np.isnat(cases.moved),
        figures.one("plan", "transferred_from_unknown"),
        figures.one("plan", "moved_to_unknown"),
    )
    ages = age_on(cases.birth, np.where(cases.has_request, cases.received, survey.day))
    youth = rng.random(len(cases)) < figures.one("youth_accommodation", "share")
    youth &= (ages >= survey.limits["rya_age_from"]) & (ages <= survey.limits["rya_age_to"])
    return Parts(
        survey=survey,
        la_code=la_code,
        figures=figures,
        cases=cases,
        people=people,
        plans=plans,
        placements=placements,
        reviews=reviews,
        settings=maker.settings,
        need_codes=maker.need_codes,
        codes=maker.placer.codes,
        authorities=[*others, UNKNOWN_LA],
        moved_to=np.where(unknown, len(others), rng.integers(0, len(others), len(cases))),
        youth=youth,
        source=figures.draw(rng, "request_source", len(cases)),
        sources=figures.labels("request_source"),
        direct_payments=figures.labels("direct_payments"),
        review_decisions=figures.labels("review_decision"),
    )
