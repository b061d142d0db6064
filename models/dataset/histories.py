"""Event histories: matrix rows with the outcome and its day, or none known yet."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.dataset.array_types import Days, Index, Mask, Matrix, Texts, rows_of, take_rows
from models.dataset.feature_spec import FeatureSpec

NEVER = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Histories:
    """Matrix rows and what came of them, sorted by (customer_id, as_of).

    ``x`` (n, f) is float32 in Fortran order, as ``spec`` encodes it. ``ended_after`` (n,) counts
    the days from the as-of date to the end, below zero when its notice came to be known late,
    ``NEVER`` for none known; ``cause`` (n,) is the outcome's name then, else "".
    ``treated_after`` (n,) counts the days to a treatment that may have changed what followed,
    ``NEVER`` for none.
    """

    customer_id: Texts
    as_of: Days
    x: Matrix
    ended_after: Index
    cause: Texts
    treated_after: Index
    spec: FeatureSpec

    def __len__(self) -> int:
        return len(self.as_of)

    def take(self, keep: Mask) -> "Histories":
        """The rows under a mask."""
        return take_rows(self, keep)

    @staticmethod
    def build(frame: pd.DataFrame, spec: FeatureSpec) -> "Histories":
        """Encode and sort ``frame``: customer_id, as_of, features, ended_on, cause, treated_on.

        Days are datetime64 and null, like the cause, where nothing is known.
        """
        customer = frame["customer_id"].to_numpy(dtype=object)
        as_of = frame["as_of"].to_numpy().astype("datetime64[D]")
        order = by_customer_and_date(frame)
        return Histories(
            customer[order],
            as_of[order],
            rows_of(spec.encode(frame), order),
            days_after(as_of, frame["ended_on"])[order],
            frame["cause"].fillna("").to_numpy(dtype=object)[order],
            days_after(as_of, frame["treated_on"])[order],
            spec,
        )


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
