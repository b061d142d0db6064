"""Profit of a list: by hand, against brute force, and against the library empulse."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from empulse.metrics import mpc_score
from hypothesis import given
from hypothesis import strategies as st

from models.metrics.bootstrap import Interval, Rows
from models.metrics.profit import (
    Contacts,
    Economics,
    customer_value,
    expected_value,
    profit_at_depth,
    profit_curve,
    profit_gain,
    uplift_value,
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


def test_an_offer_that_stayers_take_is_not_free() -> None:
    # 98 as above, less 0.8·0.5·300
    given = replace(WAKING, offer_taken_by_stayers=0.5)
    assert expected_value(np.array([0.2]), CLV, given)[0] == pytest.approx(98 - 120)
    # r·V − (r + s·ψ)·d − f with s = 0.8; unless told, everybody may take it
    told, untold = (uplift_value(np.array([0.06]), CLV, given, *s)[0] for s in ((0.8,), ()))
    assert (told, untold) == pytest.approx((300 - 18 - 120 - 30, 300 - 18 - 150 - 30))
    assert uplift_value(np.array([0.06]), CLV, PLAIN)[0] == pytest.approx(300 - 18 - 30)


def test_a_contact_without_an_offer_gives_nothing_away() -> None:
    # 0.2·0.3·5000 − 30 − 0.8·0.0385·5000, and r·V − f
    given, makes_none = replace(WAKING, offer_taken_by_stayers=0.5), np.array([False])
    found = expected_value(np.array([0.2]), CLV, given, offers=makes_none)
    assert found[0] == pytest.approx(300 - 30 - 154)
    own = uplift_value(np.array([0.06]), CLV, given, 0.8, makes_none)
    assert own[0] == pytest.approx(300 - 30)


def test_who_may_end_otherwise_is_neither_saved_nor_woken_then() -> None:
    # 90 % of 98 + 30, and the contact is paid all the same
    found = expected_value(np.array([0.2]), CLV, WAKING, remains=np.array([0.9]))
    assert found[0] == pytest.approx(0.9 * 128 - 30)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 2_000))
def test_a_contact_is_worth_less_the_more_it_gives_away(p, taken, more, offer) -> None:
    one, other = (
        replace(WAKING, offer_cost=offer, offer_taken_by_stayers=share)
        for share in sorted((taken, more))
    )
    risk = np.array([p])
    assert expected_value(risk, CLV, one) >= expected_value(risk, CLV, other) - 1e-9


def test_value_by_hand_takes_the_own_margin_where_it_is_known() -> None:
    margin = np.array([2_000.0, np.nan, 300.0])
    # 5 years; to win another costs 4 or 10 times 30 + 300, and that is the least
    assert customer_value(margin, PLAIN, 4) == pytest.approx([10_000, 5_000, 1_500])
    assert customer_value(margin, PLAIN, 10) == pytest.approx([10_000, 5_000, 3_300])


def test_later_years_and_years_after_leaving_count_less() -> None:
    # a fifth leaves a year, money costs 8 %: (1 − exp(−5·(0.0770 + 0.2231)))/(0.0770 + 0.2231)
    economics = replace(PLAIN, discount_rate=0.08)
    found = customer_value(np.array([1_000.0]), economics, 0, -np.log(0.8))
    assert found[0] == pytest.approx(2589.05, abs=0.01)
    # the same by adding up days
    days = np.arange(5 * 365) + 0.5
    assert found[0] == pytest.approx((1_000 / 365 * (0.8 / 1.08) ** (days / 365)).sum(), rel=1e-5)


@given(st.floats(0, 100), st.floats(0, 0.5), st.floats(0.1, 40))
def test_nobody_is_worth_more_than_all_years_nor_less_than_another(hazard, rate, years) -> None:
    economics = replace(PLAIN, discount_rate=rate, years=years)
    value = customer_value(np.array([1_000.0]), economics, 4, hazard)[0]
    assert 1_320 <= value <= max(1_000 * years * (1 + 1e-6), 1_320)


def contacts(
    value: np.ndarray, economics: Economics, calls: float = 1e9, night: np.ndarray | None = None
) -> Contacts:
    days = np.zeros(len(value), dtype=int) if night is None else night
    as_of = np.datetime64("2024-01-01") + days
    woken = np.full(len(value), economics.woken_share)
    return Contacts(as_of, value, woken, economics, 4, calls)


def test_curve_by_hand() -> None:
    # equal values: contacted are the leaver at 0.5 (+1380), then a tie of a leaver and a stayer
    y = np.array([0, 1, 1, 0], dtype=np.int8)
    p = np.array([0.1, 0.2, 0.5, 0.2])
    curve = profit_curve(y, p, contacts(np.full(4, 5_000.0), PLAIN))
    assert curve.share.tolist() == [0, 0.25, 0.75, 1]
    assert curve.realised == pytest.approx([0, 345, 345 + 337.5, 682.5 - 7.5])


def test_nobody_is_called_who_does_not_pay() -> None:
    y, ids = np.zeros(6, dtype=np.int8), np.arange(6).astype(str).astype(object)
    found = profit_at_depth(Rows(ids, y, 50), np.full(6, 0.01), contacts(np.full(6, 5e3), PLAIN))
    assert found == (Interval(0, 0, 0), Interval(0, 0, 0))


def test_each_night_has_the_team_s_own_depth_by_hand() -> None:
    # night 0: the 0.5 is called first and left (+1380); of the tied 0.2 the other call is half of a
    # leaver's 1380 and half of a stayer's −30. Night 1: nobody but the 0.4 pays, and it stayed.
    y = np.array([0, 1, 1, 0, 0, 1], dtype=np.int8)
    p = np.array([0.1, 0.2, 0.5, 0.2, 0.4, 0.01])
    night, ids = np.array([0, 0, 0, 0, 1, 1]), np.arange(6).astype(str).astype(object)
    profit, share = profit_at_depth(Rows(ids, y, 0), p, contacts(np.full(6, 5e3), PLAIN, 2, night))
    assert profit.value == pytest.approx((1380 + (1380 - 30) / 2 - 30) / 6)
    assert share.value == pytest.approx(3 / 6)


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
    curve = profit_curve(y.astype(np.int8), p, contacts(value.astype(float), WAKING))
    sizes = np.arange(len(people) + 1) / len(people)
    found = np.interp(sizes, curve.share, curve.realised)
    assert found == pytest.approx(np.mean(sums, axis=0) / len(people))


def drawn(n: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(1, 8, n), 2)
    y = (rng.random(n) < p).astype(np.int8)
    return y, p, rng.lognormal(8, 0.6, n), np.arange(n).astype(str).astype(object)


@pytest.mark.parametrize(("gamma", "d"), [(0.3, 300.0), (0.5, 0.0), (0.1, 1_000.0)])
def test_equals_empulse_at_its_best_size_where_every_stayer_takes_the_offer(
    gamma: float, d: float
) -> None:
    y, p, _, _ = drawn()
    economics = Economics(0, 1, 30, d, gamma, offer_taken_by_stayers=1)
    curve = profit_curve(y, p, contacts(np.full(len(y), 5_000.0), economics))
    expected = mpc_score(y, p, accept_rate=gamma, clv=5_000, incentive_cost=d, contact_cost=30)
    assert curve.realised.max() == pytest.approx(expected)


def test_individual_values_by_brute_force_on_repeated_customers() -> None:
    y, p, value, _ = drawn(400)
    ids = np.repeat(np.arange(200), 2).astype(str).astype(object)
    profit, share = profit_at_depth(Rows(ids, y, 400), p, contacts(value, WAKING, calls=30))
    promised = p * 0.3 * (value - 300) - 30 - (1 - p) * 0.0385 * value
    gain = y * 0.3 * (value - 300) - 30 - (1 - y) * 0.0385 * value
    order = np.argsort(-promised)
    assert (promised > 0).sum() > 30
    assert profit.value == pytest.approx(gain[order][:30].sum() / 400)
    assert share.value == pytest.approx(30 / 400)
    rng, sums = np.random.default_rng(5), []
    for _ in range(400):
        times = rng.poisson(1, 200).repeat(2)[order]
        calls = np.minimum(times.cumsum(), 30 * times.sum() / 400)
        sums.append((np.diff(calls, prepend=0) * gain[order]).sum() / times.sum())
    width = np.quantile(sums, 0.975) - np.quantile(sums, 0.025)
    assert profit.high - profit.low == pytest.approx(width, rel=0.25)
    assert profit.low <= profit.value <= profit.high


def test_row_order_does_not_matter() -> None:
    y, p, value, ids = drawn()
    other = np.random.default_rng(1).permutation(len(y))
    plain = profit_at_depth(Rows(ids, y, 50), p, contacts(value, WAKING, 40))
    mixed = profit_at_depth(
        Rows(ids[other], y[other], 50), p[other], contacts(value[other], WAKING, 40)
    )
    for one, two in zip(plain, mixed, strict=True):
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))


def test_the_gain_of_one_list_over_another_is_paired() -> None:
    rng = np.random.default_rng(4)
    risk = rng.uniform(0, 0.2, 3_000)
    y = (rng.random(3_000) < risk).astype(np.int8)
    value = rng.uniform(2_000, 9_000, 3_000)
    ids = np.array([f"{i:04d}" for i in range(3_000)], dtype=object)
    noisy = np.clip(risk + rng.normal(scale=0.1, size=3_000), 0.001, 1)
    lists = contacts(value, WAKING, calls=300)
    found = profit_gain(Rows(ids, y), risk, noisy, lists)
    alone = [profit_at_depth(Rows(ids, y), p, lists)[0] for p in (risk, noisy)]
    assert found.value == pytest.approx(alone[0].value - alone[1].value)
    assert 0 < found.low < found.value < found.high
    same = profit_gain(Rows(ids, y), risk, risk, lists)
    assert (same.value, same.low, same.high) == (0, 0, 0)
