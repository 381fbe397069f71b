"""A bucket with a folder beside it, so that no run is lost while the bucket is out of reach.

What is written goes into the folder first and is marked as owed; then to the bucket, and the mark
is taken away. Where the bucket does not answer the mark stays, and `deliver` brings the object
later. Reads ask the bucket, whose word counts, and fall back on the folder, which keeps a copy of
everything that went through here. Only `create` needs the bucket itself: who is first cannot be
told without it.
"""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from gamerec.errors import ServiceError
from gamerec.s3 import S3Store, Unreachable, open_s3
from gamerec.settings import Settings
from gamerec.storage import FolderStore, MissingKey, Store

Result = TypeVar("Result")

PAUSE = 60.0  # seconds for which a bucket that did not answer is not asked again


class Away:
    """Whether the bucket was found out of reach a moment ago, by whichever process.

    Without this every stage of a run would wait for every request of its own to time out.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def cause(self) -> str:
        """Why not to ask, or '' where nothing is known or the pause is over."""
        note = self._read()
        waited = time.time() - note.get("at", 0.0)
        return note["cause"] if 0 <= waited < PAUSE else ""  # below 0: the clock was set back

    def was_noted(self) -> bool:
        """Whether the last attempt failed, however long ago."""
        return bool(self._read())

    def note(self, cause: str) -> None:
        """Remember a failure."""
        text = json.dumps({"at": time.time(), "cause": cause})
        with contextlib.suppress(ServiceError):  # a full disk: then every request finds out itself
            FolderStore(self._file.parent).write(self._file.name, text.encode())

    def forget(self) -> None:
        """It answers again, or is to be asked again."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def _read(self) -> dict:
        try:
            note = json.loads(self._file.read_text())
            return note if isinstance(note["at"], int | float) and note["cause"] else {}
        except (OSError, ValueError, TypeError, KeyError):
            return {}


class MirroredStore(Store):
    """`remote` with `local` as copy and stand-in.

    writes, deletes: the marks of what the bucket lacks or still has, each under the key it speaks
    of. A mark holds a token: one that changed while its object was delivered stays for next time.
    """

    def __init__(
        self,
        remote: S3Store,
        local: FolderStore,
        writes: FolderStore,
        deletes: FolderStore,
        away: Away,
    ) -> None:
        self.remote = remote
        self.uri = remote.uri
        self._local = local
        self._writes = writes
        self._deletes = deletes
        self._away = away

    @property
    def local(self) -> FolderStore:
        """The folder, for what must never go to the bucket."""
        return self._local

    def at(self, prefix: str) -> "MirroredStore":
        return MirroredStore(
            self.remote.at(prefix),
            self._local.at(prefix),
            self._writes.at(prefix),
            self._deletes.at(prefix),
            self._away,
        )

    def check(self) -> None:
        self._probe()

    def read(self, key: str) -> bytes:
        if self._writes.exists(key):
            return self._local.read(key)
        if self._deletes.exists(key):
            raise MissingKey(f"there is no {self.uri}/{key}")
        try:
            data = self._ask(lambda: self.remote.read(key))
        except MissingKey:
            with contextlib.suppress(OSError):
                self._local.delete(key)
            raise
        except ServiceError:
            with contextlib.suppress(MissingKey):
                return self._local.read(key)
            raise
        self._keep_copy(key, data)
        return data

    def write(self, key: str, data: bytes) -> None:
        keep = partial(self._local.write, key, data)
        self._put(key, keep, partial(self.remote.write, key, data))

    def upload(self, key: str, source: Path) -> None:
        keep = partial(self._local.upload, key, source)
        self._put(key, keep, partial(self.remote.upload, key, source))

    def create(self, key: str, data: bytes) -> bool:
        """As every store does; raises ServiceError where the bucket is out of reach."""
        if self._away.was_noted():
            self._probe()
        made = self._ask(lambda: self.remote.create(key, data))
        if made:
            self._keep_copy(key, data)
        return made

    def keys(self, prefix: str = "") -> list[str]:
        try:
            found = set(self._ask(lambda: self.remote.keys(prefix)))
        except ServiceError:
            found = set(self._local.keys(prefix))
        found |= set(self._writes.keys(prefix))
        return sorted(found - set(self._deletes.keys(prefix)))

    def delete(self, key: str) -> None:
        with contextlib.suppress(OSError):
            self._local.delete(key)
        token = _mark(self._deletes, key)
        self._writes.delete(key)
        with contextlib.suppress(ServiceError):
            self._ask(lambda: self.remote.delete(key))
            _unmark(self._deletes, key, token)

    def delete_tree(self, prefix: str) -> None:
        try:
            self._ask(lambda: self.remote.delete_tree(prefix))
        except ServiceError:
            for key in self.keys(f"{prefix}/"):
                self.delete(key)
        else:
            self._deletes.delete_tree(prefix)
        self._writes.delete_tree(prefix)
        self._local.delete_tree(prefix)

    def exists(self, key: str) -> bool:
        if self._writes.exists(key):
            return True
        if self._deletes.exists(key):
            return False
        try:
            return self._ask(lambda: self.remote.exists(key))
        except ServiceError:
            return self._local.exists(key)

    # What is owed to the bucket

    def owed(self) -> list[str]:
        """Keys of the objects that the bucket lacks, or still has, oldest change first."""
        marks = [(_moment(kind.path(key)), key) for kind in self._kinds() for key in kind.keys()]  # noqa: SIM118
        return [key for _, key in sorted(marks)]

    def deliver(self) -> Iterator[str]:
        """Bring the bucket what it is owed, in the order of the changes; yields each key brought.

        Raises ServiceError where the bucket does not take it; what is left stays owed.
        """
        self._away.forget()
        for key in self.owed():
            if self._deletes.exists(key):
                token = self._deletes.read(key)
                self._ask(partial(self.remote.delete, key))
                _unmark(self._deletes, key, token)
            elif self._writes.exists(key):
                token, path = self._writes.read(key), self._local.path(key)
                if path.is_file():
                    self._ask(partial(self.remote.upload, key, path))
                _unmark(self._writes, key, token)
            yield key

    def forgive(self, key: str) -> None:
        """Owe an object no longer: what the bucket has of it stays."""
        for kind in self._kinds():
            kind.delete(key)

    @property
    def absence(self) -> str:
        """Why the bucket was not reached a moment ago, or ''."""
        return self._away.cause()

    # Inner steps

    def _kinds(self) -> tuple[FolderStore, FolderStore]:
        return self._writes, self._deletes

    def _put(self, key: str, keep: Callable[[], None], send: Callable[[], None]) -> None:
        try:
            keep()
            token = _mark(self._writes, key)
            self._deletes.delete(key)
        except ServiceError:  # a full or read-only disk: then the bucket alone has to take it
            self._ask(send)
            self.forgive(key)
            return
        with contextlib.suppress(ServiceError):
            self._ask(send)
            _unmark(self._writes, key, token)

    def _keep_copy(self, key: str, data: bytes) -> None:
        path = self._local.path(key)
        with contextlib.suppress(ServiceError, OSError):
            if not path.is_file() or path.stat().st_size != len(data) or path.read_bytes() != data:
                self._local.write(key, data)

    def _ask(self, action: Callable[[], Result]) -> Result:
        """The action on the bucket; not even tried while it is known to be out of reach."""
        if cause := self._away.cause():
            raise ServiceError(cause)
        if self._away.was_noted():
            self._probe()
        try:
            return action()
        except Unreachable as error:
            self._away.note(str(error))
            raise

    def _probe(self) -> None:
        """One quick request, where the last ones failed; raises ServiceError where it fails too."""
        if cause := self.remote.silence():
            self._away.note(cause)
            raise ServiceError(cause)
        self._away.forget()


def _mark(marks: FolderStore, key: str) -> bytes:
    token = uuid.uuid4().hex.encode()
    marks.write(key, token)
    return token


def _unmark(marks: FolderStore, key: str, token: bytes) -> None:
    with contextlib.suppress(MissingKey):
        if marks.read(key) == token:
            marks.delete(key)


def _moment(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def open_mirrored(uri: str, settings: Settings) -> MirroredStore:
    """The store at `s3://bucket/prefix`, mirrored below `<home>/store/mirror`."""
    remote = open_s3(uri, settings)
    home = FolderStore(settings.gamerec_home / "store")
    place = f"{remote.bucket}/{remote.prefix}".strip("/")
    owed = home.at("outbox/objects").at(place)
    away = Away(home.path(f"outbox/away-{remote.bucket}.json"))
    return MirroredStore(
        remote, home.at("mirror").at(place), owed.at("write"), owed.at("delete"), away
    )
