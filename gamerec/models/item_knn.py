"""`item_knn`: the similarity of two games from how many players they share.

The K most similar sources are kept for each *target* game (column of W), not for each source:
every game can then be reached from its own best neighbours, which lifts accuracy at no cost.
"""

from typing import Literal

import numpy as np
from pydantic import Field
from scipy import sparse

from gamerec.models import base
from gamerec.models.kernels.assemble import weight_matrix
from gamerec.models.kernels.cooccurrence import Denominator, nearest
from gamerec.models.kernels.ranked import RankedLog, rank_log, squared_lengths
from gamerec.models.weighting import weigh_users


class ItemKNN(base.ItemModel):
    """W[i, j] = similarity of source i and target j for the K best sources of each j.

    With x the weighted column of a game, c = x_i . x_j and |x|^2 its squared length (the number
    of players, where all weights are 1):

    cosine      c / (|x_i| |x_j|)
    asymmetric  c / (|x_i|^(2 alpha) |x_j|^(2 - 2 alpha)), Aiolli 2013; alpha 0.5 is cosine,
                above it popular sources count less.
    jaccard     c / (|x_i|^2 + |x_j|^2 - c)
    tversky     c / (c + alpha (|x_i|^2 - c) + beta (|x_j|^2 - c)); alpha = beta = 1 is Jaccard.

    `shrinkage` is added to the denominator and pulls similarities of rarely played games to 0.
    Weights of users: see `weighting`. Memory of fit: W twice, the log twice and one accumulator
    of n_games float32 per thread. Time: the sum over users of (games played) squared.
    """

    name = "item_knn"

    class Params(base.CommonParams):
        similarity: Literal["cosine", "asymmetric", "jaccard", "tversky"] = "cosine"
        neighbours: int = Field(100, ge=1)
        shrinkage: float = Field(0.0, ge=0)
        weighting: Literal["none", "tfidf", "bm25"] = "none"
        alpha: float = Field(0.5, ge=0, le=1)
        beta: float = Field(0.5, ge=0, le=1)

    options: Params

    def _weights(self, data: base.TrainingData) -> sparse.csr_matrix:
        log = rank_log(weigh_users(data.X, self.options.weighting), data.popularity)
        found = nearest(log, self._denominator(log), self.options.neighbours)
        return weight_matrix(found, log.order)

    def _denominator(self, log: RankedLog) -> Denominator:
        o = self.options
        squares = squared_lengths(log)
        zero = np.zeros(len(squares))
        if o.similarity in ("cosine", "asymmetric"):
            alpha = o.alpha if o.similarity == "asymmetric" else 0.5
            parts, mix = [squares**alpha, squares ** (1 - alpha), zero, zero], 0.0
        else:
            a, b = (o.alpha, o.beta) if o.similarity == "tversky" else (1.0, 1.0)
            parts, mix = [zero, zero, a * squares, b * squares], 1 - a - b
        p, q, s, t = (part.astype(np.float32) for part in parts)
        return Denominator(p, q, s, t, np.float32(mix), np.float32(o.shrinkage))
