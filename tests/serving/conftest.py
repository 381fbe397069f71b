"""A small store per test, and engines that are closed at its end."""

import pytest
import small_store

from gamerec.serving import Engine


@pytest.fixture
def settings(home):
    """Settings of a store with a version in production."""
    return small_store.make(home)


@pytest.fixture
def opened():
    """Opens engines; all are closed after the test."""
    engines = []

    def open_one(settings, channel="production"):
        engines.append(Engine.open(settings, channel))
        return engines[-1]

    yield open_one
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(settings, opened):
    return opened(settings)
