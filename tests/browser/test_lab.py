"""The same widget in a real JupyterLab."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from page_server import filled
from services.servers import free_port, running
from visitor import Visitor

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "recommender.ipynb"


@pytest.fixture
def lab(home):
    """Address of a JupyterLab whose folder is a project with the notebook of the page."""
    filled(home)
    (home / "notebooks").mkdir()
    shutil.copy(NOTEBOOK, home / "notebooks")
    port = free_port()
    folders = {f"JUPYTER_{kind}_DIR": str(home / kind) for kind in ("CONFIG", "DATA", "RUNTIME")}
    command = [sys.executable, "-m", "jupyter", "lab", "--allow-root", "--no-browser"]
    command += [
        "--ip=127.0.0.1",
        f"--port={port}",
        "--IdentityProvider.token=",
        f"--notebook-dir={home}",
    ]
    command += ["--LabApp.extension_manager=readonly", "--ServerApp.disable_check_xsrf=True"]
    with (
        (home / "lab.log").open("wb") as log,
        running(command, port, 120, env=os.environ | folders, cwd=home, stdout=log, stderr=log),
    ):
        yield f"http://127.0.0.1:{port}/lab/tree/notebooks/recommender.ipynb"


def test_the_widget_works_inside_jupyterlab(chromium, lab):
    visitor = Visitor(chromium, lab, 1280, "en-US", "light")
    page = visitor.page
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.locator(".lm-MenuBar-itemLabel").get_by_text("Run", exact=True).click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    page.locator(".gr-card").first.scroll_into_view_if_needed()
    assert len(visitor.see_cards()) == 12
    picked = visitor.pick("deep rock")
    assert "Deep Rock Galactic" not in picked
    assert "Deep Rock Galactic" in visitor.text(".gr-reason")
    names = visitor.enter("11")
    assert names[0] not in visitor.say("disliked", names[0])
    visitor.leave()
