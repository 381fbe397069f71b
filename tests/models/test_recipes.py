"""The recipes that training compares."""

import pytest

from gamerec import models
from gamerec.errors import UsageError
from gamerec.models.recipes import recipes

LABELS = ["blend", "content", "cosine", "ease", "item_knn", "jaccard", "popularity", "slim", "svd"]


def test_every_recipe_is_a_model_that_can_be_made():
    for name, params in recipes(LABELS).values():
        models.create(name, **params)


def test_the_choice_reaches_the_models():
    found = recipes(["jaccard", "slim"], neighbours=7, shrinkage=2.0, epochs=4, patience=2)
    assert found["jaccard"] == (
        "item_knn",
        {"similarity": "jaccard", "neighbours": 7, "shrinkage": 2.0},
    )
    assert found["slim"][1]["epochs"] == 4 and found["slim"][1]["patience"] == 2


def test_without_described_games_there_is_no_content():
    found = recipes(["content", "blend"], described=False)
    assert list(found) == ["blend"]
    assert [part["name"] for part in found["blend"][1]["parts"]] == ["ease", "item_knn"]
    assert [part["name"] for part in recipes(["blend"])["blend"][1]["parts"]][-1] == "content"


def test_an_unknown_label_is_refused():
    with pytest.raises(UsageError, match="no model 'cosin'"):
        recipes(["cosin"])
