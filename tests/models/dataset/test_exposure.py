"""Weights of rows under treatment, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dataset.exposure import MOST_WEIGHT, NEVER, Exposure, whole_times

END = 104


def exposure(rows, hazard=()):
    """Rows of (days to the end, to a treatment, to the day spared); spared ones stand for 10."""
    ended, treated, spared = (
        np.array([NEVER if day is None else day for day in days])
        for days in zip(*rows, strict=True)
    )
    stands_for = np.where(spared < NEVER, 10.0, 1.0)
    steps = np.tile(np.array(hazard, dtype=np.float32), (len(rows), 1))
    return Exposure(ended, treated, np.ones(len(rows), dtype=bool), spared, stands_for, steps)


def test_what_counts_is_the_first_treatment_or_lot_before_the_rows_own_end():
    rows = {
        (None, None, None): 1,
        (None, 50, None): 0,
        (None, 104, None): 1,
        (60, 50, None): 0,
        (50, 50, None): 1,
        (50, 60, None): 1,
        (None, None, 50): 10,
        (None, None, 104): 1,
        (50, None, 49): 10,
        (50, None, 50): 1,
        (None, 60, 50): 0,
        (-3, None, 0): 1,
    }
    seen = exposure(list(rows))
    assert seen.weights(END).tolist() == list(rows.values())
    assert seen.weights(50).tolist() == [1, 1, 1, 1, 1, 1, 1, 1, 10, 1, 1, 1]
    assert seen.take(np.array([6, 8])).weights(END).tolist() == [10, 10]
    assert Exposure.untreated(seen.ended_after).weights(END).tolist() == [1] * 12


def test_a_hazard_without_a_lot_counts_until_the_rows_own_end():
    seen = exposure([(None, None, None), (45, None, None), (10, None, None)], hazard=(0.3, 0.9))
    expected = np.exp([0.9, 0.3 + 0.5 * 0.6, 0.1])
    np.testing.assert_allclose(seen.weights(END), expected, rtol=1e-6)
    np.testing.assert_allclose(seen.weights(30), np.exp([0.3, 0.3, 0.1]), rtol=1e-6)
    assert exposure([(None, None, 5)], hazard=(3.0,)).weights(END).tolist() == [MOST_WEIGHT]


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(0, 2)), min_size=1, max_size=50))
def test_whole_times_keep_the_weight_of_every_group(rows):
    weight, group = (np.array(each) for each in zip(*rows, strict=True))
    times = whole_times(weight, group)
    assert (np.abs(times - weight) < 1).all()
    for each in np.unique(group):
        here = group == each
        assert times[here].sum() == pytest.approx(weight[here].sum(), abs=1.001)
    assert whole_times(np.ones(len(rows)), group).tolist() == [1] * len(rows)
