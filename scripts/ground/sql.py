"""SQL and text from outside: the two ways in which such a text may stand in it, and no other."""

from collections.abc import Mapping, Sequence

import duckdb

from .errors import DefectError


def execute(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    values: Sequence[object] | Mapping[str, object] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Execute one statement: DuckDB itself takes several, of which the last could be anybody's."""
    found = connection.extract_statements(statement)
    if len(found) != 1:
        raise DefectError("A statement of ours is several, so it was not executed.")
    return connection.execute(found[0], values)


def quoted(identifier: str) -> str:
    """An identifier, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str | int | dict[str, str]) -> str:
    """A text, a number, a boolean, or a struct of texts."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case dict():
            pairs = (f"{literal(key)}: {literal(each)}" for key, each in value.items())
            return "{" + ", ".join(pairs) + "}"
        case _:
            return "'" + value.replace("'", "''") + "'"
