"""What every model does, whatever its way of making W. A new model joins by its name in NAMES."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse

from gamerec import models
from gamerec.errors import DataError, UsageError
from gamerec.models import ItemModel

# the default of every model, and forms of it that take another path
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name: (name, {}) for name in models.NAMES},
    "ease, full": ("ease", {"neighbours": None}),
    "slim, signed": ("slim", {"non_negative": False}),
    "item_knn, log hours": ("item_knn", {"values": "log", "weighting": "bm25"}),
    "item_knn, raw jaccard": ("item_knn", {"values": "raw", "similarity": "jaccard"}),
}


@pytest.fixture(params=FORMS, scope="module")
def model(request, plays, held_out, features) -> ItemModel:
    name, params = FORMS[request.param]
    return models.create(name, **params).fit(plays, features=features, validation=held_out)


def exact_scores(model: ItemModel, X: sparse.csr_matrix) -> np.ndarray:
    """X @ W, summed game by game in float32, as the words say; (n_users, n_games)."""
    read = {"binary": np.sign, "log": np.log1p, "raw": np.asarray}[model.params["values"]]
    scores, W = np.zeros(X.shape, np.float32), model.W.toarray()
    for u, row in enumerate(X.toarray()):
        for i in np.flatnonzero(row):
            scores[u] += read(row[i]) * W[i]
    return scores


def ranked(
    model: ItemModel, X: sparse.csr_matrix, k: int, allowed: np.ndarray | None = None
) -> np.ndarray:
    """The lists of the contract: score, then popularity, then column; -1 where games run out."""
    lists = np.full((X.shape[0], k), -1)
    for u, scores in enumerate(exact_scores(model, X)):
        order = np.lexsort((np.arange(model.n_games), -model.popularity, -scores))
        eligible = np.ones(model.n_games, bool) if allowed is None else allowed.copy()
        eligible[X[u].indices] = False
        best = order[eligible[order]][:k]
        lists[u, : len(best)] = best
    return lists


@pytest.mark.parametrize("k", [1, 12, 37])
def test_ranks_by_score_then_popularity_then_column(model, plays, k):
    games, scores = model.recommend(plays, k=k)
    assert games.dtype == np.int32 and scores.dtype == np.float32
    assert_array_equal(games, ranked(model, plays, k))
    there = games >= 0
    expected = np.take_along_axis(exact_scores(model, plays), np.maximum(games, 0), axis=1)
    assert_array_equal(scores[there], expected[there])
    assert np.isnan(scores[~there]).all()


def test_never_recommends_a_played_game_and_fills_every_place(model, plays):
    games, scores = model.recommend(plays, k=10)
    assert games.shape == scores.shape == (plays.shape[0], 10)
    assert (games >= 0).all() and not np.isnan(scores).any()
    played = plays.toarray() > 0
    assert not played[np.arange(len(games))[:, None], games].any()
    assert all(len(set(row)) == 10 for row in games)


def test_lists_are_best_first(model, plays):
    _, scores = model.recommend(plays, k=10)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_played_games_come_back_on_demand(model, plays):
    games, scores = model.recommend(plays, k=model.n_games, exclude_played=False)
    assert_array_equal(np.sort(games, axis=1)[5], np.arange(model.n_games))
    assert not np.isnan(scores).any()


def test_a_list_longer_than_the_catalogue_ends_in_minus_one_and_nan(model, plays):
    games, scores = model.recommend(plays[5:7], k=model.n_games + 4)
    for u, row in enumerate((5, 6)):
        n = model.n_games - plays[row].nnz
        assert (games[u, :n] >= 0).all() and (games[u, n:] == -1).all()
        assert np.isnan(scores[u, n:]).all() and not np.isnan(scores[u, :n]).any()


def test_only_allowed_games_are_recommended(model, plays):
    allowed = np.arange(model.n_games) % 4 == 1
    games, _ = model.recommend(plays, k=12, allowed=allowed)
    assert set(np.unique(games)) <= {-1, *np.flatnonzero(allowed)}
    assert_array_equal(games, ranked(model, plays, 12, allowed))
    one, _ = model.recommend_one(plays[5], k=12, allowed=allowed)
    assert_array_equal(one, games[5])


def test_an_empty_history_gets_the_popular_games_with_score_0(model):
    by_popularity = np.lexsort((np.arange(model.n_games), -model.popularity))
    for empty in ([], np.empty(0, np.int64), sparse.csr_matrix((1, model.n_games))):
        games, scores = model.recommend_one(empty, k=6)
        assert_array_equal(games, by_popularity[:6])
        assert_array_equal(scores, 0)


def test_a_history_of_all_games_leaves_nothing(model):
    games, scores = model.recommend_one(np.arange(model.n_games), k=3)
    assert_array_equal(games, -1)
    assert np.isnan(scores).all()


def test_one_user_gets_what_the_batch_gives(model, plays):
    games, scores = model.recommend(plays, k=7)
    for u in range(0, plays.shape[0], 11):
        one_games, one_scores = model.recommend_one(plays[u], k=7)
        assert_array_equal(one_games, games[u])
        assert_array_equal(one_scores, scores[u])


def test_a_history_has_no_order_and_a_repeated_game_counts_once(model):
    once, twice = model.recommend_one([4, 9, 11], k=8), model.recommend_one([9, 11, 4, 9], k=8)
    assert_array_equal(once[0], twice[0])
    assert_array_equal(once[1], twice[1])


def test_explanation_adds_up_to_the_score(model, plays):
    for u in (2, 5, 40):
        games, scores = model.recommend_one(plays[u], k=6)
        for game, score in zip(games, scores, strict=True):
            sources, parts = model.explain(plays[u], int(game))
            assert_array_equal(np.sort(sources), plays[u].indices)
            assert (np.diff(parts) <= 0).all()
            assert_allclose(parts.sum(dtype=np.float64), score, rtol=1e-5, atol=1e-5)


def test_because_names_the_largest_part(model, plays):
    games, _ = model.recommend(plays, k=5)
    because = model.because(plays, games)
    for u, place in itertools.product((0, 1, 2, 5, 77), range(5)):
        sources, parts = model.explain(plays[u], int(games[u, place]))
        if not len(parts) or parts[0] <= 0:
            assert because[u, place] == -1
        else:
            largest = sources[parts == parts[0]]
            assert because[u, place] in largest


def test_similar_games_are_the_row_of_w(model):
    row = model.W[4].toarray()[0]
    games, scores = model.similar(4, k=5)
    assert_allclose(scores, np.sort(row[row > 0])[::-1][:5])
    assert 4 not in games and (scores > 0).all()
    assert_array_equal(row[games], scores)


def test_w_is_sparse_float32_with_an_empty_diagonal(model, plays):
    assert model.W.format == "csr" and model.W.dtype == np.float32
    assert model.W.shape == (plays.shape[1],) * 2
    assert not model.W.diagonal().any() and np.isfinite(model.W.data).all()
    assert model.W.has_sorted_indices and (model.W.data != 0).all()
    assert_array_equal(model.popularity, (plays.toarray() > 0).sum(0))


def test_fitting_again_gives_the_same(model, plays, held_out, features):
    W, history = model.W.toarray(), list(model.history)
    again = models.create(model.name, **model.params)
    for fitted in (model, again):
        fitted.fit(plays, features=features, validation=held_out)
        assert_array_equal(fitted.W.toarray(), W)
        assert fitted.history == history


def test_duplicates_are_summed_and_types_converted(model, plays, held_out, features):
    coo = plays.tocoo()
    halves = np.concatenate([coo.data, coo.data]).astype(np.float64) / 2
    rows, columns = np.concatenate([coo.row, coo.row]), np.concatenate([coo.col, coo.col])
    X = sparse.csr_matrix(plays.shape)  # built by hand: the constructor would sum duplicates
    order = np.argsort(rows, kind="stable")
    X.data, X.indices, X.indptr = halves[order], columns[order], plays.indptr * 2
    other = models.create(model.name, **model.params)
    other.fit(X, features=features, validation=held_out)
    assert (other.W != model.W).nnz == 0


def test_does_not_change_its_input(plays, held_out, features):
    X = sparse.csr_matrix(plays, copy=True)
    X.data[0] = 0  # a stored zero
    before = X.copy()
    for name, params in FORMS.values():
        model = models.create(name, **params).fit(X, features=features, validation=held_out)
        model.recommend(X, k=3)
        assert_array_equal(X.data, before.data)
        assert_array_equal(X.indices, before.indices)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_refuses_values_that_are_no_weights(model, plays, value):
    X = plays.copy()
    X.data[7] = value
    with pytest.raises(DataError):
        models.create(model.name).fit(X)
    with pytest.raises(DataError):
        model.recommend(X)


@pytest.mark.parametrize("game", [-1, 37, 2**31 + 3, 2**40])
def test_refuses_a_game_that_does_not_exist(model, game):
    with pytest.raises(UsageError, match="no game in column"):
        model.recommend_one([3, game])
    with pytest.raises(UsageError, match="no game in column"):
        model.explain([3], game)
    with pytest.raises(UsageError, match="no game in column"):
        model.similar(game)


@pytest.mark.parametrize(
    "shape", [(0, 5), (1, 5), (4, 1), (3, 0)], ids=["no user", "one user", "one game", "no game"]
)
def test_fits_the_smallest_worlds(model, shape):
    X = sparse.csr_matrix(np.ones(shape, np.float32))
    features = sparse.csr_matrix(np.ones((shape[1], 2), np.float32))
    small = models.create(model.name, **model.params)
    small.fit(X, features=features, validation=sparse.csr_matrix(shape, dtype=np.float32))
    games, scores = small.recommend(X, k=2)
    assert_array_equal(games, np.full((shape[0], 2), -1))
    assert np.isnan(scores).all()
    games, _ = small.recommend_one([], k=2)
    assert_array_equal(games, [0, 1] if shape[1] > 1 else [[-1, -1], [0, -1]][shape[1]])


def test_a_log_without_plays_recommends_by_column(model, features):
    empty = models.create(model.name, **model.params)
    empty.fit(sparse.csr_matrix((6, 37), dtype=np.float32), features=features)
    games, scores = empty.recommend_one([], k=4)
    assert_array_equal(games, [0, 1, 2, 3])
    assert_array_equal(scores, 0)


def test_asks_for_fit_first():
    for name in models.NAMES:
        with pytest.raises(UsageError, match="not fitted yet"):
            models.create(name).recommend_one([1])


def test_refuses_inputs_of_another_shape(model, plays):
    with pytest.raises(UsageError, match="36 columns"):
        model.recommend(plays[:, :36])
    with pytest.raises(UsageError, match="validation has shape"):
        models.create(model.name).fit(plays, validation=plays[:9])
    with pytest.raises(UsageError, match="features have 9 rows"):
        models.create(model.name).fit(plays, features=sparse.csr_matrix((9, 2)))
    with pytest.raises(UsageError, match="one per game"):
        model.recommend_one([1], allowed=np.ones(9, bool))
    with pytest.raises(UsageError, match="at least one place"):
        model.recommend_one([1], k=0)
    with pytest.raises(UsageError, match="list of column numbers"):
        model.recommend_one([0.5])
