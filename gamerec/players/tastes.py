"""How likely each game is to be chosen: by everybody, and by each of a few tastes.

This module makes the weights that `simulate` draws from; it knows nothing of users.
"""

import math

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import ndtri, softmax

from gamerec.columns import GAME
from gamerec.errors import DataError


def base_weights(
    games: pd.DataFrame, alpha: float, noise: float, rng: np.random.Generator
) -> np.ndarray:
    """(n_games,) how much each game is chosen by everybody; sums to 1.

    w = rating_shrunk * owned_ratio, scaled to sum 1, then
    base ~ ((1 - alpha) * w + alpha / n_games) * exp(noise * N(0, 1)).
    alpha is the share of choices made without regard to rating and ownership; noise stands for all
    that makes a game known beside the two. If every w is 0, the games count as equal.
    """
    absent = [c for c in (GAME, "rating_shrunk", "owned_ratio") if c not in games.columns]
    if absent or games.empty:
        raise DataError(f"the games table has {len(games)} rows and lacks the columns {absent}")
    weight = (games["rating_shrunk"] * games["owned_ratio"]).to_numpy(np.float64)
    bad = np.flatnonzero(~(np.isfinite(weight) & (weight >= 0)))
    if len(bad):
        name = games[GAME].iloc[bad[0]]
        raise DataError(
            f"{len(bad)} games have no usable rating_shrunk * owned_ratio, the first is game {name}"
        )
    if not weight.any():
        weight = np.ones(len(weight))
    blended = (1 - alpha) * weight / weight.sum() + alpha / len(weight)
    blended *= np.exp(noise * rng.standard_normal(len(weight)))
    return blended / blended.sum()


def taste_weights(
    base: np.ndarray,
    content: sparse.csr_matrix,
    tastes: int,
    strength: float,
    hidden_share: float,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """(n_games, tastes) choice probabilities of each taste, and the (tastes,) prototypes.

    Taste z likes games by sqrt(1 - hidden_share) * c + sqrt(hidden_share) * h, where c is the
    normal score of the game's cosine to the taste's prototype game and h ~ N(0, 1) is a reason
    that no genre or tag tells. With rank 0, 1, 2, ... by that liking,

        weight[game, z] ~ base[game] * (1 + rank / sqrt(n_games)) ** -strength,

    the Zipf-Mandelbrot law (Mandelbrot 1953): a core of about sqrt(n_games) games, then a long
    tail, for a catalogue of any size. At strength 0 nobody has a taste.
    """
    prototypes = _spread_prototypes(content, tastes, rng)
    likeness = np.zeros((len(base), tastes))
    if (prototypes >= 0).all():
        likeness = (content @ content[prototypes].T).toarray()  # (n_games, tastes)
    scores = ndtri((_ranks(likeness) + 0.5) / len(base))
    hidden = rng.standard_normal(scores.shape)
    liking = math.sqrt(1 - hidden_share) * scores + math.sqrt(hidden_share) * hidden
    appeal = -strength * np.log1p(_ranks(-liking) / math.sqrt(len(base)))
    with np.errstate(divide="ignore"):  # a game of base 0 stays at 0
        return softmax(np.log(base)[:, None] + appeal, axis=0), prototypes


def genre_lift(game_factors: np.ndarray, genres: pd.Series, shares: np.ndarray) -> pd.DataFrame:
    """How often each taste (row) picks each genre (column), over how often all together do.

    game_factors: (n_games, n_tastes); genres: a list per game; shares: (n_tastes,) weight of each
    taste among all. 1 is as often as everybody, 2 twice as often. Commonest genre first.
    """
    member = pd.get_dummies(genres.reset_index(drop=True).explode()).groupby(level=0).any()
    picked = pd.DataFrame(game_factors.T @ member.to_numpy(np.float64), columns=member.columns)
    together = pd.Series(shares @ picked.to_numpy(), index=picked.columns)
    common = together.sort_values(ascending=False).index
    return (picked / together)[common]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank from 0 in each column, smallest first; equal values share the mean of their ranks."""
    return pd.DataFrame(values).rank().to_numpy() - 1


def _spread_prototypes(
    content: sparse.csr_matrix, count: int, rng: np.random.Generator
) -> np.ndarray:
    """(count,) games far from each other in content, by k-means++ seeding (Arthur 2007).

    Games without any content are never taken; -1 throughout where all are such.
    """
    known = np.asarray(content.getnnz(axis=1) > 0)
    if not known.any():
        return np.full(count, -1)
    chosen: list[int] = []
    distance = known.astype(np.float64)  # 1 - cosine to the nearest prototype so far
    for _ in range(count):
        weight = distance if distance.sum() > 1e-9 else known
        chosen.append(int(rng.choice(len(known), p=weight / weight.sum())))
        cosine = (content @ content[[chosen[-1]]].T).toarray().ravel()
        distance = np.minimum(distance, np.clip(1 - cosine, 0, 1))
        distance[chosen[-1]] = 0
    return np.array(chosen)
