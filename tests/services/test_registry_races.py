"""Two trainings and two promotions at the same time, on both kinds of store."""

from itertools import pairwise
from multiprocessing import get_context

import numpy as np
from scipy import sparse

from gamerec import models
from gamerec.registry import Registry
from gamerec.storage import open_store

FORK = get_context("fork")  # a spawned process would import for seconds
GAME_IDS = np.arange(3)


def train(uri, settings, model, run, barrier, names):
    """What a training does at its end, three times, all at the same moment as the other one."""
    registry = Registry(open_store(uri, settings))
    for turn in range(3):
        barrier.wait(60)
        name = registry.register(model, run_id=f"{run}-{turn}", game_ids=GAME_IDS)
        registry.promote(name, by=run, why="race")
        names.put((run, turn, name))


def test_two_processes_at_once_get_their_own_numbers_and_one_history(shared_store):
    uri, settings = shared_store
    model = models.create("popularity").fit(sparse.eye_array(3, format="csr", dtype=np.float32))
    barrier, names = FORK.Barrier(2), FORK.Queue()
    trainers = [
        FORK.Process(target=train, args=(uri, settings, model, run, barrier, names))
        for run in ("left", "right")
    ]
    for trainer in trainers:
        trainer.start()
    given = [names.get(timeout=60) for _ in range(6)]
    for trainer in trainers:
        trainer.join(60)
    assert [trainer.exitcode for trainer in trainers] == [0, 0]

    registry = Registry(open_store(uri, settings))
    assert sorted(name for _, _, name in given) == [f"model_v{n}" for n in range(1, 7)]
    assert registry.versions() == [f"model_v{n}" for n in range(1, 7)]
    for run, turn, name in given:
        assert registry.info(name)["run_id"] == f"{run}-{turn}"
    moves = registry.log()
    assert len(moves) == 6
    assert all(new["from"] == old["to"] for old, new in pairwise(moves))
    assert registry.channel("production") == moves[-1]["to"]
    assert registry.channel("previous") == moves[-1]["from"]
    assert isinstance(registry.load(), models.ItemModel)
