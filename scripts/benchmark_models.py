"""How good, how fast and how large the models are, beside other libraries, on any play log.

    python scripts/benchmark_models.py --data plays.csv.gz     a log with user_id, game_id
    python scripts/benchmark_models.py --data simulated        1,000,000 plays of 20,000 games
    python scripts/benchmark_models.py --data simulated --plays 10000000 --games 50000 \\
        --only item_knn --tuning 0

Everything is tuned on a validation part with the same seconds each, judged on the test part, and
then fitted and asked in turns in this one process, with the same number of threads; medians count.
Plays are taken as played or not. The other libraries come with the extra `peers`; --no-peers goes
without. LensKit holds pandas below 3 and needs an environment of its own, where gamerec comes last:
`pip install lenskit implicit sparse-dot-topn optuna numba pydantic-settings`, then
`pip install --no-deps --editable .`
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numba
import numpy as np
import optuna
import pandas as pd
from benchmark_simulate import catalogue
from scipy import sparse

from gamerec import Interactions, metrics, models
from gamerec.players.simulate import simulate

K = 20
SLOW = 5.0  # seconds: what takes longer is measured once


class Ours:
    """A model of gamerec, tuned by `models.tune`; 'auto' lets that choose the family too."""

    largest = 10**9

    def __init__(self, name: str) -> None:
        self.name = name

    def tuned(self, X: sparse.csr_matrix, seconds: float) -> dict[str, Any]:
        """Parameters found within so many seconds."""
        families = None if self.name == "auto" else [self.name]
        model = models.tune(X, seconds, families=families, k=K)
        return {"name": model.name, **model.params}

    def fit(self, X: sparse.csr_matrix, **params: Any) -> models.ItemModel:
        name = "ease" if self.name == "auto" else self.name
        return models.create(**{"name": name, **params}).fit(X)

    def lists(self, fitted: models.ItemModel, X: sparse.csr_matrix, k: int) -> np.ndarray:
        return fitted.recommend(X, k)[0]

    def one(self, fitted: models.ItemModel, X: sparse.csr_matrix, user: int, k: int) -> Any:
        return fitted.recommend_one(X.indices[X.indptr[user] : X.indptr[user + 1]], k)


def read(path: str, least: int) -> sparse.csr_matrix:
    """The log as a binary matrix of the users with at least so many games."""
    frame = pd.read_csv(path, usecols=["user_id", "game_id"]).drop_duplicates()
    counts = frame["user_id"].value_counts()
    kept = frame[frame["user_id"].isin(counts.index[counts >= least])]
    return Interactions.from_frame(kept).X


def simulated(n_plays: int, n_games: int) -> sparse.csr_matrix:
    """A log of virtual players with 5 to 35 games each."""
    games, features = catalogue(n_games)
    plays, _ = simulate(games, features, n_plays // 20, min_games=5, max_games=35, tastes=64)
    return Interactions.from_frame(plays, game_ids=games["game_id"]).X


def dense(n_users: int = 4_000, n_games: int = 1_500) -> sparse.csr_matrix:
    """A log in which a user plays 15 % of all games."""
    rng = np.random.default_rng(0)
    chance = 0.3 * np.linspace(1, 0, n_games)
    return sparse.csr_matrix((rng.random((n_users, n_games)) < chance).astype(np.float32))


def split(X: sparse.csr_matrix, seed: int) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Train and held-out part, 20 % of each user's games."""
    log = Interactions(X, np.arange(X.shape[0]), np.arange(X.shape[1]))
    train, held = log.split(0.2, seed)
    return train.X, held.X


def quality(games: np.ndarray, held: sparse.csr_matrix) -> tuple[float, float]:
    """Recall and NDCG at K."""
    found = metrics.per_user(games, held, (K,))
    return float(found["recall", K].mean()), float(found["ndcg", K].mean())


def tune(contender: Any, X: sparse.csr_matrix, seconds: float, seed: int) -> dict[str, Any]:
    """The parameters of highest NDCG on a validation part, defaults first, then Optuna's TPE."""
    if not seconds:
        return {}
    if isinstance(contender, Ours):
        return contender.tuned(X, seconds)
    train, held = split(X, seed + 1)
    users = metrics.test_users(held)
    if contender.name.startswith("lenskit") and len(users) > 500:  # some ms for each list
        users = np.random.default_rng(0).choice(users, 500, replace=False)
    best: tuple[float, dict[str, Any]] = (-1.0, {})

    def value(trial: optuna.Trial) -> float:
        nonlocal best
        params = contender.suggest(trial) if trial.number else {}
        fitted = contender.fit(train, **params)
        if len(users) == 500:
            lists = np.full((train.shape[0], K), -1)
            for user in users:
                found = contender.one(fitted, train, user, K).ids()
                lists[user, : len(found)] = found
            ndcg = quality(lists[users], held[users])[1]
        else:
            ndcg = quality(contender.lists(fitted, train, K), held)[1]
        if ndcg > best[0]:
            best = (ndcg, params)
        return ndcg

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(value, timeout=seconds, catch=(ValueError, MemoryError))
    return best[1]


def rounds(works: dict[str, Callable[[], Any]], n: int) -> dict[str, float]:
    """Median seconds of each, taken in turns."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(n + 1):
        for name, work in works.items():
            if taken[name] and min(taken[name]) > SLOW:
                continue
            begun = time.perf_counter()
            work()
            seconds = time.perf_counter() - begun
            if turn or seconds > SLOW:  # the first turn only warms up
                taken[name].append(seconds)
    return {name: float(np.median(seconds)) for name, seconds in taken.items()}


def single(
    contender: Any, fitted: Any, X: sparse.csr_matrix, n: int = 2_000
) -> tuple[float, float]:
    """p50 and p99 microseconds of one user's list."""
    users = np.random.default_rng(0).integers(0, X.shape[0], n)
    taken, begun = [], time.perf_counter()
    for user in users:
        start = time.perf_counter()
        contender.one(fitted, X, int(user), K)
        taken.append(time.perf_counter() - start)
        if start - begun > SLOW:
            break
    p50, p99 = np.percentile(taken, (50, 99)) * 1e6
    return float(p50), float(p99)


def bound(X: sparse.csr_matrix, n: int) -> float:
    """Seconds of the bare scatter-add of all co-occurrences: what no co-occurrence model beats."""
    by_game = X.tocsc()
    args = (by_game.indptr, by_game.indices, X.indptr, X.indices, numba.get_num_threads())
    return rounds({"bound": lambda: _scatter(*args)}, n)["bound"]


@numba.njit(parallel=True)
def _scatter(starts, users, row_start, games, n_threads):  # type: ignore[no-untyped-def]
    for t in numba.prange(n_threads):
        _scatter_share(np.int64(t), starts, users, row_start, games, n_threads)


@numba.njit
def _scatter_share(t, starts, users, row_start, games, n_threads):  # type: ignore[no-untyped-def]
    sums = np.zeros(len(starts) - 1, np.float32)
    for j in range(t, len(starts) - 1, n_threads):
        for q in range(starts[j], starts[j + 1]):
            u = np.uint32(users[q])
            for p in range(np.uint32(row_start[u]), np.uint32(row_start[u + 1])):
                sums[np.uint32(games[p])] += np.float32(1)
    return sums


def peak(name: str, params: dict[str, Any], asked: argparse.Namespace) -> float:
    """Gigabytes that fitting adds to a fresh process."""
    command = [sys.executable, __file__, "--child", json.dumps([name, params])]
    for option in ("data", "plays", "games", "min_games", "threads"):
        command += [f"--{option.replace('_', '-')}", str(getattr(asked, option))]
    if not Path("/proc/self/clear_refs").exists():
        return float("nan")
    done = subprocess.run(command, capture_output=True, text=True)
    return float(done.stdout.split()[-1]) if done.returncode == 0 else float("nan")


def child(contender: Any, params: dict[str, Any], X: sparse.csr_matrix) -> None:
    """Print the gigabytes that fitting adds, after a small fit has loaded all that it needs."""
    small = X[:50, :][:, :200].tocsr()
    contender.fit(small, **params)
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from here
    contender.fit(X, **params)
    print((resident("VmHWM") - before) / 2**20)


def resident(line: str) -> int:
    """Kilobytes of this process, by a line of Linux' /proc/self/status."""
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{line}:")[1].split()[0])


def contenders(asked: argparse.Namespace) -> list[Any]:
    """Ours, and the peers where they are installed and wanted."""
    names = ("popularity", "item_knn", "slim", "ease", "svd", "auto")
    found: list[Any] = [Ours(name) for name in names]
    if asked.peers:
        from benchmark_peers import peers

        found += peers(asked.threads)
    return [c for c in found if not asked.only or c.name in asked.only]


def fits_of_cosine(X: sparse.csr_matrix, all_of_them: Sequence[Any], n: int) -> pd.DataFrame:
    """Seconds to fit cosine with K = 100, and how often the bare scatter-add would fit in."""
    names = ("item_knn", "implicit cosine", "lenskit item kNN", "sparse_dot_topn")
    works = {c.name: (lambda c=c: c.fit(X)) for c in all_of_them if c.name in names}
    seconds = rounds(works, n)
    least = bound(X, n)
    rows = {"scatter-add alone": least, **seconds}
    table = pd.DataFrame({"seconds": rows})
    table["x bound"] = table["seconds"] / least
    if "item_knn" in seconds:
        table["x item_knn"] = table["seconds"] / seconds["item_knn"]
    return table


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", required=True, help="CSV file with user_id, game_id; or simulated"
    )
    parser.add_argument("--plays", type=int, default=1_000_000, help="of the simulated log")
    parser.add_argument("--games", type=int, default=20_000, help="of the simulated log")
    parser.add_argument("--min-games", type=int, default=5, help="users with fewer are left out")
    parser.add_argument("--tuning", type=float, default=30, help="seconds each; 0: defaults")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=numba.config.NUMBA_NUM_THREADS)
    parser.add_argument("--only", nargs="*", help="names of models")
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--memory", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    numba.set_num_threads(asked.threads)
    source = asked.data
    if source == "simulated":
        X = simulated(asked.plays, asked.games)
    else:
        X = read(source, asked.min_games)
    if asked.child:
        name, params = json.loads(asked.child)
        asked.only, asked.peers = [name], name not in (*models.NAMES, "auto")
        child(contenders(asked)[0], params, split(X, asked.seed)[0])
        return
    train, test = split(X, asked.seed)
    all_of_them = [c for c in contenders(asked) if X.shape[1] <= c.largest]
    print(
        f"{Path(source).name}: {X.shape[0]:,} users x {X.shape[1]:,} games, {X.nnz:,} plays; "
        f"{asked.threads} threads of {os.cpu_count()}; {asked.tuning:g} s of tuning each\n"
    )
    models.warm_up()
    report(all_of_them, train, test, asked)
    for name, log in (("this log", train), ("a dense log", dense())):
        print(f"\nFit of cosine, K = 100, on {name}: {log.shape}, {log.nnz:,} plays")
        print(fits_of_cosine(log, all_of_them, asked.rounds).round(4).to_string())


def report(
    all_of_them: Sequence[Any],
    train: sparse.csr_matrix,
    test: sparse.csr_matrix,
    asked: argparse.Namespace,
) -> None:
    """The table of quality, speed and memory."""
    params = {}
    for contender in all_of_them:
        tuning = 0.0 if contender.name == "popularity" else asked.tuning
        params[contender.name] = tune(contender, train, tuning, asked.seed)
        print(
            f"  {contender.name}: {json.dumps(params[contender.name], default=float)}", flush=True
        )
    fitted: dict[str, Any] = {}

    def fit(contender: Any) -> None:
        fitted[contender.name] = contender.fit(train, **params[contender.name])

    fits = rounds({c.name: (lambda c=c: fit(c)) for c in all_of_them}, asked.rounds)
    lists: dict[str, np.ndarray] = {}

    def ask(contender: Any) -> None:
        lists[contender.name] = contender.lists(fitted[contender.name], train, K)

    batch = rounds({c.name: (lambda c=c: ask(c)) for c in all_of_them}, asked.rounds)
    rows = []
    for c in all_of_them:
        recall, ndcg = quality(lists[c.name], test)
        p50, p99 = single(c, fitted[c.name], train)
        gigabytes = peak(c.name, params[c.name], asked) if asked.memory else float("nan")
        rows.append(
            {
                "model": c.name,
                f"recall@{K}": round(recall, 4),
                f"ndcg@{K}": round(ndcg, 4),
                "fit s": round(fits[c.name], 4),
                "batch users/s": round(train.shape[0] / batch[c.name]),
                "p50 us": round(p50, 1),
                "p99 us": round(p99, 1),
                "fit GB": round(gigabytes, 3),
            }
        )
    print("\n" + pd.DataFrame(rows).to_string(index=False))


if __name__ == "__main__":
    main()
