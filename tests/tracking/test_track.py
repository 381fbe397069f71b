"""Tracking: what an offline run holds, what it costs where W&B is down, and that no key leaks."""

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from offline_file import read_back
from pydantic import SecretStr

from gamerec import tracking
from gamerec.settings import Settings

CANARY = "canary0wandb0key0" + "4711" * 6  # of the length of a real key


@pytest.fixture
def settings(home, tmp_path, monkeypatch):
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, "to be overwritten, and put back after the test")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return Settings(gamerec_home=home)


def online(settings, url, timeout):
    change = {"wandb_api_key": SecretStr(CANARY), "wandb_timeout": timeout, "wandb_base_url": url}
    return settings.model_copy(update=change)


def test_an_offline_run_holds_what_was_logged(settings):
    curve = [{"recall@10": 0.1 * epoch, "ndcg@10": 0.2} for epoch in range(10)]
    config = {"epochs": 10, "model": "slim", "ids": [3, 7]}
    with tracking.start(settings, "train", "run-7", config) as track:
        for epoch, values in enumerate(curve):
            track.log(values, step=epoch)
        track.table("lists", pd.DataFrame({"game": ["A", "한글"], "score": [0.5, 1e-9]}))
        track.summary({"best_epoch": 4, "recall@10": np.float32(0.5)})
    held = read_back(track.folder)
    assert (track.status, track.name) == ("offline", "train-0001")
    assert (held["name"], held["group"], held["job_type"]) == ("train-0001", "run-7", "train")
    assert {k: held["config"][k] for k in config} == config
    logged = [{k: row[k] for k in curve[0]} for row in held["history"] if "recall@10" in row]
    assert logged == curve
    assert [row["_step"] for row in held["history"][:10]] == list(range(10))
    assert held["summary"]["best_epoch"] == 4
    assert held["summary"]["recall@10"] == 0.5
    assert held["exit"] == 0
    (table,) = Path(track.folder).rglob("*.table.json")
    assert json.loads(table.read_text())["data"] == [["A", 0.5], ["한글", 1e-9]]


def test_a_model_is_kept_as_an_artifact_with_its_aliases(settings):
    with tracking.start(settings, "train", "run-7", {}) as track:
        track.artifact("model", {"W.npy": b"123"}, aliases=["candidate"])
    (artifact,) = read_back(track.folder)["artifacts"]
    assert (artifact[0], sorted(artifact[1])) == ("model", ["candidate", "latest"])
    staged = (settings.gamerec_home / "store" / "wandb" / "data").rglob("*")
    assert b"123" in [path.read_bytes() for path in staged if path.is_file()]


def test_runs_are_numbered_by_stage(settings):
    names = []
    for stage in ("train", "train", "evaluate"):
        with tracking.start(settings, stage, "run-1", {}) as track:
            pass
        names.append(track.name)
    assert names == ["train-0001", "train-0002", "evaluate-0001"]


def test_everything_stays_below_the_store(settings, home, tmp_path):
    with tracking.start(settings, "train", "run-1", {}) as track:
        track.log({"x": 1})
    assert Path(track.folder).is_relative_to(home / "store" / "wandb")
    assert [path.name for path in home.iterdir()] == ["store"]
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_a_failed_stage_is_marked_as_failed(settings):
    with (
        pytest.raises(ZeroDivisionError),
        tracking.start(settings, "train", "run-1", {}) as track,
    ):
        track.log({"x": 1})
        raise ZeroDivisionError
    assert read_back(track.folder)["exit"] == 1


def test_nothing_runs_on_after_the_context(settings):
    with tracking.start(settings, "train", "run-1", {}) as track:
        track.log({"x": 1})
    track.log({"x": 2})  # after the end: ignored
    track.close()
    assert not [t for t in threading.enumerate() if "wandb" in t.name or t.name == "tracking"]
    assert not [c for c in psutil.Process().children() if c.name().startswith("wandb")]


def test_disabled_leaves_nothing(settings, home):
    off = settings.model_copy(update={"wandb_mode": "disabled"})
    with tracking.start(off, "train", "run-1", {}) as track:
        track.log({"x": 1})
        track.table("t", pd.DataFrame({"a": [1]}))
        track.artifact("m", {"a": b""})
    assert track.status == "disabled"
    assert list(home.iterdir()) == []


def test_a_value_that_cannot_be_kept_does_not_cost_the_others(settings, caplog):
    with tracking.start(settings, "train", "run-1", {}) as track:
        track.log({"x": 1})
        track.log([1, 2])  # not a mapping
        track.summary({"y": 2})
    held = read_back(track.folder)
    assert [row["x"] for row in held["history"]] == [1]
    assert held["summary"]["y"] == 2
    assert "cannot hold" in caplog.text


def test_online_without_a_key_is_recorded_offline_and_said(settings, caplog):
    with tracking.start(
        settings.model_copy(update={"wandb_mode": "online"}), "train", "run-1", {}
    ) as track:
        track.log({"x": 1})
    assert track.status == "offline"
    assert "needs WANDB_API_KEY" in caplog.text


def test_a_refused_connection_falls_back_to_offline(settings, caplog):
    away = online(settings, "http://127.0.0.1:1", timeout=5)
    began = time.monotonic()
    with tracking.start(away, "train", "run-1", {"lr": 1}) as track:
        track.log({"x": 1}, step=0)
        track.summary({"y": 2})
    assert time.monotonic() - began < 5 + 1
    assert track.status == "offline"
    held = read_back(track.folder)
    assert (held["history"][0]["x"], held["summary"]["y"], held["exit"]) == (1, 2, 0)
    assert "could not be recorded online" in caplog.text


def test_a_server_that_never_answers_costs_no_more_than_the_time_out(settings):
    with socket.create_server(("127.0.0.1", 0)) as hole:
        away = online(settings, f"http://127.0.0.1:{hole.getsockname()[1]}", timeout=4)
        with tracking.start(away, "train", "run-1", {}) as track:
            track.log({"x": 1}, step=0)
            began = time.monotonic()
        assert time.monotonic() - began < 4 + 0.5
    assert track.status == "offline"
    assert read_back(track.folder)["history"][0]["x"] == 1
    assert not [c for c in psutil.Process().children() if c.name().startswith("wandb")]


def test_no_file_and_no_message_holds_a_secret(settings, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    away = online(settings, "http://127.0.0.1:1", timeout=5)
    with tracking.start(away, "train", "run-1", {"note": f"key {CANARY}"}) as track:
        track.log({"text": CANARY, "nested": {"deep": [CANARY]}})
        track.table("t", pd.DataFrame({"a": [f"my {CANARY}"]}))
        track.summary({"error": f"https://user:{CANARY}@host"})
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 3
    assert [p for p in files if CANARY.encode() in p.read_bytes()] == []
    out, err = capfd.readouterr()
    assert CANARY not in out + err + caplog.text


def test_a_program_that_never_closes_the_run_still_ends_and_keeps_it(home):
    code = (
        "from pathlib import Path; from gamerec import tracking; "
        "from gamerec.settings import Settings\n"
        f"settings = Settings(gamerec_home=Path({str(home)!r}))\n"
        "track = tracking.start(settings, 'train', 'r', {})\n"
        "track.log({'x': 5})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    (folder,) = (home / "store" / "wandb").glob("offline-run-*")
    assert read_back(folder)["history"][0]["x"] == 5


def test_importing_and_preloading_starts_nothing():
    code = (
        "import threading, psutil; from gamerec import tracking; tracking.preload();"
        "assert threading.active_count() == 1; assert psutil.Process().children() == []"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
