"""The layout of our SQL that sqlfluff cannot hold: it measures what macros become."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from sen2 import spec

FOLDERS = ("models", "macros", "analyses", "tests")
FILES = sorted(path for folder in FOLDERS for path in (spec.PROJECT / folder).rglob("*.sql"))


def uncommaed(text: str) -> list[str]:
    """The last columns of a list of several lines that no comma follows."""
    found = []
    lines = [line for line in text.split("\n") if not line.strip().startswith(("--", "{#"))]
    for before, line in pairwise(lines):
        indent = len(line) - len(line.lstrip())
        is_deeper = len(before) - len(before.lstrip()) == indent + 4
        is_column = is_deeper and not before.rstrip().endswith((",", "%}"))
        if re.match(r"\s*from\b", line) and is_column:
            found.append(before.strip())
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lines_fit_and_a_comma_follows_every_column(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert [line for line in text.split("\n") if len(line) > 100] == []
    assert uncommaed(text) == []


def test_a_column_without_a_comma_is_found() -> None:
    assert uncommaed("select\n    a,\n    b\nfrom c") == ["b"]
    assert uncommaed("select\n    a,\n    b,\nfrom c\nwhere\n    d") == []
