"""The calibration follows the level, in every product line, from outcomes known by then."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from features.errors import GateError
from models.calibration.open_windows import OpenWindowRows
from models.calibration.platt import Calibration, fit_by_product_line, update_calibration
from models.calibration.recalibration import newest_months, recalibrate
from models.calibration.shrinkage import shrink_levels, shrink_slopes
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureSpec
from models.dataset.splits import customer_folds

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
    asleep = np.zeros(rows, dtype=bool)
    return Examples(customer, MONTHS[month], line, x, y, spec, margin, asleep), raw


def errors(examples: Examples, raw: np.ndarray) -> tuple[list[float], list[float], list[float]]:
    """Level errors by month and product line, kept and refitted, and the refitted slopes."""
    first = examples.as_of < MONTHS[LAG]
    kept = fit_by_product_line(raw[first], examples.product_line[first], examples.y[first])
    now, left, moved, slopes = kept, [], [], []
    for number in range(LAG + 2 + LAG, len(MONTHS)):
        known = (examples.as_of >= MONTHS[LAG]) & (examples.as_of < MONTHS[number - LAG + 1])
        new = recalibrate(now, OpenWindowRows.complete(examples.take(known), raw[known]))
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
    found = recalibrate(Calibration(), OpenWindowRows.complete(examples, raw))
    newest = examples.as_of == MONTHS[-1]
    assert found.check.months == found.months == ("2024-12",)
    assert found.check.leavers == int(examples.y[newest].sum()) == found.leavers
    assert found.check.observed == pytest.approx(examples.y[newest].mean())
    flipped = replace(examples, y=np.where(newest, 1 - examples.y, examples.y).astype(np.int8))
    again = recalibrate(Calibration(), OpenWindowRows.complete(flipped, raw))
    assert again.check.predicted == found.check.predicted
    assert again.calibration != found.calibration


def test_a_fit_that_the_newest_month_contradicts_is_refused() -> None:
    examples, raw = company(2, drop=0.0)
    before = examples.as_of < MONTHS[-1]
    rng = np.random.default_rng(3)
    more = before & (examples.product_line == "gas") & (rng.random(len(raw)) < 0.5)
    wrong = replace(examples, y=np.where(more, 1, examples.y).astype(np.int8))
    truth = fit_by_product_line(raw, examples.product_line, examples.y)
    assert recalibrate(truth, OpenWindowRows.complete(wrong, raw)).check.failed == (
        "log_loss",
        "level_error",
    )


def test_the_same_rows_give_the_same_bits() -> None:
    examples, raw = company(4, drop=0.5, customers=1_000)
    one, two = (
        recalibrate(Calibration(), OpenWindowRows.complete(examples, raw)) for _ in range(2)
    )
    assert one == two


def test_few_leavers_take_more_months_and_too_few_are_refused() -> None:
    examples, raw = company(5, drop=0.0, customers=400)
    found = recalibrate(Calibration(), OpenWindowRows.complete(examples, raw))
    assert len(found.months) > 1
    assert found.leavers >= 400
    newest = examples.as_of >= MONTHS[-1]
    with pytest.raises(GateError, match=r"1 month\(s\) .* must have 50 each") as refused:
        recalibrate(Calibration(), OpenWindowRows.complete(examples.take(newest), raw[newest]))
    assert refused.value.exit_code == 6
    some = examples.as_of >= MONTHS[-2]
    assert int(examples.y[some].sum()) < 100
    with pytest.raises(GateError, match="stille recalibrate again"):
        recalibrate(Calibration(), OpenWindowRows.complete(examples.take(some), raw[some]))


def test_newest_months_by_hand() -> None:
    as_of = np.array(
        ["2024-01-01", "2024-02-01", "2024-02-15", "2024-03-01"], dtype="datetime64[D]"
    )
    name, y = np.array(list("abcd"), dtype=object), np.array([1, 1, 0, 1], dtype=np.int8)
    rows = OpenWindowRows(name, as_of, name, np.zeros(4), y, np.ones(4))
    assert newest_months(rows, 1).tolist() == [False, False, False, True]
    assert newest_months(rows, 2).tolist() == [False, True, True, True]
    assert newest_months(rows, 9).all()
    tenfold = rows.take(np.repeat(np.arange(4), 10))
    assert newest_months(tenfold, 2)[::10].tolist() == [False, True, True, True]
    known = np.array([1.0, 0.5, 0.5, 0.25])
    assert newest_months(replace(rows, share=known), 1).all()
    known = np.array([1.0, 0.75, 0.75, 0.25])
    assert newest_months(replace(rows, share=known), 1).tolist() == [False, True, True, True]


def test_a_pure_shift_is_found_exactly_enough() -> None:
    examples, raw = company(6, drop=0.5)
    first = examples.as_of < MONTHS[LAG]
    parent = fit_by_product_line(raw[first], examples.product_line[first], examples.y[first])
    newer = OpenWindowRows.complete(examples.take(~first), raw[~first])
    found = recalibrate(parent, newer, swing=0.0).calibration
    p = found.apply(raw, examples.product_line)
    newest = examples.as_of == MONTHS[-1]
    assert logit(p[newest].mean()) == pytest.approx(logit(examples.y[newest].mean()), abs=0.05)


def opened(
    examples: Examples, raw: np.ndarray, shares: dict[int, float], seed: int = 1
) -> OpenWindowRows:
    """The rows of some months, of whose leavers only a share is known."""
    months = [MONTHS[number] for number in shares]
    rows = OpenWindowRows.complete(examples, raw).take(np.isin(examples.as_of, months))
    share = np.array([shares[int(n)] for n in np.searchsorted(MONTHS, rows.as_of)])
    known = np.random.default_rng(seed).random(len(rows)) < share
    return replace(rows, y=(rows.y * known).astype(np.int8), share=share)


def at_hand(seed: int, drop: float = 0.5) -> tuple[OpenWindowRows, OpenWindowRows, Calibration]:
    """Three complete months before the fall and three open ones after it, and a true parent."""
    examples, raw = company(seed, drop)
    first = examples.as_of < MONTHS[LAG]
    complete = OpenWindowRows.complete(examples.take(first), raw[first])
    parent = fit_by_product_line(complete.raw, complete.product_line, complete.y)
    return complete, opened(examples, raw, {3: 0.85, 4: 0.5, 5: 0.2}), parent


@pytest.mark.parametrize("seed", range(4))
def test_open_months_show_a_fall_that_complete_ones_cannot(seed: int) -> None:
    complete, rows, parent = at_hand(seed)
    found = recalibrate(parent, complete, 0.1, rows)
    late = recalibrate(parent, complete, 0.1)
    assert (found.failed, found.level is not None, late.level) == ((), True, None)
    at, lines = np.full(2, -2.5), np.array(["gas", "power"], dtype=object)
    before = parent.log_odds(at, lines)
    assert late.calibration.log_odds(at, lines) - before == pytest.approx(0.0, abs=0.2)
    assert found.calibration.log_odds(at, lines) - before == pytest.approx(-0.5, abs=0.15)


def test_open_months_teach_no_slope() -> None:
    complete, rows, parent = at_hand(1)
    order = np.random.default_rng(2).permutation(len(rows))
    shuffled = replace(rows, y=rows.y[order])
    one, two = (recalibrate(parent, complete, 0.1, each) for each in (rows, shuffled))
    start = parent if one.check.failed else recalibrate(parent, complete, 0.1).calibration
    for found in (one, two):
        assert found.check == one.check
        for name in ("gas", "power"):
            assert found.calibration.line(name).slope == start.line(name).slope


@pytest.mark.parametrize(("more", "refitted"), [(0.0, None), (0.6, False)])
def test_a_refused_refit_leaves_the_parents_slopes_to_the_level(
    more: float, refitted: bool | None
) -> None:
    complete, rows, parent = at_hand(2)
    before = complete.as_of < MONTHS[LAG - 1]
    rng = np.random.default_rng(3)
    wrong = before & (complete.product_line == "gas") & (rng.random(len(complete)) < more)
    complete = replace(complete, y=np.where(wrong, 1, complete.y).astype(np.int8))
    found = recalibrate(parent, complete, 0.1, rows)
    assert found.refitted is (not found.check.failed)
    assert refitted in (None, found.refitted)
    if not found.refitted:
        assert found.calibration.line("gas").slope == parent.line("gas").slope
        assert found.calibrated_on == found.level.months == ("2024-04", "2024-05", "2024-06")


def test_a_level_that_half_of_the_customers_contradict_is_refused() -> None:
    complete, rows, parent = at_hand(3, drop=0.0)
    [fold, _] = customer_folds(rows.customer_id, 2)
    rng = np.random.default_rng(1)
    more = np.where(fold.train, rng.random(len(rows)) < 0.4, rows.y).astype(np.int8)
    found = recalibrate(parent, complete, 0.1, replace(rows, y=np.where(fold.test, 0, more)))
    assert "newest_log_loss" in found.failed


def test_complete_months_alone_are_fitted_as_before() -> None:
    examples, raw = company(7, drop=0.3)
    rows = OpenWindowRows.complete(examples, raw)
    newest = rows.take(newest_months(rows, 400))
    fitted = update_calibration(Calibration(), newest.raw, newest.product_line, newest.y)
    fitted = shrink_slopes(Calibration(), fitted, newest)
    expected = shrink_levels(Calibration(), fitted, newest, 0.15)
    assert recalibrate(Calibration(), rows).calibration == expected


def test_a_level_that_only_swings_leaves_the_parent_as_it_is() -> None:
    complete, rows, parent = at_hand(2, drop=0.2)
    wrong = (complete.as_of < MONTHS[LAG - 1]) & (complete.product_line == "gas")
    complete = replace(complete, y=np.where(wrong, 1 - complete.y, complete.y).astype(np.int8))
    found = recalibrate(parent, complete, 0.4, rows)
    assert not found.refitted
    assert found.calibration.equals(parent)
    assert not recalibrate(parent, complete, 0.0, rows).calibration.equals(parent)
