"""Columns of numbers as columns of text, and tables made of them that faults can change."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from .days import Days, Flags, Ints

BATCH_ROWS = 100_000

Column = Callable[[slice], pa.Array]


def days_column(days: Days) -> Column:
    """Dates as ccyy-mm-dd, blank for no event."""
    return lambda rows: pa.array(days[rows]).cast(pa.string())


def coded_column(numbers: Ints, labels: Sequence[str]) -> Column:
    """A label for each number, blank below 0 and where the label is blank."""
    values = pa.array([label or None for label in labels], pa.string())

    def column(rows: slice) -> pa.Array:
        chunk = numbers[rows]
        return pc.take(values, pa.array(chunk, pa.int64(), mask=chunk < 0))

    return column


def numbered_column(prefix: str, numbers: Ints, blank_below: int = 0, width: int = 7) -> Column:
    """Identifiers such as P0000012, blank below a number."""

    def column(rows: slice) -> pa.Array:
        chunk = numbers[rows]
        text = pa.array(chunk, pa.int64(), mask=chunk < blank_below).cast(pa.string())
        padded = pc.utf8_lpad(text, width, "0")
        return pc.binary_join_element_wise(pa.scalar(prefix), padded, "") if prefix else padded

    return column


def text_column(values: npt.NDArray[Any]) -> Column:
    """Text as it stands, blank for an empty one."""

    def column(rows: slice) -> pa.Array:
        text = pa.array(values[rows]).cast(pa.string())
        return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)

    return column


def flag_column(flags: Flags, blank: Flags | None = None) -> Column:
    """1 or 0, blank where asked."""
    numbers = flags.astype(np.int64)
    return coded_column(numbers if blank is None else np.where(blank, -1, numbers), ["0", "1"])


def ids(prefix: str) -> Callable[[int], str]:
    """How one identifier looks."""
    return lambda number: f"{prefix}{number + 1:07d}"


person_id, request_id, plan_id, placement_id = ids("P"), ids("R"), ids("E"), ids("L")


def blank_column(rows: slice) -> pa.Array:
    """Nothing in any row."""
    return pa.nulls(rows.stop - rows.start, pa.string())


@dataclass
class Table:
    """One table of the extract: its columns, and the changes that faults make to it."""

    name: str
    rows: int
    columns: dict[str, Column]
    changed: dict[str, dict[int, str]] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    added: list[dict[str, str]] = field(default_factory=list)

    def value(self, row: int, column: str) -> str:
        """What the extract says there; blank is an empty text."""
        changed = self.changed.get(column, {})
        if row in changed:
            return changed[row]
        return self.columns[column](slice(row, row + 1))[0].as_py() or ""

    def row(self, row: int) -> dict[str, str]:
        """One whole row."""
        return {column: self.value(row, column) for column in self.columns}

    def put(self, row: int, **values: str) -> None:
        """Change some values of a row."""
        for column, value in values.items():
            self.changed.setdefault(column, {})[row] = value

    def add(self, **values: str) -> int:
        """Append a row; gives its place, from 0."""
        self.added.append({column: values.get(column, "") for column in self.columns})
        return self.rows + len(self.added) - 1

    @cached_property
    def removed_in_order(self) -> list[int]:
        """The removed rows; ask only once all faults are planted."""
        return sorted(self.removed)

    def file_row(self, row: int) -> int:
        """The row a spreadsheet shows: the header is row 1."""
        return row - bisect_left(self.removed_in_order, row) + 2

    @property
    def rows_in_file(self) -> int:
        """How many rows the file has below its header."""
        return self.rows - len(self.removed) + len(self.added)

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows as they are written, a bounded number at a time."""
        for start in range(0, self.rows, BATCH_ROWS):
            rows = slice(start, min(start + BATCH_ROWS, self.rows))
            arrays = [self._changed_chunk(name, rows) for name in schema.names]
            batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
            gone = [row - start for row in self.removed if start <= row < rows.stop]
            if gone:
                kept = np.ones(batch.num_rows, dtype=bool)
                kept[gone] = False
                batch = batch.filter(pa.array(kept))
            yield batch
        if self.added:
            columns = [
                pa.array([row[name] or None for row in self.added], pa.string())
                for name in schema.names
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _changed_chunk(self, name: str, rows: slice) -> pa.Array:
        """One column of some rows, with the changes made."""
        array = self.columns[name](rows)
        changes = {
            row - rows.start: value
            for row, value in self.changed.get(name, {}).items()
            if rows.start <= row < rows.stop
        }
        if not changes:
            return array
        values = array.to_pylist()
        for row, value in changes.items():
            values[row] = value or None
        return pa.array(values, pa.string())

    def write(self, path: Path, connection: duckdb.DuckDBPyConnection) -> None:
        """Write the table as CSV."""
        schema = pa.schema([(name, pa.string()) for name in self.columns])
        reader = pa.RecordBatchReader.from_batches(schema, self.batches(schema))
        connection.from_arrow(reader).write_csv(str(path), header=True)
