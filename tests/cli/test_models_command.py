"""`gamerec models`: what is live, why, and the way back."""

import numpy as np
import pytest
from scipy import sparse
from tracking.offline_file import read_back
from typer.testing import CliRunner

from gamerec import models
from gamerec.cli import app
from gamerec.registry import Registry
from gamerec.settings import load_settings
from gamerec.storage import open_store


@pytest.fixture
def registry(home, monkeypatch):
    """Three versions: model_v1 was promoted by its verdict, model_v2 refused, model_v3 is new."""
    monkeypatch.setenv("WANDB_MODE", "disabled")
    found = Registry(open_store(load_settings().store_uri))
    for run in range(1, 4):
        X = sparse.csr_matrix(np.eye(3, 4, dtype=np.float32) * run)
        model = models.create("popularity").fit(X)
        found.register(model, run_id=f"run{run}", game_ids=np.arange(4))
    found.record_evaluation("model_v1", [], {"promote": True, "reason": "better"})
    found.record_evaluation("model_v2", [], {"promote": False, "reason": "worse than popularity"})
    return found


def gamerec(*arguments):
    return CliRunner().invoke(app, ["models", *arguments])


def test_without_a_model_the_list_says_so(home):
    assert gamerec("list").stdout == "no model yet\n"
    result = gamerec("show")
    assert result.exit_code == 3
    assert "no production model yet" in result.stderr


def test_versions_are_listed_newest_first_with_their_channels(registry):
    lines = gamerec("list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["model_v3", "model_v2", "model_v1"]
    assert "candidate" in lines[1]
    assert "# model_v2: popularity" in gamerec("show", "model_v2").stdout
    assert "run_id\n  - run1\n  + run2\n" in gamerec("diff", "model_v1", "model_v2").stdout


def test_what_the_gate_let_pass_is_promoted_and_rolled_back(registry):
    assert gamerec("promote", "model_v1").stdout == "model_v1 is production\n"
    forced = gamerec("promote", "model_v3", "--force", "--why", "a demonstration")
    assert forced.stdout == "model_v3 is production\n"
    assert gamerec("rollback", "--why", "it was one").stdout == "model_v1 is production\n"
    moves = [(move["to"], move["why"], move["forced"]) for move in registry.log()]
    assert moves == [
        ("model_v1", "by hand", False),
        ("model_v3", "a demonstration", True),
        ("model_v1", "it was one", False),
    ]


def test_in_wandb_the_aliases_follow_what_is_promoted_and_rolled_back_by_hand(
    registry, home, monkeypatch
):
    monkeypatch.setenv("WANDB_MODE", "offline")
    gamerec("promote", "model_v1")
    gamerec("promote", "model_v3", "--force", "--why", "a demonstration")
    gamerec("rollback")
    folders = (home / "store" / "wandb").glob("offline-run-*")
    held = {run["name"]: run for run in map(read_back, folders)}
    assert sorted(held) == ["promote-0001", "promote-0002", "rollback-0001"]
    assert held["promote-0002"]["group"] == "run3"
    assert held["promote-0002"]["config"]["why"] == "a demonstration"
    assert model_aliases(held["promote-0001"]) == {
        "model_v1": {"production"},
        "model_v3": {"candidate"},
    }
    assert model_aliases(held["rollback-0001"]) == {
        "model_v1": {"production"},
        "model_v3": {"previous", "candidate"},
    }


def model_aliases(run):
    """{version: its channels} of the models that a W&B run logged."""
    logged = {}
    for _, aliases in run["artifacts"]:
        (version,) = (alias for alias in aliases if alias.startswith("model_v"))
        logged[version] = set(aliases) - {version, "latest"}  # W&B's own
    return logged


def test_what_the_gate_refused_needs_force_and_a_reason(registry):
    refused = gamerec("promote", "model_v2")
    assert refused.exit_code == 4
    assert "worse than popularity" in refused.stderr
    assert gamerec("promote", "model_v3").exit_code == 4  # nobody has evaluated it
    assert gamerec("promote", "model_v2", "--force").exit_code == 2
    assert registry.channel("production") is None


def test_prune_keeps_what_a_channel_points_to(registry):
    gamerec("promote", "model_v1")
    assert gamerec("prune", "--keep", "1").stdout == "deleted: model_v2\n"
    assert registry.versions() == ["model_v1", "model_v3"]
    assert gamerec("prune", "--keep", "0").exit_code == 2
