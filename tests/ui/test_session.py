"""The browser's questions and the answers of one page, over the real serving core."""

import json
from base64 import b64decode

import pytest
from pictured_project import PICTURED

from gamerec.errors import UsageError
from gamerec.serving import Engine
from gamerec.storage import open_store
from gamerec.ui.session import Session
from gamerec.ui.shelf import CoverShelf

GAME = PICTURED


@pytest.fixture
def session(project_settings):
    shelf = CoverShelf(open_store(project_settings.store_uri), project_settings)
    made = Session(lambda channel: Engine.open(project_settings, channel=channel), shelf)
    yield made
    made.close()


def ask(session, what, **question):
    answer = session.answer(what, question)
    json.dumps(answer)  # all of it can be sent
    return answer


def names(answer, place=0):
    return [item["name"] for item in answer["lists"][place]["items"]]


def test_reasons_add_up_to_the_score_also_where_the_rest_is_summed_up(session):
    history = [game["game_id"] for game in ask(session, "search", text="a")["games"]][:8]
    (found,) = ask(session, "recommend", games=history, k=5)["lists"]
    assert found["source"] == "model"
    for item in found["items"]:
        parts = [because["contribution"] for because in item["because"]]
        assert sum(parts) == pytest.approx(item["score"], abs=1e-5)
        assert len(parts) <= 6


def test_one_pick_is_enough_for_a_list_of_ones_own(session):
    popular = ask(session, "recommend", k=12)
    own = ask(session, "recommend", games=[GAME], k=12)
    assert popular["lists"][0]["source"] == "popular"
    assert own["lists"][0]["source"] == "model"
    assert names(own) != names(popular)
    assert GAME not in [item["game_id"] for item in own["lists"][0]["items"]]


def test_what_is_excluded_or_filtered_is_not_shown(session):
    first = ask(session, "recommend", k=10)["lists"][0]["items"]
    shown = [item["game_id"] for item in first]
    rest = ask(session, "recommend", k=10, exclude=shown)["lists"][0]["items"]
    assert not set(shown) & {item["game_id"] for item in rest}
    filters = {"genres_any": ["Indie"], "year_from": 2015, "year_to": 2019}
    found = ask(session, "recommend", k=10, filters=filters)["lists"][0]["items"]
    assert found
    assert all("Indie" in item["genres"] and 2015 <= item["year"] <= 2019 for item in found)


def test_versions_are_answered_side_by_side_and_a_missing_one_is_empty(session):
    both = ask(session, "recommend", user_id=7, channels=["production", "candidate"])["lists"]
    assert [one["channel"] for one in both] == ["production", "candidate"]
    assert both[0]["version"] != both[1]["version"]
    (found,) = ask(session, "recommend", user_id=7, channels=["model_v99"])["lists"]
    assert (found["version"], found["items"]) == ("", [])


def test_similar_games_name_the_game_they_are_like(session):
    (found,) = ask(session, "similar", game_id=GAME, k=4)["lists"]
    assert len(found["items"]) == 4
    assert {item["because"][0]["game_id"] for item in found["items"]} == {GAME}


def test_a_player_is_known_by_their_games_whether_the_id_comes_as_text_or_number(session):
    known = ask(session, "player", user_id="7")
    assert known["known"] is True
    assert known["n"] >= 3
    assert known["history"] == ask(session, "player", user_id=7)["history"]
    assert ask(session, "player", user_id="nobody")["known"] is False


def test_feedback_is_kept_and_seen_by_the_next_list(session):
    shown = ask(session, "recommend", user_id=3, k=3)["lists"][0]["items"]
    told = ask(session, "feedback", user_id=3, game_id=shown[0]["game_id"], kind="disliked")
    assert told == {"durable": True}
    assert shown[0]["name"] not in names(ask(session, "recommend", user_id=3, k=3))


def test_feedback_without_a_database_is_said_to_be_short_lived(project_settings, session):
    bad = project_settings.model_copy(
        update={
            "database_url": type(project_settings.database_url)("mysql+pymysql://127.0.0.1:1/x")
        }
    )
    away = Session(lambda channel: Engine.open(bad, channel=channel), session._shelf)
    assert ask(away, "feedback", user_id=3, game_id=GAME, kind="liked") == {"durable": False}
    assert names(ask(away, "recommend", games=[GAME], k=3))


def test_covers_come_for_those_games_that_have_one(session):
    answer = ask(session, "covers", games=[GAME, 37194, 999_999])
    assert (answer["games"], answer["coming"]) == ([GAME], [])
    assert b64decode(answer["pictures"][0]).startswith(b"\xff\xd8")


def test_the_controls_offer_what_the_catalogue_has(session):
    offered = ask(session, "catalogue")
    assert offered["genres"][0] in ("Action", "Adventure")
    assert offered["years"] == [2003, 2022]
    assert 0 < len(offered["example"]) < 24


def test_the_tiles_speak_of_the_live_version(session, project):
    status = ask(session, "status")
    assert status["version"] == project.registry.channel("production")
    assert status["metrics"] == [{"name": "ndcg", "value": 0.25}]
    assert (status["n_games"], status["n_users"]) == (40, 60)


NONSENSE = [
    ("recommend", {"k": 0}),
    ("recommend", {"k": 10_000}),
    ("recommend", {"k": "many"}),
    ("recommend", {"k": True}),
    ("recommend", {"diversity": 2}),
    ("recommend", {"diversity": float("nan")}),
    ("recommend", {"popularity": -1.5}),
    ("recommend", {"games": "9551"}),
    ("recommend", {"games": [[1]]}),
    ("recommend", {"games": list(range(5000))}),
    ("recommend", {"user_id": {"$ne": 1}}),
    ("recommend", {"user_id": ""}),
    ("recommend", {"user_id": "x" * 1000}),
    ("recommend", {"filters": ["Action"]}),
    ("recommend", {"filters": {"genres_any": 5}}),
    ("recommend", {"filters": {"genres_any": ["No such genre"]}}),
    ("recommend", {"filters": {"year_from": "soon"}}),
    ("recommend", {"channels": ["production"] * 9}),
    ("recommend", {"channels": ["../../etc/passwd"]}),
    ("recommend", {"channels": 5}),
    ("similar", {}),
    ("player", {}),
    ("feedback", {"kind": "stolen", "game_id": GAME}),
    ("feedback", {"kind": "liked", "game_id": None}),
    ("close", {}),
    (None, {}),
    ("recommend", [1]),
]


@pytest.mark.parametrize(("what", "question"), NONSENSE, ids=lambda value: str(value)[:40])
def test_nonsense_from_a_browser_is_refused_as_such(session, what, question):
    with pytest.raises(UsageError):
        session.answer(what, question)
