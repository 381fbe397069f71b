"""The pass over the stages of a plan: kernels, record, progress, gate, and an orderly end.

`pipeline.run` is the way in. The stages are known here by their names, marks and artifacts only.
"""

import os
import time

from gamerec.errors import GateRefused, Interrupted, StageFailed
from gamerec.kernels.pool import CAN_FORK, Kernels
from gamerec.parameters import RUN_ID, Declared
from gamerec.pipeline import results
from gamerec.pipeline.lock import undisturbed
from gamerec.pipeline.plan import Plan
from gamerec.pipeline.progress import Progress
from gamerec.redaction import Redactor
from gamerec.reports.record import RunRecord, StageRecord, now, write_record
from gamerec.reports.writer import ReportWriter
from gamerec.runs import STAGES, notebook_name
from gamerec.settings import Settings


class Runner:
    """Runs the stages of one plan; the caller holds the lock."""

    def __init__(
        self,
        plan: Plan,
        before: RunRecord | None,
        declared: Declared,
        settings: Settings,
        redact: Redactor,
        progress: Progress,
    ) -> None:
        self.plan = plan
        self.settings = settings
        self.redact = redact
        self.progress = progress
        self.folder = settings.reports / plan.run.id
        self.record = _begin(plan, before)
        self.reports = ReportWriter(settings.reports, declared, redact)

    def go(self) -> RunRecord:
        """Run the stages; the record of the complete run.

        Raises GateRefused where the candidate was refused, and whatever ended the run early, each
        after record and report have been written.
        """
        began, earlier = time.monotonic(), self.record.seconds
        problem: BaseException | None = None
        try:
            self._write()
            self._run_stages()
        except BaseException as error:  # also Ctrl-C: whatever it is, it is raised again below
            problem = error
        with undisturbed():
            self.record.seconds = round(earlier + time.monotonic() - began, 3)
            self.progress.clear()
            outcome = self._conclude(problem)
            self._write()
            self.reports.finish(self.record)
        if outcome:
            raise outcome from problem
        return self.record

    def _run_stages(self) -> None:
        for stage in (*self.plan.todo, *self.plan.stale):
            self.plan.run.reset(stage)
        if not self.plan.todo:
            return
        env = os.environ | {"GAMEREC_HOME": str(self.settings.gamerec_home)}
        fork = CAN_FORK and self.settings.fork_kernels
        with Kernels(self.settings.gamerec_home, env, fork=fork) as kernels:
            kernels.prepare()
            self.reports.call(lambda: results.note_origin(self.record))
            for stage in self.plan.stages:
                self._tend(stage, kernels)

    def _tend(self, stage: str, kernels: Kernels) -> None:
        """Run the stage, or say why not."""
        stage_record = self.record.stages[stage]
        if stage in self.plan.kept:
            self.progress.stage(stage, None, f"kept: {stage_record.made}")
        elif reason := results.reason_to_skip(stage, self.plan.run, self.settings):
            stage_record.status, stage_record.made = "skipped", reason
            self.progress.stage(stage, None, f"skipped: {reason}")
        else:
            self.progress.running(stage)
            self._execute(stage, stage_record, kernels)
            self.progress.stage(stage, stage_record.seconds, stage_record.made)

    def _execute(self, stage: str, stage_record: StageRecord, kernels: Kernels) -> None:
        # Imported here, when the first kernel is already getting ready: it takes a second.
        from gamerec.pipeline.notebook import KernelDied, NotebookError, execute
        from gamerec.pipeline.outcome import to_error

        name = f"{notebook_name(stage)}.ipynb"
        parameters = self.plan.parameters.get(stage, {}) | {RUN_ID: self.plan.run.id}
        stage_record.status = "running"
        self._write()
        began = time.monotonic()
        kernels.prepare(1 if stage == self.plan.todo[-1] else 2)
        try:
            source, target = self.settings.notebooks / name, self.folder / name
            execute(source, target, parameters, kernels, self.redact)
        except NotebookError as error:
            raise to_error(error, target) from None
        except KernelDied as error:
            raise StageFailed(f"the kernel died: {error}") from None
        finally:
            stage_record.seconds = round(time.monotonic() - began, 3)
        self._accept(stage, stage_record)

    def _accept(self, stage: str, stage_record: StageRecord) -> None:
        mark = self.plan.run.mark(stage)
        if mark is None:
            raise StageFailed(f"{notebook_name(stage)} ended without calling run.done({stage!r})")
        stage_record.status = "done"
        stage_record.made, stage_record.metrics = mark["made"], mark["metrics"]
        if stage == "evaluate":
            self.record.gate = results.verdict(self.plan.run)
        results.note_data(stage, self.plan.run, self.record)
        self._write()
        self.reports.stage(self.record, stage)

    def _conclude(self, problem: BaseException | None) -> BaseException | None:
        """Enter how the run ended; what to raise, if anything."""
        record = self.record
        record.ended = now()
        refused = "evaluate" in self.plan.stages and record.gate and not record.gate["promote"]
        outcome: BaseException | None = problem
        if problem is None:
            record.status = "refused" if refused else "done"
            record.results = results.whereabouts(self.plan.run, self.settings)
            outcome = GateRefused(record.gate["reason"]) if refused and record.gate else None
        elif isinstance(problem, KeyboardInterrupt):
            record.status = "interrupted"
            outcome = Interrupted(f"stopped by {str(problem) or 'Ctrl-C'}")
        else:
            record.status = "failed"
        record.exit_code = getattr(outcome, "exit_code", 1) if outcome else 0
        if problem is not None and outcome is not None:
            self._blame(outcome)
        return outcome

    def _blame(self, outcome: BaseException) -> None:
        """Enter which stage ended the run, and show what there is of its notebook."""
        stage = next((s for s, r in self.record.stages.items() if r.status == "running"), "")
        self.record.error = {
            "stage": stage,
            "kind": type(outcome).__name__,
            "message": self.redact(str(outcome)),
        }
        self.record.resume = f"gamerec run --resume {self.record.run_id}"
        if stage:
            interrupted = self.record.status == "interrupted"
            self.record.stages[stage].status = "interrupted" if interrupted else "failed"
            self.reports.stage(self.record, stage)

    def _write(self) -> None:
        write_record(self.folder, self.record, self.redact)


def _begin(plan: Plan, before: RunRecord | None) -> RunRecord:
    """The record as the run begins, or goes on."""
    record = before or RunRecord(plan.run.id, started=now())
    record.status, record.ended, record.exit_code = "running", None, None
    record.error, record.resume, record.parameters = None, "", plan.parameters
    stages: dict[str, StageRecord] = {}
    for stage in STAGES:
        if stage in plan.todo or stage in plan.stale:
            stages[stage] = StageRecord()
        elif mark := plan.kept.get(stage):
            seconds = record.stages[stage].seconds if stage in record.stages else None
            stages[stage] = StageRecord("done", seconds, mark["made"], mark["metrics"])
        elif stage in record.stages:
            stages[stage] = record.stages[stage]
    record.stages = stages
    if "evaluate" in (*plan.todo, *plan.stale):
        record.gate = None
    return record
