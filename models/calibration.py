"""From raw log-odds to probabilities one can count on."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from features.errors import GateError
from models.arrays import Floats, Labels
from models.logit import fit_intercept, fit_line


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibrated log-odds = intercept + slope · raw; contributions scale by the slope."""

    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, raw: Floats) -> Floats:
        """Calibrated log-odds, float64, shape of ``raw``."""
        return self.intercept + self.slope * raw

    def apply(self, raw: Floats) -> Floats:
        """Probabilities, float64, shape of ``raw``."""
        return np.asarray(expit(self.log_odds(raw)), dtype=np.float64)


def fit_platt(raw: Floats, y: Labels) -> Calibration:
    """Slope and intercept of maximum likelihood, with the smoothed targets of Platt (1999).

    Where the scores do not rank at all (a slope of zero or below), turning them upside down
    would hide it: only the level is corrected, and the promotion gate sees the bad slope.
    Raises ``GateError`` when only one class is present.
    """
    positives, negatives = _both(y)
    target = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    intercept, slope = fit_line(raw, target)
    return Calibration(slope, intercept) if slope > 0 else fit_shift(raw, y)


def fit_shift(raw: Floats, y: Labels) -> Calibration:
    """Slope 1 and the intercept at which the mean probability equals the observed rate.

    Raises ``GateError`` when only one class is present.
    """
    _both(y)
    return Calibration(1.0, fit_intercept(raw, y.astype(np.float64)))


def _both(y: Labels) -> tuple[int, int]:
    positives = int(y.sum())
    if positives in (0, len(y)):
        raise GateError(
            f"All {len(y)} calibration rows have the same label. Take in a longer history, or "
            "check how outcomes are mapped: stille check."
        )
    return positives, len(y) - positives
