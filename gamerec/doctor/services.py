"""Checks of what settings point to: store, database, RAWG, W&B, notifications."""

import uuid

import requests

from gamerec.doctor import Check, Finding
from gamerec.errors import GamerecError
from gamerec.settings import Settings

_TIMEOUT = 10.0  # seconds for one answer
_WANDB = "https://api.wandb.ai"


def store(settings: Settings) -> Finding:
    """An object written, read and deleted."""
    from gamerec.storage import open_store

    place = open_store(settings.store_uri, settings)
    key = f"doctor-{uuid.uuid4().hex}"
    data = b"written by gamerec doctor"
    try:
        place.write(key, data)
        same = place.read(key) == data
    except GamerecError as error:
        advice = "Check STORE_URL"
        if settings.store_uri.startswith("s3://"):
            advice += ", AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"
        return Finding("bad", str(error), advice)
    finally:
        place.delete(key)
    if not same:
        return Finding("bad", f"{place.uri} gave back other bytes than were written")
    return Finding("ok", f"{place.uri}: wrote, read, deleted")


def database(settings: Settings) -> Finding:
    """A connection, and whether the tables are those of this version."""
    from gamerec.database import database_of
    from gamerec.migrations import HEAD

    given = settings.database_url.get_secret_value()
    if not given and not (settings.gamerec_home / "store" / "gamerec.db").exists():
        return Finding("ok", "SQLite in the store; the first run makes it")
    try:
        with database_of(settings, patience=_TIMEOUT) as found:
            tables = found.version()
            address = f"{found.kind} at {found.address}"
    except GamerecError as error:
        return Finding("bad", str(error), "Check DATABASE_URL, and that the server is up")
    if tables is None:
        return Finding("ok", f"{address}: no tables yet; the first run makes them")
    if tables != HEAD:
        return Finding("note", f"{address}: tables of version {tables}, the next run updates them")
    return Finding("ok", address)


def rawg(settings: Settings) -> Finding:
    """Whether RAWG takes the key: one request."""
    from gamerec.rawg.client import RawgClient

    if not settings.rawg_api_key.get_secret_value():
        advice = "For RAWG's catalogue set RAWG_API_KEY: a free key from rawg.io/apidocs"
        return Finding("note", "no key: the pipeline works on the sample", advice)
    client = RawgClient(
        settings.rawg_api_key, settings.rawg_url, budget=1, timeout=_TIMEOUT, attempts=1
    )
    try:
        client.games({"page_size": 1}, 1)
    except GamerecError as error:
        return Finding("bad", str(error), "Correct RAWG_API_KEY in .env, or empty it")
    return Finding("ok", "the key is accepted")


def wandb(settings: Settings) -> Finding:
    """Whether W&B takes the key: one request, where runs would go online."""
    key = settings.wandb_api_key.get_secret_value()
    if settings.wandb_mode in ("offline", "disabled"):
        return Finding("ok", f"{settings.wandb_mode} (WANDB_MODE)")
    if not key and settings.wandb_mode == "online":
        advice = "Set WANDB_API_KEY, or WANDB_MODE=offline"
        return Finding("bad", "WANDB_MODE=online, but there is no key", advice)
    if not key:
        advice = "For online runs set WANDB_API_KEY: wandb.ai/authorize"
        return Finding("note", "no key: runs are written offline", advice)
    host = (settings.wandb_base_url or _WANDB).rstrip("/")
    try:
        answer = requests.post(
            f"{host}/graphql",
            json={"query": "query { viewer { username } }"},
            auth=("api", key),
            timeout=_TIMEOUT,
            allow_redirects=False,
        )
        viewer = (answer.json().get("data") or {}).get("viewer") if answer.ok else None
    except (requests.RequestException, ValueError, AttributeError) as error:
        # The text of the exception may hold the request.
        advice = "Check WANDB_BASE_URL and the network; until then runs are written offline"
        return Finding("bad", f"{host} does not answer ({type(error).__name__})", advice)
    if viewer:
        return Finding("ok", f"the key of {viewer.get('username')} is accepted")
    return Finding("bad", f"{host} refused the key", "Correct WANDB_API_KEY in .env, or empty it")


def notifications(settings: Settings) -> Finding:
    """Whether Apprise understands the addresses; nothing is sent."""
    from gamerec import notify

    addresses = notify.targets(settings)
    if not addresses:
        return Finding("note", "none", "For word of every run set NOTIFY_URLS; see .env.example")
    wrong = [n for n, address in enumerate(addresses, 1) if not notify.understood(address)]
    if wrong:
        numbers = ", ".join(str(n) for n in wrong)
        advice = "Each is scheme://...; the schemes are in Apprise's documentation"
        return Finding("bad", f"address {numbers} of {len(addresses)} is not understood", advice)
    return Finding("ok", f"{len(addresses)} understood; `gamerec notify --test` sends a word")


CHECKS: dict[str, Check] = {
    "store": store,
    "database": database,
    "RAWG": rawg,
    "W&B": wandb,
    "notifications": notifications,
}
