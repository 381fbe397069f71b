"""Chances from scores: they recover what made the hits, and say nothing where nothing is known."""

import numpy as np
import pytest
from scipy import sparse

from gamerec import calibration, models
from gamerec.calibration import Calibration, Examples
from gamerec.errors import DataError
from gamerec.plots import evaluation as plots

TRUE = Calibration(
    intercept=-1.0,
    score=0.9,
    filled=-2.0,
    rank=-0.5,
    played=0.3,
    mean=0.0,
    spread=1.0,
    users=0,
    examples=0,
    hits=0,
)


def drawn(n=60_000, seed=1):
    """Places whose hits are drawn by the chances that TRUE tells."""
    rng = np.random.default_rng(seed)
    scores = np.where(rng.random(n) < 0.2, 0, np.exp(rng.normal(size=n))).astype(np.float32)
    ranks, played = rng.integers(1, 21, n), rng.integers(1, 50, n)
    hit = rng.random(n) < TRUE.chances(scores, ranks, played)
    return Examples(scores, ranks, played, hit, np.arange(n) // 20)


def test_chances_are_those_of_the_formula():
    scores = np.array([np.e, 0.0], np.float32)
    found = TRUE.chances(scores, np.array([1, 2]), 3)
    z = np.array([-1 + 0.9 + 0.3 * np.log(4), -1 - 2 - 0.5 * np.log(2) + 0.3 * np.log(4)])
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-z)), rtol=1e-6)


def test_what_made_the_hits_is_found_again():
    seen = drawn()
    learned = calibration.fit(seen)
    told = learned.chances(seen.scores, seen.ranks, seen.played)
    truth = TRUE.chances(seen.scores, seen.ranks, seen.played)
    assert np.abs(told - truth).max() < 0.05
    assert (learned.examples, learned.users) == (len(seen.hit), 3_000)


def test_the_curve_lies_on_the_diagonal_and_is_drawn():
    curve = calibration.curve(drawn())
    assert curve["examples"].sum() == 60_000
    assert ((curve["low"] <= curve["chance"]) & (curve["chance"] <= curve["high"])).sum() >= 8
    assert curve["chance"].is_monotonic_increasing
    assert plots.calibration(curve)._repr_png_()[0].startswith(b"\x89PNG")


def test_a_higher_score_never_has_the_lower_chance_however_the_hits_fell():
    seen = drawn(2_000)
    against = Examples(seen.scores, seen.ranks, seen.played, seen.ranks > 15, seen.user)
    learned = calibration.fit(against)
    assert learned.score >= 0 >= learned.rank
    scores = np.linspace(5, 0.01, 50, dtype=np.float32)
    assert (np.diff(learned.chances(scores, np.arange(1, 51), 4)) <= 0).all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_without_hits_or_misses_there_is_nothing_to_learn(share):
    seen = drawn(100)
    same = Examples(seen.scores, seen.ranks, seen.played, np.full(100, bool(share)), seen.user)
    assert calibration.fit(same) is None
    assert calibration.curve(same).empty


def test_examples_are_the_places_of_players_with_held_out_games():
    train = sparse.csr_matrix(np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0]], np.float32))
    held = sparse.csr_matrix(np.array([[0, 0, 1, 0], [0, 0, 0, 0], [0, 1, 0, 1]], np.float32))
    seen = calibration.examples(models.create("popularity").fit(train), train, held, k=2)
    # players 0 and 2 alone; popular: 1 (2 players), 0 (2), 2 (1), 3 (0)
    assert seen.user.tolist() == [0, 0, 1, 1]
    assert seen.ranks.tolist() == [1, 2, 1, 2]
    assert seen.played.tolist() == [2, 2, 1, 1]
    assert seen.hit.tolist() == [True, False, True, False]


def test_it_is_kept_with_a_versions_verdict():
    info = {"evaluation": {"verdict": {calibration.KEY: TRUE.to_dict()}}}
    assert calibration.of_version(info) == TRUE
    for nothing in ({}, {"evaluation": None}, {"evaluation": {"verdict": {calibration.KEY: None}}}):
        assert calibration.of_version(nothing) is None


@pytest.mark.parametrize(
    "change", [{"spread": 0}, {"score": "x"}, {"rank": float("nan")}, {"more": 1}]
)
def test_a_calibration_that_is_none_is_refused(change):
    with pytest.raises(DataError, match="calibration"):
        Calibration.from_dict(TRUE.to_dict() | change)
