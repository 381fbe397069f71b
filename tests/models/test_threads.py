"""The same answer for one thread and for several, from one caller and from several."""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from gamerec import models


@pytest.fixture
def threads():
    before = numba.get_num_threads()
    yield
    numba.set_num_threads(before)


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="needs two threads")
@pytest.mark.parametrize("name", models.NAMES)
def test_one_thread_and_two_give_the_same_bits(threads, name, plays, features, held_out):
    results = []
    for n in (1, 2):
        numba.set_num_threads(n)
        model = models.create(name).fit(plays, features=features, validation=held_out)
        lists = model.recommend(plays, k=9)
        results.append((model.W.data, model.W.indices, *lists, model.because(plays, lists[0])))
    for one, two in zip(*results, strict=True):
        assert_array_equal(one, two)


def test_many_callers_at_once_do_not_disturb_each_other(plays):
    model = models.create("item_knn").fit(plays)
    alone = [model.recommend_one(plays[u].indices, k=8) for u in range(plays.shape[0])]
    whole = model.recommend(plays, k=8)[0]

    def ask(turn: int) -> None:
        u = turn % plays.shape[0]
        games, scores = model.recommend_one(plays[u].indices, k=8)
        assert_array_equal(games, alone[u][0])
        assert_array_equal(scores, alone[u][1])
        if turn % 50 == 0:
            assert_array_equal(model.recommend(plays, k=8)[0], whole)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, np.arange(1500)))
