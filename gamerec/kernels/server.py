"""A process that imports the heavy libraries once and forks a clean kernel for every notebook.

Started by `fork.ForkServer` as `python -m gamerec.kernels.server FD FOLDER PARENT MODULE...`; FD
is its end of a socket to the runner, FOLDER holds the connection files. It answers one line of JSON
with one line, imports the modules while nobody asks, and starts no thread of its own, so that a
fork copies a quiet process.
It knows nothing of notebooks or stages.

It ends, and its kernels with it, when the runner ends in whatever way: the socket closes, and Linux
sends SIGTERM as asked for by `end_with_parent`.
"""

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1

# What IPKernelApp imports when it starts, and what its first use of that imports.
_KERNEL = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "faulthandler",
)

Request = dict[str, Any]


class InChild(Exception):
    """Raised in a forked child, out of the server's loop: its argument is the request."""


def end_with_parent(signum: int, parent: int) -> None:
    """Have Linux send `signum` to this process when `parent` ends, even by SIGKILL."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent:  # it ended before the call above
        os._exit(1)


@dataclass
class Server:
    """The state of the server: its socket, what is left to import, and the kernels.

    A kernel is asked for twice: `prepare` says that it will be needed, and it is forked when all is
    imported; `start` says that it is needed now.
    """

    channel: socket.socket
    preload: deque[str]
    prepared: deque[Request] = field(default_factory=deque)
    started: dict[str, int] = field(default_factory=dict)  # connection file -> pid
    children: set[int] = field(default_factory=set)  # not reaped yet

    def serve(self) -> None:
        """Answer until the runner is gone. Raises `InChild` in every process that it forks."""
        unread = b""
        while True:
            busy = self.preload or self.prepared
            if not select.select([self.channel], [], [], 0 if busy else None)[0]:
                self._get_ahead()
                continue
            received = self.channel.recv(1 << 16)
            if not received:
                return
            *lines, unread = (unread + received).split(b"\n")
            for line in lines:
                self._handle(json.loads(line))

    def _handle(self, request: Request) -> None:
        """Do what is asked; all but `prepare` is answered."""
        if request["op"] == "prepare":
            self.prepared.append(request)
            return
        if request["op"] == "start":
            answer: Request = {"pid": self._start(request)}
        else:
            answer = {"status": self._poll(request["pid"])}
        self.channel.sendall(json.dumps(answer | {"id": request["id"]}).encode() + b"\n")

    def _start(self, request: Request) -> int:
        file = request["connection_file"]
        self.prepared = deque(r for r in self.prepared if r["connection_file"] != file)
        return self.started.get(file) or self._fork(request)

    def _fork(self, request: Request) -> int:
        pid = os.fork()
        if pid == 0:
            raise InChild(request)
        self.children.add(pid)
        self.started[request["connection_file"]] = pid
        return pid

    def _poll(self, pid: int) -> int | None:
        """Exit code of a child, negative for a signal; None while it runs.

        Only this call reaps, so a pid that the runner may still signal is never given anew.
        """
        if pid not in self.children:
            return 0
        found, status = os.waitpid(pid, os.WNOHANG)
        if not found:
            return None
        self.children.discard(pid)
        return os.waitstatus_to_exitcode(status)

    def _get_ahead(self) -> None:
        """Import a module and what it says it imports late, or fork a kernel that is announced."""
        if not self.preload:
            self._fork(self.prepared.popleft())
            return
        with contextlib.suppress(Exception):  # the notebook that needs it will show the error
            module = importlib.import_module(self.preload.popleft())
            if hasattr(module, "preload"):
                module.preload()

    def end(self) -> None:
        """Kill every kernel with all that it started."""
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)


def run_kernel(connection_file: str, cwd: str, server: int) -> NoReturn:
    """Be an IPython kernel, in a session of its own, until it is asked to shut down."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with_parent(signal.SIGKILL, server)
    os.setsid()
    os.chdir(cwd)
    gc.freeze()  # what is imported stays: no need to look through it, or copy its pages
    gc.enable()
    _reseed()
    _disown()
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = ["ipykernel_launcher", "-f", connection_file]
    app = IPKernelApp.instance(parent_handle=server)
    # Runs leave no trace in the history of the user's own IPython.
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False"])
    app.start()
    # End as Python does, but for its last step: to take every object apart would copy all pages.
    # Nor are ipykernel's threads waited for: they wait for each other now and then, for 10 s.
    atexit.unregister(app.close)
    threading._shutdown()  # type: ignore[attr-defined]  # as multiprocessing does after a fork
    atexit._run_exitfuncs()
    os._exit(0)


def _import_kernel() -> None:
    """Import what a kernel itself needs, without the debugger: 0.7 s in every single kernel."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]  # "not installed"
    for name in _KERNEL:
        importlib.import_module(name)
    del sys.modules["debugpy"]  # a notebook may have it


def _reseed() -> None:
    """Kernels are forks of one process: without this all would draw the same random numbers."""
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def _disown() -> None:
    """Leave to the server what its imports made and want undone at the end.

    wandb makes a temporary folder: the first kernel to end would take it away from all others.
    """
    tempfile.tempdir = None
    atexit._clear()
    for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
        finalizer.atexit = False
    weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]


def _leave(server: Server, folder: str) -> NoReturn:
    server.end()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def main(arguments: Iterable[str]) -> None:
    """Serve on the socket with the given file descriptor."""
    descriptor, folder, parent, *preload = arguments
    own_pid = os.getpid()
    server = Server(socket.socket(fileno=int(descriptor)), deque(preload))
    signal.signal(signal.SIGTERM, lambda *_: _leave(server, folder))
    end_with_parent(signal.SIGTERM, int(parent))
    tempfile.tempdir = folder  # for what an import makes: it goes with the server
    gc.disable()  # imports make much and drop little; `run_kernel` turns it on again
    _import_kernel()
    try:
        server.serve()
        _leave(server, folder)
    except InChild as child:
        request = child.args[0]
    server.channel.close()
    run_kernel(request["connection_file"], request["cwd"], own_pid)


if __name__ == "__main__":
    main(sys.argv[1:])
