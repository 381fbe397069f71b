"""What a raw catalogue has too much or too little of, and what that means for recommending."""

import numpy as np
import pandas as pd

from gamerec.explore import HIGH_RATING, attention_measure, concentration, known, label_sets


def biases(raw: pd.DataFrame) -> pd.DataFrame:
    """What the catalogue has too much or too little of: bias, measure, value (0-1), games, so.

    games is the number of games that the value is a share of; a bias that cannot be measured is
    not listed. so is what it means for recommending.
    """
    lines = [
        _label_bias(raw, "tags", "free to play", "free", "carry the tag 'Free to Play'"),
        _label_bias(raw, "genres", "action", "action", "have the genre Action"),
        _high_rated_bias(raw),
        _unrated_bias(raw),
        _popularity_bias(raw),
        _unlabelled_bias(raw),
    ]
    return pd.DataFrame(
        [line for line in lines if line is not None],
        columns=["bias", "measure", "value", "games", "so"],
    )


_Line = tuple[str, str, float, int, str]

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


def _label_bias(
    raw: pd.DataFrame, column: str, label: str, bias: str, measure: str
) -> _Line | None:
    sets = [{text.casefold() for text in set_} for set_ in label_sets(raw, column) if set_]
    if not sets:
        return None
    share = float(np.mean([label in set_ for set_ in sets]))
    return bias, f"of the games with {column}, {measure}", share, len(sets), _SO[bias]


def _high_rated_bias(raw: pd.DataFrame) -> _Line | None:
    rating = known(raw, "rating").dropna()
    if rating.empty:
        return None
    measure = f"of the rated games, {HIGH_RATING:g} or more of 5 (lowest {rating.min():.2f})"
    high = float((rating >= HIGH_RATING).mean())
    return "high-rated", measure, high, len(rating), _SO["high-rated"]


def _unrated_bias(raw: pd.DataFrame) -> _Line:
    share = float(known(raw, "rating").isna().mean())
    return "unrated", "of all games, have no rating", share, len(raw), _SO["unrated"]


def _popularity_bias(raw: pd.DataFrame) -> _Line | None:
    curve = concentration(raw)
    if curve.empty:
        return None
    share = float(np.interp(0.1, curve["share_games"], curve["share_attention"]))
    measure = f"of all {attention_measure(raw)} fall to the top tenth of the games"
    return "popularity", measure, share, len(curve) - 1, _SO["popularity"]


def _unlabelled_bias(raw: pd.DataFrame) -> _Line:
    pairs = zip(label_sets(raw, "genres"), label_sets(raw, "tags"), strict=True)
    share = float(np.mean([not genres and not tags for genres, tags in pairs]))
    return (
        "unlabelled",
        "of all games, have neither genre nor tag",
        share,
        len(raw),
        _SO["unlabelled"],
    )
