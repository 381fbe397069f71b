"""The production model as a contestant: what a candidate has to hold its own against.

Both must have learned from the same interactions, or the comparison is not one of models. A
production model trained on another log may even have learned the very games that are tested here.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from gamerec import holdout, models
from gamerec.interactions import Interactions
from gamerec.models.base import ItemModel
from gamerec.registry import Registry


class Incumbent(NamedTuple):
    """The production version, ready to be measured; `refit` tells whether it was fitted anew."""

    version: str
    model: ItemModel
    refit: bool

    def __str__(self) -> str:
        how = "its recipe fitted anew on this run's data" if self.refit else "as it stands"
        return f"{self.version}, {how}"


def incumbent(
    registry: Registry, known: Interactions, features: sparse.csr_matrix | None = None
) -> Incumbent | None:
    """The production model, or None while nothing is live.

    known: what the candidate was fitted on. As it stands, where production was fitted on just that
    (its data hash is the fingerprint of `known`), or where it does not tell and has the same games;
    else its recipe, name and parameters, is fitted anew on `known`.
    """
    if registry.channel("production") is None:
        return None
    live = registry.load_version("production")
    data_hash = registry.info(live.version)["data_hash"]
    same_games = np.array_equal(live.game_ids, known.game_ids)
    if same_games and data_hash in ("", holdout.fingerprint(known)):
        return Incumbent(live.version, live.model, refit=False)
    model = models.create(live.model.name, **live.model.params).fit(known.X, features=features)
    return Incumbent(live.version, model, refit=True)
