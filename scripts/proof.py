"""The proof on published figures: extracts made to authorities' rows, run through the models.

For each authority an extract is made to its published row (`sen2 sample --like`), landed, and put
through the same SQL that `dbt build` runs: dbt compiles the models once and the compiled statements
run on DuckDB here, since starting dbt takes longer than all of them together. Then every published
figure of the authority is compared with what the models say.

    python -m sen2.proof --published FOLDER --report FOLDER [--year 2025] [--authority NAME]
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import duckdb
import typer

from . import spec
from .build import QUIET_ENVIRONMENT
from .config import read_config
from .errors import DefectError, InputError
from .land import land
from .sample import write_like
from .sample.like.published import Published, Row, authorities, cells

YEARS = (2021, 2022, 2025)
# The year the models are compiled for: a number that stands for nothing else in them.
ANY_YEAR = 909090
MODELS = ("+path:models/published", "+path:models/aggregated", "+rule_summary")
# The tables compared: the file of the release to the table of the models, and whether its period is
# the survey day's or the calendar year's. Annual reviews are not among what extracts are made to.
TABLES_2025 = {
    "caseload": "stock",
    "sen_needs_all_plans": "stock",
    "personal_budgets": "stock",
    "residential_settings": "stock",
    "work_based_placements": "stock",
    "newplans": "flow",
    "sen_need_newplans": "flow",
    "requests": "flow",
    "assessments": "flow",
    "timeliness_20_week": "flow",
    "ceased_plans": "flow",
    "sen2_dmo_dco": "survey",
}
TABLES_2022 = {
    "sen2_age_caseload": "stock",
    "sen2_estab_caseload": "stock",
    "sen2_wbp_residential_dmo": "stock",
    "sen2_age_new_plans": "flow",
    "sen2_estab_new_plans": "flow",
    "sen2_mi": "flow",
}
ROW_KEYS = ("breakdown_topic", "breakdown", "characteristic_age", "establishment_group",
            "establishment_type")  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A published count that the models do not give, and what is known of why."""

    year: int
    authority: str
    dataset: str
    breakdown: str
    column: str
    published: str
    models: str
    why: str


@dataclass(frozen=True)
class Result:
    """One authority in one year."""

    year: int
    authority: str
    compared: int
    different: int
    unexplained: int
    errors: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """What the models say of an extract: published tables, and the errors that rules found."""

    tables: dict[str, list[Row]]
    errors: dict[str, int]


class Pipeline:
    """The models as statements, compiled once for every year, and a warehouse with the seeds."""

    def __init__(self, folder: Path) -> None:
        """Load the seeds and compile the models, unless the folder has both from before.

        Raises DefectError when dbt cannot.
        """
        self.base, target = folder / "seeds" / "sen2.duckdb", folder / "target"
        manifest = target / "compiled.json"
        if not manifest.exists():
            self.base.parent.mkdir(parents=True)
            self._dbt(target, "seed")
            self._dbt(target, "compile", "--select", *MODELS)
            (target / "manifest.json").rename(manifest)
        nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
        self.statements = list(self._in_order(nodes))

    def _dbt(self, target: Path, *arguments: str) -> None:
        """Run dbt on the warehouse of the seeds."""
        finished = subprocess.run(
            [
                sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-version-check",
                "--log-level-file", "none", *arguments,
                "--project-dir", str(spec.PROJECT),
                "--profiles-dir", str(spec.PROJECT / "profiles"),
                "--target-path", str(target),
                "--vars", json.dumps({"collection_year": ANY_YEAR}),
            ],
            env=os.environ | QUIET_ENVIRONMENT | {"SEN2_WAREHOUSE": str(self.base)},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if finished.returncode:
            raise DefectError(f"dbt {arguments[0]} failed:\n{finished.stdout[-2000:]}")

    @staticmethod
    def _in_order(nodes: dict[str, Any]) -> Iterator[str]:
        """The statement of each compiled model, every model after those it reads."""
        models = {
            name: node
            for name, node in nodes.items()
            if node["resource_type"] == "model" and node.get("compiled_code")
        }
        done: set[str] = set()
        while len(done) < len(models):
            for name, node in models.items():
                needs = set(node["depends_on"]["nodes"]) & set(models)
                if name not in done and needs <= done:
                    done.add(name)
                    kind = "view" if node["config"]["materialized"] == "view" else "table"
                    yield (
                        f"create schema if not exists {node['schema']};"
                        f"create or replace {kind} {node['relation_name']}"
                        f" as {node['compiled_code']}"
                    )

    def run(self, year: int, extract: Path, warehouse: Path) -> Outcome:
        """Land an extract in a new warehouse and run the models of the year on it."""
        shutil.copy(self.base, warehouse)
        land(extract, year, read_config(extract / "expected" / "sen2.yml"), warehouse)
        rules = local_rules(extract)
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute("set enable_progress_bar = false")
            if rules:
                connection.executemany(
                    "insert into local.form_local_rules values (?, ?, ?, ?, ?, ?)", rules
                )
            for statement in self.statements:
                connection.execute(statement.replace(str(ANY_YEAR), str(year)))
            found = {table: read(connection, f"published.{table}") for table in tables(year)}
            errors = connection.execute(
                "select rule_id, issue_count from validation.rule_summary"
                " where severity <> 'query' and issue_count > 0"
            ).fetchall()
        warehouse.unlink()
        return Outcome(found, dict(errors))


def tables(year: int) -> dict[str, str]:
    """The published tables of a collection year, and the kind of period of each."""
    return TABLES_2022 if spec.collection(year).has_aggregated else TABLES_2025


def read(connection: duckdb.DuckDBPyConnection, table: str) -> list[Row]:
    """The rows of a table as text, column names in lower case."""
    cursor = connection.execute(f"select * from {table}")
    names = [column[0].lower() for column in cursor.description or []]
    return [
        {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]


def local_rules(extract: Path) -> list[list[str | None]]:
    """The rules of its own that the extract's authority needs for the form, if it came with any."""
    path = extract / "expected" / "form_local_rules.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [[value or None for value in row] for row in rows]


def compare(
    published: Published,
    year: int,
    found: dict[str, list[Row]],
    why: dict[tuple[str, str, str], str],
) -> tuple[int, list[Difference]]:
    """How many published figures were compared, and those that differ."""
    compared, different = 0, []
    for table in tables(year):
        made = {key_of(row): row for row in found[table]}
        for row in real_rows(published, year, table):
            own = made.get(key_of(row), {})
            for cell in cells(table, [row]):
                compared += 1
                value = own.get(cell.column.lower(), "no such cell")
                if value != cell.value:
                    reason = why.get((table, cell.column, value)) or why.get((table, "", "")) or ""
                    different.append(
                        Difference(year, published.name, table, cell.breakdown, cell.column,
                                   cell.value, value, reason)
                    )  # fmt: skip
    return compared, different


def real_rows(published: Published, year: int, table: str) -> Iterator[Row]:
    """The authority's published rows of a table, needs by placement among the needs."""
    has_form = spec.collection(year).has_aggregated
    period = {
        "stock": str(year) if has_form else f"{year - 1}{year % 100:02d}",
        "flow": str(year - 1),
        "survey": str(year),
    }[tables(year)[table]]
    yield from published.rows(f"rel{2022 if has_form else 2025}_{table}", period)
    if table == "sen_needs_all_plans":
        yield from published.rows("rel2025_la_need_by_placement_202425", period)


def key_of(row: Row) -> tuple[str, ...]:
    """What tells the rows of a table apart, in any case of letters."""
    return tuple(row.get(name, "").casefold() for name in ROW_KEYS)


def prove_one(
    pipeline: Pipeline, year: int, published: Path, name: str, folder: Path
) -> tuple[Result, list[Difference]] | None:
    """Make, run and compare one authority; None when it has no figures for the year."""
    began, extract = time.perf_counter(), folder / "extract"
    shutil.rmtree(extract, ignore_errors=True)
    try:
        write_like(extract, year, name, published, 1)
    except InputError:
        return None
    outcome = pipeline.run(year, extract, folder / "sen2.duckdb")
    authority = Published(published, name)
    with (extract / "expected/published_not_met.csv").open(encoding="utf-8") as file:
        why = {
            # Without a column it is the whole table that does not fit; otherwise the value counts.
            (row["dataset"], row["column"], row["made"] if row["column"] else ""): row["why"]
            for row in csv.DictReader(file)
        }
    compared, different = compare(authority, year, outcome.tables, why)
    result = Result(
        year=year,
        authority=authority.name,
        compared=compared,
        different=len(different),
        unexplained=sum(not item.why for item in different),
        errors="; ".join(f"{rule} {number}" for rule, number in sorted(outcome.errors.items())),
        seconds=round(time.perf_counter() - began, 2),
    )
    return result, different


def write_report(folder: Path, results: list[Result], differences: list[Difference]) -> None:
    """The report: report.md, results.csv and differences.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, kind, rows in (
        ("results", Result, results), ("differences", Difference, differences)
    ):  # fmt: skip
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([item.name for item in fields(kind)])
            writer.writerows(astuple(row) for row in rows)
    lines = [
        "# Published figures, from extracts made to them",
        "",
        "Source: DfE, Education, health and care plans, Open Government Licence v3.0.",
        "A figure is explained when it does not fit others of its authority, or needs what a valid",
        "extract cannot hold; differences.csv has each one.",
        "",
        "| collection | authorities | every figure equal | all equal but explained ones |"
        " figures compared | that differ | not explained | seconds each |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for year in sorted({result.year for result in results}):
        own = [result for result in results if result.year == year]
        numbers = (
            len(own), sum(not r.different for r in own), sum(not r.unexplained for r in own),
            sum(r.compared for r in own), sum(r.different for r in own),
            sum(r.unexplained for r in own),
        )  # fmt: skip
        mean = sum(r.seconds for r in own) / len(own)
        lines.append(f"| {year} | " + " | ".join(f"{n:,}" for n in numbers) + f" | {mean:.1f} |")
    reasons = Counter((d.year, d.dataset, d.column, d.why or "NOT EXPLAINED") for d in differences)
    lines += ["", "## What differs, and why", ""]
    lines += ["| collection | table | figure | cells | why |", "|---|---|---|---|---|"]
    for (year, dataset, column, why), number in sorted(reasons.items()):
        lines.append(f"| {year} | {dataset} | {column} | {number} | {why} |")
    (folder / "report.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(
    published: Annotated[Path, typer.Option(help="The folder of DfE's published tables.")],
    report: Annotated[Path, typer.Option(help="The folder that the report is written to.")],
    year: Annotated[
        list[int] | None, typer.Option(help="Collection year; may be repeated.")
    ] = None,
    authority: Annotated[
        list[str] | None, typer.Option(help="Name or code; may be repeated.")
    ] = None,
) -> None:
    """Prove the models on the published figures of all or some authorities of the folder."""
    names = authority or authorities(published)
    results: list[Result] = []
    differences: list[Difference] = []
    with TemporaryDirectory() as name:
        folder = Path(name)
        pipeline = Pipeline(folder)
        for one in year or YEARS:
            for number, each in enumerate(names, start=1):
                proven = prove_one(pipeline, one, published, each, folder)
                if proven:
                    results.append(proven[0])
                    differences += proven[1]
                    print(f"{one} {number}/{len(names)} {proven[0]}", flush=True)
            write_report(report, results, differences)


if __name__ == "__main__":
    typer.run(main)
