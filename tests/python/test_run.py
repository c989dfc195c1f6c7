"""The main job, as a person runs it: what is written, what is said, and how it ends."""

import csv
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import duckdb
import pytest

from sen2 import spec, warehouse
from sen2.build import build
from sen2.export import schema_check, xml_text
from sen2.export.published_tables import headings
from sen2.ground.errors import DefectError, InputError
from sen2.land.land import land
from sen2.sample import write_sample
from sen2.settings.config import read_config

from .conftest import YEAR, Built
from .extracts import build_extract

SEN2 = spec.PROJECT / ".venv" / "bin" / "sen2"
YEARS = [int(row["collection_year"]) for row in spec.seed("collections")]
CONFIRMED = [year for year in YEARS if spec.has_confirmed_structure(year)]
FORM_ALONE = [year for year in YEARS if not spec.collection(year).has_person_level]
PILOTS = [year for year in YEARS if year not in CONFIRMED and year not in FORM_ALONE]


def sen2(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder that has the shipped settings."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "sen2.yml").exists():
        shutil.copy(spec.PROJECT / "sen2.yml", folder)
    command = shutil.which("sen2") or str(SEN2)
    return subprocess.run(
        [command, *arguments],
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "100"},
        capture_output=True,
        text=True,
        check=False,
    )


def people(extract: Path) -> list[dict[str, str]]:
    with (extract / "people.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def values_of_people(extract: Path) -> set[str]:
    """Every name, birth date, postcode and identifier of an extract's people."""
    columns = ("surname", "birth_date", "postcode", "upn", "uln")
    return {row[column] for row in people(extract) for column in columns if len(row[column]) > 4}


def damage(extract: Path, person_id: str) -> None:
    """Blank one person's surname: an error, P01."""
    rows = people(extract)
    with (extract / "people.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(
            row | {"surname": ""} if row["person_id"] == person_id else row for row in rows
        )


def submissions(out: Path) -> list[str]:
    return sorted(path.name for path in out.glob("*.xml"))


def test_an_extract_becomes_a_submission_until_it_has_an_error(
    built: Built, tmp_path: Path
) -> None:
    extract = shutil.copytree(built.extract, tmp_path / "extract")
    first = sen2(tmp_path, "run", "extract", "--year", str(YEAR))
    assert first.returncode == 0, first.stderr
    out = tmp_path / "out" / str(YEAR)
    assert submissions(out) == [f"SEN2_330_{YEAR}_001.xml"]
    written = (out / submissions(out)[0]).read_bytes()
    assert schema_check.validate(out / submissions(out)[0], YEAR) == []
    assert (out / "issues.xlsx").exists()
    assert (out / "gates" / "index.html").exists()
    page = (out / "report.html").read_text(encoding="utf-8")
    links = re.findall(r'href="([^"#:]+)"', page)
    assert len(links) >= 4
    assert [link for link in links if not (out / link).exists()] == []
    assert "The file is made, and is not ready to send yet" in page
    assert "queries have no explanation yet" in first.stdout

    again = sen2(tmp_path, "run", "extract", "--year", str(YEAR))
    assert again.returncode == 0, again.stderr
    assert (out / submissions(out)[0]).read_bytes() == written

    with duckdb.connect(str(tmp_path / "warehouse" / f"sen2_{YEAR}.duckdb")) as connection:
        person = connection.execute("select min(person_id) from person_level.person").fetchone()
    damage(extract, person[0])
    (extract / "establishments.csv").unlink()  # an optional table: the job can go on without it
    red = sen2(tmp_path, "run", "extract", "--year", str(YEAR), "--accept-arrival")
    assert red.returncode == 1, red.stderr
    assert submissions(out) == []
    assert (out / "superseded" / f"SEN2_330_{YEAR}_001.xml").read_bytes() == written
    assert "P01" in (out / "issues.csv").read_text(encoding="utf-8")
    refused = sen2(tmp_path, "export", "--year", str(YEAR), "--accept-arrival")
    assert refused.returncode == 1, refused.stderr
    assert submissions(out) == []

    said = "".join(done.stdout + done.stderr for done in (first, again, red, refused))
    assert [value for value in values_of_people(extract) if value in said] == []


@pytest.mark.slow
@pytest.mark.parametrize("year", [CONFIRMED[0], CONFIRMED[-1]])
def test_the_first_year_and_the_next_become_a_submission(year: int, tmp_path: Path) -> None:
    write_sample(tmp_path / "extract", year, 100, 11)
    done = sen2(tmp_path, "run", "extract", "--year", str(year))
    assert done.returncode == 0, done.stderr
    (name,) = submissions(tmp_path / "out" / str(year))
    assert name == f"SEN2_330_{year}_001.xml"
    assert ("provisional" in done.stderr) == spec.collection(year).is_provisional


@pytest.mark.slow
@pytest.mark.parametrize("year", CONFIRMED)
def test_every_year_has_a_valid_file(year: int, tmp_path: Path) -> None:
    write_sample(tmp_path / "extract", year, 100, 11)
    answers = {"officers": {"dmo": "Y", "dco": "Y", "dsco": "R"}}
    built = build_extract(tmp_path / "extract", year, tmp_path / "sen2.duckdb", **answers)
    with warehouse.connect(built, read_only=True) as connection:
        draft = xml_text.write(connection, "built", year, tmp_path)
        errors = connection.execute(
            "select rule_id from validation.issues where severity <> 'query'"
        ).fetchall()
    assert draft.person_count > 100
    assert schema_check.validate(draft.path, year) == []
    assert errors == []


def repeat_a_person(extract: Path) -> None:
    """A second row with the same key: an error, X01."""
    with (extract / "people.csv").open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(people(extract)[0])).writerow(people(extract)[0])


@pytest.mark.slow
@pytest.mark.parametrize("year", FORM_ALONE)
def test_a_year_of_the_form_alone_becomes_a_form_until_it_has_an_error(
    year: int, tmp_path: Path
) -> None:
    write_sample(tmp_path / "extract", year, 100, 11)
    out = tmp_path / "out" / str(year)
    done = sen2(tmp_path, "run", "extract", "--year", str(year))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "The form is ready" in done.stdout
    assert (out / "form.csv").exists()
    assert (out / "form.xlsx").exists()
    assert (out / "issues.xlsx").exists()
    assert submissions(out) == []
    for dataset, columns in headings(year).items():
        with (out / "published" / f"{dataset}.csv").open(encoding="utf-8-sig", newline="") as file:
            assert next(csv.reader(file)) == list(columns)

    repeat_a_person(tmp_path / "extract")
    red = sen2(tmp_path, "run", "extract", "--year", str(year))
    assert red.returncode == 1, red.stderr
    assert not (out / "form.csv").exists()
    assert (out / "form_draft.csv").exists()
    assert (out / "superseded" / "form.csv").exists()
    assert "X01" in (out / "issues.csv").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("year", PILOTS)
def test_the_pilot_becomes_a_form_and_only_when_accepted_a_submission(
    year: int, tmp_path: Path
) -> None:
    write_sample(tmp_path / "extract", year, 100, 11)
    out = tmp_path / "out" / str(year)
    name = f"SEN2_330_{year}_001.xml"
    form_alone = sen2(tmp_path, "run", "extract", "--year", str(year))
    assert form_alone.returncode == 0, form_alone.stderr
    assert form_alone.stderr.count("--accept-unconfirmed") == 2
    assert (out / "form.csv").exists()
    assert submissions(out) == []

    both = sen2(tmp_path, "run", "extract", "--year", str(year), "--accept-unconfirmed")
    assert both.returncode == 0, both.stderr
    assert "WARNING" in both.stderr
    assert submissions(out) == [name]
    assert schema_check.validate(out / name, year) == []
    assert (out / "form.csv").exists()

    again = sen2(tmp_path, "export", "--year", str(year))
    assert again.returncode == 0, again.stderr
    assert submissions(out) == []
    assert (out / "superseded" / name).exists()


@cache
def rows_of(extract: Path, table: str) -> list[dict[str, str]]:
    with (extract / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def changed_columns(clean: Path, faulty: Path, fault: dict[str, str]) -> set[str]:
    """The columns of the row that the fault changed; none where it added or removed one."""
    table = fault["table_name"]
    before, after = rows_of(clean, table), rows_of(faulty, table)
    row = after[int(fault["row"]) - 2]
    keys = [column for column in row if column.endswith("_id")]
    gone = [old for old in before if all(old[key] == row[key] for key in keys) and old not in after]
    return {column for column in row if row[column] != gone[0][column]} if len(gone) == 1 else set()


@pytest.mark.slow
def test_every_planted_fault_has_one_main_line_that_names_what_is_wrong(tmp_path: Path) -> None:
    """Whatever the same people have without the fault, such as a late review, is not counted."""
    for name, share in (("clean", 0.0), ("faulty", 0.3)):
        (tmp_path / name).mkdir()
        write_sample(tmp_path / name / "extract", YEAR, 1000, 13, faults=share)
        done = sen2(tmp_path / name, "run", "extract", "--year", str(YEAR))
        assert done.returncode == int(share > 0), done.stderr
        said = done.stdout + done.stderr
        assert [v for v in values_of_people(tmp_path / name / "extract") if v in said] == []
    extract = tmp_path / "faulty" / "extract"
    with (extract / "expected" / "planted_faults.csv").open(encoding="utf-8") as file:
        planted = list(csv.DictReader(file))
    warehouse = f"warehouse/sen2_{YEAR}.duckdb"
    with duckdb.connect(str(tmp_path / "faulty" / warehouse), read_only=True) as connection:
        connection.execute(f"attach '{tmp_path / 'clean' / warehouse}' as clean (read_only)")
        issues = connection.execute(
            'select person_id, source_file, source_row, rule_id, "primary", items, found'
            " from validation.issues where return_id = 'built' and (person_id, rule_id) not in ("
            "select (person_id, rule_id) from clean.validation.issues where person_id is not null)"
        ).fetchall()
        items: dict[tuple[str, str], set[str]] = {}
        for table, column, item in connection.execute(
            "select source_table, source_column, xml_tag from validation.column_items"
        ).fetchall():
            items.setdefault((table, column), set()).add(item)
    assert len({fault["fault"] for fault in planted}) >= 110
    wrong = []
    for fault in planted:
        # A row that hangs from nobody has no person, and is known by its place.
        place = (f"{fault['table_name']}.csv", int(fault["row"]))
        of_fault = [
            issue
            for issue in issues
            if (issue[0] == fault["person_id"] if fault["person_id"] else issue[1:3] == place)
        ]
        rules = fault["rule_ids"].split(";")
        main = [issue for issue in of_fault if issue[4]]
        named = {item for issue in main for item in issue[5].split(";")}
        told = " ".join(issue[6] or "" for issue in main)
        columns = changed_columns(tmp_path / "clean" / "extract", extract, fault)
        is_named = not columns or any(
            column in told or named & items.get((fault["table_name"], column), set())
            for column in columns
        )
        if (
            [issue[3] for issue in main] != rules[:1]
            or not set(rules) <= {issue[3] for issue in of_fault}
            or not is_named
            or (columns and main[0][1:3] != place)
        ):
            wrong.append((fault["fault"], place, columns, [issue[1:4] for issue in main]))
    assert wrong == []


def test_the_sample_is_what_the_generator_expected(built: Built) -> None:
    expected = built.extract / "expected"
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        scope = connection.execute(
            "select request_id, expected.category, scope.category"
            f" from read_csv('{expected}/case_scope.csv', all_varchar = true) as expected"
            " full join intermediate.case_scope as scope using (request_id)"
            " where expected.category is distinct from scope.category"
        ).fetchall()
        outcomes = connection.execute(
            "select request_id, expected.request_outcome, requests.request_outcome"
            f" from read_csv('{expected}/outcomes.csv', all_varchar = true) as expected"
            " full join person_level.requests as requests using (request_id)"
            " left join person_level.assessment as assessment using (request_id)"
            " where expected.request_outcome is distinct from requests.request_outcome"
            " or expected.assessment_outcome is distinct from assessment.assessment_outcome"
        ).fetchall()
        errors = connection.execute(
            "select rule_id, record_id from validation.issues where severity <> 'query'"
        ).fetchall()
    assert (scope, outcomes, errors) == ([], [], [])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nowhere"], ["nowhere", "no such folder"]),
        (["run", ".", "--config", "other.yml"], ["other.yml", "no such file"]),
        (["run", ".", "--year", "1999"], ["1999", "collections.csv"]),
        (["run", "."], ["people.csv", "no such file"]),
        (["validate", "--warehouse", "none.duckdb"], ["none.duckdb", "no such warehouse"]),
        (["validate", "--warehouse", "sen2.yml"], ["sen2.yml", "not a DuckDB file"]),
    ],
)
def test_what_is_wrong_with_the_input_is_one_paragraph(
    arguments: list[str], words: list[str], tmp_path: Path
) -> None:
    done = sen2(tmp_path, *arguments)
    assert done.returncode == 2, done.stderr
    assert [word for word in words if word not in " ".join(done.stderr.split())] == []
    assert "Traceback" not in done.stderr


def test_the_version_is_told_with_those_it_stands_on(tmp_path: Path) -> None:
    done = sen2(tmp_path, "--version")
    assert done.returncode == 0, done.stderr
    first, *others = done.stdout.splitlines()
    assert re.fullmatch(r"sen2 \d+\.\d+\.\d+", first)
    assert {"duckdb", "dbt-core"} <= {line.partition(" ")[0] for line in others}


def test_settings_that_are_wrong_are_named(tmp_path: Path) -> None:
    (tmp_path / "sen2.yml").write_text("la_code: '33'\ncolour: blue\n")
    done = sen2(tmp_path, "run", ".")
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert "la_code: must be a three-digit LA code" in said
    assert "colour: is not a setting" in said


def test_a_warehouse_that_was_not_built_is_said_so_by_every_verb(tmp_path: Path) -> None:
    landed = tmp_path / "warehouse" / f"sen2_{YEAR}.duckdb"
    land(spec.PROJECT / "sample", YEAR, read_config(spec.PROJECT / "sen2.yml"), landed)
    for verb in (
        ["validate"], ["export"], ["export", "--final", "--by", "A Name"], ["export", "--parquet"],
        ["report"], ["why", "P1"], ["compare", "a", "b"],
    ):  # fmt: skip
        done = sen2(tmp_path, *verb, "--year", str(YEAR))
        assert (done.returncode, "Run `sen2 build` first" in " ".join(done.stderr.split())) == (
            2,
            True,
        ), (verb, done.stderr)
    landed.unlink()
    done = sen2(tmp_path, "build", "--year", str(YEAR))
    assert (done.returncode, "Run `sen2 land` first" in " ".join(done.stderr.split())) == (2, True)


def test_the_sample_says_what_it_wrote(tmp_path: Path) -> None:
    done = sen2(tmp_path, "sample", "extract", "--plans", "20", "--faults", "0.1")
    assert done.returncode == 0
    assert re.fullmatch(
        r"extract: [\d,]+ rows, \d+ synthetic people to return, \d+ faults planted;"
        r" the right answers are in expected/\n",
        done.stdout,
    )


@pytest.mark.slow
def test_duckdbs_memory_can_be_kept_low(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEN2_MEMORY_LIMIT", "512MiB")
    with warehouse.connect(tmp_path / "sen2.duckdb") as connection:
        limit = connection.execute("select current_setting('memory_limit')").fetchone()
    assert limit == ("512.0 MiB",)
    monkeypatch.delenv("SEN2_MEMORY_LIMIT")
    assert warehouse.memory_limit() == "2500MB"
    profile = (spec.PROJECT / "profiles" / "profiles.yml").read_text(encoding="utf-8")
    assert f"'SEN2_MEMORY_LIMIT', '{warehouse.memory_limit()}'" in profile
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PAGE_SIZE": 1000}.get(name, 1_000_000))
    assert warehouse.memory_limit() == "800MB"
    monkeypatch.setenv("SEN2_MEMORY_LIMIT", "little")
    with (
        pytest.raises(InputError, match="SEN2_MEMORY_LIMIT"),
        warehouse.connect(tmp_path / "sen2.duckdb"),
    ):
        pass


def test_a_table_takes_the_place_of_what_bore_its_name(built: Built, tmp_path: Path) -> None:
    copy = Path(shutil.copy(built.warehouse, tmp_path / "sen2.duckdb"))
    with duckdb.connect(str(copy)) as connection:
        connection.execute("drop table intermediate.survey")
        connection.execute("create view intermediate.survey as select 1 as nothing")
        connection.execute("alter table raw.people rename to elsewhere")
        before = connection.execute("from staging.stg_people order by all").fetchall()
    build.build(copy, YEAR, models=["survey"])
    with pytest.raises(DefectError, match="stg_"):
        build.build(copy, YEAR, models=["stg_people"])
    with duckdb.connect(str(copy), read_only=True) as connection:
        assert connection.execute("select as_at from intermediate.survey").fetchone()
        assert connection.execute("from staging.stg_people order by all").fetchall() == before


def test_too_little_memory_is_said_plainly(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEN2_MEMORY_LIMIT", "1MB")
    copy = Path(shutil.copy(built.warehouse, tmp_path / "sen2.duckdb"))
    with pytest.raises(InputError, match="ran out of memory"):
        build.build(copy, YEAR, models=["cases"])
