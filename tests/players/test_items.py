"""The games that go with a play log: matched, missing, and with ids of either type."""

import numpy as np
import pandas as pd
import pytest

from gamerec.catalogue import cleaning
from gamerec.columns import GAMES, INTERACTIONS, RAW_GAMES, check
from gamerec.players.items import items_for


@pytest.fixture
def known():
    """A cleaned catalogue of games 10, 20 and 30, with its content features."""
    raw = pd.DataFrame({name: pd.Series([None] * 3) for name in RAW_GAMES.names})
    raw = raw.assign(
        game_id=[10, 20, 30],
        name=["Ten", "Twenty", "Thirty"],
        genres=[["Action"], ["Puzzle"], ["Action", "Puzzle"]],
        tags=[[], [], []],
        rating=[4.0, 3.0, 2.0],
        playtime=[1.0, 2.0, 6.0],
        owned_ratio=[0.5, 0.25, 0.75],
    )
    games, _ = cleaning.clean(raw)
    return games, cleaning.content_features(games)


def plays_of(game_ids):
    frame = {"user_id": range(len(game_ids)), "game_id": game_ids, "weight": np.ones(len(game_ids))}
    return pd.DataFrame(frame)


def test_items_are_the_catalogue_and_the_games_of_the_log(known):
    found = items_for(plays_of([30, 5, 30, 40]), *known, "rawg")
    assert found.games["game_id"].tolist() == [5, 10, 20, 30, 40]
    assert found.games["name"].tolist() == ["5", "Ten", "Twenty", "Thirty", "40"]
    assert (found.played, found.matched, found.matched_plays) == (3, 1, 0.5)
    assert check(found.games, GAMES).columns.tolist() == GAMES.names


def test_a_placeholder_says_no_more_than_is_known(known):
    games, features = known
    row = items_for(plays_of([5]), games, features, "file").games.iloc[0]
    assert (row["genres"], row["tags"], row["slug"]) == (["Unknown"], [], "5")
    assert row["rating_imputed"]
    assert row["playtime_imputed"]
    assert (row["ratings_count"], row["owned"], row["added"]) == (0, 0, 0)
    for name in ("rating", "rating_shrunk", "playtime", "owned_ratio", "rating_scaled"):
        assert row[name] == pytest.approx(games[name].mean())
    assert pd.isna(row["released"])


def test_features_stand_in_the_order_of_the_items_and_are_zero_for_strangers(known):
    games, features = known
    found = items_for(plays_of([5, 20]), games, features, "rawg")
    assert (found.features.game_ids == found.games["game_id"]).all()
    dense = found.features.matrix.toarray()
    assert (dense[0] == 0).all()
    assert (dense[1:] == features.matrix.toarray()).all()


def test_the_sample_is_set_aside_even_where_an_id_is_the_same(known):
    found = items_for(plays_of([10, 11]), *known, "sample")
    assert found.games["name"].tolist() == ["10", "11"]
    assert (found.matched, found.matched_plays) == (0, 0.0)
    assert found.features.matrix.nnz == 0
    assert found.features.matrix.shape[0] == 2
    assert check(found.games, GAMES).columns.tolist() == GAMES.names


def test_text_ids_of_a_log_meet_whole_numbers_of_a_catalogue_as_text(known):
    found = items_for(plays_of(["10", "x", "010"]), *known, "rawg")
    assert found.games["game_id"].tolist() == ["010", "10", "20", "30", "x"]
    assert (found.matched, found.played) == (1, 3)
    assert found.features.matrix.getnnz(axis=1).tolist() == [0, 1, 1, 2, 0]
    assert check(found.plays, INTERACTIONS)["game_id"].tolist() == ["10", "x", "010"]


def test_whole_numbers_of_a_log_meet_text_ids_of_a_catalogue_as_text(known):
    games, features = known
    games = games.assign(game_id=["10", "b", "c"])
    features = cleaning.content_features(games)
    found = items_for(plays_of([10, 7]), games, features, "file")
    assert found.games["game_id"].tolist() == ["10", "7", "b", "c"]
    assert found.plays["game_id"].tolist() == ["10", "7"]
    assert found.matched == 1


def test_a_log_that_the_catalogue_knows_whole_adds_nothing(known):
    games, features = known
    found = items_for(plays_of([10, 20]), games, features, "rawg")
    pd.testing.assert_frame_equal(found.games, games)
    assert found.matched_plays == 1.0


def test_doing_it_again_on_the_result_changes_nothing(known):
    first = items_for(plays_of(["10", "x"]), *known, "rawg")
    again = items_for(first.plays, known[0], first.features, "rawg")
    pd.testing.assert_frame_equal(again.games, first.games)
    assert (again.features.matrix != first.features.matrix).nnz == 0
