"""The project as statements: what `dbt build` runs, made by dbt once for each version of it.

dbt takes longer to read the project than DuckDB takes to run it. So dbt builds an empty warehouse
once, and what it ran there is kept in a folder: the statement of every model and test, in an order
in which each comes after those it reads (`statements.json`), and the seeds (`seeds.duckdb`). They
hold the project's own text and nothing of a person. `dbt build` runs the same text.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

from filelock import FileLock

from .. import spec, warehouse
from ..ground import keys, trust
from ..ground.errors import DefectError, DiskFullError, InputError
from ..ground.sql import quoted
from . import project

SHIPPED = spec.PROJECT / ".compiled"
"""Where an installation compiles it (`python -m sen2.build.compiled`), and a wheel has it."""
CACHE = "SEN2_DBT_CACHE"
"""The environment variable that names the folder for all warehouses, wherever they are."""
NOT_OURS = "What stands there would be run: name a folder that only this account may write to."
PARTS = (
    *("dbt_project.yml", "profiles", "models", "seeds", "macros"),
    *("tests/generic", "tests/integrity"),
)
LIBRARIES = ("dbt-core", "dbt-duckdb", "duckdb")
YEAR = "cast(getvariable('collection_year') as integer)"
"""What stands for the collection year in a statement, until it is known."""
CATALOG = "sen2_compiled"
"""What stands for the warehouse in a statement; also the name of the empty one."""
QUIET_ENVIRONMENT = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}

STATEMENTS, SEEDS, DRAFT = "statements.json", "seeds.duckdb", "draft_"
OURS = re.compile(rf"[0-9a-f]{{16}}|{DRAFT}.+")
"""The folders of other versions, and of one that was begun and cut off."""

Kind = Literal["table", "view", "test"]


@dataclass(frozen=True)
class Statement:
    """What makes a model of the project, or counts the rows that break a test of it."""

    name: str
    kind: Kind
    schema: str
    table: str
    sql: str
    needs: tuple[str, ...]
    """The models that it reads."""

    def text(self, catalog: str, year: int) -> str:
        """What to run in a warehouse for a collection year."""
        return self.sql.replace(f'"{CATALOG}".', f"{catalog}.").replace(YEAR, str(year))


@dataclass(frozen=True)
class CompiledProject:
    """The statements in their order, and a warehouse that holds the seeds."""

    statements: tuple[Statement, ...]
    seeds: Path

    def models(self, names: Iterable[str] | None = None) -> list[Statement]:
        """The models, or those of these names and all that they read."""
        models = [each for each in self.statements if each.kind != "test"]
        if names is None:
            return models
        wanted = set(names)
        for each in reversed(models):
            if each.name in wanted:
                wanted.update(each.needs)
        return [each for each in models if each.name in wanted]


def find_compiled(folder: Path) -> CompiledProject:
    """The project as it is now: as it was shipped, from the folder, or made there by dbt.

    dbt takes half a minute. What is in the folder of another version of the project is removed.
    Raises InputError when others may write to it, and DefectError when dbt cannot build.
    """
    own = SHIPPED / fingerprint()
    if not own.exists():
        own = compile_project(folder)
        for path in (own, own / STATEMENTS, own / SEEDS):
            trust.require_ours(path, NOT_OURS)
    told = json.loads((own / STATEMENTS).read_text(encoding="utf-8"))
    statements = (Statement(**{**each, "needs": tuple(each["needs"])}) for each in told)
    return CompiledProject(tuple(statements), own / SEEDS)


def compile_project(folder: Path) -> Path:
    """Let dbt compile the project, unless it has; gives the folder of this version of it."""
    folder = Path(os.environ.get(CACHE) or folder).resolve()
    trust.make_ours(folder, NOT_OURS)
    own = folder / fingerprint()
    with FileLock(folder / "lock"):  # whoever comes second finds it made
        if not own.exists():
            for old in folder.iterdir():
                if OURS.fullmatch(old.name):
                    shutil.rmtree(old, ignore_errors=True)
            _compile_into(own)
    return own


def fingerprint() -> str:
    """What tells one version of the project's SQL, and of what compiles it, from another."""
    digest = sha256()
    for line in project.facts(PARTS, LIBRARIES):
        digest.update(line.encode())
    return digest.hexdigest()[:16]


def environment(path: Path) -> dict[str, str]:
    """What dbt is told of a warehouse, to be run in its folder.

    Its name and not its whole path: dbt reads all of the project again when the environment of its
    profile is another.
    """
    own = {"SEN2_WAREHOUSE": path.name, warehouse.MEMORY_LIMIT: warehouse.memory_limit()}
    return keys.without(os.environ) | QUIET_ENVIRONMENT | own


def _compile_into(folder: Path) -> None:
    """Let dbt build an empty warehouse, and keep what it ran; nothing half made is left."""
    draft = Path(mkdtemp(prefix=DRAFT, dir=folder.parent))
    try:
        empty = draft / f"{CATALOG}.duckdb"
        with warehouse.connect(empty, encrypted=False) as connection:
            warehouse.prepare(connection, spec.newest_year())
        nodes = _run_dbt(empty, draft / "target")
        made = draft / "made"
        made.mkdir(mode=0o700)
        statements = [asdict(each) for each in _statements(nodes)]
        (made / STATEMENTS).write_text(json.dumps(statements), encoding="utf-8")
        _keep_seeds(empty, made / SEEDS, nodes)
        for path in made.iterdir():
            path.chmod(0o600)
        made.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@dataclass(frozen=True)
class Node:
    """What dbt tells of a node that it ran, and all that it ran for it, in order."""

    name: str
    resource_type: str
    materialized: str
    schema: str
    table: str
    queries: list[str]


def _run_dbt(empty: Path, target: Path) -> list[Node]:
    """`dbt build` without unit tests and the tests of the seeds, which guard our own text."""
    command = [
        sys.executable, "-P", "-m", "sen2.build.dbt_child", "--no-version-check",
        "--log-level", "none", "--log-level-file", "none", "--no-write-json", "build",
        "--project-dir", str(spec.PROJECT), "--profiles-dir", str(spec.PROJECT / "profiles"),
        "--target", "local",
        "--exclude-resource-type", "unit_test",
        "--exclude", "resource_type:test,path:seeds", "path:tests/spec",
        "--vars", json.dumps({"collection_year": YEAR}),
        "--target-path", str(target),
    ]  # fmt: skip
    with subprocess.Popen(
        command,
        cwd=empty.parent,
        env=environment(empty),
        stdin=subprocess.PIPE,  # held open: it ends when we do
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            told = list(map(json.loads, process.stdout or ()))
        except BaseException:
            process.kill()  # it would go on, and we would wait for it
            raise
    errors = "".join(each.get("error", "") for each in told)
    if any(words in errors for words in DiskFullError.WORDS):
        raise DiskFullError(f"{target.parent}: the disk is full. Make room and run again.")
    if process.returncode < 0:
        raise InputError(
            "The process in which dbt read the project was ended by the system"
            f" ({signal.Signals(-process.returncode).name}), most likely because the machine has no"
            " memory left. Close other programs and run again."
        )
    if process.returncode:
        raise DefectError(
            "dbt could not build the project, even without data. Run `dbt debug --profiles-dir"
            " profiles` in the project's folder to see why."
        )
    run: dict[str, Node] = {}
    for each in told:
        run.setdefault(each["node"], Node(**each["facts"], queries=[])).queries.append(each["sql"])
    return list(run.values())


def _statements(nodes: list[Node]) -> Iterator[Statement]:
    """What dbt ran for models and tests: it runs each after those it reads."""
    models = {(n.schema, n.table): n.name for n in nodes if n.resource_type == "model"}
    for node in nodes:
        if node.resource_type == "seed":
            continue
        sql = ";\n".join(_of_its_own(node.queries))
        read = {models[place] for place in RELATION.findall(sql) if place in models}
        kind = "test" if node.resource_type == "test" else KINDS.get(node.materialized, "table")
        yield Statement(node.name, kind, node.schema, node.table, sql, tuple(read - {node.name}))


KINDS: dict[str, Kind] = {"view": "view"}
RELATION = re.compile(rf'"{CATALOG}"\."(\w+)"\."(\w+)"')
COMMENT = re.compile(r"/\* \{.*?\} \*/")
"""What dbt writes before each statement, to tell whose it is."""


def _of_its_own(queries: list[str]) -> Iterator[str]:
    """What dbt ran in the node's transaction; a view it makes under another name and renames."""
    for query in queries[queries.index("BEGIN") + 1 :]:
        if query == "COMMIT":
            return
        text = COMMENT.sub("", query).strip().rstrip(";")
        if not text.startswith("alter"):
            yield text.replace("__dbt_tmp", "")


def _keep_seeds(empty: Path, path: Path, nodes: list[Node]) -> None:
    """Write the seeds that dbt loaded, and nothing else, to a warehouse of their own."""
    with warehouse.connect(path, encrypted=False, attached={"empty": empty}) as connection:
        for node in nodes:
            if node.resource_type == "seed":
                name = f"{quoted(node.schema)}.{quoted(node.table)}"
                connection.execute(f"create schema if not exists {quoted(node.schema)}")
                connection.execute(f"create table {name} as from empty.{name}")


if __name__ == "__main__":
    compile_project(SHIPPED)
