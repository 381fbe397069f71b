"""What a scheduler knows of its past, as one small JSON file below `<home>/store/schedule`.

It lies on this machine also where the store is a bucket: a schedule belongs to one machine.
"""

import logging
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from gamerec.errors import DataError, ServiceError
from gamerec.settings import Settings
from gamerec.storage import FolderStore, MissingKey

_log = logging.getLogger(__name__)

_KEY = "state.json"

# done and refused are complete runs; skipped, missed: none was begun
JobStatus = Literal[
    "running", "done", "refused", "failed", "killed", "timeout", "interrupted", "stopped",
    "skipped", "missed",
]  # fmt: skip
COMPLETE = ("done", "refused")


@dataclass
class Job:
    """What became of one planned time; times are ISO 8601 in UTC."""

    planned: str
    status: JobStatus = "running"
    started: str = ""
    ended: str = ""
    seconds: float = 0.0
    attempts: int = 0
    exit_code: int | None = None  # negative: the signal that killed it
    run_id: str = ""
    message: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    pid: int | None = None
    pid_created: float | None = None  # tells our process from a later one of the same number


@dataclass
class State:
    """The last planned time that is settled, the job in progress, the jobs before, oldest first."""

    cron: str = ""
    zone: str = ""
    settled: str = ""
    pid: int | None = None
    pid_created: float | None = None
    current: Job | None = None
    history: list[Job] = field(default_factory=list)


def folder(settings: Settings) -> Path:
    """Where state, lock and the output of scheduled runs are."""
    return settings.gamerec_home / "store" / "schedule"


def load_state(settings: Settings) -> State:
    """The state, empty before the first time; an unreadable one is set aside and told."""
    store = FolderStore(folder(settings))
    try:
        return _parsed(store.read_json(_KEY))
    except MissingKey:
        return State()
    except (DataError, TypeError, ValueError, KeyError, AttributeError) as error:
        aside = store.path(f"{_KEY}.unreadable")
        _log.warning(
            "the schedule's state cannot be read (%s); it is set aside as %s", error, aside
        )
        store.path(_KEY).replace(aside)
        return State()


def save_state(state: State, settings: Settings) -> None:
    """Replace the state; a full disk is told, and no reason to end the schedule."""
    state.history = state.history[-max(settings.keep_runs, 10) :]
    try:
        FolderStore(folder(settings)).write_json(_KEY, asdict(state))
    except ServiceError as error:
        _log.warning("the schedule's state cannot be kept: %s", error)


def prune_logs(state: State, settings: Settings) -> None:
    """Delete what jobs printed that the history does not hold any more."""
    kept = {job.log for job in state.history}
    for path in (folder(settings) / "logs").glob("*.log"):
        if str(path) not in kept:
            path.unlink(missing_ok=True)


def moment(text: str) -> datetime | None:
    """The time of an ISO 8601 text; None for the empty one."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _parsed(plain: dict[str, Any]) -> State:
    current, history = plain.pop("current"), plain.pop("history")
    state = State(**plain)
    state.current = Job(**current) if current else None
    state.history = [Job(**job) for job in history]
    moment(state.settled)  # raises where it is no time
    return state
