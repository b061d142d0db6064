"""Event histories: matrix rows with the outcome and its day, or none known yet."""

from dataclasses import dataclass

import pandas as pd

from models.dataset.array_types import Days, Index, Matrix, RowTable, Texts, rows_of
from models.dataset.exposure import Exposure, by_customer_and_date
from models.dataset.feature_spec import FeatureSpec


@dataclass(frozen=True, slots=True)
class Histories(RowTable):
    """Matrix rows and what came of them, sorted by (customer_id, as_of).

    ``x`` (n, f) is float32 in Fortran order, as ``spec`` encodes it. ``exposure`` has the days
    to the end, below zero when its notice came to be known late, and to a treatment that may have
    changed what followed; ``cause`` (n,) is the outcome's name at the end, else "".
    """

    customer_id: Texts
    as_of: Days
    x: Matrix
    cause: Texts
    exposure: Exposure
    spec: FeatureSpec

    @property
    def ended_after(self) -> Index:
        """Days from the as-of date to the end (n,), ``NEVER`` for none known."""
        return self.exposure.ended_after

    @staticmethod
    def build(frame: pd.DataFrame, spec: FeatureSpec, exposure: Exposure) -> "Histories":
        """Encode and sort ``frame``: customer_id, as_of, features, and cause, null for none known.

        ``exposure`` is that of its rows, sorted.
        """
        order = by_customer_and_date(frame)
        return Histories(
            frame["customer_id"].to_numpy(dtype=object)[order],
            frame["as_of"].to_numpy().astype("datetime64[D]")[order],
            rows_of(spec.encode(frame), order),
            frame["cause"].fillna("").to_numpy(dtype=object)[order],
            exposure,
            spec,
        )
