"""Full disks, read-only folders, a clock set back, two at once, damaged files: small and quick.

`make faults` does the same to the real notebooks, more often.
"""

import pytest
from fault_bench import refused, unchanged
from fault_compare import differences, result, served
from fault_home import Skipped, ended
from fault_small import small_home
from part_clock import set_back
from part_disk import begun, filled, small_disk, write_protected

OTHER = ("-p", "simulate.SEED=7")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A project after one run."""
    home = small_home(tmp_path_factory.mktemp("faults") / "base")
    done = home.gamerec("run")
    assert done.code == 0, done.text
    return home


@pytest.fixture(scope="module")
def expected(base, tmp_path_factory):
    """What a second run makes of it, undisturbed."""
    home = base.copy(tmp_path_factory.mktemp("faults") / "calm")
    assert home.gamerec("run", *OTHER).code == 0
    return result(home.folder, home.records()[-1].run_id)


def goes_on(home, done):
    """Go on with a run that was cut short, or begin one where it never got so far."""
    known = {record.run_id for record in home.records()}
    again = home.gamerec("run", *(["--resume", begun(done)] if begun(done) in known else OTHER))
    assert again.code == 0, again.text
    return result(home.folder, home.records()[-1].run_id)


def test_a_full_disk_ends_the_run_plainly_and_room_lets_it_go_on(base, expected, tmp_path):
    try:
        with small_disk(tmp_path / "disk") as disk:
            home = base.copy(disk / "home")
            before = served(home.folder)
            with filled(disk, room=120):  # KB
                done = home.gamerec("run", *OTHER)
            assert refused(done, (7,), "No space left on device") == []
            assert unchanged(home, before) == []
            assert differences(expected, goes_on(home, done)) == []
    except Skipped as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("part", [".", "store"])
def test_what_cannot_be_written_to_ends_the_run_plainly(base, tmp_path, part):
    home = base.copy(tmp_path / "mine")
    before = served(home.folder)
    try:
        with write_protected(home.folder / part):
            done = home.gamerec("run", *OTHER)
    except Skipped as reason:
        pytest.skip(str(reason))
    assert refused(done, (7,), "Read-only") == []
    assert unchanged(home, before) == []


def test_a_run_begun_under_a_clock_set_back_is_the_newest_all_the_same(base, tmp_path):
    try:
        env = set_back(tmp_path)
    except Skipped as reason:
        pytest.skip(str(reason))
    home = base.copy(tmp_path / "mine")
    first = home.records()[-1].run_id
    done = home.gamerec("run", "--until", "crawl", **env)
    assert done.code == 0, done.text
    second = home.records()[-1].run_id
    assert second > first and f"run {second}" in done.out


def test_two_begun_in_one_moment_never_mix(base, expected, tmp_path):
    home = base.copy(tmp_path / "mine")
    both = [ended(process) for process in [home.start("run", *OTHER), home.start("run", *OTHER)]]
    assert sorted(done.code for done in both) == [0, 6], [done.text for done in both]
    assert len(home.records()) == 2
    assert differences(expected, result(home.folder, home.records()[-1].run_id)) == []


def test_an_artifact_cut_short_is_named_and_made_again(base, tmp_path):
    home = base.copy(tmp_path / "mine")
    run_id, before = base.records()[-1].run_id, served(home.folder)
    path = home.folder / "store" / "runs" / run_id / "items.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    done = home.gamerec("run", "--only", "batch_score")
    assert refused(done, (3,), "items.parquet") == []
    assert unchanged(home, before) == []


def test_a_damaged_model_is_refused_and_the_batch_in_force_stays(base, tmp_path):
    home = base.copy(tmp_path / "mine")
    before = served(home.folder)
    path = home.folder / "store" / "models" / "model_v1" / "files" / "weights.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    done = home.gamerec("run", "--only", "batch_score")
    path.write_bytes(whole)
    assert refused(done, (3,), "model_v1 is damaged", "weights.npy") == []
    assert unchanged(home, before) == []
