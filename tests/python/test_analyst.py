"""What an analyst works with: the questions, the diagrams, the walk-through, Parquet, exposures."""

import json
import re
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.dev import diagram
from sen2.export.parquet import write_parquet
from sen2.ground.errors import InputError

from .conftest import Built
from .test_run import sen2

ANALYSES = sorted(
    path
    for path in (spec.PROJECT / "analyses").glob("*.sql")
    if not path.stem.startswith("rows_of_")  # those open a published figure: test_analyses
)
PAGES = ("walk_through.md", "opening_the_warehouse.md")
REF = re.compile(r"\{\{ ref\('(\w+)'\) \}\}")
SOURCE = re.compile(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}")


@pytest.fixture(scope="module")
def manifest(built: Built) -> dict:
    return json.loads((built.target / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def connection(built: Built) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(built.warehouse), read_only=True)


def test_there_are_a_dozen_questions_and_each_is_one() -> None:
    assert len(ANALYSES) >= 12
    for path in ANALYSES:
        question = re.sub(r"\n-- ", " ", path.read_text(encoding="utf-8")).split("\n")[0]
        assert "?" in question, path.name


@pytest.mark.parametrize("path", ANALYSES, ids=lambda path: path.stem)
def test_every_question_has_an_answer(
    path: Path, manifest: dict, connection: duckdb.DuckDBPyConnection
) -> None:
    tables = {
        node["name"]: f"{node['schema']}.{node['alias']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    query = REF.sub(lambda found: tables[found[1]], path.read_text(encoding="utf-8"))
    query = SOURCE.sub(r"\1.\2", query)
    assert "{{" not in query
    answer = connection.sql(query)
    assert answer.columns
    rows = answer.fetchall()
    assert rows == connection.sql(query).fetchall()
    quiet = {
        "where_do_the_errors_come_from",  # the shared sample has none
        "where_are_we_unlike_other_authorities",
        "what_moved_since_the_last_run",
    }
    assert rows or path.stem in quiet


@pytest.mark.parametrize("name", PAGES)
def test_the_sql_of_the_pages_runs(name: str, connection: duckdb.DuckDBPyConnection) -> None:
    text = (spec.PROJECT / "docs" / name).read_text(encoding="utf-8")
    queries = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)
    assert queries
    for query in queries:
        assert connection.sql(query).fetchall(), query
    links = re.findall(r"\]\(([\w.]+)\)", text)
    assert [link for link in links if not (spec.PROJECT / "docs" / link).exists()] == []


def test_the_diagrams_are_those_of_the_models() -> None:
    assert diagram.PATH.read_text(encoding="utf-8") == diagram.page(), "run make generate"
    assert "person ||--o{ requests : person_id" in diagram.return_diagram()
    assert "plans ||--o{ placements : plan_id" in diagram.extract_diagram()
    assert "person_level --> published" in diagram.layer_diagram()
    assert "published --> validation" in diagram.layer_diagram()  # rules on figures
    assert "validation -->" not in diagram.layer_diagram()


def test_what_leaves_the_warehouse_is_an_exposure(manifest: dict) -> None:
    exposures = {each["name"]: each for each in manifest["exposures"].values()}
    assert set(exposures) == {
        "submission",
        "form_to_type_from",
        "workbook",
        "worklists",
        "page",
        "published_tables",
    }
    for each in exposures.values():
        assert each["description"]
        assert each["depends_on"]["nodes"]
    returned = {
        f"model.sen2.{row['table_name']}" for row in spec.seed("items") if row["table_name"]
    }
    assert returned <= set(exposures["submission"]["depends_on"]["nodes"])


def test_parquet_files_hold_what_the_tables_hold(built: Built, tmp_path: Path) -> None:
    stale = tmp_path / "parquet" / "old"
    stale.mkdir(parents=True)
    files = write_parquet(built.warehouse, tmp_path)
    assert not stale.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["parquet"]
    assert {path.parent.name for path in files} >= {"person_level", "published", "validation"}
    assert not {path.parent.name for path in files} & {"raw", "imported"}
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        for schema, table in (("person_level", "person"), ("published", "caseload")):
            file = tmp_path / "parquet" / schema / f"{table}.parquet"
            assert (
                duckdb.sql(f"from '{file}'").fetchall()
                == connection.sql(f"from {schema}.{table}").fetchall()
            )


def test_parquet_needs_a_built_warehouse_and_goes_alone(tmp_path: Path) -> None:
    empty = tmp_path / "empty.duckdb"
    duckdb.connect(str(empty)).close()
    with pytest.raises(InputError, match="Run `sen2 build` first"):
        write_parquet(empty, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
    done = sen2(tmp_path, "export", "--parquet", "--final", "--by", "A Name")
    assert done.returncode == 2
    assert "--parquet goes alone" in done.stderr
