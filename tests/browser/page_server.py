"""`gamerec app` as a process, and the project that it shows."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
from services.servers import free_port, stop

sys.path.append(str(Path(__file__).resolve().parents[1] / "ui"))
from pictured_project import SmallProject


class Server:
    """`gamerec app` on a project, with these settings in its environment."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GAMEREC_")}
        command = [sys.executable, "-c", "from gamerec.cli import app; app()", "app"]
        self.log = home / "app.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--patience", "3"],
                env=environment | {"GAMEREC_HOME": str(home)} | settings,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Wait until the page is announced."""
        deadline = time.monotonic() + 300
        while "the page is at" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def kernels(self) -> list[psutil.Process]:
        """The processes of open pages: what the fork server has forked."""
        (forks,) = psutil.Process(self.process.pid).children()
        alive = forks.children()
        return [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]

    def stop(self) -> None:
        """End it and its kernels."""
        stop(self.process)


def filled(home: Path) -> SmallProject:
    """A project of 60 players, a model live and another as candidate."""
    made = SmallProject(home).fill()
    made.version("item_knn")
    made.version("item_knn", live=False, neighbours=3, shrinkage=5.0)
    return made
