"""Intervals by customers, from a cluster bootstrap or of a mean, and from the swing of months.

A customer's rows count together, as do the shocks that the rows of a month share.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from models.dataset.array_types import Floats, Texts
from models.metrics.month_shocks import Shocks

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


def draws(customer_id: Texts, replicates: int, shocks: Shocks = None) -> Iterator[Floats]:
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

    >>> interval(0.5, np.array([1.0, 2.0, np.nan]))
    Interval(value=0.5, low=0.5, high=1.975)
    """
    finite = draws[np.isfinite(draws)]
    if len(finite) == 0:
        return Interval(value, value, value)
    low, high = np.quantile(finite, [0.025, 0.975])
    return Interval(value, min(float(low), value), max(float(high), value))


def bootstrap(
    statistic: Callable[[Floats], Floats],
    customer_id: Texts,
    replicates: int = 200,
    shocks: Shocks = None,
) -> Interval:
    """The interval of ``statistic``, which maps row weights (r, n) to a value a replicate, (r,)."""
    value = float(statistic(np.ones((1, len(customer_id))))[0])
    replicated = [statistic(weights) for weights in draws(customer_id, replicates, shocks)]
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
