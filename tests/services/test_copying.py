"""`gamerec store sync`: a local store to a real S3 server and back."""

import pytest
from faulty_proxy import FaultyProxy
from servers import CANARY
from typer.testing import CliRunner

from gamerec.cli import app
from gamerec.copying import copy
from gamerec.errors import ServiceError
from gamerec.s3 import open_s3
from gamerec.storage import FolderStore

OBJECTS = {
    "models/model_v1/claim.json": b"1",
    "models/model_v1/files/W.npz": b"weights",
    "models/model_v1/info.json": b"{}",
    "models/log/000001.json": b"{}",
    "batches/b/batch.json": b"{}",
    "batches/b/recommendations.parquet": bytes(9 << 20),
    "batches/current.json": b"{}",
    "runs/r/\ud55c \U0001f3ae.json": b"{}",
    "runs/r/stages/crawl.json": b"{}",
}
OWN = ("outbox/x", "wandb/x", "gamerec.db", "gamerec.db-wal", "mirror/b/x", "tuning/x")


@pytest.fixture
def local(home):
    store = FolderStore(home / "store")
    for key, data in OBJECTS.items():
        store.write(key, data)
    for key in OWN:
        store.write(key, b"")
    return store


@pytest.fixture
def settings(s3_url, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)


def sync(*arguments):
    return CliRunner().invoke(app, ["store", "sync", *arguments])


def test_a_store_goes_to_s3_and_comes_back_whole(local, s3_store, settings, tmp_path):
    there = sync("--to", s3_store.uri)
    assert there.exit_code == 0, there.output
    assert "9 copied (9,437,20" in there.output
    assert s3_store.keys() == sorted(OBJECTS)
    back = sync("--from", s3_store.uri, "--folder", str(tmp_path / "new"))
    assert back.exit_code == 0, back.output
    new = FolderStore(tmp_path / "new")
    assert {key: new.read(key) for key in new.keys()} == OBJECTS  # noqa: SIM118


def test_only_what_differs_is_copied(local, s3_store, settings):
    sync("--to", s3_store.uri)
    local.write("runs/r/a.json", b"new")
    local.write("batches/current.json", b"newer")
    again = sync("--to", s3_store.uri)
    assert "2 copied (8 bytes), 8 equal already" in again.output
    assert s3_store.read("batches/current.json") == b"newer"


def test_two_histories_are_not_mixed(local, s3_store, settings):
    s3_store.write("models/model_v1/claim.json", b"of another machine")
    s3_store.write("models/log/000001.json", b"another")
    done = sync("--to", s3_store.uri)
    assert done.exit_code == 3
    assert "models/log, models/model_v1 differ" in done.output
    assert s3_store.keys("models/") == ["models/log/000001.json", "models/model_v1/claim.json"]
    assert s3_store.exists("batches/current.json")


def test_an_evaluation_that_came_later_is_brought(local, s3_store, settings):
    local.write("models/model_v1/evaluation.json", b"old")
    sync("--to", s3_store.uri)
    local.write("models/model_v1/evaluation.json", b"new")
    assert sync("--to", s3_store.uri).exit_code == 0
    assert s3_store.read("models/model_v1/evaluation.json") == b"new"


def test_what_tells_that_something_is_complete_goes_last(local, s3_store):
    order = []
    copy(local, s3_store, order.append)
    complete = {"models/model_v1/info.json", "batches/b/batch.json", "runs/r/stages/crawl.json"}
    assert set(order[-5:-2]) == complete
    assert order[-2:] == ["batches/current.json", "models/log/000001.json"]


def test_a_copy_that_breaks_off_goes_on_where_it_was(local, s3_store, s3_url, monkeypatch):
    proxy = FaultyProxy(s3_url)
    monkeypatch.setattr("gamerec.s3._ATTEMPTS", 1)
    from servers import s3_settings

    shaky = open_s3(s3_store.uri, s3_settings(proxy.url))
    puts = []

    def third_fails(verb, path, number):
        puts.append(verb == "PUT")
        return "503" if sum(puts) > 3 else None

    proxy.choose = third_fails
    with pytest.raises(ServiceError):
        copy(local, shaky)
    assert not s3_store.exists("models/model_v1/info.json")
    proxy.choose = lambda *_: None
    done = copy(local, shaky)
    proxy.close()
    assert done.copied + done.equal == len(OBJECTS)
    assert done.equal >= 1
    assert s3_store.keys() == sorted(OBJECTS)


def test_without_a_direction_or_a_bucket_it_says_so(local, settings):
    assert sync().exit_code == 2
    assert sync("--to", "s3://a", "--from", "s3://b").exit_code == 2
    done = sync("--to", "s3://nobody-has-this-bucket/x")
    assert done.exit_code == 7
    assert "NoSuchBucket" in done.output
    assert CANARY not in done.output
