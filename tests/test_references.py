"""Random lists and the oracle."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gamerec import references
from gamerec.references import Oracle, Random


class Known:
    """A truth given as a table."""

    def __init__(self, table: np.ndarray) -> None:
        self.table = table

    def utility(self, users: np.ndarray) -> np.ndarray:
        return self.table[users]


def history(n_users: int, n_games: int, density: float, seed: int = 0) -> sparse.csr_matrix:
    return sparse.csr_matrix(np.random.default_rng(seed).random((n_users, n_games)) < density)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 9), st.floats(0, 1))
def test_random_lists_hold_k_different_eligible_games_or_all_there_are(seed, k, density):
    X = history(12, 8, density, seed)
    allowed = np.random.default_rng(seed).random(8) < 0.8
    games, scores = Random(seed).recommend(X, k, allowed=allowed)
    assert games.shape == scores.shape == (12, k)
    for u in range(12):
        listed = games[u][games[u] >= 0]
        eligible = set(np.flatnonzero(allowed)) - set(X[u].indices)
        assert set(listed) <= eligible
        assert len(listed) == len(set(listed)) == min(k, len(eligible))
        assert (np.isnan(scores[u]) == (games[u] < 0)).all()


def test_random_takes_every_unplayed_game_equally_often():
    X = sparse.csr_matrix(np.tile([True, False, False, False, False], (20_000, 1)))
    games, _ = Random(1).recommend(X, 2)
    counts = np.bincount(games.ravel(), minlength=5)
    assert counts[0] == 0
    np.testing.assert_allclose(counts[1:], 10_000, atol=350)  # 5 sd
    np.testing.assert_allclose(np.bincount(games[:, 0])[1:], 5_000, atol=310)


def test_random_repeats_with_its_seed_and_may_list_played_games_when_asked():
    X = history(50, 30, 0.1)
    first, again = (Random(3).recommend(X, 5)[0] for _ in range(2))
    assert (first == again).all()
    assert (first != Random(4).recommend(X, 5)[0]).any()
    everything, _ = Random(0).recommend(X, 30, exclude_played=False)
    assert (np.sort(everything, axis=1) == np.arange(30)).all()


def test_the_oracle_ranks_unplayed_games_by_true_utility():
    truth = Known(np.array([[0.1, 0.4, 0.2, 0.3], [0.9, 0.8, 0.7, 0.6]]))
    X = sparse.csr_matrix(np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32))
    games, scores = Oracle(truth, np.array([1, 0])).recommend(X, 3)  # rows are users 1 and 0
    assert games.tolist() == [[1, 2, 3], [3, 2, 0]]
    np.testing.assert_allclose(scores, [[0.8, 0.7, 0.6], [0.3, 0.2, 0.1]])


def test_the_oracle_pads_where_too_few_games_are_left():
    truth = Known(np.array([[0.1, 0.4, 0.2]]))
    X = sparse.csr_matrix(np.array([[0, 1, 0]], np.float32))
    allowed = np.array([True, True, False])
    games, scores = Oracle(truth, np.array([0])).recommend(X, 4, allowed=allowed)
    assert games.tolist() == [[0, -1, -1, -1]]
    assert np.isnan(scores[0, 1:]).all()


def test_blocks_change_nothing(monkeypatch):
    truth, X = Known(np.random.default_rng(0).random((23, 9))), history(23, 9, 0.3)
    users = np.arange(23)[::-1]
    whole = Oracle(truth, users).recommend(X, 4)
    (utility,) = references.mean_utilities(truth, users, [whole[0]], 9)
    blocks = [slice(start, start + 2) for start in range(0, 23, 2)]
    monkeypatch.setattr(references, "_blocks", lambda *_: blocks)
    for part, all_at_once in zip(Oracle(truth, users).recommend(X, 4), whole, strict=True):
        np.testing.assert_array_equal(part, all_at_once)
    (again,) = references.mean_utilities(truth, users, [whole[0]], 9)
    np.testing.assert_array_equal(again, utility)


def test_mean_utility_by_hand():
    truth = Known(np.array([[1.0, 2.0, 6.0], [5.0, 5.0, 5.0], [0.0, 7.0, 0.0]]))
    lists = [np.array([[2, 1], [1, -1], [-1, -1]]), np.array([[0], [0], [0]])]
    first, second = references.mean_utilities(truth, np.array([0, 2, 1]), lists, 3)
    np.testing.assert_array_equal(first, [4, 7, np.nan])
    np.testing.assert_array_equal(second, [1, 0, 5])
