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
    registry: Registry,
    known: Interactions,
    features: sparse.csr_matrix | None = None,
    candidate: str = "",
) -> Incumbent | None:
    """The production model, or None while nothing is live.

    candidate: the version to be judged. Where it is live already, for an evaluation is made again
    that had promoted it, it is judged beside what it took the place of, not beside itself.
    known: what the candidate was fitted on. As it stands, where production was fitted on just that
    (its data hash is the fingerprint of `known`), or where it does not tell and has the same games;
    else its recipe, name and parameters, is fitted anew on `known`.
    """
    version = registry.channel("production")
    if candidate and version == candidate:
        version = registry.channel("previous")
    if version is None:
        return None
    live = registry.load_version(version)
    data_hash = registry.info(live.version)["data_hash"]
    same_games = np.array_equal(live.game_ids, known.game_ids)
    if same_games and data_hash in ("", holdout.fingerprint(known)):
        return Incumbent(live.version, live.model, refit=False)
    model = models.create(live.model.name, **live.model.params).fit(known.X, features=features)
    return Incumbent(live.version, model, refit=True)
