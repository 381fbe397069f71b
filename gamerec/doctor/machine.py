"""Checks of this machine: Python, packages, notebooks, disk, ports, kernels."""

import re
import shutil
import socket
import sys
import tempfile
from collections import defaultdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gamerec.doctor import Check, Finding
from gamerec.kernels.pool import CAN_FORK
from gamerec.runs import STAGES, notebook_name
from gamerec.settings import Settings

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
OLDEST = (3, 11)
PAGE_PORT = 8866

_FEW = 5 * 1024**3  # bytes of free disk below which runs with pictures soon fill it
_TOO_FEW = 1024**3


def python(settings: Settings) -> Finding:
    """The version of Python, and whether this is an environment of its own."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < OLDEST:
        return Finding("bad", found, "Install Python 3.11 or later: make setup PYTHON=python3.x")
    if sys.prefix == sys.base_prefix:
        return Finding("note", f"{found}, not in a virtual environment", "`make setup` makes one")
    return Finding("ok", found)


def packages(settings: Settings) -> Finding:
    """The installed versions against the lock file's."""
    if not LOCK.is_file():
        return Finding("note", "there is no lock file beside the package to compare with")
    pins, needed = _pins(LOCK.read_text(encoding="utf-8"))
    wrong = []
    for name, wanted in sorted(pins.items()):
        try:
            installed = version(name)
        except PackageNotFoundError:
            if name in needed:
                wrong.append(f"{name} is missing")
            continue
        if installed not in wanted:
            wrong.append(f"{name} is {installed}, not {' or '.join(sorted(wanted))}")
    if not wrong:
        return Finding("ok", f"{len(pins)} as in requirements.lock")
    shown = "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    state = "bad" if any("missing" in text for text in wrong) else "note"
    return Finding(state, shown, "rm -f .venv/ready && make setup")  # type: ignore[arg-type]


def notebooks(settings: Settings) -> Finding:
    """Whether the seven notebooks are there."""
    missing = [
        name
        for stage in STAGES
        if not (settings.notebooks / (name := f"{notebook_name(stage)}.ipynb")).is_file()
    ]
    if missing:
        advice = "Set GAMEREC_HOME to the project folder, or run from it"
        return Finding("bad", f"not in {settings.notebooks}: {', '.join(missing)}", advice)
    return Finding("ok", f"{len(STAGES)} in {settings.notebooks}")


def disk(settings: Settings) -> Finding:
    """Free space where runs, models and reports go."""
    free = shutil.disk_usage(settings.gamerec_home).free
    text = f"{free / 1024**3:.1f} GiB free at {settings.gamerec_home}"
    advice = "Free some, or lower KEEP_RUNS and run `gamerec models prune`"
    if free < _TOO_FEW:
        return Finding("bad", text, advice)
    return Finding("note", text, advice) if free < _FEW else Finding("ok", text)


def ports(settings: Settings) -> Finding:
    """Whether service and page could listen; what has the port may well be they."""
    taken = [port for port in (settings.service_port, PAGE_PORT) if _is_taken(port)]
    if not taken:
        return Finding("ok", f"{settings.service_port} and {PAGE_PORT} are free")
    names = " and ".join(str(port) for port in taken)
    return Finding(
        "note",
        f"{names} in use on 127.0.0.1",
        "Fine if that is gamerec itself; else choose others: `gamerec serve --port`, "
        "`gamerec app --port`",
    )


def kernels(settings: Settings) -> Finding:
    """One notebook executed, in the way that the pipeline does it."""
    import nbformat

    from gamerec.kernels.pool import Kernels
    from gamerec.pipeline.notebook import KernelDied, NotebookError, execute
    from gamerec.redaction import Redactor

    fork = CAN_FORK and settings.fork_kernels
    how = "forked" if fork else "an ordinary kernel for each notebook"
    with tempfile.TemporaryDirectory(prefix="gamerec-doctor-") as place:
        source = Path(place) / "probe.ipynb"
        cell = nbformat.v4.new_code_cell("assert 6 * 7 == 42", metadata={"tags": ["parameters"]})
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), source)
        try:
            with Kernels(Path(place), _environment(settings), fork=fork) as pool:
                execute(source, Path(place) / "done.ipynb", {}, pool, Redactor([]))
        except (KernelDied, NotebookError) as error:
            return Finding("bad", f"{how}: {error}", "Try FORK_KERNELS=false in .env")
    return Finding("ok", f"a notebook ran ({how})")


def _environment(settings: Settings) -> dict[str, str]:
    import os

    return os.environ | {"GAMEREC_HOME": str(settings.gamerec_home)}


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _pins(lock: str) -> tuple[dict[str, set[str]], set[str]]:
    """Versions by package, and the packages that are pinned whatever the platform."""
    pins: dict[str, set[str]] = defaultdict(set)
    needed = set()
    for line in lock.splitlines():
        if found := re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)\s*(;)?", line):
            pins[found[1]].add(found[2])
            if not found[3]:
                needed.add(found[1])
    return dict(pins), needed


CHECKS: dict[str, Check] = {
    "Python": python,
    "packages": packages,
    "notebooks": notebooks,
    "disk": disk,
    "ports": ports,
}
