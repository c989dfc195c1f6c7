"""Whether a run would give what the last one gave: told by content, never by a clock.

A run is known by its fingerprint: what was landed, row by row, the settings, this project's own
files and the versions of its libraries. After a run it is kept beside the warehouse (`last.json`),
with the state of the warehouse and the SHA-256 of every output. When all three are the same again
nothing need be built.
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .. import warehouse
from ..build import project
from ..ground.files import files_below, sha256
from ..land.land import LANDING_TABLES
from ..settings.config import Config, Job
from ..warehouse import encryption, quoted
from ..warehouse.swap import write_whole

HEADERS = 3 * 4096
"""The head of a DuckDB file, in bytes: it counts the checkpoints, so every change shows there."""


@dataclass(frozen=True)
class Last:
    """The last run: its fingerprint, the state of the warehouse, the outputs and their SHA-256.

    `written` are the names of the submission or the form, none when a gate is closed; `why` says
    which and what to do.
    """

    fingerprint: str
    state: str
    outputs: dict[str, str]
    written: Sequence[str]
    why: str


def last_run(file: Path, job: Job, fingerprint: str) -> Last | None:
    """What `keep` kept, when a run with this fingerprint would give the same again; else None."""
    try:
        last = Last(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    is_same = (
        last.fingerprint == fingerprint
        and job.warehouse.exists()
        and last.state == _state(job.warehouse)
        and last.outputs == _digests(job.out, last.outputs)
    )
    return last if is_same else None


def keep(file: Path, job: Job, fingerprint: str, written: Sequence[Path], why: str) -> None:
    """Keep what a finished run was and what it left."""
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        outputs = dict(connection.execute("select file, sha256 from audit.outputs").fetchall())
    names = [path.relative_to(job.out).as_posix() for path in written]
    last = Last(fingerprint, _state(job.warehouse), outputs, names, why)
    write_whole(file, json.dumps(asdict(last), indent=1))


def fingerprint(job: Job, choices: Mapping[str, Any]) -> str:
    """What makes the results of a run, from a warehouse in which its extract has just been landed.

    `choices` are the options of the command that can change them.
    """
    stated = {
        "year": job.year,
        "settings": job.config.model_dump(mode="json", exclude={"nightly"}),
        "choices": choices,
        "encrypted": encryption.is_encrypted(job.warehouse),
    }
    digest = hashlib.sha256(json.dumps(stated, sort_keys=True, default=str).encode())
    for line in (sys.version, *project.facts(), *_named_files(job.config), *_landed(job.warehouse)):
        digest.update(line.encode())
    return digest.hexdigest()


def _named_files(config: Config) -> Iterator[str]:
    """The content of every file and folder that the settings name."""
    for name, value in config:
        if isinstance(value, Path):
            for path in files_below(value):
                yield f"{name} {path.relative_to(value).as_posix()} {sha256(path)}\n"


def _landed(path: Path) -> Iterator[str]:
    """The rows that landing made of each table, and a hash of what they hold, in any order."""
    with warehouse.connect(path, read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where schema_name = 'raw' or schema_name = 'audit' and list_contains(?, table_name)"
            " order by all",
            [["extract_settings", *LANDING_TABLES]],
        ).fetchall()
        for schema, table in tables:
            name = f"{quoted(schema)}.{quoted(table)}"
            query = f"select count(*), sum(hash(rows)::hugeint)::varchar from {name} as rows"
            yield f"{name} {connection.execute(query).fetchone()}\n"


def _state(path: Path) -> str:
    """A hash that changes with every change of a warehouse."""
    with path.open("rb") as file:
        head = file.read(HEADERS)
    is_open = path.with_name(f"{path.name}.wal").exists()
    return hashlib.sha256(head + f"{path.stat().st_size} {is_open}".encode()).hexdigest()


def _digests(folder: Path, names: Mapping[str, str]) -> dict[str, str]:
    """The SHA-256 of each output that is there."""
    return {name: sha256(folder / name) for name in names if (folder / name).is_file()}
