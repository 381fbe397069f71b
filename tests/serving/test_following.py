"""Promotions and rollbacks are followed; what is broken never gets in."""

import threading

import pytest
import small_store
from waiting import eventually

from gamerec.serving import Engine, Question


def lists(engine):
    answers = [engine.recommend(Question(user_id=user, k=5)) for user in range(1, 11)]
    return {answer.version for answer in answers}, [answer.items for answer in answers]


def test_a_promotion_and_a_rollback_are_followed(settings, engine):
    before = lists(engine)
    second = small_store.add_version(settings, similarity="jaccard")
    eventually(lambda: engine.info().version == second)
    assert lists(engine) != before
    small_store.registry_of(settings).rollback(by="test", why="back")
    eventually(lambda: engine.info().version == "model_v1")
    assert lists(engine) == before


def test_the_candidate_and_a_version_by_name_can_be_opened_beside(settings, opened):
    second = small_store.add_version(settings, promote=False, similarity="jaccard")
    assert opened(settings, "candidate").info().version == second
    assert opened(settings, "model_v1").info().version == "model_v1"
    assert opened(settings).info().version == "model_v1"


def test_the_first_version_is_followed_too(home, opened):
    engine = opened(small_store.Settings(gamerec_home=home))
    assert not engine.is_ready
    small_store.make(home)
    eventually(lambda: engine.is_ready)


@pytest.mark.parametrize("fault", ["cut", "altered", "gone", "no calibration"])
def test_a_broken_version_is_refused_and_the_old_one_stays(settings, engine, fault, caplog):
    before = lists(engine)
    second = small_store.add_version(settings, promote=False, similarity="jaccard")
    folder = settings.gamerec_home / "store" / "models" / second
    registry = small_store.registry_of(settings)
    registry.promote(second, by="test", why="whole so far")
    eventually(lambda: engine.info().version == second)
    registry.rollback(by="test", why="back")
    eventually(lambda: engine.info().version == "model_v1")
    for cached in (settings.cache / "versions").glob(f"{second}-*"):
        for file in cached.rglob("weights.npy"):
            file.write_bytes(b"")
    weights = folder / "files" / "weights.npy"
    match fault:
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-5])
        case "altered":
            weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\0")
        case "gone":
            weights.unlink()
        case _:
            kept = {"metrics": [], "verdict": {"calibration": {"intercept": "x"}}}
            registry.store.write_json(f"{second}/evaluation.json", kept)
    registry._move({"production": second}, by="test", why="past all checks")
    eventually(lambda: second in engine.info().refused)
    assert lists(engine) == before
    assert engine.info().version == "model_v1"
    assert any("is refused" in record.message for record in caplog.records)


def test_a_damaged_cache_is_built_anew(settings, opened):
    before = lists(opened(settings))
    (folder,) = (settings.cache / "versions").glob("model_v1-*")
    for name in ("indices.npy", "games.json", "about.json", "model/weights.npy"):
        file = folder / name
        file.write_bytes(file.read_bytes()[:-3] + b"\0")
        assert lists(opened(settings)) == before
        file.unlink()
        assert lists(opened(settings)) == before


def test_processes_open_one_version_at_once(settings, opened):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(lists(opened(settings)))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(answers == found[0] for answers in found)


def test_no_answer_mixes_two_versions(settings):
    second = small_store.add_version(settings, similarity="jaccard")
    registry = small_store.registry_of(settings)
    expected = {}
    for version in ("model_v1", second):
        with Engine.open(settings, version) as engine:
            expected[version] = lists(engine)[1]
    faults, seen, stop = [], set(), threading.Event()
    with Engine.open(settings) as engine:

        def ask():
            while not stop.is_set():
                questions = [Question(user_id=user, k=5) for user in range(1, 11)]
                answers = engine.recommend_many(questions)
                (version,) = {answer.version for answer in answers}
                seen.add(version)
                if [answer.items for answer in answers] != expected[version]:
                    faults.append(answers)

        asking = threading.Thread(target=ask)
        asking.start()
        for version in ("model_v1", second, "model_v1"):
            registry.promote(version, by="test", why="swap")
            eventually(lambda version=version: engine.info().version == version)
        stop.set()
        asking.join()
    assert faults == []
    assert seen == {"model_v1", second}


def test_old_snapshots_are_pruned(settings, engine):
    for neighbours in range(2, 8):
        version = small_store.add_version(settings, neighbours=neighbours)
        eventually(lambda version=version: engine.info().version == version)
    kept = [p.name for p in (settings.cache / "versions").iterdir() if p.is_dir()]
    assert len(kept) == 4
    assert any(name.startswith(f"{version}-") for name in kept)


def test_a_store_that_is_away_changes_nothing(settings, engine):
    before = lists(engine)
    store = settings.gamerec_home / "store" / "models"
    store.rename(store.with_name("away"))
    engine._follower.look()
    store.with_name("away").rename(store)
    assert lists(engine) == before
