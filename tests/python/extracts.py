"""Small extracts for tests: rows as dicts become files of the contract, are landed and built."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import duckdb

from sen2 import spec
from sen2.build.build import build
from sen2.build.compiled import CompiledProject, find_compiled
from sen2.land import land
from sen2.settings.config import Config

from .conftest import SHARED, dbt, once

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
def models() -> CompiledProject:
    """The project as dbt compiled it, once for all test workers."""
    return find_compiled(SHARED["folder"])


def build_models(warehouse: Path, year: int, *schemas: str) -> None:
    """Build every model, or those of some schemas, without the tests of ours."""
    names = [each.name for each in models().models() if each.schema in schemas or not schemas]
    build(warehouse, year, models=names)


@cache
def analysis(name: str, year: int) -> str:
    """The SQL of one of the project's analyses."""
    folder = SHARED["folder"] / "analyses"
    with once(folder, str(year)) as first:
        if first:
            arguments = ("compile", "--select", "path:analyses")
            dbt(folder / "sen2.duckdb", folder / str(year), *arguments, year=year)
    (path,) = (folder / str(year)).rglob(f"compiled/**/{name}.sql")
    return path.read_text(encoding="utf-8").replace('"sen2".', "")


def build_extract(
    folder: Path,
    year: int,
    warehouse: Path,
    period_end: str = "survey_day",
    schemas: Iterable[str] = (),
    **settings: object,
) -> Path:
    """Land an extract and run the models, or those of some schemas, on it; gives the warehouse."""
    config = Config.model_validate({"la_code": "330", "period_end": period_end, **settings})
    land.land(folder, year, config, warehouse)
    build_models(warehouse, year, *schemas)
    return warehouse


def rows(warehouse: Path, table: str, columns: str = "*") -> list[dict[str, object]]:
    """The rows of a table, dates as ISO text and booleans as they are."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.execute(f"select {columns} from {table}")
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, map(_plain, row), strict=True)) for row in found.fetchall()]


def _plain(value: object) -> object:
    return value if isinstance(value, bool | int | None) else str(value)
