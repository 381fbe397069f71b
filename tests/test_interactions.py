"""Interactions: ids to rows and columns and back, sums of repeated rows, and the three splits."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamerec import Interactions
from gamerec.errors import DataError, UsageError


def log(**columns):
    return pd.DataFrame(columns)


def held_out(data, method, share=0.2, seed=42):
    """(user, game) pairs of the test part."""
    _, test = data.split(share, seed, method)
    return set(test.to_frame()[["user_id", "game_id"]].itertuples(index=False, name=None))


# --- from_frame -----------------------------------------------------------------------------------


def test_rows_and_columns_stand_in_the_order_of_the_sorted_ids():
    data = Interactions.from_frame(log(user_id=[30, 10, 30], game_id=[7, 9, 8], weight=[1, 2, 3]))
    assert data.user_ids.tolist() == [10, 30]
    assert data.game_ids.tolist() == [7, 8, 9]
    assert data.X.toarray().tolist() == [[0, 0, 2], [1, 3, 0]]  # asymmetric on purpose
    assert data.X.dtype == np.float32


def test_without_weights_every_row_counts_one_and_repeats_add_up():
    data = Interactions.from_frame(log(user_id=[1, 2, 1, 1], game_id=[5, 5, 5, 6]))
    assert data.X.toarray().tolist() == [[2, 1], [1, 0]]


def test_repeated_rows_are_summed_and_keep_the_latest_time():
    frame = log(
        user_id=["b", "a", "b"],
        game_id=[1, 1, 1],
        weight=[0.5, 2.0, 0.25],
        at=pd.to_datetime(["2020-03-01", "2020-01-01", "2020-02-01"]),
    )
    found = Interactions.from_frame(frame).to_frame()
    assert found["user_id"].tolist() == ["a", "b"]
    assert found["weight"].tolist() == [2.0, 0.75]
    assert found["at"].tolist() == [pd.Timestamp("2020-01-01"), pd.Timestamp("2020-03-01")]


def test_many_small_weights_are_added_without_losing_digits():
    n = 100_000  # added one by one as float32, 0.1 would end at 9999 or 10001
    data = Interactions.from_frame(
        log(user_id=np.zeros(n, int), game_id=np.zeros(n, int), weight=np.full(n, 0.1))
    )
    assert data.X[0, 0] == pytest.approx(10_000, rel=1e-7)


def test_given_ids_set_the_order_and_may_hold_users_and_games_nobody_played():
    frame = log(user_id=["u2"], game_id=["g1"])
    data = Interactions.from_frame(frame, game_ids=["g9", "g1", "g5"], user_ids=["u3", "u2"])
    assert data.X.toarray().tolist() == [[0, 0, 0], [0, 1, 0]]
    assert data.game_ids.tolist() == ["g9", "g1", "g5"]


def test_the_index_of_the_frame_does_not_matter():
    frame = log(user_id=[1, 2, 1], game_id=[1, 1, 2]).set_index(pd.Index([7, 7, 7]))
    assert Interactions.from_frame(frame).X.toarray().tolist() == [[1, 1], [1, 0]]


def test_at_stands_in_the_order_of_the_data_of_x():
    frame = log(
        user_id=[2, 1, 1],
        game_id=[1, 3, 2],
        at=pd.to_datetime(["2020-01-03", "2020-01-02"] * 2)[:3],
    )
    data = Interactions.from_frame(frame)
    assert data.X.indices.tolist() == [1, 2, 0]  # user 1: games 2, 3; user 2: game 1
    assert data.at.astype("datetime64[D]").astype(str).tolist() == [
        "2020-01-03",
        "2020-01-02",
        "2020-01-03",
    ]


ODD_IDS = {
    "leading zeros": ["007", "7", "07"],
    "beyond int64": [2**70, 3, 2**64],
    "unsigned": np.array([2**63 + 1, 3, 4], "uint64"),
    "negative": [-5, 0, 5],
    "mixed": [1, "a", 2],
    "uuid": ["5d680c38-ed8c-43f3-a909-26fa05172e0c", "0" * 32, "x"],
    "small ints": np.array([3, 1, 2], "int16"),
    "nullable ints": pd.array([3, 1, 2], dtype="Int64"),
    "categories": pd.Categorical(["b", "a", "c"]),
    "other scripts": ["게임", "ß", "😀"],
    "spaces and signs": [" ", "a,b", '"'],
    "floats": [1.5, -0.25, 3.0],
}


@pytest.mark.parametrize("ids", ODD_IDS.values(), ids=ODD_IDS.keys())
def test_ids_come_back_as_they_went_in(ids):
    frame = log(user_id=ids, game_id=ids, weight=[1, 2, 3])
    back = Interactions.from_frame(frame).to_frame()
    expected = {(str(i), str(i), w) for i, w in zip(list(ids), (1, 2, 3), strict=True)}
    assert {(str(u), str(g), w) for u, g, w in back.itertuples(index=False, name=None)} == expected
    assert len(back) == 3


def test_an_empty_log_has_no_users_and_splits_into_nothing():
    data = Interactions.from_frame(log(user_id=[], game_id=[]), game_ids=[4, 2])
    assert data.X.shape == (0, 2)
    train, test = data.split()
    assert train.X.shape == test.X.shape == (0, 2)
    assert test.to_frame().empty


def test_times_with_a_zone_become_utc():
    at = ["2020-01-01T09:00:00+09:00", "2020-01-01"]
    data = Interactions.from_frame(log(user_id=[1, 2], game_id=[1, 1], at=at))
    assert (data.at == np.datetime64("2020-01-01T00:00:00")).all()


def test_a_column_of_empty_times_is_no_time():
    frame = log(user_id=[1, 2], game_id=[1, 1], at=pd.to_datetime([None, None]))
    assert Interactions.from_frame(frame).at is None


FAULTS = {
    "no column": (log(user_id=[1]), "game_id"),
    "column twice": (pd.DataFrame([[1, 2, 3]], columns=["user_id", "user_id", "game_id"]), "more"),
    "empty user": (log(user_id=["a", None], game_id=[1, 1]), "empty id in row 1"),
    "NaN game": (log(user_id=[1, 1], game_id=[np.nan, 1.0]), "empty id in row 0"),
    "weight 0": (log(user_id=[1, 1], game_id=[1, 2], weight=[1, 0]), "the first is row 1"),
    "negative": (log(user_id=[1], game_id=[1], weight=[-0.5]), "-0.5"),
    "NaN weight": (log(user_id=[1], game_id=[1], weight=[np.nan]), "row 0"),
    "infinite": (log(user_id=[1], game_id=[1], weight=[np.inf]), "row 0"),
    "text weight": (log(user_id=[1], game_id=[1], weight=["many"]), "'many'"),
    "too large for float32": (log(user_id=[1], game_id=[1], weight=[1e39]), "too large"),
    "too small for float32": (log(user_id=[1], game_id=[1], weight=[1e-50]), "too small"),
    "some times": (log(user_id=[1, 2], game_id=[1, 1], at=pd.to_datetime(["2020", None])), "1 row"),
    "no time": (log(user_id=[1], game_id=[1], at=["yesterday evening"]), "no time"),
    "numbers for times": (log(user_id=[1], game_id=[1], at=[1_600_000_000]), "unit='s'"),
}


@pytest.mark.parametrize(("frame", "message"), FAULTS.values(), ids=FAULTS.keys())
def test_a_frame_that_cannot_be_used_is_refused_with_the_reason(frame, message):
    with pytest.raises(DataError, match=message):
        Interactions.from_frame(frame)


def test_an_id_that_is_not_known_is_refused_and_named():
    with pytest.raises(DataError, match=r"'game_id' has the id 8"):
        Interactions.from_frame(log(user_id=[1, 1], game_id=[7, 8]), game_ids=[7, 9])


def test_a_text_id_is_not_taken_for_the_number_it_looks_like():
    with pytest.raises(DataError, match="'7'"):
        Interactions.from_frame(log(user_id=[1], game_id=["7"]), game_ids=[7])


def test_given_ids_must_be_unique():
    with pytest.raises(DataError, match="not unique"):
        Interactions.from_frame(log(user_id=[1], game_id=[7]), game_ids=[7, 7])


# --- splits, worked by hand -----------------------------------------------------------------------


@pytest.fixture
def timed():
    """User 1 plays games 10..14 in the order 12, 10, 14, 11, 13; user 2 plays 13, then 10; user 3
    plays one game."""
    return Interactions.from_frame(
        log(
            user_id=[1, 1, 1, 1, 1, 2, 2, 3],
            game_id=[12, 10, 14, 11, 13, 13, 10, 11],
            at=pd.to_datetime([f"2020-01-0{day}" for day in (1, 2, 3, 4, 5, 1, 2, 1)]),
        )
    )


def test_split_by_time_holds_out_the_latest_games(timed):
    # 5 games * 0.4 = 2 latest of user 1; 2 * 0.4 = 0.8, rounded 1 of user 2; user 3 has but one
    assert held_out(timed, "time", 0.4) == {(1, 11), (1, 13), (2, 10)}


def test_leave_last_out_holds_out_one_game_whatever_the_share(timed):
    assert held_out(timed, "leave_last_out", 0.9) == {(1, 13), (2, 10)}


def test_of_equal_times_just_as_many_are_held_out():
    frame = log(user_id=[1] * 4, game_id=[1, 2, 3, 4], at=pd.to_datetime(["2020-01-01"] * 4))
    assert len(held_out(Interactions.from_frame(frame), "leave_last_out")) == 1


@pytest.mark.parametrize(
    ("games", "share", "test_games"),
    [(1, 0.9, 0), (2, 0.01, 1), (2, 0.99, 1), (5, 0.2, 1), (8, 0.2, 2), (10, 0.25, 2), (4, 0.9, 3)],
)
def test_random_split_holds_out_the_rounded_share_and_keeps_a_game(games, share, test_games):
    data = Interactions.from_frame(log(user_id=[1] * games, game_id=range(games)))
    train, test = data.split(share)
    assert (train.X.nnz, test.X.nnz) == (games - test_games, test_games)


def test_random_split_holds_out_every_game_equally_often():
    n = 3_000  # users with the same four games: each game is held out 750 times, sd 24
    frame = log(user_id=np.repeat(range(n), 4), game_id=np.tile([1, 2, 3, 4], n))
    _, test = Interactions.from_frame(frame).split(0.25, seed=7)
    assert np.abs(test.X.getnnz(axis=0) - 750).max() < 5 * 24


def test_weights_and_times_go_with_their_pairs(timed):
    train, test = timed.split(0.4, method="time")
    assert test.to_frame()["at"].dt.day.tolist() == [4, 5, 2]
    whole = pd.concat([train.to_frame(), test.to_frame()]).sort_values(["user_id", "game_id"])
    pd.testing.assert_frame_equal(whole.reset_index(drop=True), timed.to_frame())


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, float("nan")])
def test_a_share_outside_0_to_1_is_refused(timed, share):
    with pytest.raises(UsageError, match="between 0 and 1"):
        timed.split(share)


def test_an_unknown_method_is_refused(timed):
    with pytest.raises(UsageError, match="leave_last_out"):
        timed.split(method="last")


@pytest.mark.parametrize("method", ["time", "leave_last_out"])
def test_a_split_by_time_needs_times(method):
    with pytest.raises(UsageError, match="'at'"):
        Interactions.from_frame(log(user_id=[1, 1], game_id=[1, 2])).split(method=method)


# --- properties -----------------------------------------------------------------------------------

plays = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(0, 5), st.integers(1, 50), st.integers(0, 99)),
    min_size=1,
    max_size=40,
)


def to_data(rows):
    user, game, weight, day = zip(*rows, strict=True)
    at = np.datetime64("2020-01-01") + np.array(day).astype("timedelta64[D]")
    return Interactions.from_frame(log(user_id=user, game_id=game, weight=weight, at=at))


@given(plays)
@settings(max_examples=60, deadline=None)
def test_the_matrix_holds_the_sum_of_each_pair_and_nothing_else(rows):
    expected = {}
    for user, game, weight, _ in rows:
        expected[user, game] = expected.get((user, game), 0) + weight
    data = to_data(rows)
    found = {(u, g): w for u, g, w, _ in data.to_frame().itertuples(index=False, name=None)}
    assert found == expected
    assert data.X.has_canonical_format


@given(plays)
@settings(max_examples=30, deadline=None)
def test_to_frame_and_from_frame_are_inverse(rows):
    data = to_data(rows)
    again = Interactions.from_frame(data.to_frame())
    assert (again.X != data.X).nnz == 0
    assert (again.at == data.at).all()


@given(plays, st.sampled_from(["random", "time", "leave_last_out"]), st.floats(0.05, 0.95))
@settings(max_examples=80, deadline=None)
def test_a_split_is_a_partition_that_leaves_every_user_a_game(rows, method, share):
    data = to_data(rows)
    train, test = data.split(share, seed=3, method=method)
    assert abs(train.X + test.X - data.X).max() == 0
    assert train.X.multiply(test.X).nnz == 0
    assert train.X.shape == test.X.shape == data.X.shape
    played = data.X.getnnz(axis=1)
    assert (train.X.getnnz(axis=1) >= 1).all()
    assert ((test.X.getnnz(axis=1) >= 1) == (played >= 2)).all()


@given(plays, st.sampled_from(["time", "leave_last_out"]))
@settings(max_examples=40, deadline=None)
def test_nothing_in_test_is_earlier_than_the_same_users_training(rows, method):
    train, test = to_data(rows).split(0.3, method=method)
    latest = train.to_frame().groupby("user_id")["at"].max()
    first = test.to_frame().groupby("user_id")["at"].min()
    assert (first >= latest.reindex(first.index)).all()


@given(plays, st.randoms())
@settings(max_examples=40, deadline=None)
def test_the_order_of_the_rows_changes_neither_matrix_nor_split(rows, random):
    shuffled = random.sample(rows, len(rows))
    one, other = to_data(rows), to_data(shuffled)
    assert (one.X != other.X).nnz == 0
    assert held_out(one, "random") == held_out(other, "random")


def test_the_same_seed_holds_out_the_same_games_and_another_seed_others():
    frame = log(user_id=np.repeat(range(50), 6), game_id=np.tile(range(6), 50))
    data = Interactions.from_frame(frame)
    assert held_out(data, "random", seed=1) == held_out(data, "random", seed=1)
    assert held_out(data, "random", seed=1) != held_out(data, "random", seed=2)
