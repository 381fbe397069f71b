"""blend: one W out of several, with shares that validation chooses."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from gamerec import metrics, models
from gamerec.errors import UsageError

TWO = [{"name": "content"}, {"name": "item_knn", "neighbours": 9}]


def unit(name, plays, features, **params):
    W = models.create(name, **params).fit(plays, features=features).W.toarray()
    return W / np.sqrt((W.astype(np.float64) ** 2).sum())


def test_w_is_the_weighted_sum_of_the_parts_at_unit_norm(plays, features):
    model = models.create("blend", parts=TWO, shares=[3, 1]).fit(plays, features=features)
    content = unit("content", plays, features)
    knn = unit("item_knn", plays, features, neighbours=9)
    assert_allclose(model.W.toarray(), 0.75 * content + 0.25 * knn, rtol=1e-4, atol=1e-7)
    assert model.shares_ == [0.75, 0.25]


def test_without_validation_shares_are_equal(plays, features):
    model = models.create("blend", parts=TWO).fit(plays, features=features)
    assert model.shares_ == [0.5, 0.5]


def test_fitted_shares_are_no_worse_than_any_part_alone(plays, held_out, features):
    model = models.create("blend", parts=TWO).fit(plays, features=features, validation=held_out)
    assert sum(model.shares_) == pytest.approx(1)

    def ndcg(model):
        games, _ = model.recommend(plays, k=10)
        return metrics.per_user(games, held_out, (10,))["ndcg", 10].mean()

    alone = [models.create(**part).fit(plays, features=features) for part in TWO]
    assert ndcg(model) >= max(ndcg(part) for part in alone)


def test_a_useless_part_gets_no_share(plays, held_out, features):
    parts = [{"name": "ease"}, {"name": "popularity"}]
    model = models.create("blend", parts=parts).fit(plays, validation=held_out)
    assert model.shares_ == [1, 0]


def test_the_best_part_is_taken_up_first_wherever_it_stands(plays, held_out):
    parts = [{"name": "popularity"}, {"name": "ease"}]
    model = models.create("blend", parts=parts).fit(plays, validation=held_out)
    assert model.shares_ == [0, 1]


def test_a_part_without_a_share_is_not_fitted(plays, monkeypatch):
    monkeypatch.delattr(models.kind("slim"), "_weights")
    parts = [{"name": "slim"}, {"name": "ease"}]
    model = models.create("blend", parts=parts, shares=[0, 1]).fit(plays)
    assert_allclose(model.W.toarray(), unit("ease", plays, None), rtol=1e-5)
    with pytest.raises(AttributeError):
        models.create("blend", parts=parts, shares=[1, 1]).fit(plays)


def test_parts_read_values_by_the_rule_of_the_blend(plays):
    model = models.create("blend", parts=[{"name": "item_knn"}], values="log", shares=[1]).fit(
        plays
    )
    alone = models.create("item_knn", values="log").fit(plays).W
    scale = np.sqrt(np.square(alone.data, dtype=np.float64).sum())
    assert_allclose(model.W.toarray(), alone.toarray() / scale, rtol=1e-5)


def test_a_part_with_a_rule_of_its_own_is_refused(plays):
    parts = [{"name": "item_knn", "values": "raw"}]
    with pytest.raises(UsageError, match="read the values as it does"):
        models.create("blend", parts=parts).fit(plays)


@pytest.mark.parametrize("shares", [[1], [1, -1], [1, 2, 3]])
def test_shares_must_fit_the_parts(plays, shares):
    with pytest.raises(UsageError, match="shares must be 2 numbers"):
        models.create("blend", shares=shares).fit(plays)
