"""One ridge regression per target game on its neighbourhood, by conjugate gradients.

For target j with sources N: (G_NN + penalty I) w = G_Nj. The regularised system is well
conditioned, and ten to twenty steps of preconditioned conjugate gradients (Hestenes and Stiefel
1952) reach float32 precision at a tenth of the cost of a factorisation.
"""

import numpy as np
from numba import get_num_threads, prange

from gamerec.compiling import njit
from gamerec.models.kernels.cooccurrence import Neighbours
from gamerec.models.kernels.gram import Gram, enter, gather, leave
from gamerec.models.kernels.ranked import RankedLog
from gamerec.models.kernels.threads import ONE_AT_A_TIME

_CONTRACT = {"contract", "nsz"}  # fused multiply-add; nothing that reorders a sum
_TOLERANCE = 1e-6  # of the residual, relative to the right-hand side
_STEPS = 200


def solve_ridge(log: RankedLog, gram: Gram, found: Neighbours, penalty: float) -> None:
    """Replace the values in `found` by the regression weights of each target on its sources.

    Memory per thread: the square of (neighbours + 1) float32.
    """
    with ONE_AT_A_TIME:
        _solve(get_num_threads(), log, *gram, *found, np.float32(penalty))


@njit(parallel=True, cache=True, nogil=True)
def _solve(
    n_threads: int,
    log: RankedLog,
    row_at: np.ndarray,
    cells: np.ndarray,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    penalty: np.float32,
) -> None:
    for t in prange(n_threads):
        _solve_share(np.int64(t), n_threads, log, row_at, cells, ids, values, n_sources, penalty)


@njit(cache=True)
def _solve_share(
    t: np.int64,
    n_threads: int,
    log: RankedLog,
    row_at: np.ndarray,
    cells: np.ndarray,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    penalty: np.float32,
) -> None:
    n_games, width = len(n_sources), ids.shape[1] + 1
    place = np.zeros(n_games, np.int32)
    members = np.empty(width, np.int32)
    G = np.empty((width, width), np.float32)
    w, work = np.empty(width, np.float32), np.empty((5, width), np.float32)
    for j in range(t, n_games, n_threads):
        n = n_sources[j]
        if n:
            own = enter(ids[j], values[j], n, j, members, w)
            gather(log, row_at, cells, members, n + 1, place, G)
            for a in range(n + 1):
                G[a, a] += penalty
            _conjugate_gradients(G, own, n + 1, w, work)
            leave(values[j], n, own, w)


@njit(cache=True, fastmath=_CONTRACT, error_model="numpy")
def _conjugate_gradients(G: np.ndarray, own: int, m: int, w: np.ndarray, work: np.ndarray) -> None:
    """w[:m] such that (G w)[a] = G[a, own] for each a but own, and w[own] = 0.

    An inverse diagonal of 0 keeps the target out of its own regression.
    """
    residual, preconditioned, direction = work[0], work[1], work[2]
    image, inverse = work[3], work[4]
    for c in range(m):
        inverse[c] = 0 if c == own else 1 / G[c, c]
        w[c], residual[c] = 0, G[own, c]
        preconditioned[c] = direction[c] = inverse[c] * residual[c]
    length = _dot(residual, preconditioned, m)
    enough = length * _TOLERANCE**2
    for _ in range(_STEPS):
        if length <= enough:
            break
        _multiply(G, direction, m, image)
        step = np.float32(length / _dot(direction, image, m))
        for c in range(m):
            w[c] += step * direction[c]
            residual[c] -= step * image[c]
            preconditioned[c] = inverse[c] * residual[c]
        previous, length = length, _dot(residual, preconditioned, m)
        ratio = np.float32(length / previous)
        for c in range(m):
            direction[c] = preconditioned[c] + ratio * direction[c]


@njit(cache=True, fastmath=_CONTRACT)
def _dot(a: np.ndarray, b: np.ndarray, m: int) -> float:
    total = 0.0
    for c in range(m):
        total += a[c] * b[c]
    return total


@njit(cache=True, fastmath=_CONTRACT)
def _multiply(G: np.ndarray, v: np.ndarray, m: int, out: np.ndarray) -> None:
    """out[:m] = G[:m, :m] v for symmetric G: sums of rows, eight at a time, which vectorises."""
    for p in range(m):
        out[p] = 0
    whole = m - m % 8
    for r in range(0, whole, 8):
        a, b, c, d = G[r], G[r + 1], G[r + 2], G[r + 3]
        e, f, g, h = G[r + 4], G[r + 5], G[r + 6], G[r + 7]
        va, vb, vc, vd = v[r], v[r + 1], v[r + 2], v[r + 3]
        ve, vf, vg, vh = v[r + 4], v[r + 5], v[r + 6], v[r + 7]
        for p in range(m):
            low = (va * a[p] + vb * b[p]) + (vc * c[p] + vd * d[p])
            high = (ve * e[p] + vf * f[p]) + (vg * g[p] + vh * h[p])
            out[p] += low + high
    for r in range(whole, m):
        row, x = G[r], v[r]
        for p in range(m):
            out[p] += x * row[p]
