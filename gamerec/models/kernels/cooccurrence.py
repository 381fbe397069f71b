"""Co-occurrence of games, turned into similarities, the K best sources kept for each target.

For a target j the co-occurrences c[i] = sum over users u of x[u, i] x[u, j] are added into one
dense accumulator per thread, by walking the rows of the users of j. Every similarity here is

    s[i, j] = c / (product[i] product'[j] + sum[i] + sum'[j] + mix c + shrink)

with vectors that differ: cosine has norms in `product`, Jaccard counts in `sum` and mix -1.
On a dense log half of the additions are saved by c being symmetric.
"""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads, prange

from gamerec.compiling import njit
from gamerec.models.kernels.gram import BUDGET, no_gram, whole_gram
from gamerec.models.kernels.ranked import RankedLog
from gamerec.models.kernels.select import pack, position_of, room, score_of, shrink
from gamerec.models.kernels.threads import ONE_AT_A_TIME

_DENSE = 5  # additions per cell of the co-occurrence matrix


class Denominator(NamedTuple):
    """The terms of the similarity's denominator, each (n_games,) float32 in rank order."""

    source_product: np.ndarray
    target_product: np.ndarray
    source_sum: np.ndarray
    target_sum: np.ndarray
    mix: np.float32
    shrink: np.float32


class Neighbours(NamedTuple):
    """For each target rank its sources: ids[j, :n_sources[j]] with values, in no order."""

    ids: np.ndarray  # (n_games, k) int32 ranks
    values: np.ndarray  # (n_games, k) float32
    n_sources: np.ndarray  # (n_games,) int32


def nearest(log: RankedLog, denominator: Denominator, k: int) -> Neighbours:
    """The at most k sources with the highest positive similarity to each target, itself left out.

    Memory: the result and, per thread, an accumulator of n_games float32 and a list of as many
    int32; on a dense log also half of the co-occurrence matrix, at most 1 GiB. Of equal
    similarities the more popular source is kept.
    """
    n_games = len(log.order)
    k = max(1, min(k, n_games - 1))
    found = Neighbours(
        np.empty((n_games, k), np.int32),
        np.empty((n_games, k), np.float32),
        np.zeros(n_games, np.int32),
    )
    held = whole_gram(log) if _is_dense(log) else no_gram(log)
    with ONE_AT_A_TIME:
        _nearest(get_num_threads(), log, *held, denominator, room(k), *found)
    return found


def _is_dense(log: RankedLog) -> bool:
    """Whether half of the additions cost more than to keep and read half of the matrix."""
    adds = np.square(np.diff(log.row_start), dtype=np.float64).sum()
    cells = len(log.order) ** 2
    return adds > _DENSE * cells and cells / 2 < BUDGET


@njit(parallel=True, cache=True, nogil=True)
def _nearest(
    n_threads: int,
    log: RankedLog,
    row_at: np.ndarray,
    cells: np.ndarray,
    denominator: Denominator,
    n_keys: int,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
) -> None:
    for t in prange(n_threads):
        _nearest_share(
            np.int64(t), n_threads, log, row_at, cells, denominator, n_keys, ids, values, n_sources
        )


@njit(cache=True)
def _nearest_share(
    t: np.int64,
    n_threads: int,
    log: RankedLog,
    row_at: np.ndarray,
    cells: np.ndarray,
    denominator: Denominator,
    n_keys: int,
    ids: np.ndarray,
    values: np.ndarray,
    n_sources: np.ndarray,
) -> None:
    n_games, k = ids.shape
    sums = np.zeros(n_games, np.float32)
    touched = np.empty(n_games + 1, np.int32)
    keys = np.empty(n_keys, np.uint64)
    for j in range(t, n_games, n_threads):
        if len(cells):
            n_touched = _load_row(row_at, cells, j, sums, touched)
        else:
            n_touched = _add_rows(log, j, sums, touched)
        n = _keep_nearest(denominator, j, sums, touched, n_touched, keys, k)
        for a in range(n):
            ids[j, a] = position_of(keys[a])
            values[j, a] = score_of(keys[a])
        n_sources[j] = n


@njit(cache=True)
def _add_rows(log: RankedLog, j: int, sums: np.ndarray, touched: np.ndarray) -> int:
    """Add the rows of the users of j, scaled by x[u, j]; list each game on its first touch."""
    n = 0
    for q in range(log.game_start[j], log.game_start[j + 1]):
        u, x = np.uint32(log.users[q]), log.user_values[q]
        product = x * x
        for p in range(np.uint64(log.row_start[u]), np.uint64(log.row_start[u + 1])):
            i = np.uint32(log.games[p])
            before = sums[i]
            touched[n] = i  # overwritten by the next one, unless this is the first touch
            n += before == 0
            sums[i] = before + (product if log.even else x * log.values[p])
    return n


@njit(cache=True)
def _load_row(
    row_at: np.ndarray, cells: np.ndarray, j: int, sums: np.ndarray, touched: np.ndarray
) -> int:
    """The same from the lower triangle of the co-occurrence matrix."""
    n = 0
    for i in range(len(row_at)):
        c = cells[row_at[i] + j] if i > j else cells[row_at[j] + i]
        sums[i] = c
        touched[n] = i
        n += c != 0
    return n


@njit(cache=True, error_model="numpy")  # 0 / 0 is nan, which is not above 0
def _keep_nearest(
    denominator: Denominator,
    j: int,
    sums: np.ndarray,
    touched: np.ndarray,
    n_touched: int,
    keys: np.ndarray,
    k: int,
) -> int:
    """The keys of the k best sources of j, into keys[:n]; leaves `sums` all zero."""
    d = denominator
    product, total = d.target_product[j], d.target_sum[j] + d.shrink
    sums[j] = 0
    n, least = 0, np.uint64(0)
    for a in range(n_touched):
        i = np.uint32(touched[a])
        c = sums[i]
        sums[i] = 0
        s = c / (d.source_product[i] * product + d.source_sum[i] + total + d.mix * c)
        key = pack(s, i)
        if s > 0 and key > least:
            keys[n] = key
            n += 1
            if n == len(keys):
                n = shrink(keys, n, k)
                least = keys[k - 1]
    return shrink(keys, n, k)
