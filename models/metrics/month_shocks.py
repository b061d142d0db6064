"""Common shocks of months: what all customers share, and no resampling of customers shows.

Resampling months as well (Cameron, Gelbach and Miller 2011) needs dozens of them. Three test
months whose label windows overlap are hardly two independent ones, so the swing is that of the
months learned from, as a parametric bootstrap draws it (Davison and Hinkley 1997, section 3.8).
"""

from dataclasses import dataclass
from typing import Optional, TypeAlias

import numpy as np

from models.dataset.array_types import Days, Floats, Labels, RowTable

Shocks: TypeAlias = Optional["MonthShocks"]


@dataclass(frozen=True, slots=True)
class MonthShocks(RowTable):
    """The shocks to the log-odds of leaving that rows (n,) share with others of their as-of date.

    Each is normal with standard deviation ``swing`` (log-odds). Two dates are correlated by the
    share of ``horizon_days`` that their label windows have in common, as two means over windows
    of independent daily shocks are. ``as_of`` (datetime64[D]) and ``y`` are the rows' own.
    """

    as_of: Days
    y: Labels
    swing: float
    horizon_days: int

    def odds(self, replicates: int, rng: np.random.Generator) -> Floats:
        """What the odds of leaving are multiplied by in each replicate, (replicates, dates)."""
        covariance = self._covariance()
        none = np.zeros(len(covariance))
        drawn = rng.multivariate_normal(none, covariance, replicates, method="eigh")
        return np.asarray(np.exp(drawn), dtype=np.float64)

    def tilt(self, weights: Floats, odds: Floats) -> None:
        """Multiply the ``weights`` (r, n) of leavers by the ``odds`` (r, dates), in place.

        By Bayes' rule that shifts the log-odds of every row of a date by its shock.
        """
        left = np.flatnonzero(self.y)
        weights[:, left] *= odds[:, np.unique(self.as_of, return_inverse=True)[1][left]]

    def deviation(self, moves: Floats) -> float:
        """Standard deviation of a sum over rows of ``moves`` (n,) times each one's shock.

        >>> days = np.array(["2024-01-01", "2024-01-31"], dtype="datetime64[D]")
        >>> shocks = MonthShocks(days, np.ones(2, dtype=np.int8), swing=0.3, horizon_days=60)
        >>> round(shocks.deviation(np.array([1.0, 1.0])), 3)  # 0.3 · √(1 + 1 + 2 · 30 / 60)
        0.52
        """
        sums = np.bincount(np.unique(self.as_of, return_inverse=True)[1], weights=moves)
        return float(np.sqrt(sums @ self._covariance() @ sums))

    def _covariance(self) -> Floats:
        dates = np.unique(self.as_of)
        apart = np.abs(np.subtract.outer(dates, dates)).astype("timedelta64[D]").astype(float)
        shared: Floats = np.maximum(1 - apart / self.horizon_days, 0)
        return self.swing**2 * shared
