"""One pipeline at a time in a project folder, and an orderly end when it is told to stop."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from gamerec.errors import AlreadyRunning, ServiceError

_STOPPING = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


class Stopped(KeyboardInterrupt):
    """A signal that asks to end, raised like Ctrl-C where the main thread stands."""


@contextmanager
def run_lock(reports: Path, timeout: float, waiting: Callable[[], str]) -> Iterator[None]:
    """Hold the project's lock: released by the system with the process, however that ends.

    Waits up to `timeout` seconds for another run, then raises AlreadyRunning. `waiting` tells
    (once) who is waited for. Raises ServiceError where the folder cannot be written to.
    """
    lock = FileLock(reports / ".lock", poll_interval=0.2)
    try:
        reports.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        _wait(lock, timeout, waiting())
    except OSError as error:  # a full disk, a folder that is read-only or a file
        raise ServiceError(f"cannot write {reports}/.lock: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _wait(lock: FileLock, timeout: float, other: str) -> None:
    try:
        lock.acquire(timeout=timeout)
    except Timeout:
        raise AlreadyRunning(
            f"{other} is still running. Wait for its end, or set LOCK_TIMEOUT to the seconds that "
            "this command should wait"
        ) from None


@contextmanager
def stop_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into `Stopped`, unless they are ignored, as under nohup.

    Without effect outside the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Stopped(signal.Signals(signum).name)

    heard = [signum for signum in _STOPPING if signal.getsignal(signum) != signal.SIG_IGN]
    before = {signum: signal.signal(signum, stop) for signum in heard}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Finish a few short writes first: Ctrl-C and the like have no effect inside."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = [signal.SIGINT, *_STOPPING]
    before = {signum: signal.signal(signum, signal.SIG_IGN) for signum in signals}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
