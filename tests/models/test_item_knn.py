"""item_knn against numbers worked by hand and against scikit-learn."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.metrics.pairwise import cosine_similarity

from gamerec import models

# Game 0 is played by a, b, c, d; game 1 by a, b; game 2 by d alone; game 3 by a, b, c.
ROWS = [[1, 1, 0, 1], [1, 1, 0, 1], [1, 0, 0, 1], [1, 0, 1, 0]]


@pytest.fixture
def four() -> sparse.csr_matrix:
    return sparse.csr_matrix(np.array(ROWS, np.float32))


def fitted(X: sparse.csr_matrix, **params) -> np.ndarray:
    return models.create("item_knn", **params).fit(X).W.toarray()


def test_cosine_by_hand(four):
    W = fitted(four)
    # 0 and 1 share a, b: 2 / sqrt(4 * 2); 0 and 2 share d: 1 / sqrt(4 * 1); 1 and 2 nobody
    assert_allclose(W[0], [0, 2 / np.sqrt(8), 1 / 2, 3 / np.sqrt(12)], rtol=1e-6)
    assert_allclose(W[1], [2 / np.sqrt(8), 0, 0, 2 / np.sqrt(6)], rtol=1e-6)


def test_jaccard_by_hand(four):
    W = fitted(four, similarity="jaccard")
    # shared over all who played either: {a, b} of {a, b, c, d}; {d} of 4; {a, b, c} of 4
    assert_allclose(W[0], [0, 2 / 4, 1 / 4, 3 / 4], rtol=1e-6)
    assert_allclose(W[1], [2 / 4, 0, 0, 2 / 3], rtol=1e-6)


def test_tversky_looks_at_source_and_target_differently(four):
    W = fitted(four, similarity="tversky", alpha=1.0, beta=0.0)
    # shared over the players of the source alone: of the 2 players of game 1 both play game 0,
    # of the 4 players of game 0 only 2 play game 1
    assert_allclose(W[1, 0], 2 / 2)
    assert_allclose(W[0, 1], 2 / 4)
    W = fitted(four, similarity="tversky", alpha=0.5, beta=0.25)
    assert_allclose(W[0, 2], 1 / (1 + 0.5 * 3 + 0.25 * 0), rtol=1e-6)
    assert_allclose(W[2, 0], 1 / (1 + 0.5 * 0 + 0.25 * 3), rtol=1e-6)


def test_asymmetric_cosine_discounts_the_popular_source(four):
    W = fitted(four, similarity="asymmetric", alpha=0.75)
    assert_allclose(W[0, 2], 1 / (4**0.75 * 1**0.25), rtol=1e-6)
    assert_allclose(W[2, 0], 1 / (1**0.75 * 4**0.25), rtol=1e-6)


def test_shrinkage_is_added_to_the_denominator(four):
    W = fitted(four, shrinkage=3.0)
    assert_allclose(W[0, 1], 2 / (np.sqrt(8) + 3), rtol=1e-6)
    assert_allclose(W[0, 2], 1 / (2 + 3), rtol=1e-6)


def test_neighbours_are_kept_per_target_and_the_popular_one_of_equals(four):
    W = fitted(four, neighbours=1)
    # the best source of each column: 0 <- 3, 1 <- 3 (2/sqrt 6 beats 2/sqrt 8), 2 <- 0, 3 <- 0
    assert_array_equal(np.argwhere(W.T), [[0, 3], [1, 3], [2, 0], [3, 0]])
    alike = sparse.csr_matrix(np.array([[1, 1, 1], [0, 1, 1], [1, 1, 0], [0, 1, 0]], np.float32))
    W = fitted(alike, neighbours=1, similarity="tversky", alpha=0.0, beta=1.0)
    # to target 2, played by two, source 1 gives 2/2 and source 0 gives 1/2; to target 1 both of
    # the others give 2/4 and have two players each: the lower column stays
    assert_array_equal(np.argwhere(W.T), [[0, 1], [1, 0], [2, 1]])


def test_cosine_of_hours_agrees_with_scikit_learn(plays):
    expected = cosine_similarity(plays.T.astype(np.float64))
    np.fill_diagonal(expected, 0)
    W = models.create("item_knn", values="raw", neighbours=37).fit(plays).W
    assert_allclose(W.toarray(), expected, rtol=1e-5, atol=1e-7)


def test_the_k_kept_are_the_k_best_of_scikit_learn(plays):
    expected = cosine_similarity((plays > 0).T.astype(np.float64))
    np.fill_diagonal(expected, 0)
    W = models.create("item_knn", neighbours=4).fit(plays).W.toarray()
    for j in range(37):
        assert_allclose(np.sort(W[:, j])[-4:], np.sort(expected[:, j])[-4:], rtol=1e-5)
        kept = W[:, j] > 0
        assert_allclose(W[kept, j], expected[kept, j], rtol=1e-5)
    assert (np.count_nonzero(W, axis=0) <= 4).all()


def test_tfidf_lets_players_of_few_games_tell_more(four):
    W = fitted(four, weighting="tfidf", neighbours=3)
    idf = np.log(5 / (1 + np.array([3, 3, 2, 2])))
    x = np.array(ROWS) * idf[:, None]
    expected = cosine_similarity(x.T)
    np.fill_diagonal(expected, 0)
    assert_allclose(W, expected, rtol=1e-5)


def test_bm25_saturates_hours_and_normalises_by_length(plays):
    W = models.create("item_knn", values="raw", weighting="bm25", neighbours=37).fit(plays).W
    x = plays.toarray().astype(np.float64)
    length = x.sum(0) / x.sum(0)[x.sum(0) > 0].mean()
    weighted = np.log(38 / (1 + (x > 0).sum(1)))[:, None] * x * 2.2
    weighted /= x + 1.2 * (1 - 0.75 + 0.75 * length)
    expected = cosine_similarity(weighted.T)
    np.fill_diagonal(expected, 0)
    assert_allclose(W.toarray(), expected, rtol=2e-5, atol=1e-7)


def test_a_score_sums_over_the_sources_not_the_targets(four):
    """An asymmetric W told by its scores: a transposed one gives another list."""
    model = models.create("item_knn", similarity="tversky", alpha=1.0, beta=0.0).fit(four)
    games, scores = model.recommend_one([2], k=3)
    # the only player of game 2 plays game 0 too: W[2, 0] = 1/1, while W[0, 2] = 1/4
    assert_array_equal(games, [0, 3, 1])
    assert_allclose(scores, [1, 0, 0])
