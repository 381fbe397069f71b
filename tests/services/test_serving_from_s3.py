"""An engine whose store is a bucket: it follows what another machine promotes."""

import pytest
from serving import small_store
from waiting import eventually

from gamerec import mirror
from gamerec.serving import Engine, Question
from gamerec.settings import Settings


@pytest.fixture
def trainer(tmp_path, s3_url, s3_store, monkeypatch):
    """Settings of the machine that trains, with a version in production."""
    monkeypatch.setenv("STORE_URL", s3_store.uri)
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setattr(mirror, "PAUSE", 0.2)
    return small_store.make(tmp_path / "trainer")


@pytest.fixture
def engine(trainer, tmp_path, proxy, monkeypatch):
    """The engine of the machine that serves, behind a proxy that fails on demand."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
    with Engine.open(Settings(gamerec_home=tmp_path / "server")) as opened:
        yield opened


def test_promotions_and_rollbacks_of_another_machine_are_followed(trainer, engine):
    assert engine.info().version == "model_v1"
    before = engine.recommend(Question(user_id=3, k=5)).items
    small_store.add_version(trainer, similarity="jaccard")
    eventually(lambda: engine.info().version == "model_v2")
    small_store.registry_of(trainer).rollback(by="test", why="back")
    eventually(lambda: engine.info().version == "model_v1")
    assert engine.recommend(Question(user_id=3, k=5)).items == before


def test_a_bucket_that_is_away_changes_nothing_and_is_followed_when_it_is_back(
    trainer, engine, proxy
):
    before = engine.recommend(Question(user_id=3, k=5)).items
    proxy.choose = lambda method, path, number: "503"
    small_store.add_version(trainer, similarity="jaccard")
    asked = len(proxy.seen)
    eventually(lambda: len(proxy.seen) > asked + 3)
    assert engine.info().version == "model_v1"
    assert engine.recommend(Question(user_id=3, k=5)).items == before
    proxy.choose = lambda method, path, number: None
    eventually(lambda: engine.info().version == "model_v2")


def test_a_version_that_arrives_broken_is_refused_until_it_comes_whole(trainer, engine, proxy):
    proxy.choose = lambda method, path, number: (
        "corrupt" if method == "GET" and path.endswith("weights.npy") else None
    )
    small_store.add_version(trainer, similarity="jaccard")
    eventually(lambda: "model_v2" in engine.info().refused)
    assert engine.info().version == "model_v1"
    proxy.choose = lambda method, path, number: None
    eventually(lambda: engine.info().version == "model_v2", seconds=60)
