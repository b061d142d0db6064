import numpy as np
import pytest
from scipy.stats import norm

from models.metrics.bootstrap import mean_interval

VALUES = np.random.default_rng(0).normal(size=60)


def test_single_rows_give_the_standard_error_of_a_mean() -> None:
    found = mean_interval(VALUES, np.arange(60).astype(str), alpha=0.01)
    half = norm.isf(0.005) * VALUES.std() / np.sqrt(60)
    assert found.value == pytest.approx(VALUES.mean())
    assert (found.high - found.value, found.value - found.low) == pytest.approx((half, half))


def test_a_customer_s_equal_rows_count_as_one() -> None:
    ids = np.arange(60).astype(str)
    once, thrice = mean_interval(VALUES, ids), mean_interval(np.repeat(VALUES, 3), ids.repeat(3))
    assert (thrice.low, thrice.high) == (pytest.approx(once.low), pytest.approx(once.high))
