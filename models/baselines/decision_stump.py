"""Decision stump: one split of one feature, a rule that a person could apply by hand."""

from dataclasses import dataclass

import numpy as np

from models.dataset.array_types import Floats, Index, Labels, Matrix
from models.dataset.examples import Examples
from models.dataset.feature_spec import FeatureSpec

_SMOOTHING = 20.0


@dataclass(frozen=True, slots=True)
class Stump:
    """Three leaves of column ``column``: inside, outside and missing, each with its rate.

    Inside is value <= ``cut`` for a number and value == ``cut`` for a category's code.
    ``loss`` is the training log loss.
    """

    column: int
    category: bool
    cut: float
    inside: float
    outside: float
    missing: float
    loss: float

    def probability(self, x: Matrix) -> Floats:
        """The leaf's rate for each row of the encoded matrix, shape (n,)."""
        values = x[:, self.column]
        within = values == self.cut if self.category else values <= self.cut
        known = np.where(within, self.inside, self.outside)
        return np.where(np.isnan(values), self.missing, known)

    def describe(self, spec: FeatureSpec) -> str:
        """The rule in words."""
        column = spec.columns[self.column]
        cut = f"= {column.vocabulary[int(self.cut)]}" if self.category else f"<= {self.cut:.4g}"
        rates = f"{self.inside:.2%}, otherwise {self.outside:.2%}, unknown {self.missing:.2%}"
        return f"{column.name} {cut}: {rates}"


def best_stump(train: Examples) -> Stump:
    """The stump with the least training log loss; the first column and cut among equals.

    Leaf rates are drawn to the base rate as by 20 more rows of it.
    """
    kinds = [column.kind == "category" for column in train.spec.columns]
    stumps = (
        _stump(train.x[:, position], train.y, position, category)
        for position, category in enumerate(kinds)
    )
    return min(stumps, key=lambda stump: stump.loss)


def _stump(values: Matrix, y: Labels, column: int, category: bool) -> Stump:
    base = float(y.mean())
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    cuts, rows, positives = _candidates(values[order], y[order], category)
    total, all_positives = len(order), float(y[order].sum())
    unknown = (len(y) - total, float(y.sum()) - all_positives)
    inside = leaf_rate(positives, rows, base)
    outside = leaf_rate(all_positives - positives, total - rows, base)
    missing = leaf_rate(np.array([unknown[1]]), np.array([unknown[0]]), base)
    losses = _loss(inside, positives, rows)
    losses += _loss(outside, all_positives - positives, total - rows)
    losses += _loss(missing, np.array([unknown[1]]), np.array([unknown[0]]))
    at = int(np.argmin(losses))
    return Stump(
        column,
        category,
        float(cuts[at]),
        float(inside[at]),
        float(outside[at]),
        float(missing[0]),
        float(losses[at] / len(y)),
    )


def _candidates(values: Matrix, y: Labels, category: bool) -> tuple[Matrix, Index, Floats]:
    """Cuts with the rows and positives inside each; a column without values has one empty cut."""
    if len(values) == 0:
        return np.zeros(1, np.float32), np.zeros(1, np.intp), np.zeros(1)
    ends = np.flatnonzero(np.diff(values, append=np.float32(np.inf)) != 0)
    rows, positives = ends + 1, np.cumsum(y, dtype=np.float64)[ends]
    if category:
        rows = np.diff(rows, prepend=0)
        positives = np.diff(positives, prepend=0.0)
    return values[ends], rows, positives


def leaf_rate(positives: Floats, rows: Index, base: float) -> Floats:
    """The rate of each leaf, (k,), drawn to the base rate as by 20 more rows of it.

    >>> leaf_rate(np.array([10.0, 0.0]), np.array([20, 0]), 0.1).tolist()
    [0.3, 0.1]
    """
    return np.asarray((positives + _SMOOTHING * base) / (rows + _SMOOTHING), dtype=np.float64)


def _loss(rate: Floats, positives: Floats, rows: Index) -> Floats:
    inside = np.clip(rate, 1e-15, 1 - 1e-15)
    return -(positives * np.log(inside) + (rows - positives) * np.log1p(-inside))
