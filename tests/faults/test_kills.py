"""kill -9 of runner, fork server and kernels: the long form is `make faults`."""

import random

import pytest
from fault_compare import differences, result
from fault_kills import disturb, draw, reading, usual_seconds
from fault_small import small_home

OTHER = ("-p", "simulate.SEED=7")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A project after one run."""
    home = small_home(tmp_path_factory.mktemp("kills") / "base")
    done = home.gamerec("run")
    assert done.code == 0, done.text
    return home


def test_a_run_killed_again_and_again_equals_an_undisturbed_one(base, tmp_path):
    calm = base.copy(tmp_path / "calm")
    assert calm.gamerec("run", *OTHER).code == 0
    calm_id = calm.records()[-1].run_id
    rng = random.Random(3)
    home = base.copy(tmp_path / "killed")
    with reading(home) as read:
        seen = disturb(home, draw(rng, 5), rng, usual_seconds(calm, calm_id), OTHER)
    assert len(seen.hits) >= 3, seen
    assert seen.faults == []
    assert read["faults"] == []
    assert min(read["reads"].values()) > 10
    assert differences(result(calm.folder, calm_id), result(home.folder, seen.run_id)) == []
