"""A version and the data it speaks of, written as plain arrays that processes map into memory.

    model/...          the version's files, as the registry has verified them
    indptr.npy ...     who played what, in the columns of `games.json`
    users.npy          the users' ids (or user_text.npy and user_ends.npy)
    features_*.npy     content of the model's games
    games.json         the catalogue, the model's games first
    about.json         what this is, with the SHA-256 of all of the above; written last

Reading the registry and the run is done here and only here; it needs pandas and takes its time.
"""

import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from scipy import sparse

from gamerec.errors import DataError
from gamerec.serving.identity import sorted_rows, write_users

if TYPE_CHECKING:
    import pandas as pd

    from gamerec.registry import Registry
    from gamerec.runs import Run

logger = logging.getLogger(__name__)

ABOUT, GAMES, MODEL = "about.json", "games.json", "model"
_GAME_IDS = "game_ids.json"


def build(folder: Path, registry: "Registry", run: "Run | None", about: dict[str, Any]) -> None:
    """Write all files of a version into an empty folder.

    run: the run whose games, players and contents go with the version; None where there is none,
    which leaves a model without names and histories. Raises DataError for a damaged version.
    """
    files = registry.verify(about["version"])
    (folder / MODEL).mkdir()
    for name in files.keys():  # noqa: SIM118  (a store, not a dict)
        if name != _GAME_IDS:
            (folder / MODEL / name).write_bytes(files.read(name))
    ids = orjson.loads(files.read(_GAME_IDS))
    items, plays = _data(run)
    extra = [] if items is None else _others(items, ids)
    games = _games(items, [*ids, *extra])
    (folder / GAMES).write_bytes(orjson.dumps(games))
    if items is not None and not any(game["known"] for game in games[: len(ids)]):
        raise DataError(
            f"{about['version']} knows none of the {len(items):,} games of run {about['data_run']}"
        )
    _write_plays(folder, plays, [*ids, *extra])
    _write_features(folder, run, ids)
    sums = {p.relative_to(folder).as_posix(): digest(p) for p in sorted(folder.rglob("*.*"))}
    (folder / ABOUT).write_bytes(orjson.dumps(about | {"n_games": len(ids), "files": sums}))


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _data(run: "Run | None") -> "tuple[pd.DataFrame | None, pd.DataFrame | None]":
    if run is None:
        return None, None
    return run.read_table("items"), run.read_table("interactions")


def _others(items: "pd.DataFrame", ids: list[Any]) -> list[Any]:
    """Ids of the catalogue that the model does not know."""
    known = {str(i) for i in ids}
    return [i for i in items["game_id"].tolist() if str(i) not in known]


def _games(items: "pd.DataFrame | None", ids: list[Any]) -> list[dict[str, Any]]:
    """One line per id: what the catalogue tells of it; `known`: whether it tells anything."""
    lines: dict[str, dict[str, Any]] = {}
    if items is not None:
        lines = {str(line["game_id"]): line for line in map(line_of, items.to_dict("records"))}
    bare = {"known": items is None, "genres": [], "tags": []}
    return [lines.get(str(i), {"game_id": i, "name": str(i)} | bare) for i in ids]


def line_of(row: dict[Any, Any]) -> dict[str, Any]:
    """What is kept of a row of columns.GAMES, without what was imputed."""
    released = row.get("released")
    return {
        "game_id": row["game_id"],
        "name": str(row.get("name") or row["game_id"]),
        "genres": [str(g) for g in _listed(row.get("genres")) if g != "Unknown"],
        "tags": [str(t) for t in _listed(row.get("tags"))],
        "released": None if released is None or released != released else str(released)[:10],
        "rating": None if row.get("rating_imputed") else _number(row.get("rating")),
        "metacritic": _number(row.get("metacritic")),
        "playtime": None if row.get("playtime_imputed") else _number(row.get("playtime")),
        "image_url": row["image_url"] if isinstance(row.get("image_url"), str) else None,
        "known": True,
    }


def _listed(cell: Any) -> Any:
    return () if cell is None or isinstance(cell, float) else cell


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)


def _write_plays(folder: Path, plays: "pd.DataFrame | None", ids: list[Any]) -> None:
    """Histories as CSR over all columns, rows in the order of the users' ids."""
    from gamerec.interactions import Interactions

    if plays is None:
        X, users = sparse.csr_matrix((0, len(ids)), dtype=np.float32), np.empty(0, np.int64)
    else:
        kind = object if any(isinstance(i, str) for i in ids) else np.int64
        data = Interactions.from_frame(plays, game_ids=np.array(ids, kind))
        X, users = data.X, np.asarray(data.user_ids)
        order = sorted_rows(users)
        if order is not None:
            X, users = X[order], users[order]
    write_users(folder, users)
    np.save(folder / "indptr.npy", X.indptr.astype(np.int64))
    np.save(folder / "indices.npy", X.indices.astype(np.int32))
    np.save(folder / "weights.npy", X.data)


def _write_features(folder: Path, run: "Run | None", ids: list[Any]) -> None:
    """The content of the model's games; zero rows where nothing is known."""
    matrix = sparse.csr_matrix((len(ids), 1), dtype=np.float32)
    if run is not None and run.has("features"):
        from gamerec.catalogue.features import ContentFeatures

        kept = ContentFeatures.from_arrays(run.read_arrays("features"))
        wanted = np.array(ids) if kept.game_ids.dtype.kind in "iu" else np.array(ids, np.str_)
        matrix = kept.for_games(wanted).matrix
    for name in ("data", "indices", "indptr"):
        np.save(folder / f"features_{name}.npy", getattr(matrix, name))
    np.save(folder / "features_width.npy", np.array([matrix.shape[1]]))
