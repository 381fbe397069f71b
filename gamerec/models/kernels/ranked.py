"""A play log in rank space: games numbered by popularity, both by user and by game.

Rank 0 is the most popular game. Heavy games then lie together at the front of every accumulator,
where they stay in cache, and "the more popular of equals" is "the lower rank".
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from gamerec.compiling import njit

_LEAST = np.float32(1e-18)


class RankedLog(NamedTuple):
    """X twice, (n_users, n_games): rows of ranks, and for each rank its users; both ascending."""

    order: np.ndarray  # (n_games,) int32: the column at each rank
    row_start: np.ndarray  # (n_users + 1,) int64
    games: np.ndarray  # (nnz,) int32 ranks
    values: np.ndarray  # (nnz,) float32
    game_start: np.ndarray  # (n_games + 1,) int64
    users: np.ndarray  # (nnz,) int32
    user_values: np.ndarray  # (nnz,) float32


def popularity_order(popularity: np.ndarray) -> np.ndarray:
    """Columns by popularity, the highest first; of equals the lower column. (n_games,) int32."""
    return np.argsort(-popularity, kind="stable").astype(np.int32)


def inverse(order: np.ndarray) -> np.ndarray:
    """The rank of each column, where `order` is the column at each rank."""
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order), dtype=order.dtype)
    return rank


def rank_log(X: sparse.csr_matrix, popularity: np.ndarray) -> RankedLog:
    """Renumber the columns of X, a CSR float32 matrix, by popularity (n_games,).

    Values below 1e-18 are lifted to it: their products would vanish, and the kernels take a sum
    of 0 for a game that was not touched yet.
    """
    order = popularity_order(popularity)
    counts = np.bincount(X.indices, minlength=X.shape[1])[order]
    log = RankedLog(
        order,
        X.indptr.astype(np.int64),
        np.empty(X.nnz, np.int32),
        np.empty(X.nnz, np.float32),
        np.concatenate(([0], np.cumsum(counts))),
        np.empty(X.nnz, np.int32),
        np.empty(X.nnz, np.float32),
    )
    _by_game(X.indices, np.maximum(X.data, _LEAST), inverse(order), log, log.game_start.copy())
    _by_user(log, log.row_start.copy())
    return log


def squared_lengths(log: RankedLog) -> np.ndarray:
    """The sum of squares of each game's values, (n_games,) float64 in rank order."""
    squares = np.square(log.values, dtype=np.float64)
    return np.bincount(log.games, weights=squares, minlength=len(log.order))


@njit(cache=True)
def _by_game(
    columns: np.ndarray, values: np.ndarray, rank: np.ndarray, log: RankedLog, place: np.ndarray
) -> None:
    for u in range(len(log.row_start) - 1):
        for p in range(log.row_start[u], log.row_start[u + 1]):
            r = np.uint32(rank[np.uint32(columns[p])])
            log.users[np.uint64(place[r])] = u
            log.user_values[np.uint64(place[r])] = values[p]
            place[r] += 1


@njit(cache=True)
def _by_user(log: RankedLog, place: np.ndarray) -> None:
    for r in range(len(log.order)):
        for p in range(log.game_start[r], log.game_start[r + 1]):
            u = np.uint32(log.users[p])
            log.games[np.uint64(place[u])] = r
            log.values[np.uint64(place[u])] = log.user_values[p]
            place[u] += 1
