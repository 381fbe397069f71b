"""The split of a run."""

import numpy as np
import pandas as pd
import pytest

from gamerec import holdout
from gamerec.errors import DataError
from gamerec.interactions import Interactions


def log(n_users: int = 40, seed: int = 0) -> Interactions:
    rng = np.random.default_rng(seed)
    rows = [(f"u{u}", g) for u in range(n_users) for g in rng.permutation(30)[: 1 + u % 12]]
    frame = pd.DataFrame(rows, columns=["user_id", "game_id"])
    hours = rng.integers(0, 1_000, len(frame))
    frame["at"] = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(hours, "h")
    return Interactions.from_frame(frame)


@pytest.mark.parametrize("method", ["random", "time", "leave_last_out"])
def test_parts_are_those_of_the_two_splits(method):
    data = log()
    rest, test = data.split(0.2, 7, method)
    train, validation = rest.split(0.25, 8, method)
    found = holdout.parts(data, holdout.assign(data, 0.2, 0.25, method, 7))
    pairs = [(found.train, train), (found.validation, validation), (found.test, test)]
    for ours, theirs in [*pairs, (found.known, rest)]:
        assert (ours.X != theirs.X).nnz == 0
        np.testing.assert_array_equal(ours.at, theirs.at)
    assert found.train.X.nnz + found.validation.X.nnz + found.test.X.nnz == data.X.nnz


def test_every_user_keeps_a_game_to_train_on():
    data = log()
    found = holdout.parts(data, holdout.assign(data, 0.5, 0.5))
    assert (np.diff(found.train.X.indptr) >= 1).all()


def test_the_order_is_that_of_the_frame():
    data = log()
    part = holdout.assign(data, seed=3)
    frame = data.to_frame()[part == holdout.TEST]
    test = holdout.parts(data, part).test
    pd.testing.assert_frame_equal(frame.reset_index(drop=True), test.to_frame())


def test_a_split_of_another_log_is_refused():
    data = log()
    with pytest.raises(DataError, match=r"run 05_train\.ipynb again"):
        holdout.parts(log(seed=9, n_users=41), holdout.assign(data))


def test_the_fingerprint_tells_every_change_of_the_data():
    data = log()
    known = holdout.fingerprint(data)
    assert known == holdout.fingerprint(log())
    weighted = data.X.copy()
    weighted.data[3] += 1
    others = [
        Interactions(weighted, data.user_ids, data.game_ids),
        Interactions(data.X, data.user_ids[::-1], data.game_ids),
        Interactions(data.X, data.user_ids, data.game_ids + 1),
        data.where(np.arange(data.X.nnz) > 0),
    ]
    assert known not in {holdout.fingerprint(other) for other in others}
