"""The k best of many scores, by one total order: score descending, then position ascending.

Score and position are packed into one 64-bit key, so a comparison of two integers decides, ties
included, and the answer does not depend on the order of visiting.
"""

import numpy as np
from numba import njit

_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)
_SIGN = np.int32(-0x80000000)


@njit(cache=True, inline="always")
def pack(score: np.float32, position: int) -> np.uint64:
    """A key that is larger for a higher score, and for a lower position where scores are equal."""
    bits = np.float32(score).view(np.int32)
    ordered = ~bits if bits < 0 else bits ^ _SIGN  # order of floats -> order of unsigned integers
    high = np.uint64(np.uint32(ordered)) << _HIGH
    return high | (_LOW - np.uint64(position))


@njit(cache=True, inline="always")
def position_of(key: np.uint64) -> np.int64:
    """The position that was packed."""
    return np.int64(_LOW - (key & _LOW))


@njit(cache=True, inline="always")
def score_of(key: np.uint64) -> np.float32:
    """The score that was packed."""
    ordered = np.int32(np.uint32(key >> _HIGH))
    bits = ordered ^ _SIGN if ordered < 0 else ~ordered
    return np.int32(bits).view(np.float32)


@njit(cache=True)
def keep_largest(keys: np.ndarray, n: int, k: int) -> None:
    """Reorder keys[:n] so that its k largest come first, in no order (quickselect, in place)."""
    low, high = 0, n - 1
    while low < high:
        pivot = _median(keys[low], keys[(low + high) >> 1], keys[high])
        i, j = low, high
        while i <= j:
            while keys[i] > pivot:
                i += 1
            while keys[j] < pivot:
                j -= 1
            if i <= j:
                keys[i], keys[j] = keys[j], keys[i]
                i += 1
                j -= 1
        if k - 1 <= j:
            high = j
        elif k - 1 >= i:
            low = i
        else:
            return


@njit(cache=True)
def sort(values: np.ndarray, n: int) -> None:
    """Sort values[:n] upward (Shell sort: short lists, and a fraction of np.sort's compile time)."""
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):
        for i in range(gap, n):
            value, j = values[i], i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value


@njit(cache=True, inline="always")
def _median(a: np.uint64, b: np.uint64, c: np.uint64) -> np.uint64:
    return max(min(a, b), min(max(a, b), c))
