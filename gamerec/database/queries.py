"""What readers ask: the live batch, one user's list, games and histories. One statement each."""

import json
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Row, Select, func, select

from gamerec.columns import AT, BATCH, BECAUSE, GAME, RANK, SCORE, USER, WEIGHT
from gamerec.database.ids import Identity, original
from gamerec.database.tables import batches, games, interactions, recommendations, users

_source = games.alias("source")


def live_batch(connection: Connection) -> dict[str, Any] | None:
    """batch_id, model_version, created_at, n_rows of the batch that readers see."""
    columns = [batches.c[name] for name in (BATCH, "model_version", "created_at", "n_rows")]
    row = connection.execute(select(*columns).where(batches.c.live == 1)).first()
    return None if row is None else dict(row._mapping)


def ready_batches(connection: Connection) -> pd.DataFrame:
    """The finished batches, newest first."""
    names = (BATCH, "model_version", "created_at", "n_rows", "live")
    query = select(*(batches.c[name] for name in names)).where(batches.c.status == "ready")
    rows = connection.execute(query.order_by(batches.c.batch_no.desc())).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=list(names))
    return frame.assign(live=frame["live"] == 1)


def recommended(connection: Connection, user: Identity | None, k: int | None) -> pd.DataFrame:
    """Rows of the live batch in order, of one user or of all."""
    query = _recommendations().where(batches.c.live == 1)
    if user is not None:
        query = query.where(users.c.user_id == user[0], users.c.id_kind == user[1])
    if k is not None:
        query = query.where(recommendations.c.rank <= k)
    order = (recommendations.c.user_no, recommendations.c.rank)
    rows = connection.execute(query.order_by(*order)).all()
    names = [BATCH, USER, RANK, GAME, SCORE, BECAUSE]
    return pd.DataFrame([_recommendation(row) for row in rows], columns=names)


def history(connection: Connection, user: Identity) -> pd.DataFrame:
    """The interactions of one user: game_id, weight, at."""
    query = (
        select(games.c.game_id, games.c.id_kind, interactions.c.weight, interactions.c["at"])
        .join_from(interactions, users)
        .join(games)
        .where(users.c.user_id == user[0], users.c.id_kind == user[1])
        .order_by(interactions.c.game_no)
    )
    rows = [(original(i, kind), w, at) for i, kind, w, at in connection.execute(query)]
    return pd.DataFrame(rows, columns=[GAME, WEIGHT, AT])


def game_table(connection: Connection) -> pd.DataFrame:
    """All games with what is known of them."""
    rows = connection.execute(select(games).order_by(games.c.game_no)).mappings().all()
    frame = pd.DataFrame(rows, columns=[c.name for c in games.c])
    pairs = zip(frame[GAME], frame["id_kind"], strict=True)
    frame[GAME] = pd.Series([original(text, kind) for text, kind in pairs], index=frame.index)
    for name in ("genres", "tags"):
        values = [None if value is None else json.loads(value) for value in frame[name]]
        frame[name] = pd.Series(values, dtype=object, index=frame.index)
    return frame.drop(columns=["game_no", "id_kind"])


def players(connection: Connection) -> dict[int | str, int]:
    """Number of players per game."""
    query = (
        select(games.c.game_id, games.c.id_kind, func.count())
        .join_from(interactions, games)
        .group_by(games.c.game_no, games.c.game_id, games.c.id_kind)
    )
    return {original(text, kind): count for text, kind, count in connection.execute(query)}


def sizes(connection: Connection) -> dict[str, int]:
    """Number of rows per table."""
    tables = (games, users, interactions, batches, recommendations)
    counts = [select(func.count()).select_from(table).scalar_subquery() for table in tables]
    row = connection.execute(select(*counts)).one()
    return {table.name: int(count) for table, count in zip(tables, row, strict=True)}


def _recommendations() -> Select:
    r = recommendations.c
    because = r.because_game_no == _source.c.game_no
    return (
        select(
            *(batches.c.batch_id, users.c.user_id, users.c.id_kind, r.rank, games.c.game_id),
            *(games.c.id_kind, r.score, _source.c.game_id, _source.c.id_kind),
        )
        .join_from(recommendations, batches)
        .join(users, r.user_no == users.c.user_no)
        .join(games, r.game_no == games.c.game_no)
        .outerjoin(_source, because)
    )


def _recommendation(row: Row) -> tuple[Any, ...]:
    batch, user, user_kind, rank, game, game_kind, score, because, because_kind = row
    reason = None if because is None else original(because, because_kind)
    return (
        *(batch, original(user, user_kind), rank, original(game, game_kind)),
        *(np.float32(score), reason),
    )
