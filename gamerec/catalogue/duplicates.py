"""Rows that describe the same thing, merged into one whatever order they came in."""

import pandas as pd

LISTS = ("genres", "tags")
EVIDENCE = ["ratings_count", "added"]  # the row that more players stand behind speaks first


def merge_rows(games: pd.DataFrame, key: str) -> pd.DataFrame:
    """One row per value of column `key`; rows where it is empty stay as they are.

    Of rows that share a value the one with the most votes (then the most players, then by its
    content) speaks first, and the others fill the cells it leaves empty. Genres and tags are
    united.
    """
    shared = games[key].notna() & games.duplicated(key, keep=False)
    if not shared.any():
        return games
    ordered = games[shared].pipe(_most_evidence_first)
    groups = ordered.groupby(key, sort=False)
    merged = groups.first()
    for column in LISTS:
        merged[column] = groups[column].agg(_union)
    return pd.concat([games[~shared], merged.reset_index()[games.columns]], ignore_index=True)


def _most_evidence_first(games: pd.DataFrame) -> pd.DataFrame:
    content = games.astype("str").fillna("").agg("\x1f".join, axis="columns")
    ranked = games.assign(_content=content).sort_values(
        [*EVIDENCE, "_content"], ascending=[False, False, True], na_position="last"
    )
    return ranked.drop(columns="_content")


def _union(lists: pd.Series) -> list[str]:
    return sorted({label for labels in lists for label in labels})
