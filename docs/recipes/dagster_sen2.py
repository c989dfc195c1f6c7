"""Dagster: the dbt models as assets, the gates as asset checks, the outputs beside them.

`pip install dagster dagster-webserver dagster-dbt` beside sen2, then, where sen2.yml is:

    dagster dev -f dagster_sen2.py

One step does the whole night, as `sen2 nightly` does it: the new warehouse takes the place of the
old when all of it is complete, and never table by table.
"""

import json
import os
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
import duckdb
from dagster_dbt import DbtProject, build_dbt_asset_specs

from sen2.settings.config import read_config
from sen2.spec import PROJECT

SETTINGS = Path(os.environ.get("SEN2_SETTINGS", "sen2.yml")).resolve()
NIGHTLY = read_config(SETTINGS).nightly
WAREHOUSE = NIGHTLY.warehouse or SETTINGS.parent / "warehouse" / f"sen2_{NIGHTLY.year}.duckdb"
OUT = NIGHTLY.out or SETTINGS.parent / "out" / str(NIGHTLY.year)
os.environ.setdefault("SEN2_WAREHOUSE", str(WAREHOUSE))

project = DbtProject(project_dir=PROJECT, profiles_dir=PROJECT / "profiles")
project.prepare_if_dev()

models = build_dbt_asset_specs(manifest=project.manifest_path, project=project, select="fqn:*")
judged = dg.AssetKey(["validation", "issues"])
outputs = [
    dg.AssetSpec(name, group_name="outputs", deps=[judged])
    for name in ("submission", "issues_workbook", "report_page", "audit_facts")
]
gates = [dg.AssetCheckSpec(gate, asset="submission") for gate in ("arrival", "rules", "leaving")]


@dg.multi_asset(name="sen2_nightly", specs=[*models, *outputs], check_specs=gates, can_subset=False)
def night(context: dg.AssetExecutionContext):
    """Run one night; gives every asset, and whether each gate is green. No value of a person."""
    done = subprocess.run(["sen2", "nightly", "--config", str(SETTINGS)], check=False)
    if done.returncode > 1:
        raise dg.Failure(f"sen2 nightly ended with {done.returncode}; its output says why.")
    context.log.info("submission written" if done.returncode == 0 else "the return has errors")
    with duckdb.connect(str(WAREHOUSE), read_only=True) as connection:
        counts = dict(
            connection.execute(
                "select schema_name || '.' || table_name, estimated_size from duckdb_tables()"
            ).fetchall()
        )
    facts = json.loads((OUT / "audit.json").read_text(encoding="utf-8"))
    needs = {spec.key: [dep.asset_key for dep in spec.deps] for spec in (*models, *outputs)}
    for key in TopologicalSorter(needs).static_order():
        if key in needs:
            rows = counts.get(".".join(key.path[-2:]))
            yield dg.MaterializeResult(
                asset_key=key, metadata={} if rows is None else {"dagster/row_count": rows}
            )
    for gate in gates:
        found = [each for each in facts["gates"] if each["gate"] == gate.name]
        broken = sum(each["broken"] for each in found if each["severity"] != "query")
        passed = bool(found) and not any(
            each["outcome"] != "met" for each in found if each["severity"] != "query"
        )
        yield dg.AssetCheckResult(
            check_name=gate.name,
            asset_key="submission",
            passed=passed,
            metadata={"issues": broken},
        )


defs = dg.Definitions(
    assets=[night],
    schedules=[
        dg.ScheduleDefinition(
            name="every_working_night",
            target=dg.AssetSelection.all(),
            cron_schedule="15 2 * * 1-5",
            execution_timezone="Europe/London",
        )
    ],
)
