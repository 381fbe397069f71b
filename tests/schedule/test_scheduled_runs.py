"""Schedulers and runs as processes: killed, stopped, started twice."""

import json
import os
import signal
import subprocess

import pytest
from small_project import wait_until

from gamerec.cli import app

EVERY_SECOND = "* * * * * *"
YEARLY = "@yearly"


def status(runner):
    done = runner.invoke(app, ["schedule", "status"])
    assert done.exit_code == 0
    return done.output


@pytest.fixture
def runner():
    from typer.testing import CliRunner

    return CliRunner()


def test_a_killed_run_is_tried_again_from_where_it_was(scheduled):
    scheduled.project.log_executions()
    scheduled.hold_in("preprocess")
    scheduler = scheduled.start("--cron", EVERY_SECOND, until="preprocess")
    os.kill(scheduled.until_hanging(), signal.SIGKILL)
    scheduled.hold.unlink()
    scheduled.until_ended(1)
    [job, *_] = scheduled.state().history
    assert (job.status, job.attempts, job.exit_code) == ("done", 2, 0)
    scheduler.terminate()
    scheduler.wait(60)
    records = scheduled.project.records()
    assert records[0].run_id == job.run_id
    assert scheduled.project.executions("crawl") <= len(records)  # once in each run


def test_a_run_killed_for_good_is_told_and_the_next_one_begins(scheduled, runner):
    scheduled.hold_in("crawl")
    scheduler = scheduled.start("--cron", EVERY_SECOND, SCHEDULE_ATTEMPTS="1")
    os.kill(scheduled.until_hanging(), signal.SIGKILL)
    scheduled.until_ended(1)
    killed = scheduled.state().history[0]
    wait_until(lambda: (job := scheduled.state().current) and job.run_id)
    shown = status(runner)
    scheduler.terminate()
    scheduler.wait(60)
    assert (killed.status, killed.exit_code) == ("killed", -9)
    assert "killed by SIGKILL" in shown
    assert "now        run" in shown


def test_sigterm_interrupts_the_run_and_the_next_scheduler_goes_on_with_it(scheduled, runner):
    scheduled.hold_in("crawl")
    scheduler = scheduled.start("--cron", EVERY_SECOND)
    scheduled.until_hanging()
    scheduler.terminate()
    assert scheduler.wait(60) == 0
    assert scheduled.state().history[-1].status == "stopped"
    assert "not running" in status(runner)
    scheduled.hold.unlink()
    again = scheduled.start("--cron", EVERY_SECOND)
    scheduled.until_ended(2)
    again.terminate()
    again.wait(60)
    stopped, resumed = scheduled.state().history[:2]
    assert (resumed.status, resumed.run_id) == ("done", stopped.run_id)


def test_a_killed_scheduler_finds_its_run_again_and_waits_for_it_where_it_is_told_to(scheduled):
    scheduled.hold_in("crawl")
    scheduler = scheduled.start("--cron", EVERY_SECOND)
    run = scheduled.until_hanging()
    scheduler.kill()
    scheduler.wait()
    again = scheduled.start("--cron", EVERY_SECOND, SCHEDULE_STOP="wait")
    wait_until(lambda: scheduled.state().pid == again.pid)
    assert scheduled.state().current.pid == run
    again.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        again.wait(1)
    scheduled.hold.unlink()
    assert again.wait(60) == 0
    [job] = scheduled.state().history
    assert (job.status, job.attempts) == ("done", 1)


def test_a_run_that_takes_too_long_is_ended(scheduled):
    scheduled.hold_in("crawl")
    scheduler = scheduled.start("--cron", EVERY_SECOND, SCHEDULE_LIMIT="4", SCHEDULE_ATTEMPTS="1")
    scheduled.until_ended(1)
    scheduler.terminate()
    scheduler.wait(60)
    [job, *_] = scheduled.state().history
    assert (job.status, job.exit_code) == ("timeout", 130)
    assert "SCHEDULE_LIMIT" in job.message


def test_what_trying_again_cannot_help_is_not_tried_again(scheduled):
    scheduled.project.notebook(
        "crawl", "from gamerec.errors import DataError\nraise DataError('bad row 7')"
    )
    scheduler = scheduled.start("--cron", EVERY_SECOND)
    scheduled.until_ended(1)
    scheduler.terminate()
    scheduler.wait(60)
    [job, *_] = scheduled.state().history
    assert (job.status, job.attempts, job.exit_code) == ("failed", 1, 3)
    assert "bad row 7" in job.message


def test_a_second_scheduler_leaves(scheduled, runner):
    first = scheduled.start("--cron", YEARLY)
    wait_until(lambda: scheduled.state().pid == first.pid)
    second = scheduled.start("--cron", YEARLY)
    out, _ = second.communicate(timeout=60)
    assert second.returncode == 6
    assert "gamerec schedule status" in out
    assert f"running, process {first.pid}" in status(runner)
    first.send_signal(signal.SIGINT)
    assert first.wait(30) == 0
    assert scheduled.state().pid is None


def test_wrong_options_are_refused_before_the_first_time_comes(scheduled, runner, capfd):
    refused = runner.invoke(app, ["schedule", "-p", "train.EPOCH=3"])
    assert refused.exit_code == 2
    assert "EPOCHS" in capfd.readouterr().err


def test_status_as_json_names_the_next_times(scheduled, runner, monkeypatch):
    monkeypatch.setenv("SCHEDULE_TZ", "Asia/Seoul")
    done = runner.invoke(app, ["schedule", "status", "--json"])
    shown = json.loads(done.output)
    assert (shown["scheduler"]["running"], shown["last"]) == (False, [])
    assert len(shown["next"]) == 3
    assert all(time.endswith("T03:00:00+09:00") for time in shown["next"])
