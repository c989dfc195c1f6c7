"""The SQL expressions of a mapping: they may use the row's headings and nothing else.

An expression is read by DuckDB's own parser and refused when it names a table, holds a query, reads
a file or gives another result another day, such as current_date. The connection that runs it is
closed to files and network besides.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import duckdb

from ..errors import InputError
from ..outside import read_json

MACROS = {"sen2_clean", "sen2_fold", "sen2_date"}
WINDOWS = {
    *("row_number", "rank", "dense_rank", "first_value", "last_value", "nth_value"),
    *("lag", "lead", "ntile"),
}
OF_THE_CLOCK = {
    *("age", "ago", "now", "today", "get_current_time", "get_current_timestamp"),
    *("transaction_timestamp", "txid_current", "getvariable", "user", "session_user"),
    *("query", "query_table", "in_search_path", "make_timestamptz"),
}
OF_THE_SESSION = ("current_", "pg_", "has_", "inet_")


@cache
def headings_of(
    place: str, expression: str, *, is_order: bool = False
) -> frozenset[tuple[str, ...]]:
    """The headings an expression uses, each with the looked-up input's name before it if given.

    Raises InputError naming `place` for an expression that is not allowed.
    """
    found: set[tuple[str, ...]] = set()
    stable = _stable_functions()
    for part in _walk(_parse(place, expression, is_order=is_order)):
        match part.get("class"):
            case "COLUMN_REF":
                found.add(tuple(part["column_names"]))
            case "SUBQUERY":
                raise InputError(f"{place}: holds a query. Use look_up to reach another input.")
            case "STAR" | "PARAMETER":
                raise InputError(f"{place}: is not an expression of one value.")
            case "FUNCTION" | "WINDOW":
                name = str(part["function_name"]).lower()
                if name not in stable:
                    raise InputError(
                        f"{place}: {name} may not be used, since its result does not come from the"
                        " row alone, or there is no such function."
                    )
    return frozenset(found)


def _parse(place: str, expression: str, *, is_order: bool) -> object:
    query = f"select 1 order by {expression}" if is_order else f"select {expression}"
    row = _parser().execute("select json_serialize_sql(?::varchar)", [query]).fetchone()
    try:
        parsed = read_json(row[0]) if row else {"error": True}
    except ValueError:
        raise InputError(
            f"{place}: has too much within brackets or chained. Make a shorter expression of it."
        ) from None
    statements = parsed.get("statements", [])
    if parsed["error"] or len(statements) != 1:
        words = str(parsed.get("error_message", "it is more than one statement"))
        raise InputError(f"{place}: is not an expression that DuckDB understands ({words}).")
    node = statements[0]["node"]
    plain = (
        node.get("type") == "SELECT_NODE"
        and node["from_table"]["type"] == "EMPTY"
        and node["where_clause"] is None
        and (is_order or (len(node["select_list"]) == 1 and not node["modifiers"]))
    )
    if not plain:
        raise InputError(f"{place}: is more than an expression. Give what it comes to, alone.")
    return node["modifiers"] if is_order else node["select_list"]


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    """A database of nothing, which only reads what an expression says; opening one takes time."""
    return duckdb.connect(config={"enable_external_access": False, "threads": 1})


def _walk(part: object) -> Iterator[dict[str, Any]]:
    """Every object within what was parsed, however deep."""
    waiting = [part]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


@cache
def _stable_functions() -> frozenset[str]:
    """DuckDB's functions whose result comes from their arguments alone, and a mapping's macros."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select lower(function_name) from duckdb_functions()"
            " where function_type in ('scalar', 'aggregate', 'macro')"
            " group by all having bool_and(coalesce(stability <> 'VOLATILE', true))"
        ).fetchall()
    names = {name for (name,) in rows if not name.startswith(OF_THE_SESSION)}
    return frozenset((names | WINDOWS | MACROS) - OF_THE_CLOCK)
