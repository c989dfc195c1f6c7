"""The benchmark: the floor does its work whole, and a slower ratio is told."""

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from sen2.dev.bench import floor, report
from sen2.dev.bench.measure import BETWEEN_LOOKS, STAGES, Measured, Usage, held, proportional, spent
from sen2.ground.errors import DefectError

SAMPLE = Path(__file__).parent / "samples" / "sample_2026.xml"


def measured(plans: int, seconds: float) -> Measured:
    stages = dict.fromkeys(STAGES, seconds / len(STAGES))
    job, floor_of_it = Usage(seconds, 500.0), Usage(2.0, 200.0)
    return Measured(plans, plans, plans * 15, stages, 1.0, 2.0, job, job, floor_of_it)


def test_the_floor_writes_back_every_element_it_read(tmp_path: Path) -> None:
    floor.main(SAMPLE, tmp_path)
    elements = etree.parse(SAMPLE).getroot().find("Persons")
    assert elements is not None
    back = etree.parse(tmp_path / "back.xml").getroot()
    assert Counter((e.tag, (e.text or "").strip()) for e in back.iter()) == Counter(
        (e.tag, (e.text or "").strip()) for e in elements.iter()
    )


def test_a_ratio_over_a_fifth_worse_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PAGE", "RATIOS", "CHART"):
        monkeypatch.setattr(report, name, tmp_path / getattr(report, name).name)
    assert report.worse([measured(300, 99)]) == []
    report.write(
        [measured(300, 20), measured(3_000, 40)],
        "a machine",
        [(measured(300, 20), "9MB", None)],
        "",
    )
    with (tmp_path / "benchmarks.csv").open(newline="") as file:
        assert [tuple(row.values()) for row in csv.DictReader(file)] == [
            ("300", "10.000"),
            ("3000", "20.000"),
        ]
    assert report.worse([measured(300, 23.9), measured(3_000, 47.9), measured(7, 99)]) == []
    assert [line.split(" ")[0] for line in report.worse([measured(300, 24.1)])] == ["300"]
    assert (tmp_path / "benchmarks.png").read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "benchmarks.md").read_text()
    assert "| 10.0 | 2.0 | 1.0 | 1.0 |" in page
    assert "| 300 | 9MB | too little" in page


def test_a_command_that_fails_is_not_a_measurement() -> None:
    with pytest.raises(DefectError):
        spent(["/bin/sh", "-c", "exit 3"])


HOLD = (
    "held = bytearray(60_000_000); sys.stdout.write('holds\\n'); sys.stdout.flush();"
    " sys.stdin.read()"
)
"""What a process does that holds 60 MB from its word on until it is told to end."""


def memory_of(program: str, processes: int) -> float:
    """MB that a program holds, with what it begins, once as many of them have said that they do."""
    command = [sys.executable, "-c", f"import os, subprocess, sys; {program}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as begun:
        assert begun.stdout is not None
        assert [begun.stdout.readline() for _ in range(processes)] == [b"holds\n"] * processes
        found = held(begun.pid, proportional) / 1e6
        begun.communicate()
    assert begun.returncode == 0
    return found


def test_the_memory_of_a_command_is_that_of_all_its_processes() -> None:
    one = memory_of(HOLD, 1)
    assert 60 < one < 120
    other = f"subprocess.Popen([sys.executable, '-c', {f'import sys; {HOLD}'!r}])"
    assert memory_of(f"other = {other}; {HOLD}; other.wait()", 2) > one + 55


def test_memory_that_processes_share_is_counted_once() -> None:
    program = f"held = bytearray(60_000_000); child = os.fork(); {HOLD.split(';', 1)[1]}"
    assert 60 < memory_of(f"{program}; child and os.wait()", 2) < 100


def test_the_most_memory_that_a_command_held_is_told() -> None:
    long_before_it_ends = BETWEEN_LOOKS * 30
    hold = f"import time; held = bytearray(60_000_000); time.sleep({long_before_it_ends}); del held"
    assert 60 < spent([sys.executable, "-c", hold]).peak_mb < 120
