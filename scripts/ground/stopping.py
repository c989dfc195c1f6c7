"""Being stopped from outside: what was begun is tidied up first, as at the end of any other run.

A service, `timeout`, a scheduler and a terminal that closes say so by a signal, which would end the
process at once and leave a warehouse half made, or a copy of a pack, where nothing looks for it.
"""

import os
import signal
import sys
import threading
import time
import weakref
from contextlib import suppress
from types import FrameType

import duckdb

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
INTERRUPTING, PATIENCE = 1.0, 20.0
"""Seconds in which statements are interrupted, and for tidying up: then the process just ends."""

_code = 0
_connections: "weakref.WeakSet[duckdb.DuckDBPyConnection]" = weakref.WeakSet()


def interruptible(connection: duckdb.DuckDBPyConnection) -> None:
    """Have a connection give up its statement when the process is stopped."""
    _connections.add(connection)


def tidily() -> None:
    """From here on a signal to stop ends the process by way of every `finally`.

    Python hears a signal between two of its own steps, and a statement of DuckDB is one step that
    may take hours: so another thread hears it too, and interrupts the statement.
    """
    heard = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    if not heard:
        return
    for number in heard:
        signal.signal(number, _end)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_listen, args=(reader, heard), daemon=True).start()


def exit_code() -> int:
    """The exit code when the process was told to stop, else 0.

    DuckDB may hear the signal first, and raise a fault of its own in the place of ours.
    """
    return _code


def leave() -> None:
    """End the process when it was told to stop, once all is tidy.

    An orderly end of Python would end DuckDB's threads in the middle of what they do, and abort.
    """
    if _code:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(_code)


def _end(number: int, frame: FrameType | None) -> None:
    global _code
    _code = 128 + number
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(_code)


def _listen(reader: int, heard: list[signal.Signals]) -> None:
    """Interrupt what DuckDB does when a signal comes, until Python has heard it and a while on."""
    while (number := os.read(reader, 1)[0]) not in heard:
        pass
    end = time.monotonic() + PATIENCE
    heard_at = 0.0
    while (now := time.monotonic()) < end:
        heard_at = heard_at or now * bool(_code)
        if not heard_at or now < heard_at + INTERRUPTING:
            for connection in list(_connections):
                with suppress(duckdb.Error):
                    connection.interrupt()
        time.sleep(0.1)
    os._exit(128 + number)
