"""The split of a run as one array: which interaction is fitted, which validated, which tested on.

05_train draws it and 06_evaluate reads it, so that both speak of the same games.
"""

import hashlib
from typing import NamedTuple

import numpy as np
from scipy import sparse

from gamerec.errors import DataError
from gamerec.interactions import Interactions, SplitMethod

TRAIN, VALIDATION, TEST = 0, 1, 2


class Parts(NamedTuple):
    """The parts, each with all rows and columns; `known` is train and validation together."""

    train: Interactions
    validation: Interactions
    test: Interactions
    known: Interactions


def assign(
    data: Interactions,
    test_share: float = 0.2,
    validation_share: float = 0.1,
    method: SplitMethod = "random",
    seed: int = 42,
) -> np.ndarray:
    """(nnz,) int8 in row order: TRAIN, VALIDATION or TEST.

    The test part is split off each user's games first, then the validation part off the rest, by
    the same method; see `Interactions.split`.
    """
    at = np.arange(data.X.nnz, dtype=np.float64)
    numbered = sparse.csr_matrix((at, data.X.indices, data.X.indptr), shape=data.X.shape)
    numbers = Interactions(numbered, data.user_ids, data.game_ids, data.at)
    rest, test = numbers.split(test_share, seed, method)
    _, validation = rest.split(validation_share, seed + 1, method)
    part = np.full(data.X.nnz, TRAIN, np.int8)
    part[validation.X.data.astype(np.int64)] = VALIDATION
    part[test.X.data.astype(np.int64)] = TEST
    return part


def parts(data: Interactions, part: np.ndarray) -> Parts:
    """The parts that `assign` drew; DataError where the interactions are not those it saw."""
    if len(part) != data.X.nnz:
        raise DataError(
            f"the split is of {len(part):,} interactions and there are {data.X.nnz:,}: "
            "run 05_train.ipynb again"
        )
    return Parts(
        data.where(part == TRAIN),
        data.where(part == VALIDATION),
        data.where(part == TEST),
        data.where(part != TEST),
    )


def fingerprint(data: Interactions) -> str:
    """A digest of who played what, ids and weights: equal for equal training data."""
    digest = hashlib.sha256()
    for ids in (data.user_ids, data.game_ids):
        digest.update("\0".join(map(str, ids.tolist())).encode() + b"\1")
    for array in (data.X.indptr.astype(np.int64), data.X.indices.astype(np.int64), data.X.data):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
