"""`sen2 map`: what it proposes lands as it stands, says why, and shows no person's value."""

import csv
import json
from pathlib import Path

import duckdb
import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from sen2 import spec
from sen2.cli.main import app
from sen2.ground.errors import InputError
from sen2.land.land import land
from sen2.land.mapping import shipped
from sen2.land.propose import profile, propose, write_yaml
from sen2.settings.config import Config

from .sources import write_text, write_xlsx

YEAR = 2026
CONFIG = Config(la_code="330", extracted_on="2026-01-15")
SECRET = "Zebedee"
HEADER = [
    *("Child ID", "Last Name", "First Name", "DOB", "Gender", "Ethnic Origin", "Home Postcode"),
    *("UPN Number", "Request Ref", "Date Request Received", "Agreed to assess?"),
    *("Date of decision to assess", "EHCP Reference", "EHCP Start Date", "Primary Need"),
    *("Secondary Need", "Case worker", "Cabinet"),
]


def sample(table: str) -> list[dict[str, str]]:
    with (spec.PROJECT / "sample" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def british(day: str) -> str:
    return "/".join(reversed(day.split("-"))) if day else ""


def wide_rows() -> list[list[str]]:
    """The sample as one wide row a person, with the headings and words of a usual report."""
    requests = {row["person_id"]: row for row in sample("requests")}
    plans = {row["person_id"]: row for row in sample("plans")}
    needs: dict[str, dict[str, str]] = {}
    for row in sample("needs"):
        needs.setdefault(row["plan_id"], {})[row["rank"]] = row["need"]
    said = []
    for person in sample("people"):
        request = requests.get(person["person_id"], {})
        plan = plans.get(person["person_id"], {})
        need = needs.get(plan.get("plan_id", ""), {})
        said.append(
            [
                *(person["person_id"], person["surname"], person["forename"]),
                *(british(person["birth_date"]), {"M": "Male", "F": "Female"}[person["sex"]]),
                *(person["ethnicity"], person["postcode"], person["upn"]),
                *(request.get("request_id", ""), british(request.get("received_date", ""))),
                {"assess": "Yes", "refuse": "No"}.get(request.get("decision", ""), ""),
                *(british(request.get("decision_date", "")), plan.get("plan_id", "")),
                *(british(plan.get("start_date", "")), need.get("1", ""), need.get("2", "")),
                *(SECRET, SECRET),
            ]
        )
    return said


def proposed(extract: Path) -> str:
    return write_yaml.text(propose.propose(extract, YEAR), "one", YEAR)


def landed(folder: Path, text: str) -> Path:
    mapping = folder / "proposed.yml"
    mapping.write_text(text, encoding="utf-8")
    warehouse = folder / "w.duckdb"
    land(folder, YEAR, CONFIG, warehouse, mappings=[mapping])
    return warehouse


def rows(warehouse: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_a_wide_extract_lands_by_what_is_proposed(tmp_path: Path) -> None:
    said = wide_rows()
    write_text(tmp_path / "report.csv", [HEADER, *said])
    text = proposed(tmp_path)
    schema = json.loads(shipped.schema_text())
    jsonschema.validate(yaml.safe_load(text), schema)
    warehouse = landed(tmp_path, text)
    found = rows(
        warehouse,
        "select person_id, surname, birth_date, sex, ethnicity, postcode, upn from raw.people",
    )
    expected = [
        tuple(row[name] or None for name in ("person_id", "surname", "birth_date", "sex"))
        + tuple(row[name] or None for name in ("ethnicity", "postcode", "upn"))
        for row in sample("people")
    ]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert rows(warehouse, "select count(*), count(decision) from raw.requests") == [
        (sum(bool(row[8]) for row in said), sum(bool(row[10]) for row in said))
    ]
    assert {each for (each,) in rows(warehouse, "select distinct decision from raw.requests")} == {
        *("assess", "refuse", None)
    }
    needs = sorted(
        (row[12], rank, row[place]) for row in said for rank, place in RANKS if row[place]
    )
    assert rows(warehouse, "select plan_id, rank, need from raw.needs order by all") == needs
    people = sample("people")
    for column in ("surname", "forename", "postcode", "upn", "birth_date", "person_id"):
        assert [row[column] for row in people if row[column] and row[column] in text] == []
    assert SECRET not in text
    assert "# No column took, of report: Cabinet" in text
    workers = rows(warehouse, "select distinct worker from raw.people")
    assert workers == [(SECRET,)]
    assert "  reviews: no file has headings for it" in text
    assert "blank: [uln, no_identifier_reason]" in text


RANKS = (("1", 14), ("2", 15))


def test_appeals_of_plans_and_the_days_decisions_were_made_are_proposed(tmp_path: Path) -> None:
    """Appeals may be about a plan that has no request here; a refusal may be overturned later."""
    write_text(
        tmp_path / "appeals.csv",
        [
            ["Plan ID", "Dispute Type", "About", "Date of Appeal"],
            ["p1", "appeal", "other", "2025-05-01"],
        ],
    )
    write_text(
        tmp_path / "assessments.csv",
        [
            ["Request ID", "Assessment Outcome", "Assessment Outcome Date", "Date Decided to Issue",
             "Date Agreed to Assess After Appeal"],
            ["r1", "issue", "2025-09-01", "2025-08-01", "2025-03-01"],
        ],
    )  # fmt: skip
    warehouse = landed(tmp_path, proposed(tmp_path))
    columns = "request_id, plan_id, kind, about, dispute_date"
    assert rows(warehouse, f"select {columns} from raw.disputes") == [
        (None, "p1", "appeal", "other", "2025-05-01")
    ]
    columns = "request_id, decision, decision_date, issue_decided_date, agreed_date"
    assert rows(warehouse, f"select {columns} from raw.assessments") == [
        ("r1", "issue", "2025-09-01", "2025-08-01", "2025-03-01")
    ]


def test_a_file_of_plans_with_a_date_is_no_file_of_disputes(tmp_path: Path) -> None:
    write_text(
        tmp_path / "letters.csv",
        [["Plan ID", "Date of Appeal", "Start Date"], ["p1", "2025-05-01", "2024-01-01"]],
    )
    assert "  disputes: no file has headings for it" in proposed(tmp_path)


def test_a_contract_shaped_extract_is_proposed_with_certainty(tmp_path: Path) -> None:
    for path in (spec.PROJECT / "sample").glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = proposed(tmp_path)
    assert "?" not in text.split("inputs:")[1]
    assert "# The shipped mapping contract reads these headings" in text
    warehouse = landed(tmp_path, text)
    for table in spec.contract(YEAR):
        given = sample(table)
        (count,) = rows(warehouse, f"select count(*) from raw.{table}")
        assert count == (len(given),)
    assert rows(warehouse, "select * from audit.unmapped_values") == []


def test_words_of_codes_are_shown_and_the_rest_is_not(tmp_path: Path) -> None:
    people = [["7", SECRET, "WBRI"] for _ in range(4)]
    people += [["8", SECRET, "Wite - British"] for _ in range(3)]
    people += [["9", SECRET, "Martian"] for _ in range(3)]
    people += [["10", SECRET, f"see {SECRET}"], ["11", SECRET, "2015-02-03"]]
    write_text(tmp_path / "people.csv", [["Person ID", "Surname", "Ethnicity"], *people])
    text = proposed(tmp_path)
    assert "Wite - British: WBRI" in text
    assert "'Martian' in 3 rows is no code of it" in text
    assert "values in 2 rows are no code of it and not shown" in text
    assert SECRET not in text
    assert "2015-02-03" not in text


@pytest.mark.parametrize(
    "content",
    [
        [["7", SECRET, "Ann", "2015-02-03"], ["8", SECRET, "Ben", "2015-02-03"]],
        [[SECRET, "Ann", "red"], [SECRET, "Ben", "blue"]],
        [["Colour", "Size"], ["red", "1"]],
        [["Surname", "Forename", "A950000178301"], ["x", "y", "z"]],
    ],
)
def test_a_file_without_headings_is_refused_without_its_values(
    tmp_path: Path, content: list[list[str]]
) -> None:
    write_text(tmp_path / "people.csv", content)
    with pytest.raises(InputError) as refused:
        propose.propose(tmp_path, YEAR)
    assert "people.csv" in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "Ann" not in str(refused.value)
    assert "A950000178301" not in str(refused.value)


def test_sheets_months_and_the_month_first(tmp_path: Path) -> None:
    plans = ["Plan Reference", "Person ID", "Plan Issue Date"]
    for month in ("jan", "feb"):
        write_text(tmp_path / f"plans_{month}.csv", [plans, [f"e{month}", "7", "12/31/2024"]])
    write_xlsx(
        tmp_path / "children.xlsx",
        {
            "Children": [["Person ID", "Surname", "DOB"], ["7", SECRET, "03/02/2015"]],
            "Reviews": [["Plan Reference", "Review Date"], ["ejan", "01/02/2025"]],
        },
    )
    text = proposed(tmp_path)
    assert "files: [plans_feb.csv, plans_jan.csv]" in text
    assert "sheet: Reviews" in text
    warehouse = landed(tmp_path, text)
    assert rows(warehouse, "select plan_id, start_date from raw.plans order by all") == [
        ("efeb", "2024-12-31"),
        ("ejan", "2024-12-31"),
    ]
    assert rows(warehouse, "select birth_date from raw.people") == [("2015-02-03",)]
    assert rows(warehouse, "select meeting_date from raw.reviews") == [("2025-02-01",)]


def test_an_identifier_is_known_by_its_check_character() -> None:
    assert profile.has_check_letter("A950000178301")
    assert not profile.has_check_letter("B950000178301")
    uln = next(row["uln"] for row in sample("people") if row["uln"])
    assert profile.has_check_digit(uln)
    assert not profile.has_check_digit(uln[:-1] + str((int(uln[-1]) + 1) % 10))


def test_a_column_is_found_by_its_values_under_any_heading(tmp_path: Path) -> None:
    people = [row for row in sample("people") if row["upn"]]
    body = [[row["person_id"], row["surname"], row["upn"]] for row in people]
    write_text(tmp_path / "people.csv", [["Person ID", "Surname", "Ref 2"], *body])
    assert "upn: Ref 2  # ? 0.75: 100% have the check letter of a UPN" in " ".join(
        proposed(tmp_path).split()
    ).replace("Ref 2 #", "Ref 2  #")


def test_the_name_of_a_file_is_no_line_of_the_mapping(tmp_path: Path) -> None:
    folder = tmp_path / "extract"
    folder.mkdir()
    write_text(folder / "children.csv", [HEADER, *wide_rows()])
    write_text(folder / "z\nabsent: {people: none}\n#.csv", [["Zed", "Zett"], ["1", "2"]])
    write_text(folder / "y\x85source: other.csv", [["Zed", "Zett"], ["1", "2"]])
    text = proposed(folder)
    assert "Not read: z" in text
    content = yaml.safe_load(text)
    assert (content["source"], "people" in content.get("absent", {})) == ("one", False)


def test_the_command_writes_a_new_file_and_never_over_one(tmp_path: Path) -> None:
    extract = tmp_path / "extract"
    extract.mkdir()
    write_text(extract / "report.csv", [HEADER, *wide_rows()])
    out = tmp_path / "ours.yml"
    runner = CliRunner()
    done = runner.invoke(app, ["map", str(extract), "--year", str(YEAR), "--out", str(out)])
    assert done.exit_code == 0
    assert "people" in done.stderr
    assert out.read_text(encoding="utf-8").startswith("# yaml-language-server")
    again = runner.invoke(app, ["map", str(extract), "--out", str(out)])
    assert isinstance(again.exception, InputError)
    printed = runner.invoke(app, ["map", str(extract), "--year", str(YEAR)])
    assert printed.stdout == out.read_text(encoding="utf-8")
