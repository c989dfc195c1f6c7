"""Views and macros in a warehouse: which may stand there, wherever the warehouse came from.

A view is a query that runs whenever it is read, with all that the reader may do: one in the place
of a table of ours could read any file into the return. A macro with the name of one of DuckDB's own
functions takes that function's place in every query.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import duckdb

from .. import spec

LANDED = ("raw", "imported", "audit")
"""Schemas that hold tables alone, beside the views that dbt makes."""
MADE = ("unnest", "generate_series", "range")
"""The table functions that only make rows of what they are given."""
READS = ("getenv", "query", "query_table", "read_text", "read_blob", "getvariable")
"""Functions that bring in what does not stand in the query."""
HEAD = re.compile(r"CREATE VIEW (?:[a-z_]\w*\.)?[a-z_]\w*(?: ?\([a-z_0-9, ]*\))? AS ", re.I)
VIEW = re.compile(r"materialized\s*=\s*'view'")


def intruders(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Views in the places of our tables and macros in those of DuckDB's functions, in words.

    A view may take the place of what dbt makes where it reads tables alone, and views that do.
    """
    found = views(connection)
    safe = _safe(connection, found)
    for schema, view, _ in found:
        model = _model(schema, view)
        is_place = bool(model) or schema in LANDED
        may_be_view = VIEW.search(model) if schema in LANDED else model
        if is_place and not (may_be_view and (schema, view) in safe):
            yield f"the view {schema}.{view}"
    for (name,) in connection.execute(
        "select function_name from duckdb_functions()"
        " where not internal and database_name = current_database()"
        " intersect select function_name from duckdb_functions() where internal order by 1"
    ).fetchall():
        yield f"the macro {name}"


def views(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Schema, name and SQL of every view of a warehouse."""
    return connection.execute(
        "select schema_name, view_name, sql from duckdb_views()"
        " where database_name = current_database() and not internal and not temporary"
    ).fetchall()


def _safe(
    connection: duckdb.DuckDBPyConnection, found: list[tuple[str, str, str]]
) -> set[tuple[str, str]]:
    """The views that read tables alone, also by way of the views that they name."""
    named = {
        (schema, view): _tables(tree)
        for schema, view, sql in found
        if (tree := _parsed(connection, sql)) is not None
    }
    unsafe = {view for schema, view, _ in found if (schema, view) not in named}
    while more := {each for each, tables in named.items() if tables & unsafe}:
        unsafe |= {view for _, view in more}
        named = {each: tables for each, tables in named.items() if each not in more}
    return set(named)


def _model(schema: str, view: str) -> str:
    """The text of the model of that name; nothing where there is none."""
    path = spec.model_file(schema, view)
    return path.read_text(encoding="utf-8") if path else ""


def reads_only_tables(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether a view's SQL is one query of tables and views: no file, no query that it makes up."""
    return _parsed(connection, sql) is not None


def _parsed(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    """The parsed query of a view; nothing where it does more than read tables and views."""
    head = HEAD.match(sql)
    if not head:
        return None
    ((tree,),) = connection.execute(
        "select json_serialize_sql(?)", [sql[head.end() :].rstrip().removesuffix(";")]
    ).fetchall()
    parsed = json.loads(tree)
    if parsed.get("error") or len(parsed.get("statements", ())) != 1:
        return None
    return parsed if all(map(_is_harmless, _nodes(parsed))) else None


def _tables(tree: Any) -> set[str]:
    """The names of the tables and views that a parsed query reads, whatever their schemas."""
    return {node["table_name"] for node in _nodes(tree) if node.get("type") == "BASE_TABLE"}


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a parsed query."""
    inner = [tree]
    while inner:
        node = inner.pop()
        if isinstance(node, dict):
            yield node
            inner.extend(node.values())
        elif isinstance(node, list):
            inner.extend(node)


def _is_harmless(node: dict[str, Any]) -> bool:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        return str(node.get("table_name", "")).isidentifier()
    if kind == "TABLE_FUNCTION":
        function = node.get("function") or {}
        return str(function.get("function_name", "")).lower() in MADE
    return str(node.get("function_name", "")).lower() not in READS
