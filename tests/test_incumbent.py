"""The production model as a contestant."""

import numpy as np
import pandas as pd
import pytest

from gamerec import holdout, models
from gamerec.incumbent import incumbent
from gamerec.interactions import Interactions
from gamerec.registry import Registry
from gamerec.storage import MemoryStore


def log(seed: int = 0, n_games: int = 12) -> Interactions:
    rng = np.random.default_rng(seed)
    rows = [(u, g) for u in range(30) for g in rng.permutation(n_games)[:5]]
    frame = pd.DataFrame(rows, columns=["user_id", "game_id"])
    return Interactions.from_frame(frame, game_ids=np.arange(n_games))


def promoted(data: Interactions, data_hash: str | None = None) -> Registry:
    """A registry with an item_knn of 3 neighbours, fitted on the log, in production."""
    registry = Registry(MemoryStore())
    version = registry.register(
        models.create("item_knn", neighbours=3).fit(data.X),
        run_id="run",
        game_ids=data.game_ids,
        data_hash=holdout.fingerprint(data) if data_hash is None else data_hash,
    )
    registry.promote(version, by="run", why="test")
    return registry


def test_nothing_live_is_no_incumbent():
    assert incumbent(Registry(MemoryStore()), log()) is None


@pytest.mark.parametrize("data_hash", [None, ""])
def test_fitted_on_the_same_data_or_silent_it_stands_as_it_is(data_hash):
    live = incumbent(promoted(log(), data_hash), log())
    assert not live.refit
    assert str(live) == "model_v1, as it stands"
    np.testing.assert_array_equal(
        live.model.W.toarray(),
        models.create("item_knn", neighbours=3).fit(log().X).W.toarray(),
    )


@pytest.mark.parametrize("data_hash", [None, ""])
def test_fitted_on_another_catalogue_its_recipe_is_fitted_anew(data_hash):
    other = log(seed=1, n_games=15)
    live = incumbent(promoted(log(), data_hash), other)
    assert live.refit
    assert live.model.n_games == 15
    assert live.model.params["neighbours"] == 3


def test_fitted_on_another_log_its_recipe_is_fitted_anew():
    live = incumbent(promoted(log()), log(seed=1))
    assert live.refit and "fitted anew" in str(live)
    expected = models.create("item_knn", neighbours=3).fit(log(seed=1).X)
    np.testing.assert_array_equal(live.model.W.toarray(), expected.W.toarray())


def test_a_candidate_that_is_live_already_is_judged_beside_what_it_replaced():
    data = log()
    first = promoted(data)
    assert incumbent(first, data, candidate="model_v1") is None  # it replaced nothing
    second = first.register(
        models.create("item_knn", neighbours=5).fit(data.X), run_id="two", game_ids=data.game_ids
    )
    assert incumbent(first, data, candidate=second).version == "model_v1"
    first.promote(second, by="two", why="better")
    assert incumbent(first, data, candidate=second).version == "model_v1"
    assert incumbent(first, data).version == second
