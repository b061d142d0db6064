import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    roc_auc_score,
)

from features.errors import GateError
from models.metrics.bootstrap import MonthShocks, Rows
from models.metrics.scorecard import measure, scorecard


def scored(n: int = 4_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Half as many customers as rows; probabilities that are somewhat too bold."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-2, 1, n)
    y = (rng.random(n) < expit(0.7 * z - 0.4)).astype(np.int8)
    return y, np.round(expit(z), 3), np.repeat(np.arange(n // 2), 2).astype(str).astype(object)


def test_values_equal_sklearn() -> None:
    y, p, _ = scored()
    found = measure(y, p)
    line = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(p)[:, None], y)
    assert found["auc"] == pytest.approx(roc_auc_score(y, p))
    assert found["average_precision"] == pytest.approx(average_precision_score(y, p))
    assert found["log_loss"] == pytest.approx(log_loss(y, p))
    assert found["brier"] == pytest.approx(brier_score_loss(y, p))
    assert found["calibration_slope"] == pytest.approx(line.coef_[0, 0], abs=1e-4)


def test_intercept_is_the_level_error() -> None:
    y, p, _ = scored()
    found = measure(y, p)["calibration_intercept"]
    assert expit(logit(p) + found).mean() == pytest.approx(y.mean())


def test_lift_and_recall_by_hand() -> None:
    # 20 rows of equal score: the top 10 % holds 2 of them, with 2 × 4/20 leavers
    y = np.array([1] * 4 + [0] * 16, dtype=np.int8)
    tied = measure(y, np.full(20, 0.2))
    assert tied["recall@10%"] == pytest.approx(0.1)
    assert tied["lift@10%"] == pytest.approx(1.0)
    assert tied["lift@1%"] == pytest.approx(1.0)
    perfect = measure(y, np.where(y == 1, 0.9, 0.1))
    assert perfect["recall@5%"] == pytest.approx(0.25)
    assert perfect["lift@5%"] == pytest.approx(5.0)


def test_calibration_error_by_hand() -> None:
    """Two scores: 10 rows at 0.1 with 4 leavers, 10 rows at 0.5 with 4.

    The mean square is (0.3² + 0.1²) / 2 = 0.05. Chance adds the mean of each score's variance,
    0.4 · 0.6 / 10 = 0.024, so that √0.026 is left.
    """
    p = np.repeat([0.1, 0.5], 10)
    y = np.array([1] * 4 + [0] * 6 + [1] * 4 + [0] * 6, dtype=np.int8)
    ids = np.arange(20).astype(str).astype(object)
    assert scorecard(Rows(ids, y, 0), p)["calibration_error"].value == pytest.approx(0.05**0.5)
    found = scorecard(Rows(ids, y, 20_000), p)["calibration_error"]
    assert found.value == pytest.approx(0.026**0.5, rel=0.06)
    assert found.low == 0
    assert found.high > 0.25


def test_a_certain_calibration_error_has_the_interval_of_a_mean() -> None:
    """A tenth is expected and a fifth leaves: 0.1 ± 1.96 · √(0.2 · 0.8 / 10,000)."""
    y = np.repeat([1, 0], [2_000, 8_000]).astype(np.int8)
    ids = np.arange(10_000).astype(str).astype(object)
    found = scorecard(Rows(ids, y, 2_000), np.full(10_000, 0.1))["calibration_error"]
    assert found.value == pytest.approx(0.1, abs=0.0002)
    assert (found.low, found.high) == pytest.approx((0.09216, 0.10784), abs=0.0008)


def of_a_month(expected: np.ndarray, leavers: np.ndarray, swing: float) -> tuple[Rows, np.ndarray]:
    """1,000 rows of one date for each expected probability, and how many of them left."""
    y = (np.arange(1_000) < leavers[:, None]).ravel().astype(np.int8)
    ids = np.arange(len(y)).astype(str).astype(object)
    dates = np.full(len(y), np.datetime64("2024-01-01", "D"))
    shocks = MonthShocks(dates, y, swing, horizon_days=90)
    return Rows(ids, y, 400, shocks), expected.repeat(1_000)


def test_a_calibration_error_can_be_what_a_month_moved_the_odds_by() -> None:
    """A tenth is expected and a fifth leaves, odds of 1/4: by a month's e^±0.59, 12 to 31 %."""
    rows, p = of_a_month(np.full(10, 0.1), np.full(10, 200), swing=0.3)
    found = scorecard(rows, p)["calibration_error"]
    assert (found.low, found.high) == pytest.approx((0.022, 0.211), abs=0.012)


def test_a_month_can_hide_a_calibration_error() -> None:
    """Gaps of ±0.015 in turn: the level is right, where a month moves it by ±0.05."""
    expected = np.linspace(0.05, 0.5, 10)
    leavers = np.round(1_000 * expected) + np.tile([15, -15], 5)
    rows, p = of_a_month(expected, leavers, swing=0.3)
    found = scorecard(rows, p)["calibration_error"]
    assert found.low == 0
    assert found.high > 0.3 * (expected * (1 - expected)).mean()


def test_a_constant_score_has_no_slope() -> None:
    y = np.array([1, 0, 0, 0], dtype=np.int8)
    found = measure(y, np.full(4, 0.25))
    assert np.isnan(found["calibration_slope"])
    assert found["calibration_intercept"] == pytest.approx(0.0, abs=1e-9)
    assert "calibration_error" not in found


def test_intervals_agree_with_a_plain_bootstrap() -> None:
    y, p, ids = scored(1_000)
    found = scorecard(Rows(ids, y, 600), p)
    rng = np.random.default_rng(9)
    draws = []
    for _ in range(300):
        times = rng.poisson(1, len(y) // 2).repeat(2)
        yy, pp = y.repeat(times), p.repeat(times)
        draws.append((roc_auc_score(yy, pp), log_loss(yy, pp)))
    widths = np.quantile(draws, 0.975, axis=0) - np.quantile(draws, 0.025, axis=0)
    for name, width in zip(("auc", "log_loss"), widths, strict=True):
        interval = found[name]
        assert interval.high - interval.low == pytest.approx(width, rel=0.3)
        assert interval.low <= interval.value <= interval.high


def test_slope_and_intercept_intervals_agree_with_the_information_matrix() -> None:
    y, p, ids = scored()
    found = scorecard(Rows(ids, y, 600), p)
    z = logit(p)
    slope = found["calibration_slope"]
    line = LogisticRegression(C=np.inf, tol=1e-10).fit(z[:, None], y)
    fitted = expit(line.intercept_[0] + line.coef_[0, 0] * z)
    design = np.column_stack([np.ones_like(z), z])
    information = design.T @ (design * (fitted * (1 - fitted))[:, None])
    width = 2 * 1.96 * np.sqrt(np.linalg.inv(information)[1, 1])
    assert slope.high - slope.low == pytest.approx(width, rel=0.2)
    shift = found["calibration_intercept"]
    level = expit(z + shift.value)
    width = 2 * 1.96 * np.sqrt(((y - level) ** 2).sum()) / (level * (1 - level)).sum()
    assert shift.high - shift.low == pytest.approx(width, rel=0.2)


def test_customers_are_drawn_whole() -> None:
    y, p, _ = scored(1_000)
    copies = 20
    ids = np.tile(np.arange(1_000).astype(str).astype(object), copies)
    repeated = scorecard(Rows(ids, np.tile(y, copies), 100), np.tile(p, copies))
    single = scorecard(Rows(ids[:1_000], y, 100), p)
    width = repeated["auc"].high - repeated["auc"].low
    assert width == pytest.approx(single["auc"].high - single["auc"].low, rel=1e-9)


def test_row_order_does_not_matter() -> None:
    y, p, ids = scored(600)
    order = np.random.default_rng(3).permutation(600)
    plain = scorecard(Rows(ids, y, 20), p)
    other = scorecard(Rows(ids[order], y[order], 20), p[order])
    for name, interval in plain.items():
        assert other[name].low == pytest.approx(interval.low), name
        assert other[name].high == pytest.approx(interval.high), name


def test_batches_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    y, p, ids = scored(600)
    plain = scorecard(Rows(ids, y, 20), p)
    monkeypatch.setattr("models.metrics.bootstrap._CELLS", 1)
    one_by_one = scorecard(Rows(ids, y, 20), p)
    for name, interval in plain.items():
        assert one_by_one[name].low == pytest.approx(interval.low), name
        assert one_by_one[name].high == pytest.approx(interval.high), name


def test_no_replicates_gives_the_value_alone() -> None:
    y, p, ids = scored(200)
    interval = scorecard(Rows(ids, y, 0), p)["auc"]
    assert interval.low == interval.value == interval.high


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_is_refused(label: int) -> None:
    with pytest.raises(GateError, match="All 5 rows to judge have the same label"):
        measure(np.full(5, label, dtype=np.int8), np.linspace(0.1, 0.9, 5))


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_a_score_that_is_no_probability_is_refused(bad: float) -> None:
    with pytest.raises(GateError, match="not a probability"):
        measure(np.array([0, 1], dtype=np.int8), np.array([0.5, bad]))


@pytest.mark.parametrize("levels", [1, 3])
def test_tied_scores_in_any_row_order_are_right(levels: int) -> None:
    y, p, ids = scored(600)
    tied = np.ceil(p * levels) / levels * 0.3
    plain = scorecard(Rows(ids, y, 20), tied)
    assert plain["auc"].value == pytest.approx(roc_auc_score(y, tied))
    assert plain["average_precision"].value == pytest.approx(average_precision_score(y, tied))
    assert plain["log_loss"].value == pytest.approx(log_loss(y, tied))
    rng, caught = np.random.default_rng(0), []
    for _ in range(3_000):
        order = rng.permutation(600)
        top = order[np.argsort(-tied[order], kind="stable")][:60]
        caught.append(y[top].sum() / y.sum())
    assert plain["recall@10%"].value == pytest.approx(np.mean(caught), rel=0.03)
    mixed = scorecard(Rows(ids[order], y[order], 20), tied[order])
    for name, interval in plain.items():
        found = (mixed[name].value, mixed[name].low, mixed[name].high)
        assert found == pytest.approx((interval.value, interval.low, interval.high), nan_ok=True)
