"""Starting and stopping server processes, and the settings that reach them."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import SecretStr

from gamerec.settings import Settings

CANARY = "canary-s3-secret-4711"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, process: subprocess.Popen, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"no server on port {port}, exit code {process.poll()}")


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def s3_settings(url: str) -> Settings:
    return Settings(
        aws_endpoint_url=url,
        aws_access_key_id=SecretStr("test-key-id"),
        aws_secret_access_key=SecretStr(CANARY),
    )


@contextmanager
def running(command: list[str], port: int, seconds: float = 30, **options: Any) -> Iterator[None]:
    """A server process from when its port answers; `options` are those of Popen."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet | options)
    try:
        wait_for(port, process, seconds)
        yield
    finally:
        stop(process)


@contextmanager
def s3_server() -> Iterator[str]:
    """Address of a moto server process."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with running(command, port):
        yield f"http://127.0.0.1:{port}"
