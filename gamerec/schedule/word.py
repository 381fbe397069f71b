"""Word of a scheduled job that has ended: also of one whose process was killed and cannot tell."""

from gamerec.notify import plain_word, tell, word_of
from gamerec.schedule.outcome import find_record
from gamerec.schedule.state import Job
from gamerec.settings import Settings

_SILENT = ("skipped", "missed", "stopped")  # nothing has run, or whoever stopped it knows


def tell_job(job: Job, settings: Settings) -> None:
    """Send word of a job, after its last attempt, as the settings want it."""
    if job.status in _SILENT:
        return
    record = find_record(job.run_id, settings)
    tries = f"after {job.attempts} attempts: " if job.attempts > 1 else ""
    if record is None:
        lines = [f"{tries}{job.message}", f"Planned for {job.planned}", f"Output: {job.log}"]
        tell(plain_word(f"scheduled run {job.status}", job.status, lines, settings), settings)
        return
    message = "" if job.status in ("done", "refused") else f"{tries}{job.message}"
    tell(word_of(record, settings, job.status, message), settings)
