"""Putting finished files in their places as one set, so that a stop at any moment breaks nothing.

The steps are written down first, beside the new files (`swap.json`). Until that list is on the
disk, nothing has moved and yesterday's set stands; once it is there, today's set stands, and
whoever comes next finishes the steps that a stop cut off (`recover`). Each step moves one whole
file, at once, and doing it twice does no more than doing it once.
"""

import errno
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from .errors import InputError

Kind = Literal["keep", "remove", "replace"]

PATIENCE = 10.0
"""Seconds to wait for a program that has a file open; only Windows makes anyone wait."""
PAUSE = 0.2


class Step(NamedTuple):
    """One move: `keep` also has `source` under the name `target`, `replace` moves it there.

    `remove` takes `target` away and has no source.
    """

    kind: Kind
    source: str
    target: str


def keep(source: Path, target: Path) -> Step:
    """Let a file that is about to be replaced stay under another name."""
    return Step("keep", str(source.resolve()), str(target.resolve()))


def replace(source: Path, target: Path) -> Step:
    """Move a file to its place, over what stands there."""
    return Step("replace", str(source.resolve()), str(target.resolve()))


def remove(target: Path) -> Step:
    """Take a file away."""
    return Step("remove", "", str(target.resolve()))


def commit(journal: Path, steps: Iterable[Step]) -> None:
    """Take all steps, or none: an InputError says which file could not be replaced.

    Every file that moves, and the list of steps, is on the disk before the first one moves.
    """
    steps = list(steps)
    for step in steps:
        _refuse_if_held(Path(step.target))
    for step in steps:
        if step.kind == "replace":
            to_disk(Path(step.source))
    for folder in sorted({Path(step.source).parent for step in steps if step.source}):
        to_disk(folder)
    write_whole(journal, json.dumps({"steps": steps}, indent=1))
    recover(journal)


def recover(journal: Path) -> bool:
    """Finish a swap that was cut off; gives whether there was one."""
    if not journal.exists():
        return False
    steps = [Step(*step) for step in json.loads(journal.read_text(encoding="utf-8"))["steps"]]
    for step in steps:
        Path(step.target).parent.mkdir(parents=True, exist_ok=True)
        _patiently(Path(step.target), partial(_take, step))
    for folder in sorted({Path(step.target).parent for step in steps}):
        to_disk(folder)
    journal.unlink()
    to_disk(journal.parent)
    return True


def put(source: Path, target: Path) -> None:
    """Move one file that is on the disk to its place, for good."""
    _patiently(target, partial(source.replace, target))
    to_disk(target.parent)


def _take(step: Step) -> None:
    """One step, unless it was taken before."""
    source, target = Path(step.source), Path(step.target)
    match step.kind:
        case "remove":
            target.unlink(missing_ok=True)
        case "replace":
            if source.exists():
                _move(source, target)
        case "keep":
            if source.exists() and not target.exists():
                _also_as(source, target)


def _move(source: Path, target: Path) -> None:
    """A rename; to another file system a whole copy first."""
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(source, target)
        source.unlink()


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name}.part")
    shutil.copyfile(source, draft)
    to_disk(draft)
    draft.replace(target)


def _also_as(source: Path, target: Path) -> None:
    """A second name of a file; a copy where the file system knows no second names."""
    try:
        os.link(source, target)
    except OSError:
        _copy(source, target)


def _refuse_if_held(path: Path) -> None:
    """An input error when a program on Windows holds the file: nothing has moved yet."""
    if path.exists():
        _patiently(path, partial(path.rename, path))


def _patiently(path: Path, action: Callable[[], object]) -> None:
    """Do it, again and again while another program is in the way, until patience ends."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            action()
            return
        except PermissionError:
            if time.monotonic() > end:
                raise InputError(
                    f"{path}: cannot be replaced; close it where it is open and run again."
                ) from None
            time.sleep(PAUSE)


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that it is there whole, on the disk, or not at all."""
    draft = path.with_name(f"{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    to_disk(draft)
    draft.replace(path)
    to_disk(path.parent)


def to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows writes folders itself and lets nobody open them
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
