"""The people of the cases."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .. import spec
from .cases import AGREE, NOT_ASSESSED, ONGOING_REQUEST, REQUEST_WITHDRAWN, Cases
from .days import Days, Flags, Ints, Random, age_on, never
from .figures import Bands, Figures, draw_by_band, pick
from .identifiers import make_postcodes, make_ulns, make_upns, without
from .survey import Survey


@dataclass
class People:
    """One entry per person; `band` is the age band on the age reference day."""

    birth: Days
    band: Ints
    is_male: Flags
    ethnicity: npt.NDArray[np.str_]
    surname: Ints
    forename: Ints
    surnames: list[str]
    forenames: list[str]
    postcode: npt.NDArray[np.bytes_]
    upn: npt.NDArray[np.bytes_]
    uln: npt.NDArray[np.bytes_]
    reason: npt.NDArray[np.str_]


def make_people(
    rng: Random, figures: Figures, survey: Survey, cases: Cases, la_code: str
) -> People:
    """The people of the cases."""
    size = int(cases.person.max()) + 1
    births = never(size)
    births[cases.person] = cases.birth
    has_plan = np.zeros(size, dtype=bool)
    has_plan[cases.person[cases.has_plan]] = True
    bands = Bands(figures)
    band = bands.of(np.maximum(age_on(births, survey.age_day), 0))
    is_male = np.where(
        has_plan,
        figures.draw(rng, "sex:plan", size) == figures.labels("sex:plan").index("M"),
        figures.draw(rng, "sex:request", size) == figures.labels("sex:request").index("M"),
    )
    surnames, surname = draw_surnames(rng, figures, size)
    girls, boys = figures.labels("forename:F"), figures.labels("forename:M")
    upn, uln, reason = make_identifiers(rng, figures, survey, cases, births, band, la_code)
    return People(
        birth=births,
        band=band,
        is_male=is_male,
        ethnicity=draw_ethnicity(rng, figures, has_plan),
        surname=surname,
        forename=np.where(
            is_male,
            len(girls) + figures.draw(rng, "forename:M", size),
            figures.draw(rng, "forename:F", size),
        ),
        surnames=surnames,
        forenames=girls + boys,
        postcode=without(
            make_postcodes(rng, size), rng.random(size) < figures.one("missing", "postcode")
        ),
        upn=upn,
        uln=uln,
        reason=reason,
    )


def draw_surnames(rng: Random, figures: Figures, size: int) -> tuple[list[str], Ints]:
    """Surnames, some of them two joined by a hyphen."""
    single = figures.labels("surname")
    pairs = rng.integers(0, len(single), (len(single), 2))
    double = [f"{single[a]}-{single[b]}".replace(" & ", "-") for a, b in pairs]
    chosen = figures.draw(rng, "surname", size)
    joined = rng.random(size) < figures.one("surname_double", "share")
    return single + double, np.where(joined, chosen + len(single), chosen)


def draw_ethnicity(rng: Random, figures: Figures, has_plan: Flags) -> npt.NDArray[np.str_]:
    """Ethnicity codes; not obtained or refused more often before there is a plan."""
    known = np.array(figures.labels("ethnicity"))[figures.draw(rng, "ethnicity", len(has_plan))]
    for group, rows in (("plan", has_plan), ("request", ~has_plan)):
        name = f"ethnicity_unclassified:{group}"
        labels = figures.labels(name)
        weights = figures.weights(name, labels)
        drawn = pick(rng, np.append(weights, 1 - weights.sum()), len(has_plan))
        codes = np.append(labels, "")[drawn]
        known = np.where(rows & (codes != ""), codes, known)
    return known


def make_identifiers(
    rng: Random,
    figures: Figures,
    survey: Survey,
    cases: Cases,
    births: Days,
    band: Ints,
    la_code: str,
) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.bytes_], npt.NDArray[np.str_]]:
    """UPN, ULN, and for those with neither the reason; each reason only where it may be used."""
    size, bands = len(births), Bands(figures)
    none = draw_by_band(rng, bands, band, figures, "no_identifier")
    reason = np.full(size, "", dtype="U4")
    for number, name in enumerate(bands.names):
        rows = np.flatnonzero(none & (band == number))
        group = f"no_identifier_reason:{name}"
        labels = np.array(figures.labels(group))
        reason[rows] = labels[figures.draw(rng, group, len(rows))]
    for code, figure, eligible in (
        ("UN8", "identifier_new_to_authority", new_to_authority(survey, cases, size)),
        ("UN10", "identifier_no_further_action", no_further_action(cases, size)),
    ):
        chosen = eligible & (rng.random(size) < figures.one("missing", figure))
        reason[chosen] = code
        none |= chosen
    known = np.array([row["code"] for row in spec.seed("upn_la_codes")])
    own = np.full(size, la_code if la_code in known else known[0])
    other = rng.random(size) < figures.one("upn", "other_authority")
    authorities = np.where(other, known[rng.integers(0, len(known), size)], own)
    temporary = rng.random(size) < figures.one("upn", "temporary")
    has_uln = draw_by_band(rng, bands, band, figures, "uln") & ~none
    has_upn = (draw_by_band(rng, bands, band, figures, "upn") | ~has_uln) & ~none
    upn = without(make_upns(rng, births, authorities, temporary), ~has_upn)
    return upn, without(make_ulns(rng, size), ~has_uln), reason


def new_to_authority(survey: Survey, cases: Cases, size: int) -> Flags:
    """People whose only case is a request of the last days of the period."""
    days = int(survey.limits["un8_days"])
    recent = (cases.category == ONGOING_REQUEST) & (cases.received > survey.day - days)
    return only(cases, recent, size)


def no_further_action(cases: Cases, size: int) -> Flags:
    """People whose only case is a request that was refused or withdrawn."""
    ended = np.isin(cases.category, (NOT_ASSESSED, REQUEST_WITHDRAWN)) & (cases.decision != AGREE)
    return only(cases, ended & np.isnat(cases.moved), size)


def only(cases: Cases, condition: Flags, size: int) -> Flags:
    """People all of whose cases satisfy the condition."""
    holds = np.ones(size, dtype=bool)
    holds[cases.person[~condition]] = False
    return holds
