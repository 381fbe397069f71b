"""Checks of what a model is given: play matrices and masks of games."""

from typing import Any

import numpy as np
from scipy import sparse

from gamerec.errors import DataError, UsageError


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
