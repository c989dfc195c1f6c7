"""dbt in a process of its own that ends when the one that started it does, however that ends.

`python -m sen2.dbt_child ARGUMENTS` is dbt with these arguments. Its standard input is a pipe whose
other end its parent holds: no dbt goes on building a warehouse that nobody waits for. The first
line that comes through it is the key of an encrypted warehouse, or empty. It says on standard
output, one JSON object a line, how each node ended (`Node`), and the text of every error,
which can hold values of a person: it is for its parent alone.
"""

import gc
import json
import os
import sys
import threading
from typing import Any, NamedTuple

from . import encryption

STOPPED = 130


class Node(NamedTuple):
    """A node that has ended, how many there are in all, and dbt's word for how it ended."""

    name: str
    total: int
    status: str


def main() -> None:
    """Run dbt."""
    encryption.hold(sys.stdin.readline().rstrip("\n"))
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    from dbt.cli.main import dbtRunner  # takes seconds, and the parent needs Node alone

    gc.disable()  # dbt's graph lives to the end: to look through it again takes a tenth of the time
    result = dbtRunner(callbacks=[_tell]).invoke(sys.argv[1:])
    gc.freeze()  # nor is it looked through when the interpreter ends
    if result.exception:
        _say({"error": str(result.exception)})
    sys.exit(0 if result.success else 1)


def _tell(event: Any) -> None:
    """Pass on the events that the parent acts on; dbt's own JSON log costs a second a run."""
    data, fields = event.data, event.data.DESCRIPTOR.fields_by_name
    if "execution_time" in fields and "index" in fields:
        total = data.total if "total" in fields else data.num_models
        _say(Node(data.node_info.node_name, total, data.status.lower())._asdict())
    elif event.info.level == "error":
        _say({"error": event.info.msg})


def _say(words: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(words)}\n")  # at once: several threads speak
    sys.stdout.flush()


def _end_with_the_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(STOPPED)


if __name__ == "__main__":
    main()
