"""Cleaning the catalogue: every rule by a hand-worked example, then what must hold for any."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from gamerec import columns
from gamerec.catalogue import sources
from gamerec.catalogue.cleaning import clean, content_features, min_max
from gamerec.catalogue.raw_games import frame
from gamerec.columns import GAMES, RAW_GAMES
from gamerec.errors import DataError, UsageError


def raw_games(*rows: dict) -> pd.DataFrame:
    """Raw games with ids counted from 1 and empty cells where nothing is said."""
    return frame([{"game_id": i, "name": f"Game {i}"} | row for i, row in enumerate(rows, 1)])


def cleaned(*rows: dict, **parameters) -> pd.DataFrame:
    return clean(raw_games(*rows), **parameters)[0].set_index("game_id", drop=False)


def line(steps: pd.DataFrame, rule: str, column: str) -> dict:
    """The one line of this rule and column."""
    found = steps[steps["rule"].str.startswith(rule) & (steps["column"] == column)]
    assert len(found) == 1, f"{len(found)} lines of {rule!r} on {column!r}"
    return found.iloc[0].to_dict()


def counts(steps: pd.DataFrame, rule: str, column: str) -> tuple[int, int, int]:
    found = line(steps, rule, column)
    return found["before"], found["after"], found["changed"]


class TestText:
    def test_names_genres_and_tags_are_cleaned_and_counted(self) -> None:
        raw = raw_games(
            {"name": " Tom &amp;\tJerry\x00", "genres": ["RPG ", "Action"], "tags": ["Co&#45;op"]},
            {"name": "Fine", "genres": ["Action"]},
        )
        games, steps = clean(raw)
        assert games["name"].tolist() == ["Tom & Jerry", "Fine"]
        assert games["genres"].tolist() == [["Action", "RPG"], ["Action"]]
        assert games["tags"].tolist() == [["Co-op"], []]
        assert counts(steps, "spaces", "name") == (2, 2, 1)
        assert counts(steps, "cleaned", "genres") == (2, 2, 1)

    def test_a_game_without_a_name_is_called_by_its_slug_and_then_by_its_id(self) -> None:
        games = cleaned({"name": "\u200b", "slug": "space-station-14"}, {"name": None})
        assert games["name"].tolist() == ["Space Station 14", "2"]

    def test_a_missing_slug_is_made_from_the_name_and_else_is_the_id(self) -> None:
        games = cleaned({"name": "Dante's Awakening"}, {"name": "ゲーム"}, {"slug": "given"})
        assert games["slug"].tolist() == ["dantes-awakening", "2", "given"]

    def test_dates_that_cannot_be_read_are_emptied(self) -> None:
        raw = raw_games(
            {"released": "2016-04-05"}, {"released": "soon"}, {"released": "2016-13-01"}
        )
        games, steps = clean(raw)
        assert games["released"].tolist()[0] == pd.Timestamp("2016-04-05")
        assert games["released"].isna().tolist() == [False, True, True]
        assert counts(steps, "not a date", "released") == (3, 1, 2)

    def test_images_are_of_the_web(self) -> None:
        games = cleaned({"image_url": "HTTPS://a.b/c.jpg"}, {"image_url": "javascript:alert(1)"})
        assert games["image_url"].tolist()[0] == "HTTPS://a.b/c.jpg"
        assert games["image_url"].isna().tolist() == [False, True]


class TestGenres:
    def test_none_becomes_unknown_and_is_counted(self) -> None:
        raw = raw_games({"genres": None}, {"genres": []}, {"genres": [" "]}, {"genres": ["RPG"]})
        games, steps = clean(raw)
        assert games["genres"].tolist() == [["Unknown"], ["Unknown"], ["Unknown"], ["RPG"]]
        assert counts(steps, "none: 'Unknown'", "genres") == (1, 4, 3)


class TestDuplicates:
    def test_one_id_is_one_game(self) -> None:
        raw = raw_games(
            {"game_id": 5, "name": "Doom", "rating": 3.0, "ratings_count": 10, "tags": ["FPS"]},
            {"game_id": 5, "name": "DOOM", "ratings_count": 90, "tags": ["Gore"]},
        )
        games, steps = clean(raw)
        assert len(games) == 1
        game = games.iloc[0]
        assert (game["name"], game["rating"], game["ratings_count"]) == ("DOOM", 3.0, 90)
        assert game["tags"] == ["FPS", "Gore"]
        assert counts(steps, "same id", "game_id") == (2, 1, 1)

    def test_one_slug_of_the_source_is_one_game(self) -> None:
        raw = raw_games({"slug": "doom", "added": 5}, {"slug": " doom", "added": 9}, {"slug": None})
        games, steps = clean(raw)
        assert games["game_id"].tolist() == [2, 3]
        assert counts(steps, "same slug", "slug") == (3, 2, 1)

    def test_games_that_share_a_name_only_stay_apart_and_are_counted(self) -> None:
        raw = raw_games({"name": "Prey"}, {"name": "PREY "}, {"name": "Doom"})
        games, steps = clean(raw)
        assert len(games) == 3
        assert counts(steps, "same name", "name") == (2, 2, 0)


class TestRating:
    def test_zero_means_unrated_and_gets_the_mean_of_the_rated(self) -> None:
        raw = raw_games({"rating": 2.0}, {"rating": 0.0}, {"rating": 5.0}, {"rating": None})
        games, steps = clean(raw)
        assert games["rating"].tolist() == [2.0, 3.5, 5.0, 3.5]
        assert games["rating_imputed"].tolist() == [False, True, False, True]
        assert counts(steps, "0 = unrated", "rating") == (3, 2, 1)
        assert counts(steps, "unknown: imputed", "rating") == (2, 4, 2)
        assert line(steps, "unknown: imputed", "rating")["note"] == "mean 3.50"

    def test_the_median_on_request(self) -> None:
        rows = [{"rating": r} for r in (1.0, 4.0, 4.5, 0.0)]
        assert cleaned(*rows, rating_imputation="median")["rating"].tolist()[3] == 4.0

    def test_shrunk_by_hand(self) -> None:
        # C = (5 + 4 + 3) / 3 = 4, m = 10
        games = cleaned(
            {"rating": 5.0, "ratings_count": 6},
            {"rating": 4.0, "ratings_count": 1000},
            {"rating": 3.0, "ratings_count": 90},
            prior_votes=10,
        )
        expected = [(6 * 5 + 10 * 4) / 16, 4.0, (90 * 3 + 10 * 4) / 100]
        assert games["rating_shrunk"].tolist() == pytest.approx(expected)
        assert games["rating"].tolist() == [5.0, 4.0, 3.0]

    def test_few_votes_no_longer_beat_many(self) -> None:
        games = cleaned(
            {"rating": 4.9, "ratings_count": 6},
            {"rating": 4.6, "ratings_count": 5000},
            {"rating": 2.5, "ratings_count": 500},
        )
        assert games["rating_shrunk"].idxmax() == 2

    def test_an_unknown_number_of_votes_goes_half_way(self) -> None:
        raw = raw_games({"rating": 5.0}, {"rating": 3.0, "ratings_count": 10})
        games, steps = clean(raw, prior_votes=10)
        assert games["rating_shrunk"].tolist() == pytest.approx([4.5, 3.5])  # C = 4
        assert games["ratings_count"].tolist() == [0.0, 10.0]
        assert counts(steps, "unknown: shrunk", "ratings_count") == (1, 2, 1)

    def test_an_imputed_rating_has_no_vote_whatever_its_count_says(self) -> None:
        games = cleaned(
            {"rating": 1.0, "ratings_count": 50},
            {"rating": 4.0, "ratings_count": 50},
            {"rating": 4.0, "ratings_count": 50},
            {"rating": 0.0, "ratings_count": 5},
            rating_imputation="median",
        )
        assert games["rating"].tolist()[3] == 4.0
        assert games["rating_shrunk"].tolist()[3] == 3.0  # the mean, with no opinion of its own

    def test_without_a_prior_every_rating_stays(self) -> None:
        rows = [{"rating": 5.0, "ratings_count": 6}, {"rating": 3.0}, {"rating": 0.0}]
        games = cleaned(*rows, prior_votes=0)
        assert games["rating_shrunk"].tolist() == [5.0, 3.0, 4.0]

    def test_no_rating_at_all_gives_the_middle_of_the_scale(self) -> None:
        games, steps = clean(raw_games({}, {"rating": 0.0}))
        assert games["rating"].tolist() == games["rating_shrunk"].tolist() == [2.5, 2.5]
        assert games["rating_imputed"].all()
        assert line(steps, "unknown: imputed", "rating")["note"] == "none known: 2.50"


class TestPlaytime:
    def test_zero_means_unknown_and_gets_the_median(self) -> None:
        rows = [{"playtime": hours} for hours in (0.0, 1.0, 2.0, 30.0)]
        games = cleaned(*rows)
        assert games["playtime"].tolist() == [2.0, 1.0, 2.0, 30.0]
        assert games["playtime_imputed"].tolist() == [True, False, False, False]
        assert cleaned(*rows, playtime_imputation="mean")["playtime"].tolist()[0] == 11.0

    def test_none_known_is_zero_hours(self) -> None:
        assert cleaned({}, {})["playtime"].tolist() == [0.0, 0.0]


class TestOwnedRatio:
    def test_division_and_its_zero_denominator(self) -> None:
        raw = raw_games(
            {"owned": 30, "added": 120},
            {"owned": 0, "added": 0},
            {"owned": None, "added": 7},  # RAWG leaves a status of zero out
            {"owned": 9, "added": 6},  # more owners than listings cannot be
        )
        games, steps = clean(raw)
        assert games["owned_ratio"].tolist() == [0.25, 0.0, 0.0, 1.0]
        assert games["owned"].tolist() == [30, 0, 0, 9]
        assert counts(steps, "left out by the source", "owned") == (3, 4, 1)
        assert counts(steps, "owned / added", "owned_ratio") == (0, 3, 3)
        assert counts(steps, "added is 0", "owned_ratio") == (3, 4, 1)

    def test_what_the_source_gives_comes_first(self) -> None:
        games = cleaned({"owned_ratio": 0.59, "owned": 1, "added": 10})
        assert games["owned_ratio"].tolist() == [0.59]

    def test_where_nothing_is_known_the_mean_of_the_others(self) -> None:
        raw = raw_games({"owned_ratio": 0.2}, {"owned_ratio": 0.4}, {})
        games, steps = clean(raw)
        assert games["owned_ratio"].tolist() == pytest.approx([0.2, 0.4, 0.3])
        assert counts(steps, "unknown: imputed", "owned_ratio") == (2, 3, 1)

    def test_listings_without_any_count_of_owners_tell_nothing(self) -> None:
        assert cleaned({"added": 5}, {"added": 8})["owned_ratio"].tolist() == [0.5, 0.5]


class TestImpossibleNumbers:
    def test_are_emptied_and_counted(self) -> None:
        raw = raw_games(
            {"rating": 7.0, "playtime": -1.0, "owned_ratio": 1.5, "metacritic": 101.0},
            {"rating": 4.0, "playtime": np.inf, "owned_ratio": 0.5, "metacritic": 80.0},
        )
        games, steps = clean(raw)
        assert games["rating_imputed"].tolist() == [True, False]
        assert games["playtime_imputed"].tolist() == [True, True]
        assert games["owned_ratio"].tolist() == [0.5, 0.5]
        assert games["metacritic"].tolist()[1] == 80.0
        assert math.isnan(games["metacritic"].tolist()[0])
        assert counts(steps, "out of range", "rating") == (2, 1, 1)
        assert counts(steps, "out of range", "playtime") == (2, 0, 2)


class TestScaling:
    def test_min_max_by_hand(self) -> None:
        assert min_max(pd.Series([3.0, 1.0, 5.0])).tolist() == [0.5, 0.0, 1.0]

    def test_a_constant_column_becomes_zero(self) -> None:
        assert min_max(pd.Series([4.0, 4.0])).tolist() == [0.0, 0.0]
        games = cleaned({"rating": 4.0}, {"rating": 4.0})
        assert games["rating_scaled"].tolist() == [0.0, 0.0]

    def test_the_shrunk_rating_and_the_logarithm_of_the_playtime_are_scaled(self) -> None:
        games = cleaned(
            {"rating": 5.0, "ratings_count": 6, "playtime": 1.0},
            {"rating": 3.0, "ratings_count": 1000, "playtime": 3.0},
            {"rating": 4.0, "ratings_count": 1000, "playtime": 7.0},
        )
        low, high = (1000 * 3 + 40) / 1010, (6 * 5 + 40) / 16
        assert games["rating_scaled"].tolist() == pytest.approx([1, 0, (4 - low) / (high - low)])
        assert games["playtime_scaled"].tolist() == pytest.approx([0, 0.5, 1])  # ln 2, 4, 8


class TestParametersAndInput:
    @pytest.mark.parametrize(
        "parameters",
        [
            {"rating_imputation": "mode"},
            {"playtime_imputation": "Mean"},
            {"prior_votes": -1},
            {"prior_votes": math.nan},
        ],
    )
    def test_a_wrong_parameter_is_refused_by_name(self, parameters: dict) -> None:
        with pytest.raises(UsageError, match=next(iter(parameters))):
            clean(raw_games({}), **parameters)

    def test_an_empty_catalogue_is_refused(self) -> None:
        with pytest.raises(DataError, match="no game"):
            clean(raw_games({}).head(0))

    def test_a_table_that_breaks_its_contract_is_refused(self) -> None:
        with pytest.raises(DataError, match="raw_games"):
            clean(raw_games({}).drop(columns="game_id"))

    def test_columns_that_are_absent_count_as_empty(self) -> None:
        games, _ = clean(pd.DataFrame({"game_id": ["b", "a"], "name": ["B", "A"]}))
        assert games["game_id"].tolist() == ["a", "b"]
        assert games["genres"].tolist() == [["Unknown"], ["Unknown"]]

    def test_the_raw_games_are_left_as_they_are(self) -> None:
        raw = raw_games({"name": " x ", "genres": ["b", "a"]}, {"rating": 0.0})
        before = raw.copy(deep=True)
        clean(raw)
        assert_frame_equal(raw, before)

    def test_the_result_survives_the_store(self, tmp_path) -> None:
        games, _ = clean(raw_games({"genres": ["RPG"], "released": "2020-01-02"}, {}))
        games.to_parquet(tmp_path / "games.parquet", index=False)
        back = columns.check(pd.read_parquet(tmp_path / "games.parquet"), GAMES)
        assert [list(genres) for genres in back["genres"]] == [["RPG"], ["Unknown"]]
        assert back["released"].iloc[0] == pd.Timestamp("2020-01-02")


NUMBERS = st.one_of(st.none(), st.floats(-10, 110), st.sampled_from([0.0, 1.0, 5.0, math.inf]))
WORDS = st.sampled_from(["Doom", "DOOM", " doom&amp;", "\u200b", "", "Ömer", None])
LISTS = st.one_of(
    st.none(), st.lists(st.sampled_from(["RPG", "rpg", " Action", "", "VR"]), max_size=3)
)
ROWS = st.fixed_dictionaries(
    {"name": WORDS, "slug": WORDS, "genres": LISTS, "tags": LISTS}
    | {"released": st.sampled_from([None, "2020-01-02", "never"])}
    | {column.name: NUMBERS for column in RAW_GAMES.columns if column.kind == "float"}
)
IDS = st.one_of(
    st.lists(st.integers(1, 5), min_size=1, max_size=8),
    st.lists(st.sampled_from(["a", "b", "ü", "1"]), min_size=1, max_size=8),
)


@st.composite
def catalogues(draw: st.DrawFn) -> pd.DataFrame:
    return frame([{"game_id": i} | draw(ROWS) for i in draw(IDS)])


@settings(max_examples=15, deadline=None)
@given(catalogues(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(raw: pd.DataFrame, random) -> None:
    order = list(range(len(raw)))
    random.shuffle(order)
    games, steps = clean(raw)
    shuffled_games, shuffled_steps = clean(raw.iloc[order])
    assert_frame_equal(shuffled_games, games)
    assert_frame_equal(shuffled_steps, steps)


@settings(max_examples=15, deadline=None)
@given(catalogues())
def test_any_catalogue_becomes_a_table_that_keeps_its_promises(raw: pd.DataFrame) -> None:
    games, steps = clean(raw)
    columns.check(games, GAMES)  # no empty cell, one row per id
    assert set(games["game_id"]) <= set(raw["game_id"])
    assert games["game_id"].is_monotonic_increasing
    for name in ("rating", "rating_shrunk"):
        assert games[name].between(0, 5).all()
    for name in ("owned_ratio", "rating_scaled", "owned_ratio_scaled", "playtime_scaled"):
        assert games[name].between(0, 1).all()
    assert all(genres == sorted(set(genres)) and genres for genres in games["genres"])
    assert (steps["changed"] <= steps[["before", "after"]].max(axis=1)).all()
    assert len(content_features(games).game_ids) == len(games)


CATALOGUES = {
    "dense": ("rawg/top_975_2026.csv", 975, 0),
    "sparse": ("rawg/pc_steam_2025_17811.csv", 17_811, 17_619),
    "bare": ("steam/games.csv", 5_155, 5_155),
}


@pytest.mark.parametrize(("path", "n_games", "n_unrated"), CATALOGUES.values(), ids=CATALOGUES)
def test_real_catalogues_are_cleaned_whole(path, n_games, n_unrated, shared_data) -> None:
    games, _ = clean(sources.from_file(shared_data / path).games)
    assert len(games) == n_games
    assert games["rating_imputed"].sum() == n_unrated
    features = content_features(games)
    lengths = np.sqrt(np.asarray(features.matrix.multiply(features.matrix).sum(axis=1)).ravel())
    assert ((np.abs(lengths - 1) < 1e-5) | (lengths == 0)).all()


def test_the_sample_is_cleaned_whole() -> None:
    games, steps = clean(sources.sample().games)
    assert len(games) == 40
    assert games["playtime_imputed"].sum() == 8
    assert not games["rating_imputed"].any()
    assert counts(steps, "unknown: shrunk", "ratings_count") == (13, 40, 27)
    job_simulator = games[games["game_id"] == 1071].iloc[0]
    assert job_simulator["rating_shrunk"] == pytest.approx((116 * 3.83 + 10 * 3.998) / 126)
    assert job_simulator["owned_ratio"] == 0.83
