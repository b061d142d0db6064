"""Intervals by customers, from a cluster bootstrap or of a mean, and the common shocks of months.

A customer's rows count together, as do the shocks that the rows of a month share: no resampling of
customers shows these. Resampling months as well (Cameron, Gelbach and Miller 2011) needs dozens of
them. Three test months whose label windows overlap are hardly two independent ones, so the swing is
that of the months learned from, as a parametric bootstrap draws it (Davison and Hinkley 1997, 3.8).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from models.dataset.array_types import Days, Floats, Labels, RowTable, Texts


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
        return np.exp(rng.multivariate_normal(none, covariance, replicates, method="eigh"))

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


@dataclass(frozen=True, slots=True)
class Rows(RowTable):
    """Rows to measure on (n,), and what the interval of every figure of them depends on.

    ``y`` are their labels, ``replicates`` is how often a bootstrap draws, ``shocks`` are those of
    the rows' months; None: months do not swing.
    """

    customer_id: Texts
    y: Labels
    replicates: int = 200
    shocks: MonthShocks | None = None


_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """A value on the sample and its 95 % interval, which always contains it."""

    value: float
    low: float
    high: float

    def __format__(self, form: str) -> str:
        """The value with its interval, each as ``form``.

        >>> f"{Interval(0.5, 0.25, 0.75):.2f}"
        '0.50 (0.25 to 0.75)'
        """
        return f"{self.value:{form}} ({self.low:{form}} to {self.high:{form}})"


def draws(
    customer_id: Texts, replicates: int, shocks: MonthShocks | None = None
) -> Iterator[Floats]:
    """Row weights (r, n) of ``replicates`` replicates, a batch at a time to bound memory.

    Each replicate draws every customer Poisson(1) times with all its rows, and tilts the leavers'
    weights by the ``shocks`` of their dates. The draws depend on the ids and the dates
    only: every measure of the same rows sees the same ones.
    """
    _, codes = np.unique(customer_id.astype(str), return_inverse=True)
    rng, months = np.random.default_rng(0), np.random.default_rng((0, 1))
    customers = int(codes.max()) + 1
    batch = max(1, _CELLS // len(codes))
    for start in range(0, replicates, batch):
        size = (min(batch, replicates - start), customers)
        weights = rng.poisson(1.0, size).astype(np.float64)[:, codes]
        if shocks is not None:
            shocks.tilt(weights, shocks.odds(len(weights), months))
        yield weights


def interval(value: float, draws: Floats) -> Interval:
    """The 2.5th to 97.5th percentile of the finite draws, widened to contain ``value``.

    Weibull's (1939) percentiles, beyond which another draw lies 2.5 times in a hundred however few
    there are: the usual ones of 200 draws leave out 3.

    >>> interval(0.5, np.array([1.0, 2.0, np.nan]))
    Interval(value=0.5, low=0.5, high=2.0)
    """
    finite = draws[np.isfinite(draws)]
    if len(finite) == 0:
        return Interval(value, value, value)
    low, high = np.quantile(finite, [0.025, 0.975], method="weibull")
    return Interval(value, min(float(low), value), max(float(high), value))


def bootstrap(statistic: Callable[[Floats], Floats], rows: Rows) -> Interval:
    """The interval of ``statistic``, which maps row weights (r, n) to a value a replicate, (r,)."""
    value = float(statistic(np.ones((1, len(rows))))[0])
    drawn = draws(rows.customer_id, rows.replicates, rows.shocks)
    replicated = [statistic(weights) for weights in drawn]
    return interval(value, np.concatenate([np.empty(0), *replicated]))


def mean_interval(
    values: Floats, customer_id: Texts, alpha: float = 0.05, common: float = 0.0
) -> Interval:
    """Mean of one value a row, (n,), with its two-sided 1 − ``alpha`` normal interval.

    A customer's rows are not independent, so their deviations are summed before they are squared
    (Liang & Zeger 1986). Unlike a bootstrap's few hundred draws it reaches any ``alpha``.
    ``common`` is the standard deviation of what moves the mean beside the customers' own chance.

    >>> ids = np.array(["a", "a", "b", "b"])
    >>> print(f"{mean_interval(np.array([1.0, 1.0, 3.0, 3.0]), ids):.2f}")
    2.00 (0.61 to 3.39)
    """
    _, codes = np.unique(customer_id.astype(str), return_inverse=True)
    mean = float(values.mean())
    by_customer = np.bincount(codes, weights=values - mean)
    variance = float((by_customer**2).sum()) / len(values) ** 2 + common**2
    half = -float(ndtri(alpha / 2)) * variance**0.5
    return Interval(mean, mean - half, mean + half)
