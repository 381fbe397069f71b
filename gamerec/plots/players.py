"""Figures of players and what they play (04_simulate)."""

import numpy as np
import pandas as pd
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from gamerec.columns import AT, GAME, USER, WEIGHT
from gamerec.plots.style import BLUE, GREY, INK, VERMILLION, label, legend, new_figure

MOST_GENRES, MOST_TASTES = 12, 16


def long_tail(plays: pd.DataFrame, n_games: int) -> Figure:
    """Players of each game by rank, and the share of all plays that the first games have."""
    players = np.zeros(n_games, int)
    counts = np.sort(plays[GAME].value_counts().to_numpy())[::-1]
    players[: len(counts)] = counts
    figure = new_figure(9, 3.8)
    left, right = figure.subplots(1, 2)
    rank = np.arange(1, n_games + 1)
    left.plot(rank, players, color=BLUE, linewidth=2)
    left.fill_between(rank, players, color=BLUE, alpha=0.15)
    if n_games > 200:
        left.set_xscale("log")
        left.set_yscale("symlog", linthresh=1)
    left.set_ylim(bottom=0)
    scale = ", log scales" if n_games > 200 else ""
    label(left, "Players per game", f"rank of the game{scale}", "players")
    right.plot(rank / n_games, players.cumsum() / players.sum(), color=VERMILLION, linewidth=2)
    right.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="all games alike")
    for axis in (right.xaxis, right.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    legend(right, loc="lower right")
    label(right, "Share of all plays", "most played games", "share of plays")
    return figure


def games_per_user(plays: pd.DataFrame) -> Figure:
    """How many users played how many games; the last bar gathers the rest."""
    games = plays.groupby(USER).size()
    last = int(min(games.max(), 20))
    users = games.clip(upper=last).value_counts().reindex(range(1, last + 1), fill_value=0)
    figure = new_figure(9, 3.2)
    axes = figure.subplots()
    bars = axes.bar(users.index, users, color=BLUE, width=0.7)
    axes.bar_label(bars, [f"{n:,}" if n else "" for n in users], padding=2, fontsize=10)
    axes.set_xticks(users.index)
    if games.max() > last:
        axes.set_xticks(users.index, [*map(str, users.index[:-1]), f"{last}+"])
    axes.grid(visible=False, axis="x")
    axes.margins(y=0.12)
    label(axes, "Games per user", "games played", "users")
    return figure


def tastes(lift: pd.DataFrame, names: list[str], shares: np.ndarray) -> Figure:
    """Which genres each taste picks more (red) or less (blue) often than everybody.

    lift: as of `tastes.genre_lift`; names and shares: what each taste is built around, and its
    share among the users.
    """
    order = np.argsort(-shares, kind="stable")[:MOST_TASTES]
    shown = lift.iloc[order, :MOST_GENRES]
    power = np.log2(shown.clip(lower=1 / 8, upper=8).to_numpy())
    figure = new_figure(9, 1.9 + 0.36 * len(shown))
    axes = figure.subplots()
    image = axes.imshow(power, cmap="RdBu_r", norm=TwoSlopeNorm(0, -3, 3), aspect="auto")
    axes.set_xticks(range(shown.shape[1]), shown.columns, rotation=35, ha="right")
    rows = [f"{_short(names[z])}  {shares[z]:.0%}" for z in order]
    axes.set_yticks(range(len(shown)), rows)
    for (row, column), value in np.ndenumerate(shown.to_numpy()):
        colour = "white" if abs(power[row, column]) > 1.7 else INK
        axes.text(column, row, f"{value:.1f}", ha="center", va="center", color=colour, fontsize=9)
    axes.grid(visible=False)
    bar = figure.colorbar(image, ticks=range(-3, 4), pad=0.01)
    bar.ax.set_yticklabels(["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    bar.outline.set_visible(False)
    label(axes, "How many times as often as everybody a taste picks a genre", "", "")
    return figure


def weights(plays: pd.DataFrame) -> Figure:
    """How long the games were played, on a log scale, with the median."""
    hours = plays[WEIGHT].to_numpy(float)
    low, high = np.log10(hours.min()), np.log10(hours.max())
    bins = np.logspace(low, max(high, low + 0.1), 41).tolist()
    figure = new_figure(9, 3.2)
    axes = figure.subplots()
    axes.hist(hours, bins=bins, color=BLUE, edgecolor="white")
    axes.axvline(np.median(hours), color=VERMILLION, linewidth=2)
    axes.annotate(
        f" median {np.median(hours):,.3g}",
        (np.median(hours), 0.92),
        xycoords=("data", "axes fraction"),
        color=VERMILLION,
    )
    axes.set_xscale("log")
    label(axes, "Weight of an interaction", "hours, or what the log counts; log scale", "plays")
    return figure


def over_time(plays: pd.DataFrame) -> Figure:
    """Plays per month, or per day where the log is shorter than a quarter of a year."""
    times = pd.DatetimeIndex(plays[AT])
    daily = (times.max() - times.min()).days < 92
    counts = pd.Series(1, index=times).resample("D" if daily else "MS").sum()
    figure = new_figure(9, 2.8)
    axes = figure.subplots()
    axes.plot(counts.index, counts, color=BLUE, marker="o", markersize=4)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    label(axes, f"Plays per {'day' if daily else 'month'}", "", "plays")
    return figure


def _short(name: str, length: int = 28) -> str:
    return name if len(name) <= length else name[: length - 1].rstrip() + "…"
