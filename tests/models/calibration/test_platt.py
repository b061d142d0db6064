import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from features.errors import GateError
from models.calibration.platt import (
    LEVEL_WEIGHT,
    SLOPE_WEIGHT,
    Calibration,
    Platt,
    fit_by_product_line,
    fit_near_identity,
    fit_platt,
    fit_shift,
    update_calibration,
)


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


LINES = np.array(["gas", "power"], dtype=object)


def two_lines(seed: int, few: int = 4_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gas is as the scores say; of ``few`` power customers more leave, and steeper."""
    rng = np.random.default_rng(seed)
    product_line = np.repeat(LINES, [8_000, few])
    raw = rng.normal(-2, 1, len(product_line))
    power = product_line == "power"
    odds = np.where(power, 0.7 + 1.3 * (raw + 2) - 2, raw)
    return raw, product_line, (rng.random(len(raw)) < expit(odds)).astype(np.int8)


def penalised(z: np.ndarray, y: np.ndarray, level: float, slope: float) -> np.ndarray:
    """An oracle that knows nothing of Newton: a general minimiser of the written formula."""
    p = expit(z)
    centre = np.average(z, weights=p * (1 - p))

    def loss(at: np.ndarray) -> float:
        odds = z + at[0] + at[1] * (z - centre)
        fit = np.logaddexp(0, odds) - y * odds
        return fit.sum() + level * at[0] ** 2 / 2 + slope * at[1] ** 2 / 2

    at = minimize(loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-9}).x
    return np.array([at[0] - at[1] * centre, 1 + at[1]])


def test_one_row_by_hand() -> None:
    # 0.5 − p(s) is the pull of a leaver at z = 0, 20 · s that of the ridge: s = (1 − p(s)) / 20.
    found = fit_near_identity(np.array([0.0]), np.array([1], dtype=np.int8), LEVEL_WEIGHT)
    assert found.slope == 1.0
    assert found.intercept == pytest.approx((1 - expit(found.intercept)) / 20)
    assert found.intercept == pytest.approx(0.0246914, abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_a_product_line_equals_the_written_formula(seed: int) -> None:
    raw, product_line, y = two_lines(seed, few=300)
    found = fit_by_product_line(raw, product_line, y)
    assert found.common == fit_platt(raw, y).common
    z = found.common.intercept + found.common.slope * raw
    for name in LINES:
        here = product_line == name
        intercept, slope = penalised(z[here], y[here], LEVEL_WEIGHT, SLOPE_WEIGHT)
        line = found.product_lines[name]
        assert line.slope == pytest.approx(slope * found.slope, abs=1e-5)
        assert line.intercept == pytest.approx(intercept + slope * found.intercept, abs=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_each_product_line_gets_its_own_level_and_slope(seed: int) -> None:
    raw, product_line, y = two_lines(seed)
    found, power = fit_by_product_line(raw, product_line, y), product_line == "power"
    for here in (power, ~power):
        p = found.apply(raw, product_line)
        assert p[here].mean() == pytest.approx(y[here].mean(), rel=0.03)
        assert abs(found.apply(raw)[here].mean() / y[here].mean() - 1) > 0.1
    assert found.product_lines["power"].slope > 1.15
    assert found.product_lines["gas"].slope < 1.05


@pytest.mark.parametrize("few", [0, 1, 5, 40, 400, 4_000])
def test_the_fewer_leavers_the_nearer_to_the_common_line(few: int) -> None:
    raw = np.tile(np.linspace(-4, 0, 40), max(few // 40, 1) + 1)[: max(few, 1)]
    y = np.ones(len(raw), dtype=np.int8) * (np.arange(len(raw)) < few)
    line = fit_near_identity(raw, y.astype(np.int8), LEVEL_WEIGHT)
    centre = np.average(raw, weights=expit(raw) * (1 - expit(raw)))
    moved = line.intercept + line.slope * centre - centre
    assert abs(moved) <= max(few, 1) / LEVEL_WEIGHT
    if few <= 1:
        assert abs(moved) < 0.05
        assert line.slope == pytest.approx(1.0, abs=0.05)
    assert np.isfinite([line.slope, line.intercept]).all()
    assert line.slope > 0


def test_scores_upside_down_in_one_product_line_only_move_its_level() -> None:
    raw = np.repeat([-3.0, 3.0], 5_000)
    y = np.repeat([1, 0], 5_000).astype(np.int8)
    found = fit_near_identity(raw, y, LEVEL_WEIGHT)
    assert found.slope == 1.0


@given(seed=st.integers(0, 50))
@settings(max_examples=10)
def test_the_order_of_the_rows_and_of_the_product_lines_changes_nothing(seed: int) -> None:
    raw, product_line, y = two_lines(seed, few=500)
    order = np.random.default_rng(seed).permutation(len(y))
    one = fit_by_product_line(raw, product_line, y)
    two = fit_by_product_line(raw[order], product_line[order], y[order])
    np.testing.assert_allclose(one.apply(raw, product_line), two.apply(raw, product_line), 1e-9)
    assert fit_by_product_line(raw, product_line, y) == one


def test_ranks_never_change_within_a_product_line() -> None:
    # What isotonic regression would do: it ties neighbours.
    raw, product_line, y = two_lines(1)
    p = fit_by_product_line(raw, product_line, y).apply(raw, product_line)
    for name in LINES:
        here = product_line == name
        assert len(np.unique(p[here])) == len(np.unique(raw[here]))
        assert (np.diff(p[here][np.argsort(raw[here])]) > 0).all()


def test_null_and_unknown_product_lines_take_the_common_line() -> None:
    found = Calibration(1.0, 0.5, {"gas": Platt(2.0, 0.0)})
    lines = np.array(["gas", "water", None, np.nan], dtype=object)
    assert found.log_odds(np.ones(4), lines).tolist() == [2.0, 1.5, 1.5, 1.5]
    raw, product_line, y = two_lines(1, few=300)
    product_line[:50] = None
    assert set(fit_by_product_line(raw, product_line, y).product_lines) == set(LINES)


@pytest.mark.parametrize("seed", range(3))
def test_following_moves_all_levels_by_what_has_drifted(seed: int) -> None:
    raw, product_line, y = two_lines(seed)
    parent = fit_by_product_line(raw, product_line, y)
    kept = (y == 0) | (np.random.default_rng(seed).random(len(y)) < 0.6)
    new = update_calibration(parent, raw[kept], product_line[kept], y[kept])
    for line in (lambda c: c.common, lambda c: c.product_lines["gas"]):
        assert line(new).intercept - line(parent).intercept == pytest.approx(-0.51, abs=0.15)
        assert line(new).slope == pytest.approx(line(parent).slope, rel=0.1)
    gas_only = product_line == "gas"
    rest = update_calibration(parent, raw[gas_only], product_line[gas_only], y[gas_only])
    assert set(rest.product_lines) == set(LINES)


def test_following_needs_both_classes() -> None:
    with pytest.raises(GateError, match="same label"):
        update_calibration(
            Calibration(), np.zeros(3), np.full(3, "gas", object), np.ones(3, dtype=np.int8)
        )


def test_a_line_fitted_on_sampled_stayers_fits_all_once_it_is_shifted() -> None:
    raw, product_line, y = two_lines(9, few=8_000)
    keep = 0.25
    kept = (y == 1) | (np.random.default_rng(2).random(len(y)) < keep)
    sampled = fit_by_product_line(raw[kept], product_line[kept], y[kept])
    found = sampled.shifted(math.log(keep)).apply(raw, product_line)
    for name in LINES:
        here = product_line == name
        # How many of 6,700 stayers are kept varies by 2 %, and so does the level.
        assert found[here].mean() == pytest.approx(y[here].mean(), rel=0.06)
        assert sampled.apply(raw, product_line)[here].mean() > 1.5 * y[here].mean()
