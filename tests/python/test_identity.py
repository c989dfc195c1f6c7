"""Identity: people of two systems become one, by stated steps, and stay who they are."""

import csv
import random
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.build.build import build_models as run_models
from sen2.ground.errors import InputError
from sen2.jobs.single_stages import lines_left_out
from sen2.land.land import land
from sen2.settings.config import Config
from sen2.settings.kept_files import KEPT_TABLES
from sen2.why.story import person_page

from .conftest import YEAR, Built
from .extracts import build_models, models
from .sources import write_text
from .test_lineage import copies_that_differ
from .test_mapping import HEADINGS, landed, mapping_of, refuse
from .two_systems import TwoSystems, write_two_systems

INTEGRITY = "landed_files_and_dispositions_add_up|every_landed_row_has_one_disposition"
LAYERS = ("staging", "intermediate", "person_level")
REPORTS = ("audit", "validation")
DECISION = {"reason": "Asked the school", "author": "Jo Bloggs", "date": "2025-12-01"}


def failures(warehouse: Path) -> list[str]:
    """The integrity tests of dispositions that find something."""
    tests = [each for each in models().statements if re.fullmatch(INTEGRITY, each.name)]
    with duckdb.connect(str(warehouse)) as connection:
        return run_models(connection, tests, YEAR)


def ask(warehouse: Path, query: str, *parameters: object) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query, list(parameters)).fetchall()


def decide(folder: Path, *rows: dict[str, str]) -> Path:
    """Write the authority's file of decisions."""
    path = folder / "people_matched.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, KEPT_TABLES["people_matched"])
        writer.writeheader()
        writer.writerows(DECISION | row for row in rows)
    return path


def config(**settings: object) -> Config:
    return Config.model_validate({"la_code": "330", **settings})


def build(
    systems: TwoSystems,
    warehouse: Path,
    reports: Sequence[str] = (),
    turned: bool = False,
    **settings: object,
) -> Path:
    """Land the two systems into a warehouse, a new one unless it is there, and run the models."""
    mappings = systems.mappings[::-1] if turned else systems.mappings
    land(systems.folder, YEAR, config(**settings), warehouse, mappings=mappings)
    build_models(warehouse, YEAR, *LAYERS, *reports)
    return warehouse


def outcome_of(warehouse: Path, outcome: str) -> set[tuple[str, str]]:
    query = "select person_id, other_person_id from intermediate.people_matches where outcome = ?"
    return set(ask(warehouse, query, outcome))


def returned(warehouse: Path) -> list[tuple]:
    return ask(warehouse, "select * from person_level.person order by person_id")


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> TwoSystems:
    return write_two_systems(tmp_path_factory.mktemp("systems"), 1000, 7)


@pytest.fixture(scope="module")
def merged(systems: TwoSystems, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(systems, tmp_path_factory.mktemp("merged") / "sen2.duckdb", REPORTS)


def test_shared_children_are_found_and_no_others(merged: Path, systems: TwoSystems) -> None:
    shared = {(one, f"two:{other}") for one, other in systems.pairs}
    matched, review = outcome_of(merged, "matched"), outcome_of(merged, "review")
    assert len(shared) > 120
    assert len(matched & shared) / len(matched) > 0.995
    assert len(matched & shared) / len(shared) > 0.92
    assert len((shared - matched) & review) / len(shared - matched) > 0.75


def test_nobody_is_lost_or_counted_twice(merged: Path) -> None:
    assert failures(merged) == []
    assert ask(
        merged,
        "select count(distinct person_id) = count(*) from person_level.person"
        " where return_id = 'built'",
    ) == [(True,)]
    # Every case of a child of both systems hangs from the child's one id.
    assert (
        ask(
            merged,
            "select * from intermediate.case_scope semi join intermediate.merged_people"
            " using (person_id)",
        )
        == []
    )
    ends = ask(
        merged,
        "select disposition, reason from audit.row_dispositions where starts_with(reason,"
        " 'In the return, as person ') limit 1",
    )
    assert ends[0][0] == "returned"


def test_a_value_is_that_of_the_source_named_first(
    merged: Path, systems: TwoSystems, tmp_path: Path
) -> None:
    assert {
        row[0] for row in ask(merged, "select believed_source from audit.person_conflicts")
    } <= {
        "one",
        "two",
    }
    conflicts = (
        "select person_id, column_name, believed_source, other_source, believed_value, other_value"
        " from audit.person_conflicts where column_name = 'postcode' order by all"
    )
    usual = ask(merged, conflicts)
    other = build(systems, tmp_path / "sen2.duckdb", ["audit"], sources=["two", "one"])
    turned = ask(other, conflicts)
    assert {row[2:4] for row in usual} == {("one", "two")}
    assert {row[2:4] for row in turned} == {("two", "one")}
    assert sorted(row[4:] for row in usual) == sorted(row[:3:-1] for row in turned)
    # In a warehouse that is new, ids are those of the source named first.
    assert ask(other, "select source from audit.plain_ids") == [("two",)]


def test_lineage_leads_to_the_source_believed(merged: Path) -> None:
    assert copies_that_differ(merged, {}) == []
    found = ask(
        merged,
        "select distinct file from audit.lineage semi join intermediate.merged_people as merged"
        " on lineage.person_id = merged.into_person_id"
        " where table_name = 'person' and how = 'copied' order by all",
    )
    assert found == [("one/people.csv",), ("two/people.csv",)]


def test_ids_hang_neither_on_the_order_of_rows_nor_of_sources(
    merged: Path, systems: TwoSystems, tmp_path: Path
) -> None:
    shuffled = TwoSystems(tmp_path / "systems", [])
    shutil.copytree(systems.folder, shuffled.folder)
    shuffled.mappings = [shuffled.folder / path.name for path in systems.mappings]
    for path in sorted(shuffled.folder.glob("*/people.csv")):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        random.Random(1).shuffle(rows)
        path.write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    again = build(shuffled, tmp_path / "sen2.duckdb", turned=True)
    assert returned(again) == returned(merged)
    pairs = (
        "select person_id, other_person_id, step, score, outcome, reason"
        " from intermediate.people_matches order by all"
    )
    assert ask(again, pairs) == ask(merged, pairs)


def test_an_id_once_given_stays(merged: Path, systems: TwoSystems, tmp_path: Path) -> None:
    later = Path(shutil.copy(merged, tmp_path / "sen2.duckdb"))
    ids = "select person_id from person_level.person where return_id = 'built' order by all"
    # Another order of belief gives other values, and no other ids.
    build(systems, later, sources=["two", "one"])
    assert ask(later, ids) == ask(merged, ids)
    # The first system closes, and the second goes on.
    ((own, given),) = ask(
        later,
        "select person_id, into_person_id from intermediate.merged_people"
        " semi join person_level.person on into_person_id = person.person_id order by all limit 1",
    )
    land(systems.folder, YEAR, config(), later, mappings=systems.mappings[1:])
    build_models(later, YEAR, *LAYERS)
    assert ask(later, "from intermediate.merged_people where person_id = ?", own) == [(own, given)]
    assert ask(later, "select distinct left(person_id, 4) from staging.stg_people") == [("two:",)]


def test_decisions_are_respected_and_what_is_undecided_is_asked(
    merged: Path, systems: TwoSystems, tmp_path: Path
) -> None:
    same, review = sorted(outcome_of(merged, "matched")), sorted(outcome_of(merged, "review"))
    decisions = decide(
        tmp_path,
        {"person_id": same[0][0], "other_person_id": same[0][1], "decision": "different"},
        {"person_id": review[0][1], "other_person_id": review[0][0], "decision": "same"},
        {"person_id": review[1][0], "other_person_id": review[1][1], "decision": "different"},
        {"person_id": same[1][0], "other_person_id": "two:nobody", "decision": "same"},
        {"person_id": same[1][0], "other_person_id": same[2][0], "decision": "same"},
    )
    decided = build(systems, tmp_path / "sen2.duckdb", REPORTS, people_matched=decisions)
    assert same[0] in outcome_of(decided, "apart")
    assert review[0] in outcome_of(decided, "matched")
    assert review[1] in outcome_of(decided, "apart")
    issues = ask(
        decided,
        "select rule_id, record_id, source_file, source_row from validation.issues"
        " where rule_id in ('X14', 'X15') order by all",
    )
    asked = {row[1] for row in issues if row[0] == "X14"}
    assert {" ".join(pair) for pair in review[2:]} <= asked
    assert not {" ".join(pair) for pair in review[:2]} & asked
    assert [row[2:] for row in issues if row[0] == "X15"] == [
        ("people_matched.csv", 6),
        ("people_matched.csv", 5),
    ]
    assert failures(decided) == []


def test_why_takes_any_source_s_id_and_says_how_they_were_matched(merged: Path) -> None:
    ((own, into),) = ask(
        merged,
        "select person_id, into_person_id from intermediate.merged_people"
        " where into_person_id in (select person_id from intermediate.case_scope)"
        " order by all limit 1",
    )
    page = person_page(merged, own)
    assert page == person_page(merged, into)
    assert page.title == f"Why: person {into}"
    sources, compared = page.tables[:2]
    assert [row[:2] for row in sources.rows] == [("one", into), ("two", own)]
    ((pair, outcome, score, reason),) = [row for row in compared.rows if row[1] == "matched"]
    assert pair == f"{into} and {own}"
    assert (outcome, bool(int(str(score))), str(reason)[:4]) == ("matched", True, "the ")
    (rows,) = [each for each in page.tables if each.title == "Rows of the extract"]
    assert "two/people.csv" in str(rows.rows)
    # An id that only the second system has, as that system writes it.
    ((only,),) = ask(
        merged,
        "select person_id from raw.people where _source = 'two' and person_id not in"
        " (select person_id from raw.people where _source = 'one') order by all limit 1",
    )
    assert person_page(merged, only).title.removeprefix("Why: person ") in (
        f"two:{only}",
        *(row[0] for row in ask(merged, "select into_person_id from intermediate.merged_people")),
    )


def test_one_source_is_what_it_was(built: Built) -> None:
    for table in ("people_traits", "people_matches", "merged_people", "person_values"):
        assert ask(built.warehouse, f"from intermediate.{table}") == []
    assert ask(built.warehouse, "from audit.given_ids") == []
    assert ask(built.warehouse, "from audit.sources") == [("extract", 1, "extract", None)]
    assert ask(
        built.warehouse,
        "select count(*) from staging.stg_people anti join raw.people using (person_id)",
    ) == [(0,)]


def two_files(folder: Path, **second: object) -> tuple[Path, Path]:
    """Two sources with one child each, who have the same id."""
    write_text(folder / "children.csv", [HEADINGS, ["7", "A", "", "M", "WBRI"]])
    write_text(folder / "other.csv", [HEADINGS, ["7", "B", "", "F", "WBRI"]])
    first = mapping_of(folder).rename(folder / "first.yml")
    inputs = {"children": {"files": "other.csv"}}
    return first, mapping_of(folder, **({"source": "two", "inputs": inputs} | second))


def test_a_source_may_have_the_ids_of_another(tmp_path: Path) -> None:
    warehouse = landed(tmp_path, *two_files(tmp_path))
    sources = "select source, ids_of, id_prefix from audit.sources order by place"
    assert ask(warehouse, sources) == [("one", "one", None), ("two", "two", "two:")]
    shared = landed(tmp_path, *two_files(tmp_path, ids_of="one"), warehouse="shared.duckdb")
    assert ask(shared, sources) == [("one", "one", None), ("two", "one", None)]


def test_rows_that_hang_from_another_source_must_say_whose_ids_they_have(tmp_path: Path) -> None:
    tables = {"plans": {"input": "children", "columns": {"plan_id": "Person ID"}, "blank": []}}
    contract = [column.name for column in spec.contract(YEAR)["plans"] if column.is_required]
    tables["plans"]["blank"] = [name for name in contract if name != "plan_id"]
    words = refuse(tmp_path, *two_files(tmp_path, tables=tables))
    assert "takes plans but not people" in words
    assert "ids_of" in words
    assert landed(tmp_path, *two_files(tmp_path, tables=tables, ids_of="one")).exists()
    assert "ids_of: three" in refuse(tmp_path, *two_files(tmp_path, ids_of="three"))
    assert "source: plan begins ids" in refuse(tmp_path, *two_files(tmp_path, source="plan"))


def test_an_order_that_lacks_a_source_is_refused(tmp_path: Path) -> None:
    mappings = two_files(tmp_path)
    with pytest.raises(InputError, match=r"sources lacks two\."):
        land(tmp_path, YEAR, config(sources=["one"]), tmp_path / "w", mappings=mappings)
    land(tmp_path, YEAR, config(sources=["two", "gone", "one"]), tmp_path / "w", mappings=mappings)
    order = ask(tmp_path / "w", "select source from audit.sources order by place")
    assert order == [("two",), ("one",)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"decision": "maybe"}], ["row 2", "column decision", "same", "different"]),
        ([{"other_person_id": "7"}], ["row 2", "column other_person_id", "the same as person_id"]),
        ([{"author": " "}], ["row 2", "column author", "blank"]),
        ([{"date": "1/12/2025"}], ["row 2", "column date", "2026-01-31"]),
        (
            [{}, {"person_id": "two:7", "other_person_id": "7"}],
            ["row 3", "person_id, other_person_id", "row 2"],
        ),
    ],
)
def test_a_wrong_decision_is_left_out_and_its_place_is_said(
    tmp_path: Path, rows: Sequence[dict[str, str]], words: list[str]
) -> None:
    right = {"person_id": "7", "other_person_id": "two:7", "decision": "same"}
    path = decide(tmp_path, *(right | row for row in rows))
    warehouse = tmp_path / "w"
    settings = config(people_matched=path)
    land(tmp_path, YEAR, settings, warehouse, mappings=two_files(tmp_path))
    (said,) = lines_left_out(warehouse)
    assert [word for word in [path.name, *words] if word not in said] == []
    assert "Jo Bloggs" not in said


def test_the_steps_name_comparisons_that_exist() -> None:
    answers = {"same", "like", "differs", "blank", ""}
    for step in spec.seed("identity_steps"):
        for column in ("upn", "uln", "surname", "forename", "birth_date", "postcode", "sex"):
            assert set(step[column].split(";")) <= answers
