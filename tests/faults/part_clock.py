"""A clock that was set back a day between two runs, and forward again."""

import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

from fault_bench import OTHER, SMALL, Bench, Row, row, say
from fault_compare import served
from fault_home import Home, Skipped

from gamerec.registry import Registry
from gamerec.runs import run_ids
from gamerec.storage import FolderStore

SOURCE = Path(__file__).with_name("clock_back.c")
DAY = 86_400  # seconds


def set_back(folder: Path, seconds: int = DAY) -> dict[str, str]:
    """The environment of a process whose clock is so much behind; `folder` keeps the library."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Skipped("setting a clock back needs a C compiler: apt-get install gcc libc6-dev")
    library = folder / "clock_back.so"
    command = [compiler, "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(-seconds)}


def clock(bench: Bench) -> list[Row]:
    """A run before, one under a clock set back, one after it."""
    home = bench.home()
    faults = []
    back_then = set_back(bench.folder)
    back = home.gamerec("run", *OTHER, **back_then)
    if back.code:
        return [row("clock set back a day", 1, "", [back.text])]
    second = home.records()[-1].run_id
    faults += bench.check(home, second)
    partial = home.gamerec("run", "--from", "batch_score", **back_then)
    faults += [] if f"run {second} goes on" in partial.out else [partial.text]
    last = home.gamerec("run", *SMALL)
    faults += [last.text] if last.code not in (0, 4) else in_order(home)
    say(f"  {run_ids(FolderStore(home.folder / 'store'))} {faults}")
    outcome = "run ids, promotion log and batches stay in order; the newest run is the last begun"
    return [row("clock set back a day between runs, and forward again", 3, outcome, faults)]


def in_order(home: Home) -> list[str]:
    """What is out of order: ids as they were given out, and the log."""
    store = FolderStore(home.folder / "store")
    ids = run_ids(store)
    moves = Registry(store).log(None)
    begun = [move["by"] for move in moves if move["channel"] == "candidate"]
    faults = [] if begun == sorted(begun) == ids[-len(begun) :] else [f"{begun} {ids}"]
    for before, after in pairwise(moves):
        if after["from"] != before["channels"].get(after["channel"]):
            faults.append(f"the log has a gap before {after}")
    if served(home.folder)["current batch"] != ids[-1]:
        faults.append("the batch in force is not the last")
    return faults
