"""Compile or load every kernel before the first request."""

import numpy as np
from scipy import sparse


def warm_up() -> None:
    """Run each model's kernels on a log of three users, so that no later call has to compile.

    Compiled code is cached on disk: some seconds in the first process, well below one after that.
    """
    from gamerec.models import NAMES, create

    X = sparse.csr_matrix(np.array([[1, 1, 0, 1], [0, 1, 1, 0], [1, 0, 1, 1]], np.float32))
    allowed = np.ones(4, np.bool_)
    for name in NAMES:
        model = create(name).fit(X, features=X.T.tocsr(), validation=X)
        games, _ = model.recommend(X, k=2, allowed=allowed)
        model.because(X, games)
        for history in ([0, 1], X[:1]):
            model.recommend_one(history, k=2, allowed=allowed)
            model.explain(history, game=2)
