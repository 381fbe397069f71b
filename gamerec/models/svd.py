"""`svd`: two games are alike if the same broad tastes explain them, players in common or not.

A low-rank model as an item matrix: Cremonesi, Koren and Turrin, "Performance of Recommender
Algorithms on Top-N Recommendation Tasks" (PureSVD), RecSys 2010, on a scaled log and with a power
of the singular values, as in Nikolakopoulos et al., "EigenRec", 2019. Alone about as accurate as
`ease`; where they differ they complete each other, so `blend` has both.
"""

import numpy as np
from pydantic import Field
from scipy import sparse
from scipy.sparse.linalg import svds

from gamerec.models import base
from gamerec.models.kernels.factors import nearest_by_factors
from gamerec.models.scaled import ScaledParams, ScaledProblem


class Svd(base.ItemModel):
    """W~ = V S^singular_power V', with X~ = U S V' cut to `dimensions`, the K best per target.

    The seed is that of the start of the Lanczos iterations. Scaling: see `scaled`; choice_power
    plays no part here. Memory of fit: `neighbours` weights per game, the log three times and some
    3 dimensions vectors as long as the shorter side of X. Time: about 10 passes over the log per
    dimension, and n_games^2 x dimensions multiplications for the choice of the K best.
    """

    name = "svd"

    class Params(ScaledParams):
        user_power: float = Field(0.35, ge=0, le=1)
        popularity_power: float = Field(0.4, ge=0, le=1)
        dimensions: int = Field(64, ge=1)
        singular_power: float = Field(1.0, ge=0, le=4)
        neighbours: int = Field(500, ge=1)
        seed: int = Field(42, ge=0)

    options: Params

    def _weights(self, data: base.TrainingData) -> sparse.csr_matrix:
        o = self.options
        problem = ScaledProblem(data, o)
        S, V = singular_vectors(problem.matrix(), o.dimensions, np.random.default_rng(o.seed))
        found = nearest_by_factors(V, V * S**o.singular_power, o.neighbours)
        return problem.weights(found)


def singular_vectors(
    X: sparse.csr_matrix, d: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The d largest singular values of X, (d,), and their right vectors, (n_games, d), float32.

    Fewer where X has a smaller rank. By Lanczos iterations from a random start; where one side of
    X is short, by all eigenvectors of its Gram matrix.
    """
    if min(X.shape) > 4 * d:
        start = rng.standard_normal(min(X.shape), dtype=np.float32)
        _, S, Vt = svds(X, k=d, v0=start, tol=1e-4, return_singular_vectors="vh")
        order = np.argsort(-S)
        S, V = S[order], Vt[order].T
    else:
        S, V = _all_singular_vectors(X.astype(np.float64))
    kept = np.flatnonzero(S.max(initial=0) * 1e-5 < S)[:d]
    return S[kept].astype(np.float32), np.ascontiguousarray(V[:, kept], dtype=np.float32)


def _all_singular_vectors(X: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    by_game = X.shape[1] <= X.shape[0]
    squares, vectors = np.linalg.eigh((X.T @ X if by_game else X @ X.T).toarray())
    S, vectors = np.sqrt(np.maximum(squares[::-1], 0)), vectors[:, ::-1]
    return S, vectors if by_game else (X.T @ vectors) / np.maximum(S, np.finfo(float).tiny)
