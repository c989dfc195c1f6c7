"""Runs killed at random moments, and what must be true after each: `make soak`, 200 of them.

Two extracts stand beside each other, yesterday's and today's. A run towards the one that the
warehouse does not hold is killed, with all its processes or alone, and whatever it was doing, the
warehouse and the outputs must be all yesterday's or all today's, with what people keep there.
"""

import contextlib
import csv
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import duckdb

from sen2 import spec, warehouse
from sen2.build import build
from sen2.gates import engine, gate_pages, gates
from sen2.gates.gate_results import ExpectationResult, GateResult
from sen2.ground import places
from sen2.jobs import run
from sen2.sample import write_sample
from sen2.settings.config import Job, read_config
from sen2.warehouse import is_made_by_a_run, lock

YEAR = 2026
OF_A_RUN = {"audit.runs", "audit.run_figures"}
"""Tables that say something of the run itself, such as its number and how long it took."""
WHOLE_RUN_AFTER = 10
"""Kills between two runs that are let end."""

Digest = dict[str, str]


@dataclass
class Site:
    """A folder with two extracts, a warehouse, outputs, and the command that makes them."""

    folder: Path
    command: Sequence[str] = (sys.executable, "-m", "sen2.cli", "run")
    seconds: float = 0.0
    expected: dict[str, tuple[Digest, Digest]] = field(default_factory=dict)

    @property
    def job(self) -> Job:
        """The job as `sen2 run` has it."""
        config = read_config(self.folder / "sen2.yml")
        warehouse = self.folder / "warehouse" / f"sen2_{YEAR}.duckdb"
        return Job(YEAR, config, warehouse, self.folder / "out")

    @property
    def is_cut_off(self) -> bool:
        """Whether a swap has begun and not ended."""
        return places.Place(self.job.warehouse).journal.exists()

    def start(self, extract: str) -> subprocess.Popen[bytes]:
        """Begin a run, the first process of a group of its own."""
        arguments = [extract, "--year", str(YEAR), "--warehouse", str(self.job.warehouse)]
        return subprocess.Popen(
            [*self.command, *arguments, "--out", str(self.job.out)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(spec.PROJECT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, extract: str) -> tuple[int, str]:
        """A whole run: its exit code and what it said was wrong."""
        process = self.start(extract)
        said = process.communicate()[1].decode()
        return process.returncode, said

    def state(self) -> tuple[Digest, Digest]:
        """What the warehouse and the folder of outputs hold."""
        return digest_of(self.job.warehouse), outputs_of(self.job.out)

    def check(self) -> str:
        """Whose files stand there, `yesterday` or `today`, by the extracts' names."""
        warehouse, outputs = self.state()
        (whose,) = [each for each, (held, _) in self.expected.items() if held == warehouse] or [""]
        assert whose, "the warehouse is neither yesterday's nor today's"
        if self.is_cut_off:
            known = [set(written.items()) for _, written in self.expected.values()]
            assert set(outputs.items()) <= set.union(*known)
            with lock.lock_warehouse(self.job.warehouse, self.job.folders):
                pass
            assert self.state() in self.expected.values()
            return self.check()
        assert outputs == self.expected[whose][1], "the outputs are not the warehouse's"
        return whose


def digest_of(warehouse: Path) -> Digest:
    """Every table of a warehouse and a fingerprint of its rows, whatever their order."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by 1"
        ).fetchall()
        query = "select concat_ws(' ', count(*), bit_xor(hash(rows))) from {} as rows"
        return {
            name: connection.execute(query.format(name)).fetchall()[0][0]
            for (name,) in names
            if name not in OF_A_RUN
        }


def outputs_of(out: Path) -> Digest:
    """Every output and its SHA-256, without what is no longer current."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file()
        and path.relative_to(out).parts[0] != "superseded"
        and not path.relative_to(out).parts[0].startswith(places.STAGED)
    }


def prepare(site: Site) -> None:
    """Make both days once, in a warehouse that holds what no run may lose."""
    shutil.copy(spec.PROJECT / "sen2.yml", site.folder)
    site.job.warehouse.parent.mkdir()
    with duckdb.connect(str(site.job.warehouse)) as connection:
        columns = warehouse.AUDIT_TABLES["submissions"]
        connection.execute(
            "create schema mine; create table mine.list as select 'S1' as person_id;"
            f" create schema audit; create table audit.submissions ({columns});"
            " insert into audit.submissions by name"
            f" select {YEAR} as collection_year, '007' as serial_no, true as is_final,"
            f" 'SEN2_330_{YEAR}_007.xml' as file, 'abc' as sha256, 1 as bytes"
        )
    # The page compares each with the other, and the gate with the last run that was good.
    for extract in ("today", "yesterday", "today", "yesterday"):
        start = time.monotonic()
        code, said = site.run(extract)
        assert code in (0, 1), said
        site.seconds = time.monotonic() - start
        site.expected[extract] = site.state()
    assert site.expected["today"] != site.expected["yesterday"]
    assert all("mine.list" in held for held, _ in site.expected.values())


def soak(site: Site, kills: int, seed: int) -> dict[str, int]:
    """Kill runs and check; gives how often what was found."""
    chance = random.Random(seed)
    found = {"yesterday": 0, "today": 0, "cut off in the swap": 0, "ended before the kill": 0}
    for number in range(1, kills + 1):
        whose = site.check()
        process = site.start(other(whose))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, site.seconds * 1.05))
        if process.poll() is not None:
            found["ended before the kill"] += 1
        elif chance.random() < 0.8:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.communicate()
        found["cut off in the swap"] += site.is_cut_off
        found["yesterday" if site.check() == whose else "today"] += 1
        if number % WHOLE_RUN_AFTER == 0 or number == kills:
            target = other(site.check())
            code, said = site.run(target)
            assert code in (0, 1), said
            assert site.check() == target
            print(f"{number} kills: {found}", flush=True)
    return found


def other(extract: str) -> str:
    """The other of the two extracts."""
    return "today" if extract == "yesterday" else "yesterday"


def blank_a_surname(extract: Path) -> None:
    """An error, P01: the day's return has no submission."""
    path = extract / "people.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0]["surname"] = ""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def copy_layers(built: Path, warehouse: Path) -> int:
    """The layers of a warehouse built before, in place of a build; gives how many tables."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"attach '{built}' as built (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = 'built' and schema_name <> 'raw'"
        ).fetchall()
        for schema, table in tables:
            if is_made_by_a_run(schema, table):
                connection.execute(f"create schema if not exists {schema}")
                connection.execute(
                    f"create or replace table {schema}.{table} as from built.{schema}.{table}"
                )
        views = connection.execute(
            "select sql from duckdb_views() where database_name = 'built'"
            " and schema_name = 'intermediate'"
        ).fetchall()
        for (sql,) in views:  # their text carries the name of the warehouse
            connection.execute(re.sub(rf"\b{built.stem}\.(?=\w+\.)", "", sql))
    return len(tables)


def open_gates() -> Iterator[tuple[ModuleType, str, Callable[..., object]]]:
    """The functions of the gates without Great Expectations: every gate is green."""
    met = {
        gate: GateResult(gate, [ExpectationResult("all", "all", "error", "met")])
        for gate in ("arrival", "rules", "leaving")
    }
    yield engine, "warm_up", lambda: None
    yield (
        gate_pages,
        "write_docs",
        lambda folder, _: (folder.mkdir(), (folder / "index.html").touch()),
    )
    for gate, result in met.items():
        yield gates, f"{gate}_gate", lambda *_, result=result: result


def run_without_tools(built: Path, arguments: Sequence[str]) -> int:
    """`sen2 run` without a build and Great Expectations, which take seconds to start."""
    extract, *options = arguments
    named = dict(zip(options[::2], options[1::2], strict=True))

    def layers(warehouse: Path, *_: object, **__: object) -> int:
        count = copy_layers(built, warehouse)
        if extract == "today":
            with duckdb.connect(str(warehouse)) as connection:
                connection.execute("update person_level.person set surname = 'Changed'")
        return count

    build.build = layers
    for module, name, function in open_gates():
        setattr(module, name, function)
    job = Job(
        int(named["--year"]),
        read_config(Path("sen2.yml")),
        Path(named["--warehouse"]),
        Path(named["--out"]),
    )
    return run.run(job, Path(extract)).exit_code


def main() -> None:
    """`python -m tests.python.soak KILLS [SEED]`, with the command itself and 100 plans."""
    kills, seed = int(sys.argv[1]), int((sys.argv[2:] or ["1"])[0])
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder))
        for name in ("yesterday", "today"):
            write_sample(Path(folder) / name, YEAR, 100, 1)
        blank_a_surname(Path(folder) / "today")
        prepare(site)
        found = soak(site, kills, seed)
    print(f"{kills} runs killed: {found}. Nothing was lost, and every next run ended well.")


if __name__ == "__main__":
    if sys.argv[1] == "run":
        sys.exit(run_without_tools(Path(sys.argv[2]), sys.argv[3:]))
    main()
