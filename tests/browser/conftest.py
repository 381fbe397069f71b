"""One server of the page and one real Chromium for the session, and a project that tests change."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from visitor import Visitor

sys.path.append(str(Path(__file__).resolve().parents[1] / "ui"))
from pictured_project import SmallProject

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


class Server:
    """`gamerec app` on a project, with these settings in its environment."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GAMEREC_")}
        command = [sys.executable, "-c", "from gamerec.cli import app; app()", "app"]
        self.log = home / "app.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--patience", "3"],
                env=environment | {"GAMEREC_HOME": str(home)} | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Wait until the page is announced."""
        deadline = time.monotonic() + 300
        while "the page is at" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def kernels(self) -> list[psutil.Process]:
        """The processes of open pages: what the fork server has forked."""
        (forks,) = psutil.Process(self.process.pid).children()
        alive = forks.children()
        return [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]

    def stop(self) -> None:
        """End it and its kernels."""
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()


@pytest.fixture(scope="module")  # not longer: its event loop is in the way of other tests' own
def chromium():
    """A browser process."""
    if not Path(CHROMIUM).exists() and shutil.which(CHROMIUM) is None:
        reason = "Chromium is not installed: apt-get install chromium, or set CHROMIUM"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def bare_server(chromium, tmp_path_factory) -> Iterator[Server]:
    """A server whose project has no model, until `project` is asked for."""
    server = Server(tmp_path_factory.mktemp("page"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()


def filled(home: Path) -> SmallProject:
    """A project of 60 players, a model live and another as candidate."""
    made = SmallProject(home).fill()
    made.version("item_knn")
    made.version("item_knn", live=False, neighbours=3, shrinkage=5.0)
    return made


@pytest.fixture(scope="module")
def project(bare_server) -> SmallProject:
    """The server's project."""
    return filled(bare_server.home)


@pytest.fixture(scope="module")
def server(bare_server, project) -> Server:
    """A server with models."""
    return bare_server


@pytest.fixture
def visit(chromium, bare_server) -> Iterator[Callable[..., Visitor]]:
    """Opens pages; at the end of the test none has complained or asked another host."""
    visitors: list[Visitor] = []

    def open_page(*, width: int = 1280, language: str = "en-US", scheme: str = "light") -> Visitor:
        visitors.append(Visitor(chromium, bare_server.url, width, language, scheme))
        return visitors[-1]

    yield open_page
    for visitor in visitors:
        visitor.leave()
    assert [visitor.complaints for visitor in visitors if visitor.complaints] == []
