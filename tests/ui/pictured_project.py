"""A project with players, contents and models as the notebooks leave it, made in a second."""

import io
from pathlib import Path

from PIL import Image

from gamerec import models
from gamerec.catalogue import cleaning, sources
from gamerec.catalogue.features import ContentFeatures
from gamerec.interactions import Interactions
from gamerec.players.simulate import simulate
from gamerec.rawg.covers import cover_key
from gamerec.registry import Registry
from gamerec.runs import Run
from gamerec.storage import open_store

PICTURED = 9551  # Deep Rock Galactic, the one game with a kept cover
PICTURE = "https://media.rawg.io/media/games/deep.jpg"


class SmallProject:
    """A run on the sample games, and versions of models on it."""

    def __init__(self, home: Path, run_id: str = "20260101-000000-000") -> None:
        self.home = home
        self.store = open_store(str(home / "store"))
        self.registry = Registry(self.store)
        self.run = Run(run_id, self.store)

    def fill(self, n_users: int = 60) -> "SmallProject":
        """Make games, players and contents."""
        games, _ = cleaning.clean(sources.sample().games)
        games["image_url"] = games["image_url"].astype(object)
        games.loc[games["game_id"] == PICTURED, "image_url"] = PICTURE
        features = cleaning.content_features(games)
        plays, _ = simulate(games, features, n_users, min_games=3, max_games=6, seed=1)
        self.run.write_table("items", games)
        self.run.write_table("interactions", plays)
        self.run.write_arrays("features", features.to_arrays())
        picture = io.BytesIO()
        Image.new("RGB", (600, 400), (20, 90, 160)).save(picture, "JPEG")
        self.store.write(cover_key(PICTURE), picture.getvalue())
        return self

    def version(self, name: str = "item_knn", *, live: bool = True, **params: float) -> str:
        """Fit a model, register it as candidate and, where wanted, promote it."""
        items = self.run.read_table("items")
        data = Interactions.from_frame(
            self.run.read_table("interactions"), game_ids=items["game_id"]
        )
        features = ContentFeatures.from_arrays(self.run.read_arrays("features"))
        matrix = features.for_games(items["game_id"]).matrix
        model = models.create(name, **params).fit(data.X, features=matrix)
        version = self.registry.register(model, run_id=self.run.id, game_ids=data.game_ids)
        row = {"model": f"{name} (candidate)", "metric": "ndcg", "k": 10, "value": 0.25}
        self.registry.record_evaluation(version, [row], {"promote": True, "reason": "better"})
        if live:
            self.registry.promote(version, by="test", why="test")
        return version
