"""A local HTTP server that speaks RAWG: paging, clamp, keys, quota, filters, images and faults.

    with RawgServer(games=[...]) as server:
        RawgClient(SecretStr(KEY), server.url)
        server.faults += [status(503), truncated()]     # the next answers, in this order
        server.asked                                     # what was asked for, less nothing

`python rawg_server.py [number of games]` runs it by hand.
"""

import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

KEY = "5ecret0key0of0the0tests0abcdef99"
LIST_END = 10_000
SLOW = 20  # seconds; longer than any test waits

Fault = Callable[["_Handler"], None]


def a_game(number: int, **changes) -> dict:
    """A made-up game: the higher the number, the lower the rating and the older the game."""
    game = {
        "id": 1000 + number,
        "slug": f"game-{number}",
        "name": f"Game {number}",
        "released": f"{2024 - number % 20}-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        "rating": round(4.9 - number * 0.0003, 4),
        "ratings_count": 10 + number,
        "added": 100,
        "added_by_status": {"owned": 60, "toplay": 40},
        "metacritic": None,
        "playtime": number % 30,
        "background_image": None,
        "genres": [{"id": 4, "name": "Action", "slug": "action"}],
        "tags": [{"id": 79, "name": "Free to Play", "slug": "free-to-play", "language": "eng"}],
        "stores": None,
    }
    return {**game, **changes}


class RawgServer:
    """The server on a free port of 127.0.0.1, running while the context is open."""

    def __init__(self, games: list[dict] | None = None, key: str = KEY) -> None:
        self.games = [a_game(number) for number in range(100)] if games is None else games
        self.key = key
        self.quota: int | None = None  # requests before 'The monthly API limit reached'
        self.faults: list[Fault | None] = []  # one for each coming request; None: a good answer
        self.asked: list[dict[str, str]] = []  # parameters of each request, with 'User-Agent'
        self.found: dict[tuple, list[dict]] = {}  # lists in order, by query
        self.images: dict[str, bytes] = {}  # path below /media/ -> bytes
        self.images_asked: list[str] = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.rawg = self  # type: ignore[attr-defined]
        self._released = threading.Event()

    @property
    def host(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        """The base address, for RAWG_URL."""
        return f"http://{self.host}/api"

    @property
    def pages_asked(self) -> list[tuple[str, int]]:
        """(dates, page) of each request that reached the list."""
        return [(one.get("dates", ""), int(one.get("page", 1))) for one in self.asked]

    def __enter__(self) -> "RawgServer":
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> None:
        """Be slow, but not beyond the end of the test."""
        self._released.wait(seconds)


def status(code: int, body: object = None, **headers: str) -> Fault:
    """An answer with this status; `body` as JSON; header names with '_' for '-'."""

    def answer(handler: "_Handler") -> None:
        content = json.dumps(body if body is not None else {"error": f"HTTP {code}"}).encode()
        handler.send(code, content, {k.replace("_", "-"): v for k, v in headers.items()})

    return answer


def html(code: int = 200) -> Fault:
    """A page for people in the place of JSON."""
    return lambda handler: handler.send(code, b"<html>Just a moment...</html>", kind="text/html")


def truncated() -> Fault:
    """The first half of a page, with a length that fits the half: whole HTTP, half JSON."""
    return lambda handler: handler.send(200, handler.page()[1][: len(handler.page()[1]) // 2])


def cut_off() -> Fault:
    """Fewer bytes than announced, then the end of the connection."""

    def answer(handler: "_Handler") -> None:
        body = handler.page()[1]
        handler.send(200, body[:50], {"Content-Length": str(len(body))})
        handler.close_connection = True

    return answer


def slow(seconds: float = SLOW) -> Fault:
    """Nothing for a long time."""
    return lambda handler: handler.server.rawg.wait(seconds)


def trickle() -> Fault:
    """A byte now and then, so that no single read times out."""

    def answer(handler: "_Handler") -> None:
        body = handler.page()[1]
        handler.send(200, b"", {"Content-Length": str(len(body))})
        for at in range(len(body)):
            try:
                handler.wfile.write(body[at : at + 1])
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)

    return answer


def reset() -> Fault:
    """The connection is reset before an answer."""

    def answer(handler: "_Handler") -> None:
        linger = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        handler.connection.close()
        handler.close_connection = True

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is part of the play; anything else is told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two packets; do not wait between them
    server: ThreadingHTTPServer

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self.rawg: RawgServer = self.server.rawg  # type: ignore[attr-defined]
        if address.path.startswith("/media/"):
            self.rawg.images_asked.append(self.path.removeprefix("/media/"))
            self._image(address.path.removeprefix("/media/"))
            return
        self.asked = {name: values[0] for name, values in parse_qs(address.query).items()}
        self.rawg.asked.append({**self.asked, "User-Agent": self.headers["User-Agent"]})
        fault = self.rawg.faults.pop(0) if self.rawg.faults else None
        if fault is not None:
            fault(self)
        elif address.path != "/api/games":
            self.send(404, b'{"detail": "Not found."}')
        else:
            self.send(*self.page())

    def page(self) -> tuple[int, bytes]:
        """Status and body of the page asked for, as RAWG would answer."""
        if refusal := self._refusal():
            return 401, json.dumps({"error": refusal}).encode()
        found = self._found()
        size = min(int(self.asked.get("page_size", 20)), 40)
        number = int(self.asked.get("page", 1))
        start = (number - 1) * size
        reachable = min(len(found), LIST_END)
        if start >= reachable and number > 1:
            return 404, b'{"detail": "Invalid page."}'
        more = start + size < reachable
        body = {
            "count": len(found),
            "next": self._link(number + 1) if more else None,
            "previous": self._link(number - 1) if number > 1 else None,
            "results": found[start : min(start + size, reachable)],
            "user_platforms": False,
        }
        return 200, json.dumps(body).encode()

    def _refusal(self) -> str:
        if "key" not in self.asked:
            return "The key parameter is not provided"
        if self.asked["key"] != self.rawg.key:
            return "The API key is not found"
        if self.rawg.quota is not None and len(self.rawg.asked) > self.rawg.quota:
            return "The monthly API limit reached"
        return ""

    def _found(self) -> list[dict]:
        names = ("tags", "genres", "dates", "ordering")
        query = (len(self.rawg.games), *(self.asked.get(name, "") for name in names))
        if query not in self.rawg.found:
            self.rawg.found[query] = self._find()
        return self.rawg.found[query]

    def _find(self) -> list[dict]:
        games = self.rawg.games
        for name in ("tags", "genres"):
            wanted = set(self.asked.get(name, "").split(",")) - {""}
            if wanted:
                games = [g for g in games if wanted & {e["slug"] for e in g[name] or []}]
        if dates := self.asked.get("dates"):
            first, last = dates.split(",")
            games = [g for g in games if first <= (g["released"] or "") <= last]
        field = self.asked.get("ordering", "id")
        return sorted(games, key=lambda g: g[field.lstrip("-")], reverse=field.startswith("-"))

    def _link(self, number: int) -> str:
        """RAWG's links hold the key in clear."""
        query = urlencode({**self.asked, "page": number})
        return f"https://api.rawg.io/api/games?{query}"

    def _image(self, name: str) -> None:
        image = self.rawg.images.get(name)
        kind = "image/jpeg"
        self.send(404, b"", kind=kind) if image is None else self.send(200, image, kind=kind)

    def send(
        self,
        code: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        kind: str = "application/json",
    ) -> None:
        """Status, headers and body."""
        self.send_response(code)
        fields = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Quiet: a test reads `asked`."""


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with RawgServer([a_game(number) for number in range(count)]) as running:
        print(f"RAWG_URL={running.url} RAWG_API_KEY={KEY}")
        threading.Event().wait()
