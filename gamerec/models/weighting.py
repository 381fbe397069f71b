"""How much a play counts before co-occurrences are taken: players of everything tell less.

Here a user is what a word is in text retrieval: a game is a document, its players are its words.
"""

from typing import Literal

import numpy as np
from scipy import sparse

_K1, _B = 1.2, 0.75  # the usual constants of BM25


def weigh_users(X: sparse.csr_matrix, rule: Literal["none", "tfidf", "bm25"]) -> sparse.csr_matrix:
    """X with weighted values, CSR float32 of the same pattern.

    tfidf: sqrt(x) idf(u), with idf(u) = log((1 + n_games) / (1 + games of u)), never below 0.
    bm25: idf(u) x (K1 + 1) / (x + K1 (1 - B + B length(j) / mean length)), with length(j) the sum
        of column j: Robertson and Zaragoza 2009.
    """
    if rule == "none" or not X.nnz:
        return X
    counts = np.diff(X.indptr)
    idf = np.log((1 + X.shape[1]) / (1 + counts)).repeat(counts)
    if rule == "tfidf":
        data = np.sqrt(X.data) * idf
    else:
        length = np.bincount(X.indices, weights=X.data, minlength=X.shape[1])
        length = length / length[length > 0].mean()
        data = idf * X.data * (_K1 + 1) / (X.data + _K1 * (1 - _B + _B * length[X.indices]))
    return sparse.csr_matrix((data.astype(np.float32), X.indices, X.indptr), shape=X.shape)
