"""Bytes by key in a folder or a bucket, written whole or not at all.

A `Store` is rooted at a path or URI. It knows nothing of games, models or runs.
"""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import uuid
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from gamerec.errors import DataError, ServiceError, UsageError

if TYPE_CHECKING:  # numpy and pandas are loaded where a table or an array is: JSON needs neither
    import numpy as np
    import pandas as pd

    from gamerec.settings import Settings

_TEMPORARY = ".~"  # begins the name of a file that is still being written
_CHUNK = 1 << 20


class MissingKey(DataError):
    """No object with this key."""


def checked_key(key: str) -> str:
    """The key, where every kind of store can hold it; raises DataError otherwise.

    Parts are separated by '/'; none is empty, '.', '..' or longer than a file name may be, and
    there is no backslash and no control character.
    """
    odd = re.search(r"[\x00-\x1f\x7f\\\ud800-\udfff]", key)
    if odd or not all(_is_usable(part) for part in key.split("/")):
        raise DataError(f"{key!r} is no usable key of a store")
    return key


def _is_usable(part: str) -> bool:
    longest = 255  # bytes, on Linux
    good = part not in ("", ".", "..") and not part.startswith(_TEMPORARY)
    return good and len(part.encode()) <= longest


class Store(ABC):
    """Objects by key ('runs/a/games.parquet'); every write is atomic."""

    uri: str

    @property
    def local(self) -> "Store":
        """Where what must stay on this machine goes: the store itself, but for a mirrored one."""
        return self

    def check(self) -> None:  # noqa: B027  (most stores need no network)
        """Raise ServiceError where what is read may not be the newest."""

    @abstractmethod
    def read(self, key: str) -> bytes:
        """The whole object; raises MissingKey."""

    @abstractmethod
    def write(self, key: str, data: bytes) -> None:
        """Create or replace the object: a reader sees the old bytes or the new, never a part."""

    @abstractmethod
    def create(self, key: str, data: bytes) -> bool:
        """Write only if there is no such object yet, atomically; False if there is one."""

    def digest(self, key: str) -> str:
        """SHA-256 of the object; stores that keep it tell it without reading the object."""
        return hashlib.sha256(self.read(key)).hexdigest()

    def upload(self, key: str, source: Path) -> None:
        """Write the bytes of a file; stores that can do so stream them."""
        self.write(key, source.read_bytes())

    @abstractmethod
    def keys(self, prefix: str = "") -> list[str]:
        """All keys that begin with `prefix`, sorted."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove the object; no error when it is gone already."""

    def delete_tree(self, prefix: str) -> None:
        """Remove all objects below `prefix/`."""
        for key in self.keys(f"{checked_key(prefix)}/"):
            self.delete(key)

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

    def read_table(self, key: str) -> "pd.DataFrame":
        """The Parquet object as a frame; raises DataError where it is not Parquet."""
        import pandas as pd

        data = self.read(key)
        try:
            return pd.read_parquet(io.BytesIO(data))
        except (ValueError, OSError) as error:
            raise DataError(f"{self.uri}/{key} is not readable Parquet: {error}") from None

    def write_table(self, key: str, frame: "pd.DataFrame") -> None:
        """Write the frame as Parquet, without its index."""
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        self.write(key, buffer.getvalue())

    def read_arrays(self, key: str) -> dict[str, "np.ndarray"]:
        """The numpy archive; raises DataError where it is none, or holds pickled members."""
        import numpy as np

        data = self.read(key)
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                return dict(archive)
        except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{self.uri}/{key} is no readable numpy archive: {error}") from None

    def write_arrays(self, key: str, arrays: Mapping[str, "np.ndarray"]) -> None:
        """Write a numpy archive of plain arrays."""
        import numpy as np

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
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise MissingKey(f"there is no {self.uri}/{key}") from None
        except OSError as error:
            raise ServiceError(f"cannot read {self.uri}/{key}: {error.strerror}") from error

    def write(self, key: str, data: bytes) -> None:
        with self._temporary(key) as temporary:
            _write_through(temporary, io.BytesIO(data))
            temporary.replace(self.path(key))

    def create(self, key: str, data: bytes) -> bool:
        with self._temporary(key) as temporary:
            _write_through(temporary, io.BytesIO(data))
            try:
                os.link(temporary, self.path(key))
            except FileExistsError:
                return False
        return True

    def upload(self, key: str, source: Path) -> None:
        with self._temporary(key) as temporary:
            with source.open("rb") as file:
                _write_through(temporary, file)
            temporary.replace(self.path(key))

    def keys(self, prefix: str = "") -> list[str]:
        base = self.folder / prefix.rpartition("/")[0]
        found = []
        for folder, _, names in os.walk(base):
            inner = Path(folder).relative_to(self.folder).as_posix()
            paths = (name if inner == "." else f"{inner}/{name}" for name in names)
            found += [p for p in paths if p.startswith(prefix) and _TEMPORARY not in p]
        return sorted(found)

    def delete(self, key: str) -> None:
        with contextlib.suppress(NotADirectoryError):
            self.path(key).unlink(missing_ok=True)

    def delete_tree(self, prefix: str) -> None:
        shutil.rmtree(self.path(prefix), ignore_errors=True)

    def exists(self, key: str) -> bool:
        return self.path(key).is_file()

    def at(self, prefix: str) -> "FolderStore":
        return FolderStore(self.path(prefix))

    def path(self, key: str) -> Path:
        """The file of a key; raises DataError for a key that no store takes."""
        return self.folder / checked_key(key)

    @contextlib.contextmanager
    def _temporary(self, key: str) -> Iterator[Path]:
        """A name beside the key's file, gone at the end whatever happens."""
        path = self.path(key)
        temporary = path.parent / f"{_TEMPORARY}{uuid.uuid4().hex}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
        except OSError as error:
            raise ServiceError(f"cannot write {self.uri}/{key}: {error.strerror}") from error
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _write_through(path: Path, source: BinaryIO) -> None:
    """Copy to a new file and have it on disk before anything points to it."""
    with path.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK)
        file.flush()
        os.fsync(file.fileno())


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
        self._objects[self._prefix + checked_key(key)] = bytes(data)

    def create(self, key: str, data: bytes) -> bool:
        if self.exists(key):
            return False
        self.write(key, data)
        return True

    def keys(self, prefix: str = "") -> list[str]:
        start = self._prefix + prefix
        return sorted(k.removeprefix(self._prefix) for k in self._objects if k.startswith(start))

    def delete(self, key: str) -> None:
        self._objects.pop(self._prefix + key, None)

    def exists(self, key: str) -> bool:
        return self._prefix + key in self._objects

    def at(self, prefix: str) -> "MemoryStore":
        return MemoryStore(self._objects, f"{self._prefix}{prefix.strip('/')}/")


def open_store(uri: str | Path, settings: "Settings | None" = None) -> Store:
    """The store at a folder path, a `file:` URI or an `s3://bucket/prefix` URI.

    An S3 store takes credentials, endpoint, region and encryption from `settings`; where they are
    empty, from boto3's own places. With `settings` it has a folder below `<home>/store` beside it
    (see `mirror`), without them it is the bare bucket. Raises UsageError for another kind of URI.
    """
    uri = str(uri)
    if uri.startswith("s3://"):
        from gamerec.s3 import open_s3  # boto3 takes half a second to import

        if settings is None:
            return open_s3(uri)
        from gamerec.mirror import open_mirrored

        return open_mirrored(uri, settings)
    if uri.startswith("file:"):
        return FolderStore(url2pathname(urlsplit(uri).path))
    if "://" in uri:
        raise UsageError(f"a store is a folder, file:///... or s3://..., not {uri.split(':')[0]}:")
    return FolderStore(uri)
