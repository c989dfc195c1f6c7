"""A run is all or nothing: whatever stops it, and whoever reads meanwhile."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.ground import places
from sen2.ground.errors import InputError
from sen2.jobs import refresh
from sen2.settings.config import Job, read_config
from sen2.warehouse import lock, swap

from . import soak
from .conftest import YEAR, Built
from .soak import Site

OLD, NEW = "old", "new"


@pytest.fixture(scope="module")
def site(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two extracts and a warehouse of the second; runs copy the layers that were built before."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "tests.python.soak", "run", str(built.warehouse)]
    site = Site(folder, command)
    for name in ("yesterday", "today"):
        shutil.copytree(built.extract, folder / name)
    soak.blank_a_surname(folder / "today")
    soak.prepare(site)
    return site


def test_a_run_that_is_killed_leaves_all_of_one_day(site: Site) -> None:
    found = soak.soak(site, 5, 2)
    assert sum(found.values()) - found["cut off in the swap"] >= 5


def test_readers_go_on_and_what_people_keep_stays(site: Site) -> None:
    whose = site.check()
    with duckdb.connect(str(site.job.warehouse)) as connection:
        connection.execute(
            "create table mine.kept as select 'R1' as request_id;"
            " create view mine.people as from person_level.person;"
            " create table imported.extra as select 'last' as return_id;"
            " alter table audit.submissions drop column signed_by;"
            " create table staging.stray as select 1 as number;"
            " create view mine.of_stray as from staging.stray"
        )
        (runs,) = connection.execute("select max(run) from audit.runs").fetchone()
    query = "select surname from raw.people order by _row limit 1"
    with duckdb.connect(str(site.job.warehouse), read_only=True) as reader:
        before = reader.execute(query).fetchall()
        code, said = site.run(soak.other(whose))
        assert code == 0
        assert "mine.of_stray no longer fits" in said
        assert said.count("no longer fits") == 1
        assert reader.execute(query).fetchall() == before
    with duckdb.connect(str(site.job.warehouse)) as connection:
        assert connection.execute(query).fetchall() != before
        assert connection.execute("from mine.kept").fetchall() == [("R1",)]
        assert connection.execute("from imported.extra").fetchall() == [("last",)]
        assert connection.execute("select count(*) > 0 from mine.people").fetchall() == [(True,)]
        assert connection.execute("select max(run) from audit.runs").fetchall() == [(runs + 1,)]
        finals = "select file from audit.submissions where is_final"
        assert connection.execute(finals).fetchall() == [(f"SEN2_330_{YEAR}_007.xml",)]
        stray = "select 1 from duckdb_tables() where table_name = 'stray'"
        assert connection.execute(stray).fetchall() == []
        connection.execute("drop table mine.kept; drop view mine.people; drop table imported.extra")
    assert site.check() == soak.other(whose)


def test_outputs_that_a_run_did_not_write_do_not_stay(tmp_path: Path) -> None:
    """A submission and a form go out of sight, other outputs go unless somebody changed them."""
    config = read_config(spec.PROJECT / "sen2.yml")
    job = Job(YEAR, config, tmp_path / "sen2.duckdb", tmp_path / "out")
    xml = f"SEN2_330_{YEAR}_001.xml"
    for names, last in (((xml, "old.csv", "noted.csv", "form.csv"), [xml]), (("new.csv",), [])):
        with refresh.refreshing(job) as new:
            for name in names:
                (new.job.out / name).write_text(name)
            new.commit(last=[new.job.out / name for name in last])
        if last:
            assert sorted(path.name for path in job.out.iterdir()) == sorted(names)
            (job.out / "noted.csv").write_text("a word of mine")
            (job.out / "mine.txt").touch()
    assert sorted(path.name for path in job.out.iterdir()) == [
        "mine.txt",
        "new.csv",
        "noted.csv",
        "superseded",
    ]
    superseded = sorted(path.name for path in (job.out / "superseded").iterdir())
    assert superseded == [xml, "form.csv"]


def test_what_a_stopped_run_left_is_removed_wherever_it_wrote(tmp_path: Path) -> None:
    config = read_config(spec.PROJECT / "sen2.yml")
    job = Job(YEAR, config, tmp_path / "sen2.duckdb", tmp_path / "out")
    other = replace(job, out=tmp_path / "other")
    child = os.fork()
    if child == 0:
        with refresh.refreshing(other) as new:
            (new.job.out / "half.csv").touch()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert [path.name for path in other.out.iterdir()] == [".building_sen2"]
    with refresh.refreshing(job):
        assert list(other.out.iterdir()) == []
    assert not places.Place(job.warehouse).building.parent.exists()


def test_a_second_run_stops_or_waits(site: Site) -> None:
    with lock.lock_warehouse(site.job.warehouse):
        code, said = site.run("yesterday")
        assert code == 2 or "InputError" in said
        assert "another sen2 is at work" in said
        waiting = subprocess.Popen(
            [
                sys.executable, "-c",
                "import sys; from pathlib import Path; from sen2.warehouse import lock\n"
                "with lock.lock_warehouse(Path(sys.argv[1]), wait=True): print('begun')",
                str(site.job.warehouse),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        assert waiting.stderr is not None
        assert "Waiting for another sen2" in waiting.stderr.readline()
        assert waiting.poll() is None
    assert waiting.communicate()[0] == "begun\n"


@pytest.mark.parametrize("name", ["o's.duckdb", 'an "old" one.duckdb'])
def test_a_name_that_dbt_cannot_use_is_refused_before_anything_is_made(
    name: str, tmp_path: Path
) -> None:
    with (
        pytest.raises(InputError, match=r"Choose another name\."),
        lock.lock_warehouse(tmp_path / "warehouse" / name),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("megabytes", [1, 20])
def test_a_full_disk_is_said_plainly_and_changes_nothing(site: Site, megabytes: int) -> None:
    before = site.state()
    limit = megabytes << 20

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = subprocess.run(
        [
            *site.command, soak.other(site.check()), "--year", str(YEAR),
            "--warehouse", str(site.job.warehouse), "--out", str(site.job.out),
        ],
        cwd=site.folder,
        env=os.environ | {"PYTHONPATH": str(spec.PROJECT)},
        preexec_fn=full,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert "the disk is full" in process.stderr
    assert site.state() == before
    left = {path.name for path in places.Place(site.job.warehouse).folder.iterdir()}
    assert left == {"last.json", "lock"}


# The swap, stopped before each of its calls to the operating system


CALLS = ("replace", "unlink", "rename", "mkdir", "link", "fsync")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with a set in place, another one beside it, and steps from one to the other."""
    for folder, words in (("place", OLD), ("staged", NEW)):
        (tmp_path / folder).mkdir()
        for name in ("warehouse", "report", "submission"):
            (tmp_path / folder / name).write_text(words)
    (tmp_path / "place" / "stale").write_text(OLD)
    return tmp_path


def steps(folder: Path) -> list[swap.Step]:
    place, staged = folder / "place", folder / "staged"
    return [
        swap.replace(place / "stale", folder / "superseded" / "stale"),
        swap.keep(place / "warehouse", folder / "kept" / "warehouse"),
        *(
            swap.replace(staged / name, place / name)
            for name in ("warehouse", "report", "submission")
        ),
        swap.remove(place / "gone"),
    ]


def stop_before(number: int, folder: Path) -> bool:
    """Commit in a process that is killed before its call `number`; gives whether it was."""
    child = os.fork()
    if child == 0:
        count = 0

        def counted(call: Callable[..., object]) -> Callable[..., object]:
            def counting(*arguments: object, **named: object) -> object:
                nonlocal count
                count += 1
                if count == number:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **named)

            return counting

        for name in CALLS:
            setattr(os, name, counted(getattr(os, name)))
        swap.commit(folder / "swap.json", steps(folder), [folder])
        os._exit(0)
    return os.waitpid(child, 0)[1] != 0


def held_by(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted((folder / "place").iterdir())}


WHOLE_OLD = {"report": OLD, "stale": OLD, "submission": OLD, "warehouse": OLD}
WHOLE_NEW = {"report": NEW, "submission": NEW, "warehouse": NEW}


def test_a_swap_stopped_anywhere_is_all_or_nothing(files: Path) -> None:
    journal, ends = files / "swap.json", []
    for number in range(1, 100):
        shutil.rmtree(files / "again", ignore_errors=True)
        folder = shutil.copytree(files, files.with_name(f"{files.name}_{number}"))
        if not stop_before(number, folder):
            break
        journal = folder / "swap.json"
        if not journal.exists():
            assert held_by(folder) in (WHOLE_OLD, WHOLE_NEW)
            ends.append(held_by(folder) == WHOLE_NEW)
            continue
        assert {"warehouse", "report", "submission"} <= held_by(folder).keys()
        assert swap.recover(journal, [folder])
        assert held_by(folder) == WHOLE_NEW
        assert (folder / "kept" / "warehouse").read_text() == OLD
        assert (folder / "superseded" / "stale").read_text() == OLD
        assert not journal.exists()
        ends.append(True)
    assert number > 20
    assert ends == sorted(ends)
    assert set(ends) == {False, True}


def test_files_are_on_the_disk_before_they_move(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a loss of power could undo: nothing that a later step relies on."""
    events: list[tuple[str, str]] = []
    to_disk, take = swap.to_disk, swap._take
    monkeypatch.setattr(
        swap, "to_disk", lambda path: (events.append(("disk", path.name)), to_disk(path))
    )
    monkeypatch.setattr(
        swap, "_take", lambda step: (events.append(("move", Path(step.target).name)), take(step))
    )
    swap.commit(files / "swap.json", steps(files), [files])
    first = next(i for i, (kind, _) in enumerate(events) if kind == "move")
    last = max(i for i, (kind, _) in enumerate(events) if kind == "move")
    before = [name for kind, name in events[:first] if kind == "disk"]
    assert {"warehouse", "report", "submission", "staged"} <= set(before)
    assert before[-2:] == ["swap.json.part", files.name]
    after = {name for kind, name in events[last:] if kind == "disk"}
    assert {"place", "kept", "superseded", files.name} <= after


def test_a_file_that_a_program_holds_stops_the_swap_before_it_begins(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows does: a file that is open cannot be renamed."""
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "report":
            raise PermissionError
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    monkeypatch.setattr(swap, "PATIENCE", 0.3)
    start = time.monotonic()
    with pytest.raises(InputError, match="report: cannot be replaced; close it"):
        swap.commit(files / "swap.json", steps(files), [files])
    assert time.monotonic() - start >= 0.3
    assert held_by(files) == WHOLE_OLD
    assert not (files / "swap.json").exists()


def test_a_copy_is_kept_where_files_have_one_name_only(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(os, "link", refuse)
    swap.commit(files / "swap.json", steps(files), [files])
    assert (files / "kept" / "warehouse").read_text() == OLD
    assert held_by(files) == WHOLE_NEW
