#!/usr/bin/env python3
"""Have Airflow run the pipeline now, and wait for its end.

    AIRFLOW_URL=https://airflow.example AIRFLOW_USER=... AIRFLOW_PASSWORD=... \\
        .venv/bin/python scripts/release/trigger_airflow.py [--minutes 120]

Exit code 0 where the DAG run succeeded, 1 where it failed or did not end in time, 2 where a
variable is missing. No credential is printed.
"""

import argparse
import os
import sys
import time
from datetime import UTC, datetime

import requests

DAG = "game_recommend_pipeline"
TIMEOUT = 30  # seconds for one answer
PATIENCE = 5  # answers in a row that may fail while waiting


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120, help="how long to wait for the end")
    parser.add_argument("--every", type=float, default=10, help="seconds between looks")
    options = parser.parse_args()
    names = ("AIRFLOW_URL", "AIRFLOW_USER", "AIRFLOW_PASSWORD")
    if missing := [name for name in names if not os.environ.get(name)]:
        print(f"set {', '.join(missing)}", file=sys.stderr)
        raise SystemExit(2)
    url = os.environ["AIRFLOW_URL"].rstrip("/")
    session = requests.Session()
    try:
        log_in(session, url)
        run = begin(session, url)
        print(f"{DAG}: {run}", flush=True)
        state = wait(session, url, run, options)
    except requests.RequestException as error:
        status = getattr(error.response, "status_code", None)
        reason = f"HTTP {status}" if status else type(error).__name__
        sys.exit(f"Airflow does not answer as expected: {reason}")
    print(f"{DAG}: {state}")
    raise SystemExit(0 if state == "success" else 1)


def log_in(session: requests.Session, url: str) -> None:
    """Have the session carry a token of Airflow's."""
    user = {"username": os.environ["AIRFLOW_USER"], "password": os.environ["AIRFLOW_PASSWORD"]}
    answer = session.post(f"{url}/auth/token", json=user, timeout=TIMEOUT)
    answer.raise_for_status()
    session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def begin(session: requests.Session, url: str) -> str:
    """Begin a DAG run; its id."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    answer = session.post(
        f"{url}/api/v2/dags/{DAG}/dagRuns", json={"logical_date": now}, timeout=TIMEOUT
    )
    answer.raise_for_status()
    return str(answer.json()["dag_run_id"])


def wait(session: requests.Session, url: str, run: str, options: argparse.Namespace) -> str:
    """The state of the DAG run when it has ended, or where it stands when time is up."""
    end, failures = time.monotonic() + options.minutes * 60, 0
    while True:
        try:
            answer = session.get(f"{url}/api/v2/dags/{DAG}/dagRuns/{run}", timeout=TIMEOUT)
            answer.raise_for_status()
            state, failures = str(answer.json()["state"]), 0
        except requests.RequestException:
            failures += 1
            if failures > PATIENCE:
                raise
            state = "unknown"
        if state in ("success", "failed") or time.monotonic() > end:
            return state
        time.sleep(options.every)


if __name__ == "__main__":
    main()
