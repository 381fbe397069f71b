"""Where a model comes from: a hash of the data, the code's commit, the libraries' versions."""

import hashlib
import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the pipeline asks for commit and versions only
    from gamerec.interactions import Interactions

LIBRARIES = ("gamerec", "numpy", "scipy", "pandas", "numba")


def hash_data(data: "Interactions") -> str:
    """SHA-256 of who played what: ids, matrix and weights; equal data gives equal hashes."""
    import numpy as np

    digest = hashlib.sha256()
    for ids in (data.user_ids, data.game_ids):
        digest.update("\n".join(map(str, ids.tolist())).encode())
    for part, dtype in ((data.X.indptr, np.int64), (data.X.indices, np.int32)):
        digest.update(np.ascontiguousarray(part, dtype).tobytes())
    digest.update(np.ascontiguousarray(data.X.data, np.float32).tobytes())
    return digest.hexdigest()


def library_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a model's numbers depend on."""
    found = {name: importlib.metadata.version(name) for name in LIBRARIES}
    return {"python": platform.python_version()} | found


def code_commit() -> str:
    """The git commit that this package runs from, with '-dirty' where changed; else 'unknown'."""
    command = ["git", "--no-optional-locks", "describe", "--always", "--dirty", "--abbrev=12"]
    folder = Path(__file__).parent
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() if done.returncode == 0 else "unknown"
