"""The rows of a play log, sieved: what can be used is kept, the rest is counted and listed."""

from collections import Counter

import numpy as np
import pandas as pd
import pyarrow as pa

from gamerec.columns import AT, GAME, USER, WEIGHT
from gamerec.errors import DataError
from gamerec.players.playlog_cells import Cells, judge, whole_numbers
from gamerec.players.playlog_file import LISTED, Misshapen

_SHOWN = 60  # characters of a cell
_NOT_UTF8 = "cells that were not UTF-8, read as Windows-1252"
_HIDDEN = "line inside a quotation mark that is not closed, or holds a long text"


class RowSieve:
    """Takes the batches of a log, in order.

    rows: how many had anything in them. bad, reasons: how many cannot be used, and why. unplayed:
    how many have a weight of 0. repairs: what was mended.
    """

    def __init__(self, named: dict[str, str], decimal_comma: bool) -> None:
        self.rows = self.bad = self.unplayed = 0
        self.reasons: Counter[str] = Counter()
        self.repairs: Counter[str] = Counter()
        self._named = named
        self._decimal_comma = decimal_comma
        self._taken = 0
        self._listed: list[tuple[int, str, str]] = []
        self._ids: dict[str, list[pa.Array]] = {USER: [], GAME: []}
        self._numbers: dict[str, list[np.ndarray]] = {n: [] for n in named if n in (WEIGHT, AT)}

    def take(self, batch: list[pa.Array]) -> None:
        """Sieve one batch: an array for each of the named columns, in their order."""
        columns = {
            ours: judge(ours, array, self._decimal_comma)
            for ours, array in zip(self._named, batch, strict=True)
        }
        empty = [cells.where(np.asarray(cells.texts == "")) for cells in columns.values()]
        usable = ~np.logical_and.reduce(empty)
        self.rows += int(usable.sum())
        for ours, cells in columns.items():
            if cells.not_utf8:
                self.repairs[_NOT_UTF8] += cells.not_utf8
            wrong = usable & cells.where(cells.faults != "")
            self._reject(ours, np.flatnonzero(wrong), columns)
            usable &= ~wrong
        if WEIGHT in columns:
            unplayed = usable & columns[WEIGHT].where(np.asarray(columns[WEIGHT].values) == 0)
            self.unplayed += int(unplayed.sum())
            usable &= ~unplayed
        self._keep(columns, usable)
        self._taken += len(usable)

    def account_for_lines(self, misshapen: Misshapen, lines: int | None) -> None:
        """Count rows of another width than the header, and lines that no row stands for."""
        row = misshapen.row_number
        self._listed = [(row(place), reason, text) for place, reason, text in self._listed]
        self._listed += misshapen.first
        self.reasons.update(misshapen.reasons)
        swallowed = misshapen.lines
        hidden = max(0, (lines or 0) - swallowed - self._taken)
        if hidden:
            self.reasons[_HIDDEN] += hidden
        self.rows += swallowed + hidden
        self.bad += swallowed + hidden

    def refuse_if_bad(self, max_bad_share: float) -> None:
        """DataError if there are too many bad rows, or none that can be used."""
        if not self.rows:
            raise DataError("there is no row below the first line")
        why = "; ".join(f"{reason} ({count:,})" for reason, count in self.reasons.most_common(5))
        first = self.listed().head(1).to_dict("records")
        shown = f"; the first is row {first[0]['row']}: {first[0]['text']}" if first else ""
        if self.bad > max_bad_share * self.rows:
            raise DataError(
                f"{self.bad:,} of {self.rows:,} rows cannot be used, more than the share "
                f"{max_bad_share:g} allowed: {why}{shown}"
            )
        if self.bad + self.unplayed == self.rows:
            unplayed = f"0 hours ({self.unplayed:,})" if self.unplayed else ""
            raise DataError(f"no row can be used: {'; '.join(filter(None, [unplayed, why]))}")

    def kept(self) -> pd.DataFrame:
        """user_id, game_id [, weight] [, at] of the rows that can be used."""
        found: dict[str, pd.Series | np.ndarray] = {
            name: _joined(parts) for name, parts in self._ids.items()
        }
        found |= {name: np.concatenate(parts) for name, parts in self._numbers.items()}
        return pd.DataFrame(found)

    def listed(self) -> pd.DataFrame:
        """The first bad rows: row, reason, text."""
        rows = sorted(self._listed)[:LISTED]
        return pd.DataFrame(rows, columns=["row", "reason", "text"])

    def _reject(self, ours: str, places: np.ndarray, columns: dict[str, Cells]) -> None:
        if not len(places):
            return
        self.bad += len(places)
        faults = columns[ours].where(columns[ours].faults)[places]
        self.reasons.update(f"{ours} {fault}" for fault in faults)
        for place, fault in list(zip(places, faults, strict=True))[:LISTED]:
            text = ", ".join(
                f"{name} {c.texts[c.numbers[place]][:_SHOWN]!r}" for name, c in columns.items()
            )
            self._listed.append((self._taken + int(place), f"{ours} {fault}", text))

    def _keep(self, columns: dict[str, Cells], usable: np.ndarray) -> None:
        for name, parts in self._ids.items():
            codes, different = pd.factorize(columns[name].values)  # repairs may make texts equal
            indices = pa.array(codes[columns[name].numbers[usable]], pa.int32())
            parts.append(pa.DictionaryArray.from_arrays(indices, pa.array(different, pa.string())))
        for name, parts in self._numbers.items():
            cells = columns[name]
            parts.append(cells.where(np.asarray(cells.values))[usable])


def _joined(parts: list[pa.Array]) -> pd.Series | np.ndarray:
    """One column of ids: int64 where each is a whole number, else str."""
    whole = pa.chunked_array(parts, pa.dictionary(pa.int32(), pa.string()))
    joined = whole.unify_dictionaries().combine_chunks()
    codes = joined.indices.to_numpy()
    used = np.flatnonzero(np.bincount(codes, minlength=len(joined.dictionary)))
    place = np.zeros(len(joined.dictionary), np.int64)
    place[used] = np.arange(len(used))
    codes = place[codes]
    different = joined.dictionary.take(pa.array(used)).to_pandas()
    numbers = whole_numbers(different)
    if numbers is not None:
        return numbers[codes]
    return pd.Series(different, dtype="str").take(codes).reset_index(drop=True)
