"""Recommenders: `create` one by name, `fit` it, `recommend`; `load` reads a saved one."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gamerec.errors import UsageError
from gamerec.models import persistence
from gamerec.models.base import ItemModel
from gamerec.models.blend import Blend
from gamerec.models.content import Content
from gamerec.models.ease import Ease
from gamerec.models.item_knn import ItemKNN
from gamerec.models.popularity import Popularity
from gamerec.models.slim import Slim
from gamerec.models.svd import Svd
from gamerec.models.warm import warm_up
from gamerec.storage import Store

if TYPE_CHECKING:
    from gamerec.models.tuning import tune

__all__ = ["NAMES", "ItemModel", "create", "kind", "load", "tune", "warm_up"]

_KINDS: dict[str, type[ItemModel]] = {
    model.name: model for model in (Blend, Content, Ease, ItemKNN, Popularity, Slim, Svd)
}
NAMES = tuple(sorted(_KINDS))


def kind(name: str) -> type[ItemModel]:
    """The class of a model; UsageError with the nearest name for an unknown one."""
    if name not in _KINDS:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(NAMES)}"
        raise UsageError(f"there is no model {name!r}; {hint}")
    return _KINDS[name]


def create(name: str, **params: Any) -> ItemModel:
    """A model to be fitted; UsageError for an unknown name or parameter, or a wrong value."""
    return kind(name)(**params)


def load(where: str | Path | Store, *, mmap: bool = False) -> ItemModel:
    """The model that `ItemModel.save` wrote; mmap shares one copy among processes (folders).

    Raises DataError that names the file which is missing, cut short or altered.
    """
    about, arrays = persistence.read(where, mmap)
    return kind(about["name"]).restore(about, arrays)


def __getattr__(name: str) -> Any:
    if name == "tune":  # only then is its optimiser imported
        from gamerec.models.tuning import tune

        return tune
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
