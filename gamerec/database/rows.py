"""Columns of numbers and times into a table, quickly: many rows in one statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table

from gamerec.errors import DataError

Values = Sequence[int] | Sequence[float] | Sequence[datetime] | Sequence[Any]

_ROWS = 10_000  # per statement


def insert_columns(
    connection: Connection, table: Table, columns: Mapping[str, Values], *, replace: bool = False
) -> None:
    """Insert rows given as columns of integers, finite floats, times or None, of equal length.

    replace: rows whose key is there already take the place of the old ones.
    """
    quote = connection.dialect.identifier_preparer.quote
    verb = "REPLACE" if replace else "INSERT"  # MySQL and SQLite know both
    names = ", ".join(quote(name) for name in columns)
    head = f"{verb} INTO {quote(table.name)} ({names}) VALUES"
    length = len(next(iter(columns.values())))
    for start in range(0, length, _ROWS):
        part = [column[start : start + _ROWS] for column in columns.values()]
        if connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(part))
            connection.exec_driver_sql(f"{head} ({marks})", list(zip(*part, strict=True)))
        else:
            # PyMySQL takes five times as long to fill in placeholders; numbers need no quoting.
            rows = zip(*(map(_literal, column) for column in part), strict=True)
            connection.exec_driver_sql(f"{head} ({'), ('.join(map(', '.join, rows))})")


def _literal(value: Any) -> str:
    """The value in SQL; only kinds that cannot hold SQL themselves."""
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is float and value - value == 0:  # finite
        return repr(value)
    if value is None:
        return "NULL"
    if kind is datetime:
        return f"'{value.isoformat(' ', 'microseconds')}'"
    raise DataError(f"{value!r:.80} is no value for a column of numbers or times")


def optional(values: np.ndarray, absent: np.ndarray) -> list[Any]:
    """The values as Python objects, None where `absent`."""
    objects = values.astype(object)
    objects[absent] = None
    return objects.tolist()
