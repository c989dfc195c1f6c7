"""A signal to stop: what would take DuckDB hours ends at once, and what was begun is gone."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sen2 import warehouse

from .conftest import hear_signals

SCRIPT = """\
import os, sys, tempfile
from pathlib import Path
import typer
from sen2 import warehouse
from sen2.cli import main as cli

def work() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
        with warehouse.connect(Path(folder) / "made.duckdb") as connection:
            Path(sys.argv[1], "begun").touch()
            connection.execute("create table many as from range(3_000_000_000)")

cli.app = lambda standalone_mode: work()
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_statement_that_would_take_hours_ends_and_nothing_is_left(
    number: signal.Signals, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_signals,
    )
    while not (tmp_path / "begun").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + number, "")
    assert [path.name for path in tmp_path.iterdir()] == ["begun"]


SPILL = """\
import os, sys
from sen2 import warehouse
from pathlib import Path

os.umask(0o077)
os.environ[warehouse.MEMORY_LIMIT] = "100MB"
with warehouse.connect(Path(sys.argv[1])) as connection:
    connection.execute("set threads = 1")
    connection.execute("create table many as select md5(i::varchar) as word"
                       " from range(1_000_000_000) as rows (i) order by word")
"""


def test_what_a_killed_process_spilled_goes_when_the_warehouse_is_next_written_to(
    tmp_path: Path,
) -> None:
    file = tmp_path / "made.duckdb"
    spilled = tmp_path / "made.duckdb.tmp"
    process = subprocess.Popen([sys.executable, "-c", SPILL, str(file)])
    while not list(spilled.glob("duckdb_temp_*DEFAULT*")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert list(spilled.iterdir())
    (spilled / "mine.txt").touch()
    with warehouse.connect(file):
        assert [path.name for path in spilled.iterdir()] == ["mine.txt"]


def test_a_signal_that_was_turned_off_before_stays_so(tmp_path: Path) -> None:
    """`nohup` starts a program deaf to the terminal's closing."""
    code = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        "from sen2.ground import stopping; stopping.tidily();"
        "assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN;"
        "assert callable(signal.getsignal(signal.SIGTERM))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
