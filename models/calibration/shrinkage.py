"""Shrinkage of calibration updates (James–Stein).

Levels and slopes vary from month to month by themselves; a move within that is not followed.
"""

from collections.abc import Callable

import numpy as np

from models.calibration.open_windows import OpenWindowRows, information
from models.calibration.platt import Calibration, Platt
from models.dataset.array_types import Days, Labels
from models.metrics.logistic import logit

USUAL_SWING = 0.15
SLOPE_SWING = 0.05


def monthly_swing(as_of: Days, y: Labels) -> float:
    """Standard deviation over months of the log-odds of leaving, less what chance alone gives.

    At least 0.15: the simulated companies that showed none for a year did later. 0.15 also where
    fewer than three months have both leavers and stayers.
    """
    _, month = np.unique(as_of.astype("datetime64[M]"), return_inverse=True)
    rows, leavers = np.bincount(month), np.bincount(month, weights=y)
    known = (leavers > 0) & (leavers < rows)
    if known.sum() < 3:
        return USUAL_SWING
    rate = leavers[known] / rows[known]
    chance = float(np.mean(1 / (rows[known] * rate * (1 - rate))))
    return float(np.sqrt(max(USUAL_SWING**2, float(logit(rate).var(ddof=1)) - chance)))


def shrink_levels(
    parent: Calibration, fitted: Calibration, rows: OpenWindowRows, swing: float
) -> Calibration:
    """``fitted`` with the level of each line drawn back to the parent's where it proves little.

    ``rows`` are those that the levels were fitted on. A level that moved by d log-odds keeps the
    share 1 − (``swing``² + s²) / d², or nothing where that is below 0: the positive part of James
    and Stein's (1961) shrinkage, with s² the variance of the fit. So a move within the swings of
    a usual year is not followed, a far larger one is nearly whole. Slopes are kept as they are.
    """

    def shrink(before: Platt, after: Platt, here: OpenWindowRows) -> Platt:
        level, _, centre = _information(after, here)
        move = after.at(centre) - before.at(centre)
        return after.shifted(_shrink_move(move, swing, level) - move)

    return _line_by_line(parent, fitted, rows, shrink)


def shrink_slopes(parent: Calibration, fitted: Calibration, rows: OpenWindowRows) -> Calibration:
    """The same for the slope of each line, whose swing is a twentieth; levels stay.

    The level is that at the rows' centre, which tells nothing of the slope.
    """

    def shrink(before: Platt, after: Platt, here: OpenWindowRows) -> Platt:
        _, precision, centre = _information(after, here)
        slope = before.slope + _shrink_move(after.slope - before.slope, SLOPE_SWING, precision)
        return Platt(slope, after.at(centre) - slope * centre)

    return _line_by_line(parent, fitted, rows, shrink)


def _information(line: Platt, rows: OpenWindowRows) -> tuple[float, float, float]:
    """Information of ``rows`` on a line's level and slope, and their centre in raw log-odds.

    That of Fisher, over the design effect of rows that are there more than once (Kish 1965).
    """
    weights = information(line.intercept + line.slope * rows.raw, rows.share)
    total = float(weights.sum())
    centre = float(weights @ rows.raw) / total
    once = total / float((rows.copies * weights).sum())
    slope = float(weights @ (rows.raw - centre) ** 2)
    return total * once, slope * once, centre


def _line_by_line(
    parent: Calibration,
    fitted: Calibration,
    rows: OpenWindowRows,
    shrink: Callable[[Platt, Platt, OpenWindowRows], Platt],
) -> Calibration:
    """Each line by its own rows; one without rows, and the common line, by all."""
    lines = {}
    for name, line in fitted.product_lines.items():
        here = rows.product_line == name
        lines[name] = shrink(parent.line(name), line, rows.take(here) if here.any() else rows)
    common = shrink(parent.common, fitted.common, rows)
    return Calibration(common.slope, common.intercept, lines)


def _shrink_move(move: float, swing: float, precision: float) -> float:
    """Positive-part James–Stein shrinkage of a move fitted with variance 1 / ``precision``."""
    if move == 0.0 or precision <= 0.0:
        return 0.0
    return move * max(0.0, 1 - (swing**2 + 1 / precision) / move**2)
