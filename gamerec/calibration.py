"""Confidence: how likely a recommended game is one that the player turns out to play.

Scores of different models and of players with few or many games cannot be compared; a chance can.
It is read off the validation part: a model fitted without it makes lists, and a logistic
regression (Platt 1999) on what serving sees of an item learns how often such an item was a hit.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse, special

from gamerec.compiling import njit
from gamerec.errors import DataError
from gamerec.models.base import ItemModel

if TYPE_CHECKING:  # serving reads a calibration and needs neither
    import pandas as pd

KEY = "calibration"  # of a version's verdict
LIST = 20  # places of the lists that are learned from
_RIDGE = 0.01  # pulls the coefficients to 0 where there are few examples
_LEAST = 1e-9  # a score of 0 has no logarithm


@dataclass(frozen=True)
class Calibration:
    """chance = 1 / (1 + exp(-(intercept + score s + filled f + rank r + played p))), where

    s is the standardised logarithm of the score (0 for filled places), f 1 where the score is 0 or
    below, r the logarithm of the rank, from 1, in the model's own order, p log(1 + games played).
    score >= 0 and rank <= 0: of two scored games of a list the upper one never has the lower
    chance. `examples` places of `users` lists were learned from, `hits` of them hits.
    """

    intercept: float
    score: float
    filled: float
    rank: float
    played: float
    mean: float
    spread: float
    users: int
    examples: int
    hits: int

    def chances(self, scores: np.ndarray, ranks: np.ndarray, n_played: Any) -> np.ndarray:
        """The chance of each item, (n,) float64 in 0..1.

        scores, ranks: (n,), a rank is the place in the model's own order, from 1. n_played: games
        that the list was made from, one number or (n,).
        """
        same = np.empty(len(scores))
        same[:] = self.intercept + self.played * np.log1p(n_played)
        terms = (self.score / self.spread, self.mean, self.filled, self.rank)
        return _chances(scores, ranks, same, *terms)

    def to_dict(self) -> dict[str, float | int]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, float]) -> "Calibration":
        """What `to_dict` gave; raises DataError for anything else."""
        try:
            counts = {name: int(values[name]) for name in ("users", "examples", "hits")}
            made = cls(**{n: float(v) for n, v in values.items() if n not in counts}, **counts)  # type: ignore[arg-type]
            finite = np.isfinite([made.intercept, made.score, made.rank, made.spread]).all()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"the calibration cannot be read: {error}") from None
        if not finite or made.spread <= 0:
            raise DataError("the calibration holds numbers that are none")
        return made


@dataclass(frozen=True)
class Examples:
    """Places of lists, (n,) each: score, rank from 1, games played, whether it was a hit, whose."""

    scores: np.ndarray
    ranks: np.ndarray
    played: np.ndarray
    hit: np.ndarray
    user: np.ndarray

    def where(self, mask: np.ndarray) -> "Examples":
        """Some of them."""
        return Examples(*(getattr(self, f.name)[mask] for f in fields(self)))


def examples(
    model: ItemModel, train: sparse.csr_matrix, validation: sparse.csr_matrix, k: int = LIST
) -> Examples:
    """The first k places of every player with held-out games.

    model: fitted on `train`, (n_users, n_games), and on nothing of `validation`.
    """
    rows = np.flatnonzero(np.diff(validation.indptr) > 0)
    histories, held_out = train[rows], validation[rows]
    k = min(k, train.shape[1])
    games, scores = model.recommend(histories, k)  # (n, k)
    user, place = np.nonzero(games >= 0)
    width = np.int64(train.shape[1])
    owner = np.repeat(np.arange(len(rows)), np.diff(held_out.indptr))
    wanted = owner * width + held_out.indices
    hit = np.isin(user * width + games[user, place], wanted)
    played = np.diff(histories.indptr)[user]
    return Examples(scores[user, place], place + 1, played, hit, user)


def fit(seen: Examples) -> Calibration | None:
    """The calibration of largest likelihood, by L-BFGS-B; None where nothing or all was a hit."""
    hits = int(seen.hit.sum())
    if not 0 < hits < len(seen.hit):
        return None
    known = seen.scores > 0
    logs = np.log(np.maximum(seen.scores, _LEAST).astype(float))
    mean = float(logs[known].mean()) if known.any() else 0.0
    spread = float(logs[known].std()) if known.any() else 1.0
    spread = spread if spread > 0 else 1.0
    columns = [
        np.ones(len(logs)),
        np.where(known, (logs - mean) / spread, 0),
        (~known).astype(float),
        np.log(seen.ranks),
        np.log1p(seen.played),
    ]
    found = _largest_likelihood(np.column_stack(columns), seen.hit)
    intercept, score, filled, rank, played = found.tolist()
    told = (mean, spread, len(np.unique(seen.user)), len(logs), hits)
    return Calibration(intercept, score, filled, rank, played, *told)


def curve(seen: Examples, bins: int = 10) -> "pd.DataFrame":
    """Told and found: columns chance, share, low, high, examples; a row per equal part of them.

    Each half of the users is told its chances by what was learned from the other half, so that the
    curve speaks of players who were not learned from. chance: mean chance told. share: of hits
    found, with its 95 % interval of Wilson (1927). Empty where a half has nothing to learn from.
    """
    import pandas as pd

    even = seen.user % 2 == 0
    told = np.zeros(len(even))
    for half in (even, ~even):
        learned = fit(seen.where(~half))
        if learned is None:
            return pd.DataFrame(columns=["chance", "share", "low", "high", "examples"])
        own = seen.where(half)
        told[half] = learned.chances(own.scores, own.ranks, own.played)
    order = np.argsort(told, kind="stable")
    rows = []
    for part in np.array_split(order, min(bins, len(order))):
        n, hits = len(part), int(seen.hit[part].sum())
        rows.append((float(told[part].mean()), hits / n, *_wilson(hits, n), n))
    return pd.DataFrame(rows, columns=["chance", "share", "low", "high", "examples"])


def of_version(info: Mapping[str, Any]) -> Calibration | None:
    """The calibration that 06_evaluate left with a version's verdict, None where it left none.

    info: as `Registry.info` gives it.
    """
    kept = ((info.get("evaluation") or {}).get("verdict") or {}).get(KEY)
    return None if kept is None else Calibration.from_dict(kept)


@njit(cache=True, nogil=True)
def _chances(
    scores: np.ndarray,
    ranks: np.ndarray,
    same: np.ndarray,
    score: float,
    mean: float,
    filled: float,
    rank: float,
) -> np.ndarray:
    out = np.empty(len(scores))
    for at in range(len(scores)):
        z = same[at] + rank * np.log(ranks[at])
        z += score * (np.log(max(scores[at], _LEAST)) - mean) if scores[at] > 0 else filled
        out[at] = 1 / (1 + np.exp(-z))
    return out


def _largest_likelihood(A: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """Coefficients (5,) of the columns of A; the score's not below 0, the rank's not above."""
    from scipy import optimize

    sign = np.where(hit, 1.0, -1.0)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = sign * (A @ w)
        penalty = _RIDGE * w
        penalty[0] = 0
        value = -special.log_expit(margin).sum() + 0.5 * (penalty * w).sum()
        return float(value), -(A.T @ (sign * special.expit(-margin))) + penalty

    bounds = [(None, None), (0, None), (None, None), (None, 0), (None, None)]
    return optimize.minimize(loss, np.zeros(A.shape[1]), jac=True, bounds=bounds).x


def _wilson(hits: int, n: int) -> tuple[float, float]:
    z = 1.959964
    centre = (hits + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(hits * (n - hits) / n + z * z / 4)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
