"""The models of an extract, run again and again: in one transaction, of which nothing is kept."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ...build.build import build_models
from ...build.compiled import CompiledProject
from ...land.land import land
from ...settings.config import read_config
from ...warehouse import connect


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
    """The models that the published tables and the rules need."""

    def __init__(self, project: CompiledProject) -> None:
        """Choose them from the project as compiled."""
        published = [each.name for each in project.models() if each.schema == "published"]
        self.seeds = project.seeds
        self.models = project.models([*published, "rule_summary"])

    def run(self, year: int, extract: Path, warehouse: Path, tables: list[str]) -> Outcome:
        """Land an extract and run the models of the year on it; gives the published tables named.

        `warehouse` is written over. The models run in one transaction that is never committed:
        nothing of them reaches the disk.
        """
        shutil.copy(self.seeds, warehouse)
        land(extract, year, read_config(extract / "expected" / "sen2.yml"), warehouse)
        with connect(warehouse) as connection:
            connection.execute("set threads = 1")
            connection.begin()
            build_models(connection, self.models, year)
            found = {table: _read(connection, f"published.{table}") for table in tables}
            raised = connection.execute(
                "select rule_id, severity, message, issue_count from validation.rule_summary"
                " where return_id = 'built' and issue_count > 0 order by rule_id"
            ).fetchall()
            (people,) = connection.execute(
                "select count(*) from person_level.person where return_id = 'built'"
            ).fetchall()[0]
            connection.rollback()
        return Outcome(found, tuple(Raised(*row) for row in raised), people)


def _read(connection: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, str]]:
    """The rows of the built return in a table, as text."""
    cursor = connection.execute(f"select * from {table} where return_id = 'built'")
    names = [column[0].lower() for column in cursor.description or []]
    return [
        {name: "" if value is None else str(value) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]
