"""The games as the serving core holds them: by column, found by id and by name, filtered.

Knows nothing of models. The first columns are the model's games in its order; games that it does
not know follow, to be looked at but not recommended.
"""

import difflib
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gamerec.serving.answers import BadFilter, Filters, Game, Id


class Games:
    """The catalogue.

    games: (n,) in column order. popularity: (n,) float32, players of each.
    """

    def __init__(self, games: Sequence[Game], popularity: np.ndarray) -> None:
        self.games = list(games)
        self.ids = [game.game_id for game in self.games]
        self.names = [game.name for game in self.games]
        self.popularity = popularity
        self.order = np.argsort(-popularity, kind="stable")  # columns, the most played first
        self._columns = {str(game.game_id): at for at, game in enumerate(self.games)}
        self._labels = {
            "genres": _by_label([game.genres for game in self.games]),
            "tags": _by_label([game.tags for game in self.games]),
        }
        years = [game.year for game in self.games]
        self._years = np.array([np.nan if y is None else y for y in years], float)
        self._folded = [folded(name) for name in self.names]

    def __len__(self) -> int:
        return len(self.games)

    def find(self, game_id: Id) -> int:
        """The column of a game, -1 for an unknown one; 7 and '7' are the same game."""
        return self._columns.get(str(game_id), -1)

    def genres(self) -> list[str]:
        """All genres, sorted."""
        return sorted({genre for game in self.games for genre in game.genres})

    def tags(self) -> list[str]:
        """All tags, sorted."""
        return sorted({tag for game in self.games for tag in game.tags})

    def search(self, text: str) -> list[int]:
        """Columns of the games whose name has the text, without regard to case and accents.

        Names that begin with it first, then those with a word that does; of equals the most
        played. An empty text gives all.
        """
        wanted = folded(text)
        found = []
        for place, column in enumerate(self.order.tolist()):
            name = self._folded[column]
            at = name.find(wanted)
            if at >= 0:
                kind = 0 if at == 0 else 1 if f" {wanted}" in name else 2
                found.append((kind, place, column))
        return [column for _, _, column in sorted(found)]

    def passing(self, filters: Filters) -> np.ndarray:
        """(n,) bool: the games that pass; BadFilter for a wanted label of no game."""
        mask = np.ones(len(self.games), bool)
        for name in ("genres", "tags"):
            some, every, none = (
                self._masks(name, kind, getattr(filters, f"{name}_{kind}"))
                for kind in ("any", "all", "none")
            )
            if some:
                mask &= np.logical_or.reduce(some)
            for wanted in every:
                mask &= wanted
            for unwanted in none:
                mask &= ~unwanted
        if filters.year_from is not None:
            mask &= self._years >= filters.year_from
        if filters.year_to is not None:
            mask &= self._years <= filters.year_to
        return mask

    def _masks(self, name: str, kind: str, labels: Sequence[str]) -> list[np.ndarray]:
        known = self._labels[name]
        masks = []
        for label in labels:
            columns = known.get(label.casefold())
            if columns is None and kind != "none":
                near = difflib.get_close_matches(label.casefold(), known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise BadFilter(f"{name}.{kind}", f"no game has {label!r} among its {name}{hint}")
            mask = np.zeros(len(self.games), bool)
            mask[columns if columns is not None else []] = True
            masks.append(mask)
        return masks


def folded(text: str) -> str:
    """Text to compare by: no case, no accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c)).strip()


def _by_label(lists: Sequence[Sequence[str]]) -> dict[str, list[int]]:
    """Label, without case, to the columns that have it."""
    found: dict[str, list[int]] = {}
    for column, labels in enumerate(lists):
        for label in labels:
            found.setdefault(label.casefold(), []).append(column)
    return found


def game_of(line: Mapping[str, Any], players: float) -> Game:
    """A line of a kept catalogue as a game."""
    return Game(
        line["game_id"],
        line["name"],
        tuple(line["genres"]),
        tuple(line["tags"]),
        line.get("released"),
        line.get("rating"),
        line.get("metacritic"),
        line.get("playtime"),
        line.get("image_url"),
        int(players),
    )
