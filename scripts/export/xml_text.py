"""The return's tables as the text of DfE's XML file: one query, streamed to a temporary file."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ..ground.errors import InputError
from ..ground.sql import literal, quoted
from ..spec import xml_structure
from ..spec.xml_structure import Element

PERSONS_AT_A_TIME = 10_000
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
ORDERS = {
    "requests": ("received_date", "request_id"),
    "plan_detail": ("placement_rank",),
    "placement_detail": ("placement_rank", "entry_date", "placement_id"),
    "sen_need": ("sen_type_rank",),
}
Connection = duckdb.DuckDBPyConnection


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
        return f"{file_stem(self.la_code, self.year)}{self.serial_no}.xml"


# Writing


def write(connection: Connection, return_id: str, year: int, out: Path) -> Draft:
    """Write a return to a temporary file in `out`; the caller publishes or removes it."""
    la_code, serial_no = _header(connection, return_id)
    stem = file_stem(la_code, year)
    path = out / f".{stem}{serial_no}.xml.part"
    sha256, size, person_count = hashlib.sha256(), 0, 0
    with explained(out), removed_on_failure(path):
        out.mkdir(parents=True, exist_ok=True)
        for left_over in out.glob(f".{stem}*.part"):
            left_over.unlink()
        with path.open("wb") as file:
            for count, text in _pieces(connection, return_id, xml_structure.message(year)):
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


def file_stem(la_code: str, year: int) -> str:
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
    order = f" order by {order_of(element)}" if element.most != "1" else ""  # ordering is dear
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


def order_of(element: Element) -> str:
    """The order of an element's rows under one parent; equal rows need none."""
    columns = (
        *ORDERS.get(element.table or "", ()),
        *element.keys,
        *(leaf.column for leaf in element.leaves),
    )
    return ", ".join(f"rows.{column} nulls last" for column in dict.fromkeys(columns))


@contextmanager
def removed_on_failure(path: Path) -> Iterator[None]:
    """Leave no half of a file behind."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def explained(out: Path) -> Iterator[None]:
    """Make a folder that cannot be written to an input error."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{out}: cannot be written to ({error.strerror}).") from None
