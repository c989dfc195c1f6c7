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
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from ..ground import trust
from ..ground.errors import InputError
from ..untrusted.parsers import read_json

Kind = Literal["keep", "remove", "replace"]

KINDS = get_args(Kind)
TAKE_AWAY = "Take this file away, and run again."

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
    return Step("keep", str(trust.place_of(source)), str(trust.place_of(target)))


def replace(source: Path, target: Path) -> Step:
    """Move a file to its place, over what stands there."""
    return Step("replace", str(trust.place_of(source)), str(trust.place_of(target)))


def remove(target: Path) -> Step:
    """Take a file away; of a link, the link and not what it points to."""
    return Step("remove", "", str(trust.place_of(target)))


def commit(journal: Path, steps: Iterable[Step], folders: Sequence[Path]) -> None:
    """Take all steps, or none: an InputError says which file could not be replaced.

    Every file that moves, and the list of steps, is on the disk before the first one moves. No step
    may lead out of the `folders`.
    """
    steps = list(steps)
    _refuse_outside(journal, steps, folders)
    for step in steps:
        _refuse_if_held(Path(step.target))
    for step in steps:
        if step.kind == "replace":
            to_disk(Path(step.source))
    for folder in sorted({Path(step.source).parent for step in steps if step.source}):
        to_disk(folder)
    write_whole(journal, json.dumps({"steps": steps}, indent=1))
    recover(journal, folders)


def recover(journal: Path, folders: Sequence[Path]) -> bool:
    """Finish a swap that was cut off; gives whether there was one.

    Raises InputError, before anything moves, when the list of steps is not ours or one of them
    leads out of the `folders`.
    """
    if not journal.exists():
        return False
    steps = _steps(journal)
    _refuse_outside(journal, steps, folders)
    for step in steps:
        Path(step.target).parent.mkdir(parents=True, exist_ok=True)
        _patiently(Path(step.target), partial(_take, step))
    for folder in sorted({Path(step.target).parent for step in steps}):
        to_disk(folder)
    journal.unlink()
    to_disk(journal.parent)
    return True


def _steps(journal: Path) -> list[Step]:
    """The steps that a swap has still to take, or has taken."""
    trust.require_ours(journal, TAKE_AWAY)
    try:
        steps = [Step(*step) for step in read_json(journal.read_text(encoding="utf-8"))["steps"]]
        for step in steps:
            places = (step.target,) if step.kind == "remove" else (step.source, step.target)
            if step.kind not in KINDS or not all(map(_is_place, places)):
                raise ValueError
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(f"{journal}: is not a list of steps of ours. {TAKE_AWAY}") from None
    return steps


def _is_place(text: object) -> bool:
    """Whether a place is whole, so that it means the same from every folder."""
    return isinstance(text, str) and "\0" not in text and Path(text).is_absolute()


def _refuse_outside(journal: Path, steps: Sequence[Step], folders: Sequence[Path]) -> None:
    """An input error when a step leads out of the folders; it says which."""
    for step in steps:
        for place in (step.target,) if step.kind == "remove" else (step.source, step.target):
            if not trust.is_inside(Path(place), folders):
                raise InputError(
                    f"{journal}: a file is to be moved from or to {Path(place).parent}, which this"
                    " command does not work in, so nothing was moved. If an earlier run with"
                    " another --out was cut off, give that --out to `sen2 run`; otherwise"
                    f" {TAKE_AWAY[0].lower()}{TAKE_AWAY[1:]}"
                )


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
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
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
