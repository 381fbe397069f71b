"""What the database does alike on SQLite and on a real MariaDB server."""

import threading
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, inspect, text

from gamerec.columns import RECOMMENDATIONS
from gamerec.database import Database
from gamerec.database import batches as batches_module
from gamerec.database.tables import metadata
from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.migrations import HEAD

GAME_IDS = [30, 7, 512]


def items():
    return pd.DataFrame(
        {
            "game_id": GAME_IDS,
            "slug": ["thirty", "seven", "big"],
            "name": ["Thirty 한글", "Seven 🎮👨‍👩‍👧", "O'Brien; DROP TABLE games; --"],
            "released": pd.to_datetime(["2020-02-03", None, "1999-12-31"]),
            "genres": [["Action", "RPG"], ["Unknown"], ["액션"]],
            "tags": [[], ["co-op"], ["free"]],
            "playtime": [1.5, 0.1, 3.0],
            "rating": [4.1, 3.0, np.nan],
        }
    )


def interactions(users=("ann", "bob"), weight=1.0):
    rows = [(user, game, weight) for user in users for game in GAME_IDS[:2]]
    return pd.DataFrame(rows, columns=["user_id", "game_id", "weight"])


def batch(users=("ann", "bob", "cem"), score=1.0, k=2):
    """For each user k games; the second has no reason."""
    rows = [
        (user, rank, GAME_IDS[rank], score / rank, GAME_IDS[0] if rank == 1 else None)
        for user in users
        for rank in range(1, k + 1)
    ]
    names = ["user_id", "rank", "game_id", "score", "because_game_id"]
    return pd.DataFrame(rows, columns=names).astype({"because_game_id": "Int64"})


def test_a_users_list_comes_back_in_order_with_scores_and_reasons(database):
    database.load_batch("b1", batch(score=0.3))
    rows = database.recommendations("bob")
    assert rows.columns.tolist() == RECOMMENDATIONS.names
    assert rows["game_id"].tolist() == [7, 512]
    assert rows["rank"].tolist() == [1, 2]
    assert rows["score"].tolist() == [np.float32(0.3), np.float32(0.15)]
    assert rows["because_game_id"].tolist()[0] == 30
    assert pd.isna(rows["because_game_id"][1])
    assert database.recommendations("bob", k=1)["game_id"].tolist() == [7]
    assert database.recommendations("nobody").empty


def test_before_the_first_batch_there_is_nothing(database):
    assert database.live_batch() is None
    assert database.recommendations("ann").empty
    assert database.batches().empty


def test_ids_come_back_as_they_went_in(database):
    ids = ["7", "a", "A", "a ", " a", "\u00e9", "e\u0301", "user@x.org", "🎮", "'; --", "x" * 255]
    database.load_batch("b", batch(users=ids))
    assert database.all_recommendations()["user_id"].unique().tolist() == ids
    numbers = [7, -1, 0, 2**63 - 1, 76561198000000000]
    database.load_batch("b", batch(users=numbers))
    assert database.all_recommendations()["user_id"].unique().tolist() == numbers
    assert len(database.recommendations(7)) == 2
    assert database.recommendations("7").empty


@pytest.mark.parametrize("user", ["", "x" * 256, None, 1.5])
def test_an_unusable_id_is_a_data_error_and_the_old_batch_stays(database, user):
    database.load_batch("old", batch())
    with pytest.raises(DataError, match="id"):
        database.load_batch("new", pd.concat([batch(), batch(users=[user])]))
    assert database.live_batch()["batch_id"] == "old"
    assert len(database.all_recommendations()) == 6


def test_a_new_batch_takes_the_place_of_the_old_one(database):
    database.load_batch("b1", batch(score=1), model_version="model_v1")
    assert database.load_batch("b2", batch(users=["zoe"], score=2), model_version="model_v2") == 2
    live = database.live_batch()
    assert (live["batch_id"], live["model_version"], live["n_rows"]) == ("b2", "model_v2", 2)
    assert database.all_recommendations()["user_id"].unique().tolist() == ["zoe"]
    assert database.batches()[["batch_id", "live"]].values.tolist() == [["b2", True], ["b1", False]]


def test_a_load_repeated_leaves_no_duplicate(database):
    for score in (1, 2, 3):
        database.load_batch("same", batch(score=score))
    assert database.batches()["batch_id"].tolist() == ["same"]
    assert database.sizes()["recommendations"] == 6
    assert database.recommendations("ann")["score"][0] == 3


def test_old_batches_are_pruned(database):
    for number in range(5):
        database.load_batch(f"b{number}", batch(), keep=2)
    assert database.batches()["batch_id"].tolist() == ["b4", "b3"]
    assert database.sizes()["recommendations"] == 12


def test_pruning_goes_in_steps(database, monkeypatch):
    monkeypatch.setattr(batches_module, "_DELETE", 3)
    for number in range(3):
        database.load_batch(f"b{number}", batch(users=range(20)), keep=1)
    assert database.sizes()["recommendations"] == 40


def test_frames_are_loaded_one_after_the_other(database, monkeypatch):
    monkeypatch.setattr(batches_module, "_CHUNK", 4)
    parts = (batch(users=[f"u{n}", f"v{n}", f"w{n}"]) for n in range(4))
    assert database.load_batch("b", parts) == 24
    assert len(database.all_recommendations()) == 24


def test_a_load_that_fails_half_way_changes_nothing(database):
    database.load_batch("old", batch())

    def parts():
        yield batch(users=["x"])
        raise RuntimeError("the reader broke")

    with pytest.raises(RuntimeError):
        database.load_batch("new", parts())
    assert database.live_batch()["batch_id"] == "old"
    database.load_batch("next", batch())  # sweeps what the broken load has left
    assert database.sizes()["recommendations"] == 12


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"rank": 1}, "rank|UNIQUE|Duplicate"),
        ({"score": np.nan}, "not finite"),
    ],
)
def test_unusable_rows_are_refused_and_the_old_batch_stays(database, change, fault):
    database.load_batch("old", batch())
    with pytest.raises(DataError, match=fault):
        database.load_batch("new", batch().assign(**change))
    assert database.live_batch()["batch_id"] == "old"


def test_a_missing_column_is_named(database):
    with pytest.raises(DataError, match="no column 'score'"):
        database.load_batch("b", batch().drop(columns="score"))


def test_an_empty_batch_is_a_batch(database):
    database.load_batch("old", batch())
    assert database.load_batch("none", batch().head(0)) == 0
    assert database.live_batch()["n_rows"] == 0


def test_keep_is_at_least_the_live_batch(database):
    with pytest.raises(UsageError, match="keep is 0"):
        database.load_batch("b", batch(), keep=0)


def test_a_reader_never_sees_a_mixture_or_a_part(database_url):
    """One reader hammers while 50 batches are loaded, each 30 rows that hold its number."""
    with Database(database_url) as database:
        users = [f"u{n}" for n in range(15)]
        database.load_batch("b0", batch(users, score=0.0), keep=2)
        stop, faults, seen = threading.Event(), [], set()

        def hammer():
            with Database(database_url) as reader:
                while not stop.is_set():
                    rows = reader.all_recommendations()
                    kinds = set(rows["batch_id"])
                    numbers = set((rows["score"] * rows["rank"]).round(3))
                    if len(rows) != 30 or len(kinds) != 1 or len(numbers) != 1:
                        faults.append((len(rows), kinds, numbers))
                    seen.update(kinds)
                    if len(reader.recommendations("u7")) != 2:
                        faults.append("a list is not whole")

        threads = [threading.Thread(target=hammer) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for number in range(1, 51):
                database.load_batch(f"b{number}", batch(users, score=float(number)), keep=2)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert faults == []
    assert len(seen) > 3


def test_two_loads_at_once_leave_one_live_batch(database_url):
    with Database(database_url) as database:
        parts = [[f"u{n}" for n in range(40)], [f"u{n}" for n in range(20, 60)]]
        errors = []

        def load(number):
            try:
                with Database(database_url) as own:
                    for turn in range(4):
                        own.load_batch(f"b{number}-{turn}", batch(parts[number]), keep=2)
            except Exception as error:
                errors.append(error)

        threads = [threading.Thread(target=load, args=(n,)) for n in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert database.batches()["live"].sum() == 1
        assert len(database.all_recommendations()) == 80
        assert database.sizes()["users"] == 60


def test_games_come_back_with_names_and_lists(database):
    database.sync(items(), interactions())
    games = database.games().set_index("game_id")
    assert games["name"].to_dict() == dict(zip(GAME_IDS, items()["name"], strict=True))
    assert games["genres"].to_dict() == dict(zip(GAME_IDS, items()["genres"], strict=True))
    assert str(games.loc[30, "released"]) == "2020-02-03"
    assert pd.isna(games.loc[512, "rating"])


def test_sync_holds_exactly_the_newest_interactions(database):
    database.sync(items(), interactions(("ann", "bob")))
    database.sync(items(), interactions(("bob", "cem"), weight=2.5))
    assert database.history("ann").empty
    assert database.history("bob")["weight"].tolist() == [2.5, 2.5]
    assert database.history("cem")["game_id"].tolist() == [30, 7]


def test_sync_updates_a_game_and_keeps_those_that_old_batches_name(database):
    database.sync(items(), interactions())
    database.load_batch("b", batch())
    newer = items().head(2).assign(name=["Thirty II", "Seven"])
    database.sync(newer, interactions())
    assert database.games()["name"].tolist() == ["Thirty II", "Seven", items()["name"][2]]
    assert database.recommendations("ann")["game_id"].tolist() == [7, 512]


def test_sync_of_the_same_again_writes_nothing(database, database_url):
    frame = interactions().assign(at=pd.Timestamp("2021-03-04 05:06:07.123456"))
    database.sync(items(), frame)
    before = database.history("ann")
    with Database(database_url) as watched:
        statements = []
        engine = watched._connector.engine
        event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        watched.sync(items(), frame)
    assert not [s for s in statements if s.startswith(("INSERT", "UPDATE", "DELETE", "REPLACE"))]
    assert database.history("ann").equals(before)
    assert before["at"][0] == datetime(2021, 3, 4, 5, 6, 7, 123456)


def test_sync_notices_each_kind_of_difference(database):
    frame = interactions().assign(at=pd.to_datetime("2021-03-04"))
    changes = [
        frame.assign(weight=[1, 2, 1, 1]),
        frame.assign(at=pd.to_datetime("2021-03-05")),
        frame.assign(game_id=[30, 512, 30, 7]),
        frame.head(3),
        frame,
        frame.drop(columns="at"),
    ]
    for changed in changes:
        database.sync(items(), changed)
        kept = [database.history(u).assign(user_id=u) for u in ("ann", "bob")]
        rows = pd.concat(kept)[["user_id", "game_id", "weight"]].values.tolist()
        assert sorted(rows) == sorted(changed[["user_id", "game_id", "weight"]].values.tolist())


def test_events_are_kept_with_who_and_what(database, database_url):
    database.load_batch("b", batch())
    database.record_event("shown", user_id="ann", detail={"k": 3, "from": "앱"})
    database.record_event("clicked", user_id="new one", game_id=7)
    engine = create_engine(database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT kind, u.user_id, g.game_id, detail FROM events e "
                "LEFT JOIN users u ON u.user_no = e.user_no "
                "LEFT JOIN games g ON g.game_no = e.game_no ORDER BY event_no"
            )
        ).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [
        ("shown", "ann", None, '{"k": 3, "from": "앱"}'),
        ("clicked", "new one", "7", None),
    ]


def test_upgrade_is_quiet_the_second_time_and_safe_at_once(new_database_url):
    faults = []

    def upgrade():
        try:
            with Database(new_database_url) as database:
                database.upgrade()
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with Database(new_database_url) as database:
        assert database.version() == database.upgrade() == HEAD


def test_tables_made_by_the_migrations_are_those_in_the_code(database, database_url):
    engine = create_engine(database_url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        assert differences == []
        assert inspect(connection).get_foreign_keys("recommendations")
    engine.dispose()


def test_a_database_newer_than_the_program_is_refused(new_database_url):
    database = Database(new_database_url)
    database.upgrade()
    engine = create_engine(new_database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with database, pytest.raises(ServiceError, match="newer than this gamerec"):
        database.upgrade()
