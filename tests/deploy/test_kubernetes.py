"""The Kubernetes manifests: valid, complete, not root; and a version that fails is taken back."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "kubernetes"
WHOLES = ["base", "overlays/blue-green", "overlays/canary"]
FILES = sorted(p for p in FOLDER.rglob("*.yaml") if p.name != "kustomization.yaml")


def resources_of(folder: Path) -> list[dict]:
    """What a kustomization names, read without kustomize: no patch is applied."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    found = []
    for name in kustomization.get("resources", []):
        path = (folder / name).resolve()
        assert path.exists(), f"{folder}/kustomization.yaml names {name}, which is not there"
        if path.is_dir():
            found += resources_of(path)
        else:
            found += [r for r in yaml.safe_load_all(path.read_text()) if r]
    return found


def rendered(whole: str) -> list[dict]:
    """What `kubectl apply` would be given."""
    if shutil.which("kubectl") is None:
        reason = "kubectl is not installed: the overlays cannot be rendered"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    done = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / whole)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [r for r in yaml.safe_load_all(done.stdout) if r]


def of_kind(resources: list[dict], kind: str) -> dict[str, dict]:
    return {r["metadata"]["name"]: r for r in resources if r["kind"] == kind}


def pods(resources: list[dict]) -> dict[str, dict]:
    """Pod specifications by the name of what starts them."""
    jobs = of_kind(resources, "CronJob")
    found = {n: r["spec"]["template"] for n, r in of_kind(resources, "Deployment").items()}
    found |= {n: r["spec"]["jobTemplate"]["spec"]["template"] for n, r in jobs.items()}
    return {name: template["spec"] for name, template in found.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(FOLDER).as_posix())
def test_every_manifest_is_valid(path):
    validate = pytest.importorskip("kubernetes_validate")
    for resource in yaml.safe_load_all(path.read_text()):
        validate.validate(resource, "1.33", strict=True)


@pytest.mark.parametrize("whole", WHOLES)
def test_every_rendered_whole_is_valid(whole):
    validate = pytest.importorskip("kubernetes_validate")
    for resource in rendered(whole):
        validate.validate(resource, "1.33", strict=True)


def test_everything_is_there():
    kinds = {(r["kind"], r["metadata"]["name"]) for r in resources_of(FOLDER / "base")}
    assert kinds >= {
        ("Deployment", "gamerec-serve"),
        ("Service", "gamerec-serve"),
        ("PodDisruptionBudget", "gamerec-serve"),
        ("Deployment", "gamerec-page"),
        ("Service", "gamerec-page"),
        ("CronJob", "gamerec-pipeline"),
        ("PersistentVolumeClaim", "gamerec-data"),
    }
    assert "Secret" not in {kind for kind, _ in kinds}


def test_nothing_runs_as_root_or_may_become_it():
    for name, pod in pods(resources_of(FOLDER / "base")).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


def test_a_new_version_of_the_service_takes_over_only_when_it_is_ready():
    serve = of_kind(resources_of(FOLDER / "base"), "Deployment")["gamerec-serve"]["spec"]
    assert serve["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    container = serve["template"]["spec"]["containers"][0]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"


def test_every_setting_of_the_cluster_is_one_that_gamerec_knows():
    from gamerec.settings import Settings

    lines = (FOLDER / "base" / "settings.env").read_text().split()
    assert {line.split("=")[0].lower() for line in lines} <= set(Settings.model_fields)


def test_blue_and_green_are_apart_and_one_of_them_is_live():
    resources = rendered("overlays/blue-green")
    deployments = of_kind(resources, "Deployment")
    assert {"gamerec-serve-blue", "gamerec-serve-green"} < set(deployments)
    assert "gamerec-serve" not in deployments
    for slot in ("blue", "green"):
        spec = deployments[f"gamerec-serve-{slot}"]["spec"]
        assert spec["selector"]["matchLabels"]["slot"] == slot
        assert spec["template"]["metadata"]["labels"]["slot"] == slot
    selector = of_kind(resources, "Service")["gamerec-serve"]["spec"]["selector"]
    assert selector["slot"] in ("blue", "green")


def test_a_tenth_of_the_pods_are_canaries_behind_the_same_service():
    resources = rendered("overlays/canary")
    deployments = of_kind(resources, "Deployment")
    stable, canary = deployments["gamerec-serve"], deployments["gamerec-serve-canary"]
    assert (stable["spec"]["replicas"], canary["spec"]["replicas"]) == (9, 1)
    selector = of_kind(resources, "Service")["gamerec-serve"]["spec"]["selector"]
    for deployment in (stable, canary):
        assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert stable["spec"]["selector"] != canary["spec"]["selector"]


# Writes down how it was called, and fails where it is told to.
KUBECTL = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in
  *"get deployments"*) echo deployment.apps/gamerec-serve ;;
  *"get cronjob"*) echo ghcr.io/me/gamerec-pipeline:0.9 ;;
  *"apply --kustomize"*) for last; do :; done; cat "$last/kustomization.yaml" >> "$CALLS" ;;
esac
case "$*" in *"$FAILS"*) exit 1 ;; esac
"""


@pytest.fixture
def deploy(tmp_path):
    """Run deploy.sh with a kubectl that only writes down; its result and the calls."""
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    calls = tmp_path / "calls"

    def run(fails: str, **env: str):
        done = subprocess.run(
            [str(FOLDER / "deploy.sh")],
            env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls), "FAILS": fails}
            | env,
            capture_output=True,
            text=True,
            check=False,
        )
        return done, calls.read_text() if calls.exists() else ""

    return run


def test_a_version_that_answers_stays(deploy):
    done, calls = deploy("nothing", IMAGES="ghcr.io/Me", TAG="1.2.3")
    assert done.returncode == 0, done.stderr
    assert 'newName: ghcr.io/me/gamerec-serve, newTag: "1.2.3"' in calls
    assert "services/gamerec-serve:http/proxy/readyz" in calls
    assert "undo" not in calls
    assert not list(FOLDER.glob(".version.*"))


@pytest.mark.parametrize("fails", ["rollout status", "/readyz"])
def test_a_version_that_does_not_come_up_is_taken_back(deploy, fails):
    done, calls = deploy(fails, IMAGES="ghcr.io/me", TAG="1.2.3")
    assert done.returncode == 1
    assert "rollout undo deployment.apps/gamerec-serve" in calls
    assert "pipeline=ghcr.io/me/gamerec-pipeline:0.9" in calls


def test_without_a_version_nothing_is_touched(deploy):
    done, calls = deploy("nothing", IMAGES="ghcr.io/me")
    assert done.returncode != 0
    assert "TAG" in done.stderr
    assert calls == ""
