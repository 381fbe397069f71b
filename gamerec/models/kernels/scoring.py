"""Scores = X @ W and the best games of each user, without ever holding the scores of all users.

A user's scores are summed into a dense accumulator; the best k leave through a small buffer of
packed keys. Games with no positive score fill up by popularity: untouched ones (score 0) first,
negative ones last.
"""

from typing import NamedTuple

import numpy as np
from numba import get_num_threads, prange
from scipy import sparse

from gamerec.compiling import njit
from gamerec.models.kernels.ranked import inverse, popularity_order
from gamerec.models.kernels.select import (
    pack,
    position_of,
    room,
    score_of,
    shrink,
    sort_keys,
    sort_pairs,
)
from gamerec.models.kernels.threads import ONE_AT_A_TIME

BLOCK = 16  # accumulators are a multiple of this long, so that blocks need no remainder
EVERY_GAME = np.empty(0, np.bool_)  # the mask that lets all games through
ALL_ONES = np.empty(0, np.float32)  # the values of a history without weights
_FULL = 1 / 4  # of a row that is laid out in full: eight additions at once then outweigh the zeros


class Scorer(NamedTuple):
    """W in CSR and the popularity ranking, as the kernels read them."""

    start: np.ndarray  # (n_games + 1,) int32
    targets: np.ndarray  # (nnz,) int32, ascending in each row
    weights: np.ndarray  # (nnz,) float32
    order: np.ndarray  # (n_games,) int32: columns, the most popular first
    rank: np.ndarray  # (n_games,) int32: its inverse
    full_at: np.ndarray  # (n_games,) int32: the place of a row in `full`, or -1
    full: np.ndarray  # (n, n_games rounded up to BLOCK) float32: the fullest rows of W once more


class Buffers(NamedTuple):
    """What one thread needs to score users one after another; left as it was found."""

    sums: np.ndarray  # (n_games rounded up to BLOCK,) float32, all zero between users
    marks: np.ndarray  # (n_games,) bool, all False between users
    keys: np.ndarray  # (room(k),) uint64


def new_scorer(W: sparse.csr_matrix, popularity: np.ndarray) -> Scorer:
    """W must have sorted rows without duplicates; its arrays are not copied.

    Memory: rows with a quarter of all games or more (those of popular games, which most histories
    have) are kept in full besides: at most twice the bytes of W.
    """
    n_games = W.shape[0]
    order = popularity_order(popularity)
    fullest = np.flatnonzero(np.diff(W.indptr) >= max(_FULL * n_games, 1))
    full_at = np.full(n_games, -1, np.int32)
    full_at[fullest] = np.arange(len(fullest))
    full = np.zeros((len(fullest), _padded(n_games)), np.float32)
    for row, i in zip(full, fullest, strict=True):
        row[W.indices[W.indptr[i] : W.indptr[i + 1]]] = W.data[W.indptr[i] : W.indptr[i + 1]]
    return Scorer(W.indptr, W.indices, W.data, order, inverse(order), full_at, full)


def new_buffers(n_games: int, k: int) -> Buffers:
    """Buffers for lists of k games."""
    sums, marks = np.zeros(_padded(n_games), np.float32), np.zeros(n_games, np.bool_)
    return Buffers(sums, marks, np.empty(room(k), np.uint64))


def _padded(n_games: int) -> int:
    return -(-n_games // BLOCK) * BLOCK


def best_for_all(
    scorer: Scorer,
    X: sparse.csr_matrix,
    k: int,
    exclude: bool = True,
    allowed: np.ndarray = EVERY_GAME,
) -> tuple[np.ndarray, np.ndarray]:
    """The k best games of each row of X: columns (n_users, k) int32 and scores float32.

    X: CSR float32 without duplicates. allowed: (n_games,) bool, or empty where every game is.
    """
    games = np.empty((X.shape[0], k), np.int32)
    scores = np.empty((X.shape[0], k), np.float32)
    log = (X.indptr, X.indices, X.data)
    with ONE_AT_A_TIME:
        _best_for_all(get_num_threads(), scorer, *log, exclude, allowed, room(k), games, scores)
    return games, scores


def best_for_one(
    scorer: Scorer,
    history: np.ndarray,
    values: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    buffers: Buffers,
    games: np.ndarray,
    scores: np.ndarray,
) -> bool:
    """Fill games and scores, (k,), for one history; False where it has a column out of range.

    history: (n,) int64 columns, a repeated one counts once; values: (n,) float32 or ALL_ONES.
    """
    # numba takes in plain tuples in half the time of named ones
    asked = (history, values, exclude, allowed)
    return _best_for_one(tuple(scorer), *asked, tuple(buffers), games, scores)


@njit(cache=True, nogil=True)
def _best_for_one(
    scorer_arrays: tuple[np.ndarray, ...],
    history: np.ndarray,
    values: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    buffer_arrays: tuple[np.ndarray, ...],
    games: np.ndarray,
    scores: np.ndarray,
) -> bool:
    scorer, buffers = Scorer(*scorer_arrays), Buffers(*buffer_arrays)
    n_games, marks = len(scorer.order), buffers.marks
    for i in history:
        if i < 0 or i >= n_games:
            return False
    played = np.empty(len(history), np.int32)
    weights = np.empty(len(history), np.float32)
    n = 0
    for a in range(len(history)):
        i = history[a]
        if not marks[i]:
            marks[i] = True
            played[n] = i
            weights[n] = values[a] if len(values) else 1
            n += 1
    for a in range(n):
        marks[played[a]] = False
    sort_pairs(played, weights, n)  # sums then do not depend on the order of the history
    _best(scorer, played[:n], weights[:n], exclude, allowed, buffers, games, scores)
    return True


@njit(parallel=True, cache=True, nogil=True)
def _best_for_all(
    n_threads: int,
    scorer: Scorer,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    n_keys: int,
    games: np.ndarray,
    scores: np.ndarray,
) -> None:
    for t in prange(n_threads):
        _best_share(
            np.int64(t),
            n_threads,
            scorer,
            indptr,
            indices,
            data,
            exclude,
            allowed,
            n_keys,
            games,
            scores,
        )


@njit(cache=True)
def _best_share(
    t: np.int64,
    n_threads: int,
    scorer: Scorer,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    n_keys: int,
    games: np.ndarray,
    scores: np.ndarray,
) -> None:
    n_games = len(scorer.order)
    sums = np.zeros(-(-n_games // BLOCK) * BLOCK, np.float32)
    buffers = Buffers(sums, np.zeros(n_games, np.bool_), np.empty(n_keys, np.uint64))
    for u in range(t, len(indptr) - 1, n_threads):
        played, values = indices[indptr[u] : indptr[u + 1]], data[indptr[u] : indptr[u + 1]]
        _best(scorer, played, values, exclude, allowed, buffers, games[u], scores[u])


@njit(cache=True)
def _best(
    scorer: Scorer,
    played: np.ndarray,
    values: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    buffers: Buffers,
    games: np.ndarray,
    scores: np.ndarray,
) -> None:
    k, sums, keys = len(games), buffers.sums, buffers.keys
    adds = _add(scorer, played, values, sums)
    if exclude:
        for i in played:
            sums[i] = 0
    if adds * 4 < len(sums):
        n = _drain(scorer, played, allowed, sums, keys, k)
    else:
        n = _sweep(scorer, allowed, sums, keys, k)
    n = _write(scorer, keys, n, games, scores, 0)
    if n < k:
        _fill(scorer, played, values, exclude, allowed, buffers, games, scores, n)


@njit(cache=True)
def _add(scorer: Scorer, played: np.ndarray, values: np.ndarray, sums: np.ndarray) -> int:
    """sums += values @ W[played]; returns the number of additions."""
    adds = 0
    for a in range(len(played)):
        i, x = played[a], values[a]
        first, last, full = scorer.start[i], scorer.start[i + 1], scorer.full_at[i]
        if full >= 0:
            row = scorer.full[full]
            for j in range(len(row)):
                sums[j] += x * row[j]
        else:
            for p in range(first, last):
                sums[np.uint32(scorer.targets[p])] += x * scorer.weights[p]
        adds += last - first
    return adds


@njit(cache=True)
def _drain(
    scorer: Scorer,
    played: np.ndarray,
    allowed: np.ndarray,
    sums: np.ndarray,
    keys: np.ndarray,
    k: int,
) -> int:
    """Keys of the k best positive sums and some others, found by walking the same rows again.

    The first visit takes a sum and leaves 0, so nothing has to be listed or cleared: cheaper
    than a sweep where the rows are short and the catalogue is long.
    """
    n, least = 0, np.uint64(0)
    for i in played:
        for p in range(scorer.start[i], scorer.start[i + 1]):
            j = np.uint32(scorer.targets[p])
            s = sums[j]
            sums[j] = 0
            if s > 0 and (len(allowed) == 0 or allowed[j]):
                key = pack(s, scorer.rank[j])
                if key > least:
                    keys[n] = key
                    n += 1
                    if n == len(keys):
                        n = shrink(keys, n, k)
                        least = keys[k - 1]
    return n


@njit(cache=True)
def _sweep(scorer: Scorer, allowed: np.ndarray, sums: np.ndarray, keys: np.ndarray, k: int) -> int:
    """The same by passing over the whole accumulator, a block at a time.

    The bits of positive floats are ordered as integers, those of 0 and of negative ones lie below
    1: one vectorised integer maximum decides whether a block is looked into.
    """
    bits = sums.view(np.int32)
    n, least = 0, np.int32(1)
    for block in range(0, len(sums), BLOCK):
        highest = np.int32(0)
        for j in range(block, block + BLOCK):
            highest = max(highest, bits[j])
        if highest >= least:
            for j in range(block, block + BLOCK):
                if bits[j] >= least and (len(allowed) == 0 or allowed[j]):
                    keys[n] = pack(sums[j], scorer.rank[j])
                    n += 1
                    if n == len(keys):
                        n = shrink(keys, n, k)
                        least = np.float32(score_of(keys[k - 1])).view(np.int32)
        for j in range(block, block + BLOCK):
            sums[j] = 0
    return n


@njit(cache=True)
def _write(
    scorer: Scorer, keys: np.ndarray, n: int, games: np.ndarray, scores: np.ndarray, first: int
) -> int:
    """Put the best of keys[:n] into the places from `first` on; returns the next free place."""
    n = shrink(keys, n, len(games) - first)
    sort_keys(keys, n)
    for a in range(n):
        games[first + a] = scorer.order[position_of(keys[a])]
        scores[first + a] = score_of(keys[a])
    return first + n


@njit(cache=True)
def _fill(
    scorer: Scorer,
    played: np.ndarray,
    values: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    buffers: Buffers,
    games: np.ndarray,
    scores: np.ndarray,
    n: int,
) -> None:
    """Places from n on: score 0 by popularity, then the negative scores, then -1 and nan."""
    k, sums, marks, keys = len(games), buffers.sums, buffers.marks, buffers.keys
    _add(scorer, played, values, sums)
    if exclude:
        for i in played:
            marks[i] = True
    n_negative = 0
    for j in scorer.order:
        if n == k:
            break
        if marks[j] or (len(allowed) and not allowed[j]):
            continue
        if sums[j] == 0:
            games[n], scores[n] = j, 0
            n += 1
        elif sums[j] < 0:
            keys[n_negative] = pack(sums[j], scorer.rank[j])
            n_negative += 1
            if n_negative == len(keys):
                n_negative = shrink(keys, n_negative, k)
    if n < k:
        n = _write(scorer, keys, n_negative, games, scores, n)
    for a in range(n, k):
        games[a], scores[a] = -1, np.nan
    for i in played:
        marks[i] = False
        for p in range(scorer.start[i], scorer.start[i + 1]):
            sums[np.uint32(scorer.targets[p])] = 0
