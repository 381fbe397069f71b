"""What the end of a scheduled run means, and whether another attempt may help."""

import signal
from typing import Any

from gamerec.errors import DataError
from gamerec.reports.record import RunRecord, read_record
from gamerec.schedule.process import Output
from gamerec.schedule.state import Job, JobStatus
from gamerec.settings import Settings

_BY_CODE: dict[int, JobStatus] = {0: "done", 4: "refused", 6: "skipped", 130: "interrupted"}

# Wrong settings and bad data stay what they are, and an interruption was somebody's wish.
_FINAL = (0, 2, 3, 4, 6, 130)


def settle(job: Job, code: int | None, output: Output, settings: Settings) -> None:
    """Enter in `job` how its process ended, from the exit code, the run's record and its output."""
    job.run_id = output.run_id() or job.run_id
    record = find_record(job.run_id, settings)
    if code is None and record is not None and record.status != "running":
        code = record.exit_code  # a run that was found again: its parent, who is told, is gone
    job.exit_code = code
    if code is None or code < 0:
        job.status = "killed"
        by = signal.Signals(-code).name if code else "something outside"
        job.message = f"the run's process was killed by {by}"
    else:
        job.status = _BY_CODE.get(code, "failed")
        job.message = _message(job, record, output)
    job.metrics = key_metrics(record)


def may_retry(job: Job) -> bool:
    """Whether the run may well end better next time."""
    return job.status == "timeout" or job.exit_code is None or job.exit_code not in _FINAL


def is_resumable(run_id: str, settings: Settings) -> bool:
    """Whether there is such a run, and it did not come to its end."""
    record = find_record(run_id, settings)
    return record is not None and record.status not in ("done", "refused")


def find_record(run_id: str, settings: Settings) -> RunRecord | None:
    """The record of a run, if there is one that can be read."""
    try:
        return read_record(settings.reports / run_id) if run_id else None
    except DataError:
        return None


def key_metrics(record: RunRecord | None) -> dict[str, Any]:
    """The metrics of the stage evaluate."""
    stage = record.stages.get("evaluate") if record else None
    return dict(stage.metrics) if stage else {}


def _message(job: Job, record: RunRecord | None, output: Output) -> str:
    if job.status == "done" and record and record.gate:
        return str(record.stages["evaluate"].made if "evaluate" in record.stages else "")
    if job.status == "refused" and record and record.gate:
        return str(record.gate["reason"])
    if record and record.error:
        return f"{record.error['stage']}: {record.error['message']}"[:500]
    return output.last_words()
