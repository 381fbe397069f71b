"""What is special about S3: parts, checksums, retries, paging, encryption, secrets in errors."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from servers import CANARY, s3_settings

from gamerec import s3
from gamerec.errors import DataError, ServiceError, UsageError
from gamerec.s3 import open_s3
from gamerec.storage import MissingKey, open_store


@pytest.fixture
def shaky(proxy, s3_store):
    """The same bucket, seen through the proxy."""
    return open_s3(s3_store.uri, s3_settings(proxy.url))


def first(count, fault, method=None):
    """The fault for the first `count` requests (of one method)."""
    left = [count]

    def choose(verb, path, number):
        if method not in (None, verb) or left[0] == 0:
            return None
        left[0] -= 1
        return fault

    return choose


def test_a_large_object_goes_in_parts_and_comes_back(s3_store):
    data = np.random.default_rng(1).bytes((20 << 20) + 17)
    s3_store.write("large.bin", data)
    head = s3_store.client.head_object(Bucket=s3_store.bucket, Key="some/prefix/large.bin")
    assert head["ETag"].strip('"').endswith("-3")  # three parts of 8 MiB at most
    assert s3_store.read("large.bin") == data


def test_more_keys_than_one_page_are_listed_and_deleted(s3_store):
    def put(number):
        s3_store.client.put_object(Bucket=s3_store.bucket, Key=f"some/prefix/n/{number:04d}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(1_005)))
    s3_store.write("m", b"")
    assert len(s3_store.keys("n/")) == 1_005
    s3_store.delete_tree("n")
    assert s3_store.keys() == ["m"]


def test_an_altered_object_is_refused(s3_store):
    s3_store.write("x.bin", b"what was written")
    head = s3_store.client.head_object(Bucket=s3_store.bucket, Key="some/prefix/x.bin")
    s3_store.client.put_object(
        Bucket=s3_store.bucket,
        Key="some/prefix/x.bin",
        Body=b"what was writteN",
        Metadata=head["Metadata"],
    )
    with pytest.raises(DataError, match=r"x\.bin is altered: its checksum"):
        s3_store.read("x.bin")


def test_objects_are_encrypted_where_the_setting_says_so(s3_store, s3_url):
    settings = s3_settings(s3_url).model_copy(update={"s3_encryption": "AES256"})
    store = open_s3(s3_store.uri, settings)
    store.write("small", b"1")
    store.write("large", bytes(9 << 20))
    store.create("new", b"2")
    for key in ("small", "large", "new"):
        head = store.client.head_object(Bucket=store.bucket, Key=f"some/prefix/{key}")
        assert head["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize("fault", ["503", "reset", "lost"])
def test_a_write_is_repeated_until_it_arrives(shaky, s3_store, proxy, fault):
    proxy.choose = first(2, fault)
    shaky.write("x", b"data")
    assert s3_store.read("x") == b"data"


def test_a_refusal_that_breaks_off_is_asked_for_again(shaky, proxy):
    proxy.choose = first(2, "cut")
    with pytest.raises(MissingKey):
        shaky.read("nothing")
    assert len(proxy.seen) == 3


@pytest.mark.parametrize("fault", ["503", "reset", "lost", "cut", "corrupt"])
def test_a_read_is_repeated_until_it_is_whole(shaky, s3_store, proxy, fault):
    data = np.random.default_rng(2).bytes(300_000)
    s3_store.write("x", data)
    proxy.choose = first(2, fault)
    assert shaky.read("x") == data


@pytest.mark.parametrize("fault", ["503", "reset", "lost"])
def test_create_knows_its_own_object_after_a_lost_answer(shaky, s3_store, proxy, fault):
    proxy.choose = first(1, fault, "PUT")
    assert shaky.create("n", b"mine") is True
    assert shaky.create("n", b"mine") is False


@pytest.mark.parametrize("fault", ["503", "reset", "lost"])
def test_only_the_broken_parts_of_a_large_object_are_sent_again(shaky, s3_store, proxy, fault):
    data = np.random.default_rng(5).bytes(20 << 20)
    proxy.choose = first(2, fault, "PUT")
    shaky.write("large", data)
    assert s3_store.read("large") == data
    assert [verb for verb, _ in proxy.seen].count("PUT") == 3 + 2  # parts, and two again


def test_a_slow_answer_is_waited_for(shaky, s3_store, proxy):
    s3_store.write("x", b"data")
    proxy.delay, proxy.choose = 1.0, first(1, "slow")
    assert shaky.read("x") == b"data"


def test_everything_arrives_where_a_third_of_the_requests_fails(shaky, s3_store, proxy):
    chance = random.Random(4)
    proxy.choose = lambda *_: (
        chance.choice(["503", "reset", "lost"]) if chance.random() < 0.3 else None
    )
    for number in range(15):
        shaky.write(f"x/{number:02d}", str(number).encode())
    assert [shaky.read(key) for key in shaky.keys("x/")] == [str(n).encode() for n in range(15)]


def test_retries_end_and_the_error_keeps_the_cause(shaky, s3_store, proxy):
    proxy.choose = lambda *_: "503"
    began = time.monotonic()
    with pytest.raises(ServiceError, match=r"S3 could not write s3://.*/x: .*503") as caught:
        shaky.write("x", b"1")
    assert caught.value.__cause__ is not None
    assert time.monotonic() - began < 60
    assert len(proxy.seen) == s3._ATTEMPTS


def test_a_body_that_always_breaks_off_is_an_error_and_not_a_part(shaky, s3_store, proxy):
    s3_store.write("x", bytes(100_000))
    proxy.choose = lambda *_: "cut"
    with pytest.raises(ServiceError, match="S3 could not read .*broke off"):
        shaky.read("x")


def test_a_missing_bucket_is_told_apart_from_a_missing_key(s3_url):
    store = open_s3("s3://nobody-has-this-bucket/x", s3_settings(s3_url))
    with pytest.raises(ServiceError, match="NoSuchBucket"):
        store.read("key")


def test_no_error_holds_a_secret(s3_url, s3_store):
    settings = s3_settings(f"http://user:{CANARY}@127.0.0.1:1")
    with pytest.raises(ServiceError) as caught:
        open_s3("s3://bucket/x", settings).write("key", b"")
    chain, error = [], caught.value
    while error is not None:
        chain.append(f"{error!r} {error}")
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert CANARY not in "\n".join(chain)


@pytest.mark.parametrize("uri", ["s3://", "s3:///key", "s3://user:pw@bucket/x", "s3://b/x?y=1"])
def test_an_unusable_address_is_refused_without_repeating_it(uri):
    with pytest.raises(UsageError, match="s3://bucket") as caught:
        open_store(uri)
    assert "pw" not in str(caught.value)


def test_another_scheme_is_refused():
    with pytest.raises(UsageError, match="not ftp:"):
        open_store("ftp://user:pw@host/x")
