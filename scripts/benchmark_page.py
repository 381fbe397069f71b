"""How soon the page shows its cards, how soon it follows a control, and what closed pages leave.

    .venv/bin/python scripts/benchmark_page.py [--pages 200] [--at-once 20]

Starts `gamerec app` on the newest run of the project (`make pipeline` first), opens it in headless
Chromium and prints each figure beside its limit. Opening and following are measured in the browser:
from the start of the navigation to the first list, and from a slider's move to the new list.
"""

import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import psutil
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from gamerec.registry import Registry
from gamerec.settings import load_settings
from gamerec.storage import open_store

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
FIRST_LIST = "performance.getEntriesByName('gamerec:list')[0].startTime"
MOVE = """async (value) => {
  const page = document.querySelector('.gamerec'), before = page.dataset.answers;
  const slider = page.querySelectorAll('input[type=range]')[1], begun = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event('input', { bubbles: true }));
  while (page.dataset.answers === before) await new Promise((done) => setTimeout(done, 1));
  await new Promise((done) => requestAnimationFrame(done));
  return performance.now() - begun;
}"""


def start() -> tuple[subprocess.Popen, str]:
    """The server of the page, when it is warm, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from gamerec.cli import app; app()"
    server = subprocess.Popen(
        [sys.executable, "-u", "-c", code, "app", "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    for line in server.stdout:
        if found := re.search(r"the page is at (\S+)", line):
            return server, found[1]
    sys.exit("the server of the page did not start")


def opened(browser: Browser, address: str) -> tuple[BrowserContext, Page, float]:
    """A page in a fresh profile, and the seconds to its first list."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address, wait_until="commit", timeout=120_000)
    page.locator(".gr-card").first.wait_for(timeout=120_000)
    return context, page, page.evaluate(FIRST_LIST) / 1000


def family(server: subprocess.Popen) -> tuple[int, float]:
    """Kernels, and megabytes of the server and the fork server without them (PSS)."""
    whole = psutil.Process(server.pid)
    forks = whole.children()
    kernels = [kernel for fork in forks for kernel in fork.children()]
    size = 0.0
    for process in [whole, *forks]:
        with suppress(psutil.NoSuchProcess):
            size += process.memory_full_info().pss / 2**20
    return len(kernels), size


def settled(server: subprocess.Popen) -> tuple[int, float]:
    """As `family`, once no kernel is left or half a minute has passed."""
    deadline = time.monotonic() + 30
    while family(server)[0] and time.monotonic() < deadline:
        time.sleep(0.2)
    return family(server)


def show(what: str, value: float, limit: float, unit: str) -> None:
    """One figure beside its limit."""
    print(f"{what:<52} {value:8.2f} {unit:<3} limit {limit:g} {'ok' if value <= limit else 'OVER'}")


def measure_opening(browser: Browser, address: str, times: int) -> None:
    """First cards and a control's change, one page after the other."""
    first, moves = [], []
    for _ in range(times):
        context, page, seconds = opened(browser, address)
        first.append(seconds)
        for step in range(10):
            moves.append(page.evaluate(MOVE, (step % 10) / 10 - 0.45))
        context.close()
    show("first cards, median", statistics.median(first), 2.5, "s")
    show("first cards, slowest", max(first), 2.5, "s")
    show("a control's change, median", statistics.median(moves), 300, "ms")
    show("a control's change, 95 of 100", sorted(moves)[int(len(moves) * 0.95)], 300, "ms")


def measure_at_once(browser: Browser, address: str, number: int, server: subprocess.Popen) -> None:
    """Pages opened together, each of which answers."""
    contexts = [browser.new_context() for _ in range(number)]
    pages = [context.new_page() for context in contexts]
    begun = time.monotonic()
    for page in pages:
        page.evaluate("address => { setTimeout(() => { location.href = address; }, 0); }", address)
    for page in pages:
        page.locator(".gr-card").first.wait_for(timeout=180_000)
    seconds = time.monotonic() - begun
    moved = [page.evaluate(MOVE, -0.5) for page in pages]
    print(f"{number} pages at once: all have cards after {seconds:.1f} s, all follow a control,")
    print(f"  the median after {statistics.median(moved):.0f} ms; {family(server)[0]} kernels")
    for context in contexts:
        context.close()


def measure_leftovers(
    browser: Browser, address: str, number: int, server: subprocess.Popen
) -> None:
    """Kernels and memory after many pages were opened and closed."""
    for _ in range(5):
        opened(browser, address)[0].close()
    _, before = settled(server)
    for _ in range(number):
        opened(browser, address)[0].close()
    kernels, after = settled(server)
    show(f"kernels after {number} pages opened and closed", kernels, 0, "")
    show("memory that they left behind", after - before, 20, "MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=200, help="opened and closed")
    parser.add_argument("--at-once", type=int, default=20, help="open at the same time")
    parser.add_argument("--times", type=int, default=10, help="pages measured one by one")
    parser.add_argument("--chromium", default=os.environ.get("CHROMIUM", "/usr/bin/chromium"))
    options = parser.parse_args()
    settings = load_settings()
    if Registry(open_store(settings.store_uri, settings)).channel("production") is None:
        sys.exit("no model is live in this project: make pipeline first")
    server, address = start()
    steps: list[Callable[[Browser], None]] = [
        lambda browser: measure_opening(browser, address, options.times),
        lambda browser: measure_at_once(browser, address, options.at_once, server),
        lambda browser: measure_leftovers(browser, address, options.pages, server),
    ]
    try:
        with sync_playwright() as playwright:
            for step in steps:
                browser = playwright.chromium.launch(
                    executable_path=options.chromium, args=ARGUMENTS
                )
                step(browser)
                browser.close()
    finally:
        server.terminate()
        server.wait(timeout=30)
    print(f"load of the machine, last minute: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
