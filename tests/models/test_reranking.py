"""Sliders and filters over a model's candidates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from gamerec.errors import UsageError
from gamerec.models.reranking import allowed_games, rerank

GAMES = np.array([4, 2, 0, 3])  # best first
SCORES = np.array([1.0, 0.8, 0.5, 0.0], np.float32)  # relevance 1, 0.8, 0.5, 0
POPULARITY = np.array([50, 0, 30, 900, 10])  # ranks in the list: 4 -> 0, 2 -> 1/3, 0 -> 2/3, 3 -> 1
FEATURES = sparse.csr_matrix(
    np.array([[0, 2, 0], [9, 9, 9], [1, 0, 0], [0, 0, 0], [3, 0, 0]], np.float32)
)  # 4 and 2 alike, 0 other, 3 unknown


def test_both_sliders_at_zero_keep_the_order():
    games, scores = rerank(GAMES, SCORES, 3)
    assert games.tolist() == [4, 2, 0]
    np.testing.assert_array_equal(scores, SCORES[:3])


def test_maximal_marginal_relevance_by_hand():
    # d = 0.5: first 4 (v 1). Then 2: 0.4 - 0.5 * 1 = -0.1; 0: 0.25 - 0; 3: 0 - 0. So 0, then 3, 2.
    games, scores = rerank(GAMES, SCORES, 4, diversity=0.5, features=FEATURES)
    assert games.tolist() == [4, 0, 3, 2]
    np.testing.assert_array_equal(scores, SCORES[[0, 2, 3, 1]])


def test_a_little_diversity_changes_nothing_that_is_far_apart():
    # d = 0.2: 2: 0.64 - 0.2 = 0.44 against 0: 0.4
    assert rerank(GAMES, SCORES, 2, diversity=0.2, features=FEATURES)[0].tolist() == [4, 2]


def test_mainstream_by_hand():
    # m = 0.5, values 0.5 r + 0.5 p: 4: 0.5, 2: 0.4 + 1/6, 0: 0.25 + 1/3, 3: 0.5
    games, _ = rerank(GAMES, SCORES, 4, mainstream=0.5, popularity=POPULARITY)
    assert games.tolist() == [0, 2, 4, 3]


def test_the_ends_of_the_slider_are_most_and_least_played():
    most, _ = rerank(GAMES, SCORES, 4, mainstream=1, popularity=POPULARITY)
    least, _ = rerank(GAMES, SCORES, 4, mainstream=-1, popularity=POPULARITY)
    assert most.tolist() == [3, 0, 2, 4]
    assert least.tolist() == [4, 2, 0, 3]


def test_equal_popularity_leaves_the_order_to_relevance():
    games, _ = rerank(GAMES, SCORES, 4, mainstream=0.9, popularity=np.full(5, 7))
    assert games.tolist() == GAMES.tolist()


def test_many_lists_are_the_same_as_one_by_one():
    pool = np.array([[4, 2, 0, 3], [1, 0, -1, -1], [-1, -1, -1, -1]], np.int32)
    scores = np.array([SCORES, [2, 1, np.nan, np.nan], [np.nan] * 4], np.float32)
    sliders = {"diversity": 0.6, "mainstream": -0.3, "features": FEATURES, "popularity": POPULARITY}
    games, kept = rerank(pool, scores, 3, **sliders)
    for u in range(3):
        one, its = rerank(pool[u], scores[u], 3, **sliders)
        np.testing.assert_array_equal(games[u], one)
        np.testing.assert_array_equal(kept[u], its)
    assert games[1].tolist()[2] == -1 and np.isnan(kept[1][2])
    assert games[2].tolist() == [-1] * 3


def test_a_list_shorter_than_k_is_padded():
    games, scores = rerank(GAMES, SCORES, 6)
    assert games.tolist() == [4, 2, 0, 3, -1, -1]
    assert np.isnan(scores[4:]).all()


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    k=st.integers(1, 12),
    sliders=st.lists(st.floats(-1, 1), min_size=2, max_size=6),
)
def test_mean_popularity_never_falls_when_the_slider_rises(seed, k, sliders):
    rng = np.random.default_rng(seed)
    popularity = rng.integers(0, rng.choice([3, 1_000]), 40)
    pool = rng.permutation(40)[:25].astype(np.int32)
    scores = np.sort(rng.choice([rng.random(25), rng.integers(0, 3, 25)]))[::-1].astype(np.float32)
    means = []
    for mainstream in sorted(sliders):
        games, _ = rerank(pool, scores, k, mainstream=mainstream, popularity=popularity)
        means.append(popularity[games[games >= 0]].mean())
    assert (np.diff(means) >= -1e-9).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000), diversity=st.floats(0, 1), mainstream=st.floats(-1, 1))
def test_games_are_chosen_among_the_candidates_each_once(seed, diversity, mainstream):
    rng = np.random.default_rng(seed)
    features = sparse.random(30, 8, density=0.3, format="csr", random_state=seed)
    pool = rng.permutation(30)[:12].astype(np.int32)
    scores = np.sort(rng.random(12))[::-1].astype(np.float32)
    games, kept = rerank(
        pool,
        scores,
        5,
        diversity=diversity,
        mainstream=mainstream,
        features=features,
        popularity=rng.integers(0, 9, 30),
    )
    assert len(set(games.tolist())) == 5
    own = dict(zip(pool.tolist(), scores.tolist(), strict=True))
    assert [own[g] for g in games.tolist()] == kept.tolist()


def test_full_diversity_never_takes_a_twin_while_another_is_left():
    features = sparse.csr_matrix(np.repeat(np.eye(3), 2, axis=0))  # 0 = 1, 2 = 3, 4 = 5
    games, _ = rerank(np.arange(6), np.arange(6, 0, -1.0), 3, diversity=1, features=features)
    assert games.tolist() == [0, 2, 4]


@pytest.mark.parametrize(
    ("sliders", "message"),
    [
        ({"diversity": 1.1}, "from 0 to 1"),
        ({"mainstream": -2}, "from -1"),
        ({"diversity": 0.5}, "needs the content"),
        ({"mainstream": 0.5}, "needs the popularity"),
    ],
)
def test_a_slider_out_of_range_or_without_data_is_refused(sliders, message):
    with pytest.raises(UsageError, match=message):
        rerank(GAMES, SCORES, 2, **sliders)


ITEMS = pd.DataFrame(
    {
        "genres": [["Action", "Shooter"], ["Action"], ["Puzzle"], ["Unknown"]],
        "tags": [["Co-op", "VR"], ["VR"], [], ["Co-op"]],
        "released": pd.to_datetime(["2013-01-01", "2017-06-30", "2020-12-31", None], utc=True),
    }
)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, [1, 1, 1, 1]),
        ({"genres_any": ["action", "Puzzle"]}, [1, 1, 1, 0]),
        ({"genres_all": ["Action", "Shooter"]}, [1, 0, 0, 0]),
        ({"genres_none": ["Action"]}, [0, 0, 1, 1]),
        ({"genres_none": ["Nobody has this"]}, [1, 1, 1, 1]),
        ({"tags_any": ["VR"], "genres_none": ["Shooter"]}, [0, 1, 0, 0]),
        ({"tags_all": ["vr", "CO-OP"]}, [1, 0, 0, 0]),
        ({"tags_none": ["VR"]}, [0, 0, 1, 1]),
        ({"year_from": 2017}, [0, 1, 1, 0]),
        ({"year_from": 2013, "year_to": 2017}, [1, 1, 0, 0]),
        ({"year_to": 2012}, [0, 0, 0, 0]),
    ],
)
def test_filters(filters, expected):
    assert allowed_games(ITEMS, **filters).tolist() == [bool(e) for e in expected]


def test_a_wanted_genre_that_no_game_has_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no game has 'Shoter' among its genres.*'shooter'"):
        allowed_games(ITEMS, genres_any=["Shoter"])


def test_an_empty_catalogue_has_an_empty_mask():
    assert allowed_games(ITEMS.iloc[:0], genres_none=["x"], year_from=2000).tolist() == []
