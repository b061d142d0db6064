"""The leak detector: examples in, findings out."""

from dataclasses import dataclass

from features.timeline import LabelWindow
from models.arrays import Texts
from models.examples import Examples
from models.leak_columns import Alone, Edge, judge, measure
from models.leak_dates import after_as_of
from models.leak_finding import Finding, Limits
from models.leak_order import order_findings
from models.leak_pairs import pair_findings
from models.leak_rows import Binned, Rows, bins_of
from models.leak_values import range_of_leavers, value_of_leavers


def find_leaks(
    examples: Examples,
    window: LabelWindow,
    filed: Texts | None = None,
    limits: Limits | None = None,
) -> tuple[Finding, ...]:
    """Suspected leaks in labelled rows, those that refuse first.

    ``filed`` are the customers' ids in the order of the company's file, if known. A column is
    told once, for the first of these that holds: it dates something after the as-of date; a
    value of it belongs to leavers alone; it alone ranks leavers too well, only inside the label
    window, or the better the longer ago they left; a range of it belongs to leavers alone. Then
    come pairs whose sum or difference ranks too well, and an order of ids or of the file that
    goes by outcome. Without leavers or without stayers nothing is found.
    """
    limits = limits or Limits()
    rows = Rows.of(examples, limits.rows)
    if 0 in (rows.leavers, rows.stayers):
        return ()
    edge = Edge.of(rows, window)
    columns = examples.spec.columns
    seen = [_seen(rows, at, edge, limits) for at in range(len(columns))]
    judged = {f.column: f for f in judge(rows, [each.alone for each in seen], limits)}
    found = [f for each in seen if (f := _first(each, judged.get(each.alone.name)))]
    free = {
        at: each.alone.auc
        for at, each in enumerate(seen)
        if columns[at].kind == "number" and each.alone.auc < limits.alarm
    }
    found += pair_findings(rows, free, limits)
    found += order_findings(rows, filed, limits)
    return tuple(sorted(found, key=lambda finding: not finding.refuses))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one column shows by itself; ``alone`` is judged once all columns are measured."""

    alone: Alone
    dated: Finding | None = None
    value: Finding | None = None
    spread: Finding | None = None


def _seen(rows: Rows, at: int, edge: Edge | None, limits: Limits) -> _Seen:
    column, values = rows.examples.spec.columns[at], rows.examples.x[:, at]
    number = column.kind == "number"
    binned = Binned.of(rows, bins_of(values, category=not number))
    fixed = rows.constant(values)
    spread = None
    if number:
        spread = range_of_leavers(rows, values, binned.code, column.name, limits, fixed=fixed)
    return _Seen(
        alone=measure(rows, binned, column.name, fixed=fixed, edge=edge),
        dated=after_as_of(rows, values, column.name, limits) if number else None,
        value=value_of_leavers(rows, values, column, limits, fixed=fixed),
        spread=spread,
    )


def _first(seen: _Seen, judged: Finding | None) -> Finding | None:
    """The first finding that refuses, else a note, else nothing."""
    order = (seen.dated, seen.value, judged, seen.spread)
    told = [finding for finding in order if finding is not None]
    return min(told, key=lambda finding: not finding.refuses, default=None)
