"""The registry: versions, channels, log, pruning, and what it refuses.

Two processes at once, on both kinds of store, are in services/test_registry_races.py.
"""

import numpy as np
import pytest
from scipy import sparse

from gamerec import models
from gamerec.errors import DataError, UsageError
from gamerec.provenance import code_commit, library_versions
from gamerec.registry import Registry
from gamerec.storage import FolderStore, MemoryStore

# Three games; whoever played game 0 played game 1, and game 2 is on its own.
X = sparse.csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 0]], np.float32))
GAME_IDS = np.array([30, 7, 512])


def model(**params):
    return models.create("item_knn", **params).fit(X)


@pytest.fixture
def registry():
    return Registry(MemoryStore())


def three(registry):
    """Three versions of three runs."""
    for shrinkage, run in ((0, "run-a"), (1, "run-b"), (2, "run-c")):
        registry.register(model(shrinkage=shrinkage), run_id=run, game_ids=GAME_IDS)
    return registry


def test_a_registered_model_comes_back_with_all_that_is_known(registry):
    metrics = [{"metric": "ndcg", "k": 10, "value": np.float32(0.5), "low": 0.4, "high": 0.6}]
    fitted = model(shrinkage=3)
    name = registry.register(
        fitted,
        run_id="run-a",
        game_ids=GAME_IDS,
        metrics=metrics,
        data_hash="abc",
        seconds=1.23456,
        details={"tuned": True},
    )
    info = registry.info(name)
    assert name == "model_v1"
    assert registry.versions() == ["model_v1"]
    assert (info["model"], info["run_id"], info["data_hash"]) == ("item_knn", "run-a", "abc")
    assert (info["params"]["shrinkage"], info["seconds"]) == (3, 1.235)
    assert info["metrics"] == metrics
    assert info["details"] == {"tuned": True}
    assert set(info["libraries"]) >= {"python", "numpy", "scipy", "gamerec"}
    assert {"weights.npy", "game_ids.json"} <= set(info["files"])
    loaded = registry.load_version(name)
    assert loaded.game_ids.tolist() == [30, 7, 512]
    assert (loaded.model.W != fitted.W).nnz == 0


@pytest.mark.parametrize("ids", [np.array(["x", "7", "ü"], object), np.array([2**63 - 1, 0, -1])])
def test_game_ids_come_back_as_they_went_in(registry, ids):
    registry.register(model(), run_id="a", game_ids=ids)
    loaded = registry.load_version("candidate").game_ids
    assert loaded.tolist() == ids.tolist()
    assert loaded.dtype == ids.dtype


def test_ids_that_do_not_fit_the_model_are_refused(registry):
    with pytest.raises(DataError, match="2 game ids for a model of 3"):
        registry.register(model(), run_id="a", game_ids=GAME_IDS[:2])


def test_the_same_model_of_the_same_run_keeps_its_number(registry):
    three(registry)
    assert registry.register(model(shrinkage=1), run_id="run-b", game_ids=GAME_IDS) == "model_v2"
    assert registry.versions() == ["model_v1", "model_v2", "model_v3"]
    assert registry.channel("candidate") == "model_v2"
    assert registry.register(model(shrinkage=1), run_id="run-d", game_ids=GAME_IDS) == "model_v4"
    assert registry.register(model(shrinkage=9), run_id="run-b", game_ids=GAME_IDS) == "model_v5"


def test_a_registration_that_was_cut_short_is_taken_up_again(registry):
    name = registry.register(model(), run_id="a", game_ids=GAME_IDS)
    registry.store.delete(f"{name}/info.json")
    registry.store.delete(f"{name}/files/weights.npy")
    assert registry.versions() == []
    assert registry.register(model(), run_id="a", game_ids=GAME_IDS) == name
    assert registry.load(name).W.nnz == model().W.nnz


def test_versions_are_sorted_by_number(registry):
    for number in range(11):
        registry.register(model(), run_id=f"run-{number}", game_ids=GAME_IDS)
    assert registry.versions()[-2:] == ["model_v10", "model_v11"]


def test_the_candidate_is_the_newest_until_promoted(registry):
    three(registry)
    assert registry.channels() == {"candidate": "model_v3"}
    assert registry.promote("candidate", by="run-c", why="better") == "model_v3"
    assert registry.channels() == {"candidate": "model_v3", "production": "model_v3"}


def test_a_promotion_keeps_what_was_live_as_previous(registry):
    three(registry)
    for version in ("model_v1", "model_v2", "model_v3"):
        registry.promote(version, by="run", why="newer")
    assert (registry.channel("production"), registry.channel("previous")) == (
        "model_v3",
        "model_v2",
    )


def test_rollback_returns_to_what_was_live_before(registry):
    three(registry)
    registry.promote("model_v1", by="a", why="first")
    registry.promote("model_v3", by="c", why="better")
    assert registry.rollback(by="me", why="complaints") == "model_v1"
    assert (registry.channel("production"), registry.channel("previous")) == (
        "model_v1",
        "model_v3",
    )


def test_without_a_previous_version_there_is_no_rollback(registry):
    three(registry).promote("model_v1", by="a", why="first")
    with pytest.raises(DataError, match="no previous version"):
        registry.rollback(by="me", why="?")


def test_the_log_tells_who_went_live_when_and_why(registry):
    three(registry)
    registry.promote("model_v1", by="run-a", why="first")
    registry.promote("model_v2", by="run-b", why="despite the gate", forced=True)
    registry.promote("model_v2", by="run-b", why="again")  # changes nothing
    registry.rollback(by="me", why="complaints")
    told = [(e["from"], e["to"], e["by"], e["why"], e["forced"]) for e in registry.log()]
    assert told == [
        (None, "model_v1", "run-a", "first", False),
        ("model_v1", "model_v2", "run-b", "despite the gate", True),
        ("model_v2", "model_v1", "me", "complaints", False),
    ]
    whens = [e["when"] for e in registry.log(channel=None)]
    assert whens == sorted(whens)
    assert len(whens) == 6  # three candidates, three promotions


@pytest.mark.parametrize("name", ["production", "previous"])
def test_an_empty_channel_tells_what_to_run(registry, name):
    with pytest.raises(DataError, match=f"no {name} model yet: run 05_train.ipynb"):
        registry.load(name)


def test_an_unknown_version_or_channel_is_named(registry):
    three(registry)
    with pytest.raises(DataError, match="'model_v9'; there are: model_v1, model_v2, model_v3"):
        registry.info("model_v9")
    with pytest.raises(UsageError, match="unknown channel 'prod'"):
        registry.channel("prod")


@pytest.mark.parametrize("file", ["weights.npy", "indptr.npy", "model.json", "game_ids.json"])
@pytest.mark.parametrize("damage", ["altered", "truncated", "missing"])
def test_a_damaged_file_is_refused_and_the_live_version_stays(tmp_path, file, damage):
    registry = three(Registry(FolderStore(tmp_path / "store")))
    registry.promote("model_v1", by="a", why="first")
    path = registry.store.path(f"model_v2/files/{file}")
    data = path.read_bytes()
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(flipped if damage == "altered" else data[: len(data) // 2])
    for attempt in (
        lambda: registry.load("model_v2"),
        lambda: registry.promote("model_v2", by="b", why="better"),
    ):
        with pytest.raises(DataError, match=f"model_v2 is damaged: {file}"):
            attempt()
    assert registry.channel("production") == "model_v1"
    assert registry.load().W.nnz > 0


def test_a_damaged_previous_version_cannot_be_rolled_back_to(registry):
    three(registry)
    registry.promote("model_v1", by="a", why="first")
    registry.promote("model_v2", by="b", why="better")
    registry.store.write("model_v1/files/weights.npy", b"")
    with pytest.raises(DataError, match="model_v1 is damaged"):
        registry.rollback(by="me", why="complaints")
    assert registry.channel("production") == "model_v2"


def test_altered_info_is_refused(registry):
    three(registry)
    info = registry.store.read_json("model_v1/info.json")
    registry.store.write_json("model_v1/info.json", info | {"seconds": 99})
    with pytest.raises(DataError, match=r"info\.json has been altered"):
        registry.load("model_v1")
    assert registry.table()["model"].tolist() == ["item_knn", "item_knn", "(damaged)"]


def test_prune_keeps_the_newest_and_all_that_a_channel_points_to(registry):
    for number in range(6):
        registry.register(model(), run_id=f"run-{number}", game_ids=GAME_IDS)
    registry.promote("model_v1", by="a", why="first")
    registry.promote("model_v3", by="b", why="better")
    assert registry.prune(keep=1) == ["model_v2", "model_v4", "model_v5"]
    assert registry.versions() == ["model_v1", "model_v3", "model_v6"]
    assert not registry.store.keys("model_v2/")
    assert registry.register(model(), run_id="new", game_ids=GAME_IDS) == "model_v7"
    with pytest.raises(UsageError, match="keep is 0"):
        registry.prune(keep=0)


def test_prune_sweeps_registrations_that_were_abandoned_long_ago(registry):
    three(registry)
    old = {"run_id": "dead", "content": "x", "at": "2020-01-01T00:00:00+00:00"}
    registry.store.write_json("model_v4/claim.json", old)
    registry.store.write_json("model_v5/claim.json", old | {"at": "2999-01-01T00:00:00+00:00"})
    registry.prune(keep=9)
    claims = [key for key in registry.store.keys("model_v") if key.endswith("claim.json")]
    assert claims == [f"model_v{n}/claim.json" for n in (1, 2, 3, 5)]


def test_the_evaluation_is_added_to_the_version_and_its_card(registry):
    three(registry)
    rows = [{"model": "item_knn", "metric": "ndcg", "k": 10, "value": 0.61, "low": 0.5}]
    registry.record_evaluation("model_v2", rows, {"promote": True, "reason": "0.61 | 0.5"})
    assert registry.info("model_v2")["evaluation"]["metrics"] == rows
    card = registry.store.read("model_v2/card.md").decode()
    assert card == registry.card("model_v2")
    assert "| item_knn | ndcg | 10 | 0.61 | 0.5 |" in card
    assert r"| reason | 0.61 \| 0.5 |" in card
    assert registry.info("model_v1")["evaluation"] is None


def test_the_card_tells_parameters_metrics_origin_and_checksums(registry):
    registry.register(
        model(shrinkage=3),
        run_id="run-a",
        game_ids=GAME_IDS,
        metrics={"ndcg@10": 0.123456},
        data_hash="d4ta",
    )
    card = registry.card("candidate")
    assert card.startswith("# model_v1: item_knn\n")
    for line in ("| shrinkage | 3 |", "| ndcg@10 | 0.1235 |", "| data hash | d4ta |"):
        assert line in card
    assert registry.info("model_v1")["files"]["weights.npy"]["sha256"] in card
    assert "## Verdict" not in card


def test_the_table_shows_versions_newest_first_with_their_channels(registry):
    three(registry).promote("model_v1", by="a", why="first")
    table = registry.table()
    assert table["version"].tolist() == ["model_v3", "model_v2", "model_v1"]
    assert table["channels"].tolist() == ["candidate", "", "production"]


def test_diff_shows_only_what_differs(registry):
    three(registry)
    difference = registry.diff("model_v1", "model_v3").set_index("field")
    assert difference.columns.tolist() == ["model_v1", "model_v3"]
    assert difference.loc["params.shrinkage"].tolist() == [0, 2]
    assert difference.loc["run_id"].tolist() == ["run-a", "run-c"]
    assert "params.similarity" not in difference.index


def test_versions_and_commit_are_told():
    assert library_versions()["numpy"] == np.__version__
    assert code_commit() == "unknown" or len(code_commit().removesuffix("-dirty")) >= 7
