"""What the user sees while a run goes on: one line per stage."""

import time
from typing import TextIO

from gamerec.redaction import Redactor
from gamerec.runs import STAGES


class Progress:
    """Writes lines to a stream, without secrets. A terminal also shows which stage is running."""

    def __init__(self, stream: TextIO, redact: Redactor) -> None:
        self._stream = stream
        self._redact = redact
        self._live = stream.isatty()

    def line(self, text: str) -> None:
        """Write one line."""
        self.clear()
        print(self._redact(text), file=self._stream, flush=True)

    def stage(self, stage: str, seconds: float | None, made: str) -> None:
        """Write the line of a stage that ended well, or was not run."""
        took = "" if seconds is None else f"{seconds:.1f} s"
        self.line(f"  {STAGES.index(stage) + 1} {stage:<12} {took:>9}  {made}")

    def running(self, stage: str) -> None:
        """On a terminal, show the stage until the next line takes its place."""
        if self._live:
            clock = time.strftime("%H:%M:%S")
            self._stream.write(f"\r  {STAGES.index(stage) + 1} {stage:<12}  since {clock} ...")
            self._stream.flush()

    def clear(self) -> None:
        """Take away the running stage."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
