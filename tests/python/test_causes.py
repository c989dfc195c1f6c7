"""Likely causes: what an earlier date clears is counted by running the rules, not guessed."""

from pathlib import Path

import duckdb
import pytest

from sen2.build import build
from sen2.reports import causes
from sen2.warehouse import AUDIT_TABLES

FAULTS = [("1", "R04", "r1"), ("1", "R11", "r1"), ("1", "P08", "1"), ("2", "R04", "r2")]


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        for schema in ("audit", "intermediate", "validation", "raw"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table intermediate.survey as select 2026 as collection_year;"
            "create table validation.returns as select * from"
            " (values ('built', 2026), ('last_year', 2025), ('older', 2024))"
            " as t(return_id, collection_year);"
            "create table validation.issues (return_id text, person_id text, rule_id text,"
            " record_id text);"
            "create table validation.compared_changes as select * from (values"
            " ('last_year', 'built', '1', 'r1', 'ReceivedDate', '2024-05-01'),"
            " ('older', 'built', '1', 'r1', 'ReceivedDate', '2023-05-01'),"
            " ('last_year', 'built', '1', 'r1', 'UPN', 'A'),"
            " ('last_year', 'built', '2', 'r2', 'ReceivedDate', '2024-06-01'))"
            " as t(earlier_return_id, later_return_id, later_person_id, later_request_id, item,"
            " earlier_value);"
            "create table audit.lineage as select 'built' as return_id, '1' as person_id,"
            " 'r1' as request_id, 'ReceivedDate' as xml_tag, 'copied' as how,"
            " 'requests' as source_table, 'received_date' as source_column, 'requests.csv' as file,"
            " 2 as row;"
            "create table raw.requests as select '2025-05-01' as received_date,"
            " 'requests.csv' as _file, 2 as _row;"
            f"create table audit.likely_causes ({AUDIT_TABLES['likely_causes']})"
        )
        connection.executemany("insert into validation.issues values ('built', ?, ?, ?)", FAULTS)
    return path


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (["P08"], [("1", "ReceivedDate", "requests", "2024-05-01", 2, 3, "R04, R11")]),
        (["P08", "R11"], []),
    ],
)
def test_only_what_clears_several_faults_is_a_likely_cause(
    path: Path, monkeypatch: pytest.MonkeyPatch, left: list[str], expected: list[object]
) -> None:
    """The build of the copy is stood in for: it leaves the faults that are named."""
    tried = []

    def rules_run(copy: Path, year: int, **_: object) -> int:
        with duckdb.connect(str(copy)) as connection:
            tried.append(connection.execute("select received_date from raw.requests").fetchall())
            connection.execute(
                "delete from validation.issues where not list_contains(?, rule_id)", [left]
            )
        return 1

    monkeypatch.setattr(build, "build", rules_run)
    assert causes.find_causes(path, 2026) == len(expected)
    assert tried == [[("2024-05-01",)]]
    with duckdb.connect(str(path), read_only=True) as connection:
        assert connection.execute("from audit.likely_causes").fetchall() == expected
        assert connection.execute("select received_date from raw.requests").fetchall() == [
            ("2025-05-01",)
        ]
        assert connection.execute("select count(*) from validation.issues").fetchall() == [(4,)]


def test_without_an_earlier_return_there_is_nothing_to_look_in(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from validation.returns where return_id <> 'built'")
    assert causes.find_causes(path, 2026) is None
