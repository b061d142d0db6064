"""Profit of a list: by hand, against brute force, and against the library empulse."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from empulse.metrics import mpc_score
from hypothesis import given
from hypothesis import strategies as st

from models.metrics.profit import (
    Economics,
    customer_value,
    expected_value,
    maximum_profit,
    profit_curve,
    profit_gain,
)

PLAIN = Economics(margin_per_year=1_000, years=5, contact_cost=30, offer_cost=300, saved_share=0.3)
WAKING = replace(PLAIN, woken_share=0.0385)
CLV = np.array([5_000.0])


@pytest.mark.parametrize(("economics", "risk"), [(PLAIN, 0.0213), (WAKING, 0.1388)])
def test_break_even_risks_of_the_design(economics: Economics, risk: float) -> None:
    below, above = (expected_value(np.array([risk + by]), CLV, economics) for by in (-5e-5, 5e-5))
    assert below[0] < 0 < above[0]


def test_the_waking_share_is_what_the_field_experiment_found() -> None:
    # 6.4 % of the others left and 10.0 % of the encouraged: of 93.6 stayers 3.6 were woken
    assert pytest.approx(WAKING.woken_share, abs=5e-5) == 3.6 / 93.6


def test_expected_value_by_hand() -> None:
    # 0.2·0.3·(5000 − 300) − 30 − 0.8·0.0385·5000 = 282 − 30 − 154
    assert expected_value(np.array([0.2]), CLV, WAKING)[0] == pytest.approx(98)


def test_no_risk_is_enough_for_a_customer_worth_less_than_the_contact() -> None:
    value = np.array([100.0, 300.0, 399.0, 401.0])
    assert (expected_value(np.ones(4), value, PLAIN)[:3] < 0).all()
    risk = np.array([30 / (0.3 * 101)])
    assert expected_value(risk, value, PLAIN)[3] == pytest.approx(0)


def test_value_by_hand_takes_the_own_margin_where_it_is_known() -> None:
    margin = np.array([2_000.0, np.nan])
    # 5 years, and 4 or 10 times 30 + 300 to win another
    assert customer_value(margin, PLAIN, 4).tolist() == [11_320, 6_320]
    assert customer_value(margin, PLAIN, 10).tolist() == [13_300, 8_300]


def test_the_value_and_the_profit_of_a_contact_rise_with_the_multiple() -> None:
    margin = np.linspace(0, 5_000, 11)
    low, high = (customer_value(margin, WAKING, multiple) for multiple in (4, 10))
    assert (high > low).all()
    risk = np.array([0.2])
    assert (expected_value(risk, high, WAKING) > expected_value(risk, low, WAKING)).all()


def test_curve_by_hand() -> None:
    # equal values: contacted are the leaver at 0.5 (+1380), then a tie of a leaver and a stayer
    y = np.array([0, 1, 1, 0], dtype=np.int8)
    p = np.array([0.1, 0.2, 0.5, 0.2])
    curve = profit_curve(y, p, np.full(4, 5_000.0), PLAIN)
    assert curve.share.tolist() == [0, 0.25, 0.75, 1]
    assert curve.realised == pytest.approx([0, 345, 345 + 337.5, 682.5 - 7.5])
    assert curve.expected == pytest.approx([0, 168.75, 168.75 + 126, 294.75 + 27.75])


def test_nothing_pays_when_nobody_leaves() -> None:
    y, ids = np.zeros(6, dtype=np.int8), np.arange(6).astype(str).astype(object)
    best = maximum_profit(y, np.linspace(0.1, 0.6, 6), np.full(6, 5e3), PLAIN, ids, 50)
    assert (best.profit.value, best.share.value) == (0, 0)
    assert (best.profit.high, best.share.high) == (0, 0)


rows = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from([0.02, 0.1, 0.4]), st.sampled_from([900, 5_000])),
    min_size=1,
    max_size=6,
)


@given(rows)
def test_the_curve_is_the_average_over_all_orders_of_the_ties(
    people: list[tuple[int, float, int]],
) -> None:
    def worth(row: tuple[int, float, int], p: float) -> float:
        value = row[2]
        return p * 0.3 * (value - 300) - 30 - (1 - p) * 0.0385 * value

    sums = []
    for order in itertools.permutations(people):
        ranked = sorted(order, key=lambda row: -worth(row, row[1]))
        sums.append([0, *itertools.accumulate(worth(row, row[0]) for row in ranked)])
    y, p, value = (np.array(part) for part in zip(*people, strict=True))
    curve = profit_curve(y.astype(np.int8), p, value.astype(float), WAKING)
    sizes = np.arange(len(people) + 1) / len(people)
    found = np.interp(sizes, curve.share, curve.realised)
    assert found == pytest.approx(np.mean(sums, axis=0) / len(people))


def drawn(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 8, n), 2)
    y = (rng.random(n) < p).astype(np.int8)
    return y, p, rng.lognormal(8, 0.6, n), np.arange(n).astype(str).astype(object)


@pytest.mark.parametrize(("gamma", "d"), [(0.3, 300.0), (0.5, 0.0), (0.1, 1_000.0)])
def test_equals_empulse_where_its_stayers_cost_the_same(gamma: float, d: float) -> None:
    # There every contacted stayer takes the offer; here they cost ω·V, which is as much at ω = d/V.
    y, p, _, ids = drawn()
    economics = Economics(0, 1, 30, d, gamma, d / 5_000)
    best = maximum_profit(y, p, np.full(len(y), 5_000.0), economics, ids, 0)
    expected = mpc_score(y, p, accept_rate=gamma, clv=5_000, incentive_cost=d, contact_cost=30)
    assert best.profit.value == pytest.approx(expected)


def test_individual_values_by_brute_force_on_repeated_customers() -> None:
    y, p, value, _ = drawn(400)
    ids = np.repeat(np.arange(200), 2).astype(str).astype(object)
    best = maximum_profit(y, p, value, WAKING, ids, replicates=400)
    promised = p * 0.3 * (value - 300) - 30 - (1 - p) * 0.0385 * value
    gain = y * 0.3 * (value - 300) - 30 - (1 - y) * 0.0385 * value
    order = np.argsort(-promised)
    sums = np.cumsum(gain[order]) / 400
    assert best.profit.value == pytest.approx(max(sums.max(), 0))
    assert best.share.value == pytest.approx((sums.argmax() + 1) / 400)
    rng, maxima = np.random.default_rng(5), []
    for _ in range(400):
        times = rng.poisson(1, 200).repeat(2)[order]
        maxima.append(max((np.cumsum(gain[order] * times) / times.sum()).max(), 0))
    width = np.quantile(maxima, 0.975) - np.quantile(maxima, 0.025)
    assert best.profit.high - best.profit.low == pytest.approx(width, rel=0.25)
    assert best.profit.low <= best.profit.value <= best.profit.high


def test_row_order_does_not_matter() -> None:
    y, p, value, ids = drawn()
    other = np.random.default_rng(1).permutation(len(y))
    plain = maximum_profit(y, p, value, WAKING, ids, 50)
    mixed = maximum_profit(y[other], p[other], value[other], WAKING, ids[other], 50)
    for one, two in ((plain.profit, mixed.profit), (plain.share, mixed.share)):
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))


def test_a_constant_score_is_worth_no_more_than_everybody_or_nobody() -> None:
    y, _, _, ids = drawn()
    best = maximum_profit(y, np.full(len(y), 0.1), np.full(len(y), 5e3), PLAIN, ids, 0)
    everybody = y.mean() * 0.3 * 4_700 - 30
    assert best.profit.value == pytest.approx(max(everybody, 0))
    assert best.share.value in (0, 1)


def test_the_gain_of_one_list_over_another_is_paired() -> None:
    rng = np.random.default_rng(4)
    risk = rng.uniform(0, 0.2, 3_000)
    y = (rng.random(3_000) < risk).astype(np.int8)
    value = rng.uniform(2_000, 9_000, 3_000)
    ids = np.array([f"{i:04d}" for i in range(3_000)], dtype=object)
    noisy = np.clip(risk + rng.normal(scale=0.1, size=3_000), 0.001, 1)
    found = profit_gain(y, risk, noisy, value, WAKING, ids)
    alone = [maximum_profit(y, p, value, WAKING, ids).profit for p in (risk, noisy)]
    assert found.value == pytest.approx(alone[0].value - alone[1].value)
    assert 0 < found.low < found.value < found.high
    same = profit_gain(y, risk, risk, value, WAKING, ids)
    assert (same.value, same.low, same.high) == (0, 0, 0)
