"""Figures of a catalogue: as it came (02_eda) and as it was cleaned (03_preprocess).

Each takes a tidy table of `explore` or the games table, with at least one row.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
    PercentFormatter,
)

from gamerec.catalogue.explore import FEW
from gamerec.plots.style import (
    BLUE,
    GREY,
    GRID,
    INK,
    ORANGE,
    SEQUENTIAL,
    TITLE,
    VERMILLION,
    label,
    legend,
    legend_below,
    new_figure,
)

VOTE_STD = 1.1  # of a single RAWG vote (5, 4, 3 or 1) about the mean of its game, measured

_PANELS: dict[str, tuple[str, str]] = {  # column: title, axis label
    "rating": ("Rating", "rating, 0-5"),
    "ratings_count": ("Votes per game", "votes, log scale"),
    "playtime": ("Playtime", "average hours, log scale"),
    "added": ("Players who listed the game", "players, log scale"),
    "owned_ratio": ("Owned ratio", "owned / added, 0-1"),
    "metacritic": ("Metacritic", "score, 0-100"),
    "year": ("Year of release", "year"),
}
_LOG_COLUMNS = ("ratings_count", "playtime", "added")


def missing_cells(missing: pd.DataFrame) -> Figure:
    """Per column the share of the games of which it is known; from `explore.missing`."""
    figure = new_figure(9, 0.8 + 0.36 * len(missing))
    axes = figure.subplots()
    table = missing.iloc[::-1]
    share = 1 - table["share_unknown"]
    axes.barh(table["column"], share, color=BLUE, label="known")
    axes.barh(table["column"], 1 - share, left=share, color=GRID, label="unknown")
    for y, (value, means) in enumerate(zip(share, table["unknown_means"], strict=True)):
        note = f"{value:.0%}" if value == 1 else f"{value:.0%}  ({means})"
        axes.text(1.01, y, note, va="center", fontsize=10.5)
    axes.set_xlim(0, 1)
    axes.grid(axis="y", visible=False)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    label(axes, "What is known of the games", "share of the games")
    return figure


def distributions(values: pd.DataFrame) -> Figure:
    """A histogram for each column; from `explore.distributions`."""
    found = set(values["column"])
    names = [name for name in _PANELS if name in found]
    n_columns = min(3, len(names))
    n_rows = -(-len(names) // n_columns)
    figure = new_figure(11 * n_columns / 3 + 0.2, 2.9 * n_rows)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for axes, name in zip(grid.flat, names, strict=False):
        _histogram(axes, values.loc[values["column"] == name, "value"], name)
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel("games")
    return figure


def rating_against_votes(rated: pd.DataFrame) -> Figure:
    """Each rated game by its votes, beside those of unknown votes; from `explore.rated`.

    The band is where 95 % of the ratings would lie if all games were equally good and only chance
    moved them: mean ± 1.96 · VOTE_STD / √votes.
    """
    known = rated[rated["ratings_count"] > 0]
    unknown = rated[~(rated["ratings_count"] > 0)]
    figure = new_figure(9.5, 4.8)
    axes, strip = _vote_axes(figure, known["ratings_count"], len(unknown) > 0)
    size, alpha = _dots(len(rated))
    if strip is not None:
        strip.scatter(_spread(unknown), unknown["rating"], s=size, alpha=alpha, color=GREY, lw=0)
    axes.scatter(known["ratings_count"], known["rating"], s=size, alpha=alpha, color=BLUE, lw=0)
    mean = float(rated["rating"].mean())
    axes.axhline(mean, color=VERMILLION, lw=1.5, label=f"mean of all rated games, {mean:.2f}")
    _chance_band(axes, known["ratings_count"], mean)
    axes.set_title("Ratings by how many voted", **TITLE)
    legend_below(axes)
    return figure


def common_labels(tables: dict[str, pd.DataFrame], top: int = 15) -> Figure:
    """The most common labels of each table that has any; {'genres': explore.labels(...), ...}."""
    shown = {name: table.head(top) for name, table in tables.items() if len(table)}
    height = 1.2 + 0.3 * max(len(table) for table in shown.values())
    figure = new_figure(5.5 * len(shown), height)
    grid = figure.subplots(1, len(shown), squeeze=False)
    for axes, (name, most_first) in zip(grid.flat, shown.items(), strict=True):
        table = most_first.iloc[::-1]  # bars are drawn from the bottom up
        axes.barh(table["label"].str.slice(0, 28), table["share"], color=BLUE)
        for y, games in enumerate(table["games"]):
            text = axes.text(table["share"].iloc[y], y, f" {games:,}", va="center", fontsize=10)
            text.set_in_layout(False)
        axes.set_xlim(0, 1.18 * table["share"].max())
        axes.grid(axis="y", visible=False)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        label(axes, f"Most common {name}", f"share of the games with {name}")
    return figure


def labels_together(shares: pd.DataFrame, what: str = "genre") -> Figure:
    """Heat map of `explore.labels_together`."""
    n = len(shares)
    figure = new_figure(4 + 0.5 * n, 2 + 0.42 * n)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(n), shares.columns, rotation=40, ha="right")
    axes.set_yticks(range(n), shares.index)
    axes.grid(visible=False)
    for (y, x), value in np.ndenumerate(shares.to_numpy(float)):
        color = "white" if value < 0.5 else INK
        text = axes.text(x, y, f"{value:.0%}", ha="center", va="center", fontsize=9, color=color)
        text.set_in_layout(False)  # inside the axes; to measure each would take most of the time
    bar = figure.colorbar(image, ax=axes, format=PercentFormatter(1, decimals=0))
    bar.set_label("share of the row's games")
    bar.outline.set_visible(False)
    label(axes, f"{what.capitalize()}s that go together", f"other {what}", what)
    return figure


def owned_ratios(ownership: pd.DataFrame) -> Figure:
    """How many own what they listed, and that against how many listed it."""
    listed = ownership[ownership["added"] > 0]
    panels = 2 if len(listed) >= FEW else 1
    figure = new_figure(5.5 * panels, 3.8)
    axes = figure.subplots(1, panels, squeeze=False).flat
    _histogram(axes[0], ownership["owned_ratio"], "owned_ratio")
    axes[0].set_ylabel("games")
    if panels == 2:
        size, alpha = _dots(len(listed))
        axes[1].scatter(
            listed["added"], listed["owned_ratio"], s=size, alpha=alpha, color=BLUE, lw=0
        )
        _log_axis(axes[1], listed["added"])
        label(
            axes[1],
            "Owned ratio by how many listed the game",
            "players who listed the game, log scale",
            "owned / added, 0-1",
        )
    return figure


def attention_curve(curve: pd.DataFrame, measure: str) -> Figure:
    """The Lorenz curve of `explore.concentration`."""
    figure = new_figure(6.5, 4.2)
    axes = figure.subplots()
    top = float(np.interp(0.1, curve["share_games"], curve["share_attention"]))
    axes.plot(curve["share_games"], curve["share_attention"], color=BLUE, lw=2.5)
    axes.plot([0, 1], [0, 1], color=GREY, ls="--", lw=1.2, label="if all games drew alike")
    axes.plot([0.1, 0.1], [0, top], color=ORANGE, lw=1.5)
    axes.plot(0.1, top, "o", color=ORANGE, ms=8, label=f"top tenth of the games: {top:.0%}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    label(axes, "How uneven attention is", "games, the most popular first", f"share of {measure}")
    legend(axes, loc="lower right")
    return figure


def shrinkage(games: pd.DataFrame) -> Figure:
    """From the rating as given (open) to the shrunk one (full), by votes; of the games table."""
    rated = games[~games["rating_imputed"]]
    counted = rated[rated["ratings_count"] > 0]
    unknown = rated[rated["ratings_count"] <= 0]
    figure = new_figure(9.5, 4.8)
    axes, strip = _vote_axes(figure, counted["ratings_count"], len(unknown) > 0)
    if strip is not None:
        _moves(strip, _spread(unknown), unknown)
    if len(counted):
        _moves(axes, counted["ratings_count"].to_numpy(), counted)
    axes.set_title("Ratings, pulled to the mean where few voted", **TITLE)
    legend_below(axes)
    return figure


def known_and_imputed(games: pd.DataFrame) -> Figure:
    """Rating and playtime of the games table, what was imputed in another colour."""
    figure = new_figure(11, 3.6)
    panels: tuple[tuple[str, Callable], ...] = (("rating", np.asarray), ("playtime", np.log1p))
    for axes, (name, change) in zip(figure.subplots(1, 2), panels, strict=True):
        imputed = games[f"{name}_imputed"]
        values = np.asarray(change(games[name]))
        bins = np.histogram_bin_edges(values, 24).tolist()
        axes.hist(
            [values[~imputed], values[imputed]],
            bins,
            stacked=True,
            color=[BLUE, ORANGE],
            label=["known", "imputed"],
        )
        if change is np.log1p:
            _count_ticks(axes, float(games[name].max()))
        _whole_games(axes)
        label(axes, *_PANELS[name], "games")
        legend(axes)
    return figure


def _histogram(axes: Axes, values: pd.Series, name: str) -> None:
    shown = np.log1p(values) if name in _LOG_COLUMNS else values
    n_bins = 24 if len(values) > 100 else 12
    bins = np.histogram_bin_edges(shown, n_bins)
    if name == "year":
        n_years = int(values.max() - values.min()) + 1
        bins = np.linspace(values.min() - 0.5, values.max() + 0.5, min(n_years, 40) + 1)
    axes.hist(shown, bins.tolist(), color=BLUE)
    if name in _LOG_COLUMNS:
        _count_ticks(axes, float(values.max()))
    if name == "year":
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
        axes.set_xlim(bins[0] - 0.5, bins[-1] + 0.5)
    _whole_games(axes)
    label(axes, *_PANELS[name])


def _whole_games(axes: Axes) -> None:
    """Whole numbers on the y axis; logarithmic where one bar would flatten all others."""
    heights = np.array([patch.get_height() for patch in axes.patches])  # type: ignore[attr-defined]
    drawn = heights[heights > 0]
    if len(drawn) > 2 and drawn.max() > 100 * np.median(drawn):
        axes.set_yscale("log")
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.0f}"))
    axes.grid(axis="x", visible=False)


def _count_ticks(axes: Axes, largest: float) -> None:
    """Ticks 0, 1, 3, 10, 30, ... on an axis of log(1 + count)."""
    ticks = [0.0, *(m * 10.0**e for e in range(8) for m in (1, 3) if m * 10.0**e <= largest)]
    if len(ticks) > 7:
        ticks = [0.0, *(10.0**e for e in range(8) if 10.0**e <= largest)]
    axes.set_xticks(np.log1p(ticks), [f"{tick:,.0f}" for tick in ticks])


def _vote_axes(figure: Figure, votes: pd.Series, with_strip: bool) -> tuple[Axes, Axes | None]:
    """Axes of rating over votes, and a strip on their left for the games of unknown votes.

    Where no votes are known there is the strip alone, given back as both.
    """
    if votes.empty:
        axes = figure.subplots()
        axes.set(xlim=(-0.6, 0.6), xticks=[], xlabel="votes unknown", ylabel="rating, 0-5")
        return axes, axes
    widths = [1, 6] if with_strip else [1]
    grid = figure.subplots(1, len(widths), sharey=True, width_ratios=widths, squeeze=False)[0]
    grid[0].set_ylabel("rating, 0-5")
    grid[-1].set_xlabel("votes, log scale")
    _log_axis(grid[-1], votes)
    if not with_strip:
        return grid[-1], None
    grid[0].set(xlim=(-0.6, 0.6), xticks=[], xlabel="votes\nunknown")
    return grid[-1], grid[0]


def _log_axis(axes: Axes, values: pd.Series) -> None:
    """A logarithmic x axis with a readable number of ticks for these values."""
    narrow = values.max() < 100 * values.min()
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0, 3.0)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))


def _spread(games: pd.DataFrame) -> np.ndarray:
    """Places side by side in a strip, the same at every call."""
    return np.random.default_rng(0).uniform(-0.35, 0.35, len(games))


def _chance_band(axes: Axes, votes: pd.Series, mean: float) -> None:
    if votes.empty:
        return
    v = np.geomspace(votes.min(), votes.max(), 100)
    reach = 1.96 * VOTE_STD / np.sqrt(v)
    low, high = np.clip(mean - reach, 0, 5), np.clip(mean + reach, 0, 5)
    axes.fill_between(
        v, low, high, color=ORANGE, alpha=0.2, lw=0, label="what chance alone would spread (95 %)"
    )


def _moves(axes: Axes, x: np.ndarray, games: pd.DataFrame) -> None:
    size, alpha = _dots(len(games))
    axes.vlines(x, games["rating"], games["rating_shrunk"], color=GREY, lw=0.8, alpha=alpha)
    axes.scatter(x, games["rating"], s=size, facecolors="none", edgecolors=GREY, label="as given")
    axes.scatter(x, games["rating_shrunk"], s=size, color=BLUE, alpha=alpha, lw=0, label="shrunk")


def _dots(n: int) -> tuple[float, float]:
    """Area (points²) and opacity of one of `n` dots."""
    return (45, 0.9) if n <= 100 else (22, 0.5) if n <= 2000 else (12, 0.3)
