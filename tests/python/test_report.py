"""The workbook of issues: its sheets and lines, in order, as text, and the same bytes each time."""

import csv
import re
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from sen2 import spec
from sen2.ground.errors import InputError
from sen2.reports import workbook
from sen2.reports.issues import issue_files
from sen2.reports.issues import sheets as issue_sheets
from sen2.reports.issues.guide import OWN_SHEETS
from sen2.reports.issues.words import ANSWERS
from sen2.settings.kept_files import KEPT_TABLES
from sen2.spec.constants import MODULES, SEVERITIES
from sen2.warehouse import AUDIT_TABLES

YEAR = 2027
WORK_HEADINGS = [
    *("Person", "What is wrong", "What the record says", "Days over the limit", "What to do"),
    *("Your answer", "Reason or right value", "Initials", "State", "Severity"),
]
BEHIND = [
    *("Team", "Request", "Record", "Value found", "Allowed values", "Item number", "Item"),
    *("Module", "Rule", "Main cause", "In accepted returns", "Note", "Source file", "Source row"),
    *("Kind of value", "Return", "Mark", "Answer before"),
]
YELLOW = "FFFFDD00"
FORMULA = "=HYPERLINK(1)"
# rule, person, request, record, found, is it the main cause, source file, source row
ISSUES = [
    ("P10", "0042", None, "0042", f"PostCode {FORMULA}", True, "people.csv", 7),
    ("P17", "0042", None, "0042", FORMULA, False, "people.csv", 7),
    ("R06", "0042", "0007", "0007", "RequestSource 9", True, "requests.csv", 12),
    ("R08", "0041", "-8", "-8", "@x", True, "requests.csv", 13),
    ("P06", "0042", None, "0042", "Sex X", True, "people.csv", 7),
    ("P28", "0041", None, "0041", "Surname Zebedee; Forename Jo", True, "people.csv", 6),
    ("P01", "0042", None, "0042", "Surname blank", True, "people.csv", 7),
    ("N20", "<r>&1</r>", "0009", "0009/1", "URN \x01", True, None, None),
    ("H10", None, None, "built", "DSCO blank", True, None, None),
]


def model(schema: str, name: str) -> str:
    """The SQL of a model that reads its own schema alone."""
    path = spec.model_file(schema, name)
    assert path
    text = path.read_text(encoding="utf-8")
    return re.sub(r"{{ ref\('(\w+)'\) }}", rf"{schema}.\1", text)


def make_warehouse(path: Path, issues: list[tuple[object, ...]]) -> Path:
    """A warehouse with only what the report reads."""
    with duckdb.connect(str(path)) as connection:
        for schema in ("spec", "validation", "person_level", "audit", "raw"):
            connection.execute(f"create schema {schema}")
        for seed in (
            *("rules", "items", "codes", "teams", "collections", "thresholds"),
            *("item_words", "column_words", "rule_limits"),
        ):
            years = {"year_from", "year_to", "collection_year"} & set(spec.seed(seed)[0])
            types = {name: "integer" if name in years else "varchar" for name in spec.seed(seed)[0]}
            connection.read_csv(str(spec.SEEDS / f"{seed}.csv"), header=True, dtype=types).create(
                f"spec.{seed}"
            )
        connection.execute(
            f"""
            create table validation.returns as
                select 'built' as return_id, {YEAR} as collection_year, '330' as return_la,
                    date '2027-01-21' as survey_day;
            create table person_level.sen2 as
                select 'built' as return_id, '2026-11-20T00:00:00' as date_time;
            create table person_level.person as
                select 'built' as return_id, '0042' as person_id, 'Zebedee' as surname,
                    'Jo' as forename, date '2012-03-04' as person_birth_date;
            create table audit.overrides (table_name text, key text, column_name text,
                from_value text, to_value text, reason text, author text, written_date date,
                expiry_date date, status text, status_reason text, file text, row bigint);
            create table validation.query_notes (rule_id text, record_id text, "found" text,
                note_text text, author text, written_date date, expiry_date date, kind text,
                agreed_by text, agreed_date date, status text, status_reason text, note text,
                file text, row bigint);
            create table found (rule_id text, person_id text, request_id text, record_id text,
                "found" text, "primary" boolean, source_file text, source_row bigint);
            """
        )
        for table in (
            *("landed_inputs", "mapped_columns", "unmapped_values", "landing_notes"),
            *("extract_settings", "answers", "lines_before", "likely_causes"),
        ):
            connection.execute(f"create table audit.{table} ({AUDIT_TABLES[table]})")
        answers = ", ".join(f'"{column}" text' for column in KEPT_TABLES["answers"])
        connection.execute(f"create table raw.answers ({answers}, _file text, _row bigint)")
        if issues:
            connection.executemany("insert into found values (?, ?, ?, ?, ?, ?, ?, ?)", issues)
        connection.execute(
            f"""
            create table validation.issues as
                select 'built' as return_id, rules.rule_id, severity, module, person_id,
                    request_id, record_id, items, "found", message, fix, "primary", source_file,
                    source_row, likely_error::boolean as likely_error, null as accepted,
                    case when not "primary" then 'P13' end as follows_from
                from found
                inner join spec.rules as rules
                    on found.rule_id = rules.rule_id and {YEAR} between year_from and year_to;
            create table validation.rule_summary as
                select 'built' as return_id, {YEAR} as collection_year, rule_id, severity, module,
                    message, dfe_number, origin, needs,
                    case when checked = 'yes' then 'checked' else 'partly checked' end as status,
                    10 as records_checked, 0 as issue_count, 0 as primary_issue_count,
                    0 as person_count, likely_error::boolean as likely_error,
                    null as accepted, null as severity_reason
                from spec.rules where {YEAR} between year_from and year_to;
            create view validation.issue_notes as {model("validation", "issue_notes")};
            """
        )
    return path


@pytest.fixture(name="warehouse", scope="module")
def _warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_warehouse(tmp_path_factory.mktemp("report") / "warehouse.duckdb", ISSUES)


@pytest.fixture(name="written", scope="module")
def _written(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return issue_files.write_issues(warehouse, "built", YEAR, tmp_path_factory.mktemp("out"))


@pytest.fixture(name="of_all", scope="module")
def _of_all(written: Path) -> dict[str, Worksheet]:
    return sheets(written)


def sheets(path: Path) -> dict[str, Worksheet]:
    return {sheet.title: sheet for sheet in openpyxl.load_workbook(path).worksheets}


def lines(sheet: Worksheet) -> list[dict[str, object]]:
    """The lines of a sheet by heading; the headings are in row 1."""
    headings, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def words(sheet: Worksheet) -> str:
    return "\n".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell)


def test_every_rule_has_one_team_and_every_team_a_possible_sheet() -> None:
    teams = spec.seed("teams")
    assert Counter(row["rule_id"] for row in teams) == Counter(
        {row["rule_id"] for row in spec.seed("rules")}
    )
    names = {row["team"] for row in teams}
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    assert not {name.lower() for name in names} & {name.lower() for name in OWN_SHEETS}


def test_every_module_and_severity_has_a_name() -> None:
    assert {row["module"] for row in spec.seed("rules")} == set(MODULES)
    assert {row["severity"] for row in spec.seed("rules")} == set(SEVERITIES)


def test_sheets_stand_in_order_and_only_teams_with_issues_have_one(
    written: Path, of_all: dict[str, Worksheet]
) -> None:
    assert sorted(path.name for path in written.parent.iterdir()) == ["issues.csv", "issues.xlsx"]
    assert list(of_all) == [
        "Start here",
        "Summary",
        "Assessment team",
        "Business support",
        "Data and systems",
        "Placements and commissioning",
        "All issues",
        "Notes and corrections",
        "Rules in force",
        "Not checked",
        "Codes",
    ]


def test_local_values_and_defaults_have_a_sheet(tmp_path: Path) -> None:
    path = make_warehouse(tmp_path / "w.duckdb", ISSUES)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            """
            insert into audit.unmapped_values values
                ('one', 'people', 'sex', 'Mael', 7, 'M', 'Male');
            insert into audit.landed_inputs (source, file)
                values ('one', 'a.csv'), ('two', 'b.csv');
            insert into audit.mapped_columns (source, table_name, column_name, default_value)
                values ('one', 'plans', 'personal_budget', '0'), ('two', 'needs', 'rank', '1');
            insert into audit.landing_notes (table_name, file, row, column_name, kind) values
                ('plans', 'a.csv', 2, 'personal_budget', 'default'),
                ('plans', 'a.csv (second)', 2, 'personal_budget', 'default'),
                ('plans', 'a.csv', 9, 'personal_budget', 'look_alike'),
                ('plans', 'b.csv', 3, 'personal_budget', 'default');
            """
        )
    found = lines(
        sheets(issue_files.write_issues(path, "built", YEAR, tmp_path / "out"))["Local values"]
    )
    assert [tuple(line.values())[1:] for line in found] == [
        ("one", "people", "sex", "Mael", 7, "M", "Male"),
        ("one", "plans", "personal_budget", "0", 2, None, None),
        ("two", "needs", "rank", "1", 0, None, None),
    ]


def test_lines_have_the_columns_and_the_order_of_the_work(of_all: dict[str, Worksheet]) -> None:
    found = lines(of_all["All issues"])
    assert [line["Rule"] for line in found] == [
        *("H10", "P01", "P06", "R06", "N20", "P17"),
        *("P10", "P28", "R08"),
    ]
    assert [line["Severity"] for line in found] == ["Error"] * 6 + ["Query"] * 3
    assert [line["Main cause"] for line in found].index("follows from another") == 5
    by_team = [
        line
        for sheet in ("Assessment team", "Business support", "Data and systems")
        for line in lines(of_all[sheet])
    ]
    assert len(by_team) == len(found) - 1


def test_a_team_sees_ten_columns_and_writes_in_three(of_all: dict[str, Worksheet]) -> None:
    sheet = of_all["Business support"]
    headings = [str(cell.value) for cell in sheet[1]]
    assert headings == WORK_HEADINGS + BEHIND
    of_heading = dict(zip(headings, sheet[1], strict=True))
    hidden = {
        heading
        for heading, cell in of_heading.items()
        if any(
            each.hidden and each.min <= cell.column <= each.max
            for each in sheet.column_dimensions.values()
        )
    }
    assert hidden == set(BEHIND)
    yellow = [heading for heading, cell in of_heading.items() if cell.fill.fgColor.rgb == YELLOW]
    assert yellow == ["Your answer", "Reason or right value", "Initials"]
    answer = of_heading["Your answer"].column_letter
    (chosen,) = [each for each in sheet.data_validations.dataValidation if each.type == "list"]
    assert chosen.formula1 == f'"{",".join(ANSWERS)}"'
    assert str(chosen.sqref) == f"{answer}2:{answer}{sheet.max_row}"
    assert not sheet.protection.sheet
    cells = {heading: sheet.cell(2, cell.column) for heading, cell in of_heading.items()}
    assert cells["Reason or right value"].number_format == "@"
    texts = ("What is wrong", "What the record says", "Value found", *yellow)
    assert all(cells[heading].quotePrefix for heading in texts)


def test_every_table_is_an_excel_table_with_a_name(of_all: dict[str, Worksheet]) -> None:
    names = [name for sheet in of_all.values() for name in sheet.tables]
    assert len(names) == len(of_all) - 1  # the first sheet has words
    assert len({name.casefold() for name in names}) == len(names)
    for sheet in list(of_all.values())[1:]:
        (table,) = sheet.tables.values()
        last = max(sheet.max_row, 2)
        assert table.ref == f"A1:{sheet.cell(1, sheet.max_column).column_letter}{last}"
        assert [column.name for column in table.tableColumns] == [cell.value for cell in sheet[1]]


def test_the_record_is_told_in_words_with_days_over_the_limit(tmp_path: Path) -> None:
    late = [
        ("L13", "1", "R1", "R1", "ReviewMeeting 2026-04-08; LastReview 2026-05-20", True, "r", 2),
        ("L13", "2", "R2", "R2", "ReviewMeeting 2026-04-01; LastReview 2026-06-20", True, "r", 3),
        ("L14", "3", "R3", "R3", "ReviewMeeting blank; StartDate 2025-09-20", True, "p.csv", 4),
        ("R06", "4", "R4", "R4", "RequestSource 1", True, "p.csv", 4),
    ]  # fmt: skip
    path = make_warehouse(tmp_path / "w.duckdb", late)
    found = lines(
        sheets(issue_files.write_issues(path, "built", YEAR, tmp_path / "out"))["All issues"]
    )
    assert [(line["Rule"], line["Days over the limit"]) for line in found] == [
        ("R06", None),
        ("L14", 61),  # to the day of the extract, 20 November 2026
        ("L13", 52),
        ("L13", 14),
    ]
    assert found[3]["What the record says"] == (
        "Review meeting: 8 Apr 2026\nReview decision made: 20 May 2026"
    )
    assert str(found[0]["What the record says"]).startswith("Who asked: 1 ")


def test_rows_of_the_extract_are_told_in_words_and_what_cannot_be_read_as_it_was_typed(
    tmp_path: Path,
) -> None:
    told = {
        "X04": ("birth_date 31/02/2015", "Date of birth: 31/02/2015"),
        "X16": (
            "decision_date 2026-02-01 is before received_date 2026-03-01",
            "Decision made: 1 Feb 2026 is before request received 1 Mar 2026",
        ),
        "X01": (
            "the same request_id as in requests.csv row 5",
            "The same request as in requests.csv row 5",
        ),
        "D01": ("PlacementDetail none", "Placements: none"),
        "R02": (
            "ReceivedDate blank (cannot be read: received_date next week)",
            "Request received: blank\nCannot be read: Request received: next week",
        ),
        "B01": (
            "newplans Special schools: 7.0% (3 children), nationally 1.0 to 6.5 (2025)",
            "New plans: Special schools: 7.0% (3 children), nationally 1.0 to 6.5 (2025)",
        ),
        "P18": ("UPN A950000178301; other record: 7", "UPN: A950000178301\nOther record: 7"),
    }
    issues = [(rule, "1", "R1", "R1", found, True, "r", 2) for rule, (found, _) in told.items()]
    path = make_warehouse(tmp_path / "w.duckdb", issues)
    written = issue_files.write_issues(path, "built", YEAR, tmp_path / "out")
    found = {line["Rule"]: line for line in lines(sheets(written)["All issues"])}
    for rule, (_, says) in told.items():
        assert found[rule]["What the record says"] == says
    assert found["B01"]["Item"] is None, "it is about a share, and no item"


def test_a_line_that_follows_says_from_what_and_whose_that_is(
    of_all: dict[str, Worksheet],
) -> None:
    (line,) = (line for line in lines(of_all["All issues"]) if line["Rule"] == "P17")
    assert str(line["What to do"]).startswith("It follows from P13: put that right first. Compare")
    others = [line["What to do"] for line in lines(of_all["All issues"]) if line is not None]
    assert sum("follows from" in str(each) for each in others) == 1


def test_who_is_not_named_is_told_with_the_other_record(tmp_path: Path) -> None:
    issue = ("P28", "1", None, "1", "Surname Ash; Forename Bo; other record: 7", True, "r", 2)
    path = make_warehouse(tmp_path / "w.duckdb", [issue])
    for identify in (False, True):
        written = issue_files.write_issues(path, "built", YEAR, tmp_path, identify=identify)
        (line,) = lines(sheets(written)["All issues"])
        says = str(line["What the record says"])
        assert ("Ash" in says) == identify
        assert says.endswith("\nOther record: 7")


@pytest.mark.parametrize(
    ("item", "identify", "says"),
    [
        ("PersonBirthDate", False, "an earlier return has another date of birth. With"),
        ("PersonBirthDate", True, "an earlier return has Born 22 Dec 2012. With"),
        ("ReceivedDate", False, "an earlier return has Request received 22 Dec 2012. With"),
    ],
)
def test_a_line_says_which_earlier_date_would_clear_it(
    tmp_path: Path, item: str, identify: bool, says: str
) -> None:
    issues = [(rule, "1", "R1", "R1", "Sex X", True, "r", 2) for rule in ("N02", "R04", "P06")]
    path = make_warehouse(tmp_path / "w.duckdb", issues)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into audit.likely_causes values ('1', ?, 'people', '2012-12-22', 2, 3,"
            " 'N02, R04')",
            [item],
        )
    written = issue_files.write_issues(path, "built", YEAR, tmp_path, identify=identify)
    told = {str(line["Rule"]): str(line["What to do"]) for line in lines_of(written)}
    for rule in ("N02", "R04"):
        assert f"Likely one cause: {says} it 2 of 3 faults of this person" in told[rule]
    assert "Likely" not in told["P06"]


def lines_of(written: Path) -> list[dict[str, object]]:
    return lines(sheets(written)["All issues"])


def test_collect_hears_nothing_of_rules_that_are_our_own(tmp_path: Path) -> None:
    issues = [
        (rule, "1", "R1", "R1", "ReviewMeeting blank", True, "r", 2)
        for rule in ("L14", "X19", "R02")
    ]
    path = make_warehouse(tmp_path / "w.duckdb", issues)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "insert into validation.query_notes by name select rule_id, record_id,"
            " case rule_id when 'R02' then 'agreed' else 'note' end as kind,"
            " 'It is right' as note, 'It is right' as note_text, 'applies' as status"
            " from validation.issues"
        )
    written = sheets(issue_files.write_issues(path, "built", YEAR, tmp_path / "out"))
    assert {line["Rule"] for line in lines(written["For COLLECT"])} == {"L14", "R02"}
    summary = [str(line).split()[:2] for line in issue_files.summarise(path, "built")]
    assert ["explained", "2"] in summary
    assert ["agreed", "1"] in summary


def test_a_line_says_what_is_allowed_and_which_item_it_is(of_all: dict[str, Worksheet]) -> None:
    found = {line["Rule"]: line for line in lines(of_all["All issues"])}
    assert found["P06"]["Allowed values"] in ("F Female; M Male", "M Male; F Female")
    assert found["P06"]["Item number"] == "1.4"
    assert found["P06"]["Item"] == "Sex"
    assert found["N20"]["Item number"] == "4.7a"
    assert found["P10"]["Item"] == "Home postcode (PostCode)"
    assert found["P10"]["Allowed values"] is None
    assert found["R06"]["Team"] == "Assessment team"


def test_values_stay_text_and_ids_keep_their_zeros(of_all: dict[str, Worksheet]) -> None:
    sheet = of_all["All issues"]
    headings = [str(cell.value) for cell in sheet[1]]
    cells = {
        str(row[headings.index("Rule")].value): dict(zip(headings, row, strict=True))
        for row in sheet.iter_rows(min_row=2)
    }
    assert cells["P17"]["Value found"].value == FORMULA
    assert {row["Value found"].data_type for row in cells.values()} == {"s"}
    assert all(row["Value found"].quotePrefix for row in cells.values())
    assert (cells["P06"]["Person"].value, cells["P06"]["Person"].data_type) == ("0042", "s")
    assert (cells["R08"]["Request"].value, cells["R08"]["Request"].data_type) == ("-8", "s")
    assert cells["N20"]["Person"].value == " <r>&1</r>"
    assert cells["R06"]["Source row"].value == 12
    colours = {rule: row["What is wrong"].font.color for rule, row in cells.items()}
    assert colours["P17"] is not None  # it follows from another fault, and is lighter
    assert colours["P17"].rgb != (colours["P06"].rgb if colours["P06"] else None)


def test_tables_can_be_filtered_and_printed(of_all: dict[str, Worksheet]) -> None:
    for name in list(of_all)[2:]:
        sheet = of_all[name]
        assert sheet.freeze_panes == "B2"
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
        assert (sheet.page_setup.fitToWidth or 1, sheet.page_setup.fitToHeight) == (1, 0)
        (table,) = sheet.tables.values()
        assert table.autoFilter.ref == table.ref


def test_names_are_there_only_on_demand(
    warehouse: Path, written: Path, of_all: dict[str, Worksheet], tmp_path: Path
) -> None:
    named = issue_files.write_issues(warehouse, "built", YEAR, tmp_path, identify=True)
    everything = "".join(map(words, of_all.values()))
    assert "Zebedee" not in everything + written.with_suffix(".csv").read_text("utf-8")
    first = next(line for line in lines(sheets(named)["All issues"]) if line["Person"] == "0042")
    assert list(first)[:4] == ["Person", "Surname", "Forename", "Date of birth"]
    assert list(first.values())[:4] == ["0042", "Zebedee", "Jo", "2012-03-04"]
    assert "Surname Zebedee; Forename Jo" in words(sheets(named)["All issues"])


def test_the_same_return_gives_the_same_bytes(
    warehouse: Path, written: Path, tmp_path: Path
) -> None:
    again = issue_files.write_issues(warehouse, "built", YEAR, tmp_path)
    for suffix in (".xlsx", ".csv"):
        assert written.with_suffix(suffix).read_bytes() == again.with_suffix(suffix).read_bytes()


def test_constant_memory_writes_the_same_lines(
    warehouse: Path,
    of_all: dict[str, Worksheet],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbook, "CONSTANT_MEMORY_LINES", 0)
    large = sheets(issue_files.write_issues(warehouse, "built", YEAR, tmp_path))
    assert list(map(words, large.values())) == list(map(words, of_all.values()))


def test_the_csv_file_has_every_line_and_no_formula(written: Path) -> None:
    with written.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        found = {row["rule_id"]: row for row in csv.DictReader(file)}
    assert len(found) == len(ISSUES)
    assert found["P17"]["found"] == f"'{FORMULA}"
    assert found["R08"]["found"] == "'@x"
    assert found["R08"]["request_id"] == "'-8"
    assert found["P10"]["person_id"] == "0042"
    assert found["P10"]["severity"] == "query"


def test_nothing_found_is_said_and_is_a_workbook(tmp_path: Path) -> None:
    empty = make_warehouse(tmp_path / "empty.duckdb", [])
    of_none = sheets(issue_files.write_issues(empty, "built", YEAR, tmp_path))
    assert list(of_none)[:3] == ["Start here", "Summary", "All issues"]
    assert "Nothing was found." in words(of_none["Start here"])
    assert [line.issue_count for line in issue_files.summarise(empty, "built")] == [0, 0, 0]


def test_lines_that_do_not_fit_are_counted_on_the_sheet(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issue_sheets, "SHEET_LINES", 2)
    few = sheets(issue_files.write_issues(warehouse, "built", YEAR, tmp_path))
    assert f"{len(ISSUES) - 2} MORE ARE IN issues.csv" in few["All issues"].oddHeader.left.text
    assert len(lines(few["All issues"])) == 2
    assert "MORE" not in few["Data and systems"].oddHeader.left.text


def test_the_first_sheet_says_whose_rules_and_how_sure_they_are(
    of_all: dict[str, Worksheet],
) -> None:
    said = words(of_all["Start here"])
    for part in ("330 Birmingham", "20 November 2026", "PROVISIONAL", "not DfE's list", "@, a tab"):
        assert part in said


def test_an_error_that_dfe_agreed_to_is_not_an_explained_query(
    warehouse: Path, tmp_path: Path
) -> None:
    path = Path(shutil.copy(warehouse, tmp_path / "agreed.duckdb"))
    with duckdb.connect(str(path)) as connection:
        kinds = {"error": "agreed", "query": "note"}
        for severity, kind in kinds.items():
            connection.execute(
                "insert into validation.query_notes by name select rule_id, record_id, $1 as kind,"
                " 'It is right' as note, 'It is right' as note_text, 'applies' as status,"
                " 'Helpdesk' as agreed_by, date '2026-11-18' as agreed_date"
                " from validation.issues where severity = $2 and return_id = 'built'"
                " order by rule_id, record_id limit 1",
                [kind, severity],
            )
    first = words(sheets(issue_files.write_issues(path, "built", YEAR, tmp_path))["Start here"])
    assert "1 of 3 queries." in first
    assert "(Helpdesk, 18 November 2026)" in first
    assert "Since the last run" not in first, "there was none"


def test_every_rule_is_listed_and_those_not_fully_checked_say_what_they_need(
    of_all: dict[str, Worksheet],
) -> None:
    in_force = list(spec.in_force("rules", YEAR))
    assert len(lines(of_all["Rules in force"])) == len(in_force)
    unchecked = {line["Rule"]: line["What it would take"] for line in lines(of_all["Not checked"])}
    assert unchecked == {
        rule["rule_id"]: rule["needs"] for rule in in_force if rule["checked"] != "yes"
    }
    assert len(lines(of_all["Codes"])) == len(list(spec.in_force("codes", YEAR)))


def test_the_terminal_hears_counts_and_no_value(warehouse: Path) -> None:
    summary = issue_files.summarise(warehouse, "built")
    assert [(line.severity, line.issue_count) for line in summary[:3]] == [
        ("load_reject", 0),
        ("error", 6),
        ("query", 3),
    ]
    assert summary[1].person_count == 2
    assert {line.rule_id for line in summary[3:]} == {str(issue[0]) for issue in ISSUES}
    said = "\n".join(map(str, summary))
    assert "0042" not in said
    assert "Zebedee" not in said


def test_a_return_that_is_not_there_is_an_input_error(warehouse: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no return last of 2027: the warehouse has built of 2027"):
        issue_files.write_issues(warehouse, "last", YEAR, tmp_path / "out")
    with pytest.raises(InputError, match="no return built of 2026"):
        issue_files.write_issues(warehouse, "built", 2026, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_warehouse_without_checks_is_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "new.duckdb"
    duckdb.connect(str(path)).close()
    with pytest.raises(InputError, match="Run `sen2 build` first"):
        issue_files.write_issues(path, "built", YEAR, tmp_path)
    with pytest.raises(InputError, match="Run `sen2 build` first"):
        issue_files.summarise(path, "built")
