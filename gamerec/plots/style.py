"""The look of every figure: palette, fonts and `new_figure`, without pyplot and its state.

    figure = new_figure(8, 4)
    axes = figure.subplots()
    axes.plot(x, y, color=BLUE)
    label(axes, "Recall after every epoch", "epoch", "recall@10, share of the held-out games")
    figure  # the last expression of a cell shows it

The colours are those of Okabe and Ito (2008), told apart with every common colour blindness.
"""

import io
from typing import Any

import matplotlib as mpl
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
GREY = "#8A8F98"
INK = "#24292F"
GRID = "#E3E6EA"
PALETTE = (BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY, GREY)
SEQUENTIAL = "cividis"  # colour map for amounts, dark to light in grey print too

SCREEN_DPI = 80  # a figure of 10 inches is 800 CSS pixels wide
PIXEL_RATIO = 1.5  # drawn at more than that, for sharp text on dense screens

TITLE: Any = {"loc": "left", "fontsize": 13, "fontweight": "bold", "color": INK, "pad": 10}

_STYLE: Any = {  # matplotlib types its keys one by one
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 12,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 11,
    "ytick.color": INK,
    "ytick.labelsize": 11,
}


class ReportFigure(Figure):
    """A figure that shows itself in a notebook: white, sharp, and in our style."""

    def add_subplot(self, *args: Any, **kwargs: Any) -> Axes:
        """As in matplotlib; `subplots` comes through here too."""
        with mpl.rc_context(_STYLE):
            return super().add_subplot(*args, **kwargs)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The picture, and its size in CSS pixels."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=SCREEN_DPI * PIXEL_RATIO)
        width, height = (round(inches * SCREEN_DPI) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}


def new_figure(width: float = 9, height: float = 4.5) -> ReportFigure:
    """An empty figure of `width` × `height` inches; make its axes by `.subplots(...)`."""
    return ReportFigure(figsize=(width, height), layout="constrained", facecolor="white")


def label(axes: Axes, title: str = "", x: str = "", y: str = "") -> Axes:
    """Title on the left, and the axis labels with their units."""
    axes.set_title(title, **TITLE)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return axes


def legend(axes: Axes, **kwargs: Any) -> None:
    """A legend without a frame, in readable letters; `kwargs` as in matplotlib."""
    axes.legend(**{"frameon": False, "fontsize": 11, **kwargs})


def legend_below(axes: Axes) -> None:
    """The legend of `axes` in a line below the figure, where it hides nothing."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower right", ncols=len(labels), frameon=False, fontsize=11
    )
