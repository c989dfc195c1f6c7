"""Files are read by their path and by no other: a name is never a pattern, nor a column."""

import ast
import csv
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from jinja2 import Environment

from sen2 import spec
from sen2.audit import purge
from sen2.ground import files
from sen2.ground.errors import InputError
from sen2.ground.sql import literal
from sen2.land import releases
from sen2.land.land import land
from sen2.land.read import delimited
from sen2.settings.config import Config

from .extracts import write_extract

YEAR = 2026
CONFIG = Config(la_code="330")
NAMES = (
    *("ext[ab]", "a*b", "a?b", "**", "[", "[]]", "x[!a]y", "a]b", "{a,b}", "sex=F", "_file=x"),
    *("o'brien", "back\\slash", "~", "$HOME", "%20", "http:", "é", " sp ", "Extract [1]"),
)
"""Folders that a pattern, a URL, a shell or DuckDB would take for something else."""
NEIGHBOURS = ("exta", "aXb", "axxb", "x1y", "z", "Extract 1", "backslash")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder of each name with one table, in two formats, whose value is the name."""
    for name in (*NAMES, *NEIGHBOURS):
        folder = tmp_path / name
        folder.mkdir()
        with (folder / "t.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["sex"], [name]])
        plain = tmp_path / "t.parquet"
        duckdb.sql(f"copy (select {literal(name)} as sex) to {literal(str(plain))}")
        plain.rename(folder / "t.parquet")
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_path_is_read_as_it_is(folders: Path, name: str) -> None:
    folder = folders / name
    text = files.read_csv(folder / "t.csv", header=True, all_varchar=True, delim=",")
    for relation in (text, files.read_parquet(folder / "t.parquet")):
        assert duckdb.sql(f"from {relation}").fetchall() == [(name,)]


def test_every_file_is_read_by_the_one_function() -> None:
    """No other module has DuckDB read a file, but the benchmark's floor, of files of its own."""
    readers = ("read_csv(", "read_parquet(", "read_json(", "read_text(", "read_blob(", "parquet_")
    found = set()
    for path in (spec.PROJECT / "scripts").rglob("*.py"):
        for part in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                found |= {path.name for reader in readers if f"from {reader}" in part.value}
    assert found == {"floor.py"}


@pytest.mark.parametrize("mapping", [(), (Path("contract"),)], ids=["contract", "mapped"])
@pytest.mark.parametrize("name", ["sex=F", "ext[ab]", "_row=7"])
def test_the_name_of_an_extract_changes_nothing_in_it(
    tmp_path: Path, name: str, mapping: tuple[Path, ...]
) -> None:
    write_extract(tmp_path / "exta", YEAR, people=[{"person_id": "Q", "sex": "F"}])
    extract = write_extract(tmp_path / name, YEAR, people=[{"person_id": "P", "sex": "M"}])
    land(extract, YEAR, CONFIG, tmp_path / "w.duckdb", mappings=mapping)
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as connection:
        people = connection.execute("select person_id, sex, _row from raw.people").fetchall()
        hashed = connection.execute(
            "select sha256 from audit.landed_files where table_name = 'people'"
        ).fetchall()
    assert people == [("P", "M", 2)]
    assert hashed == [(delimited.read_through(extract / "people.csv", "utf-8")[0],)]


def test_a_parquet_extract_in_a_folder_with_an_equals_sign_keeps_its_values(
    tmp_path: Path,
) -> None:
    folders = [tmp_path / "sex=F" / "ext[ab]", tmp_path / "sex=F" / "exta"]
    for number, folder in enumerate(folders):
        write_extract(folder, YEAR, people=[{"person_id": f"P{number}", "sex": "M"}])
        made = tmp_path / "people.parquet"
        relation = files.read_csv(folder / "people.csv", header=True, all_varchar=True)
        duckdb.sql(f"copy (from {relation}) to {literal(str(made))}")
        made.rename(folder / "people.parquet")
        (folder / "people.csv").unlink()
    land(folders[0], YEAR, CONFIG, tmp_path / "w.duckdb", mappings=[Path("contract")])
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as connection:
        people = connection.execute("select person_id, sex from raw.people").fetchall()
    assert people == [("P0", "M")]


def test_a_file_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is hashed is what is read: not a file that was written over in between."""
    extract = write_extract(tmp_path / "e", YEAR, people=[{"person_id": "1"}])
    plain = delimited._load_plain

    def change(connection, file, insert):
        with file.path.open("ab") as more:
            more.write(b"\n")
        return plain(connection, file, insert)

    monkeypatch.setattr(delimited, "_load_plain", change)
    with pytest.raises(InputError, match="changed while it was read"):
        land(extract, YEAR, CONFIG, tmp_path / "w.duckdb")


def test_a_published_file_is_read_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "old_la_code=999"
    folder.mkdir()
    wanted = ["time_period", "old_la_code"]
    (folder / "t.csv").write_text(",".join(wanted) + "\n2024,330\n", encoding="utf-8")
    file = releases.ReleaseFile(folder / "t.csv", "2025", "t", wanted, None, None, {}, 2025, False)
    with duckdb.connect() as connection:
        read = connection.execute(f"from {releases.rows_of(file)}").fetchall()
    assert read == [("2024", "330")]


@pytest.mark.parametrize("name", ["o'brien", "ext[ab]", "a*b"])
def test_a_seed_is_read_as_it_is(folders: Path, name: str) -> None:
    """dbt-duckdb's own macro has no quotes around its path but those of the text."""
    said: list[str] = []
    source = (spec.PROJECT / "macros" / "seed.sql").read_text(encoding="utf-8")
    macro = Environment(extensions=["jinja2.ext.do"]).from_string(
        source + "{% do duckdb__load_csv_rows(none, none) %}"
    )
    macro.render(
        adapter=SimpleNamespace(
            get_seed_file_path=lambda model: str(folders / name / "t.csv"),
            add_query=lambda sql, **options: said.append(sql),
        ),
        config=SimpleNamespace(get=lambda name, usual: usual),
        this=SimpleNamespace(render=lambda: "t"),
        **{"return": str},
    )
    with duckdb.connect() as connection:
        connection.execute("create table t (sex varchar)")
        connection.execute(*said)
        assert connection.execute("from t").fetchall() == [(name,)]


def test_the_age_of_a_copy_comes_from_its_own_file(tmp_path: Path) -> None:
    other = tmp_path / "extracted_on=1999-01-01"
    for name, day in (("ext[ab]", "2026-01-15"), ("exta", "2020-01-16")):
        folder = other / name / "intermediate"
        folder.mkdir(parents=True)
        plain = tmp_path / "t.parquet"
        duckdb.sql(f"copy (select date '{day}' as extracted_on) to {literal(str(plain))}")
        plain.rename(folder / "survey.parquet")
    found = purge._day_of_parquet(other / "ext[ab]")
    assert str(found) == "2026-01-15"
