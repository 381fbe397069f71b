"""The scaled regression problem that `ease`, `slim` and `svd` share.

Before the Gram matrix is taken,

    x~[u, i] = x[u, i] / (activity[u]^user_power popularity[i]^popularity_power)

so that players of everything and games that everybody plays count less: the plain penalty on the
scaled weights w~ then weighs popularity[i]^(2 popularity_power) on the plain ones. Back in plain
terms W[i, j] = w~[i, j] / (popularity[i]^popularity_power popularity[j]^target_power): target_power
says by how much popular targets are held down.
"""

import numpy as np
from pydantic import Field
from scipy import sparse

from gamerec.models import base
from gamerec.models.kernels.assemble import weight_matrix
from gamerec.models.kernels.cooccurrence import Denominator, Neighbours, nearest
from gamerec.models.kernels.ranked import RankedLog, inverse, rank_log


class ScaledParams(base.CommonParams):
    """Exponents of the scaling and of the choice of neighbours; all 0 is the plain problem."""

    user_power: float = Field(0.25, ge=0, le=1)
    popularity_power: float = Field(0.2, ge=0, le=1)
    target_power: float = Field(0.2, ge=0, le=1)
    choice_power: float = Field(0.2, ge=0, le=1)


class ScaledProblem:
    """The scaled log, in rank space, and the way back.

    log: the scaled play log. popularity: (n_games,) float64 in rank order, at least 1.
    """

    def __init__(self, data: base.TrainingData, params: ScaledParams) -> None:
        self.params = params
        activity = np.diff(data.X.indptr)
        by_column = np.maximum(data.popularity, 1).astype(np.float64)
        rows = np.maximum(activity, 1.0) ** -params.user_power
        columns = by_column**-params.popularity_power
        values = data.X.data * rows.repeat(activity) * columns[data.X.indices]
        scaled = sparse.csr_matrix(
            (values.astype(np.float32), data.X.indices, data.X.indptr), shape=data.X.shape
        )
        self.log: RankedLog = rank_log(scaled, data.popularity)
        self.popularity = by_column[self.log.order]

    def matrix(self) -> sparse.csr_matrix:
        """The scaled log as a matrix, (n_users, n_games) with games in rank order."""
        log = self.log
        shape = (len(log.row_start) - 1, len(log.order))
        return sparse.csr_matrix((log.values, log.games, log.row_start), shape=shape)

    def neighbours(self, k: int) -> Neighbours:
        """For each target j the k sources i of highest x[i] . x[j] / popularity[i]^choice_power.

        The rows are scaled, the columns are not. The values are those measures.
        """
        p = self.params
        damping = self.popularity ** (p.choice_power - p.popularity_power)
        one, zero = np.ones(len(damping), np.float32), np.zeros(len(damping), np.float32)
        choice = Denominator(
            damping.astype(np.float32), one, zero, zero, np.float32(0), np.float32(0)
        )
        return nearest(self.log, choice, k)

    def weights(self, found: Neighbours) -> sparse.csr_matrix:
        """W in plain terms, from scaled weights; entries of 0 are left out."""
        source, target = self._factors()
        return weight_matrix(found, self.log.order, source, target)

    def dense_weights(self, w: np.ndarray) -> sparse.csr_matrix:
        """The same from all scaled weights, (n_games, n_games) in rank order, overwritten."""
        source, target = self._factors()
        w *= source[:, None]
        w *= target
        rank = inverse(self.log.order)
        return sparse.csr_matrix(w[np.ix_(rank, rank)], dtype=np.float32)

    def _factors(self) -> tuple[np.ndarray, np.ndarray]:
        p = self.params
        # x~ of the target carries popularity_power already, so only the rest is to be applied
        source = self.popularity**-p.popularity_power
        target = self.popularity ** (p.popularity_power - p.target_power)
        return source.astype(np.float32), target.astype(np.float32)
