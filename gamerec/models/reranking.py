"""Re-ranking of a model's candidates, and filters: what the user may turn while looking.

Works on lists that a model made, of any family: it knows games by column number, their content and
their popularity, and nothing of `W`. Scores pass through untouched, so explanations stay exact.
"""

import difflib
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from gamerec.compiling import njit
from gamerec.errors import UsageError

STEPS = 1_000  # the popularity slider moves in steps of 1 / STEPS, so that rounding cannot show


def rerank(
    games: np.ndarray,
    scores: np.ndarray,
    k: int,
    *,
    diversity: float = 0.0,
    mainstream: float = 0.0,
    features: sparse.csr_matrix | None = None,
    popularity: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The best k of each candidate list under two sliders; both at 0 give the first k as they are.

    games, scores: (n_users, n) or (n,) from a model's `recommend` with n > k, say 5 k or more: the
        sliders choose among these. Empty places (-1) stay last.
    mainstream: -1 (deep cuts) to 1 (the most played). With relevance r and popularity rank p,
        both scaled to 0..1 within the list, games are ranked by (1 - |m|) r + m p. With diversity
        0 the mean popularity of the k games never falls when m rises: where two games change
        places, the one that comes in is the more popular. Needs `popularity` (n_games,).
    diversity: 0 to 1. Maximal marginal relevance (Carbonell and Goldstein 1998): one game after
        the other, the one with the highest (1 - d) v - d max(cosine to a game already chosen), v
        being the ranking value above, scaled to 0..1. Needs `features` (n_games, n_features), the
        content; a game without features is like no other.

    Returns games and their own scores, (n_users, k) or (k,), as the lists came; -1 and NaN where
    there are fewer. Ties go to the earlier place. Raises UsageError for a slider out of range or
    without the data that it needs.
    """
    _check_sliders(diversity, mainstream, features, popularity)
    single = np.ndim(games) == 1
    pool = np.atleast_2d(np.asarray(games, np.int32))
    values = _relevance(pool, np.atleast_2d(scores))
    if mainstream and popularity is not None:
        values = _blend(pool, values, popularity, round(mainstream * STEPS) / STEPS)
    places = np.argsort(-values, axis=1, kind="stable")  # (n_users, n)
    if diversity and features is not None:
        places = _diversify(pool, values, places, k, diversity, features)
    return _taken(pool, np.atleast_2d(scores), places, k, single)


def allowed_games(
    items: pd.DataFrame,
    *,
    genres_any: Sequence[str] = (),
    genres_all: Sequence[str] = (),
    genres_none: Sequence[str] = (),
    tags_any: Sequence[str] = (),
    tags_all: Sequence[str] = (),
    tags_none: Sequence[str] = (),
    year_from: int | None = None,
    year_to: int | None = None,
) -> np.ndarray:
    """(n_games,) bool: the games that pass every filter, for a model's `allowed`.

    items: the games table in column order: genres and tags (lists), released. Names compare without
    regard to case. `any` wants one of the names, `all` every one, `none` not one; an empty filter
    passes all. Years include both ends; a game of unknown date passes no year filter. Raises
    UsageError, with the nearest right name, for a wanted genre or tag that no game has.
    """
    mask = np.ones(len(items), bool)
    wanted = {"genres": (genres_any, genres_all, genres_none)}
    wanted["tags"] = (tags_any, tags_all, tags_none)
    for column, (some, every, none) in wanted.items():
        if some or every or none:
            mask &= _named(items[column], column, some, every, none)
    if year_from is not None or year_to is not None:
        year = items["released"].dt.year.to_numpy(float, na_value=np.nan)
        low, high = (year_from or -np.inf), (np.inf if year_to is None else year_to)
        mask &= (year >= low) & (year <= high)
    return mask


def _check_sliders(
    diversity: float,
    mainstream: float,
    features: sparse.csr_matrix | None,
    popularity: np.ndarray | None,
) -> None:
    if not 0 <= diversity <= 1:
        raise UsageError(f"diversity is {diversity}; it goes from 0 to 1")
    if not -1 <= mainstream <= 1:
        raise UsageError(f"mainstream is {mainstream}; it goes from -1 (deep cuts) to 1")
    if diversity and features is None:
        raise UsageError("diversity needs the content features of the games")
    if mainstream and popularity is None:
        raise UsageError("mainstream needs the popularity of the games")


def _relevance(pool: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(n_users, n) scores scaled to 0..1 within each list, -inf at empty places."""
    return _scaled(np.where(pool >= 0, scores, np.nan).astype(float))


def _scaled(values: np.ndarray) -> np.ndarray:
    """Rows min-max scaled; NaN becomes -inf, a constant row 0."""
    empty = np.isnan(values)
    low = np.where(empty, np.inf, values).min(axis=1, keepdims=True, initial=np.inf)
    high = np.where(empty, -np.inf, values).max(axis=1, keepdims=True, initial=-np.inf)
    span = np.where(high > low, high - low, 1)
    return np.where(empty, -np.inf, (values - np.where(np.isfinite(low), low, 0)) / span)


def _blend(
    pool: np.ndarray, relevance: np.ndarray, popularity: np.ndarray, mainstream: float
) -> np.ndarray:
    """(1 - |m|) relevance + m popularity rank, scaled again; ties go by relevance."""
    listed = np.where(pool >= 0, np.asarray(popularity, float)[np.maximum(pool, 0)], np.nan)
    rank = _scaled(_ranks(listed))
    with np.errstate(invalid="ignore"):  # empty places: -inf times 0 or inf less inf
        value = (1 - abs(mainstream)) * relevance + mainstream * rank
    return _scaled(np.where(pool >= 0, value, np.nan))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Dense rank of each value within its row, equal values equal; NaN stays."""
    order = np.argsort(values, axis=1)  # NaN last
    ordered = np.take_along_axis(values, order, axis=1)
    rises = np.diff(ordered, axis=1, prepend=ordered[:, :1]) > 0
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, np.cumsum(rises, axis=1).astype(float), axis=1)
    return np.where(np.isnan(values), np.nan, ranks)


def _diversify(
    pool: np.ndarray,
    values: np.ndarray,
    places: np.ndarray,
    k: int,
    diversity: float,
    features: sparse.csr_matrix,
) -> np.ndarray:
    """(n_users, min(k, n)) places in the order of maximal marginal relevance."""
    rows = features.tocsr().astype(np.float64)
    if not rows.has_sorted_indices:
        rows = rows.sorted_indices()
    norms = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    rows.data /= np.repeat(
        norms, np.diff(rows.indptr)
    )  # a stored zero row has no norm to divide by
    out = np.empty((len(pool), min(k, pool.shape[1])), np.int64)
    indptr, indices = rows.indptr.astype(np.int64), rows.indices.astype(np.int64)
    _mmr(pool, values, places, diversity, indptr, indices, rows.data, out)
    return out


def _taken(
    pool: np.ndarray, scores: np.ndarray, places: np.ndarray, k: int, single: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The first k places with their scores, padded where there are fewer."""
    best = places[:, :k]
    games = np.full((len(pool), k), -1, np.int32)
    kept = np.full((len(pool), k), np.nan, np.float32)
    games[:, : best.shape[1]] = np.take_along_axis(pool, best, axis=1)
    kept[:, : best.shape[1]] = np.take_along_axis(scores, best, axis=1)
    return (games[0], kept[0]) if single else (games, kept)


def _named(
    names: pd.Series,
    column: str,
    some: Sequence[str],
    every: Sequence[str],
    none: Sequence[str],
) -> np.ndarray:
    """(n_games,) bool: the lists of names that pass the three filters."""
    has = [{name.casefold() for name in row} for row in names]
    known = sorted(set().union(*has)) if has else []
    for name in (*some, *every):
        _check_known(name, known, column)
    some_of, all_of, none_of = ({n.casefold() for n in given} for given in (some, every, none))
    passed = (
        (not some_of or not some_of.isdisjoint(game))
        and all_of <= game
        and none_of.isdisjoint(game)
        for game in has
    )
    return np.fromiter(passed, bool, len(has))


def _check_known(name: str, known: list[str], column: str) -> None:
    if name.casefold() in known:
        return
    near = difflib.get_close_matches(name.casefold(), known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UsageError(f"no game has {name!r} among its {column}{hint}")


@njit(cache=True)
def _cosine(indptr: np.ndarray, indices: np.ndarray, data: np.ndarray, a: int, b: int) -> float:
    """Dot product of two sorted sparse rows of length 1."""
    p, q, total = indptr[a], indptr[b], 0.0
    while p < indptr[a + 1] and q < indptr[b + 1]:
        if indices[p] == indices[q]:
            total += data[p] * data[q]
            p += 1
            q += 1
        elif indices[p] < indices[q]:
            p += 1
        else:
            q += 1
    return total


@njit(cache=True)
def _mmr(
    pool: np.ndarray,
    values: np.ndarray,
    places: np.ndarray,
    diversity: float,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    out: np.ndarray,
) -> None:
    """Fill out (n_users, k) with places of `pool`, greedily; empty places are taken last."""
    n = pool.shape[1]
    likeness = np.empty(n)
    free = np.empty(n, np.bool_)
    for u in range(len(pool)):
        likeness[:] = 0.0
        free[:] = True
        for step in range(out.shape[1]):
            best, best_value = -1, -np.inf
            for place in places[u]:  # by value, so that ties go to the more relevant
                if free[place]:
                    value = -np.inf
                    if pool[u, place] >= 0:
                        value = (1 - diversity) * values[u, place] - diversity * likeness[place]
                    if best < 0 or value > best_value:
                        best, best_value = place, value
            out[u, step] = best
            free[best] = False
            game = pool[u, best]
            for place in range(n):
                if game >= 0 and free[place] and pool[u, place] >= 0:
                    cosine = _cosine(indptr, indices, data, game, pool[u, place])
                    likeness[place] = max(likeness[place], cosine)
