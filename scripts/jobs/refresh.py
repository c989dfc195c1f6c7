"""Refreshing a warehouse: the new one is built beside it and takes its place only when complete.

Beside `warehouse/sen2_2026.duckdb` stands the folder `warehouse/.sen2_2026`, which holds the lock
of whoever writes, and the new warehouse while it is built (`building`). The outputs are made in a
folder inside `--out` and move with the warehouse, as one set (`swap`). Those who read yesterday's
file go on reading it.
"""

import errno
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from .. import spec
from ..export import export, form
from ..ground import places, trust
from ..ground.console import err, say
from ..ground.errors import DefectError, DiskFullError, InputError
from ..ground.files import sha256
from ..ground.places import Place, log_of
from ..settings.config import Job
from ..warehouse import connect, encryption, is_made_by_a_run, prepare, quoted, swap, views
from ..warehouse.lock import lock_warehouse

LITTLE_ROOM = 1 << 20
"""With fewer free bytes than this, whatever went wrong is taken for want of room."""

Connection = duckdb.DuckDBPyConnection


@dataclass(frozen=True)
class Refresh:
    """A refresh under way: `job` writes to the new warehouse and the folder of new outputs."""

    place: Place
    asked: Job
    job: Job

    def commit(self, last: Sequence[Path], more: Iterable[swap.Step] = ()) -> None:
        """Put warehouse and outputs in their places, all or nothing.

        Outputs that may not stay go first, then comes the warehouse, then the outputs, and at the
        end those in `last`: a stop on the way never leaves a submission that looks current and is
        not. `more` is done just before the warehouse is replaced.
        """
        staging, target = self.job.out, self.asked.out
        made = sorted(path for path in staging.rglob("*") if path.is_file())
        names = [path.relative_to(staging) for path in made]
        before = _recorded(self.place.warehouse)
        self._record(made)
        old_log = log_of(self.place.warehouse)
        swap.commit(
            self.place.journal,
            [
                *_retired(target, self.asked, {name.name for name in names}),
                *more,
                *([swap.remove(old_log)] if old_log.exists() else []),
                swap.replace(self.place.building, self.place.warehouse),
                *(
                    swap.replace(path, target / name)
                    for path, name in sorted(
                        zip(made, names, strict=True), key=lambda each: each[0] in last
                    )
                ),
                *_left_over(target, before, {name.as_posix() for name in names}),
            ],
            [self.place.warehouse.parent, *self.asked.folders],
        )

    def _record(self, made: Sequence[Path]) -> None:
        """Keep in the new warehouse which outputs belong to it, by name, size and SHA-256."""
        rows = [
            [path.relative_to(self.job.out).as_posix(), path.stat().st_size, sha256(path)]
            for path in made
        ]
        with connect(self.place.building) as connection:
            connection.execute("delete from audit.outputs")
            connection.executemany("insert into audit.outputs values (?, ?, ?)", rows)
            connection.execute("force checkpoint")  # closing would not say that it failed
        if log_of(self.place.building).exists():
            raise DefectError("The new warehouse could not be closed. Nothing was replaced.")


@contextmanager
def refreshing(job: Job, *, wait: bool = False) -> Iterator[Refresh]:
    """Hold the warehouse, begin a new one with what it must keep of the old, and tidy up at last.

    Whatever goes wrong before `commit`, the old warehouse and its outputs stay as they were.
    """
    with lock_warehouse(job.warehouse, job.folders, wait=wait) as place:
        staging = job.out.resolve() / f"{places.STAGED}{place.warehouse.stem}"
        is_new = not staging.parent.exists()
        with _without(staging.parent if is_new else None), _tidy(place), _disk_full(job):
            place.building.parent.mkdir()
            place.staged.write_text(str(staging), encoding="utf-8")
            shutil.rmtree(staging, ignore_errors=True)
            staging.mkdir(parents=True, mode=0o700)
            new = replace(job, warehouse=place.building, out=staging, becomes=job.out)
            _carry(place, job.year)
            yield Refresh(place, job, new)


@contextmanager
def _without(folder: Path | None) -> Iterator[None]:
    """Take a folder away again when it is still empty at the end."""
    try:
        yield
    finally:
        if folder:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _tidy(place: Place) -> Iterator[None]:
    """Take away what a stopped run has left, now, and what this one leaves, at the end."""
    _clear(place)
    try:
        yield
    finally:
        if not place.journal.exists():
            _clear(place)


def _clear(place: Place) -> None:
    if place.staged.exists():
        staging = Path(place.staged.read_text(encoding="utf-8"))
        if staging.name == f"{places.STAGED}{place.warehouse.stem}" and not trust.why_not_ours(
            staging
        ):
            shutil.rmtree(staging, ignore_errors=True)
    try:
        shutil.rmtree(place.building.parent)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise InputError(
            f"{place.building.parent}: what a stopped run left cannot be removed"
            f" ({error.strerror}). Close the program that uses it and run again."
        ) from None


@contextmanager
def _disk_full(job: Job) -> Iterator[None]:
    """Say in plain words that there was no room, wherever that came to light."""
    try:
        yield
    except DiskFullError:
        raise InputError(_NO_ROOM.format(folder=job.warehouse.parent)) from None
    except InputError:
        raise
    except Exception as error:
        if _is_disk_full(error, job):
            raise InputError(_NO_ROOM.format(folder=job.warehouse.parent)) from None
        raise


_NO_ROOM = (
    "{folder}: the disk is full, or the largest size of a file is reached, so nothing was replaced:"
    " the warehouse and the outputs of the last run are as they were. Make room and run again."
)


def _is_disk_full(error: Exception, job: Job) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
        return True
    if any(words in str(error) for words in DiskFullError.WORDS):
        return True
    folders = [job.warehouse.resolve().parent, job.out.resolve()]
    return any(
        shutil.disk_usage(folder).free < LITTLE_ROOM for folder in folders if folder.exists()
    )


# What a new warehouse keeps of the old


def _carry(place: Place, year: int) -> None:
    """Begin the new warehouse with every table of the old that a run does not make itself."""
    if place.warehouse.exists():
        _settle(place.warehouse)
    was_encrypted = encryption.is_encrypted(place.warehouse) or None  # a new one then is, too
    old = {"_old": place.warehouse} if place.warehouse.exists() else {}
    with connect(place.building, encrypted=was_encrypted, attached=old) as connection:
        if old:
            for schema, table in _tables(connection):
                if not is_made_by_a_run(schema, table):
                    name = f"{quoted(schema)}.{quoted(table)}"
                    connection.execute(f"create schema if not exists {quoted(schema)}")
                    connection.execute(f"create table {name} as from _old.{name}")
            connection.execute("detach _old")
        prepare(connection, year)  # and what tables of an older version have not


def _settle(path: Path) -> None:
    """Check that the old warehouse can be read, and write into it what a stop left in its log."""
    if log_of(path).exists():
        with suppress(InputError), connect(path) as connection:
            connection.execute("checkpoint")
    with connect(path, read_only=True):
        pass


def _tables(connection: Connection) -> list[tuple[str, str]]:
    return connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = '_old' and not internal and not temporary order by all"
    ).fetchall()


def carry_views(new: Refresh) -> None:
    """Give the new warehouse the views that people made in the old; a note names what does not fit.

    To be called once the layers they read are built.
    """
    if not new.place.warehouse.exists():
        return
    with connect(new.place.warehouse, read_only=True) as connection:
        old = views.views(connection)
    if not old:
        return
    with connect(new.job.warehouse) as connection:
        for schema, view, sql in old:
            if spec.model_file(schema, view) is not None:
                continue  # it was built anew
            if not views.reads_only_tables(connection, sql):
                say(
                    f"Note: the view {schema}.{view} reads files, or makes its query as it runs,"
                    " and was left out.",
                    to=err,
                )
                continue
            connection.execute(f"create schema if not exists {quoted(schema)}")
            try:
                connection.execute(sql)
            except duckdb.Error:
                say(
                    f"Note: the view {schema}.{view} no longer fits and was left out.",
                    to=err,
                )


# What may not stay, and what is left over


def _retired(folder: Path, job: Job, names: set[str]) -> list[swap.Step]:
    """Submissions and forms of earlier runs that this one did not write go out of sight."""
    finished = [
        *export.submissions_in(folder, job.config.la_code, job.year),
        *form.forms_in(folder),
    ]
    return [
        *(
            swap.replace(path, folder / places.SUPERSEDED / path.name)
            for path in finished
            if path.name not in names
        ),
        *(
            swap.remove(path)
            for path in form.forms_in(folder, form.DRAFT)
            if path.name not in names
        ),
    ]


def _recorded(warehouse: Path) -> dict[str, str]:
    """The outputs of the last run, name to SHA-256; none where a warehouse knows of none."""
    if not warehouse.exists():
        return {}
    with connect(warehouse, read_only=True) as connection:
        try:
            rows = connection.execute("select file, sha256 from audit.outputs").fetchall()
        except duckdb.CatalogException:
            rows = []
    return dict(rows)


def _left_over(folder: Path, before: dict[str, str], names: set[str]) -> list[swap.Step]:
    """The last run's other outputs that this one did not write, as long as nobody changed them.

    The names were kept in the warehouse, which may have come from elsewhere: one that leads out of
    the folder names no output.
    """
    return [
        swap.remove(folder / name)
        for name, digest in before.items()
        if name not in names
        and trust.is_inside(folder / name, [folder])
        and (folder / name).is_file()
        and not (folder / name).is_symlink()
        and sha256(folder / name) == digest
    ]
