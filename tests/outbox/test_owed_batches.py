"""A batch that the database could not take: kept, delivered once, told of."""

import numpy as np
import pandas as pd
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from gamerec import batch, models, outbox
from gamerec.cli import app
from gamerec.database import open_database
from gamerec.interactions import Interactions
from gamerec.outbox.database import load_batch, owe_name
from gamerec.registry import LoadedVersion
from gamerec.runs import Run
from gamerec.settings import Settings, load_settings
from gamerec.storage import FolderStore

GAME_IDS = np.array([30, 7, 512, 99])
PLAYS = [("ann", 30), ("bob", 30), ("bob", 7), ("cem", 99)]
AWAY = "mysql://user:canary-password@127.0.0.1:1/games"


@pytest.fixture
def settings(monkeypatch):
    monkeypatch.setattr("gamerec.database.PATIENCE", 0.2)
    return load_settings()


@pytest.fixture
def away(settings):
    """The same project with a database that is out of reach."""
    return settings.model_copy(update={"database_url": SecretStr(AWAY)})


def scored(settings: Settings, run_id: str, k: int = 2):
    """The lists of a small run, in the store; what `load_batch` takes."""
    store = FolderStore(settings.gamerec_home / "store")
    plays = pd.DataFrame(PLAYS, columns=["user_id", "game_id"]).assign(weight=1.0)
    items = pd.DataFrame({"game_id": GAME_IDS, "name": ["a", "b", "c", run_id]})
    run = Run(run_id, store)
    run.write_table("items", items)
    run.write_table("interactions", plays)
    data = Interactions.from_frame(plays, game_ids=GAME_IDS)
    model = models.create("item_knn").fit(data.X)
    version = LoadedVersion("model_v7", model, data.game_ids)
    players = batch.players_for(data, version)
    lists = batch.score(version, players, run_id, k)
    made = batch.write(store, run_id, lists, players, version.version, k)
    return store, made, items, plays


def load(settings, run_id, k=2):
    return load_batch(settings, *scored(settings, run_id, k), run_id=run_id)


def live(settings):
    with open_database(settings) as database:
        found = database.live_batch()
        return found and (found["batch_id"], found["n_rows"])


def test_the_database_gets_what_the_files_hold(settings):
    for _ in range(2):  # a second time changes nothing
        assert load(settings, "r1") == ""
    with open_database(settings) as database:
        assert database.live_batch()["model_version"] == "model_v7"
        assert database.sizes() | {"batches": 1, "interactions": 4} == database.sizes()
        rows = database.all_recommendations()
    (frame,) = batch.stored_frames(FolderStore(settings.gamerec_home / "store"), "r1")
    assert rows["game_id"].tolist() == frame["game_id"].tolist()
    assert outbox.is_empty(settings)
    assert outbox.pending(settings) == {}


def test_a_database_that_is_away_is_owed_the_batch_and_gets_it_once(settings, away):
    reason = load(away, "r1")
    assert "database mysql+pymysql://user:***@127.0.0.1:1/games" in reason
    assert not outbox.is_empty(settings)
    assert outbox.pending(settings) == {"database": "batch r1"}
    still = outbox.deliver(away)
    assert "batch r1 (database mysql" in still["database"]
    assert "canary-password" not in reason + str(still)
    said = []
    assert outbox.deliver(settings, said.append) == {}
    assert said == ["database: batch r1, 6 rows"]
    assert live(settings) == ("r1", 6)
    with open_database(settings) as database:
        assert database.games()["name"].tolist()[3] == "r1"  # games came along
        assert database.history("bob")["game_id"].tolist() == [30, 7]
    assert outbox.deliver(settings, said.append) == {}
    assert len(said) == 1


def test_owed_batches_arrive_in_their_order_and_the_newest_is_live(settings, away):
    load(away, "r1")
    load(away, "r2", k=1)
    assert outbox.pending(away) == {"database": "batch r1, r2"}
    outbox.deliver(settings)
    assert live(settings) == ("r2", 3)
    with open_database(settings) as database:
        assert database.batches()["batch_id"].tolist() == ["r2", "r1"]


def test_a_batch_that_was_scored_again_arrives_as_it_is_now(settings, away):
    load(settings, "r1", k=2)
    load(away, "r1", k=1)
    outbox.deliver(settings)
    assert live(settings) == ("r1", 3)


def test_an_older_batch_does_not_take_the_place_of_a_newer_one(settings, away):
    load(away, "r1")
    owed = settings.gamerec_home / "store" / "outbox" / "database" / "r1.json"
    kept = owed.read_text()
    load(settings, "r2", k=1)
    assert outbox.pending(settings) == {}  # out of date with the arrival of a newer one
    owed.write_text(kept)  # as another machine's outbox would still hold it
    said = []
    outbox.deliver(settings, said.append)
    assert said == ["database: batch r1 is out of date: r2 is live"]
    assert live(settings) == ("r2", 3)


def test_a_batch_whose_files_are_gone_or_damaged_does_not_block_the_others(settings, away):
    for run_id in ("r1", "r2", "r3"):
        load(away, run_id)
    store = FolderStore(settings.gamerec_home / "store")
    store.delete_tree("batches/r1")
    store.write("batches/r2/recommendations.parquet", b"PAR1")
    said = []
    assert outbox.deliver(settings, said.append) == {}
    assert said[0] == "database: batch r1 is no longer in the store"
    assert said[1].startswith("database: batch r2 cannot be loaded: batch r2 is damaged")
    assert live(settings) == ("r3", 6)


def test_a_model_that_got_its_number_is_told_by_its_batches(settings):
    load(settings, "r1")
    owe_name(settings, "model_v7", "model_v9")
    assert outbox.pending(settings) == {"database": "the name model_v9"}
    outbox.deliver(settings)
    with open_database(settings) as database:
        assert database.live_batch()["model_version"] == "model_v9"


def test_a_delivery_that_is_killed_before_its_end_is_repeated_without_a_duplicate(
    settings, away, monkeypatch
):
    load(away, "r1")
    monkeypatch.setattr("gamerec.storage.FolderStore.delete", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        outbox.deliver(settings)
    monkeypatch.undo()
    assert outbox.deliver(settings) == {}
    with open_database(settings) as database:
        assert database.sizes()["recommendations"] == 6
        assert database.batches()["batch_id"].tolist() == ["r1"]


def test_the_command_delivers_and_says_what_is_pending_still(settings, away, monkeypatch):
    run = CliRunner().invoke
    assert run(app, ["deliver"]).output == "nothing is pending\n"
    load(away, "r1")
    monkeypatch.setenv("DATABASE_URL", AWAY)
    failed = run(app, ["deliver"])
    assert failed.exit_code == 7
    assert "pending still: database: batch r1" in failed.output
    assert "canary-password" not in failed.output
    monkeypatch.delenv("DATABASE_URL")
    done = run(app, ["deliver"])
    assert (done.exit_code, done.output) == (0, "database: batch r1, 6 rows\n")


def test_upgrade_makes_the_tables_and_says_so(home, monkeypatch):
    run = CliRunner().invoke
    first, second = run(app, ["db", "upgrade"]), run(app, ["db", "upgrade"])
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "no tables -> 000" in first.output
    assert "no tables" not in second.output
    monkeypatch.setattr("gamerec.database.PATIENCE", 0.2)
    monkeypatch.setenv("DATABASE_URL", AWAY)
    away = run(app, ["db", "upgrade"])
    assert away.exit_code == 7
    assert "canary-password" not in away.output
