"""A file by which the processes of one machine tell each other of events, within microseconds.

The database is what keeps events; this file only spreads the news. A line is appended by one
write after the commit, then a mark in shared memory is changed. Readers look at the mark before
every answer and, where it is another, read what is new. A file that has grown is renamed away and
begun anew; readers finish the old one first.
"""

import mmap
import os
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import orjson

from gamerec.database.events import StoredEvent

_LARGEST = 4 << 20  # bytes
_MARK = 8


class Journal:
    """Reader and writer of one file; what was there before it is opened is not read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._open()
        about = os.fstat(self._file)
        self._inode, self._at = about.st_ino, about.st_size
        self._part = b""
        self._lock = threading.Lock()
        self._mark = _shared(path.with_suffix(".mark"))
        self._seen = self._mark[:]

    def close(self) -> None:
        """Let the file go; a second time changes nothing."""
        if not self._mark.closed:
            os.close(self._file)
            self._mark.close()

    def append(self, event: StoredEvent) -> None:
        """Tell all processes of an event that is committed."""
        line = orjson.dumps([*event[:5], event.at.isoformat()]) + b"\n"
        file = self._open()
        try:
            os.write(file, line)
            if os.fstat(file).st_size > _LARGEST:
                with suppress(FileNotFoundError):  # another process was first
                    self.path.rename(self.path.with_suffix(".old"))
        finally:
            os.close(file)
        self._mark[:] = os.urandom(_MARK)  # any other value: two at once are seen as one

    def news(self) -> list[StoredEvent]:
        """Events that were appended since the last call, by any process."""
        mark = self._mark[:]
        if mark == self._seen:
            return []
        with self._lock:
            self._seen = mark  # before reading: what is appended meanwhile changes it again
            found = self._read()
            try:
                now = self.path.stat()
            except FileNotFoundError:  # just being begun anew, by one who will change the mark
                return found
            if now.st_ino != self._inode:
                os.close(self._file)
                self._file, self._at, self._part = self._open(), 0, b""
                self._inode = os.fstat(self._file).st_ino
                found += self._read()
            return found

    def _read(self) -> list[StoredEvent]:
        data = os.pread(self._file, _LARGEST * 2, self._at)
        self._at += len(data)
        *lines, self._part = (self._part + data).split(b"\n")
        found = []
        for line in lines:
            with suppress(ValueError, TypeError):  # cut short by a crash: the database has it
                number, name, kind, user, game, at = orjson.loads(line)
                moment = datetime.fromisoformat(at)
                found.append(StoredEvent(number, name, kind, user, game, moment))
        return found

    def _open(self) -> int:
        return os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)


def _shared(path: Path) -> mmap.mmap:
    """The mark of all processes, eight bytes."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if os.fstat(file).st_size < _MARK:
            os.ftruncate(file, _MARK)
        return mmap.mmap(file, _MARK)
    finally:
        os.close(file)
