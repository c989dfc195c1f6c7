"""The night: kept, recorded, told, and nothing built that need not be."""

import csv
import gzip
import json
import re
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.audit import history
from sen2.build import build, project
from sen2.gates import gate_results, gates
from sen2.ground import keys, places
from sen2.ground.errors import InputError
from sen2.jobs import nightly
from sen2.settings.config import Job, read_config
from sen2.warehouse import swap

from . import soak
from .conftest import YEAR, Built
from .test_run import values_of_people

XML = f"SEN2_330_{YEAR}_001.xml"
TOLD = """
  notify:
    command: [{python}, -c, "import sys; open('{told}', 'a').write(sys.stdin.read() + '---')"]
    when: {when}
"""


class Nights:
    """A folder with an extract and settings, where nights are run without the tools."""

    def __init__(self, folder: Path, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.built = folder, built
        self.file = folder / "sen2.yml"
        self.out = folder / "out" / str(YEAR)
        self.warehouse = folder / "warehouse" / f"sen2_{YEAR}.duckdb"
        self.kept = folder / "warehouse" / "kept"
        self.edit = "select 1"
        self.builds = 0
        shutil.copytree(built.extract, folder / "extract")
        self.write("keep: 1")
        monkeypatch.setattr(build, "build", self._build)
        for module, name, function in soak.open_gates():
            monkeypatch.setattr(module, name, function)

    def write(self, *lines: str, when: str = "changes") -> None:
        """Write the settings; the message of each night is added to told.txt."""
        shipped = (spec.PROJECT / "sen2.yml").read_text(encoding="utf-8")
        section = ["nightly:", "extract: extract", f"year: {YEAR}", *lines]
        told = TOLD.format(python=sys.executable, told=self.folder / "told.txt", when=when)
        self.file.write_text(shipped + "\n" + "\n  ".join(section) + told, encoding="utf-8")

    def _build(self, warehouse: Path, *_: object, **__: object) -> int:
        self.builds += 1
        count = soak.copy_layers(self.built.warehouse, warehouse)
        with duckdb.connect(str(warehouse)) as connection:
            connection.execute(self.edit)
        return count

    def run(self, **options: bool) -> int:
        return nightly.nightly(self.file, **options)

    def told(self) -> list[str]:
        path = self.folder / "told.txt"
        return path.read_text(encoding="utf-8").split("---")[:-1] if path.exists() else []

    def history(self, query: str) -> list[tuple]:
        with duckdb.connect(str(self.warehouse.parent / places.HISTORY), read_only=True) as found:
            return found.execute(query).fetchall()


@pytest.fixture
def nights(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nights:
    return Nights(tmp_path, built, monkeypatch)


def test_three_nights_are_kept_recorded_and_told(
    nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    assert nights.run() == 0
    told = (nights.out / "nightly.txt").read_text()
    assert "first run here" in told
    assert told.endswith("\nFor inside the authority: the numbers are exact.\n")
    assert (nights.out / "changes.csv").read_text().count("\n") == 1
    written = (nights.out / XML).read_bytes()

    assert nights.run() == 0
    assert nights.builds == 1
    assert "nothing has changed" not in "".join(nights.told())

    soak.blank_a_surname(nights.folder / "extract")
    nights.edit = (
        "delete from validation.issues where rule_id = 'L13';"
        " insert into validation.issues select * replace ('P01' as rule_id, 'error' as severity,"
        " 'P9' as person_id, null as request_id, 'P9' as record_id, 'A name' as found)"
        " from validation.issues limit 1"
    )
    assert nights.run() == 0
    with (nights.out / "changes.csv").open(encoding="utf-8", newline="") as file:
        changes = list(csv.DictReader(file))
    appeared = [row for row in changes if row["change"] == "appeared"]
    assert [(row["rule_id"], row["person_id"]) for row in appeared] == [("P01", "P9")]
    assert {row["rule_id"] for row in changes if row["change"] == "cleared"} == {"L13"}
    cleared = len(changes) - 1
    text = (nights.out / "nightly.txt").read_text(encoding="utf-8")
    assert re.search(r"errors +1 +1 new, 0 cleared\n", text)
    assert re.search(rf"queries +\d+ +0 new, {cleared} cleared\n", text)
    assert "P01" in text

    (kept,) = nights.kept.glob("*.duckdb")
    assert re.fullmatch(rf"sen2_{YEAR}_{YEAR}-\d\d-\d\d_run00001\.duckdb", kept.name)
    assert "raw.people" in soak.digest_of(kept)
    packed = sorted((nights.kept / "submissions").iterdir())
    assert [path.name.startswith(f"SEN2_330_{YEAR}_001_{YEAR}-") for path in packed] == [True]
    assert gzip.decompress(packed[0].read_bytes()) == written

    assert nights.history(
        "select run, outcome, exit_code, submission, warehouse_run from runs order by run"
    ) == [
        (1, "submission", 0, XML, 1),
        (2, "unchanged", 0, None, None),
        (3, "submission", 0, XML, 2),
    ]
    assert nights.history(
        "select rule_id, appeared, cleared from run_issues where run = 3 and"
        " (appeared > 0 or cleared > 0) order by 1"
    ) == [("L13", 0, cleared), ("P01", 1, 0)]
    assert nights.history("select distinct run from run_timings order by 1") == [(1,), (3,)]
    people = "select value from run_figures where (dataset, figure) = ('return', 'people')"
    assert len(set(nights.history(people))) == 1
    who = nights.history("select distinct run_by <> '', started_at is not null from runs")
    assert who == [(True, True)]

    told = nights.told()
    assert ["first run here" in told[0], told[1]] == [True, text]
    values = values_of_people(nights.folder / "extract")
    captured = capsys.readouterr()
    records = nights.history("from runs") + nights.history("from run_issues")
    said = "".join([*told, captured.out, captured.err, repr(records), repr(changes)])
    assert [value for value in values if value in said] == []


def test_half_an_extract_leaves_last_nights_files_and_says_what_fell(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert nights.run() == 0
    files = {path: path.read_bytes() for path in nights.out.rglob("*") if path.is_file()}
    people = gate_results.ExpectationResult(
        "arrival_people", "rows", "error", "broken", "About as many.", 30, 30
    )
    fell = "people 60 rows in the last good run, 30 now"
    half = gate_results.GateResult("arrival", [people], fallen={("arrival_people", "rows"): fell})
    monkeypatch.setattr(gates, "arrival_gate", lambda *_: half)
    soak.blank_a_surname(nights.folder / "extract")
    with pytest.raises(InputError) as refused:
        nights.run()
    assert refused.value.exit_code == 2
    said = str(refused.value)
    assert [
        w for w in ("gate arrival", fell, "--accept-arrival", "as it was") if w not in said
    ] == []
    assert said in nights.told()[-1]
    assert {path: path.read_bytes() for path in nights.out.rglob("*") if path.is_file()} == files
    assert nights.history("select outcome, exit_code from runs order by run") == [
        ("submission", 0), ("input", 2),
    ]  # fmt: skip

    nights.write("keep: 1", "accept_arrival: true")
    assert nights.run() == 0


@pytest.mark.parametrize("most", [0, 2, 9])
def test_as_many_warehouses_are_kept_as_were_asked_for(most: int, tmp_path: Path) -> None:
    names = [f"sen2_2026_2026-01-0{day}_run0000{day}.duckdb" for day in range(1, 5)]
    others = ["sen2_2027_2026-01-01_run00001.duckdb", "sen2_2026_notes.duckdb"]
    for name in names + others:
        (tmp_path / name).touch()
    nightly._prune(tmp_path, "sen2_2026", most)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted(others + names[len(names) - min(most, len(names)) :])


def test_a_night_that_fails_is_recorded_and_told(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = nights.folder / "extract" / "people.csv"
    people.rename(people.with_suffix(".away"))
    with pytest.raises(InputError):
        nights.run()
    people.with_suffix(".away").rename(people)

    def fail(*_: object, **__: object) -> int:
        raise ZeroDivisionError("a name")

    monkeypatch.setattr(build, "build", fail)
    with pytest.raises(ZeroDivisionError):
        nights.run()
    assert nights.history("select outcome, exit_code from runs order by run") == [
        ("input", 2),
        ("defect", 3),
    ]
    first, second = nights.told()
    assert "the run failed" in first
    assert "people.csv" in first
    assert "a fault of ours" in second
    assert "a name" not in second
    assert not nights.warehouse.exists()


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("", "has no section nightly"),
        ("nightly: {year: 2026}", "nightly.extract: is missing"),
        ("nightly: {extract: e, year: 2026, keep: -1}", "nightly.keep: "),
        ("nightly: {extract: e, year: 2026, colour: 1}", "nightly.colour: is not a setting"),
        ("nightly: {extract: e, year: 2026, notify: {command: []}}", "nightly.notify.command: "),
    ],
)
def test_a_section_that_is_wrong_is_named(section: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "sen2.yml"
    file.write_text(f"la_code: '330'\n{section}\n")
    with pytest.raises(InputError, match=words):
        nightly.nightly(file)


def test_a_message_that_nobody_takes_is_a_note(
    nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    night = nightly.Night(_job(nights), read_config(nights.file).nightly, datetime.now(UTC))
    for command, words in (
        (["no-such-program"], "No such file"),
        ([sys.executable, "-c", "raise SystemExit(7)"], "exit code 7"),
    ):
        notify = night.settings.notify.model_copy(update={"command": command, "when": "always"})
        night.settings = night.settings.model_copy(update={"notify": notify})
        night.text = "SEN2\n"
        night._notify(0, has_news=False)
        assert words in " ".join(capsys.readouterr().err.split())


def test_the_program_that_is_told_is_not_given_the_keys(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    night = nightly.Night(_job(nights), read_config(nights.file).nightly, datetime.now(UTC))
    code = f"import os; open({str(tmp_path / 'names')!r}, 'w').write(' '.join(os.environ))"
    command = {"command": [sys.executable, "-c", code], "when": "always"}
    notify = night.settings.notify.model_copy(update=command)
    night.settings = night.settings.model_copy(update={"notify": notify})
    night.text = "SEN2\n"
    for name in keys.SECRET:
        monkeypatch.setenv(name, "x")
    night._notify(0, has_news=False)
    names = (tmp_path / "names").read_text(encoding="utf-8").split()
    assert "SEN2_SUBJECT" in names
    assert not set(names) & set(keys.SECRET)


def test_a_message_may_be_json(nights: Nights) -> None:
    nights.write("keep: 1", when="problems\n    form: json")
    night = nightly.Night(_job(nights), read_config(nights.file).nightly, datetime.now(UTC))
    night.text = "first line\nsecond\n"
    night._notify(0, has_news=True)
    assert nights.told() == []
    night._notify(1, has_news=False)
    assert json.loads(nights.told()[0]) == {
        "text": night.text,
        "subject": "first line",
        "exit_code": 1,
    }


def _job(nights: Nights) -> Job:
    return Job(YEAR, read_config(nights.file), nights.warehouse, nights.out)


# What is the same, and what is not


def edit_an_output(nights: Nights) -> None:
    (nights.out / "issues.csv").write_text("changed")


def lose_an_output(nights: Nights) -> None:
    (nights.out / "report.html").unlink()


def edit_the_warehouse(nights: Nights) -> None:
    with duckdb.connect(str(nights.warehouse)) as connection:
        connection.execute("update person_level.person set surname = 'Other'")


def correct_a_value(nights: Nights) -> None:
    soak.blank_a_surname(nights.folder / "extract")


def change_a_setting(nights: Nights) -> None:
    text = nights.file.read_text().replace("dmo: Y", "dmo: N")
    nights.file.write_text(text)


def change_the_night(nights: Nights) -> None:
    nights.write("keep: 5")


def copy_the_extract(nights: Nights) -> None:
    shutil.copytree(nights.folder / "extract", nights.folder / "again", copy_function=shutil.copy)
    nights.file.write_text(nights.file.read_text().replace("extract: extract", "extract: again"))


@pytest.fixture(scope="module")
def one_night(
    built: Built, tmp_path_factory: pytest.TempPathFactory
) -> "tuple[Path, pytest.MonkeyPatch]":
    with pytest.MonkeyPatch.context() as patch:
        nights = Nights(tmp_path_factory.mktemp("night"), built, patch)
        nights.write("keep: 1")
        (nights.folder / "extract" / "extract.yml").write_text("extracted_on: 2026-01-15\n")
        assert nights.run() == 0
    return nights.folder


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (lambda nights: None, True),
        (copy_the_extract, True),
        (change_the_night, True),
        (edit_an_output, False),
        (lose_an_output, False),
        (edit_the_warehouse, False),
        (correct_a_value, False),
        (change_a_setting, False),
    ],
)
def test_what_has_changed_is_told_by_content(
    change: Callable[[Nights], None],
    is_same: bool,
    one_night: Path,
    built: Built,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Build(Exception):  # noqa: N818
        pass

    def begin(*_: object, **__: object) -> int:
        raise Build

    folder = tmp_path / "copy"
    shutil.copytree(one_night, folder)
    nights = object.__new__(Nights)
    nights.__dict__.update(
        folder=folder,
        file=folder / "sen2.yml",
        out=folder / "out" / str(YEAR),
        warehouse=folder / "warehouse" / f"sen2_{YEAR}.duckdb",
    )
    monkeypatch.setattr(build, "build", begin)
    change(nights)
    if is_same:
        assert nights.run() == 0
    else:
        with pytest.raises(Build):
            nights.run()


def test_another_version_of_the_project_is_not_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in project.PARTS:
        source = spec.PROJECT / part
        if source.is_file():
            shutil.copy(source, tmp_path / part)
        else:
            shutil.copytree(source, tmp_path / part)
    monkeypatch.setattr(spec, "PROJECT", tmp_path)
    before = project.fingerprint()
    (tmp_path / "tests" / "python" / "new.py").touch()
    assert project.fingerprint() == before
    with (tmp_path / "macros" / "corrections.sql").open("a") as file:
        file.write("\n")
    assert project.fingerprint() != before


# The history


def made(number: int) -> history.Record:
    return history.record(
        year=YEAR,
        la_code="330",
        outcome="errors",
        exit_code=1,
        started=datetime(2026, 1, number, tzinfo=UTC),
        run_timings=[["land", 0.5]],
    )


def test_each_record_goes_into_the_history_once(tmp_path: Path) -> None:
    file, folder = tmp_path / places.HISTORY, tmp_path / "records"
    for number in (2, 1):
        history.save(folder, made(number))
    saved = shutil.copytree(folder, tmp_path / "saved")
    assert history.absorb(file, folder) == 2
    with duckdb.connect(str(file), read_only=True) as reader:
        assert history.absorb(file, saved) == 0
        history.save(folder, made(3))
        assert history.absorb(file, folder) == 1
        assert reader.execute("select count(*) from runs").fetchall() == [(2,)]
    with duckdb.connect(str(file), read_only=True) as reader:
        assert reader.execute(
            "select run, day(started_at at time zone 'UTC') from runs order by run"
        ).fetchall() == [(1, 1), (2, 2), (3, 3)]
    assert list(folder.iterdir()) == []


def test_records_wait_while_the_history_cannot_be_replaced(
    nights: Nights, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    night = nightly.Night(_job(nights), read_config(nights.file).nightly, datetime.now(UTC))
    night.warehouse = nights.warehouse.parent.mkdir()
    history.save(night.records, made(1))

    def held(*_: object) -> None:
        raise InputError("held")

    with monkeypatch.context() as patch:
        patch.setattr(swap, "put", held)
        night._absorb()
    assert "records of the runs wait" in " ".join(capsys.readouterr().err.split())
    assert len(list(night.records.iterdir())) == 1
    night._absorb()
    assert nights.history("select count(*) from runs") == [(1,)]


def test_a_history_of_an_older_version_takes_new_columns(tmp_path: Path) -> None:
    file, folder = tmp_path / places.HISTORY, tmp_path / "records"
    history.save(folder, made(1))
    history.absorb(file, folder)
    with duckdb.connect(str(file)) as connection:
        connection.execute("alter table runs drop column project")
    history.save(folder, {**made(2), "project": "new"})
    history.absorb(file, folder)
    with duckdb.connect(str(file)) as connection:
        assert connection.execute("select project from runs order by run").fetchall() == [
            (None,),
            ("new",),
        ]
