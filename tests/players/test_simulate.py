"""Virtual players: what every population has, and that choices follow the truth that is kept."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, stats

from gamerec import Interactions, columns
from gamerec.catalogue.features import ContentFeatures
from gamerec.errors import DataError, UsageError
from gamerec.players import simulate
from gamerec.players.simulate import Truth


def catalogue(n_games=40, n_features=9, seed=1):
    """Games with ids 100, 101, ... and a content of one to three of n_features labels."""
    rng = np.random.default_rng(seed)
    games = pd.DataFrame(
        {
            "game_id": np.arange(100, 100 + n_games),
            "rating_shrunk": rng.uniform(3, 4.5, n_games),
            "owned_ratio": rng.uniform(0.2, 0.9, n_games),
        }
    )
    labels = np.array([rng.random(n_features) < 2 / n_features for _ in range(n_games)], float)
    labels[np.arange(n_games), rng.integers(n_features, size=n_games)] = 1
    matrix = sparse.csr_matrix(labels / np.linalg.norm(labels, axis=1, keepdims=True))
    names = np.array([f"genre:{n}" for n in range(n_features)])
    return games, ContentFeatures(matrix.astype(np.float32), names, games["game_id"].to_numpy())


GAMES, FEATURES = catalogue()


def first_choices(plays, n_games):
    first = plays.drop_duplicates("user_id")["game_id"] - 100
    return np.bincount(first, minlength=n_games)


# --- what every population has --------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["taste", "popularity"])
def test_a_population_keeps_to_the_contract(mode):
    plays, truth = simulate.simulate(GAMES, FEATURES, 500, mode=mode)
    assert columns.check(plays, columns.INTERACTIONS).columns.tolist() == columns.INTERACTIONS.names
    assert plays["user_id"].unique().tolist() == list(range(1, 501))
    assert set(plays["game_id"]) <= set(GAMES["game_id"])
    assert (plays["weight"] == 1).all()
    assert set(plays.groupby("user_id").size()) == {1, 2, 3, 4, 5}
    assert (truth.n_users, truth.n_games) == (500, 40)


def test_the_default_is_100_users_with_about_300_interactions():
    plays, truth = simulate.simulate(GAMES, FEATURES)
    assert truth.n_users == 100
    assert 250 < len(plays) < 350


def test_each_number_of_games_is_equally_likely():
    plays, _ = simulate.simulate(GAMES, FEATURES, 20_000, min_games=2, max_games=4)
    users = plays.groupby("user_id").size().value_counts().sort_index()
    assert users.index.tolist() == [2, 3, 4]
    assert stats.chisquare(users).pvalue > 1e-3


def test_plays_lie_in_the_year_before_the_end_in_the_order_of_choice():
    plays, _ = simulate.simulate(GAMES, FEATURES, 2_000, end="2024-07-01")
    assert plays["at"].min() >= pd.Timestamp("2024-07-01") - pd.Timedelta(days=365)
    assert plays["at"].max() < pd.Timestamp("2024-07-01")
    assert (plays.groupby("user_id")["at"].diff().dropna() >= pd.Timedelta(0)).all()
    seconds = (plays["at"] - plays["at"].min()).dt.total_seconds()
    assert stats.kstest(seconds / (365 * 86400), "uniform").pvalue > 1e-3


def test_the_same_seed_gives_the_same_players_and_another_seed_others():
    one, truth = simulate.simulate(GAMES, FEATURES, seed=1)
    same, same_truth = simulate.simulate(GAMES, FEATURES, seed=1)
    other, _ = simulate.simulate(GAMES, FEATURES, seed=2)
    pd.testing.assert_frame_equal(one, same)
    assert (truth.user_factors == same_truth.user_factors).all()
    assert not one.equals(other)


def test_the_number_of_cores_changes_nothing(monkeypatch):
    monkeypatch.setattr(simulate, "BLOCK", 64)  # so that there are several blocks
    found = []
    for cores in (1, 2, 7):
        monkeypatch.setattr(simulate.os, "cpu_count", lambda cores=cores: cores)
        found.append(simulate.simulate(GAMES, FEATURES, 300)[0])
    pd.testing.assert_frame_equal(found[0], found[1])
    pd.testing.assert_frame_equal(found[0], found[2])


def test_text_ids_of_games_come_back():
    games = GAMES.assign(game_id=[f"g{i}" for i in range(40)])
    features = ContentFeatures(FEATURES.matrix, FEATURES.names, games["game_id"].to_numpy())
    plays, _ = simulate.simulate(games, features)
    assert set(plays["game_id"]) <= set(games["game_id"])


@given(
    st.integers(1, 30),
    st.integers(1, 8),
    st.integers(0, 8),
    st.sampled_from([0.01, 0.4, 100.0]),
    st.floats(0, 20),
    st.integers(0, 5),
)
@settings(max_examples=40, deadline=None)
def test_whatever_the_parameters_nobody_plays_a_game_twice(n, low, more, mixing, strength, seed):
    games, features = catalogue(6, 3)
    plays, _ = simulate.simulate(
        games,
        features,
        n,
        min_games=low,
        max_games=low + more,
        mixing=mixing,
        strength=strength,
        seed=seed,
    )
    counts = plays.groupby("user_id").size()
    assert not plays.duplicated(["user_id", "game_id"]).any()
    assert counts.min() >= min(low, 6)
    assert counts.max() <= min(low + more, 6)


def test_games_without_any_weight_are_never_played():
    games = GAMES.assign(owned_ratio=np.where(GAMES["game_id"] < 103, 0.5, 0.0))
    plays, truth = simulate.simulate(games, FEATURES, 200, alpha=0)
    assert set(plays["game_id"]) == {100, 101, 102}
    assert (truth.utility(np.arange(200))[:, 3:] == 0).all()


# --- choices follow the truth ---------------------------------------------------------------------


def test_utility_is_a_probability_that_follows_from_the_factors():
    _, truth = simulate.simulate(GAMES, FEATURES, 50)
    utility = truth.utility(np.array([7, 3]))
    assert utility.dtype == np.float32
    assert utility.shape == (2, 40)
    assert utility.sum(axis=1) == pytest.approx(1, abs=1e-5)
    by_hand = sum(truth.user_factors[3, z] * truth.game_factors[:, z] for z in range(8))
    assert utility[1] == pytest.approx(by_hand)


def test_the_truth_survives_its_arrays():
    _, truth = simulate.simulate(GAMES, FEATURES, 20)
    arrays = truth.to_arrays()
    assert all(a.dtype.kind in "fi" for a in arrays.values())
    again = Truth.from_arrays(arrays)
    assert (again.utility(np.arange(20)) == truth.utility(np.arange(20))).all()
    assert (again.prototypes == truth.prototypes).all()


@pytest.mark.parametrize("mode", ["taste", "popularity"])
def test_first_choices_of_all_users_are_as_frequent_as_the_truth_says(mode):
    n = 60_000
    plays, truth = simulate.simulate(GAMES, FEATURES, n, mode=mode, mixing=2.0)
    p = truth.utility(np.arange(n)).astype(float)
    z = (first_choices(plays, 40) - p.sum(axis=0)) / np.sqrt((p * (1 - p)).sum(axis=0))
    assert np.abs(z).max() < 4.5
    assert stats.kstest(z, "norm").pvalue > 1e-3


def test_first_choices_follow_each_users_own_truth_and_not_only_the_average():
    n = 60_000
    plays, truth = simulate.simulate(GAMES, FEATURES, n, mixing=2.0)
    chosen = plays.drop_duplicates("user_id")["game_id"].to_numpy() - 100
    p = truth.utility(np.arange(n)).astype(float)
    given = p[np.arange(n), chosen]  # its mean is known: the sum of squares of p
    expected, spread = (p**2).sum(axis=1), (p**3).sum(axis=1) - (p**2).sum(axis=1) ** 2
    assert abs((given - expected).sum() / np.sqrt(spread.sum())) < 4.5


def test_second_choices_follow_the_truth_of_the_games_left():
    n = 60_000
    plays, truth = simulate.simulate(GAMES, FEATURES, n, min_games=2, max_games=2)
    first, second = (plays["game_id"].to_numpy() - 100).reshape(n, 2).T
    p = truth.utility(np.arange(n)).astype(float)
    p[np.arange(n), first] = 0
    p /= p.sum(axis=1, keepdims=True)
    observed = np.bincount(second, minlength=40)
    z = (observed - p.sum(axis=0)) / np.sqrt((p * (1 - p)).sum(axis=0))
    assert np.abs(z).max() < 4.5


def test_users_share_tastes_as_the_dirichlet_distribution_says():
    _, truth = simulate.simulate(GAMES, FEATURES, 20_000, tastes=4, mixing=2.0)
    share = truth.user_factors
    assert share.sum(axis=1) == pytest.approx(1, abs=1e-5)
    # symmetric Dirichlet of total 2 in 4 parts: mean 1/4, E[share^2] = (0.5 + 1) / (4 * (2 + 1))
    assert share.mean(axis=0) == pytest.approx(0.25, abs=0.01)
    assert (share**2).mean(axis=0) == pytest.approx(1.5 / 12, abs=0.01)


# --- the two modes --------------------------------------------------------------------------------


def test_in_popularity_mode_all_users_share_one_utility():
    _, truth = simulate.simulate(GAMES, FEATURES, 30, mode="popularity")
    utility = truth.utility(np.arange(30))
    assert (utility == utility[0]).all()
    own, everybody = truth.reach(10)
    assert own == pytest.approx(everybody)


def test_in_taste_mode_knowing_the_user_is_worth_much_and_the_stronger_the_more():
    gains = []
    for strength in (0.0, 2.0, 4.0, 8.0):
        _, truth = simulate.simulate(GAMES, FEATURES, 300, strength=strength)
        own, everybody = truth.reach(5)
        gains.append(own - everybody)
    assert gains[0] == pytest.approx(0, abs=1e-6)
    assert gains == sorted(gains)
    assert gains[2] > 0.2


def test_reach_by_hand():
    users = np.array([[1, 0], [0, 1], [1, 0]], np.float32)
    games = np.array([[0.7, 0.1], [0.2, 0.1], [0.1, 0.8]], np.float32)
    truth = Truth(users, games, np.array([0, 2]))
    # means 0.5, 0.167, 0.333: everybody gets game 0
    assert truth.reach(1) == pytest.approx(((0.7 + 0.8 + 0.7) / 3, (0.7 + 0.1 + 0.7) / 3))
    assert truth.reach(99) == pytest.approx((1, 1))


def ndcg_at_10(scores, train, test):
    """Mean NDCG@10 of the users with a test game; played games are left out, ties by column."""
    scores = np.where(train.toarray() > 0, -np.inf, scores)
    top = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    hits = np.take_along_axis(test.toarray() > 0, top, axis=1)
    gain = 1 / np.log2(np.arange(10) + 2)
    n_test = test.getnnz(axis=1)
    ideal = gain.cumsum()[np.minimum(n_test[n_test > 0], 10) - 1]
    return float(((hits @ gain)[n_test > 0] / ideal).mean())


def accuracies(mode, seed):
    """NDCG@10 of popularity, a shrunk cosine and the truth on one small population."""
    plays, truth = simulate.simulate(GAMES, FEATURES, mode=mode, seed=seed)
    data = Interactions.from_frame(plays, game_ids=GAMES["game_id"])
    train, test = (part.X for part in data.split(0.2, seed))
    together = (train.T @ train).toarray()
    popularity = together.diagonal()
    cosine = together / (np.sqrt(np.outer(popularity, popularity)) + 5)
    np.fill_diagonal(cosine, 0)
    scores = {
        "popularity": np.tile(popularity, (100, 1)),
        "cosine": train @ cosine + 1e-6 * popularity,
        "oracle": truth.utility(np.arange(100)),
    }
    return {name: ndcg_at_10(score, train, test) for name, score in scores.items()}


def test_by_default_100_users_are_enough_for_cosine_to_beat_popularity_in_most_seeds():
    found = pd.DataFrame([accuracies("taste", seed) for seed in range(20)])
    assert (found["cosine"] > found["popularity"]).sum() >= 15
    assert (found["oracle"] > found["cosine"]).sum() >= 19


def test_in_popularity_mode_cosine_has_nothing_to_find():
    found = pd.DataFrame([accuracies("popularity", seed) for seed in range(20)])
    assert found["cosine"].mean() < found["popularity"].mean() <= found["oracle"].mean() + 0.01


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_users", 0),
        ("min_games", 0),
        ("min_games", 6),
        ("alpha", -0.1),
        ("alpha", 1.1),
        ("noise", float("nan")),
        ("tastes", 0),
        ("strength", -1),
        ("hidden_share", 1.5),
        ("mixing", 0),
        ("seed", -1),
        ("mode", "tastes"),
        ("end", "soon"),
        ("end", ""),
    ],
)
def test_a_parameter_out_of_range_is_refused_by_its_name(name, value):
    with pytest.raises(UsageError, match=name):
        simulate.simulate(GAMES, FEATURES, **{name: value})


def test_features_of_other_games_are_refused():
    other = ContentFeatures(FEATURES.matrix, FEATURES.names, FEATURES.game_ids + 1)
    with pytest.raises(DataError, match="1 games, the first is 100"):
        simulate.simulate(GAMES, other)
