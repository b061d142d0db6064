"""Observed against expected events (O/E ratio), once a horizon is complete."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from models.dataset.array_types import Floats, Index, Texts
from models.metrics.bootstrap import Interval, Rows

_TAIL = 0.025


@dataclass(frozen=True, slots=True)
class ObservedExpected:
    """One group of rows: leavers expected and observed, and their ratio with its 95 % interval."""

    name: str
    rows: int
    expected: float
    observed: int
    ratio: Interval

    @property
    def rate(self) -> float:
        """Observed share who left."""
        return self.observed / self.rows


def outcome(name: str, rows: Rows, p: Floats) -> ObservedExpected:
    """Labels and probabilities (n,) of n > 0 rows, with a positive sum of ``p``.

    The interval of the ratio is the exact one of a Poisson count (Garwood 1936), with the count
    divided by its design effect: a customer who is in several rows counts about once. The
    ``shocks`` of the rows' months are added as a normal error of the ratio's logarithm: both
    errors are independent, so their squares add up.
    """
    expected, observed = float(p.sum()), int(rows.y.sum())
    effect = _design_effect(rows, p, observed / expected)
    count = observed / effect
    low = float(chi2.ppf(_TAIL, 2 * count)) / 2 if observed else 0.0
    high = float(chi2.ppf(1 - _TAIL, 2 * count + 2)) / 2
    ratio = Interval(observed / expected, low * effect / expected, high * effect / expected)
    if rows.shocks is not None and rows.shocks.swing > 0:
        error = float(norm.isf(_TAIL)) * rows.shocks.deviation(p * (1 - p)) / expected
        ratio = _widened(ratio, error)
    return ObservedExpected(name, len(rows), expected, observed, ratio)


def _widened(ratio: Interval, error: float) -> Interval:
    """The interval of a positive ratio with a second, independent ``error`` of its logarithm.

    A ratio of 0 has no logarithm: there the upper end is moved by the whole error.
    """
    if ratio.value == 0:
        return Interval(0.0, 0.0, ratio.high * math.exp(error))
    low, high = (math.hypot(math.log(end / ratio.value), error) for end in (ratio.low, ratio.high))
    return Interval(ratio.value, ratio.value * math.exp(-low), ratio.value * math.exp(high))


def observed_expected_by(groups: Texts, rows: Rows, p: Floats) -> tuple[ObservedExpected, ...]:
    """The outcome of each group of rows, groups in sorted order; all arrays (n,)."""
    names, codes = np.unique(groups.astype(str), return_inverse=True)
    parts = ((str(name), codes == code) for code, name in enumerate(names))
    return tuple(outcome(name, rows.take(part), p[part]) for name, part in parts)


def tenths(p: Floats, publication: Index) -> Texts:
    """Each row's tenth by risk within its publication, "01" the highest; both (n,).

    Ties are broken by position, so every tenth has the same size but for one row.

    >>> tenths(np.array([0.1, 0.9, 0.5]), np.zeros(3, dtype=int)).tolist()
    ['07', '01', '04']
    """
    risks = pd.Series(-p).groupby(publication)
    part = 10 * (risks.rank(method="first") - 1) // risks.transform("size") + 1
    return part.map("{:02.0f}".format).to_numpy(dtype=object)


def _design_effect(rows: Rows, p: Floats, ratio: float) -> float:
    """Variance of the count summed by customer over its variance with independent rows, ≥ 1."""
    _, codes = np.unique(rows.customer_id.astype(str), return_inverse=True)
    gaps = rows.y - ratio * p
    alone = float((gaps**2).sum())
    if alone == 0:
        return 1.0
    return max(1.0, float((np.bincount(codes, weights=gaps) ** 2).sum()) / alone)
