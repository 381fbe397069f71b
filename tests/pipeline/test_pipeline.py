"""The pipeline on small notebooks: what is run, kept, recorded and refused."""

import json
import os
import signal

import nbformat
import pytest
from small_project import Project

from gamerec.errors import DataError, GateRefused, ServiceError, StageFailed, UsageError
from gamerec.registry import Registry
from gamerec.runs import STAGES, Run, notebook_name, run_ids
from gamerec.settings import load_settings
from gamerec.storage import open_store


def test_all_stages_run_in_a_new_run_and_the_end_says_where_everything_is(project):
    record = project.run(parameters={"crawl": {"N_GAMES": 7}})
    assert (record.status, record.exit_code, list(record.stages)) == ("done", 0, list(STAGES))
    assert {stage.status for stage in record.stages.values()} == {"done"}
    assert project.artifacts(record.run_id).read_json("raw_games") == {"n": 7}
    lines = project.printed.splitlines()
    assert lines[0] == f"run {record.run_id}"
    order = [line.split()[1] for line in lines[1:8]]
    assert sorted(order) == sorted(STAGES)
    assert [stage for stage in order if stage != "eda"] == [s for s in STAGES if s != "eda"]
    assert "train made it" in project.printed
    report = project.home / "reports" / record.run_id / "index.html"
    assert f"report           {report}" in project.printed
    assert "store/models/model_v1" in project.printed
    assert report.exists()
    for stage in STAGES:
        for suffix in ("ipynb", "html"):
            assert (report.parent / f"{notebook_name(stage)}.{suffix}").exists()


def test_run_json_tells_how_the_run_was_made(project):
    record = project.run(parameters={"train": {"RATE": 0.25}})
    plain = json.loads((project.home / "reports" / record.run_id / "run.json").read_text())
    assert plain["parameters"] == {"train": {"RATE": 0.25}}
    assert plain["status"] == "done"
    assert plain["code_commit"]
    assert plain["versions"]["python"]
    assert plain["gate"] == {"promote": True, "reason": "better"}
    assert plain["seconds"] >= max(stage["seconds"] for stage in plain["stages"].values()) > 0


def test_the_tables_that_came_in_are_hashed(project):
    project.notebook(
        "crawl",
        "import pandas as pd\nrun.write_table('raw_games', pd.DataFrame({'game_id': [1, 2]}))",
    )
    record = project.run(last="crawl")
    assert len(record.data["raw_games"]) == 64


def test_each_notebook_has_a_clean_kernel_in_the_project_folder(project):
    project.notebook("crawl", "import sys\nleft_over = sys.left_over = 1")
    project.notebook(
        "eda",
        "import os, sys\n"
        "assert 'left_over' not in globals() and not hasattr(sys, 'left_over')\n"
        f"assert os.getcwd() == os.environ['GAMEREC_HOME'] == {str(project.home)!r}",
    )
    assert project.run(last="eda").status == "done"


def test_a_failing_stage_leaves_notebook_report_record_and_the_command_to_go_on(project):
    project.notebook("train", "weights = {}\nweights['missing']")
    with pytest.raises(StageFailed, match="KeyError") as error:
        project.run()
    [record] = project.records()
    folder = project.home / "reports" / record.run_id
    assert (record.status, record.exit_code) == ("failed", 5)
    assert record.error["stage"] == "train"
    assert "KeyError: 'missing'" in record.error["message"]
    assert "weights['missing']" in str(error.value)  # the end of the traceback is on the console
    assert record.stages["simulate"].status == "done"
    assert record.stages["train"].status == "failed"
    assert record.stages["evaluate"].status == "waiting"
    outputs = [
        output
        for cell in nbformat.read(folder / "05_train.ipynb", 4).cells
        for output in cell.get("outputs", [])
    ]
    assert outputs[-1].ename == "KeyError"
    assert "KeyError" in (folder / "05_train.html").read_text()
    assert not (folder / "06_evaluate.html").exists()
    assert f"gamerec run --resume {record.run_id}" in project.printed
    assert f"gamerec run --resume {record.run_id}" in (folder / "index.html").read_text()
    assert "failed" in (project.home / "reports" / "index.html").read_text()


@pytest.mark.parametrize(
    ("statement", "kind", "code"),
    [
        ("from gamerec.errors import DataError as E; raise E('row 3')", DataError, 3),
        ("from gamerec.errors import UsageError as E; raise E('row 3')", UsageError, 2),
        ("from gamerec.rawg.client import KeyRefused as E; raise E('row 3')", ServiceError, 7),
        ("from gamerec.storage import MissingKey as E; raise E('row 3')", DataError, 3),
    ],
)
def test_an_error_of_ours_in_a_notebook_keeps_its_exit_code_and_its_plain_message(
    project, statement, kind, code
):
    project.notebook("crawl", statement)
    with pytest.raises(kind) as error:
        project.run(last="crawl")
    assert (str(error.value), error.value.exit_code) == ("row 3", code)
    assert project.records()[0].exit_code == code


def test_a_notebook_that_does_not_mark_its_stage_done_has_failed(project):
    project.notebook("eda", "pass", done=False)
    with pytest.raises(StageFailed, match=r"02_eda ended without calling run.done"):
        project.run()


def test_a_killed_kernel_is_told_from_an_error_and_ends_the_run_in_order(project):
    project.notebook("preprocess", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    with pytest.raises(StageFailed, match="kernel died"):
        project.run()
    [record] = project.records()
    assert (record.status, record.stages["preprocess"].status) == ("failed", "failed")
    assert (project.home / "reports" / record.run_id / "03_preprocess.html").exists()


def test_resume_runs_only_what_is_not_finished_with_the_same_parameters(project):
    project.log_executions()
    good = (project.home / "notebooks" / "05_train.ipynb").read_text()
    project.notebook("train", "raise ValueError")
    with pytest.raises(StageFailed):
        project.run(parameters={"crawl": {"N_GAMES": 9}, "train": {"EPOCHS": 3}})
    [failed] = project.records()
    (project.home / "notebooks" / "05_train.ipynb").write_text(good)
    record = project.run(resume=failed.run_id)
    assert (record.run_id, record.status, record.error) == (failed.run_id, "done", None)
    assert record.parameters == {"crawl": {"N_GAMES": 9}, "train": {"EPOCHS": 3}}
    assert [project.executions(stage) for stage in STAGES] == [1, 1, 1, 1, 1, 1, 1]
    assert record.stages["crawl"].seconds == failed.stages["crawl"].seconds
    assert "kept: crawl made it" in project.printed
    train = nbformat.read(project.home / "reports" / record.run_id / "05_train.ipynb", 4)
    assert train.metadata.papermill.parameters.EPOCHS == 3
    assert project.run(resume=record.run_id).status == "done"  # nothing is left to do
    assert project.executions("train") == 1


def test_a_run_that_failed_in_its_first_cell_can_be_resumed(project):
    good = (project.home / "notebooks" / "01_crawl.ipynb").read_text()
    project.notebook("crawl", "1 / 0")
    with pytest.raises(StageFailed):
        project.run(last="crawl", parameters={"crawl": {"N_GAMES": 3}})
    (project.home / "notebooks" / "01_crawl.ipynb").write_text(good)
    [failed] = project.records()
    record = project.run(resume=failed.run_id, last="crawl")
    assert (record.run_id, record.status) == (failed.run_id, "done")
    assert record.parameters == {"crawl": {"N_GAMES": 3}}


def test_a_changed_parameter_runs_its_stage_and_what_depends_on_it_again(project):
    project.log_executions()
    run_id = project.run(parameters={"train": {"EPOCHS": 3}}).run_id
    record = project.run(resume=run_id, parameters={"train": {"EPOCHS": 4, "RATE": 0.5}})
    assert [project.executions(stage) for stage in STAGES] == [1, 1, 1, 1, 2, 2, 2]
    assert record.parameters["train"] == {"EPOCHS": 4, "RATE": 0.5}
    project.run(resume=run_id, parameters={"train": {"EPOCHS": 4}})
    assert project.executions("train") == 2


def test_from_works_in_the_newest_run_and_only_outdates_what_follows(project):
    project.log_executions()
    run_id = project.run().run_id
    assert project.run(first="evaluate").run_id == run_id
    assert [project.executions(stage) for stage in STAGES] == [1, 1, 1, 1, 1, 2, 2]
    record = project.run(only=("eda", "simulate"))
    assert [project.executions(stage) for stage in STAGES] == [1, 2, 1, 2, 1, 2, 2]
    assert {s for s, r in record.stages.items() if r.status == "waiting"} == {
        "train",
        "evaluate",
        "batch_score",
    }
    project.run(resume=run_id)
    assert [project.executions(stage) for stage in STAGES] == [1, 2, 1, 2, 2, 3, 3]


def refuse(project):
    project.notebook("evaluate", 'run.write_json("verdict", {"promote": False, "reason": "worse"})')


def test_a_refused_candidate_without_a_production_model_ends_the_run_with_the_reason(project):
    refuse(project)
    with pytest.raises(GateRefused, match="worse"):
        project.run()
    [record] = project.records()
    assert (record.status, record.exit_code) == ("refused", 4)
    assert record.stages["batch_score"].status == "skipped"
    assert "no production model" in record.stages["batch_score"].made
    assert "report  " in project.printed


def test_a_refused_candidate_leaves_the_recommendations_of_production_fresh(project, monkeypatch):
    monkeypatch.setattr(Registry, "channel", lambda self, name: "model_v1")
    refuse(project)
    with pytest.raises(GateRefused, match="worse"):
        project.run()
    assert project.records()[0].stages["batch_score"].status == "done"


def test_a_dry_run_checks_and_shows_everything_and_leaves_nothing(project):
    before = sorted(project.home.rglob("*"))
    assert project.run(dry_run=True, parameters={"train": {"EPOCHS": 3}}) is None
    assert sorted(project.home.rglob("*")) == before
    assert "would run with EPOCHS=3" in project.printed
    with pytest.raises(UsageError, match="--from train comes after --until crawl"):
        project.run(dry_run=True, first="train", last="crawl")


def test_a_play_log_is_handed_over_by_its_absolute_path(project, monkeypatch):
    (project.home / "plays.csv").write_text("user_id,game_id\n")
    monkeypatch.chdir(project.home)
    record = project.run(last="simulate", parameters={"simulate": {"INTERACTIONS": "plays.csv"}})
    assert record.parameters["simulate"]["INTERACTIONS"] == str(project.home / "plays.csv")


def test_a_play_log_that_is_not_there_is_bad_data_before_anything_runs(project):
    with pytest.raises(DataError, match=r"no file gone.csv"):
        project.run(parameters={"simulate": {"INTERACTIONS": "gone.csv"}})
    assert project.records() == []


def test_old_runs_are_pruned_but_for_those_that_something_live_came_from(project, monkeypatch):
    monkeypatch.setenv("KEEP_RUNS", "1")
    store = open_store(load_settings().store_uri)
    for day in range(1, 6):  # by hand, without a report
        Run(f"2020010{day}-000000-000", store).write_json("source", {})
    monkeypatch.setattr(Registry, "channels", lambda self: {"production": "model_v1"})
    monkeypatch.setattr(Registry, "info", lambda self, name: {"run_id": "20200102-000000-000"})
    store.write_json("batches/current.json", {"batch_id": "20200104-000000-000"})
    first = project.run(last="crawl").run_id
    kept = ["20200102-000000-000", "20200104-000000-000"]
    assert run_ids(store) == [*kept, first]
    second = project.run(last="crawl").run_id
    assert run_ids(store) == [*kept, second]
    assert [record.run_id for record in project.records()] == [second]
    assert f"pruned run {first}" in project.printed
    assert first not in (project.home / "reports" / "index.html").read_text()


def test_ordinary_kernels_do_the_same_where_forking_is_switched_off(project, monkeypatch):
    monkeypatch.setenv("FORK_KERNELS", "false")
    project.notebook("crawl", "print('TCP' in str(get_ipython().kernel.config))")
    record = project.run(last="crawl")
    assert record.status == "done"
    text = (project.home / "reports" / record.run_id / "01_crawl.ipynb").read_text()
    assert "encryption" not in text  # no warning of an unencrypted connection in the report


def test_a_kernel_that_is_interrupted_alone_fails_its_stage(project):
    project.notebook("crawl", f"import os\nos.kill(os.getpid(), {int(signal.SIGINT)})\nimport time")
    with pytest.raises(StageFailed, match="KeyboardInterrupt"):
        project.run(last="crawl")
    assert os.getpid()  # and not the runner


def test_a_failing_exploration_ends_the_run_after_the_stage_beside_it(project):
    project.notebook("eda", "raise ValueError('odd')")
    project.notebook("preprocess", "import time\ntime.sleep(2)")
    with pytest.raises(StageFailed, match="odd"):
        project.run()
    [record] = project.records()
    assert record.error["stage"] == "eda"
    found = {stage: r.status for stage, r in record.stages.items()}
    assert (found["eda"], found["preprocess"], found["simulate"]) == ("failed", "done", "waiting")


def test_a_failing_stage_cuts_the_exploration_short(project):
    project.notebook("eda", "import time\ntime.sleep(60)")
    project.notebook("simulate", "raise ValueError('odd')")
    with pytest.raises(StageFailed, match="odd"):
        project.run()
    [record] = project.records()
    assert record.error["stage"] == "simulate"
    found = {stage: r.status for stage, r in record.stages.items()}
    assert (found["eda"], found["simulate"], found["train"]) == ("interrupted", "failed", "waiting")
    project.notebook("eda", "pass")
    project.notebook("simulate", "pass")
    assert project.run(resume=record.run_id).status == "done"


def test_folders_and_values_may_hold_any_character(tmp_path, monkeypatch):
    home = tmp_path / "a {b} 게임 'c' \"d\" #e"
    home.mkdir()
    monkeypatch.setenv("GAMEREC_HOME", str(home))
    project = Project(home)
    (home / "놀이 {1}.csv").write_text("user_id,game_id\n")
    project.notebook("simulate", "assert open(INTERACTIONS).read()")
    path = str(home / "놀이 {1}.csv")
    record = project.run(last="simulate", parameters={"simulate": {"INTERACTIONS": path}})
    assert record.status == "done"


def test_nobody_reading_the_progress_does_not_end_the_run(project):
    runner = project.start("run", "--until", "eda")
    runner.stdout.close()
    runner.wait(timeout=60)
    assert project.records()[0].status == "done"


def test_a_damaged_record_is_told_and_never_taken_for_a_run_without_parameters(project):
    record = project.run(last="crawl", parameters={"crawl": {"N_GAMES": 5}})
    path = project.home / "reports" / record.run_id / "run.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(DataError, match="parameters of run .* are lost"):
        project.run(resume=record.run_id)
    path.unlink()
    again = project.run(resume=record.run_id, parameters={"crawl": {"N_GAMES": 5}})
    assert again.status == "done"
