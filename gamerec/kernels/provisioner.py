"""One kernel of the fork server, in the way that Jupyter's kernel managers drive a process."""

import asyncio
import signal
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import KernelProvisionerBase

from gamerec.kernels.fork import ForkServer


class ForkProvisioner(KernelProvisionerBase):
    """One forked kernel, announced to the server before it is launched."""

    server: ForkServer
    connection_file: str
    cwd: str
    pid: int | None = None

    def announce(self, server: ForkServer, connection_file: str, cwd: Path) -> None:
        """Have the kernel get ready while something else runs."""
        self.server, self.connection_file, self.cwd = server, connection_file, str(cwd)
        server.prepare(connection_file, self.cwd)

    @property
    def has_process(self) -> bool:
        return self.pid is not None

    async def poll(self) -> int | None:
        return 0 if self.pid is None else self.server.poll(self.pid)

    async def wait(self) -> int | None:
        while (status := await self.poll()) is None:
            await asyncio.sleep(0.02)
        self.pid = None
        return status

    async def send_signal(self, signum: int) -> None:
        if self.pid is not None:
            self.server.signal(self.pid, signum)

    async def kill(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        await self.send_signal(signal.SIGTERM)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Do not wait for the end of a kernel that was asked to end: `close` will see to it."""
        if self.pid is not None:
            self.server.retire(self.pid)
            self.pid = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        return {"cmd": []}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        self.pid = self.server.start(self.connection_file, self.cwd)
        return self.connection_info

    async def cleanup(self, restart: bool = False) -> None:
        """Nothing is kept besides the process."""
