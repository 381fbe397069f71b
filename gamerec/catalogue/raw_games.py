"""The table of raw games (columns.RAW_GAMES): its ranges and types, and RAWG's answers as its rows.

Nothing here asks RAWG or reads a file; that is `crawl` and `catalogue_file`.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from gamerec.columns import GAME, NAME, RAW_GAMES

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
_LARGEST_ID = 2**63 - 1
_TYPES = {"float": "float64", "text": "str", "list": "object"}


def of_kind(kind: str) -> list[str]:
    """The columns of RAW_GAMES of one kind."""
    return [column.name for column in RAW_GAMES.columns if column.kind == kind]


def frame(rows: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> pd.DataFrame:
    """Rows, or columns of one length, as a frame with the columns and types of RAW_GAMES."""
    given = pd.DataFrame(rows if isinstance(rows, Mapping) else list(rows), dtype=object)
    given = given.reindex(columns=RAW_GAMES.names).reset_index(drop=True)
    typed = given.astype({c.name: _TYPES[c.kind] for c in RAW_GAMES.columns if c.kind in _TYPES})
    typed[GAME] = typed[GAME].infer_objects()  # int64, or str
    for name in of_kind("list"):
        typed[name] = typed[name].where(typed[name].notna(), None)
    return typed


def of_answers(games: Iterable[Mapping[str, Any]]) -> tuple[pd.DataFrame, dict[str, int]]:
    """The games of RAWG's list or detail answers, in their order, and the repairs made.

    A value that cannot be what its column says is emptied; a game without a whole-number id is left
    out.
    """
    repairs: Counter = Counter()
    rows = (row(game, repairs) for game in games)
    return frame(one for one in rows if one is not None), dict(repairs)


def row(game: Mapping[str, Any], repairs: Counter) -> dict[str, Any] | None:
    """One game of RAWG as a row of RAW_GAMES, None where it has no id; repairs are added up."""
    identity = game.get("id")
    if type(identity) is not int or abs(identity) > _LARGEST_ID:
        repairs["games without an id left out"] += 1
        return None
    added, owned = game.get("added"), None
    statuses = game.get("added_by_status")
    if isinstance(statuses, Mapping):
        owned = statuses.get("owned", 0)  # a status that nobody chose is absent
    elif statuses is None and added == 0:
        owned = 0
    numbers = {
        name: game.get(name) for name in ("playtime", "rating", "ratings_count", "metacritic")
    }
    numbers |= {"added": added, "owned": owned}
    texts = {name: game.get(name) for name in ("slug", NAME, "released")}
    return {
        GAME: identity,
        **{name: _text(value) for name, value in texts.items()},
        "image_url": _text(game.get("background_image")),
        "genres": _names(game.get("genres")),
        "tags": _names(game.get("tags")),
        **{name: _number(name, value, repairs) for name, value in numbers.items()},
    }


def _text(value: Any) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return value.encode("utf-8", "replace").decode()  # JSON can carry half a surrogate pair


def _number(name: str, value: Any, repairs: Counter) -> float | None:
    if value is None:
        return None
    low, high = RANGES[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not low <= value <= high:
        repairs[f"{name}: cells out of range emptied"] += 1
        return None
    return float(value)


def _names(value: Any) -> list[str] | None:
    """The names of RAWG's genres or tags as a sorted set; None where RAWG says null.

    RAWG's order is not stable between calls. Until 2023 tags had Russian twins.
    """
    if not isinstance(value, list):
        return None
    entries = [e for e in value if isinstance(e, Mapping) and e.get("language") != "rus"]
    names = (_text(entry.get("name")) for entry in entries)
    return sorted({name.strip() for name in names if name})
