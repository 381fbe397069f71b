"""G = X'X for the neighbourhood of one game at a time; all of G is held only where that is cheap.

Rows of much played games are kept as dense lower triangles, up to a budget. A row of a rarely
played game is short work from the log itself, and is added up anew whenever it is needed.
"""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads, prange

from gamerec.compiling import njit
from gamerec.models.kernels.ranked import RankedLog
from gamerec.models.kernels.select import sort_pairs
from gamerec.models.kernels.threads import ONE_AT_A_TIME

BUDGET = 1 << 28  # cells of float32: 1 GiB


class Gram(NamedTuple):
    """The rows of G that are held; `gather` adds up the others from the log."""

    row_at: np.ndarray  # (n_games,) int64: where row r starts in `cells`, -1 where it is not kept
    cells: np.ndarray  # float32: G[r, 0..r] of each kept row


def gram(log: RankedLog, uses: int, budget: int = BUDGET) -> Gram:
    """Keep the rows that are dearer to add up `uses` times than to keep, within the budget."""
    length = np.arange(1, len(log.order) + 1)
    kept = _row_work(log) * uses > 4 * length + uses * uses
    kept &= np.cumsum(kept * length) <= budget
    return _keep(log, kept)


def whole_gram(log: RankedLog) -> Gram:
    """Keep all rows: n_games^2 / 2 float32."""
    return _keep(log, np.ones(len(log.order), np.bool_))


def no_gram(log: RankedLog) -> Gram:
    """Keep no row."""
    return _keep(log, np.zeros(len(log.order), np.bool_))


def _keep(log: RankedLog, kept: np.ndarray) -> Gram:
    length = np.where(kept, np.arange(1, len(kept) + 1), 0)
    ends = np.cumsum(length)
    held = Gram(np.where(kept, ends - length, -1), np.zeros(int(length.sum()), np.float32))
    with ONE_AT_A_TIME:
        _fill(get_num_threads(), log, held.row_at, held.cells)
    return held


@njit(cache=True)
def _row_work(log: RankedLog) -> np.ndarray:
    """For each rank the length of its users' rows together, (n_games,) int64."""
    work = np.zeros(len(log.order), np.int64)
    for u in range(len(log.row_start) - 1):
        first, last = log.row_start[u], log.row_start[u + 1]
        for p in range(first, last):
            work[log.games[p]] += last - first
    return work


@njit(parallel=True, cache=True, nogil=True)
def _fill(n_threads: int, log: RankedLog, row_at: np.ndarray, cells: np.ndarray) -> None:
    for t in prange(n_threads):
        _fill_share(np.int64(t), n_threads, log, row_at, cells)


@njit(cache=True)
def _fill_share(
    t: np.int64, n_threads: int, log: RankedLog, row_at: np.ndarray, cells: np.ndarray
) -> None:
    for r in range(t, len(row_at), n_threads):
        if row_at[r] >= 0:
            row = cells[row_at[r] : row_at[r] + r + 1]
            for q in range(log.game_start[r], log.game_start[r + 1]):
                u, x = np.uint32(log.users[q]), log.user_values[q]
                product = x * x
                for p in range(np.uint64(log.row_start[u]), np.uint64(log.row_start[u + 1])):
                    i = np.uint32(log.games[p])
                    if i > r:
                        break
                    row[i] += product if log.even else x * log.values[p]


@njit(cache=True)
def gather(
    log: RankedLog,
    row_at: np.ndarray,
    cells: np.ndarray,
    members: np.ndarray,
    m: int,
    place: np.ndarray,
    G: np.ndarray,
) -> None:
    """G[a, b] = x[members[a]] . x[members[b]] for a, b < m, both halves and the diagonal.

    members: ascending ranks; place: (n_games,) int32, all zero, and left so.
    """
    for a in range(m):
        place[members[a]] = a + 1
    for a in range(m):
        r, row = members[a], G[a]
        if row_at[r] >= 0:
            held = cells[row_at[r] : row_at[r] + r + 1]
            for b in range(a + 1):
                row[b] = held[np.uint32(members[b])]
        else:
            for b in range(a + 1):
                row[b] = 0
            _add_row(log, r, place, row)
        for b in range(a):
            G[b, a] = row[b]
    for a in range(m):
        place[members[a]] = 0


@njit(cache=True)
def _add_row(log: RankedLog, r: int, place: np.ndarray, row: np.ndarray) -> None:
    for q in range(log.game_start[r], log.game_start[r + 1]):
        u, x = np.uint32(log.users[q]), log.user_values[q]
        for p in range(np.uint64(log.row_start[u]), np.uint64(log.row_start[u + 1])):
            i = np.uint32(log.games[p])
            if i > r:
                break
            b = place[i]
            if b > 0:
                row[b - 1] += x * log.values[p]


@njit(cache=True)
def enter(
    ids: np.ndarray, values: np.ndarray, n: int, j: int, members: np.ndarray, w: np.ndarray
) -> int:
    """A target joins its n sources: members[:n + 1] ascending, w their values, 0 for the target.

    Sorts ids and values as well. Returns the place of the target.
    """
    sort_pairs(ids, values, n)
    own = 0
    for a in range(n):
        own += ids[a] < j
    for a in range(n):
        b = a + (a >= own)
        members[b], w[b] = ids[a], values[a]
    members[own], w[own] = j, 0
    return own


@njit(cache=True)
def leave(values: np.ndarray, n: int, own: int, w: np.ndarray) -> None:
    """The reverse: the values of the sources, without the target."""
    for a in range(n):
        values[a] = w[a + (a >= own)]
