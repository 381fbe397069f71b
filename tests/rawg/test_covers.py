"""Covers against a real local server: small, checked, kept; and never fatal."""

import io

import pytest
from PIL import Image
from services.rawg_server import RawgServer

from gamerec.rawg import covers
from gamerec.rawg.covers import cover_key, keep_covers, small
from gamerec.storage import FolderStore


def picture(size=(1200, 500), form="JPEG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def server():
    with RawgServer() as running:
        yield running


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


def address(server, name: str) -> str:
    return f"http://{server.host}/media/{name}"


def keep(server, store, *urls, **options):
    return dict(keep_covers(urls, store, own_host=server.host, timeout=5, **options))


def test_rawgs_own_small_picture_is_asked_for():
    whole = "https://media.rawg.io/media/games/abc/one.jpg"
    cropped = "https://media.rawg.io/media/crop/600/400/games/abc/one.jpg"
    assert small(whole) == cropped and small(cropped) == cropped
    resized = "https://media.rawg.io/media/resize/420/-/games/abc/one.jpg"
    assert (
        small(resized) == resized
        and small("https://x.rawg.io/one.jpg") == "https://x.rawg.io/one.jpg"
    )


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_cover_is_kept_as_a_small_jpeg(server, store, form):
    server.images["crop/600/400/games/one.jpg"] = picture(form=form)
    url = address(server, "games/one.jpg")
    assert keep(server, store, url) == {"fetched": 1, "kept": 0, "failed": 0, "skipped": 0}
    with Image.open(io.BytesIO(store.read(cover_key(url)))) as image:
        assert (image.format, image.size) == ("JPEG", (600, 250))


def test_a_cover_is_asked_for_once(server, store):
    server.images["crop/600/400/games/one.jpg"] = picture()
    url = address(server, "games/one.jpg")
    assert keep(server, store, url, url)["fetched"] == 1
    assert keep(server, store, url) == {"fetched": 0, "kept": 1, "failed": 0, "skipped": 0}
    assert len(server.images_asked) == 1


def test_whatever_is_wrong_with_a_cover_is_counted_and_the_others_come(server, store, monkeypatch):
    monkeypatch.setattr(covers, "LARGEST_FILE", 200_000)
    png = picture((7000, 7000), "PNG")
    server.images |= {
        "crop/600/400/good.jpg": picture(),
        "crop/600/400/text.jpg": b"<html>",
        "crop/600/400/empty.jpg": b"",
        "crop/600/400/half.jpg": picture()[:2000],
        "crop/600/400/bomb.png": png,
        "crop/600/400/fat.jpg": b"\xff\xd8" + b"0" * 300_000,
        "crop/600/400/vector.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
    names = ["missing", "text", "empty", "half", "bomb", "fat", "vector", "good"]
    endings = {"bomb": "png", "vector": "svg"}
    urls = [address(server, f"{name}.{endings.get(name, 'jpg')}") for name in names]
    assert keep(server, store, *urls) == {"fetched": 1, "kept": 0, "failed": 7, "skipped": 0}
    assert store.keys("covers/") == [cover_key(urls[-1])]
    assert len(png) < covers.LARGEST_FILE


@pytest.mark.parametrize(
    "url",
    [
        "http://media.rawg.io/media/one.jpg",
        "https://evilrawg.io/media/one.jpg",
        "https://media.rawg.io.evil.example/media/one.jpg",
        "https://media.rawg.io@evil.example/media/one.jpg",
        "http://127.0.0.1:1/media/one.jpg",
        "file:///etc/passwd",
        "//media.rawg.io/one.jpg",
        "http://[broken/one.jpg",
        "one.jpg",
    ],
)
def test_no_other_host_is_asked(server, store, url):
    class Nobody:
        def get(self, url, /, *args, **options):
            raise AssertionError(f"asked {url}")

    counts = keep(server, store, url, transport=Nobody())
    assert counts == {"fetched": 0, "kept": 0, "failed": 1, "skipped": 0}


def test_a_redirect_is_not_followed(server, store):
    class Redirecting:
        def get(self, url, /, *args, **options):
            assert options["allow_redirects"] is False
            raise OSError("seen")

    url = "https://media.rawg.io/media/one.jpg"
    assert keep(server, store, url, transport=Redirecting())["failed"] == 1


def test_no_key_is_sent_to_the_pictures(server, store):
    server.images["crop/600/400/one.jpg"] = picture()
    keep(server, store, address(server, "one.jpg"))
    assert server.images_asked == ["crop/600/400/one.jpg"]


def test_a_host_that_is_down_is_given_up(server, store):
    urls = [address(server, f"missing{n}.jpg") for n in range(covers.GIVE_UP_AFTER + 30)]
    counts = keep(server, store, *urls)
    assert counts == {"fetched": 0, "kept": 0, "failed": covers.GIVE_UP_AFTER, "skipped": 30}
    assert len(server.images_asked) == covers.GIVE_UP_AFTER


@pytest.mark.parametrize("damaged", [b"", b"\xff", b"\xff\xd8 and no end", bytes(500)])
def test_a_damaged_cover_is_fetched_again(server, store, damaged):
    server.images["crop/600/400/games/one.jpg"] = picture()
    url = address(server, "games/one.jpg")
    keep(server, store, url)
    whole = store.read(cover_key(url))
    store.write(cover_key(url), damaged)
    assert keep(server, store, url)["fetched"] == 1
    assert store.read(cover_key(url)) == whole
