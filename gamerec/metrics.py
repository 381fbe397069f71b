"""Measures of recommendation lists: accuracy per user against held-out games, and beyond accuracy.

Pure functions over arrays. This module knows nothing of models, splits or files.
"""

from collections.abc import Sequence

import numba
import numpy as np
from scipy import sparse

from gamerec.compiling import njit
from gamerec.errors import UsageError

ACCURACY = ("recall", "precision", "hit_rate", "map", "ndcg")


def per_user(
    recommended: np.ndarray, test: sparse.csr_matrix, ks: Sequence[int] = (10,)
) -> dict[tuple[str, int], np.ndarray]:
    """Every accuracy metric at every K in one pass, for each user who has test games.

    recommended: (n_users, width) column numbers, best first; -1 is an empty place.
    test: (n_users, n_games) CSR; the stored entries of row u are the relevant games R of user u.
    ks: cut-offs, each from 1 to width.

    Returns {(metric, k): (n_test_users,) float64} in row order of the users with |R| > 0, which
    are `test_users(test)`; a user without test games has no defined value and no entry.
    With hit(p) = 1 where place p (from 1) holds a game of R, and hits = the sum of hit(1..k):

    recall     hits / |R|; below 1 even for a perfect list where |R| > k.
    precision  hits / k; empty places count as misses, so a short list is not rewarded.
    hit_rate   1 if hits > 0, else 0.
    map        average precision: sum over p of hit(p) * hits(1..p) / p, over min(k, |R|). Dividing
               by min(k, |R|) and not by |R|, as TREC does, lets a perfect list have 1.
    ndcg       sum over p of hit(p) / log2(p + 1), over the same sum for an ideal list of
               min(k, |R|) hits (Järvelin and Kekäläinen 2002, binary gains).

    An empty list has 0 everywhere. A game listed twice is a hit at its first place only.
    Raises UsageError where the shapes do not fit or a K is outside 1..width.
    """
    recommended = np.asarray(recommended)
    _check(recommended, test, ks)
    relevant = _sorted_rows(test)
    rows = test_users(relevant)
    order = np.unique(np.asarray(ks, dtype=np.int64))  # the kernel passes the places once, upward
    gains = 1 / np.log2(np.arange(2, order[-1] + 2))
    out = np.empty((len(ACCURACY), len(order), len(rows)))
    _accuracy(
        np.ascontiguousarray(recommended, dtype=np.int32),
        relevant.indptr.astype(np.int64),
        relevant.indices.astype(np.int32, copy=False),
        rows,
        order,
        gains,
        np.cumsum(gains),
        out,
    )
    return {(m, int(k)): out[a, b] for a, m in enumerate(ACCURACY) for b, k in enumerate(order)}


def test_users(test: sparse.csr_matrix) -> np.ndarray:
    """Rows with at least one test game, ascending: the users that `per_user` speaks of."""
    return np.flatnonzero(np.diff(test.indptr)).astype(np.int64)


def _check(recommended: np.ndarray, test: sparse.csr_matrix, ks: Sequence[int]) -> None:
    if recommended.ndim != 2 or recommended.shape[0] != test.shape[0]:
        raise UsageError(
            f"lists of shape {recommended.shape} do not fit a test part of {test.shape[0]} users; "
            "give one row of games per user"
        )
    if not len(ks) or min(ks) < 1 or max(ks) > recommended.shape[1]:
        raise UsageError(
            f"K = {list(ks)} does not fit lists of {recommended.shape[1]} places; "
            "ask `recommend` for as many games as the largest K"
        )


def _sorted_rows(test: sparse.csr_matrix) -> sparse.csr_matrix:
    """The test part with sorted rows and without stored zeros; a copy only where needed."""
    if not test.has_sorted_indices or not test.data.all():
        test = test.copy()
        test.eliminate_zeros()
        test.sort_indices()
    return test


@njit(cache=True)
def _contains(values: np.ndarray, wanted: int) -> bool:
    """Binary search in ascending values."""
    start, stop = 0, len(values)
    while start < stop:
        middle = (start + stop) // 2
        if values[middle] < wanted:
            start = middle + 1
        else:
            stop = middle
    return start < len(values) and values[start] == wanted


@njit(cache=True, parallel=True)
def _accuracy(
    recommended: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    rows: np.ndarray,
    ks: np.ndarray,
    gains: np.ndarray,
    ideal: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill out (n_metrics, n_ks, n_test_users), metrics in the order of ACCURACY."""
    for n in numba.prange(len(rows)):
        games = recommended[rows[n]]
        start, stop = indptr[rows[n]], indptr[rows[n] + 1]
        hits, precisions, gained, place = 0, 0.0, 0.0, 0
        for b in range(len(ks)):
            while place < ks[b]:
                found = games[place] >= 0 and _contains(indices[start:stop], games[place])
                if found and not np.any(games[:place] == games[place]):
                    hits += 1
                    precisions += hits / (place + 1)
                    gained += gains[place]
                place += 1
            best = min(ks[b], stop - start)
            out[0, b, n] = hits / (stop - start)
            out[1, b, n] = hits / ks[b]
            out[2, b, n] = 1.0 if hits > 0 else 0.0
            out[3, b, n] = precisions / best
            out[4, b, n] = gained / ideal[best - 1]


def filled(recommended: np.ndarray) -> np.ndarray:
    """(n_users,) how many games each list holds."""
    return (np.asarray(recommended) >= 0).sum(axis=1)


def list_mean(recommended: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n_users,) mean of `values` (n_games,) over the games of each list; NaN for an empty list."""
    listed = recommended >= 0
    total = np.where(listed, np.asarray(values, float)[np.maximum(recommended, 0)], 0).sum(axis=1)
    return _divide(total, listed.sum(axis=1))


def profile_mean(X: sparse.csr_matrix, values: np.ndarray) -> np.ndarray:
    """(n_users,) mean of `values` (n_games,) over the games each user played; NaN without any."""
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    total = np.bincount(rows, np.asarray(values, float)[X.indices], minlength=X.shape[0])
    return _divide(total, np.diff(X.indptr))


def popularity_percentile(popularity: np.ndarray) -> np.ndarray:
    """(n_games,) share of the other games that are less popular, ties counted half: 0 to 1."""
    popularity = np.asarray(popularity)
    ordered = np.sort(popularity)
    below = np.searchsorted(ordered, popularity, "left")
    upto = np.searchsorted(ordered, popularity, "right")
    return (below + upto - 1) / 2 / max(len(popularity) - 1, 1)


def recommended_counts(recommended: np.ndarray, n_games: int) -> np.ndarray:
    """(n_games,) in how many lists each game stands."""
    return np.bincount(recommended[recommended >= 0], minlength=n_games)


def coverage(recommended: np.ndarray, n_games: int) -> float:
    """Share of the catalogue that stands in at least one list."""
    return float((recommended_counts(recommended, n_games) > 0).mean()) if n_games else float("nan")


def gini(counts: np.ndarray) -> float:
    """Gini coefficient of non-negative counts: 0 all equal, towards 1 all on one; NaN for none.

    sum over the ascending counts c of (2 rank - n - 1) c, over n times their sum.
    """
    ordered = np.sort(np.asarray(counts, float))
    n = len(ordered)
    if not n or not ordered.sum():
        return float("nan")
    return float(((2 * np.arange(1, n + 1) - n - 1) * ordered).sum() / (n * ordered.sum()))


def intra_list_diversity(recommended: np.ndarray, features: sparse.csr_matrix) -> np.ndarray:
    """(n_users,) 1 - mean cosine similarity over the pairs of games in each list: 0 all alike.

    features: (n_games, n_features) content features, at least 0. A game without features says
    nothing of likeness and is left out; a list with fewer than two described games has NaN.
    With unit rows f, the similarities of a list's m games sum to |sum f|^2 - m over both orders,
    so no pair is ever formed.
    """
    rows = features.tocsr()
    norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    unit = rows.data / np.repeat(np.where(norms > 0, norms, 1), np.diff(rows.indptr))
    out = np.empty(len(recommended))
    lists = np.ascontiguousarray(recommended, dtype=np.int32)
    indptr, indices = rows.indptr.astype(np.int64), rows.indices.astype(np.int32)
    _diversity(lists, indptr, indices, unit.astype(np.float64), norms > 0, rows.shape[1], out)
    return out


def _divide(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Elementwise quotient, NaN where the count is 0."""
    return np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)


@njit(cache=True)
def _diversity(
    lists: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    unit: np.ndarray,
    described: np.ndarray,
    n_features: int,
    out: np.ndarray,
) -> None:
    """Fill out (n_users,); one vector of features is summed up and emptied again per list."""
    total = np.zeros(n_features)
    for u in range(len(lists)):
        games = 0
        for game in lists[u]:
            if game >= 0 and described[game]:
                games += 1
                for at in range(indptr[game], indptr[game + 1]):
                    total[indices[at]] += unit[at]
        squares = 0.0
        for game in lists[u]:
            if game >= 0 and described[game]:
                for at in range(indptr[game], indptr[game + 1]):
                    squares += total[indices[at]] ** 2
                    total[indices[at]] = 0.0
        out[u] = np.nan
        if games > 1:
            out[u] = min(max(1 - (squares - games) / (games * (games - 1)), 0.0), 1.0)
