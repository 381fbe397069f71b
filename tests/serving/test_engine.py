"""Lists from memory: the same as the batch's, whole, explained, filtered, and for anybody."""

import csv
import io

import numpy as np
import pytest
import small_store

from gamerec.database import open_database
from gamerec.errors import UsageError
from gamerec.models.reranking import allowed_games
from gamerec.serving import BadFilter, Filters, NoModel, NotFound, Question
from gamerec.storage import open_store


def ids(answer):
    return [item.game_id for item in answer.items]


def pairs(answer):
    return [(item.game_id, np.float32(item.score)) for item in answer.items]


@pytest.mark.parametrize(
    ("text", "weights", "values"),
    [(False, False, "binary"), (True, True, "log"), (False, True, "raw")],
)
def test_batch_database_csv_and_real_time_agree(home, opened, text, weights, values):
    settings = small_store.make(home, text=text, weights=weights, values=values)
    small_store.score_batch(settings)
    engine, k = opened(settings), 6
    store = open_store(settings.store_uri, settings)
    place = f"batches/{small_store.RUN_ID}"
    table = store.read_table(f"{place}/recommendations.parquet")
    sheet = list(csv.DictReader(io.StringIO(store.read(f"{place}/recommendations.csv").decode())))
    with open_database(settings) as database:
        for user, rows in table.groupby("user_id"):
            answer = engine.recommend(Question(user_id=user, k=k))
            assert answer.source == "model"
            assert pairs(answer) == list(zip(rows["game_id"], rows["score"], strict=True))
            kept = database.recommendations(user)
            assert pairs(answer) == list(zip(kept["game_id"], kept["score"], strict=True))
            lines = [r for r in sheet if r["user_id"] == str(user)]
            assert [r["game_id"] for r in lines] == [str(i) for i in ids(answer)]
            because = [item.because[0].name if item.because else "" for item in answer.items]
            assert because == [r["because"] for r in lines]


def test_an_unknown_user_gets_the_popular_games_and_is_told_so(engine):
    answer = engine.recommend(Question(user_id=4711, k=3))
    assert (answer.source, answer.reason) == ("popular", "the user is unknown")
    assert ids(answer) == [item.game_id for item in engine.popular(3)]


def test_a_session_gets_the_list_that_a_user_with_these_games_gets(engine):
    history = [played.game.game_id for played in engine.history(3)]
    by_user = engine.recommend(Question(user_id=3, k=5))
    by_games = engine.recommend(Question(games=history, k=5))
    assert pairs(by_user) == pairs(by_games)


def test_a_users_own_games_and_those_of_the_session_count_together(engine):
    history = [played.game.game_id for played in engine.history(3)]
    other = next(g for g in range(10, 130, 10) if g not in history)
    together = engine.recommend(Question(user_id=3, games=[other, other], k=5))
    assert pairs(together) == pairs(engine.recommend(Question(games=[*history, other], k=5)))
    assert other not in ids(together)


def test_games_that_the_model_does_not_know_are_told(engine):
    answer = engine.recommend(Question(games=["nothing", 10, 5], k=3))
    assert (answer.ignored, answer.source) == (("nothing", 5), "model")
    answer = engine.recommend(Question(games=["nothing"], k=3))
    assert (answer.source, answer.reason) == ("popular", "the model knows none of these games")


def test_a_number_and_its_text_are_the_same_user_and_game(engine):
    assert engine.recommend(Question(user_id="3")) == engine.recommend(Question(user_id=3))
    assert engine.recommend(Question(user_id="03")).source == "popular"
    assert engine.game("10") == engine.game(10)


@pytest.mark.parametrize("k", [1, 5, 9, 100])
def test_there_are_exactly_k_items_wherever_k_are_eligible(engine, k):
    for user in range(1, small_store.N_USERS + 1):
        eligible = small_store.N_GAMES - len(engine.history(user))
        for turned in ({}, {"diversity": 0.7, "popularity": -0.4}):
            found = ids(engine.recommend(Question(user_id=user, k=k, **turned)))
            assert len(found) == len(set(found)) == min(k, eligible)


def test_all_contributions_add_up_to_the_score(engine):
    for user in range(1, 11):
        for item in engine.recommend(Question(user_id=user, k=12, explain=True)).items:
            assert sum(b.contribution for b in item.because) == pytest.approx(item.score, abs=1e-6)
        for item in engine.recommend(Question(user_id=user, k=12)).items:
            parts = [b.contribution for b in item.because]
            assert len(parts) <= 3
            assert parts == sorted(parts, reverse=True)


FILTERS = [
    {"genres_any": ("action", "Puzzle")},
    {"genres_all": ("Action", "Indie")},
    {"genres_none": ("Racing", "no such genre")},
    {"tags_any": ("co-op",), "tags_none": ("Story",)},
    {"year_from": 2003, "year_to": 2008},
]


@pytest.mark.parametrize("wanted", FILTERS, ids=lambda f: "-".join(f))
def test_filters_let_through_what_the_batch_filters_do(engine, wanted):
    items, _ = small_store.tables()
    items["released"] = items["released"].astype("datetime64[us]")
    passing = set(items.loc[allowed_games(items, **wanted), "game_id"])
    answer = engine.recommend(Question(user_id=1, k=12, filters=Filters(**wanted)))
    history = {played.game.game_id for played in engine.history(1)}
    assert set(ids(answer)) == passing - history
    assert set(ids(answer)) != set(ids(engine.recommend(Question(user_id=1, k=12))))


def test_a_genre_that_no_game_has_is_told_with_the_nearest(engine):
    with pytest.raises(BadFilter, match="did you mean 'racing'") as caught:
        engine.recommend(Question(user_id=1, filters=Filters(genres_any=("Raicing",))))
    assert caught.value.field == "genres.any"


def test_excluded_games_are_left_out_and_the_places_filled(engine):
    first = ids(engine.recommend(Question(user_id=2, k=4)))
    second = ids(engine.recommend(Question(user_id=2, k=4, exclude=[*first[:2], "unknown"])))
    assert second[:2] == first[2:]
    assert len(second) == 4


def test_the_sliders_turn_the_list(engine):
    def players(**turned):
        items = engine.recommend(Question(games=[40], k=3, **turned)).items
        return sum(item.game.players for item in items)

    assert players(popularity=-1) < players(popularity=1)


@pytest.mark.parametrize("wrong", [{"k": 0}, {"diversity": 1.1}, {"popularity": -2}])
def test_values_out_of_range_are_refused(engine, wrong):
    with pytest.raises(UsageError, match=str(next(iter(wrong)))):
        engine.recommend(Question(user_id=1, **wrong))


def test_games_are_found_by_name_without_case_and_accents(engine):
    assert [g.name for g in engine.search("CAFE")] == ["Café Noir"]
    found = [g.name for g in engine.search("deep")]
    assert sorted(found) == ["Echo Deep", "Iron Deep"]
    page, total = engine.found("", limit=5, offset=10)
    assert (len(page), total) == (2, small_store.N_GAMES)
    assert engine.search("nothing like it") == ()


def test_similar_games_come_with_their_weights(engine):
    found = engine.similar(10, 4)
    scores = [item.score for item in found]
    assert found
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)
    with pytest.raises(NotFound, match="999"):
        engine.similar(999)


def test_a_user_without_anything_has_no_history(engine):
    with pytest.raises(NotFound):
        engine.history(4711)


def test_what_is_live_is_told(engine):
    info = engine.info()
    assert (info.version, info.source, info.model) == ("model_v1", "model", "item_knn")
    assert (info.games, info.users) == (small_store.N_GAMES, small_store.N_USERS)
    assert [v.version for v in engine.versions()] == ["model_v1"]
    assert engine.is_ready


def test_a_game_that_left_the_catalogue_is_not_recommended(home, opened):
    settings = small_store.make(home)
    store = open_store(settings.store_uri, settings)
    items, plays = small_store.tables()
    place = f"runs/{small_store.RUN_ID}"
    store.write_table(f"{place}/items.parquet", items[items["game_id"] != 10])
    store.write_table(f"{place}/interactions.parquet", plays[plays["game_id"] != 10])
    engine = opened(settings)
    for user in range(1, small_store.N_USERS + 1):
        assert 10 not in ids(engine.recommend(Question(user_id=user, k=12)))


def test_without_a_model_the_last_batch_answers(home, opened):
    settings = small_store.make(home)
    small_store.score_batch(settings)
    with_model = opened(settings).recommend(Question(user_id=5, k=4))
    open_store(settings.store_uri, settings).delete_tree("models")
    engine = opened(settings)
    answer = engine.recommend(Question(user_id=5, k=4))
    assert not engine.is_ready
    assert (answer.source, answer.version) == ("batch", "model_v1")
    assert "no model in production" in answer.reason
    assert pairs(answer) == pairs(with_model)
    unknown = engine.recommend(Question(user_id="new", k=4, filters=Filters(genres_any=("Indie",))))
    assert (unknown.source, len(unknown.items)) == ("popular", 4)
    assert engine.recommend(Question(user_id="5", k=12)).items[:4] == answer.items
    assert engine.history("5")
    assert engine.search("abyss")


def test_without_model_and_batch_it_says_what_to_do(home, opened):
    engine = opened(small_store.Settings(gamerec_home=home))
    assert engine.info().source == "none"
    with pytest.raises(NoModel, match="make pipeline"):
        engine.recommend(Question(user_id=5))
