"""What works on this machine with these settings, and what to do about the rest.

`examine` runs every check at once, each bounded in time; nothing is changed that is not put back,
and no finding holds a secret. Without a network only what was switched on by a setting can fail.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from gamerec.errors import GamerecError
from gamerec.redaction import Redactor
from gamerec.settings import Settings

State = Literal["ok", "note", "bad"]  # a note is no reason to fail: not set, or worth knowing


@dataclass(frozen=True)
class Finding:
    """What a check found; `advice` says what to do, where something is to be done."""

    state: State
    text: str
    advice: str = ""


Check = Callable[[Settings], Finding]

_PATIENCE = 60.0  # seconds for the checks of one group together


def examine(settings: Settings, patience: float = _PATIENCE) -> Iterator[tuple[str, Finding]]:
    """Every check by name: the notebook comes last and has the machine for itself."""
    from gamerec.doctor import machine, services

    yield from run_checks(machine.CHECKS | services.CHECKS, settings, patience)
    yield from run_checks({"kernels": machine.kernels}, settings, patience)


def run_checks(
    checks: dict[str, Check], settings: Settings, patience: float
) -> Iterator[tuple[str, Finding]]:
    """Run the checks side by side; one that does not answer in time, or raises, is bad."""
    redact = Redactor(settings.secrets)
    found: dict[str, Finding] = {}

    def run(name: str, check: Check) -> None:
        try:
            found[name] = check(settings)
        except GamerecError as error:
            found[name] = Finding("bad", redact(str(error)))
        except Exception as error:  # whatever a library raises: that is what is being asked
            found[name] = Finding("bad", redact(f"{type(error).__name__}: {error}"))

    threads = {
        name: threading.Thread(target=run, args=(name, check), daemon=True)
        for name, check in checks.items()
    }
    for thread in threads.values():
        thread.start()
    end = time.monotonic() + patience
    for name, thread in threads.items():
        thread.join(max(0.0, end - time.monotonic()))
        silent = Finding("bad", f"no answer within {patience:g} s", "Run `gamerec doctor` again")
        yield name, found.get(name, silent)
