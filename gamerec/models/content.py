"""`content`: two games are alike as far as their genres and tags are; players are not looked at.

The only model that reaches a game which nobody has played yet.
"""

import numpy as np
from pydantic import Field
from scipy import sparse

from gamerec.errors import UsageError
from gamerec.models import base
from gamerec.models.checks import as_features
from gamerec.models.kernels.assemble import weight_matrix
from gamerec.models.kernels.cooccurrence import Denominator, nearest
from gamerec.models.kernels.ranked import rank_log, squared_lengths


class Content(base.ItemModel):
    """W[i, j] = f_i . f_j / (|f_i| |f_j| + shrinkage) for the K likest sources of each target.

    f: the rows of the feature matrix. Co-occurrence of games over features in the place of users:
    the same kernel, on the transposed feature matrix. Of equally like sources the more popular.
    """

    name = "content"

    class Params(base.CommonParams):
        neighbours: int = Field(100, ge=1)
        shrinkage: float = Field(0.0, ge=0)

    options: Params

    def _weights(self, data: base.TrainingData) -> sparse.csr_matrix:
        if data.features is None:
            raise UsageError("model content needs the games' features: fit(X, features=...)")
        log = rank_log(as_features(data.features), data.popularity)
        length = np.sqrt(squared_lengths(log)).astype(np.float32)
        zero = np.zeros_like(length)
        cosine = Denominator(
            length, length, zero, zero, np.float32(0), np.float32(self.options.shrinkage)
        )
        return weight_matrix(nearest(log, cosine, self.options.neighbours), log.order)
