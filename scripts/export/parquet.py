"""The warehouse as Parquet files, one a table, for the tools that read those and not DuckDB."""

import shutil
from pathlib import Path
from tempfile import mkdtemp

from ..ground import places
from ..ground.errors import InputError
from ..ground.sql import literal, quoted
from ..warehouse import connect

LEFT_OUT = ("raw", "imported")
"""Schemas of text as it came, which the tables to the right hold typed."""


def write_parquet(warehouse: Path, out: Path) -> list[Path]:
    """Write every table to `out`/parquet/<schema>/<table>.parquet; gives the files.

    The folder is replaced whole, so that it never mixes two builds. The files hold personal data as
    the warehouse does.
    """
    folder = out / places.PARQUET
    out.mkdir(parents=True, exist_ok=True)
    draft = Path(mkdtemp(dir=out, prefix=".parquet-"))
    written: list[Path] = []
    try:
        with connect(warehouse, read_only=True, reaches=[draft]) as connection:
            tables = connection.execute(
                "select table_schema, table_name from information_schema.tables"
                " where table_type = 'BASE TABLE' and not list_contains(?, table_schema)"
                " order by all",
                [list(LEFT_OUT)],
            ).fetchall()
            if not any(schema == "person_level" for schema, _ in tables):
                raise InputError("The warehouse is not built. Run `sen2 build` first.")
            for schema, table in tables:
                (draft / schema).mkdir(exist_ok=True)
                file = literal(str(draft / schema / f"{table}.parquet"))
                connection.execute(
                    f"copy {quoted(schema)}.{quoted(table)} to {file}"
                    " (format parquet, compression zstd)"
                )
                written.append(folder / schema / f"{table}.parquet")
        if folder.exists():
            shutil.rmtree(folder)
        draft.rename(folder)
    except PermissionError:
        raise InputError(
            f"{folder}: cannot be replaced; close its files where they are open and run again."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return written
