"""COLLECT's errors beside ours, and DfE's numbers: every list and workbook here is synthetic."""

import csv
import hashlib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
import openpyxl
import pytest

from sen2 import spec
from sen2.collect import collect_errors, headed_table, rule_numbers, rules
from sen2.ground.errors import InputError

from .conftest import YEAR, Built

Rows = Sequence[Sequence[object]]

HEADINGS = ("LA", "Error No.", "Error Message", "Error/Query", "Pupil Ref", "Comment")
LIST: Rows = [
    ["COLLECT errors, synthetic"],
    [],
    HEADINGS,
    [330, 2060, "The decision is too early, is it?", "Query", 12, "=1+1"],
    [330, 2060, "The decision is too early, is it?", "Query", 13, "é"],
    [330, 7777, "Postcode missing", "Query", 14, ""],
    [330, "", "No number", "", "", ""],
]
LOCAL = [("2060", "L13"), ("3010", "R01")]


@pytest.fixture
def local(tmp_path: Path) -> Path:
    return numbers(tmp_path / "local.csv", LOCAL)


def numbers(path: Path, pairs: Iterable[tuple[str, str]]) -> Path:
    lines = ["dfe_number,rule_id,dfe_message,confirmed_by"]
    path.write_text("\n".join([*lines, *(f"{n},{r},Words,Jo" for n, r in pairs)]), encoding="utf-8")
    return path


def text(rows: Rows, delimiter: str) -> str:
    return "\n".join(
        delimiter.join(f'"{cell}"' if delimiter in str(cell) else str(cell) for cell in row)
        for row in rows
    )


def workbook(path: Path, sheets: dict[str, Rows]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append([f"'{c}" if str(c).startswith("=") else c for c in row])
    book.save(path)
    return path


def written(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def issues_of(built: Built, rule_id: str) -> int:
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        found = connection.execute(
            "select issue_count from validation.rule_summary"
            " where return_id = 'built' and rule_id = ?",
            [rule_id],
        ).fetchone()
    assert found
    return found[0]


@pytest.mark.parametrize(
    "form", ["csv", "tab", "semicolon", "utf-16", "windows", "bom", "xlsx", "two sheets"]
)
def test_a_list_in_any_form_gives_the_same(
    built: Built, tmp_path: Path, local: Path, form: str
) -> None:
    path = tmp_path / "errors.txt"
    delimiter = {"tab": "\t", "semicolon": ";"}.get(form, ",")
    encoding = {"utf-16": "utf-16", "windows": "cp1252", "bom": "utf-8-sig"}.get(form, "utf-8")
    if form == "xlsx":
        workbook(path, {"Cover": [["Synthetic"]], "Errors": LIST})
    elif form == "two sheets":
        workbook(path, {"A": LIST[:4], "B": [HEADINGS, *LIST[4:]]})
    else:
        path.write_text(text(LIST, delimiter), encoding=encoding)
    found = collect_errors.compare(path, built.warehouse, tmp_path / "out", local=local)
    ours = issues_of(built, "L13")
    assert ours > 2
    (line,) = written(tmp_path / "out" / "collect_errors.csv")
    assert (line["dfe_numbers"], line["rules"], line["theirs"]) == ("2060", "L13", "2")
    assert (line["ours"], line["difference"]) == (str(ours), str(ours - 2))
    assert [line["dfe_number"] for line in found.unknown] == ["7777"]
    assert found.unread == 1


def test_columns_nobody_asked_for_are_kept_and_no_value_becomes_a_formula(
    built: Built, tmp_path: Path, local: Path
) -> None:
    path = tmp_path / "errors.csv"
    path.write_text(text(LIST, ","), encoding="utf-8")
    collect_errors.compare(path, built.warehouse, tmp_path / "out", local=local)
    lines = written(tmp_path / "out" / "collect_lines.csv")
    assert list(lines[0]) == ["place", "row", "our rules", *HEADINGS]
    assert [(line["row"], line["our rules"], line["Comment"]) for line in lines] == [
        ("4", "L13", "'=1+1"),
        ("5", "L13", "é"),
        ("6", "", ""),
        ("7", "", ""),
    ]
    sheet = openpyxl.load_workbook(tmp_path / "out" / "collect_errors.xlsx")["Their lines"]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n"}
    assert sheet["I2"].value == "=1+1"


def test_a_list_of_counts_is_added_up(built: Built, tmp_path: Path, local: Path) -> None:
    path = tmp_path / "counts.csv"
    path.write_text("Rule,Count\n2060,1200\nError 2060,7.0\n02060,\n", encoding="utf-8")
    found = collect_errors.compare(path, built.warehouse, tmp_path / "out", local=local)
    assert [line["theirs"] for line in found.compared] == [1208]


def test_pasted_lines_need_no_heading(built: Built, tmp_path: Path, local: Path) -> None:
    path = tmp_path / "pasted.txt"
    path.write_text(
        "2060 Too early, is it?\n\n 2060: Too early\n7777 - Postcode missing\nPage 1\n",
        encoding="utf-8",
    )
    found = collect_errors.compare(path, built.warehouse, tmp_path / "out", local=local)
    assert [(line["dfe_numbers"], line["theirs"]) for line in found.compared] == [("2060", 2)]
    lines = written(tmp_path / "out" / "collect_lines.csv")
    assert [(line["row"], line["number"], line["message"]) for line in lines] == [
        ("1", "2060", "Too early, is it?"),
        ("3", "2060", "Too early"),
        ("4", "7777", "Postcode missing"),
        ("5", "", "Page 1"),
    ]


def test_numbers_and_rules_that_share_one_are_compared_together(
    built: Built, tmp_path: Path
) -> None:
    pairs = [("2060", "L13"), ("2061", "L13"), ("2061", "L14"), ("3010", "R01"), ("5", "P01")]
    path = tmp_path / "errors.csv"
    path.write_text("Error number\n2060\n2061\n2061\n5\n", encoding="utf-8")
    found = collect_errors.compare(
        path, built.warehouse, tmp_path / "out", local=numbers(tmp_path / "local.csv", pairs)
    )
    ours = issues_of(built, "L13") + issues_of(built, "L14")
    assert [
        tuple(line[name] for name in ("dfe_numbers", "rules", "theirs", "ours"))
        for line in found.compared
    ] == [("2060, 2061", "L13, L14", 3, ours), ("5", "P01", 1, 0)]
    assert {"L13", "L14"}.isdisjoint(line["rule"] for line in found.ours_only)
    assert "A12" in {line["rule"] for line in found.ours_only}


def test_the_numbers_not_known_are_a_review_file(built: Built, tmp_path: Path, local: Path) -> None:
    path, out = tmp_path / "errors.csv", tmp_path / "out"
    path.write_text(text(LIST, ","), encoding="utf-8")
    collect_errors.compare(path, built.warehouse, out, local=local)
    review = out / "collect_errors_not_known.csv"
    (line,) = written(review)
    assert (line["dfe_number"], line["theirs"], line["rule_id"]) == ("7777", "1", "P09")
    assert "both name PostCode" in line["reason"]
    review.write_text(review.read_text(encoding="utf-8").rstrip("\n") + "Jo\n", encoding="utf-8")
    assert rules.apply_dfe(review, local) == (1, 3, 0)
    found = collect_errors.compare(path, built.warehouse, out, local=local)
    assert found.unknown == []
    assert {line["rules"] for line in found.compared} == {"L13", "P09"}


def test_the_terminal_repeats_nothing_of_theirs_and_the_bytes_are_the_same_twice(
    built: Built, tmp_path: Path, local: Path
) -> None:
    path = tmp_path / "errors.csv"
    path.write_text(text(LIST, ","), encoding="utf-8")
    made = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        found = collect_errors.compare(path, built.warehouse, folder, local=local)
        words = "\n".join(collect_errors.summarise(found, folder))
        assert not any(str(row[2]) in words for row in LIST[3:])
        assert "7777" in words
        made.append(
            {
                file.name: hashlib.sha256(file.read_bytes()).hexdigest()
                for file in sorted(folder.iterdir())
            }
        )
    assert made[0] == made[1]
    assert len(made[0]) == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column for the rule's number"),
        (b"Surname,Postcode\nSecretname,ZZ1\n", "no column for the rule's number"),
        (b"Error number,Message\n,Secretname\n", "no line has a rule's number"),
        (b"Error number\nA123456789012\n", "no line has a rule's number"),
        (b"\x00\x01\x02", "neither text nor an Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "of the old kind or has a password"),
        (b"PK\x03\x04nonsense", "cannot be read as an Excel workbook"),
    ],
)
def test_what_is_no_list_is_an_input_error_that_repeats_no_value(
    built: Built, tmp_path: Path, local: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "errors.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        collect_errors.compare(path, built.warehouse, tmp_path / "out", local=local)
    assert "Secretname" not in str(error.value)
    assert str(path) in str(error.value)
    assert not (tmp_path / "out").exists()


def test_no_file_and_no_built_warehouse_are_input_errors(
    built: Built, tmp_path: Path, local: Path
) -> None:
    with pytest.raises(InputError, match=r"nothing\.csv: cannot be read"):
        collect_errors.compare(tmp_path / "nothing.csv", built.warehouse, tmp_path, local=local)
    path, empty = tmp_path / "errors.csv", tmp_path / "empty.duckdb"
    path.write_text("Rule\n2060\n", encoding="utf-8")
    duckdb.connect(str(empty)).close()
    with pytest.raises(InputError, match="holds no return built"):
        collect_errors.compare(path, empty, tmp_path, local=local)
    with pytest.raises(InputError, match="holds no return other"):
        collect_errors.compare(path, built.warehouse, tmp_path, "other", local=local)


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "big.xlsx", {"A": [["Rule", "Message"], [1, "x"]]})
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/more.xml", bomb)
    with pytest.raises(InputError, match="document type declaration"):
        headed_table.read(path, collect_errors.HEADINGS, "number")


# DfE's workbook of rules.

DFE: Rows = [
    ["SEN2 validation rules (synthetic)"],
    [],
    ["Rule No.", "Error / Query", "Level", "Error Message"],
    [1510, "Error", "Person", "UPN invalid (wrong check letter at character 1)"],
    ["1520", "Error", "Person", "More than one record with the same UPN"],
    [2060, "Error", "", "RequestOutcomeDate is before ReceivedDate"],
    [4010, "Error", "", "StartDate of the EHC plan is missing"],
    ["8520Q", "Query", "", "Date of Birth is after the reference date"],
    [9999, "Error", "", "Zebra crossing colour unusual"],
    ["see note", "", "", "A footnote"],
]
RIGHT = {"1510": "P14", "1520": "P18", "2060": "R11", "4010": "N01", "8520Q": "P04"}


@pytest.fixture
def review(tmp_path: Path, local: Path) -> Path:
    path = workbook(tmp_path / "dfe.xlsx", {"Cover": [["Synthetic"]], "Rules": DFE})
    made = tmp_path / "review.csv"
    assert rules.import_dfe(path, YEAR, made, local) == (6, 5, 1)
    return made


def edit(review: Path, changes: dict[tuple[str, str], dict[str, str]]) -> None:
    """What a person does in a review file, by number and choice."""
    lines = written(review)
    for line in lines:
        line.update(changes.get((line["dfe_number"], line["choice"]), {}))
    with review.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def test_the_right_rule_is_among_the_choices_with_its_reason(review: Path) -> None:
    choices: dict[str, list[dict[str, str]]] = {}
    for line in written(review):
        choices.setdefault(line["dfe_number"], []).append(line)
    assert list(choices) == ["1510", "1520", "2060", "4010", "8520Q", "9999"]
    for number, rule_id in RIGHT.items():
        (right,) = [line for line in choices[number] if line["rule_id"] == rule_id]
        assert 0.2 <= float(right["score"]) <= 1
        assert right["our_message"]
        assert "both name" in right["reason"]
        assert right["confirmed_by"] == ""
        scores = [float(line["score"]) for line in choices[number]]
        assert scores == sorted(scores, reverse=True)
        assert len(scores) <= 3
    assert sum(lines[0]["rule_id"] == RIGHT.get(n, "") for n, lines in choices.items()) >= 5
    assert "one is a query, the other is not" in choices["4010"][0]["reason"]
    assert [line["reason"] for line in choices["9999"]] == ["no rule of ours is like it"]
    assert choices["1510"][0]["source"] == "dfe.xlsx, Rules, row 4"


def test_only_what_a_person_confirmed_is_kept(review: Path, local: Path) -> None:
    edit(
        review,
        {
            ("2060", "1"): {"confirmed_by": "Jo"},
            ("9999", "1"): {"confirmed_by": "Al", "rule_id": "p02"},
        },
    )
    assert rules.apply_dfe(review, local) == (2, 4, 0)
    assert [tuple(row.values())[:2] for row in written(local)] == [
        *(("2060", "L13"), ("2060", "R11"), ("3010", "R01"), ("9999", "P02")),
    ]
    assert rules.apply_dfe(review, local) == (2, 4, 0)
    assert rule_numbers.known(local)["2060"] == {"L13", "R11"}


def test_a_severity_of_dfes_that_is_not_ours_is_proposed(review: Path) -> None:
    proposed = {
        (line["dfe_severity"], line["our_severity"], line["new_severity"])
        for line in written(review)
        if line["rule_id"]
    }
    assert proposed >= {("Error", "error", ""), ("Query", "error", "query")}
    assert {(new or ours) for _, ours, new in proposed} <= {"error", "query"}
    assert all(
        (new or ours) == theirs.lower() for theirs, ours, new in proposed
    )  # fmt: skip


def test_a_confirmed_severity_is_kept_with_its_day_beside_those_kept_before(
    review: Path, local: Path
) -> None:
    kept = local.with_name("rule_severities.csv")
    kept.write_text(
        "rule_id,severity,reason,author,date\nL13,error,Told so,Al,2026-01-01\n"
        "N01,error,Told so,Al,2026-01-01\n",
        encoding="utf-8",
    )
    edit(
        review,
        {
            ("4010", "1"): {
                "confirmed_by": "Jo", "rule_id": "N01", "new_severity": "query",
                "confirmed_on": "2026-11-02",
            },
            ("1510", "1"): {"confirmed_by": "Jo"},
        },
    )  # fmt: skip
    assert rules.apply_dfe(review, local).severities == 1
    assert [tuple(row.values()) for row in written(kept)] == [
        ("L13", "error", "Told so", "Al", "2026-01-01"),
        ("N01", "query", "DfE's rule 4010 has this severity", "Jo", "2026-11-02"),
    ]


def test_the_gravest_of_several_severities_counts(review: Path, local: Path) -> None:
    line = {"confirmed_by": "Jo", "confirmed_on": "2026-11-02", "rule_id": "R20"}
    edit(
        review,
        {
            ("1510", "1"): line | {"new_severity": "error"},
            ("4010", "1"): line | {"new_severity": "query"},
        },
    )
    rules.apply_dfe(review, local)
    (kept,) = written(local.with_name("rule_severities.csv"))
    assert (kept["rule_id"], kept["severity"]) == ("R20", "error")


def test_a_second_review_shows_what_is_confirmed_and_never_overwrites(
    review: Path, local: Path, tmp_path: Path
) -> None:
    edit(review, {("2060", "1"): {"confirmed_by": "Jo"}})
    rules.apply_dfe(review, local)
    with pytest.raises(InputError, match="is there already"):
        rules.import_dfe(tmp_path / "dfe.xlsx", YEAR, review, local)
    rules.import_dfe(tmp_path / "dfe.xlsx", YEAR, tmp_path / "again.csv", local)
    confirmed = [line for line in written(tmp_path / "again.csv") if line["confirmed_by"]]
    assert [(line["dfe_number"], line["rule_id"]) for line in confirmed] == [("2060", "R11")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule_id": "ZZ9"}, r"review\.csv, row \d+: rule_id is not a rule of ours"),
        ({"dfe_number": "none"}, r"review\.csv, row \d+: dfe_number is not a rule's number"),
        ({"new_severity": "bad"}, r"review\.csv, row \d+: new_severity is not a severity"),
        ({"new_severity": "query"}, r"review\.csv, row \d+: confirmed_on is not a day"),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_written(
    review: Path, local: Path, change: dict[str, str], message: str
) -> None:
    before = local.read_bytes()
    edit(
        review,
        {("1510", "1"): {"confirmed_by": "Jo"}, ("2060", "1"): change | {"confirmed_by": "Jo"}},
    )
    with pytest.raises(InputError, match=message):
        rules.apply_dfe(review, local)
    assert local.read_bytes() == before
    assert not local.with_name("rule_severities.csv").exists()


def test_a_file_that_is_no_review_or_no_workbook_is_refused(tmp_path: Path, local: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no column dfe_number"):
        rules.apply_dfe(path, local)
    with pytest.raises(InputError, match="cannot be read"):
        rules.apply_dfe(tmp_path / "nothing.csv", local)
    path.write_text("Rule number,Other\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column for the rule's message"):
        rules.import_dfe(path, YEAR, tmp_path / "review.csv", local)
    assert not (tmp_path / "review.csv").exists()


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("1530", "1530"), ("01530", "1530"), (" 1530q ", "1530Q"), ("1530.0", "1530"),
        ("Error 1530", "1530"), ("Rule no: 12", "12"), ("A123456789012", ""), ("", ""),
        ("2025-01-01", ""), ("123456", ""), ("Smith", ""),
    ],
)  # fmt: skip
def test_what_counts_as_a_number(given: str, number: str) -> None:
    assert rule_numbers.number_of(given) == number


def test_none_of_dfes_numbers_is_shipped() -> None:
    assert rule_numbers.known() == {}
    assert {row["dfe_number"] for row in spec.seed("rules")} == {""}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"dfe_number,rule_id\xff", r"is not a CSV file of UTF-8 text"),
        (b"number,rule_id\n1,L13\n", r"row 1: has no column dfe_number, dfe_message, confirmed_by"),
    ],
)
def test_numbers_kept_in_a_broken_file_are_an_input_error(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "numbers.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words):
        rule_numbers.known(path)


def test_numbers_kept_in_a_short_row_are_none(tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("rule_id,dfe_message,confirmed_by,dfe_number\nL13,x\n", encoding="utf-8")
    assert rule_numbers.known(path) == rule_numbers.known(tmp_path / "none.csv")
