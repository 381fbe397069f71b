"""Snapshots on the local disk: built once, checked at every opening, shared by all processes.

A folder is named after the version and a digest of what it was made from. One process builds
while others wait; a folder that is not what was written is thrown away and built anew.
"""

import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from filelock import FileLock

from gamerec.errors import DataError
from gamerec.serving.build import ABOUT, digest
from gamerec.serving.snapshot import Snapshot

logger = logging.getLogger(__name__)

KEEP = 4  # folders; a rollback finds the version before still there
_LOCK = ".lock"

Builder = Callable[[Path], None]


class SnapshotCache:
    """Snapshots below a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, version: str, sources: dict[str, Any], build: Builder) -> Snapshot:
        """The snapshot made from `sources`, from the disk where it is there and whole.

        build: writes it into an empty folder. Raises what `build` raises, and DataError where
        what it wrote cannot be loaded.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / f"{version}-{_key(sources)}"
        with FileLock(self.folder / _LOCK):
            if fault := _fault(place):
                if place.exists():
                    logger.warning("cached %s is damaged (%s) and built anew", version, fault)
                self._build(place, build)
            place.touch()  # the last to be used is the last to be pruned
            snapshot = Snapshot(place)
            self._prune()
        return snapshot

    def _build(self, place: Path, build: Builder) -> None:
        shutil.rmtree(place, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".new-") as temporary:
            made = Path(temporary) / "snapshot"
            made.mkdir()
            build(made)
            made.rename(place)

    def _prune(self) -> None:
        folders = [p for p in self.folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
        folders.sort(key=lambda p: p.stat().st_mtime, reverse=True)
        for old in folders[KEEP:]:
            shutil.rmtree(old, ignore_errors=True)


def _key(sources: dict[str, Any]) -> str:
    text = orjson.dumps(sources, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(text).hexdigest()[:20]


def _fault(place: Path) -> str:
    """'' where the folder holds what was written, else what is wrong."""
    try:
        sums = orjson.loads((place / ABOUT).read_bytes())["files"]
        for name, expected in sums.items():
            if digest(place / name) != expected:
                return f"{name} was altered"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return type(error).__name__
    return ""


def loadable(error: Exception) -> DataError:
    """Any fault of loading as one of ours."""
    return DataError(f"it cannot be loaded: {type(error).__name__}: {error}")
