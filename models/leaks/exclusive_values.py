"""Exclusive-value leak detection: values that only leavers have.

Such a value is filled in, cleared or overwritten when somebody leaves.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from scipy.stats import binom

from models.dataset.array_types import Index, Mask, Matrix
from models.dataset.feature_spec import FeatureColumn
from models.leaks.rows import SIGNIFICANCE, Binned, Leak, LeakRows

_PURE = 0.9
_PURE_ROWS = 0.8
_FEWEST = 10
_SHARE = 0.01
_PATTERNS = 50
_GROUP = 30
_RISE = 2.0
_CHANCE = 0.001

_Pattern = tuple[str, Mask]


def value_of_leavers(
    rows: LeakRows, values: Matrix, column: FeatureColumn, *, fixed: bool
) -> Leak | None:
    """A finding when one value, being known or being missing belongs to leavers alone.

    Leavers are customers who leave at any time if the column is ``fixed`` (never changes for a
    customer), else those whose label is 1 when the value is first seen: a customer with open
    cases may honestly leave a year later. Nine of ten customers with it must be leavers, one in
    a hundred leavers must have it, and that must be more than chance allows if half of those
    who would have stayed had left: the sites of one company, say, may honestly leave together.
    A number that changes is also spared when leaving already rises towards that value.
    """
    patterns = _values(values, _leaver(rows, fixed=fixed), column)
    ordered = values if column.kind == "number" and not fixed else None
    return _widest(rows, patterns, column.name, ordered, fixed=fixed)


def range_of_leavers(
    rows: LeakRows, values: Matrix, code: Index, name: str, *, fixed: bool
) -> Leak | None:
    """As ``value_of_leavers`` for the bins ``code`` (n,) of a number."""
    patterns = _ranges(values, code, _leaver(rows, fixed=fixed))
    return _widest(rows, patterns, name, None if fixed else values, fixed=fixed)


def _leaver(rows: LeakRows, *, fixed: bool) -> Mask:
    return rows.left if fixed else rows.y == 1


def _values(values: Matrix, leaver: Mask, column: FeatureColumn) -> Iterator[_Pattern]:
    known = ~np.isnan(values)
    if not known.all():
        yield "is known", known
        yield "is missing", ~known
    for value in _repeated(values, leaver):
        shown = column.vocabulary[int(value)] if column.kind == "category" else f"{value:g}"
        yield f"is {shown}", values == value


def _repeated(values: Matrix, leaver: Mask) -> Matrix:
    """Values that leavers' rows repeat and others' rows hardly hold."""
    theirs = values[leaver]
    repeated, times = np.unique(theirs[~np.isnan(theirs)], return_counts=True)
    repeated, times = repeated[times >= _FEWEST], times[times >= _FEWEST]
    if len(repeated) == 0:
        return repeated
    other = values[~leaver]
    at = np.minimum(np.searchsorted(repeated, other), len(repeated) - 1)
    elsewhere = np.bincount(at[repeated[at] == other], minlength=len(repeated))
    return np.asarray(repeated[times >= _PURE_ROWS * (times + elsewhere)])


def _ranges(values: Matrix, code: Index, leaver: Mask) -> Iterator[_Pattern]:
    known = ~np.isnan(values)
    every = np.bincount(code[known])
    theirs = np.bincount(code[known & leaver], minlength=len(every))
    for at in np.flatnonzero((theirs >= _FEWEST) & (theirs >= _PURE_ROWS * every)):
        pattern = known & (code == at)
        low, high = float(values[pattern].min()), float(values[pattern].max())
        yield f"lies between {low:g} and {high:g}", pattern


def _widest(
    rows: LeakRows, patterns: Iterable[_Pattern], name: str, ordered: Matrix | None, *, fixed: bool
) -> Leak | None:
    """The finding with most leavers; of an ``ordered`` number (n,), none that ends a slope."""
    findings, leaver = [], _leaver(rows, fixed=fixed)
    base = float(leaver.mean())
    for description, pattern in patterns:
        customers, left = rows.customers_with(pattern, leaver)
        if left < max(_FEWEST, _SHARE * rows.leavers, _PURE * customers):
            continue
        chance = float(binom.sf(left - 1, customers, (1 + base) / 2))
        if chance * len(rows.examples.spec.columns) * _PATTERNS > SIGNIFICANCE:
            continue
        if ordered is not None and _continues_slope(rows, ordered, pattern, leaver):
            continue
        auc = Binned.of(rows, pattern.astype(np.intp)).auc(against_leavers=not fixed)
        evidence = {"auc": auc, "customers": customers, "leavers": left, "share_of_rows": base}
        message = (
            f"{name} {description} for {customers:,} customers, of whom {left:,} leave (usual: "
            f"{base:.0%}): it seems to be written when somebody leaves"
        )
        findings.append(Leak("leavers_only", name, evidence, message))
    return max(findings, key=lambda finding: finding.evidence["leavers"], default=None)


def _continues_slope(rows: LeakRows, values: Matrix, pattern: Mask, leaver: Mask) -> bool:
    """Whether leaving rises towards the rows in ``pattern`` (n,) from one side of a number.

    Many open cases may honestly be the end of a slope: with each more, a larger share leaves. A
    value that is written at exit stands alone: its neighbours leave as everybody does.

    The nearest ``_GROUP`` rows on that side must leave twice as often as all rows, by more than
    chance, and more often than the next ones; and the step to ``pattern`` must be no longer than
    that side is wide.
    """
    theirs = values[pattern]
    if np.isnan(theirs).any():
        return False
    below, above = theirs.min() - values, values - theirs.max()
    return any(_rises(rows, distance, leaver) for distance in (below, above))


def _rises(rows: LeakRows, distance: Matrix, leaver: Mask) -> bool:
    side = distance > 0
    steps = np.sort(distance[side])
    if len(steps) < 2 * _GROUP:
        return False
    near = side & (distance <= steps[_GROUP - 1])
    farther = steps[int(near.sum()) :]
    if len(farther) < _GROUP or steps[0] > steps[-1] - steps[0]:
        return False
    following = side & ~near & (distance <= farther[_GROUP - 1])
    customers, left = rows.customers_with(near, leaver)
    others, left_there = rows.customers_with(following, leaver)
    base = float(leaver.mean())
    steeper = left / customers > max(_RISE * base, left_there / others)
    return bool(steeper and binom.sf(left - 1, customers, base) < _CHANCE)
