"""Figures of the cleaned games, from one game to those with nothing known."""

import pytest

from gamerec.catalogue.cleaning import clean
from gamerec.catalogue.raw_games import frame
from gamerec.plots import games as plots

RATED = [
    {"game_id": 1, "name": "A", "rating": 5.0, "ratings_count": 6, "playtime": 2.0},
    {"game_id": 2, "name": "B", "rating": 3.0, "ratings_count": 900, "playtime": 0.0},
    {"game_id": 3, "name": "C", "rating": 4.0},
    {"game_id": 4, "name": "D"},
]


def test_shrinkage_draws_each_rated_game_before_and_after() -> None:
    games, _ = clean(frame(RATED))
    figure = plots.shrinkage(games)
    figure.draw_without_rendering()
    strip, axes = figure.axes
    given, shrunk = axes.collections[1:]
    assert given.get_offsets().tolist() == [[6, 5], [900, 3]]
    assert shrunk.get_offsets()[:, 1].tolist() == pytest.approx([70 / 16, (2700 + 40) / 910])
    assert len(strip.collections[1].get_offsets()) == 1  # the game of unknown votes


def test_there_is_no_strip_where_all_votes_are_known() -> None:
    games, _ = clean(frame(RATED[:2]))
    assert len(plots.shrinkage(games).axes) == 1


def test_where_no_votes_are_known_the_strip_stands_alone() -> None:
    games, _ = clean(frame(RATED[2:]))
    figure = plots.shrinkage(games)
    figure.draw_without_rendering()
    (strip,) = figure.axes
    assert strip.get_xlabel() == "votes unknown"
    assert len(strip.collections[1].get_offsets()) == 1


@pytest.mark.parametrize("n", [1, 4])
def test_known_and_imputed_are_told_apart(n: int) -> None:
    games, _ = clean(frame(RATED[:n]))
    figure = plots.known_and_imputed(games)
    figure.draw_without_rendering()
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert texts == ["known", "imputed"]


def test_a_catalogue_of_names_can_be_drawn() -> None:
    games, _ = clean(frame([{"game_id": 1, "name": "A"}, {"game_id": 2, "name": "B"}]))
    plots.known_and_imputed(games).draw_without_rendering()
