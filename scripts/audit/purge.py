"""Retention: removing what earlier runs left, up to a date that is given, and recording that.

What a thing is dated by is its content, never a file's time or the clock: the day of the extract
that it was made from, also after the survey day. When the warehouse of a year is itself older than
the date, the whole year goes; until then its newest audit pack stays, since the chain ends in it.
"""

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from .. import spec
from ..ground import files, places, trust
from ..ground.errors import InputError
from ..settings.config import Config
from ..untrusted.parsers import ZIP_FAULTS
from ..warehouse import connect, encryption, lock, prepare
from . import audit_json, history, pack

KEPT_WAREHOUSE = re.compile(r".+_(\d{4}-\d\d-\d\d)_run\d+\.duckdb")
KEPT_SUBMISSION = re.compile(r".+_(\d{4}-\d\d-\d\d)_[0-9a-f]{12}\.\w+\.gz")
DATE_TIME = re.compile(rb"<DateTime>(\d{4}-\d\d-\d\d)")
HEAD = 4096  # bytes of a submission that hold its header
LEFT_OVER = (".building_*", ".draft-*", ".parquet-*", ".*.part")
"""What a stopped run leaves in a folder of outputs; it may hold anything."""


@dataclass(frozen=True)
class Item:
    """One file or folder to remove: what it is, the day of its extract, and its size in bytes."""

    kind: str
    path: Path
    day: date
    bytes: int

    @property
    def sha256(self) -> str | None:
        """The SHA-256 of a file; a folder and a link have none."""
        return files.sha256(self.path) if _is_file(self.path) else None


@dataclass(frozen=True)
class Site:
    """A warehouse, when there still is one, and the folder of its outputs."""

    warehouse: Path | None
    out: Path


@dataclass
class Plan:
    """What a purge removes, what it leaves and why, and where it records it."""

    before: date
    history: Path
    sites: list[Site]
    items: list[Item] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    retired: list[Site] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        """The size of all that goes."""
        return sum(item.bytes for item in self.items)


def plan(before: date, folder: Path, out: Path, config: Config | None) -> Plan:
    """What there is from before a date, in the folder of the warehouses and that of the outputs.

    Where the settings have a section nightly, its warehouse, outputs and archive are looked at too.
    """
    night = config.nightly if config else None
    archives = [folder / places.ARCHIVE]
    sites = list(_sites(folder, out))
    if night:
        if night.warehouse:
            sites.append(Site(night.warehouse, night.out or out / str(night.year)))
        archives.append(night.archive or (night.warehouse or folder / "_").parent / places.ARCHIVE)
    unique = {(site.warehouse or site.out).resolve(): site for site in sites}
    found = Plan(before, folder / places.HISTORY, list(unique.values()))
    for archive in {path.resolve(): path for path in archives}.values():
        _archived(found, archive, KEPT_WAREHOUSE, "earlier warehouse")
        _archived(found, archive / places.SUBMISSIONS, KEPT_SUBMISSION, "kept submission")
    for site in found.sites:
        _of_site(found, site)
    found.items.sort(key=lambda item: (item.day, str(item.path)))
    return found


def _sites(folder: Path, out: Path) -> Iterator[Site]:
    """Every warehouse with the folder of its outputs, then the outputs that have no warehouse."""
    names = set()
    for path in sorted(folder.glob("*.duckdb")):
        if path.name != places.HISTORY:
            names.add(name := path.stem.removeprefix("sen2_"))
            yield Site(path, out / name)
    for path in sorted(out.iterdir()) if out.is_dir() else ():
        if path.is_dir() and not path.is_symlink() and path.name not in names:
            yield Site(None, path)


def _archived(found: Plan, folder: Path, pattern: re.Pattern[str], kind: str) -> None:
    for path in _in(found, folder):
        if match := pattern.fullmatch(path.name):
            _add(found, kind, path, _date(match[1]))
            with_log = path.with_name(f"{path.name}.wal")
            if with_log.exists():
                _add(found, kind, with_log, _date(match[1]))


def _in(found: Plan, folder: Path, pattern: str = "*") -> list[Path]:
    """What is in a folder, in order; a link to one is named and not followed."""
    if folder.is_symlink():
        found.stays.append(f"{folder}: is a link; look after what it points to yourself")
        return []
    return sorted(folder.glob(pattern)) if folder.is_dir() else []


def _of_site(found: Plan, site: Site) -> None:
    day = _day_of_site(site)
    copies = [
        ("copy in Parquet", site.out / places.PARQUET, _day_of_parquet),
        *(
            ("pseudonymised copy", path, _day_of_warehouse)
            for path in _in(found, site.out / places.PSEUDONYMISED, "*.duckdb")
        ),
    ]
    dated: list[tuple[str, Path, Callable[[Path], date | None]]] = [
        *(
            (kind, path, lambda path: _day_of_submission(path, site))
            for kind, name in (
                ("superseded", places.SUPERSEDED),
                ("signed submission", places.FINAL),
            )
            for path in _in(found, site.out / name)
        ),
        *copies,
    ]
    goes = day is not None and day < found.before
    for kind, path, day_of in dated:
        if path.exists():
            _add(found, kind, path, day if goes else day_of(path))
    _packs(found, site, day if goes else None)
    if day is None:
        if site.warehouse:
            found.stays.append(f"{site.warehouse}: its date cannot be told; remove it yourself")
        return
    if goes:
        found.retired.append(site)
        _retire(found, site, day)
    elif site.warehouse:
        _imported(found, site.warehouse)


def _imported(found: Plan, path: Path) -> None:
    """Say which imported returns are older and stay, since the built one is compared with them."""
    rows = _asked(
        path,
        "select return_id, try_cast(reference_date as date) as day from imported.sen2 order by all",
    )
    found.stays += [
        f"{path}: the imported return {name}, of {day}, goes with this warehouse"
        for name, day in rows
        if day and day < found.before
    ]


def _retire(found: Plan, site: Site, day: date) -> None:
    """The warehouse itself, what stands beside it, and its outputs."""
    if site.warehouse:
        place = places.Place(site.warehouse.resolve())
        beside = [places.log_of(site.warehouse), place.folder]
        for path in dict.fromkeys([site.warehouse, place.warehouse, *beside]):
            if path.exists():
                _add(found, "warehouse", path, day)
    names = _outputs(site)
    for name in sorted(names):
        if (path := site.out / name).is_file() or path.is_symlink():
            _add(found, "output", path, day)
    for pattern in LEFT_OVER:
        for path in sorted(site.out.glob(pattern)):
            _add(found, "left over", path, day)
    ours = {item.path for item in found.items}
    strange = [
        path
        for path in sorted(site.out.rglob("*"))
        if path.is_file() and not any(each in ours for each in (path, *path.parents))
    ]
    if strange:
        found.stays.append(f"{site.out}: {len(strange)} files that sen2 did not make")


def _outputs(site: Site) -> set[str]:
    """The names of the outputs of the last run, as the warehouse and audit.json have them."""
    names = {places.AUDIT}
    names |= {str(each["file"]) for each in _facts(site.out / places.AUDIT).get("outputs", ())}
    if site.warehouse:
        names |= {str(name) for (name,) in _asked(site.warehouse, "select file from audit.outputs")}
    return {name for name in names if trust.is_inside(site.out / name, [site.out])}


def _packs(found: Plan, site: Site, of_year: date | None) -> None:
    """The packs up to the first that stays: the chain is cut at its beginning, never in between."""
    files = _in(found, site.out / places.PACKS, "SEN2_*_pack_*.zip")
    for number, path in enumerate(files):
        day = of_year or _day_of_pack(path)
        if of_year is None and (day is None or day >= found.before):
            return
        if of_year is None and number == len(files) - 1:
            found.stays.append(f"{path}: the newest pack, in which the chain ends")
            return
        _add(found, "audit pack", path, day)


def _add(found: Plan, kind: str, path: Path, day: date | None) -> None:
    if day is None:
        found.stays.append(f"{path}: its date cannot be told; remove it yourself")
    elif day < found.before:
        found.items.append(Item(kind, path, day, _size(path)))


def _size(path: Path) -> int:
    if path.is_symlink():
        return 0
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


# What a thing is dated by


def _date(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _day_of_site(site: Site) -> date | None:
    if site.warehouse:
        return _day_of_warehouse(site.warehouse)
    return _day_in(_facts(site.out / places.AUDIT))


def _day_in(facts: dict[str, Any]) -> date | None:
    """The day of the extract in the facts of a run; an older version wrote as_at alone."""
    of_return = facts.get("return", {})
    return _date(of_return.get("extracted_on") or of_return.get("as_at"))


def _day_of_warehouse(path: Path) -> date | None:
    """The day of the extract, else the newest survey day of what was imported."""
    for query in (
        "select max(extracted_on) from intermediate.survey",
        "select max(as_at) from intermediate.survey",  # built by an older version
        "select max(try_cast(reference_date as date)) from imported.sen2",
    ):
        if (found := _asked(path, query)[:1]) and (day := _date(found[0][0])):
            return day
    return None


def _asked(path: Path, query: str) -> list[tuple[Any, ...]]:
    """The answer of a warehouse; nothing where it is none, or has no such table.

    An encrypted one that cannot be opened is an error: what is in it decides whether it goes.
    """
    faults = (duckdb.Error,) if encryption.is_encrypted(path) else (InputError, duckdb.Error)
    with suppress(*faults), connect(path, read_only=True) as connection:
        return connection.execute(query).fetchall()
    return []


def _day_of_parquet(folder: Path) -> date | None:
    file = folder / "intermediate" / "survey.parquet"
    for column in ("extracted_on", "as_at"):  # an older version had as_at alone
        with suppress(duckdb.Error), duckdb.connect() as connection:
            query = f"select max({column}) from {files.read_parquet(file)}"
            return _date(connection.execute(query).fetchall()[0][0])
    return None


def _day_of_submission(path: Path, site: Site) -> date | None:
    """What its header says, else the survey day of the year that its folder is named by.

    After the survey day every header says that day, so such a submission goes with its year.
    """
    survey_day = said = None
    with suppress(ValueError, InputError):
        survey_day = said = spec.collection(int(site.out.name)).survey_day
    with suppress(OSError), path.open("rb") as file:
        if found := DATE_TIME.search(file.read(HEAD)):
            said = _date(found[1].decode())
    if said and survey_day and said >= survey_day:
        return max(said, _day_of_site(site) or said)
    return said


def _day_of_pack(path: Path) -> date | None:
    with suppress(TypeError, AttributeError, *ZIP_FAULTS), zipfile.ZipFile(path) as packed:
        return _day_in(pack.facts_in(packed))
    return None


def _facts(path: Path) -> dict[str, Any]:
    return audit_json.read(path) or {}


# Doing it


def carry_out(found: Plan, by: str) -> list[str]:
    """Record what goes, then remove it; gives what could not be removed, in words.

    The record comes first: a purge that is stopped is on record, and the next one ends it.
    """
    if not found.items:
        return []
    with ExitStack() as stack:
        for site in found.sites:
            if site.warehouse and site.warehouse.exists():
                stack.enter_context(lock.lock_warehouse(site.warehouse, [site.out]))
        rows = [
            (item.kind, item.path.name, item.day, item.bytes, item.sha256) for item in found.items
        ]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        history.record_purge(found.history, found.before, rows, by, now)
        for site in found.sites:
            if site.warehouse and site not in found.retired:
                _record_packs(found, site, by)
        failed = [words for item in found.items if (words := _remove(item.path))]
    for site in found.retired:  # the lock, let go of only now, made its folder anew
        if site.warehouse and not site.warehouse.exists():
            shutil.rmtree(places.Place(site.warehouse.resolve()).folder, ignore_errors=True)
    for site in found.sites:
        _remove_if_empty(site.out)
    return failed


def _record_packs(found: Plan, site: Site, by: str) -> None:
    """Packs that go, in the warehouse whose next pack carries the record on."""
    gone = [item for item in found.items if item.path.parent == site.out / places.PACKS]
    if not gone or site.warehouse is None:
        return
    with connect(site.warehouse) as connection:
        prepare(connection, _year(connection))
        connection.executemany(
            "insert into audit.purged_packs values (?, ?, ?, ?)",
            [[item.path.name, item.sha256, str(found.before), by] for item in gone],
        )


def _year(connection: duckdb.DuckDBPyConnection) -> int:
    rows = connection.execute("select collection_year from intermediate.survey").fetchall()
    return int(rows[0][0]) if rows else spec.newest_year()


def _remove(path: Path) -> str:
    """Remove a file or a folder, a link and never what it points to; why not, when it stays."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        return f"{path}: cannot be removed ({error.strerror}); close it where it is open"
    return ""


def _remove_if_empty(folder: Path) -> None:
    """Take away the folders of a site that hold nothing any more."""
    if not folder.is_dir():
        return
    for path in sorted((each for each in folder.rglob("*") if each.is_dir()), reverse=True):
        with suppress(OSError):
            path.rmdir()
    with suppress(OSError):
        folder.rmdir()


def lines(found: Plan) -> Sequence[str]:
    """The plan as a person reads it, oldest first."""
    return [
        f"  {item.day}  {item.kind:<20}{_megabytes(item.bytes):>10}  {item.path}"
        for item in found.items
    ] + [f"  stays: {words}" for words in found.stays]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
