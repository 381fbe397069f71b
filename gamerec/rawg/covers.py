"""Cover images: asked for small, checked, made smaller still and kept in the store.

A cover is decoration: whatever is wrong with one is counted and never ends a run. Only RAWG's own
hosts are asked, and no key is sent to them.
"""

import io
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from urllib.parse import urlsplit

import requests
from PIL import Image

from gamerec.rawg.transport import BrokenAnswer, Transport, fetch
from gamerec.storage import FolderStore, Store

SIZE = (600, 400)  # pixels at most
LARGEST_FILE = 10 * 1024 * 1024  # bytes
LARGEST_IMAGE = 40_000_000  # pixels, before decoding
WORKERS = 4
GIVE_UP_AFTER = 24  # failures without a success between them: the host is down

_log = logging.getLogger(__name__)


class _Unusable(Exception):
    """No cover can be had from this address; the message says why."""


def cover_key(image_url: str) -> str:
    """Where the cover of this address is in the store."""
    return f"covers/{sha256(image_url.encode()).hexdigest()[:20]}.jpg"


def small(image_url: str) -> str:
    """RAWG's own smaller picture: `crop/600/400/` after `/media/`, unless it is small already."""
    before, mark, name = image_url.partition("/media/")
    if not mark or name.startswith(("crop/", "resize/")):
        return image_url
    return f"{before}/media/crop/600/400/{name}"


def keep_covers(
    image_urls: Iterable[str],
    store: Store,
    *,
    own_host: str = "",
    transport: Transport | None = None,
    timeout: float = 20,
    clock: Callable[[], float] = time.time,
) -> Counter:
    """Fetch what is not in the store yet, or damaged: counts of fetched, kept, failed and skipped.

    own_host: 'host:port' of the configured RAWG address, allowed beside rawg.io and its subdomains.
    skipped: not asked for any more, after GIVE_UP_AFTER failures in a row.
    """
    session: Transport = transport or requests.Session()
    there = {key for key in store.keys("covers/") if _is_whole(store, key)}
    urls = list(dict.fromkeys(image_urls))
    wanted = [url for url in urls if cover_key(url) not in there]
    counts = Counter(fetched=0, kept=len(urls) - len(wanted), failed=0, skipped=0)
    in_a_row = 0

    def attempt(url: str) -> bool:
        try:
            _check_host(url, own_host)
            image = _picture(session, small(url), timeout, clock)
        except _Unusable as fault:
            _log.info("cover %s: %s", cover_key(url), fault)
            return False
        store.write(cover_key(url), image)
        return True

    with ThreadPoolExecutor(WORKERS) as pool:
        for start in range(0, len(wanted), GIVE_UP_AFTER):
            group = wanted[start : start + GIVE_UP_AFTER]
            if in_a_row >= GIVE_UP_AFTER:
                counts["skipped"] += len(group)
                continue
            for fine in pool.map(attempt, group):
                counts["fetched" if fine else "failed"] += 1
                in_a_row = 0 if fine else in_a_row + 1
    return counts


def _is_whole(store: Store, key: str) -> bool:
    """Whether a cover in a folder begins and ends as JPEG does; a bucket keeps checksums itself."""
    if not isinstance(store, FolderStore):
        return True
    try:
        with store.path(key).open("rb") as file:
            begin = file.read(2)
            file.seek(-2, io.SEEK_END)
            return begin == b"\xff\xd8" and file.read() == b"\xff\xd9"
    except OSError:  # of an empty file nothing can be 2 bytes before the end
        return False


def _check_host(url: str, own_host: str) -> None:
    try:
        address = urlsplit(url)
        host = address.hostname or ""
    except ValueError:
        raise _Unusable("no address") from None
    if address.scheme in ("http", "https") and own_host and address.netloc == own_host:
        return
    if address.scheme != "https" or not (host == "rawg.io" or host.endswith(".rawg.io")):
        raise _Unusable(f"not on a host of RAWG ({host[:60]!r})")


def _picture(transport: Transport, url: str, timeout: float, clock: Callable[[], float]) -> bytes:
    try:
        response, body = fetch(transport, url, timeout=timeout, limit=LARGEST_FILE, clock=clock)
    except BrokenAnswer as fault:
        raise _Unusable(str(fault)) from None
    if response.status_code != 200:
        raise _Unusable(f"HTTP {response.status_code}")
    return shrink(body)


def shrink(data: bytes) -> bytes:
    """An image file as JPEG of at most SIZE; raises _Unusable where it is none, or too large."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG", "PNG", "WEBP", "GIF"]) as image:
            if image.width * image.height > LARGEST_IMAGE:
                raise _Unusable(f"{image.width} × {image.height} pixels")
            image.thumbnail(SIZE)
            out = io.BytesIO()
            image.convert("RGB").save(out, "JPEG", quality=85)
            return out.getvalue()
    except _Unusable:
        raise
    except Exception as fault:  # Pillow's decoders raise OSError, ValueError, SyntaxError and more
        raise _Unusable(f"no readable image ({type(fault).__name__})") from None
