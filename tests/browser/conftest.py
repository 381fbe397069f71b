"""One server of the page and one real Chromium for the session, and a project that tests change."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from page_server import Server, filled
from pictured_project import SmallProject
from visitor import Visitor

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]


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
