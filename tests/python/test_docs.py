"""Every model, seed and column is described: in its properties file, or as data in a seed."""

import json
import re

import duckdb
import pytest

from sen2 import spec
from sen2.dev import generate

from .conftest import Built

RULES = [row["rule_id"].lower() for row in spec.seed("rules")]
# A column that bears the name of a row of a seed is described there, once; so is the word of an
# item's code, and of a rule what it found and the record it points at.
DESCRIBED_AS_DATA = {
    *(row["column_name"] for row in spec.seed("items")),
    *(row["name"] for row in spec.seed("thresholds")),
    *(row["name"] for row in spec.seed("key_dates")),
    *(f"{row['column_name']}_word" for row in spec.seed("items")),
    *(f"{kind}_{rule}" for kind in ("rule", "found", "beside", "points_at") for rule in RULES),
}


@pytest.fixture(scope="module")
def manifest(built: Built) -> dict:
    return json.loads((built.target / "manifest.json").read_text(encoding="utf-8"))


def nodes(manifest: dict) -> list[dict]:
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed") and node["package_name"] == "sen2"
    ]


def test_every_model_and_seed_is_described(manifest: dict) -> None:
    assert [node["name"] for node in nodes(manifest) if not node["description"].strip()] == []


def test_every_column_is_described_and_every_description_has_its_column(
    manifest: dict, built: Built
) -> None:
    with duckdb.connect(str(built.warehouse), read_only=True) as connection:
        real = connection.execute(
            "select table_schema, table_name, list(column_name)"
            " from information_schema.columns group by all"
        ).fetchall()
    columns = {(schema, table): set(names) for schema, table, names in real}
    faults = []
    for node in nodes(manifest):
        there = columns[node["schema"], node["alias"]]
        described = {name for name, column in node["columns"].items() if column["description"]}
        faults += [
            f"{node['name']}.{name} is not described"
            for name in sorted(there - described - DESCRIBED_AS_DATA)
        ]
        faults += [
            f"{node['name']}.{name} is described but not there"
            for name in sorted(set(node["columns"]) - there)
        ]
    assert faults == []


def test_every_link_of_a_page_leads_to_a_file() -> None:
    root = spec.PROJECT
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *(root / "tests").glob("*.md")]
    assert len(pages) > 20
    broken = [
        f"{page.relative_to(root)}: {link}"
        for page in pages
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []


def test_readme_is_short_and_has_a_door_for_each_reader() -> None:
    lines = (spec.PROJECT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) < 120
    for reader in ("case officer", "analyst", "data engineer"):
        (door,) = [
            line for line in lines if line.startswith((f"| a {reader} |", f"| an {reader} |"))
        ]
        assert "](docs/" in door


def test_the_macro_of_the_contract_is_made_from_the_contract() -> None:
    text = generate.CONTRACT_MACRO.read_text(encoding="utf-8")
    assert text == generate.contract_macro(), "run make generate"
