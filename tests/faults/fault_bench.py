"""What every part of the long suite starts from: a project with one run, and what a second one,
undisturbed, makes of it."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from fault_compare import Result, differences, result, served
from fault_home import Ended, Home

SMALL = ("-p", "evaluate.RESAMPLES=100")
OTHER = (*SMALL, "-p", "simulate.SEED=7")  # other players, whose model is promoted over the first


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: str
    times: str
    outcome: str
    is_bad: bool = False


class Bench:
    """`base` is a project after one run; `expected` what a second, undisturbed run leaves in it."""

    def __init__(self, folder: Path, seed: int, kills: int) -> None:
        self.folder, self.seed, self.kills = folder, seed, kills
        self._number = 0

    @cached_property
    def base(self) -> Home:
        """After the first run."""
        home = Home(self.folder / "base")
        succeeded(home.gamerec("run", *SMALL))
        return home

    @cached_property
    def calm(self) -> Home:
        """After the second run, with nothing in its way."""
        home = self.base.copy(self.folder / "calm")
        succeeded(home.gamerec("run", *OTHER))
        return home

    @property
    def calm_id(self) -> str:
        """The second run."""
        return self.calm.records()[-1].run_id

    @cached_property
    def expected(self) -> Result:
        """What the second run came to."""
        return result(self.calm.folder, self.calm_id)

    def home(self, of: Home | None = None, **env: str) -> Home:
        """A copy of `base` (or of another) to break things in."""
        self._number += 1
        home = (of or self.base).copy(self.folder / f"home{self._number}")
        home.env |= env
        return home

    def check(self, home: Home, run_id: str) -> list[str]:
        """How the run differs from the undisturbed one."""
        return differences(self.expected, result(home.folder, run_id))


def succeeded(done: Ended) -> Ended:
    """The command ended with 0; raises AssertionError otherwise."""
    assert done.code == 0, done.text
    return done


def refused(done: Ended, codes: Iterable[int], *words: str) -> list[str]:
    """What is wrong with an end that should be a plain message with one of these exit codes."""
    faults = []
    if done.code not in codes:
        faults.append(f"exit code {done.code}, not {codes}: {done.err[-500:]}")
    if "Traceback" in done.err:
        faults.append(f"a traceback: {done.err[-500:]}")
    return faults + [
        f"{word!r} is not in: {done.err[-500:]}" for word in words if word not in done.err
    ]


def unchanged(home: Home, before: Result) -> list[str]:
    """What readers see otherwise than before."""
    return differences(before, served(home.folder))


def whole(home: Home, before: Result, after: Result) -> list[str]:
    """What readers see that is neither as before the run nor as after it, whole.

    A run that is cut short late has a new candidate, as it should. That the files of every version
    are whole is checked by `served`.
    """
    now = served(home.folder)
    watched = [name for name in before if name.startswith(("batch: ", "database: "))]
    return [name for name in watched if now.get(name) not in (before[name], after.get(name))]


def row(fault: str, times: object, outcome: str, faults: list[str]) -> Row:
    """A line that says the outcome, or what went wrong instead."""
    if faults:
        text = "; ".join(faults)[:1500].replace("\n", " ").replace("|", "/")
        return Row(fault, str(times), f"**{len(faults)} faults**: {text}", True)
    return Row(fault, str(times), outcome)


def say(text: str) -> None:
    """Progress, on standard error."""
    print(text, file=sys.stderr, flush=True)
