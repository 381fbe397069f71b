"""A run keeps artifacts by name and says which notebook makes what is missing."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from gamerec import runs
from gamerec.errors import DataError, UsageError


def test_ids_sort_by_time():
    earlier = runs.new_run_id(datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC))
    assert earlier == "20260102-030405-006"
    assert earlier < runs.new_run_id(datetime(2026, 1, 2, 3, 4, 5, 7000, tzinfo=UTC))


def test_without_an_id_the_newest_run_is_opened():
    for run_id in ("20260101-000000-000", "20260301-000000-000", "20260201-000000-000"):
        runs.open_run(run_id).write_json("source", {})
    assert runs.open_run().id == "20260301-000000-000"


def test_without_any_run_the_first_notebook_is_named():
    with pytest.raises(DataError, match="01_crawl"):
        runs.open_run()


@pytest.mark.parametrize("run_id", ["../up", "a/b", ".hidden", "x" * 101, "a b"])
def test_run_id_that_is_no_plain_name_is_refused(run_id):
    with pytest.raises(UsageError):
        runs.open_run(run_id)


def test_missing_artifact_names_its_notebook():
    with pytest.raises(DataError, match=r"no 'games' yet: run 03_preprocess.ipynb"):
        runs.open_run("r1").read_table("games")


def test_artifacts_come_back_as_they_went_in():
    run = runs.open_run("r1")
    frame = pd.DataFrame({"game_id": [2, 1], "name": ["é😀", "=1+1"]})
    run.write_table("games", frame)
    run.write_arrays("truth", {"factors": np.eye(2, dtype=np.float32)})
    run.write_json("source", {"source": "sample"})
    again = runs.open_run("r1")
    pd.testing.assert_frame_equal(again.read_table("games"), frame)
    assert again.read_arrays("truth")["factors"].dtype == np.float32
    assert again.read_json("source") == {"source": "sample"}
    assert again.has("games") and not again.has("items")


def test_stage_is_complete_only_between_done_and_reset():
    run = runs.open_run("r1")
    assert run.mark("train") is None
    run.done("train", made="model_v1", ndcg=0.5)
    assert run.mark("train")["made"] == "model_v1"
    assert run.mark("train")["metrics"] == {"ndcg": 0.5}
    run.reset("train")
    assert run.mark("train") is None


def test_every_artifact_is_made_by_a_stage():
    assert set(runs.MADE_BY.values()) <= set(runs.STAGES)
    assert runs.notebook_name("batch_score") == "07_batch_score"


def test_a_new_id_sorts_after_all_others_when_the_clock_goes_back():
    now = datetime(2026, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)
    known = ["20260102-030405-999", "20260101-000000-000", "by-hand", "99999999-999999-999"]
    assert runs.new_run_id(now, known) == "20260102-030406-000"
    assert runs.new_run_id(now, ["20260102-030405-006"]) == "20260102-030405-007"
    assert runs.new_run_id(now, known[1:]) == "20260102-030405-006"


def test_a_new_run_opened_by_hand_is_the_newest_whatever_the_clock_says():
    runs.open_run("20990101-000000-000").write_json("source", {})
    new = runs.open_run(new=True)
    new.write_json("source", {})
    assert runs.open_run().id == new.id == "20990101-000000-001"


@pytest.mark.parametrize("content", [b"", b'{"made": "mod', b"[]", b"\xff\xfe", b'{"made": 1}'])
def test_a_mark_that_cannot_be_read_is_none(content):
    run = runs.open_run("r1")
    run.done("train", made="model_v1")
    run.store.write("stages/train.json", content)
    assert run.mark("train") is None
