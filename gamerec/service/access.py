"""Who may ask, and how often."""

import hashlib
import re
import time
from collections import OrderedDict

from gamerec.errors import UsageError

_MOST_CLIENTS = 10_000


class ApiKeys:
    """The keys that are accepted, known by their SHA-256 digests only."""

    def __init__(self, digests: str) -> None:
        self._digests = frozenset(d.strip().lower() for d in digests.split(",") if d.strip())
        for number, digest in enumerate(sorted(self._digests), 1):
            if not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise UsageError(
                    f"SERVICE_API_KEYS: entry {number} is no SHA-256 digest of 64 hexadecimal "
                    "digits; make one by: printf %s KEY | sha256sum"
                )

    def __bool__(self) -> bool:
        return bool(self._digests)

    def accepts(self, key: bytes) -> bool:
        """Whether this is the key of a known digest."""
        return hashlib.sha256(key).hexdigest() in self._digests


class RateLimit:
    """A bucket of tokens per client: `rate` requests a second, twice as many at once.

    Only the clients seen last are remembered; of this process alone.
    """

    def __init__(self, rate: float) -> None:
        self._rate, self._size = rate, max(1.0, 2 * rate)
        self._buckets: OrderedDict[str | bytes, tuple[float, float]] = OrderedDict()

    def __bool__(self) -> bool:
        return self._rate > 0

    def wait(self, client: str | bytes) -> float:
        """0 where the client may go on, else the seconds to wait."""
        now = time.monotonic()
        tokens, since = self._buckets.pop(client, (self._size, now))
        tokens = min(self._size, tokens + (now - since) * self._rate)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self._rate
