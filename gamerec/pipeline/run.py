"""`run_pipeline`: check what is asked, take the lock, run the stages, say where things are."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from gamerec.errors import DataError, GamerecError, UsageError
from gamerec.notify import tell_run
from gamerec.parameters import Declared, Values, declared
from gamerec.pipeline.lock import run_lock, stop_signals
from gamerec.pipeline.plan import Plan, Request, find_run, make_plan, select
from gamerec.pipeline.progress import Progress
from gamerec.pipeline.pruning import prune
from gamerec.pipeline.runner import Runner
from gamerec.redaction import Redactor
from gamerec.reports.record import FILE, RunRecord, read_record, read_records, write_record
from gamerec.reports.writer import write_index
from gamerec.settings import Settings, load_settings
from gamerec.storage import open_store

# Parameters that name a file: made absolute, for a notebook runs in another folder.
_FILES = (("simulate", "INTERACTIONS"), ("crawl", "CATALOGUE"))


def run_pipeline(
    request: Request | None = None,
    *,
    settings: Settings | None = None,
    dry_run: bool = False,
    out: TextIO | None = None,
) -> RunRecord | None:
    """Run the stages asked for, by default all of them in a new run; its record.

    Progress goes to `out` (standard output). With `dry_run` everything is checked and the plan is
    shown, but nothing is run or written. Raises a GamerecError whose exit code says how it ended:
    UsageError and DataError before anything has run, AlreadyRunning, GateRefused after a complete
    run, StageFailed, Interrupted, or what a notebook raised.
    """
    settings = settings or load_settings()
    redact = Redactor(settings.secrets)
    progress = Progress(out or sys.stdout, redact)
    known = declared(settings.notebooks)
    request = checked(request or Request(), redact)
    plan, _ = _plan(request, settings, known)  # made anew below: a run that ends may change it
    if dry_run:
        _describe(plan, known, progress)
        return None

    def other() -> str:
        text = _running_now(settings)
        if settings.lock_timeout:
            progress.line(f"{text} is still running; waiting up to {settings.lock_timeout:g} s")
        return text

    with stop_signals(), run_lock(settings.reports, settings.lock_timeout, other):
        _settle_killed(settings, redact)
        plan, before = _plan(request, settings, known)
        runner = Runner(plan, before, known, settings, redact, progress)
        progress.line(f"run {plan.run.id}" + ("" if plan.new else " goes on"))
        try:
            runner.go()
        finally:
            _say_where(runner.record, settings, progress)
            _tidy(runner.record, settings, redact, progress)
            tell_run(runner.record, settings)
    return runner.record


def checked(request: Request, redact: Redactor) -> Request:
    """The request with absolute paths; raises where a file is missing, or a value is a secret."""
    for stage, values in request.parameters.items():
        for name, value in values.items():
            if redact.finds(value):
                raise UsageError(
                    f"{stage}.{name} holds a secret. Parameters are kept in clear in notebooks and "
                    "reports: leave it to the environment or .env"
                )
    parameters: Values = {stage: dict(values) for stage, values in request.parameters.items()}
    for stage, name in _FILES:
        path = parameters.get(stage, {}).get(name)
        if isinstance(path, str) and path and "://" not in path:
            absolute = Path(path).expanduser().resolve()
            if not absolute.is_file():
                raise DataError(f"there is no file {path} (for {stage}.{name})")
            parameters[stage][name] = str(absolute)
    return replace(request, parameters=parameters)


def _plan(request: Request, settings: Settings, known: Declared) -> tuple[Plan, RunRecord | None]:
    stages = select(request)
    reported = [record.run_id for record in read_records(settings.reports)]
    run, new = find_run(request, stages, open_store(settings.store_uri, settings), reported)
    before = None if new else _recorded(settings.reports / run.id)
    return make_plan(request, run, new, before, known), before


def _recorded(folder: Path) -> RunRecord | None:
    """The record of a run; None for one that was made by hand in JupyterLab.

    Raises DataError where it is damaged: with it the run's parameters are lost, and to go on with
    the defaults would mix two runs into one.
    """
    try:
        return read_record(folder)
    except DataError as error:
        if not (folder / FILE).exists():
            return None
        raise DataError(
            f"{error}. The parameters of run {folder.name} are lost with it: begin a new run, or "
            f"remove {folder / FILE} and give them again by -p"
        ) from None


def _describe(plan: Plan, known: Declared, progress: Progress) -> None:
    progress.line("a new run would be made" if plan.new else f"run {plan.run.id} would go on")
    for stage in plan.stages:
        given = plan.parameters.get(stage, {})
        values = ", ".join(f"{name}={given[name]!r}" for name in known[stage] if name in given)
        kept = "kept: " + plan.kept[stage]["made"] if stage in plan.kept else ""
        progress.stage(stage, None, kept or f"would run{values and ' with ' + values}")


def _running_now(settings: Settings) -> str:
    running = [r for r in read_records(settings.reports) if r.status == "running"]
    return f"run {running[0].run_id}, begun {running[0].started}," if running else "another run"


def _settle_killed(settings: Settings, redact: Redactor) -> None:
    """Enter the end of runs that were killed: they say `running`, but we hold the lock."""
    for record in read_records(settings.reports):
        if record.status != "running":
            continue
        record.status = "interrupted"
        record.resume = f"gamerec run --resume {record.run_id}"
        cut = [stage for stage, r in record.stages.items() if r.status == "running"]
        for stage in cut:
            record.stages[stage].status = "interrupted"
        message = "the runner was killed, or the machine was switched off"
        record.error = {"stage": "".join(cut), "kind": "Interrupted", "message": message}
        write_record(settings.reports / record.run_id, record, redact)


def _tidy(record: RunRecord, settings: Settings, redact: Redactor, progress: Progress) -> None:
    """Prune old runs. What hinders that is told, and no reason to fail."""
    try:
        for run_id in prune(settings, record):
            progress.line(f"  pruned run {run_id} (KEEP_RUNS={settings.keep_runs})")
    except GamerecError as error:
        progress.line(f"  old runs could not be pruned: {error}")
    write_index(settings.reports, redact)


def _say_where(record: RunRecord, settings: Settings, progress: Progress) -> None:
    for sink, what in record.pending.items():
        progress.line(f"  not delivered    {sink}: {what}")
    if record.results:
        for name, place in record.results.items():
            progress.line(f"  {name:<16} {place}")
        return
    progress.line(f"  {'report':<16} {settings.reports / record.run_id / 'index.html'}")
    if record.resume:
        progress.line(f"  {'go on with':<16} {record.resume}")
