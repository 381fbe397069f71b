"""From the sources of each target to the weight matrix in column space."""

import numpy as np
from numba import njit
from scipy import sparse

from gamerec.models.kernels.cooccurrence import Neighbours
from gamerec.models.kernels.ranked import inverse


def weight_matrix(found: Neighbours, order: np.ndarray) -> sparse.csr_matrix:
    """W, (n_games, n_games) CSR float32 with sorted rows: W[i, j] = value of source i of target j.

    `found` speaks of ranks, the result of columns; order: (n_games,) the column at each rank.
    """
    n_games = len(order)
    indptr, indices, data = _transpose(*found, order, inverse(order))
    W = sparse.csr_matrix((data, indices, indptr), shape=(n_games, n_games))
    W.has_sorted_indices = True
    return W


@njit(cache=True)
def _transpose(
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    order: np.ndarray,
    rank: np.ndarray,
) -> tuple[np.ndarray, ...]:
    n_games = len(order)
    indptr = np.zeros(n_games + 1, np.int64)
    for j in range(n_games):
        for a in range(n_sources[j]):
            indptr[order[ids[j, a]] + 1] += 1
    indptr = np.cumsum(indptr)
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    place = indptr[:-1].copy()
    for column in range(n_games):  # ascending columns, so that each row comes out sorted
        j = rank[column]
        for a in range(n_sources[j]):
            i = order[ids[j, a]]
            indices[place[i]], data[place[i]] = column, values[j, a]
            place[i] += 1
    return indptr, indices, data
