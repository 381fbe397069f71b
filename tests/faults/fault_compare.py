"""What a run has come to, as texts and SHA-256 sums that are equal for equal results.

Left out is what has to differ between two runs with the same parameters: run ids (written as RUN
and EARLIER), moments, durations, folders, and rows of the database that no reader can reach
(loads that were cut short). Everything else counts, bit for bit.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import create_engine, text

from gamerec import batch
from gamerec.database import Database
from gamerec.registry import Registry
from gamerec.reports.record import read_record
from gamerec.runs import Run
from gamerec.storage import FolderStore, Store

Result = dict[str, str]

_MOMENTS = {
    *("at", "when", "created_at", "seconds", "fit_seconds", "digest", "path", "wandb"),
    *("code_commit", "libraries", "files"),  # files: those of a batch hold the run id
}
_INTERACTIONS = """
    SELECT u.user_id, u.id_kind, g.game_id, g.id_kind, i.weight, i.at FROM interactions i
    JOIN users u ON u.user_no = i.user_no JOIN games g ON g.game_no = i.game_no
    ORDER BY 1, 2, 3, 4
"""


def result(
    home: Path, run_id: str, *, store: Store | None = None, database: str | None = None
) -> Result:
    """Everything that the run and those before it left: name -> sum or text.

    store, database: where they are not the folder and the SQLite file below `home`.
    """
    store = store or FolderStore(home / "store")
    url = database or f"sqlite:///{home / 'store' / 'gamerec.db'}"
    found = _artifacts(Run(run_id, store)) | _models(store) | _batch(store, run_id)
    found |= rows(url)
    record = read_record(home / "reports" / run_id)
    found["record: how it ended"] = f"{record.status} {record.exit_code} {record.gate}"
    stages = {name: [s.status, s.made, s.metrics] for name, s in record.stages.items()}
    found["record: stages"] = json.dumps(_plain(stages), sort_keys=True)
    earlier = [path.parent.name for path in (home / "reports").glob("*/run.json")]
    for other in (run_id, *earlier):
        word = "RUN" if other == run_id else "EARLIER"
        found = {name: value.replace(other, word) for name, value in found.items()}
    return found


def differences(one: Result, other: Result) -> list[str]:
    """The names of what is not equal, with both values."""
    names = sorted(one.keys() | other.keys())
    return [
        f"{name}: {one.get(name, 'absent')[:300]} | {other.get(name, 'absent')[:300]}"
        for name in names
        if one.get(name) != other.get(name)
    ]


def served(home: Path, *, store: Store | None = None, database: str | None = None) -> Result:
    """All that a reader can reach: models, channels, the batch in force and the database."""
    store = store or FolderStore(home / "store")
    url = database or f"sqlite:///{home / 'store' / 'gamerec.db'}"
    found = _models(store) | rows(url)
    if current := batch.current(store):
        found |= {"current batch": current} | _batch(store, current)
    return found


def rows(url: str) -> Result:
    """The database as readers see it: sums over tables in an order of their own."""
    with Database(url, patience=5) as database:
        games, live = database.games(), database.all_recommendations()
        batches = database.batches().drop(columns="created_at")
    engine = create_engine(url)
    with engine.connect() as connection:
        plays = connection.execute(text(_INTERACTIONS)).all()
    engine.dispose()
    games = games.sort_values("game_id", key=lambda ids: ids.astype(str))
    live = live.sort_values(["user_id", "rank"], key=lambda c: c.astype(str))
    return {
        "database: games": _sum(games.to_csv(index=False)),
        "database: interactions": _sum(repr([tuple(map(str, row)) for row in plays])),
        "database: live rows": _sum(live.drop(columns="batch_id").to_csv(index=False)),
        "database: batches": batches.to_csv(index=False),
    }


def _artifacts(run: Run) -> Result:
    found = {}
    for key in run.store.keys():  # noqa: SIM118  (a store, not a dict)
        if key.endswith(".json"):
            plain = _plain(run.store.read_json(key))
            found[f"artifact {key}"] = json.dumps(plain, sort_keys=True)
        else:
            found[f"artifact {key}"] = _sum(run.store.read(key))
    return found


def _models(store: Store) -> Result:
    registry = Registry(store)
    found = {"channels": json.dumps(registry.channels(), sort_keys=True)}
    moves = [_plain(entry) for entry in registry.log(None)]
    found["promotion log"] = json.dumps(moves, sort_keys=True)
    for version in registry.versions():
        files = registry.verify(version)
        for name in files.keys():  # noqa: SIM118
            if name != "model.json":  # holds its sum and tells how long fitting took
                found[f"{version}/{name}"] = _sum(files.read(name))
        card = _plain(files.read_json("model.json"))
        card.pop("sha256", None)
        found[f"{version}/model.json"] = json.dumps(card, sort_keys=True)
        found[f"{version}: info"] = json.dumps(_plain(registry.info(version)), sort_keys=True)
    return found


def _batch(store: Store, batch_id: str) -> Result:
    found = {"batch in force": batch.current(store) or "none"}
    place = store.at(f"batches/{batch_id}")
    if not place.exists(batch.TABLE):
        return found
    table = pq.read_table(pa.BufferReader(place.read(batch.TABLE)))
    frame = table.drop_columns("batch_id").to_pandas()
    found["batch: Parquet"] = _sum(repr(table.schema) + frame.to_csv(index=False))
    sheet = place.read(batch.SHEET).decode()
    found["batch: CSV"] = _sum(sheet.replace(batch_id, "RUN"))
    found["batch: summary"] = json.dumps(_plain(place.read_json(batch.MANIFEST)), sort_keys=True)
    return found


def _plain(value: Any) -> Any:
    """Without moments and durations, however deep."""
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items() if name not in _MOMENTS}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _sum(content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()
