"""What the end of a notebook means: the error class of an exception that a cell raised."""

import importlib
import re
from pathlib import Path

import gamerec
from gamerec import errors
from gamerec.errors import GamerecError, StageFailed
from gamerec.pipeline.notebook import NotebookError


def to_error(error: NotebookError, where: Path) -> GamerecError:
    """The GamerecError that a notebook's exception stands for.

    One of our own errors keeps its kind, and so its exit code, and its message, which says what to
    do. Any other is a StageFailed with the ends of the traceback; `where` is the notebook.
    """
    kind = _kind(error.name)
    if kind is not None:
        return kind(error.message)
    lines = [f"{error.name}: {error.message}", *_ends(error.traceback)]
    return StageFailed("\n    ".join(lines) + f"\nThe whole traceback is in {where}")


def _ends(traceback: str) -> list[str]:
    """The line of the notebook that failed, and the place in a module where that came out."""
    cell = re.search(r"^(Cell In\[\d+\], line \d+)$", traceback, re.MULTILINE)
    code = re.search(r"^-+> \d+ (.*)$", traceback, re.MULTILINE)
    places = re.findall(r"^File (\S+:\d+, in [^\n(]+)", traceback, re.MULTILINE)
    first = [f"{cell[1]}: {code[1].strip()}"] if cell and code else []
    return first + places[-1:]


def _kind(name: str) -> type[GamerecError] | None:
    """The class in `errors` that an exception of this name is, or descends from.

    A child such as rawg's KeyRefused is known once its module is imported, which is done here:
    a kernel tells no more of an exception than its name.
    """
    for module in _defining_modules(name):
        importlib.import_module(module)
    for child in _descendants(GamerecError):
        if child.__name__ == name:
            return next(c for c in child.__mro__ if c.__module__ == errors.__name__)
    return None


def _defining_modules(name: str) -> list[str]:
    definition = re.compile(rf"^class {re.escape(name)}\(", re.MULTILINE)
    package = Path(gamerec.__path__[0])
    return [
        ".".join(("gamerec", *path.relative_to(package).with_suffix("").parts))
        for path in sorted(package.rglob("*.py"))
        if definition.search(path.read_text(encoding="utf-8"))
    ]


def _descendants(kind: type[GamerecError]) -> list[type[GamerecError]]:
    return [kind, *(c for child in kind.__subclasses__() for c in _descendants(child))]
