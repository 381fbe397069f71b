"""What a model is measured beside: lists drawn at random, and lists by the simulator's truth.

Both have the `recommend` of a model, so they go through the same evaluation. Popularity, the third
reference, is a model of its own.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy import sparse

from gamerec.compiling import njit

Lists = tuple[np.ndarray, np.ndarray]  # (n_users, k) games, -1 = empty place; (n_users, k) scores


class Utilities(Protocol):
    """What the oracle knows: `simulate.Truth`."""

    def utility(self, users: np.ndarray) -> np.ndarray:
        """(len(users), n_games) float, how much each user truly wants each game."""
        ...


class Random:
    """k games that the user has not played, each as likely as any other; same seed, same lists."""

    def __init__(self, seed: int = 42) -> None:
        self.seed = seed

    def recommend(
        self,
        X: sparse.csr_matrix,
        k: int = 10,
        *,
        exclude_played: bool = True,
        allowed: np.ndarray | None = None,
    ) -> Lists:
        """As a model's `recommend`; every score is 0."""
        games = np.full((X.shape[0], k), -1, np.int32)
        played = X.indptr if exclude_played else np.zeros_like(X.indptr)
        rng = np.random.default_rng(self.seed)
        eligible = np.ones(X.shape[1], bool) if allowed is None else np.asarray(allowed, bool)
        _draw(played.astype(np.int64), X.indices, eligible, rng, games)
        return games, np.where(games >= 0, 0, np.nan).astype(np.float32)


class Oracle:
    """The k games with the highest true utility: what no model can beat, up to chance.

    truth: the simulator's truth; row u of the X that is given to `recommend` is its user users[u].
    """

    def __init__(self, truth: Utilities, users: np.ndarray) -> None:
        self.truth = truth
        self.users = np.asarray(users)

    def recommend(
        self,
        X: sparse.csr_matrix,
        k: int = 10,
        *,
        exclude_played: bool = True,
        allowed: np.ndarray | None = None,
    ) -> Lists:
        """As a model's `recommend`; scores are utilities. Memory: one block of utilities."""
        games = np.full((X.shape[0], k), -1, np.int32)
        scores = np.full((X.shape[0], k), np.nan, np.float32)
        for block in _blocks(*X.shape):
            utility = np.array(self.truth.utility(self.users[block]), np.float32)
            if exclude_played:
                utility[X[block].nonzero()] = -np.inf
            if allowed is not None:
                utility[:, ~np.asarray(allowed, bool)] = -np.inf
            top = _top(utility, k)  # (block, min(k, n_games))
            value = np.take_along_axis(utility, top, axis=1)
            width = top.shape[1]
            games[block, :width] = np.where(np.isfinite(value), top, -1)
            scores[block, :width] = np.where(np.isfinite(value), value, np.nan)
        return games, scores


def mean_utilities(
    truth: Utilities, users: np.ndarray, lists: Sequence[np.ndarray], n_games: int
) -> list[np.ndarray]:
    """For each of `lists`, (n_users, k): (n_users,) mean true utility of the games; NaN for none.

    Row u is for the truth's user users[u]. One pass over the utilities, block by block.
    """
    means = [np.full(len(users), np.nan) for _ in lists]
    for block in _blocks(len(users), n_games):
        utility = np.asarray(truth.utility(np.asarray(users)[block]))
        for mean, games in zip(means, lists, strict=True):
            listed = games[block] >= 0
            value = np.take_along_axis(utility, np.maximum(games[block], 0), axis=1)
            total, count = np.where(listed, value, 0).sum(axis=1, dtype=float), listed.sum(axis=1)
            np.divide(total, count, out=mean[block], where=count > 0)
    return means


def _blocks(n_users: int, n_games: int, cells: int = 8_000_000) -> list[slice]:
    """Runs of users whose utilities are at most `cells` numbers."""
    step = max(1, cells // max(n_games, 1))
    return [slice(start, min(start + step, n_users)) for start in range(0, n_users, step)]


def _top(values: np.ndarray, k: int) -> np.ndarray:
    """(n, min(k, n_games)) columns of the highest values, highest first."""
    n = values.shape[1]
    if k >= n:
        return np.argsort(-values, axis=1, kind="stable")
    top = np.argpartition(values, n - k, axis=1)[:, n - k :]
    order = np.argsort(-np.take_along_axis(values, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


@njit(cache=True)
def _draw(
    indptr: np.ndarray,
    indices: np.ndarray,
    eligible: np.ndarray,
    rng: np.random.Generator,
    games: np.ndarray,
) -> None:
    """Deal each user from one deck, shuffled as far as dealt (Fisher and Yates), played skipped."""
    n_games = len(eligible)
    deck = np.arange(n_games)
    played_by = np.full(n_games, -1)
    for u in range(len(games)):
        for at in range(indptr[u], indptr[u + 1]):
            played_by[indices[at]] = u
        place, found = 0, 0
        while place < n_games and found < games.shape[1]:
            other = place + int(rng.random() * (n_games - place))
            deck[place], deck[other] = deck[other], deck[place]
            game = deck[place]
            if eligible[game] and played_by[game] != u:
                games[u, found] = game
                found += 1
            place += 1
