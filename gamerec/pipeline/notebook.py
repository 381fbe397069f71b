"""One notebook, executed by Papermill in a kernel of `gamerec.kernels` and kept whole on disk.

Importing this module imports Papermill, which takes a second: do it when the kernels are already
getting ready. It knows nothing of runs and reports.
"""

import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gamerec.kernels.manager import StageKernelManager
from gamerec.kernels.pool import Kernels
from gamerec.redaction import Redactor
from gamerec.storage import FolderStore


@contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Have these optional modules appear not installed, unless they are imported already."""
    absent = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: "not found"
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


# Papermill tries every cloud's library, and jsonschema compiles a grammar of IRIs: 3 of 4 seconds.
with _without("rfc3987_syntax", "boto3", "pyarrow.fs", "azure", "gcsfs", "github"):
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
    from papermill.exceptions import PapermillExecutionError, strip_color
    from papermill.execute import execute_notebook

_ENGINE = "gamerec"
_PATIENCE = {"startup_timeout": 120, "iopub_timeout": 60}  # seconds, for a machine under load
# What the client would say of a dead kernel or a failed cell, `execute` raises: nobody hears both.
_SILENT = logging.Logger(__name__, logging.CRITICAL + 1)
_SAVE_EVERY = 1.0  # seconds: a save of a notebook with figures costs some milliseconds


class NotebookError(Exception):
    """A cell raised: `name` and `message` of its exception, `traceback` without colours."""

    def __init__(self, name: str, message: str, traceback: str) -> None:
        super().__init__(name, message, traceback)
        self.name, self.message, self.traceback = name, message, traceback


class KernelDied(Exception):
    """The kernel ended in the middle of the notebook; the message says what it wrote last."""


def execute(
    source: Path,
    target: Path,
    parameters: Mapping[str, Any],
    kernels: Kernels,
    redact: Redactor,
) -> None:
    """Run `source` with these parameters in a clean kernel, and leave it with outputs in `target`.

    `target` is replaced whole every second and at the end, however that comes about, and never
    holds a secret. Raises NotebookError or KernelDied.
    """
    notebook = nbformat.read(source, as_version=4)
    notebook.metadata.papermill = {"default_parameters": {}, "parameters": {}}
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
        cell.metadata.setdefault("papermill", {})
    try:
        execute_notebook(
            notebook,
            None,
            dict(parameters),
            engine_name=_ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            kernels=kernels,
            target=target,
            redact=redact,
        )
    except PapermillExecutionError as error:
        trace = strip_color("\n".join(error.traceback))
        raise NotebookError(error.ename, error.evalue, trace) from None
    except (DeadKernelError, CellTimeoutError, RuntimeError) as error:
        raise KernelDied(f"{error}. {kernels.log_tail()}".strip()) from None


class _Client(PapermillNotebookClient):
    """Takes its kernel from `kernels`."""

    kernels: Kernels

    def create_kernel_manager(self) -> StageKernelManager:
        self.km = self.kernels.manager()
        return self.km


class _Recorder(NotebookExecutionManager):
    """Keeps the notebook on disk while it runs: atomically, without secrets, not too often."""

    def __init__(self, notebook: nbformat.NotebookNode, target: Path, redact: Redactor) -> None:
        super().__init__(notebook, progress_bar=False)
        self._target = target
        self._redact = redact
        self._saved = 0.0

    def save(self, **kwargs: Any) -> None:
        """Write now, unless that was done within the last second."""
        if time.monotonic() - self._saved >= _SAVE_EVERY:
            self.write()

    def cell_complete(self, cell: nbformat.NotebookNode, cell_index: int | None = None) -> None:
        """As Papermill does, but a cell cut off by an interrupt or a dead kernel has failed."""
        if sys.exc_info()[0] is not None:
            self.cell_exception(cell)
        super().cell_complete(cell, cell_index=cell_index)

    def notebook_complete(self, **kwargs: Any) -> None:
        super().notebook_complete(**kwargs)
        self.write()

    def write(self) -> None:
        """Replace the file on disk by the notebook as it stands."""
        text = nbformat.writes(nbformat.from_dict(self._redact.tree(self.nb)))
        FolderStore(self._target.parent).write(self._target.name, text.encode())
        self._saved = time.monotonic()


class _StageEngine(Engine):
    """Papermill's own engine, with our kernels and our way of saving."""

    @classmethod
    def execute_notebook(
        cls,
        nb: nbformat.NotebookNode,
        kernel_name: str,
        *,
        kernels: Kernels,
        target: Path,
        redact: Redactor,
        **_papermill_options: Any,
    ) -> nbformat.NotebookNode:
        recorder = _Recorder(nb, target, redact)
        recorder.notebook_start()
        client = _Client(recorder, kernel_name=kernel_name, log=_SILENT, **_PATIENCE)
        client.kernels = kernels
        try:
            client.execute(**kernels.start_arguments)
        finally:
            recorder.notebook_complete()
        return recorder.nb


papermill_engines.register(_ENGINE, _StageEngine)
