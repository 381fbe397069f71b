"""The files that describe the environment agree with each other, and nothing private is in them."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from gamerec import parameters
from gamerec.runs import STAGES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCKS = ["requirements.lock", "requirements-test.lock"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=~! ]", requirement)[0].lower().replace("_", "-")


def test_environment_yml_names_the_packages_of_pyproject():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    by_pip = next(e["pip"] for e in entries if isinstance(e, dict))
    conda = [e for e in entries if isinstance(e, str) and name_of(e) not in ("python", "pip")]
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    assert sorted(conda + [e for e in by_pip if e != "--editable ."]) == sorted(wanted)
    assert "--editable ." in by_pip


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_every_dependency_with_a_hash_and_no_address(lock):
    text = (ROOT / lock).read_text()
    pins = {name_of(line) for line in text.splitlines() if re.match(r"[a-z0-9]", line, re.I)}
    wanted = PROJECT["dependencies"]
    if "test" in lock:
        wanted = wanted + PROJECT["optional-dependencies"]["test"]
    assert {name_of(r) for r in wanted} <= pins
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text


# Parts of a declared package that it brings along under a name of their own.
COMPANIONS = {
    "botocore": "boto3",
    "cycler": "matplotlib",
    "jupyter_core": "jupyter-client",
    "jupyter_server": "jupyterlab",
    "markupsafe": "jinja2",
    "pydantic_core": "pydantic",
    "starlette": "fastapi",
}


def test_every_package_that_the_code_imports_is_a_declared_dependency():
    """A package that only the tests bring along would be missing for a user."""
    imported = set()
    for path in (ROOT / "gamerec").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(str(node.module).split(".")[0])
            elif isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
    imported -= set(sys.stdlib_module_names) | {"gamerec"}
    brought = packages_distributions()
    declared = {name_of(r) for r in PROJECT["dependencies"]}
    for module in sorted(imported):
        names = {name_of(n) for n in brought[module]} | {COMPANIONS.get(module)}
        assert names & declared, f"{module} is imported but not declared"


def test_every_setting_stands_in_env_example():
    from gamerec.settings import Settings

    text = (ROOT / ".env.example").read_text()
    named = set(re.findall(r"^#([A-Z0-9_]+)=", text, re.M))
    assert named == {name.upper() for name in Settings.model_fields} - {"GAMEREC_HOME"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_notebook_is_committed_clean_with_one_parameters_cell(path):
    book = json.loads(path.read_text())
    code = [c for c in book["cells"] if c["cell_type"] == "code"]
    assert not any(c["outputs"] or c["execution_count"] for c in code), "run `make format`"
    assert "papermill" not in book["metadata"]
    tagged = [c for c in code if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    assert book["cells"][0]["cell_type"] == "markdown"


def test_every_parameter_has_a_type_and_a_word_of_help():
    stages = parameters.declared(ROOT / "notebooks")
    assert list(stages) == list(STAGES)
    bare = [p for known in stages.values() for p in known.values() if not p.help]
    assert not bare


def test_make_alone_prints_every_target():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    for target in ("setup", "pipeline", "lab", "test"):
        assert re.search(rf"^  make {target} +\w", done.stdout, re.M)
