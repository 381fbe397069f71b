"""Bootstrap intervals: coverage on known distributions, and against scipy's bootstrap."""

import numpy as np
import pytest
from scipy import stats

from gamerec import bootstrap
from gamerec.errors import UsageError


def covered(draw, truth: float, n: int, repeats: int = 400) -> float:
    """Share of repeats whose 95 % interval holds the true mean."""
    rng = np.random.default_rng(1)
    samples = np.column_stack([draw(rng, n) for _ in range(repeats)])  # (n, repeats)
    low, high = bootstrap.interval(bootstrap.resampled_means(samples, resamples=600, seed=2))
    return float(((low <= truth) & (truth <= high)).mean())


@pytest.mark.parametrize(
    ("draw", "truth"),
    [
        (lambda rng, n: rng.normal(0.3, 0.2, n), 0.3),
        (lambda rng, n: (rng.random(n) < 0.25).astype(float), 0.25),  # a hit rate
        (lambda rng, n: rng.beta(0.5, 2, n), 0.2),
    ],
)
def test_the_interval_holds_the_true_mean_in_95_percent(draw, truth):
    assert 0.92 <= covered(draw, truth, n=120) <= 0.98


def test_agrees_with_scipy():
    values = np.random.default_rng(5).beta(1, 3, 90)
    low, high = bootstrap.interval(bootstrap.resampled_means(values[:, None], 20_000, seed=1))
    theirs = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=3)
    assert [low[0], high[0]] == pytest.approx(list(theirs.confidence_interval), abs=2e-3)


def test_groups_of_many_users_keep_the_width():
    n = 20 * bootstrap.GROUPS + 7
    values = np.random.default_rng(0).exponential(1, n)
    means = bootstrap.resampled_means(values[:, None], 2_000, seed=4)[:, 0]
    assert means.std() == pytest.approx(values.std() / np.sqrt(n), rel=0.1)
    assert means.mean() == pytest.approx(values.mean(), abs=values.std() / np.sqrt(n))


def test_columns_are_resampled_together():
    values = np.random.default_rng(0).random((50, 1))
    means = bootstrap.resampled_means(np.hstack([values, values + 0.25]), 200)
    np.testing.assert_allclose(means[:, 1] - means[:, 0], 0.25)


def test_same_seed_same_interval_and_another_seed_another():
    values = np.random.default_rng(0).random((30, 2))
    first, again, other = (bootstrap.resampled_means(values, 50, seed) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_one_user_has_an_interval_of_no_width_and_none_has_none():
    low, high = bootstrap.interval(bootstrap.resampled_means(np.array([[0.4]]), 20))
    assert low == high == [0.4]
    assert np.isnan(bootstrap.resampled_means(np.empty((0, 3)), 20)).all()


def test_nan_is_refused():
    with pytest.raises(UsageError, match="without NaN"):
        bootstrap.resampled_means(np.array([[np.nan]]))
