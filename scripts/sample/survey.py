"""What the seeds say about one collection."""

from dataclasses import dataclass

import numpy as np

from .. import spec
from .days import day_in


@dataclass(frozen=True)
class Survey:
    """What the seeds say about one collection: its days, codes and limits."""

    year: int
    day: np.datetime64
    period_start: np.datetime64
    calendar_year_end: np.datetime64
    age_day: np.datetime64
    key_days: dict[str, str]
    limits: dict[str, float]

    @property
    def period_years(self) -> float:
        """How long the period is, in years."""
        return float((self.day - self.period_start).astype(int) + 1) / 365.25

    def in_force(self, codeset: str) -> list[str]:
        """The codes of a set that year; the first year's for a year before any."""
        rows = [row for row in spec.seed("codes") if row["codeset"] == codeset]
        year = max(self.year, min(int(row["year_from"]) for row in rows))
        return [r["code"] for r in rows if int(r["year_from"]) <= year <= int(r["year_to"])]


def read_survey(year: int) -> Survey:
    """The survey of a year; an unknown year is an input error."""
    spec.collection(year)
    row = next(r for r in spec.seed("collections") if int(r["collection_year"]) == year)
    key_days = {r["name"]: r["value"] for r in spec.seed("key_dates")}
    day = np.datetime64(row["survey_day"], "D")
    age_day = day_in(year, key_days["age_reference_day"])
    return Survey(
        year=year,
        day=day,
        period_start=np.datetime64(row["period_start"], "D"),
        calendar_year_end=np.datetime64(row["calendar_year_end"], "D"),
        age_day=age_day if age_day < day else day_in(year - 1, key_days["age_reference_day"]),
        key_days=key_days,
        limits={r["name"]: float(r["value"]) for r in spec.seed("thresholds")},
    )


def outcome_code(survey: Survey, stage: str, outcome: str) -> str:
    """The code of an outcome that year."""
    rows = spec.in_force("outcome_codes", survey.year)
    return next(r["code"] for r in rows if r["stage"] == stage and r["outcome"] == outcome)
