"""As much of a W&B server as `wandb sync` asks for; it keeps what it is told."""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_BUCKET = {
    "description": None,
    "config": "{}",
    "sweepName": None,
    "historyLineCount": 0,
    "project": {"id": "p", "name": "gamerec", "entity": {"id": "e", "name": "ann"}},
}
_STORED = {"id": "a", "state": "COMMITTED", "artifactSequence": {"latestArtifact": {"id": "a"}}}


class WandbServer:
    """Listens on a free port of this machine while used as a context."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}  # id -> name, group, job type
        self.artifacts: list[tuple[str, list[str]]] = []  # name and aliases
        self.lines: list[str] = []  # of history and summary
        self.files: dict[str, bytes] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                self.reply(json.dumps(server.answer(self.path, body)).encode())

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                server.files[self.path.removeprefix("/put/")] = body
                self.reply(b"")

            def reply(self, answer: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "WandbServer":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: bytes) -> dict[str, Any]:
        """Keep what a request tells; what it is answered."""
        if path.endswith("/file_stream"):
            for file in json.loads(body).get("files", {}).values():
                self.lines += file["content"]
            return {}
        asked = json.loads(body)
        given = asked.get("variables") or {}
        match asked["operationName"]:
            case "UpsertBucket":
                names = ("displayName", "groupName", "jobType")
                told = {name: given[name] for name in names if given.get(name)}
                self.runs[given["name"]] = self.runs.get(given["name"], {}) | told
                about = {"id": "b", "name": given["name"], "displayName": given["displayName"]}
                return {"data": {"upsertBucket": {"inserted": True, "bucket": _BUCKET | about}}}
            case "CreateArtifact":
                made = given["input"]
                aliases = [alias["alias"] for alias in made["aliases"]]
                self.artifacts.append((made["artifactCollectionName"], sorted(aliases)))
                return {"data": {"createArtifact": {"artifact": _STORED}}}
            case "CreateRunFiles":
                places = [{"name": n, "uploadUrl": f"{self.url}/put/{n}"} for n in given["files"]]
                made = {"runID": "b", "uploadHeaders": [], "files": places}
                return {"data": {"createRunFiles": made}}
        return {"data": {}}
