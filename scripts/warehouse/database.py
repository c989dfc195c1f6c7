"""The warehouse: one DuckDB file, and the tables in it that dbt does not make."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from .. import spec
from ..ground import files, stopping, trust
from ..ground.errors import InputError
from ..ground.sql import literal
from ..ground.sql import quoted as quoted
from ..settings.kept_files import KEPT_TABLES
from . import encryption, views

PROVENANCE = ("_source", "_file", "_row")

AUDIT_TABLES = {
    "landed_files": (
        "table_name varchar, file varchar, bytes bigint, sha256 varchar, row_count bigint,"
        " other_columns varchar"
    ),
    "rows_set_aside": (
        "source varchar, table_name varchar, file varchar, row bigint, fault varchar,"
        " reason varchar"
    ),
    "landed_inputs": (
        "source varchar, input varchar, file varchar, facts varchar, bytes bigint, sha256 varchar,"
        " row_count bigint, other_columns varchar"
    ),
    "mapped_columns": (
        "source varchar, table_name varchar, label varchar, column_name varchar, kind varchar,"
        " origin varchar, crosswalk varchar, default_value varchar"
    ),
    "unmapped_values": (
        "source varchar, table_name varchar, column_name varchar, value varchar, row_count bigint,"
        " nearest_code varchar, nearest_label varchar"
    ),
    "landing_notes": (
        "table_name varchar, file varchar, row bigint, column_name varchar, kind varchar,"
        " note varchar"
    ),
    "lines_left_out": (
        "table_name varchar, file varchar, row bigint, column_name varchar, reason varchar"
    ),
    "extract_settings": (
        "collection_year integer, la_code varchar, name varchar, extracted_on date,"
        " period_end varchar, software_code varchar, release varchar, serial_no integer,"
        " dmo varchar, dco varchar, dsco varchar, dmo_dco_role varchar,"
        " withdrawn_assessments varchar"
    ),
    "sources": "source varchar, place integer, ids_of varchar, id_prefix varchar",
    "plain_ids": "source varchar",
    "given_ids": "person_id varchar, given_id varchar",
    "submissions": (
        "collection_year integer, serial_no varchar, file varchar, sha256 varchar, bytes bigint,"
        " person_count bigint, as_at date, is_final boolean, signed_by varchar"
    ),
    "outputs": "file varchar, bytes bigint, sha256 varchar",
    "answers": (
        "file varchar, sheet varchar, row bigint, rule_id varchar, record_id varchar, mark varchar,"
        " answer varchar, words varchar, initials varchar, answer_mark varchar, outcome varchar,"
        " reason varchar, table_name varchar, key varchar, column_name varchar"
    ),
    "likely_causes": (
        "person_id varchar, xml_tag varchar, table_name varchar, value varchar, cleared bigint,"
        " faults bigint, rules varchar"
    ),
    "lines_before": (
        "rule_id varchar, severity varchar, module varchar, record_id varchar, mark varchar"
    ),
    "runs": "run bigint, collection_year integer, stage varchar, seconds double, outcome varchar",
    "run_figures": (
        "run bigint, collection_year integer, as_at date, extract varchar, dataset varchar,"
        " figure varchar, value double"
    ),
    "gate_results": (
        "gate varchar, return_id varchar, collection_year integer, suite varchar,"
        " expectation varchar, severity varchar, outcome varchar, rows_checked bigint,"
        " broken bigint"
    ),
    "packs": (
        "collection_year integer, number integer, file varchar, sha256 varchar,"
        " previous_sha256 varchar, packed_by varchar, packed_at varchar"
    ),
    "purged_packs": "file varchar, sha256 varchar, before_date varchar, purged_by varchar",
}

MADE_ANEW = {"gate_results", "likely_causes"}
"""Tables of the schema audit that each run makes anew, beside those that dbt makes."""

RELEASE_COLUMNS = (
    *("release", "dataset", "time_period", "la_code", "breakdown_topic", "breakdown"),
    *("figure", "value"),
)
"""One figure of DfE's published tables, as the file has it: raw.published_figures."""

IMPORTED_TABLES = {
    "files": (
        "return_id varchar, collection_year integer, source_file varchar, sha256 varchar,"
        " has_case_ids boolean"
    ),
    "structure_faults": (
        "return_id varchar, rule_id varchar, line bigint, element varchar, person_id varchar,"
        " message varchar, source_file varchar"
    ),
    "record_lines": (
        "return_id varchar, module varchar, record_id varchar, line bigint, source_file varchar"
    ),
}

LINED_TABLES = ("plan_detail", "sen_need")
"""Tables whose rows have no key of their own: <table>_lines holds them again, with their lines."""


WRITTEN_FOR = "v1.4.0"
"""The oldest DuckDB that can read what is written: analysts' programs bring their own."""


MEMORY_LIMIT = "SEN2_MEMORY_LIMIT"
"""The environment variable that caps DuckDB's memory, such as 2GB; dbt's profile reads it too."""
USUAL_LIMIT = 2_500
"""What it is capped at when that says nothing, in MB: more makes the largest builds no faster."""


def memory_limit() -> str:
    """What DuckDB may take: as the environment says, else the usual, on a small machine less."""
    if stated := os.environ.get(MEMORY_LIMIT):
        return stated
    if hasattr(os, "sysconf"):  # not on Windows
        whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000
        return f"{min(USUAL_LIMIT, whole * 8 // 10)}MB"
    return f"{USUAL_LIMIT}MB"


def _keep_to(connection: duckdb.DuckDBPyConnection, limit: str) -> None:
    try:
        connection.execute("set memory_limit = ?", [limit])
    except duckdb.Error:
        raise InputError(
            f"{MEMORY_LIMIT}: is not an amount of memory. Give one such as 800MB or 4GB."
        ) from None


def close_to_files(
    connection: duckdb.DuckDBPyConnection, folders: Iterable[Path] | None = ()
) -> None:
    """Leave a connection the databases it has open and these folders, and no other file, for good.

    It attaches nothing from then on. It installs and loads nothing in any case, also with None,
    which leaves it every file. Connections of a process to the same database share what is set.
    """
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    if folders is None or not connection.execute(IS_OPEN).fetchall()[0][0]:
        return
    real = [Path(os.path.abspath(folder)) for folder in folders]  # noqa: PTH100  (links as given)
    named = [name for folder in real for name in {str(folder), files.pattern(folder)}]
    connection.execute("set allowed_directories = ?", [named])
    connection.execute("set enable_external_access = false")


IS_OPEN = "select current_setting('enable_external_access')"


def text_columns(columns: Iterable[str]) -> str:
    """A column list for DDL in which every column is text."""
    return ", ".join(f"{quoted(column)} varchar" for column in columns)


def require(path: Path) -> None:
    """An input error when there is no warehouse yet."""
    if not path.exists():
        raise InputError(f"{path}: there is no such warehouse. Run `sen2 land` first.")


@contextmanager
def connect(
    path: Path,
    *,
    read_only: bool = False,
    encrypted: bool | None = None,
    attached: Mapping[str, Path] | None = None,
    reaches: Iterable[Path] | None = (),
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to the warehouse, closed at the end; a file that is no warehouse is an error.

    A new one is encrypted where that is wanted (`encryption.is_wanted`), unless `encrypted` says.
    Other warehouses are `attached` to be read, each by a name. Beside them its SQL can read and
    write nothing but what is in the folders it `reaches`, or every file where that is None.
    """
    if read_only:
        require(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    if not is_new:
        encrypted = encryption.is_encrypted(path)
    elif encrypted is None:
        encrypted = encryption.is_wanted()
    with _explained(path, read_only=read_only):
        if encrypted:
            connection = _with_key(path, read_only=read_only)
        else:
            connection = duckdb.connect(
                str(path),
                read_only,
                {"storage_compatibility_version": WRITTEN_FOR} if is_new else {},
            )
    stopping.interruptible(connection)
    try:
        connection.execute("set enable_progress_bar = false")
        _keep_to(connection, memory_limit())
        for name, other in (attached or {}).items():
            _attach(connection, other, name)
        close_to_files(connection, reaches)
        if is_new:
            _looked_at.add(_identity(path))
        else:
            _refuse_intruders(connection, path)
        yield connection
    finally:
        connection.close()


_looked_at: set[tuple[int, int, str]] = set()
"""The files in which this process has looked for intruders: what comes later, it makes itself."""


def _refuse_intruders(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """An input error when a view or macro has the place of a table or a function."""
    if _identity(path) in _looked_at:
        return
    if connection.execute(IS_WRITABLE).fetchone():  # so nobody else has it open
        _remove_spilled(path)
    if names := list(views.intruders(connection)):
        raise InputError(
            f"{path}: has {', '.join(names[:5])}{' and more' if len(names) > 5 else ''} where a"
            " table or function of ours belongs, so nothing was done with it. Drop what is named,"
            " or move the file away and make the warehouse again with `sen2 run`."
        )
    _looked_at.add(_identity(path))


IS_WRITABLE = (
    "select true from duckdb_databases() where database_name = current_database() and not readonly"
)


def _remove_spilled(path: Path) -> None:
    """Remove what DuckDB spilled beside a warehouse for a process that was killed."""
    folder = path.with_name(f"{path.name}.tmp")
    if not folder.is_dir() or trust.why_not_ours(folder):
        return
    for left in folder.glob("duckdb_temp_*"):
        if not left.name.startswith(f"duckdb_temp_{os.getpid()}_"):
            left.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


def _identity(path: Path) -> tuple[int, int, str]:
    """What tells one file from another that takes its name, or later its number."""
    found = path.stat()
    return found.st_dev, found.st_ino, str(path.absolute())


def _with_key(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """An encrypted warehouse: DuckDB takes a key only for what is attached to another database."""
    connection = duckdb.connect(
        config={"storage_compatibility_version": WRITTEN_FOR, "temp_directory": f"{path}.tmp"}
    )
    try:
        encryption.attach(connection, path, catalog(path), read_only=read_only)
        connection.execute(f"use {quoted(catalog(path))}")
    except BaseException:
        connection.close()
        raise
    return connection


def catalog(path: Path) -> str:
    """What DuckDB calls a database by its file: the name up to the first dot."""
    return path.name.lstrip(".").partition(".")[0]


@contextmanager
def _explained(path: Path, *, read_only: bool) -> Iterator[None]:
    """What DuckDB may say of a file, as input errors."""
    try:
        yield
    except duckdb.IOException as error:
        held = "lock" in str(error).lower()
        raise InputError(
            f"{path}: another program has the warehouse open"
            f"{' for writing' if read_only else ', if only to read it'}; close it and run again."
            if held
            else f"{path}: is not a DuckDB file that this version can open."
        ) from None


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    """Attach another warehouse to read, under a name, encrypted or not."""
    if encryption.is_encrypted(path):
        encryption.attach(connection, path, name, read_only=True)
    else:
        connection.execute(f"attach {literal(str(path))} as {name} (read_only)")


def second_connection(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A second connection to the same database, with its own results and transaction."""
    other = connection.cursor()
    other.execute(f"use {quoted(connection.execute('select current_database()').fetchall()[0][0])}")
    return other


def is_built(path: Path) -> bool:
    """Whether something was built in a warehouse; not in one that is not there."""
    if not path.exists():
        return False
    with connect(path, read_only=True) as connection:
        built = connection.execute(
            "select true from information_schema.tables"
            " where table_schema = 'validation' and table_name = 'issues'"
        ).fetchone()
    return built is not None


def require_built(path: Path) -> None:
    """An input error when nothing was built in the warehouse yet."""
    require(path)
    if not is_built(path):
        raise InputError(NOT_BUILT.format(path=path))


@contextmanager
def reading(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A built warehouse, to read; an input error when what is asked of it is not there."""
    with connect(path, read_only=True) as connection:
        try:
            yield connection
        except (duckdb.CatalogException, duckdb.BinderException):
            raise InputError(NOT_BUILT.format(path=path)) from None


NOT_BUILT = "{path}: was not built, or by an older version. Run `sen2 build` first."


def remove(path: Path) -> None:
    """Remove a warehouse that nothing has open, and its log of unfinished writes."""
    for each in (path, path.with_name(f"{path.name}.wal")):
        each.unlink(missing_ok=True)


def prepare(connection: duckdb.DuckDBPyConnection, year: int) -> None:
    """Make the schemas and every table that is landed or imported rather than built, if missing."""
    for schema in ("raw", "imported", "audit"):
        connection.execute(f"create schema if not exists {schema}")
    for table, columns in AUDIT_TABLES.items():
        connection.execute(f"create table if not exists audit.{table} ({columns})")
        for column in columns.split(", "):  # a warehouse made by an older version takes new ones
            connection.execute(f"alter table audit.{table} add column if not exists {column}")
    for table, contract_columns in spec.contract(year).items():
        names = [column.name for column in contract_columns]
        connection.execute(
            f"create table if not exists raw.{table}"
            f" ({text_columns(names)}, _source varchar, _file varchar, _row bigint)"
        )
    for table, kept_columns in KEPT_TABLES.items():
        connection.execute(
            f"create table if not exists raw.{table}"
            f" ({text_columns(kept_columns)}, _file varchar, _row bigint)"
        )
        for column in kept_columns:  # that a warehouse of an older version has not
            connection.execute(
                f'alter table raw.{table} add column if not exists "{column}" varchar'
            )
    connection.execute(
        f"create table if not exists raw.published_figures"
        f" ({text_columns(RELEASE_COLUMNS)}, _file varchar, _row bigint)"
    )
    for table, columns in IMPORTED_TABLES.items():
        connection.execute(f"create table if not exists imported.{table} ({columns})")
        for column in columns.split(", "):  # that a warehouse of an older version has not
            connection.execute(f"alter table imported.{table} add column if not exists {column}")
    for table, names in spec.person_level_columns().items():
        connection.execute(f"create table if not exists imported.{table} ({text_columns(names)})")
        if table in LINED_TABLES:
            connection.execute(
                f"create table if not exists imported.{table}_lines"
                f" ({text_columns(names)}, line bigint, source_file varchar)"
            )
            connection.execute(
                f"alter table imported.{table}_lines add column if not exists source_file varchar"
            )


def forget(connection: duckdb.DuckDBPyConnection, return_id: str) -> None:
    """Remove an imported return from every table of the schema imported."""
    tables = spec.person_level_columns()
    lined = [f"{table}_lines" for table in LINED_TABLES]
    for table in (*tables, *lined, *IMPORTED_TABLES):
        connection.execute(f"delete from imported.{table} where return_id = ?", [return_id])


def is_made_by_a_run(schema: str, table: str) -> bool:
    """Whether landing, dbt or a gate makes a table anew in every run."""
    if schema == "audit":
        return table in MADE_ANEW or spec.model_file(schema, table) is not None
    if schema == "raw":
        contract = {row["table_name"] for row in spec.seed("extract_contract")}
        return table in contract | KEPT_TABLES.keys()
    return any((spec.PROJECT / layer / schema).is_dir() for layer in ("models", "seeds"))
