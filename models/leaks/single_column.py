"""Single-column leak detection.

A leaking column ranks leavers too well; or only inside the label window; or the better, the longer
ago a customer left. The label window's far edge is a choice of the configuration: nothing happens
to a customer on that day. A column made from the label jumps there, and an honest one does not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.timeline import LabelWindow
from models.dataset.array_types import Floats, Index, Mask
from models.leaks.rows import ALARM, FLAT, GAIN, HONEST, Binned, Leak, LeakRows, area, error, limit

_FEWEST_DATES = 6
_FEWEST_LEAVERS = 20
_EDGE = 0.05  # how far above one half the AUC at the label window's end must lie
_UNMEASURED = (float("nan"), float("nan"))


@dataclass(frozen=True, slots=True)
class SingleColumn:
    """What one column reaches; AUCs with their standard errors, NaN where nothing can be seen.

    ``fixed`` says that no customer's value ever changes. ``edge`` is the AUC of customers who
    leave in the last step of the label window over those who leave in the step after it, a
    step being the time between as-of dates; ``neighbour_auc`` that between the steps on either
    side.
    ``oldest`` and ``newest`` are the AUCs within the first and last third of the as-of dates.
    """

    name: str
    fixed: bool
    auc: float
    edge: tuple[float, float] = _UNMEASURED
    neighbour_auc: float = float("nan")
    oldest: tuple[float, float] = _UNMEASURED
    newest: tuple[float, float] = _UNMEASURED


@dataclass(frozen=True, slots=True)
class Edge:
    """Positions of leavers' rows around the window's far edge, by step: two outside, two inside."""

    farther: Index
    outside: Index
    inside: Index
    nearer: Index

    @staticmethod
    def of(rows: LeakRows, window: LabelWindow) -> "Edge | None":
        """The rows around the edge; None when the window holds fewer than two steps."""
        steps = np.diff(rows.days).astype(int)
        if len(steps) == 0 or 2 * np.median(steps) > window.horizon_days:
            return None
        follows = np.r_[False, (np.diff(rows.customer) == 0) & (np.diff(rows.day) == 1)]
        entered = follows & (rows.y == 1) & np.r_[False, rows.y[:-1] == 0]
        inside = np.flatnonzero(entered)
        stayed = follows & (rows.y == 1) & np.r_[False, entered[:-1]]
        before = np.flatnonzero(np.r_[entered[2:], False, False] & np.r_[follows[1:], False])
        return Edge(before[rows.y[before] == 0], inside - 1, inside, np.flatnonzero(stayed))


def measure_column(
    rows: LeakRows, binned: Binned, name: str, *, fixed: bool, edge: Edge | None
) -> SingleColumn:
    """Measure a column; a fixed one against customers who stayed, as it cannot see the edge."""
    auc = binned.auc(against_leavers=not fixed)
    if fixed and len(rows.days) >= _FEWEST_DATES:
        third = rows.day * 3 // len(rows.days)
        old, new = (_within(rows, binned, third == part) for part in (0, 2))
        return SingleColumn(name, fixed, auc, oldest=old, newest=new)
    if fixed or edge is None:
        return SingleColumn(name, fixed, auc)
    at = _contrast(rows, binned, edge.inside, edge.outside)
    outer, _ = _contrast(rows, binned, edge.outside, edge.farther)
    inner, _ = _contrast(rows, binned, edge.nearer, edge.inside)
    return SingleColumn(name, fixed, auc, edge=at, neighbour_auc=(outer + inner) / 2)


def single_column_findings(rows: LeakRows, measures: Sequence[SingleColumn]) -> list[Leak]:
    """Findings on measured columns.

    The stronger a column is alone, the larger its part of the chance that may be spent on false
    findings: a leak that does harm is strong.
    """
    findings = []
    strongest = sorted(measures, key=lambda alone: -alone.auc)
    for place, alone in enumerate(strongest, start=1):
        tests = limit(place * (place + 1))
        low = alone.auc - tests * error(alone.auc, rows.leavers, rows.stayers)
        if alone.auc >= ALARM and low > HONEST:
            findings.append(_too_well(alone, low))
        elif _jumps(alone, tests):
            findings.append(_jump(alone))
        elif alone.oldest[0] - alone.newest[0] > max(
            GAIN, tests * float(np.hypot(alone.oldest[1], alone.newest[1]))
        ):
            findings.append(_frozen(alone))
    return findings


def _jumps(alone: SingleColumn, tests: float) -> bool:
    jump, noise = alone.edge[0] - 0.5, alone.edge[1]
    return jump > max(_EDGE, tests * noise) and jump > 2 * (alone.neighbour_auc - 0.5)


def _too_well(alone: SingleColumn, low: float) -> Leak:
    evidence = {"auc": alone.auc, "auc_low": low, "alarm": ALARM}
    message = f"{alone.name} alone ranks leavers above {ALARM:.2f}"
    if not (alone.fixed or alone.name.startswith(FLAT)):
        message += ": it most likely knows the answer"
        return Leak("knows_label", alone.name, evidence, message)
    message += (
        ", and has one value a customer for all time: it was most likely taken when the customer "
        "left, or tells who did"
    )
    return Leak("measured_at_exit", alone.name, evidence, message)


def _jump(alone: SingleColumn) -> Leak:
    auc, noise = alone.edge
    return Leak(
        "knows_label",
        alone.name,
        {"auc": alone.auc, "edge_auc": auc, "edge_error": noise, "beside_auc": alone.neighbour_auc},
        f"{alone.name} tells customers who leave just before the label window ends from those "
        f"who leave just after it (AUC {auc:.2f}; {alone.neighbour_auc:.2f} a step to either side)"
        ". The window's end is a choice of the configuration, so the column was made from the "
        "label",
    )


def _frozen(alone: SingleColumn) -> Leak:
    old, new = alone.oldest[0], alone.newest[0]
    return Leak(
        "measured_at_exit",
        alone.name,
        {"auc": alone.auc, "auc_oldest_third": old, "auc_newest_third": new},
        f"{alone.name} never changes for a customer and ranks leavers with AUC {old:.2f} in the "
        f"oldest third of the as-of dates but {new:.2f} in the newest: for leavers it seems to "
        "have stopped when they left, for others it went on",
    )


def _contrast(rows: LeakRows, binned: Binned, high: Index, low: Index) -> tuple[float, float]:
    """AUC of some rows over others at the same as-of date, and its error where there is none."""
    counts = [_by_day(rows, binned, which) for which in (high, low)]
    ours, theirs = (table.sum(axis=1) for table in counts)
    pairs = float((ours * theirs).sum())
    if pairs == 0 or min(ours.sum(), theirs.sum()) < _FEWEST_LEAVERS:
        return _UNMEASURED
    spread = float((ours * theirs * (ours + theirs + 1)).sum() / 12)
    return area(counts[0], counts[1]), float(np.sqrt(spread)) / pairs


def _by_day(rows: LeakRows, binned: Binned, which: Index) -> Floats:
    """How many of the rows ``which`` have each rank on each as-of date, (days, ranks)."""
    days, size = len(rows.days), int(binned.rank.max()) + 1
    rank = binned.rank[rows.half[which], binned.code[which]]
    flat = np.bincount(rows.day[which] * size + rank, minlength=days * size)
    return flat.reshape(days, size).astype(np.float64)


def _within(rows: LeakRows, binned: Binned, keep: Mask) -> tuple[float, float]:
    """AUC learned and measured within some rows, and its error."""
    leavers, _ = rows.customers_with(keep & (rows.y == 1))
    if leavers < _FEWEST_LEAVERS:
        return _UNMEASURED
    code, group = binned.code[keep], 2 * rows.y[keep].astype(np.intp)
    auc = Binned.counted(rows.half[keep], code, group, binned.counts.shape[1]).auc()
    return auc, error(auc, leavers, rows.customers_with(keep)[0] - leavers)
