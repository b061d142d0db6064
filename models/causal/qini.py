"""Qini curve and coefficient: leavers that a ranking saves beyond contacting at random.

The curve is Radcliffe's (2007): after the first k customers of the ranking, the leavers that the
holdout among them would have had in the treated's number, minus those that the treated had. The
coefficient is the area between the curve and the straight line to its end, per customer; 0 for a
ranking that says nothing of the effect. Equal scores are one step, straight between its ends.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from models.dataset.array_types import Floats, Mask, Texts
from models.metrics.bootstrap import Interval, bootstrap, paired_bootstrap
from models.metrics.ranking import cumulative_sums, descending


@dataclass(frozen=True, slots=True)
class QiniCurve:
    """Leavers retained per customer of all, by the share contacted; both (g + 1,), from 0 at 0."""

    share: Floats
    gain: Floats

    @property
    def coefficient(self) -> float:
        """Area above the straight line to the curve's end, in leavers retained per customer."""
        return float(_area(self.share[np.newaxis], self.gain[np.newaxis])[0])


def qini_curve(left: Mask, treat: Mask, score: Floats) -> QiniCurve:
    """The curve of a ranking by ``score`` (n,), highest first; ``left`` and ``treat`` are (n,).

    Where the first customers hold nobody out, nothing counts as kept or lost yet but what the
    treated lost.
    """
    share, gain = _curves(left, treat, score, np.ones((1, len(left))))
    return QiniCurve(share[0], gain[0])


def qini(
    left: Mask, treat: Mask, score: Floats, customer_id: Texts, replicates: int = 200, seed: int = 0
) -> Interval:
    """The coefficient with an interval from a bootstrap over customers."""
    statistic = partial(_coefficients, left, treat, score)
    return bootstrap(statistic, customer_id, replicates, seed)


def qini_gain(
    left: Mask,
    treat: Mask,
    score: Floats,
    reference: Floats,
    customer_id: Texts,
    replicates: int = 200,
    seed: int = 0,
) -> Interval:
    """The coefficient of ``score`` minus that of ``reference``; both see the same draws."""
    first, second = (partial(_coefficients, left, treat, each) for each in (score, reference))
    return paired_bootstrap(first, second, customer_id, replicates, seed)


def _coefficients(left: Mask, treat: Mask, score: Floats, weights: Floats) -> Floats:
    return _area(*_curves(left, treat, score, weights))


def _curves(left: Mask, treat: Mask, score: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Share and kept after each group of equal scores, (r, g + 1), for row weights (r, n)."""
    order, starts = descending(score)
    sums = [
        cumulative_sums(np.add.reduceat(weights[:, order] * rows[order], starts, axis=1))
        for rows in (treat, treat & left, ~treat, ~treat & left)
    ]
    treated, treated_left, held_out, held_out_left = sums
    ratio = np.divide(treated, held_out, out=np.zeros_like(treated), where=held_out > 0)
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return (treated + held_out) / total, (held_out_left * ratio - treated_left) / total


def _area(share: Floats, gain: Floats) -> Floats:
    """Area between each curve (r, g + 1) and the line from 0 to its end, (r,)."""
    under = np.trapezoid(gain, share, axis=1)
    return np.asarray(under - gain[:, -1] * share[:, -1] / 2, dtype=np.float64)
