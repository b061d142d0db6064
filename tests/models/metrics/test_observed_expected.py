"""Predicted against observed, with intervals that a planted change leaves and chance does not."""

import numpy as np
import pytest

from models.metrics.bootstrap import Rows
from models.metrics.observed_expected import observed_expected_by, outcome, tenths

IDS = np.array([f"c{i}" for i in range(20_000)], dtype=object)


def test_an_outcome_by_hand():
    """3 leavers of 1.5 expected; the exact Poisson interval of 3 is 0.6187 to 8.7673."""
    p = np.full(30, 0.05)
    y = np.zeros(30, dtype=np.int8)
    y[:3] = 1
    found = outcome("all", Rows(IDS[:30], y), p)
    assert (found.rows, found.observed, found.rate) == (30, 3, 0.1)
    assert found.expected == pytest.approx(1.5)
    assert found.ratio.value == pytest.approx(2.0)
    assert (found.ratio.low, found.ratio.high) == pytest.approx(
        (0.61867 / 1.5, 8.76727 / 1.5), rel=1e-4
    )


def test_nobody_left_is_no_proof_of_no_risk():
    found = outcome("all", Rows(IDS[:100], np.zeros(100, dtype=np.int8)), np.full(100, 0.01))
    assert (found.ratio.value, found.ratio.low) == (0, 0)
    assert found.ratio.high == pytest.approx(3.68888)


@pytest.mark.parametrize("seed", range(6))
def test_intervals_cover_the_truth_and_leave_a_planted_level(seed):
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 15, 20_000)
    same = outcome("all", Rows(IDS, (rng.random(20_000) < p).astype(np.int8)), p)
    assert same.ratio.low < 1.02
    assert same.ratio.high > 0.98
    more = outcome("all", Rows(IDS, (rng.random(20_000) < 1.5 * p).astype(np.int8)), p)
    assert more.ratio.low > 1.3


def test_a_customer_in_three_publications_counts_about_once():
    rng = np.random.default_rng(1)
    p = rng.beta(1, 15, 5_000)
    y = (rng.random(5_000) < p).astype(np.int8)
    once = outcome("all", Rows(IDS[:5_000], y), p).ratio
    thrice = outcome("all", Rows(np.tile(IDS[:5_000], 3), np.tile(y, 3)), np.tile(p, 3)).ratio
    assert thrice.value == pytest.approx(once.value)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), rel=0.02)


def test_groups_sum_to_the_whole():
    rng = np.random.default_rng(2)
    p = rng.beta(1, 15, 3_000)
    y = (rng.random(3_000) < p).astype(np.int8)
    lines = np.array(["power", "broadband", "phone"], dtype=object)[rng.integers(0, 3, 3_000)]
    found = observed_expected_by(lines, Rows(IDS[:3_000], y), p)
    assert [each.name for each in found] == ["broadband", "phone", "power"]
    assert sum(each.rows for each in found) == 3_000
    assert sum(each.observed for each in found) == y.sum()
    assert sum(each.expected for each in found) == pytest.approx(p.sum())


def test_tenths_are_within_each_publication():
    p = np.array([0.9, 0.1, 0.5, 0.5, *np.linspace(0, 0.01, 20)])
    publication = np.array([0] * 4 + [1] * 20)
    found = tenths(p, publication)
    assert found[:4].tolist() == ["01", "08", "03", "06"]
    assert [str(t) for t in found[4:]] == [f"{10 - i // 2:02d}" for i in range(20)]
