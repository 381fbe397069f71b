"""A project folder for faults: `gamerec` in processes of its own, and what is left of them."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from gamerec.errors import DataError
from gamerec.reports.record import RunRecord, read_record, read_records
from gamerec.settings import Settings

# Settings of this machine that must not reach a run.
_OURS = {name.upper() for name in Settings.model_fields}


@dataclass(frozen=True)
class Ended:
    """A command that has ended: exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All of it, for a message."""
        return f"exit code {self.code}\n{self.out}{self.err}"


class Home:
    """A folder as GAMEREC_HOME; `env` are further settings of every command."""

    def __init__(self, folder: Path, logs: Path | None = None, **env: str) -> None:
        self.folder = folder
        self.logs = logs or folder.parent / f"{folder.name}-logs"
        self.env = {"WANDB_MODE": "disabled"} | env
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, *arguments: str, **env: str) -> "subprocess.Popen[str]":
        """Begin `gamerec ARGUMENTS` in a session of its own; output goes to files in `logs`."""
        self.logs.mkdir(exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.logs, suffix=".out")
        with os.fdopen(descriptor, "w") as out, Path(name).with_suffix(".err").open("w") as err:
            process = subprocess.Popen(
                [sys.executable, "-P", "-c", "from gamerec.cli import app; app()", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                text=True,
                cwd=self.folder,
                env=self.environment() | env,
                start_new_session=True,
            )
        process.log = Path(name)  # type: ignore[attr-defined]  # read by `ended`
        return process

    def environment(self) -> dict[str, str]:
        """The environment of the commands: of this machine all but gamerec's settings."""
        kept = {name: value for name, value in os.environ.items() if name.upper() not in _OURS}
        return kept | self.env | {"GAMEREC_HOME": str(self.folder)}

    def gamerec(self, *arguments: str, seconds: float = 300, **env: str) -> Ended:
        """Run `gamerec ARGUMENTS` to its end."""
        return ended(self.start(*arguments, **env), seconds)

    def copy(self, folder: Path) -> "Home":
        """The same as it stands now, in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Home(folder, self.logs, **self.env)

    @property
    def reports(self) -> Path:
        """Where its runs are reported."""
        return self.folder / "reports"

    def records(self) -> list[RunRecord]:
        """The records of its runs, oldest first."""
        return read_records(self.reports)[::-1]

    def record(self, run_id: str) -> RunRecord | None:
        """The record of a run, None while there is none."""
        try:
            return read_record(self.reports / run_id)
        except DataError:
            return None

    def processes(self) -> list[psutil.Process]:
        """All processes that work in this folder, whoever started them."""
        return [p for p in psutil.process_iter() if _home_of(p) == str(self.folder)]


def ended(process: "subprocess.Popen[str]", seconds: float = 300) -> Ended:
    """Wait for a command that `Home.start` began; killed after so many seconds."""
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise AssertionError(f"{process.args[4:]} did not end in {seconds:g} s") from None
    log: Path = process.log  # type: ignore[attr-defined]
    return Ended(code, log.read_text(), log.with_suffix(".err").read_text())


def _home_of(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return process.environ().get("GAMEREC_HOME", "")
    except (psutil.Error, OSError):
        return ""


def wait_until(condition: Callable[[], object], seconds: float = 60, pause: float = 0.02) -> bool:
    """Wait for something that another process does; whether it came."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


@contextmanager
def work_folder(prefix: str = "faults-") -> Iterator[Path]:
    """A folder that is gone at the end, with everything in it."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Skipped(Exception):
    """This machine cannot do it; the message says why."""
