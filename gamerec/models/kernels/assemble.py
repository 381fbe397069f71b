"""From the sources of each target to the weight matrix in column space."""

import numpy as np
from numba import get_num_threads, prange
from scipy import sparse

from gamerec.compiling import njit
from gamerec.models.kernels.cooccurrence import Neighbours
from gamerec.models.kernels.ranked import inverse
from gamerec.models.kernels.threads import ONE_AT_A_TIME


def weight_matrix(
    found: Neighbours,
    order: np.ndarray,
    source: np.ndarray | None = None,
    target: np.ndarray | None = None,
) -> sparse.csr_matrix:
    """W, (n_games, n_games) CSR float32 with sorted rows: W[i, j] = value of source i of target j.

    `found` speaks of ranks, the result of columns; order: (n_games,) the column at each rank.
    source, target: (n_games,) float32 in rank order; each value is multiplied by both of its
    factors. Values of 0 are left out.
    """
    n_games = len(order)
    source = np.ones(n_games, np.float32) if source is None else source
    target = np.ones(n_games, np.float32) if target is None else target
    with ONE_AT_A_TIME:
        arrays = _transpose(get_num_threads(), *found, order, inverse(order), source, target)
    W = sparse.csr_matrix(arrays, shape=(n_games, n_games))
    W.has_canonical_format = True
    return W


@njit(parallel=True, cache=True, nogil=True)
def _transpose(
    n_threads: int,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    order: np.ndarray,
    rank: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Data, indices and indptr; each thread has a range of columns and a place in each row."""
    n_games = len(order)
    place = np.zeros((n_threads, n_games), np.int32)
    for t in prange(n_threads):
        _count(np.int64(t), n_threads, ids, values, n_sources, order, rank, place[t])
    indptr = np.zeros(n_games + 1, np.int32)
    for i in range(n_games):
        n = indptr[i]
        for t in range(n_threads):
            count, place[t, i] = place[t, i], n
            n += count
        indptr[i + 1] = n
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    for t in prange(n_threads):
        _place(
            np.int64(t),
            n_threads,
            ids,
            values,
            n_sources,
            order,
            rank,
            source,
            target,
            place[t],
            indices,
            data,
        )
    return data, indices, indptr


@njit(cache=True)
def _count(
    t: np.int64,
    n_threads: int,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    order: np.ndarray,
    rank: np.ndarray,
    place: np.ndarray,
) -> None:
    n_games = len(order)
    for column in range(t * n_games // n_threads, (t + 1) * n_games // n_threads):
        j = rank[column]
        for a in range(n_sources[j]):
            place[np.uint32(order[np.uint32(ids[j, a])])] += values[j, a] != 0


@njit(cache=True)
def _place(
    t: np.int64,
    n_threads: int,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    order: np.ndarray,
    rank: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    place: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
) -> None:
    n_games = len(order)
    # ascending columns, so that each row comes out sorted
    for column in range(t * n_games // n_threads, (t + 1) * n_games // n_threads):
        j = rank[column]
        for a in range(n_sources[j]):
            if values[j, a] != 0:
                r = np.uint32(ids[j, a])
                i = np.uint32(order[r])
                p = np.uint32(place[i])
                indices[p] = column
                data[p] = values[j, a] * source[r] * target[j]
                place[i] += 1
