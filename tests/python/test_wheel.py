"""The wheel: it holds all it needs, and does the main job outside the repository, offline."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from sen2 import spec

from .conftest import YEAR

NO_NETWORK = """\
import socket

def refuse(self, address, *rest):
    if self.family != getattr(socket, "AF_UNIX", None):
        raise OSError("no network at run time")
    return connect(self, address, *rest)

connect = socket.socket.connect
socket.socket.connect = refuse
"""


@pytest.fixture(name="installed", scope="module")
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel installs, in a folder with an awkward name."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=spec.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (spec.PROJECT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(spec.PROJECT / name, source / name)
    build = "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=source, capture_output=True, check=True
    )
    (wheel,) = folder.glob("*.whl")
    site = folder / "O'Brien's [site] sex=F"  # a path may hold any of these
    with zipfile.ZipFile(wheel) as file:
        file.extractall(site)
    (site / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    return site


FIXTURES = "tests/fixtures"


def test_every_file_of_the_project_that_dbt_and_the_gates_read_is_in_it(installed: Path) -> None:
    for folder in ("models", "seeds", "macros", "profiles", "gx", "sample", "analyses", FIXTURES):
        there = {
            path.relative_to(spec.PROJECT)
            for path in (spec.PROJECT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        packed = {
            path.relative_to(installed / "sen2" / "project")
            for path in (installed / "sen2" / "project" / folder).rglob("*")
            if path.is_file()
        }
        assert packed == there
    modules = {
        path.relative_to(spec.PROJECT / "scripts")
        for path in (spec.PROJECT / "scripts").rglob("*.py")
    }
    assert {path for path in modules if path.parts[0] != "dev"} == {
        path.relative_to(installed / "sen2") for path in (installed / "sen2").rglob("*.py")
    }


def written_by_us(folder: Path) -> list[Path]:
    """All files of a folder but those that Python compiles, which it does as it likes."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def test_it_does_the_main_job_outside_the_repository_without_network(
    installed: Path, tmp_path: Path
) -> None:
    shutil.copy(spec.PROJECT / "sen2.yml", tmp_path)
    files = written_by_us(installed)
    cut_off = ["unshare", "--map-root-user", "--net"]
    can_cut = subprocess.run([*cut_off, "true"], capture_output=True, check=False).returncode == 0
    finished = subprocess.run(
        [
            *(cut_off if can_cut else []), sys.executable, "-P", "-m", "sen2.cli",
            "run", str(installed / "sen2" / "project" / "sample"), "--year", str(YEAR),
        ],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr
    assert "The submission is written" in finished.stdout
    assert [path.name for path in (tmp_path / "out" / str(YEAR)).glob("*.xml")]
    assert written_by_us(installed) == files
    made = [
        path
        for name in ("out", "warehouse")
        for path in [tmp_path / name, *(tmp_path / name).rglob("*")]
    ]
    assert not [path for path in made if path.stat().st_mode & 0o077], "readable to others"


def test_what_runs_is_pinned_as_it_is_tested() -> None:
    pin = re.compile(r"(?m)^([a-z0-9._-]+)(?:\[[a-z0-9,._-]+\])?==(\S+)")
    run, all_of_it = (
        dict(pin.findall((spec.PROJECT / name).read_text(encoding="utf-8")))
        for name in ("requirements-run.lock", "requirements.lock")
    )
    assert run.items() <= all_of_it.items()
    project = tomllib.loads((spec.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {re.split(r"[^a-z0-9._-]", each, maxsplit=1)[0]
              for each in project["project"]["dependencies"]}  # fmt: skip
    assert needed <= run.keys()
