"""The XML message of a year as the seeds describe it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from .. import spec
from ..ground.errors import DefectError, InputError


@dataclass(frozen=True, eq=False)
class Element:
    """An element of the message: what it holds, how often it comes, where its values stand.

    A group that is a row of a table has `table` and `keys`, a single value has `item`, and a mere
    wrapper has neither.
    """

    tag: str
    least: str
    most: str
    is_provisional: bool
    evidence: str
    table: str | None = None
    keys: tuple[str, ...] = ()
    item: spec.Row | None = None
    children: tuple["Element", ...] = ()

    @property
    def column(self) -> str:
        """The column of the value's table."""
        return self.item["column_name"] if self.item else ""

    @property
    def is_date(self) -> bool:
        """Whether the value is a date, which the tables hold as one."""
        return self.item is not None and self.item["data_type"] == "date"

    @property
    def leaves(self) -> tuple["Element", ...]:
        """The single values directly in this group, in order."""
        return tuple(child for child in self.children if child.item)

    @property
    def groups(self) -> tuple["Element", ...]:
        """The groups directly in this group, in order."""
        return tuple(child for child in self.children if not child.item)

    def walk(self) -> Iterator["Element"]:
        """This element and all in it, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()


def years() -> list[int]:
    """The collections that have a person level file."""
    rows = spec.seed("collections")
    known = sorted(int(row["collection_year"]) for row in rows)
    return [year for year in known if spec.collection(year).has_person_level]


@cache
def message(year: int) -> Element:
    """The root element of a year's file."""
    if not spec.collection(year).has_person_level:
        raise InputError(f"The collection {year} has no person level file.")
    parts: dict[str, list[spec.Row]] = {}
    for row in sorted(spec.in_force("xml_structure", year), key=lambda row: int(row["position"])):
        parts.setdefault(row["parent"], []).append(row)
    items: dict[str, dict[str, spec.Row]] = {}
    for row in spec.in_force("items", year):
        items.setdefault(row["table_name"], {})[row["xml_tag"]] = row

    def group(row: spec.Row) -> Element:
        tag = row["element"]
        table = _table(tag, [each["element"] for each in parts[tag]], parts, items)
        return _element(
            row,
            table=table,
            keys=_keys(table),
            children=tuple(
                group(each) if each["element"] in parts else leaf(each, table)
                for each in parts[tag]
            ),
        )

    def leaf(row: spec.Row, table: str | None) -> Element:
        if table is None or row["element"] not in items[table]:
            raise DefectError(
                f"seeds/spec: {row['parent']}/{row['element']} is in xml_structure.csv of {year}"
                " but not in items.csv."
            )
        return _element(row, item=items[table][row["element"]])

    (root,) = parts.keys() - {row["element"] for rows in parts.values() for row in rows}
    return group({**parts[root][0], "element": root, "min_occurs": "1", "max_occurs": "1"})


def _element(row: spec.Row, **more: object) -> Element:
    return Element(
        tag=row["element"],
        least=row["min_occurs"],
        most=row["max_occurs"],
        is_provisional=row["is_provisional"] == "true",
        evidence=row["evidence"],
        **more,  # type: ignore[arg-type]
    )


def _table(
    tag: str,
    children: list[str],
    parts: dict[str, list[spec.Row]],
    items: dict[str, dict[str, spec.Row]],
) -> str | None:
    """The table whose rows an element is: the one of its name, or the one that has its items."""
    leaves = {child for child in children if child not in parts}
    if not leaves:
        return None
    named = [table for table in items if table.replace("_", "") == tag.lower()]
    return next(iter(named or [table for table in items if leaves <= items[table].keys()]), None)


def _keys(table: str | None) -> tuple[str, ...]:
    """The columns that hold a table's place in the return, without `return_id`."""
    if table is None:
        return ()
    items = {row["column_name"] for row in spec.seed("items") if row["table_name"] == table}
    columns = spec.person_level_columns()[table]
    return tuple(column for column in columns if column not in items and column != "return_id")
