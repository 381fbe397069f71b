"""The seven notebooks, each alone and as a chain: the sample, a bare catalogue, a play log."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from gamerec.runs import STAGES

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def environment(home: Path, **more: str) -> dict[str, str]:
    """This process's environment without settings, and with `home` as the project folder."""
    return {**os.environ, "GAMEREC_HOME": str(home), **more}


def gamerec(home: Path, *options: str, **more: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BIN / "gamerec", "run", *options],
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=300,
    )


def newest(home: Path, name: str) -> Path:
    """An artifact of the newest run."""
    return sorted((home / "store" / "runs").iterdir())[-1] / name


def metric(home: Path, model: str, name: str, k: int = 10) -> float:
    rows = json.loads(newest(home, "metrics.json").read_text())["metrics"]
    (row,) = [r for r in rows if (r["model"], r["metric"], r["k"]) == (model, name, k)]
    return row["value"]


def test_every_notebook_runs_by_itself_in_order(home):
    """As by hand in JupyterLab: a clean kernel each, defaults only, the newest run carried on."""
    options = ["-q", "--nbmake", "--nbmake-timeout=180", "-p", "no:xdist", "-p", "no:cacheprovider"]
    numbered = sorted((ROOT / "notebooks").glob("0*.ipynb"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--override-ini=addopts=", *numbered],
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert f"{len(STAGES)} passed" in done.stdout
    assert len(list((home / "store" / "runs").iterdir())) == 1


def test_a_notebook_opened_too_early_says_which_to_run_first(home):
    assert gamerec(home, "--only", "crawl").returncode == 0
    done = gamerec(home, "--only", "train")
    assert done.returncode == 3
    assert "run 04_simulate.ipynb first" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """One whole run on the sample, with the defaults."""
    home = tmp_path_factory.mktemp("sample")
    done = gamerec(home)
    assert done.returncode == 0, done.stdout + done.stderr
    return home, done.stdout


def test_the_sample_runs_to_recommendations_for_every_player(sample):
    home, printed = sample
    assert all(stage in printed for stage in STAGES)
    batch = json.loads(newest(home, "batch.json").read_text())
    lists = pd.read_parquet(
        home / "store" / "batches" / batch["batch_id"] / "recommendations.parquet"
    )
    assert lists["user_id"].nunique() == 100
    assert lists.groupby("user_id").size().eq(10).all()
    assert (batch["pending"], batch["wandb"]) == ([], "offline")


def test_on_the_sample_the_order_is_oracle_model_popularity_random(sample):
    home, _ = sample
    rows = json.loads(newest(home, "metrics.json").read_text())["metrics"]
    (candidate,) = {r["model"] for r in rows if r["model"].endswith("(candidate)")}
    values = [metric(home, m, "ndcg") for m in ("oracle", candidate, "popularity", "random")]
    assert values == sorted(values, reverse=True)
    assert metric(home, candidate, "ndcg") == pytest.approx(0.39, abs=0.03)
    assert metric(home, "popularity", "ndcg") == pytest.approx(0.24, abs=0.01)


def test_running_again_changes_no_artifact(sample):
    home, _ = sample
    names = ("games.parquet", "features.npz", "interactions.parquet", "truth.npz", "split.npz")
    before = {n: newest(home, n).read_bytes() for n in names}
    version = json.loads(newest(home, "candidate.json").read_text())["version"]
    done = gamerec(home, "--from", "preprocess")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {n: newest(home, n).read_bytes() for n in names} == before
    assert json.loads(newest(home, "candidate.json").read_text())["version"] == version


def test_without_a_personal_taste_the_gate_lets_nothing_pass_for_better(home):
    done = gamerec(home, "-p", "simulate.MODE=popularity", "-p", "simulate.N_USERS=2000")
    verdict = json.loads(newest(home, "verdict.json").read_text())
    lead = verdict["candidate"] - metric(home, "popularity", "ndcg")
    assert lead < 0.01
    assert done.returncode == (0 if verdict["promote"] else 4)


def test_a_bare_catalogue_and_a_log_with_text_ids(home):
    games = [f"g{n:02d}" for n in range(12)]
    plays = [
        (f"user-{u}", games[(3 * u + step) % 12], 1.5 + step)
        for u in range(40)
        for step in (0, 1, 2, 4)
    ]
    (home / "games.csv").write_text(
        "game_id,name\n" + "".join(f"{g},Game {g}\n" for g in games[:10]), "utf-8"
    )
    frame = pd.DataFrame(plays, columns=["user_id", "game_id", "hours"])
    frame.to_csv(home / "plays.csv", index=False)
    done = gamerec(
        home, "--catalogue", str(home / "games.csv"), "--interactions", str(home / "plays.csv")
    )
    assert done.returncode in (0, 4), done.stdout + done.stderr
    items = pd.read_parquet(newest(home, "items.parquet"))
    assert set(items["game_id"]) == set(games)
    assert items.set_index("game_id")["name"]["g11"] == "g11"


def test_the_shipped_notebooks_read_the_real_log(home, shared_data):
    log = shared_data / "steam" / "plays.csv.gz"
    frame = pd.read_csv(log)
    small = frame[frame["user_id"] <= 400]
    small.to_csv(home / "plays.csv", index=False)
    done = gamerec(home, "--interactions", str(home / "plays.csv"))
    assert done.returncode in (0, 4), done.stdout + done.stderr
    assert len(pd.read_parquet(newest(home, "interactions.parquet"))) == len(
        small.drop_duplicates(["user_id", "game_id"])
    )
