"""Every unit test of the models, run as dbt does, in a tenth of its time.

dbt compiled the models when `built` was; what it takes half a second for is to write each given
row as SQL. `make test-models` has dbt itself run them all; one test here compares the two.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sen2.ground.sql import literal, quoted

from .conftest import Built, dbt, failures

Row = Mapping[str, Any]


@dataclass
class Models:
    """A connection beside a built warehouse, dbt's manifest, and the given rows made so far."""

    connection: duckdb.DuckDBPyConnection
    built: Built
    manifest: dict[str, Any]
    made: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def unit_tests(self) -> dict[str, dict[str, Any]]:
        """The unit tests by their names, which are of one model each."""
        return {each["name"]: each for each in self.manifest["unit_tests"].values()}

    def steps(self) -> list[dict[str, Any]]:
        """A few of them: those of the steps before the published tables."""
        return [each for each in self.unit_tests.values() if "published/steps" in each["path"]]

    def differences(self, test: Row) -> list[str]:
        """Each row that only the model or only the test has; none when the test passes."""
        node = self.manifest["nodes"][f"model.sen2.{test['model']}"]
        path = self.built.target / "compiled" / "sen2" / node["original_file_path"]
        sql = path.read_text(encoding="utf-8")
        for given in test["given"]:
            relation = self.relation(given["input"])
            sql = sql.replace(relation, self.given(relation, given["rows"]))
        self.connection.execute(f"create or replace temp table actual as ({sql}\n)")
        wanted = test["expect"]["rows"]
        if isinstance(wanted, str):
            columns = "*"
            self.connection.execute(f"create or replace temp table expected as ({wanted}\n)")
        else:
            columns = ", ".join(map(quoted, wanted[0])) if wanted else "*"
            self.fill("expected", f"select {columns} from actual", wanted)
        return [
            f"{side}: {row}"
            for side, one, other in (
                ("missing", "expected", "actual"),
                ("more", "actual", "expected"),
            )
            for row in self.connection.execute(
                f"select {columns} from {one} except all select {columns} from {other}"
            ).fetchall()
        ]

    def relation(self, name: str) -> str:
        """What `ref('people')` or `source('raw', 'people')` is in the text of a model."""
        words = name.replace('"', "'").split("'")[1::2]
        kinds = ("source",) if name.startswith("source") else ("model", "seed")
        known = self.manifest["nodes"] | self.manifest["sources"]
        ids = (f"{kind}.sen2.{'.'.join(words)}" for kind in kinds)
        return next(known[each]["relation_name"] for each in ids if each in known)

    def given(self, relation: str, rows: list[Row]) -> str:
        """A table of the columns of a relation that holds these rows."""
        key = (relation, json.dumps(rows))
        if key not in self.made:
            self.made[key] = f"given_{len(self.made)}"
            self.fill(self.made[key], f"from {relation}", rows)
        return self.made[key]

    def fill(self, table: str, like: str, rows: Iterable[Row]) -> None:
        """Make a table like a query, with these rows."""
        self.connection.execute(f"create or replace temp table {table} as {like} limit 0")
        types = {
            row[0].lower(): row[1]
            for row in self.connection.execute(f"describe {table}").fetchall()
        }
        lines = [
            f"({', '.join(written(row.get(column), kind) for column, kind in types.items())})"
            for row in ({name.lower(): value for name, value in row.items()} for row in rows)
            if row.keys() <= types.keys() or pytest.fail(f"{table}: {row.keys() - types.keys()}")
        ]
        if lines:
            self.connection.execute(f"insert into {table} values {', '.join(lines)}")


def written(value: object, kind: str) -> str:
    """A value of a unit test as SQL."""
    if value is None:
        return "null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return literal(text) if kind == "VARCHAR" else f"cast({literal(text)} as {kind})"


@pytest.fixture(scope="module")
def models(built: Built) -> Models:
    connection = duckdb.connect()
    connection.execute(f"attach {literal(str(built.warehouse))} as sen2 (read_only)")
    connection.execute("set variable collection_year = 2026")
    manifest = json.loads((built.target / "manifest.json").read_text(encoding="utf-8"))
    return Models(connection, built, manifest)


def test_every_unit_test_passes(models: Models) -> None:
    wrong = {}
    for name, test in models.unit_tests.items():
        try:
            found = models.differences(test)
        except (AssertionError, duckdb.Error) as error:
            found = [str(error)]
        if found:
            wrong[f"{test['model']}: {name}"] = found
    assert wrong == {}
    assert len(models.unit_tests) > 380


def test_a_row_that_is_not_as_expected_is_told(models: Models) -> None:
    for test in models.steps():
        wanted = test["expect"]["rows"]
        for other in (wanted[1:], [*wanted, wanted[0]]):
            assert models.differences(test | {"expect": {"rows": other}}), test["name"]


def test_dbt_says_the_same(built: Built, models: Models, tmp_path: Path) -> None:
    warehouse = shutil.copy(built.warehouse, tmp_path / built.warehouse.name)
    selection = "test_type:unit,path:models/published/steps"
    events = dbt(warehouse, tmp_path / "target", "test", "--select", selection)
    assert failures(events) == []
    ran = sum("index" in each and "execution_time" in each for each in events)
    assert ran == len(models.steps()) > 10
