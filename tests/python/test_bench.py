"""The benchmark: the floor does its work whole, and a slower ratio is told."""

import csv
import sys
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from sen2.bench import floor, report
from sen2.bench.measure import STAGES, Measured, Usage, spent
from sen2.errors import DefectError

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


def test_the_memory_of_a_command_is_that_of_all_its_processes() -> None:
    hold = "import sys, time; held = bytearray(60_000_000); time.sleep(0.5)"
    two = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {hold!r}])\n{hold}"
    one = spent([sys.executable, "-c", hold]).peak_mb
    assert 60 < one < 120
    begun = (
        f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {hold!r}]); {hold}"
    )
    assert spent([sys.executable, "-c", begun]).peak_mb > one + 55
    assert spent([sys.executable, "-c", two]).peak_mb < one + 55


def test_memory_that_processes_share_is_counted_once() -> None:
    fork = (
        "import os, time; held = bytearray(60_000_000); child = os.fork(); time.sleep(0.6);"
        " child and os.wait()"
    )
    assert 60 < spent([sys.executable, "-c", fork]).peak_mb < 100
