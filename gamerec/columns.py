"""Every table and column of gamerec, named once, and the check of a frame against its table.

This module knows names, types and units. It knows nothing of where a table comes from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pandas.api import types

from gamerec.errors import DataError

USER = "user_id"
GAME = "game_id"
WEIGHT = "weight"
AT = "at"
NAME = "name"
RANK = "rank"
SCORE = "score"
BECAUSE = "because_game_id"
BATCH = "batch_id"

Kind = Literal["id", "int", "float", "text", "list", "bool", "time"]


@dataclass(frozen=True)
class Column:
    """One column: its name, kind, unit or range, and whether a cell may be empty."""

    name: str
    kind: Kind
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """A named set of columns; `key` are the columns whose values together are unique."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]


# What 01_crawl leaves and 03_preprocess reads: RAWG's own words, nothing repaired yet.
RAW_GAMES = Table(
    "raw_games",
    (
        Column(GAME, "id"),
        Column("slug", "text", nullable=True),
        Column(NAME, "text", nullable=True),
        Column("released", "text", "YYYY-MM-DD", nullable=True),
        Column("genres", "list", nullable=True),
        Column("tags", "list", nullable=True),
        Column("playtime", "float", "hours, 0 = unknown", nullable=True),
        Column("rating", "float", "0-5, 0 = unrated", nullable=True),
        Column("ratings_count", "float", "votes", nullable=True),
        Column("added", "float", "players who listed the game", nullable=True),
        Column("owned", "float", "players who own it", nullable=True),
        Column("owned_ratio", "float", "0-1, where the source gives it directly", nullable=True),
        Column("metacritic", "float", "0-100", nullable=True),
        Column("image_url", "text", nullable=True),
    ),
)

GAMES = Table(
    "games",
    (
        Column(GAME, "id"),
        Column("slug", "text"),
        Column(NAME, "text"),
        Column("released", "time", "UTC date", nullable=True),
        Column("genres", "list", "sorted, never empty: 'Unknown' where there is none"),
        Column("tags", "list", "sorted, may be empty"),
        Column("playtime", "float", "hours, imputed where unknown"),
        Column("playtime_imputed", "bool"),
        Column("rating", "float", "0-5, imputed where unrated"),
        Column("rating_imputed", "bool"),
        Column("rating_shrunk", "float", "0-5, pulled to the mean where votes are few"),
        Column("ratings_count", "float", "votes"),
        Column("added", "float", "players"),
        Column("owned", "float", "players"),
        Column("owned_ratio", "float", "owned / added, 0-1"),
        Column("metacritic", "float", "0-100", nullable=True),
        Column("image_url", "text", nullable=True),
        Column("rating_scaled", "float", "0-1"),
        Column("owned_ratio_scaled", "float", "0-1"),
        Column("playtime_scaled", "float", "0-1"),
    ),
    key=(GAME,),
)

INTERACTIONS = Table(
    "interactions",
    (
        Column(USER, "id"),
        Column(GAME, "id"),
        Column(WEIGHT, "float", "above 0: 1, or hours played"),
        Column(AT, "time", "UTC", nullable=True),
    ),
    key=(USER, GAME),
)

RECOMMENDATIONS = Table(
    "recommendations",
    (
        Column(BATCH, "text"),
        Column(USER, "id"),
        Column(RANK, "int", "from 1"),
        Column(GAME, "id"),
        Column(SCORE, "float"),
        Column(BECAUSE, "id", "the played game that contributed most", nullable=True),
    ),
    key=(BATCH, USER, RANK),
)

_KIND_TESTS = {
    "id": lambda s: types.is_integer_dtype(s) or types.is_string_dtype(s),
    "int": types.is_integer_dtype,
    "float": types.is_numeric_dtype,
    "text": types.is_string_dtype,
    "list": types.is_object_dtype,
    "bool": types.is_bool_dtype,
    "time": types.is_datetime64_any_dtype,
}


def check(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return `frame` with the columns of `table` in order, or raise DataError naming each fault.

    Nullable columns that are absent are not added, extra columns are dropped.
    """
    faults = [f"no column '{c.name}'" for c in table.columns if _missing(frame, c)]
    present = [c for c in table.columns if c.name in frame.columns]
    faults += [fault for c in present for fault in _column_faults(frame[c.name], c)]
    if table.key and not faults and frame.duplicated(subset=list(table.key)).any():
        faults.append(f"rows share a key ({', '.join(table.key)})")
    if faults:
        raise DataError(f"table '{table.name}' is not usable: " + "; ".join(faults))
    return frame[[c.name for c in present]]


def _missing(frame: pd.DataFrame, column: Column) -> bool:
    return column.name not in frame.columns and not column.nullable


def _column_faults(values: pd.Series, column: Column) -> Iterable[str]:
    if values.isna().any() and not column.nullable:
        yield f"column '{column.name}' has {int(values.isna().sum())} empty cells"
    if values.notna().any() and not _KIND_TESTS[column.kind](values):
        yield f"column '{column.name}' is {values.dtype}, not {column.kind}"
