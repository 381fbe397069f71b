"""`make test-airflow`: the DAG in a real Airflow, without a network, against `gamerec run`.

In .venv-airflow, on SQLite and on the sample: the DAG leaves the same artifacts as the command;
a refused candidate takes the other branch; a parameter that does not exist is refused at once.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AIRFLOW = ROOT / ".venv-airflow"
PYTHON = ROOT / ".venv" / "bin" / "python"
DAG = "game_recommend_pipeline"
LIMIT = 1200  # seconds for one DAG run, on a machine that has other things to do

# What depends on the moment or on how fast the machine is.
_UNSTEADY = {"fit_seconds"}
_NO_ARTIFACT = re.compile(r"/wandb/|/tuning/|/cache/|\.lock$|\.log$|-journal$|-(wal|shm)$")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="gamerec-airflow-"))
    try:
        install_kernel()
        airflow = Airflow(folder)
        airflow.run("db", "migrate")
        same_artifacts(airflow, folder)
        refused(airflow)
        wrong_parameter(airflow)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def install_kernel() -> None:
    """A kernel named gamerec in Airflow's environment, which is the Python of `.venv`."""
    command = [PYTHON, "-m", "ipykernel", "install", "--prefix", AIRFLOW, "--name", "gamerec"]
    subprocess.run([*command], check=True, capture_output=True)


class Airflow:
    """A private Airflow with SQLite, whose runs go to `folder`/dag."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "dag"
        self.home.mkdir()
        self.env = plain_environment() | {
            "AIRFLOW_HOME": str(folder / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "scripts" / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
            "GAMEREC_HOME": str(self.home),
            "GAMEREC_RETRIES": "0",
        }

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Call the `airflow` command, cut off from every network where that is possible."""
        command = [str(AIRFLOW / "bin" / "airflow"), *arguments]
        if os.geteuid() == 0 and shutil.which("unshare"):
            command = ["unshare", "-n", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *command]
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=LIMIT, check=False
        )

    def test(self, conf: dict[str, object] | None = None) -> tuple[int, list[str]]:
        """`airflow dags test`: its exit code, and the tasks that ran, in their order."""
        configuration = ["--conf", json.dumps(conf)] if conf else []
        done = self.run("dags", "test", DAG, *configuration)
        log = done.stdout + done.stderr
        tasks = re.findall(r"\[DAG TEST\] end task task_id=(\w+)", log)
        print(f"  exit code {done.returncode}; tasks: {' '.join(tasks)}", flush=True)
        if not tasks:
            print(log[-3000:])
        return done.returncode, tasks


def same_artifacts(airflow: Airflow, folder: Path) -> None:
    """The DAG and the command leave the same."""
    print("the DAG on the sample", flush=True)
    code, tasks = airflow.test()
    check(code == 0, "the DAG run succeeds")
    missing = {"crawl", "eda", "preprocess", "simulate", "train", "evaluate", "batch_score"}
    check(not missing - set(tasks) and "refused" not in tasks, "every stage ran, none was refused")
    check(tasks[-1] == "notify", "word is sent at the end")
    print("gamerec run on the sample", flush=True)
    plain = folder / "plain"
    plain.mkdir()
    env = plain_environment() | {"GAMEREC_HOME": str(plain)}
    command = [PYTHON, "-c", "from gamerec.cli import app; app()", "run"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=LIMIT)
    check(done.returncode == 0, f"gamerec run succeeds {done.stderr}")
    ours, theirs = files(airflow.home), files(plain)
    check(ours == theirs, f"the same files; only in one of them: {sorted(ours ^ theirs)}")
    a, b = record(airflow.home), record(plain)
    for key in ("status", "exit_code", "data", "gate", "parameters"):
        check(a[key] == b[key], f"run.json, {key}: {a[key]} and {b[key]}")
    for stage, made in b["stages"].items():
        steady = [
            {k: v for k, v in r["stages"][stage]["metrics"].items() if k not in _UNSTEADY}
            for r in (a, b)
        ]
        check(steady[0] == steady[1], f"figures of {stage}: {steady}")
        check(a["stages"][stage]["made"] == made["made"], f"what {stage} made: {made['made']}")
    check(lists(airflow.home) == lists(plain), "the same recommendations")


def refused(airflow: Airflow) -> None:
    """Players without a taste cannot be told better than by popularity."""
    print("the DAG with a candidate that is no better than popularity", flush=True)
    before = json.loads((airflow.home / "store/batches/current.json").read_text())["batch_id"]
    code, tasks = airflow.test({"parameters": {"simulate": {"MODE": "popularity"}}})
    check(code == 0, "a refused candidate is no failure")
    check({"refused", "batch_score", "report", "notify"} <= set(tasks), "both branches ran")
    found = record(airflow.home)
    check(found["status"] == "refused" and found["exit_code"] == 4, "run.json says so")
    check(found["parameters"] == {"simulate": {"MODE": "popularity"}}, "with what it was given")
    after = json.loads((airflow.home / "store/batches/current.json").read_text())["batch_id"]
    check(before != after == found["run_id"], "production scores the new players")


def wrong_parameter(airflow: Airflow) -> None:
    """Nothing runs with a parameter that no notebook has."""
    print("the DAG with a parameter that does not exist", flush=True)
    runs = len(list((airflow.home / "store" / "runs").iterdir()))
    code, tasks = airflow.test({"parameters": {"train": {"EPOCH": 3}}})
    check(code != 0, "the DAG run fails")
    check("crawl" not in tasks and "notify" in tasks, "nothing runs, but word is sent")
    check(runs == len(list((airflow.home / "store" / "runs").iterdir())), "nothing is written")


def plain_environment() -> dict[str, str]:
    """This environment without the settings of the project: no key, no server."""
    ours = ("RAWG_", "WANDB_", "AWS_", "DATABASE_URL", "STORE_URL", "GAMEREC_", "NOTIFY_", "SCHED")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def record(home: Path) -> dict[str, object]:
    """run.json of the newest run."""
    return json.loads(sorted((home / "reports").glob("*/run.json"))[-1].read_text())


def files(home: Path) -> set[str]:
    """The files below a project folder, with `RUN` for the run's id."""
    run_id = str(record(home)["run_id"])
    names = (str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    return {n.replace(run_id, "RUN") for n in names if not _NO_ARTIFACT.search(f"/{n}")}


def lists(home: Path) -> list[list[str]]:
    """The recommendations without the id of the batch."""
    path = next((home / "store" / "batches").glob("*/recommendations.csv"))
    with path.open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    keep = [n for n, name in enumerate(rows[0]) if name != "batch_id"]
    return [[row[n] for n in keep] for row in rows]


def check(holds: bool, what: str) -> None:
    """End with what does not hold."""
    if not holds:
        sys.exit(f"FAILED: {what}")
    print(f"  ok: {what[:140]}", flush=True)


if __name__ == "__main__":
    main()
