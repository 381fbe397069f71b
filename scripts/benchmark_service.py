"""The service beside a bare FastAPI endpoint with the same request and response models.

    python scripts/benchmark_service.py             20,000 games and 1,000,000 users
    python scripts/benchmark_service.py --swaps     50 promotions under load: no error, none mixed
    python scripts/benchmark_service.py --cold      from the start of the process to ready, sample

Two servers of one worker each, by turns in one run, loopback only. The machine should have nothing
else to do. The simulated store is kept in --home for the next time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from service_data import make_store
from service_load import Load, gamerec_command, load, memory, server

SWAPS = 50
LEAST_REQUESTS = 100_000


def ask(url: str, path: str, body: dict | None = None) -> dict:
    """One request, JSON in and out."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def compare(home: Path, n_users: int, n_games: int, rounds: int, seconds: float) -> None:
    """Throughput, latency and memory, beside the bare endpoint."""
    with server(home, gamerec_command(), "/readyz") as (ours, pid):
        answer = json.dumps(ask(ours, "/predict", {"user_id": 1, "k": 10}))
        bare_command = [sys.executable, str(Path(__file__).with_name("bare_endpoint.py"))]
        with server(home, bare_command, "/openapi.json", ANSWER=answer) as (bare, _):
            for url in (ours, bare):
                load(url, n_users, 16, 2)  # warm
            many = by_turns(ours, bare, n_users, 16, rounds, seconds)
            one = by_turns(ours, bare, n_users, 1, rounds, seconds)
        report(many, one)
        used, live = memory(pid), ask(ours, "/version")["model_version"]
    (folder,) = (home / "store/cache/versions").glob(f"{live}-*")
    arrays = sum(f.stat().st_size for f in folder.rglob("*.npy"))
    in_model = sum(f.stat().st_size for f in folder.glob("model/*.npy"))
    print(f"memory of the process {used / 2**20:,.0f} MB; mapped from files and shared among ")
    print(f"  workers: {(arrays - in_model) / n_users:,.0f} bytes per user (id and history), ")
    print(f"  {in_model / n_games:,.0f} bytes per game (weights and content)")


def by_turns(
    ours: str, bare: str, n_users: int, connections: int, rounds: int, seconds: float
) -> list[tuple[Load, Load]]:
    """The two servers, one after the other, round by round."""
    return [
        (
            load(ours, n_users, connections, seconds, number),
            load(bare, n_users, connections, seconds, number),
        )
        for number in range(rounds)
    ]


def report(many: list[tuple[Load, Load]], one: list[tuple[Load, Load]]) -> None:
    """Medians over the rounds."""
    print(f"{'':28s}{'service':>12s}{'bare':>12s}")
    rows = [
        ("requests/s, 16 connections", many, "per_second", 0),
        ("p50 ms, 16 connections", many, "p50", 2),
        ("p99 ms, 16 connections", many, "p99", 2),
        ("p50 ms, 1 connection", one, "p50", 2),
        ("p99 ms, 1 connection", one, "p99", 2),
    ]
    for name, pairs, what, digits in rows:
        both = [statistics.median(getattr(pair[i], what) for pair in pairs) for i in (0, 1)]
        print(f"{name:28s}{both[0]:12,.{digits}f}{both[1]:12,.{digits}f}")
    ratio = statistics.median(a.per_second / b.per_second for a, b in many)
    added = statistics.median(a.p50 - b.p50 for a, b in one)
    errors = sum(a.errors for a, _ in many + one)
    total = sum(a.requests for a, _ in many + one)
    print(f"throughput ratio {ratio:.2f} (0.80 or more), added p50 {added:.2f} ms (0.30 or less), ")
    print(f"errors {errors} of {total:,} requests")


def swaps(home: Path, n_users: int, workers: int) -> None:
    """Promote by turns under load; every answer must be whole, and of one of the two versions."""
    from gamerec.registry import Registry
    from gamerec.settings import Settings
    from gamerec.storage import open_store

    settings = Settings(gamerec_home=home)
    registry = Registry(open_store(settings.store_uri, settings))
    names = registry.versions()[:2]
    stop, loads, faults, seen = threading.Event(), [], [], []

    def press(url: str) -> None:
        while not stop.is_set():
            loads.append(load(url, n_users, 16, 5, len(loads)))

    with server(home, gamerec_command(workers), "/readyz") as (url, _):
        expected = {}
        for name in names:
            registry.promote(name, by="benchmark", why="expected answers")
            wait_for(url, name)
            expected[name] = {u: items(ask(url, "/predict", {"user_id": u})) for u in range(1, 21)}
        pressing = threading.Thread(target=press, args=(url,))
        pressing.start()
        done = 0
        while done < SWAPS or sum(found.requests for found in loads) < LEAST_REQUESTS:
            name = names[done % 2]
            begun = time.monotonic()
            registry.promote(name, by="benchmark", why="swap")
            while True:
                for user in range(1, 21):
                    answer = ask(url, "/predict", {"user_id": user})
                    if items(answer) != expected[answer["model_version"]][user]:
                        faults.append(answer)
                if answer["model_version"] == name:
                    break
            seen.append(time.monotonic() - begun)
            done += 1
        stop.set()
        pressing.join()
    requests, errors = (sum(getattr(found, x) for found in loads) for x in ("requests", "errors"))
    print(f"{done} swaps, seen after {statistics.median(seen):.2f} s, {max(seen):.2f} s at most; ")
    print(f"{requests:,} requests, {errors} errors, {len(faults)} mixed or changed answers")


def items(answer: dict) -> list:
    """What must be the same for a version and a user."""
    return [(item["game_id"], item["score"]) for item in answer["items"]]


def wait_for(url: str, version: str) -> None:
    """Until every worker has the version: none of 30 answers is of another."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if all(ask(url, "/version")["model_version"] == version for _ in range(30)):
            return
        time.sleep(0.2)
    raise SystemExit(f"{version} was not seen")


def cold(times: int) -> None:
    """Seconds from the start of the process until /readyz says yes, on the sample."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        command = [sys.executable, "-c", "from gamerec.cli import app; app()", "run"]
        environment = os.environ | {"GAMEREC_HOME": folder}
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=600)
        found = []
        for _ in range(times):
            begun = time.monotonic()
            with server(home, gamerec_command(), "/readyz"):
                found.append(time.monotonic() - begun)
        print("cold start to ready, s: " + ", ".join(f"{seconds:.2f}" for seconds in found))
        print(f"median after the first {statistics.median(found[1:]):.2f} s (3 or less)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--games", type=int, default=20_000)
    parser.add_argument("--home", type=Path, help="where the store is kept; else a temporary one")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5, help="of each load")
    parser.add_argument("--workers", type=int, default=2, help="with --swaps")
    parser.add_argument("--swaps", action="store_true")
    parser.add_argument("--cold", action="store_true")
    given = parser.parse_args()
    if given.cold:
        cold(given.rounds + 1)
        return
    with tempfile.TemporaryDirectory() as temporary:
        home = given.home or Path(temporary)
        if not (home / "store" / "models").is_dir():
            make_store(home, given.users, given.games, 2)
        if given.swaps:
            swaps(home, given.users, given.workers)
        else:
            compare(home, given.users, given.games, given.rounds, given.seconds)


if __name__ == "__main__":
    main()
