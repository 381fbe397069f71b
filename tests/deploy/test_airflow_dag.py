"""The DAG as text: Airflow itself has an environment of its own, see `make test-airflow`."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from gamerec import models, notify
from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.parameters import RUN_ID
from gamerec.pipeline import orchestrated
from gamerec.registry import Registry
from gamerec.runs import STAGES, Run
from gamerec.settings import load_settings
from gamerec.storage import open_store

FOLDER = Path(__file__).resolve().parents[2] / "scripts" / "airflow"
TREE = ast.parse((FOLDER / "game_recommend_pipeline.py").read_text())
ID = "20261122-030000-000"


@pytest.fixture
def run(home):
    """A run's artifacts, as notebooks would have left them."""
    return Run(ID, open_store(load_settings().store_uri))


def refuse(run: Run) -> None:
    run.write_json("verdict", {"promote": False, "reason": "not better than popularity"})


def constant(name: str) -> object:
    """The value of a constant of the DAG's file."""
    for node in TREE.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"there is no {name}")


def test_dag_has_a_task_for_every_stage():
    assert constant("STAGES") == STAGES


def test_dag_file_imports_nothing_of_the_project():
    at_the_top = [node for node in TREE.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert not any("gamerec" in ast.unparse(node) for node in at_the_top)


def test_what_the_tasks_call_is_there():
    inside = [n for f in TREE.body if isinstance(f, ast.FunctionDef) for n in ast.walk(f)]
    named = [n for n in inside if isinstance(n, ast.ImportFrom) and "gamerec" in str(n.module)]
    assert named
    for node in named:
        exec(ast.unparse(node), {})


def test_requirements_are_pinned_with_hashes_and_no_address():
    text = (FOLDER / "requirements.txt").read_text()
    pins = re.findall(r"^[a-z0-9][\w.\[\]-]*==", text, re.MULTILINE | re.IGNORECASE)
    assert text.count("--hash=sha256:") >= len(pins) > 100
    assert "://" not in text and "apache-airflow==3." in text


def test_every_notebook_is_given_the_run_and_its_own_parameters(home):
    given = orchestrated.begin(ID, {"train": {"EPOCHS": 3}})
    assert given["train"] == {"EPOCHS": 3, RUN_ID: ID}
    assert given["eda"] == {RUN_ID: ID}
    assert list(given) == list(STAGES)
    assert (home / "reports" / ID).is_dir()
    assert orchestrated.begin(ID, {"train": {"EPOCHS": 3}}) == given


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"train": {"EPOCH": 3}}, UsageError),
        ({"train": {"EPOCHS": "many"}}, UsageError),
        ({"simulate": {"INTERACTIONS": "nowhere.csv"}}, DataError),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(home, parameters, error):
    with pytest.raises(error):
        orchestrated.begin(ID, parameters)
    assert not (home / "reports" / ID).exists()


def test_promoted_candidate_goes_on_to_the_batch(run):
    run.write_json("verdict", {"promote": True, "reason": "better"})
    assert orchestrated.after_gate(ID) == ["batch_score"]


def test_refused_candidate_with_nothing_live_ends_the_run(run):
    refuse(run)
    assert orchestrated.after_gate(ID) == ["refused"]
    assert "nothing is live yet: not better than popularity" in orchestrated.refusal(ID)


def test_refused_candidate_leaves_production_to_score(run):
    refuse(run)
    registry = Registry(open_store(load_settings().store_uri))
    model = models.create("popularity").fit(sparse.csr_matrix(np.eye(3, dtype=np.float32)))
    live = registry.register(model, run_id="earlier", game_ids=np.arange(3))
    registry.promote(live, by="earlier", why="better")
    assert orchestrated.after_gate(ID) == ["refused", "batch_score"]
    assert "production stays as it was" in orchestrated.refusal(ID)


def test_word_is_sent_of_a_run_that_came_to_no_report(monkeypatch):
    sent = []
    monkeypatch.setattr(notify, "tell", lambda word, settings: sent.append(word) or [])
    orchestrated.send_word(ID)
    assert sent[0].kind == "failure" and ID in sent[0].title


def test_word_that_cannot_be_sent_is_an_error_to_be_tried_again(monkeypatch):
    monkeypatch.setenv("NOTIFY_URLS", "json://127.0.0.1:9/")
    with pytest.raises(ServiceError, match="not sent: json"):
        orchestrated.send_word(ID)
