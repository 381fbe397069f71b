"""`blend`: the weighted sum of several models, which is one weight matrix again."""

from typing import Any

import numpy as np
from pydantic import Field, field_validator
from scipy import sparse

from gamerec.errors import UsageError
from gamerec.models import base
from gamerec.models.watching import accuracy


class Blend(base.ItemModel):
    """W = sum over parts p of shares[p] W_p / |W_p|, with the Frobenius norm |W_p|.

    parts: name and parameters of each model, as [{"name": "ease", "penalty": 30}, ...]; all read
        the values of X by the blend's own rule.
    shares: one number per part; None to fit them to the validation part, by NDCG@watch_k. Parts are
        then taken up one after another (forward selection: Caruana et al., "Ensemble Selection from
        Libraries of Models", ICML 2004): each time the part and the share that help most, while the
        earlier ones keep their proportions and as long as they help. Without a validation part
        shares are equal.

    After fit, `shares_` are the shares, adding up to 1. Memory: the parts together.
    """

    name = "blend"

    class Params(base.CommonParams):
        parts: list[dict[str, Any]] = Field([{"name": "slim"}, {"name": "svd"}], min_length=1)
        shares: list[float] | None = None
        watch_k: int = Field(10, ge=1)

        @field_validator("parts")
        @classmethod
        def _are_models(cls, parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
            for part in parts:
                _create(part, "raw")
            return parts

    options: Params

    @property
    def shares_(self) -> list[float]:
        """The share of each part in W, fitted or given."""
        return self.learned["shares"]

    def _weights(self, data: base.TrainingData) -> sparse.csr_matrix:
        o = self.options
        if o.shares is not None and (len(o.shares) != len(o.parts) or min(o.shares) < 0):
            raise UsageError(f"shares must be {len(o.parts)} numbers of 0 or more, one per part")
        if any(part.get("values", o.values) != o.values for part in o.parts):
            raise UsageError(f"all parts of a blend read the values as it does, here {o.values}")
        shares = np.ones(len(o.parts)) if o.shares is None else np.array(o.shares, np.float64)
        n_games = data.X.shape[1]
        nothing = sparse.csr_matrix((n_games, n_games), dtype=np.float32)
        matrices = [
            _unit(_create(part, "raw")._weights(data)) if share else nothing
            for part, share in zip(o.parts, shares, strict=True)
        ]
        if o.shares is None and data.validation is not None:
            shares = _fitted(matrices, data, o.watch_k)
        shares = shares / (shares.sum() or 1)
        self.learned = {"shares": shares.tolist()}
        return _sum(matrices, shares)


def _create(part: dict[str, Any], values: str) -> base.ItemModel:
    from gamerec.models import create

    if part.get("name") == "blend":
        raise UsageError("a blend cannot be part of a blend; name its parts directly")
    return create(**{"name": "", **part, "values": values})


def _unit(W: sparse.csr_matrix) -> sparse.csr_matrix:
    norm = np.sqrt(np.square(W.data, dtype=np.float64).sum())
    return W * np.float32(1 / norm) if norm else W


def _sum(matrices: list[sparse.csr_matrix], shares: np.ndarray) -> sparse.csr_matrix:
    W = sparse.csr_matrix(matrices[0].shape, dtype=np.float32)
    for matrix, share in zip(matrices, shares, strict=True):
        if share:
            W = W + matrix * np.float32(share)
    W.sort_indices()
    return W


def _fitted(matrices: list[sparse.csr_matrix], data: base.TrainingData, k: int) -> np.ndarray:
    """The shares, adding up to 1; a part that does not help has 0."""
    shares, best = np.zeros(len(matrices)), -1.0
    while not shares.all():
        steps = _STEPS if shares.any() else (1.0,)
        tried = [
            np.where(np.arange(len(shares)) == part, s, shares * (1 - s))
            for part in np.flatnonzero(shares == 0)
            for s in steps
        ]
        ndcg = [accuracy(_sum(matrices, t), data, k)[f"ndcg@{k}"] for t in tried]
        at = int(np.argmax(ndcg))  # of equals the first: the earlier part, the smaller share
        if ndcg[at] <= best * (1 + _GAIN):
            break
        shares, best = tried[at], ndcg[at]
    return shares


_STEPS = (0.1, 0.2, 0.35, 0.5, 0.65, 0.8)
_GAIN = 0.001  # of NDCG, relative: a part that gives less is not worth its weights
