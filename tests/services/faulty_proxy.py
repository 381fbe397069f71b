"""An HTTP proxy that fails on demand, to stand in front of a real server."""

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

Fault = str | None  # None, "503", "reset", "lost", "cut", "corrupt" or "slow"


class FaultyProxy:
    """Passes requests on to `target`; `choose(method, path, number)` names the fault of each.

    503: refused, not passed on. reset: the connection breaks before it is passed on. lost: passed
    on, but the answer is not. cut: the body breaks off half-way. corrupt: one byte of the body is
    another. slow: answered after `delay` seconds.
    """

    def __init__(self, target: str, delay: float = 3.0) -> None:
        self.choose: Callable[[str, str, int], Fault] = lambda method, path, number: None
        self.seen: list[tuple[str, Fault]] = []
        self.delay = delay
        self._lock = threading.Lock()
        self._target = urlsplit(target).netloc
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                proxy.handle(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = self._body(request)
        with self._lock:
            fault = self.choose(request.command, request.path, len(self.seen))
            self.seen.append((request.command, fault))
        if fault == "503":
            self._send(request, 503, [], b"")
            return
        if fault == "slow":
            time.sleep(self.delay)
        if fault != "reset":
            status, headers, data = self._forward(request, body)
        if fault in ("reset", "lost"):
            self._break(request)
            return
        if fault == "corrupt" and data:
            data = data[:-1] + bytes([data[-1] ^ 1])
        self._send(request, status, headers, data, cut=fault == "cut")

    def _body(self, request: BaseHTTPRequestHandler) -> bytes:
        if "100-continue" in request.headers.get("Expect", ""):
            request.send_response_only(100)
            request.end_headers()
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))

    def _forward(self, request, body):
        connection = http.client.HTTPConnection(self._target, timeout=30)
        headers = {k: v for k, v in request.headers.items() if k.lower() != "expect"}
        connection.request(request.command, request.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        return answer.status, answer.getheaders(), data

    def _send(self, request, status, headers, data, cut=False) -> None:
        request.send_response_only(status)
        dropped = {"transfer-encoding", "connection"} | (
            {"content-length"} if request.command != "HEAD" else set()
        )
        for name, value in headers:
            if name.lower() not in dropped:
                request.send_header(name, value)
        if request.command != "HEAD" and status not in (204, 304):
            request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if request.command == "HEAD":
            return
        request.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self._break(request)

    def _break(self, request) -> None:
        linger = struct.pack("ii", 1, 0)  # close() then sends a reset
        request.wfile.flush()
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        request.close_connection = True
        request.connection.close()
