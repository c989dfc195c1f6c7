"""The rooms of the house: each package of `scripts/` reaches down, never up or to its neighbour."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from sen2 import spec

SCRIPTS = spec.PROJECT / "scripts"
FLOORS = (
    ("cli", "dev"),
    ("jobs",),
    ("answers", "audit", "collect", "compare"),
    ("imports", "reports", "sample"),
    ("gates", "land"),
    ("build", "export", "why"),
    ("warehouse",),
    ("settings",),
    ("spec", "untrusted"),
    ("ground",),
)
"""From the top, where the command is, to the ground."""
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
WITHOUT_MODULES = {"mappings", "schemas"}


def modules() -> dict[str, Path]:
    """Every module by its name below `sen2`; a package by the name of its folder."""
    return {
        ".".join(path.relative_to(SCRIPTS).with_suffix("").parts).removesuffix(".__init__"): path
        for path in SCRIPTS.rglob("*.py")
        if path != SCRIPTS / "__init__.py"
    }


def imported(name: str, path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of ours that a module imports, wherever in it the import stands."""
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not [each for each in node.names if each.name.split(".")[0] == "sen2"], path
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] != "sen2" or node.level, f"{path}: no dots"
            if node.level:
                base = package[: len(package) - node.level + 1]
                base += node.module.split(".") if node.module else []
                for alias in node.names:
                    full = ".".join([*base, alias.name])
                    yield full if full in known else ".".join(base)


def arrows() -> set[tuple[str, str]]:
    """Who imports whom, module by module."""
    known = modules()
    return {
        (name, target)
        for name, path in known.items()
        for target in imported(name, path, known)
        if target != name
    }


def room(module: str) -> str:
    return module.split(".")[0]


def test_every_room_has_its_floor() -> None:
    folders = {path.name for path in SCRIPTS.iterdir() if path.is_dir()}
    assert folders - WITHOUT_MODULES - {"__pycache__"} == set(FLOOR)
    assert [path.name for path in SCRIPTS.glob("*.py")] == ["__init__.py"]


def test_no_room_reaches_upwards_or_to_its_neighbour() -> None:
    wrong = [
        f"{importer} imports {target}"
        for importer, target in sorted(arrows())
        if room(importer) != room(target) and FLOOR[room(importer)] >= FLOOR[room(target)]
    ]
    assert wrong == []


def test_no_modules_import_each_other() -> None:
    graph = TopologicalSorter[str]()
    for importer, target in arrows():
        graph.add(importer, target)
    graph.prepare()  # raises CycleError, which names them
