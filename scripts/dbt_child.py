"""dbt in a process of its own that ends when the one that started it does, however that ends.

`python -m sen2.dbt_child ARGUMENTS` is dbt with these arguments. Its standard input is a pipe whose
other end its parent holds: no dbt goes on building a warehouse that nobody waits for.
"""

import os
import sys
import threading

from dbt.cli.main import cli

STOPPED = 130


def main() -> None:
    """Run dbt."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    cli(prog_name="dbt")


def _end_with_the_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(STOPPED)


if __name__ == "__main__":
    main()
