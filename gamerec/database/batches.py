"""Batches of recommendations: loaded unseen, made visible by one transaction, pruned.

A load writes under a batch number of its own, so neither a repeated load nor one that was cut
short touches what readers see. The last transaction moves the mark `live`; a unique key on it
lets only one batch have it.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from gamerec.columns import BECAUSE, GAME, RANK, SCORE, USER
from gamerec.database.connect import Connector
from gamerec.database.ids import Numbers
from gamerec.database.rows import insert_columns, known_keys
from gamerec.database.tables import batches, games, recommendations, users
from gamerec.errors import DataError, ServiceError

logger = logging.getLogger(__name__)

_CHUNK = 50_000  # rows per transaction
_DELETE = 20_000
_DEAD = timedelta(hours=1)  # a load without a chunk for so long is not coming back


def load(
    connector: Connector,
    batch_id: str,
    chunks: pd.DataFrame | Iterable[pd.DataFrame],
    model_version: str,
    keep: int,
) -> int:
    """Load a batch and make it the one that readers see; returns its number of rows."""
    number = connector.write(lambda c, _: _begin(c, batch_id, model_version))
    try:
        n_rows = _fill(connector, number, chunks)
        with connector.alone("the live batch"):
            connector.write(lambda c, _: _show(c, number, batch_id, n_rows))
    except BaseException:
        _give_up(connector, number)
        raise
    prune(connector, keep)
    return n_rows


def rename_model(connector: Connector, name: str, version: str) -> None:
    """Have all batches of one model version tell another name."""
    named = update(batches).where(batches.c.model_version == name)
    connector.write(lambda c, _: c.execute(named.values(model_version=version)))


def prune(connector: Connector, keep: int) -> None:
    """Delete dropped and dead batches, and finished ones but the newest `keep` and the live one."""
    try:
        for number in connector.write(lambda c, _: _doomed(c, keep)):
            while connector.write(partial(_delete_some, number)):
                pass
    except ServiceError as error:  # the new batch is live all the same; the next load tries again
        logger.warning("old batches are still there: %s", error)


def _begin(connection: Connection, batch_id: str, model_version: str) -> int:
    now = _now()
    row = {"batch_id": batch_id, "status": "loading", "model_version": model_version, "n_rows": 0}
    result = connection.execute(insert(batches).values(**row, created_at=now, touched_at=now))
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _fill(connector: Connector, number: int, chunks: pd.DataFrame | Iterable[pd.DataFrame]) -> int:
    user_numbers, game_numbers = Numbers(users), Numbers(games)
    n_rows = 0
    for chunk in _pieces(chunks):
        absent = [c for c in (USER, RANK, GAME, SCORE, BECAUSE) if c not in chunk.columns]
        if absent:
            raise DataError(f"recommendations have no column {absent[0]!r}")
        _fill_chunk(connector, number, chunk, user_numbers, game_numbers)
        n_rows += len(chunk)
    return n_rows


def _fill_chunk(
    connector: Connector,
    number: int,
    chunk: pd.DataFrame,
    user_numbers: Numbers,
    game_numbers: Numbers,
) -> None:
    def give_numbers(connection: Connection, again: bool) -> None:
        user_numbers.ensure(connection, chunk[USER].unique(), afresh=again)
        game_numbers.ensure(connection, chunk[GAME].unique(), afresh=again)
        game_numbers.ensure(connection, chunk[BECAUSE].dropna().unique())

    def insert_rows(connection: Connection, again: bool) -> None:
        with known_keys(connection):
            insert_columns(connection, recommendations, columns, replace=again)
        touched = update(batches).where(batches.c.batch_no == number).values(touched_at=_now())
        if connection.execute(touched).rowcount == 0:
            raise DataError("the batch was removed while it was being loaded")

    connector.write(give_numbers)
    columns = _columns(chunk, number, user_numbers, game_numbers)
    connector.write(insert_rows)


def _pieces(chunks: pd.DataFrame | Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for frame in [chunks] if isinstance(chunks, pd.DataFrame) else chunks:
        for start in range(0, len(frame), _CHUNK):
            yield frame.iloc[start : start + _CHUNK]


def _columns(
    chunk: pd.DataFrame, number: int, user_numbers: Numbers, game_numbers: Numbers
) -> dict[str, np.ndarray | pa.Array]:
    score = chunk[SCORE].to_numpy(np.float64)
    if not np.isfinite(score).all():
        raise DataError("a recommendation has a score that is not finite")
    because = game_numbers.of(chunk[BECAUSE])
    return {
        "batch_no": np.full(len(chunk), number),
        "user_no": user_numbers.of(chunk[USER]),
        "rank": chunk[RANK].to_numpy(np.int64),
        "game_no": game_numbers.of(chunk[GAME]),
        "score": score,
        "because_game_no": pa.array(because, mask=because < 0),
    }


def _show(connection: Connection, number: int, batch_id: str, n_rows: int) -> None:
    """Move the mark from the old live batch to this one, all of whose rows must be there."""
    rows = select(func.count()).where(recommendations.c.batch_no == number)
    found = connection.execute(rows).scalar_one()
    if found != n_rows:
        raise DataError(
            f"batch {batch_id}: {found:,} of {n_rows:,} rows have arrived; two rows of one user "
            "share a rank, or something else writes to the table"
        )
    same = and_(batches.c.batch_id == batch_id, batches.c.status == "ready")
    connection.execute(update(batches).where(batches.c.live == 1).values(live=None))
    connection.execute(update(batches).where(same).values(status="dropped"))
    this = update(batches).where(batches.c.batch_no == number)
    connection.execute(this.values(live=1, status="ready", n_rows=n_rows, touched_at=_now()))


def _give_up(connector: Connector, number: int) -> None:
    """Mark a load that failed, where the database can still be reached."""
    this = and_(batches.c.batch_no == number, batches.c.live.is_(None))
    try:
        connector.write(
            lambda c, _: c.execute(update(batches).where(this).values(status="dropped"))
        )
    except ServiceError:
        logger.debug("batch number %d stays marked as loading", number)


def _doomed(connection: Connection, keep: int) -> list[int]:
    """Mark what is to go as dropped; the numbers of all that is."""
    ready = select(batches.c.batch_no).where(batches.c.status == "ready")
    newest = connection.scalars(ready.order_by(batches.c.batch_no.desc()).limit(keep)).all()
    surplus = and_(
        batches.c.status == "ready", batches.c.batch_no.not_in(newest), batches.c.live.is_(None)
    )
    dead = and_(batches.c.status == "loading", batches.c.touched_at < _now() - _DEAD)
    connection.execute(update(batches).where(or_(surplus, dead)).values(status="dropped"))
    dropped = and_(batches.c.status == "dropped", batches.c.live.is_(None))
    return list(connection.scalars(select(batches.c.batch_no).where(dropped)))


def _delete_some(number: int, connection: Connection, again: bool) -> bool:
    """Delete some thousand rows of a batch, and itself after the last; whether there is more."""
    of_batch = recommendations.c.batch_no == number
    users_of = select(recommendations.c.user_no).where(of_batch)
    ordered = users_of.order_by(recommendations.c.user_no).limit(1).offset(_DELETE)
    last = connection.execute(ordered).scalar()
    if last is not None:
        connection.execute(
            delete(recommendations).where(of_batch, recommendations.c.user_no <= last)
        )
        return True
    connection.execute(delete(recommendations).where(of_batch))
    connection.execute(delete(batches).where(batches.c.batch_no == number))
    return False


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
