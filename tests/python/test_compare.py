"""Two returns compared: what was changed is found, under its kind, and nothing else."""

import io
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from sen2 import spec, warehouse
from sen2.compare import compare, workbook
from sen2.ground.errors import InputError

from .conftest import YEAR, Built
from .test_run import sen2, values_of_people

NEXT = f"""
    select * replace (
        'next' as return_id, {YEAR} + 1 as collection_year, date '2027-01-21' as survey_day,
        date '2026-01-01' as period_start, date '2027-01-21' as period_end,
        date '2026-08-31' as age_reference_date
    )
    from validation.returns where return_id = 'built'
"""
PEOPLE = [row["kind"] for row in spec.seed("compared_kinds") if row["subject"] == "people"]
KINDS = [row["kind"] for row in spec.seed("compared_kinds")]
FORMULA = "=HYPERLINK(1)"

Connection = duckdb.DuckDBPyConnection
Found = set[tuple[str, str | None, str | None]]
"""Changes by their kind, item and person: the id in the earlier return, else in the later."""


@pytest.fixture(scope="module")
def years(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built return of 2026, and beside it one of 2027 in which nothing has changed.

    Its ids are those of a file: they only number the records, and not in the same order.
    """
    path = tmp_path_factory.mktemp("years") / "sen2.duckdb"
    shutil.copy(built.warehouse, path)
    records = {  # they shall follow every change; the cases read the placements
        name: next(built.target.glob(f"compiled/**/{name}.sql")).read_text("utf-8")
        for name in ("placement_records", "case_records")
    }
    with duckdb.connect(str(path)) as connection:
        for name, query in records.items():
            connection.execute(f"drop table validation.{name}")
            connection.execute(f"create view validation.{name} as {query}")
        connection.execute(f"insert into validation.returns {NEXT}")
        connection.execute(
            "create table ids as select person_id,"
            " 'p' || row_number() over (order by hash(person_id)) as new_id"
            " from person_level.person where return_id = 'built'"
        )
        for table, columns in spec.person_level_columns().items():
            of_person = "person_id" in columns
            keys = ["'next' as return_id", *["ids.new_id as person_id"] * of_person]
            keys += ["'n' || hash(rows.request_id) as request_id"] * ("request_id" in columns)
            connection.execute(
                f"insert into person_level.{table}"
                f" select rows.* replace ({', '.join(keys)}) from person_level.{table} as rows"
                f" {'inner join ids using (person_id)' if of_person else ''}"
                " where return_id = 'built'"
            )
        connection.execute(
            "insert into published.figures select * replace ('next' as return_id)"
            " from published.figures where return_id = 'built'"
        )
    return path


@pytest.fixture
def connection(years: Path) -> Iterator[Connection]:
    """The two years, to change at will: nothing is kept."""
    with warehouse.connect(years) as connection:
        connection.begin()
        yield connection
        connection.rollback()


def changes(connection: Connection, earlier: str = "built", later: str = "next") -> Found:
    """What the comparison finds."""
    compare.run(connection, earlier, later)
    rows = connection.execute(
        "select kind, item, coalesce(earlier_person_id, later_person_id) from temp.compared_changes"
    ).fetchall()
    assert len(rows) == len(set(rows))
    return set(rows)


def states(connection: Connection) -> Counter[str]:
    return Counter(
        state
        for (state,) in connection.execute("select state from temp.compared_people").fetchall()
    )


# Whom a change can be made to, each in words of the earlier return


ONE_CASE = (
    "person_id in (select person_id from person_level.requests where return_id = 'built'"
    " group by person_id having count(*) = 1)"
)
PLAN_IN_FORCE = (
    f"{ONE_CASE} and person_id in (select person_id from person_level.named_plan"
    " where return_id = 'built' and start_date < '2025-06-01' and cease_date is null)"
)
YOUNG = "person_birth_date > '2005-01-01'"
OVER = (
    f"{ONE_CASE} and person_id in (select person_id from person_level.named_plan"
    " where return_id = 'built' and cease_date < '2026-01-01')"
)
IDENTIFIED = (
    "upn is not null and upn in"
    " (select upn from person_level.person group by upn having count(*) = 2)"
)
RECEIVED = (
    "person_id in (select person_id from person_level.requests"
    " where return_id = 'built' and received_date is not null)"
)
PLACED = (
    "person_id in (select person_id from person_level.placement_detail where return_id = 'built'"
    " group by person_id having count(*) = 1 and bool_and(placement_rank = '1'"
    " and leaving_date is null and urn is not null and entry_date < '2026-01-15'))"
)


def people(connection: Connection, condition: str) -> list[tuple[str, str]]:
    """People of whom something is true, by their ids in either return."""
    return connection.execute(
        "select person_id, new_id from person_level.person inner join ids using (person_id)"
        f" where return_id = 'built' and {condition} order by person_id"
    ).fetchall()


def edit(
    connection: Connection, table: str, person_id: str, words: str, name: str = "next"
) -> None:
    """Change the rows of a person in a table of a return."""
    connection.execute(
        f"update person_level.{table} set {words} where return_id = '{name}' and person_id = ?",
        [person_id],
    )


def remove(connection: Connection, person_id: str, *tables: str, name: str = "next") -> None:
    """Take a person out of a return, or out of some of its tables."""
    for table, columns in spec.person_level_columns().items():
        if "person_id" in columns and (not tables or table in tables):
            connection.execute(
                f"delete from person_level.{table} where return_id = '{name}' and person_id = ?",
                [person_id],
            )


Plant = Callable[[Connection, str, str], Found]
PLANTS: dict[str, tuple[str, Plant]] = {}


def plant(name: str, condition: str) -> Callable[[Plant], Plant]:
    """A change that can be made to whoever meets a condition; it gives what is to be found."""

    def keep(change: Plant) -> Plant:
        PLANTS[name] = (condition, change)
        return change

    return keep


@plant("vanished", f"{PLAN_IN_FORCE} and {YOUNG}")
def _vanished(connection: Connection, then: str, now: str) -> Found:
    remove(connection, now)
    return {("vanished", None, then)}


@plant("left", OVER)
def _left(connection: Connection, then: str, now: str) -> Found:
    remove(connection, now)
    return {("left", None, then)}


@plant("ended_on_the_first_day_of_the_period", OVER)
def _ended_on_first_day(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "named_plan", then, "cease_date = '2026-01-01'", "built")
    remove(connection, now)
    return {("vanished", None, then)}


@plant("aged_out", f"{PLAN_IN_FORCE} and {YOUNG}")
def _aged_out(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "person", then, "person_birth_date = '2001-08-31'", "built")
    remove(connection, now)
    return {("aged_out", None, then)}


@plant("a_day_too_young_to_age_out", f"{PLAN_IN_FORCE} and {YOUNG}")
def _not_aged_out(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "person", then, "person_birth_date = '2001-09-01'", "built")
    remove(connection, now)
    return {("vanished", None, then)}


@plant("appeared_with_history", f"{PLAN_IN_FORCE} and {RECEIVED}")
def _appeared(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "active_plans", now, "transfer_la = null")
    remove(connection, then, name="built")
    return {("appeared_with_history", None, now)}


@plant("joined", f"{PLAN_IN_FORCE} and {RECEIVED}")
def _joined(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "requests", now, "received_date = '2026-01-16'")
    edit(connection, "named_plan", now, "start_date = '2026-05-01'")
    remove(connection, then, name="built")
    return {("joined", None, now)}


@plant("transferred_in", PLAN_IN_FORCE)
def _transferred_in(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "active_plans", now, "transfer_la = '331'")
    remove(connection, then, name="built")
    return {("joined", None, now)}


@plant("another_upn", IDENTIFIED)
def _upn(connection: Connection, then: str, now: str) -> Found:
    another_letter = "case when left(upn, 1) = 'Z' then 'A' else 'Z' end"
    edit(connection, "person", now, f"upn = {another_letter} || right(upn, 12)")
    return {("identifier_changed", "UPN", then)}


@plant("a_uln_at_last", f"{IDENTIFIED} and unique_learner_number is null")
def _uln(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "person", now, f"unique_learner_number = '{now}'")
    return {("identifier_changed", "UniqueLearnerNumber", then)}


@plant("another_name", f"{IDENTIFIED} and person_birth_date <> '2012-12-12'")
def _name(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "person", now, f"surname = '{FORMULA}', person_birth_date = '2012-12-12'")
    return {("details_changed", "Surname", then), ("details_changed", "PersonBirthDate", then)}


@plant("another_start", f"{PLAN_IN_FORCE} and {RECEIVED}")
def _start(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "named_plan", now, "start_date = '2026-01-15'")
    return {("date_changed", "StartDate", then)}


@plant("another_day_received", f"{PLAN_IN_FORCE} and {RECEIVED}")
def _received(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "requests", now, "received_date = received_date - 1")
    return {("date_changed", "ReceivedDate", then)}


@plant("backdated_end", PLAN_IN_FORCE)
def _backdated(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "named_plan", now, "cease_date = '2026-01-15', cease_reason = '1'")
    return {("date_changed", "CeaseDate", then)}


@plant("plan_ended", PLAN_IN_FORCE)
def _ended(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "named_plan", now, "cease_date = '2026-01-16', cease_reason = '1'")
    return {("plan_ended", "CeaseDate", then)}


@plant("plan_restarted", PLAN_IN_FORCE)
def _restarted(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "named_plan", now, "start_date = '2026-01-16'")
    return {("plan_restarted", "StartDate", then)}


@plant("plan_started", f"{PLAN_IN_FORCE} and {RECEIVED}")
def _started(connection: Connection, then: str, now: str) -> Found:
    remove(connection, then, "named_plan", name="built")
    edit(connection, "named_plan", now, "start_date = '2026-01-16'")
    return {("plan_started", "StartDate", then)}


@plant("case_vanished", f"{PLAN_IN_FORCE} and {RECEIVED}")
def _case_vanished(connection: Connection, then: str, now: str) -> Found:
    remove(connection, now, "named_plan")
    return {("case_vanished", "Requests", then)}


@plant("case_appeared", PLAN_IN_FORCE)
def _case_appeared(connection: Connection, then: str, now: str) -> Found:
    connection.execute(
        "insert into person_level.requests by name select 'next' as return_id, $1 as person_id,"
        " $1 || '/new' as request_id, date '2026-01-15' as received_date, 'W' as request_outcome",
        [now],
    )
    return {("case_appeared", "Requests", then)}


@plant("setting_moved", f"{PLAN_IN_FORCE} and {PLACED}")
def _moved(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "placement_detail", now, "urn = '999999'")
    return {("setting_moved", "PlacementDetail", then)}


@plant("another_entry", f"{PLAN_IN_FORCE} and {PLACED}")
def _entry(connection: Connection, then: str, now: str) -> Found:
    edit(connection, "placement_detail", now, "entry_date = entry_date - 1")
    return {("date_changed", "EntryDate", then)}


def test_the_same_people_in_two_years_have_not_changed(connection: Connection) -> None:
    assert changes(connection) == set()
    assert set(states(connection)) == {"in_both"}
    assert connection.execute("select count(*) from temp.compared_doubts").fetchone() == (0,)
    assert connection.execute(
        "select count(*) > 1000, count(*) filter (change <> 0) from temp.compared_figures"
    ).fetchone() == (True, 0)


@pytest.mark.parametrize("return_id", ["built", "next"])
def test_a_return_compared_with_itself_shows_no_change(
    connection: Connection, return_id: str
) -> None:
    assert changes(connection, return_id, return_id) == set()
    assert set(states(connection)) == {"in_both"}


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_change_is_found_under_its_kind_and_no_other(
    name: str, connection: Connection
) -> None:
    condition, change = PLANTS[name]
    then, now = people(connection, condition)[0]
    wanted = change(connection, then, now)
    assert changes(connection) == wanted
    assert {kind for kind, _, _ in wanted} <= set(KINDS)
    everybody = states(connection)
    for side in ("earlier", "later"):
        ((count,),) = connection.execute(
            "select count(*) from person_level.person where return_id = ?",
            [{"earlier": "built", "later": "next"}[side]],
        ).fetchall()
        ((found,),) = connection.execute(
            f"select count({side}_person_id) from temp.compared_people"
        ).fetchall()
        assert count == found
    assert everybody.keys() <= set(PEOPLE)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(planted=st.lists(st.sampled_from(sorted(PLANTS)), min_size=2, max_size=8), of=st.randoms())
def test_many_changes_at_once_are_all_found_and_nothing_else(
    planted: list[str], of: object, connection: Connection
) -> None:
    wanted: Found = set()
    taken: set[str] = set()
    try:
        for name in planted:
            condition, change = PLANTS[name]
            free = [pair for pair in people(connection, condition) if pair[0] not in taken]
            if free:
                then, now = of.choice(free)  # type: ignore[attr-defined]
                taken.add(then)
                wanted |= change(connection, then, now)
        found = changes(connection)
    finally:
        connection.rollback()
        connection.begin()
    assert found == wanted


def test_a_person_who_may_be_two_is_shown_and_not_joined(connection: Connection) -> None:
    (then, first), (_, second) = people(connection, IDENTIFIED)[:2]
    same = ("upn", "unique_learner_number", "surname", "forename", "person_birth_date")
    connection.execute(
        f"update person_level.person set {', '.join(f'{name} = twin.{name}' for name in same)}"
        " from (from person_level.person where return_id = 'next' and person_id = $1) as twin"
        " where person.return_id = 'next' and person.person_id = $2",
        [first, second],
    )
    found = changes(connection)
    assert {first, second} <= {person for kind, _, person in found if kind in PEOPLE}
    assert connection.execute(
        "select earlier_person_id, later_person_id, agrees_on, reason from temp.compared_doubts"
        " order by all"
    ).fetchall() == [
        (then, person, "UPN", "more than one person has the same UPN")
        for person in sorted((first, second))
    ]


def test_a_number_that_all_have_costs_no_more_than_another(connection: Connection) -> None:
    connection.execute("update person_level.person set upn = 'A000000000000'")
    changes(connection)
    ((doubts, people_there),) = connection.execute(
        "select count(*), (select count(*) from person_level.person) from temp.compared_doubts"
    ).fetchall()
    assert doubts <= people_there


def test_the_command_runs_the_sql_that_dbt_compiles(built: Built) -> None:
    compiled = built.target / "compiled" / "sen2" / "models" / "validation" / "compared"
    for model, statement in compare.statements_in_order():
        theirs = (compiled / f"{model}.sql").read_text(encoding="utf-8")
        theirs = re.sub(rf'"{built.warehouse.stem}"\."(\w+)"\."(\w+)"', r"\1.\2", theirs)
        ours = re.sub(r"\btemp\.(compared_\w+)", r"validation.\1", statement)
        assert ours.split() == theirs.split(), model


# The command


@pytest.fixture(scope="module")
def changed(years: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the two years in which one person has another name, one another UPN."""
    folder = tmp_path_factory.mktemp("compared")
    shutil.copy(years, folder / "sen2.duckdb")
    with duckdb.connect(str(folder / "sen2.duckdb")) as connection:
        connection.execute(
            "update person_level.person set surname = ?, forename = '<r>x</r>' where person_id ="
            " (select min(person_id) from person_level.person"
            f" where return_id = 'next' and {IDENTIFIED})",
            [FORMULA],
        )
        connection.execute(
            "update person_level.person set unique_learner_number = '+44' where person_id ="
            " (select max(person_id) from person_level.person"
            f" where return_id = 'next' and {IDENTIFIED})"
        )
        connection.execute(
            "update published.figures set value = '7.5', number = 7.5 where return_id = 'next'"
            " and dataset = 'caseload' and is_total and figure = 'ehcplans'"
        )
    return folder


def run_verb(folder: Path, *more: str) -> str:
    done = sen2(folder, "compare", "built", "next", "--warehouse", "sen2.duckdb", *more)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def cells(path: Path) -> Iterator[object]:
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            yield from (cell.value for cell in row)


def test_the_terminal_has_counts_and_no_value_of_anybody(changed: Path, built: Built) -> None:
    said = run_verb(changed, "--out", "out")
    assert re.search(r"^In both +372 +372$|^In both +[\d,]+ +[\d,]+$", said, re.MULTILINE)
    assert re.search(r"^Name or birth date changed +1 +2$", said, re.MULTILINE)
    assert re.search(r"^Identifier changed +1 +1$", said, re.MULTILINE)
    assert "of which 1 differ" in said
    assert not any(value in said for value in values_of_people(built.extract))
    assert "\x1b" not in said
    assert all(len(line) <= 100 for line in said.splitlines())


def test_the_workbook_has_a_row_a_change_and_names_only_on_demand(
    changed: Path, built: Built
) -> None:
    run_verb(changed, "--out", "plain")
    book = openpyxl.load_workbook(changed / "plain" / workbook.NAME)
    assert book.sheetnames == [
        "Start here", "To check", "Summary", "Changes", "Doubtful pairs", "Figures"
    ]  # fmt: skip
    rows = list(book["Changes"].iter_rows(min_row=2, values_only=True))
    assert Counter(row[0] for row in rows) == {
        "Name or birth date changed": 2, "Identifier changed": 1
    }  # fmt: skip
    figure = next(book["Figures"].iter_rows(min_row=2, values_only=True))
    assert figure[2:] == ("ehcplans", 300, 7.5, -292.5)
    assert book["Figures"].max_row == 2
    values = {str(value) for value in cells(changed / "plain" / workbook.NAME)}
    columns = ("surname", "forename", "person_birth_date")
    with duckdb.connect(str(changed / "sen2.duckdb"), read_only=True) as connection:
        for column in columns:
            names = connection.execute(
                f"select distinct {column}::varchar as name from person_level.person"
                " where length(name) > 3"
            ).fetchall()
            assert not values & {name for (name,) in names}

    shutil.copy(spec.PROJECT / "sen2.yml", changed / "named.yml")
    with (changed / "named.yml").open("a", encoding="utf-8") as file:
        file.write("identify_people: true\n")
    run_verb(changed, "--out", "named", "--config", "named.yml")
    named = changed / "named" / workbook.NAME
    assert {FORMULA, " <r>x</r>"} <= set(cells(named))
    for sheet in openpyxl.load_workbook(named):
        assert not any(cell.data_type == "f" for row in sheet.iter_rows() for cell in row)


def test_tables_can_be_filtered_and_their_headings_stay(changed: Path) -> None:
    run_verb(changed, "--out", "filtered")
    book = openpyxl.load_workbook(changed / "filtered" / workbook.NAME)
    for name in book.sheetnames[1:]:
        sheet = book[name]
        assert sheet.freeze_panes == "B2"
        (table,) = sheet.tables.values()
        assert table.ref.startswith("A1:")
        assert sheet.column_dimensions["A"].width > 8


def test_the_same_returns_give_the_same_bytes_and_are_kept_once(changed: Path) -> None:
    run_verb(changed, "--out", "one")
    run_verb(changed, "--out", "two")
    first, second = (changed / name / workbook.NAME for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    with duckdb.connect(str(changed / "sen2.duckdb"), read_only=True) as connection:
        assert connection.execute(
            "select earlier_return_id, later_return_id, count(*), count(distinct kind)"
            " from validation.compared_changes group by all"
        ).fetchall() == [("built", "next", 3, 2)]
        assert connection.execute("select count(*) from validation.compared_pairs").fetchall() == [
            (1,)
        ]


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        (("next", "built"), "give the earlier return first"),
        (("nobody", "next"), "it has built of 2026, next of 2027"),
    ],
)
def test_what_cannot_be_compared_is_an_input_error(
    years: Path, tmp_path: Path, pair: tuple[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        compare.compare(*pair, years, tmp_path, identify=False)
    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_that_was_not_built_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "sen2.duckdb"
    with pytest.raises(InputError, match="no such warehouse"):
        compare.compare("a", "b", path, tmp_path, identify=False)
    with warehouse.connect(path) as connection:
        warehouse.prepare(connection, YEAR)
    with pytest.raises(InputError, match="Run `sen2 build` first"):
        compare.compare("a", "b", path, tmp_path, identify=False)


@pytest.mark.parametrize("width", [40, 60, 120])
def test_a_narrow_terminal_has_every_count(width: int) -> None:
    side = compare.Side("a", 2026, spec.collection(2026).survey_day)
    counts = [
        compare.Count(row["kind"], row["subject"], row["label"], "", 12345, 0, 12345, False)
        for row in spec.seed("compared_kinds")
    ]
    console = Console(file=io.StringIO(), width=width, highlight=False, no_color=True)
    compare.show(compare.Comparison(side, side, counts, 3, 4, 2), console)
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(len(line) <= width for line in said.splitlines())
    assert said.count("12,345") == len(PEOPLE) + 2 * (len(KINDS) - len(PEOPLE))


def test_more_lines_than_a_sheet_holds_are_told(
    changed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "SHEET_LINES", 2)
    compare.compare("built", "next", changed / "sen2.duckdb", tmp_path, identify=False)
    sheet = openpyxl.load_workbook(tmp_path / workbook.NAME)["Changes"]
    assert "1 more are in validation.compared_changes" in sheet.oddHeader.left.text
    assert sheet.max_row == 3
    assert os.listdir(tmp_path) == [workbook.NAME]  # noqa: PTH208
