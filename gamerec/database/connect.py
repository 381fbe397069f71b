"""Engine, transactions and errors of the database; knows its address, and none of its tables."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from gamerec.errors import DataError, ServiceError, UsageError

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

# MySQL: cannot connect (2), gone away, lost in a query, deadlock, lock wait time-out, shutting down
_PASSING = {2002, 2003, 2006, 2013, 1205, 1213, 1053, 1927, 4031}
_NO_DATABASE = 1049
_LOCK_SECONDS = 60
_SECONDS = {"connect_timeout": 10, "read_timeout": 300, "write_timeout": 300}


class Connector:
    """Transactions on the database at `url`, repeated while the connection is lost.

    patience: seconds after which repeating ends.
    """

    def __init__(self, url: str, patience: float) -> None:
        self.url = parse_url(url)
        self.patience = patience
        self.engine = _engine(self.url)

    @property
    def address(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    def write(self, work: Callable[[Connection, bool], Result]) -> Result:
        """Run `work(connection, again)` in one transaction and return its result.

        Where the connection is lost it is run again, with `again` set: the first attempt may have
        been committed all the same, so work must be such that twice is as good as once.
        """
        with self._our_errors():
            for attempt in self._attempts():
                with attempt, self._begin("READ COMMITTED", "IMMEDIATE") as connection:
                    return work(connection, attempt.retry_state.attempt_number > 1)
        raise AssertionError("tenacity ends with a result or an error")

    def read(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work(connection)` on one consistent snapshot and return its result."""
        with self._our_errors():
            for attempt in self._attempts():
                with attempt, self._begin("REPEATABLE READ", "") as connection:
                    return work(connection)
        raise AssertionError("tenacity ends with a result or an error")

    @contextmanager
    def alone(self, purpose: str) -> Iterator[None]:
        """Wait until no other process is in here; SQLite's writers are alone in any case."""
        if self.is_sqlite:
            yield
            return
        # A connection of its own: the lock has to outlive the transactions under it.
        name = f"gamerec {purpose} {self.url.database}"[:64]
        with ExitStack() as stack:
            with self._our_errors():
                for attempt in self._attempts():
                    with attempt:
                        connection = stack.enter_context(self.engine.connect())
                        locked = connection.execute(select(func.get_lock(name, _LOCK_SECONDS)))
                        if locked.scalar() != 1:
                            raise ServiceError(
                                f"database {self.address}: another process has been busy with "
                                f"{purpose} for {_LOCK_SECONDS} s"
                            )
            try:
                yield
            finally:
                with suppress(DBAPIError):  # with its connection the lock is gone, too
                    connection.execute(select(func.release_lock(name)))

    @contextmanager
    def _begin(self, isolation: str, sqlite_mode: str) -> Iterator[Connection]:
        options: dict[str, Any] = {"sqlite_mode": sqlite_mode}
        if not self.is_sqlite:
            options["isolation_level"] = isolation
        with self.engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection

    def _attempts(self) -> Retrying:
        return Retrying(
            retry=retry_if_exception(_is_passing),
            stop=stop_after_delay(self.patience),
            wait=wait_random_exponential(multiplier=0.1, max=3),
            reraise=True,
        )

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise DataError(f"database {self.address}: {_cause(error)}") from None
        except DBAPIError as error:
            message = f"database {self.address}: {_cause(error)}"
            raise ServiceError(self._without_password(message)) from None
        except SQLAlchemyError as error:
            message = f"database {self.address}: {str(error).splitlines()[0]}"
            raise ServiceError(self._without_password(message)) from None

    def _without_password(self, message: str) -> str:
        password = self.url.password
        return message.replace(password, "***") if password else message


def parse_url(url: str) -> URL:
    """The SQLAlchemy URL, with PyMySQL as driver for MySQL and MariaDB.

    Raises UsageError, without repeating the URL, where it is none or of another kind.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        raise UsageError("DATABASE_URL is no URL: mysql://user:password@host/database") from None
    if backend in ("mysql", "mariadb"):
        if not parsed.database:
            raise UsageError("DATABASE_URL names no database: mysql://user:password@host/database")
        return parsed.set(drivername="mysql+pymysql").update_query_dict({"charset": "utf8mb4"})
    if backend == "sqlite":
        return parsed.set(drivername="sqlite")
    raise UsageError(f"DATABASE_URL: {backend} is not supported, only mysql, mariadb and sqlite")


def in_folder(url: str, folder: Path) -> str:
    """The URL; the relative path of an SQLite file counts from `folder`."""
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database in (None, "", ":memory:"):
        return url
    return parsed.set(database=str(folder / str(parsed.database))).render_as_string()


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        strict = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')"
        arguments = _SECONDS | {"init_command": strict}
        return create_engine(
            url, hide_parameters=True, pool_pre_ping=True, pool_recycle=1800, connect_args=arguments
        )
    if url.database and url.database != ":memory:":
        with suppress(OSError):  # SQLite says in its own words what it cannot open
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": 30})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver opens no transactions; _begin_sqlite does
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get("sqlite_mode", "")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _is_passing(error: BaseException) -> bool:
    """Whether another attempt may succeed: lost connections, deadlocks, a locked SQLite file."""
    if not isinstance(error, DBAPIError):
        return False
    passing = error.connection_invalidated or _number(error) in _PASSING
    if passing or "database is locked" in str(error.orig):
        logger.debug("database: %s; trying again", error.orig)
        return True
    return False


def _number(error: DBAPIError) -> int | None:
    arguments = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _cause(error: DBAPIError) -> str:
    arguments = getattr(error.orig, "args", ())
    cause = str(arguments[-1]) if arguments else type(error.orig).__name__
    if _number(error) == _NO_DATABASE:
        cause += "; make it with CREATE DATABASE ... CHARACTER SET utf8mb4"
    return cause
