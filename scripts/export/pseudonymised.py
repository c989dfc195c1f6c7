"""A pseudonymised copy of the warehouse, for analysts who need records and not children.

What becomes of each table and column is a row of the seed `pseudonymisation`, the one place. A
table or column of ours without a row stops the export: nothing leaves because nobody thought of it.
Tables that people made themselves are left out.
"""

import hashlib
import hmac
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import duckdb

from .. import spec
from ..ground import keys, places
from ..ground.errors import DefectError, InputError
from ..warehouse import connect, is_made_by_a_run, quoted

VARIABLE = keys.PSEUDONYM
LOST = "another key gives other pseudonyms"
BLOCK = 64  # bytes of a block of SHA-256, of which HMAC makes its two keys
LENGTH = 32  # hexadecimal digits of a pseudonym, 128 bits
PERSON = ("person_level", "person")
ANY = "*"

TAKE, TAKE_WHOLE, LEAVE_OUT = "take", "take_whole", "leave_out"
KEEP, DROP, CODE, RECORD_ID = "keep", "drop", "code", "record_id"
IDENTIFIERS = ("id", "upn", "uln", "urn", "ukprn")
"""Treatments that give a pseudonym, each a space of its own: a UPN never equals an id."""
BIRTH_MONTH, GUARDED = "birth_month", "guarded"
TREATMENTS = {KEEP, DROP, CODE, RECORD_ID, *IDENTIFIERS, BIRTH_MONTH, GUARDED}

DESCRIBED = ("sex", "gender_current")
LADDER = (
    ("month", True),
    ("year", True),
    ("month", False),
    ("year", False),
    (None, False),
)
"""What is shown of a person's birth date, and whether the ethnicity is: the first step on which
enough people share the same values; on the last, nothing is shown, sex neither."""

_KEY_CHECK = "'key'"

Connection = duckdb.DuckDBPyConnection
Column = tuple[str, str]


@dataclass(frozen=True)
class Table:
    """A table of the warehouse, and its columns in order, each with its type."""

    schema: str
    name: str
    columns: tuple[Column, ...]

    @property
    def sql(self) -> str:
        """The name as it stands in SQL."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"


@dataclass(frozen=True)
class PseudonymisedCopy:
    """The copy, and how many tables it has, and how many of people's own were left out."""

    path: Path
    tables: int
    left_out: int


# What becomes of a table, of a column


@cache
def _rows() -> Mapping[tuple[str, str, str], str]:
    return {
        (row["schema_name"], row["table_name"], row["column_name"]): row["treatment"]
        for row in spec.seed("pseudonymisation")
    }


def of_table(schema: str, table: str) -> str | None:
    """What becomes of a table: take, take_whole or leave_out; nothing when no row says."""
    return _rows().get((schema, table, "")) or _rows().get((schema, ANY, ""))


def of_column(schema: str, table: str, column: str) -> str | None:
    """What becomes of a column of a table that is taken; nothing when no row says."""
    if of_table(schema, table) == TAKE_WHOLE:
        return KEEP
    return _rows().get((schema, table, column)) or _rows().get((ANY, ANY, column))


def unclassified(tables: Iterable[Table]) -> list[str]:
    """The tables of ours, and columns of tables that are taken, of which no row says anything."""
    found = []
    for table in tables:
        treatment = of_table(table.schema, table.name)
        if treatment is None:
            found.append(f"{table.schema}.{table.name}")
        elif treatment != LEAVE_OUT:
            found += [
                f"{table.schema}.{table.name}.{column}"
                for column, _ in table.columns
                if of_column(table.schema, table.name, column) not in TREATMENTS
            ]
    return found


def tables_of(connection: Connection, database: str) -> list[Table]:
    """Every table of an attached database; views only repeat what tables hold."""
    rows = connection.execute(
        "select schema_name, table_name, list((column_name, data_type) order by column_index)"
        " from duckdb_columns() inner join duckdb_tables() using (database_name, schema_name,"
        " table_name) where database_name = ? group by all order by all",
        [database],
    ).fetchall()
    return [Table(schema, name, tuple(columns)) for schema, name, columns in rows]


def is_ours(table: Table) -> bool:
    """Whether this project makes the table, in a run or beside one."""
    return is_made_by_a_run(table.schema, table.name) or (
        table.schema in ("audit", "raw", "imported")
    )


# Writing


def write(warehouse: Path, year: int, out: Path, fewest: int) -> PseudonymisedCopy:
    """Write the copy to `out`/pseudonymised, in place of an earlier one.

    `fewest` is how many people must share what is shown of a person. The key is that of the
    environment variable SEN2_PSEUDONYM_KEY, or of the keyring. Rows are in the order of their
    pseudonyms: their place tells nothing of the extract.

    Raises InputError without a usable key or a built warehouse, DefectError when a table or column
    of ours is not classified.
    """
    pads = _pads(keys.key(VARIABLE, LOST))
    with connect(warehouse, read_only=True):
        pass
    folder = out / places.PSEUDONYMISED
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sen2_{year}_pseudonymised.duckdb"
    scratch = Path(mkdtemp(dir=folder, prefix=".draft-"))
    try:
        draft = scratch / path.name
        old = {"_old": warehouse}
        with connect(draft, encrypted=False, attached=old) as connection:
            tables = tables_of(connection, "_old")
            ours = [table for table in tables if is_ours(table)]
            if not any((table.schema, table.name) == PERSON for table in ours):
                raise InputError(f"{warehouse}: is not built. Run `sen2 build` first.")
            if missing := unclassified(ours):
                raise DefectError(
                    f"{', '.join(missing)}: nothing says whether this may be in a pseudonymised"
                    " copy, so none was written. Please report it with these names."
                )
            _prepare(connection, fewest)
            taken = [table for table in ours if of_table(table.schema, table.name) != LEAVE_OUT]
            for table in taken:
                _copy(connection, table, pads)
            _say_what_it_is(connection, year, fewest, pads)
            connection.execute("detach _old")
        draft.replace(path)
    except PermissionError:
        raise InputError(f"{path}: cannot be replaced; close it where it is open.") from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return PseudonymisedCopy(path, len(taken), len(tables) - len(ours))


def _pads(key: bytes) -> dict[str, bytes]:
    """The two keys that HMAC-SHA256 makes of one; SQL joins them to each value."""
    block = (hashlib.sha256(key).digest() if len(key) > BLOCK else key).ljust(BLOCK, b"\0")
    return {
        "inner": bytes(byte ^ 0x36 for byte in block),
        "outer": bytes(byte ^ 0x5C for byte in block),
    }


def pseudonym(key: bytes, space: str, value: str) -> str:
    """The pseudonym of one value, for a person who holds the key and must find a child again."""
    return hmac.new(key, f"{space}:{value}".encode(), "sha256").hexdigest()[:LENGTH]


def _pseudonym(space: str, value: str) -> str:
    """The same in SQL; blank stays blank."""
    message = f"encode('{space}:' || {value})"
    return f"left(sha256($outer || unhex(sha256($inner || {message}))), {LENGTH})"


def _expression(table: Table, column: str, treatment: str) -> str:
    name = f"told.{quoted(column)}"
    match treatment:
        case "keep":
            return name
        case "code":  # in a column of codes may stand anything, also a name
            return f"case when {name}::varchar in (from _codes) then {name} end"
        case "upn":
            return _pseudonym(treatment, f"nullif(upper(trim({name})), '')")
        case "id" | "uln" | "urn" | "ukprn":
            return _pseudonym(treatment, f"nullif(trim({name}::varchar), '')")
        case "record_id":
            place = f"regexp_extract({name}, '/[0-9]{{1,3}}$')"
            return _pseudonym("id", f"left({name}, len({name}) - len({place}))") + f" || {place}"
        case "birth_month" | "guarded" if (table.schema, table.name) == PERSON:
            return f"guarded.{quoted(column)}"
    raise DefectError(f"{table.schema}.{table.name}.{column}: cannot be treated as {treatment}.")


def _copy(connection: Connection, table: Table, pads: Mapping[str, bytes]) -> None:
    """Copy one table, each column as the seed says."""
    shown = {
        column: treatment
        for column, _ in table.columns
        if (treatment := of_column(table.schema, table.name, column) or DROP) != DROP
    }
    columns = [
        f"{_expression(table, column, treatment)} as {quoted(column)}"
        for column, treatment in shown.items()
    ]
    source = f"_old.{table.sql} as told"
    if (table.schema, table.name) == PERSON:
        columns.append("guarded.birth_precision")
        source += " left join _guarded as guarded using (return_id, person_id)"
    connection.execute(f"create schema if not exists {quoted(table.schema)}")
    query = f"create table {table.sql} as select {', '.join(columns)} from {source} order by all"
    connection.execute(query, {name: pad for name, pad in pads.items() if f"${name}" in query})


def _prepare(connection: Connection, fewest: int) -> None:
    """The codes that may be shown, and what may be shown of each person of the built return."""
    connection.execute("create temp table _codes (code varchar)")
    connection.executemany("insert into _codes values (?)", [[code] for code in sorted(_codes())])
    connection.execute(
        "create temp table _people as select return_id, person_id,"
        " date_trunc('month', person_birth_date)::date as month,"
        " date_trunc('year', person_birth_date)::date as year,"
        f" {', '.join(_code_or_null(column) for column in (*DESCRIBED, 'ethnicity'))},"
        " null::integer as step from _old.person_level.person where return_id = 'built'"
    )
    for step, seen in enumerate(_seen_by_step()):
        _take_step(connection, step, seen, fewest if seen else 0)
    _fill_the_last(connection, fewest)
    birth = " ".join(
        f"when {step} then {precision or 'null'}" for step, (precision, _) in enumerate(LADDER)
    )
    words = " ".join(
        f"when {step} then '{precision}'" for step, (precision, _) in enumerate(LADDER) if precision
    )
    with_ethnicity = [str(step) for step, (_, shown) in enumerate(LADDER) if shown]
    last = len(LADDER) - 1
    connection.execute(
        "create temp table _guarded as select return_id, person_id,"
        f" (case step {birth} end)::date as person_birth_date,"
        + "".join(
            f" case when step < {last} then {column} end as {column}," for column in DESCRIBED
        )
        + f" case when step in ({', '.join(with_ethnicity)}) then ethnicity end as ethnicity,"
        f" case when month is not null then case step {words} end end as birth_precision"
        " from _people"
    )


def _codes() -> Iterator[str]:
    """Every code of the survey and the register, and every word of the contract's own."""
    yield from (row["code"] for row in spec.seed("codes"))
    for row in spec.seed("establishment_kinds"):
        yield from (row["type_code"], row["further_education_type"], row["kind"])
    for row in spec.seed("extract_contract"):
        yield from filter(None, row["allowed"].split(";"))
    yield from ("true", "false")


def _code_or_null(column: str) -> str:
    return f"case when {column} in (from _codes) then {column} end as {column}"


def _seen_by_step() -> list[tuple[str, ...]]:
    """The columns of _people that each step shows."""
    return [
        (*([precision, *DESCRIBED] if precision else []), *(["ethnicity"] if shown else []))
        for precision, shown in LADDER
    ]


def _take_step(connection: Connection, step: int, seen: tuple[str, ...], fewest: int) -> None:
    """Give the step to those not yet on one who are many enough to take it together."""
    alike = f"count(*) over (partition by {', '.join(seen)})" if seen else "1"
    connection.execute(
        f"update _people set step = {step} from (select return_id, person_id, {alike} as people"
        " from _people where step is null) as left_over"
        " where _people.return_id = left_over.return_id"
        f" and _people.person_id = left_over.person_id and left_over.people >= {fewest}"
    )


def _fill_the_last(connection: Connection, fewest: int) -> None:
    """When too few are on the last step to hide among, the smallest other group joins them."""
    last = len(LADDER) - 1
    (few,) = connection.execute(f"select count(*) from _people where step = {last}").fetchall()[0]
    if not 0 < few < fewest:
        return
    groups: list[tuple[int, int, tuple[str, ...], list[str]]] = []
    for step, seen in enumerate(_seen_by_step()[:last]):
        groups += [
            (people, step, seen, ids)
            for people, ids in connection.execute(
                "select count(*), list(person_id order by person_id) from _people"
                f" where step = {step} group by {', '.join(seen)}"
            ).fetchall()
        ]
    if groups:
        *_, ids = min(groups)
        connection.execute(
            f"update _people set step = {last} where list_contains(?, person_id)", [ids]
        )


def _say_what_it_is(
    connection: Connection, year: int, fewest: int, pads: Mapping[str, bytes]
) -> None:
    """The table main.about; copies with the same key_check have the same pseudonyms."""
    connection.execute("create table about (item varchar, value varchar)")
    connection.execute(
        "insert into about values ('collection_year', $year), ('fewest_alike', $fewest),"
        f" ('key_check', left({_pseudonym('about', _KEY_CHECK)}, 8))",
        {"year": str(year), "fewest": str(fewest), **pads},
    )
