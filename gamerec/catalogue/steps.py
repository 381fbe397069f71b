"""`Steps`: the before/after table of a cleaning, one line per rule and column."""

import pandas as pd
from pandas.api import types

from gamerec.catalogue.text import label_lists


class Steps:
    """Lines in the order in which the rules were applied.

    rule: what was done. column: to which column. unit: what is counted, 'rows' or 'cells'.
    before, after: the rows of the table, or the filled cells of the column (a list without an
    element counts as empty). changed: how many of them the rule changed. note: the value used.
    """

    def __init__(self) -> None:
        self.lines: list[dict[str, str | int]] = []

    def add(
        self,
        rule: str,
        column: str,
        unit: str,
        before: int,
        after: int,
        changed: int,
        note: str = "",
    ) -> None:
        """Add a line."""
        line: dict[str, str | int] = {"rule": rule, "column": column, "unit": unit}
        line |= {"before": before, "after": after, "changed": changed, "note": note}
        self.lines.append(line)

    def cells(
        self, rule: str, before: pd.Series, after: pd.Series, note: str = "", column: str = ""
    ) -> pd.Series:
        """Add the line of a rule on the cells of one column; returns `after`."""
        changed = int(_differ(before, after).sum())
        filled = (int(_filled(before).sum()), int(_filled(after).sum()))
        self.add(rule, column or str(before.name), "cells", *filled, changed, note)
        return after

    def to_frame(self) -> pd.DataFrame:
        """rule, column, unit, before, after, changed, note."""
        return pd.DataFrame(self.lines)


def _holds_lists(values: pd.Series) -> bool:
    return types.is_object_dtype(values) and bool(values.notna().any())


def _filled(values: pd.Series) -> pd.Series:
    return values.str.len() > 0 if _holds_lists(values) else values.notna()


def _differ(before: pd.Series, after: pd.Series) -> pd.Series:
    if _holds_lists(before) or _holds_lists(after):
        pairs = zip(label_lists(before), label_lists(after), strict=True)
        return pd.Series([old != new for old, new in pairs])
    return (before != after) & ~(before.isna() & after.isna())
