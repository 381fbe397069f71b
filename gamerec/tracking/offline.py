"""W&B runs that lie on this machine, sent by W&B's own `wandb sync` in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from gamerec.errors import ServiceError, UsageError
from gamerec.redaction import Redactor
from gamerec.settings import Settings

COMPLETE = "complete"  # beside a run's file: its recording has ended
_GIVEN_UP = 3_600.0  # seconds without a line, after which a recording is not going on any more
_COMMAND = "import sys; from wandb.cli.cli import cli; sys.exit(cli())"


def unsent(settings: Settings) -> list[Path]:
    """Folders of the offline runs that W&B does not have yet, oldest first.

    Runs that are being recorded at this moment are not among them.
    """
    folder = settings.gamerec_home / "store" / "wandb"
    return [path for path in sorted(folder.glob("offline-run-*")) if _is_unsent(path)]


def sync(
    settings: Settings, say: Callable[[str], None] = lambda line: None, seconds: float | None = None
) -> int:
    """Send the offline runs; how many. A run that was sent is marked and not sent again.

    seconds: after which it ends, WANDB_TIMEOUT by default; what was not sent by then is sent next
    time. Raises UsageError without a key, and ServiceError where W&B did not take every run.
    """
    runs = unsent(settings)
    if not runs:
        return 0
    if not settings.wandb_api_key.get_secret_value():
        raise UsageError("WANDB_API_KEY is empty: W&B takes runs only from somebody it knows")
    said = _run(settings, runs, settings.wandb_timeout if seconds is None else seconds)
    left = set(unsent(settings))
    sent = [run for run in runs if run not in left]
    if sent:
        say(f"{len(sent):,} run{'s' * (len(sent) != 1)}")
    if left:
        cause = Redactor(settings.secrets)(said.strip().rpartition("\n")[2] or "it said nothing")
        raise ServiceError(f"W&B did not take {len(left):,} of {len(runs):,} runs: {cause}")
    return len(sent)


def _is_unsent(folder: Path) -> bool:
    files = list(folder.glob("*.wandb"))
    if not files or list(folder.glob("*.wandb.synced")):
        return False
    quiet = time.time() - max(file.stat().st_mtime for file in files)
    return (folder / COMPLETE).exists() or quiet > _GIVEN_UP


def _run(settings: Settings, runs: list[Path], seconds: float) -> str:
    """`wandb sync`, ended after so many seconds with all that it started; its last words."""
    store = settings.gamerec_home / "store"
    env = os.environ | {
        "WANDB_API_KEY": settings.wandb_api_key.get_secret_value(),
        "WANDB_MODE": "online",
        "WANDB_DIR": str(store),
        "WANDB_DATA_DIR": str(store / "wandb" / "data"),
        "WANDB_CACHE_DIR": str(store / "wandb" / "cache"),
        "WANDB_CONFIG_DIR": str(store / "wandb" / "config"),
        "WANDB_ERROR_REPORTING": "false",
    }
    if settings.wandb_base_url:
        env["WANDB_BASE_URL"] = settings.wandb_base_url
    command = [sys.executable, "-c", _COMMAND, "sync"]
    process = subprocess.Popen(
        [*command, *map(str, runs)],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
        return said
    except subprocess.TimeoutExpired:
        return f"no answer within {seconds:g} s"
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    """Take W&B's service process along: it outlives the one that started it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
    process.wait()
