"""Threads that see promotions and rollbacks, load the new version aside, and hand it over.

The version in use stays until the new one has answered. One that cannot be loaded is refused and
tried again after a while: a store may have been out of reach. Events of other machines are read
by a thread beside it.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from gamerec.errors import GamerecError, ServiceError
from gamerec.serving.feed import EventFeed
from gamerec.serving.versions import Loaded, Target, Versions

logger = logging.getLogger(__name__)

EVERY = 0.5  # seconds between two looks
_AGAIN = 30.0  # seconds before a version that was refused is tried again


class Follower:
    """Looks at a channel twice a second; `show` gets each version that is ready."""

    def __init__(
        self,
        versions: Versions,
        channel: str,
        feed: EventFeed,
        show: Callable[[Loaded], None],
    ) -> None:
        self._versions, self._channel, self._show = versions, channel, show
        self._live: Target | None = None
        self._refused: dict[Target, tuple[str, float]] = {}
        self._stop = threading.Event()
        works = (self.look, feed.read_database)  # apart: one may wait for what is out of reach
        self._threads = [
            threading.Thread(target=self._again_and_again, args=(work,), daemon=True)
            for work in works
        ]
        self.is_behind = False  # the registry is out of reach

    @property
    def refused(self) -> dict[str, str]:
        """Versions that the channel pointed to and that could not be loaded, with the reason."""
        return {target.version: why for target, (why, _) in self._refused.items()}

    def start(self) -> None:
        """Begin to look."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, after the look that is going on."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)

    def look(self) -> None:
        """Load what the channel points to, where it is not what is in use."""
        try:
            target = self._versions.target(self._channel)
        except GamerecError as error:
            if not self.is_behind:
                logger.warning("promotions are not seen: %s", error)
            self.is_behind = True
            return
        self.is_behind = target is None and self._live is not None  # no channel is ever emptied
        if target is not None and target == self._live:
            self._refused.clear()  # the channel points to what is whole
        elif target is not None and self._is_due(target):
            self._change(target)

    def _change(self, target: Target) -> None:
        begun = time.monotonic()
        try:
            loaded = self._versions.load(target, datetime.now(UTC).isoformat(timespec="seconds"))
        except GamerecError as error:
            if target not in self._refused:
                logger.error("%s is refused, what was live stays: %s", target.version, error)
            pause = EVERY if isinstance(error, ServiceError) else _AGAIN
            self._refused[target] = (str(error), time.monotonic() + pause)
            return
        self._refused.clear()
        self._live = target
        self._show(loaded)
        logger.info("%s is live after %.2f s", target.version, time.monotonic() - begun)

    def _is_due(self, target: Target) -> bool:
        return target not in self._refused or time.monotonic() >= self._refused[target][1]

    def _again_and_again(self, work: Callable[[], None]) -> None:
        while not self._stop.wait(EVERY):
            try:
                work()
            except Exception:  # a fault of ours must not end the following
                logger.exception("looking for what is new failed")
