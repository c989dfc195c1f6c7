"""No CSV file and no workbook that is written computes anything when it is opened or edited."""

import csv
import io
import re
from base64 import b64decode
from datetime import datetime
from pathlib import Path

import duckdb
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sen2 import spec, warehouse
from sen2.collect import collect_errors, rule_numbers, rules
from sen2.export import published_tables
from sen2.ground.spreadsheet import FORMULA_STARTS, Writer, guarded, unguarded
from sen2.jobs import changes
from sen2.land.mapping import codes
from sen2.reports.page.elements import Table
from sen2.reports.page.shown_values import Value

from .conftest import YEAR

FORMULAS = [
    "=HYPERLINK(1)", "+1", "-2+3+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1",
    "x\r=1", "\N{NO-BREAK SPACE}=1", "\N{FULLWIDTH EQUALS SIGN}1", "  +1", "'=1",
]  # fmt: skip
FOR_PROGRAMS = {"dev/", "sample/", "ground/spreadsheet.py", "audit/pack.py"}
"""Write seeds, extracts and tables of the benchmark, which programs read exactly."""


def test_everything_for_people_is_written_by_the_one_module() -> None:
    folder = spec.PROJECT / "scripts"
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if re.search(
            r"csv\.(writer|DictWriter)\(|Workbook\(str|format csv|\.(to|write)_csv\(",
            path.read_text(encoding="utf-8"),
        )
    }
    assert {name for name in found if not name.startswith(tuple(FOR_PROGRAMS))} == set()


@pytest.mark.parametrize("value", [value for value in FORMULAS if value[0] not in "'x"])
def test_what_a_program_would_compute_is_marked(value: str) -> None:
    assert guarded(value) == f"'{value}"


@given(st.text() | st.integers() | st.none() | st.sampled_from(FORMULAS))
def test_a_guarded_value_is_no_formula_and_can_be_had_back(value: object) -> None:
    text = guarded(value)
    if not isinstance(value, str):
        assert text is value
        return
    assert isinstance(text, str)
    assert not text.lstrip().startswith(FORMULA_STARTS)
    assert unguarded(text) == value


def cells(text: str) -> list[str]:
    """Every cell as a spreadsheet program finds it: a carriage return outside quotes ends a row."""
    rows = csv.reader(text.replace("\r\n", "\n").replace("\r", "\n").splitlines(keepends=True))
    return [cell for row in rows for cell in row]


def begins(found: list[str]) -> list[str]:
    return [cell for cell in found if cell.lstrip().startswith(FORMULA_STARTS)]


def test_a_writer_guards_every_cell_of_every_row() -> None:
    file = io.StringIO()
    writer = Writer(file)
    writer.row(FORMULAS)
    writer.rows([FORMULAS, FORMULAS])
    assert begins(cells(file.getvalue())) == []
    assert file.getvalue().count("'=HYPERLINK") == 3


def test_unmapped_values_and_changes_hold_no_formula(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        warehouse.prepare(connection, YEAR)
        for value in FORMULAS:
            connection.execute(
                "insert into audit.unmapped_values values (?, 'people', 'sex', ?, 1, null, null)",
                [value, value],
            )
        codes.write_unmapped(connection, tmp_path / "unmapped_values.csv")
    changes.write(
        changes.Changes([(value,) * len(changes.COLUMNS) for value in FORMULAS]), tmp_path
    )
    published_tables._write(tmp_path / "table.csv", ["a"], [(value,) for value in FORMULAS])
    collect_errors._write_csv(tmp_path / "collect.csv", [[value] for value in FORMULAS])
    for name in ("unmapped_values.csv", changes.FILE, "table.csv", "collect.csv"):
        found = cells((tmp_path / name).read_bytes().decode("utf-8-sig"))
        assert len(found) > len(FORMULAS) - 2
        assert begins(found) == []


def test_the_tables_of_the_page_hold_no_formula_and_plain_numbers() -> None:
    table = Table(["=a"], [[value] for value in FORMULAS] + [[Value(-2.5, "-2.5")]])
    text = b64decode(table.csv.partition("base64,")[2]).decode("utf-8-sig")
    found = cells(text)
    assert found.pop() == "-2.5"
    assert begins(found) == []


def test_a_review_of_dfes_rules_is_guarded_and_read_back(tmp_path: Path) -> None:
    review, local = tmp_path / "review.csv", tmp_path / "numbers.csv"
    rule_id = spec.seed("rules")[0]["rule_id"]
    line = dict.fromkeys(rules.REVIEW, "") | {
        "dfe_number": "1", "rule_id": rule_id, "dfe_message": "=cmd|x", "confirmed_by": "Jo",
    }  # fmt: skip
    rules._write(review, rules.REVIEW, [line])
    assert begins(cells(review.read_text(encoding="utf-8"))) == []
    assert rules.apply_dfe(review, local) == (1, 1, 0)
    assert begins(cells(local.read_text(encoding="utf-8"))) == []
    assert rule_numbers.read_local(local)[0]["dfe_message"] == "=cmd|x"


def test_text_in_a_workbook_stays_text_when_it_is_edited(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    rows: collect_errors.Rows = [["a", "b"], ["=HYPERLINK(1)", 3]]
    collect_errors._write_book(path, {"s": rows}, datetime(2026, 1, 1))
    sheet = openpyxl.load_workbook(path)["s"]
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("=HYPERLINK(1)", "s")
    assert sheet["A2"].quotePrefix
    assert not sheet["B2"].quotePrefix
