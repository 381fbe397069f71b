"""Events: kept once, seen at once by every process of the machine and soon by others."""

import threading

import pytest
import small_store
from sqlalchemy import create_engine, text

from gamerec.database import open_database
from gamerec.errors import ServiceError, UsageError
from gamerec.serving import Event, NotFound, Question


def ids(engine, user=3, k=4):
    return [item.game_id for item in engine.recommend(Question(user_id=user, k=k)).items]


@pytest.mark.parametrize("kind", ["hidden", "disliked", "played", "liked"])
def test_a_game_that_was_spoken_of_leaves_the_list_at_once(engine, kind):
    first = ids(engine)
    assert engine.record(Event("e1", kind, 3, first[0]))
    assert first[0] not in ids(engine)
    assert len(ids(engine)) == 4


@pytest.mark.parametrize("kind", ["played", "liked"])
def test_what_was_played_or_liked_joins_the_history(engine, kind):
    engine.record(Event("e1", kind, "new player", 40))
    answer = engine.recommend(Question(user_id="new player", k=5))
    assert answer == engine.recommend(Question(games=[40], k=5))
    assert [(p.game.game_id, p.kind) for p in engine.history("new player")] == [(40, kind)]


def test_a_disliked_game_of_the_history_counts_no_more(engine):
    history = [played.game.game_id for played in engine.history(3)]
    engine.record(Event("e1", "disliked", 3, history[0]))
    expected = engine.recommend(Question(games=history[1:], exclude=history[:1], k=5))
    assert engine.recommend(Question(user_id=3, k=5)).items == expected.items


def test_of_several_words_the_newest_counts(engine):
    game = ids(engine)[0]
    engine.record(Event("e1", "liked", 3, game))
    engine.record(Event("e2", "hidden", 3, game))
    assert game not in [p.game.game_id for p in engine.history(3) if p.kind == "liked"]
    assert game not in ids(engine)
    assert engine.recommend(Question(user_id=3, k=5)).source == "model"


def test_an_event_sent_twice_is_kept_once(engine, settings):
    first, second = ids(engine)[:2]
    assert engine.record(Event("same", "hidden", 3, first)) is True
    assert engine.record(Event("same", "hidden", 3, second)) is False
    assert ids(engine)[0] == second
    with open_database(settings) as database:
        kept = database.event_log().after(0)
    assert [(e.event_id, e.kind, e.user_id, e.game_id) for e in kept] == [
        ("same", "hidden", 3, first)
    ]


def test_twenty_threads_with_one_id_keep_one_event(engine):
    game, told = ids(engine)[0], []
    threads = [
        threading.Thread(target=lambda: told.append(engine.record(Event("one", "liked", 3, game))))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 19 + [True]


def test_other_engines_of_the_machine_see_it_with_their_next_answer(engine, settings, opened):
    other = opened(settings)
    game = ids(engine)[0]
    for number, kind in enumerate(["hidden", "liked", "hidden"]):
        engine.record(Event(f"e{number}", kind, 3, game))
        kinds = {p.game.game_id: p.kind for p in other.history(3)}
        assert kinds[game] == kind
        assert ids(other) == ids(engine)


def test_another_machine_sees_it_by_the_database(engine, settings, opened, tmp_path):
    elsewhere = opened(settings.model_copy(update={"cache_dir": str(tmp_path / "other")}))
    game = ids(engine)[0]
    engine.record(Event("e1", "hidden", 3, game))
    elsewhere._feed.read_database()
    assert ids(elsewhere) == ids(engine)


def test_events_outlive_the_process(engine, settings, opened):
    game = ids(engine)[0]
    engine.record(Event("e1", "hidden", "3", game))
    engine.close()
    assert game not in ids(opened(settings))


def test_a_committed_event_is_on_the_disk(engine, settings):
    engine.record(Event("e1", "liked", 3, 10))
    with engine._database()._connector.engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL


def test_what_is_no_event_is_refused_and_not_kept(engine, settings):
    with pytest.raises(UsageError, match="played, liked"):
        engine.record(Event("e1", "loved", 3, 10))
    with pytest.raises(NotFound, match="999"):
        engine.record(Event("e1", "liked", 3, 999))
    with open_database(settings) as database:
        assert database.event_log().after(0) == []


def test_lists_go_on_while_the_database_is_away(home, opened, monkeypatch):
    small_store.make(home)
    monkeypatch.setenv("DATABASE_URL", "mysql://user:canary-secret@127.0.0.1:1/games")
    engine = opened(small_store.Settings(gamerec_home=home))
    assert len(ids(engine)) == 4
    assert engine.info().events is False
    with pytest.raises(ServiceError, match=r"user:\*\*\*@127") as caught:
        engine.record(Event("e1", "liked", 3, 10))
    assert "canary-secret" not in str(caught.value)


def test_a_journal_that_is_begun_anew_loses_nothing(engine, settings, opened, monkeypatch):
    monkeypatch.setattr("gamerec.serving.journal._LARGEST", 200)  # bytes: every second event
    other = opened(settings)
    for number in range(12):
        engine.record(Event(f"e{number}", "liked", "somebody", (number % 12 + 1) * 10))
        assert len(other.history("somebody")) == number + 1


def test_a_line_of_the_journal_that_was_cut_short_is_passed_over(engine, settings, opened):
    other = opened(settings)
    with engine._feed._journal.path.open("ab") as file:
        file.write(b'[1, "half\n')
    engine.record(Event("e1", "hidden", 3, ids(engine)[0]))
    assert ids(other) == ids(engine)


def test_sqlite_numbers_events_in_the_order_of_commits(settings, engine):
    for number in range(3):
        engine.record(Event(f"e{number}", "liked", 1, 10))
    database = create_engine(f"sqlite:///{settings.gamerec_home}/store/gamerec.db")
    with database.connect() as connection:
        rows = connection.execute(text("SELECT event_id FROM events ORDER BY event_no")).scalars()
        assert list(rows) == ["e0", "e1", "e2"]
    database.dispose()
