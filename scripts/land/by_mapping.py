"""Mapped landing: what the inputs of the mappings hold becomes rows of the contract's tables.

Each input is read into a table of text, then each feed is one query of it. A row of an input that
ends in no table is set aside with its reason, so that every row of every file is accounted for.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from .. import spec, warehouse
from ..ground import files
from ..ground.errors import InputError
from ..warehouse import quoted
from . import by_contract
from .mapping import expressions, feeds
from .mapping.model import Feed, Mapping
from .read import inputs, workbook

OnTable = Callable[[str, int], None]
AUDIT_TABLES = ("landed_inputs", "mapped_columns", "unmapped_values", "landing_notes")
OTHERWISE_FOUND = set(by_contract.OPTIONAL_TABLES)


@dataclass(frozen=True)
class Read:
    """An input as it was read: the temporary table that holds it, its columns, its file names."""

    table: str
    columns: list[str]
    files: list[inputs.InputFile]


def check(sources: Sequence[Mapping], year: int) -> None:
    """Whether the mappings together feed every table and column that the year's contract needs."""
    names = [mapping.source for mapping in sources]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(
            f"--mapping: two mappings have the source {', '.join(twice)}. Give each its own name."
        )
    for mapping in sources:
        for table, fed in mapping.tables.items():
            for feed in fed:
                needed = [
                    column.name for column in spec.contract(year)[table] if column.is_required
                ]
                lacking = [name for name in needed if name not in (*feed.columns, *feed.blank)]
                if lacking:
                    raise InputError(
                        f"mapping of {mapping.source}, tables.{table}: says nothing of"
                        f" {', '.join(lacking)}. Add each to columns, or to blank when the source"
                        " lacks it."
                    )
    _check_ids(sources, names)
    for table in spec.contract(year):
        said = [m for m in sources if table in m.tables or table in m.absent]
        if not said and table not in OTHERWISE_FOUND:
            raise InputError(
                f"mapping of {', '.join(names)}: says nothing of the table {table}. Add it to"
                " tables, or to absent with the reason."
            )


def _check_ids(sources: Sequence[Mapping], names: list[str]) -> None:
    """Whether each source has the people and plans that its rows hang from, or says whose they are.

    A source alone may lack them: the rules then report each row that hangs from nothing.
    """
    keys = spec.parents()
    own = [mapping.source for mapping in sources if mapping.ids_of is None]
    for mapping in sources:
        place = f"mapping of {mapping.source}"
        if mapping.ids_of is not None and mapping.ids_of not in own:
            raise InputError(
                f"{place}, ids_of: {mapping.ids_of} is not another source with ids of its own."
                f" The mappings given are of {', '.join(names)}."
            )
        for table in mapping.tables if mapping.ids_of is None and len(sources) > 1 else ():
            if lacking := [parent for parent in keys[table] if parent not in mapping.tables]:
                raise InputError(
                    f"{place}: takes {table} but not {lacking[0]}, from which they hang. Add it to"
                    " tables, or say ids_of: and the source whose ids these are."
                )


def load(
    connection: duckdb.DuckDBPyConnection,
    extract: Path,
    year: int,
    sources: Sequence[Mapping],
    on_table: OnTable,
) -> tuple[int, date | None]:
    """Load every table; gives the number of rows landed and the day of the newest file, if any."""
    connection.execute("set timezone = 'UTC'")
    feeds.remember_rows(connection)
    tables = spec.contract(year)
    for table, columns in tables.items():
        names = [column.name for column in columns]
        connection.execute(
            f"create or replace table raw.{table}"
            f" ({warehouse.text_columns(names)}, _source varchar, _file varchar, _row bigint)"
        )
    read = {mapping.source: _read_inputs(connection, extract, mapping) for mapping in sources}
    _load_other_tables(connection, extract, year, sources)
    # From here on only the mappings' expressions are new, and they reach no file and no network.
    warehouse.close_to_files(connection)
    left = Counter(
        (mapping.source, name) for mapping, _, feed in _feeds(sources) for name in _read_by(feed)
    )
    for mapping in sources:
        for name in mapping.inputs:
            if not left[mapping.source, name]:
                _finish_input(connection, mapping, name, read[mapping.source][name])
    for table in tables:
        for mapping, of_table, feed in _feeds(sources):
            if of_table == table:
                of_source = read[mapping.source]
                held = {name: each.table for name, each in of_source.items()}
                feeds.load(connection, mapping, table, feed, held, year)
                for name in _read_by(feed):
                    left[mapping.source, name] -= 1
                    if not left[mapping.source, name]:
                        _finish_input(connection, mapping, name, of_source[name])
        _refuse_shared_rows(connection, table)
    _count_files(connection, read)
    total = 0
    for table in tables:
        found = connection.execute(f"select count(*) from raw.{table}").fetchone()
        rows = int(found[0]) if found else 0
        on_table(table, rows)
        total += rows
    newest = [
        date.fromtimestamp(found.path.stat().st_mtime)
        for of_source in read.values()
        for each in of_source.values()
        for found in each.files
        if found.path
    ]
    return total, max(newest, default=None)


def _feeds(sources: Sequence[Mapping]) -> Iterable[tuple[Mapping, str, Feed]]:
    """Every feed with its mapping and table."""
    for mapping in sources:
        for table, fed in mapping.tables.items():
            for feed in fed:
                yield mapping, table, feed


def _read_by(feed: Feed) -> set[str]:
    """The inputs that a feed reads."""
    return {feed.input, *(each.input for each in feed.look_up)}


def wanted_headings(mapping: Mapping, name: str) -> set[str]:
    """Every heading of an input that a mapping names, also in its expressions."""
    wanted: set[str] = set()
    for table, fed in mapping.tables.items():
        for number, feed in enumerate(fed, start=1):
            place = f"mapping of {mapping.source}, tables.{table}[{number}]"
            for owner, heading, _ in named_headings(place, feed):
                if owner == name:
                    wanted.add(heading)
    return wanted


def named_headings(place: str, feed: Feed) -> Iterable[tuple[str, str, bool]]:
    """Input, heading, and whether it may be missing, for each heading that a feed names."""
    for name, column in feed.columns.items():
        if column.heading is not None:
            yield column.of or feed.input, column.heading, column.may_be_missing
        if column.sql is not None:
            yield from _of_expression(f"{place}.{name}", feed, column.sql)
    if feed.where:
        yield from _of_expression(f"{place}.where", feed, feed.where)
    if feed.order_by:
        yield from _of_expression(f"{place}.order_by", feed, feed.order_by, is_order=True)
    for each in feed.look_up:
        for here, there in each.on.items():
            yield feed.input, here, False
            yield each.input, there, False


def _of_expression(
    place: str, feed: Feed, sql: str, *, is_order: bool = False
) -> Iterable[tuple[str, str, bool]]:
    looked_up = {each.input for each in feed.look_up}
    read = expressions.read_order if is_order else expressions.read
    for names in read(place, sql).headings:
        if len(names) == 2 and names[0] in looked_up | {feed.input}:
            yield names[0], names[1], False
        elif len(names) == 1:
            yield feed.input, names[0], False
        else:
            raise InputError(f"{place}: {'.'.join(names)} is not a heading of the feed's inputs.")


def _read_inputs(
    connection: duckdb.DuckDBPyConnection, extract: Path, mapping: Mapping
) -> dict[str, Read]:
    """Every input of a mapping in a temporary table of its own."""
    read = {}
    for number, (name, stated) in enumerate(mapping.inputs.items()):
        wanted = wanted_headings(mapping, name)
        if stated.query:
            from .read import database  # SQLAlchemy takes a fifth of a second to load

            found = [database.open_query(mapping.source, name, stated, wanted)]
        else:
            files = inputs.find(extract, name, stated)
            found = inputs.open_those_having(files, name, stated, wanted)
        each = Read(f"temp.input_{mapping.source}_{number}", _columns(found), found)
        optional = _optional_headings(mapping, name)
        for one in found:
            _refuse_missing(one, mapping, wanted - optional)
        _load_input(connection, mapping, name, each, sorted(wanted))
        read[name] = each
    workbook.forget()
    return read


def _columns(found: Sequence[inputs.InputFile]) -> list[str]:
    """The columns of all the files of an input, in the order they are met."""
    columns: dict[str, str] = {}
    for one in found:
        for name in one.header:
            columns.setdefault(name.lower(), name)
    return list(columns.values())


def _optional_headings(mapping: Mapping, name: str) -> set[str]:
    named = [
        (heading, may_be_missing)
        for table, fed in mapping.tables.items()
        for feed in fed
        for owner, heading, may_be_missing in named_headings(table, feed)
        if owner == name
    ]
    needed = {heading for heading, may_be_missing in named if not may_be_missing}
    return {heading for heading, _ in named} - needed


def _refuse_missing(found: inputs.InputFile, mapping: Mapping, needed: set[str]) -> None:
    """An error that lists the headings a file lacks; it quotes the mapping and never the file."""
    held = {name.lower() for name in found.header}
    missing = sorted(heading for heading in needed if heading.lower() not in held)
    if missing:
        raise InputError(
            f"{found.name} ({found.facts}): lacks the heading {'; '.join(missing)}, which the"
            f" mapping of {mapping.source} names. Add it to the file, correct the mapping, or say"
            " may_be_missing: true there. `sen2 map` shows which headings the file has."
        )


def _load_input(
    connection: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    name: str,
    read: Read,
    wanted: Sequence[str],
) -> None:
    held = {column.lower() for column in read.columns}
    lacking = [heading for heading in wanted if heading.lower() not in held]
    named = [*read.columns, *lacking]
    connection.execute(
        f"create or replace temp table {read.table.removeprefix('temp.')}"
        f" ({warehouse.text_columns(named)}{', ' if named else ''}_file varchar, _row bigint)"
    )
    used = {heading.lower() for heading in wanted}
    for found in read.files:
        columns = ", ".join(map(quoted, found.header))

        def insert(relation: str, row: str, columns: str = columns) -> str:
            return (
                f"insert into {read.table} ({columns}, _file, _row)"
                f" select {columns}, $file, {row} from {relation}"
            )

        aside = found.load(connection, insert)
        if found.path and found.state:
            files.require_same(found.path, found.state)
        by_contract.keep_aside(connection, mapping.source, name, aside)
        unused = [heading for heading in found.header if heading.lower() not in used]
        connection.execute(
            "insert into audit.landed_inputs select ?, ?, ?, ?, ?, ?,"
            f" (select count(*) from {read.table} where _file = ?) + ?, ?",
            [
                *(mapping.source, name, found.name, found.facts, found.bytes, found.sha256),
                *(found.name, len(aside), "; ".join(unused) or None),
            ],
        )


def _load_other_tables(
    connection: duckdb.DuckDBPyConnection, extract: Path, year: int, sources: Sequence[Mapping]
) -> None:
    """Optional tables that no mapping feeds, in the contract's shape or as downloaded."""
    if extract.is_dir():
        for table in OTHERWISE_FOUND:
            if not any(table in mapping.tables for mapping in sources):
                columns = spec.contract(year)[table]
                names = [column.name for column in columns]
                file = by_contract.inspect(extract, table, columns)
                by_contract.load(connection, table, names, file)


def _refuse_shared_rows(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Each row of a raw table is named by its file and row, so no two may share them."""
    shared = connection.execute(
        f"select _file from raw.{table} group by _file, _row having count(*) > 1 limit 1"
    ).fetchone()
    if shared:
        raise InputError(
            f"{shared[0]}: two feeds take its rows for the table {table}. Give each feed a label"
            " of its own, or let one source read the file."
        )


def _finish_input(
    connection: duckdb.DuckDBPyConnection, mapping: Mapping, name: str, read: Read
) -> None:
    """Set aside the rows that no feed took, by its filters, and let go of the input's rows."""
    whole = connection.execute(
        "select 1 from temp.rows_taken where of_input = ? and _row is null limit 1", [read.table]
    ).fetchone()
    if not whole:
        connection.execute(
            "insert into audit.rows_set_aside"
            " select ?, ?, read._file, read._row,"
            " case when taken._row is null then 'not_taken' else 'looked_up' end,"
            " case when taken._row is null"
            " then 'no table of the mapping takes it: the filters leave it out'"
            " else 'the mapping looks values up in it, for rows of other tables' end"
            f" from {read.table} as read left join ("
            "select _file, _row, bool_or(is_fed) as is_fed from temp.rows_taken"
            " where of_input = ? group by _file, _row) as taken"
            " on taken._file = read._file and taken._row = read._row"
            " where not coalesce(taken.is_fed, false)",
            [mapping.source, name, read.table],
        )
    connection.execute("delete from temp.rows_taken where of_input = ?", [read.table])
    connection.execute(f"drop table {read.table}")


def _count_files(connection: duckdb.DuckDBPyConnection, read: dict[str, dict[str, Read]]) -> None:
    """One row of audit.landed_files for each table and file: its rows landed and set aside."""
    tables = {row["table_name"] for row in spec.seed("extract_contract")}
    landed = " union all ".join(
        f"select '{table}' as table_name, _file, _row from raw.{table}" for table in sorted(tables)
    )
    connection.execute(
        "insert into audit.landed_files"
        " select rows.table_name, rows._file, any_value(file.bytes), any_value(file.sha256),"
        " count(distinct rows._row), any_value(file.other_columns)"
        f" from ({landed} union all select table_name, file, row from audit.rows_set_aside) as rows"
        " inner join audit.landed_inputs as file"
        " on rows._file = file.file or starts_with(rows._file, file.file || ' (')"
        " group by rows.table_name, rows._file order by rows.table_name, rows._file"
    )
