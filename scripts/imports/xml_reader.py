"""A SEN2 file of any maker, read as a stream into the tables of other returns.

expat tells of one tag after another and nothing is kept but the person being read and a batch of
rows, so memory does not grow with the file. What does not fit the year's structure is a fault with
its line, and the rest is read all the same; what could not be read safely is an input error.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

import duckdb
import pyarrow

from .. import spec, warehouse
from ..export import xsd
from ..ground.errors import InputError
from ..warehouse import LINED_TABLES, quoted

BUILT = "built"
"""The name of the return made from an extract, which no other may have."""
LONGEST_NAME = 60
PLACES = 7
"""Digits of a person's number: ten times as many people as all authorities return together."""

BYTES_AT_A_TIME = 1 << 18
HEADER_BYTES = 1 << 20
"""Where the year is looked for: the header is the first thing in a file, and short."""
ROWS_AT_A_TIME = 50_000
SIZE_AT_A_TIME = 1 << 25
"""Most characters of text in a batch of rows, so that long values do not make a large batch."""

LONGEST_TEXT = 10_000
"""Most characters of a value: the longest item, a setting in words, is a few hundred."""
LONGEST_MARKUP = 1 << 20
"""Most bytes of one tag or comment, which expat holds whole; ours have fewer than a hundred."""
DEEPEST = 50
"""Most elements within each other: the structure has seven."""
LARGEST_PERSON = 2_000_000
"""Most characters of a person, who is held until complete; a real one has a few thousand."""
ROW_SIZE = 200
"""What a row counts for beside its text."""

MOST_OF_A_KIND = 25
"""Faults of one kind that are kept with their lines: more have one cause, the program's."""
MOST_KINDS = 200

OTHER_SPELLINGS = {"SENsetting": "SENSetting", "SENsettingOther": "SENSettingOther"}
"""DfE's guide prints the first, the files have the second (spec/person-level.md, 2.1)."""
HARMLESS = ("xmlns:", "xml:", "xsi:")
"""Attributes that any XML file may have: they say what a prefix means, or where a schema is."""

ANYWHERE = -1
"""The position of an element whose place nobody can judge."""
SPACE = " \t\r\n"
ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

STRUCTURE, OTHER_YEAR, WRONG_VALUE = "F01", "F02", "F04"
WHOLE = "the file"
ERRORS = expat.errors
BROKEN = {
    ERRORS.XML_ERROR_TAG_MISMATCH: "an element is closed that is not the open one",
    ERRORS.XML_ERROR_NO_ELEMENTS: "the file ends before its last element is closed",
    ERRORS.XML_ERROR_UNCLOSED_TOKEN: "the file ends within a tag",
    ERRORS.XML_ERROR_PARTIAL_CHAR: "the file ends within a character",
    ERRORS.XML_ERROR_INVALID_TOKEN: "a character stands where XML does not allow it",
    ERRORS.XML_ERROR_UNDEFINED_ENTITY: "an entity is used that XML does not define",
    ERRORS.XML_ERROR_BAD_CHAR_REF: "a character is referred to that XML does not allow",
    ERRORS.XML_ERROR_JUNK_AFTER_DOC_ELEMENT: "something follows the end of the root element",
    ERRORS.XML_ERROR_DUPLICATE_ATTRIBUTE: "a tag has the same attribute twice",
    ERRORS.XML_ERROR_UNCLOSED_CDATA_SECTION: "the file ends within a CDATA section",
}
NOT_THE_ENCODING = (
    ERRORS.XML_ERROR_UNKNOWN_ENCODING,
    ERRORS.XML_ERROR_INCORRECT_ENCODING,
)

Connection = duckdb.DuckDBPyConnection
Advance = Callable[[int, int], None]
Row = list[Any]


@dataclass(frozen=True)
class Loaded:
    """What was read of a file; `stopped_at` is the line from which on nothing could be."""

    return_id: str
    year: int
    person_count: int
    fault_count: int
    stopped_at: int | None


def return_name(path: Path) -> str:
    """The name of a file's return: the file's own, made of a to z, 0 to 9 and _ alone."""
    name = re.sub("[^a-z0-9]+", "_", path.stem.lower()).strip("_")[:LONGEST_NAME]
    if name == BUILT:
        raise InputError(
            f"{path}: rename the file; the name {BUILT} is kept for the return made from an"
            " extract."
        )
    return name or "file"


def header_years(path: Path) -> tuple[str | None, str | None]:
    """The text of Year and of ReferenceDate in the header that a file begins with, if any."""
    peek = _Peek()
    with suppress(_Enough, expat.ExpatError):
        _parse(path, peek, most=HEADER_BYTES)
    year, reference_date = ("".join(text).strip(SPACE) or None for text in peek.texts.values())
    return year, reference_date


def root_of(path: Path) -> str | None:
    """The name of the root element; nothing when the file does not begin as XML does."""
    peek = _Peek()
    with suppress(_Enough, expat.ExpatError):
        _parse(path, peek, most=HEADER_BYTES)
    return peek.root


def load(
    connection: Connection,
    path: Path,
    return_id: str,
    year: int,
    advance: Advance = lambda done, total: None,
    *,
    whole: bool = False,
) -> Loaded:
    """Read a file into the schema imported, in place of what is there under its name.

    Rows have the keys `p<number>`, `p<number>/<number>` and so on, by place in the file. An input
    error leaves the schema as it was; with `whole`, a file that stops being XML is one too.
    """
    connection.begin()
    try:
        loaded = _load(connection, path, return_id, year, advance)
        if whole and loaded.stopped_at:
            raise InputError(
                f"{path}, line {loaded.stopped_at}: is not XML from here on, so part of the return"
                " is missing and none was imported. Get the whole file; `sen2 check` says what is"
                " wrong with this one."
            )
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
    return loaded


def _load(
    connection: Connection, path: Path, return_id: str, year: int, advance: Advance
) -> Loaded:
    tables = _Tables(connection, return_id)
    reader = _Reader(year, tables, path)
    stopped_at = None
    try:
        _parse(path, reader, advance)
    except expat.ExpatError as error:
        if not reader.has_begun:
            raise InputError(
                f"{path}: is not an XML file (line {error.lineno}:"
                f" {_broken(error.code)}). Give the file that was made for COLLECT."
            ) from None
        stopped_at = error.lineno
        reader.stop(error.lineno, _broken(error.code))
    if not reader.people and not any(reader.header):
        end = f", up to line {stopped_at}, where it stops being XML," if stopped_at else ""
        raise InputError(
            f"{path}: nothing in it{end} is part of a SEN2 return: it has neither a filled Header"
            " nor a complete Person."
        )
    tables.add("sen2", [[*reader.header, reader.header_line]])
    tables.write()
    faults = reader.faults.rows()
    if faults:
        connection.executemany(
            "insert into imported.structure_faults"
            " (return_id, rule_id, line, element, person_id, message) values (?, ?, ?, ?, ?, ?)",
            [[return_id, *fault] for fault in faults],
        )
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    connection.execute(
        "insert into imported.files"
        " (return_id, collection_year, source_file, sha256, has_case_ids)"
        " values (?, ?, ?, ?, false)",
        [return_id, year, path.name, sha256],
    )
    return Loaded(return_id, year, reader.people, reader.faults.count, stopped_at)


# Parsing, safely


class _Enough(Exception):  # noqa: N818
    """What was looked for has been found."""


class _Handlers:
    """What is done at a tag and at text; the parser says on which line."""

    parser: Any
    has_begun = False
    """Whether an element has opened."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element opens."""

    def end(self, tag: str) -> None:
        """An element closes."""

    def characters(self, text: str) -> None:
        """Text, or a part of it."""


class _Peek(_Handlers):
    """Looks for the year and the reference date in the header."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.path: list[str] = []
        self.texts: dict[str, list[str]] = {"year": [], "referencedate": []}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Where are we?"""
        self.has_begun = True
        self.root = self.root or _local(tag)[:LONGEST_NAME]
        self.path.append(_local(tag).lower())
        if len(self.path) > DEEPEST:
            raise _Enough

    def end(self, tag: str) -> None:
        """Was this the last of the two, or of what holds them?"""
        ended = self.path.pop()
        if ended == "collectiondetails" or all(self.texts.values()):
            raise _Enough

    def characters(self, text: str) -> None:
        """Keep the text of the two."""
        if self.path[-2:-1] == ["collectiondetails"] and self.path[-1] in self.texts:
            kept = self.texts[self.path[-1]]
            kept.append(text)
            if sum(map(len, kept)) > LONGEST_TEXT:
                raise _Enough


def _parse(
    path: Path,
    handlers: _Handlers,
    advance: Advance = lambda done, total: None,
    most: int | None = None,
) -> None:
    """Take a file, or `most` bytes of it, through expat.

    What is not safe, or no file of text, is an input error.
    """
    if not path.is_file():
        known = "is not a file" if path.exists() else "there is no such file"
        raise InputError(f"{path}: {known}. Give a finished SEN2 XML file.")
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = handlers.start
    parser.EndElementHandler = handlers.end
    parser.CharacterDataHandler = handlers.characters
    handlers.parser = parser

    def refuse_doctype(*_: object) -> NoReturn:
        raise InputError(
            f"{path}, line {parser.CurrentLineNumber}: has a document type declaration, which a"
            " SEN2 file never has and which can make a reader run out of memory or open other"
            " files. It was not read."
        )

    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        total = path.stat().st_size
        if total == 0:
            raise InputError(f"{path}: is empty.")
        done = 0
        with path.open("rb") as file:
            while chunk := file.read(BYTES_AT_A_TIME):
                parser.Parse(chunk, False)
                done += len(chunk)
                if done - max(parser.CurrentByteIndex, 0) > LONGEST_MARKUP + BYTES_AT_A_TIME:
                    raise InputError(
                        f"{path}, line {parser.CurrentLineNumber}: a tag or comment is longer than"
                        f" {LONGEST_MARKUP:,} bytes, so this is no SEN2 file. It was not read."
                    )
                if most and done >= most:
                    return
                advance(done, total)
            parser.Parse(b"", True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from None
    except (LookupError, ValueError):  # pyexpat's, of an encoding that Python cannot map
        raise _not_its_encoding(path, 1) from None
    except expat.ExpatError as error:
        text = expat.ErrorString(error.code)
        is_invalid = handlers.has_begun and text == ERRORS.XML_ERROR_INVALID_TOKEN
        if text in NOT_THE_ENCODING or (is_invalid and _is_not_utf8(path, parser.ErrorByteIndex)):
            raise _not_its_encoding(path, error.lineno) from None
        raise


def _not_its_encoding(path: Path, line: int) -> InputError:
    return InputError(
        f"{path}, line {line}: the file is not in the encoding that it says it is in, or in one"
        " that cannot be read. Export it again as UTF-8."
    )


def _is_not_utf8(path: Path, place: int) -> bool:
    """Whether the bytes of a file at a place, where a character begins, are not one of UTF-8."""
    with path.open("rb") as file:
        if file.read(2) in (b"\xfe\xff", b"\xff\xfe"):
            return False
        file.seek(max(place, 0))
        found = file.read(4)
    for length in range(1, len(found) + 1):
        with suppress(UnicodeDecodeError):
            found[:length].decode()
            return False
    return bool(found)


def _broken(code: int) -> str:
    text = expat.ErrorString(code) or "unknown"
    return BROKEN.get(text, text)


def _local(tag: str) -> str:
    """A tag without its namespace's prefix."""
    return tag.rpartition(":")[2]


# The structure, made ready for reading


@dataclass(eq=False, slots=True)
class _Part:
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
    children: "dict[str, _Part]" = field(default_factory=dict)
    by_lower_case: "dict[str, _Part]" = field(default_factory=dict)
    in_order: list[str] = field(default_factory=list)
    needed: "tuple[_Part, ...]" = ()
    """Parts whose absence no rule on the tables would notice."""


def _structure(year: int) -> tuple[_Part, dict[str, _Part]]:
    """What holds the root element of a year's file, and every part that is a group, by tag."""
    columns = {table: names[1:] for table, names in spec.person_level_columns().items()}
    others = [xsd.message(other) for other in xsd.years() if other != year]
    groups: dict[str, _Part] = {}

    def value(element: xsd.Element, table: str, **more: Any) -> _Part:
        return _Part(
            element.tag,
            is_value=True,
            is_date=element.is_date,
            slot=columns[table].index(element.column),
            **more,
        )

    def group(element: xsd.Element, others: Sequence[xsd.Element], above: _Part) -> _Part:
        part = _Part(
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

    top = _Part("")
    _add(top, group(xsd.message(year), others, top))
    top.children[next(iter(top.children))].position = 1
    return top, groups


def _add(part: _Part, child: _Part) -> None:
    child.bit = 1 << len(part.children)
    part.children[child.tag] = part.by_lower_case[child.tag.lower()] = child


def _floats(element: xsd.Element) -> bool:
    """Whether sources disagree on an element's place: its provisional row then names it first."""
    return element.is_provisional and element.evidence.startswith(f"{element.tag} ")


# Reading


@dataclass(eq=False, slots=True)
class _Frame:
    """An open group: its part, its row, and which of its elements have come so far."""

    part: _Part
    row: Row | None
    keys: tuple[str, ...]
    line: int
    last: int = 0
    seen: int = 0


class _Reader(_Handlers):
    """Follows the file through the structure: rows to the tables, faults to their list."""

    def __init__(self, year: int, tables: "_Tables", path: Path) -> None:
        top, self.groups = _structure(year)
        self.year, self.tables, self.path = year, tables, path
        self.faults = Faults()
        self.frame = _Frame(top, None, (), 0)
        self.stack: list[_Frame] = []
        self.has_namespace = False
        self.skipping = 0  # open elements that are passed over
        self.value: _Part | None = None
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

    def _unusual(self, tag: str, attributes: dict[str, str]) -> _Part | None:
        """The part of an element that is not simply a known tag; nothing when that settles it."""
        self.has_begun = True
        name = _local(tag)
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
        is_known = name in _tags(self.year)
        where = f"does not belong in {parent.tag}" if is_known else "is not an element of the file"
        self._pass_over(name, where)
        return None

    def _look_at_attributes(self, tag: str, attributes: dict[str, str]) -> None:
        """A namespace is a fault, reported once, and so is an attribute that is not harmless."""
        if not self.has_namespace and (attributes.get("xmlns") or ":" in tag):
            self.has_namespace = True
            self._fault(STRUCTURE, _local(tag), "is in a namespace; DfE's file has none")
        if any(name != "xmlns" and not name.startswith(HARMLESS) for name in attributes):
            self._fault(STRUCTURE, _local(tag), "has an attribute; DfE's elements have none")

    def _may_hang_here(self, part: _Part) -> bool:
        """Whether a group in the wrong place can still be read as its request's."""
        at_hand = self.frame.keys
        if len(self.stack) > DEEPEST:
            self._refuse(f"there are more than {DEEPEST} elements within each other")
        return len(at_hand) >= 2 and len(part.keys) >= 2

    def _look_at_place(self, part: _Part) -> None:
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

    def _open(self, part: _Part) -> None:
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

    def _numbered(self, part: _Part, keys: tuple[str, ...]) -> tuple[str, ...]:
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

    def _learn_day(self, part: _Part, value: str) -> None:
        """A date seen for the first time: one that is none is a fault."""
        try:
            if not ISO_DATE.fullmatch(value):
                raise ValueError
            date.fromisoformat(value)
        except ValueError:
            self._fault(WRONG_VALUE, part.tag, "is not a date of the form ccyy-mm-dd")
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


@cache
def _tags(year: int) -> frozenset[str]:
    return frozenset(element.tag for element in xsd.message(year).walk())


# What was found


class Faults:
    """The structure faults: the first of each kind with their lines, the others counted."""

    def __init__(self) -> None:
        """Nothing has been found yet."""
        self.count = 0
        self.kept: list[tuple[str, int | None, str, str | None, str]] = []
        self.kinds: dict[tuple[str, str, str], list[int]] = {}

    def add(
        self, rule_id: str, line: int, element: str, person_id: str | None, message: str
    ) -> None:
        """Keep a fault, or count it."""
        self.count += 1
        kind = (rule_id, element, message)
        if kind not in self.kinds and len(self.kinds) >= MOST_KINDS:
            kind = (rule_id, WHOLE, "has faults of other kinds")
        known = self.kinds.setdefault(kind, [0, 0])
        known[0] += 1
        known[1] = line
        if known[0] <= MOST_OF_A_KIND:
            self.kept.append((rule_id, line, element, person_id, message))

    def rows(self) -> list[tuple[str, int | None, str, str | None, str]]:
        """Each kept fault, and one for the others of a kind."""
        more = [
            (
                rule_id,
                last,
                element,
                None,
                f"{message}: {count - MOST_OF_A_KIND:,} more like it up to this line",
            )
            for (rule_id, element, message), (count, last) in self.kinds.items()
            if count > MOST_OF_A_KIND
        ]
        return [*self.kept, *more]


class _Tables:
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


def _elements() -> list[xsd.Element]:
    return list(xsd.message(spec.newest_year()).walk())
