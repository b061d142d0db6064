"""Cluster bootstrap: intervals from resampling customers, and from the swing of months.

A customer's rows are drawn together, as are the shocks that the rows of a month share.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

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


def draws(
    customer_id: Texts, replicates: int, seed: int = 0, shocks: Shocks = None
) -> Iterator[Floats]:
    """Row weights (r, n) of ``replicates`` replicates, a batch at a time to bound memory.

    Each replicate draws every customer Poisson(1) times with all its rows, and tilts the leavers'
    weights by the ``shocks`` of their dates. The draws depend on the ids, the dates and the seed
    only: every measure of the same rows sees the same ones.
    """
    _, codes = np.unique(customer_id.astype(str), return_inverse=True)
    rng, months = np.random.default_rng(seed), np.random.default_rng((seed, 1))
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
    seed: int = 0,
    value: float | None = None,
    shocks: Shocks = None,
) -> Interval:
    """The interval of ``statistic``, which maps row weights (r, n) to a value a replicate, (r,).

    ``value`` is that on the sample; without it the statistic of rows that all weigh 1.
    """
    if value is None:
        value = float(statistic(np.ones((1, len(customer_id))))[0])
    replicated = [statistic(weights) for weights in draws(customer_id, replicates, seed, shocks)]
    return interval(value, np.concatenate([np.empty(0), *replicated]))


def paired_bootstrap(
    first: Callable[[Floats], Floats],
    second: Callable[[Floats], Floats],
    customer_id: Texts,
    replicates: int = 200,
    seed: int = 0,
    shocks: Shocks = None,
) -> Interval:
    """The interval of ``first`` minus ``second``, two statistics as in ``bootstrap``, same draws.

    >>> def first(weights): return weights @ np.array([1.0, 3.0])
    >>> paired_bootstrap(first, first, np.array(["a", "b"]))
    Interval(value=0.0, low=0.0, high=0.0)
    """

    def gap(weights: Floats) -> Floats:
        return first(weights) - second(weights)

    return bootstrap(gap, customer_id, replicates, seed, shocks=shocks)
