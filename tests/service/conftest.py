"""Clients of the application: in this process, and of real server processes."""

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "serving"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "services"))

import small_store

from gamerec.service.app import create_app


class Client:
    """The application in this process, with its life cycle, asked like a server."""

    def __init__(self, settings):
        self.settings, self._loop = settings, asyncio.new_event_loop()
        self._context = self._open(create_app(settings))
        self._client, self.app = self._run(self._context.__aenter__())

    def get(self, path, **options):
        return self._run(self._client.get(path, **options))

    def post(self, path, json=None, **options):
        return self._run(self._client.post(path, json=json, **options))

    def request(self, *arguments, **options):
        return self._run(self._client.request(*arguments, **options))

    def close(self):
        if not self._loop.is_closed():
            self._run(self._context.__aexit__(None, None, None))
            self._loop.close()

    def _run(self, work):
        return self._loop.run_until_complete(work)

    @asynccontextmanager
    async def _open(self, app):
        inner = app
        while hasattr(inner, "app"):
            inner = inner.app
        async with inner.router.lifespan_context(inner):
            transport = httpx.ASGITransport(app, client=("10.1.2.3", 5))
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                yield client, inner


@pytest.fixture
def clients():
    """Makes clients for settings; all are closed after the test."""
    made = []

    def make(settings):
        made.append(Client(settings))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """One store for the tests of a module that change nothing."""
    return small_store.make(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def client(shop):
    client = Client(shop)
    yield client
    client.close()
