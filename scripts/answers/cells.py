"""The values of the extract behind a line, which a correction may change."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb

from .. import spec
from ..land import authority_files
from ..warehouse import quoted
from .days import iso_day

CELLS = """
    select distinct
        cells.table_name,
        cells.record_id,
        cells.xml_tag,
        words.words,
        cells.source_table,
        cells.source_column,
        cells.file,
        cells.row,
    from audit.lineage as cells
    left join spec.item_words as words on cells.xml_tag = words.xml_tag
    where cells.return_id = 'built'
        and list_contains(?, cells.table_name)
        and list_contains(?, cells.record_id)
        and cells.how = 'copied'
        and cells.row is not null
"""


@dataclass(frozen=True)
class Line:
    """A line of the return as it is now: its fault, and the record, request and person it is of."""

    rule_id: str
    record_id: str
    found: str
    severity: str
    module: str
    items: str
    request_id: str
    person_id: str


@dataclass(frozen=True)
class Cell:
    """One value of the extract: what it is called, where it is, what it holds, what it may hold.

    `allowed` are the codes of a column of codes; None where it may hold anything.
    """

    tag: str
    words: str
    table_name: str
    column_name: str
    key: str
    value: str
    is_date: bool
    allowed: frozenset[str] | None

    def fits(self, value: str) -> bool:
        """Whether a value is of the kind that this one is."""
        if self.is_date:
            return iso_day(value) is not None
        return self.allowed is None or value in self.allowed


def cells_of(
    connection: duckdb.DuckDBPyConnection, lines: Iterable[Line], year: int
) -> dict[tuple[str, str], list[Cell]]:
    """The values that each line is about, by its rule and record; none where it has none.

    An item is looked for on the record itself, then on the request, its plan and the person.
    """
    lines = list(lines)
    if not lines:
        return {}
    records = {each for line in lines for each in _records(line).values()} - {""}
    tables = {table for line in lines for table in _records(line)}
    by_record: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for table, record_id, *rest in connection.execute(
        CELLS, [sorted(tables), sorted(records)]
    ).fetchall():
        by_record[table, record_id].append(tuple(rest))
    found: dict[tuple[str, str], list[Cell]] = defaultdict(list)
    for line in lines:
        for tag in line.items.split(";"):
            for place in _records(line).items():
                cells = [row for row in by_record[place] if row[0] == tag]
                made = [
                    _cell(connection, year, row[0], row[1] or row[0], *row[2:]) for row in cells
                ]
                if made:  # the nearest record that has the item
                    found[line.rule_id, line.record_id] += [cell for cell in made if cell]
                    break
    return found


def _records(line: Line) -> dict[str, str]:
    """The records of a line by table, the one it is about first."""
    of_request = ("requests", "assessment", "named_plan", "active_plans")
    return {
        line.module: line.record_id,
        **{table: line.request_id for table in of_request if table != line.module},
        "person": line.person_id,
    }


def _cell(
    connection: duckdb.DuckDBPyConnection,
    year: int,
    tag: str,
    words: str,
    table: str,
    column: str,
    file: str,
    row: int,
) -> Cell | None:
    """The value of a landed row, when it may be corrected."""
    columns = authority_files.correctable(table)
    if column not in columns:
        return None
    key = authority_files.key_of(table)
    landed = connection.execute(
        f"select coalesce(sources.id_prefix, '') || landed.{quoted(key)},"
        f" coalesce(landed.{quoted(column)}, '')"
        f" from raw.{quoted(table)} as landed"
        " left join audit.sources as sources on landed._source = sources.source"
        " where landed._file = ? and landed._row = ?",
        [file, row],
    ).fetchone()
    if landed is None or not landed[0]:
        return None
    is_date = columns[column]["data_type"] == "date"
    allowed = _allowed(columns[column], year)
    return Cell(tag, words, table, column, landed[0], landed[1], is_date, allowed)


def _allowed(column: spec.Row, year: int) -> frozenset[str] | None:
    """The codes or words that a column of the contract may hold; None for anything."""
    if column["allowed"]:
        return frozenset(column["allowed"].split(";"))
    if column["data_type"] == "flag":
        return frozenset("01")
    codes = spec.in_force("codes", year)
    listed = frozenset(c["code"] for c in codes if c["codeset"] == column["codeset"])
    return listed or None
