"""Text and lists of labels made clean. Knows nothing of tables or games."""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pandas as pd

_PLAIN = re.compile(r"[!-%'-~]+(?: [!-%'-~]+)*")  # visible ASCII without '&', single spaces
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_LONE_JOINER = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])")
_JOINERS = "\u200c\u200d"
_NOISE = ("Cc", "Cf", "Cs")  # control, invisible format, half a surrogate pair


def clean_text(text: str) -> str:
    """One line of visible text; cleaning it again changes nothing.

    HTML entities become their characters (however often they were escaped), characters their
    composed form (NFC), any run of white space one space, none at the ends. Control characters,
    zero-width spaces, byte-order and direction marks go. The zero-width joiners stay between two
    characters beyond ASCII, where emoji and several scripts need them.
    """
    while not _PLAIN.fullmatch(text):
        cleaned = _clean_once(text)
        if cleaned == text:
            break
        text = cleaned  # removing a character may have completed an entity
    return text


def _clean_once(text: str) -> str:
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    text = " ".join(unicodedata.normalize("NFC", text).split())
    text = "".join(c for c in text if c in _JOINERS or unicodedata.category(c) not in _NOISE)
    return _LONE_JOINER.sub("", text)


def clean_texts(texts: pd.Series) -> pd.Series:
    """Each cell by `clean_text`; what is empty before or after is missing (NaN)."""
    codes, uniques = pd.factorize(texts)  # missing: -1
    cleaned = np.array([clean_text(str(text)) or None for text in uniques] + [None], dtype=object)
    return pd.Series(cleaned[codes], index=texts.index, name=texts.name, dtype="str")


def slugify(name: str) -> str:
    """'Dante's Awakening II' to 'dantes-awakening-ii'; '' where no ASCII letter is left."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", ascii_name.replace("'", "")).strip("-")


def as_labels(cell: Any) -> list[str]:
    """The labels of one cell: a sequence of them, a single one, or nothing (None, NaN)."""
    if isinstance(cell, str):
        return [cell]
    if cell is None or isinstance(cell, float):
        return []
    return [str(label) for label in cell if label is not None]


def label_lists(cells: pd.Series) -> list[list[str]]:
    """`as_labels` of each cell."""
    return [as_labels(cell) for cell in cells]


def clean_labels(cells: pd.Series) -> pd.Series:
    """Each cell as the sorted set of its cleaned labels.

    Spellings that differ by case only become the one used most (of equally used ones the first in
    the alphabet), so that 'RPG' and 'rpg' are one genre.
    """
    lists = label_lists(cells)
    flat = np.array(list(chain.from_iterable(lists)), dtype=object)
    codes, found = pd.factorize(flat)
    spelling = _one_spelling([clean_text(label) for label in found], np.bincount(codes))
    labels = sorted({label for label in spelling if label})
    number = {label: i for i, label in enumerate(labels)}
    new = np.array([number.get(label, -1) for label in spelling] or [-1])[codes]  # -1: no label
    rows = np.repeat(np.arange(len(lists)), [len(labels_) for labels_ in lists])
    return pd.Series(
        _sets_by_row(rows[new >= 0], new[new >= 0], labels, len(lists)),
        index=cells.index,
        name=cells.name,
        dtype=object,
    )


def _one_spelling(labels: Sequence[str], uses: Iterable[int]) -> list[str]:
    """For each label the spelling to use."""
    count: Counter[str] = Counter()
    for label, n in zip(labels, uses, strict=True):
        count[label] += int(n)
    best: dict[str, str] = {}
    for label in sorted(count, key=lambda label: (-count[label], label)):
        best.setdefault(label.casefold(), label)
    return [best[label.casefold()] for label in labels]


def _sets_by_row(
    rows: np.ndarray, codes: np.ndarray, labels: Sequence[str], n_rows: int
) -> list[list[str]]:
    key = np.unique(rows * np.int64(max(len(labels), 1)) + codes)
    rows, codes = np.divmod(key, max(len(labels), 1))
    ordered = np.array([*labels, ""], dtype=object)[codes].tolist()
    bounds = np.searchsorted(rows, np.arange(n_rows + 1))
    return [ordered[start:end] for start, end in pairwise(bounds)]
