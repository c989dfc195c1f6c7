"""Building: every layer of the warehouse from what was landed and imported.

What is run is what `dbt build` runs, as dbt itself wrote it (`compiled`), in one transaction.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from ..ground import places
from ..ground.errors import DefectError, DiskFullError, InputError
from ..ground.sql import quoted
from ..warehouse import MEMORY_LIMIT, connect
from .compiled import Statement, find_compiled


def build(
    warehouse: Path,
    year: int,
    on_node: Callable[[int, int], None] = lambda done, total: None,
    models: Iterable[str] | None = None,
    *,
    compiled: Path | None = None,
) -> int:
    """Build the warehouse for a collection year; gives the number of models, seeds and tests.

    `models` names what to build, with all that it reads and without tests, where that is not
    everything. `compiled` is the folder of the project as dbt compiled it. [default: the one beside
    the warehouse]

    All of it is built, or nothing is and the warehouse stays as it was.

    Raises DefectError that names the models or tests of ours that failed, DiskFullError, or
    InputError when DuckDB has too little memory. DuckDB's own messages are not repeated, since they
    can hold values from a person's record.
    """
    project = find_compiled(compiled or warehouse.parent / places.COMPILED)
    statements = project.models(models) if models else project.statements
    with (
        _explained(warehouse),
        connect(warehouse, attached={SEEDS: project.seeds}) as connection,
    ):
        connection.begin()
        seeds = _load_seeds(connection)
        total = seeds + len(statements)
        failed = build_models(connection, statements, year, lambda n: on_node(seeds + n, total))
        if failed:
            connection.rollback()
            raise DefectError(
                "A model could not be built, or a test of ours failed:"
                f" {', '.join(sorted(failed))}. Nothing was built. This is our fault, not the"
                " extract's: please report it with these names."
            )
        connection.commit()
    return total


def build_models(
    connection: duckdb.DuckDBPyConnection,
    statements: Sequence[Statement],
    year: int,
    on_node: Callable[[int], None] = lambda done: None,
) -> list[str]:
    """Run models and tests in the transaction of a connection, up to a model that fails.

    Gives the names of those that failed. `on_node` is told how many have ended.
    """
    ((catalog,),) = connection.execute("select current_database()").fetchall()
    kinds = _kinds(connection)
    failed: list[str] = []
    for done, each in enumerate(statements, start=1):
        try:
            if each.kind != "test":
                _make_room(connection, each.schema, each.table, kinds)
            found = connection.execute(each.text(quoted(catalog), year))
            if each.kind == "test" and found.fetchall()[0][0]:
                failed.append(each.name)
        except (duckdb.OperationalError, duckdb.InterruptException):  # not the statement's fault
            raise
        except duckdb.Error:
            return [*failed, each.name]
        on_node(done)
    return failed


SEEDS = "seeds"
Kinds = dict[tuple[str, str], str]
"""Whether what bears a name is a table or a view, by schema and name."""


def _kinds(connection: duckdb.DuckDBPyConnection) -> Kinds:
    return {
        (schema, name): kind
        for schema, name, kind in connection.execute(
            "select schema_name, table_name, 'table' from duckdb_tables()"
            " where database_name = current_database() union all"
            " select schema_name, view_name, 'view' from duckdb_views()"
            " where database_name = current_database()"
        ).fetchall()
    }


def _make_room(connection: duckdb.DuckDBPyConnection, schema: str, table: str, kinds: Kinds) -> str:
    """Drop what bears the name, be it a table or a view; gives the name as it is written."""
    name = f"{quoted(schema)}.{quoted(table)}"
    if kind := kinds.get((schema, table)):
        connection.execute(f"drop {kind} {name}")
    else:
        connection.execute(f"create schema if not exists {quoted(schema)}")
    return name


def _load_seeds(connection: duckdb.DuckDBPyConnection) -> int:
    """Put the project's seeds in the place of those that are there; gives how many there are."""
    kinds = _kinds(connection)
    seeds = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ?", [SEEDS]
    ).fetchall()
    for schema, table in seeds:
        name = _make_room(connection, schema, table, kinds)
        connection.execute(f"create table {name} as from {SEEDS}.{name}")
    return len(seeds)


@contextmanager
def _explained(warehouse: Path) -> Iterator[None]:
    """Say in plain words that there was too little memory, or no room on the disk."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise InputError(
            f"{warehouse.name}: DuckDB ran out of memory. Close other programs, or give it more"
            f" with {MEMORY_LIMIT}, and run again."
        ) from None
    except duckdb.Error as error:
        if any(words in str(error) for words in DiskFullError.WORDS):
            raise DiskFullError(
                f"{warehouse.parent}: the disk is full. Make room and run again."
            ) from None
        raise
