"""The sample generator: same bytes again, the contract's shape, answers true of the files."""

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.sample import SampleCounts, write_sample
from sen2.sample.figures import FIGURES

YEARS = sorted(int(row["collection_year"]) for row in spec.seed("collections"))
YEAR = max(YEARS)
PLANS = 5000
UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
Rows = list[dict[str, str]]


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contract() -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {}
    for row in spec.seed("extract_contract"):
        columns.setdefault(row["table_name"], []).append(row["column_name"])
    return columns


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def survey_day(year: int) -> str:
    return spec.collection(year).survey_day.isoformat()


def active(plans: Rows, day: str) -> Rows:
    """Plans running on the day; dates as text sort as dates do."""
    return [
        plan
        for plan in plans
        if plan["start_date"] <= day
        and (not plan["transferred_date"] or plan["transferred_date"] <= day)
        and (not plan["cease_date"] or plan["cease_date"] > day)
    ]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean") / "extract"
    write_sample(folder, YEAR, PLANS, 7)
    return folder


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleCounts]:
    folder = tmp_path_factory.mktemp("faulty") / "extract"
    return folder, write_sample(folder, YEAR, 2000, 8, 0.1)


def test_same_arguments_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sample(tmp_path / name, YEAR, 300, 5, 0.2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    write_sample(tmp_path / "three", YEAR, 300, 6, 0.2)
    assert files(tmp_path / "one") != files(tmp_path / "three")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(YEARS), st.integers(1, 400), st.integers(0, 2**31))
def test_any_size_and_year_holds_together(
    tmp_path_factory: pytest.TempPathFactory, year: int, plans: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("any") / "extract"
    write_sample(folder, year, plans, seed)
    tables = {name: read(folder / f"{name}.csv") for name in contract()}
    assert len(active(tables["plans"], survey_day(year))) == plans
    for table, columns in contract().items():
        header = (folder / f"{table}.csv").read_text(encoding="utf-8").split("\n", 1)[0]
        assert header.split(",") == columns
    keys = {
        "people": "person_id",
        "requests": "request_id",
        "plans": "plan_id",
        "placements": "placement_id",
        "establishments": "urn",
    }
    known = {key: {row[key] for row in tables[table]} for table, key in keys.items()}
    for table, key in keys.items():
        assert len(known[key]) == len(tables[table])
    for table, rows in tables.items():
        for key in ("person_id", "request_id", "plan_id", "urn"):
            if rows and key in rows[0]:
                assert {row[key] for row in rows} - {""} <= known[key], (table, key)
    for rows in tables.values():
        for row in rows:
            for column, value in row.items():
                if value and column.endswith("_date"):
                    date.fromisoformat(value)


@pytest.mark.parametrize("year", YEARS)
def test_columns_are_filled_in_their_years(tmp_path: Path, year: int) -> None:
    write_sample(tmp_path / "extract", year, 200, 1)
    for row in spec.seed("extract_contract"):
        rows = read(tmp_path / "extract" / f"{row['table_name']}.csv")
        wanted = int(row["must_be_present_from"] or year) <= year
        wanted &= year <= int(row["must_be_present_to"] or year)
        filled = any(line[row["column_name"]] for line in rows)
        if row["needed"] == "always" or not wanted:
            assert filled == wanted, row["column_name"]


def test_expected_answers_agree_with_the_files(clean: Path) -> None:
    day = survey_day(YEAR)
    counts = {row["measure"]: int(row["value"]) for row in read(clean / "expected/counts.csv")}
    assert counts["active_plans"] == PLANS == len(active(read(clean / "plans.csv"), day))
    for table in contract():
        assert counts[f"rows:{table}"] == len(read(clean / f"{table}.csv"))
    scope = read(clean / "expected/case_scope.csv")
    requests = {row["request_id"] for row in read(clean / "requests.csv")}
    own = {f"plan:{p['plan_id']}" for p in read(clean / "plans.csv") if not p["request_id"]}
    assert {row["request_id"] for row in scope} == requests | own
    assert len(scope) == len(requests | own)
    categories = Counter(row["category"] for row in scope)
    assert all(counts[f"category:{name}"] == number for name, number in categories.items())
    returned = {row["request_id"] for row in scope if row["in_return"] == "true"}
    assert {row["request_id"] for row in read(clean / "expected/outcomes.csv")} == returned


def test_one_open_primary_placement_and_never_two_active_plans(clean: Path) -> None:
    day = survey_day(YEAR)
    running = active(read(clean / "plans.csv"), day)
    assert len({plan["person_id"] for plan in running}) == len(running)
    is_open = Counter(
        row["plan_id"]
        for row in read(clean / "placements.csv")
        if row["rank"] == "1"
        and row["entry_date"] <= day
        and (not row["leaving_date"] or row["leaving_date"] > day)
    )
    assert all(is_open[plan["plan_id"]] == 1 for plan in running)


def test_check_characters(clean: Path) -> None:
    people = read(clean / "people.csv")
    authorities = {row["code"] for row in spec.seed("upn_la_codes")}
    upns = [row["upn"] for row in people if row["upn"]]
    ulns = [row["uln"] for row in people if row["uln"]]
    assert len(set(upns)) == len(upns)
    assert len(set(ulns)) == len(ulns)
    for upn in upns:
        values = [UPN_LETTERS.index(c) if c.isalpha() else int(c) for c in upn[1:]]
        total = sum(value * weight for weight, value in enumerate(values, start=2))
        assert UPN_LETTERS[total % 23] == upn[0]
        assert upn[1:4] in authorities
        assert len(upn) == 13
    for uln in ulns:
        assert (
            sum(int(c) * weight for c, weight in zip(uln, range(10, 0, -1), strict=True)) % 11 == 10
        )
    for row in people:
        assert bool(row["no_identifier_reason"]) == (not row["upn"] and not row["uln"])


def share(rows: Rows, column: str, *values: str) -> float:
    return sum(row[column] in values for row in rows) / len(rows)


def test_shares_are_near_the_published_ones(clean: Path) -> None:
    with FIGURES.open(encoding="utf-8") as file:
        figures: dict[str, dict[str, float]] = {}
        for row in csv.DictReader(file):
            if row["value"].replace(".", "").isdigit():
                figures.setdefault(row["group"], {})[row["category"]] = float(row["value"])
    plans = active(read(clean / "plans.csv"), survey_day(YEAR))
    ids = {plan["plan_id"] for plan in plans}
    holders = {plan["person_id"] for plan in plans}
    people = [row for row in read(clean / "people.csv") if row["person_id"] in holders]
    needs = [r for r in read(clean / "needs.csv") if r["plan_id"] in ids and r["rank"] == "1"]
    sex, budget = figures["sex:plan"], figures["personal_budget"]["taken_up"]
    assert share(people, "sex", "F") == pytest.approx(sex["F"] / sum(sex.values()), abs=0.03)
    assert share(plans, "personal_budget", "1") == pytest.approx(budget, abs=0.01)
    published: Counter[str] = Counter()
    for group, values in figures.items():
        if group.startswith("need_at_age:"):
            published.update(values)
    for need in ("ASD", "SEMH", "SLCN", "MLD"):
        wanted = published[need] / published.total()
        assert share(needs, "need", need) == pytest.approx(wanted, abs=0.03)
    counts = {row["measure"]: int(row["value"]) for row in read(clean / "expected/counts.csv")}
    rate = (
        counts["twenty_weeks_within_without_exceptions"]
        / counts["twenty_weeks_issued_without_exceptions"]
    )
    assert rate == pytest.approx(0.464, abs=0.06)


def test_every_planted_fault_is_in_its_row(faulty: tuple[Path, SampleCounts]) -> None:
    folder, counts = faulty
    planted = read(folder / "expected/planted_faults.csv")
    assert len(planted) == counts.faults == round(0.1 * counts.people_in_return)
    assert len({row["fault"] for row in planted}) >= 30
    people = [row["person_id"] for row in planted if row["person_id"]]
    assert len(set(people)) == len(people)
    tables = {name: read(folder / f"{name}.csv") for name in contract()}
    rules = {row["rule_id"] for row in spec.in_force("rules", YEAR)}
    for row in planted:
        found = tables[row["table_name"]][int(row["row"]) - 2]
        assert row["key"] in found.values()
        assert set(row["rule_ids"].split(";")) <= rules
        assert row["rule_ids"]


def test_a_fault_changes_its_row_only(tmp_path: Path) -> None:
    write_sample(tmp_path / "clean", YEAR, 500, 9)
    write_sample(tmp_path / "faulty", YEAR, 500, 9, 0.05)
    before, after = (read(tmp_path / name / "people.csv") for name in ("clean", "faulty"))
    planted = read(tmp_path / "faulty/expected/planted_faults.csv")
    changed = {str(n + 2) for n, row in enumerate(after) if n >= len(before) or row != before[n]}
    assert changed == {row["row"] for row in planted if row["table_name"] == "people"}


@pytest.mark.parametrize(
    ("year", "plans", "faults"),
    [(YEAR, 0, 0.0), (YEAR, 1_000_001, 0.0), (YEAR, 10, 0.6), (YEAR, 10, -0.1), (1999, 10, 0.0)],
)
def test_impossible_arguments_are_input_errors(
    tmp_path: Path, year: int, plans: int, faults: float
) -> None:
    with pytest.raises(InputError):
        write_sample(tmp_path / "extract", year, plans, 1, faults)
    assert not (tmp_path / "extract").exists()


def test_a_folder_in_use_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "something.csv").write_text("x", encoding="utf-8")
    with pytest.raises(InputError):
        write_sample(tmp_path, YEAR, 10, 1)
