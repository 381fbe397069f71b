"""The pass over the stages of a plan, from the first record of the run to its orderly end.

`run.run_pipeline` is the way in; the caller holds the lock.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from gamerec.errors import GateRefused, Interrupted
from gamerec.kernels.pool import CAN_FORK, Kernels
from gamerec.kernels.preload import modules_of
from gamerec.parameters import Declared
from gamerec.pipeline import results
from gamerec.pipeline.lock import undisturbed
from gamerec.pipeline.plan import Plan, depends
from gamerec.pipeline.progress import Progress
from gamerec.pipeline.stages import Stages
from gamerec.redaction import Redactor
from gamerec.reports.record import RunRecord, StageRecord, now
from gamerec.reports.writer import ReportWriter
from gamerec.runs import STAGES
from gamerec.settings import Settings


class Runner:
    """Runs the stages of one plan."""

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
        self.record = _begin(plan, before)
        self.reports = ReportWriter(settings.reports, declared, redact)
        self.stages = Stages(plan, self.record, settings, redact, progress, self.reports)

    def go(self) -> RunRecord:
        """Run the stages; the record of the complete run.

        Raises GateRefused where the candidate was refused, and whatever ended the run early, each
        after record and report have been written.
        """
        began, earlier = time.monotonic(), self.record.seconds
        problem: BaseException | None = None
        wait: Callable[[], None] = lambda: None  # noqa: E731
        try:
            self.stages.write()
            self.record.pending = results.deliver(self.settings)
            if "W&B" in self.record.pending:
                wait = results.deliver_beside(self.settings)
            self._run_stages()
        except BaseException as error:  # also Ctrl-C: whatever it is, it is raised again below
            problem = error
        try:
            wait()
            self.record.pending = results.deliver(self.settings, problem)
        except KeyboardInterrupt as error:
            problem = problem or error
        with undisturbed():
            self.record.seconds = round(earlier + time.monotonic() - began, 3)
            self.progress.clear()
            outcome = self._conclude(problem)
            self.stages.write()
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
        preload = modules_of(self.stages.source(stage) for stage in self.plan.todo)
        # Left in reverse order: without kernels, what runs beside comes to its end.
        with (
            ThreadPoolExecutor(1, thread_name_prefix="beside") as beside,
            Kernels(self.settings.gamerec_home, env, preload, fork=fork) as kernels,
        ):
            kernels.prepare()
            self.reports.call(lambda: results.note_origin(self.record))
            side: Future[None] | None = None
            for stage in self.plan.stages:
                if side and side.done():
                    side.result()  # raises what it raised, before another stage begins
                if self._can_run_beside(stage):
                    side = beside.submit(self.stages.tend, stage, kernels)
                else:
                    self.stages.tend(stage, kernels)
            if side:
                side.result()

    def _can_run_beside(self, stage: str) -> bool:
        """Whether later stages will run that need nothing of this one: so it is with EDA."""
        later = self.plan.todo[self.plan.todo.index(stage) + 1 :] if stage in self.plan.todo else ()
        return bool(later) and not any(depends(other, stage) for other in later)

    def _conclude(self, problem: BaseException | None) -> BaseException | None:
        """Enter how the run ended; what to raise, if anything."""
        record, outcome = self.record, problem
        record.ended = now()
        if problem is None:
            record.status = "done"
            record.results = results.whereabouts(self.plan.run, self.settings)
            gate = record.gate if "evaluate" in self.plan.stages else None
            if gate and not gate["promote"]:
                record.status, outcome = "refused", GateRefused(gate["reason"])
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
        """Enter what ended the run early, and show what there is of the notebooks it cut short."""
        record = self.record
        record.error = {
            "stage": self.stages.culprit,
            "kind": type(outcome).__name__,
            "message": self.redact(str(outcome)),
        }
        record.resume = f"gamerec run --resume {record.run_id}"
        for stage, stage_record in record.stages.items():
            if stage_record.status in ("failed", "interrupted"):
                self.reports.stage(record, stage)


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
