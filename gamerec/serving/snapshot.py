"""One version in memory, ready to answer: model, games, players and what it takes to rank.

Everything large is mapped from files, so workers share it, and nothing changes after loading: a
request that holds a snapshot sees one version from its first line to its last.
"""

import functools
import threading
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from scipy import sparse

from gamerec import models
from gamerec.models.kernels import scoring
from gamerec.serving.answers import Filters
from gamerec.serving.build import ABOUT, GAMES, MODEL
from gamerec.serving.catalogue import Games, game_of
from gamerec.serving.identity import UserIds, read_users

_CACHED_MASKS = 256


class Snapshot:
    """A version with its data.

    games: all columns, of which the model knows the first `n_games`. indptr, indices, weights: the
    users' histories in these columns, CSR. allowed: (n_games,) bool, games that are in the
    catalogue now.
    """

    def __init__(self, folder: Path) -> None:
        """Map a folder that `build` wrote and that has been checked."""
        self.about: dict[str, Any] = orjson.loads((folder / ABOUT).read_bytes())
        self.version: str = self.about["version"]
        self.model = models.load(folder / MODEL, mmap=True)
        self.n_games = self.model.n_games
        lines = orjson.loads((folder / GAMES).read_bytes())
        players = np.zeros(len(lines), np.float32)
        players[: self.n_games] = self.model.popularity
        self.games = Games(list(map(game_of, lines, players.tolist())), players)
        self.allowed = np.array([line["known"] for line in lines[: self.n_games]], bool)
        self.users: UserIds = read_users(folder)
        names = ("indptr", "indices", "weights")
        self.indptr, self.indices, self.weights = (_mapped(folder, name) for name in names)
        self.features = _features(folder, self.n_games)
        self.scorer = self.model.scorer
        self.mask = functools.lru_cache(_CACHED_MASKS)(self._mask)
        self._lent = threading.local()

    def history(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        """Columns (ascending) and weights of what a user played, known to the model or not."""
        part = slice(int(self.indptr[row]), int(self.indptr[row + 1]))
        return self.indices[part], self.weights[part]

    def best(
        self, columns: np.ndarray, weights: np.ndarray, k: int, allowed: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best games for one history: (k,) int32, -1 at the end, and (k,) float32.

        columns: (n,) int64, known to the model. weights: (n,) float32 as in the log, or empty
        where all are 1. Exactly what `ItemModel.recommend` gives for the same row.
        """
        games, scores = np.empty(k, np.int32), np.empty(k, np.float32)
        values = self.values(weights)
        scoring.best_for_one(
            self.scorer, columns, values, True, allowed, self._buffers(k), games, scores
        )
        return games, scores

    def values(self, weights: np.ndarray) -> np.ndarray:
        """Weights read by the model's rule; empty where all count 1."""
        rule = self.model.options.values
        if rule == "binary":
            return scoring.ALL_ONES
        return np.log1p(weights) if rule == "log" else weights

    def _mask(self, filters: Filters) -> np.ndarray:
        """(n_games,) bool: the games that may be recommended under these filters."""
        return self.allowed & self.games.passing(filters)[: self.n_games]

    def _buffers(self, k: int) -> scoring.Buffers:
        lent: scoring.Buffers | None = getattr(self._lent, "buffers", None)
        if lent is None or len(lent.keys) < scoring.room(k):
            lent = self._lent.buffers = scoring.new_buffers(self.n_games, k)
        return lent


def _mapped(folder: Path, name: str) -> np.ndarray:
    path = folder / f"{name}.npy"
    # Copy-on-write as for the model: kernels are compiled for writeable arrays. Nothing writes.
    return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))


def _features(folder: Path, n_games: int) -> sparse.csr_matrix:
    """(n_games, n_features), the content of the model's games."""
    data, indices, indptr = (
        _mapped(folder, f"features_{name}") for name in ("data", "indices", "indptr")
    )
    width = int(_mapped(folder, "features_width")[0])
    return sparse.csr_matrix((data, indices, indptr), shape=(n_games, width), copy=False)
