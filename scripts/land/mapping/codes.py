"""Codes: what a source writes in a column that has a list, as the list writes it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
from rapidfuzz import fuzz, process

from ... import spec
from ...ground import spreadsheet
from ...warehouse import quoted
from .. import headings
from .model import Feed, Mapping

FLAGS = {"0": "no", "1": "yes"}
LONGEST = 60
MOST = 200
NEAR = 60.0
UNMAPPED_COLUMNS = (
    *("source", "table_name", "column_name", "value", "row_count"),
    *("nearest_code", "nearest_label"),
)


@dataclass(frozen=True)
class CodeList:
    """The codes a column may hold in a year, each with its label."""

    labels: dict[str, str]


@cache
def code_list(table: str, column: str, year: int) -> CodeList | None:
    """The list of a contract column; none when the column has no list."""
    row = next(
        row
        for row in spec.seed("extract_contract")
        if (row["table_name"], row["column_name"]) == (table, column)
    )
    if row["codeset"]:
        listed = {
            each["code"]: each["label"]
            for each in spec.in_force("codes", year)
            if each["codeset"] == row["codeset"]
        }
        return CodeList(listed) if listed else None
    if row["allowed"]:
        return CodeList({word: word for word in row["allowed"].split(";")})
    return CodeList(FLAGS) if row["data_type"] == "flag" else None


@dataclass(frozen=True)
class Translation:
    """A local value, what lands instead, and how often it stands there.

    `is_known` says that a crosswalk or the list has it; `is_look_alike` that it was told from the
    code only by characters that look like plain ones.
    """

    local: str
    lands: str | None
    rows: int
    is_known: bool
    is_look_alike: bool = False


def translate(
    connection: duckdb.DuckDBPyConnection, mapping: Mapping, table: str, feed: Feed, year: int
) -> set[str]:
    """Translate the codes of the table `fed` into temp.translated; gives the coded columns.

    What neither a crosswalk nor the list has goes to audit.unmapped_values.
    """
    connection.execute(
        "create or replace temp table translated (column_name varchar, from_value varchar,"
        " to_value varchar, is_look_alike boolean)"
    )
    coded = set()
    for name, column in feed.columns.items():
        listed = code_list(table, name, year)
        crosswalk = mapping.crosswalks[column.crosswalk] if column.crosswalk else {}
        if listed is None and not crosswalk:
            continue
        coded.add(name)
        values = connection.execute(
            f"select {quoted(name)}, count(*) from fed where {quoted(name)} is not null"
            " group by all order by all"
        ).fetchall()
        known = _known(listed, crosswalk, labels=column.labels)
        done = [_translate(value, rows, listed, known) for value, rows in values]
        told = [each for each in done if each.is_known and each.lands != each.local]
        if told:
            connection.executemany(
                "insert into temp.translated values (?, ?, ?, ?)",
                [[name, each.local, each.lands, each.is_look_alike] for each in told],
            )
        unknown = [each for each in done if not each.is_known]
        _list_unmapped(connection, mapping.source, table, name, unknown, listed)
    return coded


def _known(
    listed: CodeList | None, crosswalk: dict[str, str], *, labels: bool
) -> dict[str, str | None]:
    """Folded value to what lands: codes, their labels if wanted, and above all the crosswalk."""
    known: dict[str, str | None] = {}
    if listed and labels:
        for code, label in listed.labels.items():
            folded = headings.fold(label)
            known[folded] = None if folded in known else code
        known = {folded: code for folded, code in known.items() if code is not None}
    if listed:
        known |= {headings.fold(code): code for code in listed.labels}
    return known | {headings.fold(local): code or None for local, code in crosswalk.items()}


def _translate(
    value: str, rows: int, listed: CodeList | None, known: dict[str, str | None]
) -> Translation:
    folded = headings.fold(value)
    if folded not in known:
        return Translation(value, value, rows, is_known=False)
    is_plain = " ".join(value.split()).casefold() == folded
    return Translation(value, known[folded], rows, is_known=True, is_look_alike=not is_plain)


def nearest(value: str, listed: CodeList | None) -> tuple[str | None, str | None]:
    """The code whose own spelling or label is most like a value, and its label."""
    if listed is None:
        return None, None
    # A code of a letter or two is part of many a word, so it is like short values alone.
    choices = [
        (text, code)
        for code, label in listed.labels.items()
        for text in (code, label)
        if len(text) > 2 or (text and len(value) <= 2)
    ]
    found = process.extractOne(
        headings.fold(value),
        [headings.fold(text) for text, _ in choices],
        scorer=fuzz.WRatio,
        score_cutoff=NEAR,
    )
    if found is None:
        return None, None
    code = choices[found[2]][1]
    return code, listed.labels[code]


def _list_unmapped(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: str,
    column: str,
    unknown: list[Translation],
    listed: CodeList | None,
) -> None:
    """List the values with no mapping; so many that they are no codes are counted and not shown."""
    shown: list[list[object]] = [
        [_capped(each.local), each.rows, *nearest(each.local, listed)] for each in unknown[:MOST]
    ]
    if len(unknown) > MOST:
        words = f"({len(unknown)} different values: too many to be codes)"
        shown = [[words, sum(each.rows for each in unknown), None, None]]
    rows = [[source, table, column, *each] for each in shown]
    if rows:
        connection.executemany(
            "insert into audit.unmapped_values values (?, ?, ?, ?, ?, ?, ?)", rows
        )


def _capped(value: str) -> str:
    return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"


def write_unmapped(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Write audit.unmapped_values as CSV, the most frequent first; gives the number of its rows.

    Nothing is written, and an older file is removed, when every value was mapped.
    """
    rows = connection.execute(
        f"select {', '.join(UNMAPPED_COLUMNS)} from audit.unmapped_values"
        " order by row_count desc, source, table_name, column_name, value"
    ).fetchall()
    path.unlink(missing_ok=True)
    if rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = spreadsheet.Writer(file, "\r\n")
            writer.row(UNMAPPED_COLUMNS)
            writer.rows(rows)
    return len(rows)
