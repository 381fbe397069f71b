"""RAWG's `/games`, one page at a time: budget, retries and plain errors.

The client knows RAWG's protocol. It knows nothing of the store, of date slices or of tables: those
are `rawpages`, `crawl` and `sources`. Transport, clock and sleep are passed in.
"""

import email.utils
import json
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_exponential_jitter,
)

from gamerec.errors import ServiceError, UsageError
from gamerec.rawg.query import PAGE_SIZE
from gamerec.rawg.transport import BrokenAnswer, Redactor, Transport, fetch, guard_logs, redact

INVALID_PAGE = {"detail": "Invalid page."}  # RAWG's 404 answer to a page past the end
LONGEST_WAIT = 120.0  # seconds; RAWG asking for more ends the crawl, to be gone on with later
LARGEST_PAGE = 32 * 1024 * 1024  # bytes; 40 games are about 0.6 MB
_PASSING = (408, 425, 429)  # and all of 5xx, 522 included

_log = logging.getLogger(__name__)


class KeyRefused(ServiceError):
    """RAWG does not accept the key, or there is none."""


class QuotaUsedUp(ServiceError):
    """The month's requests of this key are spent."""


class BudgetUsedUp(ServiceError):
    """The requests that this run may make are spent."""


class _Hiccup(Exception):
    """An answer worth asking for again, after `wait` seconds where RAWG named them."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class RawgClient:
    """Pages of RAWG's game list, each asked for up to `attempts` times within `budget` requests."""

    def __init__(
        self,
        key: SecretStr,
        url: str = "https://api.rawg.io/api",
        *,
        transport: Transport | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        budget: int = 1_000,
        timeout: float = 30,
        attempts: int = 5,
    ) -> None:
        if budget < 1:
            raise UsageError(f"BUDGET is {budget}; it must be at least 1 request")
        self.url, self._host = url.rstrip("/"), _host(url)
        self.budget = budget
        self.requests = 0  # made so far, retries included
        self._key, self._redact = key, Redactor(key.get_secret_value())
        self._transport: Transport = transport or requests.Session()
        self._clock, self._sleep = clock, sleep
        self._timeout, self._attempts = timeout, attempts
        guard_logs()

    def games(self, query: Mapping[str, str | int], page: int) -> dict[str, Any]:
        """Page `page` (from 1) of `query`, as it came, less the key; past the end: INVALID_PAGE.

        Raises KeyRefused, QuotaUsedUp, BudgetUsedUp, or another ServiceError where RAWG refuses the
        request or gives no usable answer in all attempts.
        """
        size = min(int(query.get("page_size", PAGE_SIZE)), PAGE_SIZE)
        parameters = {**query, "page_size": size, "page": page}
        retrying = Retrying(
            retry=retry_if_exception_type(_Hiccup),
            stop=stop_after_attempt(self._attempts),
            wait=_wait,
            sleep=self._sleep,
            before_sleep=_tell,
            reraise=True,
        )
        try:
            return retrying(self._ask, parameters)
        except _Hiccup as fault:
            last = str(fault)
        raise ServiceError(
            f"{self._host} gave no usable answer in {self._attempts} tries, the last: {last}."
        )

    def _ask(self, parameters: Mapping[str, str | int]) -> dict[str, Any]:
        if self.requests >= self.budget:
            raise BudgetUsedUp(f"The budget of {self.budget} requests is used up.")
        self.requests += 1
        broken = ""
        try:
            response, body = fetch(
                self._transport,
                f"{self.url}/games",
                params={**parameters, "key": self._key.get_secret_value()},
                timeout=self._timeout,
                limit=LARGEST_PAGE,
                clock=self._clock,
            )
        except BrokenAnswer as fault:
            broken = str(fault)
        if broken:
            raise _Hiccup(broken)
        return self._judge(response, body)

    def _judge(self, response: requests.Response, body: bytes) -> dict[str, Any]:
        """The page in a good answer, or the error that the answer stands for."""
        status = response.status_code
        if status in _PASSING or status >= 500:
            raise self._hiccup(response)
        content = _parse(body)
        if status == 401:
            raise self._unauthorised(content)
        if status == 404 and self._reason(content) == INVALID_PAGE["detail"]:
            return dict(INVALID_PAGE)
        if status != 200:
            raise self._refused(status, content)
        if not is_page(content):
            raise _Hiccup(f"{_kind(content)} instead of a page of games")
        return self._redact(content)

    def _hiccup(self, response: requests.Response) -> Exception:
        wait = _retry_after(response.headers.get("Retry-After", ""), self._clock())
        if wait is not None and wait > LONGEST_WAIT:
            return ServiceError(f"{self._host} asks to wait {wait:,.0f} s.")
        return _Hiccup(f"HTTP {response.status_code}", wait)

    def _unauthorised(self, content: Any) -> ServiceError:
        reason = self._reason(content)
        if "limit" in reason.lower():
            return QuotaUsedUp(
                f"RAWG says: {reason!r}. The quota of a free key is renewed every month, counted "
                "from the day the account was made."
            )
        return KeyRefused(
            f"RAWG says: {reason!r}. Set RAWG_API_KEY in .env or the environment to a key from "
            "https://rawg.io/apidocs, or leave it empty to work with the sample."
        )

    def _refused(self, status: int, content: Any) -> ServiceError:
        advice = "check the query" if status == 400 else "check the setting RAWG_URL"
        reason = self._reason(content)
        return ServiceError(f"{self._host} answered HTTP {status}, {reason!r}: {advice}.")

    def _reason(self, content: Any) -> str:
        """What the body says, short and without the key."""
        said = content.get("error") or content.get("detail") if isinstance(content, dict) else ""
        return self._redact(str(said or "no reason given"))[:200]


def _host(url: str) -> str:
    try:
        address = urlsplit(url)
        host = address.hostname if address.scheme in ("http", "https") else None
    except ValueError:
        host = None
    if not host:
        raise UsageError(f"setting RAWG_URL: {redact(url)!r} is no http address")
    return host


def is_page(content: Any) -> bool:
    """Whether this is a page of games: a list of objects, and how many there are in all."""
    if not isinstance(content, dict) or type(content.get("count")) is not int:
        return False
    results = content.get("results")
    return isinstance(results, list) and all(isinstance(game, dict) for game in results)


class _NotJson:
    """What `_parse` gives for a body that is not JSON."""


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _NotJson()


def _kind(content: Any) -> str:
    return "no whole JSON" if isinstance(content, _NotJson) else "another kind of JSON"


def _retry_after(value: str, now: float) -> float | None:
    """Seconds to wait by a Retry-After header, which holds seconds or a date; None without one."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value.strip()[:12])
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - now, 0)
    except (ValueError, OverflowError):
        return None


_backoff = wait_exponential_jitter(initial=1, max=30, jitter=1)


def _wait(state: RetryCallState) -> float:
    """What RAWG asked for, else 1, 2, 4, ... seconds and a random part."""
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.wait if isinstance(fault, _Hiccup) else None
    return _backoff(state) if asked is None else asked


def _tell(state: RetryCallState) -> None:
    fault = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0
    _log.warning("RAWG: %s; asking again in %.0f s", fault, wait)
