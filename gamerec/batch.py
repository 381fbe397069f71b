"""Batch scoring: a top-K list with reasons for every user, into the store and the database.

    batches/<batch_id>/recommendations.parquet   columns.RECOMMENDATIONS, ids exact
    batches/<batch_id>/recommendations.csv       the same for people, with names
    batches/<batch_id>/batch.json                what it is, SHA-256 of both; written last
    batches/current.json                         the batch in force, moved by one write

Users are scored in blocks, so memory is bounded by a block. The files are the truth: what the
database holds is loaded from them (see `outbox`).
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from scipy import sparse

from gamerec import metrics
from gamerec.columns import BATCH, BECAUSE, GAME, RANK, SCORE, USER
from gamerec.errors import DataError, UsageError
from gamerec.interactions import Interactions
from gamerec.registry import LoadedVersion
from gamerec.storage import Store

BLOCK = 50_000  # users
CURRENT = "current.json"
TABLE = "recommendations.parquet"
SHEET = "recommendations.csv"
MANIFEST = "batch.json"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for a formula


@dataclass(frozen=True)
class Players:
    """Users and their whole histories, in the columns of the model that scores them.

    X: (n_users, n_model_games) CSR float32. user_ids: (n_users,). game_ids: (n_model_games,).
    allowed: (n_model_games,) bool, the games that are in the catalogue now.
    unknown_games: games of the catalogue that the model has not seen and cannot recommend.
    unknown_plays: interactions with such games, left out of the histories.
    """

    X: sparse.csr_matrix
    user_ids: np.ndarray
    game_ids: np.ndarray
    allowed: np.ndarray
    unknown_games: int
    unknown_plays: int


@dataclass(frozen=True)
class Batch:
    """A batch in the store.

    counts: (n_games,) int64, in how many lists each game of the model is.
    """

    batch_id: str
    model_version: str
    k: int
    n_rows: int
    n_users: int
    with_reason: int  # rows with a game that caused them
    counts: np.ndarray
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def coverage(self) -> float:
        """Share of the games that are in at least one list."""
        return float((self.counts > 0).mean()) if len(self.counts) else 0.0

    @property
    def gini(self) -> float | None:
        """How unequally places are spread over games: 0 evenly, 1 all to one; None for no place."""
        return metrics.gini(self.counts) if self.n_rows else None

    def summary(self) -> dict[str, Any]:
        """All but the counts, for JSON and W&B."""
        return {
            BATCH: self.batch_id,
            "model_version": self.model_version,
            "k": self.k,
            "rows": self.n_rows,
            "users": self.n_users,
            "with_reason": self.with_reason,
            "coverage": self.coverage,
            "gini": self.gini,
            "files": self.files,
        }


def players_for(data: Interactions, version: LoadedVersion) -> Players:
    """The users of `data` in the columns of a model that may know other games.

    Raises DataError where the model knows none of the games.
    """
    to_model = pd.Index(version.game_ids).get_indexer(pd.Index(data.game_ids))  # (n_games,)
    known = to_model >= 0
    if not known.any():
        raise DataError(
            f"{version.version} knows none of these {len(known):,} games: it was trained on other "
            "data; run 05_train.ipynb and 06_evaluate.ipynb on this run first"
        )
    rows = np.repeat(np.arange(data.X.shape[0]), np.diff(data.X.indptr))
    kept = known[data.X.indices]
    columns = to_model[data.X.indices[kept]]
    shape = (data.X.shape[0], len(version.game_ids))
    X = sparse.csr_matrix((data.X.data[kept], (rows[kept], columns)), shape=shape)
    allowed = np.zeros(shape[1], bool)
    allowed[to_model[known]] = True
    unknown = (int((~known).sum()), int((~kept).sum()))
    return Players(X, data.user_ids, version.game_ids, allowed, *unknown)


def score(
    version: LoadedVersion, players: Players, batch_id: str, k: int = 10, block: int = BLOCK
) -> Iterator[pd.DataFrame]:
    """The lists of all users, block after block, as columns.RECOMMENDATIONS.

    A user has fewer than k rows only where fewer games are left to recommend. because_game_id is
    the played game that contributes most to the score, empty where none does (the places that are
    filled by popularity).
    """
    if k < 1:
        raise UsageError(f"k is {k}; a list holds at least 1 game")
    for start in range(0, players.X.shape[0], block):
        X = players.X[start : start + block]
        games, scores = version.model.recommend(X, k, allowed=players.allowed)  # (n, k)
        because = version.model.because(X, games)  # (n, k)
        yield _frame(players, batch_id, start, games, scores, because)


def user_list(version: LoadedVersion, players: Players, user_id: Any, k: int = 10) -> pd.DataFrame:
    """One user's list: rank, game_id, score, because_game_id and its share of the score, 0-1."""
    found = np.flatnonzero(players.user_ids == user_id)
    if not len(found):
        raise DataError(f"there is no user {user_id!r}")
    X = players.X[found[0]]
    games, scores = version.model.recommend(X, k, allowed=players.allowed)
    because = version.model.because(X, games)
    frame = _frame(players, "", int(found[0]), games, scores, because)
    parts = []
    filled = games[0] >= 0
    for game, cause, total in zip(
        games[0, filled], because[0, filled], scores[0, filled], strict=True
    ):
        sources, contributions = version.model.explain(X, int(game))
        of_cause = contributions[sources == cause].sum()
        parts.append(float(of_cause / total) if cause >= 0 and total > 0 else np.nan)
    return frame.drop(columns=[BATCH, USER]).assign(share=np.array(parts, float))


def new_id(store: Store, run_id: str, version: str, k: int) -> str:
    """The id under which to write a run's lists: the run's own, in general.

    Where the batch in force has that id and came from another model or k, it is one that names
    both, so that nothing a reader may be looking at is written over with something else.
    """
    try:
        is_free = current(store) != run_id
    except DataError:  # a damaged mark, soon written anew: it may have named this batch
        is_free = not store.exists(f"batches/{run_id}/{MANIFEST}")
    if is_free:
        return run_id
    live = store.read_json(f"batches/{run_id}/{MANIFEST}")
    is_same = (live["model_version"], live["k"]) == (version, k)
    return run_id if is_same else f"{run_id}+{version}-top{k}"


def write(
    store: Store,
    batch_id: str,
    frames: Iterable[pd.DataFrame],
    players: Players,
    version: str,
    k: int,
    names: dict[Any, str] | None = None,
) -> Batch:
    """Write the frames of `score` as Parquet and CSV below `batches/<batch_id>/`.

    names: names of the games by id, for the CSV. Writing a batch again replaces it.
    """
    index = pd.Index(players.game_ids)
    counts = np.zeros(len(index), np.int64)
    with_reason = 0
    with tempfile.TemporaryDirectory() as folder:
        with _Files(Path(folder), players, names or {}) as files:
            for frame in frames:
                files.append(frame)
                counts += np.bincount(index.get_indexer(frame[GAME]), minlength=len(index))
                with_reason += int(frame[BECAUSE].notna().sum())
        place = store.at(f"batches/{batch_id}")
        about = {path.name: _upload(place, path) for path in (files.table, files.sheet)}
    n_users, n_rows = len(players.user_ids), int(counts.sum())
    batch = Batch(batch_id, version, k, n_rows, n_users, with_reason, counts, about)
    place.write_json(MANIFEST, batch.summary())
    return batch


def make_current(store: Store, batch: Batch) -> None:
    """Have `batches/current.json` name this batch, by one write."""
    files = {name: about["sha256"] for name, about in batch.files.items()}
    store.write_json(f"batches/{CURRENT}", {BATCH: batch.batch_id, "files": files})


def current(store: Store) -> str | None:
    """The id of the batch in force, None before the first."""
    if not store.exists(f"batches/{CURRENT}"):
        return None
    return str(store.read_json(f"batches/{CURRENT}")[BATCH])


def stored_frames(store: Store, batch_id: str, rows: int = 50_000) -> Iterator[pd.DataFrame]:
    """The rows of a batch in the store, in frames of at most `rows`, as a database load takes them.

    Raises DataError where the file is not the one that was written.
    """
    place = store.at(f"batches/{batch_id}")
    data = place.read(TABLE)
    if hashlib.sha256(data).hexdigest() != place.read_json(MANIFEST)["files"][TABLE]["sha256"]:
        raise DataError(f"batch {batch_id} is damaged: {TABLE} is not what was written")
    for part in pq.ParquetFile(pa.BufferReader(data)).iter_batches(rows):
        yield part.to_pandas(integer_object_nulls=True)


def prune(store: Store, keep: int) -> list[str]:
    """Delete all but the newest `keep` batches of the store, never the current; what was deleted.

    Batch ids begin with the time, so they sort by age.
    """
    if keep < 1:
        raise UsageError(f"keep is {keep}; at least 1 batch is kept")
    keys = store.keys("batches/")
    ids = sorted({key.split("/")[1] for key in keys if key.count("/") == 2})
    doomed = [batch_id for batch_id in ids[:-keep] if batch_id != current(store)]
    for batch_id in doomed:
        store.delete_tree(f"batches/{batch_id}")
    return doomed


def _frame(
    players: Players,
    batch_id: str,
    start: int,
    games: np.ndarray,
    scores: np.ndarray,
    because: np.ndarray,
) -> pd.DataFrame:
    """The filled places of the lists (n, k) of the users from row `start` on, one row each."""
    user, place = np.nonzero(games >= 0)  # (n_rows,) each
    cause = because[user, place]
    return pd.DataFrame(
        {
            BATCH: batch_id,
            USER: players.user_ids[start + user],
            RANK: (place + 1).astype(np.int64),
            GAME: players.game_ids[games[user, place]],
            SCORE: scores[user, place],
            BECAUSE: _or_empty(players.game_ids, cause),
        }
    )


def _or_empty(ids: np.ndarray, columns: np.ndarray) -> pd.Series:
    """The ids of the columns, empty for -1; integers stay integers."""
    values = ids[columns] if len(ids) else np.empty(0, object)
    kind = {"i": "Int64", "u": "UInt64"}.get(ids.dtype.kind, "str")
    series = pd.Series(values, dtype=kind)
    return series.mask(columns < 0)


class _Files:
    """The Parquet and the CSV file of a batch, written block after block."""

    def __init__(self, folder: Path, players: Players, names: dict[Any, str]) -> None:
        self.table, self.sheet = folder / TABLE, folder / SHEET
        self._names = names
        game = pa.array(players.game_ids[:1]).type
        user = pa.array(players.user_ids[:1]).type
        columns = [(BATCH, pa.string()), (USER, user), (RANK, pa.int64()), (GAME, game)]
        columns += [(SCORE, pa.float32()), (BECAUSE, game)]
        self._schema = pa.schema(columns)
        text = [("name", pa.string()), ("because", pa.string())]
        self._sheet_schema = pa.schema([*columns[:4], text[0], *columns[4:], text[1]])

    def __enter__(self) -> "_Files":
        self._parquet = pq.ParquetWriter(self.table, self._schema)
        self._csv = pa_csv.CSVWriter(self.sheet, self._sheet_schema)
        return self

    def __exit__(self, *error: object) -> None:
        self._parquet.close()
        self._csv.close()

    def append(self, frame: pd.DataFrame) -> None:
        """Add the rows of a frame to both."""
        self._parquet.write_table(pa.Table.from_pandas(frame, self._schema, preserve_index=False))
        named = frame.assign(name=self._named(frame[GAME]), because=self._named(frame[BECAUSE]))
        for column in named.columns:
            if pd.api.types.is_string_dtype(named[column]):
                named[column] = _harmless(named[column])
        rows = pa.Table.from_pandas(named, self._sheet_schema, preserve_index=False)
        self._csv.write_table(rows)

    def _named(self, ids: pd.Series) -> pd.Series:
        return ids.map(self._names).astype("str")


def _harmless(text: pd.Series) -> pd.Series:
    """Text that a spreadsheet shows and does not run: a quote before '=', '+', '-' or '@'."""
    return text.where(~text.str.startswith(_FORMULA, na=False), "'" + text)


def _upload(place: Store, path: Path) -> dict[str, Any]:
    place.upload(path.name, path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "bytes": path.stat().st_size}
