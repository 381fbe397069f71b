"""Which stages run: pure decisions, on runs that exist only as marks."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamerec.errors import UsageError
from gamerec.parameters import Parameter
from gamerec.pipeline.plan import Request, depends, find_run, make_plan, select
from gamerec.reports.record import RunRecord
from gamerec.runs import STAGES, Run
from gamerec.storage import MemoryStore

KNOWN = {stage: {} for stage in STAGES} | {
    "train": {"EPOCHS": Parameter("train", "EPOCHS", "int", 10)}
}
MAIN_LINE = [stage for stage in STAGES if stage != "eda"]


def plan(request, finished=(), recorded=None):
    run = SimpleNamespace(
        id="r", mark=lambda s: {"made": "", "metrics": {}} if s in finished else None
    )
    before = RunRecord("r", parameters=recorded or {})
    return make_plan(request, run, not finished, before, KNOWN)


def test_the_selection_is_in_the_order_of_the_stages():
    assert select(Request()) == STAGES
    assert select(Request(first="train")) == ("train", "evaluate", "batch_score")
    assert select(Request(last="eda")) == ("crawl", "eda")
    assert select(Request(only=("train", "eda"))) == ("eda", "train")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (Request(first="train", last="eda"), "comes after"),
        (Request(only=("eda",), first="eda"), "--only goes with neither"),
        (Request(only=("evalute",)), "did you mean evaluate"),
        (Request(last="batch-score"), "did you mean batch_score"),
    ],
)
def test_a_contradiction_or_an_unknown_stage_is_refused(request_, message):
    with pytest.raises(UsageError, match=message):
        select(request_)


def test_only_a_selection_that_begins_with_crawl_makes_a_new_run():
    store = MemoryStore()
    assert find_run(Request(), STAGES, store)[1]
    with pytest.raises(UsageError, match="no run yet"):
        find_run(Request(first="train"), ("train",), store)
    for run_id in ("20260101-000000-000", "20260102-000000-000"):
        Run(run_id, store).write_json("source", {})
    run, new = find_run(Request(first="train"), ("train",), store)
    assert (run.id, new) == ("20260102-000000-000", False)
    run, new = find_run(Request(resume="20260101-000000-000"), STAGES, store)
    assert (run.id, new) == ("20260101-000000-000", False)
    killed_early = "20260103-000000-000"
    early, new = find_run(Request(resume=killed_early), STAGES, store, [killed_early])
    assert (early.id, new) == ("20260103-000000-000", False)
    with pytest.raises(UsageError, match="did you mean 20260101-000000-000"):
        find_run(Request(resume="20260101-00000-000"), STAGES, store)


def test_eda_outdates_nothing_and_is_outdated_by_crawl_alone():
    assert depends("train", "crawl")
    assert not depends("crawl", "train")
    assert depends("eda", "crawl")
    assert not depends("eda", "preprocess")
    assert not depends("preprocess", "eda")


def test_finished_stages_are_kept_unless_something_before_them_is_run():
    assert plan(Request(resume="r"), finished=STAGES).todo == ()
    assert plan(Request(resume="r"), finished=STAGES[:4]).todo == STAGES[4:]
    without_simulate = [stage for stage in STAGES if stage != "simulate"]
    assert plan(Request(resume="r"), without_simulate).todo == STAGES[3:]
    without_eda = [stage for stage in STAGES if stage != "eda"]
    assert plan(Request(resume="r"), without_eda).todo == ("eda",)


def test_only_runs_finished_stages_again_and_marks_the_later_ones_as_outdated():
    found = plan(Request(resume="r", only=("train",)), finished=STAGES)
    assert (found.todo, found.stale) == (("train",), ("evaluate", "batch_score"))


def test_a_parameter_equal_to_the_default_or_to_the_recorded_one_changes_nothing():
    equal = Request(resume="r", parameters={"train": {"EPOCHS": 10}})
    assert plan(equal, finished=STAGES).todo == ()
    assert plan(equal, finished=STAGES, recorded={"train": {"EPOCHS": 4}}).todo == STAGES[4:]


def test_a_parameter_of_a_stage_that_is_not_selected_is_refused():
    with pytest.raises(UsageError, match="train has parameters, but is not among"):
        plan(Request(last="eda", parameters={"train": {"EPOCHS": 3}}))


def test_a_recorded_parameter_that_the_notebook_has_no_more_is_refused():
    with pytest.raises(UsageError, match="unknown parameter train.EPOCH; did you mean"):
        plan(Request(resume="r"), finished=STAGES[:2], recorded={"train": {"EPOCH": 3}})


@given(st.sets(st.sampled_from(STAGES), min_size=1))
def test_after_any_resumption_nothing_finished_is_older_than_what_it_depends_on(finished):
    found = plan(Request(resume="r"), finished=tuple(finished))
    for stage in found.kept:
        assert not any(depends(stage, earlier) for earlier in found.todo)
    assert set(found.todo) | set(found.kept) == set(STAGES)
