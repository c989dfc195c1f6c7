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
from importlib.metadata import version
from pathlib import Path
from typing import Any

from . import encryption, spec, warehouse
from .config import Config, Job
from .land import LANDING_TABLES
from .swap import write_whole
from .warehouse import quoted

PARTS = ("dbt_project.yml", "profiles", "models", "seeds", "macros", "tests", "gx", "scripts")
"""The files of the project that can change what a run gives."""
NO_PARTS = {"__pycache__", "python"}
LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "lxml", "xlsxwriter")
HEADERS = 3 * 4096
"""The head of a DuckDB file, in bytes: it counts the checkpoints, so every change shows there."""


@dataclass(frozen=True)
class Last:
    """The last run: its fingerprint, the state of the warehouse, the outputs and their SHA-256.

    `written` are the names of the submission or the form, none when there were errors.
    """

    fingerprint: str
    state: str
    outputs: dict[str, str]
    written: Sequence[str]


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


def keep(file: Path, job: Job, fingerprint: str, written: Sequence[Path]) -> None:
    """Keep what a finished run was and what it left."""
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        outputs = dict(connection.execute("select file, sha256 from audit.outputs").fetchall())
    names = [path.relative_to(job.out).as_posix() for path in written]
    last = Last(fingerprint, _state(job.warehouse), outputs, names)
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
    for line in (*_project(), *_named_files(job.config), *_landed(job.warehouse)):
        digest.update(line.encode())
    return digest.hexdigest()


def project() -> str:
    """One hash of this project's files and of the versions of what it stands on."""
    digest = hashlib.sha256()
    for line in _project():
        digest.update(line.encode())
    return digest.hexdigest()


def _project() -> Iterator[str]:
    yield sys.version
    for library in LIBRARIES:
        yield f"{library} {version(library)}\n"
    for part in PARTS:
        for path in _files(spec.PROJECT / part):
            name = path.relative_to(spec.PROJECT)
            if not NO_PARTS & set(name.parts):
                yield f"{name.as_posix()} {_digest(path)}\n"


def _named_files(config: Config) -> Iterator[str]:
    """The content of every file and folder that the settings name."""
    for name, value in config:
        if isinstance(value, Path):
            for path in _files(value):
                yield f"{name} {path.relative_to(value).as_posix()} {_digest(path)}\n"


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


def _files(root: Path) -> list[Path]:
    """A file itself, or every file below a folder; none where there is neither."""
    return [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file())


def _state(path: Path) -> str:
    """A hash that changes with every change of a warehouse."""
    with path.open("rb") as file:
        head = file.read(HEADERS)
    is_open = path.with_name(f"{path.name}.wal").exists()
    return hashlib.sha256(head + f"{path.stat().st_size} {is_open}".encode()).hexdigest()


def _digests(folder: Path, names: Mapping[str, str]) -> dict[str, str]:
    """The SHA-256 of each output that is there."""
    return {name: _digest(folder / name) for name in names if (folder / name).is_file()}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
