"""Audit packs: a run's inputs, outputs and facts in one file, each chained to the one before."""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from .. import warehouse
from ..ground import places
from ..ground.errors import InputError
from ..ground.files import sha256
from ..ground.sql import literal, quoted
from ..settings.config import Job
from ..untrusted.parsers import ZIP_FAULTS, read_json
from . import audit_json
from .audit_json import Facts

MANIFEST, AUDIT, CHANGES = "manifest.json", places.AUDIT, "changes.json"
PARTS = ".parts"
OUTPUTS, LANDED = "outputs/", "landed/"
# The landed tables beside raw's own that say how the run was set.
LANDED_AUDIT = (
    *("audit.landed_files", "audit.extract_settings"),
    *("audit.sources", "audit.given_ids"),
    *("audit.rows_set_aside", "audit.landed_inputs"),
    *("audit.mapped_columns", "audit.landing_notes"),
)
# Zip entries carry no time of their own: the same run gives the same entries.
NO_TIME = (1980, 1, 1, 0, 0, 0)
MEMBER_MODE = 0o600 << 16


@dataclass(frozen=True)
class Previous:
    """The pack before this one: its name, number, SHA-256 and, when it is still there, its path."""

    file: str
    number: int
    sha256: str
    path: Path | None


def write_pack(job: Job, by: str) -> Path:
    """Pack the last run: what landed, what was written, audit.json, and what changed since.

    The manifest has every member's SHA-256, that of the pack before, who packed it and when (the
    one place where the clock is read: it is a record of an act, no result depends on it).

    Raises InputError when an output is not what audit.json says, or the pack before is not the one
    that was recorded.
    """
    facts = _facts(job)
    folder = job.out / places.PACKS
    with warehouse.connect(job.warehouse, reaches=[folder]) as connection:
        warehouse.prepare(connection, job.year)
        previous = _previous(connection, job, folder)
        number = previous.number + 1 if previous else 1
        path = folder / f"SEN2_{job.config.la_code}_{job.year}_pack_{number:04}.zip"
        manifest = {
            "format": audit_json.FORMAT,
            "number": number,
            "previous": {"file": previous.file, "sha256": previous.sha256} if previous else None,
            "purged": _purged(connection),
            "packed_by": by,
            "packed_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            digest = _write(connection, job, path, facts, manifest, previous)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}).") from None
        connection.execute(
            "insert into audit.packs values (?, ?, ?, ?, ?, ?, ?)",
            [
                job.year,
                number,
                path.name,
                digest,
                previous.sha256 if previous else None,
                by,
                manifest["packed_at"],
            ],
        )
    return path


def _facts(job: Job) -> Facts:
    """audit.json, when the outputs beside it are still the ones it describes."""
    path = job.out / AUDIT
    try:
        facts: Facts = read_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file. Run `sen2 run` first.") from None
    except (OSError, ValueError):
        raise InputError(f"{path}: cannot be read. Run `sen2 run` again.") from None
    told = {each["file"]: each["sha256"] for each in facts["outputs"]}
    found = {each["file"]: each["sha256"] for each in audit_json.outputs(job.out)}
    if wrong := sorted(name for name in told | found if told.get(name) != found.get(name)):
        raise InputError(
            f"{job.out}: {', '.join(wrong[:5])}{' and more' if len(wrong) > 5 else ''}: changed"
            " since the run that made it. Run `sen2 run` again, then pack."
        )
    return facts


def _previous(connection: duckdb.DuckDBPyConnection, job: Job, folder: Path) -> Previous | None:
    """The newest pack on record, checked against the file; else the newest file in the folder."""
    row = connection.execute(
        "select file, number, sha256 from audit.packs where collection_year = ?"
        " order by number desc limit 1",
        [job.year],
    ).fetchone()
    files = sorted(folder.glob("SEN2_*_pack_*.zip"))
    if row is None:
        if not files:
            return None
        number = int(files[-1].stem.rpartition("_")[2])
        return Previous(files[-1].name, number, sha256(files[-1]), files[-1])
    path = folder / row[0]
    if not path.exists():
        return Previous(row[0], row[1], row[2], None)
    if sha256(path) != row[2]:
        raise InputError(
            f"{path}: is not the pack that was recorded; it has been changed since. Find the"
            " original, or move the file away: the chain then goes on from the recorded hash."
        )
    return Previous(row[0], row[1], row[2], path)


def _purged(connection: duckdb.DuckDBPyConnection) -> list[Facts]:
    """Earlier packs that `sen2 purge` removed: the chain says so itself from now on."""
    rows = connection.execute(
        "select distinct file, sha256, before_date, purged_by from audit.purged_packs order by all"
    ).fetchall()
    return [
        {"file": file, "sha256": digest, "before": before, "purged_by": by}
        for file, digest, before, by in rows
    ]


def _write(
    connection: duckdb.DuckDBPyConnection,
    job: Job,
    path: Path,
    facts: Facts,
    manifest: Facts,
    previous: Previous | None,
) -> str:
    """Write the pack under a name of its own first; gives its SHA-256."""
    draft = path.with_suffix(".part")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with _parts(path.parent / PARTS) as scratch:
        members = {AUDIT: job.out / AUDIT}
        members |= {OUTPUTS + each["file"]: job.out / each["file"] for each in facts["outputs"]}
        members |= _landed(connection, scratch)
        changes = scratch / CHANGES
        changes.write_text(_text(_changes(facts, previous)), encoding="utf-8")
        members[CHANGES] = changes
        manifest["members"] = {
            name: {"bytes": member.stat().st_size, "sha256": sha256(member)}
            for name, member in sorted(members.items())
        }
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as pack:
            _add(pack, MANIFEST, _text(manifest).encode())
            for name, member in sorted(members.items()):
                _add(pack, name, member.read_bytes())
    digest = sha256(draft)
    draft.replace(path)
    return digest


@contextmanager
def _parts(folder: Path) -> Iterator[Path]:
    """A folder for the parts of a pack until they are in it, in place of one left by a kill."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _landed(connection: duckdb.DuckDBPyConnection, scratch: Path) -> dict[str, Path]:
    """Every landed table as Parquet, rows in their order."""
    raw = connection.execute(
        "select 'raw.' || table_name from information_schema.tables where table_schema = 'raw'"
    ).fetchall()
    members = {}
    for table in sorted([*(name for (name,) in raw), *LANDED_AUDIT]):
        path = scratch / f"{table}.parquet"
        schema, _, name = table.partition(".")
        connection.execute(
            f"copy (from {quoted(schema)}.{quoted(name)}) to {literal(str(path))}"
            " (format parquet, compression zstd)"
        )
        members[f"{LANDED}{table}.parquet"] = path
    return members


def _changes(facts: Facts, previous: Previous | None) -> Facts:
    """What differs from the pack before: inputs, rows by table, and what the rules find."""
    before = _audit_of(previous.path) if previous and previous.path else None
    if before is None:
        return {"since": None}
    return {
        "since": previous.file if previous else None,
        "inputs": _differences(
            {each["table_name"]: each["sha256"] for each in before["inputs"]},
            {each["table_name"]: each["sha256"] for each in facts["inputs"]},
        ),
        "seeds": _differences(before["seeds"], facts["seeds"]),
        "versions": _differences(before["versions"], facts["versions"]),
        "settings": _differences(before["settings"], facts["settings"]),
        "tables": _differences(before["tables"], facts["tables"]),
        "rules": _differences(
            {each["rule_id"]: each["issue_count"] for each in before["rules"]},
            {each["rule_id"]: each["issue_count"] for each in facts["rules"]},
        ),
    }


def _differences(before: Facts, now: Facts) -> Facts:
    return {
        key: {"before": before.get(key), "now": now.get(key)}
        for key in sorted(before | now)
        if before.get(key) != now.get(key)
    }


def facts_in(pack: zipfile.ZipFile) -> Facts:
    """The audit.json of an open pack."""
    facts: Facts = read_json(pack.read(AUDIT))
    return facts


def _audit_of(path: Path) -> Facts | None:
    try:
        with zipfile.ZipFile(path) as pack:
            facts = facts_in(pack)
    except ZIP_FAULTS:
        return None
    return facts


def _text(facts: Facts) -> str:
    return json.dumps(facts, indent=1, default=str) + "\n"


def _add(pack: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, NO_TIME)
    entry.external_attr = MEMBER_MODE
    pack.writestr(entry, content, zipfile.ZIP_DEFLATED)
