"""The page where its database is out of reach from the start, and where its notebook fails."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

from page_server import Server, filled
from visitor import Visitor

from gamerec.settings import Settings
from gamerec.ui.server import configuration

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "recommender.ipynb"
PASSWORD = "canary-page-77"


@contextmanager
def visited(chromium, home, **settings):
    """(server, visitor) of a page on this project."""
    server = Server(home, **settings)
    try:
        server.wait()
        visitor = Visitor(chromium, server.url, 1280, "en-US", "light")
        yield server, visitor
        visitor.leave()
        assert visitor.complaints == []
    finally:
        server.stop()


def change_notebook(home, last_cell):
    """Give the project a notebook of the page with another last cell."""
    (home / "notebooks").mkdir()
    notebook = json.loads(NOTEBOOK.read_text())
    notebook["cells"][-1]["source"] = last_cell
    (home / "notebooks" / NOTEBOOK.name).write_text(json.dumps(notebook))


def test_without_its_mysql_the_page_recommends_and_says_what_is_not_kept(chromium, home):
    filled(home)
    url = f"mysql+pymysql://ann:{PASSWORD}@127.0.0.1:9/games"  # nobody listens there
    with visited(chromium, home, DATABASE_URL=url) as (server, visitor):
        names = visitor.see_cards()
        assert len(names) == 12
        visitor.pick("deep rock")
        names = visitor.enter("11")
        assert names[0] not in visitor.say("disliked", names[0])
        visitor.see("your feedback is kept while this page is open")
        assert PASSWORD not in visitor.page.content()
        assert PASSWORD not in server.log.read_text()


def test_a_notebook_that_fails_is_told_with_an_error_id_and_no_traceback(chromium, home):
    filled(home)
    change_notebook(home, f"raise RuntimeError('the cause, {PASSWORD}')")
    with visited(chromium, home, RAWG_API_KEY=PASSWORD) as (server, visitor):
        visitor.see("Something went wrong")
        shown = visitor.page.locator("body").inner_text()
        error_id = visitor.page.locator("body").get_attribute("data-failed")
        assert error_id
        assert error_id in shown
        content = visitor.page.content()
        assert "Traceback" not in content
        assert "the cause" not in content
        assert visitor.faults() == []
        said = server.log.read_text()
        assert f"error {error_id}" in said
        assert "RuntimeError: the cause, " in said  # who runs it finds it there
        assert PASSWORD not in said


def test_a_page_that_opens_slower_than_patience_lasts_keeps_its_kernel(chromium, home):
    """The server has a patience of 3 s here, and looks every 5 s."""
    filled(home)
    change_notebook(home, "import time; time.sleep(12)\nRecommender()")
    with visited(chromium, home) as (server, visitor):
        assert len(visitor.see_cards()) == 12
        assert "failed" not in server.log.read_text()


def test_a_late_answer_to_a_ping_cuts_no_page_off(home):
    settings = configuration(Settings(gamerec_home=home), "127.0.0.1", 0, fork=False)
    of_server = settings.Voila.tornado_settings
    assert of_server["ws_ping_timeout"] >= 2 * of_server["ws_ping_interval"] > 0


def test_a_missing_notebook_ends_the_start_with_what_to_do(chromium, home):
    (home / "notebooks").mkdir()
    shutil.copy(NOTEBOOK, home / "notebooks" / "other.ipynb")
    server = Server(home)
    assert server.process.wait(60) == 3
    assert "recommender.ipynb is missing" in server.log.read_text()
