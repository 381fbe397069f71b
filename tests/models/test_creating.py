"""Models by name: what is known, what is refused, and with which words."""

import subprocess
import sys

import pytest

from gamerec import models
from gamerec.errors import UsageError


def test_every_model_is_known_by_its_file_name():
    assert models.NAMES == ("blend", "content", "ease", "item_knn", "popularity", "slim", "svd")
    for name in models.NAMES:
        assert models.create(name).name == name
        assert type(models.create(name)).__module__ == f"gamerec.models.{name}"


@pytest.mark.parametrize(
    ("name", "nearest"), [("itemknn", "item_knn"), ("eese", "ease"), ("popular", "popularity")]
)
def test_an_unknown_model_is_refused_with_the_nearest_name(name, nearest):
    with pytest.raises(UsageError, match=f"did you mean {nearest}\\?"):
        models.create(name)


def test_an_unknown_parameter_is_refused_with_the_nearest_name():
    with pytest.raises(UsageError, match="no parameter 'neighbors'; did you mean neighbours\\?"):
        models.create("item_knn", neighbors=10)
    with pytest.raises(UsageError, match="known: values, similarity"):
        models.create("item_knn", zzz=10)


@pytest.mark.parametrize(
    ("name", "params", "fault"),
    [
        ("item_knn", {"neighbours": 0}, "neighbours=0"),
        ("item_knn", {"neighbours": "many"}, "neighbours='many'"),
        ("item_knn", {"similarity": "cosin"}, "similarity='cosin'"),
        ("item_knn", {"shrinkage": float("nan")}, "shrinkage=nan"),
        ("ease", {"penalty": 0}, "penalty=0"),
        ("slim", {"l1": -1}, "l1=-1"),
        ("popularity", {"values": "hours"}, "values='hours'"),
        ("blend", {"parts": [{"name": "eas"}]}, "did you mean ease"),
        ("blend", {"parts": [{"name": "blend"}]}, "cannot be part of a blend"),
        ("blend", {"parts": []}, "parts="),
    ],
)
def test_a_wrong_value_is_refused_by_name(name, params, fault):
    with pytest.raises(UsageError, match=fault):
        models.create(name, **params)


def test_params_tell_all_and_make_the_same_model_again():
    model = models.create("slim", l1=0.3)
    assert model.params["l1"] == 0.3 and model.params["epochs"] == 10
    assert models.create("slim", **model.params).params == model.params
    assert "l1=0.3" in repr(model)


def test_importing_the_models_starts_no_thread_and_compiles_nothing():
    code = """
import sys, threading
from numba.core import event
with event.install_recorder("numba:compile") as compiled:
    import gamerec.models
assert not compiled.buffer, compiled.buffer
assert threading.active_count() == 1
assert "optuna" not in sys.modules and "matplotlib" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
