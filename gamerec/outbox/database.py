"""A batch into the database: now, or later from the files in the store."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from gamerec import batch
from gamerec.columns import BATCH
from gamerec.database import Database, open_database
from gamerec.errors import DataError, ServiceError
from gamerec.redaction import Redactor
from gamerec.runs import Run
from gamerec.settings import Settings
from gamerec.storage import FolderStore, MissingKey, Store, open_store


def load_batch(
    settings: Settings,
    store: Store,
    made: batch.Batch,
    items: pd.DataFrame,
    interactions: pd.DataFrame,
    *,
    run_id: str,
    keep: int = 3,
) -> str:
    """Bring games, interactions and the batch into the database; '' or why it was not reached.

    The files in the store are what counts: a batch that does not arrive now is owed, and loaded
    from them by `deliver`. What was owed before is out of date once it has arrived.
    """
    try:
        with open_database(settings) as database:
            database.sync(items, interactions)
            _load(database, store, made.batch_id, made.model_version, keep)
    except ServiceError as error:
        cause = Redactor(settings.secrets)(str(error))
        owed = {BATCH: made.batch_id, "run_id": run_id, "keep": keep, "cause": cause}
        _outbox(settings).write_json(f"database/{made.batch_id}.json", owed)
        return cause
    for key in _owed(settings):
        _outbox(settings).delete(key)
    return ""


def owe_name(settings: Settings, name: str, version: str) -> None:
    """Have batches in the database that were made by `name` tell `version` instead, at delivery."""
    _outbox(settings).write_json(f"renamed/{name}.json", {"name": name, "version": version})


def pending(settings: Settings) -> str:
    """'batch 20261122-..., 20261123-...', or ''."""
    ids = [key.removeprefix("database/").removesuffix(".json") for key in _owed(settings)]
    names = [_outbox(settings).read_json(key)["version"] for key in _renamed(settings)]
    parts = [f"batch {', '.join(ids)}"] if ids else []
    return ", ".join(parts + [f"the name {name}" for name in names])


def deliver(settings: Settings, say: Callable[[str], None]) -> None:
    """Load the batches that are owed, oldest first; raises ServiceError where it is away."""
    outbox = _outbox(settings)
    if not (_owed(settings) or _renamed(settings)):
        return
    store = open_store(settings.store_uri, settings)
    with open_database(settings) as database:
        for key in _renamed(settings):
            renamed = outbox.read_json(key)
            database.rename_model(renamed["name"], renamed["version"])
            outbox.delete(key)
            say(f"batches of {renamed['name']} are of {renamed['version']}")
        for key in _owed(settings):
            say(_settle(database, store, outbox.read_json(key)))
            outbox.delete(key)


def _settle(database: Database, store: Store, owed: dict[str, Any]) -> str:
    batch_id = owed[BATCH]
    live = database.live_batch()
    if live is not None and live[BATCH] > batch_id:
        return f"batch {batch_id} is out of date: {live[BATCH]} is live"
    try:
        about = store.read_json(f"batches/{batch_id}/{batch.MANIFEST}")
    except MissingKey:
        return f"batch {batch_id} is no longer in the store"
    run = Run(owed["run_id"], store)
    if run.has("items") and run.has("interactions"):
        database.sync(run.read_table("items"), run.read_table("interactions"))
    try:
        rows = _load(database, store, batch_id, about["model_version"], owed["keep"])
    except DataError as error:  # damaged files are no better next time
        return f"batch {batch_id} cannot be loaded: {error}"
    return f"batch {batch_id}, {rows:,} rows"


def _load(database: Database, store: Store, batch_id: str, version: str, keep: int) -> int:
    frames = batch.stored_frames(store, batch_id)
    return database.load_batch(batch_id, frames, model_version=version, keep=keep)


def _owed(settings: Settings) -> list[str]:
    return _outbox(settings).keys("database/")


def _renamed(settings: Settings) -> list[str]:
    return _outbox(settings).keys("renamed/")


def _outbox(settings: Settings) -> FolderStore:
    return FolderStore(settings.gamerec_home / "store" / "outbox")
