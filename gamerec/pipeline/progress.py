"""What the user sees while a run goes on: one line per stage."""

import contextlib
import threading
import time
from typing import TextIO

from gamerec.redaction import Redactor
from gamerec.runs import STAGES


class Progress:
    """Writes lines to a stream, without secrets. A terminal also shows which stages are running."""

    def __init__(self, stream: TextIO, redact: Redactor) -> None:
        self._stream = stream
        self._redact = redact
        self._live = stream.isatty()
        self._running: dict[str, str] = {}  # stage -> clock time of its start
        self._lock = threading.RLock()

    def line(self, text: str) -> None:
        """Write one line."""
        with self._lock:
            self._wipe()
            self._write(self._redact(text) + "\n")
            self._show()

    def stage(self, stage: str, seconds: float | None, made: str) -> None:
        """Write the line of a stage that ended well, or was not run."""
        took = "" if seconds is None else f"{seconds:.1f} s"
        with self._lock:
            self._running.pop(stage, None)
            self.line(f"  {STAGES.index(stage) + 1} {stage:<12} {took:>9}  {made}")

    def running(self, stage: str) -> None:
        """On a terminal, show the stage below the lines until its own is written."""
        with self._lock:
            self._running[stage] = time.strftime("%H:%M:%S")
            self._wipe()
            self._show()

    def clear(self) -> None:
        """Nothing is running any more."""
        with self._lock:
            self._running.clear()
            self._wipe()

    def _wipe(self) -> None:
        if self._live:
            self._write("\r\x1b[K")

    def _show(self) -> None:
        if self._live and self._running:
            shown = ", ".join(f"{stage} since {clock}" for stage, clock in self._running.items())
            self._write(f"  ... {shown}")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a closed pipe, a full disk: no reason to stop working
            self._stream.write(text)
            self._stream.flush()
