"""One value of a contact wherever it is asked for, and the measured in place of the assumed."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.causal.contact_value import SavedShare, contacts_with, measured_share, pooled
from models.metrics.profit import Economics

ECONOMICS = Economics(1_000, 5, 30, 300, 0.3, woken_share=0.04, discount_rate=0.08)


def cohort(days: list[str], lines: list[str], asleep: list[bool]) -> pd.DataFrame:
    as_of = pd.to_datetime(pd.Series(days))
    return pd.DataFrame({"as_of": as_of, "product_line": lines, "margin": np.nan, "asleep": asleep})


def test_a_customer_stays_as_long_as_their_product_line_on_that_date() -> None:
    days, lines = ["2024-01-01"] * 3 + ["2024-02-01"], ["gas", "gas", "power", "gas"]
    p = np.array([0.9, 0.1, 0.1, 0.1])
    low, _ = contacts_with(cohort(days, lines, [False] * 4), p, ECONOMICS, 365, 10)
    # half of gas leaves a year in January: (1 − exp(−5·(0.0770 + 0.6931)))/(0.0770 + 0.6931)
    assert low.value[:2] == pytest.approx([1320, 1320], abs=1)
    assert low.value[2] == low.value[3] == pytest.approx(3280.4, abs=0.5)
    high = contacts_with(cohort(days, lines, [False] * 4), p, ECONOMICS, 365, 10)[1]
    assert (high.multiple, *high.value) == (10, 3300, 3300, 3300, 3300)


def test_the_sleepers_of_each_night_bear_what_contact_wakes_on_it() -> None:
    days = ["2024-01-01"] * 2 + ["2024-02-01"] * 2
    low, _ = contacts_with(
        cohort(days, ["gas"] * 4, [True, False, False, False]), np.full(4, 0.1), ECONOMICS, 90, 10
    )
    assert low.woken == pytest.approx([0.08, 0, 0.04, 0.04])


def test_a_row_is_worth_the_same_among_others_of_other_dates() -> None:
    rng = np.random.default_rng(2)
    days, lines = ["2024-01-01", "2024-02-01"] * 100, list(rng.choice(["a", "b"], 200))
    frame = cohort(days, lines, list(rng.random(200) < 0.4))
    frame["margin"] = rng.choice([500.0, 2_500.0, np.nan], 200)
    p = rng.uniform(0, 0.3, 200)
    whole = contacts_with(frame, p, ECONOMICS, 90, 10)[0].worth(p)
    night = frame["as_of"].eq("2024-02-01").to_numpy()
    alone = contacts_with(frame[night], p[night], ECONOMICS, 90, 10)[0].worth(p[night])
    np.testing.assert_allclose(whole[night], alone)


def test_the_measured_share_by_hand_and_by_drawn_trials() -> None:
    # of 1,000 held out 100 left; of 4,000 treated 2 points fewer: a fifth of the leavers
    share, error = measured_share(-0.02, 4_000, 1_000, 100, woken=0.0)
    assert share == pytest.approx(0.2)
    # woken stayers hide saved leavers: 0.01·0.9/0.1 more
    assert measured_share(-0.02, 4_000, 1_000, 100, woken=0.01)[0] == pytest.approx(0.29)
    # letters of which four count as a call: a call does four times as much, as surely
    letters = measured_share(-0.02, 4_000, 1_000, 100, woken=0.0, channel_reach=0.25)
    assert letters == pytest.approx((4 * share, 4 * error))
    rng = np.random.default_rng(77)
    held, treated = rng.binomial(1_000, 0.1, 20_000), rng.binomial(4_000, 0.08, 20_000)
    shares = 1 - (treated / 4_000) / (held / 1_000)
    assert error == pytest.approx(shares.std(), rel=0.05)


def test_nothing_is_measured_until_somebody_held_out_has_left() -> None:
    for trial in ((0, 50, 5), (50, 0, 0), (50, 50, 0)):
        assert measured_share(0.0, *trial, woken=0.0) is None
    assert pooled(0.3, [], None, 1.0) == SavedShare(0.3)
    assert SavedShare(0.3).used == 0.3


def test_trials_are_pooled_by_their_precision() -> None:
    """Half the error counts four times; two alike are as one of twice the customers."""
    found = pooled(0.3, [(0.1, 0.1), (0.35, 0.2)], None, 0.5)
    assert found.measured == pytest.approx((4 * 0.1 + 0.35) / 5)
    assert found.error == pytest.approx(0.1 * math.sqrt(4 / 5))
    assert found.reach == 0.5
    once = pooled(0.3, [measured_share(-0.02, 8_000, 2_000, 200, woken=0.0)], None, 1.0)
    twice = pooled(0.3, [measured_share(-0.02, 4_000, 1_000, 100, woken=0.0)] * 2, None, 1.0)
    assert (once.measured, once.error) == pytest.approx((twice.measured, twice.error), rel=0.01)


@given(st.floats(0.01, 1), st.floats(-1, 2), st.floats(0.001, 10))
def test_what_is_used_lies_between_both_and_nearer_to_the_surer(assumed, measured, error) -> None:
    used = SavedShare(assumed, measured, error).used
    low, high = sorted((assumed, min(max(measured, 0), 1)))
    assert low - 1e-9 <= used <= high + 1e-9
    if 0 <= measured <= 1:
        nearer = abs(used - measured) <= abs(used - assumed)
        assert nearer == (error <= assumed / 2) or used == pytest.approx((assumed + measured) / 2)
    more = SavedShare(assumed, measured, 2 * error).used
    assert abs(more - assumed) <= abs(used - assumed) + 1e-9
