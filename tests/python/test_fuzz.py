"""A share of `make fuzz`, what it found so far, and what comes out when hostile text went in."""

import csv
import hashlib
import itertools
import os
import shutil
import signal
import time
import zipfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html

from sen2 import spec
from sen2.audit import verify
from sen2.ground import files
from sen2.ground.errors import LONGEST, InputError
from sen2.imports import imports
from sen2.land.land import land
from sen2.land.mapping.model import read_mapping
from sen2.reports.issues import issue_files
from sen2.reports.page import write
from sen2.settings.config import Job, read_config
from sen2.untrusted import parsers
from sen2.why import show
from sen2.why.story import person_page

from . import fuzz
from .conftest import YEAR, Built
from .test_mapping import CONFIG, mapping_of, people

SHARE = {
    "attack": 10,
    "far": 60,
    "config": 60,
    "extract_yml": 40,
    "mapping": 30,
    "mapped": 6,
    "land": 15,
    "other": 15,
    "propose": 10,
    "notes": 12,
    "xml": 12,
    "blade": 3,
    "workbook": 3,
    "pack": 60,
    "landed": 20,
    "swap": 60,
    "cells": 60,
    "printed": 60,
    "collect": 60,
}


@pytest.mark.parametrize("name", sorted(fuzz.TARGETS))
def test_whatever_comes_in_ends_well(name: str) -> None:
    assert fuzz.batch(name, seed=1, count=SHARE[name]) >= SHARE[name] * 2 // 3


def test_the_shares_are_a_whole_and_a_run_goes_on_where_it_stopped() -> None:
    assert sum(target.share for target in fuzz.TARGETS.values()) == 100
    every = list(fuzz._plan(100_000, {}))
    assert len(every) * fuzz.BATCH >= 100_000
    done = dict.fromkeys(fuzz.TARGETS, 2)
    assert [each for each in every if each[1] >= 2] == list(fuzz._plan(100_000, done))


def bad(kind: str) -> fuzz.Run:
    """A way in that does what none may."""

    def run(box: fuzz.Box, case: Any) -> None:
        match kind:
            case "traceback":
                raise IndexError(case)
            case "value":
                raise InputError(f"the cell holds {fuzz.MARK}")
            case "outside":
                (box.folder / "around" / "x").write_text("x", encoding="utf-8")
            case "linked":
                (box.given / "x").symlink_to(box.canary)
                (box.given / "x").write_text("x", encoding="utf-8")
            case "table":
                box.warehouse.parent.mkdir()
                with duckdb.connect(str(box.warehouse)) as connection:
                    connection.execute("create table pwned (a integer)")
            case "slow":
                end = time.process_time() + 0.3
                while time.process_time() < end:
                    pass
            case "works for ever":
                while True:
                    pass
            case "sleeps for ever":
                while True:
                    time.sleep(0.5)
            case "is stopped":
                os.kill(os.getpid(), signal.SIGSTOP)

    return run


@pytest.mark.parametrize("kind", ["traceback", "value", "outside", "linked", "table", "slow"])
def test_the_fuzzer_sees_what_must_never_happen(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fuzz.TARGETS, "bad", fuzz.Target(0, lambda: st.just(b"x"), bad(kind)))
    monkeypatch.setattr(fuzz, "SECONDS", 0.2 if kind == "slow" else 10)
    wanted = IndexError if kind == "traceback" else fuzz.FoundError
    with pytest.raises(wanted):
        fuzz.batch("bad", 0, 1)


@pytest.mark.parametrize(
    ("kind", "found"),
    [("works for ever", "a hang that works"), ("sleeps for ever", "a hang that sleeps")],
)
def test_a_hang_is_found_whether_it_works_or_sleeps(
    kind: str, found: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(fuzz.TARGETS, "bad", fuzz.Target(0, lambda: st.just(b"x"), bad(kind)))
    monkeypatch.setattr(fuzz, "HANG", 0.5)
    monkeypatch.setattr(fuzz, "ASLEEP", 2)
    assert found in fuzz.tried_alone("bad", 0, 1)[2]
    assert "in run" in capfd.readouterr().err, "says where it was"


def test_a_process_that_is_stopped_for_long_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        fuzz.TARGETS, "bad", fuzz.Target(0, lambda: st.just(b"x"), bad("is stopped"))
    )
    monkeypatch.setattr(fuzz, "SECONDS", 1)
    monkeypatch.setattr(fuzz, "ASLEEP", 2)
    looks = itertools.count()
    state = fuzz._state

    def watched(pid: int) -> tuple[str, int]:
        seen = state(pid)
        if seen[0] == "T" and next(looks) == 3:
            os.kill(pid, signal.SIGCONT)
        return seen

    monkeypatch.setattr(fuzz, "_state", watched)
    assert fuzz.tried_alone("bad", 0, 1)[::2] == (1, "")
    assert next(looks) == 4, "it was stopped for more looks than a sleeper is given"


# What it found


def test_an_input_that_is_missing_and_may_be_has_no_rows(tmp_path: Path) -> None:
    feed = people(look_up=[{"input": "plans", "on": {"Person ID": "ID"}}])
    mapping = mapping_of(
        tmp_path,
        inputs={
            "children": {"files": "children.*"},
            "plans": {"files": "plans.csv", "may_be_missing": True},
        },
        tables=feed,
    )
    (tmp_path / "children.csv").write_text(
        "Person ID,Surname,DOB,Gender,Ethnicity\nP1,A,,,\n", encoding="utf-8"
    )
    assert land(tmp_path, YEAR, CONFIG, tmp_path / "w.duckdb", mappings=[mapping]) == 1


def test_a_file_that_is_not_utf_8_from_its_first_byte_is_named(tmp_path: Path) -> None:
    for file, content in fuzz.EXTRACT.items():
        (tmp_path / file).write_bytes(content)
    for begin in (b"\x80", b"\rx\xff"):
        (tmp_path / "people.csv").write_bytes(begin + fuzz.EXTRACT["people.csv"])
        with pytest.raises(InputError, match=r"people.csv, line 1, column 1: is not UTF-8"):
            land(tmp_path, YEAR, CONFIG, tmp_path / "w.duckdb")


def test_a_workbook_whose_sheet_is_cut_short_is_refused(tmp_path: Path) -> None:
    sheet = "xl/worksheets/sheet2.xml"
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as file:
        for name, content in fuzz._forms()["template"].items():
            file.writestr(name, content[: len(content) // 2] if name == sheet else content)
    with pytest.raises(InputError, match="is not a workbook that can be read"):
        imports.import_return(path, "x", tmp_path / "w.duckdb", YEAR, "330")


def test_a_pack_whose_list_of_members_is_broken_is_no_pack(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(fuzz._packs()[0][2:])
    with pytest.raises(InputError, match="is not an audit pack"):
        verify.verify(path, before=None, rebuild=False)


def landed_as(tmp_path: Path, kind: str, data: bytes) -> None:
    """Land the fuzzer's mapping with the children's file of that kind and content."""
    fuzz._land_other(fuzz.Box(tmp_path / "box"), (kind, data))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            '{"Person ID": ' + "[" * 200_000 + "]" * 200_000 + "}",
            "is not a JSON object of plain values",
        ),
        ('{"Person ID": "\\ud800"}', "has half of a character"),
        ('{"Person ID": "P1", "\\udc00": 1}', "has half of a character"),
    ],
)
def test_a_line_of_json_that_is_no_text_is_named(tmp_path: Path, line: str, words: str) -> None:
    good = '{"Person ID": "P1", "DOB": "", "Gender": "", "Surname": "", "Ethnicity": ""}\n'
    with pytest.raises(InputError, match=rf"children.jsonl, line 2: {words}"):
        landed_as(tmp_path, "jsonl", (good + line).encode())


@pytest.mark.parametrize(
    ("rows", "length"),
    [(files.MOST_ROWS + 1, 1), (files.MOST_BYTES // 5_000_000 + 1, 1_000_000)],
)
def test_a_small_parquet_file_that_would_fill_the_disk_is_refused(
    tmp_path: Path, rows: int, length: int
) -> None:
    headings = ["Person ID", "Surname", "DOB", "Gender", "Ethnicity"]
    data = fuzz.repeating(headings, rows, length)
    assert len(data) < 8_000_000
    with pytest.raises(InputError, match=r"children.parquet: holds more than 20,000,000 rows"):
        landed_as(tmp_path, "parquet", data)


def test_a_heading_without_a_shape_is_still_a_heading(tmp_path: Path) -> None:
    line = '{"Person ID": 1, "DOB": "", "Gender": "", "Surname": "", "Ethnicity": "", "\\u0000": 1}'
    landed_as(tmp_path, "jsonl", line.encode())


def test_a_file_whose_first_row_never_ends_is_named(tmp_path: Path) -> None:
    endless = b"x" * (17 << 20)
    with pytest.raises(InputError, match=r"children.csv: is not divided into rows"):
        landed_as(tmp_path, "csv", endless)
    with pytest.raises(InputError, match=r"people.csv: is not divided into rows"):
        fuzz._land(fuzz.Box(tmp_path / "other"), ("people.csv", endless, ""))


def test_a_workbook_whose_list_of_parts_is_broken_is_refused(tmp_path: Path) -> None:
    book = tmp_path / "book.xlsx"
    with zipfile.ZipFile(book, "w") as file:
        file.writestr("xl/workbook.xml", "x")
    whole = book.read_bytes()
    place = whole.index(b"PK\x01\x02")
    for broken in (b"PK\x01\xff", b"PK\x01\x02\x14\x03\xff"):
        data = whole[:place] + broken + whole[place + len(broken) :]
        with pytest.raises(InputError, match="is not a workbook that can be read"):
            landed_as(tmp_path / str(len(broken)), "xlsx", data)
        book.write_bytes(data)
        with pytest.raises(InputError, match="is not a workbook that can be read"):
            imports.import_return(book, "x", tmp_path / "w.duckdb", YEAR, "330")


def test_a_pack_of_a_later_kind_of_zip_is_no_pack(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(fuzz._packs()[0].replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"))
    with pytest.raises(InputError, match="is not an audit pack"):
        verify.verify(path, before=None, rebuild=False)


def test_a_pack_whose_manifest_has_no_number_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("manifest.json", '{"previous": null, "members": {}, "purged": []}')
        pack.writestr("audit.json", '{"outputs": [], "submission": null}')
    with pytest.raises(InputError, match=r"its manifest.json or audit.json is not one of ours"):
        verify.verify(path, before=None, rebuild=False)


def test_a_pack_that_follows_one_with_an_endless_name_is_not_checked_further(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pack.zip"
    manifest = fuzz._whole_manifest(fuzz.WHOLE_AUDIT)
    manifest["previous"] = {"file": "9" * 400, "sha256": "0"}
    path.write_bytes(fuzz._pack(manifest, fuzz.WHOLE_AUDIT, ["outputs/x"]))
    assert verify.verify(path, before=None, rebuild=False) == verify.WHOLE
    assert "9 is not here" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("landed", [b"no table", b"PAR1"])
def test_a_pack_that_landed_no_table_is_not_ours(tmp_path: Path, landed: bytes) -> None:
    path = tmp_path / "pack.zip"
    member = "landed/raw.people.parquet"
    audit = fuzz.WHOLE_AUDIT | {
        "return": {"collection_year": YEAR},
        "versions": {"a-package-of-yesterday": "1"},
    }
    manifest = fuzz._whole_manifest(audit)
    sha256 = hashlib.sha256(landed).hexdigest()
    manifest["members"][member] = {"bytes": len(landed), "sha256": sha256}
    path.write_bytes(fuzz._pack(manifest, audit, ["outputs/x"]))
    with zipfile.ZipFile(path, "a") as pack:
        pack.writestr(member, landed)
    with pytest.raises(InputError, match=r"its manifest.json or audit.json is not one of ours"):
        verify.verify(path, before=None, rebuild=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\nextracted_on: 2026-13-45", "has what looks like a date or a number and is none"),
        ("\nname: !!bool x", "has what looks like a date or a number and is none"),
        ("\nname: " + "1" * 5000, "has what looks like a date or a number and is none"),
        ("\nname: " + "[" * 3000, "has more than 50 levels"),
        ('\nname: "\\0"', "has a character that no text may hold"),
        ('\nname: "\\ud800"', "has a character that no text may hold"),
    ],
)
def test_a_setting_that_yaml_cannot_hold_has_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"x.yml, line 2: {words}"):
        read_config(path)
    if "levels" in words or "text" in words:
        with pytest.raises(InputError, match=f"x.yml, line 2: {words}"):
            read_mapping(path)


@pytest.mark.parametrize("name", ["x" * 300, "a/" * 450])
def test_a_setting_names_no_file_that_cannot_be(tmp_path: Path, name: str) -> None:
    path = tmp_path / "x.yml"
    nightly = fuzz.SETTINGS["nightly"] | {"mappings": [name]}
    for content in ({"notes": name}, {"nightly": nightly}):
        path.write_bytes(fuzz._text_of({"la_code": "330"} | content))
        with pytest.raises(InputError, match="is longer than the name of a file"):
            read_config(path)


@pytest.mark.parametrize("opened", ["[", '{"a":'])
def test_json_is_as_deep_on_every_python(opened: str) -> None:
    closed = {"[": "]"}.get(opened, "}")
    for levels, is_read in ((400, True), (401, False), (100_000, False)):
        text = opened * (levels - 1) + "[1]" + closed * (levels - 1)
        for given in (text, text.encode()):
            if is_read:
                assert parsers.read_json(given)
            else:
                with pytest.raises(ValueError):  # noqa: PT011 - without words: the caller has them
                    parsers.read_json(given)
    assert parsers.read_json("[" + "[1]," * 500 + "1]")


def test_an_expression_without_end_is_refused(tmp_path: Path) -> None:
    for expression in ("1" + "+1" * 500, "upper(" * 500 + "'a'" + ")" * 500):
        content = fuzz._with_expression("sql", expression)
        with pytest.raises(InputError, match="Make a shorter expression"):
            fuzz._land_mapped(
                fuzz.Box(tmp_path / str(len(expression))), (content, fuzz.CHILDREN.encode())
            )


@pytest.mark.parametrize(
    "name",
    [
        "../outside.csv",
        "/etc/passwd",
        "a/../../x",
        "C:\\x.csv",
        "..\\x",
        "",
        ".",
        "**x",
        "x" * 300,
        "a/" * 100,
    ],
)
def test_a_mapping_names_no_file_outside_its_folders(tmp_path: Path, name: str) -> None:
    (tmp_path.parent / "outside.csv").write_text("from,to\nMale,M\n", encoding="utf-8")
    with pytest.raises(InputError, match="within"):
        read_mapping(mapping_of(tmp_path, inputs={"children": {"files": name}}))
    with pytest.raises(InputError, match="within"):
        read_mapping(mapping_of(tmp_path, crosswalks={"sex": {"file": name}}))


def test_a_message_is_one_paragraph_whatever_it_quotes() -> None:
    assert str(InputError("a\nb\x1b[31m\u202ec\r\n d")) == "a b [31m c d"
    assert len(str(InputError("a" * 10 * LONGEST))) < LONGEST + 5
    assert str(InputError("plain, and short: é.")) == "plain, and short: é."


# What comes out


@pytest.fixture(name="hostile", scope="module")
def _hostile(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The shared warehouse with hostile text as every person's names, ids and found values."""
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "sen2.duckdb"
    shutil.copyfile(built.warehouse, path)
    texts = itertools.cycle([each[:200].replace("\0", "") for each in fuzz.TOKENS])
    with duckdb.connect(str(path)) as connection:
        ids = connection.execute("select person_id from person_level.person").fetchall()
        connection.execute("create temp table new (person_id varchar, text varchar, id varchar)")
        connection.executemany(
            "insert into new values (?, ?, ?)",
            [[each, text := next(texts), f"{text}{number}"] for number, (each,) in enumerate(ids)],
        )
        for column in ("surname", "forename", "postcode", "upn", "ethnicity"):
            connection.execute(
                f"update person_level.person set {column} = new.text from new"
                " where person.person_id = new.person_id"
            )
        connection.execute(
            "update validation.issues set found = new.text, record_id = new.id, person_id = new.id"
            " from new where issues.person_id = new.person_id"
        )
    config = read_config(spec.PROJECT / "sen2.yml").model_copy(
        update={"name": "<script>x</script>"}
    )
    return Job(YEAR, config, path, folder / "out")


def test_no_formula_is_in_the_workbook_or_the_csv(hostile: Job) -> None:
    book = issue_files.write_issues(hostile.warehouse, "built", YEAR, hostile.out, identify=True)
    with zipfile.ZipFile(book) as file:
        sheets = [name for name in file.namelist() if name.endswith(".xml")]
        parts = {name: etree.fromstring(file.read(name)) for name in sheets}
    tags = {etree.QName(each).localname for part in parts.values() for each in part.iter("{*}*")}
    assert "c" in tags
    assert not tags & {"f", "ddeLink", "oleLink", "externalReference"}
    links = [each for part in parts.values() for each in part.iter("{*}hyperlink")]
    assert {*itertools.chain(*(each.attrib for each in links))} <= {"ref", "location", "display"}
    with book.with_suffix(".csv").open(encoding="utf-8", newline="") as rows:
        cells = [cell for row in csv.reader(rows) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))] == []
    assert [cell for cell in cells if cell.startswith("-") and len(cell) > 1] == []
    assert [cell for cell in cells if cell.startswith("'=")], "some were there to guard"


def scripts_of(text: str) -> tuple[list[str], list[str]]:
    """What runs in a page: its scripts, and attributes or addresses that would run something."""
    tree = lxml_html.document_fromstring(text)
    live = [
        f"{each.tag} {name}"
        for each in tree.iter()
        if isinstance(each.tag, str)
        for name, value in each.attrib.items()
        if name.lower().startswith("on") or "javascript:" in value.lower()
    ]
    return [each.text or "" for each in tree.iter("script")], live


def test_no_script_is_in_the_pages(hostile: Job, built: Built, tmp_path: Path) -> None:
    plain = Job(YEAR, read_config(spec.PROJECT / "sen2.yml"), built.warehouse, tmp_path)
    expected = len(scripts_of(write.write_page(plain).read_text(encoding="utf-8"))[0])
    scripts, live = scripts_of(write.write_page(hostile).read_text(encoding="utf-8"))
    assert (len(scripts), live) == (expected, [])
    assert not [text for text in scripts if "alert(1)" in text]
    with duckdb.connect(str(hostile.warehouse), read_only=True) as connection:
        (person,) = connection.execute(
            "select person_id from person_level.person where surname like '%<script>%' limit 1"
        ).fetchall()[0]
    file = tmp_path / "why.html"
    show.write(person_page(hostile.warehouse, person, None), file)
    scripts, live = scripts_of(file.read_text(encoding="utf-8"))
    assert (scripts, live) == ([], [])
    assert "&lt;script&gt;" in file.read_text(encoding="utf-8")


def test_a_person_id_is_never_sql(hostile: Job, tmp_path: Path) -> None:
    with duckdb.connect(str(hostile.warehouse), read_only=True) as connection:
        tables = connection.execute("from duckdb_tables()").fetchall()
    for token in [each for each in fuzz.TOKENS if "select" in each or "drop" in each]:
        with pytest.raises(InputError) as fault:
            person_page(hostile.warehouse, token, None)
        assert len(token) < 4 or token not in str(fault.value)
    with duckdb.connect(str(hostile.warehouse), read_only=True) as connection:
        assert connection.execute("from duckdb_tables()").fetchall() == tables
    assert not Path("pwned").exists()
