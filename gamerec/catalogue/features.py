"""`ContentFeatures`: what each game is about, as one sparse row of numbers.

Genres and tags only. Rating, playtime and ownership say how good or how popular a game is, not of
which kind, and so stay out: they act as weights (columns of the games table).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from gamerec.catalogue.text import label_lists
from gamerec.columns import GAME
from gamerec.errors import DataError, UsageError

UNKNOWN_GENRE = "Unknown"  # stands for no genre, so it is no feature: not to know is no likeness


@dataclass(frozen=True)
class ContentFeatures:
    """Content of the games.

    matrix: (n_games, n_features) CSR float32, nothing negative; each row has length 1 (so that
        `matrix @ matrix.T` is the cosine), or is all zero where nothing is known of the game.
    names: (n_features,) str, 'genre:Action' or 'tag:Co-op'.
    game_ids: (n_games,) the ids of the rows, each once.
    """

    matrix: sparse.csr_matrix
    names: np.ndarray
    game_ids: np.ndarray

    def for_games(self, game_ids: Sequence | np.ndarray) -> "ContentFeatures":
        """The rows of these games in this order; a game that is not known has a zero row."""
        wanted = np.asarray(game_ids)
        rows = pd.Index(self.game_ids).get_indexer(pd.Index(wanted))
        known = np.flatnonzero(rows >= 0)
        place = sparse.csr_matrix(
            (np.ones(len(known), np.float32), (known, rows[known])),
            shape=(len(wanted), self.matrix.shape[0]),
        )
        return ContentFeatures((place @ self.matrix).tocsr(), self.names, wanted)

    def nearest(self, game_id: Any, k: int = 5) -> pd.DataFrame:
        """game_id, similarity: this game, then the `k` most like it by the cosine of their content.

        Only games that share something with it; equally similar ones in the order of the rows.
        Raises DataError for a game that is not known.
        """
        row = pd.Index(self.game_ids).get_indexer(pd.Index([game_id]))[0]
        if row < 0:
            raise DataError(f"game {game_id!r} is not in the catalogue")
        cosine = (self.matrix @ self.matrix[[row]].T).toarray().ravel()  # (n_games,)
        cosine[row] = 2  # before any other
        best = np.argsort(-cosine, kind="stable")[: k + 1]
        cosine[row] = 1
        best = best[cosine[best] > 0]
        return pd.DataFrame({GAME: self.game_ids[best], "similarity": cosine[best]})

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Plain arrays for a numpy archive."""
        return {
            "data": self.matrix.data,
            "indices": self.matrix.indices,
            "indptr": self.matrix.indptr,
            "names": np.asarray(self.names, dtype=np.str_),
            "game_ids": _plain(self.game_ids),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "ContentFeatures":
        """What `to_arrays` gave."""
        names, game_ids = arrays["names"], arrays["game_ids"]
        matrix = sparse.csr_matrix(
            (arrays["data"], arrays["indices"], arrays["indptr"]),
            shape=(len(game_ids), len(names)),
        )
        return cls(matrix, names, game_ids)


def _plain(ids: np.ndarray) -> np.ndarray:
    """Ids without Python objects: numpy archives hold no pickle."""
    ids = np.asarray(ids)
    return ids if ids.dtype.kind in "iu" else ids.astype(np.str_)


def content_features(
    games: pd.DataFrame, min_tag_count: int = 2, max_tags: int = 500
) -> ContentFeatures:
    """Features of a games table, from its columns game_id, genres and tags.

    One column per genre, and one per tag that at least `min_tag_count` games have, of these the
    `max_tags` most common ones (equally common: by name). An entry is the inverse document
    frequency ln((1 + n_games) / (1 + games with the label)) + 1, so that a label of half the
    catalogue says less than a rare one. The genres and the tags of a game are each scaled to
    length 1, then the row as a whole: both count alike, however many tags a game has.
    Raises UsageError for a min_tag_count below 1 or a max_tags below 0.
    """
    if min_tag_count < 1 or max_tags < 0:
        raise UsageError(
            f"min_tag_count is {min_tag_count} and max_tags {max_tags}: "
            "they must be at least 1 and at least 0"
        )
    genres, genre_names = _label_block(games["genres"])
    tags, tag_names = _label_block(games["tags"])
    known = np.flatnonzero(genre_names != UNKNOWN_GENRE)
    kept = _common(tags, min_tag_count, max_tags)
    blocks = [_unit_rows(_idf_weighted(b)) for b in (genres[:, known], tags[:, kept])]
    names = [f"genre:{n}" for n in genre_names[known]] + [f"tag:{n}" for n in tag_names[kept]]
    matrix = sparse.csr_matrix(_unit_rows(sparse.hstack(blocks)), dtype=np.float32)
    return ContentFeatures(matrix, np.array(names, dtype=np.str_), games[GAME].to_numpy())


def _label_block(cells: pd.Series) -> tuple[sparse.csr_matrix, np.ndarray]:
    """1 where the game has the label, (n_games, n_labels); and the labels, sorted."""
    lists = label_lists(cells)
    flat = np.array([label for labels in lists for label in labels], dtype=object)
    codes, labels = pd.factorize(flat, sort=True)
    indptr = np.concatenate(([0], np.cumsum([len(labels_) for labels_ in lists])))
    shape = (len(lists), len(labels))
    return sparse.csr_matrix((np.ones(len(codes)), codes, indptr), shape=shape), labels


def _common(block: sparse.csr_matrix, least: int, most: int) -> np.ndarray:
    """Numbers of the columns with at least `least` entries, at most `most`, in column order."""
    count = np.asarray(block.getnnz(axis=0))
    ranked = np.argsort(-count, kind="stable")[:most]
    return np.sort(ranked[count[ranked] >= least])


def _idf_weighted(block: sparse.csr_matrix) -> sparse.csr_matrix:
    idf = np.log((1 + block.shape[0]) / (1 + np.asarray(block.getnnz(axis=0)))) + 1
    return block @ sparse.diags_array(idf)


def _unit_rows(block: sparse.csr_matrix) -> sparse.csr_matrix:
    """Rows of Euclidean length 1; zero rows stay zero."""
    length = np.sqrt(np.asarray(block.multiply(block).sum(axis=1)).ravel())
    return sparse.diags_array(1 / np.where(length > 0, length, 1.0)) @ block
