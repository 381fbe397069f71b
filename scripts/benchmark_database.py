"""Rows per second of a batch load, into SQLite or into a MariaDB or MySQL server.

    python scripts/benchmark_database.py --url mysql://root@127.0.0.1:3306/bench --rows 1000000

Makes recommendations of 10 games for each user in frames of 50,000 rows, loads them twice under
two batch ids and once more under the second, and prints the rates, the largest memory use, and
what a reader waits for one user's list. It loads its batches into the database at the URL: give
it one that holds nothing else.
"""

import argparse
import resource
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from gamerec.database import Database

GAMES = 20_000
PLACES = 10
FRAME = 5_000  # users


def frames(n_users: int, seed: int) -> Iterator[pd.DataFrame]:
    """Lists with a popularity bias, as real ones have it."""
    rng = np.random.default_rng(seed)
    for start in range(0, n_users, FRAME):
        users = np.arange(start, min(start + FRAME, n_users))
        n_rows = len(users) * PLACES
        yield pd.DataFrame(
            {
                "user_id": np.repeat(users + 76_561_197_960_265_728, PLACES),
                "rank": np.tile(np.arange(1, PLACES + 1), len(users)),
                "game_id": (GAMES * rng.random(n_rows) ** 3).astype(np.int64) * 10,
                "score": rng.random(n_rows).astype(np.float32),
                "because_game_id": (GAMES * rng.random(n_rows) ** 3).astype(np.int64) * 10,
            }
        )


def main() -> None:
    """Run the benchmark that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="", help="database; empty: SQLite in a temporary folder")
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    n_users = arguments.rows // PLACES
    with TemporaryDirectory() as folder:
        url = arguments.url or f"sqlite:///{Path(folder) / 'bench.db'}"
        with Database(url) as database:
            database.upgrade()
            print(f"{database.kind}: {n_users * PLACES:,} rows of {n_users:,} users")
            loads = (("a", "first load"), ("b", "users known"), ("b", "again, old one deleted"))
            for seed, (batch_id, what) in enumerate(loads):
                began = time.perf_counter()
                n_rows = database.load_batch(batch_id, frames(n_users, seed), keep=2)
                seconds = time.perf_counter() - began
                print(f"{what:24} {n_rows / seconds:9,.0f} rows/s  {seconds:6.1f} s")
            print(f"{'one list, median':24} {list_seconds(database, n_users) * 1e3:9.2f} ms")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{'memory, peak':24} {peak:9,.0f} MB")


def list_seconds(database: Database, n_users: int) -> float:
    """Median time to read one user's list of the live batch."""
    times = []
    for user in np.random.default_rng(0).integers(0, n_users, 200).tolist():
        began = time.perf_counter()
        assert len(database.recommendations(user + 76_561_197_960_265_728)) == PLACES
        times.append(time.perf_counter() - began)
    return statistics.median(times)


if __name__ == "__main__":
    main()
