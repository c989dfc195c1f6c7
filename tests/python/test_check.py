"""Checking a finished file: what the reader makes of any XML, and what the rules say of it."""

import csv
import os
import random
import resource
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from sen2 import spec, warehouse
from sen2.build.build import build
from sen2.export import read_back, xml_text
from sen2.gates import gates
from sen2.ground.errors import InputError
from sen2.imports import result
from sen2.imports.xml import load_file, parse, structure, table_writer
from sen2.jobs import check
from sen2.land.land import land
from sen2.sample import write_sample
from sen2.settings.config import read_config
from sen2.spec import xml_structure

from .conftest import SHARED, YEAR, Built, once
from .extracts import build_models
from .test_run import sen2, values_of_people

HERE = Path(__file__).parent
YEARS = [year for year in xml_structure.years() if spec.has_confirmed_structure(year)]
SAMPLES = {int(path.stem[-4:]): path for path in sorted((HERE / "samples").glob("*.xml"))}
FILES = [*SAMPLES.values(), *sorted((HERE / "golden").glob("*.xml"))]
TABLES = {table: columns[1:] for table, columns in spec.person_level_columns().items()}
LINED = {table: f"{table}_lines" for table in warehouse.LINED_TABLES}
MODULE_TABLES = {"header": "sen2"}

Fault = tuple[str, int, str, str | None, str]
Edit = Callable[[str], str]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of other returns, empty."""
    with duckdb.connect() as connection:
        warehouse.prepare(connection, YEAR)
        yield connection


def load(
    connection: duckdb.DuckDBPyConnection, folder: Path, content: str | bytes, year: int = YEAR
) -> list[Fault]:
    """Read a file of this content as the return `x`; gives its faults in order."""
    path = folder / "x.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    load_file.load(connection, path, "x", year)
    return faults(connection)


def faults(connection: duckdb.DuckDBPyConnection) -> list[Fault]:
    return connection.execute(
        "select rule_id, line, element, person_id, message from imported.structure_faults"
        " where return_id = 'x' order by line, rule_id, element"
    ).fetchall()


def rows(connection: duckdb.DuckDBPyConnection, table: str, return_id: str = "x") -> list[tuple]:
    columns = ", ".join(TABLES[table])
    return connection.execute(
        f"select {columns} from imported.{table} where return_id = ? order by all", [return_id]
    ).fetchall()


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return len(rows(connection, table))


def sample(year: int = YEAR) -> str:
    return SAMPLES[year].read_text(encoding="utf-8")


def replaced(old: str, new: str) -> Edit:
    """An edit of the first place where some text stands, which must be there."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def moved(piece: str, mark: str) -> Edit:
    """An edit that takes a piece from where it first stands to before a mark."""

    def edit(text: str) -> str:
        return replaced(mark, piece + mark)(replaced(piece, "")(text))

    return edit


def line_of(text: str, mark: str) -> int:
    return text[: text.index(mark)].count("\n") + 1


# Reading what is right


def expected_tables(path: Path) -> tuple[dict[str, list[tuple]], dict[tuple[str, str], int]]:
    """A second, naive reader: each table's rows and each record's line, from lxml's tree."""
    items = {(row["table_name"], row["xml_tag"]): row["column_name"] for row in spec.seed("items")}
    found: dict[str, list[tuple]] = {table: [] for table in TABLES}
    lines: dict[tuple[str, str], int] = {}

    def row(table: str, keys: list[str], *nodes: Any) -> None:
        values = {
            items[table, child.tag]: child.text
            for node in nodes
            for child in node
            if (table, child.tag) in items and len(child) == 0
        }
        keyed = dict(zip(["person_id", "request_id", "placement_id"], keys, strict=False))
        found[table].append(tuple((values | keyed).get(column) for column in TABLES[table]))
        lines[table, keys[-1] if keys else ""] = nodes[0].sourceline

    root = etree.parse(str(path)).getroot()
    row("sen2", [], root.find("Header/CollectionDetails"), root.find("Header/Source"))
    for p, person in enumerate(root.findall("Persons/Person"), start=1):
        person_id = f"p{p:07}"
        row("person", [person_id], person)
        for r, request in enumerate(person.findall("Requests"), start=1):
            keys = [person_id, f"{person_id}/{r}"]
            row("requests", keys, request)
            for table, place in (
                ("assessment", "Assessment"),
                ("named_plan", "Assessment/NamedPlan"),
                ("plan_detail", "Assessment/NamedPlan/PlanDetail"),
                ("active_plans", "ActivePlans"),
                ("sen_need", "ActivePlans/SENneed"),
            ):
                for node in request.findall(place):
                    row(table, keys, node)
            for n, node in enumerate(request.findall("ActivePlans/PlacementDetail"), start=1):
                row("placement_detail", [*keys, f"{keys[-1]}/{n}"], node)
    return found, lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_value_is_read_into_its_place_with_its_line(
    path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    year = int(path.stem[-4:])
    assert parse.header_years(path) == (
        str(year),
        etree.parse(path).findtext(".//ReferenceDate"),
    )
    loaded = load_file.load(connection, path, "x", year)
    wanted, lines = expected_tables(path)
    for table, expected in wanted.items():
        assert rows(connection, table) == sorted(
            expected, key=lambda row: [(value is None, value or "") for value in row]
        )
    assert (faults(connection), loaded.stopped_at) == ([], None)
    assert loaded.person_count == len(wanted["person"])
    kept = connection.execute(
        "select module, record_id, line from imported.record_lines where return_id = 'x'"
    ).fetchall()
    assert sorted(kept) == sorted(
        ("header", "x", line) if table == "sen2" else (table, record_id, line)
        for (table, record_id), line in lines.items()
        if table not in LINED
    )
    for table, lined in LINED.items():
        columns = ", ".join(TABLES[table])
        with_lines = connection.execute(
            f"select {columns} from imported.{lined} where return_id = 'x' order by all"
        ).fetchall()
        assert with_lines == rows(connection, table)


def test_a_return_that_is_read_again_takes_the_place_of_the_first(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(connection, tmp_path, replaced("<Surname>", "<Surname>x</Surname><Surname>")(sample()))
    assert load(connection, tmp_path, sample()) == []
    assert count(connection, "person") == 8
    assert count(connection, "sen2") == 1


def test_a_file_that_is_refused_leaves_what_was_there(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_writer, "ROWS_AT_A_TIME", 1)
    load(connection, tmp_path, sample())
    wanted = {table: rows(connection, table) for table in TABLES}
    refused = replaced("Ella</", "x" * (result.LONGEST_TEXT + 1) + "</")(sample())
    with pytest.raises(InputError, match="is longer than"):
        load(connection, tmp_path, refused)
    assert {table: rows(connection, table) for table in TABLES} == wanted


@pytest.mark.parametrize("limit", ["ROWS_AT_A_TIME", "SIZE_AT_A_TIME"])
def test_batches_of_rows_add_up_to_the_file(
    limit: str,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load(connection, tmp_path, sample())
    wanted = {table: rows(connection, table) for table in TABLES}
    batches = []
    write = table_writer.TableWriter.write
    monkeypatch.setattr(table_writer, limit, 1)
    monkeypatch.setattr(
        table_writer.TableWriter,
        "write",
        lambda tables: batches.append(tables.count) or write(tables),
    )
    assert load(connection, tmp_path, sample()) == []
    assert {table: rows(connection, table) for table in TABLES} == wanted
    assert len(batches) == 9


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Smith", "Smith"),
        (" Smith ", " Smith "),
        ("\n\t\t\tSmith\n\t\t", "Smith"),
        ("\n  Smith  Jones ", "Smith  Jones "),
        ("Smith\nJones", "Smith\nJones"),
        ("&#65;&amp;<![CDATA[<b>]]>", "A&<b>"),
        ("Zo\u00eb &#x1F642;", "Zo\u00eb \U0001f642"),
        ("\u00a0", "\u00a0"),
        ("  \n ", None),
        ("", None),
        ("x" * result.LONGEST_TEXT, "x" * result.LONGEST_TEXT),
    ],
)
def test_a_value_loses_only_the_line_breaks_and_indents_around_it(
    written: str, read: str | None, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    edit = replaced("<Forename>Ada</Forename>", f"<Forename>{written}</Forename>")
    assert load(connection, tmp_path, edit(sample())) == []
    assert rows(connection, "person")[0][TABLES["person"].index("forename")] == read


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_a_declared_encoding_is_read(
    encoding: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    declared = encoding.removesuffix("-sig")
    text = sample().replace('"utf-8"', f'"{declared}"').replace("Ada", "Zo\u00eb")
    assert load(connection, tmp_path, text.encode(encoding)) == []
    assert rows(connection, "person")[0][TABLES["person"].index("forename")] == "Zo\u00eb"


def test_guide_spelling_schema_hints_and_the_unsettled_place_of_last_review_are_no_faults(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = sample(2025).replace("SENSettingOther>", "SENsettingOther>")
    text = text.replace("SENSetting>", "SENsetting>").replace(
        "<Message>",
        '<Message xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        ' xsi:noNamespaceSchemaLocation="sen2.xsd">',
    )
    tree = etree.fromstring(text.encode())
    moved = 0
    for last in tree.iter("LastReview"):
        if (meeting := last.getparent().find("ReviewMeeting")) is not None:
            meeting.addnext(last)
            moved += 1
    assert moved
    assert load(connection, tmp_path, etree.tostring(tree), 2025) == []
    wanted, _ = expected_tables(SAMPLES[2025])
    for table in ("plan_detail", "placement_detail", "active_plans"):
        assert len(rows(connection, table)) == len(wanted[table])
    settings_read = [row[TABLES["plan_detail"].index("sen_setting")] for row in
                     rows(connection, "plan_detail")]  # fmt: skip
    assert "OLA" in settings_read


def test_only_last_review_of_one_year_may_stand_anywhere() -> None:
    anywhere = {
        (year, part.tag, child.tag)
        for year in YEARS
        for part in structure.structure_of(year)[1].values()
        for child in part.children.values()
        if child.position == structure.ANYWHERE and child.is_of_year
    }
    assert anywhere == {(2025, "ActivePlans", "LastReview")}


# Reading what is wrong

PERSON = "\t\t<Person>\n"
ACTIVE = "\t\t\t\t<ActivePlans>\n"
FIRST = "p0000001"

# Name, edit of the 2026 sample, then the fault: rule, text on its line, element, person, words.
FAULTS: dict[str, tuple[Edit, str, str, str, str | None, str]] = {
    "order": (
        moved("<StartDate>2025-06-17</StartDate>", "<PB>"),
        "F01", "<StartDate>", "StartDate", FIRST, "comes after PlanDetail and belongs before it",
    ),
    "order in the header": (
        moved("<DMO>Y</DMO>", "<DSCO>"),
        "F01", "<DMO>", "DMO", None, "comes after DCO and belongs before it",
    ),
    "unknown": (
        replaced("<Ethnicity>", "<ShoeSize><a>1</a>2</ShoeSize>\n<Ethnicity>"),
        "F01", "<ShoeSize>", "ShoeSize", FIRST, "is not an element of the file",
    ),
    "other year": (
        replaced("<Ethnicity>", "<GenderCurrent>1</GenderCurrent>\n<Ethnicity>"),
        "F02", "<GenderCurrent>", "GenderCurrent", FIRST, "is not collected in Person in 2026",
    ),
    "other year, first of its group": (
        replaced(
            "<PlacementDetail>\n",
            "<PlacementDetail>\n<AttendancePattern>FT</AttendancePattern>",
        ),
        "F02", "<AttendancePattern>", "AttendancePattern", FIRST, "is not collected in",
    ),
    "value in the wrong group": (
        replaced("<RYA>", "<Week20>0</Week20>\n<RYA>"),
        "F01", "<Week20>0</Week20>\n<RYA>", "Week20", FIRST, "does not belong in Requests",
    ),
    "group in the wrong group": (
        lambda text: replaced("</Assessment>\n" + ACTIVE, ACTIVE)(
            replaced("</ActivePlans>", "</ActivePlans></Assessment>")(text)
        ),
        "F01", "<ActivePlans>", "ActivePlans", FIRST, "does not belong in Assessment",
    ),
    "request within a request": (
        lambda text: text.replace("</Requests>\n\t\t\t<Requests>", "<Requests>", 1)
        .replace("</Requests>\n\t\t</Person>", "</Requests></Requests></Person>", 2)
        .replace("</Requests></Requests>", "</Requests>", 1),
        "F01", "<Requests>\n\t\t\t\t<ReceivedDate>2025-12-04", "Requests", "p0000002",
        "does not belong in Requests",
    ),
    "assessment without a request": (
        replaced(
            "<Requests>",
            "<Assessment><AssessmentOutcome>Y</AssessmentOutcome></Assessment>\n<Requests>",
        ),
        "F01", "<Assessment>", "Assessment", FIRST, "does not belong in Person",
    ),
    "need within a placement": (
        moved(
            "<SENneed>\n\t\t\t\t\t\t<SENtype>SLCN</SENtype>\n"
            "\t\t\t\t\t\t<SENtypeRank>1</SENtypeRank>\n\t\t\t\t\t</SENneed>\n",
            "</PlacementDetail>",
        ),
        "F01", "<SENneed>", "SENneed", FIRST, "does not belong in PlacementDetail",
    ),
    "repeated value": (
        replaced("<Forename>", "<Surname>Again</Surname>\n<Forename>"),
        "F01", "<Surname>Again", "Surname", FIRST, "stands in Person twice",
    ),
    "element in a value": (
        replaced("Ada", "Ad<b>x</b>a"),
        "F01", "Ad<b>", "b", FIRST, "does not belong in Forename",
    ),
    "letter case": (
        lambda text: text.replace("Forename>", "ForeName>", 2),
        "F01", "<ForeName>", "ForeName", FIRST, "is to be written Forename",
    ),
    "attribute": (
        replaced("<Person>", '<Person id="7">'),
        "F01", '<Person id="7">', "Person", None, "has an attribute",
    ),
    "text between parts": (
        replaced("<Requests>", "stray <Requests>"),
        "F01", "stray", "Person", FIRST, "has text between its parts",
    ),
    "two headers": (
        replaced(
            "</Header>",
            "</Header>\n<Header><CollectionDetails><Year>1999</Year></CollectionDetails>"
            "<Source/></Header>",
        ),
        "F01", "<Header><C", "Header", None, "stands in Message twice",
    ),
    "no header": (
        lambda text: text[: text.index("\t<Header>")] + text[text.index("\t<Persons>") :],
        "F01", "<Message>", "Message", None, "has no Header",
    ),
    "no persons": (
        lambda text: text[: text.index("\t<Persons>")] + "</Message>",
        "F01", "<Message>", "Message", None, "has no Persons",
    ),
    "no person": (
        lambda text: text[: text.index(PERSON)] + "</Persons></Message>",
        "F01", "<Persons>", "Persons", None, "has no Person",
    ),
    "persons before the header": (
        lambda text: "<Message>\n" + text[text.index("\t<Persons>") : text.index("</Message>")]
        + text[text.index("\t<Header>") : text.index("\t<Persons>")] + "</Message>",
        "F01", "<Header>", "Header", None, "comes after Persons and belongs before it",
    ),
    "namespace": (
        replaced("<Message>", '<Message xmlns="http://example.org/sen2">'),
        "F01", "<Message xmlns", "Message", None, "is in a namespace",
    ),
    "prefix": (
        lambda text: text.replace("<", "<s:").replace("<s:/", "</s:").replace("<s:!", "<!")
        .replace("<s:?", "<?").replace("<s:Message", '<s:Message xmlns:s="urn:x"'),
        "F01", "<s:Message", "Message", None, "is in a namespace",
    ),
    "wrong root": (
        lambda text: text.replace("Message>", "SEN2Return>"),
        "F01", "<SEN2Return>", "SEN2Return", None, "is the root element, where Message should be",
    ),
    "no date": (
        replaced("<StartDate>2025", "<StartDate>31/12/2025"),
        "F04", "31/12", "StartDate", FIRST, "is 31/12/2025-06-17, which is not a date",
    ),
    "no day of any month": (
        replaced("<EntryDate>2025-09-04", "<EntryDate>2025-02-29"),
        "F04", "2025-02-29", "EntryDate", FIRST, "is 2025-02-29, which is not a date of the form",
    ),
    "truncated": (
        lambda text: text[: text.index("<UPN>E") + 9],
        "F01", "<UPN>E", "the file", None, "the person here and what follows was not read",
    ),
    "tags that do not match": (
        replaced("Sample</Surname>", "Sample</Forename>"),
        "F01", "Sample</Forename>", "the file", None, "an element is closed that is not the open",
    ),
    "bare ampersand": (
        replaced("&amp; Sons", "& Sons"),
        "F01", "& Sons", "the file", None, "a character stands where XML does not allow it",
    ),
    "control character": (
        replaced("Sample</S", "Sam\x0bple</S"),
        "F01", "Sam\x0bple", "the file", None, "a character stands where XML does not allow it",
    ),
    "something after the end": (
        lambda text: text + "<more/>",
        "F01", "<more/>", "the file", None, "something follows the end of the root element",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_structure_fault_is_reported_with_its_rule_and_line(
    name: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    edit, rule_id, mark, element, person_id, words = FAULTS[name]
    text = edit(sample())
    (fault,) = load(connection, tmp_path, text)
    assert fault[:4] == (rule_id, line_of(text, mark), element, person_id)
    assert words in fault[4]


@pytest.mark.parametrize(
    "name",
    sorted(FAULTS.keys() - {
        "no header", "no persons", "no person", "truncated", "tags that do not match",
        "bare ampersand", "control character", "no date", "no day of any month",
        "element in a value", "other year, first of its group", "other year",
    }),
)  # fmt: skip
def test_what_can_be_read_beside_a_fault_is_read(
    name: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(connection, tmp_path, sample())
    wanted = {table: rows(connection, table) for table in TABLES}
    text = FAULTS[name][0](sample())
    assert load(connection, tmp_path, text) != []
    assert {table: rows(connection, table) for table in TABLES} == wanted


def test_an_item_of_another_year_is_read(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    load(connection, tmp_path, FAULTS["other year"][0](sample()))
    column = TABLES["person"].index("gender_current")
    assert [row[column] for row in rows(connection, "person")] == ["1", *[None] * 7]


def test_of_a_file_that_breaks_off_the_complete_people_are_kept(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = FAULTS["truncated"][0](sample())
    load(connection, tmp_path, text)
    assert [row[0] for row in rows(connection, "person")] == [FIRST]
    assert {row[0] for row in rows(connection, "requests")} == {FIRST}
    loaded = load_file.load(connection, tmp_path / "x.xml", "x", YEAR)
    assert (loaded.person_count, loaded.stopped_at) == (1, text.count("\n") + 1)


def test_more_parts_than_allowed_are_rows_for_the_rules_to_judge(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = TOO_MANY(sample())
    load(connection, tmp_path, sample())
    before = {table: count(connection, table) for table in TABLES}
    assert load(connection, tmp_path, text) == []
    more = {table: count(connection, table) - before[table] for table in TABLES}
    assert {table: n for table, n in more.items() if n} == {"assessment": 1, "plan_detail": 1}


def TOO_MANY(text: str) -> str:  # noqa: N802
    """A third setting named in the first plan, and a second assessment of its request."""
    detail = "<PlanDetail><URN>999902</URN><PlacementRank>2</PlacementRank></PlanDetail>\n"
    text = replaced("\t<PB>1</PB>", f"\t{detail}<PB>1</PB>")(text)
    again = "<Assessment><AssessmentOutcome>Y</AssessmentOutcome></Assessment>"
    return replaced("</Assessment>", f"</Assessment>{again}")(text)


def test_a_fault_of_one_kind_is_kept_a_few_times_and_counted(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    person = "<Person><Shoe/>\n</Person>"
    text = f"<Message><Header/><Persons>{person * 1000}</Persons></Message>"
    found = [fault for fault in load(connection, tmp_path, text) if fault[2] == "Shoe"]
    assert [fault[1] for fault in found[:-1]] == list(range(1, result.MOST_OF_A_KIND + 1))
    assert found[-1][1] == 1000
    assert "975 more like it" in found[-1][4]
    many = "".join(f"<e{n}/>" for n in range(10_000))
    assert (
        len(load(connection, tmp_path, f"<Message>{many}<Persons><Person/></Persons></Message>"))
        < 1_000
    )


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("SEN2_330_2026_001.xml", "sen2_330_2026_001"),
        ("../a b'; drop--.xml", "a_b_drop"),
        ("\u00e9.xml", "file"),
        ("x" * 200 + ".xml", "x" * result.LONGEST_NAME),
    ],
)
def test_the_name_of_a_return_is_safe(name: str, read: str) -> None:
    assert result.return_name(Path(name)) == read


def test_the_name_of_the_built_return_is_refused() -> None:
    with pytest.raises(InputError, match="rename"):
        result.return_name(Path("Built.xml"))


SMALL = sample().encode()[: sample().encode().index(b"\t\t<Person>\n", 4000)] + (
    b"\t</Persons>\n</Message>\n"
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The sample with parts of it cut, doubled, moved or written over."""
    content = SMALL
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        piece = content[start : start + draw(st.integers(0, 400))]
        place = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["cut", "double", "move", "write", "lines"]))
        if kind == "cut":
            content = content.replace(piece, b"", 1)
        elif kind == "double":
            content = content[:place] + piece + content[place:]
        elif kind == "move":
            content = content.replace(piece, b"", 1)
            content = content[:place] + piece + content[place:]
        elif kind == "write":
            other = draw(st.binary(max_size=6) | st.sampled_from([
                b"<", b">", b"</", b"&x;", b"<!DOCTYPE a>", b"<![CDATA[", b"<!--", b"<?x ?>",
                b"<Person>", b"</Person>", b"<a xmlns='b'>", b"\x00", b"\xff\xfe",
            ]))  # fmt: skip
            content = content[:place] + other + content[place:]
        else:
            lines = content.split(b"\n")
            first, second = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
            lines[first], lines[second] = lines[second], lines[first]
            content = b"\n".join(lines)
    return content


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(content=damaged())
def test_whatever_is_in_a_file_it_is_read_or_refused(
    content: bytes, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = tmp_path / "x.xml"
    path.write_bytes(content)
    refused = ""
    try:
        parse.header_years(path)
        loaded = load_file.load(connection, path, "x", YEAR)
    except InputError as error:
        refused = str(error)
    if refused:
        assert refused.startswith(str(path))
        return
    assert loaded.person_count == count(connection, "person")
    people = {row[0] for row in rows(connection, "person")}
    requests = {row[1] for row in rows(connection, "requests")}
    assert {row[0] for row in rows(connection, "requests")} <= people
    for table in TABLES.keys() - {"sen2", "person", "requests"}:
        assert {row[1] for row in rows(connection, table)} <= requests


# Hostile files

LAUGHS = (
    '<!DOCTYPE Message [<!ENTITY a0 "ha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 11))
    + "]><Message>&a10;</Message>"
)
OPEN_PERSON = "<Message><Persons><Person>"
MEGABYTE = 1 << 20


def big(path: Path, begin: str, filling: str, megabytes: int, end: str = "") -> None:
    piece = (filling * (MEGABYTE // len(filling) + 1)).encode()
    with path.open("wb") as file:
        file.write(begin.encode())
        for _ in range(megabytes):
            file.write(piece)
        file.write(end.encode())


def text(content: str | bytes) -> Callable[[Path], None]:
    data = content.encode() if isinstance(content, str) else content
    return lambda path: path.write_bytes(data) and None


HOSTILE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "billion laughs": (text(LAUGHS), "document type declaration"),
    "external entity": (
        text('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Message>&x;</Message>'),
        "document type declaration",
    ),
    "external DTD": (
        text('<!DOCTYPE Message SYSTEM "http://127.0.0.1:9/x.dtd"><Message/>'),
        "document type declaration",
    ),
    "deep": (text(OPEN_PERSON + "<a>" * 200_000), "within each other"),
    "deep in the structure": (
        text(OPEN_PERSON + "<Requests>" + "<Assessment><NamedPlan>" * 100_000),
        "within each other",
    ),
    "long value": (
        lambda path: big(path, OPEN_PERSON + "<Surname>", "a", 300, "</Surname>"),
        "is longer than 10,000 characters",
    ),
    "long comment": (
        lambda path: big(path, OPEN_PERSON + "<!--", "a", 300, "-->"),
        "a tag or comment is longer than",
    ),
    "long attribute": (
        lambda path: big(path, OPEN_PERSON + '<Requests a="', "a", 300, '"/>'),
        "a tag or comment is longer than",
    ),
    "long tag": (
        lambda path: big(path, OPEN_PERSON + "<a", "a", 300), "a tag or comment is longer",
    ),
    "person without end": (
        lambda path: big(path, OPEN_PERSON, "<Requests></Requests>", 100),
        "a person is larger than",
    ),
    "picture": (text(b"\x89PNG\r\n\x1a\n" + bytes(1000)), "is not an XML file"),
    "spreadsheet": (text(b"PK\x03\x04" + bytes(1000)), "is not an XML file"),
    "words": (text("Dear colleague, here is the file."), "is not an XML file"),
    "other XML": (
        text("<html><body>hello</body></html>"), "nothing in it is part of a SEN2 return",
    ),
    "empty": (text(""), "is empty"),
    "blank": (text(" \n "), "is not an XML file"),
    "latin 1 called UTF-8": (
        lambda path: path.write_bytes(sample().replace("Cara", "Zo\u00eb").encode("latin-1")),
        "line 118: the file is not in the encoding that it says it is in",
    ),
    "UTF-8 called UTF-16": (
        text(sample().replace('"utf-8"', '"utf-16"')), "is not in the encoding",
    ),
    "unknown encoding": (text(sample().replace('"utf-8"', '"klingon"')), "is not in the encoding"),
    "encoding of many bytes": (
        text(sample().replace('"utf-8"', '"shift_jis"')), "or in one that cannot be read",
    ),
    "encoding that is no text": (
        text(sample().replace('"utf-8"', '"hex"')), "or in one that cannot be read",
    ),
    "folder": (lambda path: path.mkdir(), "is not a file"),
    "pipe": (lambda path: os.mkfifo(path), "is not a file"),
    "nothing": (lambda path: None, "there is no such file"),
}  # fmt: skip


# The kernel counts what the tests' own process held before the command began as the command's
# peak, so the command notes its own.
NOTES_ITS_PEAK = """
import atexit, sys
from pathlib import Path
peak = Path(sys.argv.pop(1))
def note():
    lines = Path("/proc/self/status").read_text().splitlines()
    peak.write_text(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
atexit.register(note)
from sen2.cli.main import main
main()
"""


def run_limited(path: Path, folder: Path) -> tuple[int, str, float]:
    """Check a file in a process that is stopped after 20 seconds of work; exit, words, MB."""
    peak = folder / "peak"
    arguments = [sys.executable, "-c", NOTES_ITS_PEAK, str(peak)]
    with (folder / "said").open("w") as said:
        done = subprocess.run(
            [*arguments, "check", str(path), "--year", str(YEAR)],
            cwd=folder,
            stdout=said,
            stderr=said,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (20, 20)),
        )
    megabytes = int(peak.read_text()) / 1024 if peak.exists() else float("inf")
    return done.returncode, (folder / "said").read_text(), megabytes


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_at_once_in_little_memory(name: str, tmp_path: Path) -> None:
    make, words = HOSTILE[name]
    path = tmp_path / "hostile.xml"
    make(path)
    code, said, megabytes = run_limited(path, tmp_path)
    if path.is_file() and path.stat().st_size > MEGABYTE:
        path.unlink()
    assert code == 2, said
    assert said.startswith(f"sen2: {path}"), said
    assert words in said
    assert "Traceback" not in said
    assert said.count("\n") == 1
    assert megabytes < 300
    assert list((tmp_path / "warehouse").glob("*")) == []


# The year and the warehouse


def year_file(folder: Path, year: str, reference_date: str = "2026-01-14") -> Path:
    path = folder / "x.xml"
    text = sample().replace("<Year>2026</Year>", year)
    path.write_text(text.replace("2026-01-15", reference_date, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("header", "asked", "words"),
    [
        ("", None, "it begins with no header that has a year"),
        ("<Year>26</Year>", None, "the year in its header is not four digits"),
        ("<Year>1999</Year>", None, "the year in its header is no collection"),
        ("<Year>2026</Year>", 1999, "There is no collection 1999"),
        ("<Year>2021</Year>", None, "2021 had no person level file"),
        ("<Year>2022</Year>", None, "2022 pilot is not confirmed"),
    ],
)
def test_a_year_that_cannot_be_checked_is_an_input_error(
    header: str, asked: int | None, words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=words):
        check._year(year_file(tmp_path, header), asked)


def test_the_year_is_the_one_asked_for_or_the_header_s(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check._year(year_file(tmp_path, "<Year>2025</Year>"), None) == 2025
    assert capsys.readouterr().err == ""
    assert check._year(year_file(tmp_path, "<Year>2025</Year>"), 2026) == 2026
    assert "header says 2025" in capsys.readouterr().err
    assert check._year(year_file(tmp_path, ""), 2026) == 2026
    assert check._year(year_file(tmp_path, "<Year>2027</Year>"), None) == 2027
    assert "provisional" in capsys.readouterr().err


@pytest.mark.parametrize("year", ["<Year>2025</Year>", "<Year>26</Year>", ""])
def test_a_reference_date_that_is_a_survey_day_tells_the_year(
    year: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check._year(year_file(tmp_path, year, "2026-01-15"), None) == 2026
    assert ("header says 2025" in capsys.readouterr().err) == ("2025" in year)
    assert check._year(year_file(tmp_path, year, "2026-01-15"), 2027) == 2027


def test_only_the_warehouse_of_an_earlier_check_is_replaced(built: Built, tmp_path: Path) -> None:
    path = tmp_path / "sen2.duckdb"
    shutil.copy(built.warehouse, path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="not replaced"):
        check._make_room(path)
    assert path.read_bytes() == before
    other = tmp_path / "other.duckdb"
    duckdb.connect(str(other)).close()
    with pytest.raises(InputError, match="not replaced"):
        check._make_room(other)
    earlier = tmp_path / "check.duckdb"
    with warehouse.connect(earlier) as connection:
        warehouse.prepare(connection, YEAR)
    check._make_room(earlier)
    assert not earlier.exists()
    check._make_room(earlier)


# The rules


def leaves(year: int) -> list[tuple[str, str]]:
    """Every item that the year's structure needs, with the group it stands in."""
    return [
        (group.tag, leaf.tag)
        for group in xml_structure.message(year).walk()
        for leaf in group.leaves
        if leaf.least != "0"
    ]


def parts(year: int) -> list[tuple[str, str]]:
    """Every part of a person that the year's structure needs, with the group it stands in."""
    return [
        (group.tag, part.tag)
        for group in xml_structure.message(year).walk()
        for part in group.groups
        if part.least != "0" and group.keys
    ]


def without(root: Any, parent: str, tag: str) -> Any:
    """A copy of the first person that has an item or part, without it."""
    for person in root.findall("Persons/Person"):
        copy = etree.fromstring(etree.tostring(person))
        for group in [copy] if parent == "Person" else copy.iter(parent):
            if found := group.findall(tag):
                for each in found:
                    group.remove(each)
                return copy
    raise AssertionError(f"no person has {parent}/{tag}")


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One warehouse of a faulty extract, its own file read back, the samples and broken ones."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "checked"
    path = folder / "checked.duckdb"
    with once(folder, "checked") as first:
        if first:
            write_sample(folder / "extract", YEAR, 300, 17, faults=0.3)
            (folder / "extract" / "establishments.csv").unlink()  # the samples' are invented
            land(folder / "extract", YEAR, read_config(spec.PROJECT / "sen2.yml"), path)
            build_models(path, YEAR, "person_level")
            with warehouse.connect(path) as connection:
                draft = xml_text.write(connection, "built", YEAR, folder)
                load_file.load(connection, draft.path, "exported", YEAR)
                draft.path.rename(folder / "exported.xml")
                _load_samples(connection, folder)
            build(path, YEAR, compiled=SHARED["folder"])
    return path


RANDOM_RETURNS = 80


def _load_samples(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    for year, path in SAMPLES.items():
        load_file.load(connection, path, f"sample_{year}", year)
        root = etree.parse(str(path)).getroot()
        for parent, tag in leaves(year):
            if parent in ("CollectionDetails", "Source"):
                copy = etree.fromstring(etree.tostring(root))
                (node,) = copy.findall(f"Header/{parent}/{tag}")
                node.getparent().remove(node)
                _load_tree(connection, folder, copy, f"header_{tag.lower()}_{year}", year)
        people = etree.SubElement(etree.Element("x"), "Persons")
        people.extend([without(root, *gap) for gap in gaps(year)])
        root.replace(root.find("Persons"), people)
        _load_tree(connection, folder, root, f"gaps_{year}", year)
    faulty = TOO_MANY(FAULTS["other year"][0](FAULTS["truncated"][0](sample())))
    (folder / "faulty.xml").write_text(faulty, encoding="utf-8")
    load_file.load(connection, folder / "faulty.xml", "faulty", YEAR)
    for name in ("no header", "no persons"):
        path = folder / f"{name}.xml"
        path.write_text(FAULTS[name][0](sample()), encoding="utf-8")
        load_file.load(connection, path, result.return_name(path), YEAR)
    for seed in range(RANDOM_RETURNS):
        year = list(SAMPLES)[seed % len(SAMPLES)]
        _load_tree(connection, folder, shuffled(seed, year), f"random_{seed}", year)


ODD_VALUES = [
    *("", "x", "-1", "0", "1e9", "NaN", "9999-12-31", "0001-01-01", "2025-02-30", "9" * 40),
    *("O'x; --", "\u00e9\u5b57 " * 20, "Y", "A", "1", "2026-01-15", "x\ny"),
]


def shuffled(seed: int, year: int) -> Any:
    """The sample with elements dropped, doubled and moved, and values replaced, by chance."""
    chance = random.Random(seed)
    root = etree.fromstring(SAMPLES[year].read_bytes())
    for _ in range(chance.randint(1, 40)):
        nodes = [node for node in root.iter() if isinstance(node.tag, str)][1:]
        node, other = chance.choice(nodes), chance.choice(nodes)
        match chance.choice(["drop", "double", "move", "value", "value", "value"]):
            case "drop" if len(nodes) > 100:
                node.getparent().remove(node)
            case "double":
                node.addnext(etree.fromstring(etree.tostring(node)))
            case "move" if node not in other.iterancestors() and node is not other:
                other.addnext(node)
            case "value" if len(node) == 0:
                node.text = chance.choice(ODD_VALUES)
    return root


def gaps(year: int) -> list[tuple[str, str]]:
    """The needed items and parts of a person, each of which a person of `gaps_<year>` lacks."""
    header = ("CollectionDetails", "Source")
    return [gap for gap in (*leaves(year), *parts(year)) if gap[0] not in header]


def _load_tree(
    connection: duckdb.DuckDBPyConnection, folder: Path, root: Any, name: str, year: int
) -> None:
    path = folder / f"{name}.xml"
    path.write_bytes(etree.tostring(root))
    load_file.load(connection, path, name, year)


def query(path: Path, sql: str, *values: object) -> list[tuple]:
    with warehouse.connect(path, read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


ERRORS = (
    "select rule_id, person_id, items from validation.issues"
    " where return_id = $1 and severity <> 'query'"
)


@pytest.mark.parametrize("year", SAMPLES)
def test_a_sample_has_only_the_errors_it_was_made_with(year: int, checked: Path) -> None:
    found = query(checked, ERRORS, f"sample_{year}")
    assert {rule_id for rule_id, _, _ in found} == {"P15"}
    assert query(
        checked,
        "select collection_year from validation.returns where return_id = ?",
        f"sample_{year}",
    ) == [(year,)]


UNREAD = r" \(cannot be read: [^)]*\)"
"""What an extract knows of a blank and a file does not: there it is the main fault."""


OTHER_ID = "; other record: [^;]*"
"""What a file calls the other person: it has numbers of its own."""


def test_a_file_breaks_the_rules_that_the_return_it_was_made_of_breaks(checked: Path) -> None:
    found = {
        return_id: Counter(
            query(
                checked,
                "with people as ("
                " select person_id, row_number() over (order by person_id) as number"
                " from person_level.person where return_id = $1)"
                " select number, rule_id, severity, module,"
                f" regexp_replace(found, '{UNREAD}|{OTHER_ID}', '', 'g'),"
                f" \"primary\" or regexp_matches(found, '{UNREAD}')"
                " from validation.issues left join people using (person_id)"
                " where return_id = $1 and module <> 'extract'",
                return_id,
            )
        )
        for return_id in ("built", "exported")
    }
    assert len({issue[1] for issue in found["built"]}) > 30
    assert found["built"] - found["exported"] == Counter()
    assert found["exported"] - found["built"] == Counter()


def test_a_return_survives_the_way_into_a_file_and_back(checked: Path) -> None:
    with warehouse.connect(checked, read_only=True) as connection:
        digests = [
            read_back.digests_of_tables(connection, return_id, YEAR)
            for return_id in ("built", "exported")
        ]
    assert digests[0] == digests[1]
    assert min(digest.rows for digest in digests[0].values()) > 0


PARTS = {
    "person": ["Requests", "NamedPlan", "PlacementDetail"],
    "named_plan": ["PlanDetail"],
    "active_plans": ["SENneed", "PlacementDetail"],
    "file": ["SENneed", "PlanDetail"],
}
"""The parts of a record that its rules may point at."""


def test_an_issue_of_a_file_points_at_the_line_of_its_record(checked: Path) -> None:
    unplaced = query(
        checked,
        "select return_id, rule_id, record_id from validation.issues where return_id <> 'built'"
        " and module not in ('return', 'figures') and source_row is null and not ("
        " return_id = 'no_header' and module = 'header')",
    )
    assert unplaced == []
    lines = (checked.parent / "exported.xml").read_text(encoding="utf-8").splitlines()
    tags = {
        "person": "Person", "requests": "Requests", "file": "Requests", "header": "Header",
        "assessment": "Assessment", "named_plan": "NamedPlan", "plan_detail": "PlanDetail",
        "active_plans": "ActivePlans", "placement_detail": "PlacementDetail",
        "sen_need": "SENneed",
    }  # fmt: skip
    found = query(
        checked,
        "select module, source_file, source_row from validation.issues"
        " where return_id = 'exported' and module not in ('return', 'figures', 'compared')",
    )
    assert {module for module, _, _ in found} >= tags.keys() - {"file", "header"}
    for module, file, row in found:
        assert file.endswith(".part")
        tag = lines[row - 1].strip().strip("<>")
        assert tag in {tags[module], *PARTS.get(module, ())}
    for module in ("plan_detail", "sen_need", "placement_detail"):
        values = query(
            checked,
            "select regexp_extract_all(regexp_replace(found, '; PlanDetail .*', ''),"
            " '(URN|UKPRN|SENtype|SENtypeRank|EntryDate) \\S+'),"
            " source_row from validation.issues where return_id = 'exported' and module = ?",
            module,
        )
        compared = 0
        for values_found, row in values:
            group = "".join(lines[row : lines.index(lines[row - 1].replace("<", "</"), row)])
            for value in values_found:
                tag, value = value.rstrip(";").split(" ")
                if value != "blank":
                    assert f"<{tag}>{value}</{tag}>" in group
                    compared += 1
        assert compared, module


def test_what_the_reader_met_is_an_issue_for_each_fault(checked: Path) -> None:
    text = (checked.parent / "faulty.xml").read_text(encoding="utf-8")
    found = query(
        checked,
        "select rule_id, person_id, found, source_file, source_row from validation.issues"
        " where return_id = 'faulty' and module = 'file' order by source_row, rule_id",
    )
    gender, (one_of_three,) = line_of(text, "<GenderCurrent>"), {row for *_, row in found[1:2]}
    assert "<PlanDetail>" in text.splitlines()[one_of_three - 1]
    assert [(rule_id, person_id, row) for rule_id, person_id, _, _, row in found] == [
        ("F02", FIRST, gender),
        ("F03", FIRST, one_of_three),
        ("F01", None, text.count("\n") + 1),
    ]
    assert {file for _, _, _, file, _ in found} == {"faulty.xml"}
    assert found[0][2] == "GenderCurrent is not collected in Person in 2026"


@pytest.mark.parametrize("year", SAMPLES)
def test_a_rule_misses_every_needed_item_and_part(year: int, checked: Path) -> None:
    found = query(checked, f"{ERRORS} or return_id = $1 and likely_error", f"gaps_{year}")
    for number, (parent, tag) in enumerate(gaps(year), start=1):
        told = [
            rule_id
            for rule_id, person_id, items in found
            if person_id == f"p{number:07}" and tag in items.split(";")
        ]
        assert told, f"{parent}/{tag}"
    silent = set()
    for parent, tag in leaves(year):
        if parent in ("CollectionDetails", "Source"):
            found_there = query(checked, ERRORS, f"header_{tag.lower()}_{year}")
            if not any(tag in items.split(";") for _, _, items in found_there):
                silent.add(tag)
    assert silent == {"SoftwareCode"}  # sources disagree on whether it may be left out


def test_whatever_a_file_holds_every_rule_is_judged_on_it(checked: Path) -> None:
    judged = query(
        checked,
        "select return_id, count(*), sum(records_checked), sum(issue_count)"
        " from validation.rule_summary where return_id like 'random_%' group by all",
    )
    assert len(judged) == RANDOM_RETURNS
    for return_id, rules, records, issues in judged:
        year = list(SAMPLES)[int(return_id.split("_")[1]) % len(SAMPLES)]
        assert rules == len(list(spec.in_force("rules", year)))
        assert records > 0
        assert issues > 0


@pytest.mark.parametrize("name", ["no_header", "no_persons"])
def test_a_return_without_a_header_or_people_is_judged_and_red(name: str, checked: Path) -> None:
    found = {rule_id for rule_id, _, _ in query(checked, ERRORS, name)}
    assert "F01" in found
    assert (name == "no_header") == ("H01" in found)
    assert gates.rules_gate(checked, name, YEAR).is_red


def test_the_command_reports_on_a_file_and_says_no_value(built: Built, tmp_path: Path) -> None:
    with warehouse.connect(built.warehouse, read_only=True) as connection:
        xml_text.write(connection, "built", YEAR, tmp_path).path.rename(tmp_path / "My File.xml")
    done = sen2(tmp_path, "check", "My File.xml")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out" / "check_my_file"
    assert (out / "issues.xlsx").exists()
    assert (out / "gates" / "rules_person.html").exists()
    assert list((tmp_path / "out").rglob("*.xml")) == []
    text = (tmp_path / "My File.xml").read_text(encoding="utf-8")
    broken = replaced("<Surname>", "<ShoeSize>9</ShoeSize><Surname>")(text)
    (tmp_path / "My File.xml").write_text(broken[: len(broken) // 2], encoding="utf-8")
    red = sen2(tmp_path, "check", "My File.xml")
    assert red.returncode == 1, red.stderr
    assert "cannot be read from line" in " ".join(red.stderr.split())
    with (out / "issues.csv").open(encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if row["rule_id"] == "F01"]
    found.sort(key=lambda row: int(row["source_row"]))
    assert [(row["source_file"], row["found"][:8]) for row in found] == [
        ("My File.xml", "ShoeSize"),
        ("My File.xml", "the file"),
    ]
    assert int(found[0]["source_row"]) == line_of(broken, "<ShoeSize>")
    said = done.stdout + done.stderr + red.stdout + red.stderr
    assert [value for value in values_of_people(built.extract) if value in said] == []
