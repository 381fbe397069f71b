"""The database: games, users, interactions, batches, recommendations and events.

SQLite by default, MySQL or MariaDB by URL, through the same code. It knows tables and the few
queries; it knows nothing of models, stores or runs.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from sqlalchemy import Connection, insert, inspect, text

from gamerec.database import batches, queries, sync, tables
from gamerec.database.connect import Connector, in_folder
from gamerec.database.events import EventLog
from gamerec.database.ids import Numbers, identity
from gamerec.errors import ServiceError, UsageError
from gamerec.migrations import HEAD
from gamerec.settings import Settings

__all__ = ["Database", "database_of", "open_database"]

PATIENCE = 15.0  # seconds for which a lost connection is tried again


def open_database(settings: Settings, patience: float | None = None) -> "Database":
    """As `database_of`, with tables up to date; raises ServiceError where it cannot be reached."""
    database = database_of(settings, patience)
    database.upgrade()
    return database


def database_of(settings: Settings, patience: float | None = None) -> "Database":
    """The database of DATABASE_URL, else SQLite at `<home>/store/gamerec.db`, as it stands.

    A relative path in `sqlite:///path` counts from the project folder, whatever folder a notebook
    runs in.
    """
    url = settings.database_url.get_secret_value() or "sqlite:///store/gamerec.db"
    return Database(in_folder(url, settings.gamerec_home), patience)


class Database:
    """Tables behind a URL; a context manager that closes its connections.

    Every method raises ServiceError, without any password, where the database cannot be reached
    for `patience` seconds.
    """

    def __init__(self, url: str, patience: float | None = None) -> None:
        self._connector = Connector(url, PATIENCE if patience is None else patience)
        self._events: EventLog | None = None  # SQLite writes to the disk at each commit from then

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._connector.engine.dispose()

    @property
    def address(self) -> str:
        """The URL without its password."""
        return self._connector.address

    @property
    def kind(self) -> str:
        """'sqlite' or 'mysql'."""
        return "sqlite" if self._connector.is_sqlite else "mysql"

    # Schema

    def version(self) -> str | None:
        """The schema version of the tables, None where there are none."""
        return self._connector.read(_version)

    def upgrade(self) -> str:
        """Bring the tables to the newest version, one upgrade at a time; returns the version."""
        if self.version() != HEAD:
            with self._connector.alone("upgrade"):
                self._connector.write(lambda connection, _: _upgrade(connection))
        return HEAD

    # What a run brings

    def sync(self, items: pd.DataFrame, interactions: pd.DataFrame) -> None:
        """Have the tables hold these games (columns.GAMES) and exactly these interactions."""

        def work(connection: Connection, again: bool) -> None:
            sync.sync_games(connection, items)
            sync.sync_interactions(connection, interactions)

        self._connector.write(work)

    def load_batch(
        self,
        batch_id: str,
        chunks: pd.DataFrame | Iterable[pd.DataFrame],
        *,
        model_version: str = "",
        keep: int = 3,
    ) -> int:
        """Load recommendations and make them the live batch in one transaction.

        chunks: columns user_id, rank, game_id, score, because_game_id; a frame, or frames one
            after the other, of which only one is held at a time.
        keep: finished batches that stay, the live one included.

        Readers see the old batch until then, and all of the new one from then on. The same
        batch_id loaded again replaces its rows. Returns the number of rows. Raises DataError for
        rows that are not usable; the old batch stays live then.
        """
        if keep < 1:
            raise UsageError(f"keep is {keep}; at least the live batch is kept")
        return batches.load(self._connector, batch_id, chunks, model_version, keep)

    def rename_model(self, name: str, version: str) -> None:
        """Have the batches made by model `name` tell `version`, the number it got afterwards."""
        batches.rename_model(self._connector, name, version)

    def record_event(
        self, kind: str, *, user_id: Any = None, game_id: Any = None, detail: Mapping | None = None
    ) -> None:
        """Keep that something happened: a list was shown, a game was clicked, a batch refused."""
        now = datetime.now(UTC).replace(tzinfo=None)
        text_detail = None if detail is None else json.dumps(dict(detail), ensure_ascii=False)

        def work(connection: Connection, again: bool) -> None:
            values = {
                "user_no": _number(connection, tables.users, user_id),
                "game_no": _number(connection, tables.games, game_id),
            }
            row = insert(tables.events).values(at=now, kind=kind, detail=text_detail, **values)
            connection.execute(row)

        self._connector.write(work)

    def event_log(self) -> EventLog:
        """What players said of games: events that are kept once by their id."""
        if self._events is None:
            self._events = EventLog(self._connector)
        return self._events

    # What readers ask

    def live_batch(self) -> dict[str, Any] | None:
        """batch_id, model_version, created_at and n_rows of the live batch, or None."""
        return self._connector.read(queries.live_batch)

    def batches(self) -> pd.DataFrame:
        """The finished batches, newest first, with the column `live`."""
        return self._connector.read(queries.ready_batches)

    def recommendations(self, user_id: Any, k: int | None = None) -> pd.DataFrame:
        """The live batch's list of one user, best first: columns.RECOMMENDATIONS; may be empty."""
        user = identity(user_id)
        return self._connector.read(lambda c: queries.recommended(c, user, k))

    def all_recommendations(self) -> pd.DataFrame:
        """The whole live batch, in the order of users and ranks."""
        return self._connector.read(lambda c: queries.recommended(c, None, None))

    def history(self, user_id: Any) -> pd.DataFrame:
        """What one user played: game_id, weight, at; may be empty."""
        return self._connector.read(lambda c: queries.history(c, identity(user_id)))

    def games(self) -> pd.DataFrame:
        """All games with names, genres, tags and numbers."""
        return self._connector.read(queries.game_table)

    def players(self) -> dict[Any, int]:
        """Number of players per game that anybody has played."""
        return self._connector.read(queries.players)

    def sizes(self) -> dict[str, int]:
        """Number of rows per table."""
        return self._connector.read(queries.sizes)


def _number(connection: Connection, table: Any, value: Any) -> int | None:
    if value is None:
        return None
    numbers = Numbers(table)
    numbers.ensure(connection, [value])
    return int(numbers.of(pd.Series([value], dtype=object))[0])


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command  # half a second, needed once per database
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ServiceError(
            f"the tables cannot be brought to version {HEAD}: {error}; where they are newer than "
            "this gamerec, update it"
        ) from None
