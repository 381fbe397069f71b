"""What a raw catalogue has too much or too little of, and what that means for recommending."""

import numpy as np
import pandas as pd

from gamerec.catalogue.explore import (
    HIGH_RATING,
    attention_measure,
    concentration,
    known,
    label_sets,
)

_Found = tuple[str, float, int]  # measure, value, games

_SO = {
    "free": "owning a free game costs nothing, so an owned one may never have been played; of "
    "what players would pay for, nothing can be learned from free games",
    "action": "the more games share a label, the less it tells them apart: it weighs little among "
    "the content features, and players of other tastes have few games to be served from",
    "high-rated": "the closer the ratings lie, the less they rank the games; from what was left "
    "out for its rating, nothing can be learned about what players dislike",
    "unrated": "an imputed rating says nothing of its game, and must not count as an opinion",
    "popularity": "the more uneven, the harder a plain list of the most popular games is to beat, "
    "and the more every model repeats it: measure coverage and popularity bias beside accuracy",
    "unlabelled": "such games resemble nothing by content; only players can connect them",
}


def biases(raw: pd.DataFrame) -> pd.DataFrame:
    """One line per bias that can be measured here: bias, measure, value, games, so.

    value is a share (0-1), measure says of what, games how many games it was measured on, and so
    what it means for recommending.
    """
    found = {
        "free": _labelled(raw, "tags", "free to play", "carry the tag 'Free to Play'"),
        "action": _labelled(raw, "genres", "action", "have the genre Action"),
        "high-rated": _high_rated(raw),
        "unrated": _unrated(raw),
        "popularity": _popular(raw),
        "unlabelled": _unlabelled(raw),
    }
    lines = [(bias, *line, _SO[bias]) for bias, line in found.items() if line is not None]
    return pd.DataFrame(lines, columns=["bias", "measure", "value", "games", "so"])


def as_markdown(table: pd.DataFrame) -> str:
    """`biases` as a list to read: what was measured, then what it means for recommending."""
    lines = [
        f"- **{row['bias']}**: {_percent(row['value'])} {row['measure']}. "
        f"*For recommending:* {row['so']}."
        for row in table.to_dict("records")
    ]
    return "\n".join(lines)


def _percent(share: float) -> str:
    return "less than 1%" if 0 < share < 0.01 else f"{share:.0%}"


def _labelled(raw: pd.DataFrame, column: str, label: str, measure: str) -> _Found | None:
    sets = [{text.casefold() for text in set_} for set_ in label_sets(raw, column) if set_]
    if not sets:
        return None
    share = float(np.mean([label in set_ for set_ in sets]))
    return f"of the {len(sets):,} games with {column} {measure}", share, len(sets)


def _high_rated(raw: pd.DataFrame) -> _Found | None:
    rating = known(raw, "rating").dropna()
    if rating.empty:
        return None
    lowest = f"the lowest has {rating.min():.2f}"
    measure = f"of the {len(rating):,} rated games have {HIGH_RATING:g} or more of 5 ({lowest})"
    return measure, float((rating >= HIGH_RATING).mean()), len(rating)


def _unrated(raw: pd.DataFrame) -> _Found | None:
    share = float(known(raw, "rating").isna().mean())
    if not share:
        return None
    return f"of all {len(raw):,} games have no rating", share, len(raw)


def _popular(raw: pd.DataFrame) -> _Found | None:
    curve = concentration(raw)
    if curve.empty:
        return None
    n_games = len(curve) - 1
    measure = f"of all {attention_measure(raw)} fall to the top tenth of {n_games:,} games"
    share = float(np.interp(0.1, curve["share_games"], curve["share_attention"]))
    return measure, share, n_games


def _unlabelled(raw: pd.DataFrame) -> _Found | None:
    pairs = zip(label_sets(raw, "genres"), label_sets(raw, "tags"), strict=True)
    share = float(np.mean([not genres and not tags for genres, tags in pairs]))
    if not share:
        return None
    return f"of all {len(raw):,} games have neither genre nor tag", share, len(raw)
