"""DfE's published tables: their form as in the release, and figures counted again in Python."""

import csv
import re
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.cli import main
from sen2.export.published_tables import NOTES, OURS, headings, layout, release_of, write_published
from sen2.ground.errors import DefectError, InputError

from .conftest import YEAR, Built, dbt, failures

Table = list[dict[str, str]]
Record = dict[str, object]

PUBLISHED = Path(__file__).parent / "published"
BREAKDOWNS = ("breakdown_topic", "breakdown")
YEAR_START, YEAR_END = date(YEAR - 1, 1, 1), date(YEAR - 1, 12, 31)
SURVEY_DAY = spec.collection(YEAR).survey_day
GROUPS = [
    "mainstream_total",
    "special_total",
    "ap_pru_total",
    "fe_total",
    "ed_elsewhere",
    "nm_early_years",
    "placement_unknown",
]


@pytest.fixture(scope="module")
def folder(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tables of the sample, written."""
    out = tmp_path_factory.mktemp("out")
    write_published(built.warehouse, "built", YEAR, out)
    return out / "published"


@pytest.fixture(scope="module")
def tables(folder: Path) -> dict[str, Table]:
    """Every dataset to its rows."""
    return {dataset: read(folder / f"{dataset}.csv") for dataset in headings(YEAR)}


@pytest.fixture(scope="module")
def records(built: Built) -> Callable[[str], list[Record]]:
    """The rows of a person level table of the sample, as dicts."""

    def rows(table: str) -> list[Record]:
        with duckdb.connect(str(built.warehouse), read_only=True) as connection:
            found = connection.execute(f"from person_level.{table}")
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    return rows


def read(path: Path) -> Table:
    """The rows of a written file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def total(table: Table) -> dict[str, str]:
    """The total row: its topic and its breakdown have one name."""
    (row,) = [row for row in table if row["breakdown_topic"] == row["breakdown"]]
    return row


def measures(dataset: str) -> list[str]:
    """The columns of a dataset that hold figures."""
    columns = headings(YEAR)[dataset]
    return columns[columns.index("breakdown") + 1 :]


BROKEN_DOWN = [dataset for dataset in headings(YEAR) if "breakdown" in headings(YEAR)[dataset]]


def test_files_have_the_columns_and_bytes_of_the_release(folder: Path) -> None:
    for dataset, columns in headings(YEAR).items():
        data = (folder / f"{dataset}.csv").read_bytes()
        assert data.startswith(b"\xef\xbb\xbftime_period,time_identifier,geographic_level,")
        assert data.endswith(b"\r\n")
        assert data.count(b"\n") == data.count(b"\r\n")
        header = data.decode("utf-8-sig").split("\r\n")[0]
        assert header == ",".join(columns)


def test_the_misspellings_of_a_release_are_kept_and_what_was_doubled_is_there_once() -> None:
    columns = headings(2025)
    reviews = columns["annual_reviews"]
    assert reviews.count("review_meeting_prior_24") == 1
    assert {"outcome_maintan", "number_decsion_4weeks"} < set(reviews)
    assert "org_arrangments" in columns["personal_budgets"]
    assert "number_asssess_mediation_tribunal" in columns["assessments"]
    assert "AP_PRU_total_pc" in columns["caseload"]


def test_a_return_is_written_in_the_newest_release_that_covers_its_year() -> None:
    assert [release_of(year) for year in (2021, 2022, 2023, 2025, 2026, 2027)] == [
        2022, 2022, 2025, 2025, 2026, 2026,
    ]  # fmt: skip
    assert release_of(2027, 2025) == 2025
    assert release_of(2023, 2026) == 2026
    assert "phase_transfers" not in headings(2027, 2025)
    for year, release, words in (
        (2027, 2022, "is a person level return, and the releases with tables of one are 2025 and"),
        (2027, 1999, "--release 1999"),
        (2022, 2026, "is the aggregated form"),
    ):
        with pytest.raises(InputError, match=words):
            headings(year, release)


def test_a_release_without_such_tables_stops_a_run_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "sys.argv", ["sen2", "run", "no_extract", "--year", "2027", "--release", "22"]
    )
    Path("sen2.yml").write_text('la_code: "330"\n', encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert "--release 22" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["sen2.yml"]


def test_the_2026_release_has_its_twelve_layouts() -> None:
    """tests/python/published/layouts_2026.csv: the columns of DfE's catalogue pages, in order."""
    with (PUBLISHED / "layouts_2026.csv").open(encoding="utf-8", newline="") as file:
        seen = list(csv.DictReader(file))
    expected: dict[str, list[str]] = {}
    for row in seen:
        expected.setdefault(row["dataset"], []).append(row["column_name"])
    columns = headings(2026)
    assert len(expected) == 12
    assert {dataset: columns[dataset] for dataset in expected} == expected
    assert set(columns) - set(expected) == {"personal_budgets", "sen2_dmo_dco"}
    not_seen = {row["dataset"] for row in layout(2026) if row["seen"] == "not seen"}
    assert not_seen == {"personal_budgets", "sen2_dmo_dco"}


def test_names_with_a_year_have_the_return_s() -> None:
    reviews = headings(2027)["annual_reviews"]
    assert {"review_expected_2026", "review_completed_prior_2026"} < set(reviews)
    assert headings(2027)["phase_transfers"][-4:] == ["due_26", "due_27", "final_26", "final_27"]
    assert "review_meeting_23" in headings(2024)["annual_reviews"]


def test_another_release_is_written_when_asked_and_takes_the_place_of_the_first(
    built: Built, tmp_path: Path
) -> None:
    write_published(built.warehouse, "built", YEAR, tmp_path)
    assert (tmp_path / "published/phase_transfers.csv").exists()
    write_published(built.warehouse, "built", YEAR, tmp_path, 2025)
    assert not (tmp_path / "published/phase_transfers.csv").exists()
    needs = total(read(tmp_path / "published/sen_needs_all_plans.csv"))
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        (apart,) = connection.execute(
            "select number_oth::integer + number_ds::integer from published.sen_needs_all_plans"
            " where return_id = 'built' and breakdown_topic = breakdown"
        ).fetchall()
    assert int(needs["number_oth"]) == apart[0]
    requests = read(tmp_path / "published/requests.csv")
    assert "Source of request" not in {row["breakdown_topic"] for row in requests}


@pytest.mark.parametrize("dataset", BROKEN_DOWN)
def test_rows_are_those_of_the_release_in_its_order(tables: dict[str, Table], dataset: str) -> None:
    expected = [
        (row["breakdown_topic"], row["breakdown"])
        for row in spec.seed("published_breakdowns")
        if row["dataset"] == dataset
    ]
    assert [tuple(row[name] for name in BREAKDOWNS) for row in tables[dataset]] == expected
    assert all(row["geographic_level"] == "Local authority" for row in tables[dataset])
    assert {row["old_la_code"] for row in tables[dataset]} == {"330"}


@pytest.mark.parametrize("dataset", BROKEN_DOWN)
def test_values_are_written_as_in_the_release(tables: dict[str, Table], dataset: str) -> None:
    shares = {name for name in measures(dataset) if re.search(r"(?i)(^|_)pc(_|$)", name)}
    for row in tables[dataset]:
        for name in measures(dataset):
            form = r"(100|\d{1,2}(\.[1-9])?|x)" if name in shares else r"\d+|x|z"
            if name.startswith("avg_"):
                form = r"\d+(\.[1-9])?|x"
            assert re.fullmatch(form, row[name]), (dataset, name, row[name])
    written = {row[name] for row in tables[dataset] for name in shares}
    assert not shares or any("." in share for share in written)


def test_periods_are_academic_for_stocks_and_calendar_for_flows(tables: dict[str, Table]) -> None:
    periods = {
        dataset: (rows[0]["time_period"], rows[0]["time_identifier"])
        for dataset, rows in tables.items()
    }
    academic = {dataset for dataset, period in periods.items() if period[1] == "Academic year"}
    assert academic == {
        "caseload", "sen_needs_all_plans", "personal_budgets", "residential_settings",
        "work_based_placements",
    }  # fmt: skip
    assert {periods[dataset][0] for dataset in academic} == {f"{YEAR - 1}{YEAR % 100}"}
    assert periods.pop("sen2_dmo_dco") == (str(YEAR), "Calendar year")
    assert {period for period, words in periods.values() if words == "Calendar year"} == {
        str(YEAR - 1)
    }


def test_every_column_outside_its_years_is_x(tables: dict[str, Table]) -> None:
    silent = [
        (row["dataset"], row["column_name"])
        for row in layout(YEAR)
        if not int(row["year_from"]) <= YEAR <= int(row["year_to"])
    ]
    assert ("caseload", "perm_ex_2022") in silent
    for dataset, name in silent:
        assert {row[name] for row in tables[dataset]} == {"x"}


@pytest.mark.parametrize(
    ("dataset", "figure"),
    [
        ("caseload", "ehcplans"),
        ("newplans", "new_ehc_plans"),
        ("requests", "requests_received_in_year"),
        ("assessments", "assess_in_year"),
        ("timeliness_20_week", "plans_issued_den"),
        ("sen_needs_all_plans", "ehc_plans"),
        ("sen_need_newplans", "ehc_plans"),
        ("ceased_plans", "total_ceased"),
        ("annual_reviews", "total_ehc_plans"),
        ("personal_budgets", "personal_budget"),
        ("residential_settings", "res_tot"),
        ("work_based_placements", "open_wbp"),
    ],
)
def test_the_rows_of_every_topic_add_up_to_the_total(
    tables: dict[str, Table], dataset: str, figure: str
) -> None:
    topics: dict[str, int] = {}
    for row in tables[dataset]:
        is_sum = row["breakdown"].endswith("- total")
        if not is_sum:
            topics[row["breakdown_topic"]] = topics.get(row["breakdown_topic"], 0) + int(
                row[figure]
            )
    assert len(topics) >= 4
    assert set(topics.values()) == {int(total(tables[dataset])[figure])}


def test_parts_add_up_in_every_row(tables: dict[str, Table]) -> None:
    def check(dataset: str, whole: str, parts: list[str]) -> None:
        for row in tables[dataset]:
            figures = {name.lower(): value for name, value in row.items()}
            assert int(figures[whole]) == sum(int(figures[part]) for part in parts), (
                dataset,
                whole,
                row["breakdown"],
            )

    check("caseload", "ehcplans", GROUPS)
    check("newplans", "new_ehc_plans", GROUPS)
    check(
        "requests",
        "requests_received_in_year",
        [
            "requests_decided_to_assess",
            "requests_decided_not_to_assess",
            "requests_decision_not_made",
            "requests_withdrawn",
        ],
    )
    check(
        "assessments",
        "assess_in_year",
        ["assess_issued", "assess_not_issued", "assess_not_made", "assess_withdrawn"],
    )
    for suffix in ("", "_ex"):
        check(
            "timeliness_20_week",
            f"plans_issued_den{suffix}",
            [
                f"plans_issued_{'' if suffix else 'within_'}20_weeks{suffix}",
                f"plans_issued_gt20weeks_ltyear{suffix}",
                f"plans_issued_gt_1_year{suffix}",
            ],
        )
    last = YEAR - 1
    expected, completed = f"review_expected_{last}", f"review_completed_{last}"
    prior = f"review_completed_prior_{last}"
    check("annual_reviews", "total_ehc_plans", [expected, f"review_not_expected_{last}"])
    check("annual_reviews", expected, [completed, prior, "review_not_completed"])
    outcomes = ["outcome_amended", "outcome_ceased", "outcome_maintained", "no_outcome_recorded"]
    check("annual_reviews", expected, [*outcomes, "review_not_completed"])
    needs = [name for name in measures("sen_needs_all_plans") if name.startswith("number_")]
    check("sen_needs_all_plans", "ehc_plans", needs)
    check("sen_need_newplans", "ehc_plans", needs)
    check("ceased_plans", "total_ceased", measures("ceased_plans")[:-1])
    check("residential_settings", "res_tot", ["res_3851", "res_52"])
    check(
        "work_based_placements", "open_wbp", ["open_supp_intern", "open_apprentice", "open_trainee"]
    )


def test_a_row_by_placement_of_one_table_is_the_column_of_another(
    tables: dict[str, Table],
) -> None:
    caseload = {name.lower(): value for name, value in total(tables["caseload"]).items()}
    columns = {
        (row["dataset"], row["breakdown_topic"], row["breakdown"]): row["value"]
        for row in spec.seed("published_breakdowns")
        if row["characteristic"] in ("setting", "setting_group")
    }
    schools = [int(caseload[name]) for name in ("special_academy", "special_free_school")]
    caseload["special_academy_free"] = str(sum(schools))
    for dataset in ("sen_needs_all_plans", "annual_reviews"):
        figure = measures(dataset)[0]
        for row in tables[dataset]:
            column = columns.get((dataset, row["breakdown_topic"], row["breakdown"]))
            if column:
                assert row[figure] == caseload[column], (dataset, row["breakdown"])


def test_figures_counted_again_from_the_return(
    tables: dict[str, Table], records: Callable[[str], list[Record]]
) -> None:
    plans, requests = records("named_plan"), records("requests")
    active = [
        plan
        for plan in plans
        if plan["start_date"] <= SURVEY_DAY
        and not (plan["cease_date"] and plan["cease_date"] <= SURVEY_DAY)
    ]
    transferred = {plan["request_id"] for plan in records("active_plans") if plan["transfer_la"]}
    started = [
        plan
        for plan in plans
        if YEAR_START <= plan["start_date"] <= YEAR_END and plan["request_id"] not in transferred
    ]
    ceased = [plan for plan in plans if plan["cease_date"] and plan["cease_date"].year == YEAR - 1]
    received = [
        request
        for request in requests
        if request["received_date"]
        and request["received_date"].year == YEAR - 1
        and request["request_outcome"] in "YNAW"
    ]
    decided = [
        (request["request_outcome_date"] - request["received_date"]).days
        for request in requests
        if request["request_outcome_date"]
        and request["request_outcome_date"].year == YEAR - 1
        and request["received_date"]
    ]
    assert transferred
    assert total(tables["caseload"])["ehcplans"] == str(len(active))
    assert total(tables["newplans"])["new_ehc_plans"] == str(len(started))
    assert total(tables["ceased_plans"])["total_ceased"] == str(len(ceased))
    assert total(tables["requests"])["requests_received_in_year"] == str(len(received))
    assert total(tables["requests"])["request_outcome_six_weeks"] == str(
        sum(days <= 42 for days in decided)
    )
    assert total(tables["requests"])["request_outcome_over_6_weeks"] == str(
        sum(days > 42 for days in decided)
    )
    assert total(tables["personal_budgets"])["personal_budget"] == str(
        sum(plan["pb"] == "1" for plan in active)
    )


def test_the_20_week_rate_counted_again_from_the_return(
    tables: dict[str, Table], records: Callable[[str], list[Record]]
) -> None:
    requests = {request["request_id"]: request for request in records("requests")}
    days: dict[bool, list[int]] = {False: [], True: []}
    for assessment in records("assessment"):
        request = requests[assessment["request_id"]]
        issued = assessment["assessment_outcome_date"]
        flags = [
            *(request[f"request_{kind}"] for kind in ("mediation", "tribunal")),
            *(assessment[f"assessment_{kind}"] for kind in ("mediation", "tribunal")),
            *(assessment[f"other_{kind}"] for kind in ("mediation", "tribunal")),
        ]
        if (
            assessment["assessment_outcome"] == "Y"
            and issued
            and YEAR_START <= issued <= YEAR_END
            and request["received_date"]
            and "1" not in flags
        ):
            days[assessment["week20"] == "1"].append((issued - request["received_date"]).days)
    assert days[True]
    assert days[False]
    row = total(tables["timeliness_20_week"])
    assert row["plans_issued_den"] == str(len(days[False] + days[True]))
    assert row["plans_issued_den_ex"] == str(len(days[False]))
    within = sum(taken <= 140 for taken in days[False])
    assert row["plans_issued_20_weeks_ex"] == str(within)
    assert float(row["pc_plans_issued_20_weeks_ex"]) == pytest.approx(
        100 * within / len(days[False]), abs=0.0501
    )


def test_no_identifier_of_a_person_is_written(
    folder: Path, records: Callable[[str], list[Record]]
) -> None:
    written = "".join(path.read_text(encoding="utf-8-sig") for path in folder.iterdir())
    for person in records("person"):
        assert str(person["person_id"]) not in written
        assert str(person["upn"]) not in written
    for request in records("requests"):
        assert str(request["request_id"]) not in written


def test_the_same_warehouse_gives_the_same_bytes_and_nothing_else_stays(
    built: Built, folder: Path, tmp_path: Path
) -> None:
    paths = write_published(built.warehouse, "built", YEAR, tmp_path)
    assert [path.stem for path in paths] == [*headings(YEAR), *OURS]
    assert {path.name: path.read_bytes() for path in (tmp_path / "published").iterdir()} == {
        path.name: path.read_bytes() for path in folder.iterdir()
    }
    assert write_published(built.warehouse, "no such return", YEAR, tmp_path) == []
    assert list((tmp_path / "published").iterdir()) == []


def test_a_warehouse_without_tables_or_with_others_is_an_error(
    built: Built, tmp_path: Path
) -> None:
    copy = tmp_path / "sen2.duckdb"
    duckdb.connect(str(copy)).close()
    with pytest.raises(InputError, match="no published tables"):
        write_published(copy, "built", YEAR, tmp_path)
    shutil.copy(built.warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("alter table published.ceased_plans drop column other")
    with pytest.raises(DefectError, match="ceased_plans"):
        write_published(copy, "built", YEAR, tmp_path)
    assert not (tmp_path / "published" / "caseload.csv").exists()


def test_without_a_register_what_only_it_could_tell_is_x(built: Built, tmp_path: Path) -> None:
    copy = tmp_path / "sen2.duckdb"
    shutil.copy(built.warehouse, copy)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("delete from intermediate.establishments")
    events = dbt(copy, tmp_path / "target", "run", "--select", "placements_counted+")
    assert failures(events) == []
    folder = write_published(copy, "built", YEAR, tmp_path)[0].parent
    caseload, needs = read(folder / "caseload.csv"), read(folder / "sen_needs_all_plans.csv")
    told_by_code = {
        row["published_column"]
        for row in spec.seed("setting_columns")
        if row["is_setting_code"] == "true" or row["kind"] == "nothing_usable"
    }
    settings = {row["published_column"] for row in spec.seed("setting_columns")} - {"unknown"}
    settings = settings - {"special_academy_free"} | {"special_academy", "special_free_school"}
    row = total(caseload)
    assert int(row["ehcplans"]) > 0
    assert {name for name in settings if row[name] == "x"} == settings - told_by_code
    assert row["mainstream_total_pc"] == row["ed_elsewhere"] == "x"
    by_place = {row["breakdown"]: row for row in needs if row["breakdown_topic"].startswith("Type")}
    assert by_place["Mainstream - academy"]["ehc_plans"] == "x"
    assert by_place["Mainstream - academy"]["asd_pc"] == "x"
    assert by_place["Educated elsewhere - NEET"]["ehc_plans"].isdigit()
    assert "establishments.csv" in (folder / NOTES).read_text(encoding="utf-8")
