import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from features.errors import GateError
from models.calibration import Calibration, fit_platt, fit_shift


def sample(slope: float, intercept: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    raw = rng.normal(-2, 1, n)
    return raw, (rng.random(n) < expit(intercept + slope * raw)).astype(np.int8)


def test_apply_by_hand() -> None:
    found = Calibration(slope=2.0, intercept=1.0).apply(np.array([0.0, -0.5]))
    assert found.tolist() == pytest.approx([1 / (1 + math.exp(-1)), 0.5])
    assert found.dtype == np.float64


def test_platt_equals_an_unpenalised_logistic_regression() -> None:
    raw, y = sample(0.6, -0.7)
    found = fit_platt(raw, y)
    oracle = LogisticRegression(C=np.inf, tol=1e-10).fit(raw[:, None], y)
    assert found.slope == pytest.approx(oracle.coef_[0, 0], abs=2e-3)
    assert found.intercept == pytest.approx(oracle.intercept_[0], abs=4e-3)


@given(scale=st.floats(1e-3, 1e3), shift=st.floats(-50, 50))
def test_platt_gives_the_same_probabilities_on_any_scale(scale: float, shift: float) -> None:
    raw, y = sample(1.0, 0.0, 500)
    plain = fit_platt(raw, y).apply(raw)
    moved = raw * scale + shift
    np.testing.assert_allclose(fit_platt(moved, y).apply(moved), plain, atol=1e-6)


def test_platt_stays_finite_on_separated_classes() -> None:
    raw = np.array([-2.0, -1.0, 1.0, 2.0])
    found = fit_platt(raw, np.array([0, 0, 1, 1], dtype=np.int8))
    assert 0 < found.slope < 10


@pytest.mark.parametrize("raw", [np.zeros(4), np.array([2.0, 1.0, -1.0, -2.0])])
def test_scores_that_do_not_rank_are_only_shifted(raw: np.ndarray) -> None:
    found = fit_platt(raw, np.array([0, 0, 1, 0], dtype=np.int8))
    assert found.slope == 1.0
    assert found.apply(raw).mean() == pytest.approx(0.25)


def test_shift_meets_the_observed_rate() -> None:
    raw, y = sample(1.0, 0.8)
    found = fit_shift(raw, y)
    assert found.slope == 1.0
    assert found.intercept == pytest.approx(0.8, abs=0.06)
    assert found.apply(raw).mean() == pytest.approx(y.mean(), abs=1e-12)


def test_shift_of_a_constant_by_hand() -> None:
    y = np.array([1, 0, 0, 0], dtype=np.int8)
    assert fit_shift(np.full(4, 30.0), y).intercept == pytest.approx(logit(0.25) - 30)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("fit", [fit_platt, fit_shift])
def test_one_class_is_refused(fit: object, label: int) -> None:
    with pytest.raises(GateError, match="All 3 calibration rows have the same label"):
        fit(np.array([0.0, 1.0, 2.0]), np.full(3, label, dtype=np.int8))
