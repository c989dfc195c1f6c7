"""DfE's published tables as they are downloaded, for one authority.

A folder holds the files of two releases: rel2025_<dataset>.csv (also the trimmed extracts
rel2025_la_<dataset>_<period>_breakdowns.csv) and rel2022_<dataset>.csv. x and z say that there is
no figure.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ...errors import InputError

Row = dict[str, str]

# What tells an authority's rows apart, and what does not count anything.
LABELS = frozenset(
    {
        "time_period", "time_identifier", "geographic_level", "country_code", "country_name",
        "region_code", "region_name", "new_la_code", "old_la_code", "la_name", "breakdown_topic",
        "breakdown", "characteristic_age", "establishment_group", "establishment_type",
    }
)  # fmt: skip


# Answers that a return gives in words; the form's third officer is in no return of later years.
ANSWERS = ("DMO", "DCO", "des_med_off", "des_clin_off", "des_so_care_off")
ANSWER_WORDS = frozenset({"Y", "N", "R", "Yes", "No", "Recruiting"})


@dataclass(frozen=True)
class Cell:
    """One published figure of one authority."""

    dataset: str
    time_period: str
    breakdown_topic: str
    breakdown: str
    column: str
    value: str


@cache
def _rows(path: Path) -> dict[tuple[str, str], list[Row]]:
    """The authorities' rows of a file, by authority (new code) and period; read once."""
    found: dict[tuple[str, str], list[Row]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("la_name"):
                found.setdefault((row["new_la_code"], row["time_period"]), []).append(row)
    return found


@cache
def _authorities(folder: Path) -> tuple[tuple[str, str, str], ...]:
    """New code, old code and name of every authority in the folder's files."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder: --published needs DfE's published tables.")
    return tuple(
        sorted(
            {
                (row["new_la_code"], row["old_la_code"], row["la_name"])
                for path in sorted(folder.glob("rel20*.csv"))
                for rows in _rows(path).values()
                for row in rows[:1]
            }
        )
    )


def authorities(folder: Path) -> list[str]:
    """The new codes of the authorities in the folder's files."""
    return sorted({new for new, _, _ in _authorities(folder)})


class Published:
    """The published figures of one authority."""

    def __init__(self, folder: Path, authority: str) -> None:
        """Find the authority by its name, its nine-character code or its three-digit code."""
        wanted = authority.strip().casefold()
        found = [a for a in _authorities(folder) if wanted in {part.casefold() for part in a}]
        if len({new for new, _, _ in found}) != 1:
            raise InputError(
                f"The files rel20*.csv in {folder} hold {'no' if not found else 'more than one'}"
                f" authority called {authority}: give its name as published or one of its codes."
            )
        self.folder = folder
        self.new_code, self.old_code, self.name = found[0]

    def rows(self, dataset: str, period: str, topic: str | None = None) -> list[Row]:
        """The authority's rows of a dataset such as rel2025_caseload in a period."""
        release, _, name = dataset.partition("_")
        paths = [
            self.folder / f"{dataset}.csv",
            *sorted(self.folder.glob(f"{release}_la_{name}_*breakdowns.csv")),
        ]
        return [
            row
            for path in paths
            if path.is_file()
            for row in _rows(path).get((self.new_code, period), [])
            if topic is None or row["breakdown_topic"] == topic
        ]

    def total(self, dataset: str, period: str) -> Row:
        """The authority's one row for everybody; empty when there is none."""
        rows = self.rows(dataset, period)
        everybody = [r for r in rows if r.get("breakdown_topic") == r.get("breakdown")]
        return everybody[0] if everybody else {}


def count(row: Row, column: str) -> int | None:
    """A published count; None for x, z and a column that is not there."""
    text = row.get(column, "")
    return int(text) if text.isdigit() else None


def answers(row: Row) -> dict[str, str]:
    """The answers on officers in a row."""
    return {name: row[name] for name in ANSWERS if row.get(name) in ANSWER_WORDS}


def counts(row: Row) -> dict[str, int]:
    """Every count of a row: whole numbers in columns that are no percentages."""
    return {
        column: number
        for column, text in row.items()
        if column not in LABELS
        and not column.lower().startswith("pc_")
        and not column.lower().endswith(("_pc", "rate"))
        and (number := count(row, column)) is not None
    }


def cells(dataset: str, rows: list[Row]) -> Iterator[Cell]:
    """The counts of rows as cells."""
    for row in rows:
        for column, value in (*counts(row).items(), *answers(row).items()):
            yield Cell(
                dataset,
                row["time_period"],
                row.get("breakdown_topic", row.get("establishment_group", "")),
                row.get(
                    "breakdown", row.get("establishment_type", row.get("characteristic_age", ""))
                ),
                column,
                str(value),
            )
