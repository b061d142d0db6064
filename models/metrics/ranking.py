"""Ranking metrics for many weightings of the same rows at once.

Rows are sorted and tied scores grouped once; a weighting (a bootstrap replicate) then costs a
few cumulative sums. Tied rows share what falls to their group in proportion to their weight,
so no metric depends on the order of rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Floats, Index, Labels


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows by falling score: ``order`` (n,), where each tied group starts, labels in order."""

    order: Index
    starts: Index
    y: Floats

    @staticmethod
    def of(y: Labels, score: Floats) -> "Ranked":
        """Sort ``score`` (n,) with its labels ``y`` (n,)."""
        order, starts = descending(score)
        return Ranked(order, starts, y[order].astype(np.float64))


@dataclass(frozen=True, slots=True)
class Counts:
    """Weight by tied group and replicate: positives, everything, and both from the top, (r, g).

    The cumulative sums have a leading zero, (r, g + 1).
    """

    positive: Floats
    every: Floats
    positive_above: Floats
    every_above: Floats


def descending(score: Floats) -> tuple[Index, Index]:
    """Positions by falling score (n,), ties as they stand, and where each tied group starts.

    >>> order, starts = descending(np.array([0.1, 0.7, 0.7]))
    >>> order.tolist(), starts.tolist()
    ([1, 2, 0], [0, 2])
    """
    order = np.argsort(-score, kind="stable")
    return order, np.flatnonzero(np.diff(score[order], prepend=np.inf) != 0)


def roc_auc(y: Labels, score: Floats) -> float:
    """Area under the ROC curve of unweighted rows (n,); NaN when a class is absent.

    >>> roc_auc(np.array([1, 0, 0], dtype=np.int8), np.array([0.9, 0.9, 0.1]))
    0.75
    """
    return float(auc(count(Ranked.of(y, score), np.ones((1, len(y)))))[0])


def auc_difference(y: Labels, first: Floats, second: Floats) -> Callable[[Floats], Floats]:
    """AUC of ``first`` minus that of ``second``, (n,), as a function of row weights (r, n)."""
    a, b = (Ranked.of(y, score) for score in (first, second))
    return lambda w: auc(count(a, w[:, a.order])) - auc(count(b, w[:, b.order]))


def count(ranked: Ranked, weights: Floats) -> Counts:
    """Count ``weights`` (r, n), which are already in the ranked order."""
    positive = np.add.reduceat(weights * ranked.y, ranked.starts, axis=1)
    every = np.add.reduceat(weights, ranked.starts, axis=1)
    return Counts(positive, every, cumulative_sums(positive), cumulative_sums(every))


def auc(counts: Counts) -> Floats:
    """Area under the ROC curve per replicate, (r,); NaN when a class is absent."""
    positives = counts.positive_above[:, -1]
    negatives = counts.every_above[:, -1] - positives
    negative = counts.every - counts.positive
    below = negatives[:, None] - (counts.every_above - counts.positive_above)[:, 1:]
    wins = (counts.positive * (below + negative / 2)).sum(axis=1)
    return _ratio(wins, positives * negatives)


def average_precision(counts: Counts) -> Floats:
    """Mean precision at each positive, without interpolation, (r,); NaN without positives."""
    precision = np.nan_to_num(_ratio(counts.positive_above[:, 1:], counts.every_above[:, 1:]))
    return _ratio((counts.positive * precision).sum(axis=1), counts.positive_above[:, -1])


def recall_at(counts: Counts, shares: tuple[float, ...]) -> Floats:
    """Share of the positives within the top ``shares`` of all weight, (r, len(shares)).

    A tied group that straddles the cut counts by the part of it above the cut.
    """
    captured = [
        np.interp(np.array(shares) * every[-1], every, positive)
        for every, positive in zip(counts.every_above, counts.positive_above, strict=True)
    ]
    return _ratio(np.array(captured), counts.positive_above[:, -1:])


def cumulative_sums(groups: Floats) -> Floats:
    """Sums from the left, (r, g + 1) of (r, g): each row begins with 0."""
    out = np.zeros((groups.shape[0], groups.shape[1] + 1))
    np.cumsum(groups, axis=1, out=out[:, 1:])
    return out


def _ratio(part: Floats, whole: Floats) -> Floats:
    shape = np.broadcast_shapes(part.shape, whole.shape)
    out: Floats = np.full(shape, np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out
