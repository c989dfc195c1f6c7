"""The project as dbt compiled it: run, it gives what `dbt build` gives, and it is nobody else's."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest

from sen2 import spec, warehouse
from sen2.build import compiled
from sen2.build.build import build, build_models
from sen2.build.compiled import CACHE, Statement, find_compiled, fingerprint
from sen2.ground.errors import DefectError, InputError
from sen2.ground.sql import quoted
from sen2.land.land import land
from sen2.settings.config import read_config

from .conftest import YEAR, Built, dbt
from .extracts import models

COLUMNS = """
    select schema_name, table_name, column_name, data_type, is_nullable
    from duckdb_columns() where database_name = current_database() order by all
"""
VIEWS = """
    select schema_name, view_name, replace(sql, current_database() || '.', '') from duckdb_views()
    where database_name = current_database() and not internal order by all
"""


def describe(path: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def tables_that_differ(one: Path, other: Path) -> list[str]:
    """The tables and views of which a row is in one warehouse only."""
    names = sorted({f"{quoted(row[0])}.{quoted(row[1])}" for row in describe(one, COLUMNS)})
    with duckdb.connect(str(one), read_only=True) as connection:
        connection.execute(f"attach '{other}' as another (read_only)")
        return [
            name
            for name in names
            if connection.execute(
                f"(from {name} except all from another.{name}) union all"
                f" (from another.{name} except all from {name}) limit 1"
            ).fetchall()
        ]


@pytest.fixture
def landed(built: Built, tmp_path: Path) -> Path:
    """The sample landed and not built, in a warehouse of the name of the one that dbt built."""
    path = tmp_path / built.warehouse.name
    land(built.extract, YEAR, read_config(spec.PROJECT / "sen2.yml"), path)
    return path


def test_a_build_is_what_dbt_builds(built: Built, landed: Path) -> None:
    nodes = build(landed, YEAR)
    assert nodes > 250
    assert describe(landed, COLUMNS) == describe(built.warehouse, COLUMNS)
    assert describe(landed, VIEWS) == describe(built.warehouse, VIEWS)
    assert tables_that_differ(landed, built.warehouse) == []
    with duckdb.connect(str(landed)) as connection:
        connection.execute("update intermediate.cases set person_id = 'P0000001'")
    assert '"intermediate"."cases"' in tables_that_differ(landed, built.warehouse)


@pytest.mark.slow
@pytest.mark.parametrize("year", [2022])
def test_each_year_has_the_text_that_dbt_compiles_for_it(year: int, tmp_path: Path) -> None:
    dbt(tmp_path / "sen2.duckdb", tmp_path / "target", "compile", "--no-introspect", year=year)
    nodes = json.loads((tmp_path / "target" / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    texts = {
        node["name"]: node["compiled_code"]
        for node in nodes.values()
        if node["resource_type"] == "model"
    }
    own = {each.name: each.text('"sen2"', year) for each in models().models()}
    assert sorted(own) == sorted(texts)
    assert [name for name, text in texts.items() if text.strip() not in own[name]] == []


@pytest.mark.slow
def test_it_is_made_beside_the_warehouse_and_again_for_another_version(
    landed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lies beside the warehouse: it is no module of Python's to dbt."""
    monkeypatch.delenv(CACHE)
    monkeypatch.setattr(compiled, "SHIPPED", landed.parent / "nowhere")
    for name in ("dbt", "yaml", "sen2", "duckdb"):
        (landed.parent / f"{name}.py").write_text("raise SystemExit(9)\n")
    folder = landed.parent / ".compiled"
    for other in ("0123456789abcdef", "draft_of_a_run_that_was_killed", "of another program"):
        (folder / other).mkdir(parents=True)
        (folder / other / "file").touch()
    folder.chmod(0o700)
    build(landed, YEAR, models=["survey"])
    assert {path.name for path in folder.iterdir()} == {
        *("lock", "of another program"),
        fingerprint(),
    }
    own = folder / fingerprint()
    assert {path.stat().st_mode & 0o077 for path in (own, *own.iterdir())} == {0}
    assert {each.text("own", YEAR) for each in find_compiled(folder).statements} == {
        each.text("own", YEAR) for each in models().statements
    }


def test_it_is_run_only_from_a_folder_that_is_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is code: whoever may write to it may run anything."""
    folder = tmp_path / "compiled"
    monkeypatch.setenv(CACHE, str(folder))
    monkeypatch.setattr(compiled, "SHIPPED", tmp_path / "nowhere")
    folder.mkdir(mode=0o700)
    shutil.copytree(models().seeds.parent, folder / fingerprint())
    own = folder / fingerprint()
    assert find_compiled(tmp_path).statements == models().statements
    for path in (folder, own, own / "statements.json", own / "seeds.duckdb"):
        usual = path.stat().st_mode
        path.chmod(usual | 0o022)
        with pytest.raises(InputError, match="can be written to by other accounts"):
            find_compiled(tmp_path)
        path.chmod(usual)
    assert find_compiled(tmp_path).statements == models().statements


def test_all_is_built_or_nothing(landed: Path) -> None:
    build(landed, YEAR)
    before = describe(landed, "from intermediate.cases order by all")
    with duckdb.connect(str(landed)) as connection:
        connection.execute("update raw.plans set start_date = '2020-02-02'")
        connection.execute("alter table raw.reviews rename to elsewhere")
    with pytest.raises(DefectError, match="stg_"):
        build(landed, YEAR)
    assert describe(landed, "from intermediate.cases order by all") == before


def test_a_test_of_ours_that_fails_is_named(landed: Path) -> None:
    def statement(name: str, sql: str) -> Statement:
        return Statement(name, "test", "tests", name, sql, ())

    with warehouse.connect(landed) as connection:
        told = build_models(
            connection,
            [
                statement("holds", "select 0 as failures, false, false"),
                statement("fails", "select 3 as failures, true, true"),
                statement("reads the year", "select collection_year - 1 from (select cast("
                          "getvariable('collection_year') as integer) as collection_year)"),
                statement("cannot run", "select nothing"),
                statement("is not reached", "select 1"),
            ],
            1,
        )  # fmt: skip
    assert told == ["fails", "cannot run"]


def test_models_come_with_what_they_read() -> None:
    names = [each.name for each in models().models(["survey", "cases"])]
    assert names[-1] in ("survey", "cases")
    assert {"stg_people", "rejected_rows", "case_plans"} < set(names)
    assert not {"case_scope", "person"} & set(names)
