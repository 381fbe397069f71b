"""The folder store: atomic under kill, races and a full disk; and how a store is opened.

What all stores do alike is tested in services/test_store_contract.py.
"""

import os
import resource
import signal
import threading
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from gamerec.errors import ServiceError, UsageError
from gamerec.storage import FolderStore, open_store

FORK = get_context("fork")  # a spawned child would import for seconds


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "store")


def test_a_killed_writer_leaves_the_old_object_whole(store):
    """Killed at many moments of endless rewriting, the object is always one of the two."""
    old, new = b"a" * 3_000_000, b"b" * 3_000_000
    store.write("x", old)
    for pause in (0.001, 0.003, 0.011, 0.02, 0.037, 0.05):
        writer = FORK.Process(target=_rewrite_forever, args=(store.uri, old, new))
        writer.start()
        time.sleep(pause)
        writer.kill()
        writer.join()
        assert store.read("x") in (old, new)
        assert store.keys() == ["x"]


def test_a_reader_beside_a_writer_sees_whole_objects_only(store):
    store.write("x", b"0" * 200_000)
    stopped = threading.Event()

    def rewrite():
        for number in range(200):
            store.write("x", str(number % 10).encode() * 200_000)
        stopped.set()

    threading.Thread(target=rewrite).start()
    while not stopped.is_set():
        data = store.read("x")
        assert len(data) == 200_000
        assert len(set(data)) == 1


def test_one_of_many_processes_creates(store):
    with FORK.Pool(4) as pool:
        won = pool.starmap(_create, [(store.uri, str(n)) for n in range(40)])
    assert sorted(won).count(True) == 1
    assert store.read("n") == str(won.index(True)).encode()


def _rewrite_forever(folder, old, new):
    store = FolderStore(folder)
    while True:
        store.write("x", new)
        store.write("x", old)


def _create(folder, text):
    return FolderStore(folder).create("n", text.encode())


def test_a_full_disk_is_told_and_leaves_nothing_behind(store):
    store.write("x", b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(ServiceError, match="cannot write .*x: File too large"):
            store.write("x", b"n" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert store.read("x") == b"old"
    assert [path.name for path in store.folder.iterdir()] == ["x"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ServiceError, match="cannot write"):
        FolderStore(tmp_path / "file").write("x", b"1")


def test_others_may_read_what_the_umask_lets_them(store):
    before = os.umask(0o022)
    try:
        store.write("x", b"1")
        store.create("y", b"1")
    finally:
        os.umask(before)
    modes = [(store.folder / key).stat().st_mode & 0o777 for key in ("x", "y")]
    assert modes == [0o644, 0o644]


def test_files_being_written_are_not_listed(store):
    store.write("a/x", b"1")
    (store.folder / "a" / ".~half").write_bytes(b"h")
    assert store.keys() == ["a/x"]


def test_a_store_opens_by_path_and_by_file_uri(tmp_path):
    folder = tmp_path / "한 글 %20"
    open_store(folder).write("x", b"1")
    assert open_store(folder.as_uri()).read("x") == b"1"
    assert open_store(str(folder)).read("x") == b"1"


def test_a_relative_folder_counts_from_where_the_process_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert open_store("store").uri == str(Path(tmp_path / "store").resolve())


def test_an_unknown_scheme_is_refused():
    with pytest.raises(UsageError, match="not gs:"):
        open_store("gs://bucket/x")
