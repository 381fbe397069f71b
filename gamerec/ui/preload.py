"""What every page needs and would import late: imported by the fork server instead of each kernel.

As in `gamerec.kernels.warm`, no compiled loop is called: its threads would not survive a fork.
"""

import importlib
import os
from pathlib import Path

READY_FILE = "ready"

_LATE = (
    "gamerec.serving.engine",
    "gamerec.ui.shelf",
    "gamerec.registry",
    "gamerec.database",
    "gamerec.rawg.covers",
    "gamerec.models",
    "ipykernel.comm.manager",
    "gamerec.kernels.warm",
)


def preload() -> None:
    """Import them, then leave a mark for the server of the page."""
    for name in _LATE:
        module = importlib.import_module(name)
        if hasattr(module, "preload"):
            module.preload()
    if mark := os.environ.get("GAMEREC_PAGE_READY"):
        Path(mark).touch()
