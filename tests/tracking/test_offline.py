"""Offline runs sent later: once, by somebody with a key, within a time, and without the key."""

import socket
import time

import pandas as pd
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner
from wandb_server import WandbServer

from gamerec import outbox, tracking
from gamerec.cli import app
from gamerec.errors import ServiceError, UsageError
from gamerec.settings import Settings

KEY = "canary0wandb0key0" + "4711" * 6


@pytest.fixture
def settings(home, tmp_path, monkeypatch):
    for name in ("WANDB_DIR", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, "to be overwritten, and put back after the test")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    return Settings(gamerec_home=home)


def keyed(settings, url, timeout=60.0):
    change = {"wandb_api_key": SecretStr(KEY), "wandb_base_url": url, "wandb_timeout": timeout}
    return settings.model_copy(update=change)


def record(settings, stage="train"):
    with tracking.start(settings, stage, "run-7", {"epochs": 3}) as track:
        track.log({"ndcg@10": 0.25}, step=0)
        track.table("lists", pd.DataFrame({"game": ["A"]}))
        track.artifact("model", {"W.npz": b"1"}, aliases=["model_v1", "candidate"])
        track.summary({"best": 0.25})
    return track


def test_offline_runs_are_sent_once(settings):
    tracks = [record(settings), record(settings, "evaluate")]
    assert len(tracking.unsent(settings)) == 2
    said = []
    with WandbServer() as server:
        assert tracking.sync(keyed(settings, server.url), said.append) == 2
        assert sorted(run["displayName"] for run in server.runs.values()) == [
            "evaluate-0001",
            "train-0001",
        ]
        assert {run["groupName"] for run in server.runs.values()} == {"run-7"}
        assert ("model", ["candidate", "latest", "model_v1"]) in server.artifacts
        assert any('"best":0.25' in line for line in server.lines)
        assert any('"ndcg@10":0.25' in line for line in server.lines)
        assert len([name for name in server.files if name.startswith("media/table/lists")]) == 1
        asked = len(server.lines)
        assert tracking.sync(keyed(settings, server.url), said.append) == 0
        assert len(server.lines) == asked
    assert said == ["2 runs"]
    assert tracking.unsent(settings) == []
    assert all(track.status == "offline" for track in tracks)


def test_the_outbox_tells_of_them_only_where_they_are_meant_for_a_server(settings):
    record(settings)
    with WandbServer() as server:
        online = keyed(settings, server.url)
        kept = online.model_copy(update={"wandb_mode": "offline"})
        assert outbox.pending(settings) == outbox.pending(kept) == {}
        assert outbox.pending(online) == {"W&B": "1 run"}
        assert outbox.deliver(online) == {}
    assert outbox.pending(online) == {}


def test_a_run_that_is_being_recorded_is_left_alone(settings):
    with tracking.start(settings, "train", "run-7", {}) as track:
        deadline = time.monotonic() + 30
        while not track.folder and time.monotonic() < deadline:
            time.sleep(0.05)
        assert track.folder
        assert tracking.unsent(settings) == []
    assert len(tracking.unsent(settings)) == 1


def test_without_a_key_nothing_is_sent_and_it_is_said(settings):
    record(settings)
    with pytest.raises(UsageError, match="WANDB_API_KEY is empty"):
        tracking.sync(settings)


def test_a_server_that_never_answers_costs_no_more_than_the_time_out(settings):
    record(settings)
    with socket.create_server(("127.0.0.1", 0)) as hole:
        away = keyed(settings, f"http://127.0.0.1:{hole.getsockname()[1]}", timeout=3)
        with pytest.raises(ServiceError, match="did not take 1 of 1 runs: no answer within 3 s"):
            tracking.sync(away)
    assert len(tracking.unsent(settings)) == 1


def test_no_file_and_no_message_holds_the_key(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    record(settings)
    done = CliRunner().invoke(app, ["track", "sync", "--seconds", "4"])
    assert done.exit_code == 7
    assert "did not take 1 of 1 runs" in done.output
    assert KEY not in done.output
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_the_command_says_what_it_sent(settings, monkeypatch):
    assert CliRunner().invoke(app, ["track", "sync"]).output == "nothing to send\n"
    record(settings)
    with WandbServer() as server:
        monkeypatch.setenv("WANDB_API_KEY", KEY)
        monkeypatch.setenv("WANDB_BASE_URL", server.url)
        done = CliRunner().invoke(app, ["track", "sync"])
    assert (done.exit_code, done.output) == (0, "sent 1 run\n")
