"""The pass over the stages of a plan: kernels, gate, record, progress and an orderly end.

`run_pipeline` in the package is the way in. This module knows the stages only by their names and
artifacts, the gate's verdict apart.
"""

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gamerec.errors import GamerecError, GateRefused, Interrupted, StageFailed
from gamerec.kernels.pool import CAN_FORK, Kernels
from gamerec.parameters import RUN_ID
from gamerec.pipeline.lock import undisturbed
from gamerec.pipeline.plan import Plan
from gamerec.pipeline.record import RecordFile, RunRecord, StageRecord, now
from gamerec.pipeline.redaction import Redactor
from gamerec.reports.writer import ReportWriter
from gamerec.runs import STAGES, Run, notebook_name
from gamerec.settings import Settings
from gamerec.storage import open_store

Say = Callable[[str], None]


class Runner:
    """Runs the stages of one plan; the caller holds the lock."""

    def __init__(
        self,
        plan: Plan,
        before: RunRecord | None,
        settings: Settings,
        redact: Redactor,
        say: Say,
    ) -> None:
        self.plan = plan
        self.run: Run = plan.run
        self.settings = settings
        self.redact = redact
        self.say = lambda text: say(redact(text))
        self.folder = settings.reports / self.run.id
        self.file = RecordFile(self.folder, redact)
        self.record = self._begin(before)

    def go(self) -> RunRecord:
        """Run the stages. Raises what ended the run early, or GateRefused, after writing it down."""
        started = time.monotonic()
        worked_before = self.record.seconds
        problem: BaseException | None = None
        try:
            self._run_stages()
        except BaseException as error:  # noqa: BLE001  # it is raised again below, always
            problem = error
        with undisturbed():
            self.record.seconds = round(worked_before + time.monotonic() - started, 3)
            error = self._conclude(problem)
            self.reports.finish(self.record)
        if error:
            raise error from problem
        return self.record
