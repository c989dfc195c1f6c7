"""The shipped mappings: the sample, written naively in each layout, lands as the contract has it.

What a layout cannot hold is left out of the comparison by name, so that nothing is left out by
accident.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

import duckdb
import openpyxl
import pytest

from sen2 import spec
from sen2.imports import table_return
from sen2.land.land import land
from sen2.settings.config import Config

from .sources import write_text

YEAR = 2026
CONFIG = Config(la_code="330", extracted_on="2026-01-15")
SAMPLE = spec.PROJECT / "sample"
OUTCOMES = {"assess": "Y", "issue": "Y", "refuse": "N", "": "A"}

Row = dict[str, str]
Tables = dict[str, list[Row]]


@pytest.fixture(scope="module")
def sample() -> Tables:
    """The shipped sample, but for what no layout of returned items holds (see `representable`)."""
    tables: Tables = {}
    for path in sorted(SAMPLE.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            tables[path.stem] = list(csv.DictReader(file))
    return tables


def representable(tables: Tables) -> Tables:
    """One plan a request, one review a plan and no dates of disputes, moves and transfers."""
    plans = list({row["request_id"]: row for row in tables["plans"] if row["request_id"]}.values())
    plans = [row | {"transferred_from_la": "", "transferred_date": ""} for row in plans]
    kept = {row["plan_id"]: row["request_id"] for row in plans}
    reviews = {row["plan_id"]: row for row in tables["reviews"] if row["meeting_date"]}
    below = {
        table: [row | {"plan_id": kept[row["plan_id"]]} for row in rows if row["plan_id"] in kept]
        for table, rows in (tables | {"reviews": list(reviews.values())}).items()
        if table in ("plan_settings", "placements", "needs", "reviews")
    }
    return {
        **tables,
        **below,
        "plans": [row | {"plan_id": row["request_id"]} for row in plans],
        "requests": [row | {"moved_date": ""} for row in tables["requests"]],
    }


def returned(row: Row) -> tuple[str, str]:
    """Outcome and its date, as an event is written in a return's layout."""
    if row["withdrawn_date"]:
        return "W", ""
    return OUTCOMES[row["decision"]], row["decision_date"]


def flag(tables: Tables, request_id: str, kind: str, about: str) -> str:
    said = {(row["request_id"], row["kind"], row["about"]) for row in tables["disputes"]}
    return "1" if (request_id, kind, about) in said else "0"


def landed(folder: Path, mapping: str) -> Path:
    warehouse = folder / "w.duckdb"
    land(folder, YEAR, CONFIG, warehouse, mappings=[Path(mapping)])
    return warehouse


def rows(warehouse: Path, table: str, columns: Iterable[str]) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        said = ", ".join(f"coalesce({name}, '')" for name in columns)
        return sorted(connection.execute(f"select {said} from raw.{table}").fetchall())


def compare(warehouse: Path, tables: Tables, table: str, *lost: str) -> None:
    """Every column of a table but those that the layout has not, row by row."""
    columns = [name for name in tables[table][0] if name not in lost]
    expected = sorted(tuple(row[name] for name in columns) for row in tables[table])
    assert rows(warehouse, table, columns) == expected


def compare_decisions(warehouse: Path, tables: Tables, table: str, *lost: str) -> None:
    """The same, where a withdrawal has no date, and what was decided before it is not returned."""
    changed = [
        row
        | (
            {"decision": "", "decision_date": "", "withdrawn_date": "W"}
            if row["withdrawn_date"]
            else {}
        )
        for row in tables[table]
    ]
    compare(warehouse, tables | {table: changed}, table, *lost)


def disputes_of(tables: Tables) -> set[tuple]:
    return {(row["request_id"], row["kind"], row["about"]) for row in tables["disputes"]}


def compare_disputes(warehouse: Path, tables: Tables) -> None:
    """The disputes whose assessment the layout has, each once, without dates."""
    assessed = {row["request_id"] for row in tables["assessments"]}
    known = {each for each in disputes_of(tables) if each[2] == "assess" or each[0] in assessed}
    found = rows(warehouse, "disputes", ["request_id", "kind", "about", "dispute_date"])
    assert found == sorted((*each, "") for each in known)
    assert found


def send_tool(tables: Tables, folder: Path) -> None:
    """The five files, with one more of each outcome that has no event."""
    requests, assessments = [], []
    for row in tables["requests"]:
        outcome, day = returned(row)
        key = row["request_id"]
        moved = row["moved_to_la"]
        flags = [flag(tables, key, kind, "assess") for kind in ("mediation", "appeal")]
        cells = [row["received_date"], row["in_youth_accommodation"], day, outcome, *flags, moved]
        requests.append([row["person_id"], key, *cells, ""])
    for row in tables["assessments"]:
        outcome, day = returned(row)
        key = row["request_id"]
        flags = [
            flag(tables, key, kind, about)
            for about in ("issue", "other")
            for kind in ("mediation", "appeal")
        ]
        assessments.append(["", key, outcome, day, *flags, row["twenty_week_exception"]])
    reviews = {row["plan_id"]: row["decision_date"] for row in tables["reviews"]}
    said = {
        "a": [
            [
                *("Person ID", "Surname", "Forename", "Dob (ccyy-mm-dd)", "Gender", "Ethnicity"),
                *("Postcode", "UPN - Unique Pupil Number"),
                *("ULN - Young Persons Unique Learner Number", "UPN and ULN unavailable reason"),
            ],
            *(
                [
                    *(row["person_id"], row["surname"], row["forename"], row["birth_date"]),
                    *({"M": "1"}.get(row["sex"], row["sex"]), row["ethnicity"]),
                    *(row["postcode"], row["upn"], row["uln"], row["no_identifier_reason"]),
                ]
                for row in tables["people"]
            ),
        ],
        "b": [
            [
                *("Person ID", "Requests Record ID", "Date Request Was Received"),
                *("Initial Request Whilst In RYA", "Request Outcome Date", "Request Outcome"),
                *("Request Mediation", "Request Tribunal"),
                "Exported - Child Or Young Person Moves Out Of LA Before Assessment Is Completed",
                "New start date",
            ],
            *requests,
            ["P0000001", "historic", "2016-01-02", "0", "", "H", "0", "0", "", ""],
            ["P0000001", "half", "2024-01-02", "0", "", "H", "0", "0", "", ""],
        ],
        "c": [
            [
                *("Person ID", "Requests Record ID", "Assessment Outcome To Issue EHCP"),
                *("Assessment Outcome Date", "Assessment Mediation", "Assessment Tribunal"),
                *("Other Mediation", "Other Tribunal", "Twenty Weeks Time Limit Exceptions Apply"),
            ],
            *assessments,
            ["P0000001", "historic", "H", "", "0", "0", "0", "0", ""],
            ["P0000001", "half", "Y", "2025-03-04", "0", "0", "0", "0", "0"],
        ],
        "d": [
            [
                *("Person ID", "Request Records ID", "EHC Plan Start Date", "Residential Settings"),
                *("Worked based learning activity", "Personal budget taken up"),
                "Personal budget - organised arrangements",
                *("Personal budget - direct payments", "Date EHC Plan Ceased"),
                "Reason EHC Plan Ceased",
            ],
            *(
                [
                    *(row["person_id"], row["request_id"], row["start_date"], row["residential"]),
                    *(row["work_based"], row["personal_budget"], row["organised_arrangements"]),
                    *(row["direct_payments"], row["cease_date"], row["cease_reason"]),
                ]
                for row in tables["plans"]
            ),
            ["P0000001", "historic", "2016-05-06", "", "", "0", "", "", "", ""],
        ],
        "e": [
            [
                *("Person ID", "Request Records ID", "EHC Plan (Transfer)", "Residential Settings"),
                *("Worked based learning activity", "EHCP review decisions date"),
            ],
            *(
                ["", row["request_id"], "", "", "", reviews.get(row["plan_id"], "<NA>")]
                for row in tables["plans"]
            ),
            ["P0000001", "historic", "301", "", "", "<NA>"],
        ],
    }
    for name, cells in said.items():
        write_text(folder / f"module {name}.csv", cells)
    write_text(folder / "notes.csv", [["Something", "else"], ["1", "2"]])


def test_the_send_tool_s_five_files(sample: Tables, tmp_path: Path) -> None:
    tables = representable(sample)
    send_tool(tables, tmp_path)
    warehouse = landed(tmp_path, "send_tool")
    compare(warehouse, tables, "people", "gender_code")
    extra = {"person_id": "P0000001", "in_youth_accommodation": "0", "decision": "assess"}
    half = {"request_id": "half", "received_date": "2024-01-02", "decision_date": "H", **extra}
    blank = dict.fromkeys(tables["requests"][0], "")
    requests = {"requests": [*tables["requests"], blank | half]}
    compare_decisions(warehouse, requests, "requests", "source")
    blank = dict.fromkeys(tables["assessments"][0], "")
    half = {"request_id": "half", "decision": "issue", "decision_date": "2025-03-04"}
    half["twenty_week_exception"] = "0"
    assessments = {"assessments": [*tables["assessments"], blank | half]}
    compare_decisions(warehouse, assessments, "assessments")
    historic = dict.fromkeys(tables["plans"][0], "") | {"plan_id": "historic"}
    historic |= {"person_id": "P0000001", "start_date": "2016-05-06", "personal_budget": "0"}
    historic["transferred_from_la"] = "301"
    compare(warehouse, {"plans": [*tables["plans"], historic]}, "plans")
    compare_disputes(warehouse, tables)
    decided = {(r["plan_id"], r["decision_date"]) for r in tables["reviews"] if r["decision_date"]}
    assert set(rows(warehouse, "reviews", ["plan_id", "decision_date"])) == decided
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        files = connection.execute("select input, file from audit.landed_inputs order by 1")
        assert files.fetchall() == [
            ("active_plans", "module e.csv"),
            ("assessments", "module c.csv"),
            ("people", "module a.csv"),
            ("plans", "module d.csv"),
            ("requests", "module b.csv"),
        ]
        unused = connection.execute(
            "select other_columns from audit.landed_inputs where input = 'requests'"
        )
        assert unused.fetchall() == [("New start date",)]


def template(tables: Tables, path: Path) -> None:
    """The template's tables below each other, each cell under the item that the heading names."""
    assessed = {row["request_id"]: row for row in tables["assessments"]}
    people = {row["request_id"]: row["person_id"] for row in tables["requests"]}
    reviews = {row["plan_id"]: row for row in tables["reviews"]}

    def disputed(row: Row, about: str) -> list[str]:
        return [flag(tables, row["request_id"], kind, about) for kind in ("mediation", "appeal")]

    def setting(row: Row) -> list[str]:
        return [row[name] for name in ("urn", "ukprn", "setting", "setting_note", "rank")]

    def kind(row: Row) -> list[str]:
        return [row["sen_unit"], row["resourced_provision"]]

    def key(row: Row, name: str = "plan_id") -> list[str]:
        return ["x", people[row[name]], row[name], "330"]

    def decided(row: Row) -> tuple[str, str]:
        return returned(row)

    said: dict[str, list[list[str]]] = {
        "Header Record": [["x", "SEN2", "2026", "2026-01-15"]],
        "Person Record": [
            [
                *("x", row["person_id"], "330", row["surname"], row["forename"]),
                *(row["birth_date"], row["gender_code"], row["sex"], row["ethnicity"]),
                *(row["postcode"], row["upn"], row["uln"], row["no_identifier_reason"]),
            ]
            for row in tables["people"]
        ],
        "Requests Records": [
            [
                *("x", row["request_id"], "330", row["person_id"], row["received_date"]),
                *(row["source"], row["in_youth_accommodation"], decided(row)[1], decided(row)[0]),
                *(*disputed(row, "assess"), row["moved_to_la"]),
            ]
            for row in tables["requests"]
        ],
        "Assessments Records": [
            [
                *("x", people[row["request_id"]], "330", row["request_id"], *decided(row)),
                *(*disputed(row, "issue"), *disputed(row, "other"), row["twenty_week_exception"]),
            ]
            for row in assessed.values()
        ],
        "Named Plan Records": [
            [
                *(*key(row), row["start_date"], row["residential"], row["work_based"]),
                *(row["personal_budget"], row["organised_arrangements"], row["direct_payments"]),
                *(row["cease_date"], row["cease_reason"]),
            ]
            for row in tables["plans"]
        ],
        "Plan Detail Records": [
            [*key(row), *setting(row), *kind(row)] for row in tables["plan_settings"]
        ],
        "Active Plan Records": [
            [
                *("x", row["person_id"], "330", row["plan_id"], row["transferred_from_la"], "", ""),
                *(
                    reviews.get(row["plan_id"], {}).get(name, "")
                    for name in (
                        *("meeting_date", "decision_date", "decision", "draft_date"),
                        *("phase_transfer_due_date", "phase_transfer_final_date"),
                    )
                ),
            ]
            for row in tables["plans"]
        ],
        "Placement Detail Records": [
            [
                *(*key(row), *setting(row), row["entry_date"], row["leaving_date"]),
                *(row["attendance"], *kind(row), row["residential"], row["work_based"]),
            ]
            for row in tables["placements"]
        ],
        "SEN Need Records": [[*key(row), row["need"], row["rank"]] for row in tables["needs"]],
    }
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Data Entry Template"
    sheet.append(["SEN2 person level"])
    for part, columns in table_return.layout("template").items():
        headings = [row["heading"] for row in columns.values()]
        for each in ([], [part], headings, *said[part], []):
            sheet.append([cell or None for cell in each])
    book.save(path)


def test_dfe_s_template_gives_the_events_that_its_columns_allow(
    sample: Tables, tmp_path: Path
) -> None:
    tables = representable(sample)
    template(tables, tmp_path / "template.xlsx")
    warehouse = landed(tmp_path, "template")
    compare(warehouse, tables, "people")
    compare_decisions(warehouse, tables, "requests")
    compare_decisions(warehouse, tables, "assessments")
    for table in ("plans", "plan_settings", "needs", "reviews"):
        compare(warehouse, tables, table)
    compare(warehouse, tables, "placements", "placement_id")
    keys = rows(warehouse, "placements", ["placement_id"])
    assert len(set(keys)) == len(tables["placements"])
    compare_disputes(warehouse, tables)


def british(day: str) -> str:
    return "/".join(reversed(day.split("-"))) if day else ""


ONE = [
    *("Involvement ID", "Person ID", "Surname", "Forename", "Date of Birth", "Sex", "Ethnicity"),
    *("Postcode", "UPN", "ULN", "UPN Unknown", "Request Source", "RYA", "Assessment Type"),
    *("Received Date", "Phase 1 Complete", "Notified Date", "Assessment Started"),
    *("Assessment Completed Date", "Assessment Decision"),
    *("Notified Date – No Following Assessment", "Date Final Issued", "Inactive Date"),  # noqa: RUF001
    *("Inactive Reason", "Exception Phase 1", "Exception Phase 2a", "Exception Phase 2b"),
    *("Exception Phase 3", "LA Transfer Date"),
]
DASH = ONE[20]


def involvements(tables: Tables) -> list[Row]:
    """One wide row a request, with its assessment and its plan."""
    people = {row["person_id"]: row for row in tables["people"]}
    assessed = {row["request_id"]: row for row in tables["assessments"]}
    plans = {row["request_id"]: row for row in tables["plans"]}
    said = []
    for row in tables["requests"]:
        person, assessment = people[row["person_id"]], assessed.get(row["request_id"], {})
        plan = plans.get(row["request_id"], {})
        reason = (
            "MOV"
            if row["moved_to_la"]
            else "AWI"
            if row["withdrawn_date"] or assessment.get("withdrawn_date")
            else "REF"
            if row["decision"] == "refuse"
            else ""
        )
        ended = row["moved_date"] or row["withdrawn_date"] or assessment.get("withdrawn_date", "")
        refused = assessment.get("decision") == "refuse"
        said.append(
            {
                "Involvement ID": row["request_id"],
                "Person ID": row["person_id"],
                "Surname": person["surname"],
                "Forename": person["forename"],
                "Date of Birth": british(person["birth_date"]),
                "Sex": {"M": "Male", "F": "Female"}[person["sex"]],
                "Ethnicity": person["ethnicity"],
                "Postcode": person["postcode"],
                "UPN": person["upn"],
                "ULN": person["uln"],
                "UPN Unknown": person["no_identifier_reason"],
                "Request Source": row["source"],
                "RYA": row["in_youth_accommodation"],
                "Assessment Type": "INI",
                "Received Date": british(row["received_date"]),
                "Notified Date": british(row["decision_date"]),
                "Assessment Started": british(row["decision_date"])
                if row["request_id"] in assessed
                else "",
                DASH: british(assessment.get("decision_date", "")) if refused else "",
                "Date Final Issued": british(plan.get("start_date", "")),
                "Inactive Date": british(ended),
                "Inactive Reason": reason,
                "Exception Phase 2a": "Y" if assessment.get("twenty_week_exception") == "1" else "",
            }
        )
    return said


def plain_cases(sample: Tables) -> Tables:
    """The cases that one involvement can hold: the plan issued on the day it starts."""
    tables = representable(sample)
    starts = {row["request_id"]: row["start_date"] for row in tables["plans"]}
    assessed = {row["request_id"]: row for row in tables["assessments"]}
    kept = {
        row["request_id"]
        for row in tables["requests"]
        for assessment in [assessed.get(row["request_id"], {})]
        if (
            (assessment.get("decision") == "issue") == (row["request_id"] in starts)
            and assessment.get("decision_date", "") in ("", starts.get(row["request_id"], ""))
        )
        or (assessment.get("decision") == "refuse" and row["request_id"] not in starts)
    }
    kept -= {
        row["request_id"]
        for row in tables["requests"]
        if (row["decision"] == "assess") != (row["request_id"] in assessed)
    }
    of_request = {
        table: [row for row in tables[table] if row["request_id"] in kept]
        for table in ("requests", "assessments", "plans")
    }
    named = {row["person_id"] for row in of_request["requests"]}
    return of_request | {"people": [row for row in tables["people"] if row["person_id"] in named]}


def test_one_wide_row_an_involvement(sample: Tables, tmp_path: Path) -> None:
    tables = plain_cases(sample)
    assert len(tables["requests"]) > len(sample["requests"]) / 2
    said = involvements(tables)
    write_text(tmp_path / "involvements.csv", [ONE, *([r.get(h, "") for h in ONE] for r in said)])
    warehouse = landed(tmp_path, "one_involvement")
    compare(warehouse, tables, "people", "gender_code")
    moved = [
        row
        | {"moved_date": row["moved_date"] or "", "moved_to_la": "XXX" * bool(row["moved_to_la"])}
        for row in sample["requests"]
        if row["request_id"] in {each["request_id"] for each in tables["requests"]}
    ]
    compare(warehouse, {"requests": moved}, "requests", "moved_date")
    compare(
        warehouse,
        {
            "assessments": [
                row | {"twenty_week_exception": row["twenty_week_exception"] or "0"}
                for row in tables["assessments"]
            ]
        },
        "assessments",
    )
    lost = ("residential", "work_based", "personal_budget", "organised_arrangements")
    lost = (*lost, "direct_payments", "cease_date", "cease_reason")
    compare(warehouse, tables, "plans", *lost)


def test_an_overturned_decision_joins_the_request_before_it(tmp_path: Path) -> None:
    person = {"Person ID": "p", "Surname": "A", "Sex": "F"}
    first = {"Involvement ID": "2", "Assessment Type": "INI", "Received Date": "01/02/2024"}
    refused = {"Notified Date": "01/03/2024", "Inactive Reason": "REF"}
    again = {"Involvement ID": "1", "Assessment Type": "OVR", "Received Date": "01/02/2024"}
    issued = {"Assessment Started": "01/05/2024", "Date Final Issued": "01/08/2024"}
    other = {"Involvement ID": "3", "Assessment Type": "AOL", "Received Date": "01/02/2025"}
    moved = {"Date Final Issued": "03/03/2025", "LA Transfer Date": "04/04/2025"}
    said = [person | first | refused, person | again | issued, person | other | moved]
    write_text(tmp_path / "involvements.csv", [ONE, *([r.get(h, "") for h in ONE] for r in said)])
    warehouse = landed(tmp_path, "one_involvement")
    assert rows(warehouse, "requests", ["request_id", "decision", "decision_date"]) == [
        ("2", "refuse", "2024-03-01")
    ]
    assert rows(warehouse, "assessments", ["request_id", "decision", "decision_date"]) == [
        ("2", "issue", "2024-08-01")
    ]
    assert rows(warehouse, "plans", ["plan_id", "request_id", "transferred_date"]) == [
        ("1", "2", ""),
        ("3", "", "2025-04-04"),
    ]
