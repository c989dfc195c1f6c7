"""audit.json: what a return was made of, by what, and what came of it. No value of a person's."""

import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import duckdb

from .. import spec, warehouse
from ..ground import places
from ..ground.files import sha256
from ..settings.config import Job
from ..untrusted.parsers import read_json

FORMAT = 1
PROGRAMS = ("sen2", "duckdb", "dbt-core", "dbt-duckdb", "great-expectations", "lxml", "xlsxwriter")

Facts = dict[str, Any]

QUERIES = {
    "inputs": "from audit.landed_files order by table_name, file",
    "gates": (
        "select gate, outcome, severity, count(*) as expectations, sum(broken)::bigint as broken"
        " from audit.gate_results group by all order by all"
    ),
    "rules": (
        "select rule_id, severity, status, issue_count, person_count from validation.rule_summary"
        " where return_id = 'built' order by rule_id"
    ),
    "notes": (
        "select rule_id, record_id, author, written_date, expiry_date, kind, agreed_by,"
        " agreed_date, status from validation.query_notes order by row"
    ),
    "agreed_errors": (
        "select rule_id, record_id, agreed_by, agreed_date from validation.issue_notes"
        " where return_id = 'built' and kind = 'agreed' order by all"
    ),
    "severities": "from local.rule_severities order by rule_id",
    "overrides": (
        "select table_name, key, column_name, author, written_date, expiry_date, status"
        " from audit.overrides order by row"
    ),
    "dispositions": (
        "select table_name, disposition, count(*) as rows"
        " from audit.row_dispositions group by all order by all"
    ),
}


def write_audit(job: Job) -> Path:
    """Write audit.json beside the outputs it describes; the same run gives the same bytes."""
    with warehouse.connect(job.warehouse, read_only=True) as connection:
        facts = facts_of(connection, job)
    path = job.out / places.AUDIT
    path.write_text(json.dumps(facts, indent=1, default=str) + "\n", encoding="utf-8")
    return path


def read(path: Path) -> Facts | None:
    """An audit.json; nothing when there is none that can be read."""
    try:
        facts = read_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return facts if isinstance(facts, dict) else None


def facts_of(connection: duckdb.DuckDBPyConnection, job: Job) -> Facts:
    """The facts of a finished run: inputs, seeds, settings, gates, rules, counts, outputs."""
    facts: Facts = {
        "format": FORMAT,
        "return": _rows(
            connection,
            "select collection_year, la_code, survey_day, period_start, period_end, as_at,"
            " extracted_on"
            " from intermediate.survey",
        )[0],
        "settings": _rows(connection, "from audit.extract_settings")[0],
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in PROGRAMS},
        "seeds": {
            path.relative_to(spec.PROJECT).as_posix(): sha256(path)
            for path in sorted((spec.PROJECT / "seeds").rglob("*.csv"))
        },
    }
    facts |= {name: _rows(connection, query) for name, query in QUERIES.items()}
    facts["tables"] = {
        table: _rows(
            connection,
            f"select count(*) as rows from person_level.{table} where return_id = 'built'",
        )[0]["rows"]
        for table in spec.person_level_columns()
    }
    facts["outputs"] = outputs(job.out)
    written = {each["file"] for each in facts["outputs"]}
    submissions = _rows(
        connection,
        "select * from audit.submissions order by collection_year desc, serial_no desc",
    )
    facts["submission"] = next(
        (
            each
            for each in submissions
            if each["collection_year"] == job.year and each["file"] in written
        ),
        None,
    )
    return facts


def outputs(out: Path) -> list[Facts]:
    """Every output of the last run in a folder, with its size in bytes and SHA-256."""
    return [
        {"file": name, "bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(out.rglob("*"))
        if path.is_file()
        and (name := path.relative_to(out).as_posix()) != places.AUDIT
        and name.split("/")[0] not in places.STAYING
        and not name.startswith(".")
    ]


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Facts]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
