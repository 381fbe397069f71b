"""What every page needs and would import late: imported by the fork server instead of each kernel.

As in `gamerec.kernels.warm`, no compiled loop is called: its threads would not survive a fork.
"""

import importlib

_LATE = (
    "gamerec.kernels.warm",
    "gamerec.registry",
    "gamerec.database",
    "gamerec.rawg.covers",
    "gamerec.models",
    "scipy.sparse",
    "ipywidgets",
    "anywidget.widget",
    "psygnal",
)


def preload() -> None:
    """Import them."""
    for name in _LATE:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module, "preload"):
            module.preload()
