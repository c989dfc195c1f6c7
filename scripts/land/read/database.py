"""A live database as an input: the rows of one SQL query, through SQLAlchemy.

The URL stands in an environment variable and nowhere else: no message, log or file holds it, and
no command line, where a list of processes would show it.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, time

import duckdb
from sqlalchemy import CursorResult, create_engine, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from ...ground.errors import InputError
from .. import headings
from ..mapping.model import Input
from . import delimited
from .delimited import Insert, SetAside
from .inputs import InputFile

BATCH = 10_000


def open_query(source: str, name: str, stated: Input, wanted: Iterable[str]) -> InputFile:
    """A query as it can be loaded; `wanted` are the headings that the mapping names."""
    place = f"mapping of {source}, inputs.{name}"
    spellings = {headings.fold(heading): heading for heading in wanted}
    with _results(place, stated) as result:
        header = headings.name_columns(list(result.keys()), spellings)
    label = f"{source} query {name}"

    def load(into: duckdb.DuckDBPyConnection, insert: Insert) -> list[SetAside]:
        with _results(place, stated) as result:

            def rows() -> Iterator[tuple[int, list[str | None]]]:
                for number, row in enumerate(result, start=1):
                    yield number, [_as_text(value) for value in row]

            delimited.load_rows(into, label, header, rows(), insert)
        return []

    digest = hashlib.sha256((stated.query or "").encode()).hexdigest()
    return InputFile(label, header, load, facts="a database query", sha256=digest)


@contextmanager
def _results(place: str, stated: Input) -> Iterator[CursorResult]:
    """The rows of the query, fetched as they are read; whatever fails is told without the URL."""
    variable = stated.database or ""
    url = os.environ.get(variable)
    if not url:
        raise InputError(
            f"{place}: the environment variable {variable} is not set. Put the database's URL in it"
            " (docs/mapping.md, A live database)."
        )
    try:
        engine = create_engine(url, hide_parameters=True)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        lacks = isinstance(error, ImportError | NoSuchModuleError)
        raise InputError(
            f"{place}: the URL in {variable} "
            + (
                "names a database whose driver is not installed (docs/mapping.md lists them)."
                if lacks
                else "is not one. Write it as postgresql+psycopg://user:password@host/name."
            )
        ) from None
    try:
        with engine.connect() as connection:
            reading = connection.execution_options(
                stream_results=True,  # PostgreSQL then takes one statement, as a cursor's
                yield_per=BATCH,
                postgresql_readonly=True,
            )
            yield reading.execute(text(stated.query or ""))
    except SQLAlchemyError as error:
        raise InputError(
            f"{place}: the database of {variable} did not answer the query"
            f" ({type(error).__name__}). Try the query there, and check that the database can be"
            " reached and that its user may read the tables."
        ) from None
    finally:
        engine.dispose()


def _as_text(value: object) -> str | None:
    """A value as the contract writes it: a flag as 1 or 0, a day without a time."""
    match value:
        case None | str():
            return value
        case bool():
            return "1" if value else "0"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            return str(value.date() if value.time() == time() else value)
        case bytes():
            return value.hex()
        case _:
            return str(value)
