"""What the scheduler does at a time that has passed; the runs themselves take no time here."""

from datetime import UTC, datetime, timedelta

import pytest

from gamerec.redaction import Redactor
from gamerec.reports.record import RunRecord, write_record
from gamerec.schedule.attempts import Attempts
from gamerec.schedule.cron import Cron
from gamerec.schedule.scheduler import Scheduler
from gamerec.schedule.state import Job, folder, load_state
from gamerec.settings import load_settings

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(clock, monkeypatch):
    """Make schedulers whose runs take `clock.takes` and are listed in `make.runs`."""
    clock.takes = timedelta(0)

    def run(self, job):
        job.attempts, job.status, job.exit_code = 1, "done", 0
        make.runs.append(job.planned[:16])
        clock.now += clock.takes

    monkeypatch.setattr(Attempts, "run", run)

    def make(expression="0 * * * *"):
        scheduler = Scheduler(Cron(expression, "UTC"), load_settings(), clock=clock)
        scheduler._begin()
        return scheduler

    make.runs = []
    return make


def settle(scheduler):
    """Let the scheduler do all that is to be done now."""
    while scheduler.step():
        pass


def statuses():
    return [job.status for job in load_state(load_settings()).history]


def test_a_time_is_run_once_when_it_comes(make, clock):
    scheduler = make()
    settle(scheduler)
    assert make.runs == []
    clock.now += timedelta(hours=1, seconds=2)
    settle(scheduler)
    settle(scheduler)
    assert make.runs == ["2026-11-22T13:00"]


def test_missed_times_are_caught_up_by_one_run(make, clock):
    make()
    clock.now += timedelta(hours=5, minutes=30)
    settle(make())
    assert make.runs == ["2026-11-22T17:00"]


def test_missed_times_are_passed_over_where_that_is_wanted(make, clock, monkeypatch):
    monkeypatch.setenv("SCHEDULE_CATCH_UP", "false")
    scheduler = make()
    clock.now += timedelta(hours=5, minutes=30)  # a machine that slept
    settle(scheduler)
    assert (make.runs, statuses()) == ([], ["missed"])
    clock.now += timedelta(minutes=30, seconds=1)
    settle(scheduler)
    assert make.runs == ["2026-11-22T18:00"]


@pytest.mark.parametrize(
    ("overlap", "runs", "status"),
    [("skip", 1, ["done", "skipped"]), ("queue", 2, ["done", "done"])],
)
def test_times_that_come_during_a_run_are_skipped_or_one_is_queued(
    make, clock, monkeypatch, overlap, runs, status
):
    monkeypatch.setenv("SCHEDULE_OVERLAP", overlap)
    scheduler = make()
    clock.now += timedelta(hours=1)
    clock.takes = timedelta(hours=3, minutes=10)
    scheduler.step()
    clock.takes = timedelta(0)
    settle(scheduler)
    assert (len(make.runs), statuses()) == (runs, status)


def test_a_clock_that_is_set_back_repeats_no_run(make, clock):
    scheduler = make()
    clock.now += timedelta(hours=1, seconds=1)
    settle(scheduler)
    clock.now -= timedelta(minutes=30)
    settle(scheduler)
    clock.now += timedelta(minutes=40)  # past 13:00 again
    settle(make())  # also not after a restart
    assert make.runs == ["2026-11-22T13:00"]
    clock.now += timedelta(hours=1)
    settle(scheduler)
    assert make.runs == ["2026-11-22T13:00", "2026-11-22T14:00"]


def test_a_clock_that_was_years_ahead_stops_the_schedule_for_no_longer_than_it_was_wrong(
    make, clock
):
    clock.now += timedelta(days=4000)
    scheduler = make()
    clock.now += timedelta(hours=1)
    settle(scheduler)
    clock.now = NOON
    settle(scheduler)
    clock.now += timedelta(hours=1, seconds=1)
    settle(scheduler)
    assert make.runs[-1] == "2026-11-22T13:00"


def test_new_times_have_not_been_missed(make, clock):
    make("0 3 * * *")
    clock.now += timedelta(days=2, minutes=1)
    settle(make("0 * * * *"))
    assert make.runs == []


@pytest.mark.parametrize(
    ("left", "ended", "resumed"),
    [("running", "killed", True), ("failed", "failed", True), ("done", "done", False)],
)
def test_a_run_that_ended_while_nobody_was_up_is_entered_and_gone_on_with_where_that_helps(
    make, clock, left, ended, resumed
):
    settings, run_id = load_settings(), "20261122-110000-000"
    code = {"running": None, "failed": 5, "done": 0}[left]
    write_record(settings.reports / run_id, RunRecord(run_id, left, exit_code=code), Redactor([]))
    scheduler = make()
    scheduler.state.current = Job((NOON - timedelta(hours=1)).isoformat(), run_id=run_id, pid=None)
    scheduler._save()
    assert make().state.current is None
    assert statuses() == [ended] + ["done"] * resumed
    assert make.runs == ["2026-11-22T11:00"] * resumed


def test_a_state_that_cannot_be_read_is_set_aside(make, clock):
    make()
    path = folder(load_settings()) / "state.json"
    path.write_text('{"cron": ')
    clock.now += timedelta(hours=5)
    settle(make())
    assert make.runs == []
    assert path.with_name("state.json.unreadable").read_text() == '{"cron": '


def test_history_and_output_are_pruned(make, clock, monkeypatch):
    monkeypatch.setenv("KEEP_RUNS", "3")
    scheduler = make()
    logs = folder(load_settings()) / "logs"
    logs.mkdir(parents=True)
    (logs / "20200101T000000.log").write_text("old")
    for _ in range(13):
        clock.now += timedelta(hours=1)
        settle(scheduler)
    assert len(statuses()) == 10
    assert not list(logs.iterdir())
