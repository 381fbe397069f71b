"""`gamerec doctor`: finds what is wrong, says what to do, and tells no secret."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from gamerec.cli import app
from gamerec.doctor import Finding, machine, run_checks, services
from gamerec.errors import ServiceError
from gamerec.settings import load_settings

KEY = "canary-key-0123456789"


class Answers(BaseHTTPRequestHandler):
    """RAWG and W&B: both take one key only."""

    def do_GET(self):
        good = f"key={KEY}" in self.path
        page = {"count": 0, "next": None, "previous": None, "results": []}
        self._say(200 if good else 401, page if good else {"error": "The API key is not found"})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        good = self.headers.get("Authorization") == self.server.good
        self._say(200, {"data": {"viewer": {"username": "ada"} if good else None}})

    def _say(self, status, content):
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    import base64

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.good = "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("RAWG_URL", url)
    monkeypatch.setenv("WANDB_BASE_URL", url)
    yield server
    server.shutdown()
    server.server_close()


def test_an_untouched_checkout_is_fine(home):
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 0, done.output
    for name in ("Python", "packages", "disk", "ports", "kernels", "store", "database", "W&B"):
        assert name in done.output
    assert "a notebook ran" in done.output
    assert not list(home.rglob("doctor*"))  # what was written is gone


def test_what_is_wrong_makes_the_exit_code_and_comes_with_advice(home, monkeypatch):
    (home / "store").write_text("a file where a folder should be")
    monkeypatch.setenv("DATABASE_URL", "mysql://root:canary-password@127.0.0.1:1/gamerec")
    monkeypatch.setenv("NOTIFY_URLS", "json://localhost/x slak://canary-token")
    monkeypatch.setattr(machine, "CHECKS", {})
    monkeypatch.setattr(services, "_TIMEOUT", 0.1)
    monkeypatch.setattr(machine, "kernels", lambda settings: Finding("ok", "not asked"))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "BAD store" in done.output
    assert "Check STORE_URL" in done.output
    assert "BAD database" in done.output
    assert "Check DATABASE_URL" in done.output
    assert "address 2 of 2 is not understood" in done.output
    assert "canary" not in done.output


@pytest.mark.parametrize(
    ("name", "check", "wrong"),
    [("RAWG_API_KEY", services.rawg, "not found"), ("WANDB_API_KEY", services.wandb, "refused")],
)
def test_keys_are_tried_and_never_shown(server, monkeypatch, name, check, wrong):
    monkeypatch.setenv(name, KEY)
    assert check(load_settings()).state == "ok"
    monkeypatch.setenv(name, "canary-key-that-is-wrong")
    finding = check(load_settings())
    assert finding.state == "bad"
    assert wrong in finding.text
    assert "canary" not in finding.text + finding.advice


@pytest.mark.parametrize("check", [services.rawg, services.wandb])
def test_without_a_key_nothing_is_asked_and_nothing_is_wrong(monkeypatch, check):
    monkeypatch.setenv("RAWG_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    assert check(load_settings()).state == "note"


def test_a_key_that_cannot_be_tried_is_told_so(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:1")
    finding = services.wandb(load_settings())
    assert (finding.state, KEY in finding.text) == ("bad", False)


def test_other_versions_than_the_lock_file_has_are_named(tmp_path, monkeypatch):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "pytest==0.0.1 \\\n    --hash=sha256:0\n"
        "no-such-package==1 \\\n    --hash=sha256:0\n"
        "only-elsewhere==1 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n"
    )
    monkeypatch.setattr(machine, "LOCK", lock)
    finding = machine.packages(load_settings())
    assert finding.state == "bad"
    assert "no-such-package is missing" in finding.text
    assert "not 0.0.1" in finding.text
    assert "only-elsewhere" not in finding.text


def test_a_port_in_use_is_noted(monkeypatch):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("SERVICE_PORT", str(port))
        finding = machine.ports(load_settings())
    assert (finding.state, str(port) in finding.text) == ("note", True)


def test_a_check_that_hangs_or_raises_does_not_hold_up_the_others():
    def hangs(settings):
        time.sleep(5)

    def raises(settings):
        raise ServiceError("the database is out of reach")

    def works(settings):
        return Finding("ok", "fine")

    checks = {"hangs": hangs, "raises": raises, "works": works}
    found = dict(run_checks(checks, load_settings(), patience=0.5))
    assert [f.state for f in found.values()] == ["bad", "bad", "ok"]
    assert found["hangs"].text == "no answer within 0.5 s"
    assert found["raises"].text == "the database is out of reach"
