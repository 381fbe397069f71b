"""The kernels' own promises: exact selection, the same Gram matrix however it is held."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from gamerec.models.kernels import gram as gram_kernels
from gamerec.models.kernels import scoring, select
from gamerec.models.kernels.ranked import inverse, popularity_order, rank_log, squared_lengths

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@njit
def packed(score, position):
    key = select.pack(score, position)
    return key, select.score_of(key), select.position_of(key)


@given(FLOATS, FLOATS, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
@settings(max_examples=200, deadline=None)
def test_keys_order_by_score_then_by_lower_position(a, b, p, q):
    a, b = np.float32(a + 0.0), np.float32(b + 0.0)  # no -0.0
    key_a, score, position = packed(a, p)
    key_b, _, _ = packed(b, q)
    assert (score, position) == (a, p)
    assert (key_a > key_b) == ((a, -p) > (b, -q))


@given(st.lists(st.integers(0, 60), max_size=200), st.integers(1, 40))
@settings(max_examples=200, deadline=None)
def test_shrink_keeps_the_k_largest_with_the_least_last(numbers, k):
    keys = np.array(numbers, np.uint64)
    kept = select.shrink(keys, len(keys), k)
    best = sorted(numbers, reverse=True)[:k]
    assert kept == len(best)
    assert sorted(keys[:kept].tolist(), reverse=True) == best
    if len(numbers) >= k:
        assert keys[k - 1] == best[-1]


@given(st.lists(st.integers(0, 1000), max_size=1500))
@settings(max_examples=50, deadline=None)
def test_sorts(numbers):
    keys = np.array(numbers, np.uint64)
    select.sort_keys(keys, len(keys))
    assert keys.tolist() == sorted(numbers, reverse=True)
    ids = np.array(numbers, np.int32)
    values = -ids.astype(np.float32)
    select.sort_pairs(ids, values, len(ids))
    assert ids.tolist() == sorted(numbers)
    assert_array_equal(values, -ids)


def test_a_ranked_log_is_the_log_in_the_order_of_popularity(plays):
    popularity = np.diff(plays.tocsc().indptr).astype(np.float32)
    log = rank_log(plays, popularity)
    order = popularity_order(popularity)
    assert (np.diff(popularity[order]) <= 0).all()
    assert_array_equal(order[inverse(order)], np.arange(37))
    by_user = sparse.csr_matrix((log.values, log.games, log.row_start), shape=plays.shape)
    by_game = sparse.csr_matrix((log.user_values, log.users, log.game_start), shape=(37, 150))
    assert_array_equal(by_user.toarray(), plays.toarray()[:, order])
    assert_array_equal(by_game.toarray(), plays.toarray()[:, order].T)
    assert by_user.has_sorted_indices and by_game.has_sorted_indices
    assert_allclose(squared_lengths(log), (plays.toarray()[:, order] ** 2).sum(0))


@pytest.mark.parametrize("even", [True, False])
def test_a_log_is_even_where_all_plays_of_a_user_weigh_the_same(plays, even):
    popularity = np.diff(plays.tocsc().indptr).astype(np.float32)
    X = plays.copy()
    X.data = np.repeat(np.arange(1, 151, dtype=np.float32), np.diff(X.indptr))
    if not even:
        X.data[np.diff(X.indptr).argmax()] += 1
    log = rank_log(X, popularity)
    assert log.even == even
    whole = gram_kernels.whole_gram(log)
    expected = (X.T @ X).toarray()[np.ix_(log.order, log.order)]
    for r in range(37):
        at = whole.row_at[r]
        assert_allclose(whole.cells[at : at + r + 1], expected[r, : r + 1], rtol=1e-5)


@pytest.mark.parametrize("budget", [0, 40, 1 << 20])
@pytest.mark.parametrize("uses", [1, 1000])
def test_the_gram_matrix_is_the_same_held_or_added_up(plays, budget, uses):
    popularity = np.diff(plays.tocsc().indptr).astype(np.float32)
    log = rank_log(plays, popularity)
    held = gram_kernels.gram(log, uses, budget)
    assert len(held.cells) <= budget
    members = np.array([0, 2, 3, 11, 20, 34, 36, 99], np.int32)
    place, G = np.zeros(37, np.int32), np.full((8, 8), np.nan, np.float32)
    gram_kernels.gather(log, *held, members, 7, place, G)
    X = plays.toarray()[:, log.order[members[:7]]].astype(np.float64)
    assert_allclose(G[:7, :7], X.T @ X, rtol=1e-5)
    assert not place.any()


def test_the_budget_of_the_gram_matrix_goes_to_the_popular_games(plays):
    popularity = np.diff(plays.tocsc().indptr).astype(np.float32)
    log = rank_log(plays, popularity)
    held = gram_kernels.gram(log, uses=30, budget=100)
    assert_array_equal(np.flatnonzero(held.row_at >= 0), np.arange(13))  # 1 + 2 + ... + 13 = 91


@pytest.mark.parametrize("own", [0, 2, 4])
def test_a_target_enters_among_its_sources_and_leaves(own):
    ids = np.array([9, 3, 5, 12], np.int32)
    values = np.array([0.9, 0.3, 0.5, 1.2], np.float32)
    target = [1, 7, 20][[0, 2, 4].index(own)]
    members, w = np.empty(5, np.int32), np.empty(5, np.float32)
    assert gram_kernels.enter(ids, values, 4, target, members, w) == own
    assert_array_equal(members, sorted([3, 5, 9, 12, target]))
    assert_array_equal(ids, [3, 5, 9, 12])
    assert w[own] == 0
    gram_kernels.leave(values, 4, own, w * 2)
    assert_allclose(values, [0.6, 1.0, 1.8, 2.4])


@pytest.mark.parametrize("kept", [0.02, 0.2, 0.6])
def test_rows_kept_in_full_give_the_same_to_the_last_bit(kept):
    rng = np.random.default_rng(5)
    dense = rng.standard_normal((300, 300), dtype=np.float32)
    share = kept * rng.random((300, 1)) * 2
    W = sparse.csr_matrix(np.where(rng.random((300, 300)) < share, dense, np.float32(0)))
    X = sparse.random(80, 300, 0.05, "csr", np.float32, rng)
    scorer = scoring.new_scorer(W, rng.integers(1, 9, 300).astype(np.float32))
    filled = np.flatnonzero(np.diff(W.indptr) >= 75)
    assert_array_equal(np.flatnonzero(scorer.full_at >= 0), filled)
    assert_array_equal(scorer.full[:, :300], W[filled].toarray())
    assert not scorer.full[:, 300:].any()
    none = scorer._replace(full_at=np.full(300, -1, np.int32), full=scorer.full[:0])
    for k in (5, 300):  # 300: down to the negative scores
        assert_array_equal(scoring.best_for_all(scorer, X, k), scoring.best_for_all(none, X, k))
