"""The gate, case by case."""

import json

import numpy as np
import pytest

from gamerec import gate
from gamerec.errors import UsageError


def values(mean: float, n: int = 2_000, spread: float = 0.1, seed: int = 0) -> np.ndarray:
    """n per-user values with exactly this mean."""
    noise = np.random.default_rng(seed).normal(0, spread, n)
    return mean + noise - noise.mean()


def test_the_first_version_above_popularity_goes_live_however_few_the_users():
    verdict = gate.decide(values(0.30, n=80, spread=0.4), values(0.27, n=80, spread=0.4, seed=1))
    assert verdict.promote
    assert not verdict.leads[0].clear  # 80 users cannot tell 0.03 from chance, and need not
    assert "within chance" in verdict.reason
    assert "no production version" in verdict.reason


@pytest.mark.parametrize("candidate", [0.27, 0.2699, 0.1])
def test_not_above_popularity_is_refused(candidate):
    popularity = values(0.27, n=80)
    verdict = gate.decide(popularity + candidate - 0.27, popularity)
    assert not verdict.promote
    assert verdict.reason.startswith("not better than popularity; ndcg@10 is")


def test_popularity_itself_is_refused():
    popularity = values(0.27, n=80)
    assert not gate.decide(popularity, popularity).promote


def test_popularity_counts_even_where_production_is_beaten():
    verdict = gate.decide(values(0.25), values(0.27), production=values(0.20))
    assert not verdict.promote
    assert "not better than popularity" in verdict.reason


def test_better_than_production_is_promoted():
    verdict = gate.decide(values(0.35), values(0.2), production=values(0.30, seed=1))
    assert verdict.promote
    assert verdict.leads[1].clear
    assert verdict.leads[1].difference == pytest.approx(0.05)


def test_equal_to_production_is_promoted():
    assert gate.decide(values(0.3), values(0.2), production=values(0.3)).promote


def test_worse_within_the_tolerance_is_promoted_even_where_it_is_clear():
    verdict = gate.decide(values(0.295), values(0.2), production=values(0.30), tolerance=0.02)
    assert verdict.leads[1].clear and verdict.leads[1].difference < 0
    assert verdict.promote


def test_worse_beyond_the_tolerance_and_chance_is_refused():
    verdict = gate.decide(values(0.28), values(0.2), production=values(0.30), tolerance=0.02)
    assert not verdict.promote
    assert "worse than production beyond the tolerance of 2.0%" in verdict.reason


def test_worse_beyond_the_tolerance_but_within_chance_is_promoted():
    few = {"n": 60, "spread": 0.4}
    verdict = gate.decide(
        values(0.28, **few), values(0.2, **few), production=values(0.30, **few, seed=1)
    )
    assert verdict.leads[1].difference < -0.02 * 0.30
    assert verdict.promote


def test_pairing_sees_a_small_loss_that_separate_intervals_would_not():
    # users differ by 0.4, the two models on each user by 0.02 everywhere
    production = values(0.30, n=60, spread=0.4)
    assert not gate.decide(production - 0.02, values(0.2, n=60), production=production).promote


def test_the_tolerance_is_a_share_of_production():
    loss = {"candidate": values(0.27), "popularity": values(0.2), "production": values(0.30)}
    assert gate.decide(**loss, tolerance=0.11).promote
    assert not gate.decide(**loss, tolerance=0.09).promote


def test_no_users_is_refused_with_the_reason():
    none = np.empty(0)
    verdict = gate.decide(none, none, production=none)
    assert not verdict.promote
    assert "no user has test games" in verdict.reason
    assert verdict.candidate is None


def test_other_users_and_a_negative_tolerance_are_refused_as_input():
    with pytest.raises(UsageError, match="same users"):
        gate.decide(values(0.3, n=10), values(0.2, n=11))
    with pytest.raises(UsageError, match="tolerance"):
        gate.decide(values(0.3), values(0.2), tolerance=-0.1)


def test_the_verdict_is_json_and_the_same_each_time():
    arguments = (values(0.3), values(0.2), values(0.31))
    plain = gate.decide(*arguments, metric="ndcg@20").to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == gate.decide(
        *arguments, metric="ndcg@20"
    ).to_dict() | {"leads": plain["leads"]}
    assert plain["verdict"] == "refuse"
    assert [lead["over"] for lead in plain["leads"]] == ["popularity", "production"]
    assert plain["metric"] == "ndcg@20" and plain["n_users"] == 2_000
