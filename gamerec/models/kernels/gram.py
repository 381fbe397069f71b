"""G = X'X for the neighbourhood of one game at a time; all of G is held only where that is cheap.

Rows of much played games are kept as dense lower triangles, up to a budget. A row of a rarely
played game is short work from the log itself, and is added up anew whenever it is needed.
"""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange

from gamerec.models.kernels.ranked import RankedLog

BUDGET = 1 << 28  # cells of float32: 1 GiB


class Gram(NamedTuple):
    """The rows of G that are held; `gather` adds up the others from the log."""

    row_at: np.ndarray  # (n_games,) int64: where row r starts in `cells`, -1 where it is not kept
    cells: np.ndarray  # float32: G[r, 0..r] of each kept row


def gram(log: RankedLog, uses: int, budget: int = BUDGET) -> Gram:
    """Keep the rows that are dearer to add up `uses` times than to keep, within the budget."""
    n_games = len(log.order)
    work = _row_work(log)
    length = np.arange(1, n_games + 1)
    kept = work * uses > 4 * length + uses * uses
    kept &= np.cumsum(np.where(kept, length, 0)) <= budget
    ends = np.cumsum(np.where(kept, length, 0))
    row_at = np.where(kept, ends - length, -1)
    cells = np.empty(ends[-1] if n_games else 0, np.float32)
    _fill(log, row_at, cells, get_num_threads())
    return Gram(row_at, cells)


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
def _fill(log: RankedLog, row_at: np.ndarray, cells: np.ndarray, n_threads: int) -> None:
    n_games = len(row_at)
    for t in prange(n_threads):
        for r in range(t, n_games, n_threads):
            if row_at[r] >= 0:
                row = cells[row_at[r] : row_at[r] + r + 1]
                row[:] = 0
                for q in range(log.game_start[r], log.game_start[r + 1]):
                    u, x = log.users[q], log.user_values[q]
                    for p in range(log.row_start[u], log.row_start[u + 1]):
                        if log.games[p] > r:
                            break
                        row[log.games[p]] += x * log.values[p]


@njit(cache=True)
def gather(
    log: RankedLog, gram: Gram, members: np.ndarray, place: np.ndarray, G: np.ndarray
) -> None:
    """G[a, b] = x_members[a] . x_members[b], both halves and the diagonal.

    members: (m,) ascending ranks; place: (n_games,) int32 of -1, and left so; G: (m, m) or larger.
    """
    m = len(members)
    for a in range(m):
        place[members[a]] = a
    for a in range(m):
        r, row = members[a], G[a]
        if gram.row_at[r] >= 0:
            cells = gram.cells[gram.row_at[r] :]
            for b in range(a + 1):
                row[b] = cells[members[b]]
        else:
            row[: a + 1] = 0
            for q in range(log.game_start[r], log.game_start[r + 1]):
                u, x = log.users[q], log.user_values[q]
                for p in range(log.row_start[u], log.row_start[u + 1]):
                    if log.games[p] > r:
                        break
                    b = place[log.games[p]]
                    if b >= 0:
                        row[b] += x * log.values[p]
        for b in range(a):
            G[b, a] = row[b]
    for a in range(m):
        place[members[a]] = -1
