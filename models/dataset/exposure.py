"""Treatment exposure of matrix rows: weights that show what happens to customers left alone.

Who was treated tells nothing of what would have happened otherwise, so such rows weigh nothing.
Where a lot spared some of those who were then to be treated, each of these stands for the others
(Horvitz and Thompson 1952, with the share that was spared as it was counted, Hájek 1971). A
treatment without a lot censors: who remains weighs one over the chance of having stayed untreated
until the end of its own time (Robins and Finkelstein 2000).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.dataset.array_types import Days, Floats, Index, Labels, Mask, Matrix, RowTable

NEVER = np.iinfo(np.int32).max
"""Days to what is not known to have happened."""
MOST_WEIGHT = 20.0
STEP_DAYS = 30


@dataclass(frozen=True, slots=True)
class Exposure(RowTable):
    """Days from each row's as-of date (n,) to its end and to treatment, ``NEVER`` for none known.

    Days to a lot are negative where it was drawn before the as-of date. ``held_out_after`` counts
    to the first day on which the lot spared the customer, who then stands for ``held_out_for``
    (n,) customers. ``by_lot`` says whether the first treatment was drawn against such. ``hazard``
    (n, k) is the cumulative hazard of a treatment without a lot by 30, 60, … days; k is 0 where
    there was none.
    """

    ended_after: Index
    treated_after: Index
    by_lot: Mask
    held_out_after: Index
    held_out_for: Floats
    hazard: Matrix

    @staticmethod
    def untreated(ended_after: Index) -> "Exposure":
        """Rows of which nobody was treated."""
        size = len(ended_after)
        never, nobody = np.full(size, NEVER, dtype=np.int64), np.zeros(size, dtype=bool)
        return Exposure(ended_after, never, nobody, never, np.ones(size), no_hazard(size))

    def until(self, days: int | Index) -> Index:
        """Days until the row's own end or ``days``, whichever comes first, (n,)."""
        return np.minimum(self.ended_after, days)

    def weights(self, days: int | Index) -> Floats:
        """How much each row counts (n,) for what happened within ``days``, at most 20.

        Nothing if it was treated before its end and before that; as much as all who were to be
        treated when the lot spared it; one over its chance to have stayed untreated otherwise.
        """
        until = self.until(days)
        weight = np.where(self.held_out_after < until, self.held_out_for, 1.0)
        weight = np.minimum(weight * np.exp(self._hazard(until)), MOST_WEIGHT)
        return np.where(self.treated_after < until, 0.0, weight)

    def _hazard(self, until: Index) -> Floats:
        """The cumulative hazard at ``until`` (n,), linear within each step."""
        size, steps = self.hazard.shape
        if steps == 0:
            return np.zeros(size)
        known = np.column_stack([np.zeros(size), self.hazard])
        step = np.clip(until / STEP_DAYS, 0, steps)
        low = np.minimum(step.astype(np.int64), steps - 1)
        at = np.arange(size)
        return np.asarray(known[at, low] + (step - low) * (known[at, low + 1] - known[at, low]))


def no_hazard(size: int) -> Matrix:
    """The ``hazard`` of rows none of which was treated without a lot."""
    return np.empty((size, 0), dtype=np.float32, order="F")


def whole_times(weight: Floats, group: Index | Labels) -> Index:
    """How often each row is repeated, (n,), so that every group of rows keeps its weight.

    Systematic rounding of the running total, group by group and row by row: any run of rows of a
    group is off by less than 1.

    >>> whole_times(np.array([0.5, 0.0, 1.5, 1.0]), np.zeros(4, dtype=int)).tolist()
    [1, 0, 1, 1]
    """
    order = np.argsort(group, kind="stable")
    total = np.floor(np.cumsum(weight[order]) + 0.5).astype(np.int64)
    times = np.empty(len(weight), dtype=np.int64)
    times[order] = np.diff(total, prepend=0)
    return times


def by_customer_and_date(frame: pd.DataFrame) -> Index:
    """Positions of ``frame``'s rows sorted by (customer_id, as_of), as ``Examples`` sorts them."""
    codes, _ = pd.factorize(frame["customer_id"].to_numpy(dtype=object), sort=True)
    as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
    return np.asarray(np.lexsort((as_of, codes)), dtype=np.intp)


def days_after(as_of: Days, day: "pd.Series[pd.Timestamp]") -> Index:
    """Days from each as-of date (n,) to ``day``, ``NEVER`` where that is null."""
    known = day.notna().to_numpy(dtype=bool)
    days = day.to_numpy().astype("datetime64[D]")
    after = np.full(len(as_of), NEVER, dtype=np.int64)
    after[known] = (days[known] - as_of[known]).astype(np.int64)
    return after
