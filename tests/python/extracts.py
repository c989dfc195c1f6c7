"""Small extracts for tests: rows as dicts become files of the contract, are landed and built."""

import csv
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import duckdb

from sen2 import land, spec
from sen2.config import Config
from sen2.proof.models import Pipeline

from .conftest import SHARED, once

Row = Mapping[str, str]

# What a row holds where a test does not say.
DEFAULTS: dict[str, Row] = {
    "people": {
        "surname": "Example",
        "forename": "Person",
        "birth_date": "2012-05-01",
        "sex": "F",
        "ethnicity": "WBRI",
        "no_identifier_reason": "UN3",
    },
    "requests": {"in_youth_accommodation": "0", "source": "1"},
    "plans": {"personal_budget": "0"},
    "plan_settings": {"rank": "1", "setting": "OLA"},
    "placements": {"rank": "1", "setting": "OLA"},
    "needs": {"rank": "1", "need": "ASD"},
    "disputes": {"kind": "mediation", "about": "other"},
}


def with_defaults(tables: Mapping[str, Sequence[Row]]) -> dict[str, list[dict[str, str]]]:
    """The rows as the files will hold them."""
    return {
        table: [{**DEFAULTS.get(table, {}), **row} for row in rows]
        for table, rows in tables.items()
    }


def write_extract(folder: Path, year: int, **tables: Sequence[Row]) -> Path:
    """Write an extract taken on the survey day; a table that is not given gets its header only.

    A file has the columns the contract needs that year, and whatever else its rows hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    filled = with_defaults(tables)
    for table, columns in spec.contract(year).items():
        rows = filled.get(table, [])
        if table == "establishments" and not rows:
            continue
        needed = [column.name for column in columns if column.is_required]
        others = sorted({name for row in rows for name in row}.difference(needed))
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, [*needed, *others], restval="")
            writer.writeheader()
            writer.writerows(rows)
    day = spec.collection(year).survey_day
    (folder / "extract.yml").write_text(f"extracted_on: {day}\n", encoding="utf-8")
    return folder


@cache
def models() -> Pipeline:
    """All models and analyses, compiled once for all test workers."""
    folder = SHARED["folder"] / "models"
    with once(folder, "compiled"):
        return Pipeline(folder, select=("resource_type:model", "path:analyses"))


def build_extract(
    folder: Path, year: int, warehouse: Path, period_end: str = "survey_day", **settings: object
) -> Path:
    """Land an extract and run every model on it without dbt; gives the warehouse.

    A warehouse has the name of the one that the models are compiled for.
    """
    config = Config.model_validate({"la_code": "330", "period_end": period_end, **settings})
    assert warehouse.name == models().base.name
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(models().base, warehouse)
    land.land(folder, year, config, warehouse)
    models().build(year, warehouse)
    return warehouse


def rows(warehouse: Path, table: str, columns: str = "*") -> list[dict[str, object]]:
    """The rows of a table, dates as ISO text and booleans as they are."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(f"select {columns} from {table}")
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in found.fetchall()]


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | None) else str(value)
