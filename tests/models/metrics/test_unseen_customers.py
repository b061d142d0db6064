"""Customers that the model never met: folds, and the comparison against plain figures."""

from datetime import date

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import log_loss, roc_auc_score

from features.timeline import LabelWindow
from models.dataset.splits import rolling_origin
from models.metrics.bootstrap import MonthShocks, Rows
from models.metrics.by_subgroup import check_unseen_customers, without_customers

MONTHS = np.array([date(2024, m, 1) for m in range(1, 6)], dtype="datetime64[D]")
IDS = np.repeat(np.arange(400), 5).astype(str).astype(object)


def judged(memory: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of customers with a bent of their own, which only the model that met them sees."""
    rng = np.random.default_rng(seed)
    bent, shown = np.repeat(rng.normal(0, 1.5, 400), 5), rng.normal(-2, 1, 2_000)
    y = (rng.random(2_000) < expit(shown + bent)).astype(np.int8)
    return y, expit(shown + memory * bent), expit(shown)


def test_the_held_out_customers_teach_nothing_and_alone_are_judged() -> None:
    months = np.array([date(2024, m, 1) for m in range(1, 13)], dtype="datetime64[D]")
    as_of, ids = np.tile(months, 200), np.repeat(np.arange(200), 12).astype(str).astype(object)
    fold = rolling_origin(as_of, LabelWindow(14, 30), 1, 2)[0]
    apart = without_customers(fold, ids)
    assert set(ids[apart.train]).isdisjoint(ids[apart.test])
    assert not (apart.train & ~fold.train).any()
    assert not (apart.test & ~fold.test).any()
    assert set(ids[apart.train]) | set(ids[apart.test]) == set(ids)
    assert len(set(ids[apart.test])) == pytest.approx(50, abs=15)


def test_figures_are_the_plain_ones() -> None:
    y, seen, unseen = judged(0.5)
    found = check_unseen_customers(Rows(IDS, y, 50), seen, unseen)
    assert (found.rows, found.customers, found.leavers) == (2_000, 400, y.sum())
    assert found.seen_auc == pytest.approx(roc_auc_score(y, seen))
    assert found.unseen_auc == pytest.approx(roc_auc_score(y, unseen))
    assert found.seen_log_loss == pytest.approx(log_loss(y, seen))
    assert found.unseen_log_loss == pytest.approx(log_loss(y, unseen))
    assert found.auc_difference.value == pytest.approx(found.seen_auc - found.unseen_auc)
    share = found.unseen_log_loss / found.seen_log_loss - 1
    assert found.loss_difference.value == pytest.approx(share)


def test_an_odd_month_favours_one_of_two_levels() -> None:
    y, seen, _ = judged(0.5)
    low, days = expit(logit(seen) - 0.5), np.tile(MONTHS, 400)
    plain, swung = (
        check_unseen_customers(Rows(IDS, y, 100, MonthShocks(days, y, swing, 90)), seen, low)
        for swing in (0.0, 0.3)
    )
    before, after = plain.loss_difference, swung.loss_difference
    assert after.high - after.low > 1.2 * (before.high - before.low)
    assert plain == check_unseen_customers(Rows(IDS, y, 100), seen, low)


def test_the_interval_is_paired_and_over_customers() -> None:
    y, seen, unseen = judged(0.5)
    found = check_unseen_customers(Rows(IDS, y, 400), seen, unseen).auc_difference
    rng, differences = np.random.default_rng(4), []
    for _ in range(200):
        times = rng.poisson(1, 400).repeat(5)
        parts = [part.repeat(times) for part in (y, seen, unseen)]
        differences.append(roc_auc_score(parts[0], parts[1]) - roc_auc_score(parts[0], parts[2]))
    width = np.quantile(differences, 0.975) - np.quantile(differences, 0.025)
    assert found.high - found.low == pytest.approx(width, rel=0.3)


def test_a_model_that_remembers_is_flagged_and_one_that_does_not_is_not() -> None:
    y, *scores = judged(1.0)
    assert check_unseen_customers(Rows(IDS, y), *scores).differs
    y, _, unseen = judged(0.0)
    jitter = np.random.default_rng(1).normal(0, 0.02, len(y))
    close = expit(np.log(unseen / (1 - unseen)) + jitter)
    assert not check_unseen_customers(Rows(IDS, y), close, unseen).differs


def test_row_order_does_not_matter() -> None:
    y, seen, unseen = judged(0.5)
    mixed = np.random.default_rng(2).permutation(len(y))
    plain = check_unseen_customers(Rows(IDS, y, 50), seen, unseen)
    other = check_unseen_customers(Rows(IDS[mixed], y[mixed], 50), seen[mixed], unseen[mixed])
    for one, two in (
        (plain.auc_difference, other.auc_difference),
        (plain.loss_difference, other.loss_difference),
    ):
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))
