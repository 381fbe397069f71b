"""Server processes and load on them, loopback only: wrk where it is installed, else a client here.

Both send POST requests over a fixed number of connections, for a fixed time, and tell requests per
second, times and errors. The client here is slower than wrk, for every server alike.
"""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

_SCRIPT = """
math.randomseed(%d)
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
request = function()
  return wrk.format(nil, nil, nil, '{"user_id": ' .. math.random(1, %d) .. ', "k": 10}')
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %%d %%d %%f %%f %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Load:
    """What a load found: times in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float
    errors: int


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(home: Path, command: list[str], ready: str, **env: str) -> Iterator[tuple[str, int]]:
    """Start a server process; its address and process id, once `ready` answers 200."""
    port = free_port()
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        env=os.environ | {"GAMEREC_HOME": str(home)} | env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until_ready(f"http://127.0.0.1:{port}{ready}", process)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def wait_until_ready(url: str, process: subprocess.Popen, seconds: float = 180) -> None:
    """Ask every 10 ms until the answer is 200."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.01)
    raise SystemExit(f"{url} does not answer; exit code {process.poll()}")


def load(url: str, n_users: int, connections: int, seconds: float, seed: int = 1) -> Load:
    """POST /predict for random users."""
    if shutil.which("wrk"):
        return _wrk(url, n_users, connections, seconds, seed)
    return asyncio.run(_own(url, n_users, connections, seconds, seed))


def _wrk(url: str, n_users: int, connections: int, seconds: float, seed: int) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT % (seed, n_users))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
        command += ["--timeout", "30s", "-s", script.name, f"{url}/predict"]
        out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    found = re.search(r"RESULT (\d+) (\d+) ([\d.]+) ([\d.]+) (\d+)", out.stdout)
    if found is None:
        raise SystemExit(f"wrk told nothing:\n{out.stdout}{out.stderr}")
    n, micros, p50, p99, errors = (float(x) for x in found.groups())
    return Load(int(n), n / micros * 1e6, p50 / 1e3, p99 / 1e3, int(errors))


async def _own(url: str, n_users: int, connections: int, seconds: float, seed: int) -> Load:
    port = int(url.rpartition(":")[2])
    rng = np.random.default_rng(seed)
    users = rng.integers(1, n_users + 1, 100_000).tolist()
    times: list[float] = []
    errors = 0
    end = time.perf_counter() + seconds

    async def ask(first: int) -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        at = first
        while time.perf_counter() < end:
            body = b'{"user_id": %d, "k": 10}' % users[at % len(users)]
            at += connections
            begun = time.perf_counter()
            writer.write(
                b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
            )
            head = await reader.readuntil(b"\r\n\r\n")
            size = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(size[1]) if size else 0)
            times.append(time.perf_counter() - begun)
            errors += not head.startswith(b"HTTP/1.1 200")
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(ask(number) for number in range(connections)))
    p50, p99 = np.percentile(times, [50, 99]) * 1e3
    took = time.perf_counter() - begun
    return Load(len(times), len(times) / took, float(p50), float(p99), errors)


def memory(pid: int) -> int:
    """Proportional set size of a process and its children, bytes: shared pages count in parts."""
    import psutil

    process = psutil.Process(pid)
    together = [process, *process.children(recursive=True)]
    return sum(p.memory_full_info().pss for p in together)


def gamerec_command(workers: int = 1) -> list[str]:
    """`gamerec serve`, without its port."""
    code = "from gamerec.cli import app; app()"
    return [sys.executable, "-c", code, "serve", "--workers", str(workers)]
