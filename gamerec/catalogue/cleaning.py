"""The catalogue: from raw games to the games table, with every rule counted.

    games, steps = clean(raw)

Knows nothing of where the raw games come from, nor of players.
"""

import re
from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
import pandas as pd

from gamerec import columns
from gamerec.catalogue.duplicates import merge_rows
from gamerec.catalogue.features import UNKNOWN_GENRE, ContentFeatures, content_features
from gamerec.catalogue.raw_games import RANGES
from gamerec.catalogue.steps import Steps
from gamerec.catalogue.text import clean_labels, clean_texts, slugify
from gamerec.columns import GAME, GAMES, NAME, RAW_GAMES
from gamerec.errors import DataError, UsageError

__all__ = [
    "UNKNOWN_GENRE",
    "ContentFeatures",
    "Imputation",
    "clean",
    "content_features",
    "min_max",
]

Imputation = Literal["mean", "median"]

PRIOR_VOTES = 10.0  # near var(one vote) / var(true ratings) = 1.23 / 0.16, measured on RAWG's games
# Where no game of the catalogue has a value, each gets the middle of the scale: a constant weight,
# which prefers nobody, and not 0, which would rule everybody out.
RATING_MIDDLE, RATIO_MIDDLE = 2.5, 0.5


def clean(
    raw: pd.DataFrame,
    *,
    rating_imputation: Imputation = "mean",
    playtime_imputation: Imputation = "median",
    prior_votes: float = PRIOR_VOTES,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The games table (columns.GAMES, sorted by game_id) and the before/after table of the rules.

    The order of the rows of `raw` changes nothing. With R the rating, v its votes, m `prior_votes`
    and C the mean rating of the rated games, rating_shrunk = (v R + m C) / (v + m): the Bayesian
    average. Where v is unknown it is taken as m, which is half-way; an imputed rating has v = 0.
    owned_ratio is what the source gives, else owned / added; 0 where added is 0, and the mean of
    the others where nothing is known. Counts that are unknown are 0 in the table.

    steps: see `steps.Steps`. Raises DataError for a raw table that is empty or breaks its contract,
    UsageError for a parameter out of its range.
    """
    _check_parameters(rating_imputation, playtime_imputation, prior_votes)
    games = _whole(raw)
    steps = Steps()
    _clean_texts(games, steps)
    _empty_impossible_numbers(games, steps)
    _read_dates(games, steps)
    games = _merge(games, steps)
    _fill_names(games, steps)
    _fill_genres(games, steps)
    _impute(games, steps, "rating", "0 = unrated", rating_imputation, RATING_MIDDLE)
    _impute(games, steps, "playtime", "0 = unknown", playtime_imputation, 0.0)
    _shrink_ratings(games, steps, prior_votes)
    _fill_owned_ratio(games, steps)
    _fill_counts(games, steps)
    _scale(games, steps)
    return columns.check(games, GAMES), steps.to_frame()


def min_max(values: pd.Series) -> pd.Series:
    """(x - min) / (max - min), from 0 to 1; a column of one value becomes 0, as in scikit-learn."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else values * 0.0


def _check_parameters(rating: str, playtime: str, prior_votes: float) -> None:
    for name, value in (("rating_imputation", rating), ("playtime_imputation", playtime)):
        if value not in get_args(Imputation):
            raise UsageError(f"{name} is {value!r}; it must be 'mean' or 'median'")
    if not (np.isfinite(prior_votes) and prior_votes >= 0):
        raise UsageError(f"prior_votes is {prior_votes}; it must be 0 or more")


def _whole(raw: pd.DataFrame) -> pd.DataFrame:
    """A copy with every raw column and a plain index."""
    games = columns.check(raw, RAW_GAMES).reindex(columns=RAW_GAMES.names).reset_index(drop=True)
    if games.empty:
        raise DataError("the catalogue has no game: run 01_crawl.ipynb with a wider query")
    for name in RANGES:
        games[name] = pd.to_numeric(games[name]).to_numpy(float, na_value=np.nan)
    return games


def _clean_texts(games: pd.DataFrame, steps: Steps) -> None:
    rule = "spaces, control characters, HTML entities"
    for name in (NAME, "slug", "released", "image_url"):
        games[name] = steps.cells(rule, games[name], clean_texts(games[name]))
    for name in ("genres", "tags"):
        rule = "cleaned, sorted, one spelling, each once"
        games[name] = steps.cells(rule, games[name], clean_labels(games[name]))
    web = games["image_url"].str.match(r"https?://", flags=re.IGNORECASE, na=False)
    games["image_url"] = steps.cells(
        "not a web address: emptied", games["image_url"], games["image_url"].where(web)
    )


def _empty_impossible_numbers(games: pd.DataFrame, steps: Steps) -> None:
    for name, (low, high) in RANGES.items():
        possible = games[name].between(low, high) & np.isfinite(games[name])
        rule, note = "out of range: emptied", f"{low:,.0f} to {high:,.0f}"
        games[name] = steps.cells(rule, games[name], games[name].where(possible), note)


def _read_dates(games: pd.DataFrame, steps: Steps) -> None:
    dates = pd.to_datetime(games["released"], format="ISO8601", errors="coerce", utc=True)
    dates = dates.dt.tz_localize(None).astype("datetime64[us]").dt.normalize()
    lost = int((games["released"].notna() & dates.isna()).sum())
    before, after = int(games["released"].notna().sum()), int(dates.notna().sum())
    steps.add("not a date: emptied", "released", "cells", before, after, lost)
    games["released"] = dates


def _merge(games: pd.DataFrame, steps: Steps) -> pd.DataFrame:
    """One row per id and per slug that the source gave; sorted by game_id.

    A slug is the source's own second key, so two ids with one slug are one game. A name is none:
    remakes and editions share it, and a play log may hold the ids of both. They stay apart.
    """
    for key, rule in ((GAME, "same id: merged"), ("slug", "same slug: merged")):
        before = len(games)
        games = merge_rows(games, key)
        steps.add(rule, key, "rows", before, len(games), before - len(games))
    games = games.sort_values(GAME, ignore_index=True)
    names = games[NAME].str.casefold()
    alike = int((names.duplicated(keep=False) & names.notna()).sum())
    steps.add("same name, other id: kept apart", NAME, "rows", alike, alike, 0)
    return games


def _fill_names(games: pd.DataFrame, steps: Steps) -> None:
    ids = games[GAME].astype("str")
    words = games["slug"].str.replace("-", " ").str.title()
    filled = games[NAME].fillna(words).fillna(ids)
    games[NAME] = steps.cells("no name: the slug's words, else the id", games[NAME], filled)
    made = pd.Series([slugify(name) or None for name in games[NAME]], dtype="str")
    filled = games["slug"].fillna(made).fillna(ids)
    games["slug"] = steps.cells("no slug: made from the name, else the id", games["slug"], filled)


def _fill_genres(games: pd.DataFrame, steps: Steps) -> None:
    none = games["genres"].str.len() == 0
    filled = games["genres"].copy()
    filled[none] = pd.Series([[UNKNOWN_GENRE]] * int(none.sum()), index=filled.index[none])
    games["genres"] = steps.cells(f"none: '{UNKNOWN_GENRE}'", games["genres"], filled)


def _impute(
    games: pd.DataFrame, steps: Steps, name: str, zero: str, how: Imputation, otherwise: float
) -> None:
    """Empty the zeros, then fill by the mean or median of the rest; mark what was filled."""
    known = steps.cells(f"{zero}: emptied", games[name], games[name].where(games[name] > 0))
    value, note = _typical(known, how, otherwise)
    games[f"{name}_imputed"] = known.isna()
    games[name] = steps.cells("unknown: imputed", known, known.fillna(value), note)


def _typical(values: pd.Series, how: Imputation, otherwise: float) -> tuple[float, str]:
    """The mean or median of what is known, else `otherwise`; and how it came about."""
    known = values.dropna()
    if known.empty:
        return otherwise, f"none known: {otherwise:.2f}"
    value = float(known.mean() if how == "mean" else known.median())
    return value, f"{how} {value:.2f}"


def _shrink_ratings(games: pd.DataFrame, steps: Steps, prior_votes: float) -> None:
    rating, imputed = games["rating"], games["rating_imputed"]
    mean, _ = _typical(rating.mask(imputed), "mean", RATING_MIDDLE)
    votes = games["ratings_count"].mask(imputed, 0.0)
    assumed = votes.fillna(prior_votes or 1.0)  # without a prior any count keeps the rating
    steps.cells("unknown: shrunk as if the prior's", votes, assumed, f"{prior_votes:g} votes")
    weight = assumed + prior_votes
    own = (assumed / weight.where(weight > 0)).fillna(0.0)  # the share of the game's own rating
    shrunk = (own * rating + (1 - own) * mean).clip(*RANGES["rating"])  # rounding may overshoot
    note = f"to {mean:.2f} by {prior_votes:g} votes"
    games["rating_shrunk"] = steps.cells("shrunk by votes", rating, shrunk, note, "rating_shrunk")


def _fill_owned_ratio(games: pd.DataFrame, steps: Steps) -> None:
    """Fill in three steps: by division, by 0 where nobody listed the game, by the mean."""
    ratio, owned, added = games["owned_ratio"], games["owned"], games["added"]
    if owned.notna().any():
        absent = owned.isna() & added.notna()  # RAWG leaves a status of zero out
        owned = steps.cells("left out by the source: 0", owned, owned.mask(absent, 0.0))
        games["owned"] = owned
    divided = ratio.fillna((owned / added.where(added > 0)).clip(0, 1))
    ratio = steps.cells("owned / added", ratio, divided)
    ratio = steps.cells("added is 0: ratio 0", ratio, ratio.mask(ratio.isna() & (added == 0), 0.0))
    value, note = _typical(ratio, "mean", RATIO_MIDDLE)
    games["owned_ratio"] = steps.cells("unknown: imputed", ratio, ratio.fillna(value), note)


def _fill_counts(games: pd.DataFrame, steps: Steps) -> None:
    for name in ("ratings_count", "added", "owned"):
        games[name] = steps.cells("unknown: 0", games[name], games[name].fillna(0.0))


def _scale(games: pd.DataFrame, steps: Steps) -> None:
    """Min-max; of the shrunk rating, and of the logarithm of the playtime, which is skewed."""
    inputs: dict[str, tuple[str, Callable]] = {
        "rating_scaled": ("rating_shrunk", np.asarray),
        "owned_ratio_scaled": ("owned_ratio", np.asarray),
        "playtime_scaled": ("playtime", np.log1p),
    }
    for name, (source, change) in inputs.items():
        values = games[source]
        games[name] = min_max(pd.Series(change(values)))
        constant = values.min() == values.max()
        note = "constant: all 0" if constant else f"{values.min():.2f} to {values.max():.2f}"
        steps.cells("scaled to 0-1", values, games[name], note, name)
