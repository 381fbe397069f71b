"""Scores = X @ W and the best games of each user, without ever holding the scores of all users.

A user's scores are summed into a dense accumulator; the best k leave through a small buffer of
packed keys. Games with no positive score fill up by popularity: untouched ones (score 0) first,
negative ones last. A kernel's caller lends the buffers, which come back all zero.
"""

import threading
from typing import NamedTuple

import numpy as np
from numba import get_num_threads, njit, prange
from scipy import sparse

from gamerec.models.kernels.ranked import inverse, popularity_order
from gamerec.models.kernels.select import keep_largest, pack, position_of, score_of, sort

EVERY_GAME = np.empty(0, np.bool_)  # the mask that lets all games through
# numba's fallback threading layer must not be entered by two threads at once
_ONE_AT_A_TIME = threading.Lock()
BLOCK = 16  # accumulators are a multiple of this long, so that blocks need no remainder


class Scorer(NamedTuple):
    """W in CSR and the popularity ranking, as the kernels read them."""

    start: np.ndarray  # (n_games + 1,) int32
    targets: np.ndarray  # (nnz,) int32
    weights: np.ndarray  # (nnz,) float32
    order: np.ndarray  # (n_games,) int32: columns, the most popular first
    rank: np.ndarray  # (n_games,) int32: its inverse


class Buffers(NamedTuple):
    """What one thread needs to score users one after another."""

    sums: np.ndarray  # (n_games rounded up to BLOCK,) float32, all zero between users
    marks: np.ndarray  # (n_games,) bool, all False between users
    keys: np.ndarray  # (4 k + 64,) uint64


def new_scorer(W: sparse.csr_matrix, popularity: np.ndarray) -> Scorer:
    """W must have sorted rows without duplicates; its arrays are not copied."""
    order = popularity_order(popularity)
    return Scorer(W.indptr, W.indices, W.data, order, inverse(order))


def new_buffers(n_games: int, k: int) -> Buffers:
    """Buffers for lists of k games."""
    padded = -(-n_games // BLOCK) * BLOCK
    return Buffers(
        np.zeros(padded, np.float32), np.zeros(n_games, np.bool_), np.empty(4 * k + 64, np.uint64)
    )


@njit(cache=True, nogil=True)
def best_for_one(
    scorer: Scorer,
    games: np.ndarray,
    values: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    buffers: Buffers,
    out_games: np.ndarray,
    out_scores: np.ndarray,
) -> bool:
    """Fill out_games and out_scores (k,) for one history; False where a game is out of range.

    games: (n,) int64 columns, a repeated one counts once; values: (n,) float32, or empty for 1s.
    allowed: (n_games,) bool, or empty where every game is.
    """
    n_games, marks = len(scorer.order), buffers.marks
    for i in games:
        if i < 0 or i >= n_games:
            return False
    played = np.empty(len(games), np.int32)
    weights = np.empty(len(games), np.float32)
    n = 0
    for a in range(len(games)):
        i = games[a]
        if not marks[i]:
            marks[i] = True
            played[n], weights[n] = i, values[a] if len(values) else np.float32(1)
            n += 1
    for a in range(n):
        marks[played[a]] = False
    _best(scorer, played[:n], weights[:n], exclude, allowed, buffers, out_games, out_scores)
    return True


def best_for_all(
    scorer: Scorer,
    X: sparse.csr_matrix,
    k: int,
    exclude: bool = True,
    allowed: np.ndarray = EVERY_GAME,
) -> tuple[np.ndarray, np.ndarray]:
    """The k best games of each row of X: columns (n_users, k) int32 and scores float32."""
    games = np.empty((X.shape[0], k), np.int32)
    scores = np.empty((X.shape[0], k), np.float32)
    with _ONE_AT_A_TIME:
        _best_for_all(
            scorer,
            X.indptr,
            X.indices,
            X.data,
            exclude,
            allowed,
            get_num_threads(),
            k,
            games,
            scores,
        )
    return games, scores


def strongest_sources(scorer: Scorer, X: sparse.csr_matrix, games: np.ndarray) -> np.ndarray:
    """For each place of lists (n_users, k) the played game that gives it most; -1 for none."""
    out = np.empty(games.shape, np.int32)
    with _ONE_AT_A_TIME:
        _strongest_sources(scorer, X.indptr, X.indices, X.data, games, out)
    return out


@njit(parallel=True, cache=True, nogil=True)
def _best_for_all(
    scorer: Scorer,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    n_threads: int,
    k: int,
    out_games: np.ndarray,
    out_scores: np.ndarray,
) -> None:
    """Fill out_games and out_scores (n_users, k) for the rows of a CSR without duplicates."""
    n_users, n_games = len(indptr) - 1, len(scorer.order)
    padded = -(-n_games // BLOCK) * BLOCK
    sums = np.zeros((n_threads, padded), np.float32)
    marks = np.zeros((n_threads, n_games), np.bool_)
    keys = np.empty((n_threads, 4 * k + 64), np.uint64)
    for t in prange(n_threads):
        buffers = Buffers(sums[t], marks[t], keys[t])
        for u in range(t, n_users, n_threads):
            row = slice(indptr[u], indptr[u + 1])
            _best(
                scorer,
                indices[row],
                data[row],
                exclude,
                allowed,
                buffers,
                out_games[u],
                out_scores[u],
            )


@njit(cache=True)
def _best(
    scorer: Scorer,
    played: np.ndarray,
    values: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    buffers: Buffers,
    out_games: np.ndarray,
    out_scores: np.ndarray,
) -> None:
    k, n_games, sums, keys = len(out_games), len(scorer.order), buffers.sums, buffers.keys
    adds = _add(scorer, played, values, sums)
    if exclude:
        for i in played:
            sums[i] = 0
    if adds * 4 < n_games:
        n = _drain(scorer, played, allowed, sums, keys, k)
    else:
        n = _sweep(scorer, allowed, sums, keys, k)
    if n > k:
        keep_largest(keys, n, k)
        n = k
    sort(keys, n)
    for a in range(n):
        key = keys[n - 1 - a]
        out_games[a] = scorer.order[position_of(key)]
        out_scores[a] = score_of(key)
    if n < k:
        _fill(scorer, played, values, exclude, allowed, buffers, out_games, out_scores, n)


@njit(cache=True)
def _add(
    scorer: Scorer,
    played: np.ndarray,
    values: np.ndarray,
    sums: np.ndarray,
) -> int:
    """sums += values @ W[played]; returns the number of additions."""
    adds = 0
    for a in range(len(played)):
        first, last, x = scorer.start[played[a]], scorer.start[played[a] + 1], values[a]
        for p in range(first, last):
            sums[scorer.targets[p]] += x * scorer.weights[p]
        adds += last - first
    return adds


@njit(cache=True, inline="always")
def _push(
    keys: np.ndarray,
    n: int,
    k: int,
    key: np.uint64,
) -> int:
    """Add a key; at a full buffer only the k largest stay. Returns how many there are now."""
    keys[n] = key
    n += 1
    if n == len(keys):
        keep_largest(keys, n, k)
        n = k
    return n


@njit(cache=True)
def _drain(
    scorer: Scorer,
    played: np.ndarray,
    allowed: np.ndarray,
    sums: np.ndarray,
    keys: np.ndarray,
    k: int,
) -> int:
    """Keys of at least the k best positive sums, found by walking the same rows again.

    The first visit takes a sum and leaves 0, so nothing has to be listed or cleared: cheaper
    than a sweep where the rows are short and the catalogue is long.
    """
    n, least = 0, np.float32(0)
    for i in played:
        for p in range(scorer.start[i], scorer.start[i + 1]):
            j = scorer.targets[p]
            s = sums[j]
            sums[j] = 0
            if s > 0 and s >= least and (len(allowed) == 0 or allowed[j]):
                n = _push(keys, n, k, pack(s, scorer.rank[j]))
                if n == k:
                    least = score_of(keys[:k].min())
    return n


@njit(cache=True)
def _sweep(
    scorer: Scorer,
    allowed: np.ndarray,
    sums: np.ndarray,
    keys: np.ndarray,
    k: int,
) -> int:
    """The same by passing over the whole accumulator, a block at a time.

    The bits of positive floats are ordered as integers, negative ones and 0 lie below 1: one
    vectorised integer maximum decides whether a block is looked into.
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
                    n = _push(keys, n, k, pack(sums[j], scorer.rank[j]))
                    if n == k:
                        least = np.float32(score_of(keys[:k].min())).view(np.int32)
        for j in range(block, block + BLOCK):
            sums[j] = 0
    return n


@njit(cache=True)
def _fill(
    scorer: Scorer,
    played: np.ndarray,
    values: np.ndarray,
    exclude: bool,
    allowed: np.ndarray,
    buffers: Buffers,
    out_games: np.ndarray,
    out_scores: np.ndarray,
    n: int,
) -> None:
    """Places from n on: score 0 by popularity, then the negative scores, then -1 and nan."""
    k, sums, marks, keys = len(out_games), buffers.sums, buffers.marks, buffers.keys
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
            out_games[n], out_scores[n] = j, 0
            n += 1
        elif sums[j] < 0:
            n_negative = _push(keys, n_negative, k, pack(sums[j], scorer.rank[j]))
    if n < k:
        if n_negative > k:
            keep_largest(keys, n_negative, k)
            n_negative = k
        sort(keys, n_negative)
        for a in range(min(n_negative, k - n)):
            key = keys[n_negative - 1 - a]
            out_games[n], out_scores[n] = scorer.order[position_of(key)], score_of(key)
            n += 1
    out_games[n:] = -1
    out_scores[n:] = np.nan
    for i in played:
        marks[i] = False
        for p in range(scorer.start[i], scorer.start[i + 1]):
            sums[scorer.targets[p]] = 0


@njit(cache=True)
def weight_of(
    scorer: Scorer,
    i: int,
    j: int,
) -> np.float32:
    """W[i, j] by binary search in the sorted row i."""
    low, high = scorer.start[i], scorer.start[i + 1]
    while low < high:
        middle = (low + high) >> 1
        if scorer.targets[middle] < j:
            low = middle + 1
        else:
            high = middle
    if low < scorer.start[i + 1] and scorer.targets[low] == j:
        return scorer.weights[low]
    return np.float32(0)


@njit(cache=True, nogil=True)
def contributions(
    scorer: Scorer,
    played: np.ndarray,
    values: np.ndarray,
    game: int,
) -> np.ndarray:
    """values[a] W[played[a], game], (n,) float32."""
    out = np.empty(len(played), np.float32)
    for a in range(len(played)):
        out[a] = values[a] * weight_of(scorer, played[a], game)
    return out


@njit(parallel=True, cache=True, nogil=True)
def _strongest_sources(
    scorer: Scorer,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    games: np.ndarray,
    out: np.ndarray,
) -> None:
    """out[u, a]: the played game that gives games[u, a] most, -1 where none gives more than 0."""
    for u in prange(len(indptr) - 1):
        for a in range(games.shape[1]):
            best, source = np.float32(0), -1
            if games[u, a] >= 0:
                for p in range(indptr[u], indptr[u + 1]):
                    x = data[p] * weight_of(scorer, indices[p], games[u, a])
                    if x > best:
                        best, source = x, indices[p]
            out[u, a] = source
