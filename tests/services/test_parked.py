"""A run without S3: its model is parked, numbered and promoted later, once, and only if it may."""

import numpy as np
import pytest
from scipy import sparse
from servers import s3_settings

from gamerec import models, outbox, s3
from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.registry import Registry
from gamerec.runs import Run
from gamerec.storage import open_store

GAME_IDS = np.arange(3)
METRICS = [{"model": "ease", "metric": "ndcg", "k": 10, "value": 0.5}]


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """No growing pauses between the attempts."""
    once = {"retries": {"total_max_attempts": 1, "mode": "standard"}, "connect_timeout": 2}
    monkeypatch.setattr(s3, "_PATIENT", once | {"read_timeout": 5})
    monkeypatch.setattr(s3, "_ATTEMPTS", 1)


@pytest.fixture
def settings(proxy, s3_store):
    return s3_settings(proxy.url).model_copy(update={"store_url": s3_store.uri})


@pytest.fixture
def store(settings):
    return open_store(settings.store_uri, settings)


@pytest.fixture
def registry(store):
    return Registry(store, parking=True)


@pytest.fixture
def elsewhere(s3_store):
    """The registry as another machine sees it."""
    return Registry(s3_store)


def cut(proxy):
    proxy.choose = lambda *_: "reset"


def mend(proxy):
    proxy.choose = lambda *_: None


def trained(registry, run_id):
    """What 05_train and 06_evaluate do for a model that the gate lets pass."""
    counts = np.random.default_rng(len(run_id) + ord(run_id[-1])).random((4, 3)) < 0.7
    model = models.create("popularity").fit(sparse.csr_array(counts.astype(np.float32)))
    version = registry.register(model, run_id=run_id, game_ids=GAME_IDS, metrics=METRICS)
    registry.record_evaluation(version, METRICS, {"promote": True, "version": version})
    registry.promote(version, by=run_id, why="better")
    return version


def test_a_run_without_s3_goes_on_with_a_model_of_its_own(registry, proxy):
    trained(registry, "r1")
    cut(proxy)
    version = trained(registry, "r2")
    assert version == "pending-r2"
    assert registry.load_version("production").version == "pending-r2"
    assert registry.channels()["previous"] == "model_v1"
    assert registry.info("production")["evaluation"]["metrics"] == METRICS
    assert registry.table()["version"].tolist() == ["pending-r2", "model_v1"]
    assert registry.load("previous").n_games == 3  # a copy is here


def test_when_s3_is_back_the_model_gets_its_number_and_goes_live(
    registry, elsewhere, settings, store, proxy
):
    trained(registry, "r1")
    cut(proxy)
    version = trained(registry, "r2")
    run = Run("r2", store)
    run.write_json("candidate", {"version": version})
    store.write_json("batches/r2/batch.json", {"model_version": version, "files": {}})
    assert "pending-r2" in outbox.pending(settings)["S3"]
    assert elsewhere.versions() == ["model_v1"]
    mend(proxy)
    said = []
    assert outbox.deliver(settings, said.append) == {}
    assert "S3: pending-r2 is model_v2" in said
    assert elsewhere.channels() == {
        "candidate": "model_v2",
        "production": "model_v2",
        "previous": "model_v1",
    }
    assert elsewhere.info("model_v2")["evaluation"]["verdict"]["version"] == "model_v2"
    assert [move["by"] for move in elsewhere.log()] == ["r1", "r2"]
    assert isinstance(elsewhere.load("production"), models.ItemModel)
    assert run.read_json("candidate") == {"version": "model_v2"}
    assert store.remote.read_json("batches/r2/batch.json")["model_version"] == "model_v2"
    assert elsewhere.info("pending-r2")["version"] == "model_v2"  # its old name leads there
    assert store.remote.keys("models/pending-r2/") == []
    assert outbox.is_empty(settings)


def test_it_does_not_go_live_over_a_model_that_it_was_not_judged_against(
    registry, elsewhere, settings, proxy
):
    trained(registry, "r1")
    cut(proxy)
    trained(registry, "r3")
    trained(elsewhere, "r2")  # another machine, which reaches S3
    mend(proxy)
    said = []
    assert outbox.deliver(settings, said.append) == {}
    assert elsewhere.channels()["production"] == "model_v2"
    assert elsewhere.channels()["candidate"] == "model_v3"
    assert [line for line in said if "model_v3 was not promoted: it was judged against" in line]
    assert registry.channels() == elsewhere.channels()


def test_two_runs_without_s3_follow_each_other(registry, elsewhere, settings, proxy):
    cut(proxy)
    trained(registry, "r1")
    trained(registry, "r2")
    assert registry.channels()["previous"] == "pending-r1"
    mend(proxy)
    assert outbox.deliver(settings) == {}
    assert [(m["from"], m["to"]) for m in elsewhere.log()] == [
        (None, "model_v1"),
        ("model_v1", "model_v2"),
    ]
    assert elsewhere.info("model_v1")["run_id"] == "r1"


def test_a_delivery_that_breaks_off_anywhere_is_finished_by_the_next_and_nothing_is_done_twice(
    registry, elsewhere, settings, proxy
):
    trained(registry, "r0")
    for number, allowed in enumerate((2, 9, 23, 38), 1):
        run_id = f"r{number:02d}"
        cut(proxy)
        trained(registry, run_id)
        left = [allowed]

        def choose(verb, path, _, left=left):
            left[0] -= 1
            return None if left[0] >= 0 else ("lost" if left[0] == -1 else "reset")

        proxy.choose = choose
        outbox.deliver(settings)
        mend(proxy)
        assert outbox.deliver(settings) == {}
        ours = [v for v in elsewhere.versions() if elsewhere.info(v)["run_id"] == run_id]
        assert len(ours) == 1
        assert [m["to"] for m in elsewhere.log() if m["by"] == run_id] == ours
        assert elsewhere.channel("production") == ours[0]
        elsewhere.load("production")


def test_a_run_that_is_resumed_with_s3_back_gets_a_number_and_leaves_nothing_parked(
    registry, elsewhere, settings, proxy
):
    cut(proxy)
    trained(registry, "r1")
    mend(proxy)
    assert trained(registry, "r1") == "model_v1"
    assert registry.parked.versions() == registry.parked.moves() == []
    outbox.deliver(settings)
    assert elsewhere.versions() == ["model_v1"]
    assert len(elsewhere.log()) == 1


def test_by_hand_nothing_is_parked(registry, store, settings, proxy):
    trained(registry, "r1")
    trained(registry, "r2")
    by_hand = Registry(store)
    cut(proxy)
    for move in (
        lambda: by_hand.promote("model_v1", by="ann", why="x"),
        lambda: by_hand.rollback(by="ann", why="x"),
        lambda: by_hand.prune(1),
    ):
        with pytest.raises(ServiceError, match="S3 could not"):
            move()
    assert by_hand.parked.moves() == []
    trained(registry, "r3")
    with pytest.raises(UsageError, match="no number yet: `gamerec deliver`"):
        by_hand.promote("pending-r3", by="ann", why="x")


def test_an_unknown_parked_name_is_no_version(registry):
    with pytest.raises(DataError, match="no model version 'pending-x'"):
        registry.info("pending-x")


def test_a_damaged_parked_model_is_refused_and_stays(registry, settings, store, proxy):
    cut(proxy)
    trained(registry, "r1")
    (key,) = store.at("models").local.keys("pending-r1/files/model.json")
    store.at("models").local.write(key, b"{}")
    with pytest.raises(DataError, match="pending-r1 is damaged"):
        registry.load("pending-r1")
    mend(proxy)
    assert "pending-r1 is damaged" in outbox.deliver(settings)["S3"]


def test_an_older_pointer_does_not_replace_a_newer_one(store, s3_store, settings, proxy):
    cut(proxy)
    store.write_json("batches/current.json", {"batch_id": "r1", "files": {}})
    s3_store.write_json("batches/current.json", {"batch_id": "r2", "files": {}})
    mend(proxy)
    outbox.deliver(settings)
    assert store.read_json("batches/current.json")["batch_id"] == "r2"
