"""Fixtures for every test: no setting of this machine reaches a test, and no test writes home."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

# Machines are noisy: how long an example takes is no property of the code under test.
settings.register_profile("gamerec", deadline=None)
settings.load_profile("gamerec")

# A developer's own keys must not switch a test over to a real service.
_SETTINGS = (
    *("RAWG_", "WANDB_", "AWS_", "DATABASE_URL", "STORE_URL", "GAMEREC_", "KEEP_RUNS"),
    *("SCHEDULE_", "NOTIFY_", "REPORTS_URL", "SERVICE_", "CACHE_DIR"),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, set as GAMEREC_HOME, with no setting in the environment."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS) and name not in ("AWS_CA_BUNDLE",):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("GAMEREC_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of development data; the test is skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the development data set is not on this machine")
    return SHARED_DATA
