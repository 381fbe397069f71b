"""Games and interactions of a run into the tables, by what differs, in one transaction each."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, Table, bindparam, delete, select, update

from gamerec.columns import AT, GAME, USER, WEIGHT
from gamerec.database.ids import Numbers
from gamerec.database.rows import insert_columns
from gamerec.database.tables import games, interactions, users

_LISTS = ("genres", "tags")
_ABOUT = [c.name for c in games.c][3:]  # without number and id
_ROWS = 1_000  # users per DELETE
_NO_TIME = np.iinfo(np.int64).min  # NaT in numpy


def sync_games(connection: Connection, items: pd.DataFrame) -> None:
    """Add games and update those whose row differs; none is removed, old batches may name it."""
    numbers = Numbers(games)
    numbers.ensure(connection, items[GAME])
    wanted = dict(zip(numbers.of(items[GAME]).tolist(), _game_rows(items), strict=True))
    columns = [games.c.game_no, *(games.c[name] for name in _ABOUT)]
    present = {row[0]: tuple(row[1:]) for row in connection.execute(select(*columns))}
    changed = [number for number, row in wanted.items() if present.get(number) != row]
    if changed:
        statement = update(games).where(games.c.game_no == bindparam("number"))
        statement = statement.values({name: bindparam(f"new_{name}") for name in _ABOUT})
        names = [f"new_{name}" for name in _ABOUT]
        rows = [dict(zip(names, wanted[n], strict=True)) | {"number": n} for n in changed]
        connection.execute(statement, rows)


def sync_interactions(connection: Connection, frame: pd.DataFrame) -> None:
    """Make the table hold exactly these interactions; users with any difference are rewritten."""
    user_numbers, game_numbers = Numbers(users), Numbers(games)
    user_numbers.ensure(connection, frame[USER].unique())
    game_numbers.ensure(connection, frame[GAME].unique())
    wanted = _sorted(
        user_numbers.of(frame[USER]),
        game_numbers.of(frame[GAME]),
        frame[WEIGHT].to_numpy(np.float64) if WEIGHT in frame else np.ones(len(frame)),
        _micros(frame),
    )
    present = _present(connection)
    changed = _users_that_differ(wanted, present)
    _delete_users(connection, np.intersect1d(changed, present[0]).tolist())
    rows = np.isin(wanted[0], changed)
    user_no, game_no, weight, at = (column[rows] for column in wanted)
    columns = {
        "user_no": user_no,
        "game_no": game_no,
        "weight": weight,
        "at": pa.array(at, pa.timestamp("us"), mask=at == _NO_TIME),
    }
    insert_columns(connection, interactions, columns)


def _game_rows(items: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    columns = []
    for name in _ABOUT:
        kind: Table | str = "list" if name in _LISTS else "date" if name == "released" else ""
        values = items[name] if name in items.columns else [None] * len(items)
        columns.append([_plain(value, str(kind)) for value in values])
    return zip(*columns, strict=True)


def _plain(value: Any, kind: str) -> Any:
    if kind == "list":
        return (
            json.dumps([str(v) for v in value], ensure_ascii=False) if value is not None else None
        )
    if value is None or value != value or value is pd.NaT:
        return None
    if kind == "date":
        return pd.Timestamp(value).date()
    return value.item() if isinstance(value, np.generic) else value


def _micros(frame: pd.DataFrame) -> np.ndarray:
    """Times as microseconds since 1970, the smallest integer where there is none."""
    if AT not in frame:
        return np.full(len(frame), _NO_TIME)
    times = pd.to_datetime(frame[AT], utc=True).dt.tz_localize(None)
    return times.to_numpy("datetime64[us]").astype(np.int64)


Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _sorted(user_no: np.ndarray, game_no: np.ndarray, weight: np.ndarray, at: np.ndarray) -> Rows:
    order = np.lexsort((game_no, user_no))
    return user_no[order], game_no[order], weight[order], at[order]


def _present(connection: Connection) -> Rows:
    c = interactions.c
    rows = connection.execute(select(c.user_no, c.game_no, c.weight, c["at"])).all()
    user_no, game_no, weight, at = zip(*rows, strict=True) if rows else ((), (), (), ())
    micros = np.array(at, "datetime64[us]").astype(np.int64)  # None becomes NaT, the smallest
    return _sorted(
        np.array(user_no, np.int64), np.array(game_no, np.int64), np.array(weight, float), micros
    )


def _users_that_differ(wanted: Rows, present: Rows) -> np.ndarray:
    """Numbers of the users who have a row in one of the two that is not in the other."""
    both = [np.concatenate(pair) for pair in zip(wanted, present, strict=True)]
    order = np.lexsort((both[3], both[2], both[1], both[0]))
    stacked = [column[order] for column in both]
    same_as_next = np.ones(max(len(order) - 1, 0), bool)
    for column in stacked:
        same_as_next &= column[1:] == column[:-1]
    twin = np.zeros(len(order), bool)
    twin[1:] |= same_as_next
    twin[:-1] |= same_as_next
    return np.unique(stacked[0][~twin])


def _delete_users(connection: Connection, numbers: list[int]) -> None:
    for start in range(0, len(numbers), _ROWS):
        part = numbers[start : start + _ROWS]
        connection.execute(delete(interactions).where(interactions.c.user_no.in_(part)))
