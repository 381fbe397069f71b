"""Bytes by key in a folder or a bucket, written whole or not at all.

A `Store` is rooted at a path or URI. It knows nothing of games, models or runs.
"""

import io
import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gamerec.errors import DataError


class MissingKey(DataError):
    """No object with this key."""


class Store(ABC):
    """Objects by key ('runs/a/games.parquet'); every write is atomic."""

    uri: str

    @abstractmethod
    def read(self, key: str) -> bytes:
        """The whole object; raises MissingKey."""

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """Create or replace the object: a reader sees the old bytes or the new, never a part."""

    @abstractmethod
    def create(self, key: str, data: bytes) -> bool:
        """Write only if there is no such object yet, atomically; False if there is one."""

    @abstractmethod
    def keys(self, prefix: str = "") -> list[str]:
        """All keys that begin with `prefix`, sorted."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; no error when it is gone already."""

    @abstractmethod
    def exists(self, key: str) -> bool:
        """Whether there is such an object."""

    @abstractmethod
    def at(self, prefix: str) -> "Store":
        """The same store, rooted at `prefix` below this one."""

    def read_json(self, key: str) -> Any:
        """The object parsed as JSON; raises DataError where it is not JSON."""
        try:
            return json.loads(self.read(key))
        except ValueError as error:
            raise DataError(f"{self.uri}/{key} is not readable JSON: {error}") from None

    def write_json(self, key: str, value: Any) -> None:
        """Write as indented JSON with sorted keys, so that equal values are equal bytes."""
        text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
        self.write(key, text.encode() + b"\n")

    def read_table(self, key: str) -> pd.DataFrame:
        """The Parquet object as a frame."""
        return pd.read_parquet(io.BytesIO(self.read(key)))

    def write_table(self, key: str, frame: pd.DataFrame) -> None:
        """Write the frame as Parquet, without its index."""
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        self.write(key, buffer.getvalue())

    def read_arrays(self, key: str) -> dict[str, np.ndarray]:
        """The numpy archive; pickled members are refused."""
        with np.load(io.BytesIO(self.read(key)), allow_pickle=False) as archive:
            return dict(archive)

    def write_arrays(self, key: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write a numpy archive of plain arrays."""
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        self.write(key, buffer.getvalue())


class FolderStore(Store):
    """A folder; keys are paths below it."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).resolve()
        self.uri = str(self.folder)

    def read(self, key: str) -> bytes:
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            raise MissingKey(f"there is no {self.uri}/{key}") from None

    def write(self, key: str, data: bytes) -> None:
        Path(self._temporary(key, data)).replace(self.path(key))

    def create(self, key: str, data: bytes) -> bool:
        temporary = self._temporary(key, data)
        try:
            os.link(temporary, self.path(key))
        except FileExistsError:
            return False
        finally:
            Path(temporary).unlink()
        return True

    def keys(self, prefix: str = "") -> list[str]:
        base = self.path(prefix.rpartition("/")[0])
        found = (p.relative_to(self.folder).as_posix() for p in base.rglob("*") if p.is_file())
        return sorted(k for k in found if k.startswith(prefix) and not k.endswith(".part"))

    def delete(self, key: str) -> None:
        self.path(key).unlink(missing_ok=True)

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def at(self, prefix: str) -> "FolderStore":
        return FolderStore(self.path(prefix))

    def path(self, key: str) -> Path:
        """The file of a key; raises DataError for a key that leads out of the folder."""
        path = (self.folder / key).resolve()
        if not path.is_relative_to(self.folder):
            raise DataError(f"key {key!r} leads out of the store")
        return path

    def _temporary(self, key: str, data: bytes) -> str:
        folder = self.path(key).parent
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return file.name


class MemoryStore(Store):
    """Objects in memory: to see what would be written, or to read files once and check them."""

    def __init__(self, objects: dict[str, bytes] | None = None, prefix: str = "") -> None:
        self._objects = {} if objects is None else objects
        self._prefix = prefix
        self.uri = f"memory:{prefix}".rstrip("/")

    def read(self, key: str) -> bytes:
        try:
            return self._objects[self._prefix + key]
        except KeyError:
            raise MissingKey(f"there is no {self.uri}/{key}") from None

    def write(self, key: str, data: bytes) -> None:
        self._objects[self._prefix + key] = bytes(data)

    def create(self, key: str, data: bytes) -> bool:
        return self._objects.setdefault(self._prefix + key, data) is data

    def keys(self, prefix: str = "") -> list[str]:
        start = self._prefix + prefix
        return sorted(k.removeprefix(self._prefix) for k in self._objects if k.startswith(start))

    def delete(self, key: str) -> None:
        self._objects.pop(self._prefix + key, None)

    def exists(self, key: str) -> bool:
        return self._prefix + key in self._objects

    def at(self, prefix: str) -> "MemoryStore":
        return MemoryStore(self._objects, f"{self._prefix}{prefix.strip('/')}/")


def open_store(uri: str | Path) -> Store:
    """The store at a folder path, a `file:` URI or an `s3://bucket/prefix` URI."""
    uri = str(uri)
    if uri.startswith("s3://"):
        raise NotImplementedError  # replaced when S3Store lands
    return FolderStore(uri.removeprefix("file://"))
