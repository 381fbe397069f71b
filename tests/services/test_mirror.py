"""A bucket that comes and goes, with a folder beside it: nothing is lost, nothing half done."""

import pytest
from servers import s3_settings

from gamerec import mirror, s3
from gamerec.errors import ServiceError
from gamerec.storage import MissingKey, open_store


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """No growing pauses between the attempts."""
    once = {"retries": {"total_max_attempts": 1, "mode": "standard"}, "connect_timeout": 2}
    monkeypatch.setattr(s3, "_PATIENT", once | {"read_timeout": 5})
    monkeypatch.setattr(s3, "_ATTEMPTS", 1)


@pytest.fixture
def mirrored(proxy, s3_store):
    """The bucket of `s3_store` through the proxy, with a folder beside it."""
    return open_store(s3_store.uri, s3_settings(proxy.url))


def cut(proxy):
    proxy.choose = lambda *_: "reset"


def mend(proxy):
    proxy.choose = lambda *_: None


def test_what_is_written_goes_to_the_bucket_at_once(mirrored, s3_store):
    mirrored.write("runs/a", b"1")
    assert s3_store.read("runs/a") == b"1"
    assert mirrored.owed() == []


def test_a_run_reads_what_it_wrote_while_the_bucket_is_away_and_the_bucket_gets_it_later(
    mirrored, s3_store, proxy, tmp_path
):
    mirrored.write("runs/a", b"old")
    cut(proxy)
    mirrored.write("runs/a", b"new")
    (tmp_path / "f").write_bytes(b"file")
    mirrored.at("runs").upload("b", tmp_path / "f")
    assert (mirrored.read("runs/a"), mirrored.read("runs/b")) == (b"new", b"file")
    assert mirrored.keys("runs/") == ["runs/a", "runs/b"]
    assert mirrored.exists("runs/b")
    assert mirrored.owed() == ["runs/a", "runs/b"]
    assert s3_store.read("runs/a") == b"old"
    mend(proxy)
    assert list(mirrored.deliver()) == ["runs/a", "runs/b"]
    assert (s3_store.read("runs/a"), s3_store.read("runs/b")) == (b"new", b"file")
    assert list(mirrored.deliver()) == []


def test_another_process_knows_what_is_owed(mirrored, s3_store, proxy):
    cut(proxy)
    mirrored.write("runs/a", b"1")
    mend(proxy)
    other = open_store(s3_store.uri, s3_settings(proxy.url))
    assert other.owed() == ["runs/a"]
    assert other.read("runs/a") == b"1"


def test_a_bucket_that_is_away_is_not_asked_again_for_a_while(mirrored, proxy, monkeypatch):
    cut(proxy)
    for number in range(20):
        mirrored.write(f"runs/{number}", b"")
    assert len(proxy.seen) == 1
    assert "S3 could not write" in mirrored.absence
    monkeypatch.setattr(mirror, "PAUSE", 0)
    mirrored.write("runs/20", b"")
    assert [verb for verb, _ in proxy.seen] == ["PUT", "HEAD"]  # one quick look
    mend(proxy)
    mirrored.write("runs/21", b"")
    assert len(mirrored.owed()) == 21
    assert mirrored.absence == ""


def test_a_clock_that_was_set_back_does_not_keep_the_bucket_away(mirrored, proxy, monkeypatch):
    cut(proxy)
    mirrored.write("a", b"")
    mend(proxy)
    monkeypatch.setattr("gamerec.mirror.time.time", lambda: 1_000.0)
    mirrored.write("b", b"")
    assert mirrored.owed() == ["a"]


def test_what_was_read_before_can_be_read_while_the_bucket_is_away(mirrored, s3_store, proxy):
    s3_store.write("models/a", b"seen")
    s3_store.write("models/b", b"not seen")
    assert mirrored.read("models/a") == b"seen"
    cut(proxy)
    assert mirrored.read("models/a") == b"seen"
    assert mirrored.keys("models/") == ["models/a"]
    with pytest.raises(ServiceError, match="S3 could not read"):
        mirrored.read("models/b")


def test_the_bucket_counts_for_more_than_an_old_copy(mirrored, s3_store):
    mirrored.write("a", b"mine")
    s3_store.write("a", b"of another machine")
    assert mirrored.read("a") == b"of another machine"
    s3_store.delete("a")
    with pytest.raises(MissingKey):
        mirrored.read("a")
    assert mirrored.keys() == []


def test_who_is_first_is_not_told_without_the_bucket(mirrored, s3_store, proxy):
    cut(proxy)
    with pytest.raises(ServiceError):
        mirrored.create("n/1", b"mine")
    assert mirrored.owed() == []
    mend(proxy)
    assert mirrored.create("n/1", b"mine") is True  # it asks again, whatever the pause
    assert mirrored.create("n/1", b"mine") is False


@pytest.mark.parametrize("tree", [True, False])
def test_deletions_are_owed_too(mirrored, s3_store, proxy, tree):
    mirrored.write("runs/a/x", b"1")
    cut(proxy)
    if tree:
        mirrored.delete_tree("runs/a")
    else:
        mirrored.delete("runs/a/x")
    assert mirrored.keys() == []
    assert not mirrored.exists("runs/a/x")
    with pytest.raises(MissingKey):
        mirrored.read("runs/a/x")
    mend(proxy)
    assert list(mirrored.deliver()) == ["runs/a/x"]
    assert s3_store.keys() == []


def test_a_deletion_and_a_write_after_it_leave_what_came_last(mirrored, s3_store, proxy):
    mirrored.write("a", b"1")
    cut(proxy)
    mirrored.delete("a")
    mirrored.write("a", b"2")
    mend(proxy)
    assert list(mirrored.deliver()) == ["a"]
    assert s3_store.read("a") == b"2"


def test_a_delivery_that_breaks_off_goes_on_where_it_was(mirrored, s3_store, proxy):
    cut(proxy)
    for number in range(5):
        mirrored.write(f"runs/{number}", b"")
    mend(proxy)
    brought = []
    with pytest.raises(ServiceError):
        for key in mirrored.deliver():
            brought.append(key)
            if len(brought) == 2:
                cut(proxy)
    assert s3_store.keys() == brought == ["runs/0", "runs/1"]
    mend(proxy)
    assert list(mirrored.deliver()) == ["runs/2", "runs/3", "runs/4"]


def test_what_is_written_during_its_delivery_stays_owed(mirrored, s3_store, proxy):
    cut(proxy)
    mirrored.write("a", b"1")
    writer = open_store(s3_store.uri, s3_settings("http://127.0.0.1:1"))

    def write_during_the_upload(verb, path, number):
        if verb == "PUT":
            writer.write("a", b"2")

    proxy.choose = write_during_the_upload
    list(mirrored.deliver())
    assert mirrored.owed() == ["a"]
    mend(proxy)
    list(mirrored.deliver())
    assert s3_store.read("a") == b"2"


def test_a_bucket_that_refuses_is_told_and_owed(s3_url, home):
    store = open_store("s3://nobody-has-this-bucket/x", s3_settings(s3_url))
    store.write("a", b"1")
    assert store.read("a") == b"1"
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        list(store.deliver())
    assert store.owed() == ["a"]


def test_a_disk_that_takes_nothing_leaves_the_bucket(mirrored, s3_store, monkeypatch):
    def full(*args):
        raise ServiceError("cannot write: No space left on device")

    mirrored.write("a", b"old")
    monkeypatch.setattr("gamerec.storage.FolderStore.write", full)
    mirrored.write("a", b"new")
    assert s3_store.read("a") == b"new"
    assert mirrored.read("a") == b"new"
