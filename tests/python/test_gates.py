"""The gates: each way to be red, what leaves them green, and that no personal value gets out."""

import csv
import json
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.export.read_back import TableDigest
from sen2.gates import gate_pages, gate_results, gates, suite_files
from sen2.gates.gate_results import GateResult
from sen2.jobs import run

YEAR = 2026
MARKER = "Zebedee"
MESSAGE = "The outcome date is before the request."
RULES = f"""rule_id,severity,module,year_from,year_to,checked,message
H01,load_reject,header,2021,9999,yes,{MESSAGE}
P01,error,person,2021,9999,partly,{MESSAGE}
R11,error,requests,2021,9999,yes,{MESSAGE}
R12,query,requests,2021,9999,yes,{MESSAGE}
R13,error,requests,2021,9999,no,{MESSAGE}
R14,error,requests,2021,2025,yes,{MESSAGE}
S01,error,sen_need,2021,9999,yes,{MESSAGE}
"""
CONTRACT = """table_name,column_name,must_be_present_from,must_be_present_to
people,person_id,2021,9999
people,surname,2021,9999
people,gender_code,2021,2023
people,postcode,,
"""
THRESHOLDS = """name,value,year_from,year_to
arrival_fall_share,0.2,2021,9999
arrival_fall_rows,1,2021,9999
arrival_missing_rise,0.1,2021,9999
arrival_published_fall,0.2,2021,9999
arrival_published_rise,0.5,2021,9999
"""
SEEDS = {
    name: list(csv.DictReader(text.splitlines()))
    for name, text in [
        ("rules", RULES),
        ("extract_contract", CONTRACT),
        ("thresholds", THRESHOLDS),
    ]
} | {"collections": list(spec.seed("collections"))}
WAREHOUSE = f"""
    create schema spec; create schema validation; create schema person_level;
    create schema raw; create schema audit;
    create table validation.header_checks as select 'built' as return_id, false as rule_h01;
    create table validation.person_checks as
        select 'built' as return_id, '{MARKER}' as surname, false as rule_p01 from range(10);
    create table validation.requests_checks as
        select 'built' as return_id, '{MARKER}' as source, false as rule_r11, false as rule_r12
        from range(10);
    create table validation.sen_need_checks (return_id text, rule_s01 boolean);
    create table person_level.sen_need (return_id text);
    create table raw.people as
        select range::text as person_id, '{MARKER}' as surname, 'extract' as _source, range as _row
        from range(10);
"""


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a gate opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the suites of the rules and the contract above."""
    for module in (spec, spec.seeds):
        monkeypatch.setattr(module, "seed", SEEDS.__getitem__)
    suite_files.write_suites(tmp_path)
    return tmp_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse in which nothing is wrong."""
    path = tmp_path / "warehouse.duckdb"
    change(path, WAREHOUSE)
    (tmp_path / "rules.csv").write_text(RULES)
    change(path, f"create table spec.rules as from read_csv('{tmp_path}/rules.csv')")
    return path


def change(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


def rules(path: Path, project: Path, year: int = YEAR) -> GateResult:
    return gates.rules_gate(path, "built", year, project)


def red(result: GateResult) -> list[tuple[str, str, str]]:
    assert result.is_red == bool(result.reasons)
    return [(each.suite, each.rule_id, each.outcome) for each in result.expectations if each.is_red]


def test_rules_gate_is_open_when_nothing_is_wrong(path: Path, project: Path) -> None:
    result = rules(path, project)
    assert not result.is_red
    outcomes = {each.rule_id: (each.outcome, each.rows_checked) for each in result.expectations}
    assert outcomes["R11"] == ("met", 10)
    assert outcomes["S01"] == ("no_rows", 0)
    assert "R13" not in outcomes
    assert "R14" not in outcomes


def test_a_broken_error_closes_the_gate(path: Path, project: Path) -> None:
    change(path, "update validation.requests_checks set rule_r11 = true")
    result = rules(path, project)
    assert red(result) == [("rules_requests", "R11", "broken")]
    assert result.reasons == [f"rules_requests, R11: not met by 10 of 10 rows. {MESSAGE}"]


def test_a_check_that_is_null_counts_as_broken(path: Path, project: Path) -> None:
    change(path, "update validation.person_checks set rule_p01 = null")
    assert red(rules(path, project)) == [("rules_person", "P01", "broken")]


def test_a_broken_query_does_not_close_the_gate(path: Path, project: Path) -> None:
    change(path, "update validation.requests_checks set rule_r12 = true")
    result = rules(path, project)
    assert not result.is_red
    assert {each.rule_id: each.broken for each in result.expectations}["R12"] == 10


@pytest.mark.parametrize("rule_id", ["r11", "r12"])
def test_an_expectation_that_raises_closes_the_gate(
    path: Path, project: Path, rule_id: str
) -> None:
    change(path, f"alter table validation.requests_checks drop rule_{rule_id}")
    assert red(rules(path, project)) == [("rules_requests", rule_id.upper(), "raised")]


@pytest.mark.parametrize("table", ["header", "person", "requests"])
def test_a_suite_that_saw_no_rows_closes_the_gate(path: Path, project: Path, table: str) -> None:
    change(path, f"delete from validation.{table}_checks")
    assert red(rules(path, project)) == [(f"rules_{table}", "rows", "no_rows")]


def test_no_checks_of_rows_in_the_return_close_the_gate(path: Path, project: Path) -> None:
    change(path, "insert into person_level.sen_need values ('built')")
    assert red(rules(path, project)) == [("rules_sen_need", "rows", "no_rows")]


def test_a_module_without_its_table_closes_the_gate(path: Path, project: Path) -> None:
    change(path, "drop table validation.sen_need_checks")
    assert red(rules(path, project)) == [("rules_sen_need", "rows", "no_rows")]


def test_a_rule_without_an_expectation_closes_the_gate(path: Path, project: Path) -> None:
    suite = project / "gx" / "expectations" / "rules_requests.json"
    content = json.loads(suite.read_text())
    content["expectations"] = [
        each for each in content["expectations"] if each["meta"]["rule_id"] != "R12"
    ]
    suite.write_text(json.dumps(content))
    assert red(rules(path, project)) == [("rules_requests", "R12", "missing")]


def test_a_rule_that_became_an_error_needs_new_suites(path: Path, project: Path) -> None:
    change(path, "update spec.rules set severity = 'error' where rule_id = 'R12'")
    assert red(rules(path, project)) == [("rules_requests", "R12", "missing")]


def test_a_gate_without_rules_is_closed(path: Path, project: Path) -> None:
    change(path, "delete from spec.rules")
    assert rules(path, project).reasons == ["There was nothing to check."]


@pytest.mark.parametrize(("year", "is_red"), [(2025, False), (2026, True), (2027, True)])
def test_the_newest_version_of_a_rule_in_force_is_checked(
    path: Path, project: Path, year: int, is_red: bool
) -> None:
    change(path, "alter table validation.requests_checks add rule_r11__from_2026 boolean")
    change(path, "alter table validation.requests_checks add rule_r14 boolean default false")
    assert rules(path, project, year).is_red == is_red


def test_only_the_return_asked_for_is_checked(path: Path, project: Path) -> None:
    change(path, "insert into validation.requests_checks values ('last_year', '', true, true)")
    assert not rules(path, project).is_red
    assert gates.rules_gate(path, "last_year", YEAR, project).is_red


def test_nothing_personal_leaves_the_gates(
    path: Path,
    project: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    change(
        path,
        "alter table validation.person_checks rename to people_seen;"
        "create view validation.person_checks as"
        " select return_id, surname::int = 1 as rule_p01 from validation.people_seen;"
        "update validation.requests_checks set rule_r11 = true;",
    )
    checked = rules(path, project)
    assert ("rules_person", "P01", "raised") in red(checked)
    arrived = gates.arrival_gate(path, YEAR, project)
    gate_results.store_results(path, checked, "built", YEAR)
    gate_pages.write_docs(tmp_path / "docs", [arrived, checked])
    pages = {page.name: page.read_text() for page in (tmp_path / "docs").iterdir()}
    assert {"index.html", "rules_person.html", "arrival_people.html"} <= pages.keys()
    validations = [each.to_json_dict() for each in (*arrived.validations, *checked.validations)]
    with duckdb.connect(str(path)) as connection:
        stored = connection.execute("select * from audit.gate_results").fetchall()
    said = "".join([caplog.text, *capfd.readouterr()])
    for text in (*pages.values(), json.dumps(validations), str(stored), str(checked), said):
        assert MARKER not in text


def test_pages_load_nothing_and_say_the_rule(path: Path, project: Path, tmp_path: Path) -> None:
    gate_pages.write_docs(tmp_path / "docs", [rules(path, project)])
    for page in (tmp_path / "docs").iterdir():
        for loads in ("http:", "https:", "<script", "<img", "<link", "@import", "url("):
            assert loads not in page.read_text()
    assert MESSAGE in (tmp_path / "docs" / "rules_header.html").read_text()


def test_results_of_a_gate_are_replaced(path: Path, project: Path) -> None:
    for _ in range(2):
        gate_results.store_results(path, rules(path, project), "built", YEAR)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute(
            "select * from audit.gate_results where expectation = 'R11'"
        ).fetchall() == [("rules", "built", YEAR, "rules_requests", "R11", "error", "met", 10, 0)]


def test_arrival_compares_nothing_in_a_fresh_warehouse(path: Path, project: Path) -> None:
    change(path, "update raw.people set surname = null")
    assert not gates.arrival_gate(path, YEAR, project).is_red


@pytest.mark.parametrize(
    ("sql", "outcomes"),
    [
        ("delete from raw.people where _row >= 8", []),
        ("delete from raw.people where _row >= 7", [("arrival_people", "rows", "broken")]),
        ("update raw.people set surname = '' where _row = 0", []),
        (
            "update raw.people set surname = ' ' where _row <= 1",
            [("arrival_people", "surname is filled in", "broken")],
        ),
        (
            "alter table raw.people drop surname",
            [
                ("arrival_people", "surname is filled in", "raised"),
                ("arrival_people", "surname is there", "broken"),
            ],
        ),
        ("delete from raw.people", [("arrival_people", "rows", "no_rows")]),
    ],
)
def test_arrival_against_the_last_good_run(
    path: Path, project: Path, sql: str, outcomes: list[tuple[str, str, str]]
) -> None:
    gates.save_baseline(path, YEAR)
    change(path, sql)
    assert sorted(red(gates.arrival_gate(path, YEAR, project))) == outcomes


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "delete from raw.people where _row >= 7",
            "people 10 rows in the last good run, 7 now",
        ),
        (
            "update raw.people set surname = ' ' where _row <= 1",
            "people, surname: blank in 0 of 10 rows in the last good run, in 2 of 10 now",
        ),
        ("delete from raw.people", "people 10 rows in the last good run, 0 now"),
    ],
)
def test_arrival_says_what_fell_from_what_to_what(
    path: Path, project: Path, sql: str, words: str
) -> None:
    gates.save_baseline(path, YEAR)
    change(path, sql)
    assert gates.arrival_gate(path, YEAR, project).reasons == [words]


def test_arrival_of_nobody_says_so_where_there_was_no_run_before(path: Path, project: Path) -> None:
    change(path, "delete from raw.people")
    assert gates.arrival_gate(path, YEAR, project).reasons == ["people has no rows"]


def test_a_fall_of_a_few_rows_of_a_small_table_leaves_the_gate_open(
    path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = [
        row | {"value": "5"} if row["name"] == "arrival_fall_rows" else row
        for row in SEEDS["thresholds"]
    ]
    for module in (spec, spec.seeds):
        monkeypatch.setattr(module, "seed", (SEEDS | {"thresholds": more}).__getitem__)
    gates.save_baseline(path, YEAR)
    change(path, "delete from raw.people where _row >= 6")
    assert red(gates.arrival_gate(path, YEAR, project)) == []


@pytest.mark.parametrize(
    ("landed", "is_red"),
    [(79, True), (80, False), (100, False), (150, False), (151, True), (0, True)],
)
def test_arrival_against_the_published_size(
    path: Path, project: Path, landed: int, is_red: bool
) -> None:
    change(
        path,
        f"""
        create schema intermediate;
        create table intermediate.dfe_figures as
            select * from (values
                ('330', {YEAR - 1}, 'caseload', true, 'ehcplans', 100.0),
                ('330', {YEAR - 2}, 'caseload', true, 'ehcplans', 5.0),
                ('330', {YEAR}, 'caseload', true, 'ehcplans', 9000.0),
                ('330', {YEAR - 1}, 'caseload', false, 'ehcplans', 9000.0),
                ('331', {YEAR - 1}, 'caseload', true, 'ehcplans', 9000.0)
            ) as t(la_code, collection_year, dataset, is_total, figure, number);
        create table audit.extract_settings as select '330' as la_code;
        create table raw.plans as
            select 'e' || range as plan_id, '2020-01-01' as start_date, 'nonsense' as cease_date,
                range as _row
            from range({landed});
        insert into raw.plans values ('ended', '2020-01-01', '2020-02-02', 1000);
        insert into raw.plans values ('future', '{YEAR + 1}-01-01', '', 1001);
        """,
    )
    closed = [("arrival_size", "size as published", "broken")]
    gate = gates.arrival_gate(path, YEAR, project)
    assert red(gate) == closed * is_red
    if landed == 151:
        assert gate.reasons == [
            "151 open plans are in the extract as it landed, and DfE last published 100"
            f" ({YEAR - 1}): 51% more. Check that it is of the right authority."
        ]


def test_without_published_figures_no_size_is_expected(path: Path, project: Path) -> None:
    suites = {each.suite for each in gates.arrival_gate(path, YEAR, project).expectations}
    assert "arrival_size" not in suites


def test_arrival_without_a_table_is_closed(path: Path, project: Path) -> None:
    change(path, "drop table raw.people")
    assert gates.arrival_gate(path, YEAR, project).is_red


@pytest.mark.parametrize(
    ("written", "outcomes"),
    [
        ({"person": TableDigest(2, "ab"), "sen_need": TableDigest(0, "")}, []),
        ({"person": TableDigest(2, "cd")}, [("leaving_person", "digest equal", "broken")]),
        (
            {"person": TableDigest(1, "cd"), "plan_detail": TableDigest(1, "ef")},
            [
                ("leaving_person", "digest equal", "broken"),
                ("leaving_person", "rows equal", "broken"),
                ("leaving_plan_detail", "digest equal", "broken"),
                ("leaving_plan_detail", "rows equal", "broken"),
            ],
        ),
    ],
)
def test_leaving_compares_the_file_with_the_tables(
    project: Path, written: dict[str, TableDigest], outcomes: list[tuple[str, str, str]]
) -> None:
    stored = {"person": TableDigest(2, "ab"), "sen_need": TableDigest(0, "")}
    assert sorted(red(gates.leaving_gate(written, stored, project))) == outcomes


def test_leaving_with_nothing_written_is_closed(project: Path) -> None:
    assert gates.leaving_gate({}, {}, project).is_red


def expectations(project: Path) -> dict[str, object]:
    suites = (project / "gx" / "expectations").iterdir()
    return {suite.name: json.loads(suite.read_text())["expectations"] for suite in suites}


def test_the_suites_in_gx_are_those_of_the_seeds(tmp_path: Path) -> None:
    suite_files.write_suites(tmp_path)
    assert expectations(spec.PROJECT) == expectations(tmp_path)


AGREED = """
    create or replace table validation.requests_checks as
        select 'built' as return_id, range::text as record_id, range < {broken} as rule_r11,
            false as rule_r12 from range(10);
    create table validation.issues as
        select 'built' as return_id, 'R11' as rule_id, range::text as record_id,
            'error' as severity from range({broken});
    create table validation.issue_notes as
        select 'built' as return_id, 'R11' as rule_id, range::text as record_id, 'agreed' as kind
        from range(2);
"""


@pytest.mark.parametrize(("broken", "is_red"), [(2, False), (3, True)])
def test_errors_that_dfe_has_agreed_to_do_not_close_the_gate(
    broken: int, is_red: bool, path: Path, project: Path
) -> None:
    change(path, AGREED.format(broken=broken))
    result = rules(path, project)
    assert result.is_red == is_red
    assert result.agreed == {"R11": 2}
    assert [each.broken for each in result.expectations if each.rule_id == "R11"] == [broken - 2]


@pytest.mark.parametrize(
    ("rule", "severity", "is_red"), [("R11", "query", False), ("R12", "error", True)]
)
def test_the_authoritys_severity_goes_before_the_catalogues(
    rule: str, severity: str, is_red: bool, path: Path, project: Path
) -> None:
    change(path, f"update validation.requests_checks set rule_{rule.lower()} = true")
    assert rules(path, project).is_red != is_red
    change(
        path,
        "create schema local; create table local.rule_severities as"
        f" select '{rule}' as rule_id, '{severity}' as severity",
    )
    assert rules(path, project).is_red == is_red


def test_an_extract_of_another_size_is_no_error_of_the_return() -> None:
    size = gate_results.ExpectationResult(
        "arrival_size", "size as published", "error", "broken", "12 plans, not 99"
    )
    arrival = gate_results.GateResult("arrival", [size])
    rules = gate_results.GateResult("rules", [replace(size, suite="requests", rule_id="R11")])
    no_error = gate_results.GateResult("rules", [replace(size, outcome="met")])
    assert run._why_none([arrival, no_error], accept_arrival=False) == (
        "The extract is not as expected. The rules found no error that stops the return.\n"
        "  12 plans, not 99"
    )
    both = run._why_none([arrival, rules], accept_arrival=False)
    assert "The return has errors" in both
    assert "12 plans, not 99" in both
    assert "12 plans" not in run._why_none([arrival, rules], accept_arrival=True)


def test_what_great_expectations_imports_for_others_is_left_until_it_is_used() -> None:
    program = (
        "import sys; from sen2.gates import engine; engine.warm_up();"
        "print('great_expectations' in sys.modules, 'altair.vegalite' in sys.modules,"
        " 'scipy.stats._stats_py' in sys.modules);"
        "import altair, scipy.stats; print(altair.Chart.__name__, scipy.stats.norm.cdf(0))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=spec.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split() == ["True", "False", "False", "Chart", "0.5"]
