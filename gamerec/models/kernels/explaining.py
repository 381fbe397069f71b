"""Which played game gave how much to a score: values[i] W[i, j], read out of W one by one."""

import numpy as np
from numba import get_num_threads, prange
from scipy import sparse

from gamerec.compiling import njit
from gamerec.models.kernels.scoring import Scorer
from gamerec.models.kernels.threads import ONE_AT_A_TIME


@njit(cache=True, nogil=True)
def contributions(scorer: Scorer, played: np.ndarray, values: np.ndarray, game: int) -> np.ndarray:
    """values[a] W[played[a], game], (n,) float32."""
    parts = np.empty(len(played), np.float32)
    for a in range(len(played)):
        parts[a] = values[a] * _weight(scorer, played[a], game)
    return parts


def strongest_sources(scorer: Scorer, X: sparse.csr_matrix, games: np.ndarray) -> np.ndarray:
    """For each place of lists (n_users, k) the played game that gives it most, (n_users, k) int32.

    -1 where none gives more than 0; of equals the lower column.
    """
    out = np.empty(games.shape, np.int32)
    with ONE_AT_A_TIME:
        _strongest(get_num_threads(), scorer, X.indptr, X.indices, X.data, games, out)
    return out


@njit(parallel=True, cache=True, nogil=True)
def _strongest(
    n_threads: int,
    scorer: Scorer,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    games: np.ndarray,
    out: np.ndarray,
) -> None:
    for t in prange(n_threads):
        _strongest_share(np.int64(t), n_threads, scorer, indptr, indices, data, games, out)


@njit(cache=True)
def _strongest_share(
    t: np.int64,
    n_threads: int,
    scorer: Scorer,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    games: np.ndarray,
    out: np.ndarray,
) -> None:
    for u in range(t, len(games), n_threads):
        for a in range(games.shape[1]):
            most, source = np.float32(0), -1
            if games[u, a] >= 0:
                for p in range(indptr[u], indptr[u + 1]):
                    part = data[p] * _weight(scorer, indices[p], games[u, a])
                    if part > most:
                        most, source = part, indices[p]
            out[u, a] = source


@njit(cache=True)
def _weight(scorer: Scorer, i: int, j: int) -> np.float32:
    """W[i, j], by binary search in the sorted row i."""
    low, high = scorer.start[i], scorer.start[i + 1]
    while low < high:
        middle = (low + high) >> 1
        if scorer.targets[middle] < j:
            low = middle + 1
        else:
            high = middle
    if low < scorer.start[i + 1] and scorer.targets[low] == j:
        return scorer.weights[low]
    return np.float32(0)
