"""How far a level may be moved when levels swing from month to month by themselves."""

import numpy as np

from models.arrays import Days, Floats, Labels
from models.calibration import Calibration, Platt
from models.logit import logit
from models.sofar import SoFar, information

USUAL = 0.15


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


def held_back(parent: Calibration, moved: Calibration, rows: SoFar, swing: float) -> Calibration:
    """``moved`` with the level of each line drawn back to the parent's where it proves little.

    ``rows`` are those that ``moved`` was fitted on. A level that moved by d log-odds keeps the
    share 1 − (``swing``² + s²) / d², or nothing where that is below 0: the positive part of James
    and Stein's (1961) shrinkage, with s² the variance of the fit. So a move within the swings of
    a usual year is not followed, a far larger one is nearly whole. Slopes are kept as they are.
    """

    def held(before: Platt, after: Platt, raw: Floats, share: Floats) -> Platt:
        z = after.intercept + after.slope * raw
        told = information(z, share)
        total = float(told.sum())
        move = float(told @ (z - before.intercept - before.slope * raw)) / total
        doubt = swing**2 + 1 / total
        return after.shifted(-move * min(1.0, doubt / move**2) if move else 0.0)

    lines = {}
    for name, line in moved.product_lines.items():
        here = rows.product_line == name
        mine = rows.take(here) if here.any() else rows
        lines[name] = held(parent.line(name), line, mine.raw, mine.share)
    common = held(parent.common, moved.common, rows.raw, rows.share)
    return Calibration(common.slope, common.intercept, lines)
