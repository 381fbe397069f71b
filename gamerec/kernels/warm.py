"""What libraries do at their first use, done once in the fork server instead of in every kernel.

Each step is single-threaded and leaves no thread behind. That is why no compiled loop is called
here: the first parallel one starts numba's threads, which do not survive a fork.
"""

import importlib
import sys
from functools import cache


def preload() -> None:
    """Take the first steps of those libraries that have been imported by now."""
    steps = {
        "pandas": _pandas,
        "matplotlib": _matplotlib,
        "numba": _numba,
        "gamerec.tracking": _tracking,
        "gamerec.database": _database,
    }
    for module, warm in steps.items():
        if module in sys.modules:
            warm()


@cache
def _pandas() -> None:
    """Import what reading and showing a table imports late."""
    for name in ("pyarrow.dataset", "pyarrow.pandas_compat", "pandas.io.formats.html"):
        importlib.import_module(name)


@cache
def _matplotlib() -> None:
    """Have fonts found, and the writers of pictures imported: 0.2 s."""
    from gamerec.plots.style import label, new_figure

    figure = new_figure(2, 1)
    label(figure.subplots(), "A", "1", "a")
    figure._repr_png_()


@cache
def _numba() -> None:
    """Load the compiler's tables, without which no cached function is loaded either: 1.5 s."""
    from numba.core.registry import cpu_target

    cpu_target.typing_context.refresh()
    cpu_target.target_context.refresh()


@cache
def _tracking() -> None:
    """Import wandb, and what it imports at the start of a run: 2.5 s, and three stages have one."""
    from gamerec import tracking

    tracking.preload()


@cache
def _database() -> None:
    """Import what making the tables and the first connection import: 0.7 s."""
    for name in ("sqlalchemy.dialects.sqlite", "alembic.command", "alembic.config"):
        importlib.import_module(name)
