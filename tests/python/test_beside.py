"""Work in another process: its end is waited for, its fault is raised, it does not outlive us."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.export import export
from sen2.gates import gate_results
from sen2.ground.console import Stages
from sen2.ground.errors import DefectError, InputError
from sen2.jobs import single_stages, year_outputs
from sen2.jobs.side_process import in_side_process
from sen2.settings.config import Job, read_config

from .conftest import YEAR, Built


def write_whose(path: Path, *, words: str) -> None:
    path.write_text(f"{words} {os.getpid()}", encoding="utf-8")


def refuse(words: str) -> None:
    raise InputError(words)


class AwkwardError(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


def fail_awkwardly() -> None:
    raise AwkwardError("a", "value")


def write_and_sleep(path: Path) -> None:
    path.write_text(str(os.getpid()), encoding="utf-8")
    time.sleep(60)


def written(path: Path) -> str:
    for _ in range(1200):  # a minute, for a machine that is busy
        if path.exists() and (text := path.read_text(encoding="utf-8")):
            return text
        time.sleep(0.05)
    raise AssertionError("nothing was written")


def is_there(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_it_is_done_elsewhere_by_the_end_of_the_block(tmp_path: Path) -> None:
    with in_side_process(write_whose, tmp_path / "a", words="by") as other:
        other.wait()
        who, number = (tmp_path / "a").read_text().split()
    assert who == "by"
    assert int(number) != os.getpid()
    with in_side_process(write_whose, tmp_path / "b", words="by"):
        pass
    assert (tmp_path / "b").exists()


def test_what_it_raises_is_raised_here() -> None:
    with pytest.raises(InputError, match="no such thing"), in_side_process(refuse, "no such thing"):
        pass


def test_what_cannot_be_passed_on_is_told_by_its_kind(capfd: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(DefectError, match=r"ended with AwkwardError\.$"),
        in_side_process(fail_awkwardly),
    ):
        pass
    assert capfd.readouterr().err == ""


def test_it_is_stopped_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), in_side_process(write_and_sleep, tmp_path / "pid"):
        _ = 1 / (int(written(tmp_path / "pid")) - int(written(tmp_path / "pid")))
    assert not is_there(int(written(tmp_path / "pid")))


def test_one_that_is_killed_is_not_taken_for_done(tmp_path: Path) -> None:
    with (
        pytest.raises(DefectError, match="stopped from outside"),
        in_side_process(write_and_sleep, tmp_path / "pid"),
    ):
        os.kill(int(written(tmp_path / "pid")), signal.SIGKILL)


SCRIPT = """\
import os, signal, sys, time
from multiprocessing import active_children
from pathlib import Path
from sen2.jobs.side_process import in_side_process
from tests.python.test_beside import finish_when_told, written
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with in_side_process(finish_when_told, folder):
        written(folder / "begun")
        {deed}
"""


def after(deed: str, folder: Path) -> tuple[int, str, bool]:
    """How a program ends that does something beside another; what is said; is the other done?"""
    (folder / "parent.py").write_text(SCRIPT.format(deed=deed))
    done = subprocess.run(
        [sys.executable, folder / "parent.py", folder],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        start_new_session=True,
    )  # returns when the child too has closed its standard error
    return done.returncode, done.stderr, (folder / "finished").exists()


def test_it_says_nothing_when_whoever_waited_is_gone(tmp_path: Path) -> None:
    deed = "os.kill(os.getpid(), signal.SIGKILL)"
    assert after(deed, tmp_path) == (-signal.SIGKILL, "", True)


def test_it_does_not_hear_ctrl_c_and_leaves_that_to_us(tmp_path: Path) -> None:
    deed = "os.kill(active_children()[0].pid, signal.SIGINT); (folder / 'told').touch()"
    assert after(deed, tmp_path) == (0, "", True)


def read_and_sleep(warehouse: Path, path: Path) -> None:
    with duckdb.connect(str(warehouse), read_only=True):
        write_and_sleep(path)


def test_a_submission_that_is_wrong_is_told_although_the_workbook_is_being_made(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: object, **__: object) -> None:
        written(tmp_path / "pid")
        raise DefectError("it is wrong")

    copy = Path(shutil.copy(built.warehouse, tmp_path / "sen2.duckdb"))
    job = Job(YEAR, read_config(spec.PROJECT / "sen2.yml"), copy, tmp_path / "out")
    monkeypatch.setattr(export, "export", wrong)
    found = [
        gate_results.GateResult(
            "rules", [gate_results.ExpectationResult("all", "all", "error", "met")]
        )
    ]
    with (
        pytest.raises(DefectError, match="it is wrong"),
        in_side_process(read_and_sleep, copy, tmp_path / "pid") as workbook,
    ):
        single_stages.write_stage(
            job, Stages(), year_outputs.outputs_of(YEAR), found, False, workbook
        )
    with duckdb.connect(str(copy), read_only=True) as connection:
        kept = connection.execute("select gate, suite from audit.gate_results").fetchall()
    assert ("rules", "all") in kept


def finish_when_told(folder: Path) -> None:
    """Say that it has begun; finish once told to, or when whoever began this is gone."""
    parent = os.getppid()
    (folder / "begun").write_text("yes", encoding="utf-8")
    while not (folder / "told").exists() and os.getppid() == parent:
        time.sleep(0.01)
    (folder / "finished").touch()
