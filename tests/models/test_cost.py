"""What fitting and asking cost: memory of fit, no compiling on a request."""

import json
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse

from gamerec import models

_PEAK = """
import json, resource, sys
import numpy as np
from scipy import sparse
from gamerec import models

n_users, n_games, per_user, name, params = json.loads(sys.argv[1])
rng = np.random.default_rng(0)
def log(n_users, n_games):
    columns = (n_games * rng.random(n_users * per_user) ** 2).astype(np.int32)
    indptr = np.arange(n_users + 1, dtype=np.int32) * per_user
    ones = np.ones(len(columns), np.float32)
    X = sparse.csr_matrix((ones, columns, indptr), shape=(n_users, n_games))
    X.sum_duplicates()
    return X
X = log(n_users, n_games)
models.create(name, **params).fit(log(40, 50)).recommend(log(40, 50))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = models.create(name, **params).fit(X)
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
W = model.W.nnz * 8
log = X.nnz * 8
print(json.dumps({"used": (after - before) * 1024, "W": W, "log": log}))
"""


def peak(*world) -> dict[str, int]:
    command = [sys.executable, "-c", _PEAK, json.dumps(world)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def test_item_knn_fits_in_two_w_and_three_logs():
    used = peak(40_000, 20_000, 15, "item_knn", {"neighbours": 60})
    slack = 30e6  # accumulators, and what the allocator keeps
    assert used["used"] < 2 * used["W"] + 3 * used["log"] + slack


def test_restricted_ease_never_holds_all_of_the_gram_matrix():
    n_games = 30_000
    used = peak(40_000, n_games, 10, "ease", {"neighbours": 30})
    whole = n_games**2 * 4
    assert used["used"] < whole / 8
    assert used["used"] < 2 * used["W"] + 4 * used["log"] + 300e6


def test_after_warm_up_no_request_compiles(plays):
    from numba.core import event

    models.warm_up()
    allowed = np.arange(37) % 2 == 0
    with event.install_recorder("numba:compile") as compiled:
        model = models.create("slim").fit(plays)
        for history in ([1, 2], np.array([3], np.int32), plays[4], np.array([5])):
            model.recommend_one(history, k=3)
            model.recommend_one(history, k=3, allowed=allowed, exclude_played=False)
            model.explain(history, 7)
        model.similar(3)
        model.because(plays, model.recommend(plays, allowed=allowed)[0])
    assert not compiled.buffer


def test_a_mapped_model_answers_without_compiling(plays, tmp_path):
    from numba.core import event

    models.warm_up()
    models.create("ease").fit(plays).save(tmp_path)
    with event.install_recorder("numba:compile") as compiled:
        models.load(tmp_path, mmap=True).recommend_one([1, 2])
    assert not compiled.buffer


def test_a_second_process_loads_what_the_first_compiled(tmp_path):
    models.warm_up()  # this process fills the cache
    code = """
from numba.core import event
from gamerec import models
with event.install_recorder("numba:run_pass") as passes:
    models.warm_up()
assert not passes.buffer, len(passes.buffer)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("n_games", [300, 40_000])
def test_short_and_long_catalogues_are_scored_alike(n_games):
    """Either way of finding the best of a user, by rows or by blocks, finds the same."""
    rng = np.random.default_rng(2)
    W = sparse.random(300, 300, 0.2, "csr", np.float32, random_state=rng)
    W.setdiag(0)
    W.eliminate_zeros()
    W.sort_indices()
    wide = sparse.csr_matrix((W.data, W.indices, W.indptr), shape=(300, 300))
    wide.resize((n_games, n_games))
    model = models.create("popularity")._hold(wide, np.zeros(n_games, np.float32))
    small = models.create("popularity")._hold(W, np.zeros(300, np.float32))
    for _ in range(20):
        history = rng.choice(300, 4, replace=False)
        one, other = model.recommend_one(history, k=30), small.recommend_one(history, k=30)
        assert np.array_equal(one[0], other[0]) and np.array_equal(one[1], other[1])
