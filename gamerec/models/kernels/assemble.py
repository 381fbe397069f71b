"""From the sources of each target to the weight matrix in column space."""

import numpy as np
from scipy import sparse

from gamerec.compiling import njit
from gamerec.models.kernels.cooccurrence import Neighbours
from gamerec.models.kernels.ranked import inverse


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
    arrays = _transpose(*found, order, inverse(order), source, target)
    W = sparse.csr_matrix(arrays, shape=(n_games, n_games))
    W.has_canonical_format = True
    return W


@njit(cache=True)
def _transpose(
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    order: np.ndarray,
    rank: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
) -> tuple[np.ndarray, ...]:
    n_games = len(order)
    indptr = np.zeros(n_games + 1, np.int32)
    for j in range(n_games):
        for a in range(n_sources[j]):
            i = order[np.uint32(ids[j, a])]
            indptr[np.uint32(i + 1)] += values[j, a] != 0
    for i in range(n_games):
        indptr[i + 1] += indptr[i]
    indices, data = np.empty(indptr[-1], np.int32), np.empty(indptr[-1], np.float32)
    place = indptr[:-1].copy()
    for column in range(n_games):  # ascending columns, so that each row comes out sorted
        j = rank[column]
        for a in range(n_sources[j]):
            if values[j, a] != 0:
                r = np.uint32(ids[j, a])
                i = np.uint32(order[r])
                p = np.uint32(place[i])
                indices[p] = column
                data[p] = values[j, a] * source[r] * target[j]
                place[i] += 1
    return data, indices, indptr
