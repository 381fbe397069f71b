"""The nearest sources of each target when likeness is a product of factors: left[i] . right[j]."""

import numpy as np
from numba import get_num_threads, prange

from gamerec.compiling import njit
from gamerec.models.kernels.cooccurrence import Neighbours
from gamerec.models.kernels.select import pack, position_of, room, score_of, shrink
from gamerec.models.kernels.threads import ONE_AT_A_TIME

_TARGETS = 256  # at a time


def nearest_by_factors(left: np.ndarray, right: np.ndarray, k: int) -> Neighbours:
    """The at most k sources i with the highest positive left[i] . right[j], itself left out.

    left, right: (n_games, d) float32 in rank order. Of equals the lower rank. Memory: the result
    and 256 rows of n_games float32; time: n_games^2 d multiplications, by BLAS.
    """
    n_games = len(left)
    k = max(1, min(k, n_games - 1))
    found = Neighbours(
        np.empty((n_games, k), np.int32),
        np.empty((n_games, k), np.float32),
        np.zeros(n_games, np.int32),
    )
    for first in range(0, n_games, _TARGETS):
        products = right[first : first + _TARGETS] @ left.T  # (targets, n_games)
        with ONE_AT_A_TIME:
            _keep(get_num_threads(), products, first, room(k), *found)
    return found


@njit(parallel=True, cache=True, nogil=True)
def _keep(
    n_threads: int,
    products: np.ndarray,
    first: int,
    n_keys: int,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
) -> None:
    for t in prange(n_threads):
        _keep_share(np.int64(t), n_threads, products, first, n_keys, ids, values, n_sources)


@njit(cache=True)
def _keep_share(
    t: np.int64,
    n_threads: int,
    products: np.ndarray,
    first: int,
    n_keys: int,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
) -> None:
    k, keys = ids.shape[1], np.empty(n_keys, np.uint64)
    for row in range(t, len(products), n_threads):
        j, n, least = first + row, 0, np.float32(0)
        for i in range(products.shape[1]):
            s = products[row, i]
            if s > least and i != j:  # of equals with the least, the lower rank is there already
                keys[n] = pack(s, i)
                n += 1
                if n == n_keys:
                    n = shrink(keys, n, k)
                    least = score_of(keys[k - 1])
        n = shrink(keys, n, k)
        for a in range(n):
            ids[j, a], values[j, a] = position_of(keys[a]), score_of(keys[a])
        n_sources[j] = n
