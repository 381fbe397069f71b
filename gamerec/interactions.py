"""`Interactions`: who played what, as ids and one sparse matrix, and its splits.

Ids are mapped to row and column numbers once, here, and come back as they went in. This module
knows nothing of files; reading a play log is `playlog`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import sparse

from gamerec.columns import AT, GAME, USER, WEIGHT
from gamerec.errors import DataError, UsageError

SplitMethod = Literal["random", "time", "leave_last_out"]


@dataclass(frozen=True)
class Interactions:
    """Players, games and what was played.

    X: (n_users, n_games) CSR float32, sorted, no duplicates; X[u, i] > 0 is the weight (1, or
        hours) with which user u played game i.
    user_ids, game_ids: (n_users,) and (n_games,) the ids of rows and columns, as they came in.
    at: (nnz,) datetime64[us] in the order of X.data, or None where the log has no time.
    """

    X: sparse.csr_matrix
    user_ids: np.ndarray
    game_ids: np.ndarray
    at: np.ndarray | None = None

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        game_ids: Sequence | np.ndarray | None = None,
        user_ids: Sequence | np.ndarray | None = None,
    ) -> "Interactions":
        """From columns user_id, game_id [, weight, at]; rows of one user and game are summed.

        Rows and columns stand in the order of the ids given, else of the sorted ids found. Ids
        given may hold users and games that nobody played. Raises DataError for a missing column,
        an empty id, an id that is not among those given, a weight that is not above 0 and finite
        as float32, or a time that cannot be read.
        """
        _check_columns(frame)
        weight = _weights(frame)
        rows, users = _codes(frame[USER], user_ids)
        columns, games = _codes(frame[GAME], game_ids)
        shape = (len(users), len(games))
        order, start = _group(rows * np.int64(max(shape[1], 1)) + columns)
        data = np.add.reduceat(weight[order], start) if len(order) else weight
        at = _last_times(frame, order, start)
        where = (rows[order][start], columns[order][start])
        return cls(sparse.csr_matrix((_as_float32(data), where), shape=shape), users, games, at)

    def to_frame(self) -> pd.DataFrame:
        """One row per user and game: user_id, game_id, weight [, at], in row order."""
        rows = np.repeat(np.arange(self.X.shape[0]), np.diff(self.X.indptr))
        frame = pd.DataFrame(
            {
                USER: self.user_ids[rows],
                GAME: self.game_ids[self.X.indices],
                WEIGHT: self.X.data,
            }
        )
        return frame if self.at is None else frame.assign(**{AT: pd.DatetimeIndex(self.at)})

    def split(
        self, test_share: float = 0.2, seed: int = 42, method: SplitMethod = "random"
    ) -> tuple["Interactions", "Interactions"]:
        """Train and test part, both with all rows and columns.

        random: of each user with n >= 2 games, round(n * test_share) games, at least 1 and at most
            n - 1, drawn without replacement.
        time: the same number of each user, the latest games.
        leave_last_out: the one latest game of each user with n >= 2 games.

        A user with one game is all in train. Raises UsageError for a share outside (0, 1), or a
        method by time where the log has no time.
        """
        if not 0 < test_share < 1:
            raise UsageError(f"test_share is {test_share}; it must lie between 0 and 1")
        if method not in ("random", "time", "leave_last_out"):
            raise UsageError(f"unknown split method {method!r}: random, time or leave_last_out")
        held_out = self._held_out(test_share, seed, method)
        return self.where(~held_out), self.where(held_out)

    def where(self, mask: np.ndarray) -> "Interactions":
        """Only the interactions of `mask`, (nnz,) bool in row order; all rows and columns stay."""
        indptr = np.concatenate(([0], np.cumsum(mask)))[self.X.indptr]
        X = sparse.csr_matrix((self.X.data[mask], self.X.indices[mask], indptr), shape=self.X.shape)
        at = None if self.at is None else self.at[mask]
        return Interactions(X, self.user_ids, self.game_ids, at)

    def _held_out(self, test_share: float, seed: int, method: str) -> np.ndarray:
        counts = np.diff(self.X.indptr)
        rows = np.repeat(np.arange(len(counts)), counts)
        if method == "random":
            order = np.lexsort((np.random.default_rng(seed).random(len(rows)), rows))
        elif self.at is None:
            raise UsageError(f"split method {method!r} needs the column 'at' in the play log")
        else:
            order = np.lexsort((-self.at.astype("datetime64[us]").astype(np.int64), rows))
        rank = np.empty(len(rows), np.int64)
        rank[order] = np.arange(len(rows)) - self.X.indptr[rows]  # 0 = first to be held out
        share = np.zeros(len(counts)) if method == "leave_last_out" else counts * test_share
        n_test = np.where(counts >= 2, np.clip(np.rint(share), 1, np.maximum(counts - 1, 1)), 0)
        return rank < n_test[rows]


def _check_columns(frame: pd.DataFrame) -> None:
    absent = [name for name in (USER, GAME) if name not in frame.columns]
    if absent:
        raise DataError(f"interactions need the columns user_id and game_id; no {absent}")
    twice = [n for n in (USER, GAME, WEIGHT, AT) if (frame.columns == n).sum() > 1]
    if twice:
        raise DataError(f"the columns {twice} are there more than once")


def _weights(frame: pd.DataFrame) -> np.ndarray:
    if WEIGHT not in frame.columns:
        return np.ones(len(frame))
    weight = pd.to_numeric(frame[WEIGHT], errors="coerce").to_numpy(float, na_value=np.nan)
    bad = np.flatnonzero(~(np.isfinite(weight) & (weight > 0)))
    if len(bad):
        raise DataError(
            f"{len(bad)} rows have a weight that is not finite and above 0, the first is row "
            f"{bad[0]}: {frame[WEIGHT].tolist()[bad[0]]!r}"
        )
    return weight


def _as_float32(sums: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        weights = sums.astype(np.float32)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(bad):
        raise DataError(
            f"{len(bad)} weights are too large or too small, the first is {sums[bad[0]]}"
        )
    return weights


def _codes(ids: pd.Series, known: Sequence | np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    if ids.isna().any():
        row = int(np.flatnonzero(ids.isna())[0])
        raise DataError(f"column '{ids.name}' has an empty id in row {row}")
    if known is None:
        codes, uniques = pd.factorize(ids, sort=True)
        return codes.astype(np.int64), np.asarray(uniques)
    index = pd.Index(known)
    if not index.is_unique:
        raise DataError(f"the given ids of '{ids.name}' are not unique")
    codes = index.get_indexer(pd.Index(ids))
    if (codes < 0).any():
        stranger = ids[codes < 0].tolist()[0]
        raise DataError(
            f"column '{ids.name}' has the id {stranger!r}, which is not among those known"
        )
    return codes.astype(np.int64), np.asarray(index)


def _group(key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order that sorts `key`, and where each distinct value starts in it."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    return order, np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))[: len(key)])


def _last_times(frame: pd.DataFrame, order: np.ndarray, start: np.ndarray) -> np.ndarray | None:
    if AT not in frame.columns or frame[AT].isna().all():
        return None
    if frame[AT].isna().any():
        raise DataError(f"{int(frame[AT].isna().sum())} rows have no time in column 'at'")
    times = _read_times(frame[AT])
    micros = times.to_numpy("datetime64[us]").astype(np.int64)[order]
    if not len(micros):
        return None
    return np.maximum.reduceat(micros, start).astype("datetime64[us]")


def _read_times(values: pd.Series) -> pd.Series:
    """Naive UTC; text must be ISO 8601, and numbers do not say what they count."""
    if pd.api.types.is_numeric_dtype(values):
        raise DataError(
            "column 'at' holds numbers: make them times first, such as "
            "pd.to_datetime(frame['at'], unit='s')"
        )
    text = isinstance(values.dtype, pd.StringDtype) or values.dtype == object
    try:
        times = pd.to_datetime(values, utc=True, format="ISO8601" if text else None)
    except (ValueError, TypeError) as error:
        raise DataError(f"column 'at' holds something that is no time: {error}") from None
    return times.dt.tz_localize(None)
