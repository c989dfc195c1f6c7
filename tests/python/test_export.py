"""The submission: bytes, schema, reading back, and what happens when something is wrong.

The golden files are the writer's own output, read by a person: `SEN2_WRITE_GOLDEN=1 pytest
tests/python/test_export.py -k golden` writes them again.
"""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from sen2 import spec
from sen2.export import export, read_back, schema_check, xml_text, xsd
from sen2.ground.errors import DefectError, InputError
from sen2.spec import xml_structure

HERE = Path(__file__).parent
YEARS = xml_structure.years()
CONFIRMED = [year for year in YEARS if spec.has_confirmed_structure(year)]
LATEST = YEARS[-1]

Rows = dict[str, list[dict[str, Any]]]

# The tables of the elements, written down here a second time, so that a mistake in one shows.
TABLES = {
    "CollectionDetails": "sen2",
    "Source": "sen2",
    "Person": "person",
    "Requests": "requests",
    "Assessment": "assessment",
    "NamedPlan": "named_plan",
    "PlanDetail": "plan_detail",
    "ActivePlans": "active_plans",
    "PlacementDetail": "placement_detail",
    "SENneed": "sen_need",
}
KEYS = {"sen2": (), "person": ("person_id",)}
ORDERS = {
    "person": ("person_id",),
    "requests": ("received_date", "request_id"),
    "plan_detail": ("placement_rank",),
    "placement_detail": ("placement_rank", "entry_date", "placement_id"),
    "sen_need": ("sen_type_rank",),
}
BELOW_REQUESTS = [table for table in TABLES.values() if table not in ("sen2", "person", "requests")]

ODD_NAMES = [
    'O\'Brien & Sons <i>"q"</i> ]]>',
    "Zoë \u200fשרה\u200f Ñandú 🙂",
    " two  spaces\tand\ta tab ",
    "line\r\nline\nline",
    "&amp; already",
]


def items(year: int, table: str) -> list[spec.Row]:
    return [row for row in spec.in_force("items", year) if row["table_name"] == table]


def is_date(table: str, column: str) -> bool:
    return any(
        row["data_type"] == "date"
        for row in spec.seed("items")
        if (row["table_name"], row["column_name"]) == (table, column)
    )


def codes(codeset: str, year: int) -> list[str]:
    rows = spec.in_force("codes", year)
    return sorted(row["code"] for row in rows if row["codeset"] == codeset)


def value(item: spec.Row, year: int, n: int) -> Any:
    """A value that the year's schema allows; different `n` give different values where it can."""
    if item["data_type"] == "date":
        return date(year - 1, 1, 1) + timedelta(days=n)
    if item["codeset"]:
        allowed = codes(item["codeset"], year)
        return allowed[n % len(allowed)]
    return {
        "year": str(year),
        "serial_no": "007",
        "date_time": f"{year}-01-20T00:00:00",
        "postcode": "ZZ99 3WZ",
        "upn": f"A{n:012}",
        "unique_learner_number": f"{n + 1:010}",
        "urn": f"{100_000 + n}",
        "ukprn": f"{10_000_000 + n}",
    }.get(item["column_name"], ODD_NAMES[n % len(ODD_NAMES)])


def full_row(table: str, year: int, n: int, **keys: Any) -> dict[str, Any]:
    """A row with a value in every item of the year; what is given in `keys` is as given."""
    row = {item["column_name"]: value(item, year, n) for item in items(year, table)}
    return {"return_id": "built", **row, **keys}


def sample(year: int) -> Rows:
    """A small return with every item of the year, blanks, ties, and all the orders put to work."""
    rows: Rows = {table: [] for table in spec.person_level_columns()}
    rows["sen2"] = [full_row("sen2", year, 0, lea="330")]
    day = date(year - 1, 5, 1)
    n = 0

    def add(table: str, **more: Any) -> None:
        nonlocal n
        n += 1
        rows[table].append(full_row(table, year, n, **more))

    for person_id in ("9", "10", "b", "B", "é"):
        add("person", person_id=person_id)
        add("requests", person_id=person_id, request_id=f"{person_id}/1", received_date=day)
    for request_id, received in (("9/3", None), ("9/0", day), ("9/2", day - timedelta(days=1))):
        add("requests", person_id="9", request_id=request_id, received_date=received)
    for request_id in ("9/1", "10/1"):
        keys = {"person_id": request_id.split("/")[0], "request_id": request_id}
        for table in ("assessment", "named_plan", "active_plans"):
            add(table, **keys)
        for rank in ("2", "1"):
            add("plan_detail", **keys, placement_rank=rank)
            add("sen_need", **keys, sen_type_rank=rank)
        for placement, (rank, entry) in enumerate(
            [("2", day), ("1", day), ("1", day), ("1", None), ("1", day - timedelta(days=1))]
        ):
            add(
                "placement_detail",
                **keys,
                placement_id=f"p{9 - placement}",
                placement_rank=rank,
                entry_date=entry or day + timedelta(days=1),
            )
    needed = {
        row["element"] for row in spec.in_force("xml_structure", year) if row["min_occurs"] == "1"
    }
    bare = {"person_id": "b", "request_id": "b/1"}
    for table in BELOW_REQUESTS:
        more = {"placement_id": "p1"} if table == "placement_detail" else {}
        row = full_row(table, year, 0, **bare, **more)
        for item in items(year, table):
            if item["xml_tag"] not in needed:
                row[item["column_name"]] = None if len(item["xml_tag"]) % 2 else ""
        rows[table].append(
            {key: None if v == "" and is_date(table, key) else v for key, v in row.items()}
        )
    rows["person"].append({"return_id": "other", "person_id": "9", "surname": "not ours"})
    return rows


@contextmanager
def database(path: str = ":memory:") -> Iterator[duckdb.DuckDBPyConnection]:
    """The person level tables, empty."""
    connection = duckdb.connect(path)
    connection.execute("create schema person_level")
    for table, columns in spec.person_level_columns().items():
        types = (f"{c} {'date' if is_date(table, c) else 'varchar'}" for c in columns)
        connection.execute(f"create table person_level.{table} ({', '.join(types)})")
    yield connection
    connection.close()


def fill(connection: duckdb.DuckDBPyConnection, rows: Rows, seed: int = 0) -> None:
    """Put rows into the tables instead of what is there, in an order that the seed decides."""
    for table, columns in spec.person_level_columns().items():
        connection.execute(f"delete from person_level.{table}")
        shuffled = [[row.get(column) for column in columns] for row in rows[table]]
        random.Random(seed).shuffle(shuffled)
        if shuffled:
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"insert into person_level.{table} values ({marks})", shuffled)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with database() as connection:
        yield connection


def written(connection: duckdb.DuckDBPyConnection, year: int, out: Path) -> bytes:
    return xml_text.write(connection, "built", year, out).path.read_bytes()


# A second, naive writer: the tree that the rows should make, to compare with the file read back.


def expected_tree(rows: Rows, year: int) -> tuple[str, Any]:
    structure: dict[str, list[str]] = {}
    for row in sorted(spec.in_force("xml_structure", year), key=lambda row: int(row["position"])):
        structure.setdefault(row["parent"], []).append(row["element"])

    def sort_key(table: str, row: dict[str, Any]) -> list[tuple[bool, Any]]:
        rest = [item["column_name"] for item in items(year, table)]
        return [(row.get(c) is None, row.get(c)) for c in (*ORDERS.get(table, ()), *rest)]

    def node(tag: str, table: str, row: dict[str, Any]) -> tuple[str, Any]:
        columns = {item["xml_tag"]: item["column_name"] for item in items(year, table)}
        children: list[tuple[str, Any]] = []
        for child in structure[tag]:
            if child in structure:
                children += nodes(child, row)
            elif (found := row.get(columns[child])) not in (None, ""):
                children.append((child, str(found)))
        return tag, children

    def nodes(tag: str, above: dict[str, Any]) -> list[tuple[str, Any]]:
        if tag not in TABLES:
            return [(tag, [each for child in structure[tag] for each in nodes(child, above)])]
        table = TABLES[tag]
        keys = () if tag == "Person" else ("person_id", "request_id")
        mine = [
            row
            for row in rows[table]
            if row["return_id"] == "built"
            and all(row.get(key) == above[key] for key in keys if key in above and key in row)
        ]
        return [node(tag, table, row) for row in sorted(mine, key=lambda row: sort_key(table, row))]

    return nodes("Message", {})[0]


def tree(node: Any) -> tuple[str, Any]:
    groups = {*TABLES, "Message", "Header", "Persons"}
    if node.tag in groups:
        return node.tag, [tree(child) for child in node]
    return node.tag, node.text or ""


# The bytes


@pytest.mark.parametrize("year", YEARS)
def test_the_golden_file_is_written_byte_for_byte(
    year: int, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = sample(year)
    fill(connection, rows)
    found = written(connection, year, tmp_path)
    golden = HERE / "golden" / f"sen2_{year}.xml"
    if os.environ.get("SEN2_WRITE_GOLDEN"):
        golden.write_bytes(found)
    assert found == golden.read_bytes()
    for item in spec.in_force("items", year):
        assert f"<{item['xml_tag']}>".encode() in found
    assert tree(etree.fromstring(found)) == expected_tree(rows, year)


@pytest.mark.parametrize("year", YEARS)
def test_a_good_return_fits_the_schema_and_is_read_back_the_same(
    year: int, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    fill(connection, sample(year))
    draft = xml_text.write(connection, "built", year, tmp_path)
    assert schema_check.validate(draft.path, year) == []
    found = read_back.digests_of_file(draft.path, year)
    stored = read_back.digests_of_tables(connection, "built", year)
    assert found == stored
    assert read_back.differences(found, stored) == []
    assert set(found) == set(spec.person_level_columns())
    assert found["placement_detail"].rows == 11
    assert draft.person_count == found["person"].rows == 5
    assert draft.bytes == draft.path.stat().st_size


def test_persons_come_in_code_point_order_and_undated_requests_last(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    rows = sample(LATEST)
    fill(connection, rows)
    root = etree.fromstring(written(connection, LATEST, tmp_path))
    upns = {row["upn"]: row["person_id"] for row in rows["person"] if "upn" in row}
    assert [upns[each.text] for each in root.iter("UPN")] == ["10", "9", "B", "b", "é"]
    second = root.findall("Persons/Person")[1].findall("Requests")
    dates = [request.findtext("ReceivedDate") for request in second]
    assert dates == [f"{LATEST - 1}-04-30", f"{LATEST - 1}-05-01", f"{LATEST - 1}-05-01", None]


@pytest.mark.parametrize("at_a_time", [1, 2, 1000])
def test_the_bytes_do_not_depend_on_the_order_of_the_rows_or_on_the_batches(
    at_a_time: int,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fill(connection, sample(LATEST))
    once = written(connection, LATEST, tmp_path)
    assert written(connection, LATEST, tmp_path) == once
    monkeypatch.setattr(xml_text, "PERSONS_AT_A_TIME", at_a_time)
    for seed in (1, 2):
        fill(connection, sample(LATEST), seed)
        assert written(connection, LATEST, tmp_path) == once


def legal_text() -> st.SearchStrategy[str]:
    characters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    return st.text(st.one_of(characters, st.sampled_from("&<>'\"\t\n\r\u200fé")), max_size=8)


@st.composite
def returns(draw: st.DrawFn) -> Rows:
    """A return with any values, blank or not, whose rows all hang from one another."""
    rows: Rows = {table: [] for table in spec.person_level_columns()}
    values = st.one_of(st.none(), legal_text())
    dates = st.one_of(st.none(), st.dates(date(1990, 1, 1), date(2030, 1, 1)))
    columns = {table: items(LATEST, table) for table in rows}

    def add(table: str, **keys: Any) -> None:
        row = {
            item["column_name"]: draw(dates if item["data_type"] == "date" else values)
            for item in columns[table]
        }
        rows[table].append({"return_id": "built", **row, **keys})

    add("sen2", lea="330", serial_no="001")
    for person_id in draw(st.sets(legal_text().filter(bool), min_size=1, max_size=3)):
        add("person", person_id=person_id)
        for number in range(draw(st.integers(0, 2))):
            keys = {"person_id": person_id, "request_id": str(number)}
            add("requests", **keys)
            if draw(st.booleans()):
                add("assessment", **keys)
                if draw(st.booleans()):
                    add("named_plan", **keys)
                    for _ in range(draw(st.integers(0, 2))):
                        add("plan_detail", **keys)
            if draw(st.booleans()):
                add("active_plans", **keys)
                for placement in range(draw(st.integers(0, 2))):
                    add("placement_detail", **keys, placement_id=str(placement))
                for _ in range(draw(st.integers(0, 2))):
                    add("sen_need", **keys)
    return rows


@given(rows=returns(), seed=st.integers(0, 1000))
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_return_written_and_parsed_again_is_the_same(
    rows: Rows, seed: int, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    fill(connection, rows)
    draft = xml_text.write(connection, "built", LATEST, tmp_path)
    found = draft.path.read_bytes()
    assert tree(etree.fromstring(found)) == expected_tree(rows, LATEST)
    stored = read_back.digests_of_tables(connection, "built", LATEST)
    assert read_back.digests_of_file(draft.path, LATEST) == stored
    fill(connection, rows, seed)
    assert written(connection, LATEST, tmp_path) == found


# Reading back


def changed(
    connection: duckdb.DuckDBPyConnection, file: read_back.Digests, statement: str
) -> set[str]:
    """The tables whose digests are no longer those of the file after a statement, then undone."""
    connection.execute(f"begin; {statement}")
    stored = read_back.digests_of_tables(connection, "built", LATEST)
    connection.execute("rollback")
    return {table for table in stored if stored[table] != file[table]}


def test_one_changed_value_row_or_parent_changes_the_digest_of_its_table(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    fill(connection, sample(LATEST))
    draft = xml_text.write(connection, "built", LATEST, tmp_path)
    file = read_back.digests_of_file(draft.path, LATEST)
    for table in spec.person_level_columns():
        first = f"(select rowid from person_level.{table} where return_id = 'built' limit 1)"
        for item in items(LATEST, table):
            new = "date '1999-09-09'" if item["data_type"] == "date" else "'changed'"
            update = f"update person_level.{table} set {item['column_name']} = {new}"
            assert table in changed(connection, file, f"{update} where rowid = {first}"), update
        delete = f"delete from person_level.{table} where rowid = {first}"
        assert table in changed(connection, file, delete)
    for table, parent in product(BELOW_REQUESTS, ["9/0", "no such request"]):
        move = f"update person_level.{table} set request_id = '{parent}' where request_id = '9/1'"
        assert changed(connection, file, move) == {table}


@pytest.mark.parametrize(
    "table", ["person", "requests", "assessment", "named_plan", "active_plans"]
)
def test_rows_that_hang_from_nothing_keep_the_file_back(
    table: str, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    fill(connection, sample(LATEST))
    connection.execute(f"delete from person_level.{table} where person_id = '9'")
    draft = xml_text.write(connection, "built", LATEST, tmp_path)
    file = read_back.digests_of_file(draft.path, LATEST)
    assert read_back.differences(file, read_back.digests_of_tables(connection, "built", LATEST))


# The schemas


@pytest.mark.parametrize("year", YEARS)
def test_the_shipped_schema_is_the_one_generated_from_the_seeds(year: int) -> None:
    assert xsd.schema_path(year).read_bytes() == xsd.schema_text(year).encode(), "make generate"
    assert ("PROVISIONAL" in xsd.schema_text(year)) == spec.collection(year).is_provisional


@pytest.mark.parametrize("year", YEARS)
def test_every_item_of_the_year_has_its_place_in_the_message(year: int) -> None:
    placed = [
        (each.item["table_name"], each.item["column_name"])
        for each in xml_structure.message(year).walk()
        if each.item
    ]
    held = [(row["table_name"], row["column_name"]) for row in spec.in_force("items", year)]
    assert sorted(placed) == sorted(held)


@pytest.mark.parametrize("year", CONFIRMED)
def test_what_the_schema_requires_an_error_rule_requires_too(year: int) -> None:
    ruled = {
        tag
        for rule in spec.in_force("rules", year)
        if rule["severity"] in ("error", "load_reject")
        for tag in rule["items"].split(";")
    }
    required = {each.tag for each in xml_structure.message(year).walk() if each.least == "1"}
    always_written = {"CollectionDetails", "Source", "SoftwareCode", "Message", "Header", "Persons"}
    assert required - ruled - always_written == set()


SAMPLES = sorted((HERE / "samples").glob("*.xml"))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_samples_fit_the_schema_of_their_year(path: Path) -> None:
    year = int(path.stem[-4:])
    assert schema_check.validate(path, year) == []
    assert read_back.read_back(path, year) == read_back.digests_of_file(path, year)


DETAIL = "<PlanDetail><SENSetting>OLA</SENSetting><PlacementRank>2</PlacementRank></PlanDetail>"


@pytest.mark.parametrize(
    ("old", "new", "element"),
    [
        ("<DMO>Y</DMO>\n\t\t\t<DCO>R</DCO>", "<DCO>R</DCO>\n<DMO>Y</DMO>", "DCO"),
        ("<PB>1</PB>", f"{DETAIL}<PB>1</PB>", "PlanDetail"),
        ("<PB>1</PB>", "<Unheard>secret</Unheard><PB>1</PB>", "Unheard"),
        ("<Sex>F</Sex>", "<GenderCurrent>2</GenderCurrent>", "GenderCurrent"),
        ("<Sex>F</Sex>", "<Sex>secret</Sex>", "Sex"),
        ("<UPN>C999000000001</UPN>", "<UPN>secret</UPN>", "UPN"),
        ("<StartDate>2025-06-17</StartDate>", "<StartDate>secret</StartDate>", "StartDate"),
        ("<Surname>O'Example &amp; Sons</Surname>", "", "Forename"),
        ("<Surname>Sample</Surname>", "<Surname>sec\x0bret</Surname>", "Surname"),
        ("<Surname>Sample</Surname>", "<Surname>&secret;</Surname>", "Surname"),
        ("</Message>", "", schema_check.WHOLE),
        ("<Message>", "<!DOCTYPE secret []>\n<Message>", schema_check.WHOLE),
        ("\t<Persons>", '\t<Persons secret="secret">', "Persons"),
    ],
)
def test_a_file_with_a_fault_does_not_fit_and_no_value_is_told(
    old: str, new: str, element: str, tmp_path: Path
) -> None:
    text = (HERE / "samples" / "sample_2026.xml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "faulty.xml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    faults = schema_check.validate(path, 2026)
    assert read_back.read_back(path, 2026) is None
    assert faults[0].element == element
    line = path.read_text(encoding="utf-8").split(new if new else "\n\n")[0].count("\n") + 1
    if new and element != schema_check.WHOLE:
        assert faults[0].line - line in (0, 1)
    assert "secret" not in " ".join(map(str, faults))


def test_a_voluntary_item_is_held_to_no_codes(tmp_path: Path) -> None:
    for year, fits in ((2025, True), (2026, False)):
        text = (HERE / "samples" / f"sample_{year}.xml").read_text(encoding="utf-8")
        for item in ("DSCO", "RequestSource"):
            start = text.index(f"<{item}>") + len(item) + 2
            path = tmp_path / f"{item}.xml"
            path.write_text(f"{text[:start]}ZZ{text[start + 1 :]}", encoding="utf-8")
            assert (schema_check.validate(path, year) == []) == fits
            assert (read_back.read_back(path, year) is not None) == fits


def test_a_thousand_faults_are_enough(tmp_path: Path) -> None:
    text = (HERE / "samples" / "sample_2026.xml").read_text(encoding="utf-8")
    head, rest = text.split("<Persons>")
    path = tmp_path / "faulty.xml"
    path.write_text(head + "<Persons>" + "<Person/>\n" * 2000 + rest, encoding="utf-8")
    assert len(schema_check.validate(path, 2026)) == schema_check.MOST_FAULTS


def test_a_year_without_a_person_level_file_is_an_input_error() -> None:
    with pytest.raises(InputError, match="2021"):
        xml_structure.message(2021)


# Publishing


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with database(str(path)) as connection:
        fill(connection, sample(LATEST))
        connection.execute("create schema local; create schema validation")
        connection.execute("create table local.rule_severities (rule_id varchar, severity varchar)")
        connection.execute(
            "create table validation.issue_notes"
            " (return_id varchar, rule_id varchar, record_id varchar, kind varchar)"
        )
    return path


def change(warehouse: Path, statement: str) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(statement)


def test_an_export_appears_under_its_own_name(warehouse: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    submission = export.export(warehouse, "built", LATEST, out)
    assert submission.path == out / f"SEN2_330_{LATEST}_007.xml"
    assert list(out.iterdir()) == [submission.path]
    assert submission.path.read_bytes() == (HERE / "golden" / f"sen2_{LATEST}.xml").read_bytes()
    assert export.export(warehouse, "built", LATEST, out) == submission


@pytest.mark.parametrize("value", ["secret", "sec\x0bret"])
def test_a_file_that_does_not_fit_leaves_nothing_behind(
    value: str, warehouse: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = export.export(warehouse, "built", LATEST, out).path.read_bytes()
    change(warehouse, f"update person_level.person set sex = '{value}' where person_id = 'B'")
    with pytest.raises(export.NotValidError) as caught:
        export.export(warehouse, "built", LATEST, out)
    assert "person B, " in str(caught.value)
    assert "ret" not in str(caught.value).replace("return", "")
    assert [path.read_bytes() for path in out.iterdir()] == [before]


def test_a_file_that_is_not_the_return_leaves_nothing_behind(
    warehouse: Path, tmp_path: Path
) -> None:
    change(warehouse, "delete from person_level.active_plans where person_id = '9'")
    with pytest.raises(DefectError, match="placement_detail: the file has 6 rows"):
        export.export(warehouse, "built", LATEST, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_leaving_gate_can_keep_a_file_back(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(DefectError, match="because"):
        export.export(warehouse, "built", LATEST, tmp_path / "out", why_not=lambda *_: ["because"])
    assert list((tmp_path / "out").iterdir()) == []


def test_a_draft_left_over_by_a_broken_run_is_removed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    left_over = tmp_path / f".SEN2_330_{LATEST}_006.xml.part"
    left_over.write_text("half a file")
    fill(connection, sample(LATEST))
    draft = xml_text.write(connection, "built", LATEST, tmp_path)
    assert list(tmp_path.iterdir()) == [draft.path]


def test_what_cannot_be_named_is_an_input_error(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="0 returns"):
        xml_text.write(connection, "built", LATEST, tmp_path)
    rows = sample(LATEST)
    rows["sen2"][0]["serial_no"] = "../1"
    fill(connection, rows)
    with pytest.raises(InputError, match="serial_no"):
        xml_text.write(connection, "built", LATEST, tmp_path)


def test_a_folder_that_cannot_be_written_to_is_an_input_error(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    fill(connection, sample(LATEST))
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot be written to"):
        xml_text.write(connection, "built", LATEST, tmp_path / "out")


def test_a_draft_that_cannot_be_published_is_removed(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    fill(connection, sample(LATEST))
    draft = xml_text.write(connection, "built", LATEST, tmp_path)
    with pytest.raises(InputError, match="cannot be written to"):
        export.publish(draft, tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def test_older_submissions_are_moved_aside(tmp_path: Path) -> None:
    names = ["SEN2_330_2026_001.xml", "SEN2_330_2026_002.xml", "SEN2_330_2025_001.xml", "form.csv"]
    for name in names:
        (tmp_path / name).write_text(name)
    moved = export.retire_others(tmp_path, "330", 2026, tmp_path / names[1])
    assert moved == [tmp_path / "superseded" / names[0]]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names[1:], "superseded"])
    assert export.retire_others(tmp_path, "330", 2026, None) == [tmp_path / "superseded" / names[1]]
    assert export.retire_others(tmp_path / "nowhere", "330", 2026, None) == []
