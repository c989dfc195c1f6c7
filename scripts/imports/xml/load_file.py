"""A SEN2 file of any maker, read as a stream into the tables of other returns.

expat tells of one tag after another and nothing is kept but the person being read and a batch of
rows, so memory does not grow with the file. What does not fit the year's structure is a fault with
its line, and the rest is read all the same; what could not be read safely is an input error.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from xml.parsers import expat

import duckdb

from ...ground.errors import InputError
from ..result import ImportResult
from .parse import fault_of, parse
from .reader import Reader
from .table_writer import TableWriter

Connection = duckdb.DuckDBPyConnection
Advance = Callable[[int, int], None]


def load(
    connection: Connection,
    path: Path,
    return_id: str,
    year: int,
    advance: Advance = lambda done, total: None,
    *,
    whole: bool = False,
) -> ImportResult:
    """Read a file into the schema imported, in place of what is there under its name.

    Rows have the keys `p<number>`, `p<number>/<number>` and so on, by place in the file. An input
    error leaves the schema as it was; with `whole`, a file that stops being XML is one too.
    """
    connection.begin()
    try:
        loaded = _load(connection, path, return_id, year, advance)
        if whole and loaded.stopped_at:
            raise InputError(
                f"{path}, line {loaded.stopped_at}: is not XML from here on, so part of the return"
                " is missing and none was imported. Get the whole file; `sen2 check` says what is"
                " wrong with this one."
            )
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    return loaded


def _load(
    connection: Connection, path: Path, return_id: str, year: int, advance: Advance
) -> ImportResult:
    tables = TableWriter(connection, return_id)
    reader = Reader(year, tables, path)
    stopped_at = None
    try:
        parse(path, reader, advance)
    except expat.ExpatError as error:
        if not reader.has_begun:
            raise InputError(
                f"{path}: is not an XML file (line {error.lineno}:"
                f" {fault_of(error.code)}). Give the file that was made for COLLECT."
            ) from None
        stopped_at = error.lineno
        reader.stop(error.lineno, fault_of(error.code))
    if not reader.people and not any(reader.header):
        end = f", up to line {stopped_at}, where it stops being XML," if stopped_at else ""
        raise InputError(
            f"{path}: nothing in it{end} is part of a SEN2 return: it has neither a filled Header"
            " nor a complete Person."
        )
    tables.add("sen2", [[*reader.header, reader.header_line]])
    tables.write()
    faults = reader.faults.rows()
    if faults:
        connection.executemany(
            "insert into imported.structure_faults"
            " (return_id, rule_id, line, element, person_id, message) values (?, ?, ?, ?, ?, ?)",
            [[return_id, *fault] for fault in faults],
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    connection.execute(
        "insert into imported.files"
        " (return_id, collection_year, source_file, sha256, has_case_ids)"
        " values (?, ?, ?, ?, false)",
        [return_id, year, path.name, sha256],
    )
    return ImportResult(return_id, year, reader.people, reader.faults.count, stopped_at)
