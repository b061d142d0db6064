"""Recalibration: the calibration refitted on the newest months, and cross-fitted checks of it."""

from dataclasses import dataclass

import numpy as np

from features.errors import GateError
from models.calibration.open_windows import OpenWindowRows, fit_level_shift
from models.calibration.platt import Calibration, update_calibration
from models.calibration.shrinkage import USUAL_SWING, shrink_levels, shrink_slopes
from models.calibration.validation import RecalibrationCheck, cross_check, month_names
from models.dataset.array_types import Mask

ENOUGH = 400
FEWEST = 50


@dataclass(frozen=True, slots=True)
class Recalibration:
    """The new calibration, what it was fitted on, and how its ways of fitting did.

    ``months``, ``rows`` and ``leavers`` are those of the refit on complete months, and ``check``
    evaluates it on the newest of them. ``level`` evaluates the level that open months have moved,
    on the rows that moved it; None without open months.
    """

    calibration: Calibration
    months: tuple[str, ...]
    rows: int
    leavers: int
    check: RecalibrationCheck
    level: RecalibrationCheck | None = None

    @property
    def refitted(self) -> bool:
        """Whether the calibration holds the refit; else it is the parent's with another level."""
        return self.level is None or not self.check.failed

    @property
    def calibrated_on(self) -> tuple[str, ...]:
        """The months that the calibration comes from."""
        months = {
            *(self.months if self.refitted else ()),
            *(self.level.months if self.level else ()),
        }
        return tuple(sorted(months))

    @property
    def failed(self) -> tuple[str, ...]:
        """The rules that refuse the calibration."""
        if self.level is None:
            return self.check.failed
        return tuple(f"newest_{name}" for name in self.level.failed)


def recalibrate(
    parent: Calibration,
    complete: OpenWindowRows,
    swing: float = USUAL_SWING,
    open_rows: OpenWindowRows | None = None,
) -> Recalibration:
    """Fit on the newest months with 400 leavers together, or on all where they have fewer.

    The boosters learned from no row here. Slopes and levels are shrunk by
    ``models.calibration.shrinkage``; ``swing`` is that of the months that they learned from. The
    check is on the newest ``complete`` months with 50 leavers, the check's fit on those before.

    ``open_rows`` are of months whose label window is still open. They teach no slope. Together
    with complete rows, the newest with 400 leavers and a whole window's time, they move the level:
    from the refit, or from the parent where the check refuses the refit. Raises ``GateError`` when
    the months before the newest have not 50 leavers too.
    """
    newest = newest_months(complete, FEWEST)
    once = complete.y / complete.copies
    if min(round(once[~newest].sum()), round(once[newest].sum())) < FEWEST:
        raise GateError(
            f"{len(np.unique(complete.as_of))} month(s) that the champion has not learned from "
            f"have a known outcome, with {once.sum():.0f} leavers; to recalibrate, the "
            f"newest and the ones before must have {FEWEST} each. Run stille recalibrate again "
            "next month, or learn from these months too: stille train."
        )
    chosen = _newest(complete)
    refit = _refit(parent, chosen)

    def shrunk_refit(half: Mask) -> Calibration:
        rows = _newest(complete.take(half & ~newest))
        return shrink_levels(parent, _refit(parent, rows), rows, swing)

    def levelled(rows: OpenWindowRows) -> Calibration:
        z = start.log_odds(rows.raw, rows.product_line)
        shifted = start.shifted(fit_level_shift(z, rows.y, rows.share))
        return shrink_levels(parent, shifted, rows, swing)

    check = cross_check(parent, complete, newest, shrunk_refit)
    fitted_on = (month_names(chosen.as_of), len(chosen), int(chosen.y.sum()), check)
    if open_rows is None:
        return Recalibration(shrink_levels(parent, refit, chosen, swing), *fitted_on)
    start, used = parent if check.failed else refit, _newest(complete.joined(open_rows))
    every = np.ones(len(used), dtype=bool)
    level = cross_check(parent, used, every, lambda half: levelled(used.take(half)))
    return Recalibration(levelled(used), *fitted_on, level)


def _refit(parent: Calibration, rows: OpenWindowRows) -> Calibration:
    updated = update_calibration(parent, rows.raw, rows.product_line, rows.y)
    return shrink_slopes(parent, updated, rows)


def newest_months(rows: OpenWindowRows, leavers: int) -> Mask:
    """The fewest newest as-of months with ``leavers`` together and a whole window; else all rows.

    The shares of open months must add up to 1: a fortnight's notices, however many, are no level.
    A leaver who is there several times, to count for several, is one.
    """
    months, whole, left = rows.as_of.astype("datetime64[M]"), 0.0, rows.y / rows.copies
    for first in np.unique(months)[::-1]:
        whole += float(rows.share[months == first].mean())
        newest: Mask = months >= first
        if whole >= 1 and round(left[newest].sum()) >= leavers:
            return newest
    return np.ones(len(rows), dtype=bool)


def _newest(rows: OpenWindowRows) -> OpenWindowRows:
    return rows.take(newest_months(rows, ENOUGH))
