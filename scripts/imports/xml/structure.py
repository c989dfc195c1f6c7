"""The structure of a year's message as a reader needs it: which part may be where."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ... import spec
from ...spec import xml_structure

ANYWHERE = -1
"""The position of an element whose place nobody can judge."""


# The structure, made ready for reading


@dataclass(eq=False, slots=True)
class Part:
    """An element of the structure: where it stands among its like and where its values go."""

    tag: str
    position: int = ANYWHERE
    """Place among the elements of its parent, from 1."""
    bit: int = 0
    may_repeat: bool = False
    """Also where the structure has a limit that rules on the tables watch over."""
    is_value: bool = False
    is_date: bool = False
    is_of_year: bool = True
    slot: int = 0
    table: str = ""
    width: int = 0
    keys: tuple[str, ...] = ()
    is_numbered: bool = False
    """Whether its own number is part of the keys of its row and of what hangs from it."""
    children: "dict[str, Part]" = field(default_factory=dict)
    by_lower_case: "dict[str, Part]" = field(default_factory=dict)
    in_order: list[str] = field(default_factory=list)
    needed: "tuple[Part, ...]" = ()
    """Parts whose absence no rule on the tables would notice."""


def structure_of(year: int) -> tuple[Part, dict[str, Part]]:
    """What holds the root element of a year's file, and every part that is a group, by tag."""
    columns = {table: names[1:] for table, names in spec.person_level_columns().items()}
    others = [xml_structure.message(other) for other in xml_structure.years() if other != year]
    groups: dict[str, Part] = {}

    def value(element: xml_structure.Element, table: str, **more: Any) -> Part:
        return Part(
            element.tag,
            is_value=True,
            is_date=element.is_date,
            slot=columns[table].index(element.column),
            **more,
        )

    def group(
        element: xml_structure.Element, others: Sequence[xml_structure.Element], above: Part
    ) -> Part:
        part = Part(
            element.tag,
            table=element.table or "",
            width=len(columns.get(element.table or "", ())),
            keys=element.keys,
            is_numbered=len(element.keys) > len(above.keys),
            may_repeat=bool(element.keys),
        )
        groups[part.tag] = part
        for position, child in enumerate(element.children, start=1):
            alike = [each for other in others for each in other.children if each.tag == child.tag]
            inner = value(child, part.table) if child.item else group(child, alike, part)
            inner.position = ANYWHERE if _floats(child) else position
            _add(part, inner)
        part.in_order = [child.tag for child in element.children]
        if not part.keys:
            part.needed = tuple(
                part.children[child.tag]
                for child in element.children
                if child.children and child.least != "0"
            )
        for child in (each for other in others for each in other.leaves):
            if child.tag not in part.children and part.table:
                _add(part, value(child, part.table, is_of_year=False))
        return part

    top = Part("")
    _add(top, group(xml_structure.message(year), others, top))
    top.children[next(iter(top.children))].position = 1
    return top, groups


def _add(part: Part, child: Part) -> None:
    child.bit = 1 << len(part.children)
    part.children[child.tag] = part.by_lower_case[child.tag.lower()] = child


def _floats(element: xml_structure.Element) -> bool:
    """Whether sources disagree on an element's place: its provisional row then names it first."""
    return element.is_provisional and element.evidence.startswith(f"{element.tag} ")


@cache
def known_tags(year: int) -> frozenset[str]:
    """Every tag that a message of the year may hold."""
    return frozenset(element.tag for element in xml_structure.message(year).walk())
