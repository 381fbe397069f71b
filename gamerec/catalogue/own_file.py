"""A team's own catalogue, CSV or Parquet, as raw games (columns.RAW_GAMES).

What is accepted, with whatever else stands in the file left aside:

    game_id or id       any whole numbers or texts; rows without one are left out and counted
    name                needed; may be empty here and there
    genres, tags        lists: Parquet lists, JSON lists, or text split at the first of '||', '|',
                        ';' and ',' that the column holds
    first_genre         used where genres is empty
    status_sum          used where added is empty; so is the sum of the statuses yet, owned, beaten,
                        toplay, dropped, playing, where all six columns are there: an empty status
                        then means that nobody chose it, as in RAWG
    rating_exceptional, rating_recommended, rating_meh, rating_skip
                        their sum is used where ratings_count is empty
    background_image    the same as image_url

A cell that cannot be what its column says is emptied and counted, unless more than a tenth of the
column is so: then the column means something else, and a DataError names the first row (row 1 is
the one after the header).
"""

import ast
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from gamerec.catalogue.raw_games import COUNT, RANGES, frame, of_kind
from gamerec.catalogue.table_file import read_table
from gamerec.columns import GAME, NAME
from gamerec.errors import DataError

STATUSES = ("yet", "owned", "beaten", "toplay", "dropped", "playing")
VOTES = ("rating_exceptional", "rating_recommended", "rating_meh", "rating_skip")
LONGEST_TEXT = 1_000  # characters; a longer text is cut
LONGEST_ID = 200  # characters
_SAME = {"id": GAME, "background_image": "image_url"}
_SEPARATORS = ("||", "|", ";", ",")
_EMPTY = ("", "nan", "null", "none", "na", "n/a", "<na>", "nat")
_TOLERATED = 0.1  # share of a column's filled cells that may be emptied
_WHOLE = r"-?(?:0|[1-9][0-9]*)"


def parse(data: bytes, name: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """The raw games in the bytes of a file, and how often each repair was made.

    Raises DataError, which calls the file `name`, where they cannot be used.
    """
    repairs: Counter = Counter()
    try:
        table = _named(read_table(data))
        without = _empty(table[GAME])
        repairs["rows without an id left out"] = int(without.sum())
        if without.all():
            raise DataError("there is no row with an id")
        games = _raw_games(table[~without], repairs)
    except DataError as error:
        raise DataError(f"catalogue {name}: {error}") from None
    return games, {rule: count for rule, count in repairs.items() if count}


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """With the columns by our names, the first of each; rows counted from 0."""
    names = [str(name).strip().lower() for name in table.columns]
    names = [_SAME[n] if n in _SAME and _SAME[n] not in names else n for n in names]
    missing = [name for name in (GAME, NAME) if name not in names]
    if missing:
        shown = ", ".join(name[:30] for name in names[:12]) + (", ..." if len(names) > 12 else "")
        wanted = " and ".join({GAME: "game_id (or id)"}.get(m, m) for m in missing)
        raise DataError(f"there is no column {wanted}; the file has: {shown}")
    named = table.set_axis(names, axis="columns").reset_index(drop=True)
    return named.loc[:, ~named.columns.duplicated()]


def _raw_games(table: pd.DataFrame, repairs: Counter) -> pd.DataFrame:
    numbers = {name: _numbers(table, name, repairs) for name in RANGES}
    _fill_counts(numbers, table, repairs)
    genres = _lists(table, "genres")
    first = _lists(table, "first_genre")
    genres = [one or other or one for one, other in zip(genres, first, strict=True)]
    columns = {
        GAME: _ids(table[GAME], repairs),
        **{name: _texts(table, name, repairs) for name in of_kind("text")},
        "genres": genres,
        "tags": _lists(table, "tags"),
        **{name: values.to_numpy() for name, values in numbers.items()},
    }
    return frame(columns)


def _fill_counts(numbers: dict[str, pd.Series], table: pd.DataFrame, repairs: Counter) -> None:
    """added, owned and ratings_count from the columns that RAWG splits them into."""
    numbers["added"] = numbers["added"].fillna(_numbers(table, "status_sum", repairs))
    if set(STATUSES) <= set(table.columns):
        statuses = [_numbers(table, name, repairs).fillna(0) for name in STATUSES]
        numbers["added"] = numbers["added"].fillna(sum(statuses[1:], statuses[0]))
        numbers["owned"] = numbers["owned"].fillna(0)
    if set(VOTES) <= set(table.columns):
        votes = [_numbers(table, name, repairs).fillna(0) for name in VOTES]
        numbers["ratings_count"] = numbers["ratings_count"].fillna(sum(votes[1:], votes[0]))


def _empty(values: pd.Series) -> pd.Series:
    if types.is_numeric_dtype(values):
        return values.isna()
    return values.isna() | _as_text(values).str.lower().isin(_EMPTY)


def _as_text(values: pd.Series) -> pd.Series:
    return values.astype("str").str.strip()


def _first_row(marked: pd.Series) -> int:
    """The number of the first marked row, counted in the file from 1 after the header."""
    return int(marked.index[np.flatnonzero(marked)[0]]) + 1


def _ids(values: pd.Series, repairs: Counter) -> np.ndarray:
    """Whole numbers as int64, anything else as text, with nothing of it changed."""
    if types.is_bool_dtype(values) or types.is_datetime64_any_dtype(values):
        raise DataError(f"ids are {values.dtype}, not whole numbers or texts")
    if types.is_float_dtype(values):
        values = values.astype(object).map(lambda x: int(x) if float(x).is_integer() else x)
    text = _as_text(values)
    if (lengths := text.str.len()).max() > LONGEST_ID:
        row = _first_row(lengths > LONGEST_ID)
        raise DataError(f"the id in row {row} has {lengths.max():,} characters, over {LONGEST_ID}")
    decimal = text.str.fullmatch(_WHOLE + r"\.0+")
    if decimal.any() and (decimal | text.str.fullmatch(_WHOLE)).all():
        repairs["ids like 12.0 read as 12"] = int(decimal.sum())
        text = text.str.replace(r"\.0+$", "", regex=True)
    if text.str.fullmatch(_WHOLE).all():
        try:
            return np.array([int(one) for one in text], dtype=np.int64)
        except OverflowError:
            repairs["ids kept as text, some being beyond 64 bits"] = len(text)
    return text.to_numpy(dtype=object)


def _numbers(table: pd.DataFrame, name: str, repairs: Counter) -> pd.Series:
    if name not in table.columns:
        return pd.Series(np.nan, table.index)
    values, empty = table[name], _empty(table[name])
    if not types.is_numeric_dtype(values):
        values = _as_text(values)
    numbers = pd.to_numeric(values.mask(empty), errors="coerce").astype("float64")
    low, high = RANGES.get(name, COUNT)
    bad = ~empty & ~numbers.between(low, high)
    if bad.sum() > _TOLERATED * (~empty).sum():
        shown = str(table[name][bad].iloc[0])[:60]
        raise DataError(
            f"column '{name}' holds {shown!r} in row {_first_row(bad)}, and "
            f"{bad.sum()} of its {(~empty).sum()} filled cells are no numbers from {low} to "
            f"{high:g}"
        )
    repairs[f"{name}: cells out of range emptied"] += int(bad.sum())
    return numbers.mask(bad)


def _texts(table: pd.DataFrame, name: str, repairs: Counter) -> pd.Series | None:
    """Text as it stands (a name may well be 'None'), blank as empty, dates as YYYY-MM-DD."""
    if name not in table.columns:
        return None
    values = table[name]
    if types.is_datetime64_any_dtype(values):
        values = values.dt.strftime("%Y-%m-%d")
    text = values.astype("str")
    blank = _empty(values) if name == "released" else text.str.strip() == ""
    text = text.mask(blank | values.isna())
    repairs[f"{name}: texts cut to {LONGEST_TEXT} characters"] += int(
        (text.str.len() > LONGEST_TEXT).sum()
    )
    return text.str.slice(0, LONGEST_TEXT).reset_index(drop=True)


def _lists(table: pd.DataFrame, name: str) -> list[list[str] | None]:
    """Each cell as a sorted set of names, None where it is empty."""
    if name not in table.columns:
        return [None] * len(table)
    cells = table[name].astype(object).mask(_empty(table[name]), None)
    texts = [cell for cell in cells if isinstance(cell, str) and not _is_bracketed(cell)]
    separator = next((s for s in _SEPARATORS if any(s in text for text in texts)), ",")
    return [None if cell is None else _items(cell, separator) for cell in cells]


def _is_bracketed(text: str) -> bool:
    return text.lstrip().startswith("[") and text.rstrip().endswith("]")


def _items(cell: Any, separator: str) -> list[str]:
    entries = cell if isinstance(cell, list | tuple | np.ndarray) else None
    if entries is None and _is_bracketed(str(cell)):
        entries = _literal(str(cell))
    if entries is None:
        entries = str(cell).split(separator)
    names = (e.get("name") if isinstance(e, Mapping) else e for e in entries)
    stripped = {str(name).strip()[:LONGEST_TEXT] for name in names if name is not None}
    return sorted(stripped - {""})


def _literal(text: str) -> list | None:
    """A list written as JSON or, as pandas does, as Python; None for anything else."""
    for reader in (json.loads, ast.literal_eval):
        try:
            value = reader(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list):
            return value
    return None
