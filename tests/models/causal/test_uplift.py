"""Who responds: an effect that is told from the churn model's errors, and weighed by its proof."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from models.causal import uplift
from models.causal.policy_value import evaluate_uplift
from models.causal.uplift import (
    UpliftData,
    UpliftModel,
    blend,
    fit_uplift,
    woken_shares,
)
from models.dataset.array_types import Floats
from models.metrics.logistic import logit
from models.metrics.profit import Economics, expected_value

ECONOMICS = Economics(0, 1, contact_cost=30, offer_cost=300, saved_share=0.3)
ROWS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30)


def simulated(customers: int, seed: int = 0, told: float = 1.0) -> tuple[UpliftData, Floats]:
    """Persuadables and sleeping dogs, told apart by one column; risk says nothing of them."""
    rng = np.random.default_rng(seed)
    kind = rng.choice([-0.9, 0.0, 0.8], customers, p=[0.4, 0.4, 0.2])
    x = np.asfortranarray(rng.normal(size=(customers, 4)), dtype=np.float32)
    x[:, 1] = np.where(rng.random(customers) < told, kind, rng.permutation(kind))
    risk = logit(np.clip(rng.beta(2, 8, customers), 0.01, 0.9))
    alone, contacted = expit(risk), expit(risk + kind)
    return drawn(rng, x, alone, contacted, alone, treated=0.7), alone - contacted


def drawn(rng, x, alone, contacted, p, treated) -> UpliftData:
    """A trial of all rows on three days, by the lot and by chance."""
    count = len(p)
    treat = rng.random(count) < treated
    left = rng.random(count) < np.where(treat, contacted, alone)
    ids = np.array([f"{n:06d}" for n in range(count)], dtype=object)
    days = np.datetime64("2024-01-01") + rng.integers(0, 3, count)
    names = tuple(f"f{n}" for n in range(x.shape[1]))
    share, value = np.full(count, treated), np.full(count, 4_000.0)
    line = np.full(count, "", dtype=object)
    return UpliftData(ids, line, days, x, names, (), p, value, treat, left, share, treat | True)


def effects_of(model: UpliftModel, trial: UpliftData) -> Floats:
    return replace(model, ranges={"": (0.0, 1.0)}).effect(trial.x, trial.p, trial.product_line, 1)


@pytest.fixture(scope="module")
def big():
    trial, truth = simulated(12_000)
    return trial, truth, fit_uplift(trial, ECONOMICS, threads=1)


def test_the_types_are_found_and_calling_by_effect_is_accepted(big) -> None:
    trial, truth, fit = big
    judged = np.isfinite(fit.effect)
    assert judged.mean() == pytest.approx(0.75, abs=0.01)
    assert np.corrcoef(fit.effect[judged], truth[judged])[0, 1] > 0.75
    assert np.corrcoef(effects_of(fit.model, trial), truth)[0, 1] > 0.85
    found = evaluate_uplift(trial, fit, ECONOMICS, depth=0.3)
    assert found.accepted
    assert found.used
    assert found.by_effect.value > found.by_risk.value
    assert found.calibration.low < 1 < found.calibration.high
    assert all(came.low < expected < came.high for expected, came in found.groups)


def test_without_a_difference_between_customers_the_rule_stays() -> None:
    """A column that says nothing; luck alone would let it in one of 40 companies."""
    weights = [
        fit_uplift(simulated(3_000, seed, told=0.0)[0], ECONOMICS, threads=1).model.weight
        for seed in range(6)
    ]
    assert sum(weight > 0 for weight in weights) <= 1


def test_an_error_of_the_churn_model_is_no_effect() -> None:
    """0.5 log-odds low in 40 %, and contact does nothing: both arms leave there more often.

    What the customers have of their own is taken at its full weight, which no blend would give it.
    """
    rng = np.random.default_rng(8)
    x = np.asfortranarray(rng.normal(size=(12_000, 3)), dtype=np.float32)
    there = x[:, 0] > 0.25
    alone = expit(-1.7 + 0.8 * x[:, 1])
    trial = drawn(rng, x, alone, alone, expit(logit(alone) - 0.5 * there), treated=0.8)
    fit = fit_uplift(trial, ECONOMICS, threads=1)
    effect = effects_of(replace(fit.model, saved=0.0, weight=1.0), trial)
    assert abs(effect[there].mean()) < 0.01
    assert fit.model.weight == 0
    assert 0 < fit.model.saved < 0.15


def test_the_same_rows_give_the_same_bytes(big, monkeypatch) -> None:
    monkeypatch.setattr(uplift, "_ROUNDS", 10)
    trial = big[0].take(np.arange(12_000) < 1_000)
    texts = [
        fit_uplift(trial, ECONOMICS, threads).model.booster.model_to_string() for threads in (1, 2)
    ]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_best_linear_predictor_finds_planted_weights(weight: float) -> None:
    """Half of what was assumed, and all or nothing of what each is said to have of their own.

    The rule is drawn to 1 by its prior: by less than 0.03 here.
    """
    rng = np.random.default_rng(4)
    rule, own = 0.05 + 0.1 * rng.random(60_000), 0.1 * rng.normal(size=60_000)
    lot = (rng.random(60_000) < 0.8) - 0.8
    kept = lot * (0.5 * rule + weight * own) + rng.normal(0, 0.3, 60_000)
    scale, found = blend(kept, lot, rule, own)
    assert scale == pytest.approx(0.5, abs=0.1)
    assert found == pytest.approx(weight, abs=0.1)
    moved = rng.permutation(60_000)
    again = blend(kept[moved], lot[moved], rule[moved], own[moved])
    assert again == pytest.approx((scale, found), abs=1e-9)


def test_a_rule_that_stands_alone_has_the_weight_of_one_that_stood_alone() -> None:
    """What is like the rule and says no more shares its weight, until it is left out."""
    rng = np.random.default_rng(6)
    rule = 0.1 * rng.random(20_000)
    own, lot = rule + rng.normal(0, 0.02, 20_000), (rng.random(20_000) < 0.5) - 0.5
    kept = 0.5 * lot * rule + rng.normal(0, 0.1, 20_000)
    scale, weight = blend(kept, lot, rule, own)
    assert weight == 0
    assert scale == pytest.approx(blend(kept, lot, rule, np.zeros(20_000))[0], abs=0.005)


def test_without_a_proof_the_rule_is_as_it_was_assumed() -> None:
    rng = np.random.default_rng(4)
    rule, own, lot = np.full(40, 0.03), rng.normal(size=40), np.tile([0.5, -0.5], 20)
    scale, weight = blend(rng.normal(size=40), lot, rule, own)
    assert scale == pytest.approx(1, abs=0.1)
    assert weight == 0
    assert blend(np.zeros(40), lot, rule, -rule)[1] == 0


def test_it_tells_of_the_risks_that_both_arms_had_and_of_no_other_line() -> None:
    """Treated have 0.1 to 0.4 and held out 0.2 to 0.5, less a hundredth of each at either end."""
    trial, _ = simulated(202)
    treat = np.arange(202) < 101
    p = np.concatenate([np.linspace(0.1, 0.4, 101), np.linspace(0.2, 0.5, 101)])
    line = np.where(np.arange(202) % 101 < 10, "telephony", "insurance").astype(object)
    model = fit_uplift(replace(trial, p=p, treat=treat, product_line=line), ECONOMICS, 1).model
    assert [*model.ranges] == ["insurance"]
    asked = np.array([0.2, 0.24, 0.39, 0.41, 0.3])
    lines = np.array(["insurance"] * 4 + ["telephony"], dtype=object)
    effect = model.effect(trial.take(np.arange(202) < 5).x, asked, lines, 1)
    assert np.isnan(effect).tolist() == [True, False, False, True, True]


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
