"""Work that goes on in another process, on another core, while this one does something else."""

import gc
import multiprocessing
import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any

from ..ground.errors import DefectError
from ..warehouse import encryption

NEW = multiprocessing.get_context("spawn")
"""A fresh interpreter: a fork would take DuckDB's threads and locks with it, half alive."""


class SideProcess:
    """Work under way in another process; ask for its end with `wait`."""

    def __init__(self, work: Callable[..., object], *arguments: Any, **named: Any) -> None:
        """Start it; `work` is a function of a module, its arguments can be pickled."""
        self._answer, theirs = NEW.Pipe(duplex=False)
        self._process = NEW.Process(
            target=_do, args=(theirs, encryption.current_key(), work, arguments, named), daemon=True
        )
        with _deaf():
            self._process.start()
        theirs.close()
        self._is_done = False

    def wait(self) -> None:
        """Wait for the end; what the work raised is raised here, once."""
        if self._is_done:
            return
        self._is_done = True
        try:
            fault = self._answer.recv()
        except EOFError:
            fault = DefectError("A process of this run was stopped from outside. Run again.")
        self._process.join()
        if fault:
            raise fault

    def stop(self) -> None:
        """End it at once, if it has not ended."""
        self._process.kill()
        self._process.join()
        self._answer.close()


@contextmanager
def in_side_process(
    work: Callable[..., object], *arguments: Any, **named: Any
) -> Iterator[SideProcess]:
    """Do work beside the block, which waits for it at its end, or stops it when it fails."""
    other = SideProcess(work, *arguments, **named)
    try:
        yield other
        other.wait()
    finally:
        other.stop()


@contextmanager
def _deaf() -> Iterator[None]:
    """What is begun here does not hear Ctrl-C, nor says a word of it: we hear it, and stop it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _do(
    answer: Connection,
    key: str | None,
    work: Callable[..., object],
    arguments: Any,
    named: dict[str, Any],
) -> None:
    encryption.set_key(key)
    fault: BaseException | None = None
    try:
        work(*arguments, **named)
    except BaseException as error:
        fault = _passable(error)
    with suppress(OSError):  # whoever waited is gone
        answer.send(fault)
    gc.freeze()  # what was loaded goes with the process, and need not be looked through


def _passable(fault: BaseException) -> BaseException:
    """A fault as it can go to another process; else its kind alone, without values or traceback."""
    try:
        pickle.loads(pickle.dumps(fault))
    except Exception:
        return DefectError(f"A process of this run ended with {type(fault).__name__}.")
    return fault
