"""The slow first time, taken once at set-up: bytecode, compiled kernels and font caches."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from gamerec.errors import GateRefused, StageFailed
from gamerec.settings import Settings, load_settings

_OPEN = """
import gamerec.service.app
from gamerec.serving import Engine
from gamerec.settings import load_settings
Engine.open(load_settings()).close()
"""


def warm_up() -> None:
    """Run the pipeline on the sample in a folder that is thrown away.

    No setting, key or service of the user's takes part. Raises StageFailed where the run fails.
    """
    ours = {name.upper() for name in Settings.model_fields}
    ours.add("PYTHONDONTWRITEBYTECODE")  # bytecode is what makes imports three times as fast
    env = {name: value for name, value in os.environ.items() if name.upper() not in ours}
    with TemporaryDirectory(prefix="gamerec-warm-") as home:
        (Path(home) / "notebooks").symlink_to(load_settings().notebooks)
        done = subprocess.run(
            [sys.executable, "-c", "from gamerec.cli import app; app()", "run"],
            env=env | {"GAMEREC_HOME": home, "WANDB_MODE": "disabled"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == 0:  # a version is live: open it as `gamerec serve` does
            subprocess.run([sys.executable, "-c", _OPEN], env=env | {"GAMEREC_HOME": home})
    if done.returncode not in (0, GateRefused.exit_code):
        raise StageFailed(f"the first small run failed:\n{done.stdout}{done.stderr}")
