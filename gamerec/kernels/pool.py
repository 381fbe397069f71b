"""A clean kernel for every stage, soon: forked where the system allows, else an ordinary one.

`Kernels` is all that the pipeline sees. Notebooks and stages are unknown here.
"""

import os
import shutil
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from gamerec.kernels.fork import ForkServer

if TYPE_CHECKING:  # Jupyter is imported while the server is starting
    from gamerec.kernels.manager import StageKernelManager

# macOS allows a fork only before its frameworks are loaded; Windows has none.
CAN_FORK = sys.platform == "linux"

# A socket's path may have 107 bytes on Linux, 103 on macOS; some 20 are the file's name.
_LONGEST_FOLDER = 80


class Kernels:
    """Starts kernels in `cwd` with the environment `env`, from any thread; a context manager.

    preload: modules that kernels will need; forked kernels come with them.
    """

    def __init__(
        self,
        cwd: Path,
        env: Mapping[str, str],
        preload: Sequence[str] = (),
        *,
        fork: bool = CAN_FORK,
    ) -> None:
        self.cwd = cwd
        self._env = dict(env)
        self._folder = _private_folder()
        self._numbers = count()
        self._lock = threading.RLock()
        self._announced: deque[StageKernelManager] = deque()
        self._server = ForkServer(self._folder, self._env, preload) if fork else None

    def prepare(self, notebooks: int = 1) -> None:
        """Have kernels for this many notebooks get ready in the background, where they can."""
        with self._lock:
            while self._server and len(self._announced) < notebooks:
                self._announced.append(self._forked(self._server))

    def manager(self) -> "StageKernelManager":
        """A manager for one notebook's kernel, the one prepared first."""
        if self._server is None:
            return self._new("StageKernelManager")
        with self._lock:
            self.prepare()
            return self._announced.popleft()

    @property
    def start_arguments(self) -> dict[str, object]:
        """What `start_kernel` needs to know for an ordinary kernel."""
        return {"cwd": str(self.cwd), "env": self._env}

    def log_tail(self) -> str:
        """What kernels wrote outside of a notebook last, such as a crash report."""
        return self._server.log_tail() if self._server else ""

    def close(self, grace: float = 3) -> None:
        """End all kernels; those that finished their notebook get `grace` seconds to exit."""
        if self._server:
            self._server.close(grace)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> "Kernels":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close(0 if kind else 3)

    def _new(self, kind: str) -> "StageKernelManager":
        from gamerec.kernels import manager

        # Over TCP ipykernel warns that it is not encrypted, in every notebook.
        transport = "tcp" if os.name == "nt" or _is_long(self._folder) else "ipc"
        path = self._folder / f"{next(self._numbers)}.json"
        return getattr(manager, kind)(connection_file=str(path), transport=transport)

    def _forked(self, server: ForkServer) -> "StageKernelManager":
        from gamerec.kernels.provisioner import ForkProvisioner

        manager = self._new("ForkedKernelManager")
        manager.write_connection_file()
        provisioner = ForkProvisioner(parent=manager, kernel_spec=manager.kernel_spec)
        provisioner.connection_info = manager.get_connection_info()
        provisioner.announce(server, manager.connection_file, self.cwd)
        manager.provisioner = provisioner
        return manager


def _private_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gamerec-"))
    if _is_long(folder) and Path("/tmp").is_dir():
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="gamerec-", dir="/tmp"))
    return folder


def _is_long(folder: Path) -> bool:
    return len(os.fsencode(folder)) > _LONGEST_FOLDER
