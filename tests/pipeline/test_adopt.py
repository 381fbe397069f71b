"""The report of a run whose notebooks somebody else executed."""

import json

import nbformat
import pytest
from small_project import Project

from gamerec.errors import DataError
from gamerec.parameters import RUN_ID
from gamerec.pipeline.adopt import adopt
from gamerec.reports.record import read_record
from gamerec.runs import STAGES, notebook_name

ID = "20261122-030000-000"


@pytest.fixture
def project(home):
    return Project(home)


def execute(project, stage, *, error=None, text="hello", **parameters):
    """Leave a stage as Papermill would: its executed notebook, and its mark unless it failed."""
    path = project.home / "notebooks" / f"{notebook_name(stage)}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    begun = f"2026-11-22T03:00:0{STAGES.index(stage)}+00:00"
    notebook.metadata.papermill = {
        "start_time": begun,
        "duration": 1.5,
        "parameters": {RUN_ID: ID, **parameters},
    }
    cell = notebook.cells[-1]
    cell.metadata.jupyter = {"source_hidden": True}
    cell.outputs = [nbformat.v4.new_output("stream", text=text)]
    if error:
        name, message = error
        cell.outputs.append(
            nbformat.v4.new_output("error", ename=name, evalue=message, traceback=[message])
        )
    else:
        project.artifacts(ID).done(stage, made=f"{stage} made it", figure=1.0)
    folder = project.home / "reports" / ID
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / path.name)


def execute_all(project, *, promote=True):
    for stage in STAGES:
        execute(project, stage)
    run = project.artifacts(ID)
    run.write_json("verdict", {"promote": promote, "reason": "as measured"})


def test_complete_run_gets_record_pages_and_index(project):
    execute_all(project)
    record = adopt(ID)
    folder = project.home / "reports" / ID
    assert read_record(folder) == record
    assert (record.status, record.exit_code) == ("done", 0)
    assert record.started == "2026-11-22T03:00:00+00:00"
    assert record.seconds == 1.5 * len(STAGES)
    assert {s: r.made for s, r in record.stages.items()} == {s: f"{s} made it" for s in STAGES}
    for stage in STAGES:
        assert "hello" in (folder / f"{notebook_name(stage)}.html").read_text()
    assert ID in (project.home / "reports" / "index.html").read_text()
    assert "train made it" in (folder / "index.html").read_text()


def test_parameters_are_those_that_were_given(project):
    for stage in STAGES:
        execute(project, stage, **({"EPOCHS": 3} if stage == "train" else {}))
    assert adopt(ID).parameters == {"train": {"EPOCHS": 3}}


def test_refused_candidate_is_a_refused_run(project):
    execute_all(project, promote=False)
    record = adopt(ID)
    assert (record.status, record.exit_code) == ("refused", 4)
    assert record.gate == {"promote": False, "reason": "as measured"}


def test_failed_stage_gives_its_error_and_how_to_go_on(project):
    execute(project, "crawl", error=("DataError", "no column name"))
    record = adopt(ID)
    assert (record.status, record.exit_code) == ("failed", DataError.exit_code)
    assert record.error == {"stage": "crawl", "kind": "DataError", "message": "no column name"}
    assert record.resume == f"gamerec run --resume {ID}"
    assert record.stages["train"].status == "waiting"


def test_adopted_run_can_be_gone_on_with(project):
    execute(project, "crawl")
    execute(project, "eda", error=("ValueError", "broken"))
    adopt(ID)
    record = project.run(resume=ID)
    assert record.status == "done"
    assert record.stages["crawl"].made == "crawl made it"


def test_secret_in_an_output_is_taken_out_of_notebook_and_page(project, monkeypatch):
    monkeypatch.setenv("RAWG_API_KEY", "canary-rawg-key")
    execute(project, "crawl", text="the key is canary-rawg-key")
    adopt(ID)
    folder = project.home / "reports" / ID
    for path in folder.iterdir():
        assert "canary" not in path.read_text(), path
    assert "the key is ***" in (folder / "01_crawl.html").read_text()


def test_code_that_papermill_hid_can_be_seen_again(project):
    execute(project, "crawl")
    adopt(ID)
    notebook = json.loads((project.home / "reports" / ID / "01_crawl.ipynb").read_text())
    assert not any(cell["metadata"].get("jupyter") for cell in notebook["cells"])


def test_adopting_again_changes_nothing(project):
    execute_all(project)
    first = adopt(ID)
    first.ended = None
    again = adopt(ID)
    again.ended = None
    assert again == first


def test_run_that_does_not_exist_is_said_so(project):
    with pytest.raises(DataError, match="there is no run 20261122-030000-000"):
        adopt(ID)
