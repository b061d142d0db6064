"""Leak search: every detector over labelled examples."""

from dataclasses import dataclass

from features.timeline import LabelWindow
from models.dataset.array_types import Texts
from models.dataset.examples import Examples
from models.leaks.column_pairs import pair_findings
from models.leaks.exclusive_values import range_of_leavers, value_of_leavers
from models.leaks.future_dates import after_as_of
from models.leaks.row_order import order_findings
from models.leaks.rows import Binned, Leak, LeakLimits, LeakRows, bins_of
from models.leaks.single_column import Edge, SingleColumn, measure_column, single_column_findings


def find_leaks(
    examples: Examples,
    window: LabelWindow,
    filed: Texts | None = None,
    limits: LeakLimits | None = None,
) -> tuple[Leak, ...]:
    """Suspected leaks in labelled rows, those that refuse first.

    ``filed`` are the customers' ids in the order of the company's file, if known. A column is
    told once, for the first of these that holds: it dates something after the as-of date; a
    value of it belongs to leavers alone; it alone ranks leavers too well, only inside the label
    window, or the better the longer ago they left; a range of it belongs to leavers alone. Then
    come pairs whose sum or difference ranks too well, and an order of ids or of the file that
    goes by outcome. Without leavers or without stayers nothing is found.
    """
    limits = limits or LeakLimits()
    rows = LeakRows.of(examples, limits.rows)
    if 0 in (rows.leavers, rows.stayers):
        return ()
    edge = Edge.of(rows, window)
    columns = examples.spec.columns
    searched = [_search_column(rows, at, edge, limits) for at in range(len(columns))]
    by_column = {
        f.column: f for f in single_column_findings(rows, [each.alone for each in searched], limits)
    }
    findings = []
    for each in searched:
        order = (each.dated, each.value, by_column.get(each.alone.name), each.spread)
        suspected = [leak for leak in order if leak is not None]
        findings += sorted(suspected, key=lambda leak: not leak.refuses)[:1]
    free = {
        at: each.alone.auc
        for at, each in enumerate(searched)
        if columns[at].kind == "number" and each.alone.auc < limits.alarm
    }
    findings += pair_findings(rows, free, limits)
    findings += order_findings(rows, filed, limits)
    return tuple(sorted(findings, key=lambda finding: not finding.refuses))


@dataclass(frozen=True, slots=True)
class _ColumnFindings:
    """What one column shows by itself; ``alone`` is evaluated once all columns are measured."""

    alone: SingleColumn
    dated: Leak | None = None
    value: Leak | None = None
    spread: Leak | None = None


def _search_column(
    rows: LeakRows, at: int, edge: Edge | None, limits: LeakLimits
) -> _ColumnFindings:
    column, values = rows.examples.spec.columns[at], rows.examples.x[:, at]
    number = column.kind == "number"
    binned = Binned.of(rows, bins_of(values, category=not number))
    fixed = rows.constant(values)
    spread = None
    if number:
        spread = range_of_leavers(rows, values, binned.code, column.name, limits, fixed=fixed)
    return _ColumnFindings(
        alone=measure_column(rows, binned, column.name, fixed=fixed, edge=edge),
        dated=after_as_of(rows, values, column.name, limits) if number else None,
        value=value_of_leavers(rows, values, column, limits, fixed=fixed),
        spread=spread,
    )
