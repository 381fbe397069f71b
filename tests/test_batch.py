"""Batch scoring: lists and reasons worked by hand, the files, and a database that is away."""

import csv
import io

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gamerec import batch, columns
from gamerec.errors import DataError, UsageError
from gamerec.interactions import Interactions
from gamerec.models import ItemModel
from gamerec.registry import LoadedVersion
from gamerec.runs import run_of
from gamerec.storage import MemoryStore

# W[i, j]: how much having played i raises j. Not symmetric: a transposed W gives other lists.
WEIGHTS = np.array(
    [
        [0.0, 0.5, 0.3, 0.0],
        [0.1, 0.0, 0.4, 0.0],
        [0.0, 0.2, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
    ],
    np.float32,
)
GAME_IDS = np.array([30, 7, 512, 99])
PLAYS = [("ann", 30), ("bob", 30), ("bob", 7), ("cem", 99)]


class Fixed(ItemModel):
    """A model whose W is given."""

    name = "fixed"

    def _weights(self, *_):
        return sparse.csr_matrix(WEIGHTS)


@pytest.fixture
def data():
    frame = pd.DataFrame(PLAYS, columns=["user_id", "game_id"])
    return Interactions.from_frame(frame, game_ids=GAME_IDS)


@pytest.fixture
def version(data):
    return LoadedVersion("model_v7", Fixed().fit(data.X), GAME_IDS)


def scored(version, players, k=2, **options):
    return pd.concat(batch.score(version, players, "b1", k, **options), ignore_index=True)


def test_lists_scores_and_reasons_are_those_worked_by_hand(version, data):
    rows = scored(version, batch.players_for(data, version))
    told = [
        (user, rank, game, round(score, 6), None if pd.isna(because) else because)
        for user, rank, game, score, because in rows[columns.RECOMMENDATIONS.names[1:]].values
    ]
    assert told == [
        ("ann", 1, 7, 0.5, 30),
        ("ann", 2, 512, 0.3, 30),
        ("bob", 1, 512, 0.7, 7),  # 0.3 by game 30 and 0.4 by game 7
        ("bob", 2, 99, 0.0, None),  # filled by popularity: nothing of bob's points to it
        ("cem", 1, 30, 0.0, None),
        ("cem", 2, 7, 0.0, None),
    ]
    assert rows["batch_id"].unique().tolist() == ["b1"]


def test_the_rows_are_the_table_that_was_agreed(version, data):
    rows = scored(version, batch.players_for(data, version))
    assert columns.check(rows, columns.RECOMMENDATIONS).columns.tolist() == rows.columns.tolist()


@pytest.mark.parametrize("block", [1, 2, 100])
def test_the_size_of_the_blocks_changes_nothing(version, data, block):
    players = batch.players_for(data, version)
    pd.testing.assert_frame_equal(
        scored(version, players, block=block), scored(version, players, block=3)
    )


def test_no_more_games_than_there_are(version, data):
    rows = scored(version, batch.players_for(data, version), k=10)
    assert rows.groupby("user_id").size().to_dict() == {"ann": 3, "bob": 2, "cem": 3}
    with pytest.raises(UsageError, match="k is 0"):
        scored(version, batch.players_for(data, version), k=0)


def test_the_part_of_the_reason_in_the_score_is_told(version, data):
    own = batch.user_list(version, batch.players_for(data, version), "bob", 2)
    assert own["game_id"].tolist() == [512, 99]
    assert own["share"].round(4).tolist()[0] == round(0.4 / 0.7, 4)
    assert pd.isna(own["share"][1])
    with pytest.raises(DataError, match="no user 'dan'"):
        batch.user_list(version, batch.players_for(data, version), "dan")


def test_one_users_list_ends_where_no_game_is_left(version, data):
    own = batch.user_list(version, batch.players_for(data, version), "bob", 10)
    assert own["game_id"].tolist() == [512, 99]


def test_a_model_of_an_older_catalogue_scores_the_games_it_knows(version):
    """Game 99 left the catalogue and game 1000 came: the columns of the data are others."""
    frame = pd.DataFrame(
        [("bob", 7), ("bob", 30), ("bob", 1000), ("eve", 1000)], columns=["user_id", "game_id"]
    )
    players = batch.players_for(Interactions.from_frame(frame, [7, 30, 512, 1000]), version)
    assert (players.unknown_games, players.unknown_plays) == (1, 2)
    rows = scored(version, players, k=3)
    bob = rows[rows["user_id"] == "bob"]
    assert bob[["game_id", "because_game_id"]].values.tolist() == [[512, 7]]
    assert set(rows.loc[rows["user_id"] == "eve", "game_id"]) == {7, 30, 512}


def test_a_model_that_knows_none_of_the_games_is_refused(version):
    frame = pd.DataFrame({"user_id": ["a"], "game_id": ["7"]})
    with pytest.raises(DataError, match="model_v7 knows none of these 1 games"):
        batch.players_for(Interactions.from_frame(frame), version)


def written(store, version, data, k=2, names=None):
    players = batch.players_for(data, version)
    frames = batch.score(version, players, "b1", k)
    return batch.write(store, "b1", frames, players, version.version, k, names)


def test_the_files_hold_the_lists(version, data):
    store = MemoryStore()
    made = written(store, version, data, names={7: "Seven", 512: "Big"})
    rows = store.read_table("batches/b1/recommendations.parquet")
    players = batch.players_for(data, version)
    pd.testing.assert_frame_equal(rows, scored(version, players), check_dtype=False)
    lines = list(csv.DictReader(io.StringIO(store.read("batches/b1/recommendations.csv").decode())))
    assert len(lines) == 6
    assert (lines[0]["user_id"], lines[0]["game_id"], lines[0]["name"]) == ("ann", "7", "Seven")
    assert (float(lines[2]["score"]), lines[2]["because"]) == (pytest.approx(0.7), "Seven")
    assert (lines[0]["because"], lines[3]["because_game_id"]) == ("", "")
    assert made.counts.tolist() == [1, 2, 2, 1]
    assert (made.n_rows, made.n_users, made.with_reason, made.coverage) == (6, 3, 3, 1.0)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_of_the_csv_is_a_formula(version, start):
    attack = f'{start}HYPERLINK("http://x","y")'
    frame = pd.DataFrame({"user_id": [attack, "b"], "game_id": [30, 7]})
    store = MemoryStore()
    data = Interactions.from_frame(frame, game_ids=GAME_IDS)
    written(store, version, data, names=dict.fromkeys(GAME_IDS.tolist(), attack))
    text = store.read("batches/b1/recommendations.csv").decode()
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    assert f"'{attack}" in cells
    assert not [cell for cell in cells if cell.startswith(start)]
    exact = store.read_table("batches/b1/recommendations.parquet")
    assert set(exact["user_id"]) == {attack, "b"}


@pytest.mark.parametrize("ids", [["x", "7", "ü"], [2**53 + 1, -1, 0]])
def test_ids_come_back_as_they_went_in(ids):
    frame = pd.DataFrame({"user_id": ids, "game_id": ids})
    data = Interactions.from_frame(frame)
    model = Fixed()
    model._weights = lambda *_: sparse.csr_matrix(WEIGHTS[:3, :3])
    version = LoadedVersion("model_v1", model.fit(data.X), data.game_ids)
    store = MemoryStore()
    written(store, version, data)
    rows = store.read_table("batches/b1/recommendations.parquet")
    assert set(rows["user_id"]) == set(ids)
    assert set(rows["game_id"]) <= set(ids)
    (frame,) = batch.stored_frames(store, "b1")
    assert {type(value) for value in frame["because_game_id"].dropna()} == {type(ids[0])}


def test_writing_again_gives_the_same_bytes(version, data):
    first, second = MemoryStore(), MemoryStore()
    written(first, version, data)
    for _ in range(2):
        written(second, version, data)
    assert first._objects == second._objects


def test_the_pointer_moves_only_when_it_is_asked_to(version, data):
    store = MemoryStore()
    made = written(store, version, data)
    assert batch.current(store) is None
    batch.make_current(store, made)
    assert batch.current(store) == "b1"


def test_a_batch_without_users_is_written_too(version):
    empty = Interactions.from_frame(pd.DataFrame({"user_id": [], "game_id": []}), GAME_IDS)
    store = MemoryStore()
    made = written(store, version, empty)
    assert (made.n_rows, made.n_users, made.gini) == (0, 0, None)
    assert len(store.read_table("batches/b1/recommendations.parquet")) == 0


def test_a_damaged_file_is_refused(version, data):
    store = MemoryStore()
    written(store, version, data)
    store.write("batches/b1/recommendations.parquet", b"PAR1")
    with pytest.raises(DataError, match="batch b1 is damaged"):
        list(batch.stored_frames(store, "b1"))


def test_old_batches_are_pruned_and_the_current_one_never():
    store = MemoryStore()
    for number in range(5):
        store.write_json(f"batches/2026-{number}/batch.json", {})
    store.write_json("batches/current.json", {"batch_id": "2026-0"})
    assert batch.prune(store, keep=2) == ["2026-1", "2026-2"]
    assert batch.current(store) == "2026-0"
    assert len(store.keys("batches/")) == 4
    with pytest.raises(UsageError, match="keep is 0"):
        batch.prune(store, keep=0)


def test_what_is_in_force_is_not_written_over_with_something_else():
    store = MemoryStore()
    assert batch.new_id(store, "r1", "model_v1", 10) == "r1"
    store.write_json("batches/r1/batch.json", {"model_version": "model_v1", "k": 10})
    store.write_json("batches/current.json", {"batch_id": "r1"})
    assert batch.new_id(store, "r1", "model_v1", 10) == "r1"  # the same again
    assert batch.new_id(store, "r2", "model_v2", 10) == "r2"
    for version, k in [("model_v2", 10), ("model_v1", 20)]:
        other = batch.new_id(store, "r1", version, k)
        assert other != "r1"
        assert run_of(other) == "r1"
    store.write("batches/current.json", b'{"batch_id": "r')  # damaged: it may be r1
    assert batch.new_id(store, "r1", "model_v1", 10) == "r1"
    assert batch.new_id(store, "r1", "model_v2", 10) != "r1"
    assert batch.new_id(store, "r2", "model_v2", 10) == "r2"
