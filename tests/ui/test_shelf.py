"""Covers are fetched in the background, kept, and not asked for again where there are none."""

import io
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from gamerec.rawg.covers import cover_key
from gamerec.settings import load_settings
from gamerec.storage import MemoryStore
from gamerec.ui.shelf import CoverShelf


@pytest.fixture
def pictures():
    """A host of pictures that notes what is asked for: its address and the paths."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            picture = io.BytesIO()
            Image.new("RGB", (1200, 900), "navy").save(picture, "PNG")
            data = picture.getvalue()
            self.send_response(404 if "missing" in self.path else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    host = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=host.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{host.server_port}", asked
    host.shutdown()
    host.server_close()


def wait_for(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_missing_cover_is_fetched_once_made_small_and_kept(pictures, home, monkeypatch):
    address, asked = pictures
    monkeypatch.setenv("RAWG_URL", f"{address}/api")
    store, url = MemoryStore(), f"{address}/media/games/a.png"
    shelf = CoverShelf(store, load_settings(home))
    assert shelf.take([url]) == ({}, [url])
    assert shelf.take([url])[1] in ([url], [])
    wait_for(lambda: shelf.take([url])[0])
    there, coming = shelf.take([url])
    assert (Image.open(io.BytesIO(there[url])).size, coming) == ((533, 400), [])
    assert store.exists(cover_key(url))
    assert len(asked) == 1
    shelf.close()


def test_a_cover_that_cannot_be_had_is_left_alone(pictures, home, monkeypatch):
    address, asked = pictures
    monkeypatch.setenv("RAWG_URL", f"{address}/api")
    url = f"{address}/media/games/missing.png"
    shelf = CoverShelf(MemoryStore(), load_settings(home))
    assert shelf.take([url]) == ({}, [url])
    wait_for(lambda: shelf.take([url]) == ({}, []))
    before = len(asked)
    assert shelf.take([url]) == ({}, [])
    assert len(asked) == before
    shelf.close()
