"""Figures of evaluation: accuracy with intervals beside the references, and beyond accuracy."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gamerec.plots.style import BLUE, GREEN, GREY, ORANGE, PURPLE, label, new_figure

COLOURS = {"oracle": GREEN, "production": PURPLE, "popularity": ORANGE, "random": GREY}
TITLES = {"hit_rate": "HitRate", "ndcg": "NDCG", "map": "MAP"}
BEYOND = {
    "coverage": "Catalogue coverage\nshare of games in any list",
    "gini": "Gini of exposure\n0 all games alike, 1 one game",
    "popularity_lift": "Popularity lift\nof list over own games",
    "diversity": "Intra-list diversity\n1 − mean cosine of contents",
}


def accuracy_at(table: pd.DataFrame, k: int, metrics: Sequence[str] = ("ndcg", "recall")) -> Figure:
    """One row per model: the mean at K as a dot and its 95 % interval as a line."""
    models = list(dict.fromkeys(table["model"]))[::-1]
    figure = new_figure(9, 1.4 + 0.45 * len(models))
    for axes, metric in zip(figure.subplots(1, len(metrics), sharey=True), metrics, strict=True):
        part = table[(table["metric"] == metric) & (table["k"] == k)].set_index("model")
        for y, model in enumerate(models):
            _interval(axes, y, part.loc[model], colour_of(model))
        axes.set_yticks(range(len(models)), models)
        axes.set_ylim(-0.6, len(models) - 0.4)
        axes.set_xlim(left=0)
        axes.margins(x=0.12)
        label(axes, f"{_title(metric)}@{k}", "mean over users, 95 % interval")
    return figure


def accuracy_by_k(table: pd.DataFrame, metrics: Sequence[str] = ("ndcg", "recall")) -> Figure:
    """A line per model over K, its interval as a band."""
    figure = new_figure(10, 4)
    panels = figure.subplots(1, len(metrics))
    for axes, metric in zip(panels, metrics, strict=True):
        for model, part in table[table["metric"] == metric].groupby("model", sort=False):
            colour = colour_of(str(model))
            axes.plot(part["k"], part["value"], color=colour, marker="o", label=model)
            axes.fill_between(part["k"], part["low"], part["high"], color=colour, alpha=0.15)
        axes.set_xticks(sorted(table.loc[table["metric"] == metric, "k"].unique()))
        axes.set_ylim(bottom=0)
        label(axes, f"{_title(metric)}@K", "K, games per list")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", frameon=False, fontsize=11)
    return figure


def beyond_accuracy(table: pd.DataFrame) -> Figure:
    """Coverage, exposure, pull to the mainstream and diversity, a bar per model."""
    shown = [metric for metric in BEYOND if metric in set(table["metric"])]
    models = list(dict.fromkeys(table["model"]))[::-1]
    figure = new_figure(11, 1.7 + 0.4 * len(models))
    for axes, metric in zip(figure.subplots(1, len(shown), sharey=True), shown, strict=True):
        part = table[table["metric"] == metric].set_index("model")["value"].reindex(models)
        bars = axes.barh(models, part, color=[colour_of(m) for m in models], height=0.62)
        axes.bar_label(bars, fmt="%.2f", padding=4, fontsize=10)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.margins(x=0.4)
        axes.grid(visible=False, axis="y")
        label(axes)
        axes.set_title(BEYOND[metric], loc="left", fontsize=11)
    return figure


def calibration(curve: pd.DataFrame) -> Figure:
    """Chances told against shares found, with intervals; on the diagonal they are the same."""
    figure = new_figure(6, 4.5)
    axes = figure.subplots()
    top = float(max(curve["high"].max(), curve["chance"].max())) * 1.05
    axes.plot([0, top], [0, top], color=GREY, linewidth=1, linestyle="--")
    below, above = curve["share"] - curve["low"], curve["high"] - curve["share"]
    axes.errorbar(
        *(curve["chance"], curve["share"], [below, above]),
        color=BLUE,
        marker="o",
        capsize=3,
        linewidth=1.5,
    )
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    label(axes, "Is the confidence right?", "chance told", "share of hits found")
    return figure


def colour_of(model: str) -> str:
    """The references have colours of their own; any other model is blue."""
    return COLOURS.get(model.split(" ")[0], BLUE)


def _interval(axes: Axes, y: float, row: pd.Series, colour: str) -> None:
    axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=3, solid_capstyle="round")
    axes.plot(row["value"], y, "o", color=colour, markersize=8)
    axes.annotate(
        f"{row['value']:.3f}",
        (row["value"], y),
        xytext=(0, 8),
        textcoords="offset points",
        ha="center",
    )


def _title(metric: str) -> str:
    return TITLES.get(metric, metric.capitalize())
