"""What every kind of store does alike: a folder, memory, and a bucket behind a real S3 server."""

import numpy as np
import pandas as pd
import pytest

from gamerec.errors import DataError
from gamerec.storage import MissingKey

ODD_KEYS = [
    "plain.txt",
    "a b/c d.txt",
    "50%/+&=?#.txt",
    "한국어/게임 추천.parquet",
    "emoji-🎮.json",
    "quote'\"<>.txt",
    "dots/..hidden..",
    "UPPER/lower",
    "%2F%20",
]


@pytest.mark.parametrize("data", [b"", b"\x00\xff", b"x" * 100_000])
def test_what_is_written_is_read_back(store, data):
    store.write("a/b.bin", data)
    assert store.read("a/b.bin") == data
    assert store.exists("a/b.bin")


def test_a_second_write_replaces_the_first(store):
    store.write("a", b"old and longer")
    store.write("a", b"new")
    assert store.read("a") == b"new"


def test_a_missing_key_is_named(store):
    with pytest.raises(MissingKey, match="there is no .*runs/9/x"):
        store.read("runs/9/x")
    assert not store.exists("runs/9/x")


def test_create_writes_once_and_leaves_the_first(store):
    assert store.create("n/1", b"first") is True
    assert store.create("n/1", b"second") is False
    assert store.read("n/1") == b"first"


def test_create_does_not_take_equal_bytes_for_its_own(store):
    assert store.create("n/1", b"same") is True
    assert store.create("n/1", b"same") is False


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys_come_back_as_they_went_in(store, key):
    store.write(key, key.encode())
    assert store.keys() == [key]
    assert store.read(key) == key.encode()
    assert store.exists(key)
    store.delete(key)
    assert store.keys() == []


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\\b", "a\0b"])
def test_a_key_that_some_store_cannot_hold_is_refused_by_all(store, key):
    with pytest.raises(DataError, match="no usable key"):
        store.write(key, b"")


def test_keys_are_sorted_and_chosen_by_prefix(store):
    for key in ("b/2", "b/10", "bb/1", "a"):
        store.write(key, b"")
    assert store.keys() == ["a", "b/10", "b/2", "bb/1"]
    assert store.keys("b") == ["b/10", "b/2", "bb/1"]
    assert store.keys("b/") == ["b/10", "b/2"]
    assert store.keys("b/1") == ["b/10"]
    assert store.keys("nothing/here") == []


def test_a_store_rooted_below_sees_only_what_is_there(store):
    below = store.at("runs/a")
    below.write("x.txt", b"1")
    store.write("runs/ab", b"2")
    assert below.keys() == ["x.txt"]
    assert store.keys() == ["runs/a/x.txt", "runs/ab"]
    assert below.at("deeper").keys() == []


def test_deleting_is_quiet_when_there_is_nothing(store):
    store.delete("gone/too")
    store.delete_tree("gone")


def test_a_tree_is_deleted_without_its_neighbours(store):
    for key in ("t/a", "t/b/c", "tt", "u"):
        store.write(key, b"")
    store.delete_tree("t")
    assert store.keys() == ["tt", "u"]


def test_a_file_is_uploaded_byte_for_byte(store, tmp_path):
    source = tmp_path / "big.bin"
    source.write_bytes(np.random.default_rng(3).bytes(9 << 20))  # above one part of S3
    store.upload("big.bin", source)
    assert store.read("big.bin") == source.read_bytes()


def test_tables_arrays_and_json_come_back(store):
    frame = pd.DataFrame({"user_id": [3, 1], "name": ["a", None], "genres": [["x"], []]})
    store.write_table("t.parquet", frame)
    back = store.read_table("t.parquet")
    assert back["user_id"].tolist() == [3, 1]
    assert [list(g) for g in back["genres"]] == [["x"], []]
    store.write_arrays("a.npz", {"W": np.arange(6, dtype=np.float32).reshape(2, 3)})
    assert store.read_arrays("a.npz")["W"].tolist() == [[0, 1, 2], [3, 4, 5]]
    store.write_json("j.json", {"b": 1, "a": "게임"})
    assert store.read_json("j.json") == {"a": "게임", "b": 1}


def test_broken_json_is_a_data_error_with_the_key(store):
    store.write("j.json", b'{"a": ')
    with pytest.raises(DataError, match=r"j\.json is not readable JSON"):
        store.read_json("j.json")


def test_a_damaged_table_or_archive_is_a_data_error_with_the_key(store):
    store.write_table("t.parquet", pd.DataFrame({"a": range(100)}))
    store.write("t.parquet", store.read("t.parquet")[:-20])
    store.write_arrays("a.npz", {"a": np.arange(100)})
    store.write("a.npz", store.read("a.npz")[:200])
    with pytest.raises(DataError, match=r"t\.parquet is not readable"):
        store.read_table("t.parquet")
    with pytest.raises(DataError, match=r"a\.npz is no readable"):
        store.read_arrays("a.npz")
