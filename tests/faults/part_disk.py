"""A disk that is full, and folders that cannot be written to."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from fault_bench import OTHER, Bench, Row, refused, row, say, unchanged, whole
from fault_compare import served
from fault_home import Ended, Home, Skipped

ROOMS = (0, 150, 600, 2000)  # KB left on the disk when the run begins
_DISK = 64  # MB


def full_disk(bench: Bench) -> list[Row]:
    """Runs that meet the end of the disk sooner or later, and go on when there is room."""
    faults = []
    for room in ROOMS:
        with small_disk(bench.folder / "disk") as disk:
            home = bench.base.copy(disk / "home")
            before = served(home.folder)
            with filled(disk, room):
                done = home.gamerec("run", *OTHER)
            # SQLite needs a little room even to read: what is served is looked at with it.
            found = refused(done, (7,), "No space left on device")
            found += whole(home, before, bench.expected)
            run_id = begun(done) if begun(done) in ids(home) else ""
            asked = ("run", "--resume", run_id) if run_id else ("run", *OTHER)
            again = home.gamerec(*asked)
            found += [again.text] if again.code else bench.check(home, ids(home)[-1])
        say(f"  {room} KB left: {done.err.strip()[:200]} -> {found}")
        faults += [f"{room} KB left: {fault}" for fault in found]
    outcome = "exit 7 naming the file; what is served is whole; with room again, the run is equal"
    return [row("disk full at different points (a small tmpfs)", len(ROOMS), outcome, faults)]


def read_only(bench: Bench) -> list[Row]:
    """Runs in a folder, and with a store, that cannot be written to."""
    faults = []
    for part in (".", "store", "reports"):
        home = bench.home()
        before = served(home.folder)
        with write_protected(home.folder / part):
            done = home.gamerec("run", *OTHER)
        found = refused(done, (7,), "Read-only") + unchanged(home, before)
        asked = ("run", "--resume", begun(done)) if begun(done) in ids(home) else ("run", *OTHER)
        again = home.gamerec(*asked)
        found += [again.text] if again.code else bench.check(home, ids(home)[-1])
        say(f"  {part} read-only: {done.err.strip()[:200]} -> {found}")
        faults += [f"{part}: {fault}" for fault in found]
    outcome = "exit 7 naming the file; nothing changed; writable again, the run is equal"
    return [row("project, store or reports read-only (a read-only mount)", 3, outcome, faults)]


def begun(done: Ended) -> str:
    """The id of the run that a command said it began."""
    first = done.out.partition("\n")[0].split()
    return first[1] if len(first) > 1 and first[0] == "run" else ""


def ids(home: Home) -> list[str]:
    """The runs that have a report or artifacts, oldest first."""
    stored = [path.name for path in (home.folder / "store" / "runs").glob("*")]
    return sorted({*stored, *(record.run_id for record in home.records())})


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own, in memory."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={_DISK}m", "faults", str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


@contextlib.contextmanager
def filled(disk: Path, room: int) -> Iterator[None]:
    """Leave `room` KB on the disk."""
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(free - room * 1024, 4096))
    try:
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def write_protected(folder: Path) -> Iterator[None]:
    """Mount the folder over itself, read-only: that binds root, too."""
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,ro,bind", str(folder))
        yield
    finally:
        _unmount(folder)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Skipped(f"mounting needs root: {done.stderr.strip()}")


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", str(folder)], check=True, capture_output=True)
