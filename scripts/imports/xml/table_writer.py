"""Rows in batches, written into the tables of other returns."""

from typing import Any

import duckdb
import pyarrow

from ... import spec, warehouse
from ...spec import xml_structure
from ...warehouse import LINED_TABLES, quoted

ROWS_AT_A_TIME = 50_000
SIZE_AT_A_TIME = 1 << 25
"""Most characters of text in a batch of rows, so that long values do not make a large batch."""
Connection = duckdb.DuckDBPyConnection
Row = list[Any]


class TableWriter:
    """Rows on their way into the schema imported, a batch at a time."""

    def __init__(self, connection: Connection, return_id: str) -> None:
        """Empty the tables of an earlier return of the same name."""
        self.connection, self.return_id = connection, return_id
        self.columns = {
            table: [*names[1:], "line"] for table, names in spec.person_level_columns().items()
        }
        self.keys = {each.table: each.keys for each in _elements() if each.table}
        self.rows: dict[str, list[Row]] = {table: [] for table in self.columns}
        self.count = self.size = 0
        warehouse.forget(connection, return_id)

    def add(self, table: str, rows: list[Row]) -> None:
        """Take rows: keys, items of any year, line."""
        self.rows[table].extend(rows)
        self.count += len(rows)

    def make_room(self, size: int) -> None:
        """Write the batch when it has become large; `size` is that of what was last added."""
        self.size += size
        if self.count >= ROWS_AT_A_TIME or self.size >= SIZE_AT_A_TIME:
            self.write()

    def write(self) -> None:
        """Write what has been taken."""
        for table, rows in self.rows.items():
            if rows:
                self._insert(table, rows)
        self.rows = {table: [] for table in self.columns}
        self.count = self.size = 0

    def _insert(self, table: str, rows: list[Row]) -> None:
        names = self.columns[table]
        *texts, lines = zip(*rows, strict=True)
        batch = pyarrow.table(
            [*(pyarrow.array(text, pyarrow.string()) for text in texts),
             pyarrow.array(lines, pyarrow.int64())],
            names=names,
        )  # fmt: skip
        into = ", ".join(map(quoted, names[:-1]))
        keys = self.keys[table]
        self.connection.register("batch", batch)
        self.connection.execute(
            f"insert into imported.{table} (return_id, {into}) select ?, {into} from batch",
            [self.return_id],
        )
        if table in LINED_TABLES:
            self.connection.execute(
                f"insert into imported.{table}_lines (return_id, {into}, line)"
                f" select ?, {into}, line from batch",
                [self.return_id],
            )
        else:
            module, record = (table, keys[-1]) if keys else ("header", "$return_id")
            self.connection.execute(
                "insert into imported.record_lines (return_id, module, record_id, line)"
                f" select $return_id, $module, {record}, line from batch",
                {"return_id": self.return_id, "module": module},
            )
        self.connection.unregister("batch")


def _elements() -> list[xml_structure.Element]:
    return list(xml_structure.message(spec.newest_year()).walk())
