"""One ridge regression per target game on its neighbourhood, by conjugate gradients.

For target j with sources N: (G_NN + penalty I) w = G_Nj. The regularised system is well
conditioned, and ten to twenty steps of preconditioned conjugate gradients (Hestenes and Stiefel
1952) reach float32 precision at a tenth of the cost of a factorisation.
"""

import numpy as np
from numba import get_num_threads, njit, prange

from gamerec.models.kernels.cooccurrence import Neighbours
from gamerec.models.kernels.gram import Gram, gather
from gamerec.models.kernels.ranked import RankedLog
from gamerec.models.kernels.select import sort

_CONTRACT = {"contract", "nsz"}  # fused multiply-add; nothing that reorders a sum
_TOLERANCE = 1e-6  # of the residual, relative to the right-hand side
_STEPS = 200


def solve_ridge(log: RankedLog, gram: Gram, found: Neighbours, penalty: float) -> None:
    """Replace the values in `found` by the regression weights of each target on its sources.

    Memory per thread: the square of (neighbours + 1) float32.
    """
    _solve(log, gram, *found, np.float32(penalty), get_num_threads())


@njit(parallel=True, cache=True, nogil=True)
def _solve(
    log: RankedLog,
    gram: Gram,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    penalty: np.float32,
    n_threads: int,
) -> None:
    n_games, width = len(n_sources), ids.shape[1] + 1
    for t in prange(n_threads):
        place = np.full(n_games, -1, np.int32)
        G = np.empty((width, width), np.float32)
        work = np.empty((6, width), np.float32)
        members = np.empty(width, np.int32)
        for j in range(t, n_games, n_threads):
            m = n_sources[j] + 1
            if m > 1:
                own = join(ids[j], j, m, members)
                gather(log, gram, members[:m], place, G)
                for a in range(m):
                    G[a, a] += penalty
                _conjugate_gradients(G, own, m, work)
                part(members, own, m, work[0], ids[j], values[j])


@njit(cache=True)
def join(ids: np.ndarray, j: int, m: int, members: np.ndarray) -> int:
    """members[:m] = the m - 1 sources and j itself, ascending; returns the place of j."""
    own = 0
    for a in range(m - 1):
        members[a] = ids[a]
        own += ids[a] < j
    members[m - 1] = j
    sort(members, m)
    return own


@njit(cache=True)
def part(
    members: np.ndarray, own: int, m: int, w: np.ndarray, ids: np.ndarray, values: np.ndarray
) -> None:
    """The reverse of `join`, for ids and their weights."""
    for a in range(m - 1):
        b = a + (a >= own)
        ids[a], values[a] = members[b], w[b]


@njit(cache=True, fastmath=_CONTRACT)
def _conjugate_gradients(G: np.ndarray, own: int, m: int, work: np.ndarray) -> None:
    """work[0, :m] = w with G w = G[own] outside `own`, and w[own] = 0.

    An inverse diagonal of 0 keeps the target out of its own regression.
    """
    w, residual, preconditioned, direction, image, inverse = (
        work[0],
        work[1],
        work[2],
        work[3],
        work[4],
        work[5],
    )
    for c in range(m):
        inverse[c] = np.float32(1) / G[c, c]
    inverse[own] = 0
    for c in range(m):
        w[c], residual[c] = 0, G[own, c]
        preconditioned[c] = direction[c] = inverse[c] * residual[c]
    length = _dot(residual, preconditioned, m)
    target = length * _TOLERANCE**2
    for _ in range(_STEPS):
        if length <= target:
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
    out[:m] = 0
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
