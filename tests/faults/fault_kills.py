"""kill -9 at random moments of a run, which is resumed until it is done, while readers read.

The moments are drawn by a seed: so many per phase (before the first stage, each stage, after the
last), each at a random share of the phase's usual duration, each at the runner, the fork server or
one of the kernels.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from fault_home import Home, ended, wait_until

from gamerec.runs import STAGES, notebook_name

START, END = "start", "end"
PHASES = (START, *STAGES, END)
TARGETS = ("runner", "kernel", "kernel", "server")

# A killed kernel or server may be followed by the runner, in its last steps.
_AFTERMATH_SHARE = 0.3
_AFTERMATH = 1.0  # seconds
_PATIENCE = 240.0  # seconds for a phase to come, on a machine with other work


@dataclass(frozen=True)
class Kill:
    """`share` of the usual duration after the phase began, `target` is killed."""

    phase: str
    share: float
    target: str
    aftermath: float | None  # seconds after which the runner is killed too


@dataclass
class Disturbed:
    """What happened to one run."""

    run_id: str = ""
    hits: list[tuple[str, str]] = field(default_factory=list)  # (phase, target) of every kill
    missed: int = 0  # the run had ended before
    faults: list[str] = field(default_factory=list)
    codes: Counter = field(default_factory=Counter)  # exit codes of the commands cut short


def draw(rng: random.Random, count: int) -> list[Kill]:
    """Kills for one run, in the order of their phases; every phase gets its share."""
    phases = [PHASES[n % len(PHASES)] for n in range(count)]
    rng.shuffle(phases)
    kills = []
    for phase in sorted(phases, key=PHASES.index):
        target = rng.choice(TARGETS)
        again = target != "runner" and rng.random() < _AFTERMATH_SHARE
        kills.append(
            Kill(phase, rng.random(), target, rng.random() * _AFTERMATH if again else None)
        )
    return kills


def disturb(
    home: Home,
    kills: Sequence[Kill],
    rng: random.Random,
    usual: dict[str, float],
    arguments: Sequence[str] = (),
) -> Disturbed:
    """Run `gamerec run ARGUMENTS` with these kills and resume it until it is done.

    usual: seconds that each phase takes.
    """
    seen = Disturbed()
    known = {record.run_id for record in home.records()}
    for kill in kills:
        asked = ("run", "--resume", seen.run_id) if seen.run_id else ("run", *arguments)
        process = home.start(*asked)
        if _wait_for(kill, home, process, seen.run_id or known, usual[kill.phase]):
            _strike(kill, home, process, rng, seen, known)
        else:
            seen.missed += 1
        _settle(home, process, seen)
        new = {record.run_id for record in home.records()} - known
        seen.run_id = seen.run_id or next(iter(new), "")
        if seen.run_id and (record := home.record(seen.run_id)) and record.status == "done":
            break
    _finish(home, seen, arguments)
    return seen


def _wait_for(
    kill: Kill, home: Home, process: subprocess.Popen, run: str | set[str], usual: float
) -> bool:
    """Wait for the moment of the kill; False where the command ended before."""
    began = time.time()

    def reached() -> bool:
        if kill.phase == START or process.poll() is not None:
            return True
        return _has_begun(kill.phase, home, run, began) or _is_over(kill.phase, home, run)

    wait_until(reached, _PATIENCE)
    wait_until(
        lambda: (
            process.poll() is not None or (kill.phase in STAGES and _is_over(kill.phase, home, run))
        ),
        kill.share * usual,
    )
    return process.poll() is None


def _has_begun(phase: str, home: Home, run: str | set[str], since: float) -> bool:
    """Whether the stage's notebook is being executed (or for END: all of them have been)."""
    if phase == END:
        return stages_now(home, run).get(STAGES[-1]) == "done"
    if stages_now(home, run).get(phase) != "running":
        return False
    found = list(home.reports.glob(f"*/{notebook_name(phase)}.ipynb"))
    return any(path.stat().st_mtime > since for path in found)


def _is_over(phase: str, home: Home, run: str | set[str]) -> bool:
    status = stages_now(home, run)
    return status.get(STAGES[-1] if phase == END else phase) == "done"


def usual_seconds(home: Home, run_id: str) -> dict[str, float]:
    """Seconds that each phase of an undisturbed run took: of a stage, its cells alone."""
    found = {START: 1.5, END: 0.4}
    for stage in STAGES:
        path = home.reports / run_id / f"{notebook_name(stage)}.ipynb"
        found[stage] = float(json.loads(path.read_text())["metadata"]["papermill"]["duration"])
    return found


def stages_now(home: Home, run: str | set[str]) -> dict[str, str]:
    """Stage -> status of the run with this id, or of the first whose id is not among these."""
    if isinstance(run, set):
        new = [record for record in home.records() if record.run_id not in run]
        record = new[0] if new else None
    else:
        record = home.record(run)
    return {name: stage.status for name, stage in record.stages.items()} if record else {}


def _strike(
    kill: Kill,
    home: Home,
    process: subprocess.Popen,
    rng: random.Random,
    seen: Disturbed,
    known: set[str],
) -> None:
    status = stages_now(home, seen.run_id or known)
    name, victim = _victim(kill.target, process.pid, rng)
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        seen.missed += 1
        return
    seen.hits.append((_phase_of(status, kill.phase), name))
    if kill.aftermath is not None and name != "runner":
        time.sleep(kill.aftermath)
        if process.poll() is None:
            process.kill()
            seen.hits.append((_phase_of(status, kill.phase), "runner after it"))


def _phase_of(status: dict[str, str], meant: str) -> str:
    running = [stage for stage, s in status.items() if s == "running"]
    if meant in running:  # EDA runs beside others
        return meant
    if running:
        return running[-1]
    return END if status.get(STAGES[-1]) == "done" else START


def _victim(target: str, runner: int, rng: random.Random) -> tuple[str, int]:
    """The process to kill: where there is none of that kind (yet), the runner."""
    servers = [p for p in _children(runner) if "gamerec.kernels.server" in _command(p)]
    if target == "server" and servers:
        return "server", servers[0].pid
    kernels = [kernel for server in servers for kernel in _children(server.pid)]
    if target == "kernel" and kernels:
        return "kernel", rng.choice(sorted(kernel.pid for kernel in kernels))
    return "runner", runner


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.Error:
        return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _settle(home: Home, process: subprocess.Popen, seen: Disturbed) -> None:
    """Wait until the command and all that it started are gone; they have to go by themselves."""
    done = ended(process, _PATIENCE)
    seen.codes[done.code] += 1
    if done.code not in (0, -signal.SIGKILL, 5) or "Traceback" in done.err:
        seen.faults.append(f"after a kill: {done.text[-800:]}")
    if not wait_until(lambda: not home.processes(), 30):
        left = home.processes()
        seen.faults.append(f"still running: {[_command(p)[:120] for p in left]}")
        for stray in left:
            stray.kill()


def _finish(home: Home, seen: Disturbed, arguments: Sequence[str]) -> None:
    """Have the run come to its end undisturbed."""
    asked = ("run", "--resume", seen.run_id) if seen.run_id else ("run", *arguments)
    done = home.gamerec(*asked)
    if done.code != 0:
        seen.faults.append(f"the last resume: {done.text[-800:]}")
    if not seen.run_id:
        seen.run_id = home.records()[-1].run_id


@contextmanager
def reading(home: Home, url: str = "") -> Iterator[dict[str, Any]]:
    """A reader process beside the block; what it saw is in the dict afterwards."""
    seen: dict[str, Any] = {}
    command = [sys.executable, str(Path(__file__).with_name("fault_reader.py"))]
    env = {name: value for name, value in home.environment().items() if name != "GAMEREC_HOME"}
    reader = subprocess.Popen(
        [*command, str(home.folder), *([url] if url else [])],
        stdout=subprocess.PIPE,
        text=True,
        env=env,
    )
    try:
        yield seen
    finally:
        reader.terminate()
        out, _ = reader.communicate(timeout=60)
        seen |= json.loads(out)
