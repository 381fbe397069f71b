"""HTTP for clients that must not hang, must not swell and must not tell their key.

The session, the clock and the sleep are passed in by whoever uses this; nothing here knows RAWG.
"""

import logging
import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

import requests
import urllib3

from gamerec import __version__

USER_AGENT = f"gamerec/{__version__}"
REDACTED = "REDACTED"
CHUNK = 65_536  # bytes
_KEY_PARAMETER = re.compile(r"((?:[?&]|%3F|%26|\b)key(?:=|%3D))[^&\s\"'<>)]+", re.IGNORECASE)
_SHORTEST_SECRET = 8  # characters; a shorter value would be found in ordinary words


class Transport(Protocol):
    """What is used of `requests.Session`."""

    def get(self, url: str, /, *args: Any, **options: Any) -> requests.Response:
        """Ask for `url`."""


class BrokenAnswer(Exception):
    """No whole answer came. The message names the reason, never the address that was asked."""


def fetch(
    transport: Transport,
    url: str,
    *,
    timeout: float,
    limit: int,
    clock: Callable[[], float],
    **options: Any,
) -> tuple[requests.Response, bytes]:
    """The answer and its body of at most `limit` bytes, all of it within about `timeout` seconds.

    Redirects are not followed: a key belongs to one host. Raises BrokenAnswer, without a context:
    the text of a requests exception holds the address, and so the key in it.
    """
    headers = {"User-Agent": USER_AGENT}
    try:
        with transport.get(
            url, headers=headers, timeout=timeout, stream=True, allow_redirects=False, **options
        ) as response:
            return response, _body(response, limit, clock() + timeout, clock)
    except (requests.Timeout, urllib3.exceptions.TimeoutError, _TooSlow):
        reason = f"no whole answer within {timeout:g} s"
    except _TooLarge:
        reason = f"an answer of more than {limit:,} bytes"
    except requests.exceptions.SSLError:
        reason = "the certificate of the server is not trusted"
    except requests.exceptions.ProxyError:
        reason = "the proxy refused"
    except requests.exceptions.ChunkedEncodingError:
        reason = "the connection broke"
    except requests.ConnectionError:
        reason = "no connection"
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        reason = f"the connection broke ({type(error).__name__})"
    raise BrokenAnswer(reason)


class _TooSlow(Exception):
    """Bytes come, but too slowly."""


class _TooLarge(Exception):
    """More bytes than allowed."""


def _body(
    response: requests.Response, limit: int, deadline: float, clock: Callable[[], float]
) -> bytes:
    parts, size = [], 0
    # read1 gives what is there; iter_content would wait for a full chunk of a trickle for ever
    while part := response.raw.read1(CHUNK, decode_content=True):
        parts.append(part)
        size += len(part)
        if size > limit:
            raise _TooLarge
        if clock() > deadline:
            raise _TooSlow
    return b"".join(parts)


class Redactor:
    """Takes a key, and what stands behind any `key=`, out of text and JSON of any depth."""

    def __init__(self, key: str = "") -> None:
        forms = {key, quote(key), quote(key, safe=""), quote_plus(key)}
        known = sorted(forms, key=len, reverse=True) if len(key) >= _SHORTEST_SECRET else []
        self._known = re.compile("|".join(re.escape(form) for form in known)) if known else None

    def __call__(self, value: Any) -> Any:
        """A copy of `value` without keys."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, dict):
            return {self(name): self(item) for name, item in value.items()}
        return value

    def _text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        return _KEY_PARAMETER.sub(rf"\1{REDACTED}", text) if "key" in text.lower() else text


redact = Redactor()  # for text whose key is not known, only where it stands


class KeyFilter(logging.Filter):
    """Takes `key=...` out of log records: urllib3 writes every path that it asks for at DEBUG."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record in place and let it pass."""
        record.msg, record.args = redact(record.getMessage()), None
        return True


_KEY_FILTER = KeyFilter()


def guard_logs() -> None:
    """Keep keys out of what urllib3 logs; called by each client that sends one."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry", "urllib3.connection"):
        logging.getLogger(name).addFilter(_KEY_FILTER)
