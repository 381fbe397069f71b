"""A play log in rank space: games numbered by popularity, both by user and by game.

Rank 0 is the most popular game. Heavy games then lie together at the front of every accumulator,
where they stay in cache, and "the more popular of equals" is "the lower rank".
"""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads, prange
from scipy import sparse

from gamerec.compiling import njit
from gamerec.models.kernels.threads import ONE_AT_A_TIME

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
    even: bool  # whether all values of a user are the same


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
    values = np.maximum(X.data, _LEAST)
    with ONE_AT_A_TIME:
        by_game = _transposed(X.indptr, inverse(order)[X.indices], values, X.shape[1])
        by_user = _transposed(*by_game, X.shape[0])
    return RankedLog(order, *by_user, *by_game, _is_even(*by_user))


def squared_lengths(log: RankedLog) -> np.ndarray:
    """The sum of squares of each game's values, (n_games,) float64 in rank order."""
    squares = np.square(log.values, dtype=np.float64)
    return np.bincount(log.games, weights=squares, minlength=len(log.order))


def _transposed(
    start: np.ndarray, columns: np.ndarray, values: np.ndarray, n_columns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The arrays of a CSR matrix turned over; each thread has rows of as many entries."""
    shares = np.linspace(0, start[-1], get_num_threads() + 1)
    bounds = np.searchsorted(start, shares)
    return _turn_over(bounds, start, columns, values, n_columns)


@njit(parallel=True, cache=True, nogil=True)
def _turn_over(
    bounds: np.ndarray, start: np.ndarray, columns: np.ndarray, values: np.ndarray, n_columns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    n_threads = len(bounds) - 1
    place = np.zeros((n_threads, n_columns), np.int64)
    for t in prange(n_threads):
        for p in range(start[bounds[t]], start[bounds[t + 1]]):
            place[t, np.uint32(columns[p])] += 1
    turned_start = np.zeros(n_columns + 1, np.int64)
    for j in range(n_columns):
        n = turned_start[j]
        for t in range(n_threads):  # the rows of a thread come after those of the one before
            count, place[t, j] = place[t, j], n
            n += count
        turned_start[j + 1] = n
    rows, turned_values = np.empty(len(columns), np.int32), np.empty(len(columns), np.float32)
    for t in prange(n_threads):
        _turn_share(bounds[t], bounds[t + 1], start, columns, values, place[t], rows, turned_values)
    return turned_start, rows, turned_values


@njit(cache=True)
def _turn_share(
    first: int,
    last: int,
    start: np.ndarray,
    columns: np.ndarray,
    values: np.ndarray,
    place: np.ndarray,
    rows: np.ndarray,
    turned_values: np.ndarray,
) -> None:
    for row in range(first, last):
        for p in range(start[row], start[row + 1]):
            j = np.uint32(columns[p])
            at = np.uint64(place[j])
            rows[at], turned_values[at] = row, values[p]
            place[j] += 1


@njit(cache=True)
def _is_even(start: np.ndarray, columns: np.ndarray, values: np.ndarray) -> bool:
    for row in range(len(start) - 1):
        for p in range(start[row] + 1, start[row + 1]):
            if values[p] != values[start[row]]:
                return False
    return True
