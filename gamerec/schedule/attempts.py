"""One planned time: the run, its end where it must end, and further tries with growing pauses."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gamerec.schedule.outcome import is_resumable, may_retry, settle
from gamerec.schedule.process import RunProcess
from gamerec.schedule.state import COMPLETE, Job
from gamerec.settings import Settings

_log = logging.getLogger(__name__)

_STEP = 0.2  # seconds between looks for a signal
_LONGEST_PAUSE = 3600.0  # seconds between two attempts
_TO_END = 60.0  # seconds for an interrupted run to end in order


class Stop:
    """Whether, and how often, the scheduler has been told to stop; set by a signal handler."""

    def __init__(self) -> None:
        self.times = 0

    def sleep(self, seconds: float) -> None:
        """Wait this long, but no longer than until it is told to stop."""
        end = time.monotonic() + seconds
        while not self.times and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _STEP))


@dataclass(frozen=True)
class Options:
    """Options of `gamerec run`: for a new run, where its record keeps them, and for any attempt."""

    new: tuple[str, ...] = ()
    every: tuple[str, ...] = ()

    def after(self, run_id: str) -> tuple[str, ...]:
        """The options of an attempt; run_id: the run to go on with, else empty."""
        return (*(("--resume", run_id) if run_id else self.new), *self.every)


class Attempts:
    """Runs jobs: `save` is called whenever a job has changed."""

    def __init__(
        self, settings: Settings, options: Options, stop: Stop, save: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._options = options
        self._stop = stop
        self._save = save

    def run(self, job: Job) -> None:
        """Run the pipeline for the job, again where it fails and that may help."""
        while True:
            self._once(job)
            tried_enough = job.attempts >= self._settings.schedule_attempts
            if self._stop.times or tried_enough or not may_retry(job):
                break
            pause = self._settings.schedule_pause * 2 ** (job.attempts - 1)
            pause = min(pause, _LONGEST_PAUSE)
            _log.warning("attempt %d: %s; again in %.0f s", job.attempts, job.message, pause)
            self._save()
            self._stop.sleep(pause)
            if self._stop.times:
                break
        if self._stop.times and job.status not in (*COMPLETE, "skipped"):
            job.status = "stopped"

    def watch(self, job: Job, process: RunProcess) -> None:
        """Wait for the process, end it where it must end, and enter how it ended."""
        limit = time.monotonic() + self._settings.schedule_limit
        patience = 1 if self._settings.schedule_stop == "wait" else 0
        overdue, kill_at = False, None
        while process.running():
            overdue = overdue or time.monotonic() > limit
            if (overdue or self._stop.times > patience) and kill_at is None:
                kill_at = time.monotonic() + _TO_END
                process.interrupt()
            elif kill_at and time.monotonic() > kill_at:
                process.kill()
            if not job.run_id and (found := process.output.run_id()):
                job.run_id = found
                self._save()
        settle(job, process.exit_code, process.output, self._settings)
        if overdue:
            job.status = "timeout"
            job.message = f"ended after {self._settings.schedule_limit:g} s (SCHEDULE_LIMIT)"

    def _once(self, job: Job) -> None:
        resume = job.run_id if is_resumable(job.run_id, self._settings) else ""
        options = self._options.after(resume)
        job.attempts += 1
        try:
            process = RunProcess.start(options, self._env(), Path(job.log))
        except OSError as error:  # no memory, a full disk: it may be over next time
            job.status, job.exit_code, job.message = "failed", 1, f"cannot be started: {error}"
            return
        job.status, job.pid, job.pid_created = "running", process.pid, process.created
        self._save()
        self.watch(job, process)

    def _env(self) -> dict[str, str]:
        env = {"GAMEREC_HOME": str(self._settings.gamerec_home)}
        env["NOTIFY_URLS"] = ""  # the word goes out from here, once, after the last attempt
        if self._settings.schedule_overlap == "queue":  # also behind a run begun by hand
            env["LOCK_TIMEOUT"] = str(self._settings.schedule_limit)
        return env
