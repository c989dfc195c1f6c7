"""What lies in a folder that others can reach is trusted only when it can be nobody's but ours.

Ours is what belongs to the account that runs this, or to the machine's administrator, and what
nobody else may write to. Windows keeps neither as a mode of the file, so nothing is asked there.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from .errors import InputError

OTHERS = stat.S_IWGRP | stat.S_IWOTH
ADMINISTRATOR = 0


def why_not_ours(path: Path) -> str:
    """Why a file or folder may be somebody else's doing, in words; nothing when it cannot be."""
    if os.name == "nt":
        return ""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if stat.S_ISLNK(found.st_mode):
        return "is a link"
    if found.st_uid not in (os.getuid(), ADMINISTRATOR):
        return "belongs to another account"
    return "can be written to by other accounts" if found.st_mode & OTHERS else ""


def require_ours(path: Path, remedy: str) -> None:
    """An input error when a file or folder may be somebody else's; `remedy` says what to do."""
    if why := why_not_ours(path):
        raise InputError(f"{path}: {why}, so what it holds is not trusted. {remedy}")


def make_ours(folder: Path, remedy: str) -> None:
    """Make a folder that only this account may enter, or require that the one there is ours."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    require_ours(folder, remedy)


def place_of(path: Path) -> Path:
    """Where a file is, links of the folders above it followed, and not a link that it is itself."""
    return path.parent.resolve() / path.name


def is_inside(path: Path, folders: Iterable[Path]) -> bool:
    """Whether a file is in one of the folders or below, wherever links lead; never one itself."""
    if path.name in ("", ".."):
        return False
    place = place_of(path)
    return any(folder.resolve() in place.parents for folder in folders)
