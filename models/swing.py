"""How far a line may be moved when levels and slopes swing from month to month by themselves."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.arrays import Days, Labels
from models.calibration import Calibration, Platt
from models.logit import logit
from models.sofar import SoFar, information

USUAL = 0.15
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
        return USUAL
    rate = leavers[known] / rows[known]
    chance = float(np.mean(1 / (rows[known] * rate * (1 - rate))))
    return float(np.sqrt(max(USUAL**2, float(logit(rate).var(ddof=1)) - chance)))


def held_levels(parent: Calibration, moved: Calibration, rows: SoFar, swing: float) -> Calibration:
    """``moved`` with the level of each line drawn back to the parent's where it proves little.

    ``rows`` are those that the levels were fitted on. A level that moved by d log-odds keeps the
    share 1 − (``swing``² + s²) / d², or nothing where that is below 0: the positive part of James
    and Stein's (1961) shrinkage, with s² the variance of the fit. So a move within the swings of
    a usual year is not followed, a far larger one is nearly whole. Slopes are kept as they are.
    """

    def held(before: Platt, after: Platt, told: _Told) -> Platt:
        move = after.at(told.centre) - before.at(told.centre)
        return after.shifted(_kept(move, swing, told.level) - move)

    return _line_by_line(parent, moved, rows, held)


def held_slopes(parent: Calibration, moved: Calibration, rows: SoFar) -> Calibration:
    """The same for the slope of each line, whose swing is a twentieth; levels stay.

    The level is that at the rows' centre, which tells nothing of the slope.
    """

    def held(before: Platt, after: Platt, told: _Told) -> Platt:
        slope = before.slope + _kept(after.slope - before.slope, SLOPE_SWING, told.slope)
        return Platt(slope, after.at(told.centre) - slope * told.centre)

    return _line_by_line(parent, moved, rows, held)


@dataclass(frozen=True, slots=True)
class _Told:
    """What rows tell of a line's level and slope, and the raw log-odds of their centre."""

    level: float
    slope: float
    centre: float


def _told(line: Platt, rows: SoFar) -> _Told:
    told = information(line.intercept + line.slope * rows.raw, rows.share)
    total = float(told.sum())
    centre = float(told @ rows.raw) / total
    return _Told(total, float(told @ (rows.raw - centre) ** 2), centre)


def _line_by_line(
    parent: Calibration,
    moved: Calibration,
    rows: SoFar,
    held: Callable[[Platt, Platt, _Told], Platt],
) -> Calibration:
    """Each line by its own rows; one without rows, and the common line, by all."""
    lines = {}
    for name, line in moved.product_lines.items():
        here = rows.product_line == name
        mine = rows.take(here) if here.any() else rows
        lines[name] = held(parent.line(name), line, _told(line, mine))
    common = held(parent.common, moved.common, _told(moved.common, rows))
    return Calibration(common.slope, common.intercept, lines)


def _kept(move: float, swing: float, told: float) -> float:
    """What is kept of a move of which the rows hold the information ``told``."""
    if move == 0.0 or told <= 0.0:
        return 0.0
    return move * max(0.0, 1 - (swing**2 + 1 / told) / move**2)
