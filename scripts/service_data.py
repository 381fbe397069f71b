"""A store with a simulated catalogue, players and one or two model versions, for benchmarks."""

import time
from pathlib import Path

from benchmark_simulate import catalogue

from gamerec import Interactions, calibration, models
from gamerec.holdout import assign, parts
from gamerec.players.simulate import simulate
from gamerec.registry import Registry
from gamerec.runs import Run
from gamerec.settings import Settings
from gamerec.storage import open_store

RUN_ID = "20260101-000000-000"
SHARES = ((0.7, 0.3), (0.4, 0.6))  # of players and content, in the first version and the second


def make_store(home: Path, n_users: int, n_games: int, versions: int = 1) -> None:
    """Simulate, fit, calibrate on a validation part, register and promote, below `home`/store."""
    settings = Settings(gamerec_home=home)
    store = open_store(settings.store_uri, settings)
    registry, run = Registry(store), Run(RUN_ID, store)
    begun = time.perf_counter()
    games, features = catalogue(n_games)
    games["name"] = [f"Game {number}" for number in games["game_id"]]
    plays, _ = simulate(games, features, n_users, max_games=10)
    run.write_table("items", games)
    run.write_table("interactions", plays)
    run.write_arrays("features", features.to_arrays())
    data = Interactions.from_frame(plays, game_ids=games["game_id"])
    split = parts(data, assign(data))
    both = [{"name": "item_knn", "neighbours": 100}, {"name": "content"}]
    for shares in SHARES[:versions]:
        model = models.create("blend", parts=both, shares=list(shares))
        model.fit(split.train.X, features=features.matrix)
        seen = calibration.examples(model, split.train.X[:20_000], split.validation.X[:20_000])
        chances = calibration.fit(seen)
        version = registry.register(model, run_id=RUN_ID, game_ids=data.game_ids)
        verdict = {"promote": True, "reason": "simulated"}
        verdict |= {calibration.KEY: chances.to_dict() if chances else None}
        registry.record_evaluation(version, [], verdict)
        registry.promote(version, by="benchmark", why="simulated")
    print(
        f"simulated: {n_games:,} games, {n_users:,} users, {data.X.nnz:,} plays, "
        f"{model.W.nnz:,} weights, in {time.perf_counter() - begun:.0f} s"
    )
