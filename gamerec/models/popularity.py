"""`popularity`: the most played games for everybody, the bar that any other model must clear."""

import numpy as np
from scipy import sparse

from gamerec.models.base import ItemModel, TrainingData


class Popularity(ItemModel):
    """W = 0: nothing points to anything, so every list fills up by popularity, with score 0."""

    name = "popularity"

    def _weights(self, data: TrainingData) -> sparse.csr_matrix:
        return sparse.csr_matrix((len(data.popularity),) * 2, dtype=np.float32)
