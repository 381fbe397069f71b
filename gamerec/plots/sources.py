"""The figure of a crawl: what the order of the list put first."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from gamerec.plots.style import BLUE, GREY, ORANGE, label, legend, new_figure

FEW_VOTES = 20  # a rating by fewer is mostly chance
_SMALL = 300  # games; above it the dots shrink


def places(games: pd.DataFrame) -> Figure:
    """Rating of each rated game over its place in the list, by how many voted (RAW_GAMES)."""
    figure = new_figure(9, 4)
    axes = figure.subplots()
    place = pd.Series(np.arange(1, len(games) + 1), games.index)
    rated = games["rating"].fillna(0) > 0
    votes = games["ratings_count"]
    groups = (
        ("votes unknown", rated & votes.isna(), GREY),
        (f"fewer than {FEW_VOTES} votes", rated & (votes < FEW_VOTES), ORANGE),
        (f"{FEW_VOTES} votes or more", rated & (votes >= FEW_VOTES), BLUE),
    )
    for name, these, colour in groups:
        if these.any():
            _dots(axes, place[these], games.loc[these, "rating"], colour, name)
    if rated.any():
        legend(axes)
    else:
        axes.text(0.5, 0.5, "no game is rated", ha="center", transform=axes.transAxes)
    axes.set_xlim(0, len(games) + 1)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    label(axes, "The list as it came", "place in the list", "rating, 0-5")
    return figure


def _dots(axes: Axes, x: pd.Series, y: pd.Series, colour: str, name: str) -> None:
    size, alpha = (36, 0.9) if len(x) <= _SMALL else (6, 0.4)
    axes.scatter(x, y, s=size, alpha=alpha, color=colour, linewidths=0, label=name)
