"""RAWG's answers in the store, page by page, so that a crawl goes on where it stopped.

    raw/<query>/query.json                                  what was asked for
    raw/<query>/<dates or "all">/00001-20261122T165301Z.json  a page as it came, less the key

The time in the name is when the page came. A page that is fetched again replaces the one before.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from gamerec.rawg.client import INVALID_PAGE, is_page
from gamerec.storage import MissingKey, Store

_KEY = re.compile(r"(?P<part>[^/]+)/(?P<page>\d{5})-(?P<time>\d{8}T\d{6})Z\.json")
_DAY = 86_400  # seconds


@dataclass(frozen=True)
class Kept:
    """A page in the store: its key, and when it came (seconds since 1970)."""

    key: str
    time: float


class RawPages:
    """The pages of one query, listed once at the start."""

    def __init__(self, store: Store, query: Mapping[str, Any], url: str) -> None:
        text = json.dumps([url, dict(query)], sort_keys=True)
        self.store = store.at(f"raw/{sha256(text.encode()).hexdigest()[:16]}")
        self.query = dict(query)
        self._kept: dict[tuple[str, int], Kept] = {}
        for key in self.store.keys(""):
            if match := _KEY.fullmatch(key):
                self._note(match["part"], int(match["page"]), Kept(key, _seconds(match["time"])))

    def age(self, part: str, page: int, now: float) -> float | None:
        """Days since the page came; None where there is none."""
        kept = self._kept.get((part, page))
        return None if kept is None else (now - kept.time) / _DAY

    def read(self, part: str, page: int) -> dict[str, Any] | None:
        """The page, or None where there is none or it cannot be read."""
        kept = self._kept.get((part, page))
        if kept is None:
            return None
        try:
            content = json.loads(self.store.read(kept.key))
        except (ValueError, RecursionError, MissingKey):
            return None
        return content if is_page(content) or content == INVALID_PAGE else None

    def write(self, part: str, page: int, content: dict[str, Any], now: float) -> None:
        """Keep a page, then let go of the older one."""
        if not self._kept:
            self.store.write_json("query.json", self.query)
        before = self._kept.get((part, page))
        key = f"{part}/{page:05d}-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%S}Z.json"
        self.store.write(key, json.dumps(content, separators=(",", ":")).encode())
        self._kept[part, page] = Kept(key, now)
        if before is not None and before.key != key:
            self.store.delete(before.key)

    def _note(self, part: str, page: int, kept: Kept) -> None:
        """Of two copies (the older one was about to be deleted), the newer counts."""
        before = self._kept.get((part, page))
        if before is None or before.time <= kept.time:
            self._kept[part, page] = kept


def _seconds(stamp: str) -> float:
    return datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
