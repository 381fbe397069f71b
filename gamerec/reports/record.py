"""run.json: what a run was asked, what each stage did, and how it ended.

Written atomically after every change, so that it is right whenever the runner is cut off: a record
that still says `running` while nobody holds the lock belongs to a run that was killed.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from gamerec.errors import DataError
from gamerec.redaction import Redactor
from gamerec.runs import STAGES
from gamerec.storage import FolderStore

Status = Literal["running", "done", "refused", "failed", "interrupted"]
StageStatus = Literal["waiting", "running", "done", "failed", "interrupted", "skipped"]

FILE = "run.json"


@dataclass
class StageRecord:
    """One stage of a run; `seconds` counts the wait for a kernel, `made` is the notebook's line."""

    status: StageStatus = "waiting"
    seconds: float | None = None
    made: str = ""
    metrics: dict[str, Any] = field(default_factory=dict)


@dataclass
class RunRecord:
    """One run. `parameters` are those given by the user; the rest are the notebooks' defaults."""

    run_id: str
    status: Status = "running"
    started: str = ""
    ended: str | None = None
    seconds: float = 0.0  # of work: pauses between a run and its resumption do not count
    exit_code: int | None = None
    stages: dict[str, StageRecord] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: dict[str, str] | None = None  # stage, kind and message
    resume: str = ""
    gate: dict[str, Any] | None = None
    results: dict[str, str] = field(default_factory=dict)  # what is where
    pending: dict[str, str] = field(default_factory=dict)  # sink -> what it lacks
    data: dict[str, Any] = field(default_factory=dict)  # artifact or file -> SHA-256
    code_commit: str = ""
    versions: dict[str, str] = field(default_factory=dict)


def write_record(folder: Path, record: RunRecord, redact: Redactor) -> None:
    """Replace the run.json in a report folder by this record, without secrets."""
    FolderStore(folder).write_json(FILE, redact.tree(asdict(record)))


def read_record(folder: Path) -> RunRecord:
    """The record in a report folder; raises DataError where there is none that can be read."""
    try:
        plain = json.loads((folder / FILE).read_text(encoding="utf-8"))
        found = plain.pop("stages")
        stages = {name: StageRecord(**found[name]) for name in STAGES if name in found}
        return RunRecord(**plain, stages=stages)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"there is no readable {FILE} in {folder}: {error}") from None


def read_records(reports: Path) -> list[RunRecord]:
    """The records of all runs, newest first; folders without a readable one are passed over."""
    found = []
    for folder in reports.iterdir() if reports.is_dir() else ():
        try:
            found.append(read_record(folder))
        except DataError:
            continue
    return sorted(found, key=lambda record: record.run_id, reverse=True)


def now() -> str:
    """The time to the second, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")
