"""What the project is made of: licences, bill of materials, audit; and encryption at rest."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import duckdb
import pytest

from sen2 import spec
from sen2.dev import licences

MAKEFILE = (spec.PROJECT / "Makefile").read_text(encoding="utf-8")
PIN = re.compile(r"(?m)^([a-z0-9._-]+)(?:\[[a-z0-9,._-]+\])?==(\S+)")


def test_the_licences_are_those_the_packages_state() -> None:
    assert licences.PAGE.read_text(encoding="utf-8") == licences.page(), "run make generate"
    assert "not stated" not in licences.page()
    project = tomllib.loads((spec.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {re.split(r"[^a-z0-9._-]", each, maxsplit=1)[0]
              for each in project["project"]["dependencies"]}  # fmt: skip
    assert needed <= set(licences.packages())


def bill(file: Path) -> dict:
    """The bill of materials as `make bundle` makes it."""
    (recipe,) = re.findall(r"(?s)^SBOM := \$\(BIN\)/python (.*?[^\\])\n", MAKEFILE, re.MULTILINE)
    subprocess.run(
        [sys.executable, *recipe.replace("\\\n", " ").split(), "-o", file, licences.LOCK.name],
        cwd=spec.PROJECT,
        check=True,
        capture_output=True,
    )
    return json.loads(file.read_text(encoding="utf-8"))


def test_the_bill_of_materials_has_every_pin_with_its_hashes_and_nothing_of_the_day(
    tmp_path: Path,
) -> None:
    content = bill(tmp_path / "sbom.json")
    assert "serialNumber" not in content
    assert "timestamp" not in content["metadata"]
    lock = licences.LOCK.read_text(encoding="utf-8")
    assert (content["bomFormat"], content["specVersion"]) == ("CycloneDX", "1.6")
    found = [(each["name"], each["version"]) for each in content["components"]]
    assert sorted(found) == sorted(PIN.findall(lock))
    hashes = {
        digest["content"]
        for each in content["components"]
        for place in each["externalReferences"]
        for digest in place["hashes"]
    }
    assert hashes == set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock))
    assert content["metadata"]["component"]["name"] == "sen2"
    recipe = MAKEFILE[MAKEFILE.index("bundle: $(VENV)") :]
    assert "$(SBOM) -o bundle/sbom.cdx.json requirements-run.lock" in recipe
    assert "$(SBOM) -o bundle/sbom-encrypted.cdx.json requirements-encrypted.lock" in recipe


def test_an_audit_that_could_not_ask_is_no_success() -> None:
    recipe = MAKEFILE[MAKEFILE.index("audit: $(VENV)") :].split("\n")[1]
    assert "--strict" in recipe, "else what could not be looked up counts as sound"
    assert recipe.endswith("-r requirements.lock")


def test_the_duckdb_that_can_encrypt_is_pinned_with_its_extension() -> None:
    lock = (spec.PROJECT / "requirements-encrypted.lock").read_text(encoding="utf-8")
    pins = dict(PIN.findall(lock))
    assert pins.keys() == {"duckdb", "duckdb-extension-httpfs"}
    assert len(set(pins.values())) == 1, "an extension is for one version"
    assert lock.count("--hash=sha256:") > 20
    project = tomllib.loads((spec.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["optional-dependencies"]["encrypted"] == ["duckdb-extension-httpfs"]


def test_this_duckdb_cannot_write_an_encrypted_file_safely(tmp_path: Path) -> None:
    """When this fails, requirements-encrypted.lock and the extra have had their day."""
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        with pytest.raises(duckdb.Error, match="read-only crypto module"):
            connection.execute(
                f"attach '{tmp_path / 'x.duckdb'}' as x (encryption_key '{'k' * 32}')"
            )
        rows = connection.execute(
            "select 1 from duckdb_extensions() where extension_name = 'httpfs' and loaded"
        ).fetchall()
    assert rows == []
