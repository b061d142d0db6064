"""A level is moved as far as the move stands out from the months' own swings."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from models.calibration.open_windows import OpenWindowRows
from models.calibration.platt import Calibration, Platt
from models.calibration.shrinkage import USUAL_SWING, monthly_swing, shrink_levels, shrink_slopes

MONTHS = np.arange("2023-01", "2025-01", dtype="datetime64[M]").astype("datetime64[D]")
ROWS = OpenWindowRows(
    customer_id=np.arange(4_000).astype(str).astype(object),
    as_of=np.repeat(MONTHS[:1], 4_000),
    product_line=np.full(4_000, "gas", dtype=object),
    raw=np.zeros(4_000),
    y=np.zeros(4_000, dtype=np.int8),
    share=np.ones(4_000),
)


def labelled(odds: np.ndarray, rows: int = 4_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    y = rng.random((len(odds), rows)) < expit(odds)[:, None]
    return np.repeat(MONTHS[: len(odds)], rows), y.ravel().astype(np.int8)


def test_the_swing_is_that_of_the_months_without_chance() -> None:
    season = 0.3 * np.sin(np.arange(24) * np.pi / 6)
    assert monthly_swing(*labelled(season - 2)) == pytest.approx(season.std(ddof=1), abs=0.03)
    # Chance alone spreads months of 300 rows by 0.18.
    assert monthly_swing(*labelled(np.full(24, -2.0), rows=300)) == pytest.approx(USUAL_SWING)
    assert monthly_swing(*labelled(np.array([-2.0, 0.0]))) == USUAL_SWING


def moved(by: float, swing: float) -> float:
    """Where a level ends that the rows, of probability about a half, moved by ``by``."""
    new = Calibration(1.0, by, {"gas": Platt(1.0, by)})
    found = shrink_levels(Calibration(), new, ROWS, swing)
    assert found.product_lines["gas"] == found.common
    assert found.slope == 1.0
    return found.intercept


def test_a_move_is_held_back_by_hand() -> None:
    p = expit(0.5)
    variance = 1 / (4_000 * p * (1 - p))
    assert moved(0.5, 0.2) == pytest.approx(0.5 - (0.04 + variance) / 0.5)
    assert moved(-0.5, 0.2) == pytest.approx(-0.5 + (0.04 + variance) / 0.5)


def test_a_row_that_counts_for_several_tells_no_more_than_one() -> None:
    p, new = expit(0.5), Calibration(1.0, 0.5, {})
    tenfold = ROWS.take(np.repeat(np.arange(4_000), 10))
    assert shrink_levels(Calibration(), new, tenfold, 0.0) == shrink_levels(
        Calibration(), new, ROWS, 0.0
    )
    # 3,600 rows once and 400 ten times: Kish's 7,600² / 43,600.
    some = ROWS.take(np.repeat(np.arange(4_000), np.where(np.arange(4_000) < 400, 10, 1)))
    variance = 43_600 / 7_600**2 / (p * (1 - p))
    found = shrink_levels(Calibration(), new, some, 0.0).intercept
    assert found == pytest.approx(0.5 - variance / 0.5, rel=1e-9)


def test_within_the_swings_nothing_moves_and_without_them_nearly_everything() -> None:
    assert moved(0.15, 0.2) == pytest.approx(0.0, abs=1e-12)
    assert moved(0.0, 0.2) == 0.0
    assert moved(0.15, 0.0) == pytest.approx(0.15, abs=0.01)
    assert moved(0.01, 0.0) == pytest.approx(0.0, abs=1e-12)


def test_levels_alone_are_held_and_a_line_without_rows_is_held_as_all_rows_are() -> None:
    new = Calibration(1.2, 0.3, {"gas": Platt(1.1, 0.3), "water": Platt(1.2, 0.3)})
    found = shrink_levels(Calibration(), new, ROWS, 0.1)
    assert (found.slope, found.product_lines["gas"].slope) == (1.2, 1.1)
    assert found.product_lines["water"] == found.common


def test_a_slope_is_held_back_by_hand_at_the_centre_of_the_rows() -> None:
    rows = replace(ROWS, raw=np.tile([1.0, 3.0], 2_000))
    # Rows at z = −1.3 and 1.3 tell the same: their centre is raw 2, their spread all they tell.
    new = Calibration(1.3, -2.6, {"gas": Platt(1.3, -2.6)})
    told = 4_000 * expit(1.3) * expit(-1.3)
    found = shrink_slopes(Calibration(), new, rows)
    assert found.slope == pytest.approx(1.3 - (0.05**2 + 1 / told) / 0.3)
    assert found.common.at(2.0) == pytest.approx(0.0)
    assert found.product_lines["gas"] == found.common


@pytest.mark.parametrize("slope", [0.95, 1.0, 1.05])
def test_a_slope_within_its_swings_stays_the_parents(slope: float) -> None:
    rows = replace(ROWS, raw=np.tile([1.0, 3.0], 2_000))
    found = shrink_slopes(Calibration(), Calibration(slope, 0.3, {"gas": Platt(slope, 0.3)}), rows)
    assert (found.slope, found.product_lines["gas"].slope) == (1.0, 1.0)
    # Rows that do not vary tell nothing of a slope.
    assert shrink_slopes(Calibration(), Calibration(2.0, 0.3), ROWS).slope == 1.0
