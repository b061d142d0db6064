"""Leak search and verdict: every detector, which findings refuse a model, one that is too good."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.timeline import LabelWindow
from models.dataset.array_types import Labels, Matrix, Texts
from models.dataset.examples import Examples
from models.leaks.column_pairs import pair_findings
from models.leaks.exclusive_values import range_of_leavers, value_of_leavers
from models.leaks.future_dates import after_as_of
from models.leaks.row_order import order_findings
from models.leaks.rows import Binned, Leak, LeakLimits, LeakRows, bins_of
from models.leaks.single_column import Edge, SingleColumn, judge_columns, measure_column
from models.metrics.ranking import roc_auc

_BINS = 20
_LISTED = 5


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
        f.column: f for f in judge_columns(rows, [each.alone for each in searched], limits)
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
    """What one column shows by itself; ``alone`` is judged once all columns are measured."""

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


@dataclass(frozen=True, slots=True)
class LeakWarning:
    """Why a model is refused, and the suspected features with the AUC each reaches alone."""

    message: str
    worst: tuple[tuple[str, float], ...]


def refusal(findings: Sequence[Leak], overrides: Mapping[str, str]) -> LeakWarning | None:
    """A warning for the findings that refuse and that no override names, else None.

    ``overrides`` maps a finding's ``column`` to the reason why it is honest.
    """
    left = [f for f in findings if f.refuses and f.column not in overrides]
    if not left:
        return None
    messages = "; ".join(f.message for f in left[:_LISTED])
    if len(left) > _LISTED:
        messages += f"; and {len(left) - _LISTED} more, all in leaks.json"
    many = f"{len(left)} columns give" if len(left) > 1 else f"{left[0].column} gives"
    return LeakWarning(
        f"{many} the answer away: {messages}. Drop what was not known on the as-of date (dropped: "
        "in the configuration, or map its known_at); if it is honest, say why under "
        f"training.leak_override, for example {{{left[0].column!r}: reason}}. Then train again: "
        "stille train.",
        tuple((f.column, float(f.evidence.get("auc", np.nan))) for f in left),
    )


def merge_warnings(first: LeakWarning | None, second: LeakWarning | None) -> LeakWarning | None:
    """One warning that says what either says."""
    if first is None or second is None:
        return first or second
    return LeakWarning(f"{first.message} {second.message}", first.worst + second.worst)


def leak_warning(
    model_auc: float, alarm: float, x: Matrix, y: Labels, names: Sequence[str], *, worst: int = 5
) -> LeakWarning | None:
    """A warning when ``model_auc`` on later rows is above ``alarm``, else None.

    ``x`` (n, f) and ``y`` (n,) are those rows, ``names`` the columns. Published levels on honest
    splits are 0.52 to 0.77.
    """
    if not model_auc > alarm:
        return None
    alone = [single_feature_auc(x[:, column], y) for column in range(x.shape[1])]
    order = np.argsort(-np.array(alone), kind="stable")[:worst]
    worst_columns = tuple((names[i], alone[i]) for i in order)
    names_text = ", ".join(f"{name} ({value:.2f})" for name, value in worst_columns)
    return LeakWarning(
        f"AUC {model_auc:.3f} on unseen rows is above {alarm:.2f}: too good for churn, so some "
        f"feature most likely knows the answer. Strongest alone: {names_text}. Check when each of "
        "these is known (known_at), drop the offender in the configuration (dropped:) and train "
        "again: stille train.",
        worst_columns,
    )


def single_feature_auc(values: Matrix, y: Labels) -> float:
    """AUC of the leaving rate in up to 20 quantile bins of one column, missing being a bin.

    Bins make it blind to direction, bends and the codes of categories. Being measured on the
    rows that gave the rates it flatters a useless column, by about 0.04 at 1,000 leavers.
    """
    known = ~np.isnan(values)
    edges = (
        np.unique(np.quantile(values[known], np.linspace(0, 1, _BINS + 1)[1:-1]))
        if (known.any())
        else np.empty(0)
    )
    bins = np.where(known, np.searchsorted(edges, values, side="left"), len(edges) + 1)
    rows = np.bincount(bins, minlength=len(edges) + 2)
    rate = np.bincount(bins, weights=y, minlength=len(edges) + 2) / np.maximum(rows, 1)
    return roc_auc(y, rate[bins])
