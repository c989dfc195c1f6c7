"""The tags of a file, one after another, as rows and faults."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import duckdb

from ... import spec
from ...ground.errors import InputError
from ..result import LONGEST_NAME, LONGEST_TEXT, OTHER_YEAR, STRUCTURE, WHOLE, WRONG_VALUE, Faults
from .parse import DEEPEST, SPACE, Handlers, local_name
from .structure import ANYWHERE, Part, known_tags, structure_of
from .table_writer import TableWriter

PLACES = 7
"""Digits of a person's number: ten times as many people as all authorities return together."""
LARGEST_PERSON = 2_000_000
"""Most characters of a person, who is held until complete; a real one has a few thousand."""
ROW_SIZE = 200
"""What a row counts for beside its text."""
OTHER_SPELLINGS = {"SENsetting": "SENSetting", "SENsettingOther": "SENSettingOther"}
"""DfE's guide prints the first, the files have the second (spec/person-level.md, 2.1)."""
HARMLESS = ("xmlns:", "xml:", "xsi:")
"""Attributes that any XML file may have: they say what a prefix means, or where a schema is."""
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Connection = duckdb.DuckDBPyConnection
Advance = Callable[[int, int], None]
Row = list[Any]


# Reading


@dataclass(eq=False, slots=True)
class _Frame:
    """An open group: its part, its row, and which of its elements have come so far."""

    part: Part
    row: Row | None
    keys: tuple[str, ...]
    line: int
    last: int = 0
    seen: int = 0


class Reader(Handlers):
    """Follows the file through the structure: rows to the tables, faults to their list."""

    def __init__(self, year: int, tables: TableWriter, path: Path) -> None:
        """Begin at the root of a message of the year."""
        top, self.groups = structure_of(year)
        self.year, self.tables, self.path = year, tables, path
        self.faults = Faults()
        self.frame = _Frame(top, None, (), 0)
        self.stack: list[_Frame] = []
        self.has_namespace = False
        self.skipping = 0  # open elements that are passed over
        self.value: Part | None = None
        self.text: list[str] = []
        self.length = 0
        self.header: Row = [None] * len(spec.person_level_columns()["sen2"][1:])
        self.header_line: int | None = None
        self.people = 0
        self.person_id: str | None = None
        self.person: dict[str, list[Row]] = {}
        self.person_size = 0
        self.counts: dict[tuple[str, ...], int] = {}
        self.days: set[str] = set()

    # What expat calls, millions of times

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element opens: find its part, see whether it stands where it belongs."""
        if self.skipping:
            self._skip()
            return
        frame = self.frame
        part = frame.part.children.get(tag)
        if part is None or attributes or self.value is not None:
            part = self._unusual(tag, attributes)
            if part is None:
                return
        if part.position > frame.last:
            frame.last = part.position
        elif not part.may_repeat or part.position != frame.last:
            self._look_at_place(part)
        frame.seen |= part.bit
        if part.is_value:
            self.value = part
        else:
            self._open(part)

    def characters(self, text: str) -> None:
        """Text: of a value, or where none belongs."""
        if self.skipping:
            return
        if self.value is None:
            if text.strip(SPACE):
                self._fault(STRUCTURE, self.frame.part.tag, "has text between its parts")
            return
        self.text.append(text)
        self.length += len(text)
        if self.length > LONGEST_TEXT:
            self._refuse(f"a value is longer than {LONGEST_TEXT:,} characters")

    def end(self, tag: str) -> None:
        """An element closes: keep its value, or its row."""
        if self.skipping:
            self.skipping -= 1
            return
        part = self.value
        if part is None:
            self._close()
            return
        self.value = None
        if not self.text:
            return
        value = self.text[0] if len(self.text) == 1 else "".join(self.text)
        self.text = []
        self.person_size += self.length
        self.length = 0
        if value[0] in SPACE or value[-1] in SPACE:
            value = _tidied(value)
            if not value:
                return
        if part.is_date and value not in self.days:
            self._learn_day(part, value)
        row = self.frame.row
        if row is not None and row[part.slot] is None:
            row[part.slot] = value

    # What is less usual

    def _unusual(self, tag: str, attributes: dict[str, str]) -> Part | None:
        """The part of an element that is not simply a known tag; nothing when that settles it."""
        self.has_begun = True
        name = local_name(tag)
        self._look_at_attributes(tag, attributes)
        if self.value is not None:
            self._pass_over(name, f"does not belong in {self.value.tag}")
            return None
        parent = self.frame.part
        name = OTHER_SPELLINGS.get(name, name)
        if part := parent.children.get(name):
            return part
        if part := parent.by_lower_case.get(name.lower()):
            self._fault(STRUCTURE, name, f"is to be written {part.tag}")
            return part
        if not self.stack:
            (root,) = parent.children.values()
            self._fault(STRUCTURE, name, f"is the root element, where {root.tag} should be")
            return root
        if (part := self.groups.get(name)) and self._may_hang_here(part):
            self._fault(STRUCTURE, name, f"does not belong in {parent.tag}")
            self._open(part)
            return None
        is_known = name in known_tags(self.year)
        where = f"does not belong in {parent.tag}" if is_known else "is not an element of the file"
        self._pass_over(name, where)
        return None

    def _look_at_attributes(self, tag: str, attributes: dict[str, str]) -> None:
        """A namespace is a fault, reported once, and so is an attribute that is not harmless."""
        if not self.has_namespace and (attributes.get("xmlns") or ":" in tag):
            self.has_namespace = True
            self._fault(STRUCTURE, local_name(tag), "is in a namespace; DfE's file has none")
        if any(name != "xmlns" and not name.startswith(HARMLESS) for name in attributes):
            self._fault(STRUCTURE, local_name(tag), "has an attribute; DfE's elements have none")

    def _may_hang_here(self, part: Part) -> bool:
        """Whether a group in the wrong place can still be read as its request's."""
        at_hand = self.frame.keys
        if len(self.stack) > DEEPEST:
            self._refuse(f"there are more than {DEEPEST} elements within each other")
        return len(at_hand) >= 2 and len(part.keys) >= 2

    def _look_at_place(self, part: Part) -> None:
        """An element that comes late or twice, or in another year than its own, is a fault."""
        frame = self.frame
        if not part.is_of_year:
            self._fault(
                OTHER_YEAR, part.tag, f"is not collected in {frame.part.tag} in {self.year}"
            )
        elif frame.seen & part.bit and not part.may_repeat:
            self._fault(STRUCTURE, part.tag, f"stands in {frame.part.tag} twice")
        elif part.position != ANYWHERE:
            later = frame.part.in_order[frame.last - 1]
            self._fault(STRUCTURE, part.tag, f"comes after {later} and belongs before it")

    def _pass_over(self, element: str, message: str) -> None:
        self._fault(STRUCTURE, element, message)
        self.skipping = 1

    def _skip(self) -> None:
        self.skipping += 1
        if self.skipping > DEEPEST:
            self._refuse(f"there are more than {DEEPEST} elements within each other")

    def _open(self, part: Part) -> None:
        """A group opens: its row begins, with its keys."""
        self.has_begun = True
        line = self.parser.CurrentLineNumber
        keys = self.frame.keys
        row: Row | None = None
        if part.is_numbered:
            keys = self._numbered(part, keys)
        if part.table:
            if part.keys:
                keys = keys[: len(part.keys)]
                row = [*keys, *[None] * (part.width - len(keys))]
                self.person.setdefault(part.table, []).append(row)
                row.append(line)
                self.person_size += ROW_SIZE
                if self.person_size > LARGEST_PERSON:
                    self._refuse(f"a person is larger than {LARGEST_PERSON:,} characters")
            else:
                row = self.header
                self.header_line = self.header_line or line
        self.stack.append(self.frame)
        self.frame = _Frame(part, row, keys, line)

    def _numbered(self, part: Part, keys: tuple[str, ...]) -> tuple[str, ...]:
        """The keys of a row that has a number of its own: the person's, or one below it."""
        if not keys:
            self.people += 1
            if self.people >= 10**PLACES:
                self._refuse(f"there are more than {10**PLACES - 1:,} people")
            self.person_id = f"p{self.people:0{PLACES}}"
            return (self.person_id,)
        above = keys[: len(part.keys) - 1]
        place = (part.tag, *above)
        self.counts[place] = number = self.counts.get(place, 0) + 1
        return (*above, f"{above[-1]}/{_place(number)}")

    def _close(self) -> None:
        """A group closes: see what is missing; a person is complete."""
        frame = self.frame
        for part in frame.part.needed:
            if not frame.seen & part.bit:
                self._fault(STRUCTURE, frame.part.tag, f"has no {part.tag}", frame.line)
        self.frame = self.stack.pop()
        if frame.part.is_numbered and len(frame.keys) == 1:
            for table, rows in self.person.items():
                self.tables.add(table, rows)
            self.tables.make_room(self.person_size)
            self.person, self.counts = {}, {}
            self.person_size, self.person_id = 0, None

    def _learn_day(self, part: Part, value: str) -> None:
        """A date seen for the first time: one that is none is a fault."""
        try:
            if not ISO_DATE.fullmatch(value):
                raise ValueError
            date.fromisoformat(value)
        except ValueError:
            said = f"is {value[:LONGEST_NAME]}, which is not a date of the form ccyy-mm-dd"
            self._fault(WRONG_VALUE, part.tag, said)
        else:
            self.days.add(value)

    def stop(self, line: int, problem: str) -> None:
        """The file cannot be read from a line on; of the person there, nothing is kept."""
        left_out = ""
        if self.person_id:
            self.people -= 1
            left_out = "the person here and "
        self.person_id = None
        self.faults.add(
            STRUCTURE, line, WHOLE, None,
            f"is not well-formed XML: {problem}; {left_out}what follows was not read",
        )  # fmt: skip

    def _fault(self, rule_id: str, element: str, message: str, line: int | None = None) -> None:
        at = line or self.parser.CurrentLineNumber
        self.faults.add(rule_id, at, element[:LONGEST_NAME], self.person_id, message)

    def _refuse(self, reason: str) -> NoReturn:
        raise InputError(
            f"{self.path}, line {self.parser.CurrentLineNumber}: {reason}, so this is no SEN2 file."
            " It was not read."
        )


def _place(number: int) -> str:
    """A number as text whose order is that of the numbers: 8, 9, 9.10, 9.11, ..., 9.99.100."""
    digits = len(str(number))
    return ".".join([*("9" * each for each in range(1, digits)), str(number)])


def _tidied(value: str) -> str:
    """A value without the line breaks and indents that a program put around it; or nothing."""
    inner = value.strip(SPACE)
    if not inner:
        return ""
    before, _, after = value.partition(inner)
    return ("" if "\n" in before else before) + inner + ("" if "\n" in after else after)
