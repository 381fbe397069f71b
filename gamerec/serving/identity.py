"""Ids of users looked up in memory-mapped arrays, whole numbers or text alike.

An id is found by its text: a catalogue of whole numbers finds 7 by 7 and by '7', as paths of URLs
can only hold text. The arrays are sorted, so a look-up is a binary search and copies nothing.
"""

from pathlib import Path
from typing import Any

import numpy as np

from gamerec.serving.answers import Id

_WHOLE = "users.npy"  # (n,) int64
_TEXT, _ENDS = "user_text.npy", "user_ends.npy"  # (n_bytes,) uint8 and (n + 1,) int64


class UserIds:
    """Sorted user ids; `find` gives the row of one."""

    def __init__(self, whole: np.ndarray | None, text: np.ndarray, ends: np.ndarray) -> None:
        self._whole, self._text, self._ends = whole, text, ends
        self.n_users = len(whole) if whole is not None else len(ends) - 1

    @property
    def are_whole(self) -> bool:
        """Whether the ids are whole numbers."""
        return self._whole is not None

    def find(self, user_id: Id) -> int:
        """The row of the user, -1 for an unknown one."""
        if self._whole is None:
            return self._find_text(str(user_id).encode("utf-8", "surrogatepass"))
        number = as_whole(user_id)
        if number is None or not -(2**63) <= number < 2**63:
            return -1
        row = int(np.searchsorted(self._whole, np.int64(number)))
        return row if row < self.n_users and self._whole[row] == number else -1

    def canonical(self, user_id: Id) -> Id:
        """The id in the kind of the log: '7' becomes 7 where ids are whole numbers."""
        if self._whole is None:
            return str(user_id)
        number = as_whole(user_id)
        return user_id if number is None else number

    def at(self, row: int) -> Id:
        """The id of a row."""
        return int(self._whole[row]) if self._whole is not None else self._key(row).decode()

    def _find_text(self, wanted: bytes) -> int:
        low, high = 0, self.n_users
        while low < high:
            middle = (low + high) // 2
            if self._key(middle) < wanted:
                low = middle + 1
            else:
                high = middle
        return low if low < self.n_users and self._key(low) == wanted else -1

    def _key(self, row: int) -> bytes:
        return self._text[self._ends[row] : self._ends[row + 1]].tobytes()


def as_whole(value: Id) -> int | None:
    """The whole number that an id is or spells ('7', not '07' or '+7'), else None."""
    if isinstance(value, int):
        return value
    if not value.isascii() or len(value) > 20 or not value.removeprefix("-").isdigit():
        return None
    number = int(value)
    return number if str(number) == value else None


def sorted_rows(ids: np.ndarray) -> np.ndarray | None:
    """The order of the rows in which `find` can search, None where they are in it."""
    if ids.dtype.kind in "iu":
        ordered = bool((ids[1:] > ids[:-1]).all())
        return None if ordered else np.argsort(ids, kind="stable")
    keys = [str(value).encode("utf-8", "surrogatepass") for value in ids.tolist()]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return np.array(order, np.int64)


def write_users(folder: Path, ids: np.ndarray) -> None:
    """Keep ids, in the order of `sorted_rows`, as plain arrays."""
    if ids.dtype.kind in "iu":
        np.save(folder / _WHOLE, ids.astype(np.int64))
        return
    keys = [str(value).encode("utf-8", "surrogatepass") for value in ids.tolist()]
    np.save(folder / _TEXT, np.frombuffer(b"".join(keys), np.uint8))
    np.save(folder / _ENDS, np.cumsum([0, *map(len, keys)], dtype=np.int64))


def read_users(folder: Path) -> UserIds:
    """The ids that `write_users` kept, mapped into memory."""
    none: Any = np.empty(0, np.uint8)
    if (folder / _WHOLE).exists():
        return UserIds(np.load(folder / _WHOLE, mmap_mode="r"), none, none)
    text, ends = (np.load(folder / name, mmap_mode="r") for name in (_TEXT, _ENDS))
    return UserIds(None, text, ends)
