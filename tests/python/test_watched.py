"""However the work ends, also in native code, the command says so and has an exit code."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from .conftest import hear_signals

PROGRAM = """
import os, resource, signal, sys, time
from pathlib import Path
from sen2.cli import main as cli
from sen2.cli import watched

def work():
    Path("worker").write_text(str(os.getpid()))
    {deed}

cli.main = work
watched.main()
"""
SECONDS = 30


def begun(folder: Path, deed: str) -> subprocess.Popen[str]:
    """The command, whose work is that deed."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("{deed}", deed)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=hear_signals,
    )  # fmt: skip


def ended(folder: Path, deed: str) -> tuple[int, str, str]:
    """Exit code, output and messages of a deed."""
    process = begun(folder, deed)
    out, said = process.communicate(timeout=SECONDS)
    return process.returncode, out, said


@pytest.mark.parametrize("name", ["SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL"])
def test_a_fault_in_native_code_is_an_input_error(tmp_path: Path, name: str) -> None:
    code, out, said = ended(tmp_path, f"os.kill(os.getpid(), signal.{name})")
    assert (code, out) == (2, "")
    assert said.startswith("sen2: was ended by a fault in a library")
    assert name in said
    assert said.count("\n") == 1


def test_a_work_that_is_killed_is_said_to_lack_memory(tmp_path: Path) -> None:
    code, _, said = ended(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    assert code == 2
    assert "no memory left" in said


@pytest.mark.parametrize("code", [0, 1, 2, 3, 130])
def test_an_exit_code_stays_what_it_is(tmp_path: Path, code: int) -> None:
    assert ended(tmp_path, f"print('done'); sys.exit({code})") == (code, "done\n", "")


def test_no_core_is_kept(tmp_path: Path) -> None:
    code, out, _ = ended(tmp_path, "print(*resource.getrlimit(resource.RLIMIT_CORE))")
    assert code == 0
    assert set(out.split()) <= {"0", "1"}


def worker(folder: Path) -> int:
    """The process that works, once it does."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with suppress(OSError, ValueError):
            return int((folder / "worker").read_text())
        time.sleep(0.01)
    raise TimeoutError


def is_gone(process: int) -> bool:
    """Whether a process has ended, or does within a while."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        with suppress(OSError):
            if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere work outlives a killed parent")
def test_who_ends_the_command_ends_the_work(tmp_path: Path, number: signal.Signals) -> None:
    process = begun(tmp_path, "time.sleep(600)")
    at_work = worker(tmp_path)
    assert at_work != process.pid
    process.send_signal(number)
    _, said = process.communicate(timeout=SECONDS)
    assert (process.returncode, said) == (-number, "")
    assert is_gone(at_work)


def test_ctrl_c_is_for_the_work_to_answer(tmp_path: Path) -> None:
    process = begun(tmp_path, "time.sleep(600)")
    at_work = worker(tmp_path)
    process.send_signal(signal.SIGINT)  # to the one that waits, which leaves it to the other
    os.kill(at_work, signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode in (1, 130, -signal.SIGINT)
    assert is_gone(at_work)
