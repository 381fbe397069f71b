"""Watching a model learn: validation accuracy after each epoch, the best epoch, early stopping."""

import numpy as np
from scipy import sparse

from gamerec import metrics
from gamerec.models.base import TrainingData
from gamerec.models.kernels import scoring


def accuracy(W: sparse.csr_matrix, data: TrainingData, k: int) -> dict[str, float]:
    """{'recall@k', 'ndcg@k'} of the lists that W gives for X against the validation games.

    Means over the users who have validation games; 0 where there is no such user.
    """
    assert data.validation is not None
    users = metrics.test_users(data.validation)
    if not len(users):
        return {f"recall@{k}": 0.0, f"ndcg@{k}": 0.0}
    scorer = scoring.new_scorer(W, data.popularity)
    games, _ = scoring.best_for_all(scorer, data.X[users], k)
    found = metrics.per_user(games, data.validation[users], (k,))
    return {f"{name}@{k}": float(np.mean(found[name, k])) for name in ("recall", "ndcg")}


class Watch:
    """Keeps the weights of the best epoch by validation NDCG; without validation, of the last."""

    def __init__(
        self, data: TrainingData, k: int, patience: int, history: list[dict[str, float]]
    ) -> None:
        self.data, self.k, self.patience, self.history = data, k, patience, history
        self.best: sparse.csr_matrix
        self.over = False
        self._best_ndcg, self._best_epoch = -np.inf, 0

    def see(self, epoch: int, W: sparse.csr_matrix, **measures: float) -> None:
        """Record one epoch, and tell `on_epoch`."""
        line: dict[str, float] = {"epoch": epoch, **measures}
        if self.data.validation is not None:
            line |= accuracy(W, self.data, self.k)
        ndcg = line.get(f"ndcg@{self.k}", float(epoch))
        if ndcg > self._best_ndcg:
            self._best_ndcg, self._best_epoch, self.best = ndcg, epoch, W
        self.over = epoch - self._best_epoch >= self.patience
        self.history.append(line)
        if self.data.on_epoch is not None:
            self.data.on_epoch(dict(line))
