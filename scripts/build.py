"""Building: dbt makes every layer of the warehouse from what was landed and imported."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from . import encryption, keys, project, spec, trust
from .dbt_child import Node
from .errors import DefectError, DiskFullError, InputError
from .warehouse import MEMORY_LIMIT, memory_limit

OUT_OF_MEMORY = "Out of Memory Error"
"""How DuckDB says so, in the messages that dbt passes on."""
QUIET_ENVIRONMENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
CACHE = "SEN2_DBT_CACHE"
"""The environment variable that names a folder in which dbt's reading of the project is kept for
other warehouses of the same name and year. It holds this project's text and nothing of a person."""
REMEMBERED = "partial_parse.msgpack"
NOT_OURS = "dbt would run what stands there: name a folder that only this account may write to."


def build(
    warehouse: Path,
    year: int,
    on_node: Callable[[int, int], None] = lambda done, total: None,
    select: str | None = None,
    *,
    target: Path | None = None,
) -> int:
    """Run `dbt build` for a collection year; gives the number of models, seeds and tests.

    `select` names what to build, in dbt's words, where that is not everything.

    dbt keeps what it has read of the project in `target`: with the same warehouse and year, the
    next build there starts sooner. [default: the folder of its name beside the warehouse]

    Left out are unit tests and the tests of the seeds with each other, which `make test` runs: they
    guard this project's own text, not an authority's data.

    Raises DefectError that names the models or tests of ours that failed, DiskFullError, or
    InputError when DuckDB has too little memory. dbt's own messages are not repeated, and no log is
    kept, since both can hold values from a person's record.
    """
    warehouse = warehouse.resolve()
    key = encryption.key() if encryption.is_encrypted(warehouse) else ""
    target = (target or warehouse.parent / f".{warehouse.stem}" / "dbt").resolve()
    command = [
        sys.executable, "-P", "-m", "sen2.dbt_child", "--no-version-check",
        "--log-level", "none", "--log-level-file", "none", "--no-write-json", "build",
        "--project-dir", str(spec.PROJECT), "--profiles-dir", str(spec.PROJECT / "profiles"),
        "--target", "encrypted" if key else "local",
        "--exclude-resource-type", "unit_test",
        "--exclude", "resource_type:test,path:seeds", "path:tests/spec",
        "--vars", json.dumps({"collection_year": year}),
        *(["--select", select] if select else []),
        "--target-path", str(target),
    ]  # fmt: skip
    failed: list[str] = []
    done = total = 0
    is_disk_full = is_too_little = False
    with (
        remembered(warehouse, year, target),
        subprocess.Popen(
            command,
            cwd=warehouse.parent,
            env=environment(warehouse),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        try:
            with suppress(BrokenPipeError):  # it has ended already: what it said tells why
                print(key, file=process.stdin, flush=True)
            for line in process.stdout or ():
                is_disk_full = is_disk_full or any(words in line for words in DiskFullError.WORDS)
                is_too_little = is_too_little or OUT_OF_MEMORY in line
                if node := _node(line):
                    done += 1
                    total = node.total
                    on_node(done, total)
                    if node.status in ("error", "fail"):
                        failed.append(node.name)
        except BaseException:
            process.kill()  # it would go on, and we would wait for it
            raise
    if is_disk_full:
        raise DiskFullError(f"{warehouse.parent}: the disk is full. Make room and run again.")
    if is_too_little and (failed or process.returncode):
        raise InputError(
            f"{warehouse.name}: DuckDB ran out of memory. Close other programs, or give it more"
            f" with {MEMORY_LIMIT}, and run again."
        )
    if process.returncode < 0:
        raise InputError(
            f"{warehouse.name}: the process that built it was ended by the system"
            f" ({signal.Signals(-process.returncode).name}), most likely because the machine has no"
            f" memory left. Close other programs, or give it less with {MEMORY_LIMIT}, and run"
            " again."
        )
    if failed:
        raise DefectError(
            f"dbt could not build, or a test of ours failed on, {', '.join(sorted(failed))}."
            " The warehouse is not fit to export from. This is our fault, not the extract's:"
            " please report it with these names."
        )
    if process.returncode != 0 or done < total:
        raise DefectError(
            "dbt stopped before it built anything. Run `dbt debug --profiles-dir profiles` in the"
            " project's folder to see why."
        )
    return done


def environment(warehouse: Path) -> dict[str, str]:
    """What dbt is told of the warehouse, to be run in its folder.

    Its name and not its whole path: dbt reads all of the project again when the environment of its
    profile is another.
    """
    own = {"SEN2_WAREHOUSE": warehouse.name, MEMORY_LIMIT: memory_limit()}
    return keys.without(os.environ) | QUIET_ENVIRONMENT | own


@contextmanager
def remembered(warehouse: Path, year: int, target: Path) -> Iterator[None]:
    """Take dbt's reading of the project from the folder that CACHE names, and leave it there.

    That reading is code which dbt runs, so both folders must be ours.
    """
    trust.make_ours(target, NOT_OURS)
    trust.require_ours(target / REMEMBERED, NOT_OURS)
    folder = os.environ.get(CACHE)
    if not folder:
        yield
        return
    is_encrypted = encryption.is_encrypted(warehouse)
    what = f"{spec.PROJECT} {project.fingerprint()} {warehouse.name} {year} {is_encrypted}"
    key = hashlib.sha256(what.encode()).hexdigest()[:16]
    cached, own = Path(folder) / f"{key}.msgpack", target / REMEMBERED
    trust.make_ours(cached.parent, NOT_OURS)
    if cached.exists() and not own.exists():
        trust.require_ours(cached, NOT_OURS)
        _copy(cached, own)
    yield
    if own.exists() and not cached.exists():
        draft = cached.with_suffix(f".{os.getpid()}")
        _copy(own, draft)
        draft.replace(cached)


def _copy(source: Path, target: Path) -> None:
    """A copy that nobody else may write to, whatever the account's usual mode is."""
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    shutil.copyfile(source, target)


def _node(line: str) -> Node | None:
    """The node whose end a line tells of; nothing when the line is another."""
    try:
        return Node(**json.loads(line))
    except (ValueError, TypeError):
        return None
