"""The interval for all looks together: by hand, scaled, looked at often, and its power."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.metrics.sequential import sequential_power, sequential_z

NULL_LOOKS = 100


def brownian(seed: int, companies: int, step: float, drift: float = 0.0) -> np.ndarray:
    """Estimates of ``drift`` at each look, information a ``step`` more each time, (n, looks)."""
    rng = np.random.default_rng(seed)
    seen = np.cumsum(rng.normal(drift * step, math.sqrt(step), (companies, NULL_LOOKS)), axis=1)
    return np.asarray(seen / (step * np.arange(1, NULL_LOOKS + 1)))


def half_widths(step: float) -> np.ndarray:
    variances = 1 / (step * np.arange(1, NULL_LOOKS + 1))
    return np.array([sequential_z(v, 1.0) * math.sqrt(v) for v in variances])


def test_at_the_end_of_the_interval_the_mean_of_the_likelihood_ratios_is_two_over_alpha() -> None:
    variance, smallest = 0.2, 0.7
    end = sequential_z(variance, smallest) * math.sqrt(variance)
    ratios = [
        weight * math.exp(m * smallest * end / variance - (m * smallest) ** 2 / (2 * variance))
        for m, weight in ((0.9, 0.94), (0.4, 0.02), (0.15, 0.02), (2.0, 0.02))
    ]
    assert sum(ratios) == pytest.approx(2 / 0.05)


@given(st.floats(1e-8, 1e8), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_the_unit_of_the_estimate_does_not_matter(
    information: float, smallest: float, unit: float
) -> None:
    variance = smallest**2 / information
    z = sequential_z(variance, smallest)
    assert sequential_z(variance * unit**2, smallest * unit) == pytest.approx(z)
    assert z > 1.96


def test_the_interval_shrinks_as_information_grows() -> None:
    widths = half_widths(0.35)
    assert (np.diff(widths) < 0).all()
    assert sequential_z(1e-9, 1.0) * math.sqrt(1e-9) < 0.08


def test_no_information_says_nothing() -> None:
    assert sequential_z(0.0, 1.0) == sequential_z(math.inf, 1.0) == math.inf
    assert sequential_z(1.0, 0.0) == math.inf
    assert sequential_power(0.0) == 0.0


@pytest.mark.parametrize("step", [0.35, 1.4])
def test_a_hundred_looks_err_no_more_often_than_promised(step: float) -> None:
    """One side at 2.5 %; a fixed 1.96 errs in more than one of five."""
    looks = brownian(11, 4_000, step)
    assert 0.002 < (looks > half_widths(step)).any(axis=1).mean() < 0.025
    fixed = 1.96 / np.sqrt(step * np.arange(1, NULL_LOOKS + 1))
    assert (looks > fixed).any(axis=1).mean() > 0.12


def test_the_power_is_the_share_of_companies_that_have_seen_the_smallest_effect() -> None:
    """At 1.36 times the information of a single look, (1.96 + 0.84)² = 7.85."""
    needed = 1.36 * 7.85
    assert sequential_power(needed) == pytest.approx(0.8, abs=0.01)
    looks = brownian(12, 4_000, needed / NULL_LOOKS, drift=1.0)
    seen = (looks > half_widths(needed / NULL_LOOKS)).any(axis=1).mean()
    assert seen == pytest.approx(sequential_power(needed), abs=0.04)


def test_stricter_asks_for_more() -> None:
    assert sequential_power(10.0, 0.01) < sequential_power(10.0)
    assert sequential_z(0.1, 1.0, 0.01) > sequential_z(0.1, 1.0)
