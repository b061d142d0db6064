"""Column-pair leak detection: sums and differences that predict the label, and joint cells.

A start and a duration make an end. Two columns that tell the label only together, as two flags'
XOR, are not seen by greedy trees, as neither gains anything alone: so all pairs are ranked by the
cells of both columns' bins, out of fold, at once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from models.dataset.array_types import Floats, Index, Matrix
from models.dataset.feature_spec import FeatureColumn
from models.leaks.rows import ALARM, GAIN, HONEST, SMOOTHING, Leak, LeakRows, bins_of, error, limit

_STRONGEST = 20
_CLOSE = 0.05
_FEWEST_VALUES = 20
_MOST_PAIRS = 1_500
_SIGNS = {1.0: "+", -1.0: "-"}
_DATES = (-60 * 365.25, 20 * 365.25)
_BINS = 5
_BLOCK = 32


def pair_findings(rows: LeakRows, alone: Mapping[int, float]) -> tuple[Leak, ...]:
    """Findings on sums and differences of number columns, each column in one pair at most.

    ``alone`` holds the AUC of each column (by position) that may take part. Tried are all pairs
    of the strongest, and those whose sum or difference hardly varies among leavers or among
    stayers compared with its parts. A pair is found when its AUC is beyond what an honest column
    reaches and far above both parts.
    """
    part = rows.even()
    values = {at: part.examples.x[:, at].astype(np.float64) for at in alone}
    wide = [at for at in alone if _varies(values[at], part)]
    dated = {at: max(alone[at], _combined(part, values[at])) for at in wide}
    tests = limit(2 * len(wide) ** 2)
    suspects = []
    for a, b, sign in _candidates(part, values, wide, alone):
        auc, best = _combined(part, values[a] + sign * values[b]), max(dated[a], dated[b])
        low = auc - tests * error(auc, part.leavers, part.stayers)
        if auc >= max(ALARM, best + GAIN) and low > HONEST:
            suspects.append((auc, low, best, (a, b), sign))
    findings = []
    for auc, low, best, pair, sign in sorted(suspects, key=lambda each: (-each[0], each[3:])):
        first, second = (rows.examples.spec.names[at] for at in pair)
        name = f"{first} {_SIGNS[sign]} {second}"
        message = (
            f"{name} ranks leavers far above the better of the two alone ({best:.2f}): together "
            "they most likely give the day of leaving"
        )
        evidence = {"auc": auc, "auc_low": low, "auc_alone": best}
        findings.append((pair, Leak("adds_up", name, evidence, message)))
    return tuple(_one_a_column(findings))


def _one_a_column(findings: Iterable[tuple[tuple[int, int], Leak]]) -> Iterator[Leak]:
    """The first finding of each column, by the positions of the two of each."""
    used: set[int] = set()
    for pair, finding in findings:
        if used.isdisjoint(pair):
            used.update(pair)
            yield finding


def _varies(values: Floats, part: LeakRows) -> bool:
    positive = values[part.y == 1]
    known = positive[~np.isnan(positive)]
    return len(known) >= 0.5 * len(positive) and len(np.unique(known)) >= _FEWEST_VALUES


def _candidates(
    part: LeakRows, values: Mapping[int, Floats], wide: list[int], alone: Mapping[int, float]
) -> list[tuple[int, int, float]]:
    """(column, column, sign) to try: pairs of the strongest, then the closest of the others."""
    if len(wide) < 2:
        return []
    matrix = np.column_stack([values[at] for at in wide])
    ratio = np.minimum(_left_over(matrix[part.y == 1]), _left_over(matrix[part.y == 0]))
    strong = np.argsort([-alone[at] for at in wide], kind="stable")[:_STRONGEST]
    ratio[:, strong[:, None], strong] -= 2
    closest = np.argwhere(np.triu(ratio <= _CLOSE, 1))
    order = np.argsort(ratio[tuple(closest.T)], kind="stable")[:_MOST_PAIRS]
    return [(wide[a], wide[b], (1.0, -1.0)[sign]) for sign, a, b in closest[order].tolist()]


def _left_over(matrix: Floats) -> Floats:
    """Variance of each sum and each difference relative to its parts', (2, f, f)."""
    known = ~np.isnan(matrix)
    mean = np.where(known, matrix, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, matrix - mean, 0.0)
    covariance = centred.T @ centred / np.maximum(known.T.astype(float) @ known, 1)
    total = np.add.outer(np.diag(covariance), np.diag(covariance))
    share = np.divide(2 * covariance, total, out=np.zeros_like(total), where=total > 0)
    return np.stack([1 + share, 1 - share])


def _combined(part: LeakRows, values: Floats) -> float:
    """AUC of a combination as it stands or, if it is a date, counted from the as-of date."""
    day = part.days[part.day].astype(np.float64)
    best = part.auc_of(values)
    middle = np.nanmedian(values) if np.isfinite(values).any() else np.nan
    if day[0] + _DATES[0] <= middle <= day[-1] + _DATES[1] and len(part.days) > 1:
        best = max(best, part.auc_of(values - day))
    return best


def joint_findings(rows: LeakRows, alone: Sequence[float], free: Sequence[int]) -> tuple[Leak, ...]:
    """Findings on pairs of the ``free`` columns (positions), each column in one pair at most.

    ``alone`` holds every column's AUC. A pair is found whose cells rank far better than what its
    columns say one by one, each as it is and both added up in log-odds: honest columns mostly add
    up.
    """
    if len(free) < 2:
        return ()
    part, own = rows.even(), np.array([alone[at] for at in free])
    tests = limit(len(free) ** 2 // 2)
    least = max(GAIN, tests * error(0.5, part.leavers, part.stayers))
    together, best = _areas(part, free)
    best = np.maximum(best, np.maximum.outer(own, own))
    gains = np.triu(together - best, 1)
    findings = []
    for flat in np.argsort(-gains, axis=None, kind="stable")[: int((gains > least).sum())]:
        a, b = divmod(int(flat), len(free))
        first, second = (rows.examples.spec.names[free[at]] for at in (a, b))
        message = (
            f"{first} and {second} tell leavers from others only together, by which values "
            f"meet ({best[a, b]:.2f} without that): they most likely encode the answer"
        )
        evidence = {"auc": float(together[a, b]), "auc_alone": float(best[a, b])}
        findings.append(((a, b), Leak("only_together", f"{first} & {second}", evidence, message)))
    return tuple(_one_a_column(findings))


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
