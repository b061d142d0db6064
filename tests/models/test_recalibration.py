"""The calibration follows the level, in every product line, from outcomes known by then."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from features.errors import GateError
from models.calibration import Calibration, fit_by_product_line
from models.examples import Examples
from models.recalibration import newest_months, recalibrate
from models.spec import FeatureSpec

MONTHS = np.arange("2024-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]")
LAG = 3


def company(
    seed: int, drop: float, customers: int = 4_000, base: float = -2.5
) -> tuple[Examples, np.ndarray]:
    """Two product lines, twelve months; from the fourth on the log-odds are lower by ``drop``."""
    rng = np.random.default_rng(seed)
    rows = customers * len(MONTHS)
    customer = np.repeat(
        np.array([f"{i:05d}" for i in range(customers)], dtype=object), len(MONTHS)
    )
    month = np.tile(np.arange(len(MONTHS)), customers)
    line = np.where(np.arange(rows) // len(MONTHS) % 3 == 0, "gas", "power").astype(object)
    raw = rng.normal(base, 1, rows)
    odds = np.where(line == "gas", raw + 0.4, raw - 0.2) - drop * (month >= LAG)
    y = (rng.random(rows) < expit(odds)).astype(np.int8)
    x = np.empty((rows, 0), dtype=np.float32)
    spec, margin = FeatureSpec(()), np.full(rows, np.nan)
    return Examples(customer, MONTHS[month], line, x, y, spec, margin), raw


def errors(examples: Examples, raw: np.ndarray) -> tuple[list[float], list[float], list[float]]:
    """Level errors by month and product line, kept and refitted, and the refitted slopes."""
    first = examples.as_of < MONTHS[LAG]
    kept = fit_by_product_line(raw[first], examples.product_line[first], examples.y[first])
    now, left, moved, slopes = kept, [], [], []
    for number in range(LAG + 2 + LAG, len(MONTHS)):
        known = (examples.as_of >= MONTHS[LAG]) & (examples.as_of < MONTHS[number - LAG + 1])
        new = recalibrate(now, raw[known], examples.take(known))
        now = now if new.check.failed else new.calibration
        for name in ("gas", "power"):
            here = (examples.as_of == MONTHS[number]) & (examples.product_line == name)
            lines, y = examples.product_line[here], examples.y[here]
            for calibration, into in ((kept, left), (now, moved)):
                into.append(abs(calibration.apply(raw[here], lines).mean() - y.mean()))
            z = now.log_odds(raw[here], lines)
            slopes.append(fit_by_product_line(z, lines, y).slope)
    return left, moved, slopes


@pytest.mark.parametrize("seed", range(4))
def test_a_monthly_refit_leaves_at_most_half_of_the_level_error(seed: int) -> None:
    kept, refitted, slopes = errors(*company(seed, drop=0.5))
    assert np.mean(refitted) <= 0.5 * np.mean(kept)
    assert np.mean(slopes) == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize("seed", range(4))
def test_a_level_that_stays_is_not_spoiled(seed: int) -> None:
    kept, refitted, _ = errors(*company(seed, drop=0.0))
    assert np.mean(refitted) < np.mean(kept) + 0.008


def test_the_check_is_on_the_newest_month_and_its_fit_before_it() -> None:
    examples, raw = company(1, drop=0.0)
    found = recalibrate(Calibration(), raw, examples)
    newest = examples.as_of == MONTHS[-1]
    assert found.check.months == found.months == ("2024-12",)
    assert found.check.leavers == int(examples.y[newest].sum()) == found.leavers
    assert found.check.observed == pytest.approx(examples.y[newest].mean())
    flipped = replace(examples, y=np.where(newest, 1 - examples.y, examples.y).astype(np.int8))
    again = recalibrate(Calibration(), raw, flipped)
    assert again.check.predicted == found.check.predicted
    assert again.calibration != found.calibration


def test_a_fit_that_the_newest_month_contradicts_is_refused() -> None:
    examples, raw = company(2, drop=0.0)
    before = examples.as_of < MONTHS[-1]
    rng = np.random.default_rng(3)
    more = before & (examples.product_line == "gas") & (rng.random(len(raw)) < 0.5)
    wrong = replace(examples, y=np.where(more, 1, examples.y).astype(np.int8))
    truth = fit_by_product_line(raw, examples.product_line, examples.y)
    assert recalibrate(truth, raw, wrong).check.failed == ("log_loss", "level_error")


def test_the_same_rows_give_the_same_bits() -> None:
    examples, raw = company(4, drop=0.5, customers=1_000)
    one, two = (recalibrate(Calibration(), raw, examples) for _ in range(2))
    assert one == two


def test_few_leavers_take_more_months_and_too_few_are_refused() -> None:
    examples, raw = company(5, drop=0.0, customers=400)
    found = recalibrate(Calibration(), raw, examples)
    assert len(found.months) > 1
    assert found.leavers >= 400
    newest = examples.as_of >= MONTHS[-1]
    with pytest.raises(GateError, match=r"1 month\(s\) .* must have 50 each") as refused:
        recalibrate(Calibration(), raw[newest], examples.take(newest))
    assert refused.value.exit_code == 6
    some = examples.as_of >= MONTHS[-2]
    assert int(examples.y[some].sum()) < 100
    with pytest.raises(GateError, match="stille recalibrate again"):
        recalibrate(Calibration(), raw[some], examples.take(some))


def test_newest_months_by_hand() -> None:
    as_of = np.array(
        ["2024-01-01", "2024-02-01", "2024-02-15", "2024-03-01"], dtype="datetime64[D]"
    )
    y = np.array([1, 1, 0, 1], dtype=np.int8)
    assert newest_months(as_of, y, 1).tolist() == [False, False, False, True]
    assert newest_months(as_of, y, 2).tolist() == [False, True, True, True]
    assert newest_months(as_of, y, 9).all()


def test_a_pure_shift_is_found_exactly_enough() -> None:
    examples, raw = company(6, drop=0.5)
    first = examples.as_of < MONTHS[LAG]
    parent = fit_by_product_line(raw[first], examples.product_line[first], examples.y[first])
    found = recalibrate(parent, raw[~first], examples.take(~first)).calibration
    p = found.apply(raw, examples.product_line)
    newest = examples.as_of == MONTHS[-1]
    assert logit(p[newest].mean()) == pytest.approx(logit(examples.y[newest].mean()), abs=0.05)
