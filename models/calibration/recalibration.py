"""Recalibration: the calibration refitted on the newest months, and cross-fitted checks of it.

Validated by cross-fitting over halves of the customers.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.errors import GateError
from models.calibration.open_windows import OpenWindowRows, fit_level_shift, log_loss
from models.calibration.platt import Calibration, update_calibration
from models.calibration.shrinkage import USUAL_SWING, shrink_levels, shrink_slopes
from models.dataset.array_types import Days, Mask
from models.dataset.splits import customer_folds


@dataclass(frozen=True, slots=True)
class RecalibrationCheck:
    """Parent and candidate on rows that the candidate's fit did not see.

    The candidate of the check is fitted, for each half of the customers, on the other half: label
    windows of neighbouring months overlap, so a customer's notice would else be in the fit and in
    the check. Shares that left, and mean log loss per row, both so far as is known.
    """

    months: tuple[str, ...]
    rows: int
    leavers: int
    observed: float
    predicted: float
    parent_predicted: float
    log_loss: float
    parent_log_loss: float

    @property
    def level_error(self) -> float:
        """|predicted − observed|, as a share."""
        return abs(self.predicted - self.observed)

    @property
    def parent_level_error(self) -> float:
        return abs(self.parent_predicted - self.observed)

    @property
    def failed(self) -> tuple[str, ...]:
        """The rules that refuse the candidate: its log loss or its level error is the greater."""
        rules = {
            "log_loss": self.log_loss > self.parent_log_loss,
            "level_error": self.level_error > self.parent_level_error,
        }
        return tuple(name for name, fails in rules.items() if fails)


def cross_check(
    parent: Calibration, rows: OpenWindowRows, evaluated: Mask, fit: Callable[[Mask], Calibration]
) -> RecalibrationCheck:
    """Evaluate each half of the customers, of the rows ``evaluated`` (n,), by the other's fit.

    ``fit`` gets a mask over ``rows`` with the other half.
    """
    ours = np.full(len(rows), np.nan)
    for fold in customer_folds(rows.customer_id, 2):
        candidate, here = fit(fold.train), fold.test & evaluated
        ours[here] = candidate.log_odds(rows.raw[here], rows.product_line[here])
    evaluated_rows, ours = rows.take(evaluated), ours[evaluated]
    theirs = parent.log_odds(evaluated_rows.raw, evaluated_rows.product_line)
    return RecalibrationCheck(
        months=month_names(evaluated_rows.as_of),
        rows=len(evaluated_rows),
        leavers=int(evaluated_rows.y.sum()),
        observed=float(evaluated_rows.y.mean()),
        predicted=float(np.mean(evaluated_rows.share * expit(ours))),
        parent_predicted=float(np.mean(evaluated_rows.share * expit(theirs))),
        log_loss=log_loss(ours, evaluated_rows.y, evaluated_rows.share),
        parent_log_loss=log_loss(theirs, evaluated_rows.y, evaluated_rows.share),
    )


def month_names(as_of: Days) -> tuple[str, ...]:
    """The months of as-of dates, in order.

    >>> month_names(np.array(["2024-02-01", "2024-01-01"], dtype="datetime64[D]"))
    ('2024-01', '2024-02')
    """
    return tuple(map(str, np.unique(as_of.astype("datetime64[M]"))))


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
        months = (self.months if self.refitted else (), self.level.months if self.level else ())
        return tuple(sorted({*months[0], *months[1]}))

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
    start, used = parent if check.failed else refit, _newest(complete.append(open_rows))
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
