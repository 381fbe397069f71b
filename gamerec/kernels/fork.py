"""The runner's side of the fork server. Jupyter is unknown here."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from gamerec.errors import StageFailed

LOG = "server.log"


class ForkServer:
    """A running `gamerec.kernels.server` that imports the modules `preload`, where it can.

    folder: a short path; it holds sockets and a log, and is removed when the server ends.
    """

    def __init__(self, folder: Path, env: Mapping[str, str], preload: Sequence[str] = ()) -> None:
        self.folder = folder
        self._retired: list[int] = []
        self._lock = threading.RLock()
        self._numbers = count()
        self._channel, theirs = socket.socketpair()
        with (folder / LOG).open("wb") as log, theirs:
            arguments = [str(theirs.fileno()), str(folder), str(os.getpid()), *preload]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "gamerec.kernels.server", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(env),
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl-C in the terminal is for the runner alone
            )
        self._lines = self._channel.makefile("r", encoding="utf-8")

    def prepare(self, connection_file: str, cwd: str) -> None:
        """Announce a kernel: it is forked when everything is imported, without being waited for."""
        with contextlib.suppress(OSError):  # `start` will tell
            self._send(op="prepare", connection_file=connection_file, cwd=cwd)

    def start(self, connection_file: str, cwd: str) -> int:
        """Fork this kernel now, if it is not; its process id, which is also its process group."""
        return self._ask(op="start", connection_file=connection_file, cwd=cwd)["pid"]

    def poll(self, pid: int) -> int | None:
        """Exit code of a kernel, negative for a signal; None while it runs."""
        try:
            return self._ask(op="poll", pid=pid)["status"]
        except StageFailed:
            return -signal.SIGKILL  # its kernels end with the server

    def signal(self, pid: int, signum: int) -> None:
        """Send a signal to a kernel and what it started; nothing happens when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signum)

    def retire(self, pid: int) -> None:
        """Note a kernel that was asked to end and does so while the run goes on."""
        self._retired.append(pid)

    def close(self, grace: float = 3) -> None:
        """Give retired kernels `grace` seconds to end, then end the server and all kernels."""
        deadline = time.monotonic() + grace
        while time.monotonic() < deadline and any(self.poll(p) is None for p in self._retired):
            time.sleep(0.02)
        self._lines.close()
        self._channel.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # in the middle of an import that does not end
            self._process.kill()
            self._process.wait()

    def log_tail(self, lines: int = 5) -> str:
        """The last lines that the server or a kernel wrote outside of a notebook."""
        try:
            return "\n".join((self.folder / LOG).read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    def _ask(self, **request: Any) -> dict[str, Any]:
        number = next(self._numbers)
        with self._lock:
            try:
                self._send(id=number, **request)
                while line := self._lines.readline():
                    answer = json.loads(line)
                    if answer["id"] == number:  # not that of a question cut short by Ctrl-C
                        return answer
            except (OSError, ValueError):
                pass
        raise StageFailed(f"the kernel server ended unexpectedly. {self.log_tail()}".strip())

    def _send(self, **request: Any) -> None:
        with self._lock:
            self._channel.sendall(json.dumps(request).encode() + b"\n")
