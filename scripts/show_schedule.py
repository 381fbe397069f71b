#!/usr/bin/env python3
"""Three scheduled runs in a row, the process of the second one killed; then the scheduler's status.

    .venv/bin/python scripts/show_schedule.py [--attempts N]

With one attempt (the default here) the second stays killed and the third is fine; with more, the
killed run is gone on with. Everything is in a temporary folder that is deleted at the end.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GAMEREC = [sys.executable, "-c", "from gamerec.cli import app; app()"]
LIMIT = 600  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attempts", type=int, default=1)
    attempts = parser.parse_args().attempts
    with tempfile.TemporaryDirectory(prefix="gamerec-schedule-") as home:
        env = os.environ | {
            "GAMEREC_HOME": home,
            "SCHEDULE_OVERLAP": "queue",
            "SCHEDULE_ATTEMPTS": str(attempts),
            "SCHEDULE_PAUSE": "1",
        }
        command = [*GAMEREC, "schedule", "--cron", "*/10 * * * * *", "--tz", "Asia/Seoul"]
        scheduler = subprocess.Popen(command, env=env)
        try:
            wait_for(home, lambda state: len(state["history"]) == 1, scheduler)
            wait_for(home, in_training, scheduler)
            run = read(home)["current"]
            print(f"--- kill -9 {run['pid']}, run {run['run_id']}", flush=True)
            os.kill(run["pid"], signal.SIGKILL)
            wait_for(home, lambda state: len(state["history"]) == 3, scheduler)
            print("--- SIGTERM to the scheduler", flush=True)
        finally:
            scheduler.terminate()
            scheduler.wait(120)
        print("--- gamerec schedule status", flush=True)
        subprocess.run([*GAMEREC, "schedule", "status", "-n", "4"], env=env, check=True)


def read(home: str) -> dict:
    """The scheduler's state; that of no scheduler before it has begun."""
    path = Path(home) / "store" / "schedule" / "state.json"
    return json.loads(path.read_text()) if path.exists() else {"history": [], "current": None}


def in_training(state: dict) -> bool:
    """Whether the run in progress has come to train."""
    run = state["current"]
    if not run or not run["run_id"] or len(state["history"]) != 1:
        return False
    home = Path(run["log"]).parents[3]
    record = home / "reports" / run["run_id"] / "run.json"
    if not record.exists():
        return False
    return json.loads(record.read_text())["stages"]["train"]["status"] == "running"


def wait_for(home: str, happened, scheduler: subprocess.Popen) -> None:
    """Wait until the state says so; ends with the scheduler, or after LIMIT seconds."""
    end = time.monotonic() + LIMIT
    while not happened(read(home)):
        if scheduler.poll() is not None or time.monotonic() > end:
            sys.exit(f"the scheduler ended early ({scheduler.poll()}), or nothing happened")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
