"""What others' figures are: DfE's published CSVs, and returns of earlier years in the warehouse.

Only the row of all is read, of every area and period; what DfE prints for a value it does not have
(x, z, c, low) reads as unknown.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import duckdb

from .. import files, spec
from ..errors import InputError
from ..warehouse import quoted

ENGLAND = "England"
NEAREST = 5
"""How many authorities of the region, the nearest in plans, stand for similar ones."""
KEYS = ("time_period", "geographic_level", "region_code", "old_la_code", "la_name")

Place = tuple[str, str, str]
"""Dataset, period as DfE writes it, and the area: England, a region's code or an authority's."""


@dataclass(frozen=True)
class Figure:
    """A figure of the page: columns of a dataset, from the seed page_figures."""

    chart: str
    dataset: str
    part: str
    whole: str
    label: str
    definition: str


def figures_of(chart: str) -> list[Figure]:
    """The figures of a chart in their order."""
    rows = sorted(
        (row for row in spec.seed("page_figures") if row["chart"] == chart),
        key=lambda row: int(row["position"]),
    )
    names = ("chart", "dataset", "part", "whole", "label", "definition")
    return [Figure(*(row[name] for name in names)) for row in rows]


@dataclass
class Published:
    """Published values by dataset, period and area, the names of authorities, and the files."""

    values: dict[Place, dict[str, float]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    regions: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def periods(self, dataset: str, area: str) -> list[str]:
        """The periods that an area has values for, oldest first."""
        return sorted(period for name, period, of in self.values if (name, of) == (dataset, area))

    def latest(self, dataset: str, area: str, until: str, *, before: bool = False) -> str | None:
        """The newest period up to one, or before it; None when there is none."""
        found = [
            period
            for period in self.periods(dataset, area)
            if period < until or (period == until and not before)
        ]
        return found[-1] if found else None

    def count(self, figure: Figure, period: str | None, area: str) -> float | None:
        """The count of a figure's part; None when it is not known."""
        values = self.values.get((figure.dataset, period or "", area), {})
        return values.get(figure.part)

    def share(self, figure: Figure, period: str | None, area: str) -> float | None:
        """A figure's part of its whole in percent; None when either is not known or nothing."""
        values = self.values.get((figure.dataset, period or "", area), {})
        columns = figure.whole.split(";")
        if figure.part not in values or any(column not in values for column in columns):
            return None
        whole = sum(values[column] for column in columns)
        return 100 * values[figure.part] / whole if whole else None

    def similar(self, la_code: str, plans: float | None, until: str) -> list[str]:
        """The authorities of the same region that are nearest in plans, by code."""
        (volume, *_) = figures_of("volumes")
        region = self.regions.get(la_code)
        sizes = {
            area: size
            for area in self.regions
            if area != la_code and self.regions[area] == region
            if (size := self.count(volume, self.latest(volume.dataset, area, until), area))
        }
        mine = plans or self.count(volume, self.latest(volume.dataset, la_code, until), la_code)
        if mine is None:
            return []
        nearest = sorted(sizes, key=lambda area: (abs(sizes[area] - mine), area))[:NEAREST]
        return sorted(nearest, key=lambda area: self.names[area])

    def middle(self, figure: Figure, until: str, areas: list[str]) -> float | None:
        """The median of some authorities' shares."""
        shares = [
            share
            for area in areas
            if (share := self.share(figure, self.latest(figure.dataset, area, until), area))
            is not None
        ]
        return median(shares) if shares else None


def period_words(period: str) -> str:
    """A period as people write it: 202425 is 2024/25."""
    return f"{period[:4]}/{period[4:]}" if len(period) == 6 else period


def _columns(dataset: str) -> list[str]:
    """The counted columns of a dataset that the page uses."""
    named = [
        column
        for row in spec.seed("page_figures")
        if row["dataset"] == dataset
        for column in (row["part"], *filter(None, row["whole"].split(";")))
    ]
    return sorted(set(named))


def _totals() -> dict[str, str]:
    """Every dataset that the page uses to the topic of its row of all."""
    used = {row["dataset"] for row in spec.seed("page_figures")}
    return {
        row["dataset"]: row["breakdown_topic"]
        for row in spec.seed("published_breakdowns")
        if row["characteristic"] == "all" and row["dataset"] in used
    }


def read_published(folder: Path) -> Published:
    """DfE's CSVs in a folder, named <dataset>.csv or <words>_<dataset>.csv, of one release or more.

    Raises InputError for a folder without any, and for a file that cannot be read.
    """
    if not folder.is_dir():
        raise InputError(
            f"{folder}: there is no such folder. --published takes the folder of the CSV files of"
            " DfE's release, Education, health and care plans."
        )
    found = Published()
    with duckdb.connect() as connection:
        for dataset, topic in _totals().items():
            path = _file_of(connection, folder, dataset)
            if path:
                found.files.append(path.name)
                rows = _read(connection, path, dataset, topic)
                _add(found, dataset, rows)
    if not found.files:
        raise InputError(
            f"{folder}: holds none of DfE's published tables (caseload.csv, requests.csv, …) in"
            " the layout of the 2025 release."
        )
    return found


def add_earlier_returns(found: Published, connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Add the authority's own earlier returns in the warehouse where DfE's files have no value.

    Gives the names of the returns that were used.
    """
    used: set[str] = set()
    for dataset, topic in _totals().items():
        columns = _columns(dataset)
        rows = connection.execute(
            f"select return_id, time_period, old_la_code, {', '.join(map(quoted, columns))}"
            f" from published.{quoted(dataset)} where return_id <> 'built'"
            " and breakdown_topic = ? order by return_id",
            [topic],
        ).fetchall()
        for return_id, period, area, *values in rows:
            place = (dataset, period, area)
            if place not in found.values:
                found.values[place] = _numbers(columns, values)
                used.add(return_id)
    return sorted(used)


def _file_of(connection: duckdb.DuckDBPyConnection, folder: Path, dataset: str) -> Path | None:
    """The file of a dataset, by name and header; two that could be it are an input error."""
    named = re.compile(rf"(.*[^a-z])?{re.escape(dataset)}\.csv", re.IGNORECASE)
    candidates = sorted(path for path in folder.iterdir() if named.fullmatch(path.name))
    wanted = {*KEYS, "breakdown_topic", *_columns(dataset)}
    fitting = [path for path in candidates if wanted <= set(_header(connection, path))]
    exact = [path for path in fitting if path.name.lower() == f"{dataset}.csv"]
    if len(exact or fitting) > 1:
        names = ", ".join(path.name for path in exact or fitting)
        raise InputError(f"{folder}: {names} could each be {dataset}.csv. Leave one of them there.")
    return next(iter(exact or fitting), None)


def _read_csv(path: Path) -> str:
    return files.read_csv(path, header=True, all_varchar=True, delim=",", quote='"')


def _header(connection: duckdb.DuckDBPyConnection, path: Path) -> list[str]:
    try:
        described = connection.execute(f"describe from {_read_csv(path)}").fetchall()
    except duckdb.Error:
        raise InputError(
            f"{path}: cannot be read as a CSV file in UTF-8. Give the file as DfE published it."
        ) from None
    return [row[0] for row in described]


def _read(
    connection: duckdb.DuckDBPyConnection, path: Path, dataset: str, topic: str
) -> list[tuple[str | None, ...]]:
    columns = ", ".join(map(quoted, [*KEYS, *_columns(dataset)]))
    try:
        return connection.execute(
            f"select {columns} from {_read_csv(path)} where breakdown_topic = ?", [topic]
        ).fetchall()
    except duckdb.Error:
        raise InputError(
            f"{path}: a line of it cannot be read as CSV. Give the file as DfE published it."
        ) from None


def _add(found: Published, dataset: str, rows: list[tuple[str | None, ...]]) -> None:
    columns = _columns(dataset)
    for period, level, region, la_code, name, *values in rows:
        area = {"National": ENGLAND, "Regional": region, "Local authority": la_code}.get(
            level or ""
        )
        if not area or not period:
            continue
        found.values[dataset, period, area] = _numbers(columns, values)
        if level == "Local authority":
            found.names[area] = name or area
            found.regions[area] = region or ""


def _numbers(columns: list[str], values: list[str | None]) -> dict[str, float]:
    """The values that are numbers."""
    numbers: dict[str, float] = {}
    for column, value in zip(columns, values, strict=True):
        try:
            numbers[column] = float(value or "")
        except ValueError:
            continue
    return numbers
