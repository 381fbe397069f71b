"""The browser's side: one script of all modules, and the same words in both languages."""

import re
import shutil
import subprocess

import pytest

from gamerec.ui import assets


def test_the_widgets_script_imports_nothing_and_asks_no_other_host():
    script = assets.script()
    assert not re.search(r"^\s*import\b", script, flags=re.M)
    assert re.findall(r"^export .*", script, flags=re.M) == ["export default { render };"]
    everything = script + assets.STYLE.read_text("utf-8") + (assets.PAGE / "host.js").read_text()
    addresses = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+\.\w+", everything))
    assert addresses == {"https://rawg.io", "http://www.w3.org"}  # a link, and the name of SVG


def test_no_two_modules_name_the_same_thing_at_the_top():
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", assets.script(), re.M)
    assert sorted(names) == sorted(set(names))


def test_every_module_is_in_the_script_after_those_it_imports():
    for place, name in enumerate(assets.MODULES):
        source = (assets.PAGE / f"{name}.js").read_text("utf-8")
        imported = re.findall(r'from "\./(\w+)\.js"', source)
        assert set(imported) <= set(assets.MODULES[:place]), name
    assert {path.stem for path in assets.PAGE.glob("*.js")} == {*assets.MODULES, "host"}


def test_both_languages_have_every_word_with_the_same_places():
    words = (assets.PAGE / "words.js").read_text("utf-8")
    english, korean = (
        dict(re.findall(r'^    (\w+): "(.*)",$', part, flags=re.M))
        for part in words.partition("\n  ko: {")[::2]
    )
    assert english.keys() == korean.keys()
    for key, text in english.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", korean[key])), key


def test_every_word_that_is_said_exists():
    code = "".join((assets.PAGE / f"{name}.js").read_text("utf-8") for name in assets.MODULES[1:])
    words = (assets.PAGE / "words.js").read_text("utf-8").partition("\n  ko: {")[0]
    known = set(re.findall(r"^    (\w+): \"", words, flags=re.M))
    said = set(re.findall(r'\bt\("(\w+)"', code))
    assert said <= known


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_script_is_javascript(tmp_path):
    path = tmp_path / "script.mjs"
    path.write_text(assets.script(), "utf-8")
    done = subprocess.run(["node", "--check", path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
