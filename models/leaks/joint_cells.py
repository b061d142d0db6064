"""Joint-cell leak detection: two columns that tell the label only together, as two flags' XOR.

Greedy trees do not see such a pair, as neither column gains anything alone. So all pairs are ranked
by the cells of both columns' bins, out of fold, at once.
"""

from collections.abc import Sequence

import numpy as np

from models.dataset.array_types import Floats, Index, Matrix
from models.dataset.feature_spec import FeatureColumn
from models.leaks.rows import SMOOTHING, Leak, LeakLimits, LeakRows, bins_of, error, limit

_BINS = 5
_BLOCK = 32


def joint_findings(
    rows: LeakRows, alone: Sequence[float], free: Sequence[int], limits: LeakLimits
) -> tuple[Leak, ...]:
    """Findings on pairs of the ``free`` columns (positions), each column in one pair at most.

    ``alone`` holds every column's AUC. A pair is found whose cells rank far better than what its
    columns say one by one, each as it is and both added up in log-odds: honest columns mostly add
    up.
    """
    if len(free) < 2:
        return ()
    part, own = rows.even(), np.array([alone[at] for at in free])
    tests = limit(limits.significance, len(free) ** 2 // 2)
    least = max(limits.gain, tests * error(0.5, part.leavers, part.stayers))
    together, best = _areas(part, free)
    best = np.maximum(best, np.maximum.outer(own, own))
    gains = np.triu(together - best, 1)
    used: set[int] = set()
    findings = []
    for flat in np.argsort(-gains, axis=None, kind="stable")[: int((gains > least).sum())]:
        a, b = divmod(int(flat), len(free))
        if used.isdisjoint((a, b)):
            used.update((a, b))
            first, second = (rows.examples.spec.names[free[at]] for at in (a, b))
            message = (
                f"{first} and {second} tell leavers from others only together, by which values "
                f"meet ({best[a, b]:.2f} without that): they most likely encode the answer"
            )
            evidence = {"auc": float(together[a, b]), "auc_alone": float(best[a, b])}
            findings.append(Leak("only_together", f"{first} & {second}", evidence, message))
    return tuple(findings)


def _areas(part: LeakRows, free: Sequence[int]) -> tuple[Floats, Floats]:
    """AUC (f, f) of each two columns' cells, and of both columns' own rates added up."""
    columns = part.examples.spec.columns
    hot = np.zeros((len(part.y), len(free), _BINS), dtype=np.float32)
    for place, at in enumerate(free):
        hot[np.arange(len(hot)), place, _coarse(part.examples.x[:, at], columns[at])] = 1
    groups = [(part.half == half) & (part.y == label) for half in (0, 1) for label in (0, 1)]
    base, found = float(part.y.mean()), []
    for first in range(0, len(free), _BLOCK):
        counts = np.stack(
            [np.tensordot(hot[g][:, first : first + _BLOCK], hot[g], (0, 0)) for g in groups]
        ).swapaxes(2, 3)
        cells = counts.reshape(2, 2, *counts.shape[1:]).astype(np.float64)
        added = _odds(cells.sum(axis=5), base)[..., None]
        added = added + _odds(cells.sum(axis=4), base)[..., None, :]
        found.append([_area(cells, score) for score in (_odds(cells, base), added)])
    joint, added = (np.concatenate(each) for each in zip(*found, strict=True))
    return joint, added


def _coarse(values: Matrix, column: FeatureColumn) -> Index:
    """Fifths of the rows (n,), by the column's order; a value is never cut."""
    code = bins_of(values, category=column.kind == "category")
    counts = np.bincount(code)
    return np.asarray(((np.cumsum(counts) - counts) * _BINS // len(code))[code])


def _odds(counts: Floats, base: float) -> Floats:
    """Log-odds of leaving in bins (half, …) by the other half's counts (half, label, …)."""
    stayed, left = counts[::-1, 0], counts[::-1, 1]
    return np.log(left + SMOOTHING * base) - np.log(stayed + SMOOTHING * (1 - base))


def _area(cells: Floats, score: Floats) -> Floats:
    """AUC (a, f) of cells (half, label, a, f, k, k) ranked by ``score`` within each half."""
    flat = cells.reshape(*cells.shape[:4], -1)
    order = np.argsort(score.reshape(2, *flat.shape[2:]), axis=-1)
    stayed, left = (np.take_along_axis(flat[:, label], order, -1) for label in (0, 1))
    below = (left * (np.cumsum(stayed, axis=-1) - stayed / 2)).sum(axis=-1)
    pairs = left.sum(axis=-1) * stayed.sum(axis=-1)
    return np.asarray(below.sum(axis=0) / np.maximum(pairs.sum(axis=0), 1))
