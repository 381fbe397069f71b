"""Columns of numbers and times into a table, quickly: many rows in one statement."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, Table
from sqlalchemy.exc import SQLAlchemyError

from gamerec.errors import DataError

_ROWS = 10_000  # per statement
_CHECK = "SET SESSION foreign_key_checks = 1"
_MOMENT = "%Y-%m-%d %H:%M:%S.%f"


def insert_columns(
    connection: Connection,
    table: Table,
    columns: Mapping[str, np.ndarray | pa.Array],
    *,
    replace: bool = False,
) -> None:
    """Insert rows given as columns of integers, floats or times (microseconds), of equal length.

    Columns may hold nulls. Raises DataError for a column of anything else, and for floats that
    are not finite. replace: rows whose key is there already take the place of the old ones.
    """
    quote = connection.dialect.identifier_preparer.quote
    verb = "REPLACE" if replace else "INSERT"  # MySQL and SQLite know both
    names = ", ".join(quote(name) for name in columns)
    head = f"{verb} INTO {quote(table.name)} ({names}) VALUES"
    rows = pa.table({name: _numeric(name, values) for name, values in columns.items()})
    for start in range(0, len(rows), _ROWS):
        part = rows.slice(start, _ROWS)
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" * part.num_columns)
            connection.exec_driver_sql(f"{head} ({marks})", _tuples(part))
        else:
            connection.exec_driver_sql(f"{head} {_literals(part)}")


@contextmanager
def known_keys(connection: Connection) -> Iterator[None]:
    """Spare MySQL looking up every foreign key, where all numbers were read from the tables.

    Half of the server's time per row, and nothing that a load has not made sure of: users and
    games are never deleted. The session checks again afterwards, also after an error.
    """
    if connection.dialect.name != "mysql":
        yield
        return
    connection.exec_driver_sql("SET SESSION foreign_key_checks = 0")
    try:
        yield
    except BaseException:
        with suppress(SQLAlchemyError):  # a lost connection has no session any more
            connection.exec_driver_sql(_CHECK)
        raise
    connection.exec_driver_sql(_CHECK)


def _numeric(name: str, values: np.ndarray | pa.Array) -> pa.Array:
    """The column as Arrow has it, of a kind that cannot hold SQL."""
    array = pa.array(values)
    kind = array.type
    if pa.types.is_floating(kind):
        numbers = array.to_numpy(zero_copy_only=False)
        if not np.isfinite(numbers[np.asarray(array.is_valid())]).all():
            raise DataError(f"column {name!r} holds a number that is not finite")
    elif not (pa.types.is_integer(kind) or kind == pa.timestamp("us") or pa.types.is_null(kind)):
        raise DataError(f"column {name!r} is {kind}, neither numbers nor times")
    return array


def _tuples(rows: pa.Table) -> list[tuple[Any, ...]]:
    columns: list[Sequence[Any]] = []
    for column in rows.columns:
        values = column.to_pylist()
        if column.type == pa.timestamp("us"):
            values = [None if at is None else at.strftime(_MOMENT) for at in values]
        columns.append(values)
    return list(zip(*columns, strict=True))


def _literals(rows: pa.Table) -> str:
    """'(1, 2.5, NULL), (...)'. Numbers need no quoting, and Arrow writes them many times faster
    than PyMySQL fills in placeholders.
    """
    texts = [pc.fill_null(_text(column.combine_chunks()), "NULL") for column in rows.columns]
    lines = pc.binary_join_element_wise(*texts, ", ").to_pylist()
    return f"({'), ('.join(lines)})"


def _text(column: pa.Array) -> pa.Array:
    text = column.cast(pa.string())
    if column.type == pa.timestamp("us"):
        return pc.binary_join_element_wise("'", text, "'", "")
    return text
