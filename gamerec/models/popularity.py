"""`popularity`: the most played games for everybody, the bar that any other model must clear."""

import numpy as np
from scipy import sparse

from gamerec.models.base import EpochCallback, ItemModel


class Popularity(ItemModel):
    """W = 0: nothing points to anything, so every list fills up by popularity, with score 0."""

    name = "popularity"

    def _weights(
        self,
        X: sparse.csr_matrix,
        features: sparse.csr_matrix | None,
        validation: sparse.csr_matrix | None,
        on_epoch: EpochCallback | None,
    ) -> sparse.csr_matrix:
        return sparse.csr_matrix((X.shape[1], X.shape[1]), dtype=np.float32)
