"""A frame is checked against its table, and every fault is named at once."""

import pandas as pd
import pytest

from gamerec.columns import INTERACTIONS, Column, Table, check
from gamerec.errors import DataError

PLAYS = pd.DataFrame({"user_id": [1, 1], "game_id": ["a", "b"], "weight": [1.0, 2.5]})


def test_order_is_the_tables_and_extra_columns_go():
    shuffled = PLAYS.assign(extra=0)[["extra", "weight", "game_id", "user_id"]]
    assert list(check(shuffled, INTERACTIONS)) == ["user_id", "game_id", "weight"]


@pytest.mark.parametrize(
    ("frame", "fault"),
    [
        (PLAYS.drop(columns="game_id"), "no column 'game_id'"),
        (PLAYS.assign(weight=[1.0, None]), "'weight' has 1 empty cells"),
        (PLAYS.assign(weight=["x", "y"]), "'weight' is .*, not float"),
        (PLAYS.assign(game_id="a"), "share a key"),
    ],
)
def test_fault_is_named(frame, fault):
    with pytest.raises(DataError, match=fault):
        check(frame, INTERACTIONS)


def test_all_faults_stand_in_one_message():
    frame = pd.DataFrame({"user_id": [1.5]})
    with pytest.raises(DataError, match=r"no column 'game_id'.*no column 'weight'.*'user_id' is"):
        check(frame, INTERACTIONS)


def test_nullable_column_may_be_absent_or_empty():
    table = Table("t", (Column("a", "int"), Column("b", "text", nullable=True)))
    assert list(check(pd.DataFrame({"a": [1]}), table)) == ["a"]
    assert list(check(pd.DataFrame({"a": [1], "b": [None]}), table)) == ["a", "b"]
