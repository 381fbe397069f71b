"""W&B runs that were recorded offline although there is a key: sent by `gamerec track sync`."""

from collections.abc import Callable

from gamerec import tracking
from gamerec.settings import Settings


def pending(settings: Settings) -> str:
    """'3 runs', or '' also where runs are meant to stay offline."""
    if not tracking.wants_online(settings):
        return ""
    count = len(tracking.unsent(settings))
    return f"{count:,} run{'s' * (count != 1)}" if count else ""


def deliver(settings: Settings, say: Callable[[str], None]) -> None:
    """Send the runs; raises ServiceError where W&B does not take them."""
    if pending(settings):
        tracking.sync(settings, say)
