"""Kernels of open pages: forked in a tenth of a second, and gone soon after their page is.

A page that is closed ends its kernel. One that vanishes (a crash, a lost network) cannot: its own
is ended when for `PATIENCE` seconds nobody has been connected to it and it has had nothing to do;
a page that comes back later gets a new one. A page that is being opened has no connection yet, but
its kernel is at work. Voilà's own pre-rendered notebooks are not used: they would be idle kernels,
which culling takes away.
"""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.kernelmanager import (
    AsyncMappingKernelManager,
    ServerKernelManager,
)

from gamerec.kernels.fork import ForkServer
from gamerec.kernels.provisioner import ForkProvisioner

PATIENCE = 20.0  # seconds without a connection and without work
LONGEST = 180.0  # seconds without a connection, whatever the kernel does
LOOK_EVERY = 5  # seconds


class PageProvisioner(ForkProvisioner):
    """A forked kernel whose end is waited for: a server of pages runs for months."""

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Let Jupyter wait, and terminate or kill what does not end."""


class PageKernelManager(ServerKernelManager):
    """One page's kernel, from the fork server where there is one."""

    parent: "PageKernels"

    async def _async_pre_start_kernel(self, **kwargs: Any) -> tuple[list[str], dict[str, Any]]:
        forks = self.parent.forks
        if forks is not None and self.provisioner is None:
            self.write_connection_file()
            provisioner = PageProvisioner(parent=self, kernel_spec=self.kernel_spec)
            provisioner.connection_info = self.get_connection_info()
            provisioner.announce(forks, self.connection_file, Path(kwargs["cwd"]))
            self.provisioner = provisioner
        return await super()._async_pre_start_kernel(**kwargs)


class PageKernels(AsyncMappingKernelManager):
    """All kernels of a server of pages. `forks` is set before the first page is opened."""

    forks: ForkServer | None = None
    patience: float = PATIENCE

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_manager_class = f"{PageKernelManager.__module__}.{PageKernelManager.__name__}"
        self.cull_interval, self.cull_idle_timeout = LOOK_EVERY, 1  # decided below
        self._seen: dict[str, float] = {}  # when a page was connected last, or the kernel started
        self._worked: dict[str, tuple[datetime, float]] = {}  # last message, when found

    def notify_connect(self, kernel_id: str) -> None:
        super().notify_connect(kernel_id)
        self._seen[kernel_id] = time.monotonic()

    def notify_disconnect(self, kernel_id: str) -> None:
        super().notify_disconnect(kernel_id)
        self._seen[kernel_id] = time.monotonic()

    async def cull_kernel_if_idle(self, kernel_id: str) -> None:
        """End a kernel that is dead, or that no page has been connected to for a while."""
        if not await ensure_async(self.is_alive(kernel_id)):
            await ensure_async(self.shutdown_kernel(kernel_id, now=True))
            return
        if self._kernel_connections.get(kernel_id, 0):
            return
        now = time.monotonic()
        alone = now - self._seen.setdefault(kernel_id, now)
        if min(alone, self._idle(kernel_id, now)) > self.patience or alone > LONGEST:
            self.log.info("ending kernel %s: its page is gone", kernel_id)
            await ensure_async(self.shutdown_kernel(kernel_id))

    def _idle(self, kernel_id: str, now: float) -> float:
        """Seconds since the kernel was found at work, or to have been since the last look."""
        kernel = self._kernels[kernel_id]
        last, found = self._worked.get(kernel_id, (None, now))
        if kernel.execution_state != "idle" or kernel.last_activity != last:
            self._worked[kernel_id] = kernel.last_activity, now
            return 0
        return now - found

    def remove_kernel(self, kernel_id: str) -> Any:
        self._seen.pop(kernel_id, None)
        self._worked.pop(kernel_id, None)
        return super().remove_kernel(kernel_id)
