"""slim against scikit-learn's elastic net, and how it learns."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import ElasticNet

from gamerec import models
from gamerec.errors import UsageError

PLAIN = {"user_power": 0, "popularity_power": 0, "target_power": 0, "choice_power": 0}


@pytest.mark.parametrize("non_negative", [True, False])
def test_converges_to_scikit_learns_elastic_net(plays, non_negative):
    X = (plays.toarray() > 0).astype(np.float64)
    n, l1, l2 = len(X), 0.8, 2.5
    shared = X.T @ X
    expected = np.zeros((37, 37))
    for j in range(37):
        sources = np.flatnonzero(shared[j])
        sources = sources[sources != j]
        if len(sources):
            net = ElasticNet(
                alpha=(l1 + l2) / n,  # its loss is divided by n
                l1_ratio=l1 / (l1 + l2),
                fit_intercept=False,
                positive=non_negative,
                tol=1e-9,
                max_iter=20_000,
            ).fit(X[:, sources], X[:, j])
            expected[sources, j] = net.coef_
    model = models.create(
        "slim", l1=l1, l2=l2, non_negative=non_negative, epochs=300, tolerance=0, **PLAIN
    ).fit(plays)
    assert_allclose(model.W.toarray(), expected, atol=2e-5)
    if not non_negative:
        assert (model.W.data < 0).any()


def test_one_sweep_by_hand():
    """Two games and a start of 0: both weights are soft(shared, l1) / (players + l2)."""
    from scipy import sparse

    X = sparse.csr_matrix(np.array([[1, 1], [1, 1], [1, 0], [0, 1], [0, 1]], np.float32))
    W = models.create("slim", l1=0.5, l2=1.0, **PLAIN).fit(X, epochs=1).W.toarray()
    assert_allclose(W, [[0, (2 - 0.5) / (3 + 1)], [(2 - 0.5) / (4 + 1), 0]], rtol=1e-5)


def test_no_sweep_raises_the_objective(plays):
    for non_negative in (True, False):
        model = models.create("slim", epochs=25, tolerance=0, non_negative=non_negative).fit(plays)
        objective = [line["objective"] for line in model.history[1:]]
        assert (np.diff(objective) <= 1e-6 * objective[0]).all()
        assert model.history[-1]["change"] < 1e-3 < model.history[1]["change"]


def test_starts_from_the_cosine_of_its_nearest_games(plays, held_out):
    seen = []
    models.create("slim", **PLAIN).fit(plays, validation=held_out, epochs=1, on_epoch=seen.append)
    cosine = models.create("item_knn").fit(plays)
    games, _ = cosine.recommend(plays, k=10)
    rows = np.flatnonzero(np.diff(held_out.indptr))
    hits = np.array([held_out[u].indices[0] in games[u] for u in rows])
    assert_allclose(seen[0]["recall@10"], hits.mean())


def test_every_epoch_is_recorded_and_told(plays, held_out):
    told = []
    model = models.create("slim", watch_k=5, patience=99, tolerance=0)
    model.fit(plays, validation=held_out, epochs=4, on_epoch=told.append)
    assert [line["epoch"] for line in model.history] == [0, 1, 2, 3, 4]
    assert told == model.history
    assert set(told[1]) == {"epoch", "objective", "change", "recall@5", "ndcg@5"}
    assert model.params["epochs"] == 4


def test_keeps_the_best_epoch_and_stops_after_patience(plays, held_out):
    # only the start can rank the held-out games: a penalty this strong leaves no weight at all
    model = models.create("slim", l1=1e6, tolerance=0).fit(plays, validation=held_out, patience=2)
    assert [line["epoch"] for line in model.history] == [0, 1, 2]
    assert model.W.nnz > 0
    assert model.history[0]["ndcg@10"] > model.history[1]["ndcg@10"]


def test_ends_when_no_weight_changes_any_more(plays):
    model = models.create("slim", epochs=50, tolerance=1e-2).fit(plays)
    changes = [line["change"] for line in model.history[1:]]
    assert len(changes) < 50
    assert changes[-1] < 1e-2 and min(changes[:-1]) >= 1e-2


def test_without_validation_the_last_epoch_counts(plays):
    model = models.create("slim", tolerance=0).fit(plays, epochs=3)
    assert len(model.history) == 4 and "ndcg@10" not in model.history[-1]
    one = models.create("slim", tolerance=0).fit(plays, epochs=1)
    assert np.abs(model.W - one.W).max() > 0


def test_an_l1_penalty_makes_w_sparser(plays):
    sizes = [models.create("slim", l1=l1).fit(plays).W.nnz for l1 in (0.0, 0.3, 2.0)]
    assert sizes[0] > sizes[1] > sizes[2]


def test_epochs_given_to_fit_are_checked(plays):
    with pytest.raises(UsageError, match="epochs=0"):
        models.create("slim").fit(plays, epochs=0)


def test_a_held_out_part_without_games_is_no_reason_to_fail(plays, held_out):
    model = models.create("slim", tolerance=0)
    model.fit(plays, validation=held_out * 0, patience=2)
    assert [line["ndcg@10"] for line in model.history] == [0, 0, 0]
    assert_array_equal(model.W.shape, (37, 37))
