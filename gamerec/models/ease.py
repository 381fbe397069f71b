"""`ease`: every game predicted from the others by ridge regression.

Steck, "Embarrassingly Shallow Autoencoders for Sparse Data", WWW 2019; restricted to each game's
neighbourhood as in his "Markov Random Fields for Collaborative Filtering", NeurIPS 2019.
"""

import numpy as np
from pydantic import Field
from scipy import sparse
from scipy.linalg import lapack

from gamerec.models import base
from gamerec.models.kernels.gram import gram
from gamerec.models.kernels.ridge import solve_ridge
from gamerec.models.scaled import ScaledParams, ScaledProblem


class Ease(base.ItemModel):
    """W[., j] minimises |x~_j - X~ w|^2 + penalty |w|^2 with w[j] = 0, over the sources of j.

    neighbours=M: the M nearest games of each target are its sources (`ScaledProblem.neighbours`)
        and G_NN w = G_Nj is solved on the Gram matrix of these alone. Memory: M weights per game,
        the square of M + 1 per thread and at most 1 GiB of G. Also the more accurate form: what
        is far away only adds noise.
    neighbours=None: all games. With P = (X~'X~ + penalty I)^-1, W[i, j] = -P[i, j] / P[j, j].
        Memory: three times games^2 float64, time as games^3; for up to about 10,000 games.

    Scaling: see `scaled`; with its powers 0 and neighbours=None this is EASE as published.
    """

    name = "ease"

    class Params(ScaledParams):
        neighbours: int | None = Field(200, ge=1)
        penalty: float = Field(15.0, gt=0)

    options: Params

    def _weights(self, data: base.TrainingData) -> sparse.csr_matrix:
        problem = ScaledProblem(data, self.options)
        if self.options.neighbours is None:
            return problem.dense_weights(_closed_form(problem, self.options.penalty))
        found = problem.neighbours(self.options.neighbours)
        held = gram(problem.log, uses=self.options.neighbours)
        solve_ridge(problem.log, held, found, self.options.penalty)
        return problem.weights(found)


def _closed_form(problem: ScaledProblem, penalty: float) -> np.ndarray:
    """Scaled weights of all games, (n_games, n_games) float64 in rank order."""
    X = problem.matrix().astype(np.float64)
    G = (X.T @ X).toarray(order="F")
    G[np.diag_indices_from(G)] += penalty
    factor, _ = lapack.dpotrf(G, lower=True, overwrite_a=True)
    P, _ = lapack.dpotri(factor, lower=True, overwrite_c=True)
    P = np.tril(P) + np.tril(P, -1).T
    W = -P / np.diag(P)
    np.fill_diagonal(W, 0)
    return W
