"""What training compares when nobody tunes: models by label, parameters that suit many logs."""

from collections.abc import Iterable
from typing import Any

from gamerec.errors import UsageError

Recipe = tuple[str, dict[str, Any]]  # model name, parameters


def recipes(
    labels: Iterable[str],
    *,
    neighbours: int = 100,
    shrinkage: float = 10.0,
    epochs: int = 10,
    patience: int = 3,
    described: bool = True,
) -> dict[str, Recipe]:
    """{label: (model name, parameters)} in the order given.

    cosine (or item_knn), jaccard: co-occurrence with `neighbours` and `shrinkage`. slim: learned in
    `epochs`, which `patience` alone ends early. ease: a penalty of
    10. content, svd, popularity: their defaults. blend:
    ease, cosine and, where the games are `described` by genres and tags, content; its shares are
    fitted to the validation part. content is left out where the games are not described. Raises
    UsageError for an unknown label.
    """
    knn = {"neighbours": neighbours, "shrinkage": shrinkage}
    cosine = {"similarity": "cosine", **knn}
    ease = {"penalty": 10.0}
    parts = [{"name": "ease", **ease}, {"name": "item_knn", **cosine}]
    known: dict[str, Recipe] = {
        "cosine": ("item_knn", cosine),
        "item_knn": ("item_knn", cosine),
        "jaccard": ("item_knn", {"similarity": "jaccard", **knn}),
        "slim": ("slim", {"epochs": epochs, "patience": patience, "tolerance": 0.0}),
        "ease": ("ease", ease),
        "content": ("content", {}),
        "svd": ("svd", {}),
        "blend": ("blend", {"parts": parts + [{"name": "content"}] * described}),
        "popularity": ("popularity", {}),
    }
    wanted = [label for label in labels if described or label != "content"]
    for label in wanted:
        if label not in known:
            raise UsageError(f"there is no model {label!r}; known: {', '.join(known)}")
    return {label: known[label] for label in wanted}
