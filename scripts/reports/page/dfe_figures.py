"""What others' figures are: DfE's published CSVs, and returns of earlier years in the warehouse.

Only the row of all is read, of every area and period; what DfE prints for a value it does not have
(x, z, c, low) reads as unknown.
"""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import duckdb

from ... import spec
from ...ground.errors import InputError
from ...land import releases
from ...warehouse import quoted

ENGLAND = "England"
NEAREST = 5
"""How many authorities of the region are compared with, the nearest in plans, where asked for."""
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

    def neighbours(self, la_code: str) -> list[str]:
        """DfE's statistical neighbours of an authority that the files have, nearest first."""
        return [
            row["neighbour_code"]
            for row in spec.seed("statistical_neighbours")
            if row["old_la_code"] == la_code and row["neighbour_code"] in self.names
        ]

    def nearest_of_region(self, la_code: str, plans: float | None, until: str) -> list[str]:
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

    def per_thousand(self, figure: Figure, until: str, area: str) -> float | None:
        """The latest count of an area per 1,000 people aged 0 to 25; None when one is not known."""
        number = self.count(figure, self.latest(figure.dataset, area, until), area)
        people = population(area)
        return 1000 * number / people if number is not None and people else None

    def middle_per_thousand(self, figure: Figure, until: str, areas: list[str]) -> float | None:
        """The median of some authorities' counts per 1,000 people aged 0 to 25."""
        rates = [
            rate for area in areas if (rate := self.per_thousand(figure, until, area)) is not None
        ]
        return median(rates) if rates else None

    def middle(self, figure: Figure, until: str, areas: list[str]) -> float | None:
        """The median of some authorities' shares."""
        shares = [
            share
            for area in areas
            if (share := self.share(figure, self.latest(figure.dataset, area, until), area))
            is not None
        ]
        return median(shares) if shares else None


def population(area: str) -> int | None:
    """The people aged 0 to 25 of an area: an authority, a region or England; None if not known."""
    regions = {row["old_la_code"]: row["region_code"] for row in spec.seed("local_authorities")}
    people = {row["old_la_code"]: int(row["people"]) for row in spec.seed("populations")}
    if area in people:
        return people[area]
    return (
        sum(number for code, number in people.items() if area in (ENGLAND, regions.get(code)))
        or None
    )


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
    """DfE's CSVs in a folder, of one release or more, with their figures by our names.

    Files that have some breakdowns of authorities alone are left out: they have no row of all.
    Where files have a value twice it is the corrected file's, then the newer release's.

    Raises InputError for a folder without any, and for a file that cannot be read.
    """
    found = Published()
    topics = _totals()
    of_authorities = {row["file_name"] for row in spec.seed("published_files")}
    given = [
        file
        for file in releases.find(folder)
        if file.dataset in topics
        and file.topic
        and releases.table_name(file.path) not in of_authorities
    ]
    given.sort(key=lambda file: (int(file.release or file.layout), file.is_corrected), reverse=True)
    with duckdb.connect() as connection:
        for file in given:
            columns = {
                figure: name
                for name, figure in file.figures.items()
                if figure in _columns(file.dataset)
            }
            if columns:
                found.files.append(file.path.name)
                rows = _read(connection, file, list(columns.values()), topics[file.dataset])
                _add(found, file.dataset, list(columns), rows)
    found.files.sort()
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


def _read(
    connection: duckdb.DuckDBPyConnection,
    file: releases.ReleaseFile,
    columns: list[str],
    topic: str,
) -> list[tuple[str | None, ...]]:
    """The rows of all of a file: its keys, then the columns."""
    names = {name.lower(): name for name in file.header}
    missing = [key for key in KEYS if key not in names]
    if missing:
        raise InputError(
            f"{file.path}, row 1: the column {missing[0]} is missing. {releases.REMEDY}"
        )
    selected = ", ".join(map(quoted, [*(names[key] for key in KEYS), *columns]))
    try:
        return connection.execute(
            f"select {selected} from {releases.rows_of(file)} where {quoted(file.topic or '')} = ?",
            [topic],
        ).fetchall()
    except duckdb.Error as error:
        raise releases.unreadable(file, error) from None


def _add(
    found: Published, dataset: str, columns: list[str], rows: list[tuple[str | None, ...]]
) -> None:
    for period, level, region, la_code, name, *values in rows:
        area = {"National": ENGLAND, "Regional": region, "Local authority": la_code}.get(
            level or ""
        )
        if not area or not period:
            continue
        place = (dataset, _period(dataset, period), area)
        known = found.values.setdefault(place, {})
        found.values[place] = _numbers(columns, values) | known
        if level == "Local authority":
            found.names[area] = name or area
            found.regions[area] = region or ""


def _period(dataset: str, period: str) -> str:
    """The period as our tables write it: DfE has the academic year for a calendar year too."""
    (written,) = [
        row["period"] for row in spec.seed("published_datasets") if row["dataset"] == dataset
    ]
    return period[:4] if written == "calendar_year" else period


def _numbers(columns: list[str], values: list[str | None]) -> dict[str, float]:
    """The values that are numbers."""
    numbers: dict[str, float] = {}
    for column, value in zip(columns, values, strict=True):
        try:
            numbers[column] = float(value or "")
        except ValueError:
            continue
    return numbers
