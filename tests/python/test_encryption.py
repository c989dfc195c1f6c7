"""Encryption at rest: nothing in the clear on the disk, the key nowhere, and no way around it.

The DuckDB that is installed can read encrypted files and not write them; the one that can is in
.venv/encrypted (`make test` puts it there), and is what PYTHONPATH names for the runs here.
"""

import os
import shutil
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest

from sen2 import spec, warehouse
from sen2.audit import history
from sen2.dev.bench.measure import processes
from sen2.export import pseudonymised
from sen2.ground import keys, places
from sen2.ground.errors import InputError
from sen2.warehouse import encryption

from .conftest import YEAR, Built, once, shared
from .test_run import sen2, values_of_people
from .vault import FILE

KEY = "a key of the tests 0123456789 abcdef"
OTHER_KEY = "another key of the tests 9876543210"
CAN_WRITE = spec.PROJECT / ".venv" / "encrypted"
NAME = f"sen2_{YEAR}.duckdb"
MARK = "Zqxjkvalue"

pytestmark = pytest.mark.skipif(
    not CAN_WRITE.is_dir(), reason="make .venv/encrypted/.installed brings the DuckDB that can"
)


@pytest.fixture(autouse=True)
def _no_key_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "_held", None)
    monkeypatch.setattr(encryption, "_is_asked_for", False)
    monkeypatch.delenv(encryption.VARIABLE, raising=False)


def able(patch: pytest.MonkeyPatch, vault: Path | None = None) -> None:
    """Let what is started from here on write encrypted files, with the keyring of a file."""
    patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (CAN_WRITE, spec.PROJECT))))
    if vault:
        patch.setenv("PYTHON_KEYRING_BACKEND", "tests.python.vault.Vault")
        patch.setenv(FILE, str(vault))


def python(code: str) -> str:
    """What a program prints that the other DuckDB runs."""
    finished = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


@dataclass(frozen=True)
class Ran:
    """A folder in which a run with `encrypt: true` ended well, and where the key showed up."""

    folder: Path
    seen: list[str]

    @property
    def warehouse(self) -> Path:
        """The encrypted warehouse."""
        return self.folder / "warehouse" / NAME


class Watch(threading.Thread):
    """Look into the arguments and the environment of what is run here, again and again."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self.met: set[bytes] = set()
        self.ended = threading.Event()

    def run(self) -> None:
        """Look until told to end."""
        while not self.ended.wait(0.05):
            _, *begun = processes(os.getpid())
            for process in begun:
                with suppress(OSError):  # it has ended meanwhile
                    command = (process / "cmdline").read_bytes()
                    self.met.update(command.split(b"\0"))
                    for held in (command, (process / "environ").read_bytes()):
                        if KEY.encode() in held:
                            self.seen.add(command.replace(b"\0", b" ").decode())


@pytest.fixture(scope="module", name="ran")
def _ran(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """One run for all test workers: the key in the keyring, the settings asking for encryption."""
    folder = shared(tmp_path_factory) / "encrypted"
    told = folder / "seen.txt"
    with once(folder, "encrypted") as first, pytest.MonkeyPatch.context() as patch:
        if first:
            vault = folder / "vault" / "key"
            vault.parent.mkdir()
            vault.write_text(KEY, encoding="utf-8")
            able(patch, vault)
            work = folder / "work"
            work.mkdir()
            settings = (spec.PROJECT / "sen2.yml").read_text(encoding="utf-8")
            (work / "sen2.yml").write_text(f"{settings}\nencrypt: true\n", encoding="utf-8")
            watch = Watch()
            watch.start()
            done = sen2(work, "run", str(built.extract), "--year", str(YEAR))
            watch.ended.set()
            watch.join()
            assert done.returncode == 0, done.stderr
            assert watch.met >= {b"run", b"--multiprocessing-fork"}
            told.write_text("\n".join(watch.seen), encoding="utf-8")
    return Ran(folder / "work", told.read_text(encoding="utf-8").splitlines())


@pytest.fixture(name="again")
def _again(
    ran: Ran, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Work on a copy of the run's folder, whose settings do not ask; a key is in the keyring."""
    folder = tmp_path / "work"
    shutil.copytree(ran.folder, folder)
    shutil.copy(spec.PROJECT / "sen2.yml", folder)
    able(monkeypatch, tmp_path / "key")

    def work(*arguments: str, key: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "key").write_text(key, encoding="utf-8")
        words = {"run": ["run", str(built.extract), "--force"]}.get(arguments[0], [arguments[0]])
        return sen2(folder, *words, *arguments[1:], "--year", str(YEAR))

    return work


def test_nothing_of_a_person_is_on_the_disk_in_the_clear(ran: Ran, built: Built) -> None:
    values = values_of_people(
        built.extract
    )  # but for dates, which stand in this project's own text
    secret = [value.encode() for value in values if len(value) >= 6 and "-" not in value]
    assert len(secret) > 700
    beside = [path for path in ran.warehouse.parent.rglob("*") if path.is_file()]
    assert ran.warehouse in beside
    for path in beside:
        held = path.read_bytes()
        assert [value for value in secret if value in held] == [], path
    in_clear = built.warehouse.read_bytes()
    assert sum(value in in_clear for value in secret) > 100, "the search would find nothing"


def test_the_key_is_in_no_file_no_argument_and_no_environment(ran: Ran) -> None:
    assert ran.seen == []
    files = [path for path in ran.folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_it_is_the_same_return(ran: Ran, built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(encryption.VARIABLE, KEY)
    queries = (
        "select * from person_level.person order by all",
        "select * from validation.issues order by all",
        "select * from published.caseload order by all",
    )
    with (
        warehouse.connect(ran.warehouse, read_only=True) as ours,
        warehouse.connect(built.warehouse, read_only=True) as theirs,
    ):
        for query in queries:
            assert (found := ours.execute(query).fetchall()) == theirs.execute(query).fetchall()
            assert found


def test_whoever_has_the_key_reads_it_with_plain_duckdb(ran: Ran) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{ran.warehouse}' as sen2 (encryption_key ?, read_only)", [KEY])
        rows = connection.execute("select count(*) from sen2.person_level.person").fetchall()
    assert rows[0][0] > 300


@pytest.mark.parametrize("key", ["", OTHER_KEY])
@pytest.mark.parametrize("verb", ["run", "why", "purge"])
def test_without_the_key_nothing_opens_and_nothing_is_lost(
    verb: str, key: str, again: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    kept = {path: path.read_bytes() for path in (tmp_path / "work").rglob("*") if path.is_file()}
    if verb == "purge":
        (tmp_path / "key").write_text("", encoding="utf-8")
        done = sen2(tmp_path / "work", "purge", "--before", "2030-01-01", "--yes")
    else:
        done = again(*{"why": ["why", "P1"]}.get(verb, [verb]), key=key)
    said = " ".join(done.stderr.split())
    assert done.returncode == 2, said
    assert ("encrypted with another key" if key and verb != "purge" else "is encrypted") in said
    assert (key or KEY) not in said
    assert {path: path.read_bytes() for path in kept} == kept


def test_what_was_encrypted_stays_so_and_keeps_what_was_imported(
    again: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    path = tmp_path / "work" / "warehouse" / NAME
    submission = next((tmp_path / "work" / "out" / str(YEAR)).glob("*.xml"))
    was = submission.read_bytes()
    done = sen2_import(tmp_path / "work", submission)
    assert done.returncode == 0, done.stderr
    done = again("run", key=KEY)
    assert done.returncode == 0, done.stderr
    assert encryption.is_encrypted(path)
    assert submission.read_bytes() == was
    with duckdb.connect() as connection:
        connection.execute(f"attach '{path}' as sen2 (encryption_key ?, read_only)", [KEY])
        returns = connection.execute("select distinct return_id from sen2.imported.sen2").fetchall()
    assert returns == [("last_year",)]


def sen2_import(folder: Path, submission: Path) -> subprocess.CompletedProcess[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(encryption.VARIABLE, KEY)
        return sen2(
            folder, "import", str(submission), "--as", "last_year",
            "--warehouse", str(folder / "warehouse" / NAME),
        )  # fmt: skip


def test_a_warehouse_in_the_clear_becomes_encrypted_with_all_it_holds(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / NAME, tmp_path / "new" / NAME
    shutil.copyfile(built.warehouse, old)
    able(monkeypatch)
    monkeypatch.setenv(encryption.VARIABLE, KEY)
    said = python(f"""
        from pathlib import Path
        import duckdb
        from sen2 import warehouse
        from sen2.warehouse import encryption
        old = {{"_old": Path({str(old)!r})}}
        with warehouse.connect(Path({str(new)!r}), attached=old) as connection:
            connection.execute("create table main.person as from _old.person_level.person")
            other = warehouse.second_connection(connection)
            print(other.execute("select count(*) > 300 from person").fetchall(), end=" ")
        is_same = duckdb.__version__ == {duckdb.__version__!r}
        print(encryption.is_encrypted(Path({str(new)!r})), is_same)
    """)
    assert said == "[(True,)] True False"


def test_what_spills_to_disk_is_encrypted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    able(monkeypatch)
    monkeypatch.setenv("SEN2_MEMORY_LIMIT", "60MB")
    program = """
        import threading
        from pathlib import Path
        from sen2 import warehouse
        path, found, files, ended = Path({path!r}), set(), set(), threading.Event()
        def look():
            while not ended.is_set():
                for file in Path(f"{{path}}.tmp").glob("*"):
                    try:
                        held = file.read_bytes()
                    except OSError:
                        continue
                    files.add(file.name)
                    found.add({mark!r} in held)
        with warehouse.connect(path) as connection:
            watch = threading.Thread(target=look)
            watch.start()
            connection.execute("set threads = 1; create table t as select '{mark_text}' || hash(i)"
                               " || hash(i + 1) as a from range(3000000) as t(i) order by hash(i)")
            ended.set()
            watch.join()
        print(bool(files), any(found))
    """
    values = {"mark": MARK.encode(), "mark_text": MARK}
    assert python(program.format(path=str(tmp_path / "a.duckdb"), **values)) == "True True"
    monkeypatch.setenv(encryption.VARIABLE, KEY)
    assert python(program.format(path=str(tmp_path / "b.duckdb"), **values)) == "True False"


def test_dbt_by_hand_has_a_target_for_it(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ran.warehouse, tmp_path)
    able(monkeypatch)
    monkeypatch.setenv(encryption.VARIABLE, KEY)
    monkeypatch.setenv("SEN2_WAREHOUSE", NAME)
    finished = subprocess.run(
        [
            sys.executable, "-P", "-m", "dbt.cli.main", "build", "--select", "survey",
            "--target", "encrypted", "--project-dir", str(spec.PROJECT),
            "--profiles-dir", str(spec.PROJECT / "profiles"),
            "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs"),
            "--debug", "--vars", f"{{collection_year: {YEAR}}}",
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stdout
    assert KEY not in finished.stdout + finished.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"dbt.log", "manifest.json"} <= {path.name for path in files}
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_the_history_and_a_pseudonymised_copy_stay_open(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in keys.SECRET:
        monkeypatch.setenv(name, KEY)
    with history._rewritten(tmp_path / places.HISTORY):
        pass
    copy = pseudonymised.write(built.warehouse, YEAR, tmp_path, 5).path
    for path in (tmp_path / places.HISTORY, copy):
        assert path.exists()
        assert not encryption.is_encrypted(path)


def test_the_page_says_how_to_change_the_key(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (spec.PROJECT / "docs" / "encryption.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[2].split("```")[0]
    shutil.copy(ran.warehouse, tmp_path / "old.duckdb")
    able(monkeypatch)
    monkeypatch.chdir(tmp_path)
    python(f"old_key, new_key = {KEY!r}, {OTHER_KEY!r}\n{code}")
    monkeypatch.setenv(encryption.VARIABLE, OTHER_KEY)
    with warehouse.connect(tmp_path / "new.duckdb", read_only=True) as connection:
        rows = connection.execute("select count(*) from person_level.person").fetchall()
    assert rows[0][0] > 300


@pytest.mark.skipif(find_spec(encryption.EXTENSION) is not None, reason="after make encrypted")
def test_a_duckdb_that_cannot_write_one_says_how_to_get_one_that_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(encryption.VARIABLE, KEY)
    with (
        pytest.raises(InputError, match="make encrypted"),
        warehouse.connect(tmp_path / "x.duckdb"),
    ):
        pass
    assert not (tmp_path / "x.duckdb").exists()


def test_settings_that_ask_without_a_key_stop_before_anything(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    settings = (spec.PROJECT / "sen2.yml").read_text(encoding="utf-8")
    (tmp_path / "sen2.yml").write_text(f"{settings}\nencrypt: true\n", encoding="utf-8")
    for verb in (
        ["run", str(built.extract)],
        ["land", str(built.extract)],
        ["import", "x.xml", "--as", "x"],
        ["verify", "pack.zip", "--rebuild"],
    ):
        done = sen2(tmp_path, *verb)
        assert (done.returncode, "SEN2_WAREHOUSE_KEY: is not set" in done.stderr) == (2, True), verb
    assert not (tmp_path / "warehouse").exists()


def test_a_file_says_itself_whether_it_is_encrypted(ran: Ran, built: Built, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("x" * 99, encoding="utf-8")
    assert encryption.is_encrypted(ran.warehouse)
    for path in (built.warehouse, tmp_path / "text", tmp_path / "missing", tmp_path):
        assert not encryption.is_encrypted(path)


def test_a_name_that_cannot_be_an_attached_one_is_an_input_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    able(monkeypatch)
    monkeypatch.setenv(encryption.VARIABLE, KEY)
    said = python(f"""
        from pathlib import Path
        from sen2 import warehouse
        from sen2.ground.errors import InputError
        for name in ("temp", "memory", "system", "main", "it's", 'a "b"'):
            try:
                with warehouse.connect(Path({str(tmp_path)!r}) / f"{{name}}.duckdb") as connection:
                    connection.execute("create table t (a int)")
                print(name, "works", end="; ")
            except InputError as error:
                print(name, "cannot" in str(error), end="; ")
    """)
    assert said == ('temp True; memory True; system True; main True; it\'s works; a "b" works;')


def test_what_the_newest_duckdb_writes_the_other_reads(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    able(monkeypatch)
    said = python(f"""
        import duckdb
        with duckdb.connect({str(built.warehouse)!r}, read_only=True) as connection:
            print(connection.execute("select count(*) > 300 from person_level.person").fetchall())
    """)
    assert said == "[(True,)]"
