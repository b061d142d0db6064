"""Calibration by part: which parts there are, and figures of scikit-learn on each."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from models.dataset.examples import Examples
from models.metrics.by_subgroup import calibration_by_subgroup


@pytest.fixture(scope="module")
def mixed(examples: Examples) -> tuple[Examples, np.ndarray]:
    lines = np.where(np.arange(len(examples)) % 3 == 0, "gas", "power").astype(object)
    z = np.random.default_rng(0).normal(-1, 1, len(examples))
    y = (np.random.default_rng(1).random(len(z)) < expit(0.8 * z)).astype(np.int8)
    return replace(examples, product_line=lines, y=y), expit(z)


def test_every_product_line_and_month_has_a_row(mixed: tuple[Examples, np.ndarray]) -> None:
    test, p = mixed
    rows = calibration_by_subgroup(test, p, replicates=5)
    names = [row.part for row in rows]
    assert names[:3] == ["all", "product_line=gas", "product_line=power"]
    assert names[3:] == [f"month=2023-{month:02d}" for month in range(1, 13)]
    for start, end in ((1, 3), (3, 15)):
        assert sum(row.n for row in rows[start:end]) == rows[0].n == len(test)
        assert sum(row.leavers for row in rows[start:end]) == rows[0].leavers == test.y.sum()


def test_figures_of_each_part_are_sklearns(mixed: tuple[Examples, np.ndarray]) -> None:
    test, p = mixed
    found = {row.part: row for row in calibration_by_subgroup(test, p, replicates=50)}
    for line in ("gas", "power"):
        rows, row = test.product_line == line, found[f"product_line={line}"]
        y, z = test.y[rows], logit(p[rows])
        fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(z[:, None], y)
        assert row.slope is not None
        assert row.intercept is not None
        assert row.slope.value == pytest.approx(fitted.coef_[0, 0], abs=1e-4)
        assert expit(z + row.intercept.value).mean() == pytest.approx(y.mean())
        assert row.observed.value == pytest.approx(y.mean())
        assert row.predicted == pytest.approx(p[rows].mean())
        assert row.observed.low < y.mean() < row.observed.high


def test_the_interval_of_a_share_is_wide_where_customers_repeat(
    mixed: tuple[Examples, np.ndarray],
) -> None:
    test, p = mixed
    same = replace(test, y=np.repeat((np.arange(300) % 5 == 0).astype(np.int8), 12))
    shares = calibration_by_subgroup(same, p, replicates=400)[0].observed
    width = 2 * 1.96 * np.sqrt(0.2 * 0.8 / 300)
    assert shares.high - shares.low == pytest.approx(width, rel=0.2)


def test_a_part_without_leavers_has_a_share_but_no_line(
    mixed: tuple[Examples, np.ndarray],
) -> None:
    test, p = mixed
    none = replace(test, y=np.where(test.product_line == "gas", 0, test.y).astype(np.int8))
    row = calibration_by_subgroup(none, p, replicates=5)[1]
    assert (row.leavers, row.observed.value) == (0, 0)
    assert row.slope is None
    assert row.intercept is None
