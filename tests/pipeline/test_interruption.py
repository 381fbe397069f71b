"""Runs cut short by signals, and two at once: `gamerec run` in processes of its own."""

import json
import os
import signal
import time

import psutil
import pytest
from small_project import wait_until

# The cell tells that it is running, and waits for its end.
HANG = "import os, pathlib, time\npathlib.Path({!r}).write_text(str(os.getpid()))\ntime.sleep(60)"


@pytest.fixture(autouse=True)
def signals_of_a_terminal():
    """No signal ignored: a shell's background job or nohup would hand that down to the runs."""
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGHUP)}
    for signum, handler in before.items():
        if handler is signal.SIG_IGN:
            signal.signal(signum, signal.SIG_DFL)
    yield
    for signum, handler in before.items():
        signal.signal(signum, handler)


@pytest.fixture
def hanging(project):
    """A project whose stage preprocess does not end by itself."""
    project.log_executions()
    project.good = (project.home / "notebooks" / "03_preprocess.ipynb").read_text()
    project.flag = project.home / "kernel_pid"
    project.notebook("preprocess", HANG.format(str(project.flag)))
    return project


def repair(project):
    (project.home / "notebooks" / "03_preprocess.ipynb").write_text(project.good)


def begin(project, *arguments, **env):
    """Start a run and wait until its third stage hangs; the process and the kernel's pid."""
    runner = project.start("run", *arguments, **env)
    wait_until(lambda: (project.flag.exists() and project.flag.read_text()) or runner.poll())
    assert runner.poll() is None, runner.communicate()
    return runner, int(project.flag.read_text())


def wait_for_eda(project):
    """It runs beside, and may be on its way yet when preprocess hangs."""
    wait_until(lambda: list((project.home / "store" / "runs").glob("*/stages/eda.json")))


def is_alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_in_order_and_resume_goes_on_from_there(hanging, signum):
    runner, kernel = begin(hanging)
    wait_for_eda(hanging)
    runner.send_signal(signum)
    out, err = runner.communicate(timeout=120)
    assert runner.returncode == 130
    [record] = hanging.records()
    assert (record.status, record.exit_code) == ("interrupted", 130)
    assert record.stages["preprocess"].status == "interrupted"
    assert f"gamerec run --resume {record.run_id}" in out
    assert err.splitlines() == [
        f"gamerec: stopped by {'Ctrl-C' if signum == signal.SIGINT else signum.name}"
    ]
    wait_until(lambda: not is_alive(kernel))
    folder = hanging.home / "reports" / record.run_id
    assert json.loads((folder / "03_preprocess.ipynb").read_text())["cells"]
    assert (folder / "03_preprocess.html").exists()
    repair(hanging)
    assert hanging.run(resume=record.run_id).status == "done"
    assert [hanging.executions(stage) for stage in ("crawl", "eda", "train")] == [1, 1, 1]


def test_after_a_kill_no_kernel_stays_the_lock_is_free_and_resume_works(hanging):
    runner, kernel = begin(hanging)
    wait_for_eda(hanging)
    family = psutil.Process(runner.pid).children(recursive=True)
    assert kernel in [process.pid for process in family]
    runner.kill()
    runner.communicate()
    wait_until(lambda: not any(is_alive(process.pid) for process in family), seconds=60)
    [record] = hanging.records()
    assert record.status == "running"  # nobody was there to write anything else
    repair(hanging)
    again = hanging.run(resume=record.run_id)
    assert (again.run_id, again.status) == (record.run_id, "done")
    assert [hanging.executions(stage) for stage in ("crawl", "eda", "train")] == [1, 1, 1]


def test_a_killed_run_is_shown_as_interrupted_by_the_next_one(hanging):
    runner, _ = begin(hanging)
    runner.kill()
    runner.communicate()
    repair(hanging)
    hanging.run(last="crawl")
    killed, new = hanging.records()
    assert (killed.status, new.status) == ("interrupted", "done")
    assert killed.stages["preprocess"].status == "interrupted"
    assert killed.resume == f"gamerec run --resume {killed.run_id}"
    assert "interrupted" in (hanging.home / "reports" / "index.html").read_text()


def test_a_second_run_leaves_with_a_clear_message_and_changes_nothing(hanging):
    runner, _ = begin(hanging)
    second = hanging.start("run")
    out, err = second.communicate(timeout=120)
    [record] = hanging.records()
    assert second.returncode == 6
    assert f"run {record.run_id}" in err
    assert "is still running" in err
    assert "LOCK_TIMEOUT" in err
    assert out == ""
    runner.kill()
    runner.communicate()


def test_a_second_run_waits_where_it_is_told_to(hanging):
    runner, _ = begin(hanging)
    repair(hanging)
    second = hanging.start("run", "--until", "crawl", LOCK_TIMEOUT="30")
    assert "is still running; waiting up to 30 s" in second.stdout.readline()
    time.sleep(0.3)
    assert second.poll() is None
    runner.terminate()
    runner.communicate(timeout=120)
    out, _ = second.communicate(timeout=120)
    assert second.returncode == 0, out
    assert [record.status for record in hanging.records()] == ["interrupted", "done"]


def test_a_kernel_killed_from_outside_fails_its_stage_and_not_the_runner(hanging):
    runner, kernel = begin(hanging)
    os.kill(kernel, signal.SIGKILL)
    _, err = runner.communicate(timeout=120)
    assert runner.returncode == 5
    assert "kernel died" in err
    assert hanging.records()[0].status == "failed"


def test_a_kernel_server_killed_from_outside_fails_the_stage_too(hanging):
    runner, kernel = begin(hanging)
    server = psutil.Process(kernel).parent()
    server.kill()
    _, err = runner.communicate(timeout=120)
    assert runner.returncode == 5
    assert "died" in err
    wait_until(lambda: not is_alive(kernel))


def test_a_run_under_nohup_outlives_its_terminal(hanging):
    repair(hanging)
    hanging.notebook("eda", HANG.format(str(hanging.flag)).replace("60", "3"))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # inherited, as from nohup
    try:
        runner, _ = begin(hanging, "--until", "eda")
    finally:
        signal.signal(signal.SIGHUP, before)
    runner.send_signal(signal.SIGHUP)
    runner.communicate(timeout=120)
    assert runner.returncode == 0


def test_a_folder_that_cannot_be_written_to_is_told_without_a_traceback(project):
    (project.home / "reports").write_text("a file where the folder should be")
    runner = project.start("run")
    _, err = runner.communicate(timeout=60)
    assert runner.returncode == 7
    assert err.startswith("gamerec: cannot write") and "Traceback" not in err
