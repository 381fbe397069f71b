"""Which source a run takes its games from, and what is told of it."""

import io
import json

import pytest
from PIL import Image
from services.rawg_server import KEY, RawgServer, a_game

from gamerec.catalogue import sources
from gamerec.catalogue.raw_games import of_answers
from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.plots.sources import places
from gamerec.rawg.query import Query
from gamerec.settings import load_settings


def test_equal_games_have_an_equal_hash_and_others_not():
    def hashed(number: int) -> str:
        return sources.Source.of("rawg", of_answers([a_game(number)])[0], {}).about["sha256"]

    assert hashed(3) == hashed(3) != hashed(4)


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
    games, _ = of_answers([a_game(n, ratings_count=n * 7) for n in range(9)])
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
