"""Imports inside gamerec go downward only, and an import has no side effect."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "gamerec"

# The layers of README, section Architecture, lowest first. A package stands for all its modules.
LAYERS = [
    {"columns", "errors", "settings", "redaction", "compiling"},
    {"storage", "s3", "mirror", "copying", "database", "migrations"},
    {"runs", "interactions", "holdout", "provenance", "metrics"},
    {"rawg"},
    {"catalogue"},
    {"players"},
    {"models"},
    {"bootstrap", "references", "evaluate", "gate"},
    {"cards", "registry", "tracking", "plots"},
    {"incumbent", "batch", "outbox", "calibration"},
    {"serving"},
    {"parameters", "kernels", "reports", "pipeline", "notify", "ui", "service"},
    {"schedule", "doctor"},
    {"cli"},
]


def layer_of(module: str) -> int:
    for number, names in enumerate(LAYERS):
        if module in names:
            return number
    raise AssertionError(f"gamerec.{module} stands in no layer: add it to LAYERS and the README")


def imported_modules(path: Path) -> set[str]:
    """First name below gamerec of every import in the file, lazy ones included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {n.split(".")[1] for n in names if n.startswith("gamerec.")}
    return {n for n in found if (PACKAGE / n).is_dir() or (PACKAGE / f"{n}.py").is_file()}


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_go_downward_only(path):
    own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    upward = [m for m in imported_modules(path) if m != own and layer_of(m) > layer_of(own)]
    assert not upward, f"{own} imports from a layer above it: {upward}"


def test_importing_the_package_prints_nothing_and_starts_no_thread():
    code = (
        "import threading, sys, gamerec, gamerec.models, gamerec.settings;"
        "sys.exit(threading.active_count() - 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
