"""What every request passes: its id, its size, its key, its rate; its time, its line in the log.

A plain ASGI application around FastAPI's, as it runs for every request. POST /predict is answered
here, by the function that its route calls, too: the way through the framework would take twice as
long as the answer. Nothing that goes wrong gets out as anything but a 503 with an error id; the
traceback is in the log under the same id.
"""

import itertools
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from fastapi import FastAPI
from pydantic import ValidationError

from gamerec.errors import GamerecError
from gamerec.service.access import ApiKeys, RateLimit
from gamerec.service.logs import AccessLog
from gamerec.service.measuring import Measures
from gamerec.service.predicting import predicted
from gamerec.service.problems import Teller, Told

logger = logging.getLogger(__name__)

LARGEST_BODY = 256 * 1024  # bytes
_OPEN = ("/healthz", "/readyz", "/docs", "/openapi.json", "/static-offline-docs")
_METHODS = {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Refusal = tuple[Told, list[tuple[bytes, bytes]]]


class Context:
    """What a request tells the log: set by the routes."""

    __slots__ = ("request_id", "route", "source", "user_id", "version")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.user_id: int | str | None = None
        self.version = self.source = self.route = ""


class TooLarge(Exception):
    """The body goes on beyond what is read."""


class Disconnected(Exception):
    """The client has gone."""


class Gate:
    """The application with its gate."""

    def __init__(
        self, app: FastAPI, keys: ApiKeys, limit: RateLimit, log: AccessLog, tell: Teller
    ) -> None:
        self.app, self._keys, self._limit = app, keys, limit
        self._measures: Measures = app.state.measures
        self._log, self._tell_error = log, tell
        self._names, self._count = secrets.token_hex(6).encode() + b"-", itertools.count(1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id")
        if given is None or not _REQUEST_ID.fullmatch(given):
            given = self._names + b"%x" % next(self._count)
        context = scope["gamerec"] = Context(given.decode())
        status, is_held = 0, False

        async def answer(message: Message) -> None:
            nonlocal status, is_held
            if message["type"] == "http.response.start":
                is_held = message["status"] == 500  # the framework's own, of an error to come
                if is_held:
                    return
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", given)]
            if not is_held:
                await send(message)

        try:
            refusal = self._refusal(scope, headers)
            if refusal is not None:
                told, more = refusal
                await _send(answer, told.status, told.body(context.request_id), more)
            elif scope["path"] == "/predict" and scope["method"] == "POST":
                await self._predict(context, _bounded(headers, receive), answer)
            else:
                await self.app(scope, _bounded(headers, receive), answer)
        except Disconnected:
            status = status or 499
        except TooLarge:
            if not status:
                await _send(answer, 413, _TOO_LARGE.body(context.request_id))
        except Exception:  # a fault of ours: never a 500, always to be found
            error_id = secrets.token_hex(6)
            logger.exception("error %s in request %s", error_id, context.request_id)
            if not status:
                told = Told(503, f"something went wrong here; the log has it as error {error_id}")
                await _send(answer, 503, told.body(context.request_id, error_id))
        finally:
            self._note(scope, context, status, time.perf_counter() - begun)

    async def _predict(self, context: Context, receive: Receive, send: Send) -> None:
        context.route = "/predict"
        message = await receive()
        parts = [message.get("body", b"")]
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect":
            raise Disconnected
        try:
            body = await predicted(self.app.state, context, b"".join(parts))
        except (GamerecError, ValidationError) as error:
            told = self._tell_error(error)
            if told is None:
                raise
            await _send(send, told.status, told.body(context.request_id))
        else:
            await _send(send, 200, body)

    def _refusal(self, scope: Message, headers: dict[bytes, bytes]) -> Refusal | None:
        """What is told where the request may not pass."""
        if scope["path"].startswith(_OPEN):
            return None
        key = b""
        if self._keys:
            key = headers.get(b"x-api-key") or headers.get(b"authorization", b"").removeprefix(
                b"Bearer "
            )
            if not self._keys.accepts(key):
                return _NO_KEY, []
        if self._limit:
            wait = self._limit.wait(key or (scope.get("client") or ("",))[0])
            if wait:
                told = Told(429, f"too many requests; try again in {wait:.1f} s")
                return told, [(b"retry-after", b"%d" % (int(wait) + 1))]
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return _TOO_LARGE, []
        return None

    def _note(self, scope: Message, context: Context, status: int, seconds: float) -> None:
        route = context.route or getattr(scope.get("route"), "path", "") or "other"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._measures.request(method, route, status, seconds)
        line = {
            "at": time.time(),
            "level": "info",
            "request_id": context.request_id,
            "method": method,
            "route": route,
            "status": status,
            "ms": round(seconds * 1_000, 2),
        }
        if context.user_id is not None:
            line["user_id"] = context.user_id
        if context.version:
            line["model_version"], line["source"] = context.version, context.source
        self._log.write(line)


_TOO_LARGE = Told(413, f"the request is larger than {LARGEST_BODY // 1024} KiB")
_NO_KEY = Told(401, "an API key is needed: the header X-API-Key, or Authorization: Bearer")


def _bounded(headers: dict[bytes, bytes], receive: Receive) -> Receive:
    """The receiver; of a body without a length it reads no more than is allowed."""
    if b"transfer-encoding" not in headers:
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


async def _send(
    send: Send, status: int, body: bytes, more: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *more]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
