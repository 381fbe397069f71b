"""Draws without replacement: held to the Plackett-Luce probabilities that can be written down."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from gamerec.players import sampling
from gamerec.players.sampling import Mixtures, Rows

COMPONENTS = np.array([[0.50, 0.30, 0.15, 0.05, 0.0], [0.02, 0.08, 0.20, 0.30, 0.40]])


def plackett_luce(p, order):
    """Probability of drawing just this sequence of games, from the formula."""
    left, chance = 1.0, 1.0
    for game in order:
        chance *= p[game] / left
        left -= p[game]
    return chance


def draw_orders(shares, n_players, n_games, seed=0):
    mixtures = Mixtures(np.tile(shares, (n_players, 1)), Rows(COMPONENTS))
    _, game = mixtures.draw(np.full(n_players, n_games), np.random.default_rng(seed))
    return game.reshape(n_players, n_games)


def chi_square(orders, p):
    """P-value of the observed sequences under Plackett-Luce."""
    possible = list(permutations(range(len(p)), orders.shape[1]))
    keys = orders @ (10 ** np.arange(orders.shape[1]))
    observed = np.array([(keys == np.array(o) @ (10 ** np.arange(len(o)))).sum() for o in possible])
    expected = len(orders) * np.array([plackett_luce(p, order) for order in possible])
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize("rounds", [20, 1, 0], ids=["redrawn", "half redrawn", "by the rest of p"])
def test_sequences_follow_plackett_luce_however_repeats_are_settled(monkeypatch, rounds):
    monkeypatch.setattr(sampling, "ROUNDS", rounds)
    p = np.array([0.7, 0.3]) @ COMPONENTS
    orders = draw_orders([0.7, 0.3], 40_000 if rounds else 8_000, 3)
    assert chi_square(orders, p) > 1e-3


def test_the_chi_square_test_would_notice_a_slightly_wrong_p():
    p = np.array([0.65, 0.35]) @ COMPONENTS  # drawn with 0.7 and 0.3
    assert chi_square(draw_orders([0.7, 0.3], 40_000, 3), p) < 1e-6


def test_players_in_one_block_keep_to_their_own_distribution():
    shares = np.tile([[1.0, 0.0], [0.0, 1.0]], (20_000, 1))
    player, game = Mixtures(shares, Rows(COMPONENTS)).draw(
        np.ones(40_000, int), np.random.default_rng(1)
    )
    for kind in (0, 1):
        observed = np.bincount(game[player % 2 == kind], minlength=5)
        played = COMPONENTS[kind] > 0
        assert observed[~played].sum() == 0
        assert stats.chisquare(observed[played], 20_000 * COMPONENTS[kind][played]).pvalue > 1e-3


def test_drawing_every_game_gives_a_permutation():
    orders = draw_orders([0.5, 0.5], 500, 5)
    assert (np.sort(orders, axis=1) == np.arange(5)).all()


def test_a_player_may_be_asked_for_no_game():
    mixtures = Mixtures(np.full((3, 2), 0.5), Rows(COMPONENTS))
    player, game = mixtures.draw(np.array([0, 2, 0]), np.random.default_rng(0))
    assert player.tolist() == [1, 1]
    assert game[0] != game[1]


def test_the_rest_is_drawn_rightly_where_one_game_has_nearly_all_of_p():
    p = np.array([[1 - 3e-9, 2e-9, 1e-9]])
    _, game = Mixtures(np.ones((3_000, 1)), Rows(p)).draw(
        np.full(3_000, 2), np.random.default_rng(2)
    )
    first, second = game.reshape(-1, 2).T
    assert (first == 0).all()
    assert abs((second == 1).mean() - 2 / 3) < 5 * np.sqrt(2 / 9 / 3_000)


def test_rows_of_no_weight_at_the_ends_are_never_drawn():
    rows = Rows(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 3.0]]))

    class Edge:
        """Draws the smallest and the largest number below 1."""

        def random(self, size):
            return np.resize([0.0, np.nextafter(1, 0)], size)

    assert rows.draw(np.array([0, 0, 1, 1]), Edge()).tolist() == [1, 1, 2, 2]
