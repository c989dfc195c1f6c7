"""The XML message of a year as the seeds describe it, and the XML schema made from that.

The schema is never stricter than our error rules: a value is limited to its codes or its format
only where an error rule of the year already does so, and is otherwise any text; what a likely
error, a query, finds missing may be missing.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

from .. import spec
from ..ground.errors import DefectError, InputError

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"

MODULE_TABLES = {"header": "sen2"}  # where a module of rules.csv is not named as its table
STOPPING = ("load_reject", "error")
GUARDED_TYPES = {"gYear": "xs:gYear", "dateTime": "xs:dateTime"}

COMMENT = re.compile(r" \(.*?\)")
PICTURE = re.compile(r"((?:[9A](?:\(\d+\))?)+)(?= |$)")
SYMBOL = re.compile(r"([9A])(?:\((\d+)\))?")
OTHER_LENGTH = re.compile(r"\((\d+)-digit")


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


def schema_path(year: int) -> Path:
    """Where the schema of a year is shipped."""
    return SCHEMAS / f"sen2_{year}.xsd"


def write_schemas() -> list[Path]:
    """Write the schema of every year anew; the same seeds give the same bytes."""
    SCHEMAS.mkdir(exist_ok=True)
    for year in years():
        schema_path(year).write_text(schema_text(year), encoding="utf-8", newline="\n")
    return [schema_path(year) for year in years()]


def schema_text(year: int, allowed: frozenset[str] = frozenset()) -> str:
    """The XML schema of a year's file.

    `allowed` are error rules that do not stop this file: DfE has agreed to what they find, or the
    authority has made them queries.
    """
    root = message(year)
    codesets: dict[str, None] = {}
    limits = _limits(year, allowed)
    types = [
        line for each in root.walk() if each.children for line in _group(each, limits, codesets)
    ]
    codes = [line for codeset in sorted(codesets) for line in _codes(codeset, year)]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        *_header(root, year),
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">',
        f'\t<xs:element name="{root.tag}" type="{root.tag}"/>',
        *types,
        *codes,
        "</xs:schema>",
    ]
    return "\n".join(lines) + "\n"


def _header(root: Element, year: int) -> Iterator[str]:
    """The comment that says what this schema is, and how sure its facts are."""
    elements = [each for each in root.walk() if each is not root]
    unsure = [each for each in elements if each.is_provisional]
    levels = Counter(_level(each) for each in elements)
    yield "<!--"
    if spec.collection(year).is_provisional:
        yield f"\tPROVISIONAL. DfE's structure for {year} is NOT CONFIRMED by any public source we"
        yield "\tknow: a file that fits this schema may still not load."
        yield f"\tCollection {year}: {_comment(_status(year))}"
        yield ""
    yield f"\tSEN2 {year}, person level file. This is NOT DfE's schema: this project derived it"
    yield "\tfrom public material (the rows of seeds/spec), and what DfE loads may differ from it."
    yield "\tValues are held to codes and formats only where an error rule of ours does so too."
    yield f"\tEvidence for the {len(elements)} elements: " + ", ".join(
        f"{count} {level}" for level, count in sorted(levels.items())
    )
    if unsure and len(unsure) < len(elements):
        yield "\tUncertain: " + ", ".join(each.tag for each in unsure)
    yield "\tGenerated by scripts/export/xsd.py: change the seeds and run `make generate`."
    yield "-->"


def _level(element: Element) -> str:
    words = re.findall(r"\b[A-Z]{6,}\b", element.evidence)
    return "UNCERTAIN" if element.is_provisional else (words or ["UNMARKED"])[0]


def _status(year: int) -> str:
    rows = spec.seed("collections")
    return next(row["status"] for row in rows if row["collection_year"] == str(year))


def _comment(text: str) -> str:
    """Text that may stand in an XML comment."""
    return text.replace("--", "-")


@dataclass(frozen=True)
class _Limits:
    """What the rules of a year demand: values by table and tag, and tags that may be missing."""

    guarded: frozenset[tuple[str, str]]
    may_be_missing: frozenset[str]


def _limits(year: int, allowed: frozenset[str]) -> _Limits:
    """The limits of the year's error rules, without those that are `allowed`.

    Rules that only complete a listed one (origin `ours`) do not count: they are in force in years
    in which the one they complete is not.
    """
    guarded: set[tuple[str, str]] = set()
    may_be_missing: set[str] = set()
    for rule in spec.in_force("rules", year):
        tags = rule["items"].split(";")
        table = MODULE_TABLES.get(rule["module"], rule["module"])
        if rule["rule_id"] in allowed:
            may_be_missing.update(tags)
        elif rule["severity"] in STOPPING and rule["origin"] != "ours":
            guarded.update((table, tag) for tag in tags)
        elif rule["likely_error"] == "true":
            may_be_missing.add(tags[0])
    return _Limits(frozenset(guarded), frozenset(may_be_missing))


def _group(element: Element, limits: _Limits, codesets: dict[str, None]) -> Iterator[str]:
    """The type of a group: its children in order, each with how often it may come."""
    yield f'\t<xs:complexType name="{element.tag}">'
    yield "\t\t<xs:sequence>"
    for child in element.children:
        head = f'\t\t\t<xs:element name="{child.tag}"{_occurs(child, limits)}'
        if child.children:
            yield f'{head} type="{child.tag}"/>'
        else:
            yield from _value(child, head, limits, codesets)
    yield "\t\t</xs:sequence>"
    yield "\t</xs:complexType>"


def _occurs(element: Element, limits: _Limits) -> str:
    least = "0" if element.tag in limits.may_be_missing else element.least
    least = "" if least == "1" else f' minOccurs="{least}"'
    most = "" if element.most == "1" else f' maxOccurs="{element.most}"'
    return least + most


def _value(
    element: Element, head: str, limits: _Limits, codesets: dict[str, None]
) -> Iterator[str]:
    """A single value: a date, one of the year's codes, a pattern, or text."""
    item = element.item or {}
    if element.is_date:
        yield f'{head} type="xs:date"/>'
    elif (item["table_name"], item["xml_tag"]) not in limits.guarded:
        yield f'{head} type="xs:string"/>'
    elif item["data_type"] in GUARDED_TYPES:
        yield f'{head} type="{GUARDED_TYPES[item["data_type"]]}"/>'
    elif item["codeset"]:
        codesets[item["codeset"]] = None
        yield f'{head} type="{_code_type(item["codeset"])}"/>'
    elif facet := _facet(element):
        yield f"{head}>"
        yield "\t\t\t\t<xs:simpleType>"
        yield '\t\t\t\t\t<xs:restriction base="xs:string">'
        yield f"\t\t\t\t\t\t{facet}"
        yield "\t\t\t\t\t</xs:restriction>"
        yield "\t\t\t\t</xs:simpleType>"
        yield "\t\t\t</xs:element>"
    else:
        yield f'{head} type="xs:string"/>'


def _facet(element: Element) -> str:
    """What limits a text without codes: its pattern, or that it is not empty."""
    if pattern := _pattern((element.item or {})["format"]):
        return f'<xs:pattern value="{pattern}"/>'
    return '<xs:minLength value="1"/>' if element.least == "1" else ""


def _pattern(picture: str) -> str:
    """DfE's picture of a format, such as A9(12), as a pattern; nothing for free text.

    "(5-digit URNs may exist)" beside a picture adds that number of digits.
    """
    alternatives = [
        "".join(
            ("[0-9]" if symbol == "9" else "[A-Z]") + (f"{{{count}}}" if count else "")
            for symbol, count in SYMBOL.findall(match[1])
        )
        for part in COMMENT.sub("", picture).split(" or ")
        if (match := PICTURE.match(part))
    ]
    alternatives += [f"[0-9]{{{count}}}" for count in OTHER_LENGTH.findall(picture)]
    return "|".join(alternatives)


def _code_type(codeset: str) -> str:
    return f"{codeset}Code"


def _codes(codeset: str, year: int) -> Iterator[str]:
    """The type of a code set: the codes in force, in code order."""
    codes = {row["code"] for row in spec.in_force("codes", year) if row["codeset"] == codeset}
    yield f'\t<xs:simpleType name="{_code_type(codeset)}">'
    yield '\t\t<xs:restriction base="xs:string">'
    for code in sorted(codes):
        yield f'\t\t\t<xs:enumeration value="{escape(code)}"/>'
    yield "\t\t</xs:restriction>"
    yield "\t</xs:simpleType>"
