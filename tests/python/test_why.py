"""sen2 why: one person's page, complete, masked in the terminal, and safe whatever is asked."""

import base64
import hashlib
import io
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from lxml import html as lxml_html
from rich.console import Console

from sen2 import spec
from sen2.compare import compare
from sen2.ground.errors import InputError
from sen2.why import show
from sen2.why.story import Page, Personal, person_page

from .conftest import YEAR, Built

HOSTILE = '<script>alert("1")</script>&\'</style>'


def ask(warehouse: Path, query: str, *parameters: object) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query, parameters).fetchall()


def terminal(page: Page, width: int = 80, values: bool = False) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, no_color=True)
    show.show(page, console, values=values)
    return console.file.getvalue()  # type: ignore[attr-defined]


def table(page: Page, title: str) -> list[list[str]]:
    """The rows of a table of the page, personal values as they are."""
    (found,) = [each for each in page.tables if each.title.startswith(title)]
    return [
        [cell.text if isinstance(cell, Personal) else cell for cell in row] for row in found.rows
    ]


def person_with(built: Built, condition: str) -> str:
    """The first person of the built return of whom something is true."""
    found = ask(
        built.warehouse,
        "select person_id from person_level.person as person where return_id = 'built' and"
        f" upn is not null and {condition} order by person_id limit 1",
    )
    return found[0][0]


PLANNED = """
    person_id in (select person_id from person_level.named_plan where cease_date is null)
    and person_id in (
        select person_id from person_level.active_plans where review_meeting is not null
    )
    and person_id in (
        select person_id from person_level.requests where received_date is not null
    )
    and person_id in (
        select person_id from intermediate.case_scope group by person_id having count(*) = 1
    )
"""


@pytest.fixture(scope="module")
def person_id(built: Built) -> str:
    return person_with(built, PLANNED)


@pytest.fixture(scope="module")
def page(built: Built, person_id: str) -> Page:
    return person_page(built.warehouse, person_id)


@pytest.fixture(scope="module")
def doctored(built: Built, person_id: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the warehouse in which a good deal has happened to one person, all synthetic."""
    path = tmp_path_factory.mktemp("why") / "sen2.duckdb"
    shutil.copy(built.warehouse, path)
    with duckdb.connect(str(path)) as connection:
        own = f"return_id = 'built' and person_id = '{person_id}'"
        for name, columns in spec.person_level_columns().items():
            keys = {"return_id": "'last_year'", "person_id": "'p1'", "request_id": "'p1/1'"}
            others = ", ".join(f"{keys[key]} as {key}" for key in keys if key in columns)
            where = "return_id = 'built'" if name == "sen2" else own
            connection.execute(
                f"insert into person_level.{name}"
                f" select * replace ({others}) from person_level.{name} where {where}"
            )
        last = "return_id = 'last_year'"
        connection.execute(
            "insert into validation.returns select * replace ('last_year' as return_id,"
            " collection_year - 1 as collection_year) from validation.returns;"
            "insert into validation.case_records select * replace ('last_year' as return_id,"
            " 'p1' as person_id, 'p1/1' as request_id, date '2024-02-01' as review_meeting)"
            f" from validation.case_records where {own};"
            f"update person_level.active_plans set review_meeting = '2024-02-01' where {last};"
            f"update person_level.person set surname = 'Former' where {last};"
            f"delete from person_level.sen_need where {last};"
        )
        connection.execute(f"update person_level.person set surname = ? where {own}", [HOSTILE])
        connection.execute(
            "insert into validation.issues by name select 'built' as return_id, 'L13' as rule_id,"
            " 'error' as severity, 'person' as module, $1 as person_id, $1 as record_id,"
            " 'Surname Secretname' as found, 'Wrong.' as message, 'Mend it.' as fix,"
            " true as \"primary\", 'people.csv' as source_file, 7 as source_row",
            [person_id],
        )
        connection.execute(
            "insert into validation.query_notes by name select 'L13' as rule_id, $1 as record_id,"
            " 'Secretname explained' as note_text, 'Jo' as author,"
            " date '2026-01-02' as written_date, 'applies' as status,"
            " 'It stands.' as status_reason, 'notes.csv' as file, 2 as row",
            [person_id],
        )
        connection.execute(
            "insert into audit.overrides by name select 'people' as table_name, $1 as key,"
            " 'birth_date' as column_name, '2001-01-01' as from_value, '2001-01-02' as to_value,"
            " 'Secretname says so' as reason, 'Jo' as author, 'applied' as status,"
            " 'Applied.' as status_reason, 'overrides.csv' as file, 5 as row",
            [person_id],
        )
        connection.execute(
            "insert into staging.stg_overrides by name select 'people' as table_name,"
            " 'birth_date' as column_name, 'applied' as status, 'Jo' as author,"
            " 'overrides.csv' as override_file, 5 as override_row, _file, _row"
            " from staging.stg_people where person_id = $1",
            [person_id],
        )
    return path


def test_a_case_says_in_or_out_and_why(built: Built, person_id: str, page: Page) -> None:
    ((reason,),) = ask(
        built.warehouse, "select reason from intermediate.case_scope where person_id = ?", person_id
    )
    ((case, returned, category, why, _),) = table(page, "Cases")
    assert (returned, category, why) == ("yes", "active plan", reason)
    assert case in terminal(page, 120)
    assert page.lines[1] == "In the return: 1 of 1 case within its scope."


def test_a_person_with_no_case_in_scope_is_told_so(built: Built) -> None:
    ((out,),) = ask(
        built.warehouse,
        "select person_id from intermediate.case_scope group by all having not bool_or(in_return)"
        " order by all limit 1",
    )
    page = person_page(built.warehouse, out)
    assert page.lines[1].startswith("Not in the return: 0 of ")
    assert page.records == []
    assert {row[0] for row in table(page, "Rows of the extract")} == {"out of scope"}


def test_a_near_miss_names_the_date_and_how_far_it_is(built: Built) -> None:
    found = ask(
        built.warehouse,
        "select case_scope.person_id, in_return, cease_date, survey.period_start"
        " from intermediate.case_scope join intermediate.cases using (request_id)"
        " cross join intermediate.survey"
        " where near_miss and category = 'recently_ceased'"
        " and cease_date - survey.period_start between 0 and 20 order by all limit 1",
    )
    person_id, _, ceased, period_start = found[0]
    rows = table(person_page(built.warehouse, person_id), "Cases")
    days = (ceased - period_start).days + 1
    away = f"{days} day{'s' * (days > 1)} away"
    assert any(
        f"out if cease date were {YEAR - 2}-12-31 ({away}): ceased before period" in row[4]
        for row in rows
    )


def test_clocks_are_those_of_the_person(built: Built, person_id: str, page: Page) -> None:
    expected = ask(
        built.warehouse,
        "select clock, state from intermediate.clocks where person_id = ? order by all",
        person_id,
    )
    assert expected
    assert sorted((row[1].replace(" ", "_"), row[6]) for row in table(page, "Clocks")) == expected


def test_every_item_of_every_record_has_its_source(
    built: Built, person_id: str, page: Page
) -> None:
    filled = 0
    for name in spec.person_level_columns():
        if name != "sen2":
            columns = [
                r["column_name"] for r in spec.in_force("items", YEAR) if r["table_name"] == name
            ]
            counts = ", ".join(f"count({column})" for column in columns)
            query = f"select {counts} from person_level.{name}"
            filled += sum(
                ask(
                    built.warehouse,
                    f"{query} where return_id = 'built' and person_id = ?",
                    person_id,
                )[0]
            )
    items = [item for record in page.records for item in record.items]
    values = [item.value.text if isinstance(item.value, Personal) else item.value for item in items]
    assert sum(map(bool, values)) == filled
    assert [item.name for item in items if not item.sources] == []
    assert [record.title for record in page.records if " row " not in record.place] == []
    ((row,),) = ask(built.warehouse, "select _row from raw.people where person_id = ?", person_id)
    assert page.records[0].place == f"people.csv row {row}"


def test_every_landed_row_of_the_person_is_accounted_for(
    built: Built, person_id: str, page: Page
) -> None:
    rows = table(page, "Rows of the extract")
    landed = ask(
        built.warehouse,
        "select count(*) from raw.reviews join raw.plans using (plan_id) where plans.person_id = ?",
        person_id,
    )[0][0]
    told = re.findall(r"reviews\.csv ([\d, ]+)", " ".join(row[2] for row in rows))
    assert sum(len(numbers.split(",")) for numbers in told) == landed > 0


PERSONAL = {
    "person": [
        *("surname", "forename", "person_birth_date", "ethnicity", "postcode", "upn"),
        "unique_learner_number",
    ],
    "sen_need": ["sen_type"],
    "placement_detail": ["urn", "ukprn", "sen_setting", "sen_setting_other"],
}


def test_the_terminal_shows_no_personal_value_unless_asked(built: Built) -> None:
    people = ask(
        built.warehouse,
        "select person_id from validation.issues where return_id = 'built'"
        " and person_id is not null group by all order by count(*) desc, person_id limit 8",
    )
    for (person_id,) in people:
        page = person_page(built.warehouse, person_id)
        secrets = {
            str(value)
            for name, columns in PERSONAL.items()
            for row in ask(
                built.warehouse,
                f"select {', '.join(columns)} from person_level.{name} where person_id = ?",
                person_id,
            )
            for value in row
            if value
        }
        masked, open_ = terminal(page), terminal(page, 200, values=True)
        leaks = [s for s in secrets if re.search(rf"\b{re.escape(s)}\b", masked)]
        assert len(leaks) == 0, f"{len(leaks)} values of {person_id} in the terminal"
        absent = [s for s in secrets if s not in open_]
        assert len(absent) == 0, f"{len(absent)} values of {person_id} missing with --values"


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_terminal_page_keeps_to_its_width(doctored: Path, person_id: str, width: int) -> None:
    text = terminal(person_page(doctored, person_id), width)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= width
    clocks = {table.title: table.rows for table in person_page(doctored, person_id).tables}[
        "Clocks"
    ]
    dates = {cell for row in clocks for cell in row if re.fullmatch(r"\d{4}-\d\d-\d\d", cell)}
    assert {date for date in dates if date not in text} == set()


def test_what_changed_since_last_year_is_matched_by_upn(doctored: Path, person_id: str) -> None:
    page = person_page(doctored, person_id)
    rows = table(page, "Since last year (last_year)")
    changed = {(row[1], row[2]) for row in rows}
    assert ("ReviewMeeting", "2024-02-01") in changed
    assert ("Surname", "Former") in changed
    assert {row[1] for row in rows} == {"ReviewMeeting", "Surname", "record"}
    gone = [row for row in rows if row[1] == "record"]
    assert all(row[0].startswith("sen need") and row[3] == "there" for row in gone)


def test_nobody_with_the_same_identifiers_last_year(doctored: Path, person_id: str) -> None:
    ((other,),) = ask(
        doctored,
        "select min(person_id) from person_level.person where person_id not in (?, 'p1')",
        person_id,
    )
    (found,) = [
        t for t in person_page(doctored, other).tables if t.title.startswith("Since last year")
    ]
    assert (found.rows, "nobody" in found.none) == ([], True)


def test_last_years_record_is_the_one_that_the_comparison_joined(
    doctored: Path, person_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "sen2.duckdb"
    shutil.copy(doctored, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "update person_level.person set upn = null, unique_learner_number = null,"
            " surname = (select surname from person_level.person where return_id = 'built'"
            " and person_id = $1) where return_id = 'last_year'",
            [person_id],
        )
    (found,) = [
        t for t in person_page(path, person_id).tables if t.title.startswith("Since last year")
    ]
    assert (found.rows, "nobody" in found.none) == ([], True)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "update person_level.person set surname = 'Former' where surname = ?", [HOSTILE]
        )
        compare.run(connection, "last_year", "built")
    rows = table(person_page(path, person_id), "Since last year (last_year)")
    assert {row[1] for row in rows} >= {"ReviewMeeting", "UPN"}
    assert "Surname" not in {row[1] for row in rows}


def test_what_changed_since_an_earlier_warehouse(
    built: Built, doctored: Path, person_id: str
) -> None:
    rows = table(person_page(doctored, person_id, built.warehouse), "Since sen2.duckdb")
    assert [row[1] for row in rows] == ["Surname", "issue"]
    assert rows[1] == [f"rule L13, {person_id}", "issue", "", "error: Wrong."]
    rows = table(person_page(built.warehouse, person_id, doctored), "Since sen2.duckdb")
    assert rows[1] == [f"rule L13, {person_id}", "issue", "error: Wrong.", "cleared"]
    page = person_page(built.warehouse, person_id, built.warehouse)
    assert table(page, "Since sen2.duckdb") == []


def test_notes_and_corrections_are_listed_and_corrections_named_at_their_item(
    doctored: Path, person_id: str
) -> None:
    page = person_page(doctored, person_id)
    note, correction = table(page, "Notes and corrections")
    assert note == [
        *("notes.csv row 2", f"note on L13, {person_id}", "It stands.", "Jo, 2026-01-02"),
        "Secretname explained",
    ]
    assert correction[1] == f"correction of people.birth_date, {person_id}"
    items = {item.name: item.sources for item in page.records[0].items}
    assert items["PersonBirthDate"] == "birth_date (corrected by overrides.csv row 5, Jo)"
    assert items["Surname"] == "surname"
    assert table(page, "What to fix")[0] == [
        *("L13 error", f"person {person_id}", "Wrong. Mend it.", "Surname Secretname"),
        "people.csv row 7",
    ]
    assert "Secretname" not in terminal(page)


def test_answers_of_the_workbook_are_listed_with_what_became_of_them(
    doctored: Path, person_id: str, tmp_path: Path
) -> None:
    path = Path(shutil.copy(doctored, tmp_path / "sen2.duckdb"))
    ((day,),) = ask(path, "select extracted_on::varchar from intermediate.survey")
    answers = [
        ("L13", "other_team", "Business support", "2020-01-01", "moved"),
        ("L13", "corrected", "", "2020-01-01", "still there"),
        ("L13", "corrected", "", day, "in no extract yet"),
        ("P09", "corrected", "", day, "gone"),
    ]
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from raw.answers")
        for row, (rule, answer, text, given, _) in enumerate(answers, start=2):
            connection.execute(
                "insert into raw.answers by name select $1 as rule_id, $2 as record_id,"
                " $3 as answer, $4 as \"text\", $5 as date, 'Jo' as author,"
                " 'answers.csv' as _file, $6 as _row",
                [rule, person_id, answer, text, given, row],
            )
    listed = table(person_page(path, person_id), "Notes and corrections")
    found = [line for line in listed if line[0].startswith("answers.csv")]
    assert [line[2] for line in found] == [became for *_, became in answers]
    assert found[0][1] == f"answer to L13, {person_id}"
    assert found[0][4] == "with Business support"


def test_the_html_page_is_escaped_self_contained_and_private(
    doctored: Path, person_id: str, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "page.html"
    show.write(person_page(doctored, person_id), path)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#x27;&lt;/style&gt;" in text
    assert not re.search(r"(?:src|href|url)\s*[=(]", text)
    assert "http" not in text.replace("http-equiv", "")
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}';" in text
    assert "unsafe" not in text
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    tree = lxml_html.fromstring(text)
    assert len(tree.findall(".//h1")) == 1
    assert HOSTILE in {cell.text_content() for cell in tree.iter("td")}
    assert sorted(each.name for each in path.parent.iterdir()) == ["page.html"]


@pytest.mark.parametrize(
    "given",
    ["", "nobody", "' or '1'='1", "'; drop table raw.people; --", "x" * 5000, "\x00", "%", "é🙂"],
)
def test_an_unknown_person_is_an_input_error_with_help(built: Built, given: str) -> None:
    before = hashlib.sha256(built.warehouse.read_bytes()).hexdigest()
    with pytest.raises(InputError, match="No person of this warehouse has that id") as error:
        person_page(built.warehouse, given)
    assert "nearest ids are " in str(error.value)
    assert len(str(error.value)) < 200
    assert hashlib.sha256(built.warehouse.read_bytes()).hexdigest() == before


def test_an_identifier_of_a_person_leads_to_the_person_and_is_not_repeated(
    built: Built, person_id: str
) -> None:
    ((upn,),) = ask(built.warehouse, "select upn from raw.people where person_id = ?", person_id)
    with pytest.raises(InputError) as error:
        person_page(built.warehouse, upn)
    assert f"a unique pupil number of person {person_id}" in str(error.value)
    assert upn not in str(error.value)


def test_a_warehouse_that_was_not_built_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(InputError, match="was not built"):
        person_page(path, "P0000001")


def test_the_command_needs_neither_dbt_nor_great_expectations(
    built: Built, person_id: str, tmp_path: Path
) -> None:
    code = (
        "import sys\nfrom sen2.cli import main as cli\n"
        "try: cli.app(sys.argv[1:], standalone_mode=True)\n"
        "except SystemExit as end: print('ended', end.code)\n"
        "print([name for name in ('dbt', 'great_expectations', 'numpy') if name in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code, "why", person_id, "--warehouse", str(built.warehouse)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "80"},
    )  # fmt: skip
    assert finished.stdout.endswith("ended 0\n[]\n"), finished.stderr
    assert f"Why: person {person_id}" in finished.stdout
    assert "--values shows it" in finished.stdout
