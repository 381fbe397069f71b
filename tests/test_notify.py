"""Word of a run's end: what it says, that it arrives, and that its failing changes nothing."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from typer.testing import CliRunner

from gamerec import notify
from gamerec.cli import app
from gamerec.pipeline.run import run_pipeline
from gamerec.redaction import Redactor
from gamerec.reports.record import RunRecord, StageRecord, write_record
from gamerec.schedule.state import Job
from gamerec.schedule.word import tell_job
from gamerec.settings import load_settings


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.messages.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver(monkeypatch):
    """A web hook; its address is NOTIFY_URLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.messages, server.status = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.address = f"json://127.0.0.1:{server.server_port}/canary-token"
    monkeypatch.setenv("NOTIFY_URLS", server.address)
    yield server
    server.shutdown()
    server.server_close()


def make_record(home, run_id="20261122-030000-000", status="done", ndcg=0.4, **fields):
    evaluate = StageRecord("done", 2.0, "model_v2 promoted", {"ndcg@10": ndcg, "gini@10": 0.3})
    gate = {"promote": status == "done", "reason": "better than popularity"}
    record = RunRecord(run_id, status, stages={"evaluate": evaluate}, gate=gate, seconds=41.2)
    for name, value in fields.items():
        setattr(record, name, value)
    write_record(home / "reports" / run_id, record, Redactor([]))
    return record


def test_the_word_has_status_metrics_against_the_last_run_verdict_and_link(home, monkeypatch):
    monkeypatch.setenv("REPORTS_URL", "https://ci.example/reports/")
    make_record(home, "20261120-030000-000", ndcg=0.31)
    make_record(home, "20261121-030000-000", "failed", ndcg=0.99)  # not complete: no measure
    record = make_record(home)
    word = notify.word_of(record, load_settings())
    assert (word.kind, word.title) == ("success", "gamerec: run 20261122-030000-000 done")
    assert "NDCG@10 0.400 (+0.090), against run 20261120-030000-000" in word.body
    assert "gini" not in word.body
    assert "Gate: promoted, better than popularity" in word.body
    assert "https://ci.example/reports/20261122-030000-000/index.html" in word.body


def test_the_word_of_a_failure_says_where_and_how_to_go_on(home):
    error = {"stage": "train", "kind": "StageFailed", "message": "MemoryError"}
    resume = "gamerec run --resume 20261122-030000-000"
    record = make_record(home, status="failed", error=error, resume=resume, gate=None)
    word = notify.word_of(record, load_settings())
    assert word.kind == "failure"
    assert "train: MemoryError" in word.body
    assert resume in word.body
    assert str(home / "reports") in word.body


def test_a_run_sends_word_when_it_ends(home, receiver):
    run_pipeline_of_one_empty_stage(home)
    [(path, message)] = receiver.messages
    assert path == "/canary-token"
    assert message["type"] == "success"
    assert message["title"].endswith(" done")


def run_pipeline_of_one_empty_stage(home):
    """A run whose stages are all kept: no kernel is needed for what is looked at here."""
    import nbformat

    from gamerec.pipeline.plan import Request
    from gamerec.runs import STAGES, notebook_name, open_run

    (home / "notebooks").mkdir()
    for stage in STAGES:
        cell = nbformat.v4.new_code_cell('RUN_ID: str = ""', metadata={"tags": ["parameters"]})
        path = home / "notebooks" / f"{notebook_name(stage)}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    run = open_run("20261122-030000-000", settings=load_settings())
    for stage in STAGES:
        run.done(stage, made="made before")
    make_record(home, stages={}, gate=None)
    run_pipeline(Request(resume=run.id), settings=load_settings())


@pytest.mark.parametrize(
    ("wanted", "status", "messages"),
    [
        ("always", "done", 1),
        ("always", "failed", 1),
        ("failure", "done", 0),
        ("failure", "refused", 1),
        ("failure", "failed", 1),
        ("success", "done", 1),
        ("success", "refused", 0),
        ("success", "failed", 0),
    ],
)
def test_only_what_is_wanted_is_sent(home, receiver, monkeypatch, wanted, status, messages):
    monkeypatch.setenv("NOTIFY_ON", wanted)
    assert notify.tell_run(make_record(home, status=status), load_settings()) == []
    assert len(receiver.messages) == messages


@pytest.mark.parametrize("fault", ["refused", "nobody", "not understood"])
def test_a_word_that_cannot_be_sent_is_logged_without_its_address(
    home, receiver, monkeypatch, caplog, fault
):
    receiver.status = 403
    other = {
        "refused": receiver.address,
        "nobody": "json://user:canary-pass@127.0.0.1:1/canary-token",
        "not understood": "nonsense://canary-token",
    }
    monkeypatch.setenv("NOTIFY_URLS", other[fault])
    [said] = notify.tell_run(make_record(home), load_settings())
    assert "notification not sent" in caplog.text
    assert "canary" not in said + caplog.text


def test_one_address_that_fails_keeps_no_other_from_its_word(home, receiver, monkeypatch):
    monkeypatch.setenv("NOTIFY_URLS", f"json://127.0.0.1:1/x, {receiver.address}")
    assert len(notify.tell_run(make_record(home), load_settings())) == 1
    assert len(receiver.messages) == 1


def test_a_server_that_never_answers_holds_nobody_up(home, monkeypatch):
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"json://127.0.0.1:{silent.getsockname()[1]}/x?rto=60&cto=60"
        monkeypatch.setenv("NOTIFY_URLS", url)
        monkeypatch.setenv("NOTIFY_TIMEOUT", "0.5")
        [said] = notify.tell_run(make_record(home), load_settings())
    assert said == "json: no answer within 0.5 s"


def test_no_secret_is_sent(home, receiver, monkeypatch):
    monkeypatch.setenv("RAWG_API_KEY", "canary-rawg-key")
    error = {"stage": "crawl", "kind": "X", "message": "GET /games?key=canary-rawg-key"}
    record = make_record(home, status="failed", error=error)
    notify.tell_run(record, load_settings())
    assert "canary" not in json.dumps(receiver.messages[0][1])
    assert "crawl: GET /games?key=***" in receiver.messages[0][1]["message"]


def test_the_scheduler_tells_what_a_killed_run_cannot(home, receiver):
    record = make_record(home, status="running", gate=None)
    job = Job("2026-11-22T03:00:00+00:00", "killed", run_id=record.run_id, attempts=3)
    job.message = "the run's process was killed by SIGKILL"
    tell_job(job, load_settings())
    tell_job(Job(job.planned, "failed", attempts=1, message="no notebooks"), load_settings())
    tell_job(Job(job.planned, "missed"), load_settings())
    first, second = (message for _, message in receiver.messages)
    assert (first["type"], first["title"]) == ("failure", f"gamerec: run {record.run_id} killed")
    assert "after 3 attempts: the run's process was killed by SIGKILL" in first["message"]
    assert "no notebooks" in second["message"]


def test_the_command_sends_again_and_tests(home, receiver):
    record = make_record(home)
    runner = CliRunner()
    assert runner.invoke(app, ["notify"]).exit_code == 0
    assert runner.invoke(app, ["notify", "--test"]).exit_code == 0
    assert record.run_id in receiver.messages[0][1]["title"]
    receiver.status = 500
    done = runner.invoke(app, ["notify", record.run_id])
    assert done.exit_code == 7
    assert "canary" not in done.output


def test_the_command_without_addresses_says_what_to_set(home):
    done = CliRunner().invoke(app, ["notify"])
    assert done.exit_code == 2
    assert "NOTIFY_URLS" in done.output
