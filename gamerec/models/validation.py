"""How good a model with given parameters is on held-out games: the ruler of tuning and comparison.

It fits and scores; what to try next is `tuning`'s business.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from gamerec import metrics, models
from gamerec.interactions import Interactions
from gamerec.models.base import ItemModel
from gamerec.models.blend import Blend
from gamerec.models.slim import Slim

SHARE = 0.1  # of each user's games: little, so that the rest is near to what is fitted in the end
ENOUGH = 20_000  # held-out games below which several splits are averaged
MOST_SPLITS = 8
MOST_USERS = 20_000  # users scored per split: more do not change which parameters win
MOST_WATCHED = 5_000  # users that a model looks at itself, after each epoch or for each share
_LEAST_SHARE = 0.05  # of a part in a blend, on the mean over the splits


@dataclass(frozen=True)
class Score:
    """Means over the users with held-out games, over the splits.

    fit_seconds: of one fit; seconds: of all fits and scorings. params: those to fit again with.
    """

    ndcg: float
    recall: float
    fit_seconds: float
    seconds: float
    params: dict[str, Any]


class Validation:
    """One or more splits of X, and the score of any model on them.

    X: (n_users, n_games) CSR. held_out: its validation part; without it, SHARE of each user's games
    are held out at random. On a small log one split says more of its luck than of the model: with
    fewer than ENOUGH held-out games, further random splits of X (and held_out) are averaged,
    MOST_SPLITS at most, unless `one_split`.
    k: the cut-off of both metrics.
    """

    def __init__(
        self,
        X: sparse.csr_matrix,
        held_out: sparse.csr_matrix | None = None,
        *,
        k: int = 20,
        seed: int = 42,
        features: sparse.csr_matrix | None = None,
        one_split: bool = False,
    ) -> None:
        self.k = k
        self.features = features
        whole = X if held_out is None else X + held_out
        self.splits = [_split(whole, seed) if held_out is None else (X, held_out)]
        n = int(np.clip(ENOUGH // max(self.n_held_out, 1), 1, 1 if one_split else MOST_SPLITS))
        self.splits += [_split(whole, seed + 1_000 * at) for at in range(1, n)]
        self.scored = [_some_users(held, MOST_USERS, seed) for _, held in self.splits]
        self.watched = [
            _only(held, _some_users(held, MOST_WATCHED, seed)) for _, held in self.splits
        ]

    @property
    def n_held_out(self) -> int:
        """Held-out games over all splits."""
        return sum(held.nnz for _, held in self.splits)

    @property
    def n_games(self) -> int:
        """The size of the catalogue."""
        return self.splits[0][0].shape[1]

    def score(
        self,
        name: str,
        params: Mapping[str, Any],
        on_epoch: Callable[[dict[str, float]], None] | None = None,
    ) -> Score:
        """Fit and score on every split.

        What a model chooses by held-out games itself it then has on all splits and in
        `Score.params`. slim chooses the number of epochs on the first split; a blend its shares on
        each, of which the mean is taken: those of one split are much of its luck.
        """
        begun, fit_seconds = time.perf_counter(), 0.0
        settled = self._watching(name, params)
        if name == Blend.name and settled.get("shares") is None:
            settled["shares"] = self._mean_shares(settled)
        values: list[tuple[float, float]] = []
        for (train, held), users in zip(self.splits, self.scored, strict=True):
            start = time.perf_counter()
            model = models.create(name, **settled)
            if values:
                model.fit(train, features=self.features)
            else:
                watched = {"validation": self.watched[0], "on_epoch": on_epoch}
                model.fit(train, features=self.features, **watched)
            fit_seconds += time.perf_counter() - start
            values.append(self._values(model, train[users], held[users]))
            settled = settled | _settled(model)
        ndcg, recall = np.mean(values, axis=0)
        seconds = time.perf_counter() - begun
        return Score(float(ndcg), float(recall), fit_seconds / len(values), seconds, settled)

    def _watching(self, name: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters, with our K for models that look at held-out games themselves."""
        watches = "watch_k" in models.kind(name).Params.model_fields
        return {**params, "watch_k": self.k} if watches else dict(params)

    def _mean_shares(self, params: Mapping[str, Any]) -> list[float]:
        shares = []
        for (train, _), watched in zip(self.splits, self.watched, strict=True):
            blend = Blend(**params).fit(train, features=self.features, validation=watched)
            shares.append(blend.shares_)
        mean = np.mean(shares, axis=0)
        return [float(share) if share >= _LEAST_SHARE else 0.0 for share in mean]

    def _values(
        self, model: ItemModel, X: sparse.csr_matrix, held: sparse.csr_matrix
    ) -> tuple[float, float]:
        lists, _ = model.recommend(X, k=self.k)
        values = metrics.per_user(lists, held, (self.k,))
        if not len(values["ndcg", self.k]):
            return 0.0, 0.0
        return float(values["ndcg", self.k].mean()), float(values["recall", self.k].mean())


def _settled(model: ItemModel) -> dict[str, Any]:
    """What the model has chosen by held-out games: `fit` without them then does the same."""
    if isinstance(model, Slim):
        ndcg = f"ndcg@{model.options.watch_k}"
        best = max(model.history, key=lambda line: line.get(ndcg, line["epoch"]))
        return {"epochs": max(1, int(best["epoch"]))}
    return {}


def _split(X: sparse.csr_matrix, seed: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    data = Interactions(X, np.arange(X.shape[0]), np.arange(X.shape[1]))
    train, held = data.split(SHARE, seed)
    return train.X, held.X


def _some_users(held: sparse.csr_matrix, most: int, seed: int) -> np.ndarray:
    """Rows with held-out games, at most so many of them, drawn by seed."""
    users = metrics.test_users(held)
    if len(users) > most:
        users = np.sort(np.random.default_rng(seed).choice(users, most, replace=False))
    return users


def _only(held: sparse.csr_matrix, users: np.ndarray) -> sparse.csr_matrix:
    """The same matrix with all other rows empty."""
    counts = np.zeros(held.shape[0], np.int64)
    counts[users] = np.diff(held.indptr)[users]
    kept = held[users]
    indptr = np.concatenate(([0], np.cumsum(counts)))
    return sparse.csr_matrix((kept.data, kept.indices, indptr), shape=held.shape)
