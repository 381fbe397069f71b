"""Accuracy by hand and against ranx; beyond accuracy by hand."""

import json
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gamerec import metrics
from gamerec.errors import UsageError

LOG3 = math.log2(3)


def rows(*played: set[int], n_games: int = 6) -> sparse.csr_matrix:
    """One row per set of columns."""
    matrix = np.zeros((len(played), n_games), np.float32)
    for u, games in enumerate(played):
        matrix[u, list(games)] = 1
    return sparse.csr_matrix(matrix)


def one(recommended: list[int], relevant: set[int], k: int) -> dict[str, float]:
    values = metrics.per_user(np.array([recommended]), rows(relevant), (k,))
    return {metric: float(values[metric, k][0]) for metric in metrics.ACCURACY}


def test_every_metric_of_one_list_by_hand():
    # hits at places 2 and 3, both test games found
    assert one([3, 2, 0], {0, 2}, 3) == pytest.approx(
        {
            "recall": 2 / 2,
            "precision": 2 / 3,
            "hit_rate": 1,
            "map": (1 / 2 + 2 / 3) / 2,
            "ndcg": (1 / LOG3 + 1 / 2) / (1 + 1 / LOG3),
        }
    )


def test_more_test_games_than_places():
    # 3 relevant, 2 places, hit at place 1: recall over all three, map and ndcg over the best two
    assert one([4, 5], {0, 1, 4}, 2) == pytest.approx(
        {
            "recall": 1 / 3,
            "precision": 1 / 2,
            "hit_rate": 1,
            "map": 1 / 2,
            "ndcg": 1 / (1 + 1 / LOG3),
        }
    )


def test_a_perfect_list_has_full_map_and_ndcg_even_where_recall_cannot():
    values = one([1, 0], {0, 1, 4}, 2)
    assert (values["map"], values["ndcg"], values["precision"]) == (1, 1, 1)
    assert values["recall"] == pytest.approx(2 / 3)


def test_several_ks_in_one_pass_each_look_at_their_own_places():
    lists = np.array([[5, 1, 3]])
    together = metrics.per_user(lists, rows({1, 2}), (3, 1, 2))
    for k in (1, 2, 3):
        apart = metrics.per_user(lists, rows({1, 2}), (k,))
        assert all(together[m, k] == apart[m, k] for m in metrics.ACCURACY)
    assert [together["recall", k][0] for k in (1, 2, 3)] == [0, 0.5, 0.5]


def test_only_users_with_test_games_have_values_in_row_order():
    lists = np.array([[0, 1], [2, 3], [4, 5]])
    values = metrics.per_user(lists, rows({0}, set(), {3}), (2,))
    assert values["hit_rate", 2].tolist() == [1, 0]
    assert metrics.test_users(rows({0}, set(), {3})).tolist() == [0, 2]


def test_empty_and_short_lists_lose_and_are_not_dropped():
    values = metrics.per_user(np.array([[-1, -1], [2, -1]]), rows({0}, {2}), (2,))
    assert values["ndcg", 2].tolist() == [0, 1]
    assert values["precision", 2].tolist() == [0, 0.5]


def test_a_game_listed_twice_is_one_hit():
    assert one([2, 2], {0, 2}, 2)["recall"] == 0.5


def test_stored_zeros_are_not_relevant():
    test = sparse.csr_matrix((np.array([0.0, 1.0]), ([0, 0], [1, 2])), shape=(1, 6))
    assert metrics.per_user(np.array([[1, 3]]), test, (2,))["hit_rate", 2].tolist() == [0]


def test_unsorted_test_rows_are_read_right():
    test = sparse.csr_matrix((np.ones(3), np.array([5, 0, 3]), np.array([0, 3])), shape=(1, 6))
    assert metrics.per_user(np.array([[5, 0]]), test, (2,))["recall", 2] == pytest.approx(2 / 3)


@pytest.mark.parametrize("ks", [(), (0,), (3,)])
def test_k_beyond_the_list_is_refused(ks):
    with pytest.raises(UsageError, match="does not fit lists of 2 places"):
        metrics.per_user(np.array([[0, 1]]), rows({0}), ks)


def test_lists_of_other_users_are_refused():
    with pytest.raises(UsageError, match="one row of games per user"):
        metrics.per_user(np.array([[0, 1]]), rows({0}, {1}), (1,))


def random_case(seed: int, n_users: int = 60, n_games: int = 30, k: int = 12):
    rng = np.random.default_rng(seed)
    lists = np.array([rng.permutation(n_games)[:k] for _ in range(n_users)], np.int32)
    relevant = [set(rng.permutation(n_games)[: rng.integers(1, k + 1)]) for _ in range(n_users)]
    return lists, rows(*relevant, n_games=n_games)


RANX = """
import json, sys
import ranx
given = json.load(sys.stdin)
run = ranx.Run(given["run"])
ranx.evaluate(ranx.Qrels(given["qrels"]), run, given["metrics"])
json.dump({m: {u: float(v) for u, v in by.items()} for m, by in run.scores.items()}, sys.stdout)
"""


def ranx_scores(run: dict, qrels: dict, asked: list[str]) -> dict[str, dict[str, float]]:
    """Per-user values by ranx, in a process without its compiler: that takes minutes, this none."""
    given = json.dumps({"run": run, "qrels": qrels, "metrics": asked})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RANX],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_agrees_with_ranx():
    lists, test = random_case(seed=7)
    users = [f"u{u:02d}" for u in range(len(lists))]
    run = {u: {f"g{g}": 100.0 - at for at, g in enumerate(lists[n])} for n, u in enumerate(users)}
    qrels = {u: {f"g{g}": 1 for g in test[n].indices} for n, u in enumerate(users)}
    asked = [f"{metric}@{k}" for metric in metrics.ACCURACY for k in (1, 5, 12)]
    theirs = ranx_scores(run, qrels, asked)
    ours = metrics.per_user(lists, test, (1, 5, 12))
    relevant = np.diff(test.indptr)
    for (metric, k), values in ours.items():
        if metric == "map":  # theirs is over |R|, ours over min(k, |R|)
            values = values * np.minimum(k, relevant) / relevant
        expected = [theirs[f"{metric}@{k}"][u] for u in users]
        np.testing.assert_allclose(values, expected, err_msg=f"{metric}@{k}")


def test_ndcg_agrees_with_scikit_learn():
    from sklearn.metrics import ndcg_score

    lists, test = random_case(seed=3)
    scores = np.zeros(test.shape)
    np.put_along_axis(scores, lists.astype(np.int64), np.arange(12, 0, -1)[None, :], axis=1)
    expected = [
        ndcg_score(test[u].toarray(), scores[u : u + 1], k=12) for u in range(test.shape[0])
    ]
    np.testing.assert_allclose(metrics.per_user(lists, test, (12,))["ndcg", 12], expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_values_lie_in_range_and_recall_grows_with_k(seed, k):
    lists, test = random_case(seed, n_users=8)
    values = metrics.per_user(lists, test, (k - 1, k))
    for metric in metrics.ACCURACY:
        assert ((values[metric, k] >= 0) & (values[metric, k] <= 1 + 1e-12)).all()
    assert (values["recall", k] >= values["recall", k - 1]).all()
    assert (values["hit_rate", k] == (values["recall", k] > 0)).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_a_hit_moved_up_never_lowers_ndcg_or_map(seed):
    lists, test = random_case(seed, n_users=1)
    hits = np.isin(lists[0], test[0].indices)
    better = np.concatenate((lists[0][hits], lists[0][~hits]))[None, :]
    worse, best = (metrics.per_user(games, test, (5,)) for games in (lists, better))
    assert best["ndcg", 5] >= worse["ndcg", 5] and best["map", 5] >= worse["map", 5]


# Beyond accuracy


def test_popularity_percentile_counts_ties_half():
    # 3 others: game 0 is below none, 1 and 2 tie above one, 3 is above all
    np.testing.assert_allclose(
        metrics.popularity_percentile(np.array([1, 5, 5, 9])), [0, 1.5 / 3, 1.5 / 3, 1]
    )
    assert metrics.popularity_percentile(np.array([4.0])).tolist() == [0]


def test_list_and_profile_means_skip_empty_places():
    values = np.array([0.0, 10.0, 20.0])
    np.testing.assert_array_equal(
        metrics.list_mean(np.array([[1, 2], [2, -1], [-1, -1]]), values), [15, 20, np.nan]
    )
    np.testing.assert_array_equal(
        metrics.profile_mean(rows({0, 1}, set(), n_games=3), values), [5, np.nan]
    )


def test_coverage_counts_each_game_once():
    assert metrics.coverage(np.array([[0, 1], [1, -1]]), n_games=5) == 2 / 5


def test_gini_by_hand():
    assert metrics.gini(np.array([3, 3, 3])) == 0
    # ascending 0 0 0 8: (2*4 - 4 - 1) * 8 / (4 * 8)
    assert metrics.gini(np.array([0, 8, 0, 0])) == 3 / 4
    # ascending 1 3: (-1 * 1 + 1 * 3) / (2 * 4)
    assert metrics.gini(np.array([3, 1])) == 1 / 4
    assert math.isnan(metrics.gini(np.zeros(3)))


def test_intra_list_diversity_by_hand():
    features = sparse.csr_matrix(np.array([[1, 0], [2, 0], [0, 3], [1, 1], [0, 0]], np.float32))
    lists = np.array([[0, 1, -1], [0, 2, -1], [0, 2, 3], [0, 4, -1], [0, 4, 1], [-1, -1, -1]])
    half = math.sqrt(1 / 2)
    expected = [0, 1, 1 - (0 + half + half) / 3, np.nan, 0, np.nan]
    np.testing.assert_allclose(metrics.intra_list_diversity(lists, features), expected, atol=1e-12)
