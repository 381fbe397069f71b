"""Figures of training: the learning curve, the models compared, the trials of tuning."""

import pandas as pd
from matplotlib.figure import Figure

from gamerec.plots.style import BLUE, GREY, PALETTE, VERMILLION, label, legend, new_figure


def learning_curve(history: pd.DataFrame, best_epoch: int, k: int) -> Figure:
    """Validation recall and NDCG after every epoch, epoch 0 being the start.

    history: columns epoch, recall and ndcg, one row per epoch; `best_epoch` is the one kept.
    """
    figure = new_figure(9, 3.8)
    for axes, metric, colour in zip(
        figure.subplots(1, 2), ("recall", "ndcg"), (VERMILLION, BLUE), strict=True
    ):
        axes.plot(history["epoch"], history[metric], color=colour, marker="o", markersize=5)
        axes.axvline(best_epoch, color=GREY, linestyle=":", linewidth=1.5)
        kept = history.loc[history["epoch"] == best_epoch, metric].iloc[0]
        early = best_epoch < history["epoch"].max() / 2
        axes.annotate(
            f" kept: epoch {best_epoch}, {kept:.3f} ",
            (best_epoch, 0.04),
            xycoords=("data", "axes fraction"),
            ha="left" if early else "right",
        )
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(y=0.25)
        name = "Recall" if metric == "recall" else "NDCG"
        label(axes, f"{name}@{k} on the validation part", "epoch")
    return figure


def compared(comparison: pd.DataFrame, chosen: str, k: int) -> Figure:
    """Validation NDCG of every model tried, best on top; the chosen one stands out.

    comparison: columns model, ndcg and fit_seconds.
    """
    ordered = comparison.sort_values("ndcg", ignore_index=True)
    figure = new_figure(9, 1.3 + 0.42 * len(ordered))
    axes = figure.subplots()
    colours = [BLUE if model == chosen else GREY for model in ordered["model"]]
    bars = axes.barh(ordered["model"], ordered["ndcg"], color=colours, height=0.62)
    texts = [
        f"{ndcg:.3f}  in {1000 * seconds:,.0f} ms"
        for ndcg, seconds in zip(ordered["ndcg"], ordered["fit_seconds"], strict=True)
    ]
    axes.bar_label(bars, texts, padding=5, fontsize=11)
    axes.margins(x=0.22)
    axes.grid(visible=False, axis="y")
    label(axes, f"Models compared on the validation part; chosen: {chosen}", f"NDCG@{k}")
    return figure


def tuning_trials(trials: pd.DataFrame, k: int) -> Figure:
    """Validation NDCG of every trial in the order tried, a colour per family, and the best so far.

    trials: the `.trials` of a tuned model.
    """
    figure = new_figure(9, 4)
    axes = figure.subplots()
    for colour, (family, part) in zip(PALETTE, trials.groupby("family", sort=False), strict=False):
        axes.scatter(part["trial"], part["ndcg"], s=26, color=colour, label=family, alpha=0.85)
    axes.step(trials["trial"], trials["ndcg"].cummax(), where="post", color=GREY, label="best")
    low, high = trials["ndcg"].quantile(0.1), trials["ndcg"].max()
    room = max(high - low, 1e-3)
    axes.set_ylim(max(0, low - room), high + 0.25 * room)
    legend(axes, loc="lower right", ncols=3)
    label(axes, f"{len(trials)} trials of tuning", "trial", f"validation NDCG@{k}")
    return figure
