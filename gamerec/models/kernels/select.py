"""The k best of many scores, by one total order: score descending, then position ascending.

Score and position are packed into one 64-bit key, so a comparison of two integers decides, ties
included, and the answer does not depend on the order of visiting.
"""

import numpy as np

from gamerec.compiling import njit

_LOW = np.uint64(0xFFFFFFFF)
_HIGH = np.uint64(32)
_SIGN = np.int32(-0x80000000)


def room(k: int) -> int:
    """Length of a buffer in which the k best are collected: it is shrunk whenever it is full."""
    return 4 * k + 64


@njit(cache=True, inline="always")
def pack(score: np.float32, position: int | np.integer) -> np.uint64:
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
def shrink(keys: np.ndarray, n: int, k: int) -> int:
    """Reorder keys[:n] so that its k largest come first, the least of them at k - 1.

    Quickselect, in place. Returns min(n, k), how many count from now on.
    """
    if n < k:
        return n
    low, high = 0, n - 1
    while low < high:
        middle = (low + high) >> 1
        pivot = _median(keys[low], keys[middle], keys[high])
        at = low if keys[low] == pivot else middle if keys[middle] == pivot else high
        keys[at], keys[high] = keys[high], pivot
        larger = low
        for i in range(low, high):  # without a branch that the processor could guess wrongly
            key = keys[i]
            keys[i] = keys[larger]
            keys[larger] = key
            larger += key > pivot
        keys[high], keys[larger] = keys[larger], pivot
        if larger == k - 1:
            break
        if larger > k - 1:
            high = larger - 1
        else:
            low = larger + 1
    return k


@njit(cache=True)
def sort_keys(keys: np.ndarray, n: int) -> None:
    """Sort keys[:n] downward (Shell sort: the lists are short, and np.sort is slow to compile)."""
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):
        for i in range(gap, n):
            key, j = keys[i], i
            while j >= gap and keys[j - gap] < key:
                keys[j] = keys[j - gap]
                j -= gap
            keys[j] = key


@njit(cache=True)
def sort_pairs(ids: np.ndarray, values: np.ndarray, n: int) -> None:
    """Sort ids[:n] upward and carry values[:n] along."""
    for gap in (701, 301, 132, 57, 23, 10, 4, 1):
        for i in range(gap, n):
            number, value, j = ids[i], values[i], i
            while j >= gap and ids[j - gap] > number:
                ids[j], values[j] = ids[j - gap], values[j - gap]
                j -= gap
            ids[j], values[j] = number, value


@njit(cache=True, inline="always")
def _median(a: np.uint64, b: np.uint64, c: np.uint64) -> np.uint64:
    return max(min(a, b), min(max(a, b), c))
