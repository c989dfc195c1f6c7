"""The models without dbt: compiled once, then run as statements on one extract after another.

dbt takes longer to start than all the models of an authority take to run. The collection year stays
a variable of DuckDB in what is compiled, so that one compilation serves every year.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from .. import spec
from ..build import QUIET_ENVIRONMENT
from ..config import read_config
from ..errors import DefectError
from ..land import land

YEAR = "getvariable('collection_year')"
MODELS = ("+path:models/published", "+rule_summary")


@dataclass(frozen=True)
class Raised:
    """A rule that found something, and how often."""

    rule_id: str
    severity: str
    message: str
    issues: int


@dataclass(frozen=True)
class Outcome:
    """What the models say of an extract: tables as text, the rules raised, the people returned.

    Column names are in lower case, as DuckDB compares them.
    """

    tables: dict[str, list[dict[str, str]]]
    raised: tuple[Raised, ...]
    people: int


class Pipeline:
    """The compiled models, and a warehouse that holds the seeds and nothing else of need."""

    def __init__(
        self, folder: Path, seeded: Path | None = None, select: Sequence[str] = MODELS
    ) -> None:
        """Load the seeds, or take a warehouse that has them, and compile the models selected.

        A folder that has both from before is used as it is. Raises DefectError when dbt cannot.
        """
        self.base, target = folder / "seeds" / "sen2.duckdb", folder / "target"
        manifest = target / "compiled.json"
        if not manifest.exists():
            self.base.parent.mkdir(parents=True)
            if seeded:
                shutil.copy(seeded, self.base)
            else:
                self._dbt(target, "seed")
            self._dbt(target, "compile", "--select", *select)
            (target / "manifest.json").rename(manifest)
        nodes = json.loads(manifest.read_text(encoding="utf-8"))["nodes"]
        self.statements = list(_in_order(nodes))
        self.analyses = {
            node["name"]: node["compiled_code"]
            for node in nodes.values()
            if node["resource_type"] == "analysis" and node.get("compiled_code")
        }

    def _dbt(self, target: Path, *arguments: str) -> None:
        """Run dbt on the warehouse of the seeds."""
        finished = subprocess.run(
            [
                sys.executable, "-m", "dbt.cli.main", "--quiet", "--no-version-check",
                "--log-level-file", "none", *arguments,
                "--project-dir", str(spec.PROJECT),
                "--profiles-dir", str(spec.PROJECT / "profiles"),
                "--target-path", str(target),
                "--vars", json.dumps({"collection_year": YEAR}),
            ],
            env=os.environ | QUIET_ENVIRONMENT | {"SEN2_WAREHOUSE": str(self.base)},
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if finished.returncode:
            raise DefectError(f"dbt {arguments[0]} failed:\n{finished.stdout[-2000:]}")

    def build(self, year: int, warehouse: Path) -> None:
        """Run the models of a year in a warehouse that has the seeds and what was landed."""
        with duckdb.connect(str(warehouse)) as connection:
            for statement in self.statements:
                connection.execute(statement.replace(YEAR, str(year)))

    def run(self, year: int, extract: Path, warehouse: Path, tables: list[str]) -> Outcome:
        """Land an extract and run the models of the year on it; gives the published tables named.

        `warehouse` is written over, and must have the file name of the warehouse compiled on. The
        models run in one transaction that is never committed: nothing of them reaches the disk.
        """
        shutil.copy(self.base, warehouse)
        land(extract, year, read_config(extract / "expected" / "sen2.yml"), warehouse)
        with duckdb.connect(str(warehouse), config={"threads": 1}) as connection:
            connection.execute("set enable_progress_bar = false")
            connection.execute("begin")
            connection.execute(f"set variable collection_year = {year:d}")
            for statement in self.statements:
                connection.execute(statement)
            found = {table: _read(connection, f"published.{table}") for table in tables}
            raised = connection.execute(
                "select rule_id, severity, message, issue_count from validation.rule_summary"
                " where return_id = 'built' and issue_count > 0 order by rule_id"
            ).fetchall()
            (people,) = connection.execute(
                "select count(*) from person_level.person where return_id = 'built'"
            ).fetchall()[0]
            connection.execute("rollback")
        return Outcome(found, tuple(Raised(*row) for row in raised), people)


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
                    f"create or replace {kind} {node['relation_name']} as {node['compiled_code']}"
                )


def _read(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, str]]:
    """The rows of the built return in a table, as text."""
    cursor = connection.execute(f"select * from {table} where return_id = 'built'")
    names = [column[0].lower() for column in cursor.description or []]
    return [
        {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]
