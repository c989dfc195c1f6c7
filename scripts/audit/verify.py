"""Checking an audit pack: is it whole, is its chain unbroken, does it give the same submission?"""

import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from .. import spec, warehouse
from ..build import build
from ..export import export
from ..ground import trust
from ..ground.console import Stages, err, out, say
from ..ground.errors import InputError
from ..ground.files import Room, read_parquet, sha256
from ..land import releases
from ..settings.kept_files import KEPT_TABLES
from ..spec.constants import BUILT
from ..untrusted import parsers
from ..untrusted.parsers import ZIP_FAULTS
from ..warehouse import quoted
from .audit_json import Facts
from .pack import AUDIT, LANDED, MANIFEST, OUTPUTS

CHUNK = 1 << 20
LONGEST_JSON = 64 << 20  # bytes; a manifest that claims more is no pack of ours
LANDED_NAME = re.compile(r"landed/(?P<schema>raw|audit)\.(?P<table>[a-z][a-z0-9_]*)\.parquet")
TYPES = {"VARCHAR", "BIGINT", "INTEGER", "DOUBLE", "BOOLEAN", "DATE"}
"""Of what types the columns of a landed table are."""
SCRATCH = "sen2_verify_"
WHOLE, NOT_WHOLE = 0, 1


@dataclass
class Verdict:
    """What was found to hold, what was not, and what could not be checked."""

    held: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def verify(path: Path, *, before: Path | None, rebuild: bool) -> int:
    """Check a pack; exit code 0 when all that was checked holds, 1 when something does not.

    `before` is the pack it is chained to, looked for beside it otherwise. `rebuild` makes the
    submission again from what landed and compares the bytes.

    Raises InputError when the file is no pack, or too large to be one.
    """
    verdict = Verdict()
    with _opened(path) as pack:
        manifest = _json(pack, MANIFEST, path)
        facts = _json(pack, AUDIT, path)
        try:
            _check_members(pack, manifest, verdict)
            _check_outputs(manifest, facts, verdict)
            _check_chain(path, manifest, before, verdict)
            if rebuild and not verdict.broken:
                _check_rebuild(path, pack, facts, verdict)
            who = f"pack {manifest['number']}, packed by {manifest.get('packed_by')}"
        except (KeyError, TypeError, AttributeError, ValueError):
            raise InputError(
                f"{path}: its {MANIFEST} or {AUDIT} is not one of ours. Get the pack again from"
                " who made it."
            ) from None
    say(f"{path}: {who} at {manifest.get('packed_at')}")
    for words, console, lines in (
        ("holds", out, verdict.held),
        ("not checked", out, verdict.unknown),
        ("DOES NOT HOLD", err, verdict.broken),
    ):
        for line in lines:
            say(f"  {words}: {line}", to=console)
    return NOT_WHOLE if verdict.broken else WHOLE


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except ZIP_FAULTS:
        raise InputError(f"{path}: is not an audit pack, which is a zip file.") from None


def _json(pack: zipfile.ZipFile, name: str, path: Path) -> Facts:
    try:
        if pack.getinfo(name).file_size > LONGEST_JSON:
            raise ValueError
        content: Facts = parsers.read_json(pack.read(name))
        if not isinstance(content, dict):
            raise ValueError
    except ZIP_FAULTS:
        raise InputError(f"{path}: is not an audit pack: it has no {name} of ours.") from None
    return content


def _check_members(pack: zipfile.ZipFile, manifest: Facts, verdict: Verdict) -> None:
    """Every member is in the manifest once, with its size and hash, and nothing else is there."""
    told = manifest["members"]
    names = [entry.filename for entry in pack.infolist()]
    strange = sorted({name for name in names if name not in told and name != MANIFEST})
    doubled = sorted({name for name in names if names.count(name) > 1})
    missing = sorted(set(told) - set(names))
    verdict.broken += [f"{name} is not in the manifest" for name in strange]
    verdict.broken += [f"{name} is there twice" for name in doubled]
    verdict.broken += [f"{name} is missing" for name in missing]
    for name in sorted(set(told) & set(names)):
        if _digest(pack, name, told[name]["bytes"]) != told[name]["sha256"]:
            verdict.broken.append(f"{name} is not what the manifest says")
    if not verdict.broken:
        verdict.held.append(f"{len(told)} files are what the manifest says")


def _digest(pack: zipfile.ZipFile, name: str, size: int) -> str | None:
    """The SHA-256 of a member, read in pieces; nothing when it is not of the size that is told."""
    digest, seen = hashlib.sha256(), 0
    try:
        with pack.open(name) as member:
            while piece := member.read(CHUNK):
                seen += len(piece)
                if seen > size:
                    return None
                digest.update(piece)
    except ZIP_FAULTS:
        return None
    return digest.hexdigest() if seen == size else None


def _check_outputs(manifest: Facts, facts: Facts, verdict: Verdict) -> None:
    """audit.json and the manifest tell the same of the outputs, the submission too."""
    told = {OUTPUTS + each["file"]: each["sha256"] for each in facts["outputs"]}
    packed = {
        name: each["sha256"]
        for name, each in manifest["members"].items()
        if name.startswith(OUTPUTS)
    }
    submission = facts["submission"]
    if submission and told.get(OUTPUTS + submission["file"]) != submission["sha256"]:
        verdict.broken.append("the submission is not the one on record")
    if told == packed:
        verdict.held.append("the outputs are those of audit.json")
    else:
        verdict.broken.append("the outputs are not those of audit.json")


def _check_chain(path: Path, manifest: Facts, before: Path | None, verdict: Verdict) -> None:
    """The pack before this one has the hash that this one carries, and so on back to the first."""
    purged: dict[str, str] = {}
    while link := manifest["previous"]:
        purged |= {each["file"]: each["sha256"] for each in manifest.get("purged", ())}
        previous = before or path.parent / Path(link["file"]).name
        before = None
        is_here = _is_file(previous)
        if not is_here and purged.get(link["file"]) == link["sha256"]:
            verdict.held.append(
                f"the chain is unbroken to {path.name}; what came before was purged, on record"
            )
            return
        if not is_here:
            verdict.unknown.append(f"the chain before {path.name}: {link['file']} is not here")
            return
        if sha256(previous) != link["sha256"]:
            verdict.broken.append(f"{previous.name} is not the pack that {path.name} follows")
            return
        with _opened(previous) as pack:
            path, manifest = previous, _json(pack, MANIFEST, previous)
    verdict.held.append("the chain is unbroken to the first pack")


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a pack from outside may name one that no folder can hold."""
    try:
        return path.is_file()
    except OSError:
        return False


def _check_rebuild(path: Path, pack: zipfile.ZipFile, facts: Facts, verdict: Verdict) -> None:
    """The submission made again, in a warehouse of its own, from what landed."""
    submission = facts["submission"]
    if not submission:
        verdict.unknown.append("the submission: none was written in this run")
        return
    year = int(facts["return"]["collection_year"])
    spec.collection(year)
    told = {name: version for name, version in facts["versions"].items() if name != "python"}
    if other := sorted(name for name in told if _version(name) != told[name]):
        verdict.unknown.append(f"versions: {', '.join(other)} differ from those of the run")
    stages = Stages()
    with _scratch() as scratch, stages.stage("rebuild", "Building again"):
        file = scratch / f"sen2_{year}.duckdb"
        try:
            _load(pack, file, year, int(submission["serial_no"]), scratch)
        except OverflowError:
            raise InputError(
                f"{path}: its landed tables hold more than {Room.MOST}, so it is not one of ours."
                " Nothing was built of it."
            ) from None
        build.build(file, year)
        again = export.export(file, BUILT, year, scratch)
    if again.sha256 == submission["sha256"]:
        verdict.held.append("the submission made again has the same bytes")
    else:
        verdict.broken.append("the submission made again has other bytes")


@contextmanager
def _scratch() -> Iterator[Path]:
    """A folder of our own for the warehouse made again, with what is in it gone at the end.

    What a verification left that was killed, and could tidy nothing, goes first.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        if not trust.why_not_ours(left) and _is_left(left):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as name, FileLock(Path(name) / "lock"):
        yield Path(name)


def _is_left(folder: Path) -> bool:
    """Whether the process that made a scratch folder is no more."""
    lock = folder / "lock"
    try:
        if lock.exists():
            FileLock(lock).acquire(timeout=0).lock.release()
            return True
    except (Timeout, OSError):
        pass
    return False


def _version(name: str) -> str | None:
    """The version of a package here; nothing when it is not here."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _load(pack: zipfile.ZipFile, file: Path, year: int, serial_no: int, scratch: Path) -> None:
    """The landed tables of a pack in a new warehouse, set to the number that was submitted.

    Raises OverflowError when there is no room for so much.
    """
    room = Room()
    with warehouse.connect(file, reaches=[scratch]) as connection:
        warehouse.prepare(connection, year)
        ours = {*warehouse.AUDIT_TABLES, *KEPT_TABLES, releases.TABLE}
        ours |= {row["table_name"] for row in spec.seed("extract_contract")}
        for entry in pack.infolist():
            if not (named := LANDED_NAME.fullmatch(entry.filename)):
                if entry.filename.startswith(LANDED):
                    raise KeyError(entry.filename)
                continue
            if named["table"] not in ours:
                raise KeyError(entry.filename)
            parquet = scratch / "landed.parquet"
            with pack.open(entry) as member, parquet.open("wb") as copy:
                while piece := member.read(CHUNK):
                    room.take(packed=len(piece))
                    copy.write(piece)
            table = f"{named['schema']}.{quoted(named['table'])}"
            rows = f"from {read_parquet(parquet)}"
            try:
                _take_room(room, connection, rows)
                connection.execute(f"create table if not exists {table} as {rows} limit 0")
                connection.execute(f"delete from {table}")
                connection.execute(f"insert into {table} by name {rows}")
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error:
                raise ValueError(entry.filename) from None
            parquet.unlink()
        connection.execute("update audit.extract_settings set serial_no = ?", [serial_no])


def _take_room(room: Room, connection: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Take the room of a landed table, counted before anything is kept of it."""
    columns = connection.execute(f"describe {rows}").fetchall()
    if strange := {kind for _, kind, *_ in columns} - TYPES:
        raise ValueError(strange)
    room.take_table(connection, [quoted(name) for name, kind, *_ in columns if kind == "VARCHAR"],
                    rows)  # fmt: skip
