"""gamerec: game recommendations from notebooks. The public names are those in `__all__`.

They are imported when they are first asked for, so that `gamerec --help` does not load pandas.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gamerec.errors import GamerecError
    from gamerec.interactions import Interactions

__all__ = ["GamerecError", "Interactions"]
__version__ = "0.1.0"

_HOME = {"GamerecError": "gamerec.errors", "Interactions": "gamerec.interactions"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gamerec' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
