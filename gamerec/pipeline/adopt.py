"""The report of a run whose notebooks somebody else executed: Airflow, Papermill, a hand.

What such a run left is enough: marks and artifacts in the store, and the executed notebooks in
`reports/<run_id>/`, with the times and parameters that Papermill writes into them. Nothing is run.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from gamerec.errors import AlreadyRunning, DataError, GamerecError, GateRefused, StageFailed
from gamerec.parameters import RUN_ID, declared
from gamerec.pipeline import results
from gamerec.pipeline.lock import run_lock
from gamerec.pipeline.pruning import prune
from gamerec.redaction import Redactor
from gamerec.reports.record import RunRecord, StageRecord, now, write_record
from gamerec.reports.writer import ReportWriter, write_index
from gamerec.runs import STAGES, Run, notebook_name
from gamerec.settings import Settings, load_settings
from gamerec.storage import FolderStore, open_store

Notebooks = Mapping[str, nbformat.NotebookNode]  # stage -> its executed notebook


def adopt(run_id: str, settings: Settings | None = None) -> RunRecord:
    """Write run.json, pages and index of a run, and prune old runs; its record.

    Secrets are taken out of the executed notebooks. Doing it again gives the same. Raises DataError
    where there is nothing of such a run.
    """
    settings = settings or load_settings()
    redact = Redactor(settings.secrets)
    run = Run(run_id, open_store(settings.store_uri, settings))
    folder = settings.reports / run_id
    notebooks = _notebooks(folder, redact)
    if not notebooks and not any(run.mark(stage) for stage in STAGES):
        raise DataError(f"there is no run {run_id}: nothing in the store, and nothing in {folder}")
    record = _record(run, notebooks, settings, redact)
    write_record(folder, record, redact)
    _write_pages(record, notebooks, settings, redact)
    _tidy(record, settings)
    write_index(settings.reports, redact)
    return record


def _notebooks(folder: Path, redact: Redactor) -> dict[str, nbformat.NotebookNode]:
    """The executed notebooks, from now on without secrets and with their code to be seen."""
    found = {}
    for stage in STAGES:
        path = folder / f"{notebook_name(stage)}.ipynb"
        if not path.is_file():
            continue
        try:
            notebook = nbformat.read(path, as_version=4)
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is no notebook that can be read: {error}") from None
        for cell in notebook.cells:
            cell.metadata.get("jupyter", {}).pop("source_hidden", None)
        found[stage] = nbformat.from_dict(redact.tree(notebook))
        FolderStore(folder).write(path.name, nbformat.writes(found[stage]).encode())
    return found


def _record(run: Run, notebooks: Notebooks, settings: Settings, redact: Redactor) -> RunRecord:
    record = RunRecord(run.id, ended=now())
    begun = []
    for stage in STAGES:
        about = notebooks[stage].metadata.get("papermill", {}) if stage in notebooks else {}
        given = {name: v for name, v in about.get("parameters", {}).items() if name != RUN_ID}
        if given:
            record.parameters[stage] = given
        if about.get("start_time"):
            begun.append(_moment(about["start_time"]))
        record.stages[stage] = _stage(stage, run, notebooks.get(stage), settings)
        if record.stages[stage].status == "done":
            results.note(stage, run, record)
    results.note_origin(record)
    record.pending = results.deliver(settings)
    record.started = min(begun).isoformat(timespec="seconds") if begun else now()
    record.seconds = round(sum(r.seconds or 0 for r in record.stages.values()), 3)
    _conclude(record, run, notebooks, settings, redact)
    return record


def _stage(
    stage: str, run: Run, notebook: nbformat.NotebookNode | None, settings: Settings
) -> StageRecord:
    seconds = notebook.metadata.get("papermill", {}).get("duration") if notebook else None
    if mark := run.mark(stage):
        return StageRecord("done", seconds, mark["made"], mark["metrics"])
    if notebook:
        return StageRecord("failed" if _error_of(notebook) else "interrupted", seconds)
    if reason := results.reason_to_skip(stage, run, settings):
        return StageRecord("skipped", None, reason)
    return StageRecord()


def _conclude(
    record: RunRecord, run: Run, notebooks: Notebooks, settings: Settings, redact: Redactor
) -> None:
    """Enter how the run ended."""
    unfinished = [s for s, r in record.stages.items() if r.status not in ("done", "skipped")]
    if not unfinished:
        refused = record.gate is not None and not record.gate["promote"]
        record.status = "refused" if refused else "done"
        record.exit_code = GateRefused.exit_code if refused else 0
        record.results = results.whereabouts(run, settings)
        return
    stage = next((s for s in unfinished if record.stages[s].status == "failed"), unfinished[0])
    where = settings.reports / record.run_id / f"{notebook_name(stage)}.ipynb"
    error = _outcome(notebooks.get(stage), stage, where)
    record.status = "failed"
    record.exit_code = error.exit_code
    message = redact(str(error))
    record.error = {"stage": stage, "kind": type(error).__name__, "message": message}
    record.resume = f"gamerec run --resume {record.run_id}"


def _outcome(notebook: nbformat.NotebookNode | None, stage: str, where: Path) -> GamerecError:
    from gamerec.pipeline.notebook import NotebookError  # imports Papermill
    from gamerec.pipeline.outcome import to_error

    if notebook and (output := _error_of(notebook)):
        trace = "\n".join(output.get("traceback", []))
        return to_error(NotebookError(output.ename, output.evalue, _plain(trace)), where)
    return StageFailed(f"{notebook_name(stage)} did not come to its end")


def _plain(trace: str) -> str:
    from papermill.exceptions import strip_color

    return strip_color(trace)


def _error_of(notebook: nbformat.NotebookNode) -> Any:
    """The error output of the cell that failed, if one did."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return next((output for output in outputs if output.output_type == "error"), None)


def _write_pages(
    record: RunRecord, notebooks: Notebooks, settings: Settings, redact: Redactor
) -> None:
    writer = ReportWriter(settings.reports, declared(settings.notebooks), redact)
    for stage in notebooks:
        writer.stage(record, stage)
    writer.finish(record)


def _tidy(record: RunRecord, settings: Settings) -> None:
    """Prune old runs, unless a run is in progress: it will do so itself at its end."""
    try:
        with run_lock(settings.reports, 0, lambda: "another run"):
            prune(settings, record)
    except AlreadyRunning:
        return


def _moment(iso: str) -> datetime:
    moment = datetime.fromisoformat(iso)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
