"""RAWG's answers as raw games: odd ones written for the test, and recorded ones."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from services.rawg_server import a_game

from gamerec.catalogue.raw_games import of_answers
from gamerec.columns import RAW_GAMES, check

PAGES = Path(__file__).parent / "rawg_pages"


def page(name: str) -> list[dict]:
    return json.loads((PAGES / f"{name}.json").read_text())["results"]


def first_row(read: tuple[pd.DataFrame, dict[str, int]]) -> dict:
    return read[0].iloc[0].to_dict()


def test_nulls_of_a_game_that_nobody_added_are_empty_and_its_owners_zero():
    row = first_row(of_answers(page("nulls")))
    assert (row["game_id"], row["name"], row["added"], row["owned"]) == (987698, "Announced", 0, 0)
    assert row["tags"] is None and row["genres"] == []
    for name in ("released", "metacritic", "image_url", "owned_ratio"):
        assert pd.isna(row[name])


def test_a_full_game_comes_whole_with_its_genres_sorted():
    row = of_answers(page("nulls"))[0].iloc[1].to_dict()
    assert pd.isna(row.pop("owned_ratio"))
    assert row == {
        "game_id": 9551,
        "slug": "deep",
        "name": "Deep",
        "released": "2020-05-13",
        "genres": ["Action", "Indie"],
        "tags": ["Co-op"],
        "playtime": 7,
        "rating": 4.11,
        "ratings_count": 690,
        "added": 5242,
        "owned": 4239,
        "metacritic": 84,
        "image_url": "https://media.rawg.io/media/games/abc/deep.jpg",
    }


def test_russian_twins_are_dropped_and_a_status_of_nobody_is_zero():
    row = first_row(of_answers(page("russian_twins")))
    assert row["tags"] == ["Atmospheric", "Singleplayer"]
    assert row["genres"] == ["Action", "RPG"] and row["owned"] == 0


def test_values_that_cannot_be_are_emptied_and_counted():
    frame, repairs = of_answers(page("odd"))
    assert frame["game_id"].tolist() == [7, -4]
    row = frame.iloc[0].to_dict()
    assert row["name"] == "Half ? pair" and row["tags"] == ["Odd"] and row["genres"] is None
    empty = ["slug", "released", "rating", "ratings_count", "added", "owned", "playtime"]
    assert all(pd.isna(row[name]) for name in [*empty, "metacritic", "image_url"])
    assert repairs == {
        "games without an id left out": 4,
        "playtime: cells out of range emptied": 1,
        "rating: cells out of range emptied": 1,
        "ratings_count: cells out of range emptied": 1,
        "metacritic: cells out of range emptied": 1,
        "added: cells out of range emptied": 1,
        "owned: cells out of range emptied": 1,
    }


def test_owners_are_unknown_where_games_were_added_but_no_status_is_given():
    assert pd.isna(first_row(of_answers([a_game(1, added_by_status=None)]))["owned"])


@pytest.mark.parametrize("games", ["nulls", "russian_twins", "odd"])
def test_every_table_keeps_the_contract_through_parquet(games):
    frame, _ = of_answers(page(games))
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    back = check(pd.read_parquet(buffer), RAW_GAMES)
    assert list(back.columns) == RAW_GAMES.names and len(back) == len(frame)


@pytest.mark.parametrize(
    ("name", "games"),
    [
        ("list_action_exclude_stores_2023-07", 20),
        ("list_dates_platforms_2023-07", 20),
        ("list_default_2021-06", 20),
        ("list_default_7of20_2023-05", 7),
        ("list_default_page49_2026", 20),
        ("list_genres_action_2023-07", 20),
        ("list_n64_2022", 20),
        ("list_ordering_released_2024-08", 10),
        ("details_10_2026", 10),
    ],
)
def test_recorded_answers_are_read_whole(shared_data, name, games):
    answer = json.loads((shared_data / f"rawg/responses/{name}.json").read_text())
    results = answer if isinstance(answer, list) else answer["results"]
    frame, repairs = of_answers(results)
    assert len(frame) == games and repairs == {}
    assert frame["game_id"].tolist() == [game["id"] for game in results]
    for column in ("name", "slug", "playtime", "rating", "ratings_count", "added", "owned"):
        assert frame[column].notna().all(), column
    assert (frame["owned"] <= frame["added"]).all()
    twins = {t["name"] for g in results for t in g["tags"] or [] if t["language"] == "rus"}
    assert not twins & {tag for tags in frame["tags"].dropna() for tag in tags}
