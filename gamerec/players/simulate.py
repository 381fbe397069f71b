"""Virtual players: who plays what by chance, with the truth that they were drawn from.

A player's choice is a mixture of tastes, as a document is a mixture of topics in latent Dirichlet
allocation (Blei, Ng and Jordan, JMLR 2003):

    p(game | user) = sum over tastes z of user_factors[user, z] * game_factors[game, z]

A user's games are drawn one after the other without replacement, each in proportion to p of the
games left. This is the Plackett-Luce model (Luce 1959, Plackett 1975); the n games drawn are
distributed as the n largest of log p + Gumbel noise (Yellott 1977). A mixture is drawn from by two
look-ups, taste then game, so no users x games table is ever made.

This module knows nothing of files, runs or real players.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy import sparse

from gamerec.catalogue.features import ContentFeatures
from gamerec.columns import AT, GAME, USER, WEIGHT
from gamerec.errors import DataError, UsageError
from gamerec.players.sampling import Mixtures, Rows
from gamerec.players.tastes import base_weights, taste_weights

Mode = Literal["taste", "popularity"]

BLOCK = 65_536  # users drawn at a time, fewer where they play very many games
BLOCK_PLAYS = 2**22
YEAR = 365 * 24 * 3600  # seconds
_SECOND_BITS = 25  # 2**25 > YEAR, so that user and second fit into one sortable number


@dataclass(frozen=True)
class Truth:
    """What the players were drawn from.

    user_factors: (n_users, n_tastes) float32, the share of each taste in each user; rows sum to 1.
    game_factors: (n_games, n_tastes) float32, how likely each taste picks each game; columns sum
        to 1.
    prototypes: (n_tastes,) int64, the game (as a row of game_factors) that a taste was built
        around; -1 where there is none.
    """

    user_factors: np.ndarray
    game_factors: np.ndarray
    prototypes: np.ndarray

    @property
    def n_users(self) -> int:
        """Number of users."""
        return len(self.user_factors)

    @property
    def n_games(self) -> int:
        """Number of games."""
        return len(self.game_factors)

    def utility(self, users: np.ndarray) -> np.ndarray:
        """(len(users), n_games) float32: the probability of each game as the user's next choice.

        Of two games that a user has not played, the one of higher utility is likelier to be
        chosen, so ranking by utility is the best ranking there is.
        """
        return self.user_factors[users] @ self.game_factors.T

    def reach(self, k: int = 10, users: int = 2_000) -> tuple[float, float]:
        """Chance that a user's first choice is among k games: those that are likeliest for this
        user, and those that are likeliest for all users together. Means over the first `users`.

        The first number is what perfect knowledge reaches, the second what popularity does.
        """
        utility = self.utility(np.arange(min(users, self.n_users)))
        k = min(k, self.n_games)
        everybody = np.argsort(-utility.mean(axis=0), kind="stable")[:k]
        own = np.partition(utility, self.n_games - k, axis=1)[:, -k:]
        return float(own.sum(axis=1).mean()), float(utility[:, everybody].sum(axis=1).mean())

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays for a numpy archive."""
        return {
            "user_factors": self.user_factors,
            "game_factors": self.game_factors,
            "prototypes": self.prototypes,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> "Truth":
        """What `to_arrays` gave."""
        return cls(arrays["user_factors"], arrays["game_factors"], arrays["prototypes"])


def simulate(
    games: pd.DataFrame,
    features: ContentFeatures,
    n_users: int = 100,
    *,
    mode: Mode = "taste",
    min_games: int = 1,
    max_games: int = 5,
    alpha: float = 0.1,
    noise: float = 0.3,
    tastes: int = 8,
    strength: float = 4.0,
    hidden_share: float = 0.2,
    mixing: float = 0.4,
    end: str = "2026-01-01",
    seed: int = 42,
) -> tuple[pd.DataFrame, Truth]:
    """Interactions of `n_users` virtual users (columns.INTERACTIONS) and their Truth.

    Every user plays between min_games and max_games different games, each number equally likely,
    but no more than there are games that can be chosen at all. Users are numbered from 1, in the
    order of the rows of the truth; its columns are in the order of `games`. Rows are sorted by
    user and time. The same arguments give the same result, whatever the number of cores.

    alpha, noise: see `base_weights`. tastes, strength, hidden_share: see `taste_weights`.
    mixing: the total of the Dirichlet distribution of a user's taste shares; near 0 a user has one
        taste, at 1 or 2 several, and with a large value all users are alike.
    mode 'popularity': one taste, the base weights, which all users share; tastes, strength,
        hidden_share and mixing play no part.
    end: the plays lie in the year before this date (UTC), in the order of choice.

    Raises UsageError for a parameter out of range, DataError for a table that cannot be used.
    """
    _check_ranges(
        n_users=(n_users, 1, 10**9),
        min_games=(min_games, 1, max_games),
        alpha=(alpha, 0, 1),
        noise=(noise, 0, 3),
        tastes=(tastes, 1, 1000),
        strength=(strength, 0, 20),
        hidden_share=(hidden_share, 0, 1),
        mixing=(mixing, 0.01, 1000),
        seed=(seed, 0, 2**63),
    )
    if mode not in get_args(Mode):
        raise UsageError(f"mode is {mode!r}; it must be one of {', '.join(get_args(Mode))}")
    last = _midnight(end)
    rng = np.random.default_rng([seed, 0])
    base = base_weights(games, alpha, noise, rng)
    if mode == "popularity":
        tastes, weights, prototypes = 1, base[:, None], np.array([-1])
    else:
        content = _content(features, games[GAME])
        weights, prototypes = taste_weights(base, content, tastes, strength, hidden_share, rng)
    game_factors = weights.astype(np.float32)
    most = min(max_games, int((game_factors > 0).all(axis=1).sum()))
    counts = rng.integers(min(min_games, most), most, n_users, endpoint=True)
    shares, game, second = _play(counts, game_factors, mixing / tastes, seed)
    plays = {
        USER: np.repeat(np.arange(1, n_users + 1), counts),
        GAME: games[GAME].to_numpy()[game],
        WEIGHT: np.ones(len(game), np.float32),
        AT: last + (second - YEAR).astype("timedelta64[s]"),
    }
    return pd.DataFrame(plays), Truth(shares, game_factors, prototypes)


@dataclass(frozen=True)
class _Block:
    """Users drawn together: how many games each, by which tastes, and a seed of their own."""

    counts: np.ndarray
    concentration: float
    components: Rows
    seed: tuple[int, ...]

    def play(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Taste shares (n, n_tastes); game and second of the year of each play, by user."""
        rng = np.random.default_rng(self.seed)
        alphas = np.full(len(self.components.values), self.concentration)
        shares = rng.dirichlet(alphas, len(self.counts)).astype(np.float32)
        player, game = Mixtures(shares, self.components).draw(self.counts, rng)
        return shares, game, _ordered_seconds(player, rng)


def _play(
    counts: np.ndarray, game_factors: np.ndarray, concentration: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As _Block.play, for all users: block by block, on all cores."""
    components = Rows(game_factors.T)
    size = max(1, min(BLOCK, BLOCK_PLAYS // int(counts.max())))
    blocks = [
        _Block(counts[start : start + size], concentration, components, (seed, 1, start))
        for start in range(0, len(counts), size)
    ]
    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as pool:
        shares, games, seconds = zip(*pool.map(_Block.play, blocks), strict=True)
    return np.concatenate(shares), np.concatenate(games), np.concatenate(seconds)


def _ordered_seconds(player: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uniform seconds of the year, rising within each player; `player` is sorted."""
    key = (player << _SECOND_BITS) + rng.integers(YEAR, size=len(player))
    key.sort()
    return key & ((1 << _SECOND_BITS) - 1)


def _content(features: ContentFeatures, game_ids: pd.Series) -> sparse.csr_matrix:
    absent = game_ids[~game_ids.isin(features.game_ids)]
    if len(absent):
        raise DataError(
            f"{len(absent)} games, the first is {absent.iloc[0]}, have no row in the content "
            "features: run 03_preprocess.ipynb again"
        )
    return features.for_games(game_ids.to_numpy()).matrix


def _check_ranges(**limits: tuple[float, float, float]) -> None:
    for name, (value, low, high) in limits.items():
        if not low <= value <= high:
            raise UsageError(f"{name} is {value}; it must lie between {low} and {high}")


def _midnight(date: str) -> np.datetime64:
    try:
        midnight: np.datetime64 = np.datetime64(date, "us")
    except ValueError:
        midnight = np.datetime64("NaT")
    if np.isnat(midnight):
        raise UsageError(f"end is {date!r}; it must be a date like 2026-01-01")
    return midnight
