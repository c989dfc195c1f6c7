"""Mappings: a source in its own shape becomes the contract's tables, and no row is lost."""

import json
from pathlib import Path

import duckdb
import jsonschema
import pytest
import yaml

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.land.land import land
from sen2.land.mapping import codes, expressions, shipped
from sen2.land.mapping.model import Mapping, read_mapping
from sen2.settings.config import Config

from .sources import write_text, write_xlsx

YEAR = 2026
CONFIG = Config(la_code="330", extracted_on="2026-01-15")
SECRET = "Zebedee"
ABSENT = {table: "not in this test" for table in spec.contract(YEAR) if table != "establishments"}
HEADINGS = ["Person ID", "Surname", "DOB", "Gender", "Ethnicity"]
PEOPLE = {
    "input": "children",
    "columns": {
        "person_id": "Person ID",
        "surname": "Surname",
        "birth_date": "DOB",
        "sex": {"from": "Gender", "crosswalk": "sex"},
        "ethnicity": {"from": "Ethnicity", "labels": True},
    },
    "blank": ["forename", "postcode", "upn", "uln", "no_identifier_reason"],
}


def mapping_of(folder: Path, **changes: object) -> Path:
    """A mapping of one file of people, changed as a test needs."""
    content = {
        "source": "one",
        "inputs": {"children": {"files": "children.*"}},
        "crosswalks": {"sex": {"Male": "M", "Female": "F"}},
        "tables": {"people": PEOPLE},
    } | changes
    content.setdefault(
        "absent", {t: why for t, why in ABSENT.items() if t not in content["tables"]}
    )
    path = folder / "mapping.yml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def people(**changes: object) -> dict:
    """The feed of people, changed as a test needs."""
    return {"people": PEOPLE | changes}


def landed(folder: Path, *mappings: Path, warehouse: str = "w.duckdb") -> Path:
    path = folder / warehouse
    land(folder, YEAR, CONFIG, path, mappings=mappings)
    return path


def rows(warehouse: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def refuse(folder: Path, *mappings: Path) -> str:
    """Land what must be refused; gives the message, which holds no person's value."""
    with pytest.raises(InputError) as refused:
        landed(folder, *mappings)
    assert SECRET not in str(refused.value)
    return str(refused.value)


def test_headings_codes_and_dates_are_translated(tmp_path: Path) -> None:
    write_text(
        tmp_path / "children.csv",
        [
            ["Extract of 15/01/2026"],
            ["person id ", "Surname", "DOB", "GENDER", "Ethnicity", "Notes"],
            [" 7", "Zoë", "01/02/2015", "male", "White - British", "x"],
            ["8", "O\u2019Brien", "2015-02-03 00:00:00", "F", "wbri", ""],
        ],
        encoding="cp1252",
    )
    warehouse = landed(tmp_path, mapping_of(tmp_path))
    assert rows(
        warehouse,
        "select person_id, surname, birth_date, sex, ethnicity, upn, _source, _file, _row"
        " from raw.people order by _row",
    ) == [
        ("7", "Zoë", "2015-02-01", "M", "WBRI", None, "one", "children.csv", 3),
        ("8", "O\u2019Brien", "2015-02-03", "F", "WBRI", None, "one", "children.csv", 4),
    ]
    assert rows(warehouse, "select facts, row_count, other_columns from audit.landed_inputs") == [
        ("cp1252, comma, header row 2", 2, "Notes")
    ]
    notes = rows(warehouse, "select row, column_name, kind from audit.landing_notes")
    assert notes == [(3, "person_id", "trimmed")]


def test_what_has_no_mapping_lands_as_it_is_and_is_listed(tmp_path: Path) -> None:
    write_text(
        tmp_path / "children.csv",
        [HEADINGS, ["7", SECRET, "", "Mael", "Wite British"], ["8", SECRET, "", "Mael", "ZZZZ"]],
    )
    warehouse = landed(tmp_path, mapping_of(tmp_path))
    found = rows(warehouse, "select sex, ethnicity from raw.people order by _row")
    assert found == [("Mael", "Wite British"), ("Mael", "ZZZZ")]
    listed = rows(
        warehouse,
        "select column_name, value, row_count, nearest_code from audit.unmapped_values"
        " order by all",
    )
    assert listed == [
        ("ethnicity", "Wite British", 1, "WBRI"),
        ("ethnicity", "ZZZZ", 1, None),
        ("sex", "Mael", 2, "M"),
    ]
    with duckdb.connect(str(warehouse)) as connection:
        assert codes.write_unmapped(connection, tmp_path / "unmapped_values.csv") == 3
    text = (tmp_path / "unmapped_values.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines()[1] == "one,people,sex,Mael,2,M,Male"
    assert SECRET not in text


def test_a_column_of_names_mapped_to_a_code_column_is_not_listed(tmp_path: Path) -> None:
    body = [[str(n), SECRET, "", f"{SECRET}{n}", "WBRI"] for n in range(codes.MOST + 1)]
    write_text(tmp_path / "children.csv", [HEADINGS, *body])
    warehouse = landed(tmp_path, mapping_of(tmp_path))
    ((value, count),) = rows(warehouse, "select value, row_count from audit.unmapped_values")
    assert SECRET not in value
    assert count == codes.MOST + 1


def test_a_date_that_cannot_be_read_lands_as_it_is_with_a_note(tmp_path: Path) -> None:
    days = ["31/02/2025", "2025-13-01", "45000", "1/2/15", "01/02/2015", "someday", "1-Feb-2015"]
    body = [[str(n), "x", day, "M", "WBRI"] for n, day in enumerate(days)]
    write_text(tmp_path / "children.csv", [HEADINGS, *body])
    query = (
        "select birth_date, kind from raw.people left join audit.landing_notes"
        " on _file = file and _row = row and column_name = 'birth_date' order by _row"
    )
    assert rows(landed(tmp_path, mapping_of(tmp_path)), query) == [
        ("31/02/2025", "date_unread"),
        ("2025-13-01", "date_unread"),
        ("45000", "date_serial_unread"),
        ("1/2/15", "date_two_digit_unread"),
        ("2015-02-01", None),
        ("someday", "date_unread"),
        ("1-Feb-2015", "date_unread"),
    ]
    stated = mapping_of(tmp_path, dates=["dd/mm/yyyy", "excel", "dd/mm/yy", "dd-mmm-yyyy"])
    assert rows(landed(tmp_path, stated, warehouse="v.duckdb"), query) == [
        ("31/02/2025", "date_unread"),
        ("2025-13-01", "date_unread"),
        ("2023-03-15", "date_serial"),
        ("2015-02-01", "date_two_digit"),
        ("2015-02-01", None),
        ("someday", "date_unread"),
        ("2015-02-01", None),
    ]


def test_characters_that_mislead_are_cleaned_or_noted(tmp_path: Path) -> None:
    cyrillic = "\u0420"  # looks like P
    body = [
        ["\u00a08\u200b", "a\x0bb", "", "M", "WBR\u0406"],
        [f"{cyrillic}7", "x", "", "M", "WBRI"],
    ]
    write_text(tmp_path / "children.csv", [HEADINGS, *body])
    warehouse = landed(tmp_path, mapping_of(tmp_path))
    assert rows(warehouse, "select person_id, surname, ethnicity from raw.people") == [
        ("8", "a b", "WBRI"),
        (f"{cyrillic}7", "x", "WBRI"),
    ]
    assert rows(
        warehouse, "select row, column_name, kind from audit.landing_notes order by all"
    ) == [
        (2, "ethnicity", "look_alike"),
        (2, "person_id", "trimmed"),
        (2, "surname", "forbidden_character"),
        (3, "person_id", "look_alike"),
    ]


def test_defaults_constants_expressions_and_blanks(tmp_path: Path) -> None:
    feed = people(
        columns=PEOPLE["columns"]
        | {
            "forename": {"value": "Person"},
            "postcode": {"sql": "upper(\"Surname\") || ' 1'"},
            "ethnicity": {"from": "Ethnicity", "default": "NOBT"},
        },
        blank=["upn", "uln", "no_identifier_reason"],
    )
    write_text(
        tmp_path / "children.csv",
        [HEADINGS, ["7", "ab", "NULL", "M", "n/a"], ["8", "", "", "", ""]],
    )
    warehouse = landed(tmp_path, mapping_of(tmp_path, tables=feed, blanks=["NULL", "n/a"]))
    assert rows(
        warehouse, "select forename, postcode, birth_date, ethnicity from raw.people order by _row"
    ) == [("Person", "AB 1", None, "NOBT"), ("Person", None, None, "NOBT")]
    origins = rows(
        warehouse,
        "select column_name, kind, origin, default_value from audit.mapped_columns"
        " where column_name in ('forename', 'postcode', 'ethnicity', 'upn') order by all",
    )
    assert origins == [
        ("ethnicity", "heading", "Ethnicity", "NOBT"),
        ("forename", "constant", "Person", None),
        ("postcode", "expression", "upper(\"Surname\") || ' 1'", None),
        ("upn", "blank", None, None),
    ]


def test_one_wide_file_feeds_many_tables_and_every_row_is_accounted_for(tmp_path: Path) -> None:
    header = ["Person", "Name", "Request", "Received", "Plan", "Need 1", "Need 2"]
    body = [
        ["p1", "Ann", "r1", "01/01/2025", "e1", "ASD", "SEMH"],
        ["p1", "Ann", "r2", "02/01/2025", "", "", ""],
        ["p1", "Anne", "r3", "03/01/2025", "", "", ""],
        ["", "", "", "", "", "", "leftover"],
        ["p2", "Ben", "r4", "04/01/2025", "e4", "MLD"],
        ["p3", "Cy", "r4", "04/01/2025", "e4", "MLD", ""],
    ]
    write_text(tmp_path / "wide.csv", [header, *body])
    tables = {
        "people": {
            "input": "wide",
            "where": 'sen2_clean("Person") is not null',
            "one_row_per": "person_id",
            "order_by": 'sen2_date("Received") desc',
            "columns": {"person_id": "Person", "surname": "Name"},
            "blank": [
                *("forename", "birth_date", "sex", "ethnicity", "postcode", "upn", "uln"),
                "no_identifier_reason",
            ],
        },
        "requests": {
            "input": "wide",
            "where": '"Request" is not null',
            "columns": {
                "request_id": "Request",
                "person_id": "Person",
                "received_date": "Received",
            },
            "blank": [
                *("source", "in_youth_accommodation", "decision", "decision_date"),
                *("withdrawn_date", "moved_to_la", "moved_date"),
            ],
        },
        "needs": [
            {
                "input": "wide",
                "label": label,
                "where": f'"{heading}" is not null and "Plan" is not null',
                "columns": {"plan_id": "Plan", "need": heading, "rank": {"value": rank}},
            }
            for rank, heading, label in [("1", "Need 1", "first need"), ("2", "Need 2", "second")]
        ],
    }
    path = mapping_of(tmp_path, inputs={"wide": {"files": "wide.csv"}}, tables=tables)
    warehouse = landed(tmp_path, path)
    assert rows(warehouse, "select person_id, surname, _row from raw.people order by _row") == [
        ("p1", "Anne", 4),
        ("p3", "Cy", 7),
    ]
    assert rows(
        warehouse, "select plan_id, rank, need, _file, _row from raw.needs order by all"
    ) == [
        ("e1", "1", "ASD", "wide.csv (first need)", 2),
        ("e1", "2", "SEMH", "wide.csv (second)", 2),
        ("e4", "1", "MLD", "wide.csv (first need)", 7),
    ]
    aside = rows(
        warehouse, "select table_name, row, fault, reason from audit.rows_set_aside order by all"
    )
    assert [each[:3] for each in aside] == [
        ("people", 2, "repeated"),
        ("people", 3, "repeated"),
        ("wide", 5, "not_taken"),
        ("wide", 6, "ragged"),
    ]
    assert "differs in surname: wide.csv, row 4" in aside[0][3]
    # Nothing is lost: each row of the file landed, or was set aside.
    assert rows(
        warehouse,
        "select count(distinct _row) from (select _row from raw.people union all select _row from"
        " raw.requests union all select row from audit.rows_set_aside)",
    ) == [(6,)]
    assert rows(
        warehouse, "select table_name, file, row_count from audit.landed_files order by all"
    ) == [
        ("needs", "wide.csv (first need)", 2),
        ("needs", "wide.csv (second)", 1),
        ("people", "wide.csv", 4),
        ("requests", "wide.csv", 4),
        ("wide", "wide.csv", 2),
    ]


def test_repeats_without_an_order_go_only_when_they_say_the_same(tmp_path: Path) -> None:
    row = ["7", "A", "", "M", "WBRI"]
    write_text(tmp_path / "children.csv", [HEADINGS, row, row, ["7", "B", "", "M", "WBRI"]])
    warehouse = landed(tmp_path, mapping_of(tmp_path, tables=people(one_row_per="person_id")))
    assert rows(warehouse, "select _row from raw.people order by all") == [(2,), (4,)]
    assert rows(warehouse, "select row, reason from audit.rows_set_aside") == [
        (3, "it says the same as children.csv, row 2")
    ]


def test_another_input_is_looked_up_without_multiplying_rows(tmp_path: Path) -> None:
    write_text(
        tmp_path / "children.csv", [HEADINGS, ["7", "A", "", "M", "WBRI"], ["8", "B", "", "", ""]]
    )
    write_text(
        tmp_path / "posts.csv",
        [["Person ID", "Code"], ["7", "AB1 2CD"], ["7", "XY9 9XY"], ["9", "Z"]],
    )
    feed = people(
        columns=PEOPLE["columns"] | {"postcode": {"from": "Code", "of": "posts"}},
        look_up=[{"input": "posts", "on": {"Person ID": "Person ID"}}],
        blank=["forename", "upn", "uln", "no_identifier_reason"],
    )
    inputs = {"children": {"files": "children.csv"}, "posts": {"files": "posts.csv"}}
    warehouse = landed(tmp_path, mapping_of(tmp_path, inputs=inputs, tables=feed))
    assert rows(warehouse, "select person_id, postcode from raw.people order by all") == [
        ("7", "AB1 2CD"),
        ("8", None),
    ]
    aside = rows(warehouse, "select table_name, row, fault from audit.rows_set_aside order by all")
    assert aside == [
        ("posts", 2, "looked_up"),
        ("posts", 3, "not_taken"),
        ("posts", 4, "not_taken"),
    ]


def test_two_sources_land_side_by_side(tmp_path: Path) -> None:
    write_text(tmp_path / "children.csv", [HEADINGS, ["7", "A", "", "M", "WBRI"]])
    write_xlsx(tmp_path / "other.xlsx", {"S": [HEADINGS, ["9", "B", "", "F", "WBRI"]]})
    first = mapping_of(tmp_path).rename(tmp_path / "first.yml")
    second = mapping_of(tmp_path, source="two", inputs={"children": {"files": "other.xlsx"}})
    warehouse = landed(tmp_path, first, second)
    assert rows(warehouse, "select person_id, _source, _file from raw.people order by all") == [
        ("7", "one", "children.csv"),
        ("9", "two", "other.xlsx [S]"),
    ]
    assert "source one" in refuse(tmp_path, first, first)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"absent": {}}, ["table requests", "absent"]),
        ({"tables": people(blank=[])}, ["tables.people", "forename", "blank"]),
        ({"tables": people(input="nothing")}, ["nothing", "inputs"]),
        ({"tables": {"persons": PEOPLE}}, ["persons", "not a table of the contract"]),
        ({"tables": people(columns={"name": "Surname"})}, ["people.name", "not a column"]),
        ({"tables": people(typo=1)}, ["typo", "docs/mapping.md"]),
        ({"source": "One System"}, ["source", "lower-case"]),
        ({"dates": ["dd/mm/jjjj"]}, ["dd/mm/jjjj", "dd/mm/yyyy"]),
        ({"inputs": {"children": {}}}, ["files or a query"]),
        (
            {"inputs": {"children": {"query": "select 1", "database": "postgresql://u:p@h/d"}}},
            ["environment variable"],
        ),
        ({"inputs": {"children": {"files": "*.nothing"}}}, ["*.nothing", "children"]),
        ({"inputs": {"children": {"files": "children.csv", "encoding": "x"}}}, ["encoding"]),
        *(
            ({"inputs": {"children": {"files": "children.csv"} | wrong}}, words)
            for wrong, words in (
                ({"encoding": "bz2_codec"}, ["bz2_codec, which there is not"]),
                ({"encoding": "unicode-escape"}, ["unicode-escape, which there is not"]),
                ({"delimiter": "ab"}, ["inputs.children.delimiter", "one character"]),
                ({"quote": ""}, ["inputs.children.quote", "one character"]),
                ({"quote": "é"}, ["inputs.children.quote", "one character"]),
            )
        ),
        ({"dates": ["%Q"]}, ["%Q", "not a date format"]),
        ({"blanks": [f"x{each}" for each in range(101)]}, ["blanks", "more than 100"]),
        ({"crosswalks": {"sex": {"Male": "x" * 1_001}}}, ["crosswalks.sex", "1,000 characters"]),
        ({"tables": people(label="x" * 1_001)}, ["tables.people", "1,000 characters"]),
        (
            {"tables": people(columns=PEOPLE["columns"] | {"forename": {"value": "x" * 1_001}})},
            ["tables.people.forename", "1,000 characters"],
        ),
        (
            {"inputs": {"children": {"files": "children.csv", "header_row": 9}}},
            ["children.csv", "row 9"],
        ),
        (
            {"inputs": {"children": {"files": "children.csv", "header_row": 2}}},
            ["children.csv", "Ethnicity"],
        ),
        ({"tables": people(where='"Nobody" = 1')}, ["children.csv", "Nobody"]),
        ({"tables": people(where="current_date > '2020-01-01'")}, ["current_date"]),
        ({"tables": people(where="(select true)")}, ["tables.people", "query"]),
        ({"tables": people(where='"Surname"::date is null')}, ["tables.people", "try_cast"]),
        ({"tables": people(where='"Surname" +')}, ["tables.people", "understands"]),
        (
            {"tables": people(columns=PEOPLE["columns"] | {"gender_code": "Code"})},
            ["children.csv", "Code"],
        ),
    ],
)
def test_a_wrong_mapping_is_an_error_that_names_the_place(
    tmp_path: Path, changes: dict, words: list[str]
) -> None:
    write_text(tmp_path / "children.csv", [HEADINGS, ["7", SECRET, "", "M", "WBRI"]])
    message = refuse(tmp_path, mapping_of(tmp_path, **changes))
    assert [word for word in words if word not in message] == []


def test_a_failed_mapped_landing_leaves_the_warehouse_as_it_was(tmp_path: Path) -> None:
    write_text(tmp_path / "children.csv", [HEADINGS, ["7", SECRET, "", "M", "WBRI"]])
    warehouse = landed(tmp_path, mapping_of(tmp_path))
    before = rows(warehouse, "select * from raw.people")
    refuse(tmp_path, mapping_of(tmp_path, tables=people(where='"Surname"::date is null')))
    assert rows(warehouse, "select * from raw.people") == before


@pytest.mark.parametrize(
    "expression",
    ["now()", "random()", "getenv('HOME')", "read_text('/etc/passwd')", "1; select 2", "1 from x"],
)
def test_an_expression_reaches_only_its_row(expression: str) -> None:
    with pytest.raises(InputError):
        expressions.read("here", expression)


def test_an_expression_tells_its_headings() -> None:
    found = expressions.read("here", 'coalesce("A b", other."C") || lower(d)').headings
    assert found == {("A b",), ("other", "C"), ("d",)}


def test_the_shipped_files_are_what_is_generated() -> None:
    contract = (shipped.SHIPPED / "contract.yml").read_text(encoding="utf-8")
    assert contract == shipped.contract_mapping()
    assert shipped.SCHEMA.read_text(encoding="utf-8") == shipped.schema_text()


class AsEditors(yaml.SafeLoader):
    """YAML as editors read it: version 1.2, in which `on` is a word and no boolean."""

    yaml_implicit_resolvers = {
        first: [(tag, found) for tag, found in rules if first in "tTfF" or not tag.endswith("bool")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def of_docs() -> str:
    """The example of docs/mapping.md."""
    docs = (spec.PROJECT / "docs" / "mapping.md").read_text(encoding="utf-8")
    return docs.split("## A mapping\n\n```yaml\n")[1].split("```")[0]


@pytest.mark.parametrize(
    "text",
    [of_docs(), *(path.read_text(encoding="utf-8") for path in shipped.SHIPPED.glob("*.yml"))],
)
def test_the_schema_accepts_what_is_shipped_and_shown(text: str) -> None:
    schema = json.loads(shipped.SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.load(text, Loader=AsEditors), schema)


@pytest.mark.parametrize(
    "change",
    [
        {"typo": 1},
        {"source": "One System"},
        {"inputs": {}},
        {"inputs": {"a": {"files": "x", "encodng": "utf-8"}}},
        {"tables": {"people": {"columns": {}}}},
        {"tables": {"people": {"input": "a", "columns": {"sex": {"form": "Gender"}}}}},
        {"inputs": {"a": {"query": "select 1", "database": "postgresql://u:p@h/d"}}},
    ],
)
def test_the_schema_refuses_what_an_editor_should_mark(change: dict) -> None:
    schema = json.loads(shipped.SCHEMA.read_text(encoding="utf-8"))
    right = {"source": "one", "inputs": {"a": {"files": "x.csv"}}, "tables": {}}
    jsonschema.validate(right, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(right | change, schema)


@pytest.mark.parametrize("path", sorted(shipped.SHIPPED.glob("*.yml")), ids=lambda path: path.stem)
def test_every_shipped_mapping_is_whole(path: Path) -> None:
    from sen2.land import by_mapping

    mapping = read_mapping(path)
    assert isinstance(mapping, Mapping)
    for year in range(2023, spec.newest_year() + 1):
        by_mapping.check([mapping], year)
