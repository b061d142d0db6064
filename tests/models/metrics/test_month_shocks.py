"""Months that swing: the tilt by hand, and intervals that cover what swings of months move."""

import numpy as np
import pytest
from scipy.special import expit, logit

from models.metrics.bootstrap import Interval, MonthShocks, Rows, bootstrap
from models.metrics.observed_expected import observed_expected_by, outcome
from models.metrics.scorecard import scorecard

DAYS = np.array(["2024-01-01", "2024-01-31", "2024-03-01", "2024-06-01"], dtype="datetime64[D]")


def company(
    seed: int, swing: float, customers: int = 2_000
) -> tuple[np.ndarray, np.ndarray, np.ndarray, MonthShocks]:
    """y, p, ids and shocks of three months whose windows of 90 days overlap; p is right."""
    rng, months = np.random.default_rng(seed), 3
    thirds = rng.normal(0, swing * np.sqrt(3), months + 2)
    moved = np.convolve(thirds, np.full(3, 1 / 3), "valid").repeat(customers)
    p = np.tile(rng.beta(2, 18, customers), months)
    y = (rng.random(len(p)) < expit(logit(p) + moved)).astype(np.int8)
    as_of = (DAYS[0] + 30 * np.arange(months)).repeat(customers)
    return y, p, np.arange(len(p)).astype(str).astype(object), MonthShocks(as_of, y, 0.15, 90)


def widths(y, p, ids, shocks) -> dict[str, float]:
    card = scorecard(Rows(ids, y, 50, shocks), p) | {
        "ratio": outcome("", Rows(ids, y, shocks=shocks), p).ratio
    }
    return {name: each.high - each.low for name, each in card.items()}


def test_shocks_of_two_dates_correlate_by_the_share_of_their_windows():
    """Of 90 days, windows 30 days apart share 60, those 60 days apart 30, others none."""
    shocks = MonthShocks(DAYS, np.ones(4, dtype=np.int8), 0.3, 90)
    drawn = np.log(shocks.odds(20_000, np.random.default_rng(0)))
    assert drawn.std(axis=0) == pytest.approx([0.3] * 4, rel=0.03)
    expected = [[1, 2 / 3, 1 / 3, 0], [2 / 3, 1, 2 / 3, 0], [1 / 3, 2 / 3, 1, 0], [0, 0, 0, 1]]
    assert np.corrcoef(drawn.T) == pytest.approx(np.array(expected), abs=0.03)


def test_the_tilt_moves_the_log_odds_of_each_date_by_its_shock():
    """One of four left in January, one of two in February: odds 1/3 and 1, doubled and halved."""
    y = np.array([1, 0, 0, 0, 1, 0], dtype=np.int8)
    shocks = MonthShocks(DAYS[[0, 0, 0, 0, 1, 1]], y, 0.15, 90)
    weights = np.ones((1, 6))
    shocks.tilt(weights, np.array([[2.0, 0.5]]))
    left, stayed = weights[0] * y, weights[0] * (1 - y)
    assert left[:4].sum() / stayed[:4].sum() == pytest.approx(2 / 3)
    assert left[4:].sum() / stayed[4:].sum() == pytest.approx(1 / 2)


def test_without_a_swing_all_intervals_are_those_of_customers_alone():
    y, p, ids, shocks = company(0, 0.0)
    still = MonthShocks(shocks.as_of, y, 0.0, 90)
    assert scorecard(Rows(ids, y, 50, still), p) == scorecard(Rows(ids, y, 50), p)
    assert outcome("all", Rows(ids, y, shocks=still), p) == outcome("all", Rows(ids, y), p)


def test_a_greater_swing_gives_wider_intervals_of_the_level_and_hardly_of_the_ranking():
    y, p, ids, shocks = company(0, 0.0)
    before = widths(y, p, ids, MonthShocks(shocks.as_of, y, 0.0, 90))
    for swing in (0.1, 0.2, 0.4):
        now = widths(y, p, ids, MonthShocks(shocks.as_of, y, swing, 90))
        for name in ("calibration_intercept", "log_loss", "brier", "ratio"):
            assert now[name] > before[name], (swing, name)
        assert now["auc"] < 1.3 * before["auc"]
        before = now | {"auc": before["auc"]}


def test_the_order_of_rows_does_not_matter():
    y, p, ids, shocks = company(0, 0.15, 200)
    order = np.random.default_rng(3).permutation(len(y))
    plain = scorecard(Rows(ids, y, 20, shocks), p)
    mixed = scorecard(Rows(ids[order], y[order], 20, shocks.take(order)), p[order])
    for name, each in plain.items():
        found = (mixed[name].value, mixed[name].low, mixed[name].high)
        assert found == pytest.approx((each.value, each.low, each.high)), name


def share_that_covers(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([each.low <= truth <= each.high for each in intervals]))


def test_intervals_cover_under_a_swing_where_those_of_customers_alone_do_not():
    """80 companies: by customers alone 0.6 and less, with the shocks 0.95 but for chance."""
    ratio, ratio_alone, rate, rate_alone = [], [], [], []
    for seed in range(80):
        y, p, ids, shocks = company(seed, 0.15, 1_000)
        ratio.append(outcome("", Rows(ids, y, shocks=shocks), p).ratio)
        ratio_alone.append(outcome("", Rows(ids, y), p).ratio)

        def gap(weights, y=y, p=p):
            return weights @ (y - p) / weights.sum(axis=1)

        rate.append(bootstrap(gap, Rows(ids, y, 60, shocks)))
        rate_alone.append(bootstrap(gap, Rows(ids, y, 60)))
    assert share_that_covers(ratio_alone, 1) < 0.7
    assert share_that_covers(rate_alone, 0) < 0.7
    assert 0.9 <= share_that_covers(ratio, 1) <= 0.99
    assert 0.88 <= share_that_covers(rate, 0) <= 0.99


def test_each_group_has_the_shocks_of_its_own_rows():
    y, p, ids, shocks = company(0, 0.15, 500)
    groups = np.where(np.arange(len(y)) % 3, "power", "gas").astype(object)
    for found in observed_expected_by(groups, Rows(ids, y, shocks=shocks), p):
        here = groups == found.name
        rows = Rows(ids[here], y[here], shocks=shocks.take(here))
        assert found == outcome(found.name, rows, p[here])


def test_nobody_left_in_months_that_swing():
    """No event: Garwood's upper end 3.689, times the odds of a month in forty."""
    y, days = np.zeros(100, dtype=np.int8), np.full(100, DAYS[0])
    p, ids = np.full(100, 0.01), np.arange(100).astype(str).astype(object)
    ratio = outcome("", Rows(ids, y, shocks=MonthShocks(days, y, 0.15, 90)), p).ratio
    assert (ratio.value, ratio.low) == (0, 0)
    assert ratio.high == pytest.approx(3.68888 * np.exp(1.96 * 0.15 * 0.99), rel=1e-4)
