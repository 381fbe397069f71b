"""How fast virtual players are drawn, and in how much memory; beside a plain loop over users.

    python scripts/benchmark_simulate.py                    1,000,000 users x 20,000 games
    python scripts/benchmark_simulate.py --users 100000 --games 5000

The loop draws a part of the same users from the same truth by `numpy`'s own choice without
replacement, one user at a time. Goal: 500,000 interactions per second on two cores, in 8 GB.
"""

import argparse
import os
import resource
import sys
import time

import numpy as np
import pandas as pd
from scipy import sparse

from gamerec.catalogue.features import ContentFeatures
from gamerec.players.simulate import Truth, simulate

GOAL_SPEED, GOAL_MEMORY = 500_000, 8.0
LABELS, LABELS_PER_GAME = 500, 15


def catalogue(n_games: int) -> tuple[pd.DataFrame, ContentFeatures]:
    """A made-up catalogue: weights, and about 15 of 500 labels per game."""
    rng = np.random.default_rng(0)
    games = pd.DataFrame(
        {
            "game_id": np.arange(1, n_games + 1),
            "rating_shrunk": rng.uniform(2, 4.5, n_games),
            "owned_ratio": rng.beta(5, 3, n_games),
        }
    )
    shape, density = (n_games, LABELS), LABELS_PER_GAME / LABELS
    labels = sparse.random(*shape, density=density, format="csr", rng=rng)
    length = np.sqrt(np.asarray(labels.multiply(labels).sum(axis=1)).ravel())
    matrix = (sparse.diags_array(1 / np.maximum(length, 1e-9)) @ labels).tocsr()
    names = np.array([f"tag:{number}" for number in range(LABELS)])
    return games, ContentFeatures(matrix.astype(np.float32), names, games["game_id"].to_numpy())


def loop(truth: Truth, counts: np.ndarray) -> int:
    """Games for the first len(counts) users, one user at a time; how many were drawn."""
    rng = np.random.default_rng(0)
    drawn = 0
    for user, count in enumerate(counts):
        p = truth.utility(np.array([user]))[0].astype(np.float64)
        drawn += len(rng.choice(len(p), count, replace=False, p=p / p.sum()))
    return drawn


def peak_gigabytes() -> float:
    """Largest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**30 if sys.platform == "darwin" else peak / 2**20


def main() -> int:
    """Print the figures; 0 if both goals are met."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--games", type=int, default=20_000)
    parser.add_argument("--loop-users", type=int, default=2_000, help="users of the plain loop")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    games, features = catalogue(asked.games)
    before, seconds = peak_gigabytes(), []
    for run in range(asked.runs):
        start = time.perf_counter()
        plays, truth = simulate(games, features, asked.users, seed=run)
        seconds.append(time.perf_counter() - start)
    peak = peak_gigabytes()
    speed = len(plays) / min(seconds)
    print(f"{asked.users:,} users x {asked.games:,} games on {os.cpu_count()} cores")
    print(f"simulate    {len(plays):,} interactions in {min(seconds):.2f} s (best of {asked.runs})")
    print(f"            {speed:,.0f} interactions/s; all runs {[round(s, 2) for s in seconds]} s")
    print(f"memory      peak {peak:.2f} GB, of these {before:.2f} GB before the first draw")
    counts = plays.groupby("user_id").size().to_numpy()[: asked.loop_users]
    start = time.perf_counter()
    drawn = loop(truth, counts)
    plain = drawn / (time.perf_counter() - start)
    print(f"plain loop  {plain:,.0f} interactions/s on {len(counts):,} of the users")
    print(f"            simulate is {speed / plain:,.0f} times as fast")
    met = speed >= GOAL_SPEED and peak <= GOAL_MEMORY
    print(f"goal        {GOAL_SPEED:,}/s within {GOAL_MEMORY:g} GB: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
