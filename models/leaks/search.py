"""Leak search: every detector over labelled examples."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from features.timeline import LabelWindow
from models.dataset.array_types import Texts
from models.dataset.examples import Examples
from models.leaks.column_pairs import joint_findings, pair_findings
from models.leaks.exclusive_values import range_of_leavers, value_of_leavers
from models.leaks.future_dates import after_as_of
from models.leaks.lag import lag_findings
from models.leaks.row_order import order_findings
from models.leaks.rows import ALARM, FLAT, GAIN, Binned, Leak, LeakRows, bins_of
from models.leaks.single_column import Edge, SingleColumn, measure_column, single_column_findings

# Kinds that honest columns of an undated table can show too, if they foretell leaving well.
_BY_STRENGTH = ("knows_label", "measured_at_exit", "leavers_only", "adds_up", "only_together")
_SIGN = re.compile(r" [+&-] ")


def find_leaks(
    examples: Examples,
    window: LabelWindow,
    filed: Texts | None = None,
    tables: Mapping[str, Sequence[str]] = MappingProxyType({}),
    most: int = 200_000,
) -> tuple[Leak, ...]:
    """Suspected leaks in labelled rows, those that refuse first and of these the strongest.

    ``filed`` are the customers' ids in the order of the company's file, if known. A column is
    told once, for the first of these that holds: it dates something after the as-of date; a
    value of it belongs to leavers alone; it alone ranks leavers too well, only inside the label
    window, or the better the longer ago they left; a range of it belongs to leavers alone. What
    the whole column shows goes before a value that explains little of it. There are also pairs
    whose sum, difference or meeting values rank too well, an order of ids or of the file that goes
    by outcome, and what else ranks too well shortly before the notice only; ``tables`` names what a
    column is made of. Of more than ``most`` rows, those of a share of the customers are examined.
    Without leavers or without stayers nothing is found.
    """
    rows = LeakRows.of(examples, most)
    if 0 in (rows.leavers, rows.stayers):
        return ()
    edge = Edge.of(rows, window)
    columns = examples.spec.columns
    searched = [_search_column(rows, at, edge) for at in range(len(columns))]
    singles = [alone for alone, _ in searched]
    by_column = {f.column: f for f in single_column_findings(rows, singles)}
    findings = []
    for alone, (dated, value, spread) in searched:
        whole = by_column.get(alone.name)
        findings += _strongest(alone, (dated, value, whole, spread), whole)
    free = {
        at: alone.auc
        for at, alone in enumerate(singles)
        if columns[at].kind == "number" and alone.auc < ALARM
    }
    findings += pair_findings(rows, free)
    others = [at for at, column in enumerate(columns) if column.name not in _columns_of(findings)]
    findings += joint_findings(rows, [alone.auc for alone in singles], others)
    findings += lag_findings(rows, tables, _columns_of(findings))
    findings += order_findings(rows, filed)
    if examples.single_date:
        findings = [replace(finding, undated=_undated(finding)) for finding in findings]
    return ranked(findings)


def ranked(findings: Iterable[Leak]) -> tuple[Leak, ...]:
    """Those that refuse first, of these the strongest; what is equally strong by name."""
    return tuple(sorted(findings, key=lambda f: (not f.refuses, -f.strength, f.column)))


def _columns_of(findings: Iterable[Leak]) -> set[str]:
    return {name for finding in findings for name in _SIGN.split(finding.column)}


def _undated(finding: Leak) -> bool:
    flat = all(name.startswith(FLAT) for name in _columns_of([finding]))
    return flat and finding.kind in _BY_STRENGTH


def _strongest(alone: SingleColumn, order: Iterable[Leak | None], whole: Leak | None) -> list[Leak]:
    """The finding that a column is told for, if any, with the most that the column reaches."""
    suspected = sorted((f for f in order if f is not None), key=lambda f: not f.refuses)
    if not suspected:
        return []
    told = suspected[0]
    if whole and told.kind == "leavers_only" and whole.strength > told.strength + GAIN:
        told = whole
    auc = max(told.strength, alone.auc)
    return [replace(told, evidence={**told.evidence, "auc": auc})]


def _search_column(
    rows: LeakRows, at: int, edge: Edge | None
) -> tuple[SingleColumn, tuple[Leak | None, Leak | None, Leak | None]]:
    """A column measured, and its findings by date, by value and by range."""
    column, values = rows.examples.spec.columns[at], rows.examples.x[:, at]
    number = column.kind == "number"
    binned = Binned.of(rows, bins_of(values, category=not number))
    fixed = rows.constant(values)
    alone = measure_column(rows, binned, column.name, fixed=fixed, edge=edge)
    value = value_of_leavers(rows, values, column, fixed=fixed)
    if not number:
        return alone, (None, value, None)
    dated = after_as_of(rows, values, column.name)
    spread = range_of_leavers(rows, values, binned.code, column.name, fixed=fixed)
    return alone, (dated, value, spread)
