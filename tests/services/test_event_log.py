"""Events under several writers, on SQLite and on a real MariaDB server."""

import pytest
from sqlalchemy import create_engine, insert, text

from gamerec.database import Database
from gamerec.database.tables import events
from gamerec.errors import DataError
from gamerec.serving.answers import Event
from gamerec.serving.feed import EventFeed


def names(found):
    return [event.event_id for event in found]


def test_an_event_is_kept_once_with_its_ids_as_they_came(database):
    log = database.event_log()
    first, is_new = log.add("Ä-1", "liked", "ü", 7)
    again, is_new_again = log.add("Ä-1", "hidden", "x", 8)
    assert (is_new, is_new_again, again) == (True, False, first)
    log.add("ä-1", "played", 7, "seven")
    log.add("Ä-1 ", "played", "7", "7")
    kept = [(e.event_id, e.kind, e.user_id, e.game_id) for e in log.after(0)]
    assert kept == [
        ("Ä-1", "liked", "ü", 7),
        ("ä-1", "played", 7, "seven"),
        ("Ä-1 ", "played", "7", "7"),
    ]
    assert names(log.after(first.number)) == ["ä-1", "Ä-1 "]
    assert names(log.after(10**6, [first.number])) == ["Ä-1"]


def test_events_without_an_id_of_their_own_are_not_among_them(database):
    database.record_event("shown", user_id="ann")
    database.event_log().add("e1", "liked", "ann", 7)
    assert names(database.event_log().after(0)) == ["e1"]


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_an_id_that_cannot_be_kept_is_refused(database, name):
    with pytest.raises(DataError, match="event id"):
        database.event_log().add(name, "liked", "ann", 7)


def test_a_number_that_is_committed_late_is_not_missed(mariadb_url, tmp_path):
    """Two writers: the one with the lower number commits after the higher one has been read."""
    engine = create_engine(mariadb_url)
    with Database(mariadb_url) as database:
        feed = EventFeed(lambda: database, mariadb_url, tmp_path)
        feed.record(Event("first", "liked", "ann", 1))
        feed.read_database()
        with engine.connect() as late:
            numbers = late.execute(text("SELECT user_no, game_no FROM events")).one()
            row = {"event_id": "late", "kind": "liked", "at": "2026-01-01 00:00:00"}
            row |= {"user_no": numbers[0], "game_no": numbers[1]}
            late.execute(insert(events).values(**row))
            database.event_log().add("higher", "liked", "bob", 2)
            feed.read_database()
            assert feed.overlay.of("bob")
            late.execute(text("UPDATE events SET kind = 'hidden' WHERE event_id = 'late'"))
            late.commit()
        feed.read_database()
        assert feed.overlay.of("ann")["1"].kind == "hidden"
        feed.close()
    engine.dispose()
