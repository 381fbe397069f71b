"""content: likeness of features, players or none."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity

from gamerec import models
from gamerec.errors import DataError, UsageError


def test_agrees_with_scikit_learns_cosine_of_the_features(plays, features):
    expected = cosine_similarity(features)
    np.fill_diagonal(expected, 0)
    W = models.create("content", neighbours=37).fit(plays, features=features).W
    assert_allclose(W.toarray(), expected, rtol=1e-5)


def test_reaches_a_game_that_nobody_played(plays, features):
    model = models.create("content").fit(plays, features=features)
    assert model.popularity[36] == 0
    games, scores = model.recommend_one([0, 6, 12, 18], k=33)
    assert scores[list(games).index(36)] > 0
    assert model.W[:, [36]].nnz > 0


def test_of_equally_like_sources_the_more_played_is_kept():
    X = sparse.csr_matrix(np.array([[1, 0, 1, 0], [0, 0, 1, 0]], np.float32))
    features = sparse.csr_matrix(np.ones((4, 1), np.float32))
    W = models.create("content", neighbours=1).fit(X, features=features).W
    assert_array_equal(np.argwhere(W.T.toarray()), [[0, 2], [1, 2], [2, 0], [3, 2]])


def test_shrinkage_holds_down_games_of_which_little_is_known(plays, features):
    W = models.create("content", shrinkage=2.0, neighbours=37).fit(plays, features=features).W
    f = features.toarray().astype(np.float64)
    length = np.sqrt((f**2).sum(1))
    assert_allclose(W[1, 4], f[1] @ f[4] / (length[1] * length[4] + 2), rtol=1e-5)


def test_asks_for_features_that_it_can_use(plays, features):
    with pytest.raises(UsageError, match="needs the games' features"):
        models.create("content").fit(plays)
    with pytest.raises(UsageError, match="must be a sparse matrix"):
        models.create("content").fit(plays, features=features.toarray())
    with pytest.raises(DataError, match="below 0"):
        models.create("content").fit(plays, features=-features)
