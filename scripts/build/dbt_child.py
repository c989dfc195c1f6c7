"""dbt in a process of its own that ends when the one that started it does, however that ends.

`python -m sen2.build.dbt_child ARGUMENTS` is dbt with these arguments. Its standard input is a pipe
whose other end its parent holds: no dbt goes on that nobody waits for. It prints one JSON object
a line: the text of an error, or a statement with the node that it was run for and its facts.
"""

import gc
import json
import os
import sys
import threading
from typing import Any

STOPPED = 130


def main() -> None:
    """Run dbt."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    from dbt.cli.main import dbtRunner  # takes seconds, in which the parent may end

    gc.disable()  # dbt's graph lives to the end: to look through it again takes a tenth of the time
    result = dbtRunner(callbacks=[_tell]).invoke(sys.argv[1:])
    gc.freeze()  # nor is it looked through when the interpreter ends
    if result.exception:
        _print(error=str(result.exception))
    sys.exit(0 if result.success else 1)


def _tell(event: Any) -> None:
    if event.info.level == "error":
        _print(error=event.info.msg)
    elif event.info.name == "SQLQuery" and event.data.node_info.unique_id:
        node = event.data.node_info
        place = node.node_relation
        facts = {
            "name": node.node_name,
            "resource_type": node.resource_type,
            "materialized": node.materialized,
            "schema": place.schema,
            "table": place.alias,
        }
        _print(node=node.unique_id, facts=facts, sql=event.data.sql)


def _print(**words: object) -> None:
    sys.stdout.write(f"{json.dumps(words)}\n")  # at once: several threads speak
    sys.stdout.flush()


def _end_with_the_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(STOPPED)


if __name__ == "__main__":
    main()
