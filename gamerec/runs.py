"""A run: one pass of the notebooks, as a folder of artifacts in the store.

Each artifact has one stage that makes it, so a notebook opened alone can say what to run first.
Running notebooks is the business of `pipeline`; this module only keeps what they make.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gamerec.errors import DataError, UsageError
from gamerec.settings import Settings, load_settings
from gamerec.storage import MissingKey, Store, open_store

if TYPE_CHECKING:  # the pipeline reads marks and verdicts, and needs neither
    import numpy as np
    import pandas as pd

STAGES = ("crawl", "eda", "preprocess", "simulate", "train", "evaluate", "batch_score")

_ID = "%Y%m%d-%H%M%S-"  # of a run, before the milliseconds
_TICK = timedelta(milliseconds=1)

# artifact -> the stage that makes it
MADE_BY = {
    "raw_games": "crawl",
    "source": "crawl",
    "games": "preprocess",
    "features": "preprocess",
    "items": "simulate",
    "interactions": "simulate",
    "truth": "simulate",
    "play_log": "simulate",
    "split": "train",
    "candidate": "train",
    "metrics": "evaluate",
    "verdict": "evaluate",
    "batch": "batch_score",
}


def notebook_name(stage: str) -> str:
    """File name of a stage's notebook without suffix: 'train' -> '05_train'."""
    return f"{STAGES.index(stage) + 1:02d}_{stage}"


def run_of(batch_id: str) -> str:
    """The run whose players a batch was made for: its id, or what stands before a '+'."""
    return batch_id.partition("+")[0]


def new_run_id(now: datetime | None = None, known: Iterable[str] = ()) -> str:
    """An id that sorts by start time: '20261122-165301-482' (UTC, milliseconds).

    It comes after those `known` even where the clock has been set back: one millisecond after the
    newest of them.
    """
    now = now or datetime.now(UTC)
    newest = max((found for run_id in known if (found := _begun(run_id))), default=None)
    if newest is not None and now < newest + _TICK:
        now = newest + _TICK
    return now.strftime(_ID) + f"{now.microsecond // 1000:03d}"


def _begun(run_id: str) -> datetime | None:
    """The moment that an id tells; None for one that somebody chose."""
    try:
        return datetime.strptime(f"{run_id}000", f"{_ID}%f").replace(tzinfo=UTC)
    except ValueError:
        return None


class Run:
    """The artifacts of one run, read and written by name."""

    def __init__(self, run_id: str, store: Store) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run_id):
            raise UsageError(f"run id {run_id!r}: letters, digits, '.', '_' and '-' only")
        self.id = run_id
        self.store = store.at(f"runs/{run_id}")

    def has(self, name: str) -> bool:
        """Whether some form of the artifact is there."""
        return any(self.store.exists(name + suffix) for suffix in (".parquet", ".npz", ".json"))

    def read_table(self, name: str) -> "pd.DataFrame":
        """A table artifact; DataError names the notebook to run first."""
        return self._read(self.store.read_table, name, ".parquet")

    def write_table(self, name: str, frame: "pd.DataFrame") -> None:
        """Keep a table artifact (Parquet)."""
        self.store.write_table(f"{name}.parquet", frame)

    def read_arrays(self, name: str) -> dict[str, "np.ndarray"]:
        """An arrays artifact."""
        return self._read(self.store.read_arrays, name, ".npz")

    def write_arrays(self, name: str, arrays: Mapping[str, "np.ndarray"]) -> None:
        """Keep an arrays artifact (numpy archive, no pickle)."""
        self.store.write_arrays(f"{name}.npz", arrays)

    def read_json(self, name: str) -> Any:
        """A JSON artifact."""
        return self._read(self.store.read_json, name, ".json")

    def write_json(self, name: str, value: Any) -> None:
        """Keep a JSON artifact."""
        self.store.write_json(f"{name}.json", value)

    def done(self, stage: str, made: str, **metrics: float) -> None:
        """Mark a stage as complete: the last call of its notebook.

        `made` is the line that `gamerec run` prints ('40 games, 12 genres'); `metrics` go to
        run.json and the report index. A stage without this mark is run again on resume.
        """
        mark = {"made": made, "metrics": metrics, "at": datetime.now(UTC).isoformat()}
        self.store.write_json(f"stages/{stage}.json", mark)

    def mark(self, stage: str) -> dict[str, Any] | None:
        """What `done` left for the stage, or None while it is not complete.

        A mark that cannot be read is none: the stage is run again.
        """
        try:
            found = self.store.read_json(f"stages/{stage}.json")
        except DataError:
            return None
        return found if isinstance(found, dict) and {"made", "metrics"} <= found.keys() else None

    def reset(self, stage: str) -> None:
        """Take the completion mark away, before the stage is run again."""
        self.store.delete(f"stages/{stage}.json")

    def _read(self, reader: Any, name: str, suffix: str) -> Any:
        try:
            return reader(name + suffix)
        except MissingKey:
            stage = notebook_name(MADE_BY[name])
            raise DataError(
                f"run {self.id} has no '{name}' yet: run {stage}.ipynb first "
                f"(or `gamerec run --resume {self.id}`)"
            ) from None


def run_ids(store: Store) -> list[str]:
    """Ids of all runs in the store, oldest first."""
    return sorted({key.split("/")[1] for key in store.keys("runs/")})


def open_run(run_id: str = "", *, new: bool = False, settings: Settings | None = None) -> Run:
    """The run with this id; without one the newest, or a new one where `new` is set.

    Raises DataError when there is no run at all yet.
    """
    settings = settings or load_settings()
    store = open_store(settings.store_uri, settings)
    if not run_id:
        run_id = new_run_id(known=run_ids(store)) if new else _newest(store)
    return Run(run_id, store)


def _newest(store: Store) -> str:
    ids = run_ids(store)
    if not ids:
        raise DataError("there is no run yet: run 01_crawl.ipynb first, or `make pipeline`")
    return ids[-1]
