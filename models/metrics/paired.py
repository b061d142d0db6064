"""Paired difference of two scores on the same rows: its mean, with an interval by customers."""

import numpy as np
from scipy.special import ndtri

from models.dataset.array_types import Floats, Texts
from models.metrics.bootstrap import Interval


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
