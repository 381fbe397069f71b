"""What S3 lacks: objects first, then the numbers of versions, then the moves of channels."""

import contextlib
from collections.abc import Callable

from gamerec.batch import CURRENT, MANIFEST
from gamerec.columns import BATCH
from gamerec.mirror import MirroredStore
from gamerec.outbox.database import owe_name
from gamerec.registry import Registry
from gamerec.settings import Settings
from gamerec.storage import MissingKey, Store, open_store

_POINTER = f"batches/{CURRENT}"
_NAMING = ("candidate.json", "verdict.json", "batch.json", MANIFEST)  # artifacts that name versions


def pending(settings: Settings) -> str:
    """'34 objects, model version pending-...', or ''."""
    store = _mirrored(settings)
    if store is None:
        return ""
    parked = Registry(store).parked
    objects = len(store.owed())
    parts = [f"{objects:,} object{'s' * (objects != 1)}"] if objects else []
    parts += [f"model version {name}" for name in parked.versions()]
    parts += [f"{move['channel']} {move['version']}" for move in parked.moves()]
    return ", ".join(parts)


def deliver(settings: Settings, say: Callable[[str], None]) -> None:
    """Bring S3 what it lacks; raises ServiceError where it does not take it."""
    store = _mirrored(settings)
    if store is None or not pending(settings):
        return
    _leave_newer_pointer(store)
    count = 0
    try:
        for _ in store.deliver():
            count += 1
    finally:
        if count:
            say(f"{count:,} object{'s' * (count != 1)}")

    def renamed(name: str, version: str) -> None:
        _rename(store, name, version)
        owe_name(settings, name, version)

    for line in Registry(store, parking=True).settle(renamed):
        say(line)


def _mirrored(settings: Settings) -> MirroredStore | None:
    if not settings.store_uri.startswith("s3://"):
        return None
    store = open_store(settings.store_uri, settings)
    return store if isinstance(store, MirroredStore) else None


def _leave_newer_pointer(store: MirroredStore) -> None:
    """Another machine may have put a newer batch in force while this one could not speak."""
    if _POINTER not in store.owed():
        return
    with contextlib.suppress(MissingKey):
        theirs = store.remote.read_json(_POINTER)[BATCH]
        if theirs > store.local.read_json(_POINTER)[BATCH]:
            store.forgive(_POINTER)


def _rename(store: Store, name: str, version: str) -> None:
    """Have the artifacts of runs and batches say the number, where they say the parked name."""
    for key in (*store.keys("runs/"), *store.keys("batches/")):
        if key.rpartition("/")[2] in _NAMING:
            data = store.read(key)
            if name.encode() in data:
                store.write(key, data.replace(name.encode(), version.encode()))
