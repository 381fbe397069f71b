"""`ContentFeatures`: what each game is about, as one sparse row of numbers.

Genres and tags only. Rating, playtime and ownership say how good or how popular a game is, not of
which kind, and so stay out: they act as weights (columns of the games table).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse


@dataclass(frozen=True)
class ContentFeatures:
    """Content of the games.

    matrix: (n_games, n_features) CSR float32, nothing negative; each row has length 1 (so that
        `matrix @ matrix.T` is the cosine), or is all zero where nothing is known of the game.
    names: (n_features,) str, 'genre:Action' or 'tag:Co-op'.
    game_ids: (n_games,) the ids of the rows, each once.
    """

    matrix: sparse.csr_matrix
    names: np.ndarray
    game_ids: np.ndarray

    def for_games(self, game_ids: Sequence | np.ndarray) -> "ContentFeatures":
        """The rows of these games in this order; a game that is not known has a zero row."""
        wanted = np.asarray(game_ids)
        rows = pd.Index(self.game_ids).get_indexer(pd.Index(wanted))
        known = np.flatnonzero(rows >= 0)
        place = sparse.csr_matrix(
            (np.ones(len(known), np.float32), (known, rows[known])),
            shape=(len(wanted), self.matrix.shape[0]),
        )
        return ContentFeatures((place @ self.matrix).tocsr(), self.names, wanted)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays for a numpy archive."""
        return {
            "data": self.matrix.data,
            "indices": self.matrix.indices,
            "indptr": self.matrix.indptr,
            "names": np.asarray(self.names, dtype=np.str_),
            "game_ids": _plain(self.game_ids),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "ContentFeatures":
        """What `to_arrays` gave."""
        names, game_ids = arrays["names"], arrays["game_ids"]
        matrix = sparse.csr_matrix(
            (arrays["data"], arrays["indices"], arrays["indptr"]),
            shape=(len(game_ids), len(names)),
        )
        return cls(matrix, names, game_ids)


def _plain(ids: np.ndarray) -> np.ndarray:
    """Ids without Python objects: numpy archives hold no pickle."""
    ids = np.asarray(ids)
    return ids if ids.dtype.kind in "iu" else ids.astype(np.str_)
