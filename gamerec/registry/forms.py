"""Digests and plain forms of what the registry keeps."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np


def digest_of(data: bytes) -> dict[str, Any]:
    """SHA-256 and size."""
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def content(name: str, params: Mapping[str, Any], digests: Mapping[str, Any]) -> str:
    """What a model computes: its arrays and parameters, without what it tells of its making."""
    arrays = {name: digest for name, digest in digests.items() if name != "model.json"}
    return digest_of(canonical([name, params, arrays]))["sha256"]


def canonical(value: Any) -> bytes:
    """Equal values as equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_jsonable).encode()


def plain(value: Any) -> Any:
    """The value as it is after a round trip through JSON."""
    return json.loads(json.dumps(value, default=_jsonable))


def flattened(info: Mapping[str, Any]) -> dict[str, Any]:
    """{'params': {'k': 3}} -> {'params.k': 3}; lists stay as they are, files become digests."""
    flat: dict[str, Any] = {}
    for key, value in info.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{key}.{inner}": v for inner, v in flattened(value).items()}
        else:
            flat[key] = value
    return flat


def _jsonable(value: Any) -> Any:
    """numpy numbers and arrays as Python ones."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be kept as JSON")
