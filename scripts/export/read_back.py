"""What a written file holds and what the tables hold, as fingerprints that must be equal."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from lxml import etree

from ..spec import xml_structure
from ..spec.xml_structure import Element
from .schema_check import READER, compiled_schema, forget, syntax_fault
from .xml_text import order_of

FIELD = "\x1f"  # between the values of a row's canonical text; XML cannot hold it
Connection = duckdb.DuckDBPyConnection


class TableDigest(NamedTuple):
    """How many rows a table has, and a fingerprint of what they hold."""

    rows: int
    digest: str


Digests = Mapping[str, TableDigest]


# Reading back


def digests_of_file(path: Path, year: int, schema: Any = None) -> dict[str, TableDigest]:
    """The rows of each table in a written file: how many, and a fingerprint of what they hold.

    The text of a row is its place (person number, request number, number among its like), then its
    values in the order of the structure; a table's fingerprint is the sum of its rows' hashes.

    Raises etree.XMLSyntaxError when the file does not fit the `schema`, if one is given.
    """
    root = xml_structure.message(year)
    tallies = {each.table: _Tally() for each in root.walk() if each.table}
    tops = {
        group.tag: _Part.of(group, (), tallies)
        for each in root.walk()
        if not each.table
        for group in each.groups
        if group.table
    }
    counts: dict[str, int] = {}
    reader = etree.iterparse(str(path), events=("end",), tag=tuple(tops), schema=schema, **READER)
    for _, node in reader:
        tops[node.tag].read(node, (), counts)
        forget(node)
    return {table: tally.digest() for table, tally in tallies.items()}


class _Tally:
    """Adds up the rows of one table; a table with one row in all gathers its values first."""

    def __init__(self) -> None:
        self.rows = self.sum = 0
        self.gathered: list[str] = []

    def add(self, fields: Iterable[str]) -> None:
        """Add a row."""
        text = FIELD.join(fields)
        self.rows += 1
        self.sum += int.from_bytes(
            hashlib.md5(text.encode(), usedforsecurity=False).digest()[8:], "little"
        )

    def digest(self) -> TableDigest:
        """What has been added up."""
        if self.gathered:
            self.add(("1", *self.gathered))
            self.gathered = []
        return TableDigest(self.rows, str(self.sum))


@dataclass(frozen=True)
class _Part:
    """An element of the structure, made ready for reading its nodes."""

    tag: str
    is_keyed: bool  # whether its number is part of the place of what hangs from it
    is_single: bool  # whether its table has one row in all, perhaps spread over several elements
    tags: tuple[str, ...]
    groups: Mapping[str, "_Part"]
    tally: _Tally

    @classmethod
    def of(cls, element: Element, parent: Sequence[str], tallies: Mapping[str, _Tally]) -> "_Part":
        """The part for an element whose parent's keys are `parent`."""
        return cls(
            tag=element.tag,
            is_keyed=element.keys != tuple(parent),
            is_single=not element.keys,
            tags=tuple(leaf.tag for leaf in element.leaves),
            groups={each.tag: cls.of(each, element.keys, tallies) for each in element.groups},
            tally=tallies[element.table or ""],
        )

    def read(self, node: Any, place: tuple[str, ...], counts: dict[str, int]) -> None:
        """Add a node and all in it; `counts` are of the nodes read so far at its place."""
        counts[self.tag] = number = counts.get(self.tag, 0) + 1
        own = (*place, str(number))
        if self.is_keyed:
            place, counts = own, {}
        values: dict[str, str] = {}
        for child in node:
            tag = child.tag
            if group := self.groups.get(tag):
                group.read(child, place, counts)
            else:
                values[tag] = child.text or ""
        row = [values.get(tag, "") for tag in self.tags]
        if self.is_single:
            self.tally.gathered += row
        else:
            self.tally.add((*own, *row))


def read_back(
    path: Path, year: int, allowed: frozenset[str] = frozenset()
) -> dict[str, TableDigest] | None:
    """The digests of a file that fits the year's schema; None of one for `validate` to look into.

    Checked and read in one pass: to parse it is most of the work of either.
    """
    with path.open("rb") as file:
        if syntax_fault(file):
            return None
    try:
        return digests_of_file(path, year, compiled_schema(year, allowed))
    except etree.XMLSyntaxError:
        return None


def digests_of_tables(connection: Connection, return_id: str, year: int) -> dict[str, TableDigest]:
    """The same of the tables of a return; a row that hangs from nothing counts, so it is missed."""
    digests = {}
    for table, query in _digest_queries(xml_structure.message(year)).items():
        (row,) = connection.execute(query, {"return_id": return_id}).fetchall()
        digests[table] = TableDigest(*row)
    return digests


def _digest_queries(root: Element) -> dict[str, str]:
    """Table to the query of its row count and fingerprint."""
    queries: dict[str, str] = {}

    def visit(element: Element, above: tuple[Element, ...]) -> None:
        if element.table and element.keys:
            queries[element.table] = _digest_query((element,), above)
        keyed = element.keys != (above[-1].keys if above else ())
        for group in element.groups:
            visit(group, (*above, element) if keyed else above)

    visit(root, ())
    single: dict[str, list[Element]] = {}
    for each in root.walk():
        if each.table and not each.keys:
            single.setdefault(each.table, []).append(each)
    return {**{table: _digest_query(parts, ()) for table, parts in single.items()}, **queries}


def _digest_query(elements: Sequence[Element], above: Sequence[Element]) -> str:
    """The query for one table: its elements, and those whose numbers are its rows' place."""
    table = elements[0].table
    places = [f"{each.table}_number" for each in above]
    numbers, joins = [], []
    for i, each in enumerate(above):
        outer = above[i - 1].keys if i else ()
        numbers.append(
            f"{places[i]} as (select {', '.join(each.keys)}, {_number(each, outer)} as number"
            f" from person_level.{each.table} as rows where return_id = $return_id)"
        )
        joins.append(f"left join {places[i]} using ({', '.join(each.keys)})")
    parent = above[-1].keys if above else ()
    fields = [
        *(f"{place}.number" for place in places),
        _number(elements[0], parent),
        *(f"rows.{leaf.column}" for element in elements for leaf in element.leaves),
    ]
    return f"""
        with {", ".join([*numbers, ""])} texts as (
            select concat_ws(
                chr({ord(FIELD)}), {", ".join(f"coalesce({each}::varchar, '')" for each in fields)}
            ) as row_text
            from person_level.{table} as rows {" ".join(joins)}
            where rows.return_id = $return_id
        )
        select count(*), coalesce(sum(md5_number_lower(row_text)), 0)::varchar from texts
    """


def _number(element: Element, parent: Sequence[str]) -> str:
    """The number of a row among those that hang from the same."""
    partition = f"partition by {', '.join(f'rows.{key}' for key in parent)} " if parent else ""
    return f"row_number() over ({partition}order by {order_of(element)})"


def differences(written: Digests, stored: Digests) -> list[str]:
    """Why a file may not leave: each table whose rows in it are not those of the return."""
    return [
        f"{table}: the file has {written[table].rows} rows and the return {stored[table].rows}"
        + ("." if written[table].rows != stored[table].rows else ", but they are not the same.")
        for table in stored
        if written[table] != stored[table]
    ]
