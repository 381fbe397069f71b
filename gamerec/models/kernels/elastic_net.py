"""One sweep of coordinate descent for each target's elastic net on its neighbourhood.

For target j with sources N, minimise over w

    1/2 |x_j - X_N w|^2 + l1 |w|_1 + l2/2 |w|^2

which needs no more of X than the Gram matrix (Friedman, Hastie and Tibshirani 2010, section 2.2).
With slope = X'(x_j - X w), a coordinate's best value is soft(slope + G w, l1) / (G + l2).
"""

import numpy as np
from numba import get_num_threads, prange

from gamerec.compiling import njit
from gamerec.models.kernels.cooccurrence import Neighbours
from gamerec.models.kernels.gram import Gram, enter, gather, leave
from gamerec.models.kernels.ranked import RankedLog
from gamerec.models.kernels.threads import ONE_AT_A_TIME

_CONTRACT = {"contract", "nsz"}  # fused multiply-add; nothing that reorders a sum


def sweep(
    log: RankedLog, gram: Gram, found: Neighbours, l1: float, l2: float, non_negative: bool
) -> tuple[float, float]:
    """Update every value in `found` once, in place.

    Returns the objective after the sweep, summed over targets, and the largest change of a weight.
    """
    objective = np.zeros(len(log.order))
    change = np.zeros(len(log.order), np.float32)
    penalties = (np.float32(l1), np.float32(l2))
    with ONE_AT_A_TIME:
        _sweep(get_num_threads(), log, *gram, *found, *penalties, non_negative, objective, change)
    return float(objective.sum()), float(change.max(initial=0))


@njit(parallel=True, cache=True, nogil=True)
def _sweep(
    n_threads: int,
    log: RankedLog,
    row_at: np.ndarray,
    cells: np.ndarray,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    l1: np.float32,
    l2: np.float32,
    non_negative: bool,
    objective: np.ndarray,
    change: np.ndarray,
) -> None:
    for t in prange(n_threads):
        _sweep_share(
            np.int64(t),
            n_threads,
            log,
            row_at,
            cells,
            ids,
            values,
            n_sources,
            l1,
            l2,
            non_negative,
            objective,
            change,
        )


@njit(cache=True)
def _sweep_share(
    t: np.int64,
    n_threads: int,
    log: RankedLog,
    row_at: np.ndarray,
    cells: np.ndarray,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
    l1: np.float32,
    l2: np.float32,
    non_negative: bool,
    objective: np.ndarray,
    change: np.ndarray,
) -> None:
    n_games, width = len(n_sources), ids.shape[1] + 1
    place = np.zeros(n_games, np.int32)
    members = np.empty(width, np.int32)
    G = np.empty((width, width), np.float32)
    w, slope = np.empty(width, np.float32), np.empty(width, np.float32)
    for j in range(t, n_games, n_threads):
        n = n_sources[j]
        if n:
            own = enter(ids[j], values[j], n, j, members, w)
            gather(log, row_at, cells, members, n + 1, place, G)
            _slope(G, own, n + 1, w, slope)
            _stretch(G, own, n + 1, l1, l2, w, slope)
            change[j] = _descend(G, own, n + 1, l1, l2, non_negative, w, slope)
            objective[j] = _objective(G, own, n + 1, l1, l2, w, slope)
            leave(values[j], n, own, w)


@njit(cache=True, fastmath=_CONTRACT)
def _slope(G: np.ndarray, own: int, m: int, w: np.ndarray, slope: np.ndarray) -> None:
    for c in range(m):
        slope[c] = G[own, c]
    for a in range(m):
        row, x = G[a], w[a]
        if x != 0:
            for c in range(m):
                slope[c] -= x * row[c]


@njit(cache=True)
def _stretch(
    G: np.ndarray,
    own: int,
    m: int,
    l1: np.float32,
    l2: np.float32,
    w: np.ndarray,
    slope: np.ndarray,
) -> None:
    """Bring w to the length that minimises the objective along its direction.

    Similarities as a start point the right way, but add up to far too much.
    """
    gain, cost = 0.0, 0.0
    for a in range(m):
        gain += w[a] * G[own, a] - l1 * abs(w[a])
        cost += w[a] * (G[own, a] - slope[a] + l2 * w[a])
    if cost > 0:
        length = np.float32(max(gain, 0.0) / cost)
        for a in range(m):
            w[a] *= length
            slope[a] = G[own, a] - length * (G[own, a] - slope[a])


@njit(cache=True, fastmath=_CONTRACT, error_model="numpy")
def _descend(
    G: np.ndarray,
    own: int,
    m: int,
    l1: np.float32,
    l2: np.float32,
    non_negative: bool,
    w: np.ndarray,
    slope: np.ndarray,
) -> np.float32:
    """One pass over the coordinates; returns the largest change."""
    largest = np.float32(0)
    for a in range(m):
        if a != own:
            row = G[a]
            pull = slope[a] + row[a] * w[a]
            new = max(abs(pull) - l1, np.float32(0)) / (row[a] + l2)
            if pull < 0:
                new = np.float32(0) if non_negative else -new
            step = new - w[a]
            if step != 0:
                w[a] = new
                for c in range(m):
                    slope[c] -= step * row[c]
                largest = max(largest, abs(step))
    return largest


@njit(cache=True)
def _objective(
    G: np.ndarray,
    own: int,
    m: int,
    l1: np.float32,
    l2: np.float32,
    w: np.ndarray,
    slope: np.ndarray,
) -> float:
    error, size, square = float(G[own, own]), 0.0, 0.0
    for a in range(m):
        error -= w[a] * (G[own, a] + slope[a])  # |x - Xw|^2 = x.x - w.(b + slope)
        size += abs(w[a])
        square += w[a] * w[a]
    return float(0.5 * error + l1 * size + 0.5 * l2 * square)
