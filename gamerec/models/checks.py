"""Checks of what a model is given: parameters, play matrices, histories, masks of games."""

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError
from scipy import sparse

from gamerec.errors import DataError, UsageError

_Schema = TypeVar("_Schema", bound=BaseModel)


def as_params(model: str, schema: type[_Schema], params: dict[str, Any]) -> _Schema:
    """Parameters by their schema; UsageError names each fault, and the nearest name for a typo."""
    try:
        return schema(**params)
    except ValidationError as error:
        faults = "; ".join(_explain(fault, schema) for fault in error.errors())
        raise UsageError(f"model {model}: {faults}") from None


def _explain(fault: Any, schema: type[BaseModel]) -> str:
    parameter = str(fault["loc"][0]) if fault["loc"] else "parameters"
    if fault["type"] != "extra_forbidden":
        return f"{parameter}={fault['input']!r}: {fault['msg']}"
    near = difflib.get_close_matches(parameter, schema.model_fields, n=1)
    known = f"did you mean {near[0]}?" if near else f"known: {', '.join(schema.model_fields)}"
    return f"no parameter {parameter!r}; {known}"


def as_log(X: Any, n_games: int | None = None) -> sparse.csr_matrix:
    """X as CSR float32 with sorted rows, no duplicates (summed) and no stored zeros.

    Returns X itself where it is so already, else a copy. Raises UsageError for another type or
    number of columns, DataError for values that are not finite or below 0.
    """
    if not sparse.issparse(X) or X.ndim != 2:
        raise UsageError(f"X must be a sparse matrix of users x games, not {type(X).__name__}")
    if n_games is not None and X.shape[1] != n_games:
        raise UsageError(f"X has {X.shape[1]} columns, the model knows {n_games} games")
    log = sparse.csr_matrix(X, dtype=np.float32)
    if len(log.data) and not np.isfinite(log.data.sum(dtype=np.float64)):
        raise DataError("X holds a value that is not finite; drop or repair those rows")
    if len(log.data) and log.data.min() <= 0:
        if log.data.min() < 0:
            raise DataError("X holds a value below 0; a play has the weight 1, or its hours")
        log = log.copy()
        log.eliminate_zeros()
    if not log.has_canonical_format:
        log = log.copy()
        log.sum_duplicates()
    if log.indices.dtype != np.int32 or log.indptr.dtype != np.int32:
        if log.nnz >= 2**31:
            raise DataError(f"X has {log.nnz} interactions; at most {2**31 - 1} fit one model")
        log = sparse.csr_matrix(
            (log.data, log.indices.astype(np.int32), log.indptr.astype(np.int32)), shape=log.shape
        )
    return log


def as_mask(allowed: np.ndarray | None, n_games: int) -> np.ndarray:
    """The mask of games that may be recommended; empty where all may."""
    if allowed is None:
        return np.empty(0, np.bool_)
    mask = np.asarray(allowed)
    if mask.dtype != np.bool_ or mask.shape != (n_games,):
        raise UsageError(
            f"allowed must be {n_games} booleans, one per game; "
            f"it is {mask.dtype} of shape {mask.shape}"
        )
    return np.ascontiguousarray(mask)


def as_features(features: Any) -> sparse.csr_matrix:
    """The (n_games, n_features) matrix turned over, (n_features, n_games) CSR float32, checked."""
    if not sparse.issparse(features):
        raise UsageError(f"features must be a sparse matrix, not {type(features).__name__}")
    return as_log(features.T.tocsr())


def as_history(history: Any) -> np.ndarray:
    """Column numbers of the games played, (n,) int64; UsageError for anything else."""
    games = np.asarray(history)
    if games.size == 0:
        return np.empty(0, np.int64)
    if games.dtype.kind not in "iu" or games.ndim != 1:
        raise UsageError("a history is a list of column numbers, or a CSR matrix of one row")
    return games.astype(np.int64, copy=False)


def check_columns(games: np.ndarray, n_games: int) -> None:
    """Raise UsageError that names the first column which does not exist."""
    strangers = games[(games < 0) | (games >= n_games)]
    if len(strangers):
        raise UsageError(
            f"there is no game in column {strangers[0]}: the model knows columns 0 to {n_games - 1}"
        )


def as_places(k: int) -> int:
    """The length of a list, at least 1."""
    if k < 1:
        raise UsageError(f"k is {k}; a list has at least one place")
    return k


def as_weights(arrays: Mapping[str, np.ndarray]) -> sparse.csr_matrix:
    """W from the arrays of a saved model; DataError where they are no matrix.

    The kernels read W without looking whether an index lies inside of it.
    """
    n_games = len(arrays["popularity"])
    parts = (arrays["weights"], arrays["indices"], arrays["indptr"])
    try:
        W = sparse.csr_matrix(parts, shape=(n_games, n_games))
        W.check_format(full_check=True)
    except ValueError as error:
        raise DataError(f"the saved weights are no matrix of {n_games} games: {error}") from None
    if W.dtype != np.float32 or not W.has_canonical_format:
        raise DataError("the saved weights are not float32 in sorted rows")
    return W
