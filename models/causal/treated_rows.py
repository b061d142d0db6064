"""Exposure to treatment and inverse-probability-of-censoring weights (IPCW).

A customer who was contacted and stayed says nothing of what would have happened otherwise, so
such rows are left out. Where treatment is common, the rest are biased: the risky ones are rare
among them, and early leavers too many, as who leaves at once cannot be treated later. Each then
counts for the treated ones like it, by one over the chance of having stayed untreated until the
end of its window, or its own end.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from features.errors import GateError
from models.dataset.array_types import Floats, Index, Labels, Mask, Texts
from models.dataset.histories import by_customer_and_date, days_after
from models.dataset.splits import customer_share

Feedback = Literal["exclude_treated", "weight", "ignore"]

RARE = 0.05
"""Share treated, in any band, up to which leaving the treated out is enough."""
MOST_WEIGHT = 20.0
_FEWEST_LEAVERS = 40.0


@dataclass(frozen=True, slots=True)
class Exposure:
    """Days from the as-of date to what happened to each row (n,), ``NEVER`` for nothing known.

    ``end_days`` is lead and horizon together: later days change no label.
    """

    ended_after: Index
    treated_after: Index
    held_out_after: Index
    end_days: int

    @staticmethod
    def build(frame: pd.DataFrame, end_days: int) -> "Exposure":
        """From columns as_of, ended_on, treated_on, held_out_on, sorted as ``Examples`` are."""
        order = by_customer_and_date(frame)
        as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
        names = ("ended_on", "treated_on", "held_out_on")
        ended, treated, held_out = (days_after(as_of, frame[name])[order] for name in names)
        return Exposure(ended, treated, held_out, end_days)

    @property
    def last_day(self) -> Index:
        """Days until the row's own end or the label window's, whichever comes first."""
        return np.minimum(self.ended_after, self.end_days)

    @property
    def treated(self) -> Mask:
        """Rows treated before that."""
        return self.treated_after < self.last_day


@dataclass(frozen=True, slots=True)
class UnconfoundedRows:
    """Rows to learn from, in ascending order, and how they were chosen.

    A row that counts for several appears as often. ``effective_rows`` and ``effective_leavers``
    are how many equally weighted ones would say as much; ``unmatched`` rows were treated in
    bands where nobody stayed untreated, so nothing can be learned of them.
    """

    rows: Index
    how: Feedback
    treated: int
    held_out: int
    largest_weight: float
    effective_rows: float
    effective_leavers: float
    unmatched: int


def select_untreated(
    how: Feedback, exposure: Exposure, y: Labels, customer_id: Texts, bands: Index
) -> UnconfoundedRows:
    """Choose the rows that show what happens to customers left alone.

    ``bands`` (n,) groups rows that were about equally likely to be treated. With
    ``exclude_treated`` the untreated rows are enough while treatment is rare in every band; else,
    and with ``weight``, they are repeated by weight. Raises ``GateError`` when the leavers that
    remain say less than 40 would.
    """
    treated = exposure.treated
    weight = np.ones(len(y))
    if how == "ignore" or not treated.any():
        return _fair(exposure, y, customer_id, weight, how, 0)
    common = max(float(treated[bands == band].mean()) for band in np.unique(bands)) > RARE
    weight[treated] = 0.0
    unmatched = 0
    if how == "weight" or common:
        how = "weight"
        untreated = untreated_until(exposure, bands)
        weight[~treated] = np.minimum(1 / untreated[~treated], MOST_WEIGHT)
        alone = [band for band in np.unique(bands) if treated[bands == band].all()]
        unmatched = int(np.isin(bands, alone).sum())
    fair = _fair(exposure, y, customer_id, weight, how, unmatched)
    if fair.effective_leavers < _FEWEST_LEAVERS:
        raise GateError(
            f"{int(treated.sum())} of {len(y)} rows were treated before their label was complete; "
            f"the leavers among the others say as much as {fair.effective_leavers:.0f}, and "
            f"{_FEWEST_LEAVERS:.0f} are needed. Hold out more customers (arm holdout in the "
            "treatments), take in a longer history, or set training.feedback to ignore to learn "
            "from treated customers as if nothing had been done."
        )
    return fair


def untreated_until(exposure: Exposure, bands: Index) -> Floats:
    """Chance of a row's band to have stayed untreated until the row's end, (n,).

    Kaplan and Meier's estimate within each band: treatment is the event, an own end censors.
    """
    out = np.ones(len(bands))
    for band in np.unique(bands):
        rows = np.flatnonzero(bands == band)
        until, treated = exposure.last_day[rows], exposure.treated[rows]
        day = np.where(treated, exposure.treated_after[rows], until)
        days, events = np.unique(day[treated], return_counts=True)
        ordered = np.sort(day)
        at_risk = len(day) - np.searchsorted(ordered, days, side="left")
        left = np.concatenate([[1.0], np.cumprod(1 - events / at_risk)])
        out[rows] = left[np.searchsorted(days, until, side="left")]
    return out


def _fair(
    exposure: Exposure,
    y: Labels,
    customer_id: Texts,
    weight: Floats,
    how: Feedback,
    unmatched: int,
) -> UnconfoundedRows:
    times = np.floor(weight + customer_share(customer_id, "feedback")).astype(np.int64)
    return UnconfoundedRows(
        rows=np.repeat(np.arange(len(y)), times),
        how=how,
        treated=int(exposure.treated.sum()),
        held_out=int((exposure.held_out_after < exposure.last_day).sum()),
        largest_weight=float(weight.max()),
        effective_rows=_effective(weight),
        effective_leavers=_effective(weight[y == 1]),
        unmatched=unmatched,
    )


def _effective(weight: Floats) -> float:
    """Kish's effective sample size."""
    square = float((weight**2).sum())
    return float(weight.sum() ** 2 / square) if square > 0 else 0.0
