"""ease against ridge regressions solved column by column."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.linear_model import Ridge

from gamerec import models

PLAIN = {"user_power": 0, "popularity_power": 0, "target_power": 0, "choice_power": 0}


def ridge(X: np.ndarray, sources: list[np.ndarray], penalty: float) -> np.ndarray:
    """Column j: scikit-learn's ridge of x_j on its sources."""
    W = np.zeros((X.shape[1],) * 2)
    for j, chosen in enumerate(sources):
        if len(chosen):
            fit = Ridge(alpha=penalty, fit_intercept=False).fit(X[:, chosen], X[:, j])
            W[chosen, j] = fit.coef_
    return W


def others(n: int) -> list[np.ndarray]:
    return [np.delete(np.arange(n), j) for j in range(n)]


def test_full_form_is_a_ridge_regression_of_every_column(plays):
    X = (plays.toarray() > 0).astype(np.float64)
    W = models.create("ease", neighbours=None, penalty=7.0, **PLAIN).fit(plays).W
    assert_allclose(W.toarray(), ridge(X, others(37), 7.0), rtol=1e-4, atol=1e-6)


def test_full_form_is_the_published_closed_form(plays):
    X = (plays.toarray() > 0).astype(np.float64)
    P = np.linalg.inv(X.T @ X + 50 * np.eye(37))
    B = P / -np.diag(P)
    np.fill_diagonal(B, 0)
    W = models.create("ease", neighbours=None, penalty=50.0, **PLAIN).fit(plays).W
    assert_allclose(W.toarray(), B, rtol=1e-4, atol=1e-7)


def test_restricted_form_is_a_ridge_regression_on_the_nearest_games(plays):
    X = (plays.toarray() > 0).astype(np.float64)
    shared = X.T @ X
    np.fill_diagonal(shared, 0)
    # nearest by players shared; of equals the more popular, then the lower column
    sources = [
        np.lexsort((np.arange(37), -X.sum(0), -shared[:, j]))[: min(6, (shared[:, j] > 0).sum())]
        for j in range(37)
    ]
    W = models.create("ease", neighbours=6, penalty=3.0, **PLAIN).fit(plays).W
    assert_allclose(W.toarray(), ridge(X, sources, 3.0), rtol=1e-4, atol=1e-6)


def test_all_games_as_neighbours_agree_with_the_full_form_where_all_are_played_together():
    rng = np.random.default_rng(3)
    X = sparse.csr_matrix((rng.random((90, 12)) < 0.5).astype(np.float32))
    full = models.create("ease", neighbours=None).fit(X).W.toarray()
    restricted = models.create("ease", neighbours=11).fit(X).W.toarray()
    assert_allclose(restricted, full, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("neighbours", [None, 36])
def test_scaling_is_the_plain_problem_on_a_scaled_matrix(plays, neighbours):
    powers = {"user_power": 0.3, "popularity_power": 0.4, "target_power": 0.1, "choice_power": 0.2}
    played = (plays.toarray() > 0).astype(np.float64)
    activity, popularity = np.maximum(played.sum(1), 1), np.maximum(played.sum(0), 1)
    X = played / activity[:, None] ** 0.3 / popularity**0.4
    shared = played.T @ played > 0
    sources = (
        others(37)
        if neighbours is None
        else [np.flatnonzero(shared[:, j] & (np.arange(37) != j)) for j in range(37)]
    )
    w = ridge(X, sources, 2.0)
    expected = w / popularity[:, None] ** 0.4 * popularity ** (0.4 - 0.1)
    W = models.create("ease", neighbours=neighbours, penalty=2.0, **powers).fit(plays).W
    assert_allclose(W.toarray(), expected, rtol=1e-4, atol=1e-6)


def test_a_stronger_penalty_makes_smaller_weights(plays):
    sizes = [np.abs(models.create("ease", penalty=p).fit(plays).W.data).sum() for p in (1, 10, 100)]
    assert sizes[0] > sizes[1] > sizes[2] > 0


def test_a_game_that_tells_against_another_gets_a_negative_weight():
    """Everybody plays game 0; then either 1 or 2, never both."""
    X = sparse.csr_matrix(np.array([[1, 1, 0]] * 5 + [[1, 0, 1]] * 4, np.float32))
    W = models.create("ease", neighbours=None, penalty=0.5, **PLAIN).fit(X).W.toarray()
    assert W[1, 2] < 0 < W[0, 2]
    assert W[2, 1] < 0 < W[0, 1]
