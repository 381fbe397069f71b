"""What W&B holds of a whole run, read back from its files and compared with the run's report."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tracking.offline_file import read_back

from gamerec.registry import Registry
from gamerec.reports.record import read_records
from gamerec.storage import FolderStore


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run with a search, on the sample: its record and store, and what W&B holds by stage."""
    home = tmp_path_factory.mktemp("whole")
    command = [sys.executable, "-c", "from gamerec.cli import app; app()", "run"]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "AWS_", "STORE_"))}
    done = subprocess.run(
        [*command, "-p", "train.TUNE_SECONDS=3"],
        env=env | {"GAMEREC_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    held = [read_back(path) for path in sorted((home / "store" / "wandb").glob("offline-run-*"))]
    [record] = read_records(home / "reports")
    return record, FolderStore(home / "store"), {run["job_type"]: run for run in held}, home


def tables(home: Path, name: str) -> list[dict]:
    """The tables of this name, of every stage."""
    files = (home / "store" / "wandb").glob(f"offline-run-*/files/media/table/{name}_*.table.json")
    return [json.loads(path.read_text()) for path in files]


def test_runs_are_named_by_stage_and_grouped_by_run(whole):
    record, _, held, _ = whole
    assert {run["name"] for run in held.values()} == {
        "train-0001",
        "evaluate-0001",
        "batch_score-0001",
    }
    assert {run["group"] for run in held.values()} == {record.run_id}
    assert {run["exit"] for run in held.values()} == {0}


def test_every_epoch_is_there_with_recall_and_ndcg(whole):
    _, _, held, _ = whole
    history = [row for row in held["train"]["history"] if "ndcg@10" in row]
    assert len(history) > 2
    assert all({"recall@10", "ndcg@10"} <= row.keys() for row in history)
    assert [row["_step"] for row in history] == list(range(len(history)))


def test_the_final_metrics_are_those_of_the_report_with_their_intervals(whole):
    record, store, held, _ = whole
    summary = held["evaluate"]["summary"]
    figures = {k: v for k, v in record.stages["evaluate"].metrics.items() if "@" in k}
    assert figures
    assert {name: summary[name] for name in figures} == figures
    kept = store.read_json(f"runs/{record.run_id}/metrics.json")["metrics"]
    (row,) = [
        r for r in kept if (r["metric"], r["k"]) == ("ndcg", 10) and "(candidate)" in r["model"]
    ]
    assert summary["ndcg@10/low"] == round(row["low"], 4)
    assert summary["ndcg@10/high"] == round(row["high"], 4)
    assert summary["promoted"] is record.gate["promote"]


def test_the_models_are_artifacts_whose_aliases_are_the_channels(whole):
    _, store, held, home = whole
    channels = Registry(store).channels()
    (version,) = set(channels.values())
    (evaluated,) = [a for n, a in held["evaluate"]["artifacts"] if n == "model"]
    assert set(evaluated) == {"latest", version, *channels}
    (trained,) = [a for n, a in held["train"]["artifacts"] if n == "model"]
    assert set(trained) == {"latest", version, "candidate"}
    files = Registry(store).verify(version)
    staged = {p.read_bytes() for p in (home / "store/wandb/data").rglob("*") if p.is_file()}
    assert all(files.read(name) in staged for name in files.keys())  # noqa: SIM118


def test_trials_and_lists_are_tables(whole):
    record, store, _, home = whole
    (trials,) = tables(home, "trials")
    assert {"ndcg", "family"} <= set(trials["columns"])
    assert trials["data"]
    (lists,) = tables(home, "sample recommendations")
    scored = store.read_table(f"batches/{record.run_id}/recommendations.parquet").head(100)
    game = lists["columns"].index("game_id")
    assert [row[game] for row in lists["data"]] == scored["game_id"].tolist()
    (compared,) = tables(home, "models compared")
    assert len(compared["data"]) >= 5
