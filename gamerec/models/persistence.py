"""A fitted model as files: one plain .npy file per array and a model.json that vouches for them.

model.json holds the SHA-256 of every array and of itself and is written last, so a model that was
cut short or altered is refused, never half loaded. Nothing is ever pickled.
"""

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gamerec.errors import DataError, UsageError
from gamerec.storage import FolderStore, MissingKey, Store, open_store

FORMAT = 1
CARD = "model.json"


def write(
    where: str | Path | Store, about: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write arrays and the card; an older model in the same place is replaced."""
    store = where if isinstance(where, Store) else open_store(where)
    store.delete(CARD)
    sums = {}
    for name, array in arrays.items():
        data = _to_bytes(array)
        store.write(f"{name}.npy", data)
        sums[name] = hashlib.sha256(data).hexdigest()
    body = {**about, "format": FORMAT, "arrays": sums}
    store.write_json(CARD, {**body, "sha256": _digest(body)})


def read(
    where: str | Path | Store, mmap: bool = False
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The card and the arrays of a model.

    mmap: map the files of a folder into memory, so that processes share one copy.
    Raises DataError that names the file which is missing, cut short or altered.
    """
    store = where if isinstance(where, Store) else open_store(where)
    if mmap and not isinstance(store, FolderStore):
        raise UsageError(
            f"{store.uri} is not a folder; only files in a folder can be memory-mapped"
        )
    card = _read_card(store)
    return card, {name: _read_array(store, name, sha, mmap) for name, sha in card["arrays"].items()}


def _read_card(store: Store) -> dict[str, Any]:
    if not store.exists(CARD):
        raise DataError(f"there is no model at {store.uri}: {CARD} is missing")
    card = store.read_json(CARD)
    body = dict(card) if isinstance(card, dict) else {}
    if body.pop("sha256", None) != _digest(body):
        raise DataError(f"{store.uri}/{CARD} was altered: it does not match its own checksum")
    if card["format"] != FORMAT:
        raise DataError(
            f"{store.uri}/{CARD} has format {card['format']}, this version reads {FORMAT}"
        )
    return card


def _read_array(store: Store, name: str, sha256: str, mmap: bool) -> np.ndarray:
    key = f"{name}.npy"
    try:
        data = store.read(key)
    except MissingKey:
        raise DataError(f"the model at {store.uri} is not whole: {key} is missing") from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise DataError(f"{store.uri}/{key} is cut short or altered: its checksum is another")
    if mmap and isinstance(store, FolderStore):
        # copy-on-write, not read-only: kernels are compiled for writeable arrays, and only those
        return np.asarray(np.load(store.path(key), mmap_mode="c", allow_pickle=False))
    return np.load(io.BytesIO(data), allow_pickle=False)


def _to_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def _digest(body: Mapping[str, Any]) -> str:
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
