"""`slim`: every game predicted from a few others by an elastic net, learned epoch by epoch.

Ning and Karypis, "SLIM: Sparse Linear Methods for Top-N Recommender Systems", ICDM 2011; the
sources of a target are its nearest games, as in their fsSLIM.
"""

from typing import Any, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from gamerec.models import base
from gamerec.models.kernels.cooccurrence import Neighbours
from gamerec.models.kernels.elastic_net import sweep
from gamerec.models.kernels.gram import gram
from gamerec.models.kernels.ranked import squared_lengths
from gamerec.models.scaled import ScaledParams, ScaledProblem
from gamerec.models.watching import Watch


class Slim(base.ItemModel):
    """W[., j] minimises 1/2 |x~_j - X~ w|^2 + l1 |w|_1 + l2/2 |w|^2, w[j] = 0, over j's sources.

    One epoch is one sweep of coordinate descent over all weights, from the cosine similarities as
    the start (epoch 0). With a validation part, recall and NDCG are recorded after every epoch,
    the weights of the best epoch are kept, and `patience` epochs without a better NDCG end it.
    So does an epoch that changes every weight by less than `tolerance`: it has converged.

    Memory of fit: `neighbours` weights per game, the square of neighbours + 1 per thread and at
    most 1 GiB of the Gram matrix. Scaling: see `scaled`.
    """

    name = "slim"

    class Params(ScaledParams):
        neighbours: int = Field(200, ge=1)
        l1: float = Field(0.1, ge=0)
        l2: float = Field(10.0, ge=0)
        non_negative: bool = True
        epochs: int = Field(10, ge=1)
        patience: int = Field(3, ge=1)
        tolerance: float = Field(1e-3, ge=0)
        watch_k: int = Field(10, ge=1)

    options: Params

    def fit(
        self,
        X: sparse.csr_matrix,
        *,
        epochs: int | None = None,
        patience: int | None = None,
        **inputs: Any,
    ) -> Self:
        """As `ItemModel.fit`; epochs and patience, where given, replace the parameters."""
        given = {"epochs": epochs, "patience": patience}
        changed = {name: value for name, value in given.items() if value is not None}
        self._set(**changed)
        return super().fit(X, **inputs)

    def _weights(self, data: base.TrainingData) -> sparse.csr_matrix:
        o = self.options
        problem = ScaledProblem(data, o)
        found = _from_cosine(problem, o.neighbours)
        held = gram(problem.log, uses=o.neighbours)
        watch = Watch(data, o.watch_k, o.patience, self.history)
        watch.see(0, problem.weights(found))
        for epoch in range(1, o.epochs + 1):
            objective, change = sweep(problem.log, held, found, o.l1, o.l2, o.non_negative)
            watch.see(epoch, problem.weights(found), objective=objective, change=change)
            if watch.over or change < o.tolerance:
                break
        return watch.best


def _from_cosine(problem: ScaledProblem, k: int) -> Neighbours:
    """Each target's nearest games, with their cosine as first weight."""
    found = problem.neighbours(k)
    p = problem.params
    length = np.sqrt(squared_lengths(problem.log))
    length[length == 0] = 1
    # the choice measure is x_i . x_j / damping_i: undo the damping, divide by both lengths
    damping = problem.popularity ** (p.choice_power - p.popularity_power)
    used = np.arange(found.ids.shape[1]) < found.n_sources[:, None]
    source = (damping / length).astype(np.float32)[np.where(used, found.ids, 0)]
    start = np.where(used, found.values, 0) * source / length[:, None]
    return found._replace(values=start.astype(np.float32))
