"""The effect on those reached: its interval against brute force, and when it says nothing."""

import math

import numpy as np
import pytest

from models.causal.risk_difference import Strata, complier_effect, risk_difference


def trial(seed: int, customers: int, reach: float, effect: float):
    """Arms, outcomes, reach and strata of a small trial."""
    rng = np.random.default_rng(seed)
    treat, stratum = rng.random(customers) < 0.6, rng.integers(0, 3, customers)
    reached = rng.random(customers) < np.where(treat, reach, 0.1)
    left = rng.random(customers) < 0.4 + effect * reached
    return treat, left, reached, stratum.astype(str).astype(object)


def complier(treat, left, reached, stratum, z: float):
    outcomes = (left, reached, left & reached)
    return complier_effect(*(Strata.count(treat, each, stratum) for each in outcomes), z)


def distance(treat, left, reached, stratum, effect: float) -> float:
    """Squared standard errors between the arms without ``effect``, from every pair of a stratum."""
    rest = left - effect * reached
    difference = variance = weight = 0.0
    for name in set(stratum):
        ones, zeros = rest[treat & (stratum == name)], rest[~treat & (stratum == name)]
        n = len(ones) + len(zeros)
        weight += len(ones) * len(zeros) / n
        pairs = ones[:, None] - zeros[None, :]
        difference += pairs.sum() / n
        variance += (pairs**2).sum() / (2 * n)
    return float(difference**2 / variance)


@pytest.mark.parametrize(("seed", "reach"), [(1, 0.9), (2, 0.7), (3, 0.6)])
def test_the_interval_has_the_effects_that_the_arms_do_not_contradict(
    seed: int, reach: float
) -> None:
    parts = trial(seed, 150, reach, -0.2)
    found = complier(*parts, z=1.96)
    assert math.isfinite(found.low)
    for effect in np.linspace(-1.5, 1.5, 101):
        assert (found.low <= effect <= found.high) == (distance(*parts, effect) <= 1.96**2)
    assert distance(*parts, found.value) == pytest.approx(0.0, abs=1e-12)


def test_reach_that_does_not_differ_bounds_nothing() -> None:
    same = complier(*trial(4, 150, 0.1, -0.2), z=1.96)
    assert (same.low, same.high) == (-math.inf, math.inf)
    treat, left, _, stratum = trial(5, 150, 0.9, 0.0)
    assert math.isnan(complier(treat, left, np.zeros(150, bool), stratum, z=1.96).value)
    alone = complier(np.ones(150, bool), left, treat, stratum, z=1.96)
    apart = complier(treat, left, treat, np.where(treat, "a", "b").astype(object), z=1.96)
    assert math.isnan(alone.value)
    assert math.isnan(apart.value)


def test_it_leaves_out_0_exactly_when_the_difference_of_the_arms_does() -> None:
    for seed in range(40):
        treat, left, reached, stratum = trial(seed, 300, 0.8, -0.15)
        by_lot = risk_difference(Strata.count(treat, left, stratum))
        found = complier(treat, left, reached, stratum, z=1.959963984540054)
        assert (found.high < 0) == (by_lot.high < 0)


def test_everybody_reached_is_the_difference_itself() -> None:
    treat, left, _, stratum = trial(6, 400, 0.8, 0.0)
    found = complier(treat, left, treat, stratum, z=2.7)
    assert found.value == pytest.approx(
        risk_difference(Strata.count(treat, left, stratum), 2.7).value
    )
