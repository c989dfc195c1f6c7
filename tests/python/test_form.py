"""The aggregated form of 2021 and 2022: its cells counted again in plain Python from the files."""

import csv
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from sen2 import spec
from sen2.export import form
from sen2.sample import write_sample

from .extracts import analysis, build_extract, rows, write_extract

FORM_YEARS = [
    int(row["collection_year"])
    for row in spec.seed("collections")
    if row["has_aggregated"] == "true"
]
PUBLISHED = sorted({row["dataset"] for row in spec.seed("published_columns_2022")})
BANDS = {"0-4": (0, 4), "5-10": (5, 10), "11-15": (11, 15), "16-19": (16, 19), "20-25": (20, 25)}

Row = dict[str, str]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, table: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)


def age(birth_date: str, day: date) -> int:
    born = date.fromisoformat(birth_date)
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


@dataclass
class Extract:
    """An extract's files, and the days of its year."""

    folder: Path
    year: int
    tables: dict[str, list[Row]] = field(init=False)

    def __post_init__(self) -> None:
        self.tables = {path.stem: read(path) for path in self.folder.glob("*.csv")}
        self.day = spec.collection(self.year).survey_day
        self.first, self.last = date(self.year - 1, 1, 1), date(self.year - 1, 12, 31)
        self.birth_dates = {row["person_id"]: row["birth_date"] for row in self.tables["people"]}

    def is_in_year(self, text: str) -> bool:
        return bool(text) and self.first <= date.fromisoformat(text) <= self.last

    def is_by_survey_day(self, text: str) -> bool:
        return bool(text) and date.fromisoformat(text) <= self.day

    def reference_age(self, person_id: str) -> int:
        return age(self.birth_dates[person_id], date(self.year - 1, 8, 31))

    def by_band(self, people: set[str], prefix: str) -> dict[str, int]:
        ages = Counter(self.reference_age(person) for person in people)
        return {
            f"{prefix}_{band.replace('-', '_')}": sum(ages[each] for each in range(low, high + 1))
            for band, (low, high) in BANDS.items()
        } | {f"{prefix}_total": len(people)}

    def active_plans(self) -> list[Row]:
        return [
            plan
            for plan in self.tables["plans"]
            if self.is_by_survey_day(plan["start_date"])
            and not (
                plan["transferred_date"] and not self.is_by_survey_day(plan["transferred_date"])
            )
            and not self.is_by_survey_day(plan["cease_date"])
        ]

    def new_plans(self) -> list[Row]:
        first: dict[str, Row] = {}
        for plan in sorted(self.tables["plans"], key=lambda row: row["start_date"]):
            first.setdefault(plan["person_id"], plan)
        decided = {row["request_id"]: row for row in self.tables["assessments"]}
        return [
            plan
            for plan in first.values()
            if self.is_in_year(plan["start_date"])
            and not plan["transferred_from_la"]
            and plan["request_id"] in decided
            and decided[plan["request_id"]]["decision"] == "issue"
            and self.first <= date.fromisoformat(decided[plan["request_id"]]["decision_date"])
        ]

    def current_placements(self) -> dict[str, Row]:
        """The main placement of each person with an active plan on the survey day, the latest."""
        owners = {plan["plan_id"]: plan["person_id"] for plan in self.active_plans()}
        found: dict[str, Row] = {}
        for row in sorted(self.tables["placements"], key=lambda row: row["entry_date"]):
            left = row["leaving_date"]
            if (
                row["plan_id"] in owners
                and row["rank"] == "1"
                and self.is_by_survey_day(row["entry_date"])
                and not (left and self.is_by_survey_day(left))
            ):
                found[owners[row["plan_id"]]] = row
        return found


def counted(extract: Extract) -> dict[str, int]:
    """Cells of the form counted from the files alone."""
    tables = extract.tables
    active = extract.active_plans()
    new = extract.new_plans()
    requests = {row["request_id"]: row for row in tables["requests"]}
    exceptions = {
        row["request_id"]: row["twenty_week_exception"] == "1" for row in tables["assessments"]
    }
    received = [row for row in tables["requests"] if extract.is_in_year(row["received_date"])]
    cells = {
        **extract.by_band({row["person_id"] for row in active}, "plans"),
        **extract.by_band({row["person_id"] for row in new}, "new_plans"),
        "requests": len(received),
        "requests_youth_accommodation": sum(r["in_youth_accommodation"] == "1" for r in received),
        "refused": sum(
            row["decision"] == "refuse" and extract.is_in_year(row["decision_date"])
            for row in tables["requests"]
        ),
        "not_issued": len(
            {
                requests[row["request_id"]]["person_id"]
                for row in tables["assessments"]
                if row["decision"] == "refuse" and extract.is_in_year(row["decision_date"])
            }
        ),
    }
    timed = [
        (
            (
                date.fromisoformat(plan["start_date"])
                - date.fromisoformat(requests[plan["request_id"]]["received_date"])
            ).days
            <= 140,
            exceptions[plan["request_id"]],
        )
        for plan in new
        if requests[plan["request_id"]]["received_date"]
    ]
    cells |= {
        "issued": len(timed),
        "issued_in_time": sum(in_time for in_time, _ in timed),
        "issued_no_exception": sum(not exception for _, exception in timed),
        "issued_no_exception_in_time": sum(t and not exception for t, exception in timed),
    }
    budgets = [row for row in active if row["personal_budget"] == "1"]
    payments = Counter(row["direct_payments"] for row in budgets)
    cells |= {
        "personal_budgets": len(budgets),
        "organised_arrangements": sum(row["organised_arrangements"] == "1" for row in budgets),
        "direct_payments_education": payments["E"],
        "direct_payments_health": payments["H"],
        "direct_payments_social_care": payments["S"],
        "direct_payments_integrated": payments["I"],
    }
    places = extract.current_placements()
    for weeks, code in (("38", "A"), ("52", "B")):
        people = {person for person, row in places.items() if row["residential"] == code}
        cells |= extract.by_band(people, f"residential_{weeks}")
    kinds = Counter(row["work_based"] for row in places.values())
    cells |= {
        "apprenticeship": kinds["A"],
        "traineeship": kinds["T"],
        "supported_internship": kinds["S"],
        "work_based_total": kinds["A"] + kinds["T"] + kinds["S"],
    }
    types = {row["urn"]: row["type_code"].lstrip("0") for row in tables["establishments"]}
    in_maintained = [
        row for row in places.values() if types.get(row["urn"]) in ("1", "2", "3", "5", "15")
    ]
    codes = Counter(row["setting"] for row in places.values())
    cells |= {
        "plans_at_mainstream_maintained": sum(
            row["sen_unit"] != "1" and row["resourced_provision"] != "1" for row in in_maintained
        ),
        "plans_at_mainstream_maintained_sen_unit": sum(
            row["sen_unit"] == "1" for row in in_maintained
        ),
        "plans_at_special_maintained": sum(
            types.get(row["urn"]) in ("7", "12") for row in places.values()
        ),
        "plans_at_home_education": codes["EHE"],
        "plans_at_other_arrangements_la": codes["OLA"],
        "plans_at_neet": codes["NEET"] + codes["NIEC"],
        "plans_at_all": len({row["person_id"] for row in active}),
    }
    ended: dict[str, Row] = {}
    for plan in sorted(tables["plans"], key=lambda row: row["cease_date"]):
        if extract.is_in_year(plan["cease_date"]):
            ended[plan["person_id"]] = plan
    reasons = Counter(
        plan["cease_reason"]
        for person, plan in ended.items()
        if extract.reference_age(person) <= 15
        and age(extract.birth_dates[person], date.fromisoformat(plan["cease_date"])) >= 5
    )
    cells |= {
        "ceased_transferred": reasons["5"],
        "ceased_needs_met": reasons["2"],
        "ceased_other": reasons.total() - reasons["5"] - reasons["2"],
        "ceased_left": sum(
            plan["cease_reason"] in ("1", "3", "4", "6")
            for person, plan in ended.items()
            if extract.reference_age(person) >= 16
        ),
    }
    met, appealed = {}, {}
    for row in tables["disputes"]:
        key = row["request_id"], row["about"]
        if row["kind"] == "mediation" and extract.is_in_year(row["dispute_date"]):
            met[key] = min(row["dispute_date"], met.get(key, row["dispute_date"]))
        if row["kind"] == "appeal" and extract.is_by_survey_day(row["dispute_date"]):
            appealed[key] = max(row["dispute_date"], appealed.get(key, ""))
    cells |= {
        "mediation": len(met),
        "mediation_then_appeal": sum(appealed.get(key, "") >= day for key, day in met.items()),
    }
    return cells


def enrich(folder: Path, year: int) -> None:
    """Make sure that the rarer cells are not all nought, on records that the sample has."""
    extract = Extract(folder, year)
    placements, requests = extract.tables["placements"], extract.tables["requests"]
    current = {row["placement_id"] for row in extract.current_placements().values()}
    for number, row in enumerate(row for row in placements if row["placement_id"] in current):
        row["residential"] = {3: "A", 5: "B"}.get(number % 7, "")
        row["work_based"] = {11: "A", 12: "T", 13: "S"}.get(number % 29, "")
    received = [row for row in requests if extract.is_in_year(row["received_date"])]
    for row in received[::7]:
        row["in_youth_accommodation"] = "1"
    disputes = extract.tables["disputes"]
    met = [row for row in disputes if extract.is_in_year(row["dispute_date"])]
    disputes += [row | {"kind": "appeal"} for row in met if row["kind"] == "mediation"][::2]
    for table in ("placements", "requests", "disputes"):
        write(folder / f"{table}.csv", extract.tables[table])


@dataclass(frozen=True)
class BuiltForm:
    """A year's extract and the warehouse with its form."""

    year: int
    extract: Path
    warehouse: Path

    def values(self) -> dict[str, str | None]:
        return {row["cell"]: row["value"] for row in rows(self.warehouse, "aggregated.form")}

    def broken(self) -> list[str]:
        (checks,) = rows(self.warehouse, "validation.form_checks")
        return sorted(name for name, value in checks.items() if value is True)


def build(folder: Path, year: int, extract: Path) -> BuiltForm:
    officers = {"dmo": "Y", "dco": "R", "dmo_dco_role": "N"}
    warehouse = build_extract(extract, year, folder / "sen2.duckdb", officers=officers)
    return BuiltForm(year, extract, warehouse)


@pytest.fixture(scope="module", params=FORM_YEARS)
def built_form(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> BuiltForm:
    year = request.param
    folder = tmp_path_factory.mktemp(f"form_{year}")
    write_sample(folder / "extract", year, 200, 21)
    enrich(folder / "extract", year)
    return build(folder, year, folder / "extract")


def test_the_form_is_what_the_files_say(built_form: BuiltForm) -> None:
    expected = counted(Extract(built_form.extract, built_form.year))
    values = built_form.values()
    assert {cell: values[cell] for cell in expected} == {
        cell: str(count) for cell, count in expected.items()
    }
    rare = ("residential_38_11_15", "residential_52_11_15", "ceased_left", "mediation_then_appeal")
    assert [cell for cell in (*rare, "issued_in_time", "not_issued") if not expected[cell]] == []


def test_every_cell_can_be_opened(built_form: BuiltForm, tmp_path: Path) -> None:
    query = analysis("rows_of_form", built_form.year)
    opened = rows(built_form.warehouse, f"({query})")
    assert Counter(row["cell"] for row in opened) == {
        cell: int(value)
        for cell, value in built_form.values().items()
        if (value or "").isdigit() and value != "0"
    }
    assert all(row["person_id"] and row["source_row"] for row in opened)
    assert {row["source_file"] for row in opened} == {"people.csv", "plans.csv", "requests.csv"}


def test_every_cell_of_the_year_is_there_once_and_no_rule_is_broken(built_form: BuiltForm) -> None:
    cells = rows(built_form.warehouse, "aggregated.form")
    wanted = [row["cell"] for row in spec.in_force("form_cells", built_form.year)]
    assert sorted(str(row["cell"]) for row in cells) == sorted(wanted)
    assert {row["collection_year"] for row in cells} == {built_form.year}
    errors = {
        f"rule_{r['rule_id'].lower()}" for r in spec.seed("rules") if r["severity"] == "error"
    }
    assert [rule for rule in built_form.broken() if rule in errors] == []
    assert built_form.values()["medical_officer"] == "Y"
    assert built_form.values()["clinical_officer"] == "R"
    assert built_form.values()["officer_role"] == "N"
    assert [row["cell"] for row in cells if row["value"] is None] == []


def test_the_files_to_type_from_hold_the_form_in_its_order(
    built_form: BuiltForm, tmp_path: Path
) -> None:
    paths = form.write_form(built_form.warehouse, built_form.year, tmp_path)
    assert [path.name for path in paths] == ["form.csv", "form.xlsx"]
    seed = sorted(
        spec.in_force("form_cells", built_form.year), key=lambda row: int(row["position"])
    )
    values = built_form.values()
    lines = read(paths[0])
    assert [(line["part"], line["label"], line["value"]) for line in lines] == [
        (row["part"], row["label"], values[row["cell"]] or "") for row in seed
    ]
    unsure = [line["item"].replace("?", "") for line in lines if "?" in line["item"]]
    assert unsure == [
        row["item"].replace("?", "") for row in seed if row["is_confirmed"] == "false"
    ]
    sheet = openpyxl.load_workbook(paths[1]).active
    typed = [(row[1].value, row[3].value) for row in sheet.iter_rows() if row[1].value]
    assert typed[1:] == [
        (line["label"], int(line["value"]) if line["value"].isdecimal() else line["value"] or None)
        for line in lines
    ]
    assert "could not be had" in str(sheet["A2"].value)
    again = [path.read_bytes() for path in paths]
    assert [
        path.read_bytes()
        for path in form.write_form(built_form.warehouse, built_form.year, tmp_path)
    ] == again


def test_a_draft_and_a_form_do_not_stand_side_by_side(
    built_form: BuiltForm, tmp_path: Path
) -> None:
    form.write_form(built_form.warehouse, built_form.year, tmp_path)
    drafts = form.write_form(built_form.warehouse, built_form.year, tmp_path, is_draft=True)
    assert [path.name for path in drafts] == ["form_draft.csv", "form_draft.xlsx"]
    assert not (tmp_path / "form.csv").exists()
    assert (tmp_path / "superseded" / "form.csv").exists()
    assert "DRAFT" in str(openpyxl.load_workbook(drafts[1]).active["A2"].value)
    form.write_form(built_form.warehouse, built_form.year, tmp_path)
    assert not any(path.exists() for path in drafts)


def test_the_published_tables_hold_the_form(built_form: BuiltForm) -> None:
    columns: dict[str, list[str]] = {}
    for row in spec.seed("published_columns_2022"):
        columns.setdefault(row["dataset"], []).append(row["column_name"])
    values = built_form.values()
    tables = {name: rows(built_form.warehouse, f"published.{name}") for name in columns}
    for name, table in tables.items():
        assert sorted(table[0]) == sorted(["return_id", *columns[name]])
        assert {row["old_la_code"] for row in table} == {"330"}
    counts = {row["characteristic_age"]: row["Total_ehc"] for row in tables["sen2_age_caseload"]}
    assert counts["Total"] == values["plans_total"]
    assert counts["Age 5 to 10"] == values["plans_5_10"]
    placed = tables["sen2_estab_caseload"]
    total = int(values["plans_total"] or 0)
    groups = [row for row in placed if row["establishment_type"] == "Total"]
    leaves = [row for row in placed if row["establishment_type"] != "Total"]
    assert len(leaves) == 35
    assert sum(int(str(row["Total_ehc"])) for row in leaves) == total
    assert sum(int(str(row["Total_ehc"])) for row in groups) == 2 * total
    (figures,) = tables["sen2_mi"]
    assert figures["time_period"] == str(built_form.year - 1)
    assert figures["InreqEHC"] == values["requests"]
    in_time, issued = (int(values[c] or 0) for c in ("issued_in_time", "issued"))
    assert float(str(figures["IncExc20weekRate"])) == round(100 * in_time / issued, 1)
    assert figures["Assnone"] == "z"
    (officers,) = tables["sen2_wbp_residential_dmo"]
    assert officers["TotMres52weekEHC"] == values["residential_52_total"]
    assert (officers["DMO"], officers["DCO"], officers["DMODCOFunction"]) == ("Y", "R", "N")


def test_without_a_register_schools_are_blank_and_a_rule_says_so(tmp_path: Path) -> None:
    extract = tmp_path / "extract"
    write_sample(extract, max(FORM_YEARS), 60, 3)
    (extract / "establishments.csv").unlink()
    made = build(tmp_path, max(FORM_YEARS), extract)
    values = made.values()
    needing = {
        row["cell"]
        for row in spec.in_force("form_cells", made.year)
        if row["needs_register"] == "true"
    }
    assert {cell for cell, value in values.items() if value is None} == needing
    assert "rule_v13" in made.broken()
    assert not {"rule_v01", "rule_v02"} & set(made.broken())
    lines = read(form.write_form(made.warehouse, made.year, tmp_path, is_draft=True)[0])
    assert sum(line["value"] == "" for line in lines) == len(needing)
    placed = rows(made.warehouse, "published.sen2_estab_caseload")
    known = {row["establishment_type"]: row["Total_ehc"] for row in placed}
    assert known["Mainstream - Academy"] == "x"
    assert known["Elective home education"] == values["plans_at_home_education"]


def test_a_person_over_every_band_breaks_the_sum_of_ages(tmp_path: Path) -> None:
    extract = tmp_path / "extract"
    write_sample(extract, max(FORM_YEARS), 60, 4)
    read_back = Extract(extract, max(FORM_YEARS))
    person = read_back.active_plans()[0]["person_id"]
    people = read_back.tables["people"]
    for row in people:
        if row["person_id"] == person:
            row["birth_date"] = "1990-01-01"
    write(extract / "people.csv", people)
    assert "rule_v01" in build(tmp_path, max(FORM_YEARS), extract).broken()


def test_a_year_without_a_form_has_none(tmp_path: Path) -> None:
    extract = tmp_path / "extract"
    write_sample(extract, max(FORM_YEARS) + 1, 60, 5)
    made = build(tmp_path, max(FORM_YEARS) + 1, extract)
    assert made.values() == {}
    assert rows(made.warehouse, "validation.form_checks") == []
    assert rows(made.warehouse, "published.sen2_mi") == []
    with pytest.raises(form.InputError, match="no aggregated form"):
        form.write_form(made.warehouse, made.year, tmp_path)


def test_the_pilot_of_2022_has_its_own_codes(tmp_path: Path) -> None:
    names = ("moved", "withdrawn", "assessment_withdrawn", "moved_in_assessment", "placed")
    received = {"received_date": "2021-03-01"}
    agreed = received | {"decision": "assess", "decision_date": "2021-04-01"}
    requests = {
        "moved": received | {"moved_to_la": "301", "moved_date": "2021-05-01"},
        "withdrawn": received | {"withdrawn_date": "2021-05-01"},
        "assessment_withdrawn": agreed,
        "moved_in_assessment": agreed | {"moved_to_la": "301", "moved_date": "2021-05-01"},
        "placed": agreed,
    }
    extract = write_extract(
        tmp_path / "extract",
        2022,
        people=[
            {"person_id": name, "sex": "M" if name == "moved" else "F", "gender_code": gender}
            for name, gender in zip(names, ("", "", "9", "", "0"), strict=True)
        ],
        requests=[{"request_id": n, "person_id": n} | row for n, row in requests.items()],
        assessments=[
            {"request_id": "assessment_withdrawn", "withdrawn_date": "2021-06-01"},
            {"request_id": "moved_in_assessment"},
            {"request_id": "placed", "decision": "issue", "decision_date": "2021-07-01"},
        ],
        plans=[
            {
                "plan_id": "placed",
                "person_id": "placed",
                "request_id": "placed",
                "start_date": "2021-07-01",
            }
        ],
        placements=[
            {
                "placement_id": "1",
                "plan_id": "placed",
                "setting": "OTH",
                "setting_note": "tuition",
                "attendance": "PT",
                "entry_date": "2021-07-01",
            }
        ],
    )
    warehouse = build_extract(extract, 2022, tmp_path / "sen2.duckdb")
    outcomes = {
        row["request_id"]: row["request_outcome"]
        for row in rows(warehouse, "person_level.requests")
    }
    assert outcomes == dict(zip(names, "TAYYY", strict=True))
    assessed = {
        row["request_id"]: row["assessment_outcome"]
        for row in rows(warehouse, "person_level.assessment")
    }
    assert assessed == {"assessment_withdrawn": "A", "placed": "Y"}
    asked = {
        row["record_id"] for row in rows(warehouse, "validation.issues") if row["rule_id"] == "X07"
    }
    assert asked == {"withdrawn", "assessment_withdrawn"}
    genders = {
        row["person_id"]: row["gender_current"] for row in rows(warehouse, "person_level.person")
    }
    assert genders == dict(zip(names, "12920", strict=True))
    (placement,) = rows(warehouse, "person_level.placement_detail")
    assert placement["sen_setting_other"] is None
    assert placement["attendance_pattern"] == "PT"
    in_force = {row["rule_id"] for row in spec.in_force("rules", 2022)}
    assert {row["rule_id"] for row in rows(warehouse, "validation.rule_summary")} == in_force
