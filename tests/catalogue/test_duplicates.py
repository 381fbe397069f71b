"""Merging rows: who speaks first, what is filled, what is united."""

import numpy as np
import pandas as pd

from gamerec.catalogue.duplicates import merge_rows


def games(**columns: list) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    base = {
        "game_id": list(range(1, n + 1)),
        "slug": [None] * n,
        "name": [None] * n,
        "rating": [np.nan] * n,
        "ratings_count": [np.nan] * n,
        "added": [np.nan] * n,
        "genres": [[] for _ in range(n)],
        "tags": [[] for _ in range(n)],
    }
    return pd.DataFrame(base | columns)


def test_the_row_with_most_votes_speaks_and_the_others_fill_its_gaps() -> None:
    raw = games(
        game_id=[7, 3, 7, 7],
        name=["few", "other", None, "none"],
        rating=[2.0, 1.0, 4.5, np.nan],
        ratings_count=[5.0, 9.0, 80.0, np.nan],
        genres=[["Indie"], ["RPG"], ["Action"], []],
    )
    merged = merge_rows(raw, "game_id").set_index("game_id")
    assert len(merged) == 2
    assert merged.loc[7, "name"] == "few"  # the one with most votes has no name
    assert merged.loc[7, "rating"] == 4.5
    assert merged.loc[7, "ratings_count"] == 80
    assert merged.loc[7, "genres"] == ["Action", "Indie"]
    assert merged.loc[3, "name"] == "other"


def test_equal_votes_are_decided_by_players_and_then_by_content() -> None:
    raw = games(game_id=[1, 1, 1], name=["b", "a", "c"], added=[3.0, 3.0, 2.0])
    assert merge_rows(raw, "game_id")["name"].tolist() == ["a"]
    assert merge_rows(raw.iloc[::-1], "game_id")["name"].tolist() == ["a"]


def test_rows_without_a_key_stay_apart() -> None:
    raw = games(slug=["doom", None, "doom", None], added=[1.0, 1.0, 9.0, 1.0])
    merged = merge_rows(raw, "slug")
    assert sorted(merged["game_id"]) == [2, 3, 4]  # 3 has more players than 1


def test_a_table_without_doubles_comes_back_as_it_is() -> None:
    raw = games(name=["a", "b"])
    assert merge_rows(raw, "game_id") is raw


def test_merging_keeps_columns_and_types() -> None:
    raw = games(game_id=[1, 1], name=["a", "b"], added=[1.0, 2.0])
    merged = merge_rows(raw, "game_id")
    assert merged.columns.tolist() == raw.columns.tolist()
    assert merged["game_id"].dtype == np.int64
    assert merged["added"].dtype == np.float64
