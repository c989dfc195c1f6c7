"""What lies in a shared folder, or in a project that was handed over, is not obeyed."""

import json
import os
from pathlib import Path

import duckdb
import pytest

from sen2 import spec, warehouse
from sen2.ground import places, trust
from sen2.ground.errors import InputError
from sen2.ground.files import sha256
from sen2.jobs import refresh
from sen2.settings.config import Job, read_config
from sen2.warehouse import lock, swap

from .conftest import YEAR

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no owner and mode to ask for")


@pytest.fixture(autouse=True)
def nothing_looked_at() -> None:
    """A new file may get the number of one that an earlier test removed."""
    warehouse.database._looked_at.clear()


@pytest.fixture
def job(tmp_path: Path) -> Job:
    config = read_config(spec.PROJECT / "sen2.yml")
    return Job(YEAR, config, tmp_path / "warehouse" / "sen2.duckdb", tmp_path / "out")


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    folder = tmp_path / "victim"
    folder.mkdir()
    (folder / "precious").write_text("precious")
    return folder / "precious"


def run(job: Job, *names: str) -> None:
    """What a run does with its warehouse and outputs, without building anything."""
    with refresh.refreshing(job) as new:
        for name in names:
            (new.job.out / name).write_text(name)
        new.commit(last=[])


def a_journal(job: Job, *steps: tuple[str, str, str]) -> Path:
    place = places.Place(job.warehouse.resolve())
    place.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    place.journal.write_text(json.dumps({"steps": steps}))
    place.journal.chmod(0o600)
    return place.journal


def test_a_journal_moves_nothing_outside_the_folders_of_the_job(job: Job, victim: Path) -> None:
    planted = job.warehouse.parent / "planted"
    link = job.warehouse.parent / "link"
    for step in (
        ("remove", "", str(victim)),
        ("replace", str(victim), str(job.warehouse.parent / "taken")),
        ("replace", str(planted), str(victim)),
        ("keep", str(victim), str(job.out / "copy")),
        ("remove", "", str(job.warehouse.parent / ".." / "victim" / "precious")),
        ("remove", "", str(link / "precious")),
        ("remove", "", str(job.out)),
    ):
        journal = a_journal(job, step)
        planted.write_text("planted")
        if not link.is_symlink():
            link.symlink_to(victim.parent)
        with (
            pytest.raises(InputError, match="nothing was moved"),
            lock.lock_warehouse(job.warehouse, job.folders),
        ):
            pass
        assert victim.read_text() == "precious"
        assert planted.read_text() == "planted"
        journal.unlink()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"steps": 1}', '{"steps": [["burn", "", "/x"]]}', '{"steps": [["remove"]]}',
     '{"steps": [["remove", "", "x"]]}', '{"steps": [["replace", "", "/x"]]}',
     '{"steps": [["remove", "", "/x\\u0000"]]}', "[" * 100_000],
)  # fmt: skip
def test_a_journal_that_is_none_of_ours_is_an_input_error(job: Job, text: str) -> None:
    a_journal(job).write_text(text)
    with (
        pytest.raises(InputError, match="not a list of steps of ours"),
        lock.lock_warehouse(job.warehouse, job.folders),
    ):
        pass


def test_a_swap_within_the_folders_is_finished(job: Job) -> None:
    job.out.mkdir()
    (job.out / "old").write_text("old")
    a_journal(job, ("remove", "", str(job.out.resolve() / "old")))
    with lock.lock_warehouse(job.warehouse, job.folders):
        assert not (job.out / "old").exists()


def test_a_removed_link_is_removed_itself(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "link").symlink_to(victim)
    swap.commit(tmp_path / "swap.json", [swap.remove(tmp_path / "link")], [tmp_path])
    assert victim.read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()


@posix
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o722])
def test_a_folder_that_others_may_write_to_is_not_used(job: Job, mode: int) -> None:
    folder = places.Place(job.warehouse.resolve()).folder
    folder.mkdir(parents=True)
    folder.chmod(mode)
    with (
        pytest.raises(InputError, match="can be written to by other accounts"),
        lock.lock_warehouse(job.warehouse),
    ):
        pass


@posix
def test_a_folder_of_another_account_or_a_link_is_not_used(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = places.Place(job.warehouse.resolve()).folder
    folder.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link"), lock.lock_warehouse(job.warehouse):
        pass
    folder.unlink()
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(trust, "ADMINISTRATOR", -1)
    monkeypatch.setattr(os, "getuid", lambda: folder.stat().st_uid + 1)
    with (
        pytest.raises(InputError, match="belongs to another account"),
        lock.lock_warehouse(job.warehouse),
    ):
        pass


def test_outputs_on_record_that_lie_outside_are_left_alone(job: Job, victim: Path) -> None:
    run(job, "old.csv")
    link = job.out / "link.csv"
    link.symlink_to(victim)
    with duckdb.connect(str(job.warehouse)) as connection:
        for name in ("../victim/precious", str(victim), "link.csv", ".", "", "sub/../../victim/x"):
            connection.execute("insert into audit.outputs values (?, 8, ?)", [name, sha256(victim)])
    run(job, "new.csv")
    assert victim.read_text() == "precious"
    assert link.is_symlink()
    assert not (job.out / "old.csv").exists()


HOSTILE = [
    "create view {place} as select content as surname from read_text('/etc/hostname')",
    "create view {place} as from query(if(1 = 1, 'select 1 as surname', 'select 2'))",
    "create view mine.inner as from read_text('/etc/hostname');"
    " create view mine.outer as from mine.inner; create view {place} as from mine.outer",
]


@pytest.mark.parametrize("sql", HOSTILE)
@pytest.mark.parametrize("place", ["raw.people", "person_level.person", "audit.lineage"])
def test_a_view_in_the_place_of_a_table_is_refused(job: Job, sql: str, place: str) -> None:
    job.warehouse.parent.mkdir()
    with duckdb.connect(str(job.warehouse)) as connection:
        connection.execute(f"create schema {place.split('.')[0]}; create schema mine")
        connection.execute(sql.format(place=place))
    with pytest.raises(InputError, match=f"the view {place}"), warehouse.connect(job.warehouse):
        pass


def test_a_view_of_tables_stands_only_where_dbt_makes_tables(job: Job) -> None:
    job.warehouse.parent.mkdir()
    with duckdb.connect(str(job.warehouse)) as connection:
        connection.execute(
            "create schema raw; create schema person_level; create schema mine;"
            " create table mine.rows as select 1 as a;"
            " create view person_level.person as from mine.rows"
        )
    with warehouse.connect(job.warehouse):
        pass
    with duckdb.connect(str(job.warehouse)) as connection:
        connection.execute("create view raw.people as from mine.rows")
    warehouse.database._looked_at.clear()
    with pytest.raises(InputError, match=r"the view raw\.people"), warehouse.connect(job.warehouse):
        pass


def test_a_macro_in_the_place_of_a_function_is_refused(job: Job) -> None:
    job.warehouse.parent.mkdir()
    with duckdb.connect(str(job.warehouse)) as connection:
        connection.execute("create macro mine(x) as x; create macro lower(x) as 'other'")
    with pytest.raises(InputError, match="lower"), warehouse.connect(job.warehouse, read_only=True):
        pass


def test_views_that_read_files_are_not_taken_over(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    run(job, "a.csv")
    with duckdb.connect(str(job.warehouse)) as connection:
        connection.execute("create schema mine")
        for name, query in {
            "plain": "with x as (from audit.runs) select count(*) as n from x",
            "made": "select unnest([1, 2]) as n from range(3) union all from generate_series(1, 2)",
            "reads": f"from read_csv('{tmp_path}/a.csv')",
            "named": f"from '{tmp_path}/a.csv'",
            "inner": f"select (select count(*) from read_text('{tmp_path}/a.csv')) as n",
            "later": "select * from query(if(true, 'select 1', 'select 2'))",
            "table_": "select * from query_table('audit.runs')",
        }.items():
            connection.execute(f"create view mine.{name} as {query}")
    with refresh.refreshing(job) as new:
        refresh.carry_views(new)
        with duckdb.connect(str(new.job.warehouse)) as connection:
            found = connection.execute(
                "select view_name from duckdb_views() where schema_name = 'mine' order by 1"
            ).fetchall()
    assert found == [("made",), ("plain",)]
    assert capsys.readouterr().err.count("was left out") == 5
