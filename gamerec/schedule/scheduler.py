"""The scheduler: waits for planned times, has the pipeline run, keeps its state.

It looks at the clock twice a second, so a clock that is set and a machine that slept are noticed.
What is to happen at a time that has passed is decided in `_due`; the run is a process of its own
(`process`), which a killed scheduler leaves alive and finds again.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

import psutil  # type: ignore[import-untyped]
from filelock import FileLock, Timeout

from gamerec.errors import AlreadyRunning
from gamerec.schedule import state as states
from gamerec.schedule.attempts import Attempts, Options, Stop
from gamerec.schedule.cron import Cron
from gamerec.schedule.outcome import is_resumable, may_retry, settle
from gamerec.schedule.process import Output, RunProcess
from gamerec.schedule.state import Job, JobStatus, State, moment
from gamerec.settings import Settings

_log = logging.getLogger(__name__)

LATE = timedelta(seconds=60)  # a time noticed later than this was missed
WRONG_CLOCK = timedelta(days=1)  # settled this far in the future: by a clock that was wrong
_LOOK = 0.5  # seconds between looks at the clock
_NONE = Options()


class Scheduler:
    """Runs `gamerec run` with `options` at the times of `cron` until it is told to stop.

    told: called with every job that has ended, to pass the word on. clock: the time in UTC.
    """

    def __init__(
        self,
        cron: Cron,
        settings: Settings,
        options: Options = _NONE,
        *,
        told: Callable[[Job], None] = lambda job: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.cron = cron
        self.settings = settings
        self.state = State()
        self._told = told
        self._clock = clock
        self._stop = Stop()
        self._attempts = Attempts(settings, options, self._stop, self._save)
        self._busy_until = datetime.min.replace(tzinfo=UTC)

    def run(self) -> None:
        """Wait and run until SIGTERM or Ctrl-C. Raises AlreadyRunning beside another scheduler."""
        with _alone(self.settings), self._stop_signals():
            self._begin()
            while not self._stop.times:
                if not self.step():
                    self._stop.sleep(_LOOK)
            self.state.pid = self.state.pid_created = None
            self._save()
            _log.info("stopped")

    def step(self) -> bool:
        """Do what the clock asks for now; whether that was anything."""
        planned, status = self._due()
        if planned and status == "running":
            self._job(planned)
        elif planned:
            self._pass_over(planned, status)
        return planned is not None

    def stop(self) -> None:
        """Stop soon: as SCHEDULE_STOP says with a run in progress, at once when asked again."""
        self._stop.times += 1

    def _begin(self) -> None:
        """Take up the state that was left, and with it a run that goes on or was cut short."""
        self.state = state = states.load_state(self.settings)
        same_times = (state.cron, state.zone) == (self.cron.expression, str(self.cron.zone))
        if not state.settled or not same_times:  # of other times none has been missed
            state.settled = self._clock().isoformat()
        state.cron, state.zone = self.cron.expression, str(self.cron.zone)
        own = psutil.Process()
        state.pid, state.pid_created = own.pid, own.create_time()
        self._save()
        if state.current:
            self._take_up(state.current)
        elif state.history and state.history[-1].status == "stopped":
            self._go_on(state.history[-1])
        if not self._stop.times:
            _log.info("waiting for %s (%s, %s)", self._next(), state.cron, state.zone)

    def _take_up(self, job: Job) -> None:
        """A job that was in progress when its scheduler ended: wait for it, or say how it ended."""
        found = RunProcess.find(job.pid, job.pid_created, Path(job.log))
        if found:
            _log.info("run %s is still in progress, process %d", job.run_id, found.pid)
            self._attempts.watch(job, found)
        else:
            settle(job, None, Output(Path(job.log)), self.settings)
        self._finish(job)
        if may_retry(job):
            self._go_on(job)

    def _go_on(self, job: Job) -> None:
        """Resume what a stop or a power cut interrupted, where missed times are caught up."""
        wanted = self.settings.schedule_catch_up and not self._stop.times
        if wanted and is_resumable(job.run_id, self.settings):
            self._job(datetime.fromisoformat(job.planned), resume=job.run_id)

    def _due(self) -> tuple[datetime | None, JobStatus]:
        """The last planned time that has passed and is not settled; 'running', or why not."""
        now = self._clock()
        settled = moment(self.state.settled) or now
        if settled - now > WRONG_CLOCK:
            _log.warning("the clock went back from %s to %s; going by it", settled, now)
            self.state.settled, self._busy_until = now.isoformat(), now
            return None, "missed"
        planned = self.cron.latest(settled, now)
        if planned is None:
            return None, "missed"
        if planned <= self._busy_until:
            return planned, "running" if self.settings.schedule_overlap == "queue" else "skipped"
        if now - planned > LATE and not self.settings.schedule_catch_up:
            return planned, "missed"
        return planned, "running"

    def _pass_over(self, planned: datetime, status: JobStatus) -> None:
        why = "the run before was still in progress" if status == "skipped" else "nobody was up"
        self.state.settled = planned.isoformat()
        self.state.history.append(Job(planned=planned.isoformat(), status=status, message=why))
        self._save()
        _log.info("%s %s: %s", self.cron.local(planned), status, why)

    def _job(self, planned: datetime, resume: str = "") -> None:
        log = states.folder(self.settings) / "logs" / f"{planned:%Y%m%dT%H%M%S}.log"
        job = Job(planned.isoformat(), started=_text(self._clock()), run_id=resume, log=str(log))
        if not resume:
            self.state.settled = job.planned
        self.state.current = job
        _log.info("begun for %s%s", self.cron.local(planned), f": --resume {resume}" * bool(resume))
        self._attempts.run(job)
        self._finish(job)

    def _finish(self, job: Job) -> None:
        now = self._clock()
        self._busy_until = now
        job.ended, job.pid, job.pid_created = _text(now), None, None
        job.seconds = round(max(0.0, (now - (moment(job.started) or now)).total_seconds()), 1)
        self.state.current = None
        self.state.history.append(job)
        self._save()
        states.prune_logs(self.state, self.settings)
        _log.info("run %s %s after %.0f s: %s", job.run_id, job.status, job.seconds, job.message)
        self._told(job)
        if not self._stop.times:
            _log.info("waiting for %s", self._next())

    def _next(self) -> str:
        times = self.cron.upcoming(self._clock(), 1)
        return f"{times[0]:%Y-%m-%d %H:%M:%S %Z}" if times else "no further time"

    def _save(self) -> None:
        states.save_state(self.state, self.settings)

    @contextmanager
    def _stop_signals(self) -> Iterator[None]:
        def stop(signum: int, frame: FrameType | None) -> None:
            self.stop()

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    place = states.folder(settings)
    place.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunning(
            "another scheduler is at work in this project folder: `gamerec schedule status` "
            "shows it. Stop it first, or set another GAMEREC_HOME"
        ) from None
    try:
        yield
    finally:
        lock.release()


def _text(now: datetime) -> str:
    return now.isoformat(timespec="milliseconds")
