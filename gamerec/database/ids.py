"""Ids of users and games to the numbers that stand for them in the tables, and back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection, Table, insert, select

from gamerec.database.tables import ID_LENGTH
from gamerec.errors import DataError

_ROWS = 10_000  # per statement

Identity = tuple[str, str]  # text and kind


def identity(value: Any) -> Identity:
    """An id as text and kind: 7 -> ('7', 'int'), '7' -> ('7', 'str')."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return str(int(value)), "int"
    if not isinstance(value, str) or not 0 < len(value) <= ID_LENGTH:
        raise DataError(f"{value!r:.80} is no id: an integer, or text of 1 to {ID_LENGTH} letters")
    return value, "str"


def original(text: str, kind: str) -> int | str:
    """The id that `identity` was given."""
    return int(text) if kind == "int" else text


class Numbers:
    """The numbers of the ids of one table, remembered from call to call."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._no, self._id, self._kind = next(iter(table.primary_key)), *list(table.c)[1:3]
        self._known: dict[Identity, int] | None = None

    def read(self, connection: Connection, above: int | None = None) -> None:
        """Learn all that the table holds, or what has a number `above` this one."""
        query = select(self._id, self._kind, self._no)
        if above is not None:
            query = query.where(self._no > above)
        rows = connection.execute(query)
        found = {(text, kind): number for text, kind, number in rows}
        self._known = found if above is None or self._known is None else self._known | found

    def ensure(
        self,
        connection: Connection,
        ids: Sequence[Any] | np.ndarray | pd.Series,
        *,
        afresh: bool = False,
    ) -> None:
        """Give a number to every id that has none; other loaders may do so at the same time.

        afresh: forget what was learned, as after a transaction that may have been rolled back.
        """
        if self._known is None or afresh:
            self.read(connection)
        assert self._known is not None
        wanted = dict.fromkeys(identity(value) for value in ids)
        new = [key for key in wanted if key not in self._known]
        if not new:
            return
        statement = insert(self.table).prefix_with("IGNORE", dialect="mysql")
        statement = statement.prefix_with("OR IGNORE", dialect="sqlite")
        for start in range(0, len(new), _ROWS):
            part = new[start : start + _ROWS]
            rows = [{self._id.name: text, self._kind.name: kind} for text, kind in part]
            connection.execute(statement, rows)
        self.read(connection, above=max(self._known.values(), default=0))
        if any(key not in self._known for key in new):  # another loader's, with lower numbers
            self.read(connection)

    def of(self, ids: pd.Series) -> np.ndarray:
        """The number of each id, (n,) int64; -1 where the id is missing (None or NaN)."""
        codes, uniques = pd.factorize(ids)
        assert self._known is not None
        numbers = np.array([self._known[identity(value)] for value in uniques], np.int64)
        return np.where(codes < 0, -1, numbers[codes] if len(numbers) else -1)
