"""Calibration by part: which parts there are, and figures of scikit-learn on each."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from features.timeline import LabelWindow
from models.dataset.examples import Examples
from models.metrics.bootstrap import Rows
from models.metrics.by_subgroup import (
    calibration_by_subgroup,
    decay_fold,
    last_label,
    performance_decay,
)

WINDOW = LabelWindow(lead_days=14, horizon_days=30)
MONTHS = np.array([date(2024, m, 1) for m in range(1, 13)], dtype="datetime64[D]")
AS_OF = np.repeat(MONTHS, 100)
Y = np.tile(np.array([1] * 20 + [0] * 80, dtype=np.int8), 12)


@pytest.fixture(scope="module")
def mixed(examples: Examples) -> tuple[Examples, np.ndarray]:
    lines = np.where(np.arange(len(examples)) % 3 == 0, "gas", "power").astype(object)
    z = np.random.default_rng(0).normal(-1, 1, len(examples))
    y = (np.random.default_rng(1).random(len(z)) < expit(0.8 * z)).astype(np.int8)
    return replace(examples, product_line=lines, y=y), expit(z)


def test_every_product_line_and_month_has_a_row(mixed: tuple[Examples, np.ndarray]) -> None:
    test, p = mixed
    rows = calibration_by_subgroup(test, p, Rows(test.customer_id, test.y, 5))
    names = [row.outcome.name for row in rows]
    assert names[:3] == ["all", "product_line=gas", "product_line=power"]
    assert names[3:] == [f"month=2023-{month:02d}" for month in range(1, 13)]
    for start, end in ((1, 3), (3, 15)):
        parts, whole = [row.outcome for row in rows[start:end]], rows[0].outcome
        assert sum(part.rows for part in parts) == whole.rows == len(test)
        assert sum(part.observed for part in parts) == whole.observed == test.y.sum()


def test_figures_of_each_part_are_sklearns(mixed: tuple[Examples, np.ndarray]) -> None:
    test, p = mixed
    found = {
        row.outcome.name: row
        for row in calibration_by_subgroup(test, p, Rows(test.customer_id, test.y, 50))
    }
    for line in ("gas", "power"):
        rows, row = test.product_line == line, found[f"product_line={line}"]
        y, z = test.y[rows], logit(p[rows])
        fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(z[:, None], y)
        assert row.slope is not None
        assert row.intercept is not None
        assert row.slope.value == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
        assert expit(z + row.intercept.value).mean() == pytest.approx(y.mean())
        told = row.outcome
        assert (told.rate, told.expected) == pytest.approx((y.mean(), p[rows].sum()))
        assert told.ratio.low < y.sum() / p[rows].sum() < told.ratio.high


def test_the_interval_of_a_share_is_wide_where_customers_repeat(
    mixed: tuple[Examples, np.ndarray],
) -> None:
    test, p = mixed
    same = replace(test, y=np.repeat((np.arange(300) % 5 == 0).astype(np.int8), 12))
    told = calibration_by_subgroup(same, p, Rows(same.customer_id, same.y, 400))[0].outcome
    width = 2 * 1.96 * np.sqrt(60) / (told.expected / 12)
    assert told.ratio.high - told.ratio.low == pytest.approx(width, rel=0.2)


def test_a_part_without_leavers_has_a_share_but_no_line(
    mixed: tuple[Examples, np.ndarray],
) -> None:
    test, p = mixed
    none = replace(test, y=np.where(test.product_line == "gas", 0, test.y).astype(np.int8))
    row = calibration_by_subgroup(none, p, Rows(none.customer_id, none.y, 5))[1]
    assert (row.outcome.observed, row.outcome.ratio.value) == (0, 0)
    assert row.slope is None
    assert row.intercept is None


def first_judged(months: int, least: int = 20) -> str | None:
    fold = decay_fold(AS_OF, Y, WINDOW, months, least)
    return None if fold is None else str(AS_OF[fold.test].min())


def test_one_fit_is_followed_for_the_months_asked_for() -> None:
    fold = decay_fold(AS_OF, Y, WINDOW, 6, 20)
    assert fold is not None
    assert str(AS_OF[fold.test].min()) == "2024-07-01"
    # 1 May + 44 days = 14 June; 1 June + 44 = 15 July, after the first judged day
    assert str(AS_OF[fold.train].max()) == "2024-05-01"


def test_a_short_history_is_followed_for_fewer_months() -> None:
    assert first_judged(40) == "2024-03-01"
    assert first_judged(6, least=10_000) is None
    assert decay_fold(AS_OF[:200], Y[:200], WINDOW, 6, 20) is None


def test_the_last_label_by_hand() -> None:
    # 1 May + 14 + 30 days: notices before 14 June count, so the last is of 13 June
    assert last_label(MONTHS[:5], WINDOW) == date(2024, 6, 13)


def months_of(examples: Examples, days: np.ndarray, y: np.ndarray) -> Examples:
    """A hundred customers on each of ``days``, with labels ``y``."""
    rows = examples.take(np.arange(len(days)))
    ids = (np.arange(len(days)) % 100).astype(str).astype(object)
    return replace(rows, customer_id=ids, as_of=days, y=y)


def test_months_since_the_last_label_and_their_figures(examples: Examples) -> None:
    rng = np.random.default_rng(0)
    late, y = np.repeat(MONTHS[6:], 100), Y[600:]
    p = np.clip(0.2 + 0.2 * y + rng.normal(0, 0.15, len(y)), 0.01, 0.99)
    test = months_of(examples, late, y)
    cards = performance_decay(test, p, date(2024, 6, 13), Rows(test.customer_id, test.y, 20))
    # 18 days to 1 July, 49 to 1 August, 80, 110, 141, 171
    assert [card.months for card in cards] == [0, 1, 2, 3, 4, 5]
    for month, card in enumerate(cards):
        rows = late == MONTHS[6 + month]
        assert (card.rows, card.leavers) == (100, 20)
        assert card.first_as_of == card.last_as_of == MONTHS[6 + month].item()
        assert card.card["auc"].value == pytest.approx(roc_auc_score(y[rows], p[rows]))
        assert card.card["log_loss"].value == pytest.approx(log_loss(y[rows], p[rows]))


def test_a_month_without_leavers_has_no_figures(examples: Examples) -> None:
    test = months_of(examples, np.repeat(MONTHS[6:7], 100), np.zeros(100, dtype=np.int8))
    (card,) = performance_decay(
        test, np.full(100, 0.1), date(2024, 6, 13), Rows(test.customer_id, test.y)
    )
    assert (card.rows, card.leavers, card.card) == (100, 0, {})
