"""Retention: what goes is shown, recorded and gone; what must stay stays; the chain holds."""

import gzip
import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from sen2 import spec, warehouse
from sen2.audit import audit_json, history, pack, purge, verify
from sen2.cli import main
from sen2.ground import places
from sen2.ground.errors import InputError
from sen2.ground.files import sha256
from sen2.settings.config import Job, read_config
from sen2.warehouse import lock

from .conftest import YEAR, Built
from .test_pack import EXPLAIN_ALL, NAME, query

LONG_AGO, DAY_BEFORE, NEXT = "2020-01-01", f"{YEAR}-01-10", f"{YEAR}-01-20"
OLD_AS_AT, AS_AT = f"{YEAR}-01-05", f"{YEAR}-01-15"
OLD = f"sen2_{YEAR}_{OLD_AS_AT}_run00003.duckdb"
PLACED = "Pemberton-Smythe"


class Place:
    """A folder as some nights leave it: all that a purge may find."""

    def __init__(self, folder: Path, built: Built) -> None:
        self.folder = folder
        self.warehouses, self.out = folder / "warehouse", folder / "out" / str(YEAR)
        self.warehouse = self.warehouses / f"sen2_{YEAR}.duckdb"
        self.kept = self.warehouses / "kept"
        (self.kept / "submissions").mkdir(parents=True)
        shutil.copyfile(built.warehouse, self.warehouse)
        self.job = Job(YEAR, read_config(Path(spec.PROJECT) / "sen2.yml"), self.warehouse, self.out)
        for name in (OLD, OLD.replace(OLD_AS_AT, AS_AT).replace("3", "4")):
            shutil.copyfile(built.warehouse, self.kept / name)
        for day in (OLD_AS_AT, AS_AT):
            name = f"SEN2_330_{YEAR}_001_{day}_0123456789ab.xml.gz"
            (self.kept / "submissions" / name).write_bytes(gzip.compress(PLACED.encode()))
        for name, day in (("SEN2_330_2026_001.xml", OLD_AS_AT), ("SEN2_330_2026_002.xml", AS_AT)):
            for kept in ("superseded", "final"):
                path = self.out / kept / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"<DateTime>{day}T00:00:00</DateTime>{PLACED}", encoding="utf-8")
                path.chmod(0o400)
        for name in ("issues.csv", "report.html"):
            (self.out / name).write_text(PLACED, encoding="utf-8")
        (self.out / "gates").mkdir()
        (self.out / "gates" / "index.html").write_text("gates", encoding="utf-8")
        (self.out / "my own notes.txt").write_text("a person's own", encoding="utf-8")
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute(EXPLAIN_ALL)
        self.write_audit()

    def write_audit(self, extracted_on: str = AS_AT) -> None:
        audit_json.write_audit(self.job)
        path = self.out / places.AUDIT
        facts = json.loads(path.read_text(encoding="utf-8"))
        facts["return"] |= {"extracted_on": extracted_on, "as_at": min(extracted_on, AS_AT)}
        facts["outputs"] = [
            each for each in facts["outputs"] if not each["file"].startswith("my own")
        ]
        path.write_text(json.dumps(facts), encoding="utf-8")

    def pack(self, extracted_on: str) -> Path:
        own = self.out / "my own notes.txt"
        text = own.read_bytes()
        own.unlink()
        self.write_audit(extracted_on)
        made = pack.write_pack(self.job, NAME)
        own.write_bytes(text)
        return made

    def plan(self, before: str) -> purge.Plan:
        return purge.plan(date.fromisoformat(before), self.warehouses, self.out.parent, None)

    def gone(self, before: str) -> set[str]:
        """What a purge removes, by path, after doing it."""
        files = self.files()
        found = self.plan(before)
        assert self.files() == files, "a plan changes nothing"
        assert purge.carry_out(found, NAME) == []
        return files - self.files()

    def files(self) -> set[str]:
        return {
            path.relative_to(self.folder).as_posix()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name not in ("history.duckdb", "lock", ".history.lock")
        }


@pytest.fixture
def place(built: Built, tmp_path: Path) -> Place:
    return Place(tmp_path, built)


def test_only_what_is_older_goes_and_all_of_it(place: Place) -> None:
    assert place.plan(LONG_AGO).items == []
    before = f"{YEAR}-01-06"
    assert place.gone(OLD_AS_AT) == set(), "the day itself stays"
    assert place.gone(before) == {
        f"warehouse/kept/{OLD}",
        f"warehouse/kept/submissions/SEN2_330_{YEAR}_001_{OLD_AS_AT}_0123456789ab.xml.gz",
        f"out/{YEAR}/superseded/SEN2_330_2026_001.xml",
        f"out/{YEAR}/final/SEN2_330_2026_001.xml",
    }
    assert place.plan(before).items == []
    with duckdb.connect(str(place.warehouses / places.HISTORY), read_only=True) as connection:
        rows = connection.execute(
            "select kind, file, extracted_on, bytes > 0, length(sha256), purged_by, before_date"
            " from purged order by kind"
        ).fetchall()
    assert [row[0] for row in rows] == [
        "earlier warehouse", "kept submission", "signed submission", "superseded"
    ]  # fmt: skip
    assert {row[2:] for row in rows} == {
        (date.fromisoformat(OLD_AS_AT), True, 64, NAME, date.fromisoformat(before))
    }


def test_a_year_goes_whole_once_its_warehouse_is_older(place: Place) -> None:
    place.pack(OLD_AS_AT)
    (place.out / ".building_sen2_2026").mkdir()
    (place.out / ".building_sen2_2026" / "issues.csv").write_text(PLACED, encoding="utf-8")
    (place.warehouses / ".sen2_2026" / "dbt").mkdir(parents=True)
    (place.warehouses / ".sen2_2026" / "dbt" / "manifest.json").write_text("{}", encoding="utf-8")
    found = place.plan(NEXT)
    assert found.stays == [f"{place.out}: 1 files that sen2 did not make"]
    place.gone(NEXT)
    assert place.files() == {f"out/{YEAR}/my own notes.txt"}
    left = [path for path in place.folder.rglob("*") if path.is_file()]
    assert not [path for path in left if PLACED.encode() in path.read_bytes()]
    assert not (place.warehouses / ".sen2_2026").exists()
    assert not [path for path in place.out.iterdir() if path.is_dir()]


def test_the_chain_of_packs_is_cut_at_its_beginning_and_says_so(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    packs = [place.pack(day) for day in (OLD_AS_AT, DAY_BEFORE, OLD_AS_AT, OLD_AS_AT)]
    gone = place.gone(f"{YEAR}-01-06")
    assert f"out/{YEAR}/packs/{packs[0].name}" in gone
    assert [path.exists() for path in packs] == [False, True, True, True], "none in between"
    last = place.pack(AS_AT)
    capsys.readouterr()
    assert verify.verify(last, before=None, rebuild=False) == 0
    said = capsys.readouterr().out
    assert f"the chain is unbroken to {packs[1].name}; what came before was purged" in said
    assert "not checked: the chain" not in said
    packs[1].unlink()
    verify.verify(last, before=None, rebuild=False)
    assert (
        f"the chain before {packs[2].name}: {packs[1].name} is not here" in capsys.readouterr().out
    )


def test_the_newest_pack_stays_and_one_that_is_no_pack_stops_the_cut(place: Place) -> None:
    packs = [place.pack(OLD_AS_AT) for _ in range(3)]
    found = place.plan(DAY_BEFORE)
    assert f"{packs[2]}: the newest pack, in which the chain ends" in found.stays
    assert {item.path for item in found.items if item.kind == "audit pack"} == set(packs[:2])
    packs[0].write_bytes(b"no pack")
    assert "audit pack" not in {item.kind for item in place.plan(DAY_BEFORE).items}


def test_the_purged_pack_is_on_record_with_its_hash(place: Place) -> None:
    first, _ = place.pack(OLD_AS_AT), place.pack(AS_AT)
    digest = sha256(first)
    place.gone(DAY_BEFORE)
    assert query(place.job, "select file, sha256, before_date from audit.purged_packs") == [
        (first.name, digest, DAY_BEFORE)
    ]
    assert warehouse.is_made_by_a_run("audit", "purged_packs") is False, "a run carries it over"


def test_a_link_goes_and_what_it_points_to_stays(place: Place, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.txt").write_text("keep", encoding="utf-8")
    name = f"sen2_{YEAR}_{OLD_AS_AT}_run00001.duckdb"
    (place.kept / name).symlink_to(elsewhere / "precious.txt")
    shutil.rmtree(place.out / "superseded")
    (place.out / "superseded").symlink_to(elsewhere)
    (place.out / "parquet").symlink_to(elsewhere)
    (place.out / places.AUDIT).write_text(
        json.dumps({"outputs": [{"file": "../../elsewhere/precious.txt"}]}), encoding="utf-8"
    )
    stays = place.plan(NEXT).stays
    words = "is a link; look after what it points to yourself"
    assert f"{place.out / 'superseded'}: {words}" in stays
    place.gone(NEXT)
    assert (elsewhere / "precious.txt").read_text(encoding="utf-8") == "keep"
    assert not (place.kept / name).is_symlink()


def test_an_undated_thing_and_an_older_import_stay_and_are_named(place: Place) -> None:
    (place.warehouses / "mine.duckdb").write_bytes(b"not a database")
    query(
        place.job,
        "insert into imported.sen2 (return_id, reference_date) values ('last_year', '2025-01-16')",
    )
    stays = place.plan(DAY_BEFORE).stays
    assert (
        f"{place.warehouses / 'mine.duckdb'}: its date cannot be told; remove it yourself" in stays
    )
    words = "the imported return last_year, of 2025-01-16, goes with this warehouse"
    assert f"{place.warehouse}: {words}" in stays


def test_nothing_goes_while_another_sen2_is_at_work(place: Place) -> None:
    found, files = place.plan(NEXT), place.files()
    with (
        lock.lock_warehouse(place.warehouse),
        pytest.raises(InputError, match="another sen2 is at work"),
    ):
        purge.carry_out(found, NAME)
    assert place.files() == files


def test_copies_go_by_the_day_of_what_they_copy(
    place: Place, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = place.out / "pseudonymised" / f"sen2_{YEAR}_pseudonymised.duckdb"
    copy.parent.mkdir()
    shutil.copyfile(built.warehouse, copy)
    survey = place.out / "parquet" / "intermediate" / "survey.parquet"
    survey.parent.mkdir(parents=True)
    duckdb.sql(f"copy (select date '{OLD_AS_AT}' as as_at) to '{survey}'")
    with duckdb.connect(str(copy)) as connection:
        connection.execute(f"update intermediate.survey set extracted_on = date '{OLD_AS_AT}'")
    gone = place.gone(DAY_BEFORE)
    assert {f"out/{YEAR}/parquet/intermediate/survey.parquet",
            f"out/{YEAR}/pseudonymised/{copy.name}"} <= gone  # fmt: skip


def test_what_a_later_extract_made_stays_though_it_is_as_at_the_survey_day(place: Place) -> None:
    """After the survey day every return is as at that day, whenever its extract was taken."""
    late, before = f"{YEAR}-03-05", f"{YEAR}-02-25"
    older = place.pack(f"{YEAR}-02-01").name
    newer = place.pack(late).name
    with duckdb.connect(str(place.warehouse)) as connection:
        connection.execute(f"update intermediate.survey set extracted_on = date '{late}'")
    place.write_audit(late)
    gone = place.gone(before)
    assert {name for name in gone if name.startswith("out/")} == {
        f"out/{YEAR}/superseded/SEN2_330_2026_001.xml",
        f"out/{YEAR}/final/SEN2_330_2026_001.xml",
        f"out/{YEAR}/packs/{older}",
    }
    assert f"warehouse/{place.warehouse.name}" not in gone
    assert (place.out / "packs" / newer).exists()
    assert f"warehouse/{place.warehouse.name}" in place.gone(f"{YEAR}-03-06")


def test_a_history_of_an_older_version_gets_the_new_name(tmp_path: Path) -> None:
    path = tmp_path / "history.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table runs (run integer, as_at date, record varchar)")
        connection.execute("insert into runs values (1, date '2025-11-01', 'a')")
        connection.execute(
            "create table purged (before_date date, kind varchar, file varchar, as_at date,"
            " bytes bigint, sha256 varchar, purged_by varchar, purged_at timestamptz)"
        )
    (tmp_path / "records").mkdir()
    made = {"started_at": "2026-03-05T01:00:00+00:00", "as_at": "2026-01-15", "exit_code": 0}
    history.save(tmp_path / "records", made)
    assert history.absorb(path, tmp_path / "records") == 1
    gone = [("output", "report.html", date(2025, 11, 1), 5, None)]
    history.record_purge(path, date(2026, 1, 1), gone, NAME, "2026-03-05T01:00:00+00:00")
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("select run, extracted_on::varchar from runs order by 1")
        assert rows.fetchall() == [(1, "2025-11-01"), (2, "2026-01-15")]
        assert connection.execute("select count(extracted_on) from purged").fetchone() == (1,)


@pytest.fixture(name="command")
def _command(place: Place, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    monkeypatch.chdir(place.folder)

    def run(*options: str) -> tuple[int, str]:
        result = CliRunner().invoke(main.app, ["purge", *options], env={"COLUMNS": "200"})
        return (2, str(result.exception)) if isinstance(result.exception, InputError) else (
            result.exit_code, result.output)  # fmt: skip

    return run


def test_it_shows_first_and_removes_only_when_told(
    place: Place, command: Callable[..., tuple[int, str]]
) -> None:
    files = place.files()
    code, said = command("--before", DAY_BEFORE)
    assert code == 0
    assert f"{OLD_AS_AT}  earlier warehouse" in said
    assert "Nothing was removed. To remove these 4 files and folders" in said
    assert place.files() == files
    code, said = command("--before", DAY_BEFORE, "--yes")
    assert code == 0
    assert "Removed: 4 files and folders" in said
    assert len(files - place.files()) == 4
    assert command("--before", LONG_AGO)[1].endswith(f"Nothing here is from before {LONG_AGO}.\n")


def test_what_cannot_be_removed_is_named(
    place: Place, command: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def refuse(self: Path, missing_ok: bool = False) -> None:
        if self.name == OLD:
            raise PermissionError(13, "Permission denied")
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    code, said = command("--before", DAY_BEFORE, "--yes")
    assert code == 2
    assert f"{OLD}: cannot be removed (Permission denied)" in said
    assert "The rest is gone" in said


def test_the_folders_of_the_nightly_settings_are_looked_at(place: Place, tmp_path: Path) -> None:
    shutil.move(place.kept, tmp_path / "archive")
    settings = tmp_path / "sen2.yml"
    settings.write_text(
        (Path(spec.PROJECT) / "sen2.yml").read_text(encoding="utf-8")
        + f"\nnightly:\n  extract: x\n  year: {YEAR}\n  archive: archive\n",
        encoding="utf-8",
    )
    found = purge.plan(
        date.fromisoformat(DAY_BEFORE), place.warehouses, place.out.parent, read_config(settings)
    )
    assert tmp_path / "archive" / OLD in {item.path for item in found.items}
