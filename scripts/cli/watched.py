"""The command in a process of its own, so that no fault in native code takes it down silently.

A library that is not Python can end its process at once, over a broken file or for want of memory:
no error reaches us, and a shell says "Aborted" at most. The process that began as `sen2` does no
work itself: it waits for the one that does, and says how that ended and what to do.
"""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from ..ground.errors import INPUT

PASSED_ON = ("SIGTERM", "SIGHUP")
"""What ends the work when it is sent to the process that began as `sen2`."""
ASKED_FOR = (*PASSED_ON, "SIGINT", "SIGPIPE", "SIGQUIT")
"""Signals by which somebody ends the work on purpose; whoever began us sees the same."""
FOR_MEMORY = "SIGKILL"
DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""
NO_CORE = 1
"""Bytes of a core: with none at all, Linux gives one to the program that collects them."""


def main() -> None:
    """Run the command, watched where processes can be forked: not on Windows."""
    if hasattr(os, "fork"):
        _keep_no_core()
        us = os.getpid()
        worker = os.fork()
        if worker:
            _watch(worker)
        _die_with(us)
    from .main import main as run

    run()


def _keep_no_core() -> None:
    """What is in memory, records and a key among it, is not written to disk when a process ends."""
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    limit = NO_CORE if most == resource.RLIM_INFINITY else min(most, NO_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def _die_with(parent: int) -> None:
    """Nobody waits for the work when the process that began as `sen2` is killed."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(DIES_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def _watch(worker: int) -> None:
    """Wait for the work to end, and end as it did, with a message when it could not give one."""

    def pass_on(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(worker, number)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the work, too
    for name in PASSED_ON:
        signal.signal(getattr(signal, name), pass_on)
    status = os.waitpid(worker, 0)[1]
    if os.WIFEXITED(status):
        os._exit(os.WEXITSTATUS(status))
    number = os.WTERMSIG(status)
    name = signal.Signals(number).name
    if name in ASKED_FOR:
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    why = (
        "was ended by the system, most likely because the machine has no memory left. Close other"
        " programs, or give it less with SEN2_MEMORY_LIMIT, and run again"
        if name == FOR_MEMORY
        else f"was ended by a fault in a library ({name}). Most likely a file that was read is"
        " damaged or made to do harm: save it again, or run without it, and report it if neither"
        " helps"
    )
    with suppress(OSError):
        sys.stderr.write(f"sen2: {why}. No result of this run was kept.\n")
        sys.stderr.flush()
    os._exit(INPUT)
