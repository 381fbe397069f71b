"""Where a model comes from: the commit of the code and the versions of the libraries."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

LIBRARIES = ("gamerec", "numpy", "scipy", "pandas", "numba")


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
