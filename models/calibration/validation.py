"""Validation of a recalibration by cross-fitting over halves of the customers."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from models.calibration.open_windows import OpenWindowRows, log_loss
from models.calibration.platt import Calibration
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
        """The parent's."""
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
