"""Whole numbers in a table whose row and column sums are given.

Proportional fitting gives the shape; rounding down leaves a few units over, which go to the cells
with the largest remainders and, where those do not fit, along paths that move a unit from one
column to another. Both margins come out exact unless no table satisfies them.
"""

from collections import deque

import numpy as np
import numpy.typing as npt

from ..days import Flags, Ints, Random

Shares = npt.NDArray[np.float64]


def share_out(total: int, weights: Shares) -> Ints:
    """A total in whole parts, as near to the weights as can be."""
    if total == 0 or len(weights) == 0:
        return np.zeros(len(weights), dtype=np.int64)
    weights = weights if weights.sum() > 0 else np.ones(len(weights))
    exact = total * weights / weights.sum()
    parts = np.floor(exact).astype(np.int64)
    largest = np.argsort(parts - exact, kind="stable")[: total - int(parts.sum())]
    parts[largest] += 1
    return parts


def whole_table(seed: Shares, rows: Ints, columns: Ints, most: Ints | None = None) -> Ints:
    """Whole numbers with these sums: zero where the seed is zero, nowhere above `most`.

    Sums that cannot be met fall short; the caller compares.
    """
    most = np.full(seed.shape, max(rows.sum(), 1)) if most is None else most
    most = np.where(seed > 0, most, 0)
    whole = np.minimum(np.floor(_fitted(seed, rows, columns, most)), most)
    table = _trimmed(whole.astype(np.int64), rows, columns)
    _fill(table, seed, rows, columns, most)
    _reroute(table, rows, columns, most)
    return table


def _fitted(seed: Shares, rows: Ints, columns: Ints, most: Ints) -> Shares:
    """The seed scaled to the sums in turn, cut where it exceeds the most."""
    table = np.where(most > 0, seed, 0).astype(float)
    for _ in range(60):
        table *= _ratio(rows, table.sum(axis=1))[:, None]
        table *= _ratio(columns, table.sum(axis=0))
        table = np.minimum(table, most)
    return table


def _ratio(wanted: Ints, found: Shares) -> Shares:
    return np.divide(wanted, found, out=np.zeros(len(found)), where=found > 0)


def _trimmed(table: Ints, rows: Ints, columns: Ints) -> Ints:
    """The table with nothing above its sums (fitting may not have settled)."""
    for number in np.flatnonzero(table.sum(axis=1) > rows):
        table[number] = share_out(int(rows[number]), table[number].astype(float))
    for number in np.flatnonzero(table.sum(axis=0) > columns):
        table[:, number] = share_out(int(columns[number]), table[:, number].astype(float))
    return table


def _fill(table: Ints, seed: Shares, rows: Ints, columns: Ints, most: Ints) -> None:
    """Give what rounding left over to cells that can take it, the likeliest first."""
    row_left, column_left = rows - table.sum(axis=1), columns - table.sum(axis=0)
    for cell in np.argsort(-seed, axis=None, kind="stable"):
        row, column = divmod(int(cell), table.shape[1])
        more = min(row_left[row], column_left[column], most[row, column] - table[row, column])
        if more > 0:
            more = 1 if seed[row, column] > 0 and more > 1 else more
            table[row, column] += more
            row_left[row] -= more
            column_left[column] -= more


def _reroute(table: Ints, rows: Ints, columns: Ints, most: Ints) -> None:
    """Bring units still left over to their columns by way of other rows."""
    while True:
        row_left, column_left = rows - table.sum(axis=1), columns - table.sum(axis=0)
        starts = np.flatnonzero(row_left > 0)
        path = _path(table, starts, column_left > 0, most) if len(starts) else None
        if path is None:
            return
        for row, column, change in path:
            table[row, column] += change


def _path(table: Ints, starts: Ints, ends: Flags, most: Ints) -> list[tuple[int, int, int]] | None:
    """Changes of one unit from a row with too few to a column with too few, if there are any."""
    row_from: dict[int, int | None] = {int(row): None for row in starts}
    column_from: dict[int, int] = {}
    queue = deque(row_from)
    while queue:
        row = queue.popleft()
        for column in np.flatnonzero(table[row] < most[row]):
            if int(column) in column_from:
                continue
            column_from[int(column)] = row
            if ends[column]:
                return _steps(int(column), column_from, row_from)
            for other in np.flatnonzero(table[:, column] > 0):
                if int(other) not in row_from:
                    row_from[int(other)] = int(column)
                    queue.append(int(other))
    return None


def _steps(
    column: int, column_from: dict[int, int], row_from: dict[int, int | None]
) -> list[tuple[int, int, int]]:
    """The changes along a path that ends in the column, from its end back to its start."""
    steps: list[tuple[int, int, int]] = []
    while True:
        row = column_from[column]
        steps.append((row, column, 1))
        before = row_from[row]
        if before is None:
            return steps
        steps.append((row, before, -1))
        column = before


def shuffled(rng: Random, counts: Ints) -> Ints:
    """Each number as often as its count, in random order."""
    return rng.permutation(np.repeat(np.arange(len(counts)), counts))
