"""Who may write: one sen2 at a time holds a warehouse, by a lock in the folder beside it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..ground import trust
from ..ground.console import err, say
from ..ground.errors import InputError
from ..ground.places import Place
from . import swap
from .database import require

NOT_OURS = (
    "It holds what sen2 remembers beside a warehouse. Move it away and run again, with warehouses"
    " in a folder where nobody else can make files."
)
UNUSABLE = frozenset("'\"")
"""What dbt and its adapter cannot quote in the name of a database, which is the file's."""


@contextmanager
def lock_warehouse(
    warehouse: Path, folders: Sequence[Path] = (), *, wait: bool = False, is_new: bool = True
) -> Iterator[Place]:
    """Hold a warehouse for writing; a swap that was cut off is finished first.

    The swap may move files in the folder of the warehouse and in `folders`, and nowhere else.

    When another sen2 holds it that is an input error, or, with `wait`, a reason to wait; and so is
    a missing warehouse that may not be new, a folder beside it that is not ours, and a name that
    dbt cannot use.
    """
    if UNUSABLE & set(warehouse.name):
        raise InputError(
            f"{warehouse}: dbt cannot build a warehouse with a quotation mark or an apostrophe in"
            " its file name. Choose another name."
        )
    if not is_new:
        require(warehouse)
    place = Place(warehouse.resolve())
    try:
        trust.make_ours(place.folder, NOT_OURS)
        lock = FileLock(place.folder / "lock")
        _acquire(lock, warehouse, wait=wait)
    except OSError as error:
        raise InputError(f"{place.folder}: cannot be written to ({error.strerror}).") from None
    try:
        if swap.recover(place.journal, [place.warehouse.parent, *folders]):
            err.print("An earlier run was cut off while it moved its files in: that is done now.")
        yield place
    finally:
        lock.release()


def _acquire(lock: FileLock, warehouse: Path, *, wait: bool) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise InputError(
                f"{warehouse}: another sen2 is at work on this warehouse. Try again when it has"
                " ended, or say --wait to begin then."
            ) from None
        say(f"Waiting for another sen2 that is at work on {warehouse}.", to=err)
        lock.acquire()
