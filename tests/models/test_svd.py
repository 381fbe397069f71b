"""svd against scipy's singular vectors."""

import numpy as np
from numpy.testing import assert_allclose
from scipy import sparse

from gamerec import models
from gamerec.models.svd import singular_vectors

PLAIN = {"user_power": 0, "popularity_power": 0, "target_power": 0}


def test_singular_values_and_vectors_are_those_of_numpy(plays):
    for X, d in ((plays, 6), (plays, 37), (plays[:20], 9), (plays[:20], 3)):
        _, s, vt = np.linalg.svd(X.toarray())
        S, V = singular_vectors(X, d, np.random.default_rng(0))
        rank = len(S)
        assert rank == min(d, np.linalg.matrix_rank(X.toarray()))
        assert_allclose(S, s[:rank], rtol=1e-4)
        assert_allclose(np.abs((V * vt[:rank].T).sum(0)), 1, rtol=1e-3)  # the same up to sign


def test_w_is_the_low_rank_product_without_its_diagonal(plays):
    X = (plays.toarray() > 0).astype(np.float64)
    _, s, vt = np.linalg.svd(X)
    for power in (0.0, 0.5, 2.0):
        product = (vt[:5].T * s[:5] ** power) @ vt[:5]
        np.fill_diagonal(product, 0)
        model = models.create(
            "svd", dimensions=5, singular_power=power, neighbours=37, **PLAIN
        ).fit(plays)
        expected = np.where(product > 0, product, 0)  # only what tells for a game is kept
        assert_allclose(model.W.toarray(), expected, atol=2e-4 * expected.max())


def test_keeps_the_best_sources_of_each_target(plays):
    all_of_them = models.create("svd", neighbours=37).fit(plays).W.toarray()
    best = models.create("svd", neighbours=4).fit(plays).W.toarray()
    for j in range(36):
        kept = np.flatnonzero(best[:, j])
        assert len(kept) == min(4, np.count_nonzero(all_of_them[:, j]))
        assert_allclose(best[kept, j], all_of_them[kept, j], rtol=1e-3)


def test_games_without_a_common_player_can_be_alike():
    """One kind of game; games 0 and 3 share no player, but players who share others."""
    X = sparse.csr_matrix(
        np.array([[1, 1, 1, 0], [0, 1, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1]], np.float32)
    )
    assert models.create("svd", dimensions=1, **PLAIN).fit(X).W[0, 3] > 0
    assert models.create("item_knn").fit(X).W[0, 3] == 0


def test_the_seed_only_picks_the_start(plays):
    one, other = (models.create("svd", dimensions=4, seed=s).fit(plays).W for s in (1, 2))
    assert_allclose(one.toarray(), other.toarray(), atol=1e-3 * one.max())
