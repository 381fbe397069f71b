"""The libraries that `benchmark_models.py` measures gamerec against, behind one small interface."""

import logging
import warnings
from typing import Any, Protocol

import numpy as np
import optuna
import pandas as pd
from scipy import sparse


class Contender(Protocol):
    """A recommender to tune, fit and ask; X is a binary (n_users, n_games) CSR matrix."""

    name: str
    largest: int  # games; above it the method needs more memory or time than is sensible here

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]: ...
    def fit(self, X: sparse.csr_matrix, **params: Any) -> Any: ...
    def lists(self, fitted: Any, X: sparse.csr_matrix, k: int) -> np.ndarray: ...
    def one(self, fitted: Any, X: sparse.csr_matrix, user: int, k: int) -> Any: ...


class Implicit:
    """implicit's item-item models; it keeps K sources for each row, the game itself among them."""

    largest = 10**9

    def __init__(self, kind: str, threads: int) -> None:
        self.name, self.kind, self.threads = f"implicit {kind}", kind, threads

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        params: dict[str, Any] = {"K": trial.suggest_int("K", 20, 1000, log=True)}
        if self.kind == "bm25":
            params["K1"] = trial.suggest_float("K1", 0.1, 200, log=True)
            params["B"] = trial.suggest_float("B", 0, 1)
        return params

    def fit(self, X: sparse.csr_matrix, K: int = 100, **params: Any) -> Any:
        from implicit import nearest_neighbours as nn

        kinds = {"cosine": nn.CosineRecommender, "tf-idf": nn.TFIDFRecommender}
        make = kinds.get(self.kind, nn.BM25Recommender)
        model = make(K=K, num_threads=self.threads, **params)
        model.fit(X, show_progress=False)
        return model

    def lists(self, fitted: Any, X: sparse.csr_matrix, k: int) -> np.ndarray:
        games, scores = fitted.recommend(np.arange(X.shape[0]), X, N=k)
        return np.where(scores > 0, games, -1)

    def one(self, fitted: Any, X: sparse.csr_matrix, user: int, k: int) -> Any:
        return fitted.recommend(user, X[user], N=k)


class ImplicitFactors(Implicit):
    """implicit's factor models: 64 factors by default."""

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        params = {
            "factors": trial.suggest_int("factors", 16, 256, log=True),
            "regularization": trial.suggest_float("regularization", 1e-3, 100, log=True),
            "iterations": trial.suggest_int("iterations", 5, 30),
        }
        if self.kind == "als":
            params["alpha"] = trial.suggest_float("alpha", 1, 50, log=True)
        return params

    def fit(self, X: sparse.csr_matrix, **params: Any) -> Any:
        from implicit.als import AlternatingLeastSquares
        from implicit.bpr import BayesianPersonalizedRanking

        make = AlternatingLeastSquares if self.kind == "als" else BayesianPersonalizedRanking
        model = make(num_threads=self.threads, random_state=0, **{"factors": 64, **params})
        model.fit(X, show_progress=False)
        return model


class LensKit:
    """LensKit's item kNN with implicit feedback, asked through its own pipeline."""

    name, largest = "lenskit item kNN", 10**9

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        return {
            "max_nbrs": trial.suggest_int("max_nbrs", 5, 200, log=True),
            "save_nbrs": trial.suggest_int("save_nbrs", 20, 1000, log=True),
        }

    def fit(self, X: sparse.csr_matrix, max_nbrs: int = 100, save_nbrs: int = 100) -> Any:
        from lenskit.data import from_interactions_df
        from lenskit.knn import ItemKNNScorer
        from lenskit.pipeline import topn_pipeline

        if getattr(self, "_known", None) is not X:  # its data set is made once, and not timed
            plays = X.tocoo()
            frame = pd.DataFrame({"user_id": plays.row, "item_id": plays.col})
            self._data, self._known = from_interactions_df(frame), X
        scorer = ItemKNNScorer(max_nbrs=max_nbrs, save_nbrs=save_nbrs, feedback="implicit")
        pipeline = topn_pipeline(scorer)
        pipeline.train(self._data)
        return pipeline

    def lists(self, fitted: Any, X: sparse.csr_matrix, k: int) -> np.ndarray:
        games = np.full((X.shape[0], k), -1, np.int32)
        for user in range(X.shape[0]):
            found = self.one(fitted, X, user, k)
            games[user, : len(found)] = found.ids()
        return games

    def one(self, fitted: Any, X: sparse.csr_matrix, user: int, k: int) -> Any:
        from lenskit import recommend

        return recommend(fitted, user, k)


class TopN:
    """sparse_dot_topn: the K best cosines per row; scored with scipy."""

    largest = 10**9

    def __init__(self, threads: int) -> None:
        self.name, self.threads = "sparse_dot_topn", threads

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        return {"K": trial.suggest_int("K", 20, 1000, log=True)}

    def fit(self, X: sparse.csr_matrix, K: int = 100) -> sparse.csr_matrix:
        from sparse_dot_topn import sp_matmul_topn

        lengths = np.sqrt(np.bincount(X.indices, minlength=X.shape[1]))
        weights = (1 / np.maximum(lengths, 1)).astype(np.float32)[X.indices]
        unit = sparse.csr_matrix((weights, X.indices, X.indptr), shape=X.shape)
        # the game itself is always among the best, so one more is asked for
        W = sp_matmul_topn(unit.T.tocsr(), unit, top_n=K + 1, n_threads=self.threads)
        W.setdiag(0)
        return W

    def lists(self, fitted: Any, X: sparse.csr_matrix, k: int) -> np.ndarray:
        games = np.empty((X.shape[0], k), np.int32)
        for first in range(0, X.shape[0], 500):
            block = X[first : first + 500]
            scores = block @ fitted
            scores = scores.toarray() if sparse.issparse(scores) else scores
            games[first : first + 500] = best(scores, block, k)
        return games

    def one(self, fitted: Any, X: sparse.csr_matrix, user: int, k: int) -> Any:
        return self.lists(fitted, X[user], k)


class EaseNumpy(TopN):
    """EASE in numpy, with the same scaling of rows and columns that gamerec's has."""

    name, largest = "EASE in numpy", 25_000

    def __init__(self) -> None:
        pass

    def suggest(self, trial: optuna.Trial) -> dict[str, Any]:
        powers = {name: trial.suggest_float(name, 0, 0.5) for name in ("rows", "columns", "target")}
        return {"penalty": trial.suggest_float("penalty", 1, 1000, log=True), **powers}

    def fit(
        self,
        X: sparse.csr_matrix,
        penalty: float = 15.0,
        rows: float = 0.25,
        columns: float = 0.2,
        target: float = 0.2,
    ) -> np.ndarray:
        activity = np.maximum(np.diff(X.indptr), 1.0)
        popularity = np.maximum(np.bincount(X.indices, minlength=X.shape[1]), 1.0)
        scaled = sparse.diags(activity**-rows) @ X @ sparse.diags(popularity**-columns)
        scaled = scaled.astype(np.float32)
        G = (scaled.T @ scaled).toarray()
        G[np.diag_indices_from(G)] += np.float32(penalty)
        P = np.linalg.inv(G)
        W = P / -np.diag(P)
        np.fill_diagonal(W, 0)
        W *= (popularity**-columns).astype(np.float32)[:, None]
        W *= (popularity ** (columns - target)).astype(np.float32)
        return W


def best(scores: np.ndarray, X: sparse.csr_matrix, k: int) -> np.ndarray:
    """The k best games of each row that were not played, (n_users, k)."""
    scores[X.nonzero()] = -np.inf
    top = np.argpartition(-scores, k, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1)
    return np.take_along_axis(top, order, axis=1)


def peers(threads: int) -> list[Contender]:
    """Everything that the extra `peers` installs."""
    warnings.filterwarnings("ignore")
    logging.getLogger("lenskit").setLevel(logging.ERROR)
    return [
        *(Implicit(kind, threads) for kind in ("cosine", "tf-idf", "bm25")),
        ImplicitFactors("als", threads),
        ImplicitFactors("bpr", threads),
        LensKit(),
        TopN(threads),
        EaseNumpy(),
    ]
