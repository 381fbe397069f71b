"""Figures of players: they draw what the table says, at every size."""

import numpy as np
import pandas as pd
import pytest

from gamerec.plots import players as plots


def plays_of(games_per_user, n_games=6):
    user = np.repeat(np.arange(1, len(games_per_user) + 1), games_per_user)
    game = np.concatenate([np.arange(n) % n_games for n in games_per_user])
    at = np.datetime64("2025-01-01") + np.arange(len(user)).astype("timedelta64[D]")
    return pd.DataFrame({"user_id": user, "game_id": game, "weight": 1.0 + user, "at": at})


@pytest.mark.parametrize("n_games", [6, 500])
def test_the_long_tail_shows_all_games_and_ends_at_all_plays(n_games):
    left, right = plots.long_tail(plays_of([1, 2, 3]), n_games).axes
    assert left.lines[0].get_ydata()[:4].tolist() == [3, 2, 1, 0]
    assert len(left.lines[0].get_ydata()) == n_games
    assert right.lines[0].get_ydata()[[0, -1]].tolist() == [0.5, 1]


def test_games_per_user_gathers_the_long_rest_in_the_last_bar():
    axes = plots.games_per_user(plays_of([1, 1, 3, 25, 40])).axes[0]
    heights = [bar.get_height() for bar in axes.patches]
    assert (heights[0], heights[2], heights[19]) == (2, 1, 2)
    assert axes.get_xticklabels()[-1].get_text() == "20+"


def test_tastes_are_listed_by_their_share_among_the_users():
    lift = pd.DataFrame({"Action": [0.5, 2.0], "Puzzle": [0.01, 20.0]})
    names = ["A name that is much too long for a row label", "Short"]
    axes = plots.tastes(lift, names, np.array([0.3, 0.7])).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        "Short  70%",
        "A name that is much too lon…  30%",
    ]
    assert [t.get_text() for t in axes.texts] == ["2.0", "20.0", "0.5", "0.0"]


@pytest.mark.parametrize(("days", "per"), [([5, 5], "day"), ([300], "month")])
def test_plays_over_time_counts_every_play(days, per):
    axes = plots.over_time(plays_of(days)).axes[0]
    assert axes.lines[0].get_ydata().sum() == sum(days)
    assert per in axes.get_title(loc="left")


def test_weights_mark_the_median():
    axes = plots.weights(plays_of([1, 2, 3])).axes[0]
    assert "median 3.5" in axes.texts[0].get_text()
    assert sum(bar.get_height() for bar in axes.patches) == 6


def test_one_play_is_enough_for_every_figure():
    one = plays_of([1])
    for figure in (plots.long_tail(one, 1), plots.games_per_user(one), plots.over_time(one)):
        figure.draw_without_rendering()
    plots.weights(one).draw_without_rendering()
