"""`ItemModel`: everything that follows once a weight matrix W is there.

score(u, j) = sum over the games i of u's history of v(x[u, i]) W[i, j]. A model is one way of
making W (`_weights`); ranking, similar games, explanation and saving are written here, once.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias, cast

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from gamerec.errors import UsageError
from gamerec.models import persistence
from gamerec.models.checks import (
    as_history,
    as_log,
    as_mask,
    as_params,
    as_places,
    as_weights,
    check_columns,
)
from gamerec.models.kernels import explaining, scoring
from gamerec.storage import Store

if TYPE_CHECKING:
    import pandas as pd

History: TypeAlias = np.ndarray | list[int] | sparse.csr_matrix
EpochCallback: TypeAlias = Callable[[dict[str, float]], None]


class CommonParams(BaseModel):
    """The parameters that every model has; a model's own follow in its subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    values: Literal["binary", "log", "raw"] = "binary"


class TrainingData(NamedTuple):
    """What a model may make W from."""

    X: sparse.csr_matrix  # (n_users, n_games), its values read by the rule `values`
    popularity: np.ndarray  # (n_games,) float32, users of each game
    features: sparse.csr_matrix | None = None  # (n_games, n_features)
    validation: sparse.csr_matrix | None = None  # (n_users, n_games)
    on_epoch: EpochCallback | None = None


class ItemModel(ABC):
    """An item-based recommender.

    W: (n_games, n_games) CSR float32, diagonal 0; W[i, j] is how much having played i raises j.
    popularity: (n_games,) float32, the number of users of each game in the fitted matrix.
    history: what was recorded in each epoch, for models that learn in epochs.
    learned: plain facts found while fitting that are neither W nor a parameter.
    trials: the table of what was tried, for a model that `tune` has chosen.
    """

    name: ClassVar[str]
    Params: ClassVar[type[CommonParams]] = CommonParams
    options: CommonParams
    W: sparse.csr_matrix
    popularity: np.ndarray
    trials: "pd.DataFrame"

    def __init__(self, **params: Any) -> None:
        self._set(**params)
        self.history: list[dict[str, float]] = []
        self.learned: dict[str, Any] = {}
        self._scorer: scoring.Scorer | None = None
        self._lent = threading.local()

    @property
    def params(self) -> dict[str, Any]:
        """All parameters by name, defaults included."""
        return self.options.model_dump()

    @property
    def n_games(self) -> int:
        """The size of the catalogue that the model was fitted on."""
        return len(self.scorer.order)

    @property
    def scorer(self) -> scoring.Scorer:
        """W and popularity as the kernels read them; UsageError before `fit`."""
        if self._scorer is None:
            raise UsageError(f"model {self.name} is not fitted yet: call fit(X) first")
        return self._scorer

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in self.params.items())})"

    # fitting

    def fit(
        self,
        X: sparse.csr_matrix,
        *,
        features: sparse.csr_matrix | None = None,
        validation: sparse.csr_matrix | None = None,
        on_epoch: EpochCallback | None = None,
    ) -> Self:
        """Make W from X, (n_users, n_games); fitting again starts anew.

        X: CSR, finite and not negative; the weights 1, or hours. Read by the rule `values`:
            binary: 1 where above 0; log: log(1 + x); raw: x.
        features: (n_games, n_features), for models that use the games' content; others do not look.
        validation: (n_users, n_games) held-out games, for models that choose by them.
        on_epoch: called with each line of `history`, by models that learn in epochs.

        Raises DataError for a matrix with other values, UsageError where an input that the model
        needs is missing or of another shape.
        """
        X = as_log(X)
        validation = None if validation is None else as_log(validation)
        self._check_shapes(X, features, validation)
        self.history, self.learned = [], {}
        popularity = np.bincount(X.indices, minlength=X.shape[1]).astype(np.float32)
        data = TrainingData(self._read_values(X), popularity, features, validation, on_epoch)
        return self._hold(self._weights(data), popularity)

    @abstractmethod
    def _weights(self, data: TrainingData) -> sparse.csr_matrix:
        """W, CSR float32 with sorted rows and an empty diagonal."""

    def _hold(self, W: sparse.csr_matrix, popularity: np.ndarray) -> Self:
        self.W, self.popularity = W, popularity
        self._scorer = scoring.new_scorer(W, popularity)
        self._lent = threading.local()
        return self

    def _read_values(self, X: sparse.csr_matrix) -> sparse.csr_matrix:
        """X with `values` applied; the index arrays are shared."""
        if self.options.values == "raw":
            return X
        data = np.log1p(X.data) if self.options.values == "log" else np.ones_like(X.data)
        return sparse.csr_matrix((data, X.indices, X.indptr), shape=X.shape)

    def _check_shapes(self, X: Any, features: Any, validation: Any) -> None:
        if features is not None and features.shape[0] != X.shape[1]:
            raise UsageError(f"features have {features.shape[0]} rows for {X.shape[1]} games")
        if validation is not None and validation.shape != X.shape:
            raise UsageError(f"validation has shape {validation.shape}, X has {X.shape}")

    # recommending

    def recommend(
        self,
        X: sparse.csr_matrix,
        k: int = 10,
        *,
        exclude_played: bool = True,
        allowed: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k best games of every row of X: columns (n_users, k) int32 and scores float32.

        Score descending, then popularity descending, then column ascending. Games that nothing
        in the history points to have score 0 and fill up by popularity. Only where fewer than k
        games are eligible a row ends in -1 and nan.

        exclude_played: leave out the games of the row itself.
        allowed: (n_games,) bool, True for games that may be recommended; None for all.
        """
        scorer = self.scorer
        X = self._read_values(as_log(X, len(scorer.order)))
        mask = as_mask(allowed, len(scorer.order))
        return scoring.best_for_all(scorer, X, as_places(k), exclude_played, mask)

    def recommend_one(
        self,
        history: History,
        k: int = 10,
        *,
        exclude_played: bool = True,
        allowed: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `recommend` for one user, at once: (k,) int32 and (k,) float32.

        history: columns of the games played (one repeated counts once), or a 1 x n_games CSR row.
        An empty one gets the popular games. Raises UsageError for a column that does not exist.
        """
        games, values = self._history(history)
        return self._best_for_one(games, values, k, exclude_played, allowed)

    def similar(self, game: int, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The at most k games that having played `game` raises most, and by how much: row W[game].

        Only games with a positive weight; fewer than k where there are fewer.
        """
        one = np.array([game], np.int64)
        games, weights = self._best_for_one(one, scoring.ALL_ONES, k, True, None)
        positive = weights > 0
        return games[positive], weights[positive]

    # explaining

    def explain(self, history: History, game: int) -> tuple[np.ndarray, np.ndarray]:
        """Each played game's exact part in the score of `game`, the largest first.

        Returns the columns of the history and v(x[i]) W[i, game] for each; they add up to the
        score, up to rounding of float32.
        """
        scorer = self.scorer
        games, values = self._history(history)
        if not len(values):
            games = np.unique(games)
            values = np.ones(len(games), np.float32)
        check_columns(np.append(games, game), len(scorer.order))
        parts = explaining.contributions(scorer, games, values, game)
        best_first = np.lexsort((scorer.rank[games], -parts))
        return games[best_first].astype(np.int32), parts[best_first]

    def because(self, X: sparse.csr_matrix, games: np.ndarray) -> np.ndarray:
        """For lists from `recommend`: the played game that gives each place most, (n_users, k).

        -1 where no played game gives more than 0, as for games that fill up by popularity.
        """
        scorer = self.scorer
        X = self._read_values(as_log(X, len(scorer.order)))
        if games.ndim != 2 or len(games) != X.shape[0]:
            raise UsageError(f"lists of shape {games.shape} do not fit {X.shape[0]} users")
        return explaining.strongest_sources(scorer, X, games.astype(np.int32, copy=False))

    # keeping

    def save(self, where: str | Path | Store) -> None:
        """Write the model to a folder, URI or store; `models.load` reads it back."""
        scorer = self.scorer
        arrays = {
            "indptr": scorer.start,
            "indices": scorer.targets,
            "weights": scorer.weights,
            "popularity": self.popularity,
        }
        about = {
            "name": self.name,
            "params": self.params,
            "history": self.history,
            "learned": self.learned,
        }
        persistence.write(where, about, arrays)

    @classmethod
    def restore(cls, about: dict[str, Any], arrays: dict[str, np.ndarray]) -> Self:
        """The model that `save` wrote."""
        model = cls(**about["params"])
        model.history, model.learned = about["history"], about["learned"]
        return model._hold(as_weights(arrays), arrays["popularity"])

    # within

    def _set(self, **params: Any) -> None:
        """Set parameters; UsageError names each fault, and the nearest name for a typo."""
        before = self.params if hasattr(self, "options") else {}
        self.options = as_params(self.name, self.Params, {**before, **params})

    def _best_for_one(
        self,
        history: np.ndarray,
        values: np.ndarray,
        k: int,
        exclude: bool,
        allowed: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        scorer = self.scorer
        games, scores = np.empty(as_places(k), np.int32), np.empty(k, np.float32)
        mask = scoring.EVERY_GAME if allowed is None else as_mask(allowed, len(scorer.order))
        found = scoring.best_for_one(
            scorer, history, values, exclude, mask, self._buffers(k), games, scores
        )
        if not found:
            check_columns(history, len(scorer.order))
        return games, scores

    def _history(self, history: History) -> tuple[np.ndarray, np.ndarray]:
        """Columns (n,) int64 and values (n,) float32, empty where all are 1."""
        if sparse.issparse(history):
            row = self._read_values(as_log(cast(sparse.csr_matrix, history), self.n_games))
            if row.shape[0] != 1:
                raise UsageError(f"a history is one row, this matrix has {row.shape[0]}")
            return row.indices.astype(np.int64), row.data
        games = as_history(history)
        if self.options.values == "log":  # a game named without hours counts as one hour
            return games, np.full(len(games), np.log(2), np.float32)
        return games, scoring.ALL_ONES

    def _buffers(self, k: int) -> scoring.Buffers:
        """This thread's buffers, the same at each call unless a longer list is asked for."""
        buffers: scoring.Buffers | None = getattr(self._lent, "buffers", None)
        if buffers is None or len(buffers.keys) < scoring.room(k):
            buffers = self._lent.buffers = scoring.new_buffers(len(self.scorer.order), k)
        return buffers
