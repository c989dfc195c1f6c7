"""The submission: the return's tables as DfE's XML file, checked and read back before it appears.

DuckDB itself builds the text, by one query made from the structure of the year; Python streams it
to a temporary file in the folder of the submission. Only a file that fits the schema and that, read
back, equals the tables takes its name there (`export`, or its steps one by one).
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn
from xml.parsers import expat

import duckdb
from lxml import etree

from .. import warehouse
from ..ground import places
from ..ground.errors import DefectError, InputError, Sen2Error
from ..ground.sql import literal, quoted
from ..warehouse.swap import to_disk
from . import xsd
from .xsd import Element

PERSONS_AT_A_TIME = 10_000
BYTES_AT_A_TIME = 1 << 16
MOST_FAULTS = 1_000

DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
FIELD = "\x1f"  # between the values of a row's canonical text; XML cannot hold it

ORDERS = {
    "requests": ("received_date", "request_id"),
    "plan_detail": ("placement_rank",),
    "placement_detail": ("placement_rank", "entry_date", "placement_id"),
    "sen_need": ("sen_type_rank",),
}

READER = {"huge_tree": False, "resolve_entities": False, "no_network": True}

WHOLE = "the file"  # the element of a fault that lies in none
ELEMENT = re.compile(r"Element '([^' ]{1,80})'")
EXPECTED = re.compile(r"(?:not expected|child element\(s\))\. Expected is (?:one of )?\((.*)\)\.$")
PROBLEMS = {
    "SCHEMAV_ELEMENT_CONTENT": "a part is missing or in the wrong place",
    "SCHEMAV_CVC_ENUMERATION_VALID": "its value is not one of the year's codes",
}
OTHER_PROBLEM = "its value is not of the form set for it"
OPENING = re.compile(rb"\s*<([A-Za-z0-9]{1,80})>")
SYNTAX_PROBLEMS = {
    expat.errors.XML_ERROR_INVALID_TOKEN: "holds a character that XML does not allow here",
}

Connection = duckdb.DuckDBPyConnection


class TableDigest(NamedTuple):
    """How many rows a table has, and a fingerprint of what they hold."""

    rows: int
    digest: str


Digests = Mapping[str, TableDigest]


@dataclass(frozen=True)
class Draft:
    """A written file under a temporary name."""

    path: Path
    year: int
    la_code: str
    serial_no: str
    person_count: int
    bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The name the file has once it is published."""
        return f"{_stem(self.la_code, self.year)}{self.serial_no}.xml"


@dataclass(frozen=True)
class Submission(Draft):
    """A file under its own name, ready to be uploaded."""


@dataclass(frozen=True)
class SchemaFault:
    """Where a file does not fit the schema: line, element and problem, never a value."""

    line: int
    element: str
    problem: str

    def __str__(self) -> str:
        """The fault as one line."""
        return f"line {self.line}, {self.element}: {self.problem}"


class NotValidError(Sen2Error):
    """The return does not make a file that DfE could load: no submission was written."""

    exit_code = 1

    def __init__(self, message: str, faults: Sequence[SchemaFault]) -> None:
        """Keep every fault beside the message, which shows the first few."""
        super().__init__(message)
        self.faults = tuple(faults)


# Writing


def write(connection: Connection, return_id: str, year: int, out: Path) -> Draft:
    """Write a return to a temporary file in `out`; the caller publishes or removes it."""
    la_code, serial_no = _header(connection, return_id)
    stem = _stem(la_code, year)
    path = out / f".{stem}{serial_no}.xml.part"
    sha256, size, person_count = hashlib.sha256(), 0, 0
    with _writing(out), _removed_on_failure(path):
        out.mkdir(parents=True, exist_ok=True)
        for left_over in out.glob(f".{stem}*.part"):
            left_over.unlink()
        with path.open("wb") as file:
            for count, text in _pieces(connection, return_id, xsd.message(year)):
                piece = text.encode()
                file.write(piece)
                sha256.update(piece)
                size += len(piece)
                person_count += count
    return Draft(path, year, la_code, serial_no, person_count, size, sha256.hexdigest())


def _header(connection: Connection, return_id: str) -> tuple[str, str]:
    """The LA code and the serial number of a return: both stand in the name of its file."""
    rows = connection.execute(
        "select lea, serial_no from person_level.sen2 where return_id = ?", [return_id]
    ).fetchall()
    if len(rows) != 1:
        raise InputError(
            f"The warehouse has {len(rows)} returns with the name {return_id}, not one."
        )
    for column, value in zip(("lea", "serial_no"), rows[0], strict=True):
        if not re.fullmatch("[0-9A-Za-z]+", value or ""):
            raise InputError(
                f"The return {return_id} has no usable {column} in person_level.sen2, so its file"
                " cannot be named."
            )
    return rows[0]


def _stem(la_code: str, year: int) -> str:
    """The name of every submission of an authority and a year, up to the serial number."""
    return f"SEN2_{la_code}_{year}_"


def _pieces(connection: Connection, return_id: str, root: Element) -> Iterator[tuple[int, str]]:
    """The text of the file in pieces, each with the number of persons in it."""

    def visit(element: Element, depth: int) -> Iterator[tuple[int, str]]:
        if element.table:
            yield from _batches(connection, return_id, element, depth)
            return
        indent = "\t" * depth
        yield 0, f"{indent}<{element.tag}>\n"
        for child in element.children:
            yield from visit(child, depth + 1)
        yield 0, f"{indent}</{element.tag}>\n"

    yield 0, DECLARATION
    yield from visit(root, 0)


def _batches(
    connection: Connection, return_id: str, element: Element, depth: int
) -> Iterator[tuple[int, str]]:
    """The text of all rows of an element and of what hangs from them, in order."""
    query = _text_query(element, depth)
    if not element.keys:
        (row,) = connection.execute(query, {"return_id": return_id}).fetchall()
        yield 0, row[1] or ""
        return
    ranges = connection.execute(
        f"""
        select min(key) as first, max(key) as last
        from (
            select {element.keys[0]} as key, row_number() over (order by key) - 1 as number
            from person_level.{element.table}
            where return_id = $return_id
        )
        group by number // $batch
        order by first
        """,
        {"return_id": return_id, "batch": PERSONS_AT_A_TIME},
    ).fetchall()
    for first, last in ranges:
        parameters = {"return_id": return_id, "first": first, "last": last}
        (row,) = connection.execute(query, parameters).fetchall()
        yield row[0], row[1] or ""


def _text_query(element: Element, depth: int) -> str:
    """The query whose one row is how many rows an element has, and their text in order.

    Every group below it is a common table expression: the text of its rows by the row they hang
    from.
    """
    parts: list[str] = []
    _add_text(element, (), element.keys[:1], depth, parts)
    return f"with {', '.join(parts)} select row_count, xml from {quoted(element.tag)}"


def _add_text(
    element: Element, parent: Sequence[str], ranged: Sequence[str], depth: int, parts: list[str]
) -> None:
    """Add the expressions of the groups in an element, then its own, to `parts`."""
    indent = "\t" * depth
    pieces = [literal(f"{indent}<{element.tag}>\n")]
    joins = []
    for child in element.children:
        if child.item:
            tag = f"{indent}\t<{child.tag}>"
            end = f"</{child.tag}>\n"
            pieces.append(f"{literal(tag)} || {_escaped(child)} || {literal(end)}")
        else:
            _add_text(child, element.keys, ranged, depth + 1, parts)
            pieces.append(f"{quoted(child.tag)}.xml")
            joins.append(f"left join {quoted(child.tag)} using ({', '.join(element.keys)})")
    pieces.append(literal(f"{indent}</{element.tag}>\n"))
    within = "".join(f" and rows.{key} between $first and $last" for key in ranged)
    order = f" order by {_order(element)}" if element.most != "1" else ""  # ordering is dear
    parts.append(
        f"""{quoted(element.tag)} as (
            select {"".join(f"rows.{key}, " for key in parent)}
                count(*) as row_count,
                string_agg(concat({", ".join(pieces)}), ''{order}) as xml
            from person_level.{element.table} as rows {" ".join(joins)}
            where rows.return_id = $return_id{within}
            {f"group by {', '.join(f'rows.{key}' for key in parent)}" if parent else ""}
        )"""
    )


def _escaped(leaf: Element) -> str:
    """A value as it stands in the XML; NULL when it is blank, so that its tag falls away."""
    if leaf.is_date:
        return f"rows.{leaf.column}::varchar"
    text = f"nullif(rows.{leaf.column}::varchar, '')"
    for character, entity in (
        ("'&'", "&amp;"),
        ("'<'", "&lt;"),
        ("'>'", "&gt;"),
        ("chr(13)", "&#13;"),
    ):
        text = f"replace({text}, {character}, '{entity}')"
    return text


def _order(element: Element) -> str:
    """The order of an element's rows under one parent; equal rows need none."""
    columns = (
        *ORDERS.get(element.table or "", ()),
        *element.keys,
        *(leaf.column for leaf in element.leaves),
    )
    return ", ".join(f"rows.{column} nulls last" for column in dict.fromkeys(columns))


# Checking against the schema


def validate(path: Path, year: int, allowed: frozenset[str] = frozenset()) -> list[SchemaFault]:
    """Every place where a file does not fit the year's schema (at most the first thousand).

    `allowed` are the error rules that do not stop this file.

    The file is read once for its XML, since lxml loses those errors when it checks a schema; once
    for the schema; and, only when something is wrong, again line by line, since the parser does not
    say where.
    """
    tag = _person(year).tag
    with path.open("rb") as file:
        if fault := _syntax_fault(file):
            return [fault]
        file.seek(0)
        pieces = iter(partial(file.read, BYTES_AT_A_TIME), b"")
        if not any(_faults(pieces, _schema(year, allowed), tag)):
            return []
        file.seek(0)
        found = dict.fromkeys(_faults(file, _schema(year, allowed), tag))
    return list(found)[:MOST_FAULTS]


def _schema(year: int, allowed: frozenset[str] = frozenset()) -> Any:
    return etree.XMLSchema(etree.fromstring(xsd.schema_text(year, allowed).encode()))


def allowed_rules(connection: Connection, return_id: str) -> frozenset[str]:
    """The error rules that do not stop a return: agreed with DfE, or made queries here."""
    rows = connection.execute(
        "select rule_id from local.rule_severities where severity = 'query'"
        " union select rule_id from validation.issue_notes"
        " where kind = 'agreed' and return_id = ?",
        [return_id],
    ).fetchall()
    return frozenset(rule_id for (rule_id,) in rows)


def _person(year: int) -> Element:
    """The element of a person: the first that has a key."""
    return next(each for each in xsd.message(year).walk() if each.keys)


def _syntax_fault(file: BinaryIO) -> SchemaFault | None:
    """Where a file stops being XML, or declares entities; nothing when it is in order."""
    parser = expat.ParserCreate()

    def refuse(*_: object) -> NoReturn:
        raise _HasDoctype

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.ParseFile(file)
    except _HasDoctype:
        return SchemaFault(parser.CurrentLineNumber, WHOLE, "has a document type declaration")
    except expat.ExpatError as error:
        problem = expat.ErrorString(error.code) or ""
        file.seek(0)
        line = next(islice(file, error.lineno - 1, None), b"")
        element = OPENING.match(line)
        return SchemaFault(
            error.lineno,
            element[1].decode() if element else WHOLE,
            SYNTAX_PROBLEMS.get(problem, f"is not well-formed XML ({problem})"),
        )
    return None


class _HasDoctype(Exception):  # noqa: N818
    pass


def _faults(pieces: Iterable[bytes], schema: Any, tag: str) -> Iterator[SchemaFault]:
    """Where XML in pieces does not fit a schema; a fault's line is the number of its piece.

    Each element of the name `tag` is forgotten once it has been read.
    """
    parser = etree.XMLPullParser(events=("end",), tag=tag, schema=schema, **READER)
    number = seen = 0
    try:
        for number, piece in enumerate(pieces, start=1):
            parser.feed(piece)
            for _, element in parser.read_events():
                _forget(element)
            if len(parser.feed_error_log) > seen:
                yield from _new_faults(parser, number, seen)
                seen = len(parser.feed_error_log)
            if seen >= MOST_FAULTS:
                return
        parser.close()
    except etree.XMLSyntaxError:
        yield from _new_faults(parser, number, seen)
        if not len(parser.feed_error_log):
            yield SchemaFault(number, WHOLE, "cannot be read as XML")


def _new_faults(parser: Any, line: int, seen: int) -> Iterator[SchemaFault]:
    """The parser's faults after the first `seen`, in words of ours: its own quote the values."""
    for entry in list(parser.feed_error_log)[seen:]:
        element = ELEMENT.match(entry.message)
        problem = PROBLEMS.get(entry.type_name, OTHER_PROBLEM)
        if expected := EXPECTED.search(entry.message):
            problem += f"; expected: {', '.join(re.findall('[A-Za-z0-9]+', expected[1]))}"
        yield SchemaFault(line, element[1] if element else WHOLE, problem)


def _forget(element: Any) -> None:
    """Free a part of the tree that has been read, and what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


# Reading back


def digests_of_file(path: Path, year: int, schema: Any = None) -> dict[str, TableDigest]:
    """The rows of each table in a written file: how many, and a fingerprint of what they hold.

    The text of a row is its place (person number, request number, number among its like), then its
    values in the order of the structure; a table's fingerprint is the sum of its rows' hashes.

    Raises etree.XMLSyntaxError when the file does not fit the `schema`, if one is given.
    """
    root = xsd.message(year)
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
        _forget(node)
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
        if _syntax_fault(file):
            return None
    try:
        return digests_of_file(path, year, _schema(year, allowed))
    except etree.XMLSyntaxError:
        return None


def digests_of_tables(connection: Connection, return_id: str, year: int) -> dict[str, TableDigest]:
    """The same of the tables of a return; a row that hangs from nothing counts, so it is missed."""
    digests = {}
    for table, query in _digest_queries(xsd.message(year)).items():
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
    return f"row_number() over ({partition}order by {_order(element)})"


def differences(written: Digests, stored: Digests) -> list[str]:
    """Why a file may not leave: each table whose rows in it are not those of the return."""
    return [
        f"{table}: the file has {written[table].rows} rows and the return {stored[table].rows}"
        + ("." if written[table].rows != stored[table].rows else ", but they are not the same.")
        for table in stored
        if written[table] != stored[table]
    ]


# Publishing


def publish(draft: Draft, out: Path) -> Submission:
    """Give a draft its own name in the folder `out`, at once and for good, and say so."""
    path = out / draft.name
    with _writing(out), _removed_on_failure(draft.path):
        to_disk(draft.path)
        draft.path.replace(path)
        to_disk(out)
    return Submission(**(vars(draft) | {"path": path}))


def export(
    path: Path,
    return_id: str,
    year: int,
    out: Path,
    *,
    why_not: Callable[[Digests, Digests], Sequence[str]] = differences,
) -> Submission:
    """Write, check, read back and publish a return of the warehouse at `path`.

    `why_not` is the leaving gate: from the digests of the file and of the return, the reasons why
    the file may not leave. Whatever goes wrong, nothing new is in `out` and what was there stays.
    """
    with warehouse.connect(path, read_only=True) as connection:
        allowed = allowed_rules(connection, return_id)
        draft = write(connection, return_id, year, out)
        with _removed_on_failure(draft.path):
            with ThreadPoolExecutor(1) as other:  # DuckDB leaves the interpreter to the reader
                stored = other.submit(digests_of_tables, connection, return_id, year)
                written = read_back(draft.path, year, allowed)
            if written is None:
                faults = validate(draft.path, year, allowed)
                persons = persons_at(connection, return_id, year, draft.path, faults)
                raise NotValidError(_not_valid(draft, faults, persons), faults)
            if reasons := why_not(written, stored.result()):
                raise DefectError(
                    "The file does not hold what the return does. " + " ".join(reasons)
                )
    return publish(draft, out)


def persons_at(
    connection: Connection, return_id: str, year: int, path: Path, faults: Sequence[SchemaFault]
) -> list[str]:
    """The person_id of each fault in a written file; blank where the fault is in the header."""
    begins = f"<{_person(year).tag}>".encode()
    numbers, number, wanted = {}, 0, {fault.line for fault in faults}
    with path.open("rb") as file:
        for line, text in enumerate(file, start=1):
            number += text.strip() == begins  # we write one element a line
            if line in wanted:
                numbers[line] = number
    found = dict(
        connection.execute(
            "select number, person_id from ("
            " select person_id, row_number() over (order by person_id) as number"
            " from person_level.person where return_id = ?)"
            " where list_contains(?, number)",
            [return_id, sorted(set(numbers.values()))],
        ).fetchall()
    )
    return [found.get(numbers.get(fault.line, 0), "") for fault in faults]


def _not_valid(draft: Draft, faults: Sequence[SchemaFault], persons: Sequence[str]) -> str:
    shown = [
        (f"person {person}, " if person else "") + f"{fault.element}: {fault.problem}"
        for fault, person in zip(faults, persons, strict=True)
    ][:10]
    more = f"; and {len(faults) - len(shown)} more" if len(faults) > len(shown) else ""
    return (
        f"{draft.name} would not fit the structure of the collection {draft.year}, so it was not"
        f" written: {'; '.join(shown)}{more}."
    )


def submissions_in(folder: Path, la_code: str, year: int) -> list[Path]:
    """The authority's submissions of the year in a folder, by name."""
    return sorted(folder.glob(f"{_stem(la_code, year)}*.xml"))


def retire_others(out: Path, la_code: str, year: int, keep: Path | None) -> list[Path]:
    """Move the authority's other submissions of the year to `superseded`; say where they are."""
    others = [
        path for path in submissions_in(out, la_code, year) if path.name != (keep and keep.name)
    ]
    with _writing(out):
        if others:
            (out / places.SUPERSEDED).mkdir(exist_ok=True)
        for path in others:
            path.replace(out / places.SUPERSEDED / path.name)
    return [out / places.SUPERSEDED / path.name for path in others]


@contextmanager
def _removed_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{out}: cannot be written to ({error.strerror}).") from None
