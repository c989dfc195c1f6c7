"""Notes and corrections: what they change, what refuses them, and that no value is said aloud."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.jobs import single_stages
from sen2.land import authority_files
from sen2.land import land as landing
from sen2.reports.issues import issue_files
from sen2.sample import write_sample
from sen2.settings.config import Config, read_config
from sen2.settings.kept_files import KEPT_TABLES

from .conftest import YEAR, Built
from .extracts import build_extract, write_extract
from .test_report import make_warehouse
from .test_run import people, sen2, submissions, values_of_people

Row = dict[str, str]

SECRET = "Zebedee"
AS_AT = spec.collection(YEAR).survey_day
COLUMNS = KEPT_TABLES
NOTE = {"rule_id": "L14", "record_id": "r1", "text": "Held on paper", "author": "Jo Bloggs"}
OVERRIDE = {
    "table_name": "people",
    "key": "7",
    "column_name": "surname",
    "from": "",
    "to": SECRET,
    "reason": "Seen on the birth certificate",
    "author": "Jo Bloggs",
}
ANSWER = {
    "rule_id": "L14",
    "record_id": "r1",
    "found": "x y",
    "answer": "corrected",
    "text": "",
    "author": "Jo Bloggs",
}
DECISION = {
    "person_id": "7",
    "other_person_id": "two:7",
    "decision": "same",
    "reason": "Asked the school",
    "author": "Jo Bloggs",
}

FORM_RULE = {
    "position": "1",
    "setting": "OTH",
    "setting_note": "%excluded%",
    "placement": "Permanently excluded",
    "reason": "The placements team notes it",
}
FIRST = {
    "notes": NOTE,
    "overrides": OVERRIDE,
    "people_matched": DECISION,
    "answers": ANSWER,
    "form_local_rules": FORM_RULE,
}


def text_of(name: str, *rows: Row) -> str:
    """A file of the authority's own, dated where the rows do not say."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS[name], restval="", lineterminator="\n")
    writer.writeheader()
    dated = {"date": "2025-09-01"} if "date" in COLUMNS[name] else {}
    writer.writerows(dated | row for row in rows)
    return text.getvalue()


def keep(folder: Path, **files: list[Row]) -> None:
    """Write the authority's files to a folder whose sen2.yml names them."""
    settings = (spec.PROJECT / "sen2.yml").read_text(encoding="utf-8")
    settings = re.sub(r"(?m)^# *(notes|overrides):.*\n", "", settings)
    for name, rows in files.items():
        (folder / f"our_{name}.csv").write_text(text_of(name, *rows), encoding="utf-8")
        settings += f"{name}: our_{name}.csv\n"
    (folder / "sen2.yml").write_text(settings, encoding="utf-8")


def rename(extract: Path, person_id: str, surname: str) -> None:
    """Give a person of an extract another surname."""
    rows = people(extract)
    with (extract / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(
            row | {"surname": surname} if row["person_id"] == person_id else row for row in rows
        )


def query(path: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def read_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sheet(path: Path, name: str) -> list[dict[str, Any]]:
    headings, *rows = openpyxl.load_workbook(path)[name].iter_rows(values_only=True)
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def test_a_correction_repairs_an_error_until_it_expires_or_the_value_changes(
    tmp_path: Path,
) -> None:
    extract = tmp_path / "extract"
    write_sample(extract, YEAR, 60, 7)
    scope = read_csv(extract / "expected" / "case_scope.csv")
    person = next(case["person_id"] for case in scope if case["category"] == "active_plan")
    rename(extract, person, "")
    warehouse_file = tmp_path / "warehouse" / f"sen2_{YEAR}.duckdb"
    out = tmp_path / "out" / str(YEAR)
    correction = OVERRIDE | {"key": person}
    run = ("run", "extract", "--year", str(YEAR))

    # It has expired, so the error stands; a note does not take it away.
    explained = {**NOTE, "rule_id": "P01", "record_id": person}
    keep(tmp_path, overrides=[correction | {"expiry": "2025-12-31"}], notes=[explained])
    expired = sen2(tmp_path, *run)
    assert expired.returncode == 1, expired.stderr
    assert query(warehouse_file, "select status from audit.overrides") == [("expired",)]
    assert query(warehouse_file, "select status from validation.query_notes") == [("not_a_query",)]
    lines = read_csv(out / "issues.csv")
    assert [line["record_id"] for line in lines if line["rule_id"] == "P01"] == [person]
    assert [line["record_id"] for line in lines if line["rule_id"] == "X12"] == []
    assert {line["note_text"] for line in lines} == {""}

    # It is in force, so the error is gone; a note stands beside the query that it explains.
    asked = next(line for line in lines if line["severity"] == "query")
    noted = {**NOTE, "rule_id": asked["rule_id"], "record_id": asked["record_id"]}
    keep(
        tmp_path,
        overrides=[correction | {"expiry": str(AS_AT)}],
        notes=[noted, noted | {"found": "something else"}, NOTE | {"record_id": "nobody"}],
    )
    repaired = sen2(tmp_path, *run)
    assert repaired.returncode == 0, repaired.stderr
    (submission,) = submissions(out)
    assert f"<Surname>{SECRET}</Surname>" in (out / submission).read_text(encoding="utf-8")
    of_person = f"where person_id = '{person}'"
    assert query(warehouse_file, f"select surname from raw.people {of_person}") == [(None,)]
    assert query(warehouse_file, f"select surname from staging.stg_people {of_person}") == [
        (SECRET,)
    ]
    assert query(warehouse_file, "select status, corrected_file from audit.overrides") == [
        ("applied", "people.csv")
    ]
    assert query(warehouse_file, "select status from validation.query_notes order by row") == [
        ("applies",),
        ("found_changed",),
        ("no_such_issue",),
    ]
    lines = read_csv(out / "issues.csv")
    assert list(lines[0])[-3:] == ["note_text", "note_author", "note_date"]
    same = ("rule_id", "record_id")
    with_note = [line for line in lines if line["note_text"]]
    assert [[line[column] for column in same] for line in with_note] == [
        [asked[column] for column in same]
    ]
    assert [with_note[0][column] for column in list(lines[0])[-3:]] == [
        *("Held on paper", "Jo Bloggs", "2025-09-01"),
    ]
    book = out / "issues.xlsx"
    shown = [line for line in sheet(book, "All issues") if line["Note"]]
    assert [(line["Rule"], line["Record"], line["Note"]) for line in shown] == [
        (asked["rule_id"], asked["record_id"], "Held on paper (Jo Bloggs, 2025-09-01)")
    ]
    kept = sheet(book, "Notes and corrections")
    assert [(line["Kind"], line["Status"]) for line in kept] == [
        ("Note", "found changed"),
        ("Note", "no such issue"),
        ("Correction", "applied"),
        ("Note", "applies"),
    ]
    assert query(
        warehouse_file,
        "select table_name, row_count from audit.landed_files"
        " where table_name in ('notes', 'overrides') order by 1",
    ) == [("notes", 3), ("overrides", 1)]

    # Another day's extract holds another value, so the correction is refused, and that is said.
    rename(extract, person, "Otherwise")
    changed = build_extract(
        extract, YEAR, tmp_path / "sen2.duckdb", overrides=tmp_path / "our_overrides.csv"
    )
    assert query(changed, "select status from audit.overrides") == [("value_changed",)]
    assert query(changed, f"select surname from staging.stg_people {of_person}") == [("Otherwise",)]
    assert query(
        changed,
        "select person_id, severity, source_file, source_row from validation.issues"
        " where rule_id = 'X12'",
    ) == [(person, "query", "our_overrides.csv", 2)]

    said = "".join(done.stdout + done.stderr for done in (expired, repaired))
    assert [value for value in (SECRET, "Held on paper") if value in said] == []
    assert [value for value in values_of_people(extract) if value in said] == []


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    return write_extract(tmp_path / "extract", YEAR, people=[{"person_id": "7"}])


def land(extract: Path, to: Path, **files: Path) -> None:
    landing.land(extract, YEAR, Config.model_validate({"la_code": "330", **files}), to)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_files_land_as_text_with_their_rows(extract: Path, tmp_path: Path, mark: str) -> None:
    override = OVERRIDE | {"to": " Zoë\nB", "expiry": "2027-01-01"}
    lines = text_of("overrides", override).replace("\n", "\n\n", 1)
    (tmp_path / "o.csv").write_text(mark + lines, encoding="utf-8")
    (tmp_path / "n.csv").write_text(mark + text_of("notes", NOTE), encoding="utf-8")
    land(extract, tmp_path / "w.duckdb", overrides=tmp_path / "o.csv", notes=tmp_path / "n.csv")
    assert query(
        tmp_path / "w.duckdb", 'select "from", "to", expiry, _file, _row from raw.overrides'
    ) == [(None, " Zoë\nB", "2027-01-01", "o.csv", 3)]
    assert query(tmp_path / "w.duckdb", "select rule_id, found, _file, _row from raw.notes") == [
        ("L14", None, "n.csv", 2)
    ]
    land(extract, tmp_path / "w.duckdb")
    assert query(tmp_path / "w.duckdb", "from raw.overrides") == []
    assert query(tmp_path / "w.duckdb", "from raw.notes") == []


WRONG = [
    ("notes", "", ["row 1", "rule_id, record_id"]),
    ("notes", "rule_id,record_id\nL14,r1\n", ["row 1", "is not the header", "expiry"]),
    ("notes", f"{SECRET},{SECRET},,x,y,2025-09-01,\n", ["row 1", "is not the header"]),
    ("notes", NOTE | {"rule_id": SECRET}, ["row 2", "rule_id", "is not a rule"]),
    ("notes", NOTE | {"record_id": " "}, ["row 2", "record_id", "is blank"]),
    ("notes", NOTE | {"text": ""}, ["row 2", "column text", "is blank"]),
    ("notes", NOTE | {"author": ""}, ["row 2", "author", "is blank"]),
    ("notes", NOTE | {"date": ""}, ["row 2", "column date", "is blank"]),
    ("notes", NOTE | {"date": "9/25"}, ["row 2", "column date", "year-month-day"]),
    ("notes", NOTE | {"expiry": "2025-02-30"}, ["row 2", "expiry", "is not a date"]),
    ("notes", NOTE | {"text": "a\x01b"}, ["row 2", "column text", "U+0001"]),
    ("notes", [NOTE, NOTE | {"text": "again"}], ["row 3", "as row 2", "Keep one"]),
    ("answers", ANSWER | {"answer": "yes"}, ["row 2", "answer", "corrected nor other_team"]),
    ("answers", ANSWER | {"rule_id": "?"}, ["row 2", "rule_id", "is not a rule"]),
    ("overrides", "table,key\n", ["row 1", "is not the header", "column_name"]),
    (
        "overrides",
        OVERRIDE | {"table_name": SECRET},
        ["table_name", "not a table", "plan_settings"],
    ),
    ("overrides", OVERRIDE | {"column_name": SECRET}, ["column_name", "not a column", "forename"]),
    ("overrides", OVERRIDE | {"column_name": "person_id"}, ["person_id is a key", "case system"]),
    (
        "overrides",
        OVERRIDE | {"table_name": "plans", "column_name": "request_id"},
        ["request_id is a key"],
    ),
    ("overrides", OVERRIDE | {"key": ""}, ["row 2", "column key", "is blank"]),
    ("overrides", OVERRIDE | {"reason": ""}, ["row 2", "reason", "is blank"]),
    ("overrides", OVERRIDE | {"author": " "}, ["row 2", "author", "is blank"]),
    ("overrides", OVERRIDE | {"date": "soon"}, ["row 2", "column date", "is not a date"]),
    (
        "overrides",
        OVERRIDE | {"column_name": "birth_date", "to": "3/2/2015"},
        ["row 2", "column to", "as birth_date should be"],
    ),
    ("overrides", OVERRIDE | {"to": " "}, ["row 2", "column to", "nothing would change"]),
    ("overrides", OVERRIDE | {"to": f"{SECRET}\x0b"}, ["row 2", "column to", "U+000B"]),
    (
        "overrides",
        [OVERRIDE, OVERRIDE | {"from": " ", "to": "Other"}],
        ["row 3", "as row 2", "Keep one"],
    ),
    (
        "overrides",
        text_of("overrides", OVERRIDE) + f"people,{SECRET}\n",
        ["row 3", "has 2 values", "9 columns"],
    ),
    (
        "overrides",
        text_of("overrides", OVERRIDE) + f'people,"{SECRET}',
        ["row 3", "a quote that is not closed"],
    ),
    (
        "overrides",
        text_of("overrides", OVERRIDE).encode() + f"{SECRET},\xff".encode("latin-1"),
        ["row 3", "is not UTF-8", "CSV UTF-8"],
    ),
    ("form_local_rules", "position,setting\n", ["row 1", "is not the header", "school_age"]),
    ("form_local_rules", FORM_RULE | {"position": SECRET}, ["row 2", "position", "whole number"]),
    (
        "form_local_rules",
        FORM_RULE | {"setting": SECRET},
        ["column setting", "setting_columns.csv"],
    ),
    ("form_local_rules", FORM_RULE | {"placement": SECRET}, ["placement", "form_cells.csv"]),
    ("form_local_rules", FORM_RULE | {"school_age": SECRET}, ["school_age", "below, of, above"]),
    ("form_local_rules", FORM_RULE | {"reason": ""}, ["row 2", "reason", "is blank"]),
    ("form_local_rules", [FORM_RULE, FORM_RULE], ["row 3", "as row 2", "Keep one"]),
]


@pytest.mark.parametrize(("name", "content", "words"), WRONG)
def test_a_wrong_line_is_named_and_the_others_apply(
    extract: Path, tmp_path: Path, name: str, content: Row | list[Row] | str | bytes, words: list
) -> None:
    path = tmp_path / f"{name}.csv"
    if isinstance(content, dict | list):
        content = text_of(name, *([content] if isinstance(content, dict) else content))
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    if "row 1" in words:
        with pytest.raises(InputError) as refused:
            land(extract, tmp_path / "w.duckdb", **{name: path})
        said = str(refused.value)
        assert refused.value.exit_code == 2
    else:
        land(extract, tmp_path / "w.duckdb", **{name: path})
        (said,) = single_stages.lines_left_out(tmp_path / "w.duckdb")
        good = len(path.read_bytes().splitlines()) - 2  # the header, and the line that is wrong
        assert query(tmp_path / "w.duckdb", f"select count(*) from raw.{name}") == [(good,)]
    assert [word for word in [f"{name}.csv", *words] if word not in said] == []
    assert SECRET not in said


def test_all_faults_of_all_files_are_said_at_once(extract: Path, tmp_path: Path) -> None:
    own, paths = [NOTE | {"date": "soon"}, NOTE, NOTE | {"rule_id": "Q99", "author": ""}], {}
    for name, lines in (("notes", own), ("overrides", [OVERRIDE | {"key": ""}, OVERRIDE])):
        paths[name] = tmp_path / f"{name}.csv"
        paths[name].write_text(text_of(name, *lines), encoding="utf-8")
    land(extract, tmp_path / "w.duckdb", **paths)
    said = single_stages.lines_left_out(tmp_path / "w.duckdb")
    assert [line.split(":")[0] for line in said] == [
        "notes.csv, row 2, column date", "notes.csv, row 4, column author",
        "notes.csv, row 4, column rule_id", "overrides.csv, row 2, column key",
    ]  # fmt: skip
    for name, path in paths.items():
        assert query(tmp_path / "w.duckdb", f"select _row from raw.{name}") == [(3,)], name
        path.write_text("other,columns\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        land(extract, tmp_path / "w.duckdb", **paths)
    assert [f"{name}.csv, row 1" in str(refused.value) for name in paths] == [True, True]
    for name, path in paths.items():
        path.write_text(text_of(name, FIRST[name]), encoding="utf-8")
    land(extract, tmp_path / "w.duckdb", **paths)
    assert single_stages.lines_left_out(tmp_path / "w.duckdb") == []


def test_a_date_as_a_spreadsheet_writes_it_is_read(tmp_path: Path) -> None:
    found = read_notes(tmp_path, text_of("notes", NOTE | {"expiry": "25/01/2027"}))
    assert [row["expiry"] for row in found.rows.values()] == ["2027-01-25"]
    found = read_notes(tmp_path, text_of("notes", NOTE | {"expiry": "31/02/2027"}))
    assert [fault.column for fault in found.faults] == ["expiry"]


@pytest.mark.parametrize("name", COLUMNS)
def test_a_correct_file_is_not_refused_for_what_may_differ(name: str, tmp_path: Path) -> None:
    other = {
        "notes": {"found": "x"},
        "overrides": {"from": "x"},
        "people_matched": {"other_person_id": "two:8"},
        "answers": {"found": "x"},
        "form_local_rules": {"position": "02", "setting_note": "", "school_age": "of"},
    }
    first, second = FIRST[name], FIRST[name] | other[name]
    columns = list(reversed(COLUMNS[name]))
    dated = {"date": "2025-09-01"} if "date" in columns else {}
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(dated | row for row in (first, second))
    (tmp_path / "f.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    assert list(authority_files.read(name, tmp_path / "f.csv", landing.FORBIDDEN).rows) == [2, 3]


def test_the_files_are_looked_for_beside_the_settings(extract: Path, tmp_path: Path) -> None:
    keep(tmp_path, notes=[NOTE])
    config = read_config(tmp_path / "sen2.yml")
    assert (config.notes, config.overrides) == (tmp_path / "our_notes.csv", None)
    landing.land(extract, YEAR, config, tmp_path / "w.duckdb")
    (tmp_path / "our_notes.csv").unlink()
    with pytest.raises(InputError, match=r"our_notes\.csv: cannot be read .* sen2\.yml names it"):
        landing.land(extract, YEAR, config, tmp_path / "w.duckdb")
    (tmp_path / "sen2.yml").write_text("la_code: '330'\nnotes: 3\n")
    with pytest.raises(InputError, match="notes: must be the name of a file"):
        read_config(tmp_path / "sen2.yml")


def of_report(path: Path, *statements: str) -> Path:
    """A warehouse with one query on 0007 and one on 0042, an error on 0042, and what is kept."""
    issues: list[tuple[object, ...]] = [
        ("R08", "0041", "0007", "0007", "RequestSource 9", True, "requests.csv", 13),
        ("P17", "0042", None, "0042", "UPN A", True, "people.csv", 7),
        ("P28", "0042", None, "0042", f"Surname {SECRET}", True, "people.csv", 7),
    ]
    made = make_warehouse(path, issues)
    with duckdb.connect(str(made)) as connection:
        for statement in statements:
            connection.execute(statement)
    return made


def note(rule_id: str, record_id: str, text: str, found: str | None, row: int) -> str:
    held = "null" if found is None else f"'{found}'"
    return (
        f"insert into validation.query_notes values ('{rule_id}', '{record_id}', {held}, '{text}',"
        f" 'Jo', date '2026-10-01', null, null, null, null, 'applies', 'It stands.',"
        f" '{text} (Jo, 2026-10-01)',"
        f" 'notes.csv', {row})"
    )


def override(table: str, column: str, value: str, row: int) -> str:
    return (
        f"insert into audit.overrides values ('{table}', '0042', '{column}', null, '{value}',"
        f" 'Seen', 'Jo', date '2026-10-01', date '2027-10-01', 'applied', 'Applied.',"
        f" 'overrides.csv', {row})"
    )


def test_several_notes_on_a_query_stand_together_and_it_counts_as_explained(
    tmp_path: Path,
) -> None:
    year = 2027
    made = of_report(
        tmp_path / "w.duckdb",
        note("R08", "0007", "First", None, 2),
        note("R08", "0007", "Second", "RequestSource 9", 3),
        note("R08", "0042", "Elsewhere", None, 4),
    )
    book = issue_files.write_issues(made, "built", year, tmp_path / "out")
    lines = {line["Rule"]: line["Note"] for line in sheet(book, "All issues")}
    assert lines == {
        "R08": "First (Jo, 2026-10-01)\nSecond (Jo, 2026-10-01)",
        "P17": None,
        "P28": None,
    }
    in_csv = {line["rule_id"]: line["note_text"] for line in read_csv(book.with_suffix(".csv"))}
    assert in_csv == {"R08": "First; Second", "P17": "", "P28": ""}
    counts = {str(row["Which"]): row["Queries to explain"] for row in sheet(book, "Summary")}
    queries = {line["Rule"] for line in sheet(book, "All issues") if line["Severity"] == "Query"}
    assert counts["All issues"] == len(queries) - 1
    assert {name: count for name, count in counts.items() if name.startswith("R08")} == {
        next(name for name in counts if name.startswith("R08")): 0
    }


def test_names_in_notes_and_corrections_are_shown_only_on_demand(tmp_path: Path) -> None:
    made = of_report(
        tmp_path / "w.duckdb",
        note("P28", "0042", "She writes it so", f"Surname {SECRET}", 2),
        override("people", "surname", SECRET, 2),
        override("people", "birth_date", "2015-06-07", 3),
        override("people", "sex", "F", 4),
    )
    hidden = issue_files.write_issues(made, "built", 2027, tmp_path / "hidden")
    shown = issue_files.write_issues(made, "built", 2027, tmp_path / "shown", identify=True)

    def kept(path: Path) -> list[tuple[object, ...]]:
        columns = ("Rule or value", "Value found, or corrected", "Corrected to")
        return [
            tuple(line[column] for column in columns)
            for line in sheet(path, "Notes and corrections")
        ]

    assert kept(hidden) == [
        ("people.surname", "blank", "(a name, not shown here)"),
        ("Date of birth (people.birth_date)", "blank", "(a date of birth, not shown here)"),
        ("people.sex", "blank", "F"),
        ("P28", "(a name, not shown here)", None),
    ]
    assert kept(shown) == [
        ("people.surname", "blank", SECRET),
        ("Date of birth (people.birth_date)", "blank", "7 Jun 2015"),
        ("people.sex", "blank", "F"),
        ("P28", f"Surname: {SECRET}", None),
    ]


class Staging:
    """The models of staging as dbt compiled them, on DuckDB alone: many runs cost little."""

    def __init__(self, built: Built) -> None:
        name = built.warehouse.stem
        compiled = built.target / "compiled" / "sen2" / "models" / "staging"
        self.sql = {path.stem: path.read_text("utf-8") for path in compiled.rglob("stg_*.sql")}
        self.connection = duckdb.connect()
        self.connection.execute(f"attach '{built.warehouse}' as real (read_only)")
        self.connection.execute(f"attach ':memory:' as \"{name}\"")
        for schema, table in self.connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_catalog = 'real' and table_schema in ('raw', 'spec', 'audit', 'staging')"
        ).fetchall():
            limit = "limit 0" if schema in ("raw", "staging") else ""
            self.connection.execute(f'create schema if not exists "{name}".{schema}')
            self.connection.execute(
                f'create table "{name}".{schema}.{table} as from real.{schema}.{table} {limit}'
            )
        self.connection.execute(f'use "{name}"')

    def fill(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Make these the rows of a raw table; a column they do not have is NULL."""
        self.connection.execute(f"delete from raw.{table}")
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            marks = ", ".join("?" for _ in row)
            self.connection.execute(
                f"insert into raw.{table} ({names}) values ({marks})", list(row.values())
            )

    def run(self, table: str, rows: list[dict[str, Any]], corrections: list[Row]) -> list[tuple]:
        """What staging makes of a table's rows under these corrections."""
        self.fill(table, rows)
        self.fill(
            "overrides",
            [{**each, "_file": "o.csv", "_row": n} for n, each in enumerate(corrections, 2)],
        )
        self.connection.execute(
            f"create or replace table staging.stg_overrides as {self.sql['stg_overrides']}"
        )
        return self.connection.execute(
            f"from ({self.sql[f'stg_{table}']}) order by _row"
        ).fetchall()

    def statuses(self) -> list[str]:
        """What became of the corrections of the last run, in their order."""
        return [
            status
            for (status,) in self.connection.execute(
                "select status from staging.stg_overrides order by override_row"
            ).fetchall()
        ]


@pytest.fixture(scope="module")
def staging(built: Built) -> Staging:
    return Staging(built)


CONTRACT = spec.contract(YEAR)
# No two are of use as numbers or days alike, so that every cell that changes is seen in staging.
VALUES = ["", " ", "ASD", "asd", "1", "2015-02-03", "2016-02-03", "31/02/2015"]


def key_of(table: str) -> tuple[str, bool]:
    """The column that names a row of a table, or else its parent, and which of the two it is."""
    own = [column.name for column in CONTRACT[table] if "pk" in column.key.split()]
    return (own or [column.name for column in CONTRACT[table] if column.key])[0], bool(own)


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]], list[Row]]:
    """A table, its rows as landed, and corrections of it, as a file may hold them."""
    table = draw(st.sampled_from(sorted(CONTRACT)))
    key, _ = key_of(table)
    columns = [column.name for column in CONTRACT[table] if not column.key]
    ids = st.sampled_from("abc")
    value = st.sampled_from([None, *VALUES])
    rows: list[dict[str, Any]] = [
        {key: draw(ids), **{column: draw(value) for column in columns}, "_file": "f", "_row": n}
        for n in range(2, 2 + draw(st.integers(0, 4)))
    ]
    column = st.sampled_from(columns)
    held = st.sampled_from(
        [(str(row[key]), name, row[name] or "") for row in rows for name in columns]
        or [("a", columns[0], "ASD")]
    )
    aim = held | st.tuples(ids, column, st.sampled_from(VALUES))
    corrections = [
        dict(zip(("key", "column_name", "from"), target, strict=True))
        | {"table_name": table, "to": draw(st.sampled_from(VALUES))}
        for target in draw(st.lists(aim, max_size=5))
    ]
    unique = {
        (each["key"], each["column_name"], each["from"].strip()): each for each in corrections
    }
    return table, rows, list(unique.values())


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_corrections_change_exactly_the_cells_they_name(
    staging: Staging, case: tuple[str, list[dict[str, Any]], list[Row]]
) -> None:
    table, rows, corrections = case
    key, is_own = key_of(table)
    by_hand = [dict(row) for row in rows]
    expected = []
    for each in corrections:
        named = [n for n, row in enumerate(rows) if row[key] == each["key"]]
        column, wanted = each["column_name"], each["from"]
        fit = [n for n in named if (rows[n][column] or "").strip() == wanted.strip()]
        if not named:
            expected.append("row_not_found")
        elif len(fit) > 1 or (is_own and len(named) > 1):
            expected.append("ambiguous")
        elif not fit:
            expected.append("value_changed")
        else:
            expected.append("applied")
            by_hand[fit[0]][column] = each["to"]
    corrected = staging.run(table, rows, corrections)
    assert staging.statuses() == expected
    assert staging.connection.execute(f"select count(*) from raw.{table}").fetchone() == (
        len(rows),
    )
    assert corrected == staging.run(table, by_hand, [])


@pytest.mark.parametrize("table", CONTRACT)
def test_every_column_but_the_keys_can_be_corrected(staging: Staging, table: str) -> None:
    key, _ = key_of(table)
    columns = [column.name for column in CONTRACT[table] if not column.key]
    row: dict[str, Any] = {key: "a", **dict.fromkeys(columns, "1"), "_file": "f", "_row": 2}
    plain = staging.run(table, [row], [])
    for column in columns:
        correction = {"table_name": table, "key": "a", "column_name": column}
        correction |= {"from": "1", "to": "2016-02-03"}
        corrected = staging.run(table, [row], [correction])
        assert staging.statuses() == ["applied"]
        assert corrected == staging.run(table, [row | {column: "2016-02-03"}], [])
        assert corrected != plain


AGREED = {"kind": "agreed", "agreed_by": "The helpdesk", "agreed_date": "2025-09-02"}


def read_notes(tmp_path: Path, text: str) -> authority_files.KeptFile:
    path = tmp_path / "notes.csv"
    path.write_text(text, encoding="utf-8")
    return authority_files.read("notes", path, re.compile("\x00"))


def test_a_file_of_notes_needs_no_columns_for_agreements(tmp_path: Path) -> None:
    text = "rule_id,record_id,found,text,author,date,expiry\nL14,r1,,On paper,Jo,2025-09-01,\n"
    assert read_notes(tmp_path, text).rows[2]["kind"] == ""


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"kind": "yes"}, "kind"),
        ({"agreed_by": ""}, "agreed_by"),
        ({"agreed_date": ""}, "agreed_date"),
        ({"agreed_date": "2 September"}, "agreed_date"),
        ({"kind": ""}, "kind"),
    ],
)
def test_an_agreement_says_who_agreed_and_when(changed: Row, column: str, tmp_path: Path) -> None:
    assert read_notes(tmp_path, text_of("notes", NOTE | AGREED)).rows
    found = read_notes(tmp_path, text_of("notes", NOTE | AGREED | changed))
    assert {(each.row, each.column) for each in found.faults} == {(2, column)}
    assert found.rows == {}
