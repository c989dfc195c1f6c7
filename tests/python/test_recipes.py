"""The recipes of docs/recipes: what they call exists, and they tell a good night from a bad one."""

import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest
import typer.main
import yaml
from lxml import etree

from sen2 import spec
from sen2.cli.main import app

RECIPES = spec.PROJECT / "docs" / "recipes"
TASKS = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def test_every_recipe_is_named_in_the_documentation() -> None:
    page = (spec.PROJECT / "docs" / "nightly.md").read_text(encoding="utf-8")
    assert [path.name for path in RECIPES.iterdir() if f"recipes/{path.name}" not in page] == []


@pytest.mark.parametrize("path", sorted(RECIPES.iterdir()), ids=lambda path: path.name)
def test_every_command_of_a_recipe_is_one(path: Path) -> None:
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"</Command>\s*<Arguments>", " ", text)
    text = re.sub(r'\["sen2", (.*?)\]', lambda found: "sen2 " + re.sub('[",]', "", found[1]), text)
    called = re.findall(
        r"(?:^|bin/|Scripts\\)sen2(?:\.exe)? ([a-z-]+)((?: +-{0,2}[\w./\\:$()-]+)*)",
        text,
        re.MULTILINE,
    )
    assert called or path.suffix in (".timer", ".py")
    for verb, arguments in called:
        known = {name for each in verbs[verb].params for name in each.opts}
        assert set(re.findall(r"--[\w-]+", arguments)) <= known


@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_cron_mails_only_when_the_night_needs_somebody(tmp_path: Path, code: int) -> None:
    (line,) = [
        line
        for line in (RECIPES / "sen2.crontab").read_text(encoding="utf-8").splitlines()
        if re.match(r"\d", line)
    ]
    command = line.split(maxsplit=5)[5].replace("/srv/sen2", str(tmp_path))
    stub = tmp_path / ".venv" / "bin" / "sen2"
    stub.parent.mkdir(parents=True)
    stub.write_text(f"#!/bin/sh\necho what it says\nexit {code}\n", encoding="utf-8")
    stub.chmod(0o700)
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert (done.stdout == "") == (code < 2)
    assert (done.returncode == 0) == (code < 2)
    assert (tmp_path / "last_night.txt").read_text() == "what it says\n"


def test_the_systemd_units_run_without_network_and_take_errors_for_a_night() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(RECIPES / "sen2-nightly.service")
    service = unit["Service"]
    assert service["SuccessExitStatus"] == "1"
    assert service["PrivateNetwork"] == "yes"
    assert service["ReadWritePaths"] == service["WorkingDirectory"]
    assert service["UMask"] == "0077"


def test_the_windows_task_calls_the_command() -> None:
    task = etree.parse(RECIPES / "sen2-nightly.xml").getroot()
    assert task.tag == f"{TASKS}Task"
    assert task.findtext(f".//{TASKS}Command", "").endswith(r"\Scripts\sen2.exe")
    assert task.findtext(f".//{TASKS}MultipleInstancesPolicy") == "IgnoreNew"


def test_the_workflow_uses_targets_that_exist_and_synthetic_data() -> None:
    workflow = yaml.safe_load((RECIPES / "github-actions.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["nightly"]["steps"]
    commands = "\n".join(step.get("run", "") for step in steps)
    assert "sen2 sample" in commands
    makefile = (spec.PROJECT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make (\S+)", commands):
        assert f"{target}:" in makefile.replace("$(VENV)", ".venv")
    assert workflow["permissions"] == {"contents": "read"}


def test_the_dagster_definition_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dagster_dbt", reason="Dagster is installed where it is used")
    settings = (spec.PROJECT / "sen2.yml").read_text(encoding="utf-8")
    (tmp_path / "sen2.yml").write_text(settings + "nightly: {extract: extract, year: 2027}\n")
    monkeypatch.setenv("SEN2_SETTINGS", str(tmp_path / "sen2.yml"))
    names: dict[str, object] = {"__name__": "dagster_sen2"}
    exec(compile((RECIPES / "dagster_sen2.py").read_text(), "dagster_sen2.py", "exec"), names)
    assert len(names["models"]) > 100  # type: ignore[arg-type]
