"""The games of a play log: its own, and those of the catalogue it belongs to.

A game of the log that the catalogue does not know gets a placeholder row, so that every column of X
has a row in the items table. Nothing is known of such a game, and its row says no more than that.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from gamerec.catalogue.features import ContentFeatures
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
    features: content of `games`, row by row; zero where it is unknown.
    played: games in the log. matched: of these, known to the catalogue. matched_plays: share of
    the interactions that are of matched games, 0-1.
    """

    games: pd.DataFrame
    plays: pd.DataFrame
    features: ContentFeatures
    played: int
    matched: int
    matched_plays: float


def items_for(
    plays: pd.DataFrame, games: pd.DataFrame, features: ContentFeatures, source: str
) -> Items:
    """The items of a log: its games together with the catalogue's `games` and their `features`.

    source 'sample' sets the catalogue aside: its 40 games have nothing to do with the log, and an
    equal id would be chance. Where the ids of only one side are whole numbers, both become text.
    """
    if source == "sample":
        games, features = games.iloc[:0], _without_games(features)
    if len(games) and _whole(plays) != _whole(games):
        plays, games = _with_text_ids(plays), _with_text_ids(games)
        features = replace(features, game_ids=features.game_ids.astype(np.str_))
    own = pd.Index(plays[GAME].unique())
    known = own.isin(games[GAME])
    unknown = placeholders(own[~known], games)
    together = pd.concat([games, unknown], ignore_index=True) if len(games) else unknown
    items = check(together.sort_values(GAME, ignore_index=True), GAMES)
    return Items(
        games=items,
        plays=plays,
        features=features.for_games(items[GAME].to_numpy()),
        played=len(own),
        matched=int(known.sum()),
        matched_plays=float(plays[GAME].isin(own[known]).mean()),
    )


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


def _without_games(features: ContentFeatures) -> ContentFeatures:
    return replace(features, matrix=features.matrix[:0], game_ids=features.game_ids[:0])


def _whole(table: pd.DataFrame) -> bool:
    return pd.api.types.is_integer_dtype(table[GAME])


def _with_text_ids(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{GAME: table[GAME].astype("str")})
