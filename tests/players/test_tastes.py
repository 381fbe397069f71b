"""Base weights and tastes, worked by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gamerec.errors import DataError
from gamerec.players.tastes import base_weights, genre_lift, taste_weights


def rng(seed=0):
    return np.random.default_rng(seed)


def games(rating, owned):
    return pd.DataFrame(
        {"game_id": range(1, len(rating) + 1), "rating_shrunk": rating, "owned_ratio": owned}
    )


@pytest.mark.parametrize(
    ("alpha", "expected"),
    [
        (0, [0.6, 0.3, 0.1]),
        (1, [1 / 3] * 3),
        (0.4, [0.36 + 0.4 / 3, 0.18 + 0.4 / 3, 0.06 + 0.4 / 3]),
    ],
)
def test_base_weights_are_rating_times_ownership_blended_with_the_uniform(alpha, expected):
    table = games([4.0, 3.0, 2.0], [0.6, 0.4, 0.2])  # products 2.4, 1.2, 0.4, of 4.0
    assert base_weights(table, alpha, 0, rng()) == pytest.approx(expected)


def test_noise_spreads_the_logarithm_of_the_weights_by_its_standard_deviation():
    table = games(np.ones(20_000), np.ones(20_000))
    spread = np.log(base_weights(table, 0.1, 0.3, rng())).std()
    assert spread == pytest.approx(0.3, rel=0.03)


def test_games_count_as_equal_where_no_weight_is_left():
    assert base_weights(games([4.0, 3.0], [0.0, 0.0]), 0.1, 0, rng()).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("owned", [[0.5, np.nan], [0.5, np.inf], [0.5, -0.1]])
def test_a_weight_that_is_no_number_is_refused_with_the_game(owned):
    with pytest.raises(DataError, match="the first is game 2"):
        base_weights(games([4.0, 4.0], owned), 0.1, 0, rng())


def test_a_table_without_the_columns_or_rows_is_refused():
    with pytest.raises(DataError, match="owned_ratio"):
        base_weights(games([4.0], [0.5]).drop(columns="owned_ratio"), 0.1, 0, rng())
    with pytest.raises(DataError, match="0 rows"):
        base_weights(games([], []), 0.1, 0, rng())


# Games 0 and 1 are alike, 2 a little, 3 not at all; 4 has no content.
CONTENT = sparse.csr_matrix(
    [[1, 0, 0], [0.8, 0.6, 0], [0.6, 0, 0.8], [0, 0, 1], [0, 0, 0]], dtype=float
)


def test_a_taste_prefers_games_by_their_likeness_to_its_prototype():
    base = np.array([0.1, 0.2, 0.3, 0.3, 0.1])
    weights, prototypes = taste_weights(base, CONTENT, 1, 2.0, 0.0, rng(3))
    cosine = (CONTENT @ CONTENT[prototypes].T).toarray().ravel()
    rank = pd.Series(-cosine).rank().to_numpy() - 1  # equal cosines share a rank
    expected = base / (1 + rank / np.sqrt(5)) ** 2
    assert weights[:, 0] == pytest.approx(expected / expected.sum())


def test_at_strength_0_every_taste_is_the_base_weight():
    base = np.array([0.1, 0.2, 0.3, 0.3, 0.1])
    weights, _ = taste_weights(base, CONTENT, 3, 0.0, 0.5, rng())
    assert weights == pytest.approx(np.tile(base[:, None], 3))


def test_a_game_of_no_base_weight_is_in_no_taste():
    weights, _ = taste_weights(np.array([0.5, 0, 0.5, 0, 0]), CONTENT, 3, 4.0, 0.2, rng())
    assert (weights[[1, 3, 4]] == 0).all()
    assert weights.sum(axis=0) == pytest.approx(1)


def test_prototypes_are_spread_over_the_catalogue_and_have_content():
    for seed in range(20):
        _, prototypes = taste_weights(np.full(5, 0.2), CONTENT, 2, 4.0, 0.2, rng(seed))
        assert 4 not in prototypes
        assert len(set(prototypes)) == 2
    _, prototypes = taste_weights(np.full(5, 0.2), CONTENT, 9, 4.0, 0.2, rng())
    assert set(prototypes) == {0, 1, 2, 3}  # more tastes than games with content: some twice


def test_without_any_content_tastes_are_hidden_reasons_alone():
    weights, prototypes = taste_weights(
        np.full(50, 0.02), sparse.csr_matrix((50, 3)), 2, 4.0, 0.2, rng()
    )
    assert prototypes.tolist() == [-1, -1]
    assert np.argmax(weights[:, 0]) != np.argmax(weights[:, 1])


def test_hidden_share_moves_a_taste_away_from_what_content_tells():
    dense = sparse.random(400, 40, density=0.2, random_state=1).toarray()
    content = sparse.csr_matrix(dense / np.linalg.norm(dense, axis=1, keepdims=True))
    agreement = []
    for hidden in (0.0, 0.5, 1.0):
        weights, prototypes = taste_weights(np.full(400, 1 / 400), content, 5, 4.0, hidden, rng(5))
        likeness = (content @ content[prototypes].T).toarray()
        ranks = [
            pd.Series(weights[:, z]).corr(pd.Series(likeness[:, z]), "spearman") for z in range(5)
        ]
        agreement.append(np.mean(ranks))
    assert agreement[0] > 0.99 > 0.9 > agreement[1] > 0.5 > 0.2 > abs(agreement[2])


def test_genre_lift_by_hand():
    genres = pd.Series([["Action"], ["Action", "Puzzle"], ["Puzzle"]], index=[9, 8, 7])
    factors = np.array([[0.6, 0.0], [0.2, 0.5], [0.2, 0.5]])
    lift = genre_lift(factors, genres, np.array([0.5, 0.5]))
    # Action: tastes 0.8 and 0.5, together 0.65; Puzzle: 0.4 and 1.0, together 0.7
    assert lift.columns.tolist() == ["Puzzle", "Action"]
    assert lift["Action"].tolist() == pytest.approx([0.8 / 0.65, 0.5 / 0.65])
    assert lift["Puzzle"].tolist() == pytest.approx([0.4 / 0.7, 1.0 / 0.7])
