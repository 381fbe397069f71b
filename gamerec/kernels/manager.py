"""A Jupyter kernel manager for stages: this Python whatever kernels are installed, and quick."""

import sys
import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type


class StageKernelClient(AsyncKernelClient):
    """Is ready as soon as the kernel has answered on both channels, without a silence of 0.2 s."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Ask for the kernel's info until the reply and its 'idle' status have come.

        Raises RuntimeError when the kernel dies, or does not answer within `timeout` seconds.
        """
        deadline = time.monotonic() + (timeout or float("inf"))
        while not await self._answers():
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kernel didn't respond in {timeout} seconds")

    async def _answers(self) -> bool:
        request = self.kernel_info()
        try:
            reply = await self.get_shell_msg(timeout=1)
            while reply["parent_header"].get("msg_id") != request:
                reply = await self.get_shell_msg(timeout=1)
            status: dict[str, Any] = {"parent_header": {}, "content": {}}
            while (
                status["parent_header"].get("msg_id") != request
                or status["content"].get("execution_state") != "idle"
            ):
                status = await self.get_iopub_msg(timeout=0.2)
        except Empty:
            return False
        self._handle_kernel_info_reply(reply)
        return True


class StageKernelManager(AsyncKernelManager):
    """Kernels of the running Python; a notebook's kernelspec name is not looked up."""

    client_factory = Type(klass=AsyncKernelClient, default_value=StageKernelClient)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
        )


class ForkedKernelManager(StageKernelManager):
    """Kernels of the fork server: asked to shut down, and not waited for."""

    async def shutdown_kernel(  # type: ignore[override]  # the base is declared synchronous
        self, now: bool = False, restart: bool = False
    ) -> None:
        if now:
            await super().shutdown_kernel(now=True)
            return
        await self.request_shutdown()
        await self._control_socket.poll(1000)  # ms; a message to an unread socket would be lost
        await self.cleanup_resources()
