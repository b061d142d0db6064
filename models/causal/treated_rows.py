"""Choice of the rows that show what happens to customers left alone.

A saved customer counts as a stayer, so learning from the treated teaches that high risk is low; and
leaving them out alone teaches that nobody gets worse, as those who do are treated. Rows are
repeated by the weights of ``models.dataset.exposure``, so that all that learns from them, judges
by them or counts them is weighted alike.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from features.errors import GateError
from models.dataset.array_types import Floats, Index, Labels
from models.dataset.exposure import Exposure, whole_times

Feedback = Literal["weight", "ignore"]

_FEWEST_LEAVERS = 40.0


@dataclass(frozen=True, slots=True)
class UntreatedRows:
    """Rows to learn from, in ascending order, and how they were weighted.

    A row that counts for several appears as often. Of the ``treated`` rows, ``without_lot`` were
    treated where no lot spared anybody; ``held_out`` were spared. ``effective_rows`` and
    ``effective_leavers`` are how many equally weighted ones would say as much.
    """

    rows: Index
    treated: int
    without_lot: int
    held_out: int
    held_out_weight: float
    largest_weight: float
    effective_rows: float
    effective_leavers: float


def select_untreated(exposure: Exposure, days: int | Index, y: Labels) -> UntreatedRows:
    """The rows untreated for ``days`` or until their own end, by weight; ``y`` (n,) is the label.

    Raises ``GateError`` when the leavers that remain say less than 40 would.
    """
    until, weight = exposure.until(days), exposure.weights(days)
    treated = exposure.treated_after < until
    held_out = (exposure.held_out_after < until) & ~treated
    found = UntreatedRows(
        rows=np.repeat(np.arange(len(y)), whole_times(weight, y)),
        treated=int(treated.sum()),
        without_lot=int((treated & ~exposure.by_lot).sum()),
        held_out=int(held_out.sum()),
        held_out_weight=float(weight[held_out].mean()) if held_out.any() else 1.0,
        largest_weight=float(weight.max(initial=0.0)),
        effective_rows=_effective(weight),
        effective_leavers=_effective(weight[y == 1]),
    )
    if treated.any() and found.effective_leavers < _FEWEST_LEAVERS:
        raise GateError(
            f"{found.treated} of {len(y)} rows were treated before their label was complete; the "
            f"leavers among the others say as much as {found.effective_leavers:.0f}, and "
            f"{_FEWEST_LEAVERS:.0f} are needed. Hold out more customers (list.holdout_share), "
            "take in a longer history, or set training.feedback to ignore to learn from treated "
            "customers as if nothing had been done."
        )
    return found


def _effective(weight: Floats) -> float:
    """Kish's effective sample size."""
    square = float((weight**2).sum())
    return float(weight.sum() ** 2 / square) if square > 0 else 0.0
