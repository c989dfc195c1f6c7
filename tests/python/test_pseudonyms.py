"""The pseudonymised copy, and the attempts to find a child in it again."""

import hashlib
import hmac
import re
import shutil
import sys
from datetime import date
from pathlib import Path

import duckdb
import keyring
import keyring.errors
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sen2 import spec
from sen2 import warehouse as warehouses
from sen2.export import pseudonymised
from sen2.ground import keys
from sen2.ground.errors import DefectError, InputError

from .conftest import YEAR, Built
from .test_run import sen2

KEY = "a key of the tests 0123456789 abcdef"
OTHER_KEY = "another key of the tests 9876543210"
FEWEST = 5
PLANTED = "Pemberton-Smythe"
LINKED = ("person_id", "request_id", "placement_id", "plan_id", "upn", "unique_learner_number")
GUESSES = ["", "sen2", "key", "password", "SEN2_PSEUDONYM_KEY", "upn", "secret", "0" * 64]


@pytest.fixture(name="source", scope="module")
def _source(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shared warehouse, with names where the case system should have had codes."""
    path = tmp_path_factory.mktemp("source") / "sen2.duckdb"
    shutil.copyfile(built.warehouse, path)
    with duckdb.connect(str(path)) as connection:
        for column in ("sex", "ethnicity", "upn_unknown"):
            connection.execute(
                f"update person_level.person set {column} = '{PLANTED}' where person_id ="
                " (select max(person_id) from person_level.person)"
            )
        for table, column in (
            ("placement_detail", "sen_setting"),
            ("requests", "exported"),
            ("sen_need", "sen_type"),
        ):
            connection.execute(
                f"update person_level.{table} set {column} = '{PLANTED}' where rowid = 3"
            )
        connection.execute("create schema team; create table team.names as select 'A Name' as name")
    return path


@pytest.fixture(name="copy", scope="module")
def _copy(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(pseudonymised.VARIABLE, KEY)
        made = pseudonymised.write(source, YEAR, tmp_path_factory.mktemp("copy"), FEWEST)
    assert made.left_out == 1
    return made.path


@pytest.fixture(name="both", scope="module")
def _both(source: Path, copy: Path) -> duckdb.DuckDBPyConnection:
    """What a person has who holds the extract and the copy: the attacker of these tests."""
    connection = duckdb.connect()
    connection.execute(f"attach '{source}' as old (read_only); attach '{copy}' as new (read_only)")
    return connection


def cells(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, set[str]]:
    """Every different text of a database, by table."""
    found: dict[str, set[str]] = {}
    for table in pseudonymised.tables_of(connection, database):
        if table.schema == "spec":
            continue
        for column, kind in table.columns:
            if kind == "VARCHAR":
                rows = connection.execute(
                    f'select distinct "{column}" from {database}.{table.sql}'
                ).fetchall()
                found.setdefault(f"{table.schema}.{table.name}", set()).update(
                    value for (value,) in rows if value
                )
    return found


def identifiers(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Every value of the extract that says who or where somebody is, and all free text."""
    columns = {
        "people": ("person_id", "surname", "forename", "postcode", "upn", "uln"),
        "requests": ("request_id",),
        "plans": ("plan_id",),
        "placements": ("placement_id", "setting_note", "urn", "ukprn"),
        "plan_settings": ("setting_note", "urn", "ukprn"),
        "establishments": ("name", "urn", "ukprn"),
    }
    return {
        value
        for table, names in columns.items()
        for name in names
        for (value,) in connection.execute(
            f"select distinct {name} from old.raw.{table} where {name} <> ''"
        ).fetchall()
    } | {PLANTED}


def found_in(data: bytes, sought: list[bytes]) -> list[bytes]:
    """Which of these stand in the data; a window of six bytes tells where it is worth to look."""
    held = np.frombuffer(data, np.uint8)
    three = held[:-5].astype(np.uint32) << 16 | held[1:-4].astype(np.uint32) << 8 | held[2:-3]
    begins = np.zeros(1 << 24, bool)
    begins[[int.from_bytes(each[:3], "big") for each in sought]] = True
    by_start: dict[bytes, list[bytes]] = {}
    for each in sought:
        by_start.setdefault(each[:6], []).append(each)
    return [
        each
        for place in np.flatnonzero(begins[three]).tolist()
        for each in by_start.get(data[place : place + 6], ())
        if data.startswith(each, place)
    ]


# One place says what becomes of every column


def test_every_table_and_column_is_classified(built: Built) -> None:
    with warehouses.connect(built.warehouse, read_only=True) as connection:
        tables = pseudonymised.tables_of(connection, "sen2")
    assert pseudonymised.unclassified(tables) == []
    named = {(table.schema, table.name): dict(table.columns) for table in tables}
    everywhere = {column for columns in named.values() for column in columns}
    for row in spec.seed("pseudonymisation"):
        schema, table, column = row["schema_name"], row["table_name"], row["column_name"]
        where = f"{schema}.{table}.{column}"
        if not column:
            assert row["treatment"] in {"take", "take_whole", "leave_out"}, where
            assert row["treatment"] == "take" or row["reason"], where
            assert schema in {s for s, _ in named} if table == "*" else (schema, table) in named
        else:
            assert row["treatment"] in pseudonymised.TREATMENTS, where
            assert column in (everywhere if schema == "*" else named[schema, table]), where


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("alter table person_level.person add column nickname varchar", "person.nickname"),
        ("create table intermediate.clocks_by_name (surname varchar)", ""),
    ],
)
def test_what_nobody_classified_stops_the_export(
    change: str, named: str, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(pseudonymised.VARIABLE, KEY)
    path = tmp_path / "sen2.duckdb"
    shutil.copyfile(built.warehouse, path)
    with duckdb.connect(str(path)) as connection:
        connection.execute(change)
    with pytest.raises(DefectError, match=named or "clocks_by_name"):
        pseudonymised.write(path, YEAR, tmp_path, FEWEST)
    assert [*(tmp_path / "pseudonymised").iterdir()] == []


# Attempts to find a child again


def test_no_identifier_is_in_a_cell(both: duckdb.DuckDBPyConnection) -> None:
    secret = identifiers(both)
    assert len(secret) > 1500
    found = cells(both, "new")
    assert {table for table, values in found.items() if values & secret} == set()
    words = {
        word for values in found.values() for value in values for word in re.split(r"\W", value)
    }
    assert {value for value in secret if len(value) >= 6 and value in words} == set()
    schemas = {table.partition(".")[0] for table in found}
    assert schemas == {"main", "staging", "intermediate", "person_level", "validation"}


def test_no_identifier_is_in_the_bytes(
    copy: Path, both: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    ours = "".join(
        path.read_text(encoding="utf-8") for path in (spec.PROJECT / "seeds").rglob("*.csv")
    )
    secret = [
        value.encode() for value in identifiers(both) if len(value) >= 6 and value not in ours
    ]
    assert len(secret) > 1500
    same, plain = tmp_path / "same.duckdb", tmp_path / "plain.duckdb"
    shutil.copyfile(copy, same)
    with duckdb.connect(str(plain)) as connection:  # the same, with nothing compressed
        connection.execute(f"set force_compression = 'uncompressed'; attach '{same}' as it")
        connection.execute("copy from database it to plain")
    pseudonym = both.execute("select min(person_id) from new.person_level.person").fetchone()
    assert pseudonym
    assert pseudonym[0].encode() in plain.read_bytes(), "the search would find nothing"
    for path in (copy, plain):
        assert found_in(path.read_bytes(), secret) == [], path
    assert found_in(b"x" * 99 + secret[0] + b"x", secret) == [secret[0]]


def test_a_upn_cannot_be_guessed_without_the_key(both: duckdb.DuckDBPyConnection) -> None:
    upns = [
        upn for (upn,) in both.execute(
            "select distinct upn from old.person_level.person where upn <> ''"
        ).fetchall()
    ]  # fmt: skip
    held = {value for values in cells(both, "new").values() for value in values}
    for upn in upns:
        for text in (upn, f"upn:{upn}", upn.lower()):
            plain = [getattr(hashlib, name)(text.encode()).hexdigest() for name in
                     ("md5", "sha1", "sha256", "sha512")]  # fmt: skip
            keyed = [
                hmac.new(guess.encode(), text.encode(), "sha256").hexdigest() for guess in GUESSES
            ]
            assert not {digest[: pseudonymised.LENGTH] for digest in plain + keyed} & held
    with_key = {pseudonymised.pseudonym(KEY.encode(), "upn", upn) for upn in upns}
    assert with_key <= held, "with the key each is found"


def test_what_others_know_of_a_child_never_singles_it_out(both: duckdb.DuckDBPyConnection) -> None:
    """Month of birth, sex and ethnicity, known exactly, leave at least five records to choose."""
    consistent = """
        select known.person_id, count(*) as candidates
        from old.person_level.person as known
        inner join new.person_level.person as shown
            on shown.return_id = 'built'
            and case shown.birth_precision
                when 'month' then shown.person_birth_date
                    = date_trunc('month', known.person_birth_date)
                when 'year' then shown.person_birth_date
                    = date_trunc('year', known.person_birth_date)
                else shown.person_birth_date is null
            end
            and coalesce(shown.sex, known.sex, '') = coalesce(known.sex, '')
            and coalesce(shown.ethnicity, known.ethnicity, '') = coalesce(known.ethnicity, '')
        where known.return_id = 'built'
        group by all
        """
    candidates = both.execute(consistent).fetchall()
    people = both.execute("select count(*) from old.person_level.person").fetchone()
    assert people == (len(candidates),)
    assert min(count for _, count in candidates) >= FEWEST
    alone = both.execute(
        "select count(*) from (select 1 from old.person_level.person group by"
        " date_trunc('month', person_birth_date), sex, ethnicity having count(*) = 1)"
    ).fetchone()
    assert alone
    assert alone[0] > people[0] / 2, "unguarded, most would be alone"
    shown = both.execute(
        "select birth_precision, count(*) from new.person_level.person group by all"
    ).fetchall()
    assert "year" in {precision for precision, _ in shown}, "something must be left to work with"


def test_no_date_of_birth_is_left(both: duckdb.DuckDBPyConnection) -> None:
    days = both.execute(
        "select distinct extract(day from person_birth_date) from new.person_level.person"
        " where person_birth_date is not null"
    ).fetchall()
    assert days == [(1,)]
    columns = {
        column
        for table in pseudonymised.tables_of(both, "new")
        if table.schema != "spec"
        for column, _ in table.columns
    }
    assert {column for column in columns if "birth" in column} == {
        "person_birth_date",
        "birth_precision",
    }
    assert not columns & {"surname", "forename", "postcode", "found", "_row", "_file", "source_row"}


def test_the_order_of_rows_is_not_the_extracts(both: duckdb.DuckDBPyConnection) -> None:
    rows = both.execute("select person_id from new.person_level.person order by rowid").fetchall()
    assert rows == sorted(rows)


# What it is good for


def test_records_still_belong_together(both: duckdb.DuckDBPyConnection) -> None:
    for query in (
        "select cases.category, count(*), count(distinct person_id), count(requests.request_id)"
        " from {}.intermediate.case_scope as cases"
        " left join {}.person_level.requests as requests using (person_id, request_id)"
        " group by all order by all",
        "select rule_id, count(distinct person_id), count(distinct record_id)"
        " from {}.validation.issues group by all order by all",
        "select kind, count(*) from {}.person_level.placement_detail inner join"
        " {}.intermediate.establishments using (urn) group by all order by all",
        "select clock, state, sum(days) from {}.intermediate.clocks group by all order by all",
    ):
        old, new = (
            both.execute(query.replace("{}", database)).fetchall() for database in ("old", "new")
        )
        assert old == new
        assert old
    lost = both.execute(
        "select count(*) from new.validation.issues as issues anti join"
        " new.person_level.placement_detail as placements"
        " on issues.record_id = placements.placement_id where module = 'placement_detail'"
    ).fetchone()
    assert lost == (0,)


def test_the_same_key_gives_the_same_copy_and_another_key_none_of_its_pseudonyms(
    source: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {}
    for name, key in (("again", KEY), ("other", OTHER_KEY)):
        monkeypatch.setenv(pseudonymised.VARIABLE, key)
        made[name] = pseudonymised.write(source, YEAR, tmp_path / name, FEWEST).path
    connection = duckdb.connect()
    for name, path in {"copy": copy, **made}.items():
        connection.execute(f"attach '{path}' as \"{name}\" (read_only)")
    for table in pseudonymised.tables_of(connection, "copy"):
        differ = connection.execute(
            f'(from "copy".{table.sql} except all from again.{table.sql}) union all'
            f' (from again.{table.sql} except all from "copy".{table.sql})'
        ).fetchall()
        assert differ == [], table
    for column in LINKED:
        table = "intermediate.case_plans" if column == "plan_id" else "person_level." + (
            "placement_detail" if column in ("placement_id", "request_id") else "person"
        )  # fmt: skip
        shared = connection.execute(
            f'select count("{column}") from "copy".{table} semi join other.{table}'
            f' using ("{column}")'
        ).fetchone()
        assert shared == (0,), column


def test_the_sql_is_hmac_and_ids_upns_and_ulns_are_apart(copy: Path) -> None:
    pads = pseudonymised._pads(KEY.encode())
    with duckdb.connect() as connection:
        for space in ("id", "upn"):
            sql = f"select {pseudonymised._pseudonym(space, '$value')}"
            for value in ("P0000001", "Zoë", "x" * 200):
                (found,) = connection.execute(sql, {"value": value, **pads}).fetchall()[0]
                assert found == pseudonymised.pseudonym(KEY.encode(), space, value)
        assert pseudonymised.pseudonym(KEY.encode(), "id", "1") != pseudonymised.pseudonym(
            KEY.encode(), "upn", "1"
        )
        long = ("long key " * 20).encode()
        (found,) = connection.execute(
            f"select {pseudonymised._pseudonym('id', '$value')}",
            {"value": "1", **pseudonymised._pads(long)},
        ).fetchall()[0]
        assert found == pseudonymised.pseudonym(long, "id", "1")
    assert KEY.encode() not in copy.read_bytes()


PEOPLE = st.lists(
    st.tuples(
        st.sampled_from([date(2010, 1, 3), date(2010, 1, 9), date(2010, 5, 1), None]),
        st.sampled_from(["M", "F", None]),
        st.sampled_from(["WBRI", "APKN", None, PLANTED]),
    ),
    min_size=1,
    max_size=40,
)  # fmt: skip


Person = tuple[date | None, str | None, str | None]


def guarded(people: list[Person], fewest: int) -> list[tuple]:
    """Birth date, sex, gender, ethnicity and precision as shown, and how many are shown so."""
    with duckdb.connect() as connection:
        connection.execute(
            "attach ':memory:' as _old; create schema _old.person_level; create table"
            " _old.person_level.person (return_id varchar, person_id varchar, person_birth_date"
            " date, sex varchar, gender_current varchar, ethnicity varchar)"
        )
        connection.executemany(
            "insert into _old.person_level.person values ('built', ?, ?, ?, null, ?)",
            [[str(number), *person] for number, person in enumerate(people)],
        )
        pseudonymised._prepare(connection, fewest)
        return connection.execute(
            "select * exclude (return_id, person_id), count(*) from _guarded group by all"
            " order by all"
        ).fetchall()


@settings(max_examples=15, deadline=None)
@given(PEOPLE, st.integers(0, 7))
def test_nobody_is_shown_with_fewer_like_him(people: list[Person], fewest: int) -> None:
    groups = guarded(people, fewest)
    assert sum(count for *_, count in groups) == len(people)
    for *shown, count in groups:
        assert count >= min(fewest, len(people))
        assert PLANTED not in shown


def test_what_is_shown_is_as_much_as_enough_people_share() -> None:
    born = [date(2012, 5, day) for day in range(1, 7)]
    month, year = date(2012, 5, 1), date(2012, 1, 1)
    alike: list[Person] = [(day, "F", "WBRI") for day in born]
    assert guarded(alike, 5) == [(month, "F", None, "WBRI", "month", 6)]
    by_year = [(day.replace(month=day.day), "F", "WBRI") for day in born]
    assert guarded([*by_year], 5) == [(year, "F", None, "WBRI", "year", 6)]
    mixed = [(day, "F", code) for day, code in zip(born, ("WBRI", "APKN") * 3, strict=True)]
    assert guarded([*mixed], 5) == [(month, "F", None, None, "month", 6)]
    alone: Person = (date(1999, 1, 1), "M", "APKN")
    assert guarded([*alike, alone], 5) == [(None, None, None, None, None, 7)], "none stands out"
    assert len(guarded([*alike, alone], 0)) == 2


# The key


def test_a_key_must_be_there_and_hard_to_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pseudonymised.VARIABLE, raising=False)
    monkeypatch.setattr(keyring, "get_password", lambda *_: None)
    with pytest.raises(InputError, match="is not set, in the environment or in the keyring"):
        keys.key(pseudonymised.VARIABLE, pseudonymised.LOST)
    for weak in ("short", "abcdefghijklmnopqrstuvwxyz", "ab" * 40):
        monkeypatch.setenv(pseudonymised.VARIABLE, weak)
        with pytest.raises(InputError, match="too easy to guess") as fault:
            keys.key(pseudonymised.VARIABLE, pseudonymised.LOST)
        assert weak not in str(fault.value)


def test_a_key_may_come_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: str) -> str:
        raise keyring.errors.KeyringError

    held = {(keys.SERVICE, pseudonymised.VARIABLE): KEY}
    monkeypatch.setattr(keyring, "get_password", lambda *name: held[name])
    monkeypatch.delenv(pseudonymised.VARIABLE, raising=False)
    assert keys.key(pseudonymised.VARIABLE, pseudonymised.LOST) == KEY.encode()
    monkeypatch.setattr(keyring, "get_password", refuse)
    with pytest.raises(InputError, match="is not set"):
        keys.key(pseudonymised.VARIABLE, pseudonymised.LOST)


def test_the_command_writes_it_alone(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(spec.PROJECT / "sen2.yml", tmp_path)
    monkeypatch.setenv(pseudonymised.VARIABLE, KEY)
    refused = sen2(tmp_path, "export", "--pseudonymised", "--parquet")
    assert refused.returncode == 2
    assert "goes alone" in refused.stderr
    done = sen2(
        tmp_path, "export", "--pseudonymised", "--year", str(YEAR), "--warehouse", str(source)
    )
    assert done.returncode == 0, done.stderr
    assert "It is still personal data" in done.stdout
    assert "1 tables that this project does not make were left out" in done.stderr
    assert KEY not in done.stdout + done.stderr
    made = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert [path.name for path in made] == [f"sen2_{YEAR}_pseudonymised.duckdb"]
    assert not made[0].stat().st_mode & 0o077 or sys.platform == "win32"
