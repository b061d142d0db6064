"""Value of calling by effect in money, by hand."""

from dataclasses import replace

import numpy as np
import pytest

from models.causal.policy_value import evaluate_uplift, first, money_made, robust_effects
from models.causal.uplift import UpliftData, UpliftFit, UpliftModel
from models.metrics.profit import Economics

ECONOMICS = Economics(0, 1, contact_cost=1, offer_cost=0, saved_share=0.5)
EFFECT = np.array([0.2, 0.2, 0.2, 0.0, 0.0, 0.0])
LEAVING = np.full(6, 0.2)


def six() -> tuple[UpliftData, UpliftFit]:
    """Half were drawn for contact. Three are kept by it, the other three are at higher risk."""
    trial = UpliftData(
        customer_id=np.array([*"abcdef"], dtype=object),
        product_line=np.array(["insurance"] * 6, dtype=object),
        assigned_on=np.repeat(np.datetime64("2024-01-01"), 6),
        x=np.zeros((6, 1), dtype=np.float32, order="F"),
        names=("f",),
        categories=(),
        p=np.array([0.1, 0.1, 0.1, 0.4, 0.4, 0.4]),
        value=np.full(6, 100.0),
        treat=np.array([True, False, True, True, False, False]),
        left=np.array([False, True, True, False, True, False]),
        share=np.full(6, 0.5),
        offers=np.full(6, True),
    )
    return trial, UpliftFit(UpliftModel(None, 0.5, 0.0, 1.0, {}), LEAVING, EFFECT)


def test_effects_once_more_from_what_came() -> None:
    """Of the first three 0.3 leave alone and 0.1 contacted, of the others 0.2 either way.

    The first, treated, stayed: 0.2 + 0.1/0.5. The second, held out, left: 0.2 + 0.7/0.5.
    """
    found = robust_effects(six()[0], LEAVING, EFFECT)
    np.testing.assert_allclose(found, [0.4, 1.6, -1.6, 0.4, 1.6, -0.4])


def test_policy_value_by_hand() -> None:
    """A contact brings 100 times the effect less 1: 39, 159, -161 and 39, 159, -41.

    Half are called: by effect the first three, as the others are not worth it, and by risk the
    last three, 0.4·0.5·100 − 1 each.
    """
    found = evaluate_uplift(*six(), ECONOMICS, depth=0.5)
    assert found.by_effect.value == pytest.approx(37 / 6)
    assert found.by_risk.value == pytest.approx(157 / 6)
    assert found.gain.value == pytest.approx(-20)
    assert found.gain.low < -20 < found.gain.high
    assert found.used
    assert not found.accepted
    trial, fit = six()
    alone = replace(fit, model=replace(fit.model, weight=0.0))
    assert not evaluate_uplift(trial, alone, ECONOMICS, depth=0.5).used
    assert [expected for expected, _ in found.groups] == [0, pytest.approx(0.1), 0.2, 0.2]
    assert found.groups[0][1].value == pytest.approx((0.4 + 1.6) / 2)


def test_calibration_is_what_came_over_what_was_expected() -> None:
    """Of ±0.1 claimed times the arm: (0.2 + 0.8 + 0.8)·0.1 of 3·0.1²; the others claim nothing."""
    found = evaluate_uplift(*six(), ECONOMICS, depth=0.5).calibration
    assert found.value == pytest.approx((0.02 + 0.08 - 0.08) / 0.03)
    assert found.low < found.value < found.high


def test_who_only_taught_is_not_judged() -> None:
    trial, fit = six()
    fit.effect[:2] = np.nan
    found = evaluate_uplift(trial, fit, ECONOMICS, depth=0.5)
    EFFECT[:2] = 0.2
    assert found.customers == 4


def test_the_order_of_the_rows_changes_nothing() -> None:
    trial, fit = six()
    moved = np.array([3, 1, 5, 0, 4, 2])
    parts = {
        name: getattr(trial, name)[moved] if isinstance(getattr(trial, name), np.ndarray) else value
        for name, value in ((name, getattr(trial, name)) for name in UpliftData.__slots__)
    }
    again = UpliftFit(fit.model, fit.leaving[moved], fit.effect[moved])
    first_found = evaluate_uplift(trial, fit, ECONOMICS, depth=0.4)
    second = evaluate_uplift(UpliftData(**parts), again, ECONOMICS, depth=0.4)
    assert second.gain.value == pytest.approx(first_found.gain.value)
    assert second.groups[1][1].value == pytest.approx(first_found.groups[1][1].value)


def test_an_offer_is_paid_by_what_was_expected_and_not_by_one_outcome() -> None:
    """Kept by 0.1: 0.1·(100 − 20) − 1; measured at −0.4 it is −0.4·80 − 1, the same straight on.

    Woken by 0.1 there is no offer: −0.1·100 − 1, and at 0.5 still 0.5·100 − 1.
    """
    economics = Economics(0, 1, contact_cost=1, offer_cost=20, saved_share=0.5)
    trial = six()[0].take(np.arange(6) < 3)
    found = money_made(trial, np.array([0.1, 0.1, -0.1]), np.array([0.1, -0.4, 0.5]), economics)
    np.testing.assert_allclose(found, [7, -33, 49])


def test_equal_scores_are_called_by_id_and_none_that_does_not_pay() -> None:
    ids = np.array([*"cabd"], dtype=object)
    assert first(np.array([1.0, 1.0, 1.0, 2.0]), 0.5, ids).tolist() == [False, True, False, True]
    assert first(np.array([1.0, -1.0, 0.0, -2.0]), 1.0, ids).tolist() == [True, False, False, False]
