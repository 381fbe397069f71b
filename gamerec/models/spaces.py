"""The spaces that tuning searches, one per family, simplest family first.

A space is small: the parameters that matter, each over the range where its best value has been
found on logs of very different size and density. What is not named keeps the model's default.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, evenly on a log scale unless told; whole: integers only.

    when: (parameter, value): asked for only where that one, which stands before it, has the value.
    """

    low: float
    high: float
    log: bool = True
    whole: bool = False
    when: tuple[str, Any] | None = None


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    options: tuple[Any, ...]


@dataclass(frozen=True)
class Space:
    """One family's parameters.

    starts: sets of all parameters that are tried first: good on many logs, and what a large log is
        left with when time is short.
    size: the parameter that seconds depend on most. rungs: values of it from quick to slow, of
        which the search picks by the time there is; the starts run on the first. Empty: all that
        is searched is in `parameters`.
    exponent: seconds grow as the size to this power.
    dearer: how many times the seconds of the quickest `item_knn` the first start takes, about.
    counted: parameters in units of players, whose best value grows with the number of players.
    akin: families with the same word here find much the same; of these only the best is blended.
    """

    parameters: Mapping[str, Range | Choice]
    starts: tuple[Mapping[str, Any], ...]
    size: str = "neighbours"
    rungs: tuple[int, ...] = ()
    exponent: float = 1.5
    dearer: float = 1.0
    counted: tuple[str, ...] = ()
    akin: str = ""


def _knn(similarity: str, **params: Any) -> dict[str, Any]:
    common = {"neighbours": 100, "shrinkage": 0.1, "weighting": "none"}
    return {"similarity": similarity} | common | params


_POWERS = {
    "user_power": Range(0, 0.6, log=False),
    "popularity_power": Range(0, 0.5, log=False),
    "target_power": Range(0, 0.5, log=False),
    "choice_power": Range(0, 0.5, log=False),
}
_MIDDLE = {"user_power": 0.25, "popularity_power": 0.2, "target_power": 0.2, "choice_power": 0.2}

SPACES: dict[str, Space] = {
    "item_knn": Space(
        parameters={
            "similarity": Choice(("cosine", "jaccard", "asymmetric")),
            "alpha": Range(0.3, 0.8, log=False, when=("similarity", "asymmetric")),
            "neighbours": Range(20, 1_000, whole=True),
            "shrinkage": Range(0.1, 300),
            "weighting": Choice(("none", "tfidf", "bm25")),
        },
        starts=(
            _knn("cosine", shrinkage=10.0),
            _knn("cosine", weighting="tfidf"),
            _knn("jaccard", shrinkage=10.0),
            _knn("asymmetric", alpha=0.6, neighbours=300, weighting="tfidf"),
        ),
        counted=("shrinkage",),
    ),
    "content": Space(
        parameters={"neighbours": Range(10, 500, whole=True), "shrinkage": Range(0.01, 3)},
        starts=({"neighbours": 100, "shrinkage": 0.1},),
    ),
    "ease": Space(
        parameters={"penalty": Range(1, 1_000), **_POWERS},
        starts=(
            {"penalty": 10.0, **_MIDDLE},
            {"penalty": 30.0, **_MIDDLE},
            {"penalty": 100.0, **_MIDDLE},
            {"penalty": 3.0, **_MIDDLE},
            {"penalty": 300.0, **_MIDDLE},
        ),
        rungs=(60, 120, 240, 480, 960),
        dearer=3.0,
        counted=("penalty",),
        akin="regression",
    ),
    "slim": Space(
        parameters={"l1": Range(0.01, 3), "l2": Range(1, 300), **_POWERS},
        starts=({"l1": 0.1, "l2": 10.0, **_MIDDLE}, {"l1": 0.03, "l2": 5.0, **_MIDDLE}),
        rungs=(60, 120, 240),
        dearer=15.0,
        counted=("l1", "l2"),
        akin="regression",
    ),
    "svd": Space(
        parameters={
            "singular_power": Range(0, 2, log=False),
            "user_power": Range(0, 0.6, log=False),
            "popularity_power": Range(0.2, 0.6, log=False),
            "target_power": Range(0, 0.5, log=False),
        },
        starts=(
            {
                "singular_power": 1.0,
                "user_power": 0.35,
                "popularity_power": 0.4,
                "target_power": 0.2,
            },
        ),
        size="dimensions",
        rungs=(64, 128, 256),
        exponent=2.3,
        dearer=8.0,
    ),
}
BLEND = "blend"  # made of the best of the others, once they are known


NEED_FEATURES = ("content",)


def suggest(trial: "optuna.Trial", space: Space) -> dict[str, Any]:
    """The trial's parameters."""
    params: dict[str, Any] = {}
    for name, kind in space.parameters.items():
        if isinstance(kind, Choice):
            params[name] = trial.suggest_categorical(name, kind.options)
        elif kind.when is None or params[kind.when[0]] == kind.when[1]:
            draw = trial.suggest_int if kind.whole else trial.suggest_float
            params[name] = draw(name, kind.low, kind.high, log=kind.log)  # type: ignore[arg-type]
    return params


def scaled(family: str, params: Mapping[str, Any], factor: float) -> dict[str, Any]:
    """The parameters for a log with `factor` times the players that they were found on.

    A shrinkage counts players. A penalty stands beside the scaled Gram matrix, whose entries grow
    as the players of a game to the power 1 - 2 popularity_power.
    """
    if family == BLEND:
        parts = [{"name": p["name"]} | scaled(p["name"], p, factor) for p in params["parts"]]
        return {**params, "parts": parts}
    grown = factor ** (1 - 2 * params.get("popularity_power", 0))
    counted = SPACES[family].counted
    return {name: value * grown if name in counted else value for name, value in params.items()}
