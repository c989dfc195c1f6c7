"""The survey as data: the seeds in seeds/spec, read as they stand.

dbt loads the same files into the schema `spec`; Python reads them here where it needs a fact before
a warehouse exists. No fact of the survey stands in Python.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from ..ground.errors import InputError

_HERE = Path(__file__).resolve().parent.parent
PROJECT = bundled if (bundled := _HERE / "project").is_dir() else _HERE.parent
"""dbt's project: inside an installed package, else the repository."""
SEEDS = PROJECT / "seeds" / "spec"

Row = dict[str, str]


@cache
def seed(name: str) -> tuple[Row, ...]:
    """Every row of seeds/spec/<name>.csv, as text."""
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def in_force(name: str, year: int) -> Iterator[Row]:
    """The rows of a seed whose interval `year_from` to `year_to` holds the collection year."""
    return (row for row in seed(name) if int(row["year_from"]) <= year <= int(row["year_to"]))


@dataclass(frozen=True)
class Collection:
    """One year's collection: its dates, and what is asked for that year."""

    year: int
    survey_day: date
    has_person_level: bool
    has_aggregated: bool
    is_provisional: bool


def collection(year: int) -> Collection:
    """The collection of a year; an unknown year is an input error that lists the known ones."""
    rows = {int(row["collection_year"]): row for row in seed("collections")}
    if year not in rows:
        known = ", ".join(map(str, sorted(rows)))
        raise InputError(f"There is no collection {year}: seeds/spec/collections.csv has {known}.")
    row = rows[year]
    return Collection(
        year=year,
        survey_day=date.fromisoformat(row["survey_day"]),
        has_person_level=row["has_person_level"] == "true",
        has_aggregated=row["has_aggregated"] == "true",
        is_provisional=row["is_provisional"] == "true",
    )


@dataclass(frozen=True)
class ContractColumn:
    """A column of a contract table: its part in the key, whether the year's file must have it."""

    name: str
    key: str
    meaning: str
    is_required: bool


def contract(year: int) -> dict[str, list[ContractColumn]]:
    """The extract contract of a year: contract table to its columns, in the contract's order."""
    tables: dict[str, list[ContractColumn]] = {}
    for row in seed("extract_contract"):
        first, last = row["must_be_present_from"], row["must_be_present_to"]
        tables.setdefault(row["table_name"], []).append(
            ContractColumn(
                name=row["column_name"],
                key=row["key"],
                meaning=row["meaning"],
                is_required=bool(first) and int(first) <= year <= int(last),
            )
        )
    return tables


def parents() -> dict[str, list[str]]:
    """Each contract table to the tables from which its rows must hang."""
    found: dict[str, list[str]] = {}
    for row in seed("extract_contract"):
        names = row["key"].split() if row["needed"] == "always" else []
        found.setdefault(row["table_name"], []).extend(name for name in names if name != "pk")
    return found


def person_level_columns() -> dict[str, list[str]]:
    """Every person level table to its columns, keys first, then the items of any year in order."""
    keys = {"sen2": [], "person": ["person_id"], "placement_detail": ["person_id", "request_id"]}
    tables: dict[str, list[str]] = {}
    for row in seed("items"):
        table = row["table_name"]
        columns = tables.setdefault(
            table, ["return_id", *keys.get(table, ["person_id", "request_id"])]
        )
        if table == "placement_detail" and "placement_id" not in columns:
            columns.append("placement_id")
        if row["column_name"] not in columns:
            columns.append(row["column_name"])
    return tables


def has_confirmed_structure(year: int) -> bool:
    """Whether a source confirms how the year's XML is nested (single elements may be uncertain)."""
    rows = [row for row in in_force("xml_structure", year) if row["parent"] == "Message"]
    return bool(rows) and all(row["is_provisional"] == "false" for row in rows)


def newest_year() -> int:
    """The newest collection, the one that a command works on when it is given no year."""
    return max(int(row["collection_year"]) for row in seed("collections"))


def model_file(schema: str, name: str) -> Path | None:
    """Return the SQL file of a schema's model, or None when it has no model of the name."""
    folder = PROJECT / "models" / schema
    if not (name.isidentifier() and schema.isidentifier() and folder.is_dir()):
        return None
    return next(folder.rglob(f"{name}.sql"), None)
