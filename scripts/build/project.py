"""One hash of this project: its own files, and the versions of the libraries that count."""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

from .. import spec
from ..ground.files import files_below, sha256

PARTS = ("dbt_project.yml", "profiles", "models", "seeds", "macros", "tests", "gx", "scripts")
"""The files of the project that can change what a run gives."""
NO_PARTS = {"__pycache__", "python", "project"}
"""Not the tests in Python, and not the parts again that a wheel bundles beside its code."""
CODE = Path(__file__).resolve().parents[1]
"""The package's own folder: `scripts` in the repository, `sen2` where it is installed."""
LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "lxml", "xlsxwriter")


def fingerprint() -> str:
    """One hash of this project's files and of the versions of what it stands on."""
    digest = hashlib.sha256(sys.version.encode())
    for line in facts():
        digest.update(line.encode())
    return digest.hexdigest()


def facts(parts: Iterable[str] = PARTS, libraries: Iterable[str] = LIBRARIES) -> Iterator[str]:
    """One line for each library and file of these parts."""
    for library in libraries:
        yield f"{library} {version(library)}\n"
    for part in parts:
        root = CODE if part == "scripts" else spec.PROJECT / part
        for path in files_below(root):
            name = Path(part) / path.relative_to(root)
            if not NO_PARTS & set(name.parts):
                yield f"{name.as_posix()} {sha256(path)}\n"
