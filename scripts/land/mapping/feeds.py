"""One feed of a mapping: the rows of an input become rows of one contract table.

A value is cleaned of spaces and of characters that XML forbids, then translated when its column has
codes, read as a date when it is one, and filled in when the mapping has a default. What cannot be
translated or read lands as it is, for a rule to report, and is listed.
"""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, replace
from threading import Timer

import duckdb

from ... import spec
from ...ground.errors import InputError
from ...ground.sql import execute, literal, quoted
from . import codes, dates, expressions
from .model import Column, Feed, Mapping

CLEAN = r"^[\p{Z}\p{Cc}\p{Cf}]+|[\p{Z}\p{Cc}\p{Cf}]+$"
FORBIDDEN = r"[\x{00}-\x{08}\x{0b}\x{0c}\x{0e}-\x{1f}\x{fffe}\x{ffff}]"
DIRTY = rf"^[\p{{Z}}\p{{Cc}}\p{{Cf}}]|[\p{{Z}}\p{{Cc}}\p{{Cf}}]$|{FORBIDDEN}"
LOOK_ALIKE = r"[\p{Cyrillic}\p{Greek}\x{2010}-\x{2015}\x{2212}\x{00a0}\x{200b}-\x{200f}]"
MOST_SECONDS = 600
"""How long the expressions of a feed may take; all England's take a few."""
NOTES = {
    "date_unread": "could not be read as a date",
    "date_serial_unread": "could not be read as a date: it looks like an Excel serial number",
    "date_two_digit_unread": "could not be read as a date: its year has two digits",
    "date_serial": "was read from an Excel serial number",
    "date_two_digit": "was read from a year of two digits",
    "forbidden_character": "held a character that XML forbids, which became a space",
    "look_alike": "holds a character that only looks like a plain one",
    "trimmed": "had spaces or invisible characters around it, which were taken off",
    "default": "was blank and took the default of the mapping",
}
"""What may be said of a cell on landing; audit.row_dispositions says it in these words."""

WORDS = "map {" + ", ".join(f"'{kind}': '{words}'" for kind, words in NOTES.items()) + "}"


@dataclass(frozen=True)
class Job:
    """One feed and what its queries need to know."""

    mapping: Mapping
    table: str
    feed: Feed
    inputs: Dictionary[str, str]
    year: int
    dirty: frozenset[str] = frozenset()
    """The columns whose cells need cleaning or mislead: most columns have none."""

    @property
    def place(self) -> str:
        """The feed as a message names it."""
        label = f" ({self.feed.label})" if self.feed.label else ""
        return f"mapping of {self.mapping.source}, tables.{self.table}{label}"


def make_macros(connection: duckdb.DuckDBPyConnection, mapping: Mapping) -> None:
    """What the expressions of a mapping may call beside DuckDB's own functions."""
    clean = f"regexp_replace(regexp_replace(text, '{FORBIDDEN}', ' ', 'g'), '{CLEAN}', '', 'g')"
    for blank in ("", *mapping.blanks):
        clean = f"nullif({clean}, {literal(blank)})"
    read = dates.read("sen2_clean(text)", mapping.dates)
    execute(connection, f"create or replace temp macro sen2_clean(text) as {clean}")
    execute(connection, f"create or replace temp macro sen2_date(text) as {read}")


def remember_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Begin to remember which rows of the inputs the feeds take."""
    execute(
        connection,
        "create or replace temp table rows_taken"
        " (of_input varchar, _file varchar, _row bigint, is_fed boolean)",
    )


def load(
    connection: duckdb.DuckDBPyConnection,
    mapping: Mapping,
    table: str,
    feed: Feed,
    inputs: Dictionary[str, str],
    year: int,
) -> None:
    """Load the feed's rows into raw.<table>, and say in audit what became of rows and values."""
    job = Job(mapping, table, feed, inputs, year)
    job = replace(job, dirty=_dirty_columns(connection, job))
    make_macros(connection, mapping)
    watch = Timer(MOST_SECONDS, connection.interrupt)
    watch.start()
    try:
        execute(connection, f"create or replace temp table fed as {_found(job)}")
    except duckdb.InterruptException:
        raise InputError(
            f"{job.place}: its expressions took more than {MOST_SECONDS // 60} minutes. Make them"
            " simpler."
        ) from None
    except duckdb.Error as error:
        raise InputError(
            f"{job.place}: an expression cannot be computed ({_without_values(error)})."
        ) from None
    finally:
        watch.cancel()
    _take(connection, job)
    execute(connection, "delete from fed where _is_kept is not true")
    coded = codes.translate(connection, mapping, table, feed, year)
    _read_dates(connection, job)
    execute(connection, f"create or replace temp table judged as {_judged(job, coded)}")
    kept = _keep_one_per_key(connection, job) if feed.one_row_per else "true"
    names = ", ".join(map(quoted, feed.columns))
    execute(
        connection,
        f"insert into raw.{table} ({names}, _source, _file, _row)"
        f" select {names}, ?, _file, _row from judged where {kept} order by _file, _row",
        [mapping.source],
    )
    execute(
        connection,
        "insert into audit.landing_notes"
        f" select ?, _file, _row, note.column_name, note.kind, {WORDS}[note.kind], from ("
        f"select _file, _row, unnest(_notes) as note from judged where {kept})"
        " where note.kind is not null",
        [table],
    )
    execute(connection, "drop table temp.fed")
    execute(connection, "drop table temp.judged")
    _list_columns(connection, job)


def _dirty_columns(connection: duckdb.DuckDBPyConnection, job: Job) -> frozenset[str]:
    """The columns with a cell that is not clean as it stands, found in one pass of each input."""
    found: set[str] = set()
    for owner in {column.of or job.feed.input for column in job.feed.columns.values()}:
        names = [
            name
            for name, column in job.feed.columns.items()
            if column.heading is not None and (column.of or job.feed.input) == owner
        ]
        if not names:
            continue
        tests = []
        for name in names:
            cell = quoted(job.feed.columns[name].heading or "")
            looks = f" or regexp_matches({cell}, '{LOOK_ALIKE}')" if _is_key(job, name) else ""
            tests.append(f"bool_or(regexp_matches({cell}, '{DIRTY}'){looks})")
        row = connection.execute(f"select {', '.join(tests)} from {job.inputs[owner]}").fetchone()
        found |= {name for name, is_dirty in zip(names, row or (), strict=True) if is_dirty}
    return frozenset(found)


def _is_key(job: Job, name: str) -> bool:
    return any(each.name == name and each.key for each in spec.contract(job.year)[job.table])


def _is_date(job: Job, name: str) -> bool:
    return any(
        (row["table_name"], row["column_name"], row["data_type"]) == (job.table, name, "date")
        for row in spec.seed("extract_contract")
    )


def _read_dates(connection: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Read each different date of the table `fed` once, into temp.days."""
    execute(
        connection,
        "create or replace temp table days (column_name varchar, from_value varchar,"
        " to_value varchar, kind varchar)",
    )
    for name, column in job.feed.columns.items():
        if _is_date(job, name):
            formats = column.dates or job.mapping.dates
            execute(
                connection,
                f"insert into temp.days select '{name}', value, {dates.read('value', formats)},"
                f" {_date_note('value', formats)} from (select distinct {quoted(name)} as value"
                f" from fed where {quoted(name)} is not null)",
            )


def _found(job: Job) -> str:
    """The feed's rows with every column's text, whether the row counts, and its place in order."""
    feed = job.feed
    columns = [
        f"{_text(job, name, column)} as {quoted(name)}" for name, column in feed.columns.items()
    ]
    spoilt = [
        f"{_is_spoilt(job, name, column)} as {quoted('_spoilt_' + name)}"
        for name, column in feed.columns.items()
        if name in job.dirty
    ]
    me, place = quoted(feed.input), job.place
    order = f"{expressions.read_order(place, feed.order_by).sql}, " if feed.order_by else ""
    label = f" || {literal(f' ({feed.label})')}" if feed.label else ""
    select = ", ".join(
        [
            f"{me}._file as _of_file",
            f"{me}._file{label} as _file",
            f"{me}._row",
            f"{expressions.read(place, feed.where or 'true').sql}::boolean as _is_kept",
            f"row_number() over (order by {order}{me}._file, {me}._row) as _place"
            if feed.one_row_per
            else "null as _place",
            *(
                f"{quoted('_look_' + each.input)}._row as {quoted('_row_' + each.input)},"
                f" {quoted('_look_' + each.input)}._file as {quoted('_file_' + each.input)}"
                for each in feed.look_up
            ),
            *columns,
            *spoilt,
        ]
    )
    joins = " ".join(_look_up(job, number) for number in range(len(feed.look_up)))
    return f"select {select} from {job.inputs[feed.input]} as {me} {joins}"


def _look_up(job: Job, number: int) -> str:
    """The join that gives each row at most one row of another input, as a struct of its name."""
    each = job.feed.look_up[number]
    keys = [f"sen2_clean(other.{quoted(there)})" for there in each.on.values()]
    named = ", ".join(f"{key} as _key_{place}" for place, key in enumerate(keys))
    alias = quoted("_look_" + each.input)
    on = " and ".join(
        f"{alias}._key_{place} = sen2_clean({quoted(job.feed.input)}.{quoted(here)})"
        for place, here in enumerate(each.on)
    )
    return (
        f"left join (select {named}, other as {quoted(each.input)}, _file, _row"
        f" from {job.inputs[each.input]} as other"
        f" qualify row_number() over (partition by {', '.join(keys)} order by _file, _row) = 1)"
        f" as {alias} on {on}"
    )


def _heading(job: Job, column: Column) -> str:
    return f"{quoted(column.of or job.feed.input)}.{quoted(column.heading or '')}"


def _text(job: Job, name: str, column: Column) -> str:
    """The column's text, cleaned; blank where it holds one of the mapping's words for blank."""
    if column.value is not None:
        return f"nullif({literal(column.value)}, '')::varchar"
    said = None
    if column.sql:
        said = f"sen2_clean({expressions.read(f'{job.place}.{name}', column.sql).sql}::varchar)"
    if said or name in job.dirty:
        return said or f"sen2_clean({_heading(job, column)})"
    text = _heading(job, column)
    for blank in ("", *job.mapping.blanks):
        text = f"nullif({text}, {literal(blank)})"
    return text


def _is_spoilt(job: Job, name: str, column: Column) -> str:
    """A word for what cleaning took from the cell, or for what a key holds that misleads."""
    cell = _heading(job, column)
    forbidden = f"when regexp_matches({cell}, '{FORBIDDEN}') then 'forbidden_character'"
    key = (
        f" when regexp_matches(sen2_clean({cell}), '{LOOK_ALIKE}') then 'look_alike'"
        f" when {cell} <> sen2_clean({cell}) then 'trimmed'"
        if _is_key(job, name)
        else ""
    )
    return f"case {forbidden}{key} end"


def _take(connection: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Remember which rows of the inputs the feed used, as its own or to look values up in.

    A row without a number stands for all.
    """
    taken, kept = "null, null", ""
    if job.feed.where:
        taken, kept = "_of_file, _row", " from fed where _is_kept"
    execute(
        connection,
        f"insert into temp.rows_taken select ?, {taken}, true{kept}",
        [job.inputs[job.feed.input]],
    )
    for each in job.feed.look_up:
        row, file = quoted("_row_" + each.input), quoted("_file_" + each.input)
        execute(
            connection,
            f"insert into temp.rows_taken select distinct ?, {file}, {row}, false from fed"
            f" where _is_kept and {row} is not null",
            [job.inputs[each.input]],
        )


def _judged(job: Job, coded: set[str]) -> str:
    """The feed's rows as they land, and what there is to say of their cells."""
    select, notes, joins = [], [], []
    for name, column in job.feed.columns.items():
        text = f"fed.{quoted(name)}"
        value = text
        if name in coded:
            join = quoted("_code_" + name)
            joins.append(
                f"left join temp.translated as {join}"
                f" on {join}.column_name = '{name}' and {join}.from_value = {text}"
            )
            value = f"case when {join}.from_value is null then {text} else {join}.to_value end"
            notes.append(f"when {join}.is_look_alike then 'look_alike'")
            notes[-1] = _note(name, f"case {notes[-1]} end")
        if _is_date(job, name):
            join = quoted("_day_" + name)
            joins.append(
                f"left join temp.days as {join}"
                f" on {join}.column_name = '{name}' and {join}.from_value = {text}"
            )
            value = f"coalesce({join}.to_value, {text})"
            notes.append(_note(name, f"{join}.kind"))
        if name in job.dirty:
            notes.append(_note(name, f"fed.{quoted('_spoilt_' + name)}"))
        if column.default is not None:
            notes.append(_note(name, f"case when {value} is null then 'default' end"))
            value = f"coalesce({value}, {literal(column.default)})"
        select.append(f"{value} as {quoted(name)}")
    kept = "lambda note: note.kind is not null"
    said = (
        f"list_filter([{', '.join(notes)}], {kept})"
        if notes
        else "[]::struct(column_name varchar, kind varchar)[]"
    )
    return (
        f"select fed._file, fed._of_file, fed._row, fed._place, {', '.join(select)},"
        f" {said} as _notes from fed {' '.join(joins)}"
    )


def _note(column: str, kind: str) -> str:
    return f"{{'column_name': '{column}', 'kind': {kind}}}"


def _date_note(text: str, formats: list[str]) -> str:
    """A word for a date that could not be read, or was read in a way worth knowing."""
    bare = f"regexp_replace({text}, '{dates.TIME}', '')"
    is_serial = f"regexp_full_match({bare}, '{dates.EXCEL_SERIAL}')"
    is_short = f"regexp_full_match({bare}, '{dates.TWO_DIGIT_YEAR}')"
    return (
        f"case when {text} is null then null"
        f" when {dates.read(text, formats)} is null then case when {is_serial}"
        f" then 'date_serial_unread' when {is_short} then 'date_two_digit_unread'"
        " else 'date_unread' end"
        f" when {is_serial} then 'date_serial' when {is_short} then 'date_two_digit' end"
    )


def _keep_one_per_key(connection: duckdb.DuckDBPyConnection, job: Job) -> str:
    """Set aside the rows whose key another row has; gives the condition of those that land.

    Rows that say the same as the kept one are set aside. Rows that say something else are too when
    the mapping says which to keep, else they land and a rule reports them.
    """
    keys = ", ".join(map(quoted, job.feed.one_row_per))
    is_keyed = " and ".join(f"{quoted(name)} is not null" for name in job.feed.one_row_per)
    said = ", ".join(map(quoted, job.feed.columns))
    differing = ", ".join(
        f"case when {quoted(name)} is distinct from first_value({quoted(name)}) over kept"
        f" then '{name}' end"
        for name in job.feed.columns
    )
    execute(
        connection,
        "create or replace temp table judged as select * exclude (_differs), "
        f"concat_ws(', ', {differing}) as _differs,"
        f" _place > first_value(_place) over kept and {is_keyed} as _is_repeat,"
        " first_value(_file) over kept as _kept_file, first_value(_row) over kept as _kept_row"
        f" from (select *, null as _differs from judged)"
        f" window kept as (partition by {keys} order by _place)",
    ) if said else None
    goes = "_is_repeat" if job.feed.order_by else "_is_repeat and _differs = ''"
    execute(
        connection,
        "insert into audit.rows_set_aside select ?, ?, _file, _row, 'repeated',"
        " case when _differs = '' then 'it says the same as ' else 'another row of the same ' || ?"
        " || ' was kept by the order the mapping gives, though this one differs in ' || _differs"
        " || ': ' end || _kept_file || ', row ' || _kept_row"
        f" from judged where {goes}",
        [job.mapping.source, job.table, ", ".join(job.feed.one_row_per)],
    )
    return f"not ({goes})"


def _list_columns(connection: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Say in audit.mapped_columns where each column of the table comes from, with its default."""
    rows = []
    for name, column in job.feed.columns.items():
        kind, origin = (
            ("constant", column.value)
            if column.value is not None
            else ("expression", column.sql)
            if column.sql is not None
            else ("heading", f"{column.of}: {column.heading}" if column.of else column.heading)
        )
        rows.append([name, kind, origin, column.crosswalk, column.default])
    rows += [[name, "blank", None, None, None] for name in job.feed.blank]
    connection.executemany(
        "insert into audit.mapped_columns values (?, ?, ?, ?, ?, ?, ?, ?)",
        [[job.mapping.source, job.table, job.feed.label, *row] for row in rows],
    )


def _without_values(error: duckdb.Error) -> str:
    """What DuckDB says of an expression, without the value that it stumbled over."""
    kind = type(error).__name__.removesuffix("Exception")
    if kind in ("Binder", "Parser", "Catalog"):
        return str(error).split("\n")[0]
    return f"a value in the rows does not suit it: {kind}; use try_cast, or guard it with case"
