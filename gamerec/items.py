"""The games of a play log: its own, and those of the catalogue it belongs to.

A game of the log that the catalogue does not know gets a placeholder row, so that every column of X
has a row in the items table. Nothing is known of such a game, and its row says no more than that.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gamerec.columns import GAME, GAMES, NAME, check

UNKNOWN_GENRE = "Unknown"
SCALED_MIDDLE = 0.5  # of a column scaled to 0..1, where there is no catalogue to take a mean from

_MEANS = ("playtime", "rating", "rating_shrunk", "owned_ratio")
_SCALED = ("rating_scaled", "owned_ratio_scaled", "playtime_scaled")


@dataclass(frozen=True)
class Items:
    """A play log and a catalogue that know the same ids.

    games: columns.GAMES, sorted by game_id; every game of the plays is there.
    plays: the interactions, with ids of the type of `games`.
    played: games in the log. matched: of these, known to the catalogue. matched_plays: share of
    the interactions that are of matched games, 0-1.
    """

    games: pd.DataFrame
    plays: pd.DataFrame
    played: int
    matched: int
    matched_plays: float


def items_for(plays: pd.DataFrame, games: pd.DataFrame, source: str) -> Items:
    """The items of a log: its games together with the catalogue's.

    source 'sample' sets the catalogue aside: its 40 games have nothing to do with the log, and an
    equal id would be chance. Where the ids of only one side are whole numbers, both become text.
    """
    known = games.iloc[:0] if source == "sample" else games
    if len(known):
        plays, known = _same_ids(plays, known)
    own = pd.Index(plays[GAME].unique())
    matched = own.isin(known[GAME])
    unknown = placeholders(own[~matched], games.iloc[:0] if source == "sample" else games)
    together = pd.concat([known, unknown], ignore_index=True) if len(known) else unknown
    items = check(together.sort_values(GAME, ignore_index=True), GAMES)
    is_known = plays[GAME].isin(own[matched])
    share = float(is_known.mean()) if len(plays) else 0.0
    return Items(items, plays, len(own), int(matched.sum()), share)


def placeholders(game_ids: pd.Index, games: pd.DataFrame) -> pd.DataFrame:
    """Rows of columns.GAMES for ids of which nothing is known.

    Named by the id, of genre 'Unknown', with no votes or owners; where a row needs a number it is
    the mean of the catalogue `games`, and is marked as imputed.
    """
    count = len(game_ids)
    names = pd.Series(game_ids.astype(str), dtype="str")
    rows: dict[str, Any] = {GAME: game_ids, "slug": names, NAME: names}
    rows |= {"released": pd.Series(pd.NaT, index=range(count), dtype="datetime64[us]")}
    rows |= {"genres": [[UNKNOWN_GENRE] for _ in range(count)], "tags": [[] for _ in range(count)]}
    rows |= {name: np.full(count, _mean(games, name, 0.0)) for name in _MEANS}
    rows |= {name: np.full(count, _mean(games, name, SCALED_MIDDLE)) for name in _SCALED}
    rows |= {name: np.zeros(count) for name in ("ratings_count", "added", "owned")}
    rows |= {name: np.ones(count, bool) for name in ("playtime_imputed", "rating_imputed")}
    rows |= {"metacritic": np.full(count, np.nan)}
    rows |= {"image_url": pd.Series([None] * count, dtype="str")}
    return pd.DataFrame(rows)[GAMES.names]


def _mean(games: pd.DataFrame, name: str, otherwise: float) -> float:
    return float(games[name].mean()) if len(games) else otherwise


def _same_ids(plays: pd.DataFrame, games: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both with ids of one type; text where they differ."""
    if pd.api.types.is_integer_dtype(plays[GAME]) == pd.api.types.is_integer_dtype(games[GAME]):
        return plays, games
    return plays.assign(**{GAME: plays[GAME].astype("str")}), games.assign(
        **{GAME: games[GAME].astype("str")}
    )
