"""Who responds: Qini by hand, and a model of the effect that must win to be used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.causal.qini import qini, qini_curve, qini_gain
from models.causal.uplift import (
    UpliftData,
    evaluate_uplift,
    fit_uplift,
    unseen_effects,
    woken_shares,
)
from models.dataset.array_types import Floats
from models.metrics.logistic import logit
from models.metrics.profit import Economics, expected_value

_TREAT = np.array([True, False, True, False])
_LEFT = np.array([False, True, True, False])
ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30)


def test_qini_by_hand_with_a_tie() -> None:
    """Two tie, then a treated leaver, then a held-out stayer.

    After 2: 1·1/1 − 0 = 1 kept; after 3: 1·2/1 − 1 = 1; after 4: 1·2/2 − 1 = 0. Per customer
    0.25, 0.25, 0; the area is 0.0625 + 0.0625 + 0.03125 and the line to the end is flat.
    """
    found = qini_curve(_LEFT, _TREAT, np.array([3.0, 3.0, 2.0, 1.0]))
    np.testing.assert_allclose(found.share, [0, 0.5, 0.75, 1])
    np.testing.assert_allclose(found.gain, [0, 0.25, 0.25, 0])
    assert found.coefficient == pytest.approx(0.15625)


def test_qini_does_not_depend_on_the_order_within_a_tie() -> None:
    score = np.array([3.0, 3.0, 2.0, 1.0])
    swapped = [1, 0, 2, 3]
    first = qini_curve(_LEFT, _TREAT, score)
    second = qini_curve(_LEFT[swapped], _TREAT[swapped], score[swapped])
    np.testing.assert_array_equal(first.gain, second.gain)


def test_one_score_for_all_says_nothing() -> None:
    assert qini_curve(_LEFT, _TREAT, np.zeros(4)).coefficient == pytest.approx(0)


def test_curve_matches_a_slow_count_at_every_step() -> None:
    rng = np.random.default_rng(2)
    treat, left = rng.random(300) < 0.7, rng.random(300) < 0.3
    score = rng.integers(0, 40, 300).astype(float)
    found = qini_curve(left, treat, score)
    for place, limit in enumerate(np.unique(score)[::-1], start=1):
        first = score >= limit
        nt, nc = (first & treat).sum(), (first & ~treat).sum()
        lost = (first & ~treat & left).sum() * (nt / nc if nc else 0)
        assert found.gain[place] == pytest.approx((lost - (first & treat & left).sum()) / 300)


def simulated(customers: int, seed: int = 0, told: float = 1.0) -> tuple[UpliftData, Floats]:
    """Persuadables and sleeping dogs, told apart by one column; risk says nothing of them."""
    rng = np.random.default_rng(seed)
    kind = rng.choice([-0.9, 0.0, 0.8], customers, p=[0.4, 0.4, 0.2])
    x = np.asfortranarray(rng.normal(size=(customers, 4)), dtype=np.float32)
    x[:, 1] = np.where(rng.random(customers) < told, kind, rng.permutation(kind))
    risk = logit(np.clip(rng.beta(2, 8, customers), 0.01, 0.9))
    treat = rng.random(customers) < 0.8
    p0, p1 = (1 / (1 + np.exp(-(risk + change))) for change in (0.0, kind))
    left = rng.random(customers) < np.where(treat, p1, p0)
    ids = np.array([f"{n:06d}" for n in range(customers)], dtype=object)
    p = 1 / (1 + np.exp(-risk))
    return UpliftData(ids, x, ("a", "kind", "b", "c"), (), p, treat, left), p0 - p1


@pytest.fixture(scope="module")
def big() -> tuple[UpliftData, Floats]:
    return simulated(12_000)


def test_the_types_are_found_and_the_ranking_by_effect_wins(big) -> None:
    trial, truth = big
    effects = unseen_effects(trial, threads=1)
    assert np.corrcoef(effects, truth)[0, 1] > 0.8
    found = evaluate_uplift(trial, effects, replicates=60)
    assert found.accepted
    assert found.by_effect.value > found.by_risk.value
    best = qini_curve(trial.left, trial.treat, truth).coefficient
    assert 0.7 * best < found.by_effect.value < 1.1 * best


def test_qini_is_right_about_the_truth(big) -> None:
    """Against the sum of true effects of the first customers, which no arm or luck enters."""
    trial, truth = big
    score = np.round(truth, 2)
    found = qini_curve(trial.left, trial.treat, score)
    order = np.argsort(-score, kind="stable")
    treated = np.cumsum(truth[order] * 0.8) / len(truth)
    at = np.searchsorted(np.arange(1, len(truth) + 1) / len(truth), found.share[1:], side="left")
    assert np.abs(found.gain[1:] - treated[np.minimum(at, len(truth) - 1)]).max() < 0.01


def test_without_a_difference_between_customers_risk_stays() -> None:
    """A column that says nothing must not win; luck alone would let it in one of 40 companies."""
    accepted = []
    for seed in range(6):
        trial, _ = simulated(3_000, seed, told=0.0)
        effects = unseen_effects(trial, threads=1)
        accepted.append(evaluate_uplift(trial, effects, replicates=60).accepted)
    assert sum(accepted) <= 1


def test_the_same_rows_give_the_same_bytes(big) -> None:
    trial = big[0].take(np.arange(12_000) < 2_000)
    texts = [fit_uplift(trial, threads).booster.model_to_string() for threads in (1, 2, 1)]
    assert texts[0] == texts[1] == texts[2]


def test_a_ranking_against_itself_gains_exactly_nothing(big) -> None:
    trial = big[0].take(np.arange(12_000) < 1_000)
    same = qini_gain(trial.left, trial.treat, trial.p, trial.p, trial.customer_id, 20)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_the_interval_of_a_useless_ranking_holds_zero() -> None:
    trial, _ = simulated(4_000, 5)
    noise = np.random.default_rng(1).random(4_000)
    found = qini(trial.left, trial.treat, noise, trial.customer_id, 100)
    assert found.low < 0 < found.high


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
