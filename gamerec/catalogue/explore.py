"""Tidy tables that show a raw catalogue as it is, before any cleaning.

Each function takes the raw games (columns.RAW_GAMES) and repairs nothing; a column that is absent
counts as empty. Nothing downstream depends on these tables.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from gamerec.catalogue.text import clean_texts, label_lists
from gamerec.columns import GAME, NAME, RAW_GAMES

ZERO_IS_UNKNOWN = {"rating": "0 = unrated", "playtime": "0 = unknown"}
FEW = 5  # of fewer games there is no distribution to see
NUMBERS = ("rating", "ratings_count", "playtime", "added", "owned_ratio", "metacritic")
VOTE_BINS = (0, 10, 30, 100, 300, 1000, np.inf)
HIGH_RATING = 4.0


def known(raw: pd.DataFrame, column: str) -> pd.Series:
    """The numbers of a column as floats, NaN where it is empty or zero stands for unknown."""
    if column == "owned_ratio":
        return _owned_ratio(raw)
    if column not in raw.columns:
        return pd.Series(np.nan, index=raw.index, name=column)
    values = pd.to_numeric(raw[column]).to_numpy(float, na_value=np.nan)
    numbers = pd.Series(values, index=raw.index, name=column)
    return numbers.where(numbers > 0) if column in ZERO_IS_UNKNOWN else numbers


def missing(raw: pd.DataFrame) -> pd.DataFrame:
    """column, known, unknown (games), share_unknown (0-1), and what counts as unknown."""
    lines = []
    for column in RAW_GAMES.columns:
        n_known = _n_known(raw, column.name, column.kind)
        note = {"list": "no label"}.get(column.kind, ZERO_IS_UNKNOWN.get(column.name, "empty"))
        if column.name not in raw.columns:
            note = "no such column"
        lines.append((column.name, n_known, len(raw) - n_known, note))
    table = pd.DataFrame(lines, columns=["column", "known", "unknown", "unknown_means"])
    return table.assign(share_unknown=table["unknown"] / max(len(raw), 1))


def doubles(raw: pd.DataFrame) -> pd.DataFrame:
    """check, games: how many games share an id, slug or name, and how many names need cleaning."""
    names = raw[NAME] if NAME in raw.columns else pd.Series(pd.NA, index=raw.index, dtype="str")
    unclean = names.notna() & (names.astype("str") != clean_texts(names))
    counts = {
        "share their id with another row": _sharing(raw, GAME),
        "share their slug with another id": _sharing(raw.drop_duplicates(GAME), "slug"),
        "share their name with another id": _sharing(raw.drop_duplicates(GAME), NAME),
        "have a name to clean (spaces, HTML entities)": int(unclean.sum()),
    }
    return pd.DataFrame({"check": list(counts), "games": list(counts.values())})


def numbers(raw: pd.DataFrame) -> pd.DataFrame:
    """One line per number that any game has: games, mean, std, min, quartiles, max."""
    columns = {name: known(raw, name) for name in NUMBERS}
    described = {
        name: values.describe() for name, values in columns.items() if values.notna().any()
    }
    if not described:
        return pd.DataFrame(columns=["column", "games", "mean", "min", "50%", "max"])
    table = pd.DataFrame(described).T.rename(columns={"count": "games"})
    return table.astype({"games": int}).rename_axis("column").reset_index()


def distributions(raw: pd.DataFrame) -> pd.DataFrame:
    """column, value: every known number of every game, and the year of release as 'year'.

    Without the columns that fewer than `FEW` games have, and without owned_ratio, which
    `ownership` shows beside the number of players.
    """
    columns = {name: known(raw, name) for name in NUMBERS if name != "owned_ratio"}
    columns["year"] = release_years(raw)
    long = [pd.DataFrame({"column": n, "value": v.dropna()}) for n, v in columns.items()]
    enough = [part for part in long if len(part) >= FEW]
    return pd.concat(enough or [long[0].head(0)], ignore_index=True).astype({"value": float})


def release_years(raw: pd.DataFrame) -> pd.Series:
    """The year of each game with a readable release date."""
    if "released" not in raw.columns:
        return pd.Series(dtype=int, name="year")
    dates = pd.to_datetime(raw["released"], format="ISO8601", errors="coerce", utc=True)
    return dates.dt.year.dropna().astype(int).rename("year")


def rated(raw: pd.DataFrame) -> pd.DataFrame:
    """Games with a rating: game_id, name, rating, ratings_count (NaN where unknown)."""
    table = pd.DataFrame(
        {
            GAME: raw[GAME],
            NAME: raw.get(NAME),
            "rating": known(raw, "rating"),
            "ratings_count": known(raw, "ratings_count"),
        }
    )
    return table[table["rating"].notna()].reset_index(drop=True)


def rating_by_votes(raw: pd.DataFrame) -> pd.DataFrame:
    """votes (a range), games, mean and std of their ratings, share_high (rating of 4 and more)."""
    games = rated(raw)
    bounds = [f"{low + 1:g}-{high:g}" for low, high in pairwise(VOTE_BINS[:-1])]
    names = [*bounds, f"above {VOTE_BINS[-2]:g}"]
    votes = pd.cut(games["ratings_count"], VOTE_BINS, labels=names, include_lowest=True)
    groups = games.groupby(votes.cat.add_categories("unknown").fillna("unknown"), observed=True)
    return (
        groups["rating"]
        .agg(
            games="size",
            mean="mean",
            std="std",
            share_high=lambda r: float((r >= HIGH_RATING).mean()),
        )
        .rename_axis("votes")
        .reset_index()
    )


def labels(raw: pd.DataFrame, column: str) -> pd.DataFrame:
    """label, games, share of the games that have any: the most common first, then by name."""
    sets = label_sets(raw, column)
    count = pd.Series([label for labels_ in sets for label in labels_], dtype="str").value_counts()
    table = count.rename_axis("label").rename("games").reset_index()
    n_labelled = sum(len(labels_) > 0 for labels_ in sets)
    table = table.assign(share=table["games"] / max(n_labelled, 1))
    return table.sort_values(["games", "label"], ascending=[False, True], ignore_index=True)


def labels_together(raw: pd.DataFrame, column: str, top: int = 12) -> pd.DataFrame:
    """Of the games with the label of the row, the share that has that of the column as well.

    A square frame over the `top` most common labels that at least `FEW` games have; 1 on the
    diagonal.
    """
    common = labels(raw, column).query("games >= @FEW").head(top)
    names = common["label"].tolist()
    has = np.array([[name in set_ for name in names] for set_ in label_sets(raw, column)], float)
    together = has.T @ has  # (top, top) games with both
    return pd.DataFrame(together / np.diag(together)[:, None], index=names, columns=names)


def ownership(raw: pd.DataFrame) -> pd.DataFrame:
    """game_id, name, added (NaN where unknown), owned_ratio: the games whose ratio is known."""
    table = pd.DataFrame(
        {
            GAME: raw[GAME],
            NAME: raw.get(NAME),
            "added": known(raw, "added"),
            "owned_ratio": known(raw, "owned_ratio"),
        }
    )
    return table[table["owned_ratio"].notna()].reset_index(drop=True)


def concentration(raw: pd.DataFrame) -> pd.DataFrame:
    """The Lorenz curve of `attention`: share_games, share_attention, from (0, 0) to (1, 1).

    Games are counted from the most popular one down. Empty where nothing is known.
    """
    most_first = attention(raw).dropna().sort_values(ascending=False)
    if most_first.sum() <= 0:
        return pd.DataFrame(columns=["share_games", "share_attention"], dtype=float)
    held = np.concatenate(([0.0], most_first.cumsum().to_numpy() / most_first.sum()))
    games = np.linspace(0, 1, len(held))
    return pd.DataFrame({"share_games": games, "share_attention": held})


def attention_measure(raw: pd.DataFrame) -> str:
    """What `concentration` counts: 'votes' or 'listings by players'."""
    return "votes" if attention(raw).name == "ratings_count" else "listings by players"


def attention(raw: pd.DataFrame) -> pd.Series:
    """`added` or `ratings_count`, whichever is known of more games: how many players care."""
    added, votes = known(raw, "added"), known(raw, "ratings_count")
    return added if added.notna().sum() >= votes.notna().sum() else votes


def _owned_ratio(raw: pd.DataFrame) -> pd.Series:
    """What the source gives, else owned / added where anybody listed the game."""
    empty = pd.Series(np.nan, index=raw.index)
    given, owned, added = (
        pd.to_numeric(raw.get(name, empty)).astype(float)
        for name in ("owned_ratio", "owned", "added")
    )
    if owned.notna().any():
        owned = owned.mask(owned.isna() & added.notna(), 0.0)  # a status of zero is left out
    return given.fillna(owned / added.where(added > 0)).rename("owned_ratio")


def label_sets(raw: pd.DataFrame, column: str) -> list[set[str]]:
    """The genres or tags of each game."""
    if column not in raw.columns:
        return [set()] * len(raw)
    return [set(labels_) for labels_ in label_lists(raw[column])]


def _n_known(raw: pd.DataFrame, name: str, kind: str) -> int:
    if name not in raw.columns:
        return 0
    if kind == "list":
        return sum(len(set_) > 0 for set_ in label_sets(raw, name))
    if name in ZERO_IS_UNKNOWN:
        return int(known(raw, name).notna().sum())
    return int(raw[name].notna().sum())


def _sharing(raw: pd.DataFrame, column: str) -> int:
    if column not in raw.columns:
        return 0
    values = raw[column].dropna()
    return int(values.duplicated(keep=False).sum())
