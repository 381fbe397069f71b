"""What every request passes: its id, its size, its key, its rate; its time, its line in the log.

A plain ASGI middleware, as it runs for every request. Nothing that goes wrong behind it gets out
as anything but a 503 with an error id; the traceback is in the log under the same id.
"""

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import orjson

from gamerec.service.access import ApiKeys, RateLimit
from gamerec.service.logs import AccessLog
from gamerec.service.measuring import Measures

logger = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024  # bytes
_OPEN = ("/healthz", "/readyz", "/docs", "/openapi.json", "/static-offline-docs")
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Context:
    """What a request tells the log: set by the routes."""

    __slots__ = ("request_id", "source", "user_id", "version")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.user_id: int | str | None = None
        self.version = self.source = ""


class TooLarge(Exception):
    """The body goes on beyond what is read."""


class Gate:
    """The middleware."""

    def __init__(
        self, app: App, keys: ApiKeys, limit: RateLimit, measures: Measures, log: AccessLog
    ) -> None:
        self._app, self._keys, self._limit = app, keys, limit
        self._measures, self._log = measures, log

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        name = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8).encode()
        context = scope["gamerec"] = Context(name.decode())
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name)]
            await send(message)

        try:
            refusal = self._refusal(scope, headers)
            if refusal is not None:
                await _send_problem(answer, context.request_id, *refusal)
            else:
                await self._app(scope, _bounded(headers, receive), answer)
        except TooLarge:
            if not status:
                await _send_problem(answer, context.request_id, 413, _TOO_LARGE)
        except Exception:  # a fault of ours: never a 500, always to be found
            error_id = secrets.token_hex(6)
            logger.exception("error %s in request %s", error_id, context.request_id)
            if not status:
                text = f"something went wrong here; the log has it as error {error_id}"
                await _send_problem(answer, context.request_id, 503, text, error_id)
        finally:
            self._tell(scope, context, status, time.perf_counter() - begun)

    def _refusal(self, scope: Message, headers: dict[bytes, bytes]) -> tuple[Any, ...] | None:
        """Status and message where the request may not pass."""
        path: str = scope["path"]
        if path.startswith(_OPEN):
            return None
        key = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(
            b"Bearer "
        )
        if self._keys and not self._keys.accepts(key):
            return 401, "an API key is needed: the header X-API-Key, or Authorization: Bearer"
        if self._limit:
            client = key if self._keys else (scope.get("client") or ("",))[0]
            wait = self._limit.wait(client)
            if wait:
                text = f"too many requests; try again in {wait:.1f} s"
                return 429, text, None, [(b"retry-after", str(int(wait) + 1).encode())]
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return 413, _TOO_LARGE
        return None

    def _tell(self, scope: Message, context: Context, status: int, seconds: float) -> None:
        route = scope.get("route")
        path = getattr(route, "path", "") or "other"
        self._measures.request(scope["method"], path, status, seconds)
        line = {
            "at": datetime.now(UTC),
            "level": "info",
            "request_id": context.request_id,
            "method": scope["method"],
            "route": path,
            "status": status,
            "ms": round(seconds * 1_000, 2),
        }
        if context.user_id is not None:
            line["user_id"] = context.user_id
        if context.version:
            line |= {"model_version": context.version, "source": context.source}
        self._log.write(line)


_TOO_LARGE = f"the request is larger than {LARGEST_BODY // 1024} KiB"


def _bounded(headers: dict[bytes, bytes], receive: Receive) -> Receive:
    """The receiver; of a body without a length it reads no more than is allowed."""
    if b"content-length" in headers or b"transfer-encoding" not in headers:
        return receive
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST_BODY:
            raise TooLarge
        return message

    return counted


async def _send_problem(
    send: Send,
    request_id: str,
    status: int,
    error: str,
    error_id: str | None = None,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    body = orjson.dumps(
        {"error": error, "field": None, "request_id": request_id, "error_id": error_id}
    )
    head = [(b"content-type", b"application/json"), *(headers or ())]
    head.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
