"""The figures of each run, kept in audit.run_figures, and what moved since an earlier one.

An extract is known by its as-at date and the fingerprint of its files, the authority's notes and
corrections among them. Running the same extract again takes the place of its earlier run, so that
what moved is what moved since another extract, and the same input gives the same page.
"""

from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path

import duckdb

from ... import warehouse

ISSUES = "issues"
"""The dataset whose figures are the number of issues by rule."""

Figures = dict[tuple[str, str], float]
"""Dataset and figure to value."""


@dataclass(frozen=True)
class Run:
    """A run's number, the day its extract was taken, and its figures."""

    number: int
    as_at: date
    figures: Figures = field(default_factory=dict)

    def value(self, dataset: str, figure: str) -> float | None:
        """A figure's value; None when it was not kept, 0 for a rule that found nothing."""
        return self.figures.get((dataset, figure), 0.0 if dataset == ISSUES else None)


def extract_of(connection: duckdb.DuckDBPyConnection) -> str:
    """The fingerprint of what was landed: the day, and every file's name and content."""
    rows = connection.execute(
        "select extracted_on::varchar, settings.la_code || settings.period_end,"
        " (select string_agg(table_name || ' ' || sha256, ',' order by table_name)"
        " from audit.landed_files) from audit.extract_settings as settings"
    ).fetchone()
    return sha256(repr(rows).encode()).hexdigest()


def earlier_runs(
    connection: duckdb.DuckDBPyConnection, year: int, extract: str, until: date
) -> list[Run]:
    """The collection's runs of other extracts, oldest first, one a day: the last of that day."""
    try:
        rows = connection.execute(
            "select run, as_at, dataset, figure, value from audit.run_figures"
            " where collection_year = ? and extract <> ? and as_at <= ?"
            " order by as_at, run, dataset, figure",
            [year, extract, until],
        ).fetchall()
    except duckdb.CatalogException:  # a warehouse made before these were kept
        return []
    runs: dict[tuple[date, int], Run] = {}
    for number, as_at, dataset, figure, value in rows:
        run = runs.setdefault((as_at, number), Run(number, as_at))
        run.figures[dataset, figure] = value
    newest = {run.as_at: run for run in runs.values()}
    return list(newest.values())


def keep(path: Path, year: int, as_at: date, extract: str, figures: Figures) -> None:
    """Keep a run's figures under the number the run will have; those of the same extract go."""
    with warehouse.connect(path) as connection:
        columns = warehouse.AUDIT_TABLES["run_figures"]
        connection.begin()
        connection.execute(f"create table if not exists audit.run_figures ({columns})")
        connection.execute(
            "delete from audit.run_figures where collection_year = ? and extract = ?",
            [year, extract],
        )
        last = connection.execute("select coalesce(max(run), 0) from audit.runs").fetchone()
        number = (last[0] if last else 0) + 1
        rows = sorted(figures.items())
        connection.execute(
            "insert into audit.run_figures"
            " select $number, $year, $as_at, $extract,"
            " unnest($datasets), unnest($figures), unnest($values)",
            {
                "number": number,
                "year": year,
                "as_at": as_at,
                "extract": extract,
                "datasets": [dataset for (dataset, _), _ in rows],
                "figures": [figure for (_, figure), _ in rows],
                "values": [float(value) for _, value in rows],
            },
        )
        connection.commit()
