"""Cells of a play log: what is an id, hours or a time, and what is wrong with the others.

A batch holds few different texts, so each is judged once, as one of a Series of str. A fault is the
reason why a cell cannot be used, '' where it can.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from gamerec.columns import AT, WEIGHT

LONGEST_ID = 200  # characters
MOST_HOURS = 1e9
MISSING = ("", "nan", "null", "none", "<na>", "nat", "#n/a", "n/a")

_WHOLE = r"-?(?:0|[1-9][0-9]*)"
_SHORT_WHOLE = r"-?(?:0|[1-9][0-9]{0,17})"
_FIRST_TIME, _LAST_TIME = np.datetime64("1970-01-01"), np.datetime64("2100-01-01")


@dataclass(frozen=True)
class Cells:
    """One column of a batch of n rows, in which m texts occur.

    numbers: (n,) which text stands in the row. texts: (m,) str, without spaces around them, '' for
    null. values: (m,) what they mean: str, float64 or datetime64[us]. faults: (m,) str.
    not_utf8: how many of the texts had to be read as Windows-1252.
    """

    numbers: np.ndarray
    texts: pd.Series
    values: np.ndarray | pd.Series
    faults: np.ndarray
    not_utf8: int

    def where(self, of_text: np.ndarray) -> np.ndarray:
        """(n,) from (m,): what is said of each text, for each row."""
        return of_text[self.numbers]


def judge(column: str, array: pa.Array, decimal_comma: bool) -> Cells:
    """The cells of one column: by its name hours, a time or an id."""
    numbers, found, not_utf8 = texts(array)
    values: np.ndarray | pd.Series
    if column == WEIGHT:
        values, faults = hours(found, decimal_comma)
    else:
        values, faults = (times if column == AT else ids)(found)
    return Cells(numbers, found, values, faults, not_utf8)


def texts(cells: pa.Array) -> tuple[np.ndarray, pd.Series, int]:
    """Cells.numbers, Cells.texts and Cells.not_utf8 of an array of any type.

    Windows-1252 is the usual encoding of a file that is not UTF-8.
    """
    encoded = _plain(cells).dictionary_encode()
    values, not_utf8 = encoded.dictionary, 0
    if pa.types.is_binary(values.type):
        values, not_utf8 = _decoded(values)
    values = pa.concat_arrays([values.cast(pa.string()), pa.array([""])])
    numbers = encoded.indices.fill_null(len(values) - 1).to_numpy()
    return numbers, pd.Series(pd.array(values, dtype="str")).str.strip(), not_utf8


def ids(values: pd.Series) -> tuple[pd.Series, np.ndarray]:
    """Ids as text. '12.0', which a float column makes of 12, becomes '12' again."""
    faults = np.full(len(values), "", object)
    odd = ~values.str.fullmatch(_SHORT_WHOLE).to_numpy(bool)  # most logs have numbers: be quick
    clean = values.copy()
    clean[odd], faults[odd] = _odd_ids(values[odd])
    return clean, faults


def _odd_ids(values: pd.Series) -> tuple[pd.Series, np.ndarray]:
    clean = values.str.replace(rf"^({_WHOLE})\.0+$", r"\1", regex=True)
    faults = _first_fault(
        {
            "empty": _missing(values),
            f"longer than {LONGEST_ID} characters": values.str.len() > LONGEST_ID,
            "a control character inside": values.str.contains(r"[\x00-\x1f\x7f]", regex=True),
            "a spreadsheet formula": values.str.startswith("="),
            "in scientific notation, digits are lost": values.str.fullmatch(
                r"-?[0-9]+(?:[.,][0-9]+)?[eE]\+[0-9]+"
            ),
        }
    )
    return clean, faults


def whole_numbers(values: pd.Series) -> np.ndarray | None:
    """The ids as int64 if every one is a whole number in its usual form ('7', not '007'),
    else None: then they are texts."""
    if not values.str.fullmatch(_WHOLE).all() or values.str.fullmatch("-0").any():
        return None
    try:
        return values.astype(np.int64).to_numpy()
    except (OverflowError, ValueError):
        return None


def hours(values: pd.Series, decimal_comma: bool) -> tuple[np.ndarray, np.ndarray]:
    """Hours, or whatever the weight counts, as float64; 0 is no fault."""
    if decimal_comma:
        values = values.str.replace(r"^([0-9]+),([0-9]+)$", r"\1.\2", regex=True)
    number = pd.to_numeric(values, errors="coerce").to_numpy(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        too_small = (number > 0) & (number.astype(np.float32) == 0)
    faults = _first_fault(
        {
            "empty": _missing(values),
            "not a number": np.isnan(number),
            "not finite": np.isinf(number),
            "negative": number < 0,
            "too close to 0": too_small,
            f"above {MOST_HOURS:.0e}": number > MOST_HOURS,
        }
    )
    return number, faults


def times(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Times as datetime64[us] in UTC: ISO 8601 (without a zone it is UTC), or seconds, milli-,
    micro- or nanoseconds since 1970, told apart by their size."""
    number = values.str.fullmatch(r"[0-9]{9,19}(?:\.[0-9]*)?").to_numpy(bool)
    dated = values.where(~number & values.str.match("[0-9]").to_numpy(bool))
    found = pd.to_datetime(dated, format="ISO8601", utc=True, errors="coerce")
    time = found.dt.tz_localize(None).dt.as_unit("us").to_numpy().copy()
    since = values[number].astype(np.float64).to_numpy()
    power = np.digitize(since, [1e11, 1e14, 1e17])  # 1e11 s is the year 5138
    time[number] = (since * 1e6 / 1000.0**power).astype("int64").astype("datetime64[us]")
    outside = (time < _FIRST_TIME) | (time >= _LAST_TIME)
    faults = _first_fault(
        {
            "empty": _missing(values),
            "neither ISO 8601 nor seconds since 1970": np.isnat(time),
            "not between 1970 and 2100": outside,
        }
    )
    return time, faults


def _missing(values: pd.Series) -> np.ndarray:
    return values.str.lower().isin(MISSING).to_numpy(bool)


def _first_fault(faults: dict[str, pd.Series | np.ndarray]) -> np.ndarray:
    """For each text the first of the reasons that hold."""
    found = np.full(len(next(iter(faults.values()))), "", object)
    for reason, holds in reversed(faults.items()):
        found[np.asarray(holds, bool)] = reason
    return found


def _plain(cells: pa.Array) -> pa.Array:
    """With a type that dictionary encoding knows: no UUID, category or fixed-size bytes."""
    if isinstance(cells, pa.ExtensionArray):
        return pa.array([None if v is None else str(v) for v in cells.to_pylist()], pa.string())
    if pa.types.is_dictionary(cells.type):
        return cells.dictionary_decode()
    if pa.types.is_fixed_size_binary(cells.type) or pa.types.is_large_binary(cells.type):
        return pc.cast(cells, pa.binary())
    return cells


def _decoded(values: pa.Array) -> tuple[pa.Array, int]:
    try:
        return pc.cast(values, pa.string()), 0
    except pa.ArrowInvalid:
        decoded = [_decode(value) for value in values.to_pylist()]
        return pa.array([text for text, _ in decoded], pa.string()), sum(r for _, r in decoded)


def _decode(value: bytes) -> tuple[str, bool]:
    try:
        return value.decode(), False
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace"), True
