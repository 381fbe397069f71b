"""The table of raw games: what its numbers can be, and rows or columns brought to its types."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from gamerec.columns import GAME, RAW_GAMES

COUNT = (0, 1e10)
RANGES = {  # lowest and highest value; the units are in columns.RAW_GAMES
    "playtime": (0, 1e6),
    "rating": (0, 5),
    "ratings_count": COUNT,
    "added": COUNT,
    "owned": COUNT,
    "owned_ratio": (0, 1),
    "metacritic": (0, 100),
}
_TYPES = {"float": "float64", "text": "str", "list": "object"}


def of_kind(kind: str) -> list[str]:
    """The columns of RAW_GAMES of one kind."""
    return [column.name for column in RAW_GAMES.columns if column.kind == kind]


def frame(rows: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> pd.DataFrame:
    """Rows, or columns of one length, as a frame with the columns and types of RAW_GAMES."""
    given = pd.DataFrame(rows if isinstance(rows, Mapping) else list(rows), dtype=object)
    given = given.reindex(columns=RAW_GAMES.names).reset_index(drop=True)
    typed = given.astype({c.name: _TYPES[c.kind] for c in RAW_GAMES.columns if c.kind in _TYPES})
    typed[GAME] = typed[GAME].infer_objects()
    for name in of_kind("list"):
        typed[name] = typed[name].where(typed[name].notna(), None)
    return typed
