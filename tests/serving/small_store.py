"""A store with a dozen games, some players and a version in production, made in moments."""

from pathlib import Path

import numpy as np
import pandas as pd

from gamerec import Interactions, batch, models
from gamerec.catalogue.features import content_features
from gamerec.outbox.database import load_batch
from gamerec.registry import Registry
from gamerec.runs import Run
from gamerec.settings import Settings
from gamerec.storage import open_store

RUN_ID = "20260101-000000-000"
N_GAMES, N_USERS = 12, 30
NAMES = ["Abyss", "Bridge Run", "Café Noir", "Dune Racer", "Echo Deep", "Fox & Owl"]
NAMES += ["Gravel", "Harbour", "Iron Deep", "Jade", "Kite", "Lumen"]
GENRES = [["Action"], ["Action", "Racing"], ["Puzzle"], ["Racing"], ["Action", "Indie"], ["Indie"]]
TAGS = [["Co-op"], [], ["Calm", "Story"]]


def make(home: Path, *, text: bool = False, weights: bool = False, **params: object) -> Settings:
    """Write a run and promote a version fitted on it; ids are whole numbers, or text."""
    settings = Settings(gamerec_home=home)
    run = Run(RUN_ID, open_store(settings.store_uri, settings))
    items, plays = tables(text, weights)
    run.write_table("items", items)
    run.write_table("interactions", plays)
    run.write_arrays("features", content_features(items, 1).to_arrays())
    add_version(settings, **params)
    return settings


def tables(text: bool = False, weights: bool = False) -> tuple[pd.DataFrame, pd.DataFrame]:
    """items and interactions; game ids are 10, 20, ...; players 1, 2, ..."""
    rng = np.random.default_rng(5)
    ids = pd.Series(np.arange(1, N_GAMES + 1) * 10)
    years = [None, *range(2001, 2001 + N_GAMES - 1)]
    items = pd.DataFrame(
        {
            "game_id": ids,
            "slug": [name.lower() for name in NAMES],
            "name": NAMES,
            "released": pd.to_datetime([None if y is None else f"{y}-05-01" for y in years]),
            "genres": [GENRES[at % 6] for at in range(N_GAMES)],
            "tags": [TAGS[at % 3] for at in range(N_GAMES)],
            "rating": np.linspace(2, 5, N_GAMES),
            "image_url": [f"https://media.rawg.io/media/games/{i}.jpg" for i in ids],
        }
    )
    chance = 1 / np.arange(1, N_GAMES + 1)
    rows = [
        (user, game, round(float(rng.gamma(2, 5)), 2) if weights else 1.0)
        for user in range(1, N_USERS + 1)
        for game in rng.choice(ids, rng.integers(1, 6), replace=False, p=chance / chance.sum())
    ]
    plays = pd.DataFrame(rows, columns=["user_id", "game_id", "weight"])
    if text:
        items["game_id"] = "g" + items["game_id"].astype(str)
        plays["game_id"] = "g" + plays["game_id"].astype(str)
        plays["user_id"] = ["ü/" + str(user) for user in plays["user_id"]]
    return items, plays


def add_version(settings: Settings, *, promote: bool = True, **params: object) -> str:
    """Fit on the run's plays and register; returns the version."""
    store = open_store(settings.store_uri, settings)
    run, registry = Run(RUN_ID, store), Registry(store)
    items, plays = run.read_table("items"), run.read_table("interactions")
    data = Interactions.from_frame(plays, game_ids=items["game_id"])
    model = models.create("item_knn", **{"shrinkage": 2.0, **params}).fit(data.X)
    version = registry.register(model, run_id=RUN_ID, game_ids=data.game_ids)
    if promote:
        registry.promote(version, by="test", why="a test")
    return version


def score_batch(settings: Settings, k: int = 6) -> None:
    """What 07_batch_score does: files, database rows, and the batch in force."""
    store = open_store(settings.store_uri, settings)
    run = Run(RUN_ID, store)
    items, plays = run.read_table("items"), run.read_table("interactions")
    live = Registry(store).load_version("production")
    players = batch.players_for(Interactions.from_frame(plays, game_ids=items["game_id"]), live)
    names = dict(zip(items["game_id"], items["name"], strict=True))
    lists = batch.score(live, players, RUN_ID, k)
    made = batch.write(store, RUN_ID, lists, players, live.version, k, names)
    assert load_batch(settings, store, made, items, plays, run_id=RUN_ID) == ""
    batch.make_current(store, made)


def registry_of(settings: Settings) -> Registry:
    """The registry of the store."""
    return Registry(open_store(settings.store_uri, settings))
