"""Covers for the page: from the store, and fetched into it in the background where missing.

A cover is decoration: none is waited for, and one that cannot be had is not asked for again soon.
"""

import logging
import threading
import time
from collections.abc import Iterable
from queue import SimpleQueue
from urllib.parse import urlsplit

from gamerec.rawg.covers import cover_key, keep_covers
from gamerec.settings import Settings
from gamerec.storage import MissingKey, Store

_AT_ONCE = 8  # pictures fetched before the page is told of them
_TIMEOUT = 8  # seconds; somebody is looking
_REST = 600.0  # seconds that a picture which could not be had is left alone

_log = logging.getLogger(__name__)


class CoverShelf:
    """JPEGs by address. One thread fetches, and only once a cover has been missed."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._own_host = urlsplit(settings.rawg_url).netloc
        self._wanted: SimpleQueue[str | None] = SimpleQueue()
        self._failed: dict[str, float] = {}
        self._pending: set[str] = set()
        self._thread: threading.Thread | None = None

    def take(self, urls: Iterable[str]) -> tuple[dict[str, bytes], list[str]]:
        """The pictures that are there by address, and the addresses that are being fetched."""
        there, coming = {}, []
        for url in urls:
            try:
                there[url] = self._store.read(cover_key(url))
            except MissingKey:
                if self._fetch(url):
                    coming.append(url)
        return there, coming

    def close(self) -> None:
        """Fetch no more."""
        self._wanted.put(None)

    def _fetch(self, url: str) -> bool:
        if time.monotonic() - self._failed.get(url, -_REST) < _REST:
            return False
        if url not in self._pending:
            self._pending.add(url)
            self._wanted.put(url)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True)
                self._thread.start()
        return True

    def _work(self) -> None:
        while (url := self._wanted.get()) is not None:
            urls = [url]
            while len(urls) < _AT_ONCE and not self._wanted.empty():
                if (another := self._wanted.get()) is None:
                    return
                urls.append(another)
            self._keep(urls)

    def _keep(self, urls: list[str]) -> None:
        try:
            keep_covers(urls, self._store, own_host=self._own_host, timeout=_TIMEOUT)
        except Exception as error:  # a store that refuses: the drawn covers stay
            _log.info("covers: %s", type(error).__name__)
        for url in urls:
            if not self._store.exists(cover_key(url)):
                self._failed[url] = time.monotonic()
            self._pending.discard(url)
