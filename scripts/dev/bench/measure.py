"""Whole commands, timed as a person runs them: wall seconds, peak memory, stages, sizes."""

import mmap
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from ... import spec, warehouse
from ...ground.errors import DefectError
from ...sample import write_sample

BETWEEN_LOOKS = 0.1
"""Seconds from one look at a command's memory to the next."""
HIGHER = 1.01
"""How much more the processes must hold for what they share to be told apart, which is slow."""
NOT_A_USERS = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""What some test machines say, and would be measured: to compile everything at every start."""
SEVERAL, MOST_SEVERAL = 3, 20_000
"""How often a size is measured, of which the quickest stands, and the largest size of these."""
MOST_TWICE = 100_000
"""Plans of the largest size that is run again."""
STAGES = ("land", "build", "arrival", "rules", "export", "report")


@dataclass(frozen=True)
class Usage:
    """Wall seconds of a command, and the most memory that all its processes held at once, in MB."""

    seconds: float
    peak_mb: float


class Facts(NamedTuple):
    """What a run made: people returned, rows landed, seconds by stage, sizes in MB."""

    people: int
    rows: int
    stages: dict[str, float]
    xml_mb: float
    warehouse_mb: float


@dataclass(frozen=True)
class Measured:
    """One size: the main job, its stages in seconds, what it wrote, and the floor on that.

    `again` is the same job once more, as every night but the first is: dbt then knows the project.
    Of the largest sizes there is none, since what dbt saves is then little beside the rest.
    """

    plans: int
    people: int
    rows: int
    stages: dict[str, float]
    xml_mb: float
    warehouse_mb: float
    job: Usage
    again: Usage | None
    floor: Usage

    @property
    def ratio(self) -> float:
        """How many times the floor's time the main job takes."""
        return self.job.seconds / self.floor.seconds


def spent(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command with its output thrown away; DefectError when it does not end with 0."""
    began, peak, highest = time.perf_counter(), 0, 0.0
    here = {name: value for name, value in os.environ.items() if name not in NOT_A_USERS}
    with subprocess.Popen(
        arguments, stdout=subprocess.DEVNULL, env=here | dict(environment or {})
    ) as process:
        while process.poll() is None:
            if (touched := held(process.pid, resident)) > highest * HIGHER:
                highest, peak = touched, max(peak, held(process.pid, proportional))
            time.sleep(BETWEEN_LOOKS)
    if process.returncode:
        raise DefectError(f"{' '.join(arguments[1:])} ended with {process.returncode}.")
    return Usage(time.perf_counter() - began, peak / 1e6)


def held(process: int, measure: Callable[[Path], int]) -> int:
    """Bytes in memory of a process and of those it began; Linux alone tells, elsewhere 0."""
    total = 0
    for folder in processes(process):
        with suppress(OSError, IndexError):  # it has ended meanwhile
            total += measure(folder)
    return total


def processes(process: int) -> Iterator[Path]:
    """The folders in /proc of a process, of those it began, and of those that these began."""
    folder = Path(f"/proc/{process}")
    yield folder
    with suppress(OSError):  # it has ended meanwhile
        began = [each.read_text() for each in (folder / "task").glob("*/children")]
        for child in " ".join(began).split():
            yield from processes(int(child))


def resident(folder: Path) -> int:
    """Bytes in memory of a process, all that it shares with others included."""
    return int((folder / "statm").read_text().split()[1]) * mmap.PAGESIZE


def proportional(folder: Path) -> int:
    """Bytes in memory of a process, with its part of what several share (the kernel's PSS)."""
    return int((folder / "smaps_rollup").read_text().partition("\nPss:")[2].split()[0]) * 1024


def latest_year() -> int:
    """The latest collection of which everything is confirmed."""
    years = (int(row["collection_year"]) for row in spec.seed("collections"))
    return max(
        year
        for year in years
        if spec.has_confirmed_structure(year) and not spec.collection(year).is_provisional
    )


def main_job(folder: Path, year: int, memory: str | None = None) -> Usage:
    """`sen2 run` on the extract of a folder; `memory` is the most that DuckDB may take."""
    config = spec.PROJECT / "sen2.yml"
    arguments = [sys.executable, "-m", "sen2.cli", "run", str(folder / "extract")]
    arguments += ["--year", str(year), "--config", str(config), "--force"]
    arguments += ["--warehouse", str(folder / "sen2.duckdb"), "--out", str(folder / "out")]
    return spent(arguments, {"SEN2_MEMORY_LIMIT": memory} if memory else None)


def measure(plans: int, year: int, folder: Path) -> Measured:
    """A fresh synthetic extract of a size, taken to a submission; then the floor on that file.

    Small sizes are taken several times, each in an empty folder, and the quickest stands: what else
    the machine does makes a run slower and never quicker.
    """
    write_sample(folder / "extract", year, plans, 1)
    times = SEVERAL if plans <= MOST_SEVERAL else 1
    job, facts = min(
        (_first_run(folder, year) for _ in range(times)), key=lambda run: run[0].seconds
    )
    (xml,) = (folder / "out").glob("*.xml")
    command = [sys.executable, "-m", "sen2.dev.bench.floor", str(xml)]
    floors = (spent([*command, str(folder / f"floor_{number}")]) for number in range(times))
    floor = min(floors, key=attrgetter("seconds"))
    again = None
    if plans <= MOST_TWICE:
        again = min((main_job(folder, year) for _ in range(times)), key=attrgetter("seconds"))
    return Measured(plans, *facts, job=job, again=again, floor=floor)


def _first_run(folder: Path, year: int) -> tuple[Usage, Facts]:
    """The main job where nothing of an earlier run is left, and what it made."""
    for left in (folder / "out", folder / ".sen2"):
        shutil.rmtree(left, ignore_errors=True)
    database = folder / "sen2.duckdb"
    database.unlink(missing_ok=True)
    job = main_job(folder, year)
    with warehouse.connect(database, read_only=True) as connection:
        stages = dict(
            connection.execute("select stage, seconds from audit.runs order by run").fetchall()
        )
        people, rows = connection.execute(
            "select (select count(*) from person_level.person where return_id = 'built'),"
            " (select sum(row_count) from audit.landed_files)"
        ).fetchone() or (0, 0)
    (xml,) = (folder / "out").glob("*.xml")
    return job, Facts(people, rows, stages, xml.stat().st_size / 1e6, database.stat().st_size / 1e6)
