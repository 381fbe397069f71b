"""`Recommender` as a notebook sees it: what it opens with, and that every message is answered."""

import json
import logging

import pytest
from pictured_project import PICTURED

from gamerec.settings import load_settings
from gamerec.ui import Recommender
from gamerec.ui.faults import LOG_FILE


@pytest.fixture
def widget(project_settings):
    made = Recommender(games=[PICTURED], k=6, settings=project_settings)
    yield made
    made.close()


def reply(widget, monkeypatch, message):
    sent = []
    monkeypatch.setattr(
        widget, "send", lambda content, buffers=None: sent.append((content, buffers))
    )
    widget._handle_custom_msg(message, [])
    return sent


def test_the_first_list_needs_no_question(widget):
    opening = widget.opening
    assert opening["fault"] is None
    assert [game["name"] for game in opening["picks"]] == ["Deep Rock Galactic"]
    assert len(opening["answer"]["lists"][0]["items"]) == 6
    json.dumps(opening)


def test_the_page_outside_of_jupyterlab_gets_the_same_in_its_html(widget):
    data, _ = widget._repr_mimebundle_()
    assert data["application/vnd.gamerec.opening+json"]["opening"] == widget.opening
    assert "application/vnd.jupyter.widget-view+json" in data


def test_a_users_list_opens_at_once(project_settings):
    widget = Recommender("7", settings=project_settings, language="ko", theme="dark")
    assert widget.opening["player"]["known"] is True
    assert widget.opening["answer"]["lists"][0]["source"] == "model"
    widget.close()


def test_a_question_is_answered_under_its_number(widget, monkeypatch):
    message = {"page": "p", "id": 4, "what": "search", "question": {"text": "deep"}}
    ((answer, _),) = reply(widget, monkeypatch, message)
    assert (answer["page"], answer["id"]) == ("p", 4)
    assert answer["answer"]["games"][0]["name"] == "Deep Rock Galactic"


def test_a_wrong_question_is_told_so_and_no_message_breaks_the_widget(widget, monkeypatch):
    message = {"page": "p", "id": 5, "what": "recommend", "question": {"k": -1}}
    ((answer, _),) = reply(widget, monkeypatch, message)
    assert answer["fault"] == "usage"
    assert reply(widget, monkeypatch, "no mapping") == []
    assert reply(widget, monkeypatch, {})[0][0]["fault"] == "usage"


def test_an_unforeseen_fault_gives_an_id_and_the_log_has_the_rest_without_secrets(
    widget, monkeypatch, tmp_path
):
    log = tmp_path / "page.log"
    monkeypatch.setenv(LOG_FILE, str(log))
    monkeypatch.setattr(logging.getLogger("gamerec.ui.faults"), "handlers", [])
    monkeypatch.setattr(widget, "_redact", lambda text: text.replace("hunter22", "***"))

    def broken(what, question):
        raise RuntimeError("password hunter22")

    monkeypatch.setattr(widget._session, "answer", broken)
    ((answer, _),) = reply(widget, monkeypatch, {"page": "p", "id": 6, "what": "status"})
    assert answer["fault"] == "error"
    assert "hunter22" not in str(answer)
    written = log.read_text("utf-8")
    assert answer["error_id"] in written
    assert "RuntimeError: password ***" in written


def test_without_a_model_the_page_opens_and_says_so(home):
    widget = Recommender(settings=load_settings(home))
    assert widget.opening["fault"]["kind"] == "no_model"
    widget.close()
