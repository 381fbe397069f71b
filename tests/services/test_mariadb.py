"""What is special about a server: connections that break, its words on errors, its collations."""

import threading
from contextlib import suppress

import pandas as pd
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from gamerec.database import Database
from gamerec.errors import DataError, ServiceError
from gamerec.migrations import HEAD

CANARY = "canary-db-password"
_CONNECTIONS = "SELECT id FROM information_schema.processlist WHERE db = DATABASE()"


def rows(first, count=200):
    users = range(first, first + count)
    return pd.DataFrame(
        {"user_id": users, "rank": 1, "game_id": 5, "score": 0.5, "because_game_id": 7}
    )


@pytest.fixture
def database(mariadb_url):
    with Database(mariadb_url, patience=10) as database:
        yield database


def kill_all(url):
    """Break every other connection to the database."""
    engine = create_engine(url)
    with engine.connect() as admin:
        own = admin.execute(text("SELECT CONNECTION_ID()")).scalar()
        ids = admin.execute(text(_CONNECTIONS)).scalars()
        for number in ids:
            if number != own:
                admin.execute(text(f"KILL {number}"))
    engine.dispose()


def test_a_connection_lost_between_chunks_is_made_again(database, mariadb_url):
    def parts():
        for number in range(5):
            kill_all(mariadb_url)
            yield rows(number * 200)

    assert database.load_batch("b", parts()) == 1_000
    assert len(database.all_recommendations()) == 1_000


def test_a_transaction_whose_commit_was_lost_is_repeated_without_a_duplicate(
    database, mariadb_url, monkeypatch
):
    """The connection breaks after the rows are in and before the transaction has ended."""
    from gamerec.database import batches

    insert, broken = batches.insert_columns, []

    def insert_and_break(connection, *args, **kwargs):
        insert(connection, *args, **kwargs)
        if len(broken) < 2:
            broken.append(kwargs)
            if len(broken) == 2:
                connection.exec_driver_sql("COMMIT")  # it has arrived, but nobody hears of it
            kill_all(mariadb_url)

    monkeypatch.setattr(batches, "insert_columns", insert_and_break)
    assert database.load_batch("b", rows(0)) == 200
    assert [call["replace"] for call in broken] == [False, True]
    assert database.sizes()["recommendations"] == 200
    assert database.sizes()["users"] == 200


def test_sync_survives_a_lost_connection(database, mariadb_url):
    items = pd.DataFrame({"game_id": [5, 7], "name": ["five", "seven"]})
    plays = pd.DataFrame({"user_id": range(50), "game_id": 5, "weight": 1.0})
    database.sync(items, plays)
    kill_all(mariadb_url)
    database.sync(items, plays.head(20))
    assert database.sizes()["interactions"] == 20


def test_a_wrong_password_is_an_error_without_it(mariadb):
    url = mariadb.replace("root@", f"nobody:{CANARY}@") + "/x"
    with pytest.raises(ServiceError, match="Access denied for user 'nobody'") as caught:
        Database(url, patience=1).upgrade()
    assert CANARY not in repr(caught.value)
    assert "nobody:***@" in str(caught.value)


def test_a_database_that_does_not_exist_tells_how_to_make_it(mariadb):
    with pytest.raises(ServiceError, match=r"Unknown database 'nope'; make it with CREATE"):
        Database(f"{mariadb}/nope", patience=1).upgrade()


def test_an_upgrade_that_was_cut_short_is_finished(new_mariadb_url):
    """MySQL commits every CREATE by itself: a cut upgrade leaves some tables and no version."""
    with Database(new_mariadb_url) as database:
        database.upgrade()
        engine = create_engine(new_mariadb_url)
        with engine.begin() as connection:
            for name in ("events", "recommendations", "alembic_version"):
                connection.execute(text(f"DROP TABLE {name}"))
        engine.dispose()
        assert database.version() is None
        assert database.upgrade() == database.version() == HEAD
        database.load_batch("b", rows(0))


def test_the_tables_are_in_utf8mb4_whatever_the_database_is_in(mariadb, new_mariadb_url):
    engine = create_engine(new_mariadb_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER DATABASE CHARACTER SET latin1"))
        with Database(new_mariadb_url) as database:
            database.upgrade()
            database.sync(
                pd.DataFrame({"game_id": ["🎮"], "name": ["👾 한글 ñ"]}),
                pd.DataFrame({"user_id": ["🧑‍🚀"], "game_id": ["🎮"], "weight": 1.0}),
            )
            assert database.games()["name"].tolist() == ["👾 한글 ñ"]
            assert database.history("🧑‍🚀")["game_id"].tolist() == ["🎮"]
    engine.dispose()


def test_readers_use_an_index_for_a_users_list(database, mariadb_url):
    for number in range(3):
        database.load_batch(f"b{number}", rows(0, 2_000))
    engine = create_engine(mariadb_url)
    query = (
        "EXPLAIN SELECT r.score FROM recommendations r JOIN batches b ON b.batch_no = r.batch_no "
        "JOIN users u ON u.user_no = r.user_no "
        "WHERE b.live = 1 AND u.user_id = '77' AND u.id_kind = 'int'"
    )
    with engine.connect() as connection:
        plan = connection.execute(text(query)).mappings().all()
    engine.dispose()
    assert all(step["key"] and int(step["rows"]) < 20 for step in plan), plan


def test_every_number_of_a_load_refers_to_something_and_keys_are_checked_again(
    database, mariadb_url
):
    database.load_batch("b", rows(0))
    with pytest.raises(DataError):
        database.load_batch("broken", pd.concat([rows(0), rows(0)]))  # two rows share a rank
    with database._connector.engine.connect() as connection:
        assert connection.execute(text("SELECT @@foreign_key_checks")).scalar() == 1
        for column, table in (("user_no", "users"), ("game_no", "games"), ("batch_no", "batches")):
            lost = f"SELECT COUNT(*) FROM recommendations r LEFT JOIN {table} t USING ({column})"
            assert connection.execute(text(f"{lost} WHERE t.{column} IS NULL")).scalar() == 0


def test_a_connection_killed_in_the_middle_of_a_statement_is_made_again(database, mariadb_url):
    """The server ends the connection while it is inserting, from another thread."""
    stop, killed = threading.Event(), []

    def kill_inserts():
        engine = create_engine(mariadb_url)
        with engine.connect() as admin:
            while not stop.is_set() and len(killed) < 3:
                busy = "SELECT id FROM information_schema.processlist WHERE info LIKE 'INSERT%'"
                for number in admin.execute(text(busy)).scalars().all():
                    with suppress(DBAPIError):  # it has ended by itself
                        admin.execute(text(f"KILL {number}"))
                        killed.append(number)
        engine.dispose()

    killer = threading.Thread(target=kill_inserts)
    killer.start()
    try:
        parts = (rows(start, 20_000) for start in range(0, 100_000, 20_000))
        assert database.load_batch("b", parts) == 100_000
    finally:
        stop.set()
        killer.join()
    assert killed
    assert database.sizes()["recommendations"] == 100_000
    assert database.live_batch()["n_rows"] == 100_000
