"""One stage of a run: its notebook executed, its record kept, its end told from its mark."""

import threading
import time
from pathlib import Path

from gamerec.errors import StageFailed
from gamerec.kernels.pool import Kernels
from gamerec.parameters import RUN_ID
from gamerec.pipeline import results
from gamerec.pipeline.plan import Plan
from gamerec.pipeline.progress import Progress
from gamerec.redaction import Redactor
from gamerec.reports.record import RunRecord, StageRecord, write_record
from gamerec.reports.writer import ReportWriter
from gamerec.runs import notebook_name
from gamerec.settings import Settings


class Stages:
    """Runs single stages of a plan, in whichever thread, and enters in `record` what came of it."""

    def __init__(
        self,
        plan: Plan,
        record: RunRecord,
        settings: Settings,
        redact: Redactor,
        progress: Progress,
        reports: ReportWriter,
    ) -> None:
        self.plan = plan
        self.record = record
        self.settings = settings
        self.redact = redact
        self.progress = progress
        self.reports = reports
        self.folder = settings.reports / plan.run.id
        self.culprit = ""  # the stage that failed first, or was interrupted
        self._lock = threading.Lock()

    def tend(self, stage: str, kernels: Kernels) -> None:
        """Run the stage, or say why not.

        Raises the GamerecError that its notebook stands for, StageFailed for any other error, a
        dead kernel or a missing mark, and KeyboardInterrupt.
        """
        record = self.record.stages[stage]
        if stage in self.plan.kept:
            self.progress.stage(stage, None, f"kept: {record.made}")
        elif reason := results.reason_to_skip(stage, self.plan.run, self.settings):
            record.status, record.made = "skipped", reason
            self.progress.stage(stage, None, f"skipped: {reason}")
        else:
            self._run(stage, record, kernels)
            self.progress.stage(stage, record.seconds, record.made)
            self.reports.stage(self.record, stage)

    def write(self) -> None:
        """Bring run.json up to date."""
        with self._lock:
            write_record(self.folder, self.record, self.redact)

    def source(self, stage: str) -> Path:
        """The notebook of a stage, as it is in the project."""
        return self.settings.notebooks / f"{notebook_name(stage)}.ipynb"

    def _run(self, stage: str, record: StageRecord, kernels: Kernels) -> None:
        record.status = "running"
        self.write()
        self.progress.running(stage)
        kernels.prepare(1 if stage == self.plan.todo[-1] else 2)
        began = time.monotonic()
        try:
            self._execute(stage, kernels)
            mark = self.plan.run.mark(stage)
            if mark is None:
                message = f"{notebook_name(stage)} ended without calling run.done({stage!r})"
                raise StageFailed(message)
        except BaseException as error:
            # The first to end badly is the reason; what ends after it has been cut short by it.
            cut_short = self.culprit or isinstance(error, KeyboardInterrupt)
            record.status = "interrupted" if cut_short else "failed"
            self.culprit = self.culprit or stage
            raise
        finally:
            record.seconds = round(time.monotonic() - began, 3)
            if record.status != "running":
                self.progress.stage(stage, record.seconds, record.status)
        record.status, record.made, record.metrics = "done", mark["made"], mark["metrics"]
        results.note(stage, self.plan.run, self.record)
        self.write()

    def _execute(self, stage: str, kernels: Kernels) -> None:
        # Imported here, when the first kernel is already getting ready: it takes a second.
        from gamerec.pipeline.notebook import KernelDied, NotebookError, execute
        from gamerec.pipeline.outcome import to_error

        target = self.folder / f"{notebook_name(stage)}.ipynb"
        parameters = self.plan.parameters.get(stage, {}) | {RUN_ID: self.plan.run.id}
        try:
            execute(self.source(stage), target, parameters, kernels, self.redact)
        except NotebookError as error:
            raise to_error(error, target) from None
        except KernelDied as error:
            raise StageFailed(f"the kernel died: {error}") from None
