"""Who is woken: as many as the experiment's share in all, and the sleepers first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.causal.sleeping_dogs import woken_shares
from models.metrics.profit import Economics, expected_value

ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30)


@given(ROWS, st.floats(0, 1))
def test_as_many_are_woken_in_all_as_by_one_share_for_everybody(rows, share):
    p, asleep = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    woken = woken_shares(p, asleep, share)
    assert ((woken >= 0) & (woken <= 1 + 1e-12)).all()
    assert (woken * (1 - p)).sum() == pytest.approx(share * (1 - p).sum(), abs=1e-9)
    if asleep.any() and not asleep.all():
        assert woken[asleep].min() >= woken[~asleep].max() - 1e-9


def test_the_sleepers_bear_it_and_the_others_only_what_is_over():
    """Sleepers are 1.6 of 2 stayers: 4 % of the two is 5 % of them; of 0.01 of 2 it is all."""
    p = np.array([0.2, 0.2, 0.6])
    np.testing.assert_allclose(
        woken_shares(p, np.array([True, True, False]), 0.04), [0.05, 0.05, 0]
    )
    few = woken_shares(np.array([0.99, 0.0, 0.01]), np.array([True, False, False]), 0.04)
    np.testing.assert_allclose(few, [1.0, 0.07 / 1.99, 0.07 / 1.99])


@pytest.mark.parametrize("everybody", [True, False])
def test_where_all_or_nobody_sleeps_it_is_the_same_for_everybody(everybody):
    asleep = np.full(3, everybody)
    np.testing.assert_array_equal(woken_shares(np.array([0.1, 0.5, 1.0]), asleep, 0.04), 0.04)


def test_a_sleeper_is_worth_calling_at_a_higher_risk_only():
    economics = Economics(0, 1, 30, 300, 0.3, woken_share=0.04)
    p = np.repeat([0.1, 0.6], 2)
    asleep = np.array([True, False, True, False])
    worth = expected_value(
        p, np.full(4, 5000.0), economics, woken_shares(p, asleep, economics.woken_share)
    )
    assert worth[0] < 0 < worth[2] < worth[3]
    assert worth[1] == pytest.approx(0.1 * 0.3 * 4700 - 30)
