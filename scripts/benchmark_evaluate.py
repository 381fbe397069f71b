"""How long it takes to measure a model on all users of a log, and in how much memory.

    python scripts/benchmark_evaluate.py                          1,000,000 plays of 20,000 games
    python scripts/benchmark_evaluate.py --users 1000000 --games 50000
    python scripts/benchmark_evaluate.py --data plays.csv.gz      a log with user_id, game_id

Lists for every user at K = 5, 10 and 20 by item_knn, popularity, random and, on simulated players,
the oracle for 10,000 of them; every metric with its bootstrap interval; then beyond accuracy.
Compiled code is loaded first, as in any run but the very first.
"""

import argparse
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from benchmark_simulate import catalogue
from scipy import sparse

from gamerec import Interactions, evaluate, models
from gamerec.players.simulate import Truth, simulate
from gamerec.references import Random

KS = (5, 10, 20)
K = 10
ORACLE_USERS = 10_000


def peak_megabytes() -> float:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the seconds of a step, and the peak memory after it."""
    begun = time.perf_counter()
    yield
    print(f"{what:44s} {time.perf_counter() - begun:8.2f} s   peak {peak_megabytes():7,.0f} MB")


def simulated(
    n_users: int, n_games: int
) -> tuple[Interactions, Truth | None, sparse.csr_matrix | None]:
    """Players with 1 to 5 games each, their truth, and the games' content."""
    games, features = catalogue(n_games)
    plays, truth = simulate(games, features, n_users)
    return Interactions.from_frame(plays, game_ids=games["game_id"]), truth, features.matrix


def compile_all() -> None:
    """Load or compile every kernel on a small log."""
    models.warm_up()
    X = sparse.csr_matrix(np.eye(8, dtype=np.float32))
    evaluate.evaluate({"random": Random()}, X, X, ks=(1,))


def main() -> None:
    """Run the benchmark that the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="", help="CSV with user_id and game_id; empty: simulated")
    parser.add_argument("--users", type=int, default=333_333, help="simulated players")
    parser.add_argument("--games", type=int, default=20_000, help="games of the simulated log")
    arguments = parser.parse_args()
    truth, content = None, None
    if arguments.data:
        log = pd.read_csv(arguments.data, usecols=["user_id", "game_id"])
        data = Interactions.from_frame(log)
    else:
        data, truth, content = simulated(arguments.users, arguments.games)
    train, test = data.split(0.2, seed=42)
    n_users, n_games = data.X.shape
    print(f"{n_users:,} users, {n_games:,} games, {data.X.nnz:,} plays, {test.X.nnz:,} held out")
    with timed("loading compiled code"):
        compile_all()
    contestants = {
        "item_knn": models.create("item_knn").fit(train.X),
        "popularity": models.create("popularity").fit(train.X),
        "random": Random(),
    }
    begun, measured = time.perf_counter(), {}
    for name, model in contestants.items():
        with timed(f"{name}: lists and metrics of all users"):
            measured[name] = evaluate.measure(model, train.X, test.X, KS)
    if truth is not None:
        users = evaluate.sampled(data.user_ids - 1, ORACLE_USERS)
        with timed(f"oracle and regret of {ORACLE_USERS:,} users"):
            measured = evaluate.against_truth(measured, truth, users, train.X, test.X, KS, K)
    popularity = contestants["popularity"].popularity
    with timed("beyond accuracy"):
        for name in contestants:
            measured[name] = evaluate.beyond_accuracy(
                measured[name], train.X, popularity, content, K
            )
    with timed("intervals of everything"):
        table = evaluate.table(measured)
    print(f"{'all together':44s} {time.perf_counter() - begun:8.2f} s")
    metrics = ["ndcg", "recall", "coverage", "diversity", "regret"]
    print(evaluate.summary(table, K, metrics).to_string())


if __name__ == "__main__":
    main()
