"""Figures of a batch of recommendations: how the places are shared out among the games."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamerec.plots.style import BLUE, GREY, ORANGE, label, legend, new_figure

_LONGEST = 28  # letters of a name


def concentration(
    counts: np.ndarray, names: Sequence[str], n_users: int, played: np.ndarray, top: int = 10
) -> Figure:
    """Lorenz curves of the places and of what was played, and the games in most lists.

    counts: (n_games,) in how many lists each game is. played: (n_games,) by how many users.
    names: (n_games,).
    """
    figure = new_figure(10, 4.2)
    left, right = figure.subplots(1, 2)
    _lorenz(left, counts, played)
    _most_recommended(right, counts, names, n_users, top)
    return figure


def lorenz(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the games, fewest first, and of the places they hold; (n_games + 1,) each."""
    held = np.concatenate(([0.0], np.cumsum(np.sort(counts))))
    total = held[-1] if held[-1] else 1.0
    return np.linspace(0, 1, len(held)), held / total


def _lorenz(axes: Axes, counts: np.ndarray, played: np.ndarray) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linestyle="--", linewidth=1, label="all games alike")
    axes.plot(*lorenz(played), color=ORANGE, linewidth=2, label="what was played")
    axes.plot(*lorenz(counts), color=BLUE, linewidth=2, label="what is recommended")
    label(axes, "Who gets the places?", "share of the games, fewest first", "share of the places")
    legend(axes, loc="upper left")


def _most_recommended(
    axes: Axes, counts: np.ndarray, names: Sequence[str], n_users: int, top: int
) -> None:
    first = np.lexsort((np.arange(len(counts)), -counts))[:top]
    first = first[counts[first] > 0][::-1]
    texts = [_short(str(names[game])) for game in first]
    axes.barh(np.arange(len(first)), counts[first] / max(n_users, 1), color=BLUE)
    axes.set_yticks(np.arange(len(first)), texts)
    axes.grid(visible=False, axis="y")
    label(axes, "The games in most lists", "share of the users who get it")


def _short(name: str) -> str:
    """The name in one line, with nothing that matplotlib would read as mathematics."""
    plain = name.replace("$", r"\$")
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
