"""A play log in rank space: games numbered by popularity, both by user and by game.

Rank 0 is the most popular game. Heavy games then lie together at the front of every
accumulator, where they stay in cache, and "the more popular of equals" is "the lower rank".
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy import sparse


class RankedLog(NamedTuple):
    """X twice, (n_users, n_games): rows of ranks, and for each rank its users; both ascending."""

    order: np.ndarray  # (n_games,) int32: the column at each rank
    row_start: np.ndarray  # (n_users + 1,)
    games: np.ndarray  # (nnz,) int32 ranks
    values: np.ndarray  # (nnz,) float32
    game_start: np.ndarray  # (n_games + 1,)
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
    """Renumber the columns of X, a CSR float32 matrix, by popularity (n_games,)."""
    counts = np.bincount(X.indices, minlength=X.shape[1])
    order = popularity_order(popularity)
    return RankedLog(order, *_rank(X.indptr, X.indices, X.data, inverse(order), counts[order]))


def squared_lengths(log: RankedLog) -> np.ndarray:
    """The sum of squares of each game's values, (n_games,) float64 in rank order."""
    squares = np.square(log.values, dtype=np.float64)
    return np.bincount(log.games, weights=squares, minlength=len(log.order))


@njit(cache=True)
def _rank(
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    rank: np.ndarray,
    counts: np.ndarray,
) -> tuple[np.ndarray, ...]:
    n_users, n_games, nnz = len(indptr) - 1, len(rank), len(indices)
    game_start = np.zeros(n_games + 1, np.int64)
    game_start[1:] = np.cumsum(counts)
    users, user_values = np.empty(nnz, np.int32), np.empty(nnz, np.float32)
    fill = game_start[:-1].copy()
    for u in range(n_users):
        for p in range(indptr[u], indptr[u + 1]):
            r = rank[indices[p]]
            users[fill[r]], user_values[fill[r]] = u, data[p]
            fill[r] += 1
    row_start = indptr.astype(np.int64)
    games, values = np.empty(nnz, np.int32), np.empty(nnz, np.float32)
    place = row_start[:-1].copy()
    for r in range(n_games):
        for p in range(game_start[r], game_start[r + 1]):
            u = users[p]
            games[place[u]], values[place[u]] = r, user_values[p]
            place[u] += 1
    return row_start, games, values, game_start, users, user_values
