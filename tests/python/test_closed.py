"""A connection reads and writes the warehouse, and the files it was opened for, and no others."""

import shutil
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
import yaml

from sen2 import spec, warehouse
from sen2.ground import files
from sen2.land.mapping import expressions

from . import attacks
from .conftest import YEAR, Built, dbt

OTHERS = (
    "select content from read_text('{file}')",
    "select * from read_csv('{file}')",
    "from '{file}'",
    "select * from glob('{folder}/*')",
    "copy (select 1) to '{folder}/new.csv'",
    "copy main.kept from '{file}'",
    "attach '{folder}/new.duckdb' as other",
    "attach '{other}' as other (read_only)",
    "export database '{folder}/new'",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set allowed_directories = ['/']",
    "set allowed_paths = ['{file}']",
    "set temp_directory = '{folder}/new'",
    "create secret (type s3)",
)
"""What SQL that nobody asked for would do."""


@pytest.fixture
def around(tmp_path: Path) -> dict[str, str]:
    """Files that are not the warehouse's."""
    folder = tmp_path / "around"
    folder.mkdir()
    (folder / "secret.csv").write_text("a\nsecret\n", encoding="utf-8")
    with duckdb.connect(str(folder / "other.duckdb")) as connection:
        connection.execute("create table t as select 'secret' as a")
    return {
        "file": str(folder / "secret.csv"),
        "folder": str(folder),
        "other": str(folder / "other.duckdb"),
    }


@pytest.mark.parametrize("statement", OTHERS)
@pytest.mark.parametrize("read_only", [False, True])
def test_sql_reaches_no_other_file(
    tmp_path: Path, around: dict[str, str], statement: str, read_only: bool
) -> None:
    path = tmp_path / "w.duckdb"
    with warehouse.connect(path) as connection:
        connection.execute("create table main.kept (a varchar)")
    held = sorted(Path(around["folder"]).iterdir())
    with (
        warehouse.connect(path, read_only=read_only) as connection,
        pytest.raises(duckdb.Error),
    ):
        connection.execute(statement.format(**around)).fetchall()
    assert sorted(Path(around["folder"]).iterdir()) == held


def test_a_profile_is_written_to_no_file(tmp_path: Path, around: dict[str, str]) -> None:
    held = sorted(Path(around["folder"]).iterdir())
    with warehouse.connect(tmp_path / "w.duckdb") as connection, suppress(duckdb.Error):
        connection.execute("pragma enable_profiling = 'json'")
        connection.execute(f"set profiling_output = '{around['folder']}/profile'")
        connection.execute("select 1")
    assert sorted(Path(around["folder"]).iterdir()) == held


def test_what_is_attached_and_a_folder_that_is_named_are_reached(
    tmp_path: Path, around: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("plain", "a[bc]", "it's", "sex=F", "b/../c"):
        folder = Path(name)
        folder.mkdir(parents=True)
        (folder / "x.csv").write_text("a\nhere\n", encoding="utf-8")
        with warehouse.connect(
            Path("w.duckdb"), attached={"_other": Path(around["other"])}, reaches=[folder]
        ) as connection:
            read = files.read_csv(folder / "x.csv")
            assert connection.execute(f"select a from {read}").fetchall() == [("here",)]
            assert connection.execute("select a from _other.t").fetchall() == [("secret",)]
            with pytest.raises(duckdb.PermissionException):
                connection.execute(f"from '{around['file']}'")


def test_dbt_reaches_no_other_file(built: Built, tmp_path: Path, around: dict[str, str]) -> None:
    copy = Path(shutil.copy(built.warehouse, tmp_path / built.warehouse.name))
    target = Path(shutil.copytree(built.target, tmp_path / "target"))
    query = f"select content from read_text('{around['file']}')"
    said = str(dbt(copy, target, "show", "--inline", query, year=YEAR))
    assert "Permission Error" in said
    assert "secret\\n" not in said


def test_every_target_of_the_profile_is_closed() -> None:
    profile = spec.PROJECT / "profiles" / "profiles.yml"
    targets = yaml.safe_load(profile.read_text(encoding="utf-8"))["sen2"]["outputs"]
    plugins = [target["plugins"] for target in targets.values()]
    assert plugins == [[{"module": "sen2.build.dbt_connection"}]] * 2


def test_an_expression_that_slipped_through_would_reach_no_file(
    tmp_path: Path, around: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expressions, "_check", lambda place, part: None)
    attack = attacks.honest()
    query = f"(select count(*) from read_text('{around['file']}'))"
    attacks.PLACES["sql"](attack, query)
    field = attacks.Range(tmp_path)
    said = field.land(attack)
    assert "Permission" in said
    attacks.PLACES["sql"](attack, "upper('a')")
    assert field.land(attack, "again") == ""
