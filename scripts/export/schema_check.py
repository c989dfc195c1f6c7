"""Does a file fit the schema of its year? Each fault by line and element, never a value."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from xml.parsers import expat

import duckdb
from lxml import etree

from ..spec import xml_structure
from ..spec.xml_structure import Element
from . import xsd

BYTES_AT_A_TIME = 1 << 16
MOST_FAULTS = 1_000
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


@dataclass(frozen=True)
class SchemaFault:
    """Where a file does not fit the schema: line, element and problem, never a value."""

    line: int
    element: str
    problem: str

    def __str__(self) -> str:
        """The fault as one line."""
        return f"line {self.line}, {self.element}: {self.problem}"


# Checking against the schema


def validate(path: Path, year: int, allowed: frozenset[str] = frozenset()) -> list[SchemaFault]:
    """Every place where a file does not fit the year's schema (at most the first thousand).

    `allowed` are the error rules that do not stop this file.

    The file is read once for its XML, since lxml loses those errors when it checks a schema; once
    for the schema; and, only when something is wrong, again line by line, since the parser does not
    say where.
    """
    tag = person_element(year).tag
    with path.open("rb") as file:
        if fault := syntax_fault(file):
            return [fault]
        file.seek(0)
        pieces = iter(partial(file.read, BYTES_AT_A_TIME), b"")
        if not any(_faults(pieces, compiled_schema(year, allowed), tag)):
            return []
        file.seek(0)
        found = dict.fromkeys(_faults(file, compiled_schema(year, allowed), tag))
    return list(found)[:MOST_FAULTS]


def compiled_schema(year: int, allowed: frozenset[str] = frozenset()) -> Any:
    """The schema of a year, ready to judge a file."""
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


def person_element(year: int) -> Element:
    """The element of a person: the first that has a key."""
    return next(each for each in xml_structure.message(year).walk() if each.keys)


def syntax_fault(file: BinaryIO) -> SchemaFault | None:
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
                forget(element)
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


def forget(element: Any) -> None:
    """Free a part of the tree that has been read, and what stands before it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]
