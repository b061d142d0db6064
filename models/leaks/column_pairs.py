"""Column-pair leak detection: sums and differences that predict the label.

A start and a duration make an end.
"""

from collections.abc import Mapping

import numpy as np

from models.dataset.array_types import Floats, Index
from models.leaks.rows import Binned, Leak, LeakLimits, LeakRows, bins_of, error, limit

_STRONGEST = 20
_CLOSE = 0.05
_FEWEST_VALUES = 20
_MOST_PAIRS = 1_500
_SIGNS = {1.0: "+", -1.0: "-"}
_DATES = (-60 * 365.25, 20 * 365.25)


def pair_findings(
    rows: LeakRows, alone: Mapping[int, float], limits: LeakLimits
) -> tuple[Leak, ...]:
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
    tests = limit(limits.significance, 2 * len(wide) ** 2)
    suspects = []
    for a, b, sign in _candidates(part, values, wide, alone):
        auc, best = _combined(part, values[a] + sign * values[b]), max(dated[a], dated[b])
        low = auc - tests * error(auc, part.leavers, part.stayers)
        if auc >= max(limits.alarm, best + limits.gain) and low > limits.honest:
            suspects.append((auc, low, best, (a, b), sign))
    used: set[int] = set()
    findings = []
    for auc, low, best, pair, sign in sorted(suspects, key=lambda each: (-each[0], each[3:])):
        if used.isdisjoint(pair):
            used.update(pair)
            first, second = (rows.examples.spec.names[at] for at in pair)
            findings.append(_finding(f"{first} {_SIGNS[sign]} {second}", auc, low, best))
    return tuple(findings)


def _finding(name: str, auc: float, low: float, best: float) -> Leak:
    return Leak(
        "adds_up",
        name,
        {"auc": auc, "auc_low": low, "auc_alone": best},
        f"{name} ranks leavers far above the better of the two alone ({best:.2f}): together they "
        "most likely give the day of leaving",
    )


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
    best = _auc(part, values)
    middle = np.nanmedian(values) if np.isfinite(values).any() else np.nan
    if day[0] + _DATES[0] <= middle <= day[-1] + _DATES[1] and len(part.days) > 1:
        best = max(best, _auc(part, values - day))
    return best


def _auc(part: LeakRows, values: Floats) -> float:
    code: Index = bins_of(values.astype(np.float32), category=False)
    return Binned.of(part, code).auc()
