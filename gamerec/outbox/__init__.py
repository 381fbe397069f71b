"""What could not be delivered yet: to the bucket, the database and W&B.

    store/outbox/objects/...               objects that the bucket lacks (see `mirror`)
    store/mirror/.../models/pending-...    versions without a number, moves not made (`registry`)
    store/outbox/database/<batch id>.json  batches that the database lacks
    store/outbox/renamed/<name>.json       versions that have got their number since
    store/wandb/offline-run-...            W&B runs that were not sent, where there is a key

Everything lies in the local store, whatever STORE_URL says, so nothing here needs a network to be
remembered. Delivering twice is as good as once.
"""

import importlib
from collections.abc import Callable, Collection
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from gamerec.errors import GamerecError
from gamerec.redaction import Redactor
from gamerec.settings import Settings
from gamerec.tracking import unsent, wants_online

__all__ = ["deliver", "is_empty", "pending"]

Say = Callable[[str], None]

_SINKS = {"S3": "bucket", "database": "database", "W&B": "wandb"}  # in this order: names first


def is_empty(settings: Settings) -> bool:
    """Whether nothing is pending, told without importing what a delivery needs."""
    store = settings.gamerec_home / "store"
    places = [store / "outbox" / name for name in ("objects", "database", "renamed")]
    if settings.store_uri.startswith("s3://"):
        address = urlsplit(settings.store_uri)
        models = store / "mirror" / address.netloc / address.path.strip("/") / "models"
        places += [models / "parked", *models.glob("pending-*/")]
    files = (path for place in places for path in place.rglob("*") if path.is_file())
    return next(files, None) is None and not (wants_online(settings) and unsent(settings))


def pending(settings: Settings) -> dict[str, str]:
    """Sink -> what it lacks, and why where that is known; empty where nothing is pending."""
    if is_empty(settings):
        return {}
    found = {name: _sink(name).pending(settings) for name in _SINKS}
    return {name: text for name, text in found.items() if text}


def deliver(
    settings: Settings, say: Say = lambda line: None, sinks: Collection[str] = tuple(_SINKS)
) -> dict[str, str]:
    """Bring every sink what it lacks; what is pending still, as `pending` tells it.

    One sink that is down does not keep the others waiting. `say` gets a line for everything that
    was delivered. What another process is delivering at this moment is left to it.
    """
    causes = {}
    for name in sinks:
        if name in pending(settings):  # asked each time: numbers given by S3 go to the database
            causes[name] = _delivered(name, settings, say)
    left = pending(settings).items()
    return {name: f"{text} ({causes[name]})" if causes.get(name) else text for name, text in left}


def _sink(name: str) -> Any:
    """The module of a sink; it imports pandas and more, which an empty outbox does not need."""
    return importlib.import_module(f"gamerec.outbox.{_SINKS[name]}")


def _delivered(name: str, settings: Settings, say: Say) -> str:
    """Deliver to one sink; why it did not take everything, or ''."""
    redact = Redactor(settings.secrets)
    folder = settings.gamerec_home / "store" / "outbox"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{_SINKS[name]}.lock", timeout=0):
            _sink(name).deliver(settings, lambda line: say(redact(f"{name}: {line}")))
    except Timeout:
        return "another process is delivering it"
    except (GamerecError, OSError) as error:
        return redact(str(error))
    return ""
