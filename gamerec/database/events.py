"""Events of players: kept once each, on the disk before they are acknowledged, read in order.

A number is given to an event when it is inserted and seen when it is committed, so under several
writers a higher number can be seen first. Readers therefore ask for the numbers they have missed
as well. What an event means for a list is not known here.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, event, insert, or_, select

from gamerec.database.connect import Connector
from gamerec.database.ids import identity, original
from gamerec.database.tables import EVENT_ID_LENGTH, events, games, users
from gamerec.errors import DataError

_AT_ONCE = 20_000  # rows per read


class StoredEvent(NamedTuple):
    """An event as it is kept; at: UTC without a zone. `number` orders events."""

    number: int
    event_id: str
    kind: str
    user_id: int | str
    game_id: int | str
    at: datetime


class EventLog:
    """The events that have an id of their own; see `Database.event_log`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        if connector.is_sqlite:  # committed there means handed to the system, here: on the disk
            event.listen(connector.engine, "connect", _sync_every_commit)
            connector.engine.dispose()  # connections made before

    def add(
        self, event_id: str, kind: str, user_id: Any, game_id: Any, at: datetime | None = None
    ) -> tuple[StoredEvent, bool]:
        """Keep an event; returns it, and False where its id was known: the first one stays.

        at: None for now; a time with a zone is kept as UTC. Raises DataError for ids that cannot
        be kept, ServiceError where the database is out of reach: nothing is kept then.
        """
        if not 0 < len(event_id) <= EVENT_ID_LENGTH:
            raise DataError(f"an event id is text of 1 to {EVENT_ID_LENGTH} letters")
        at = at or datetime.now(UTC)
        at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at

        def work(connection: Connection, again: bool) -> tuple[StoredEvent, bool]:
            row = {
                "event_id": event_id,
                "kind": kind,
                "user_no": _number(connection, users, user_id),
                "game_no": _number(connection, games, game_id),
                "at": at,
            }
            is_new = connection.execute(_insert(events).values(**row)).rowcount == 1
            (kept,) = _read(connection, events.c.event_id == event_id)
            return kept, is_new

        return self._connector.write(work)

    def after(self, number: int, missed: Iterable[int] = ()) -> list[StoredEvent]:
        """Events above a number, and those of the numbers `missed`, in order; some at a time."""
        wanted = or_(events.c.event_no > number, events.c.event_no.in_(list(missed)))
        return self._connector.read(lambda c: _read(c, wanted))


def _read(connection: Connection, wanted: Any) -> list[StoredEvent]:
    e = events.c
    query = (
        select(
            *(e.event_no, e.event_id, e.kind, users.c.user_id, users.c.id_kind),
            *(games.c.game_id, games.c.id_kind, e["at"]),
        )
        .join_from(events, users)
        .join(games)
        .where(e.event_id.is_not(None), wanted)
        .order_by(e.event_no)
        .limit(_AT_ONCE)
    )
    return [
        StoredEvent(number, event_id, kind, original(user, uk), original(game, gk), at)
        for number, event_id, kind, user, uk, game, gk, at in connection.execute(query)
    ]


def _number(connection: Connection, table: Table, value: Any) -> int:
    """The number of one id, given where it has none; by two keys, not by reading the table."""
    text, kind = identity(value)
    number, name, id_kind = list(table.c)[:3]
    query = select(number).where(name == text, id_kind == kind)
    found = connection.execute(query).scalar()
    if found is None:
        connection.execute(_insert(table).values({name.name: text, id_kind.name: kind}))
        found = connection.execute(query).scalar_one()
    return int(found)


def _insert(table: Table) -> Any:
    """An INSERT that leaves what is there already."""
    statement = insert(table).prefix_with("IGNORE", dialect="mysql")
    return statement.prefix_with("OR IGNORE", dialect="sqlite")


def _sync_every_commit(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA synchronous=FULL").close()
