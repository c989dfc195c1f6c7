"""What several tests share: one sample, one built warehouse of it."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from sen2 import spec
from sen2.build.compiled import CACHE, environment
from sen2.land.land import land
from sen2.sample import write_sample
from sen2.settings.config import read_config

YEAR = 2026
hypothesis.settings.register_profile("suite", derandomize=True)
hypothesis.settings.register_profile("search", print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
"""The suite tries the same examples each time, so that none is red by chance; `make search` tries
new ones, and a failure there is a finding."""
DBT = "import gc; gc.disable(); from dbt.cli.main import cli; cli()"
"""dbt, as the command is, without looking through its graph for garbage: that takes a tenth."""


READ = "partial_parse.msgpack"
"""Where dbt keeps the project as it read it, which takes 10 seconds: once for each year."""


BUILD = {"built", "built_form", "builds", "checked", "pipeline", "jobs", "systems", "installed"}
"""The fixtures that make a whole run, build a warehouse or compile the models."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that no worker is left with one at the end.

    What needs a fixture that builds is slow; other tests that are say so themselves.
    """
    for item in items:
        if item.get_closest_marker("long") or BUILD & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
        if hypothesis.is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker("property")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all test workers of a session have."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder


SHARED: dict[str, Path] = {}
"""The folder that all test workers share, once the session has begun."""


@pytest.fixture(scope="session", autouse=True)
def one_reading_of_the_project(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Let all workers, and the commands they start, share the project as dbt compiled it."""
    SHARED["folder"] = shared(tmp_path_factory)
    os.environ[CACHE] = str(SHARED["folder"] / "compiled")


def hear_signals() -> None:
    """In a child, before it begins: hear the signals that nohup or a scheduler may shut out."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def once(folder: Path, name: str) -> Iterator[bool]:
    """True for the first test worker to come here; the others wait until it has finished."""
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"{name}.done"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not done.exists()
        done.touch()


def dbt(
    warehouse: Path,
    target: Path,
    *arguments: str,
    year: int = YEAR,
    variables: Mapping[str, str] | None = None,
) -> list[dict]:
    """Run dbt as a person would, `variables` beside the year; gives the data of its log events."""
    settings = {"collection_year": year, **(variables or {})}
    read = SHARED["folder"] / "read" / f"{warehouse.name}_{year}_{len(settings)}.msgpack"
    if read.exists() and not (target / READ).exists():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(read, target / READ)
    command = [
        sys.executable, "-P", "-c", DBT, "--log-format", "json",
        "--log-level-file", "none", *arguments,
        "--project-dir", str(spec.PROJECT), "--profiles-dir", str(spec.PROJECT / "profiles"),
        "--target-path", str(target), "--vars", json.dumps(settings),
    ]  # fmt: skip
    finished = subprocess.run(
        command,
        cwd=warehouse.parent,
        env=environment(warehouse),
        capture_output=True,
        text=True,
        check=False,
    )
    if (target / READ).exists() and not read.exists():
        read.parent.mkdir(exist_ok=True)
        draft = read.with_name(f"{read.name}.{os.getpid()}")
        shutil.copy(target / READ, draft)
        draft.rename(read)  # another test worker may look
    return [json.loads(line)["data"] for line in finished.stdout.splitlines() if line[:1] == "{"]


def failures(events: list[dict]) -> list[str]:
    """The nodes that failed, and anything that stopped dbt."""
    failed = [
        event["node_info"]["node_name"]
        for event in events
        if "index" in event and event.get("status", "").lower() in ("error", "fail")
    ]
    return failed + [event["exc"] for event in events if "exc" in event]


@dataclass(frozen=True)
class Built:
    """A sample extract, the warehouse built of it, and dbt's target folder of that build."""

    extract: Path
    warehouse: Path
    target: Path


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """300 plans of 2026, built once for all test workers with `dbt build` as a person runs it."""
    folder = shared(tmp_path_factory) / "built"
    made = Built(folder / "extract", folder / "sen2.duckdb", folder / "target")
    with once(folder, "built") as first:
        if first:
            write_sample(made.extract, YEAR, 300, 5)
            land(made.extract, YEAR, read_config(spec.PROJECT / "sen2.yml"), made.warehouse)
            events = dbt(
                made.warehouse, made.target, "build", "--exclude-resource-type", "unit_test"
            )
            assert failures(events) == []
            assert any("stats" in event for event in events)
    return made
