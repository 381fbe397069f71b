"""Parameters read from notebooks, and values checked against them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamerec.errors import UsageError
from gamerec.parameters import (
    Parameter,
    declared,
    find,
    from_file,
    from_options,
    merge,
)
from gamerec.runs import STAGES, notebook_name

CELL = """RUN_ID: str = ""  # the run to work in
TOP_K: int = 10  # games per list, 1 = one (x=y)
MODE: Literal["taste", "popularity"] = "taste"
SHRINK: float | None = None
TAGS: list[str] = [
    "free-to-play",
    "co-op",  # not the help
]  # RAWG's tags
SEED = 42"""


def write_notebook(folder: Path, stage: str, source: str, tags: tuple[str, ...] = ("parameters",)):
    cell = {
        "cell_type": "code",
        "metadata": {"tags": list(tags)},
        "source": source.splitlines(True),
    }
    path = folder / f"{notebook_name(stage)}.ipynb"
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4}))


@pytest.fixture
def known(tmp_path):
    write_notebook(tmp_path, "simulate", CELL)
    write_notebook(tmp_path, "train", "RUN_ID: str = ''\nEPOCHS: int = 10\nPATIENCE: int = 3")
    return declared(tmp_path, ["simulate", "train"])


def test_name_type_default_and_help_are_read_without_running_anything(known):
    found = known["simulate"]
    assert list(found) == ["RUN_ID", "TOP_K", "MODE", "SHRINK", "TAGS", "SEED"]
    assert found["TOP_K"] == Parameter(
        "simulate", "TOP_K", "int", 10, "games per list, 1 = one (x=y)"
    )
    assert found["TAGS"].default == ["free-to-play", "co-op"]
    assert found["TAGS"].help == "RAWG's tags"
    assert found["SHRINK"].annotation == "float | None"
    assert found["SEED"].annotation == "int"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("TOP_K: int = len([1])", "cannot be read"),
        ("import os\nTOP_K: int = 1", "line 1 is not of the form"),
        ("TOP_K: int = 'ten'", "not of type int"),
        ("TOP_K: Integer = 1", "Integer"),
        ("TOP_K: int =", "cannot be read"),
    ],
)
def test_a_parameters_cell_that_cannot_be_read_is_refused_with_its_notebook(
    tmp_path, source, message
):
    write_notebook(tmp_path, "train", source)
    with pytest.raises(UsageError, match=message) as error:
        declared(tmp_path, ["train"])
    assert "05_train.ipynb" in str(error.value)


def test_a_notebook_that_is_missing_or_has_no_such_cell_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no notebook .*01_crawl.ipynb"):
        declared(tmp_path)
    write_notebook(tmp_path, "crawl", "X: int = 1", tags=())
    with pytest.raises(UsageError, match="one cell tagged 'parameters', it has 0"):
        declared(tmp_path, ["crawl"])
    (tmp_path / "01_crawl.ipynb").write_text("[]")
    with pytest.raises(UsageError, match="is not a notebook"):
        declared(tmp_path, ["crawl"])


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("int", "5", 5),
        ("int", "1_000_000", 1_000_000),
        ("int", "-3", -3),
        ("float", "3", 3),
        ("float", "1e-3", 0.001),
        ("float", ".inf", float("inf")),
        ("bool", "true", True),
        ("bool", "no", False),
        ("str", "2020-01-01,2020-12-31", "2020-01-01,2020-12-31"),
        ("str", "2020-01-01", "2020-01-01"),
        ("str", "5", "5"),
        ("str", "", ""),
        ("str", "a=b: [c", "a=b: [c"),
        ("str | None", "null", None),
        ("str | None", "none of these", "none of these"),
        ("int | None", "7", 7),
        ("list[str]", "[a, b]", ["a", "b"]),
        ("list[int]", "[]", []),
        ("dict[str, float]", "{a: 1.5}", {"a": 1.5}),
        ('Literal["taste", "popularity"]', "popularity", "popularity"),
        ("Literal[1, 2]", "2", 2),
    ],
)
def test_a_text_of_the_command_line_becomes_a_value_of_the_declared_type(annotation, text, value):
    parsed = Parameter("train", "X", annotation, None).parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("annotation", "text", "hint"),
    [
        ("int", "ten", "'ten' is not of type int"),
        ("int", "5.0", "5.0 is not of type int"),
        ("int", "true", "True is not of type int"),
        ("int", "", "None is not of type int"),
        ("bool", "1", "1 is not of type bool"),
        ("float", "true", "True is not of type float"),
        ("list[str]", "co-op", r"a list is written \[co-op\]"),
        ("list[int]", "[1, x]", "not of type"),
        ('Literal["taste", "popularity"]', "tast", "did you mean 'taste'"),
        ("int", "[", "not of type int"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_with_type_and_default(annotation, text, hint):
    with pytest.raises(UsageError, match=hint) as error:
        Parameter("train", "X", annotation, 7).parse(text)
    assert str(error.value).startswith("train.X: ")
    assert "(default 7)" in str(error.value)


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
def test_what_yaml_says_of_a_number_comes_back_as_it_went_in(value):
    annotation = type(value).__name__
    assert Parameter("train", "X", annotation, None).parse(str(value)) == value


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("train.EPOCH", "did you mean train.EPOCHS?"),
        ("train.epochs", "did you mean train.EPOCHS?"),
        ("simulate.EPOCHS", "did you mean train.EPOCHS?"),
        ("EPOCHS", "did you mean train.EPOCHS?"),
        ("trian.EPOCHS", "unknown stage 'trian'; did you mean train?"),
        ("train.XYZZY", "`gamerec params train` lists them"),
        ("train.RUN_ID", "use --resume"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_right_one(known, name, message):
    with pytest.raises(UsageError) as error:
        find(name, known)
    assert message in str(error.value)


def test_options_are_parsed_and_the_last_of_a_name_counts(known):
    options = ["train.EPOCHS=3", "simulate.TAGS=[x]", "train.EPOCHS=4"]
    assert from_options(options, known) == {"train": {"EPOCHS": 4}, "simulate": {"TAGS": ["x"]}}
    with pytest.raises(UsageError, match=r"write it as stage.NAME=value"):
        from_options(["train.EPOCHS"], known)


def test_a_file_holds_values_by_stage_and_is_checked_as_strictly(known, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("train: {EPOCHS: 3}\nsimulate:\n  SHRINK: 1e-3\n  MODE: popularity\n")
    assert from_file(path, known) == {
        "train": {"EPOCHS": 3},
        "simulate": {"SHRINK": 0.001, "MODE": "popularity"},
    }
    for content, message in [
        ("train: {EPOCHS: '3'}", "'3' is not of type int"),
        ("train: {EPOCH: 3}", "did you mean train.EPOCHS"),
        ("trian: {EPOCHS: 3}", "did you mean train"),
        ("train: 3", "must hold"),
        ("- 3", "must hold"),
        ("train: [", "cannot read parameters"),
    ]:
        path.write_text(content)
        with pytest.raises(UsageError, match=message):
            from_file(path, known)
    path.write_text("")
    assert from_file(path, known) == {}
    with pytest.raises(UsageError, match="cannot read parameters"):
        from_file(tmp_path / "absent.yaml", known)


def test_later_sources_win_and_stages_stand_in_their_order():
    merged = merge({"train": {"EPOCHS": 1, "RATE": 2}}, {"crawl": {"N": 1}, "train": {"EPOCHS": 3}})
    assert merged == {"crawl": {"N": 1}, "train": {"EPOCHS": 3, "RATE": 2}}
    assert list(merged) == ["crawl", "train"]


def test_the_notebooks_of_the_project_declare_what_papermill_sees_too():
    from papermill import inspect_notebook

    notebooks = Path(__file__).resolve().parents[1] / "notebooks"
    there = [s for s in STAGES if (notebooks / f"{notebook_name(s)}.ipynb").exists()]
    for stage, parameters in declared(notebooks, there).items():
        assert next(iter(parameters)) == "RUN_ID"
        assert all(p.help for p in parameters.values()), f"{stage}: a parameter without help"
        seen = inspect_notebook(notebooks / f"{notebook_name(stage)}.ipynb")
        assert set(seen) <= set(parameters)
