"""A project whose first notebook waits as long as a test wants, and schedulers on it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pipeline"))
from small_project import Project, wait_until

from gamerec.schedule.state import load_state
from gamerec.settings import load_settings

# Tells that it is running, and goes on when the file `hold` is gone.
WAIT = """
import os, pathlib, time
pathlib.Path({flag!r}).write_text(str(os.getpid()))
while pathlib.Path({hold!r}).exists():
    time.sleep(0.05)
"""


class Scheduled:
    """The project, and `gamerec schedule` as a process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.project = Project(home)
        self.flag, self.hold = home / "crawl_pid", home / "hold"
        self.started: list[subprocess.Popen[str]] = []

    def hold_in(self, stage: str) -> None:
        """Have runs wait in this stage until the file `hold` is gone."""
        self.hold.touch()
        self.project.notebook(stage, WAIT.format(flag=str(self.flag), hold=str(self.hold)))

    def start(self, *arguments: str, until: str = "crawl", **env: str) -> "subprocess.Popen[str]":
        """Begin `gamerec schedule`."""
        command = [sys.executable, "-c", "from gamerec.cli import app; app()"]
        process = subprocess.Popen(
            [*command, "schedule", "--until", until, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"SCHEDULE_PAUSE": "0"} | env,
        )
        self.started.append(process)
        return process

    def state(self):
        """What the scheduler keeps, read anew."""
        return load_state(load_settings())

    def until_hanging(self) -> int:
        """Wait for a run that is held; the number of its process."""
        wait_until(lambda: self.flag.exists() and self.flag.read_text())
        wait_until(lambda: (job := self.state().current) and job.pid and job.run_id)
        return self.state().current.pid

    def until_ended(self, jobs: int) -> None:
        """Wait until this many jobs have ended."""
        wait_until(lambda: len(self.state().history) >= jobs)


@pytest.fixture
def scheduled(home: Path):
    found = Scheduled(home)
    yield found
    found.hold.unlink(missing_ok=True)
    for process in found.started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)
