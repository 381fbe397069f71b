"""One `gamerec run` as a process of its own, in its own session: it outlives whoever started it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

_POLL = 0.2  # seconds between looks at the process
COMMAND = (sys.executable, "-c", "from gamerec.cli import app; app()", "run")


class Output:
    """What the runs of one job printed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def run_id(self) -> str:
        """The id of the last run that it names."""
        found = re.findall(r"^run (\S+)(?: goes on)?$", self._text(), re.MULTILINE)
        return found[-1] if found else ""

    def last_words(self) -> str:
        """What was said of what went wrong: all from the last 'gamerec: ' on."""
        _, mark, words = self._text().rpartition("gamerec: ")
        return " ".join(words.split())[:500] if mark else ""

    def _text(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


class RunProcess:
    """A run in progress, started here or found again after a restart."""

    def __init__(self, process: psutil.Process, log: Path, own: "subprocess.Popen[bytes] | None"):
        self._process = process
        self._own = own
        self.output = Output(log)
        self.pid = process.pid
        self.created = process.create_time()

    @classmethod
    def start(cls, options: Sequence[str], env: Mapping[str, str], log: Path) -> "RunProcess":
        """Begin a run, its output added to the file `log`."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            own = subprocess.Popen(
                [*COMMAND, *options],
                env=os.environ | env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal is for the scheduler alone
            )
        return cls(psutil.Process(own.pid), log, own)

    @classmethod
    def find(cls, pid: int | None, created: float | None, log: Path) -> "RunProcess | None":
        """The process of this number, if it is still the same one."""
        return cls(psutil.Process(pid), log, None) if pid and is_alive(pid, created) else None

    def running(self, wait: float = _POLL) -> bool:
        """Whether it still runs, after waiting `wait` seconds for its end."""
        if wait:
            time.sleep(wait)
        if self._own is not None:
            return self._own.poll() is None
        return is_alive(self.pid, self.created)

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs or where we cannot know."""
        return self._own.poll() if self._own is not None else None

    def interrupt(self) -> None:
        """Ask it to end in order."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and what it started, at once."""
        family = [self._process]
        with contextlib.suppress(psutil.NoSuchProcess):
            family += self._process.children(recursive=True)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def is_alive(pid: int | None, created: float | None) -> bool:
    """Whether the process of this number, begun at that time, still runs."""
    if not pid:
        return False
    try:
        process = psutil.Process(pid)
        same = created is None or abs(process.create_time() - created) < 2
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
