"""Landing: the files of an extract become the tables of the schema raw, as text, nothing lost.

Every row keeps where it came from: `_source`, `_file` and `_row`, the row a spreadsheet would show
(the header is row 1). Without a mapping the extract is in the contract's shape; with mappings each
is one source. A file that cannot be read at all stops the landing and leaves the warehouse as it
was: the whole landing is one transaction.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path

import duckdb

from .. import spec, warehouse
from ..ground.errors import InputError
from ..settings.config import Config, read_extract_note
from ..settings.kept_files import KEPT_TABLES
from . import authority_files, by_contract, by_mapping
from .mapping import codes
from .mapping.model import Mapping, read_mapping
from .read.delimited import FORBIDDEN

LANDING_TABLES = (
    "landed_files",
    "rows_set_aside",
    "lines_left_out",
    "sources",
    *by_mapping.AUDIT_TABLES,
)


def land(
    extract: Path,
    year: int,
    config: Config,
    path: Path,
    on_table: Callable[[str, int], None] = lambda table, rows: None,
    mappings: Sequence[Path] = (),
) -> int:
    """Land an extract into the warehouse at `path`; gives the number of rows landed.

    The authority's own notes, corrections and decisions are landed beside it, and not counted.

    Raises InputError for what cannot be read at all; the warehouse is then as it was before.
    """
    collection = spec.collection(year)
    sources = [read_mapping(file) for file in mappings]
    folder = extract.parent if sources and extract.is_file() else extract
    if not folder.is_dir():
        raise InputError(f"{extract}: there is no such folder. Give the folder of the extract.")
    note = read_extract_note(folder)
    if note.la_code and note.la_code != config.la_code:
        raise InputError(
            f"{folder / 'extract.yml'}: la_code is {note.la_code}, but sen2.yml says"
            f" {config.la_code}. Give the extract of your own authority, or correct sen2.yml."
        )
    order = _order(config, {each.source: each.ids_of or each.source for each in sources})
    load = _prepare_mapped(extract, year, sources) if sources else _prepare_contract(extract, year)
    paths = {name: config.kept_in(name) for name in KEPT_TABLES if config.has_kept(name)}
    kept = authority_files.read_all(paths, FORBIDDEN)
    with warehouse.connect(path, reaches=None) as connection:  # the extract's and mappings' files
        warehouse.prepare(connection, year)
        connection.begin()
        try:
            before = _own_ids(connection)
            for table in LANDING_TABLES:
                connection.execute(f"delete from audit.{table}")
            _note_sources(connection, order, before)
            # They are read after the extract, when they are given again.
            connection.execute("delete from raw.published_figures")
            total, newest = load(connection, on_table)
            for name in KEPT_TABLES:
                authority_files.load(connection, name, kept.get(name))
            extracted_on = note.extracted_on or config.extracted_on or newest
            if extracted_on is None:
                raise InputError(
                    f"{folder / 'extract.yml'}: extracted_on is missing. A database has no date of"
                    " its own: write there, or in sen2.yml, the day the query was run."
                )
            _note_settings(connection, collection.year, config, extracted_on)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
    return total


def write_unmapped(path: Path, file: Path) -> int:
    """Write the local values that no mapping has as CSV; gives how many there are."""
    with warehouse.connect(path, read_only=True) as connection:
        return codes.write_unmapped(connection, file)


OnTable = Callable[[str, int], None]
Load = Callable[[duckdb.DuckDBPyConnection, OnTable], tuple[int, date | None]]
"""Loads every table of the contract; gives the number of rows and the day of the newest file."""


def _prepare_contract(extract: Path, year: int) -> Load:
    """Inspect every file of a contract-shaped extract before anything is loaded."""
    tables = spec.contract(year)
    found = {
        table: by_contract.inspect(extract, table, columns) for table, columns in tables.items()
    }

    def load(connection: duckdb.DuckDBPyConnection, on_table: OnTable) -> tuple[int, date | None]:
        total = 0
        for table, columns in tables.items():
            names = [column.name for column in columns]
            rows = by_contract.load(connection, table, names, found[table])
            total += rows
            on_table(table, rows)
        return total, _newest_day(file.text.path for file in found.values() if file)

    return load


def _prepare_mapped(extract: Path, year: int, sources: list[Mapping]) -> Load:
    """Check the mappings against the contract before anything is loaded."""
    by_mapping.check(sources, year)

    def load(connection: duckdb.DuckDBPyConnection, on_table: OnTable) -> tuple[int, date | None]:
        return by_mapping.load(connection, extract, year, sources, on_table)

    return load


def _order(config: Config, ids_of: dict[str, str]) -> dict[str, str]:
    """Source to the source whose ids it has, the one to believe first; by name if none is stated.

    Raises InputError when sen2.yml states an order that lacks one of several sources.
    """
    if not ids_of:
        return {by_contract.SOURCE: by_contract.SOURCE}
    lacking = sorted(ids_of.keys() - set(config.sources))
    if config.sources and lacking and len(ids_of) > 1:
        raise InputError(
            f"sen2.yml: sources lacks {', '.join(lacking)}. Add it where it belongs in the order:"
            " where sources contradict each other, the one named first is believed."
        )
    return {name: ids_of[name] for name in [*config.sources, *lacking] if name in ids_of}


def _own_ids(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The sources of the landing before that had ids of their own."""
    rows = connection.execute("select distinct ids_of from audit.sources order by all").fetchall()
    return [name for (name,) in rows]


def _note_sources(
    connection: duckdb.DuckDBPyConnection, order: dict[str, str], before: list[str]
) -> None:
    """Keep the sources in order, and what tells the ids of one from those of another.

    The ids of one source stay as they are, from the first landing of several on always the same
    one's: that which was there before, alone, or else the first in the order.
    """
    own = list(dict.fromkeys(order.values()))
    found = connection.execute("select source from audit.plain_ids").fetchone()
    if found:
        plain = found[0]
    else:
        plain = before[0] if len(before) == 1 and before[0] in own else own[0]
        if len(own) > 1:
            connection.execute("insert into audit.plain_ids values (?)", [plain])
    connection.executemany(
        "insert into audit.sources values (?, ?, ?, ?)",
        [
            [source, place, ids_of, None if ids_of == plain else f"{ids_of}:"]
            for place, (source, ids_of) in enumerate(order.items(), start=1)
        ],
    )


def _newest_day(paths: Iterable[Path]) -> date:
    """The day of the newest file: what an extract says of its age when nothing else does."""
    return max(date.fromtimestamp(path.stat().st_mtime) for path in paths)


def _note_settings(
    connection: duckdb.DuckDBPyConnection, year: int, config: Config, extracted_on: date
) -> None:
    connection.execute("delete from audit.extract_settings")
    connection.execute(
        "insert into audit.extract_settings values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            year,
            config.la_code,
            config.name,
            extracted_on,
            config.period_end,
            config.header.software_code,
            config.header.release,
            config.header.serial_no,
            config.officers.dmo,
            config.officers.dco,
            config.officers.dsco,
            config.officers.dmo_dco_role,
            config.withdrawn_assessments,
        ],
    )
