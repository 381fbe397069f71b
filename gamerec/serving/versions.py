"""From a channel or a version's name to a snapshot: what to load, and what goes with it."""

import math
from dataclasses import dataclass
from typing import Any

from gamerec import calibration
from gamerec.calibration import Calibration
from gamerec.errors import DataError, GamerecError, UsageError
from gamerec.registry import CHANNELS, Registry
from gamerec.runs import Run, run_of
from gamerec.serving.answers import Question, Version
from gamerec.serving.build import build
from gamerec.serving.cache import SnapshotCache, loadable
from gamerec.serving.ranking import items_for, known_of
from gamerec.serving.snapshot import Snapshot
from gamerec.storage import MissingKey, Store

_CURRENT_BATCH = "batches/current.json"


@dataclass(frozen=True)
class Target:
    """A version together with the run whose players and games it is served with."""

    version: str
    data_run: str


@dataclass(frozen=True)
class Loaded:
    """A snapshot that has answered, with what the registry knows of it."""

    target: Target
    snapshot: Snapshot
    info: dict[str, Any]
    calibration: Calibration | None
    loaded_at: str


class Versions:
    """The versions of a store, as serving sees them."""

    def __init__(self, store: Store, cache: SnapshotCache) -> None:
        self.store = store
        self.registry = Registry(store)
        self._cache = cache

    def target(self, name: str) -> Target | None:
        """What a channel points to now, or a version by name; None for a channel without version.

        A version goes with the players it was last scored for: those of the batch in force where
        this version made it, so that batch and service agree; else those of its own run.
        """
        version = self.registry.channel(name) if name in CHANNELS else name
        if version is None:
            return None
        return Target(version, self._data_run(version))

    def load(self, target: Target, now: str) -> Loaded:
        """The version, checked, mapped and warm.

        Raises DataError for a version that is damaged or does not work, ServiceError where the
        store is out of reach.
        """
        info = self.registry.info(target.version)
        found = calibration.of_version(info)
        data_run = target.data_run or str(info["run_id"])
        run = self._run(data_run)
        about = {"version": target.version, "data_run": data_run if run else ""}
        sources = about | {"files": info["files"]}
        try:
            snapshot = self._cache.open(
                target.version, sources, lambda folder: build(folder, self.registry, run, about)
            )
            warm(snapshot, found)
        except GamerecError:
            raise
        except Exception as error:  # whatever is wrong with it, the version before it stays
            raise loadable(error) from error
        return Loaded(target, snapshot, info, found, now)

    def table(self) -> list[Version]:
        """All versions, newest first."""
        rows = self.registry.table().fillna("").to_dict("records")
        return [
            Version(
                str(row["version"]),
                tuple(c for c in str(row["channels"]).split(", ") if c),
                str(row["model"]),
                str(row["created_at"]),
                str(row["run_id"]),
            )
            for row in rows
        ]

    def _data_run(self, version: str) -> str:
        """The run of the batch in force, where this version made it; '' for the version's own."""
        try:
            batch = str(self.store.read_json(_CURRENT_BATCH)["batch_id"])
            about = self.store.read_json(f"batches/{batch}/batch.json")
            return run_of(batch) if about["model_version"] == version else ""
        except (DataError, KeyError, TypeError):
            return ""

    def _run(self, run_id: str) -> Run | None:
        """The run, None where its data is not there (any more)."""
        try:
            run = Run(run_id, self.store)
            return run if run.has("items") and run.has("interactions") else None
        except (UsageError, MissingKey):
            return None


def warm(snapshot: Snapshot, chances: Calibration | None) -> None:
    """Answer for some players, with and without reasons; DataError where an answer is no list."""
    rows = [-1, *range(min(3, snapshot.users.n_users))]
    for row in rows:
        for turned in (0.0, 0.5):
            question = Question(k=5, diversity=turned, popularity=turned)
            known = known_of(snapshot, row, question, {})
            items = items_for(snapshot, question, known, chances)
            if not all(math.isfinite(item.score) for item in items):
                raise DataError(f"{snapshot.version} gives scores that are no numbers")
