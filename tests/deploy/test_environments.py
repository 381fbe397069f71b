"""The other ways to an environment agree with the lock file and with the commands there are."""

import configparser
import json
import os
import re
import shlex
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from typer.testing import CliRunner

from gamerec.cli import app

ROOT = Path(__file__).resolve().parents[2]


def locked() -> dict[str, set[Version]]:
    """Versions by package: one for most, several where the platform decides."""
    pins: dict[str, set[Version]] = {}
    for lock in ("requirements.lock", "requirements-test.lock"):
        found = re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", (ROOT / lock).read_text(), re.M | re.I)
        for name, version in found:
            pins.setdefault(name.lower(), set()).add(Version(version))
    return pins


def conda_requirements() -> list[Requirement]:
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    by_pip = next(e["pip"] for e in entries if isinstance(e, dict))
    names = [e for e in entries if isinstance(e, str)] + by_pip
    return [Requirement(n) for n in names if n != "pip" and not n.startswith(("--", "python>"))]


@pytest.mark.parametrize("requirement", conda_requirements(), ids=str)
def test_the_locked_version_is_one_that_environment_yml_allows(requirement):
    versions = locked()[requirement.name.lower()]
    assert all(requirement.specifier.contains(v, prereleases=True) for v in versions), versions


def test_environment_yml_and_the_lock_begin_at_the_same_python():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert f"--python-version {min_python(entries)}" in (ROOT / "Makefile").read_text()


def min_python(entries) -> str:
    return next(e for e in entries if isinstance(e, str) and e.startswith("python>")).split(">=")[1]


def test_the_dev_container_sets_up_by_make_and_forwards_the_ports_that_are_served():
    content = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert content["postCreateCommand"] == "make setup"
    assert {8000, 8866} <= set(content["forwardPorts"])
    assert set(content["portsAttributes"]) == {str(port) for port in content["forwardPorts"]}


def test_binder_installs_the_lock_file_and_runs_the_pipeline_once():
    folder = ROOT / ".binder"
    lines = (folder / "requirements.txt").read_text().splitlines()
    [include] = [line.split()[1] for line in lines if line.startswith("-r ")]
    assert (folder / include).resolve() == ROOT / "requirements.lock"
    assert re.fullmatch(r"python-3\.1[1-9]\n", (folder / "runtime.txt").read_text())
    assert os.access(folder / "postBuild", os.X_OK)
    assert "gamerec run" in (folder / "postBuild").read_text()


def test_the_unit_of_systemd_starts_a_command_that_there_is():
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    unit.read(ROOT / "scripts" / "systemd" / "gamerec-schedule.service")
    service = unit["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert program.endswith("/bin/gamerec")
    assert CliRunner().invoke(app, [*arguments, "--help"]).exit_code == 0
    assert service["KillMode"] == "mixed"  # else the run would be stopped beside its scheduler
    assert service["RestartPreventExitStatus"].split() == ["2", "6"]
