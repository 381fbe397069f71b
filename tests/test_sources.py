"""Raw games from RAWG's answers, the sample and files, and which of them a run takes."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from services.rawg_server import KEY, RawgServer, a_game

from gamerec import sources
from gamerec.columns import RAW_GAMES, check
from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.plots.sources import places
from gamerec.query import Query
from gamerec.settings import load_settings

PAGES = Path(__file__).parent / "rawg_pages"


def page(name: str) -> list[dict]:
    return json.loads((PAGES / f"{name}.json").read_text())["results"]


def first_row(source: sources.Source) -> dict:
    return source.games.iloc[0].to_dict()


# --- RAWG's answers ---


def test_nulls_of_a_game_that_nobody_added_are_empty_and_its_owners_zero():
    row = first_row(sources.from_rawg(page("nulls")))
    assert (row["game_id"], row["name"], row["added"], row["owned"]) == (987698, "Announced", 0, 0)
    assert row["tags"] is None and row["genres"] == []
    for name in ("released", "metacritic", "image_url", "owned_ratio"):
        assert pd.isna(row[name])


def test_a_full_game_comes_whole_with_its_genres_sorted():
    row = sources.from_rawg(page("nulls")).games.iloc[1].to_dict()
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
    row = first_row(sources.from_rawg(page("russian_twins")))
    assert row["tags"] == ["Atmospheric", "Singleplayer"]
    assert row["genres"] == ["Action", "RPG"] and row["owned"] == 0


def test_values_that_cannot_be_are_emptied_and_counted():
    source = sources.from_rawg(page("odd"))
    assert source.games["game_id"].tolist() == [7, -4]
    row = first_row(source)
    assert row["name"] == "Half ? pair" and row["tags"] == ["Odd"] and row["genres"] is None
    empty = ["slug", "released", "rating", "ratings_count", "added", "owned", "playtime"]
    assert all(pd.isna(row[name]) for name in [*empty, "metacritic", "image_url"])
    assert source.about["repairs"] == {
        "games without an id left out": 4,
        "playtime: cells out of range emptied": 1,
        "rating: cells out of range emptied": 1,
        "ratings_count: cells out of range emptied": 1,
        "metacritic: cells out of range emptied": 1,
        "added: cells out of range emptied": 1,
        "owned: cells out of range emptied": 1,
    }


def test_owners_are_unknown_where_games_were_added_but_no_status_is_given():
    assert pd.isna(first_row(sources.from_rawg([a_game(1, added_by_status=None)]))["owned"])


@pytest.mark.parametrize("games", ["nulls", "russian_twins", "odd"])
def test_every_table_keeps_the_contract_through_parquet(games):
    frame = sources.from_rawg(page(games)).games
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    back = check(pd.read_parquet(buffer), RAW_GAMES)
    assert list(back.columns) == RAW_GAMES.names and len(back) == len(frame)


def test_equal_games_have_an_equal_hash_and_others_not():
    one, other = sources.from_rawg(page("nulls")), sources.from_rawg(page("russian_twins"))
    assert one.about["sha256"] == sources.from_rawg(page("nulls")).about["sha256"]
    assert one.about["sha256"] != other.about["sha256"]


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
    source = sources.from_rawg(results)
    frame = source.games
    assert len(frame) == games and source.about["repairs"] == {}
    assert frame["game_id"].tolist() == [game["id"] for game in results]
    for column in ("name", "slug", "playtime", "rating", "ratings_count", "added", "owned"):
        assert frame[column].notna().all(), column
    assert (frame["owned"] <= frame["added"]).all()
    twins = {t["name"] for g in results for t in g["tags"] or [] if t["language"] == "rus"}
    assert not twins & {tag for tags in frame["tags"].dropna() for tag in tags}


def test_a_recorded_page_survives_the_crawl(shared_data, monkeypatch):
    answer = json.loads((shared_data / "rawg/responses/list_default_page49_2026.json").read_text())
    with RawgServer(answer["results"]) as server:
        settings = crawl_settings(server, monkeypatch)
        source = sources.load("", settings, Query(tags="", genres=""))
    assert set(source.games["game_id"]) == {game["id"] for game in answer["results"]}


# --- which source ---


def settings_with(monkeypatch, **values: str):
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def crawl_settings(server, monkeypatch):
    return settings_with(monkeypatch, RAWG_API_KEY=server.key, RAWG_URL=server.url)


@pytest.mark.parametrize(
    ("catalogue", "key", "kind"),
    [("", "", "sample"), ("", KEY, "rawg"), ("sample", KEY, "sample"), ("rawg", KEY, "rawg")],
)
def test_the_key_decides_unless_the_parameter_does(monkeypatch, catalogue, key, kind):
    assert sources.choose(catalogue, settings_with(monkeypatch, RAWG_API_KEY=key)) == kind


def test_rawg_without_a_key_is_refused(monkeypatch):
    with pytest.raises(UsageError, match="set RAWG_API_KEY in .env"):
        sources.choose("rawg", load_settings())


def test_a_file_is_found_from_here_and_from_the_project(monkeypatch, home, tmp_path):
    (home / "mine.csv").write_text("id,name\n1,A\n")
    assert sources.find("mine.csv", load_settings()) == home / "mine.csv"
    (tmp_path / "here").mkdir()
    (tmp_path / "here/mine.csv").write_text("id,name\n2,B\n")
    monkeypatch.chdir(tmp_path / "here")
    assert sources.find("mine.csv", load_settings()) == tmp_path / "here/mine.csv"
    assert sources.choose("mine.csv", load_settings()) == "file"


def test_a_file_that_is_not_there_says_where_it_was_looked_for(home):
    with pytest.raises(DataError, match=r"no catalogue file 'smaple'.*did you mean 'sample'\?"):
        sources.choose("smaple", load_settings())


def test_a_folder_is_no_catalogue(tmp_path):
    with pytest.raises(DataError, match="no catalogue file"):
        sources.choose(str(tmp_path), load_settings())


def test_the_reader_is_told_first_where_the_games_come_from(monkeypatch, home):
    assert "because there is no RAWG key" in sources.announcement("", load_settings())
    assert "as `CATALOGUE` asks" in sources.announcement("sample", load_settings())
    (home / "<b>.csv").write_text("id,name\n1,A\n")
    assert "<code>&lt;b&gt;.csv</code>" in sources.announcement("<b>.csv", load_settings())
    settings = settings_with(monkeypatch, RAWG_API_KEY=KEY)
    text = sources.announcement("", settings)
    assert "Source: RAWG" in text and KEY not in text


# --- load ---


def test_the_sample_is_the_forty_games(monkeypatch):
    source = sources.load("", load_settings())
    frame, about = source.games, source.about
    assert (len(frame), about["source"], about["attribution"]) == (40, "sample", "RAWG")
    for column in ("name", "playtime", "rating", "owned_ratio", "genres"):
        assert frame[column].notna().all(), column
    assert about["repairs"] == {} and about["repeated_ids"] == 0
    deep = frame.set_index("game_id").loc[9551]
    assert (deep["name"], deep["added"], deep["owned"]) == ("Deep Rock Galactic", 5242, 4239)
    assert deep["genres"] == ["Action", "Indie"] and "Free to Play" in deep["tags"]


def test_the_sample_says_what_the_list_it_comes_from_says(shared_data):
    seed = sources.from_file(shared_data / "rawg/seed_games.csv")
    assert seed.about["sha256"] == sources.sample().about["sha256"]


def test_a_file_is_read_whole_and_named(home):
    (home / "mine.csv").write_text("id,name\n1,A\n1,A again\n")
    source = sources.load("mine.csv", load_settings())
    about = source.about
    assert (about["source"], about["games"], about["repeated_ids"]) == ("file", 2, 1)
    assert about["path"] == str(home / "mine.csv") and about["attribution"] == "mine.csv"


def test_a_crawl_says_what_was_asked_and_how_much_came(monkeypatch, home):
    with RawgServer() as server:
        source = sources.load("", crawl_settings(server, monkeypatch), max_games=50)
    about = source.about
    assert source.games["game_id"].tolist() == list(range(1000, 1050))
    assert (about["source"], about["total"], about["complete"]) == ("rawg", 100, True)
    assert about["counts"]["requests"] == 2 and about["query"]["tags"] == "free-to-play"
    assert (about["attribution"], about["attribution_url"]) == ("RAWG", "https://rawg.io")
    assert KEY not in json.dumps(about)
    assert all(KEY.encode() not in file.read_bytes() for file in home.rglob("*") if file.is_file())


def test_one_line_tells_what_was_made(monkeypatch, home):
    assert sources.sample().made == "40 games from the sample"
    (home / "mine.csv").write_text("id,name\n1,A\n")
    assert sources.load("mine.csv", load_settings()).made == "1 games from mine.csv"
    with RawgServer([a_game(n) for n in range(1200)]) as server:
        settings = crawl_settings(server, monkeypatch)
        cut = sources.load("", settings, max_games=1100, budget=26)
        whole = sources.load("", settings, max_games=1100)
    assert cut.made == (
        "1,040 of 1,200 games from RAWG, 26 requests; "
        "the budget ended the crawl, run it again to go on"
    )
    assert whole.made == "1,100 of 1,200 games from RAWG, 2 requests"
    report = whole.report()["number"]
    assert (report["games"], report["pages that were in the store"]) == (1100, 26)


def test_covers_are_kept_and_counted_when_asked_for(monkeypatch, home):
    picture = io.BytesIO()
    Image.new("RGB", (60, 40)).save(picture, "PNG")
    with RawgServer([a_game(n) for n in range(3)]) as server:
        server.images["crop/600/400/a.jpg"] = picture.getvalue()
        for game, name in zip(server.games, ("a.jpg", "b.jpg", ""), strict=True):
            game["background_image"] = f"http://{server.host}/media/{name}" if name else None
        source = sources.load("", crawl_settings(server, monkeypatch), covers=True)
        assert sorted(server.images_asked) == ["crop/600/400/a.jpg", "crop/600/400/b.jpg"]
    assert source.about["covers"] == {"fetched": 1, "kept": 0, "failed": 1, "skipped": 0}
    assert source.report().loc["covers that could not be had", "number"] == 1
    assert len(list(home.glob("store/covers/*.jpg"))) == 1


@pytest.mark.parametrize("rated", ["all", "some", "none"])
def test_the_places_of_the_list_can_be_drawn(rated):
    games = sources.from_rawg([a_game(n, ratings_count=n * 7) for n in range(9)]).games
    if rated != "all":
        games.loc[games.index[: 4 if rated == "some" else 9], ["rating", "ratings_count"]] = None
    axes = places(games).axes[0]
    drawn = sum(len(dots.get_offsets()) for dots in axes.collections)
    assert drawn == {"all": 9, "some": 5, "none": 0}[rated]
    assert (axes.get_legend() is None) == (rated == "none")


def test_tries_and_patience_are_settings(monkeypatch):
    waits: list[float] = []
    with RawgServer() as gone:
        pass
    settings = settings_with(
        monkeypatch, RAWG_API_KEY=KEY, RAWG_URL=gone.url, RAWG_ATTEMPTS="3", RAWG_TIMEOUT="0.5"
    )
    with pytest.raises(ServiceError, match="in 3 tries"):
        sources.load("", settings, sleep=waits.append)
    assert len(waits) == 2
