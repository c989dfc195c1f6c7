"""YAML, JSON, CSV and zip files from outside: whatever parsers raise becomes one kind of fault.

Over what is nested a thousand deep, is a date that there is not, or was broken on purpose, they
raise much that their manuals do not name. Every file that is not ours is parsed by way of here.
"""

import csv
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ..ground.errors import InputError

try:
    from lzma import LZMAError
except ImportError:  # a Python that was built without it, whose zipfile says so itself
    LZMAError = zipfile.BadZipFile  # type: ignore[misc, assignment]

ZIP_FAULTS = (
    *(zipfile.BadZipFile, zlib.error, LZMAError, struct.error),
    *(OSError, EOFError, ValueError, KeyError, OverflowError, RuntimeError),
)
"""What zipfile raises over a file that is no zip file, is damaged, encrypted, or of another kind.

RuntimeError is also NotImplementedError, and RecursionError, which JSON in a pack may cause.
"""
NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""What no database or file system holds: a character without a shape, or half of one."""
LONGEST_NAME, LONGEST_PATH, MOST_FOLDERS = 255, 1_000, 50
"""Bytes of the name of a file, of it and its folders, and how many those are."""
DEEPEST = 50
"""Most levels of lists and keys in a YAML file; ours have six."""

DEEPEST_JSON = 400
"""Most levels in JSON, well under what the Python that takes least of them parses."""


def can_be_a_name(path: str) -> bool:
    """Whether a file could have this name, its folders before it."""
    parts = [len(part.encode(errors="replace")) for part in path.replace("\\", "/").split("/")]
    return max(parts) <= LONGEST_NAME and sum(parts) < LONGEST_PATH and len(parts) <= MOST_FOLDERS


def read_json(text: str | bytes, number: Callable[[str], Any] | None = None) -> Any:
    """JSON; `number` makes what becomes of its numbers. ValueError, also where it is too deep."""
    try:
        content = json.loads(text, parse_float=number, parse_int=number)
    except RecursionError:
        raise ValueError from None
    is_flat = isinstance(text, str) and text.count("[") + text.count("{") <= DEEPEST_JSON
    if not is_flat and _levels(content) > DEEPEST_JSON:
        raise ValueError
    return content


def _levels(content: Any) -> int:
    """How deep lists and keys are nested in each other."""
    levels, inner = 0, [content]
    while inner := [part for part in inner if isinstance(part, dict | list)]:
        levels += 1
        inner = [part for each in inner
                 for part in (each.values() if isinstance(each, dict) else each)]  # fmt: skip
    return levels


@contextmanager
def csv_faults(path: Path) -> Iterator[None]:
    """What a reader that is not strict raises over the first rows of a file."""
    try:
        yield
    except csv.Error:
        raise InputError(
            f"{path}: is not divided into rows and columns, since it has a value of many megabytes."
            " Give the table as CSV."
        ) from None


class _FaultError(yaml.MarkedYAMLError):
    """A fault of a YAML file in words of ours."""


class _Careful(yaml.parser.Parser, yaml.composer.Composer, yaml.constructor.BaseConstructor):
    """What PyYAML itself does not refuse, or refuses without saying where."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.depth >= DEEPEST:
            words = f"has more than {DEEPEST} levels of lists and keys. Take some out"
            raise _FaultError(problem=words, problem_mark=self.peek_event().start_mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if isinstance(node.value, str) and NO_TEXT.search(node.value):
            words = "has a character that no text may hold, NUL or half of one. Take it out"
            raise _FaultError(problem=words, problem_mark=node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError):
            words = "has what looks like a date or a number and is none. Correct it, or quote it"
            raise _FaultError(problem=words, problem_mark=node.start_mark) from None


class Typed(_Careful, yaml.SafeLoader):
    """Scalars become what YAML takes them for: dates, numbers, yes and no."""


class AsText(_Careful, yaml.BaseLoader):
    """Every scalar stays text: YAML would read No as false and 01 as a number."""


def read_yaml(path: Path, loader: type[Typed] | type[AsText]) -> Any:
    """What a YAML file holds; OSError is left to who knows what the file is for.

    Raises InputError that names the line.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not UTF-8 text. Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        words = "is not valid YAML. Text with a colon, a hash or a bracket needs quotes"
        if isinstance(error, _FaultError):
            words = str(error.problem)
        raise InputError(f"{path}{where}: {words}.") from None
