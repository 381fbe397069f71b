"""Events from the database and from the other processes of this machine into one overlay.

An event is committed to the database first, then told to this machine's processes by the journal,
and reaches other machines by their reading of the database, twice a second.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from gamerec.database import Database
from gamerec.database.events import StoredEvent
from gamerec.errors import GamerecError
from gamerec.serving.answers import Event
from gamerec.serving.journal import Journal
from gamerec.serving.overlay import Overlay

logger = logging.getLogger(__name__)

_GAP_SECONDS = 60.0  # for which a missing number may still be committed
_MOST_GAPS = 1_000


class EventFeed:
    """What users have said, kept up to date.

    database: opens it, and raises ServiceError where it is out of reach; asked for when needed.
    address: names the database, so that only processes on the same one share a journal.
    """

    def __init__(self, database: Callable[[], Database], address: str, folder: Path) -> None:
        self.overlay = Overlay()
        self.is_behind = True  # until the database has been read
        name = hashlib.sha256(address.encode()).hexdigest()[:16]
        self._journal = Journal(folder / f"events-{name}.log")
        self._database = database
        self._is_told = False
        self._high = 0
        self._gaps: dict[int, float] = {}  # number -> when it was missed
        self._reading = threading.Lock()

    def close(self) -> None:
        """Let the journal go."""
        self._journal.close()

    def refresh(self) -> None:
        """Take in what this machine's processes have told; microseconds where there is none."""
        for event in self._journal.news():
            self.overlay.add(event)

    def record(self, event: Event) -> bool:
        """Keep an event and tell everybody; False where it was known already.

        Raises ServiceError where the database is out of reach: the event is not kept then.
        """
        log = self._database().event_log()
        kept, is_new = log.add(event.event_id, event.kind, event.user_id, event.game_id, event.at)
        self.overlay.add(kept)
        if is_new:
            self._journal.append(kept)
        return is_new

    def read_database(self) -> None:
        """Take in what the database has beyond what is known; logged once where it has gone."""
        with self._reading:
            try:
                log = self._database().event_log()
                while found := log.after(self._high, self._gaps):
                    self._take(found)
            except GamerecError as error:
                if not self._is_told:
                    logger.warning("events of other machines are not seen: %s", error)
                self.is_behind = self._is_told = True
            else:
                self.is_behind = self._is_told = False

    def _take(self, found: list[StoredEvent]) -> None:
        now = time.monotonic()
        for event in found:
            self.overlay.add(event)
            self._gaps.pop(event.number, None)
            if event.number > self._high:
                first = max(self._high + 1, event.number - _MOST_GAPS)
                self._gaps.update(dict.fromkeys(range(first, event.number), now))
                self._high = event.number
        old = [n for n, since in self._gaps.items() if now - since > _GAP_SECONDS]
        for number in old + list(self._gaps)[:-_MOST_GAPS]:
            self._gaps.pop(number, None)
