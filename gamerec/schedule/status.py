"""What `gamerec schedule status` shows: the scheduler, the run in progress, next runs, results."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gamerec.schedule.cron import Cron
from gamerec.schedule.process import is_alive
from gamerec.schedule.state import Job, State, moment

_METRIC = "ndcg@10"


def summary(state: State, cron: Cron, now: datetime, count: int) -> dict[str, Any]:
    """The status as plain values; the last `count` results, newest first."""
    up = is_alive(state.pid, state.pid_created)
    alive = state.current is not None and is_alive(state.current.pid, state.current.pid_created)
    return {
        "scheduler": {"running": up, "pid": state.pid if up else None},
        "cron": cron.expression,
        "zone": str(cron.zone),
        "current": asdict(state.current) | {"alive": alive} if state.current else None,
        "next": [time.isoformat() for time in cron.upcoming(now, 3)],
        "last": [asdict(job) for job in reversed(state.history[-count:])],
    }


def as_text(status: dict[str, Any], cron: Cron, now: datetime) -> str:
    """The summary for a terminal."""
    up = status["scheduler"]
    who = f"running, process {up['pid']}" if up["running"] else "not running: `make schedule`"
    lines = [f"scheduler  {who}", f"times      {status['cron']} ({status['zone']})"]
    if status["current"]:
        lines.append(f"now        {_current(Job(**_fields(status['current'])), cron, now, status)}")
    times = [_clock(datetime.fromisoformat(time), cron) for time in status["next"]]
    lines += [f"{'next' if n == 0 else '':<10} {time}" for n, time in enumerate(times)]
    if not status["last"]:
        return "\n".join([*lines, "last       nothing yet"])
    rows = [_row(Job(**job), cron) for job in status["last"]]
    head = ("planned", "status", "took", "tries", "exit", "run", "NDCG@10", "")
    return "\n".join([*lines, "", *_aligned([head, *rows])])


def _fields(current: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in current.items() if name != "alive"}


def _current(job: Job, cron: Cron, now: datetime, status: dict[str, Any]) -> str:
    begun = moment(job.started) or now
    since = f"for {_span((now - begun).total_seconds())}"
    if status["current"]["alive"]:
        return (
            f"run {job.run_id or '(starting)'} {since}, attempt {job.attempts}, process {job.pid}"
        )
    if status["scheduler"]["running"]:
        return f"waiting after attempt {job.attempts}: {job.message}"
    return f"run {job.run_id} was cut short; the next `make schedule` takes it up"


def _row(job: Job, cron: Cron) -> tuple[str, ...]:
    planned = moment(job.planned) or datetime.now(UTC)
    score = job.metrics.get(_METRIC)
    return (
        _clock(planned, cron),
        job.status,
        _span(job.seconds) if job.attempts else "",
        str(job.attempts) if job.attempts else "",
        "" if job.exit_code is None else str(job.exit_code),
        job.run_id,
        "" if score is None else f"{score:.3f}",
        job.message if len(job.message) <= 100 else f"{job.message[:99]}…",
    )


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _clock(time: datetime, cron: Cron) -> str:
    return f"{cron.local(time):%Y-%m-%d %H:%M:%S %Z}"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
