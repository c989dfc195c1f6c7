"""Sign-off and audit packs: what refuses a signature, what is frozen, and that tampering shows."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from filelock import FileLock
from typer.testing import CliRunner

from sen2 import spec
from sen2.audit import audit_json, pack, verify
from sen2.cli import main
from sen2.ground import files, places
from sen2.ground.errors import InputError
from sen2.ground.files import sha256
from sen2.jobs import sign_off
from sen2.settings.config import Job, read_config

from . import fuzz
from .conftest import YEAR, Built

NAME = "Ann Officer"
EXPLAIN_ALL = (
    "insert into validation.issue_notes (return_id, rule_id, record_id, found)"
    " select distinct return_id, rule_id, record_id, found from validation.issues"
    " where severity = 'query'"
)


def job_of(built: Built, folder: Path) -> Job:
    """A copy of the built warehouse, its outputs in a folder of the test's own."""
    file = folder / built.warehouse.name
    shutil.copyfile(built.warehouse, file)
    return Job(YEAR, read_config(spec.PROJECT / "sen2.yml"), file, folder / "out")


def query(job: Job, sql: str) -> list[tuple]:
    with duckdb.connect(str(job.warehouse)) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(name="signed", scope="module")
def _signed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A submission signed off, after a first attempt that was refused, and two packs of it.

    A row of its extract was set aside, as a mapping sets aside what its filter does not take.
    """
    job = job_of(built, tmp_path_factory.mktemp("signed"))
    query(
        job,
        "insert into audit.rows_set_aside select 'one', table_name, file, row_count + 2,"
        " 'not_taken', 'the filter left it out' from audit.landed_files where table_name = 'needs'",
    )
    query(job, "update audit.landed_files set row_count = row_count + 1 where table_name = 'needs'")
    assert sign_off.sign_off(job, NAME) == 1
    assert not job.out.exists()
    assert query(job, "select count(*) from audit.submissions") == [(0,)]
    query(job, EXPLAIN_ALL)
    assert sign_off.sign_off(job, f"  {NAME} ") == 0
    pack.write_pack(job, NAME)
    pack.write_pack(job, NAME)
    return job


@pytest.fixture(name="packs")
def _packs(signed: Job, tmp_path: Path) -> list[Path]:
    """A copy of the packs, to tamper with."""
    return [
        Path(shutil.copy(path, tmp_path)) for path in sorted((signed.out / places.PACKS).iterdir())
    ]


def test_one_unexplained_query_refuses_the_signature(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of(built, tmp_path)
    query(job, EXPLAIN_ALL)
    left_out = query(job, "select rule_id, record_id from validation.issue_notes order by all")[0]
    query(job, f"delete from validation.issue_notes where (rule_id, record_id) = {left_out}")
    assert sign_off.sign_off(job, NAME) == 1
    said = capsys.readouterr().err
    assert "1 queries have no note" in said or "1 query has no note" in said
    assert left_out[0] in said
    assert not list(tmp_path.rglob("*.xml"))


def test_what_is_signed_is_frozen_recorded_and_signed_once(signed: Job) -> None:
    (row,) = query(
        signed, "select file, serial_no, sha256, is_final, signed_by from audit.submissions"
    )
    kept = signed.out / places.FINAL / row[0]
    assert row[3:] == (True, NAME)
    assert sha256(kept) == sha256(signed.out / row[0]) == row[2]
    assert kept.stat().st_mode & 0o777 == 0o400
    with pytest.raises(InputError, match=f"Submission {row[1]} of {YEAR} was signed off by {NAME}"):
        sign_off.sign_off(signed, "Somebody else")
    assert query(signed, "select signed_by from audit.submissions") == [(NAME,)]


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\nb"])
def test_a_signature_needs_a_name(signed: Job, name: str) -> None:
    with pytest.raises(InputError, match="--by"):
        sign_off.sign_off(signed, name)


@pytest.mark.parametrize(
    "options",
    [["--final"], ["--by", "x"], ["--final", "--by", "x", "--accept-arrival"]],
)
def test_final_and_by_go_together(options: list[str]) -> None:
    config = str(spec.PROJECT / "sen2.yml")
    result = CliRunner().invoke(main.app, ["export", "--config", config, *options])
    assert isinstance(result.exception, InputError)


def test_audit_json_tells_the_same_twice_and_nothing_of_a_person(signed: Job) -> None:
    path = signed.out / places.AUDIT
    before = path.read_bytes()
    assert audit_json.write_audit(signed).read_bytes() == before
    facts = json.loads(before)
    people = query(signed, "select count(*) from person_level.person where return_id = 'built'")
    assert facts["tables"]["person"] == people[0][0]
    assert facts["submission"]["sha256"] == sha256(signed.out / facts["submission"]["file"])
    assert {each["rule_id"] for each in facts["rules"]} == {
        rule["rule_id"] for rule in spec.in_force("rules", YEAR) if rule["module"] != "form"
    }
    values = query(
        signed,
        "select unnest([surname, forename, upn, postcode]) from person_level.person",
    )
    text = before.decode()
    assert not [value for (value,) in values if value and f'"{value}"' in text]


def test_a_whole_chain_holds_and_gives_the_same_submission_again(
    packs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.verify(packs[1], before=None, rebuild=True) == 0
    said = capsys.readouterr().out
    assert "the chain is unbroken to the first pack" in said
    assert "the submission made again has the same bytes" in said


def test_packs_of_the_same_run_hold_the_same_and_point_back(packs: list[Path]) -> None:
    contents = []
    for path in packs:
        with zipfile.ZipFile(path) as file:
            contents.append({name: file.read(name) for name in file.namelist()})
    first, second = (json.loads(content.pop(pack.MANIFEST)) for content in contents)
    assert first["previous"] is None
    assert second["previous"] == {"file": packs[0].name, "sha256": sha256(packs[0])}
    changes = json.loads(contents[1].pop(pack.CHANGES))
    contents[0].pop(pack.CHANGES)
    assert contents[0] == contents[1]
    assert changes.pop("since") == packs[0].name
    assert not any(changes.values())


def rewrite(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write a pack again with other members."""
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name, content)


def _submission(members: dict[str, bytes]) -> str:
    return next(name for name in members if name.endswith(".xml"))


def _change_submission(members: dict[str, bytes]) -> None:
    name = _submission(members)
    members[name] = members[name].replace(b"<Surname>", b"<Surname>X", 1)


def _change_both(members: dict[str, bytes]) -> None:
    """The submission changed and the manifest made to match: audit.json still tells."""
    _change_submission(members)
    name = _submission(members)
    manifest = json.loads(members[pack.MANIFEST])
    manifest["members"][name]["sha256"] = hashlib.sha256(members[name]).hexdigest()
    members[pack.MANIFEST] = json.dumps(manifest).encode()


def _remove(members: dict[str, bytes]) -> None:
    del members["outputs/gates/index.html"]


def _add(members: dict[str, bytes]) -> None:
    members["../../escaped.txt"] = b"x"


@pytest.mark.parametrize("change", [_change_submission, _change_both, _remove, _add])
def test_tampering_shows(
    packs: list[Path],
    change: Callable[[dict[str, bytes]], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    rewrite(packs[1], change)
    assert verify.verify(packs[1], before=None, rebuild=False) == 1
    assert "DOES NOT HOLD" in capsys.readouterr().err


def test_a_changed_pack_breaks_the_chain_of_those_after_it(
    packs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(packs[0], lambda members: None)
    assert verify.verify(packs[1], before=None, rebuild=False) == 1
    assert "is not the pack that" in capsys.readouterr().err
    packs[0].unlink()
    assert verify.verify(packs[1], before=None, rebuild=False) == 0
    assert "not checked: the chain before" in capsys.readouterr().out


def _replace(path: Path, name: str, content: bytes) -> None:
    """Another landed table in a pack, and the manifest made to match."""

    def change(members: dict[str, bytes]) -> None:
        members[name] = content
        manifest = json.loads(members[pack.MANIFEST])
        told = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        manifest["members"][name] = told
        members[pack.MANIFEST] = json.dumps(manifest).encode()

    rewrite(path, change)


@pytest.fixture(name="scratch")
def _scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for what is made for a moment."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@pytest.mark.parametrize(
    ("rows", "length"),
    [(files.MOST_ROWS + 1, 1), (files.MOST_BYTES // 1_000_000 + 1, 1_000_000)],
)
def test_a_small_pack_that_would_fill_the_disk_is_refused(
    packs: list[Path], scratch: Path, rows: int, length: int
) -> None:
    content = fuzz.repeating(["person_id"], rows, length)
    assert len(content) < 2_000_000
    _replace(packs[0], "landed/raw.people.parquet", content)
    with pytest.raises(InputError, match=r"pack_0001\.zip: its landed tables hold more than"):
        verify.verify(packs[0], before=None, rebuild=True)
    assert list(scratch.iterdir()) == []


def test_a_landed_table_of_another_kind_is_an_input_error(packs: list[Path], scratch: Path) -> None:
    content = fuzz.parquet_of({"person_id": [[[1]] * 9]})
    _replace(packs[0], "landed/raw.people.parquet", content)
    with pytest.raises(InputError, match="is not one of ours"):
        verify.verify(packs[0], before=None, rebuild=True)
    assert list(scratch.iterdir()) == []


def test_a_rebuild_that_is_stopped_leaves_nothing(packs: list[Path], scratch: Path) -> None:
    """What it makes is the whole warehouse: where it stands, nobody would look for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sen2.cli", "verify", "--rebuild", str(packs[0])],
        cwd=scratch.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(scratch.glob(f"{verify.SCRATCH}*/*.duckdb")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + signal.SIGTERM, "")
    assert list(scratch.iterdir()) == []


def test_a_rebuild_removes_what_one_that_was_killed_left(scratch: Path) -> None:
    left, busy, others = (
        scratch / f"{verify.SCRATCH}{name}" for name in ("left", "busy", "others")
    )
    for folder in (left, busy, others):
        folder.mkdir(mode=0o700)
        (folder / "lock").touch()
        (folder / "landed.parquet").touch()
    others.chmod(0o777)
    with FileLock(busy / "lock"), verify._scratch() as own:
        assert set(scratch.iterdir()) == {busy, others, own}
    assert set(scratch.iterdir()) == {busy, others}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nonsense", None])
def test_what_is_no_pack_is_an_input_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "pack.zip"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"pack\.zip"):
        verify.verify(path, before=None, rebuild=False)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(pack.MANIFEST, "[]")
    with pytest.raises(InputError, match="is not an audit pack"):
        verify.verify(path, before=None, rebuild=False)


def test_the_parts_that_a_killed_packing_left_are_removed(built: Built, tmp_path: Path) -> None:
    job = job_of(built, tmp_path)
    job.out.mkdir()
    audit_json.write_audit(job)
    parts = job.out / pack.places.PACKS / pack.PARTS
    parts.mkdir(parents=True)
    (parts / "raw.people.parquet").touch()
    made = pack.write_pack(job, NAME)
    assert [path.name for path in made.parent.iterdir()] == [made.name]


def test_outputs_that_changed_since_the_run_are_not_packed(built: Built, tmp_path: Path) -> None:
    job = job_of(built, tmp_path)
    with pytest.raises(InputError, match="Run `sen2 run` first"):
        pack.write_pack(job, NAME)
    job.out.mkdir()
    (job.out / "issues.csv").write_text("x\n")
    audit_json.write_audit(job)
    assert pack.write_pack(job, NAME).name.endswith("_pack_0001.zip")
    (job.out / "issues.csv").write_text("y\n")
    with pytest.raises(InputError, match=r"issues\.csv: changed since"):
        pack.write_pack(job, NAME)
