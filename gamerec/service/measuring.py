"""Counters and times for Prometheus, added up over all workers.

Workers share files in PROMETHEUS_MULTIPROC_DIR, which `gamerec serve` sets before prometheus_client
is imported: it reads the variable only then. Without it the numbers are of this process.
"""

import os
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from gamerec.serving import Info

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Measures:
    """What is counted. `seen` keeps the label look-ups of earlier requests."""

    def __init__(self) -> None:
        kept = self._registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self._requests = Counter("gamerec_requests", "Requests", labels, registry=kept)
        self._seconds = Histogram(
            "gamerec_request_seconds", "To answer", ["route"], buckets=_BUCKETS, registry=kept
        )
        self._lists = Counter("gamerec_lists", "Lists by source", ["source"], registry=kept)
        self._events = Counter("gamerec_events", "Events kept", ["kind"], registry=kept)
        self._seen: dict[tuple[str, str, int], Callable[[], None]] = {}
        self._timers: dict[str, Callable[[float], None]] = {}
        self._sources: dict[str, Callable[[], None]] = {}

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (method, route, status)
        count = self._seen.get(key)
        if count is None:
            count = self._seen[key] = self._requests.labels(method, route, str(status)).inc
            self._timers[route] = self._seconds.labels(route).observe
        count()
        self._timers[route](seconds)

    def list_made(self, source: str) -> None:
        """Count one list."""
        count = self._sources.get(source)
        if count is None:
            count = self._sources[source] = self._lists.labels(source).inc
        count()

    def event_kept(self, kind: str) -> None:
        """Count one event."""
        self._events.labels(kind).inc()

    def text(self, info: Info) -> bytes:
        """The exposition format, of all workers where there are several."""
        if os.environ.get(FOLDER):
            together = CollectorRegistry()
            MultiProcessCollector(together)
            return generate_latest(together) + _state(info)
        return generate_latest(self._registry) + _state(info)


def forget_process() -> None:
    """Take this worker's gauges out of the sums, at its end."""
    if os.environ.get(FOLDER):
        mark_process_dead(os.getpid())


def _state(info: Info) -> bytes:
    """How things stand now, which is not added up over workers."""
    lines = {
        f'gamerec_model_info{{version="{info.version or "none"}",source="{info.source}"}}': 1,
        "gamerec_versions_refused": len(info.refused),
        "gamerec_events_behind": int(not info.events),
    }
    text = ""
    for name, value in lines.items():
        text += f"# TYPE {name.partition('{')[0]} gauge\n{name} {value}\n"
    return text.encode()
