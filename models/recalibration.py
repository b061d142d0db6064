"""The calibration moved to the newest months whose outcome is known; the boosters stay."""

from dataclasses import dataclass

import numpy as np

from features.errors import GateError
from models.arrays import Days, Floats, Labels, Mask
from models.calibration import Calibration, follow
from models.examples import Examples
from models.splits import customer_folds
from models.swing import USUAL, held_back

ENOUGH = 400
FEWEST = 50


@dataclass(frozen=True, slots=True)
class Check:
    """Parent and candidate on the newest months, which neither the candidate nor its fit saw.

    The candidate of the check is fitted on the months before, and for each half of the
    customers on the other half: label windows of neighbouring months overlap, so a customer's
    notice would else be in the fit and in the check. Shares and mean log loss per row.
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


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """The new calibration, what it was fitted on, and how its way of fitting did out of time."""

    calibration: Calibration
    months: tuple[str, ...]
    rows: int
    leavers: int
    check: Check


def recalibrate(
    parent: Calibration, raw: Floats, examples: Examples, swing: float = USUAL
) -> Recalibrated:
    """Fit on the newest months with 400 leavers together, or on all where they have fewer.

    ``raw`` (n,) are the boosters' log-odds of ``examples``, none of which they learned from. Levels
    are held back as ``held_back`` says; ``swing`` is that of the months they learned from. The
    check is on the newest months with 50 leavers. Raises ``GateError`` when the months before
    those have not 50 leavers too.
    """
    newest = newest_months(examples.as_of, examples.y, FEWEST)
    before = int(examples.y[~newest].sum())
    if min(before, int(examples.y[newest].sum())) < FEWEST:
        raise GateError(
            f"{len(np.unique(examples.as_of))} month(s) that the champion has not learned from "
            f"have a known outcome, with {int(examples.y.sum())} leavers; to recalibrate, the "
            f"newest and the ones before must have {FEWEST} each. Run stille recalibrate again "
            "next month, or learn from these months too: stille train."
        )
    chosen = newest_months(examples.as_of, examples.y, ENOUGH)
    return Recalibrated(
        calibration=_followed(parent, raw, examples, chosen, swing),
        months=_names(examples.as_of[chosen]),
        rows=int(chosen.sum()),
        leavers=int(examples.y[chosen].sum()),
        check=_check(parent, raw, examples, newest, swing),
    )


def newest_months(as_of: Days, y: Labels, leavers: int) -> Mask:
    """The rows of the fewest newest as-of months that have ``leavers`` together; else all."""
    months = as_of.astype("datetime64[M]")
    for first in np.unique(months)[::-1]:
        rows: Mask = months >= first
        if y[rows].sum() >= leavers:
            return rows
    return np.ones(len(y), dtype=bool)


def _check(
    parent: Calibration, raw: Floats, examples: Examples, newest: Mask, swing: float
) -> Check:
    p = np.full(len(examples), np.nan)
    for fold in customer_folds(examples.customer_id, 2):
        earlier = np.flatnonzero(fold.train & ~newest)
        chosen = np.zeros(len(examples), dtype=bool)
        chosen[earlier[newest_months(examples.as_of[earlier], examples.y[earlier], ENOUGH)]] = True
        judged = fold.test & newest
        candidate = _followed(parent, raw, examples, chosen, swing)
        p[judged] = candidate.log_odds(raw[judged], examples.product_line[judged])
    y, ours = examples.y[newest], p[newest]
    theirs = parent.log_odds(raw[newest], examples.product_line[newest])
    return Check(
        months=_names(examples.as_of[newest]),
        rows=len(y),
        leavers=int(y.sum()),
        observed=float(y.mean()),
        predicted=_mean_probability(ours),
        parent_predicted=_mean_probability(theirs),
        log_loss=_log_loss(ours, y),
        parent_log_loss=_log_loss(theirs, y),
    )


def _followed(
    parent: Calibration, raw: Floats, examples: Examples, rows: Mask, swing: float
) -> Calibration:
    lines = examples.product_line[rows]
    moved = follow(parent, raw[rows], lines, examples.y[rows])
    return held_back(parent, moved, raw[rows], lines, swing)


def _mean_probability(log_odds: Floats) -> float:
    return float(np.mean(1 / (1 + np.exp(-log_odds))))


def _log_loss(log_odds: Floats, y: Labels) -> float:
    return float(np.mean(np.logaddexp(0.0, log_odds) - y * log_odds))


def _names(as_of: Days) -> tuple[str, ...]:
    return tuple(map(str, np.unique(as_of.astype("datetime64[M]"))))
