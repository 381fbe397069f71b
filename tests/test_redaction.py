"""Secrets are found in every spelling, and innocent text stays."""

import json
from html import escape
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamerec.redaction import Redactor

KEY = 'c4n"ary/kéy+1&<'


@pytest.mark.parametrize(
    "spelling",
    [KEY, quote(KEY, safe=""), escape(KEY), json.dumps(KEY), json.dumps(KEY, ensure_ascii=False)],
)
def test_a_secret_is_masked_in_every_spelling(spelling):
    assert Redactor([KEY])(f"before {spelling} after").startswith("before ")
    assert "c4n" not in Redactor([KEY])(f"before {spelling} after")


def test_of_a_url_the_password_is_masked_wherever_it_stands():
    redact = Redactor(["mysql+pymysql://ann:s3cr%2Ft99@db.example/games"])
    assert redact("connecting to mysql+pymysql://ann:s3cr%2Ft99@db.example/games") == (
        "connecting to ***"
    )
    assert redact("Access denied for 'ann' with password s3cr/t99") == (
        "Access denied for 'ann' with password ***"
    )
    assert redact("mysql://ann:s3cr%2Ft99@other/") == "mysql://***other/"


def test_a_short_password_is_masked_in_its_url_only():
    redact = Redactor(["mysql://root:a@localhost/games"])
    assert redact("mysql://root:a@localhost/x and a cat") == "mysql://***localhost/x and a cat"


def test_no_secret_no_change():
    assert Redactor([])("anything") == "anything"
    assert Redactor(["", "abc"])("abcdef") == "abcdef"


def test_a_tree_is_masked_but_for_its_pictures():
    tree = {"a": ["x secret99", {"image/png": "secret99", "text/plain": "secret99"}], "n": 3}
    assert Redactor(["secret99"]).tree(tree) == {
        "a": ["x ***", {"image/png": "secret99", "text/plain": "***"}],
        "n": 3,
    }
    assert tree["a"][0] == "x secret99"


def test_a_secret_is_found_inside_a_parameter():
    redact = Redactor(["secret99"])
    assert redact.finds(["x", {"y": "my secret99"}])
    assert not redact.finds(["x", 99])


@given(st.text(min_size=6).filter(lambda s: s.strip("*")), st.text())
def test_no_secret_survives_in_json_or_html(secret, around):
    redact = Redactor([secret])
    if secret in "***":
        return
    for written in (json.dumps([around, secret]), escape(secret), f"{around}{secret}"):
        masked = redact(written)
        assert secret not in masked.replace("***", "\0")
